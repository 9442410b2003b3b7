/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* server_h1_quick.c - the head that nearly every request has, read in one pass: all of it is here,
 * its bytes are visible ASCII, it asks for a path and its body has a length. It says nothing that
 * server_h1_read.c would not say: whatever is unusual, wrong included, it leaves untouched for that
 * file, which is also what the tests hold it against (whole input and split input agree). */
#include "base/mem.h"
#include "http/server_h1_read.h"

#include <assert.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* No line can reach HTTP_LINE_MAX, nor the fields' cost HTTP_HEAD_MAX. */
enum { QUICK_MAX = HTTP_LINE_MAX, BLOCK = 16, LINES_MAX = HTTP_FIELDS_MAX + 1 };
static_assert(QUICK_MAX + HTTP_FIELDS_MAX * HEAD_FIELD_COST_BYTES <= HTTP_HEAD_MAX, "see there");

/* A bit for each of 16 bytes that is not of 0x20..0x7e. */
static unsigned marks(const char *p)
{
#ifdef __SSE2__
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(' ')); /* signed: from 0x80 on as well */
    __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, del));
#else
    unsigned m = 0;

    for (unsigned i = 0; i < BLOCK; i++)
        m |= (unsigned)(p[i] < ' ' || p[i] >= 0x7f || (p[i] & 0x80) != 0) << i;
    return m;
#endif
}

struct lines {
    size_t n; /* the empty one at the end left out */
    size_t bytes;
    uint16_t end[LINES_MAX]; /* where the CR of each stands */
};

/* Every mark is the CR of a CRLF, up to the empty line. */
static bool find_lines(struct str in, struct lines *x)
{
    size_t from = 0; /* of the line that is not finished */

    x->n = x->bytes = 0;
    for (size_t at = 0; at < in.n; at += BLOCK) {
        char tail[BLOCK];
        const char *block = in.p + at;
        unsigned m;

        if (in.n - at < BLOCK) {
            memset(tail, ' ', sizeof tail);
            memcpy(tail, block, in.n - at);
            block = tail;
        }
        for (m = marks(block); m != 0; m &= m - 1) {
            size_t i = at + (size_t)__builtin_ctz(m);

            if (i + 1 == from)
                continue; /* the LF of the CRLF before */
            if (in.p[i] != '\r' || in.n - i < 2 || in.p[i + 1] != '\n')
                return false;
            if (i == from) {
                x->bytes = i + 2;
                return x->n > 0;
            }
            if (x->n == LINES_MAX)
                return false;
            x->end[x->n++] = (uint16_t)i;
            from = i + 2;
        }
    }
    return false;
}

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

static struct str trim(struct str v)
{
    while (v.n > 0 && v.p[0] == ' ')
        v = str_skip(v, 1);
    while (v.n > 0 && v.p[v.n - 1] == ' ')
        v.n--;
    return v;
}

/* name ":" value; the name is lower-cased where it stands. */
static bool field(char *p, size_t n, struct http_header *ret)
{
    size_t i = 0;

    for (; i < n && p[i] != ':'; i++) {
        p[i] = (char)TOKEN_LOWER[(unsigned char)p[i]];
        if (p[i] == 0)
            return false;
    }
    if (i == 0 || i == n)
        return false;
    *ret = (struct http_header){
        {p,         i        },
        trim((struct str){p + i + 1, n - i - 1}
        )
    };
    return true;
}

static bool fields(struct h1_reader *r, const struct lines *x)
{
    char *p = r->head.p;

    r->lines = x->n;
    r->nfields = x->n - 1;
    r->fields = mem_alloc(x->n * sizeof *r->fields);
    for (size_t i = 0; i < r->nfields; i++) {
        size_t from = x->end[i] + (size_t)2;

        if (!field(p + from, x->end[i + 1] - from, &r->fields[i]))
            return false;
    }
    return head_facts((struct http_headers){r->fields, r->nfields}, r->minor, &r->facts, &r->why) &&
           !r->facts.chunked;
}

bool h1_quick_head(struct h1_reader *r, struct str *in)
{
    UNINITIALIZED struct lines x;

    if (r->lines > 0 || r->head.n > 0 || !find_lines(str_sub(*in, 0, QUICK_MAX), &x))
        return false;
    buf_put(&r->head, str_sub(*in, 0, x.bytes));
    if (r->head.err == OK && request_line(r, str_of(r->head.p, x.end[0])) && fields(r, &x)) {
        *in = str_skip(*in, x.bytes);
        r->left = r->facts.length;
        r->at = r->left > 0 ? AT_LENGTH : AT_END;
        return true;
    }
    mem_free(r->fields);
    r->fields = NULL;
    r->nfields = r->lines = 0;
    buf_reset(&r->head);
    return false;
}
