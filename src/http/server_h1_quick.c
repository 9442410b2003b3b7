/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* server_h1_quick.c - the head that nearly every request has, read in one pass: all of it is here,
 * its bytes are visible ASCII, it asks for a path and its body has a length. It says nothing that
 * server_h1_read.c would not say: whatever is unusual, wrong included, it leaves untouched for that
 * file, which is also what the tests hold it against (whole input and split input agree). */
#include "http/quick.h"
#include "http/server_h1_read.h"

#include <assert.h>

/* No line can reach HTTP_LINE_MAX, nor the fields' cost HTTP_HEAD_MAX. */
static_assert(QUICK_MAX + HTTP_FIELDS_MAX * HEAD_FIELD_COST_BYTES <= HTTP_HEAD_MAX, "see there");

/* METHOD SP path SP HTTP/1.1 */
static bool request_line(struct h1_reader *r, struct str line)
{
    static const struct str VERSION = S_INIT(" HTTP/1.1");
    struct str target = line;
    struct str word = str_cut(&target, ' ');

    if (!str_ends(target, VERSION))
        return false;
    target.n -= VERSION.n;
    r->method = method_find(word);
    r->minor = 1;
    return r->method != HTTP_OTHER && target.n > 0 && target.p[0] == '/' &&
           target_split(target, r->method, &r->target, &r->why);
}

static bool fields(struct h1_reader *r, const struct quick_lines *x)
{
    char *p = r->head.p;

    r->lines = x->n;
    h1_reader_room(r, x->n - 1);
    for (size_t i = 0; i + 1 < x->n; i++) {
        size_t from = x->end[i] + (size_t)2;

        if (!quick_field(p + from, x->end[i + 1] - from, &r->fields[i]))
            return false;
    }
    r->nfields = x->n - 1;
    return head_facts(h1_reader_fields(r), r->minor, &r->facts, &r->why) && !r->facts.chunked;
}

bool h1_quick_head(struct h1_reader *r, struct str *in)
{
    UNINITIALIZED struct quick_lines x;

    if (r->lines > 0 || r->head.n > 0 || !quick_lines(*in, &x))
        return false;
    buf_put(&r->head, str_sub(*in, 0, x.bytes));
    if (r->head.err == OK && request_line(r, str_of(r->head.p, x.end[0])) && fields(r, &x)) {
        *in = str_skip(*in, x.bytes);
        r->left = r->facts.length;
        r->at = r->left > 0 ? AT_LENGTH : AT_END;
        return true;
    }
    r->nfields = r->lines = 0;
    buf_reset(&r->head);
    return false;
}
