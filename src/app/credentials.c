/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* credentials.c - splitting lists of keys and tokens. Must not print any of them. */
#include "app/credentials.h"

#include "app/file.h"
#include "base/mem.h"
#include "base/random.h"

enum { KEYS_FILE_MAX = 1 << 20, TOKENS_FILE_MAX = 1 << 20 };

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
static bool all_visible(const struct names *list)
{
    for (size_t i = 0; i < list->n; i++)
        for (size_t j = 0; j < list->v[i].n; j++)
            if (list->v[i].p[j] <= ' ' || list->v[i].p[j] >= 0x7f)
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

/* All keys of both sources; the list points into the options and into file. */
static enum err read_keys(const struct config *c, struct names *list, struct buf *file,
                          struct buf *problem)
{
    enum err err = split(list, secret_str(&c->api_keys), false) ? OK : E_RANGE;

    if (err == OK && c->api_keys_file.n > 0)
        err = read_list(c, "GEMINI_API_KEYS_FILE", c->api_keys_file, list, file, problem);
    if (err == E_RANGE)
        buf_putf(problem, "more than %d keys", KEYS_MAX);
    else if (err == OK && !all_visible(list)) {
        buf_lit(problem, "a Gemini API key holds a blank or a character that no key has");
        err = E_FIELD;
    }
    return err;
}

enum err credentials_load_keys(const struct config *c, struct keys *keys, struct buf *problem)
{
    struct names list = {.v = mem_alloc(KEYS_MAX * sizeof *list.v), .max = KEYS_MAX};
    struct buf file;
    enum err err;

    buf_init(&file, KEYS_FILE_MAX);
    err = read_keys(c, &list, &file, problem);
    if (err == OK)
        keys_set(keys, list.v, list.n);
    secret_wipe(file.p, file.n);
    buf_fini(&file);
    mem_free(list.v);
    return err;
}

enum err credentials_keys(const struct config *c, struct secret **ret, size_t *ret_n,
                          struct buf *problem)
{
    struct names list = {.v = mem_alloc(KEYS_MAX * sizeof *list.v), .max = KEYS_MAX};
    struct buf file;
    enum err err;

    buf_init(&file, KEYS_FILE_MAX);
    err = read_keys(c, &list, &file, problem);
    if (err == OK) {
        *ret = mem_zalloc((list.n ? list.n : 1) * sizeof **ret);
        *ret_n = list.n;
        for (size_t i = 0; i < list.n; i++)
            secret_init(&(*ret)[i], list.v[i]);
    }
    secret_wipe(file.p, file.n);
    buf_fini(&file);
    mem_free(list.v);
    return err;
}

static struct str without_bearer(struct str token)
{
    return str_starts_nocase(token, S("Bearer ")) ? str_trim(str_skip(token, 7)) : token;
}

enum err credentials_tokens(const struct config *c, struct secret **ret, size_t *ret_n,
                            struct buf *problem)
{
    struct names list = {.v = mem_alloc(TOKENS_MAX * sizeof *list.v), .max = TOKENS_MAX};
    struct secret *tokens = NULL;
    struct buf file;
    enum err err = split(&list, secret_str(&c->auth_tokens), false) ? OK : E_RANGE;

    buf_init(&file, TOKENS_FILE_MAX);
    if (err == OK && c->auth_tokens_file.n > 0)
        err = read_list(c, "AUTH_TOKENS_FILE", c->auth_tokens_file, &list, &file, problem);
    if (err == E_RANGE)
        buf_putf(problem, "more than %d tokens", TOKENS_MAX);
    if (err == OK) {
        tokens = mem_zalloc((list.n ? list.n : 1) * sizeof *tokens);
        for (size_t i = 0; i < list.n; i++)
            secret_init(&tokens[i], without_bearer(list.v[i]));
        *ret = tokens;
        *ret_n = list.n;
    }
    secret_wipe(file.p, file.n);
    buf_fini(&file);
    mem_free(list.v);
    return err;
}

void credentials_free_tokens(struct secret *tokens, size_t n)
{
    for (size_t i = 0; i < n; i++)
        secret_fini(&tokens[i]);
    mem_free(tokens);
}

void credentials_make_token(struct secret *ret)
{
    char token[40] = "qq-";

    random_id(token + 3, sizeof token - 3);
    secret_init(ret, str_of(token, sizeof token));
    secret_wipe(token, sizeof token);
}
