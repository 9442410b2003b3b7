/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* auth.c - finding the credential and comparing it. Must not know routes, sockets or keys' state.
 */
#include "proxy/auth.h"

#include "proxy/target.h"

static struct str bearer(struct str value)
{
    value = str_trim(value);
    if (!str_starts_nocase(value, S("bearer ")))
        return S("");
    return str_trim(str_skip(value, 7));
}

/* The first credential found stays; a second one that differs is a fault. */
static bool take(struct str *found, struct str candidate)
{
    if (candidate.n == 0 || str_eq(*found, candidate))
        return true;
    if (found->n != 0)
        return false;
    *found = candidate;
    return true;
}

/* What this field carries of a credential, or nothing. Every name has a length of its own. */
static struct str carried(const struct http_header *h)
{
    switch (h->name.n) {
    case 13: return str_eq(h->name, S("authorization")) ? bearer(h->value) : S("");
    case 9: return str_eq(h->name, S("x-api-key")) ? str_trim(h->value) : S("");
    case 7: return str_eq(h->name, S("api-key")) ? str_trim(h->value) : S("");
    case 14: return str_eq(h->name, S("x-goog-api-key")) ? str_trim(h->value) : S("");
    default: return S("");
    }
}

static bool find_credential(struct http_headers h, struct str query, struct arena *arena,
                            struct str *ret)
{
    for (size_t i = 0; i < h.n; i++)
        if (!take(ret, carried(&h.v[i])))
            return false;
    return take(ret, target_query_get(query, S("key"), arena));
}

/* All of them are looked at; of one that stands twice the last counts. */
static const struct auth_token *find_token(const struct auth *a, const struct sha256 *id)
{
    const struct auth_token *found = NULL;

    for (size_t i = 0; i < a->ntokens; i++)
        if (sha256_eq(&a->tokens[i].id, id))
            found = &a->tokens[i];
    return found;
}

static enum auth_verdict judge(const struct auth *a, const struct auth_pass *pass)
{
    struct str credential = pass->credential;

    if (pass->by_token)
        return AUTH_SERVER_KEY;
    if (credential.n > 0 && (a->byok || (!a->server_keys && a->ntokens == 0)))
        return AUTH_CLIENT_KEY;
    if (a->ntokens == 0 && a->server_keys && a->anonymous)
        return AUTH_SERVER_KEY;
    if (a->ntokens == 0 && a->server_keys)
        return AUTH_CLOSED;
    return credential.n > 0 ? AUTH_WRONG : AUTH_NO_CREDENTIAL;
}

struct auth_pass auth_check(const struct auth *a, struct http_headers h, struct str query,
                            struct arena *arena, struct sha256_memo *memo)
{
    struct auth_pass pass = {.credential = S("")};

    if (!find_credential(h, query, arena, &pass.credential)) {
        pass.verdict = AUTH_TWO;
        return pass;
    }
    if (pass.credential.n > 0) {
        const struct auth_token *token;

        pass.id = sha256_again(memo, pass.credential);
        token = find_token(a, &pass.id);
        pass.by_token = token != NULL;
        pass.requests = token != NULL ? token->requests : a->requests;
    }
    pass.verdict = judge(a, &pass);
    return pass;
}

bool auth_is_operator(const struct auth_pass *pass)
{
    return pass->by_token;
}

bool auth_is_operators(const struct auth *a, struct str credential)
{
    struct sha256 id = sha256_of(credential);

    return credential.n > 0 && find_token(a, &id) != NULL;
}

struct str auth_refusal(enum auth_verdict v)
{
    switch (v) {
    case AUTH_SERVER_KEY:
    case AUTH_CLIENT_KEY: break;
    case AUTH_NO_CREDENTIAL:
        return S("No API key was sent. Put it into the Authorization header as 'Bearer KEY'. "
                 "请求没有带 API key，请放在 Authorization 请求头里：Bearer KEY。");
    case AUTH_WRONG:
        return S("Incorrect API key provided: it is not one of this server's AUTH_TOKEN values. "
                 "API key 不正确：与服务器上 AUTH_TOKEN 的值不符。");
    case AUTH_TWO:
        return S("Two different API keys were sent in one request. Please send only one. "
                 "同一个请求带了两个不同的 API key，请只保留一个。");
    case AUTH_CLOSED:
        return S("This server has Gemini keys but no AUTH_TOKEN, so it lets nobody in. Set "
                 "AUTH_TOKEN to a secret of your choice and send it as the API key, or set "
                 "QUEQIAO_ALLOW_ANONYMOUS=1 to let everybody in. "
                 "服务器配置了 Gemini key 却没有设置 AUTH_TOKEN，因此拒绝所有请求。"
                 "请设置环境变量 AUTH_TOKEN（自定义的口令），客户端把它当作 API key 发送；"
                 "如果确实要对所有人开放，请设置 QUEQIAO_ALLOW_ANONYMOUS=1。");
    }
    return S("");
}
