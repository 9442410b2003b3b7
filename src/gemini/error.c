/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* error.c - Google's error bodies read into one form, and what may be shown of them.
 *
 * Two tables decide: CAUSE says which status a client gets, RULE tells the causes apart. Must not
 * know how a dialect spells an error, nor what is done about it. */
#include "gemini/error.h"

#include "codec/base64.h"
#include "codec/utf8.h"

#include <assert.h>

enum { UPSTREAM_BODY_PARSED_MAX = 64 << 10, RETRY_MAX_S = 24 * 3600 };

/* The client's status, and the words for when upstream gave none. */
static const struct {
    int status;
    const char *words;
} CAUSE[] = {
    [GM_BAD_REQUEST] = {400, "upstream refused the request"                         },
    [GM_CONTEXT_LENGTH] = {400, "the prompt is longer than the model takes"            },
    [GM_KEY_INVALID] = {401, "the upstream API key is not valid"                    },
    [GM_LOCATION] = {403, "upstream does not serve the place this server runs in"},
    [GM_CREDIT] = {429, "the upstream key's prepaid credit is used up"         },
    [GM_FORBIDDEN] = {403, "upstream does not allow this with the key used"       },
    [GM_LEAKED] = {403, "the upstream API key was reported as leaked"          },
    [GM_FOREIGN] = {403, "upstream knows no such file or cache"                 },
    [GM_NO_MODEL] = {404, "upstream does not know this model"                    },
    [GM_TOO_LARGE] = {413, "the request is larger than upstream takes"            },
    [GM_BLOCKED] = {400, "upstream refuses this prompt"                         },
    [GM_RATE] = {429, "upstream's rate limit or quota is reached"            },
    [GM_INTERNAL] = {500, "upstream had an internal error"                       },
    [GM_OVERLOADED] = {503, "upstream is overloaded; please try again"             },
    [GM_DEADLINE] = {504, "upstream took too long"                               },
    [GM_UNREACHABLE] = {502, "upstream cannot be reached"                           },
    [GM_BROKEN] = {502, "upstream's answer cannot be understood"               },
    [GM_UNAUTHORIZED] = {401, "the token is not valid"                               },
    [GM_NOT_FOUND] = {404, "there is no such endpoint"                            },
    [GM_METHOD] = {405, "this method is not allowed here"                      },
    [GM_OUR_LIMIT] = {400, "a limit of this server is reached"                    },
    [GM_BUSY] = {503, "this server is busy; please try again"                },
};
static_assert(NELEM(CAUSE) == GM_CAUSES, "every cause needs a status");

/* HTTP status, a word of the error's reason or message (or NULL for any), what it means. The first
 * row that fits decides; a status without a row goes by its class. Source: mapping 1.12,
 * traffic-facts 9. */
static const struct rule {
    int status;
    const char *fragment;
    enum gm_cause cause;
    bool key_fault;
} RULE[] = {
    {400, "API_KEY_INVALID",                      GM_KEY_INVALID,    true },
    {400, "API key not valid",                    GM_KEY_INVALID,    true },
    {400, "API key expired",                      GM_KEY_INVALID,    true },
    {400, "location is not supported",            GM_LOCATION,       false},
    {400, "exceeds the maximum number of tokens", GM_CONTEXT_LENGTH, false},
    {401, NULL,                                   GM_KEY_INVALID,    true },
    {402, NULL,                                   GM_CREDIT,         true },
    {403, "leaked",                               GM_LEAKED,         true },
    {403, "API_KEY_",                             GM_FORBIDDEN,      true },
    {403, "SERVICE_DISABLED",                     GM_FORBIDDEN,      true },
    {403, "CONSUMER_",                            GM_FORBIDDEN,      true },
    {403, "unregistered callers",                 GM_FORBIDDEN,      true },
    {403, "has been suspended",                   GM_FORBIDDEN,      true },
    {403, "has been denied access",               GM_FORBIDDEN,      true },
    {403, "or it may not exist",                  GM_FOREIGN,        false},
    {403, "CachedContent not found",              GM_FOREIGN,        false},
    {403, NULL,                                   GM_FORBIDDEN,      false},
    {404, "CachedContent not found",              GM_FOREIGN,        false},
    {404, NULL,                                   GM_NO_MODEL,       false},
    {408, NULL,                                   GM_DEADLINE,       false},
    {413, NULL,                                   GM_TOO_LARGE,      false},
    {429, NULL,                                   GM_RATE,           false},
    {499, NULL,                                   GM_BROKEN,         false},
    {502, NULL,                                   GM_BROKEN,         false},
    {503, NULL,                                   GM_OVERLOADED,     false},
    {504, NULL,                                   GM_DEADLINE,       false},
};

/* Words of a 400 that say which part of the request to leave out; the first row that fits. lasts:
 * the next request to the model would be refused for it as well. Source: mapping 1.12. */
static const struct {
    const char *fragment;
    enum gm_remedy remedy;
    bool lasts;
} REMEDY[] = {
    {"cannot fetch content",                    GM_FETCH_MEDIA,     false},
    {"url_robot",                               GM_FETCH_MEDIA,     false},
    {"url_error",                               GM_FETCH_MEDIA,     false},
    {"url_unreachable",                         GM_FETCH_MEDIA,     false},
    {"url_timeout",                             GM_FETCH_MEDIA,     false},
    {"thought signature",                       GM_DROP_SIGNATURES, false},
    {"thought_signature",                       GM_DROP_SIGNATURES, false},
    {"thinking level minimal",                  GM_NOT_MINIMAL,     true },
    {"thinking level low",                      GM_NOT_LOW,         true },
    {"thinking level medium",                   GM_NOT_MEDIUM,      true },
    {"thinking level high",                     GM_NOT_HIGH,        true },
    {"thinking_level minimal",                  GM_NOT_MINIMAL,     true },
    {"thinking_level low",                      GM_NOT_LOW,         true },
    {"thinking_level medium",                   GM_NOT_MEDIUM,      true },
    {"thinking_level high",                     GM_NOT_HIGH,        true },
    {"thinking level is not",                   GM_DROP_THINKING,   true },
    {"thinking level",                          GM_DROP_THINKING,   false},
    {"thinking_level",                          GM_DROP_THINKING,   false},
    {"budget 0 is invalid",                     GM_NOT_THOUGHTLESS, true },
    {"only works in thinking mode",             GM_NOT_THOUGHTLESS, true },
    {"thinking budget is not",                  GM_DROP_THINKING,   true },
    {"thinking budget",                         GM_DROP_THINKING,   false},
    {"thinking_budget",                         GM_DROP_THINKING,   false},
    {"thinking is not",                         GM_DROP_THINKING,   true },
    {"too many states",                         GM_LOOSE_SCHEMA,    false},
    {"unknown name \"response_json_schema\"",   GM_PLAIN_SCHEMA,    true },
    {"unknown name \"responsejsonschema\"",     GM_PLAIN_SCHEMA,    true },
    {"unknown name \"parameters_json_schema\"", GM_PLAIN_SCHEMA,    true },
    {"unknown name \"parametersjsonschema\"",   GM_PLAIN_SCHEMA,    true },
    {"json_schema",                             GM_PLAIN_SCHEMA,    false},
    {"jsonschema",                              GM_PLAIN_SCHEMA,    false},
    {"penalty is not enabled",                  GM_DROP_PENALTIES,  true },
    {"logprobs is not enabled",                 GM_DROP_LOGPROBS,   true },
    {"temperature is not",                      GM_DROP_SAMPLING,   true },
    {"temperature",                             GM_DROP_SAMPLING,   false},
    {"developer instruction is not enabled",    GM_SYSTEM_AS_USER,  true },
    {"ending with a model turn",                GM_END_ON_USER,     true },
    {"json mode is not enabled",                GM_JSON_IN_WORDS,   true },
    {"forced function calling",                 GM_JSON_APART,      false},
    {"with a response mime type",               GM_JSON_APART,      true },
    {"cannot be combined in the same request",  GM_OWN_TOOLS_APART, true },
    {"context circulation is not enabled",      GM_OWN_TOOLS_APART, true },
    {"response modalities",                     GM_DROP_MODALITIES, true },
    {"has a maxoutputtokens value",             GM_DROP_LIMIT,      false},
};

/* In the order of their bits. */
static const char *const REMEDY_NAME[] = {
    "drop_signatures", "drop_thinking",   "plain_schema", "drop_sampling",   "not_minimal",
    "not_low",         "not_medium",      "not_high",     "not_thoughtless", "drop_penalties",
    "drop_logprobs",   "system_as_user",  "end_on_user",  "json_in_words",   "json_apart",
    "own_tools_apart", "drop_modalities", "drop_limit",   "fetch_media",     "loose_schema",
};
static_assert(NELEM(REMEDY_NAME) == GM_REMEDIES, "every remedy needs a name");

const char *gm_remedy_name(unsigned i)
{
    return i < NELEM(REMEDY_NAME) ? REMEDY_NAME[i] : NULL;
}

/* What a secret looks like: how it begins, and how many characters of a token must follow. */
static const struct {
    struct str prefix;
    size_t least;
} SECRET[] = {
    {S_INIT("AIza"),    16},
    {S_INIT("AQ."),     16},
    {S_INIT("sk-"),     8 },
    {S_INIT("ya29."),   8 },
    {S_INIT("Bearer "), 4 },
};

int gm_cause_status(enum gm_cause cause)
{
    return CAUSE[cause].status;
}

const char *gm_cause_words(enum gm_cause cause)
{
    return CAUSE[cause].words;
}

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("._-~+/=", c) != NULL);
}

static bool is_word_char(char c)
{
    return is_token_char(c) && (c == '_' || c == '-' || strchr(".~+/=", c) == NULL);
}

/* The length of the secret that begins at s, prefix included; 0 when there is none. */
static size_t secret_at(struct str s)
{
    for (size_t i = 0; i < NELEM(SECRET); i++) {
        size_t n = SECRET[i].prefix.n;

        if (!str_starts_nocase(s, SECRET[i].prefix))
            continue;
        while (n < s.n && is_token_char(s.p[n]))
            n++;
        if (n - SECRET[i].prefix.n >= SECRET[i].least)
            return n;
    }
    return 0;
}

void gm_scrub(struct buf *out, struct str s)
{
    size_t from = 0;

    for (size_t i = 0; i < s.n; i++) {
        size_t n = i > 0 && is_word_char(s.p[i - 1]) ? 0 : secret_at(str_skip(s, i));

        if (n > 0) {
            buf_put(out, str_sub(s, from, i - from));
            buf_lit(out, "[key]");
            from = i + n;
            i = from - 1;
        }
    }
    buf_put(out, str_skip(s, from));
}

/* s as text for a person, cut to the room there is; always NUL-terminated. */
static void set_text(char *to, size_t room, struct str s)
{
    struct buf clean;
    struct buf safe;

    buf_init(&clean, 16 << 10);
    buf_init(&safe, 16 << 10);
    utf8_put_clean(&clean, str_sub(s, 0, 4 << 10));
    gm_scrub(&safe, buf_str(&clean));
    utf8_copy(to, room, buf_str(&safe));
    buf_fini(&safe);
    buf_fini(&clean);
}

void gm_error_make(struct gm_error *e, enum gm_cause cause, struct str what)
{
    *e = (struct gm_error){.set = true, .cause = cause, .client_status = CAUSE[cause].status};
    set_text(e->message, sizeof e->message, what.n > 0 ? what : str_z(CAUSE[cause].words));
}

void gm_error_fault(struct gm_error *e, const struct fault *why, yyjson_val *root)
{
    struct buf path, text;

    buf_init(&path, 512);
    buf_init(&text, 2048);
    if (why->at != NULL)
        jr_path(root, why->at, &path);
    if (why->member != NULL)
        buf_putf(&path, "%s%s", path.n > 0 ? "." : "", why->member);
    if (path.n > 0)
        buf_putf(&text, "'%.*s' ", S_ARG(buf_str(&path)));
    buf_put(&text, str_z(why->what != NULL ? why->what : "the request cannot be understood"));
    gm_error_make(e,
                  why->code == E_MEMORY   ? GM_BUSY
                  : why->code == E_TOOBIG ? GM_TOO_LARGE
                                          : GM_BAD_REQUEST,
                  buf_str(&text));
    set_text(e->param, sizeof e->param, buf_str(&path));
    buf_fini(&text);
    buf_fini(&path);
}

/* "34.4s" in whole seconds, rounded up; 0 when it is no such thing. */
static uint32_t seconds_of(struct str s)
{
    struct str whole = str_cut(&s, '.');
    uint64_t n;
    bool more = false;

    for (size_t i = 0; i < s.n && s.p[i] != 's'; i++)
        more = more || s.p[i] != '0';
    if (str_ends(whole, S("s")))
        whole.n--;
    if (!str_u64(whole, UINT64_MAX, &n))
        return 0;
    return n < RETRY_MAX_S ? (uint32_t)n + (more ? 1 : 0) : RETRY_MAX_S;
}

/* "... Please retry in 48.939935699s." */
static uint32_t seconds_in_text(struct str message)
{
    size_t at = str_find(message, S("retry in "));
    size_t n = 0;
    struct str rest = str_skip(message, at + 9);

    while (n < rest.n && ((rest.p[n] >= '0' && rest.p[n] <= '9') || rest.p[n] == '.'))
        n++;
    return n < rest.n && rest.p[n] == 's' ? seconds_of(str_sub(rest, 0, n + 1)) : 0;
}

static void add_violation(struct gm_error *e, struct str id, struct str model, yyjson_val *value)
{
    struct gm_violation *v;
    int64_t n = 0;

    if (id.n == 0 || e->nviolations == GM_VIOLATIONS_MAX)
        return;
    v = &e->violations[e->nviolations++];
    set_text(v->quota_id, sizeof v->quota_id, id);
    set_text(v->model, sizeof v->model, model);
    v->valued = jr_int(value, 0, INT64_MAX, &n);
    v->value = (uint64_t)n;
}

static void read_details(struct gm_error *e, yyjson_val *details)
{
    jr_each (detail, details) {
        struct str reason = jr_str(detail, "reason");
        struct str delay = jr_str(detail, "retryDelay");
        yyjson_val *metadata = jr_get(detail, "metadata");

        if (reason.n > 0 && e->reason[0] == '\0')
            set_text(e->reason, sizeof e->reason, reason);
        if (delay.n > 0) {
            e->retry_after_s = seconds_of(delay);
            set_text(e->retry_delay, sizeof e->retry_delay, delay);
        }
        /* Older projects are told in an ErrorInfo. */
        add_violation(e, jr_str(metadata, "quota_limit"), S(""),
                      jr_get(metadata, "quota_limit_value"));
        jr_each (violation, jr_get(detail, "violations")) {
            struct str id = jr_str(violation, "quotaId");

            /* A day's quota is the one that matters when a minute's is hit as well. */
            if (e->quota_id[0] == '\0' || str_find(id, S("PerDay")) < id.n)
                set_text(e->quota_id, sizeof e->quota_id, id);
            add_violation(e, id, jr_str(jr_get(violation, "quotaDimensions"), "model"),
                          jr_get(violation, "quotaValue"));
        }
    }
}

static enum gm_cause by_class(int status)
{
    if (status >= 500)
        return GM_INTERNAL;
    return status >= 400 ? GM_BAD_REQUEST : GM_BROKEN;
}

static void classify(struct gm_error *e, struct str message)
{
    e->cause = by_class(e->upstream_status);
    for (size_t i = 0; i < NELEM(RULE); i++) {
        struct str word = str_z(RULE[i].fragment);

        if (RULE[i].status != e->upstream_status)
            continue;
        if (RULE[i].fragment == NULL || str_contains_nocase(str_z(e->reason), word) ||
            str_contains_nocase(message, word)) {
            e->cause = RULE[i].cause;
            e->key_fault = RULE[i].key_fault;
            break;
        }
    }
    e->client_status = e->cause == GM_FOREIGN ? e->upstream_status : CAUSE[e->cause].status;
    if (e->upstream_status != 400)
        return;
    for (size_t i = 0; i < NELEM(REMEDY) && e->remedy == GM_NO_REMEDY; i++)
        if (str_contains_nocase(message, str_z(REMEDY[i].fragment))) {
            e->remedy = REMEDY[i].remedy;
            e->remedy_lasts = REMEDY[i].lasts;
        }
}

static void from_value(struct gm_error *e, int status, yyjson_val *error)
{
    struct str message = jr_str(error, "message");

    *e = (struct gm_error){.set = true, .upstream_status = status};
    read_details(e, jr_get(error, "details"));
    classify(e, message);
    if (e->retry_after_s == 0)
        e->retry_after_s = seconds_in_text(message);
    set_text(e->message, sizeof e->message, message.n > 0 ? message : str_z(CAUSE[e->cause].words));
}

void gm_error_from_value(struct gm_error *e, yyjson_val *error_obj)
{
    int64_t code = 0;

    if (!jr_int(jr_get(error_obj, "code"), 100, 599, &code))
        code = 0;
    from_value(e, (int)code, error_obj);
}

void gm_error_read(struct gm_error *e, int status, char *body, size_t n)
{
    struct json json;
    yyjson_val *root;

    json_init(&json);
    if (n == 0 || n > UPSTREAM_BODY_PARSED_MAX || json_parse(&json, body, n, NULL, NULL) != OK)
        root = NULL;
    else
        root = yyjson_is_arr(json.root) ? yyjson_arr_get_first(json.root) : json.root;
    from_value(e, status, jr_get(root, "error"));
    json_fini(&json);
}

/* Shorter ones would tear words apart, and are nobody's key. */
enum { SECRET_MIN = 8 };

static void cut_out(struct gm_error *e, struct str secret)
{
    static const struct str mark = S_INIT("[key]");
    size_t at;

    if (secret.n < SECRET_MIN)
        return;
    while ((at = str_find(str_z(e->message), secret)) < strlen(e->message)) {
        char *rest = e->message + at + secret.n;

        memmove(e->message + at + mark.n, rest, strlen(rest) + 1);
        memcpy(e->message + at, mark.p, mark.n);
    }
}

static bool needs_percent(char c)
{
    return !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
             c == '-' || c == '_' || c == '.' || c == '~');
}

static void cut_out_percent(struct gm_error *e, struct str secret, const char *digits,
                            struct buf *scratch)
{
    buf_reset(scratch);
    for (size_t i = 0; i < secret.n; i++) {
        unsigned char c = (unsigned char)secret.p[i];

        if (needs_percent(secret.p[i])) {
            buf_putc(scratch, '%');
            buf_putc(scratch, digits[c >> 4]);
            c = (unsigned char)digits[c & 15];
        }
        buf_putc(scratch, (char)c);
    }
    cut_out(e, buf_str(scratch));
}

/* Within longer base64 the secret begins at one of three places of a group; the groups that it
 * fills by itself are the same wherever it stands. */
static void cut_out_base64(struct gm_error *e, struct str secret, size_t shift, struct buf *scratch)
{
    buf_reset(scratch);
    base64_encode(str_sub(secret, shift, (secret.n - shift) / 3 * 3), scratch);
    cut_out(e, buf_str(scratch));
    for (size_t i = 0; i < scratch->n; i++)
        scratch->p[i] = scratch->p[i] == '+' ? '-' : scratch->p[i] == '/' ? '_' : scratch->p[i];
    cut_out(e, buf_str(scratch));
}

/* A long message may have been cut inside of it. */
static void cut_off_end(struct gm_error *e, struct str secret)
{
    size_t n = strlen(e->message);

    for (size_t part = secret.n - 1; part >= SECRET_MIN; part--)
        if (part <= n && memcmp(e->message + n - part, secret.p, part) == 0) {
            e->message[n - part] = '\0';
            return;
        }
}

/* A name that holds the secret is none. */
static void blank(char *name, struct str secret)
{
    if (str_find(str_z(name), secret) < strlen(name))
        name[0] = '\0';
}

void gm_error_hide(struct gm_error *e, struct str secret)
{
    struct buf scratch;

    if (secret.n < SECRET_MIN)
        return;
    buf_init(&scratch, 3 * sizeof e->message); /* what does not fit, the message does not hold */
    blank(e->reason, secret);
    blank(e->quota_id, secret);
    for (size_t i = 0; i < e->nviolations; i++) {
        blank(e->violations[i].quota_id, secret);
        blank(e->violations[i].model, secret);
    }
    cut_out(e, secret);
    cut_off_end(e, secret);
    cut_out_percent(e, secret, "0123456789ABCDEF", &scratch);
    cut_out_percent(e, secret, "0123456789abcdef", &scratch);
    for (size_t shift = 0; shift < 3; shift++)
        cut_out_base64(e, secret, shift, &scratch);
    if (scratch.err == E_MEMORY) /* what was not looked for may be there */
        set_text(e->message, sizeof e->message, str_z(CAUSE[e->cause].words));
    if (scratch.p != NULL)
        explicit_bzero(scratch.p, scratch.room);
    buf_fini(&scratch);
}
