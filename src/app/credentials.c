/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* credentials.c - splitting lists of keys and tokens. Must not print any of them. */
#include "app/credentials.h"

#include "app/file.h"
#include "base/mem.h"
#include "base/random.h"

enum { KEYS_FILE_MAX = 1 << 20, TOKENS_FILE_MAX = 1 << 20, TOKEN_REQUESTS_MAX = 1000000 };

struct names {
    struct str *v;
    size_t n, max;
};

static bool add(struct names *list, struct str s)
{
    if (s.n == 0)
        return true;
    if (list->n == list->max)
        return false;
    list->v[list->n++] = s;
    return true;
}

/* Commas and line ends separate; in a file `#` begins a comment at the start of a line. */
static bool split(struct names *list, struct str text, bool comments)
{
    while (text.n > 0) {
        struct str line = str_trim(str_cut(&text, '\n'));

        if (comments && str_starts(line, S("#")))
            continue;
        while (line.n > 0)
            if (!add(list, str_trim(str_cut(&line, ','))))
                return false;
    }
    return true;
}

/* A key travels in a header field: nothing but visible ASCII can be one. */
static bool is_visible(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
            return false;
    return true;
}

/* A file of keys or tokens, whose bytes file keeps. */
static enum err read_list(const struct config *c, const char *option, struct str path,
                          struct names *list, struct buf *file, struct buf *problem)
{
    enum file_privacy privacy = FILE_PRIVATE;
    enum err err = file_read_secret(path, file, &privacy);
    const char *complaint = file_complaint(privacy, c->alone);

    if (err != OK) {
        buf_putf(problem, "%s %.*s cannot be read", option, S_ARG(path));
        return err;
    }
    if (complaint != NULL) {
        buf_putf(problem, "%s %.*s %s", option, S_ARG(path), complaint);
        return E_FIELD;
    }
    return split(list, buf_str(file), true) ? OK : E_RANGE;
}

/* `KEY socks5://host:1080`, `TOKEN requests=5`: blanks stand between a credential and what holds
 * for it alone. */
static struct str cut_word(struct str *entry)
{
    struct str word = *entry;

    word.n = 0;
    while (word.n < entry->n && entry->p[word.n] != ' ' && entry->p[word.n] != '\t')
        word.n++;
    *entry = str_trim(str_skip(*entry, word.n));
    return word;
}

/* A key that was torn by a blank is no key with a proxy: the scheme tells. */
static bool is_way(struct str s)
{
    return s.n == 0 || str_eq_nocase(s, S("direct")) || str_find(s, S("://")) < s.n;
}

/* All keys of both sources; the list points into the options and into file. */
struct found {
    struct names list;
    struct buf file;
    size_t *way; /* of each: its place in ways, or SIZE_MAX */
    struct ways ways;
};

static enum err read_lists(const struct config *c, struct found *f, struct buf *problem)
{
    enum err err = split(&f->list, secret_str(&c->api_keys), false) ? OK : E_RANGE;

    if (err == OK && c->api_keys_file.n > 0)
        err = read_list(c, "GEMINI_API_KEYS_FILE", c->api_keys_file, &f->list, &f->file, problem);
    if (err == E_RANGE)
        buf_putf(problem, "more than %d keys", KEYS_MAX);
    return err;
}

static enum err take_apart(struct found *f, size_t i, struct buf *problem)
{
    struct str rest = f->list.v[i];
    struct str key = cut_word(&rest);
    struct fault why = {0};

    f->list.v[i] = key;
    f->way[i] = SIZE_MAX;
    if (!is_visible(key) || !is_way(rest)) {
        buf_lit(problem, "a Gemini API key holds a blank or a character that no key has");
        return E_FIELD;
    }
    if (rest.n > 0 && ways_add(&f->ways, rest, &f->way[i], &why) != OK) {
        buf_putf(problem,
                 "behind the Gemini API key number %zu stands something that is no proxy: it %s",
                 i + 1, why.what);
        return why.code;
    }
    return OK;
}

static enum err find_keys(const struct config *c, const struct origin *upstream, struct found *f,
                          struct buf *problem)
{
    enum err err;

    *f = (struct found){
        .list = {.v = mem_alloc(KEYS_MAX * sizeof *f->list.v), .max = KEYS_MAX},
        .way = mem_zalloc(KEYS_MAX * sizeof *f->way)
    };
    buf_init(&f->file, KEYS_FILE_MAX);
    err = ways_init(&f->ways, c, upstream, problem);
    if (err == OK)
        err = read_lists(c, f, problem);
    for (size_t i = 0; i < f->list.n && err == OK; i++)
        err = take_apart(f, i, problem);
    return err;
}

static void forget(struct found *f)
{
    secret_wipe(f->file.p, f->file.n);
    buf_fini(&f->file);
    ways_fini(&f->ways);
    mem_free(f->way);
    mem_free(f->list.v);
}

enum err credentials_init(struct credentials *ret, const struct config *c,
                          const struct origin *upstream, struct buf *problem)
{
    struct found f;
    enum err err = find_keys(c, upstream, &f, problem);

    *ret = (struct credentials){.n = 0};
    if (err == OK) {
        ret->n = f.list.n;
        ret->keys = mem_zalloc((f.list.n + 1) * sizeof *ret->keys);
        for (size_t i = 0; i < f.list.n; i++)
            secret_init(&ret->keys[i], f.list.v[i]);
        ret->way = f.way;
        ret->ways = f.ways;
        f.way = NULL;
        f.ways = (struct ways){0};
    }
    forget(&f);
    return err;
}

void credentials_publish(const struct credentials *c, struct keys *keys, struct egresses *egresses)
{
    unsigned ids[WAYS_MAX];
    unsigned *own = mem_zalloc((c->n + 1) * sizeof *own);
    struct str *v = mem_alloc((c->n + 1) * sizeof *v);

    egresses_renew(egresses, c->ways.v, c->ways.n, c->ways.nshared, ids);
    for (size_t i = 0; i < c->n; i++) {
        own[i] = c->way[i] == SIZE_MAX ? 0 : ids[c->way[i]];
        v[i] = secret_str(&c->keys[i]);
    }
    keys_set_ways(keys, v, own, c->n);
    egresses_settle(egresses); /* no key names a way of before any longer */
    mem_free(v);
    mem_free(own);
}

void credentials_fini(struct credentials *c)
{
    for (size_t i = 0; i < c->n; i++)
        secret_fini(&c->keys[i]);
    mem_free(c->keys);
    mem_free(c->way);
    ways_fini(&c->ways);
}

static struct str without_bearer(struct str token)
{
    return str_starts_nocase(token, S("Bearer ")) ? str_trim(str_skip(token, 7)) : token;
}

/* AUT-1: what is left of an entry when the variable that should fill it was empty. */
static bool is_nothing(struct str word)
{
    return word.n == 0 || str_eq_nocase(word, S("Bearer")) || str_starts(word, S("requests="));
}

/* What stands behind a token. */
static bool read_limit(struct str rest, struct token *ret)
{
    uint64_t n = 0;

    if (rest.n == 0)
        return true;
    if (!str_eq(str_cut(&rest, '='), S("requests")) || !str_u64(rest, TOKEN_REQUESTS_MAX, &n))
        return false;
    ret->limited = true;
    ret->requests = (uint32_t)n;
    return true;
}

static enum err read_tokens(const struct names *list, struct token *tokens, struct buf *problem)
{
    for (size_t i = 0; i < list->n; i++) {
        struct str rest = without_bearer(list->v[i]);
        struct str word = cut_word(&rest);

        if (is_nothing(word)) {
            buf_putf(problem, "the token number %zu is empty", i + 1);
            return E_FIELD;
        }
        secret_init(&tokens[i].secret, word);
        if (read_limit(rest, &tokens[i]))
            continue;
        buf_putf(problem,
                 "behind the token number %zu, after a blank, stands something other than "
                 "requests=N with N from 0 to %d",
                 i + 1, TOKEN_REQUESTS_MAX);
        return E_FIELD;
    }
    return OK;
}

enum err credentials_tokens(const struct config *c, struct token **ret, size_t *ret_n,
                            struct buf *problem)
{
    struct names list = {.v = mem_alloc(TOKENS_MAX * sizeof *list.v), .max = TOKENS_MAX};
    struct token *tokens = NULL;
    struct buf file;
    enum err err = split(&list, secret_str(&c->auth_tokens), false) ? OK : E_RANGE;

    buf_init(&file, TOKENS_FILE_MAX);
    if (err == OK && c->auth_tokens_file.n > 0)
        err = read_list(c, "AUTH_TOKENS_FILE", c->auth_tokens_file, &list, &file, problem);
    if (err == E_RANGE)
        buf_putf(problem, "more than %d tokens", TOKENS_MAX);
    if (err == OK) {
        tokens = mem_zalloc((list.n ? list.n : 1) * sizeof *tokens);
        err = read_tokens(&list, tokens, problem);
    }
    if (err == OK) {
        *ret = tokens;
        *ret_n = list.n;
    } else {
        credentials_free_tokens(tokens, tokens ? list.n : 0);
    }
    secret_wipe(file.p, file.n);
    buf_fini(&file);
    mem_free(list.v);
    return err;
}

void credentials_free_tokens(struct token *tokens, size_t n)
{
    for (size_t i = 0; i < n; i++)
        secret_fini(&tokens[i].secret);
    mem_free(tokens);
}

void credentials_make_token(struct secret *ret)
{
    char token[40] = "qq-";

    random_id(token + 3, sizeof token - 3);
    secret_init(ret, str_of(token, sizeof token));
    secret_wipe(token, sizeof token);
}
