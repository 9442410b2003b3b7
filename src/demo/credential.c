/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* credential.c - API keys in their two places, and what Google says to all else. */
#include "demo/credential.h"
#include "base/secret.h"
#include "demo/fault.h"

static bool is_accepted(struct str key, struct str keys)
{
    bool any = keys.n == 0;

    while (keys.n > 0) {
        if (secret_eq_str(str_trim(str_cut(&keys, ',')), key))
            any = true;
    }
    return any;
}

static void refuse_bearer(struct emu_problem *p)
{
    emu_refuse(p, 401,
               "Request had invalid authentication credentials. Expected OAuth 2 access token, "
               "login cookie or other valid authentication credential. See "
               "https://developers.google.com/identity/sign-in/web/devconsole-project.");
    emu_problem_detail(p, S("{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":"
                            "\"ACCESS_TOKEN_TYPE_UNSUPPORTED\",\"metadata\":{\"method\":"
                            "\"google.ai.generativelanguage.v1beta.GenerativeService."
                            "GenerateContent\",\"service\":\"generativelanguage.googleapis.com"
                            "\"}}"));
}

struct str emu_credential_key(struct http_headers h, struct str query_key)
{
    struct str header = http_header_get(h, S("x-goog-api-key"));

    return header.n > 0 ? header : query_key;
}

void emu_credential_check(struct http_headers h, struct str query_key, struct str keys,
                          struct emu_problem *p)
{
    struct str header = http_header_get(h, S("x-goog-api-key"));
    struct str bearer = http_header_get(h, S("authorization"));
    struct str key = emu_credential_key(h, query_key);
    struct emu_fault bad;

    if ((header.n > 0) + (query_key.n > 0) + (bearer.n > 0) > 1)
        emu_refuse(p, 400, "Multiple authentication credentials received. Please pass only one.");
    else if (bearer.n > 0)
        refuse_bearer(p);
    else if (key.n == 0)
        emu_refuse(p, 403,
                   "Method doesn't allow unregistered callers (callers without established "
                   "identity). Please use API Key or other form of API consumer identity to call "
                   "this API.");
    else if (!is_accepted(key, keys) && emu_fault_parse(S("emulate-400-key"), &bad))
        emu_fault_refuse(&bad, S(""), p);
}
