/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* config.c - options as text into typed fields, by the rows of config_table.h. Must not know what
 * an option is for. */
#include "app/config.h"

#include "app/config_table.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <yyjson.h>

extern char **environ;

enum kind { TEXT, SECRET, FLAG, COUNT, SIZE, MS };

static const struct option {
    const char *variable;
    enum kind kind;
    size_t field;
    const char *otherwise;
    uint64_t lowest, highest;
    const char *help;
} OPTIONS[] = {
#define ROW(field, type, variable, otherwise, lowest, highest, help)                               \
    {variable, type, offsetof(struct config, field), otherwise, lowest, highest, help},
    CONFIG_TABLE(ROW)
#undef ROW
};

static_assert(NELEM(OPTIONS) <= 64, "a bit for each");

enum { CONFIG_FILE_MAX = 1 << 20 };

static const struct word SIZE_UNIT[] = {
    {"",  0 },
    {"K", 10},
    {"k", 10},
    {"M", 20},
    {"m", 20},
    {"G", 30},
    {"g", 30},
};
static const struct word TIME_UNIT[] = {
    {"",   1000   },
    {"ms", 1      },
    {"s",  1000   },
    {"m",  60000  },
    {"h",  3600000},
};

/* A number with a unit behind it. */
static bool scaled(struct str text, enum kind kind, uint64_t *ret)
{
    size_t digits = 0;
    uint64_t n, times;
    struct str unit;
    int u;

    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    unit = str_skip(text, digits);
    u = kind == SIZE ? WORD(SIZE_UNIT, unit) : kind == MS ? WORD(TIME_UNIT, unit) : unit.n ? -1 : 1;
    if (u < 0)
        return false;
    times = kind == SIZE ? (uint64_t)1 << u : (uint64_t)u;
    if (!str_u64(str_sub(text, 0, digits), INT64_MAX / times, &n))
        return false;
    *ret = n * times;
    return true;
}

static bool flag(struct str text, bool *ret)
{
    static const struct word words[] = {
        {"0",     0},
        {"1",     1},
        {"false", 0},
        {"true",  1},
        {"no",    0},
        {"yes",   1},
        {"off",   0},
        {"on",    1},
    };
    int v = WORD(words, text);

    *ret = v > 0;
    return v >= 0;
}

static enum err complain(struct buf *problem, const struct option *o, enum err code,
                         const char *what)
{
    buf_putf(problem, "%s %s", o->variable, what);
    return code;
}

static enum err set_text(const struct option *o, void *field, struct str text, struct buf *problem)
{
    if (text.n < o->lowest || text.n > o->highest)
        return complain(problem, o, E_RANGE, text.n ? "is too long" : "is empty");
    if (o->kind == SECRET) {
        secret_fini(field);
        secret_init(field, text);
    } else {
        struct str *s = field;
        char *copy = mem_dup(text.p, text.n);

        mem_free((char *)(uintptr_t)s->p);
        *s = str_of(copy, text.n);
    }
    return OK;
}

static enum err set_option(struct config *c, const struct option *o, struct str text,
                           struct buf *problem)
{
    void *field = (char *)c + o->field;
    uint64_t n;
    bool b;

    if (o->kind == TEXT || o->kind == SECRET)
        return set_text(o, field, text, problem);
    text = str_trim(text);
    if (o->kind == FLAG) {
        if (!flag(text, &b))
            return complain(problem, o, E_FIELD, "must be 0 or 1");
        memcpy(field, &b, sizeof b);
        return OK;
    }
    if (!scaled(text, o->kind, &n))
        return complain(problem, o, E_FIELD,
                        o->kind == SIZE ? "must be a size, as 512K, 32M or 1G"
                        : o->kind == MS ? "must be a duration, as 500ms, 15s, 5m or 1h"
                                        : "must be a whole number");
    if (n < o->lowest || n > o->highest) {
        buf_putf(problem, "%s must be between %llu and %llu%s", o->variable,
                 (unsigned long long)o->lowest, (unsigned long long)o->highest,
                 o->kind == SIZE ? " bytes"
                 : o->kind == MS ? " ms"
                                 : "");
        return E_RANGE;
    }
    memcpy(field, &n, sizeof n);
    return OK;
}

static const struct option *find_option(struct str variable)
{
    for (size_t i = 0; i < NELEM(OPTIONS); i++)
        if (str_eq_nocase(str_z(OPTIONS[i].variable), variable))
            return &OPTIONS[i];
    return NULL;
}

static uint64_t bit_of(const struct option *o)
{
    return (uint64_t)1 << (o - OPTIONS);
}

/* What somebody chose stands above what a platform suggests. */
static enum err say_option(struct config *c, const struct option *o, struct str text,
                           struct buf *problem)
{
    enum err err = set_option(c, o, text, problem);

    if (err == OK)
        c->said |= bit_of(o);
    return err;
}

bool config_said(const struct config *c, struct str variable)
{
    const struct option *o = find_option(variable);

    return o != NULL && (c->said & bit_of(o)) != 0;
}

static bool same_field(const struct option *o, const void *a, const void *b)
{
    const struct secret *x = a, *y = b;

    switch (o->kind) {
    case TEXT: return str_eq(*(const struct str *)a, *(const struct str *)b);
    case SECRET: return str_eq(secret_str(x), secret_str(y));
    case FLAG: return *(const bool *)a == *(const bool *)b;
    case COUNT:
    case SIZE:
    case MS: break;
    }
    return *(const uint64_t *)a == *(const uint64_t *)b;
}

bool config_same(const struct config *a, const struct config *b, struct str variable)
{
    const struct option *o = find_option(variable);

    assert(o != NULL);
    return same_field(o, (const char *)a + o->field, (const char *)b + o->field);
}

enum err config_suggest(struct config *c, struct str variable, struct str text, struct buf *problem)
{
    const struct option *o = find_option(variable);

    assert(o != NULL); /* the rows of platforms are our own */
    return c->said & bit_of(o) ? OK : set_option(c, o, text, problem);
}

static enum err set_named(struct config *c, struct str variable, struct str text,
                          struct buf *problem)
{
    const struct option *o = find_option(variable);

    if (o == NULL) {
        buf_putf(problem, "%.*s is no option", S_ARG(str_sub(variable, 0, 64)));
        return E_FIELD;
    }
    return say_option(c, o, text, problem);
}

enum err config_set(struct config *c, struct str variable, struct str text, struct buf *problem)
{
    enum err err = set_named(c, variable, text, problem);

    if (err == OK)
        c->fixed |= bit_of(find_option(variable));
    return err;
}

/* Scalars are taken as their text, so that 8 and "8" are the same. */
static enum err set_member(struct config *c, yyjson_val *key, yyjson_val *v, struct buf *problem)
{
    struct str name = str_of(yyjson_get_str(key), yyjson_get_len(key));
    char digits[24];

    if (yyjson_is_str(v))
        return set_named(c, name, str_of(yyjson_get_str(v), yyjson_get_len(v)), problem);
    if (yyjson_is_bool(v))
        return set_named(c, name, yyjson_get_bool(v) ? S("1") : S("0"), problem);
    if (yyjson_is_uint(v)) {
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)yyjson_get_uint(v));
        return set_named(c, name, str_z(digits), problem);
    }
    buf_putf(problem, "%.*s must be a string, a number or a boolean", S_ARG(str_sub(name, 0, 64)));
    return E_FIELD;
}

static bool is_secret(yyjson_val *key)
{
    const struct option *o = find_option(str_of(yyjson_get_str(key), yyjson_get_len(key)));

    return o != NULL && o->kind == SECRET;
}

static enum err load_file(struct config *c, struct buf *problem)
{
    struct buf text;
    yyjson_doc *doc;
    yyjson_read_err e;
    yyjson_obj_iter it;
    yyjson_val *key;
    enum file_privacy privacy = FILE_PRIVATE;
    enum err err;

    buf_init(&text, CONFIG_FILE_MAX);
    err = file_read_secret(c->config_file, &text, &privacy);
    if (err == OK) {
        buf_put(&text, str_of("\0\0\0\0", YYJSON_PADDING_SIZE));
        err = text.err;
    }
    if (err != OK) {
        buf_putf(problem, "the config file %.*s cannot be read", S_ARG(c->config_file));
        secret_wipe(text.p, text.n);
        buf_fini(&text);
        return err;
    }
    /* In place: strings with secrets are wiped with the text. */
    doc = yyjson_read_opts(text.p, text.n - YYJSON_PADDING_SIZE,
                           YYJSON_READ_INSITU | YYJSON_READ_ALLOW_COMMENTS |
                               YYJSON_READ_ALLOW_TRAILING_COMMAS,
                           NULL, &e);
    if (doc == NULL || !yyjson_is_obj(yyjson_doc_get_root(doc))) {
        buf_putf(problem, "the config file %.*s is not a JSON object: %s at byte %zu",
                 S_ARG(c->config_file), doc ? "something else" : e.msg, doc ? 0 : e.pos);
        err = E_SYNTAX;
    } else {
        it = yyjson_obj_iter_with(yyjson_doc_get_root(doc));
        while (err == OK && (key = yyjson_obj_iter_next(&it)) != NULL) {
            err = set_member(c, key, yyjson_obj_iter_get_val(key), problem);
            if (is_secret(key))
                c->exposure = privacy;
        }
    }
    yyjson_doc_free(doc);
    secret_wipe(text.p, text.n);
    buf_fini(&text);
    return err;
}

/* The variables of proxies are written in small letters as often. */
static char *in_small_letters(const char *variable)
{
    char name[64];
    size_t n = strlen(variable);

    if (!str_ends(str_z(variable), S("_PROXY")) || n >= sizeof name)
        return NULL;
    for (size_t i = 0; i <= n; i++)
        name[i] =
            variable[i] >= 'A' && variable[i] <= 'Z' ? (char)(variable[i] | 0x20) : variable[i];
    return getenv(name);
}

static enum err load_variable(struct config *c, const struct option *o, struct buf *problem)
{
    char *spelled[] = {getenv(o->variable), in_small_letters(o->variable)};
    bool found = false;
    enum err err = OK;

    for (size_t i = 0; i < NELEM(spelled); i++) {
        char *v = spelled[i];

        if (v == NULL || *v == '\0')
            continue;
        if (!found) {
            err = say_option(c, o, str_z(v), problem);
            c->fixed |= bit_of(o);
        }
        found = true;
        if (o->kind == SECRET)
            secret_wipe(v, strlen(v)); /* SEC-3: not for /proc/self/environ */
    }
    return err;
}

static enum err load_environment(struct config *c, struct buf *problem)
{
    enum err err = OK;

    for (size_t i = 0; i < NELEM(OPTIONS) && err == OK; i++)
        err = load_variable(c, &OPTIONS[i], problem);
    return err;
}

static enum err set_defaults(struct config *c, struct buf *problem)
{
    enum err err = OK;

    *c = (struct config){0};
    for (size_t i = 0; i < NELEM(OPTIONS) && err == OK; i++)
        err = set_option(c, &OPTIONS[i], str_z(OPTIONS[i].otherwise), problem);
    return err;
}

enum err config_load(struct config *c, struct buf *problem)
{
    const char *file = getenv("QUEQIAO_CONFIG");
    enum err err = set_defaults(c, problem);

    if (err == OK && file != NULL && *file != '\0') {
        err = config_set(c, S("QUEQIAO_CONFIG"), str_z(file), problem);
        if (err == OK)
            err = load_file(c, problem);
    }
    return err == OK ? load_environment(c, problem) : err;
}

/* As in QUEQIAO_SERVICE_HOST, QUEQIAO_PORT=tcp://... and QUEQIAO_PORT_80_TCP_ADDR. */
static bool is_service_link(struct str name, struct str value)
{
    return str_find(name, S("_SERVICE_")) < name.n || str_find(name, S("_PORT_")) < name.n ||
           (str_ends(name, S("_PORT")) && str_find(value, S("://")) < value.n);
}

void config_strangers(struct buf *out)
{
    for (char **e = environ; *e != NULL; e++) {
        struct str value = str_z(*e);
        struct str name = str_cut(&value, '=');

        if (str_starts(name, S("QUEQIAO_")) && find_option(name) == NULL &&
            !is_service_link(name, value))
            buf_putf(out, "%s%.*s", out->n ? ", " : "", S_ARG(str_sub(name, 0, 64)));
    }
}

static void copy_field(const struct option *o, void *to, const void *from)
{
    const struct str *text = from;

    switch (o->kind) {
    case TEXT:
        mem_free((char *)(uintptr_t)((struct str *)to)->p);
        *(struct str *)to = str_of(mem_dup(text->p, text->n), text->n);
        break;
    case SECRET:
        secret_fini(to);
        secret_init(to, secret_str(from));
        break;
    case FLAG: memcpy(to, from, sizeof(bool)); break;
    case COUNT:
    case SIZE:
    case MS: memcpy(to, from, sizeof(uint64_t)); break;
    }
}

static void keep_fixed(struct config *c, const struct config *before)
{
    for (size_t i = 0; i < NELEM(OPTIONS); i++) {
        const struct option *o = &OPTIONS[i];

        if (before->fixed & bit_of(o))
            copy_field(o, (char *)c + o->field, (const char *)before + o->field);
    }
    c->said |= before->fixed;
    c->fixed = before->fixed;
}

enum err config_reload(struct config *c, const struct config *before, struct buf *problem)
{
    enum err err = set_defaults(c, problem);

    if (err == OK)
        keep_fixed(c, before); /* the name of the file is among it */
    if (err == OK && c->config_file.n > 0)
        err = load_file(c, problem);
    keep_fixed(c, before);
    return err;
}

void config_fini(struct config *c)
{
    for (size_t i = 0; i < NELEM(OPTIONS); i++) {
        void *field = (char *)c + OPTIONS[i].field;

        if (OPTIONS[i].kind == SECRET)
            secret_fini(field);
        if (OPTIONS[i].kind == TEXT)
            mem_free((char *)(uintptr_t)((struct str *)field)->p);
    }
}

void config_print_help(struct buf *out)
{
    for (size_t i = 0; i < NELEM(OPTIONS); i++) {
        const struct option *o = &OPTIONS[i];

        buf_putf(out, "  %s%s%s\n      %s\n", o->variable, *o->otherwise ? "=" : "", o->otherwise,
                 o->help);
    }
}

void config_print_markdown(struct buf *out)
{
    buf_lit(out,
            "# Options\n\n"
            "Printed by `queqiao --print-options`; do not edit. Set them in the environment, or "
            "in the JSON file that `QUEQIAO_CONFIG` names, under the same names in lower case.\n\n"
            "| variable | default | meaning |\n|---|---|---|\n");
    for (size_t i = 0; i < NELEM(OPTIONS); i++)
        buf_putf(out, "| `%s` | %s%s%s | %s |\n", OPTIONS[i].variable,
                 *OPTIONS[i].otherwise ? "`" : "", OPTIONS[i].otherwise,
                 *OPTIONS[i].otherwise ? "`" : "", OPTIONS[i].help);
}
