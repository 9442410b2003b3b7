/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* ways.c - which variable applies, and its list. Must not know what is done with them. */
#include "app/ways.h"

#include "base/mem.h"
#include "net/addr.h"

static bool is_on_this_machine(struct str host)
{
    union net_addr a;

    return addr_parse(host, &a) ? addr_is_loopback(&a) : addr_is_localhost(host);
}

/* As curl has it: HTTPS_PROXY for https alone, ALL_PROXY where nothing else is said. */
static const char *variable_for(const struct config *c, const struct origin *o)
{
    if (is_on_this_machine(o->host) || egress_bypasses(c->no_proxy, o->host, o->port))
        return NULL;
    if (o->https && c->https_proxy.n > 0)
        return "HTTPS_PROXY";
    return c->all_proxy.n > 0 ? "ALL_PROXY" : NULL;
}

enum err ways_add(struct ways *w, struct str text, size_t *ret, struct fault *why)
{
    struct egress_way one;
    enum err err = egress_way_parse(text, &one, why);
    size_t i = 0;

    if (err != OK)
        return err;
    while (i < w->n && !egress_way_eq(&w->v[i], &one))
        i++;
    if (i == WAYS_MAX)
        err = fault_set(why, E_RANGE, "is one more than there may be", NULL);
    else if (i == w->n)
        w->v[w->n++] = one;
    egress_way_wipe(&one);
    if (err == OK)
        *ret = i;
    return err;
}

enum err ways_init(struct ways *w, const struct config *c, const struct origin *upstream,
                   struct buf *problem)
{
    const char *variable = variable_for(c, upstream);
    struct str rest;
    size_t number = 0;

    *w = (struct ways){.v = mem_zalloc(WAYS_MAX * sizeof *w->v)};
    if (variable == NULL)
        return OK;
    rest = secret_str(*variable == 'H' ? &c->https_proxy : &c->all_proxy);
    while (rest.n > 0) {
        struct str one = str_trim(str_cut(&rest, ','));
        struct fault why = {0};
        size_t at;

        number++;
        if (one.n > 0 && ways_add(w, one, &at, &why) != OK) {
            buf_putf(problem, "%s: entry %zu %s", variable, number, why.what);
            return why.code;
        }
    }
    w->nshared = w->n;
    return OK;
}

void ways_fini(struct ways *w)
{
    for (size_t i = 0; i < w->n; i++)
        egress_way_wipe(&w->v[i]);
    mem_free(w->v);
    *w = (struct ways){0};
}
