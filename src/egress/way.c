/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* way.c - the URL of a proxy. Its text may hold a password: nothing here repeats it. */
#include "egress/way.h"
#include "base/secret.h"
#include "net/addr.h"

#include <stdio.h>

static const struct {
    struct str scheme;
    enum tunnel_kind kind;
    bool tls;
    uint16_t port;
} SCHEMES[] = {
    {S_INIT("http://"),    TUNNEL_HTTP,   false, 80  },
    {S_INIT("https://"),   TUNNEL_HTTP,   true,  443 },
    {S_INIT("socks5://"),  TUNNEL_SOCKS5, false, 1080},
    {S_INIT("socks5h://"), TUNNEL_SOCKS5, false, 1080},
    {S_INIT("socks://"),   TUNNEL_SOCKS5, false, 1080},
};

static enum err bad(struct fault *why, const char *what)
{
    return fault_set(why, E_SYNTAX, what, NULL);
}

static enum err take_scheme(struct str *text, struct egress_way *w, struct fault *why)
{
    w->kind = TUNNEL_HTTP;
    w->port = 80;
    if (str_find(*text, S("://")) == text->n)
        return OK;
    for (size_t i = 0; i < NELEM(SCHEMES); i++)
        if (str_starts_nocase(*text, SCHEMES[i].scheme)) {
            w->kind = SCHEMES[i].kind;
            w->tls = SCHEMES[i].tls;
            w->port = SCHEMES[i].port;
            *text = str_skip(*text, SCHEMES[i].scheme.n);
            return OK;
        }
    if (str_starts_nocase(*text, S("socks4")))
        return bad(why, "is SOCKS4, which knows no names: socks5:// is wanted");
    return bad(why, "has a scheme other than http, https and socks5");
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decoded into to, which has room for the longest name and its NUL. */
static bool decode(struct str s, char *to)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        unsigned c = (unsigned char)s.p[i];

        if (c == '%') {
            int high = i + 2 < s.n ? hex(s.p[i + 1]) : -1;
            int low = i + 2 < s.n ? hex(s.p[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = (unsigned)(high << 4 | low);
            i += 2;
        }
        if (c < ' ' || c == 0x7f || n == TUNNEL_NAME_MAX)
            return false;
        to[n++] = (char)c;
    }
    to[n] = '\0';
    return true;
}

/* The last @ ends it: some passwords are pasted as they are. */
static enum err take_login(struct str *text, struct egress_way *w, struct fault *why)
{
    struct str user, password;
    size_t at = text->n;

    while (at > 0 && text->p[at - 1] != '@')
        at--;
    if (at == 0)
        return OK;
    password = str_sub(*text, 0, at - 1);
    *text = str_skip(*text, at);
    user = str_cut(&password, ':');
    if (!decode(user, w->user) || !decode(password, w->password))
        return bad(why, "has a user or a password that is too long or not percent-encoded");
    if (w->kind == TUNNEL_HTTP && strchr(w->user, ':') != NULL)
        return bad(why, "has a colon in its user, which HTTP cannot say");
    return OK;
}

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              c == '-' || c == '_' || c == '.'))
            return false;
    }
    return s.n > 0 && s.n <= TUNNEL_NAME_MAX && s.p[0] != '.';
}

/* What stands between brackets. */
static bool is_ipv6(struct str s)
{
    union net_addr a;

    return addr_parse(s, &a) && a.sa.sa_family == AF_INET6;
}

/* host[:port], or [v6][:port]; *ret_port stays when there is none. */
static bool split_host(struct str text, struct str *ret_host, uint16_t *ret_port)
{
    bool v6 = str_starts(text, S("["));
    struct str host = str_skip(text, v6);
    uint64_t port = *ret_port;

    text = host;
    host = str_cut(&text, v6 ? ']' : ':');
    if (v6 ? host.p + host.n == text.p || !is_ipv6(host) : !is_name(host))
        return false; /* the bracket that nobody closed is the first case */
    if (v6 && text.n > 0) {
        if (text.p[0] != ':')
            return false;
        text = str_skip(text, 1);
    }
    if (text.n > 0 && (!str_u64(text, UINT16_MAX, &port) || port == 0))
        return false;
    *ret_host = host;
    *ret_port = (uint16_t)port;
    return true;
}

static enum err parse(struct str text, struct egress_way *w, struct fault *why)
{
    struct str host;

    if (take_scheme(&text, w, why) != OK)
        return E_SYNTAX;
    if (str_ends(text, S("/")))
        text.n--;
    if (take_login(&text, w, why) != OK)
        return E_SYNTAX;
    if (!split_host(text, &host, &w->port))
        return bad(why, "has no valid host and port");
    memcpy(w->host, host.p, host.n);
    return OK;
}

enum err egress_way_parse(struct str text, struct egress_way *ret, struct fault *why)
{
    struct egress_way w = {0};
    enum err err = OK;

    text = str_trim(text);
    if (text.n == 0)
        err = bad(why, "is empty");
    else if (str_eq_nocase(text, S("direct")))
        w.direct = true;
    else
        err = parse(text, &w, why);
    if (err == OK)
        *ret = w;
    egress_way_wipe(&w);
    return err;
}

void egress_way_wipe(struct egress_way *w)
{
    secret_wipe(w, sizeof *w);
}

bool egress_way_eq(const struct egress_way *a, const struct egress_way *b)
{
    struct tunnel_proxy p = egress_way_proxy(a);
    struct tunnel_proxy q = egress_way_proxy(b);

    return a->direct == b->direct && (a->direct || tunnel_proxy_eq(&p, &q));
}

struct tunnel_proxy egress_way_proxy(const struct egress_way *w)
{
    return (struct tunnel_proxy){
        .kind = w->kind,
        .tls = w->tls,
        .host = str_z(w->host),
        .port = w->port,
        .user = str_z(w->user),
        .password = str_z(w->password),
    };
}

struct egress_name egress_way_name(const struct egress_way *w)
{
    bool v6 = strchr(w->host, ':') != NULL;
    struct egress_name name;

    if (w->direct)
        snprintf(name.z, sizeof name.z, "direct");
    else
        snprintf(name.z, sizeof name.z, "%s://%s%s%s:%u",
                 w->kind == TUNNEL_SOCKS5 ? "socks5"
                 : w->tls                 ? "https"
                                          : "http",
                 v6 ? "[" : "", w->host, v6 ? "]" : "", (unsigned)w->port);
    return name;
}
