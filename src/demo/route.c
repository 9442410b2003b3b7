/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* route.c - Google's paths and query parameters. As strict as the original: no doubled prefixes, no
 * trailing slashes. */
#include "demo/route.h"
#include "codec/utf8.h"

enum { PAGE_USUAL = 50, PAGE_MAX = 1000 };

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct str decode(struct str s, struct arena *a)
{
    char *out = arena_alloc(a, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; out != NULL && i < s.n; i++) {
        bool escape = s.p[i] == '%' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0;

        out[n++] = escape ? (char)(hex(s.p[i + 1]) * 16 + hex(s.p[i + 2])) : s.p[i];
        i += escape ? 2 : 0;
    }
    return str_of(out, n);
}

static void read_page(struct emu_route *r, struct str value)
{
    uint64_t n;

    if (str_u64(value, UINT32_MAX, &n) && n > 0)
        r->page_size = n < PAGE_MAX ? (size_t)n : PAGE_MAX;
}

static bool read_parameter(struct emu_route *r, struct str name, struct str value)
{
    static const char *const silent[] = {"$alt",     "$.xgafv",    "fields",         "quotaUser",
                                         "callback", "uploadType", "upload_protocol"};

    if (str_eq(name, S("key")))
        r->key = value;
    else if (str_eq(name, S("alt")))
        r->sse = str_eq(value, S("sse"));
    else if (str_eq(name, S("prettyPrint")))
        r->compact = str_eq(value, S("false")) || str_eq(value, S("0"));
    else if (r->place == EMU_AT_LIST && str_eq(name, S("pageSize")))
        read_page(r, value);
    else if (r->place == EMU_AT_LIST && str_eq(name, S("pageToken")))
        r->page_token = value;
    else {
        for (size_t i = 0; i < NELEM(silent); i++) {
            if (str_eq(name, str_z(silent[i])))
                return true;
        }
        return name.n == 0;
    }
    return true;
}

static void read_query(struct emu_route *r, struct str query, struct arena *a,
                       struct emu_problem *p)
{
    while (query.n > 0) {
        struct str pair = str_cut(&query, '&');
        struct str name = decode(str_cut(&pair, '='), a);
        struct buf text;

        if (read_parameter(r, name, decode(pair, a)))
            continue;
        buf_init(&text, 8192);
        buf_putf(&text,
                 "Invalid JSON payload received. Unknown name \"%.*s\": Cannot bind query "
                 "parameter. Field '%.*s' could not be found in request message.",
                 S_ARG(name), S_ARG(name));
        emu_problem_violation(p, S(""), buf_str(&text));
        buf_fini(&text);
    }
}

static void read_model(struct emu_route *r, enum http_method m, struct str rest)
{
    size_t colon = rest.n;

    for (size_t i = 0; i < rest.n; i++)
        colon = rest.p[i] == ':' ? i : colon;
    r->model = str_sub(rest, 0, colon);
    if (m == HTTP_GET && colon == rest.n && rest.n > 0)
        r->place = EMU_AT_MODEL;
    for (size_t i = 0; i < EMU_METHODS; i++) {
        if (m == HTTP_POST && str_eq(str_skip(rest, colon + 1), str_z(emu_method_names[i]))) {
            r->method = (enum emu_method)i;
            r->place = EMU_AT_METHOD;
        }
    }
}

static void read_control(struct emu_route *r, enum http_method m, struct str name)
{
    static const struct {
        enum http_method method;
        const char *name;
        enum emu_place place;
    } places[] = {
        {HTTP_GET,  "state",    EMU_AT_STATE     },
        {HTTP_GET,  "requests", EMU_AT_REQUESTS  },
        {HTTP_POST, "reset",    EMU_AT_RESET     },
        {HTTP_GET,  "quotas",   EMU_AT_QUOTAS    },
        {HTTP_POST, "quotas",   EMU_AT_SET_QUOTAS},
        {HTTP_GET,  "script",   EMU_AT_SCRIPT    },
        {HTTP_POST, "script",   EMU_AT_SET_SCRIPT},
        {HTTP_GET,  "clock",    EMU_AT_CLOCK     },
        {HTTP_POST, "clock",    EMU_AT_SET_CLOCK },
    };

    for (size_t i = 0; i < NELEM(places); i++) {
        if (m == places[i].method && str_eq(name, str_z(places[i].name)))
            r->place = places[i].place;
    }
}

void emu_route_parse(struct emu_route *r, enum http_method m, struct str path, struct str query,
                     struct arena *a, struct emu_problem *p)
{
    struct str rest = decode(path, a);

    *r = (struct emu_route){.page_size = PAGE_USUAL, .version = S("")};
    r->model = r->key = r->page_token = S("");
    if (!utf8_ok(rest)) /* what is told of a model is JSON */
        return;
    rest = str_skip(rest, 1);
    r->version = str_cut(&rest, '/');
    if (str_eq(r->version, S("__emulator"))) {
        read_control(r, m, rest);
        return;
    }
    if (!str_eq(r->version, S("v1beta")) && !str_eq(r->version, S("v1")) &&
        !str_eq(r->version, S("v1alpha")))
        return;
    if (m == HTTP_GET && str_eq(rest, S("models")))
        r->place = EMU_AT_LIST;
    else if (str_starts(rest, S("models/")))
        read_model(r, m, str_skip(rest, sizeof "models/" - 1));
    if (r->place != EMU_NOWHERE)
        read_query(r, query, a, p);
}
