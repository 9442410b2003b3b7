/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* base_url.c - an http(s) URL into origin and path prefix. */
#include "app/base_url.h"

static const struct str PASTED[] = {
    S_INIT("/"),
    S_INIT("/openai"),
    S_INIT("/v1beta"),
    S_INIT("/v1"),
};

static bool scheme(struct str *text, bool *ret_https)
{
    if (str_starts_nocase(*text, S("https://"))) {
        *ret_https = true;
        *text = str_skip(*text, 8);
        return true;
    }
    *ret_https = false;
    if (!str_starts_nocase(*text, S("http://")))
        return false;
    *text = str_skip(*text, 7);
    return true;
}

static struct str without_pasted(struct str path)
{
    for (size_t i = 0; i < NELEM(PASTED); i++)
        if (str_ends(path, PASTED[i])) {
            path.n -= PASTED[i].n;
            i = (size_t)-1; /* from the first again */
        }
    return path;
}

/* Everything that would need thought on the way into a request line is refused. */
static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || strchr("\"<>\\^`{|}?#@", s.p[i]) != NULL)
            return false;
    return true;
}

static bool authority(struct str text, struct origin *o)
{
    uint64_t port = o->https ? 443 : 80;

    if (text.n > 0 && text.p[0] == '[') {
        text = str_skip(text, 1);
        o->host = str_cut(&text, ']');
        if (text.n > 0 && text.p[0] != ':')
            return false;
        text = str_skip(text, 1);
    } else {
        o->host = str_cut(&text, ':');
    }
    if (text.n > 0 && (!str_u64(text, UINT16_MAX, &port) || port == 0))
        return false;
    o->port = (uint16_t)port;
    return o->host.n > 0 && o->host.n < 254;
}

enum err base_url_parse(struct str text, struct origin *ret, struct str *ret_path,
                        struct fault *why)
{
    struct origin o = {0};
    struct str hostport;
    struct str path;
    size_t slash;

    text = str_trim(text);
    if (!is_plain(text) || !scheme(&text, &o.https))
        return fault_set(why, E_SYNTAX, "must be a plain http:// or https:// URL", NULL);
    slash = str_find(text, S("/"));
    hostport = str_sub(text, 0, slash);
    path = str_skip(text, slash);
    if (!authority(hostport, &o))
        return fault_set(why, E_SYNTAX, "has no valid host and port", NULL);
    if (path.n > 512)
        return fault_set(why, E_TOOBIG, "has a path that is too long", NULL);
    *ret = o;
    *ret_path = without_pasted(path);
    return OK;
}
