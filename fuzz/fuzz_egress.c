/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_egress.c - the URL of a proxy, and the list of NO_PROXY. What is accepted, written again
 * without its login, means the same; a refusal touches nothing. SHP-3. */
#include "egress/way.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_way(struct str text)
{
    struct egress_way w = {.host = "untouched"}, again;
    struct fault why = {.code = OK};
    struct egress_name name;

    if (egress_way_parse(text, &w, &why) != OK) {
        assert(why.code != OK && why.what != NULL && strcmp(w.host, "untouched") == 0);
        return;
    }
    name = egress_way_name(&w);
    assert(strlen(w.host) <= TUNNEL_NAME_MAX && strlen(w.password) <= TUNNEL_NAME_MAX);
    assert(egress_way_parse(str_z(name.z), &again, NULL) == OK);
    assert(again.user[0] == '\0' && again.password[0] == '\0');
    memcpy(again.user, w.user, sizeof again.user);
    memcpy(again.password, w.password, sizeof again.password);
    assert(egress_way_eq(&w, &again));
}

/* Lines: a URL, a list, a host. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of((const char *)data, size);
    struct str list;

    read_way(str_cut(&in, '\n'));
    list = str_cut(&in, '\n');
    egress_bypasses(list, in, 443);
    assert(egress_bypasses(S("*"), in, 443));
    return 0;
}
