/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* layout.c - spaces between the tokens of compact JSON. Looks at brackets and quotes only. */
#include "demo/layout.h"

/* The index after the string that begins at i. */
static size_t pass_string(struct str s, size_t i)
{
    for (i++; i < s.n && s.p[i] != '"'; i++) {
        if (s.p[i] == '\\')
            i++;
    }
    return i < s.n ? i + 1 : s.n;
}

void emu_layout_line(struct str json, struct buf *out)
{
    for (size_t i = 0; i < json.n;) {
        size_t from = i;

        i = json.p[i] == '"' ? pass_string(json, i) : i + 1;
        buf_put(out, str_sub(json, from, i - from));
        if (json.p[from] == ':')
            buf_putc(out, ' ');
    }
}

static void new_line(struct buf *out, size_t depth)
{
    buf_putc(out, '\n');
    for (size_t i = 0; i < depth; i++)
        buf_lit(out, "  ");
}

void emu_layout_pretty(struct str json, struct buf *out)
{
    size_t depth = 0;

    for (size_t i = 0; i < json.n;) {
        char c = json.p[i];
        size_t from = i;
        bool empty = (c == '{' || c == '[') && i + 1 < json.n &&
                     (json.p[i + 1] == '}' || json.p[i + 1] == ']');

        i = c == '"' ? pass_string(json, i) : i + 1 + empty;
        if ((c == '}' || c == ']') && depth > 0)
            new_line(out, --depth);
        buf_put(out, str_sub(json, from, i - from));
        if (c == ':')
            buf_putc(out, ' ');
        if (((c == '{' || c == '[') && !empty))
            new_line(out, ++depth);
        else if (c == ',')
            new_line(out, depth);
    }
}
