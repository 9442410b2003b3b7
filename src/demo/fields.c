/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fields.c - the two spellings of proto3 JSON. Knows no field by name. */
#include "demo/fields.h"

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* A leading underscore is kept: _responseJsonSchema is a real name. */
static bool camel_is(struct str given, const char *snake)
{
    size_t i = 0;

    for (const char *s = snake; *s != '\0'; s++, i++) {
        char want = *s;

        if (want == '_' && s != snake && s[1] != '\0')
            want = upper(*++s);
        if (i >= given.n || given.p[i] != want)
            return false;
    }
    return i == given.n;
}

bool emu_name_is(struct str given, const char *snake)
{
    return str_eq(given, str_z(snake)) || camel_is(given, snake);
}

yyjson_val *emu_get(yyjson_val *obj, const char *snake)
{
    jr_each_member (key, obj) {
        if (emu_name_is(jr_text(key), snake) && !yyjson_is_null(key + 1))
            return key + 1;
    }
    return NULL;
}

struct str emu_str(yyjson_val *obj, const char *snake)
{
    return jr_text(emu_get(obj, snake));
}

bool emu_true(yyjson_val *obj, const char *snake)
{
    yyjson_val *v = emu_get(obj, snake);

    return yyjson_is_true(v) || str_eq(jr_text(v), S("true"));
}

bool emu_word(yyjson_val *obj, const char *snake, const char *word)
{
    return str_eq_nocase(emu_str(obj, snake), str_z(word));
}

struct emu_each emu_each(yyjson_val *list)
{
    if (list == NULL || yyjson_is_null(list))
        return (struct emu_each){NULL, NULL, 0};
    if (!yyjson_is_arr(list))
        return (struct emu_each){list, unsafe_yyjson_get_next(list), SIZE_MAX};
    return (struct emu_each){yyjson_arr_get_first(list), unsafe_yyjson_get_next(list), SIZE_MAX};
}

yyjson_val *emu_next(struct emu_each *e)
{
    yyjson_val *v = e->v;

    if (v == NULL || v >= e->end)
        return NULL;
    e->v = unsafe_yyjson_get_next(v);
    e->index++;
    return v;
}

size_t emu_len(yyjson_val *list)
{
    struct emu_each e = emu_each(list);
    size_t n = 0;

    while (emu_next(&e) != NULL)
        n++;
    return n;
}
