/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* json_scan.c - one look over JSON text, 64 bytes at a time: where strings are is worked out for
 * all of them at once. What is near a cap, or needs mending, is walked byte by byte instead, so
 * that what is told does not hang on the way it was found. Must not know what is parsed, or by
 * whom. */
#include "codec/json_scan.h"
#include "codec/json_read.h"
#include "codec/scan.h"
#include "codec/unescape.h"
#include "codec/wide.h"

/* What walk() does at a byte outside of strings. */
enum { PASS, QUOTE, OPEN, CLOSE, NEXT, DIGIT };
static const uint8_t WHAT[256] = {
    ['"'] = QUOTE, ['['] = OPEN,  ['{'] = OPEN,  [']'] = CLOSE, ['}'] = CLOSE, [','] = NEXT,
    [':'] = NEXT,  ['0'] = DIGIT, ['1'] = DIGIT, ['2'] = DIGIT, ['3'] = DIGIT, ['4'] = DIGIT,
    ['5'] = DIGIT, ['6'] = DIGIT, ['7'] = DIGIT, ['8'] = DIGIT, ['9'] = DIGIT, ['-'] = DIGIT,
    ['+'] = DIGIT, ['.'] = DIGIT, ['e'] = DIGIT, ['E'] = DIGIT,
};

/* Pass the escape at p and rewrite it when it is half of a surrogate pair. */
static size_t mend_escape(char *p, size_t n)
{
    int unit = escape_unit(p, n);
    int other;

    if (unit < 0xd800 || unit > 0xdfff)
        return n < 2 ? n : 2;
    other = unit < 0xdc00 ? escape_unit(p + 6, n - 6) : -1;
    if (other >= 0xdc00 && other <= 0xdfff)
        return 12;
    memcpy(p + 2, "FFFD", 4);
    return 6;
}

/* The index after the quote that ends the string whose text starts at i. */
static size_t pass_string(char *p, size_t n, size_t i, bool lenient)
{
    for (;;) {
        i += scan_plain(p + i, n - i);
        if (i >= n)
            return n;
        if (p[i] == '"')
            return i + 1;
        if (p[i] == '\\' && lenient)
            i += mend_escape(p + i, n - i);
        else
            i += p[i] == '\\' && n - i >= 2 ? 2 : 1;
    }
}

static size_t pass_number(const char *p, size_t n, size_t i)
{
    while (i < n && WHAT[(unsigned char)p[i]] == DIGIT)
        i++;
    return i;
}

/* Byte by byte: *at is where the count stopped. */
static const char *walk(char *p, size_t n, bool lenient, size_t *at)
{
    size_t depth = 0;
    size_t values = 1;
    size_t i = *at;

    while (i < n) {
        size_t from = i++;

        switch (WHAT[(unsigned char)p[from]]) {
        case QUOTE: i = pass_string(p, n, i, lenient); break;
        case OPEN:
            depth++;
            values += i < n && p[i] != ']' && p[i] != '}';
            break;
        case CLOSE: depth -= depth > 0; break;
        case NEXT: values++; break;
        case DIGIT: i = pass_number(p, n, i); break;
        default: continue;
        }
        *at = from;
        if (depth > JSON_DEPTH_MAX)
            return "is nested too deeply";
        if (values > JSON_VALUES_MAX)
            return "has too many values";
        if (i - from > JSON_NUMBER_MAX && p[from] != '"')
            return "has a number with too many digits";
    }
    return NULL;
}

#ifdef __SSE2__
enum {
    BLOCK = 64,
    QUIET_BLOCKS = 3, /* so many without a mark are in any number that is too long */
};

struct glance {
    char *p;
    size_t n;
    uint64_t in_string; /* all ones: the next block begins inside of a string */
    uint64_t escaped;   /* 1: its first byte is escaped */
    bool levels;        /* count them: more than JSON_DEPTH_MAX brackets open in all */
    size_t opens, depth, values;
    unsigned quiet; /* blocks in a row, outside of strings, without anything to count */
    bool slash;     /* there was a backslash */
    size_t plain;   /* where the run of plain bytes of a string began */
    size_t cut_min; /* json_cut_min() */
    struct json_cuts *cuts;
};

/* 64 bytes of text, and a bit for each. -O2 unrolls no loop over the four, so none is written. */
struct block {
    __m128i a, b, c, d;
};

static ALWAYS_INLINE uint64_t bits_of(__m128i a, __m128i b, __m128i c, __m128i d)
{
    unsigned low = (unsigned)_mm_movemask_epi8(a) | (unsigned)_mm_movemask_epi8(b) << 16;
    unsigned high = (unsigned)_mm_movemask_epi8(c) | (unsigned)_mm_movemask_epi8(d) << 16;

    return (uint64_t)high << 32 | low;
}

static ALWAYS_INLINE uint64_t where(struct block t, char c)
{
    const __m128i all = _mm_set1_epi8(c);

    return bits_of(_mm_cmpeq_epi8(t.a, all), _mm_cmpeq_epi8(t.b, all), _mm_cmpeq_epi8(t.c, all),
                   _mm_cmpeq_epi8(t.d, all));
}

/* '[' becomes '{', and ']' becomes '}'. */
static ALWAYS_INLINE struct block in_lower_case(struct block t)
{
    const __m128i bit = _mm_set1_epi8(0x20);

    return (struct block){_mm_or_si128(t.a, bit), _mm_or_si128(t.b, bit), _mm_or_si128(t.c, bit),
                          _mm_or_si128(t.d, bit)};
}

/* No control byte and nothing above ASCII, given that there is neither quote nor backslash. */
static ALWAYS_INLINE bool is_plain(struct block t)
{
    const __m128i space = _mm_set1_epi8(' ');
    __m128i ab = _mm_or_si128(_mm_cmplt_epi8(t.a, space), _mm_cmplt_epi8(t.b, space));
    __m128i cd = _mm_or_si128(_mm_cmplt_epi8(t.c, space), _mm_cmplt_epi8(t.d, space));

    return _mm_movemask_epi8(_mm_or_si128(ab, cd)) == 0;
}

static ALWAYS_INLINE size_t
count_bits(uint64_t bits) /* few, and popcount is no instruction of every x86 */
{
    size_t n = 0;

    for (; bits != 0; bits &= bits - 1)
        n++;
    return n;
}

/* Each bit is the parity of the bits up to it. */
static ALWAYS_INLINE uint64_t parity(uint64_t bits)
{
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    return bits ^ bits << 32;
}

/* The bytes behind an odd number of backslashes. After Langdale and Lemire, "Parsing Gigabytes of
 * JSON per Second", section 3.1.1. */
static ALWAYS_INLINE uint64_t escaped_bytes(struct glance *g, uint64_t slash)
{
    const uint64_t even = 0x5555555555555555U;
    uint64_t after, starts, sum;

    if (slash == 0 && g->escaped == 0)
        return 0;
    slash &= ~g->escaped;
    after = slash << 1 | g->escaped;
    starts = slash & ~even & ~after;
    sum = starts + slash;
    g->escaped = sum < starts;
    return (even ^ sum << 1) & after;
}

/* How many bytes at the front of p[0..n) are ASCII that may stand in a string as it is. */
static size_t plain_ascii(const char *p, size_t n)
{
    bool all_ascii = true;
    size_t plain = scan_ascii(p, n, &all_ascii);

    return all_ascii ? plain : 0;
}

/* The run of plain bytes [from, to) lies inside of one string: all of that string, if all of it is
 * plain, is cut out. Where it begins is in the block before the run, which would be one of it. */
static void cut_string(struct glance *g, size_t from, size_t to)
{
    size_t before = from < BLOCK ? from : BLOCK;
    const char *quote = memrchr(g->p + from - before, '"', before);
    struct json_cuts *cuts = g->cuts;
    size_t text;

    if (quote == NULL || cuts->n == JSON_CUTS_MAX)
        return;
    text = (size_t)(quote + 1 - g->p);
    if (text < 2 || g->p[text - 2] == '\\' || plain_ascii(g->p + text, from - text) < from - text)
        return;
    to += plain_ascii(g->p + to, g->n - to);
    if (to == g->n || g->p[to] != '"')
        return;
    cuts->v[cuts->n++] = (struct json_cut){text, to - text};
    cuts->bytes += to - text;
}

static ALWAYS_INLINE void end_run(struct glance *g, size_t at)
{
    if (g->plain < at && at - g->plain >= g->cut_min)
        cut_string(g, g->plain, at);
    g->plain = SIZE_MAX;
}

/* A block that is all inside of a string. */
static ALWAYS_INLINE void pass_text(struct glance *g, struct block t, uint64_t slash, size_t at)
{
    g->quiet = 0;
    g->slash |= slash != 0;
    if (slash == 0 && g->escaped == 0 && is_plain(t)) {
        g->plain = g->plain < at ? g->plain : at;
        return;
    }
    end_run(g, at);
    escaped_bytes(g, slash);
}

/* The levels that open and close in this block. False: the cap may be reached in it. */
static bool count_levels(struct glance *g, uint64_t open, uint64_t close)
{
    size_t opened = count_bits(open), closed = count_bits(close);

    if (g->depth + opened <= JSON_DEPTH_MAX && closed <= g->depth) { /* in whatever order */
        g->depth += opened;
        g->depth -= closed;
        return true;
    }
    for (uint64_t both = open | close; both != 0; both &= both - 1) {
        if (open & both & (0 - both))
            g->depth++;
        else
            g->depth -= g->depth > 0;
        if (g->depth > JSON_DEPTH_MAX)
            return false;
    }
    return true;
}

/* Commas, colons and brackets outside of strings. Text that is shorter than the cap of values is
 * not counted, and levels not before so many opened in all. */
static ALWAYS_INLINE bool count_marks(struct glance *g, struct block t, uint64_t quote,
                                      uint64_t outside)
{
    struct block low = in_lower_case(t);
    uint64_t open = where(low, '{') & outside;
    bool few = g->n <= JSON_VALUES_MAX;
    uint64_t next = 0;

    g->opens += count_bits(open);
    if (!few || (quote | open) == 0)
        next = (where(t, ',') | where(t, ':')) & outside;
    g->quiet = (quote | open | next) == 0 ? g->quiet + 1 : 0;
    if (!few) /* an empty container at a block's end may be counted as holding a value */
        g->values += count_bits(next) + count_bits(open & ~(where(low, '}') >> 1));
    if (g->quiet >= QUIET_BLOCKS || g->values > JSON_VALUES_MAX)
        return false;
    if (g->levels)
        return count_levels(g, open, where(low, '}') & outside);
    return g->opens <= JSON_DEPTH_MAX;
}

/* False: a cap may be reached; the walk will tell. */
static ALWAYS_INLINE bool pass_block(struct glance *g, const char *p, size_t at)
{
    const __m128i *v = (const __m128i *)(const void *)p;
    const struct block t = {_mm_loadu_si128(v), _mm_loadu_si128(v + 1), _mm_loadu_si128(v + 2),
                            _mm_loadu_si128(v + 3)};
    uint64_t quote = where(t, '"'), slash = where(t, '\\');
    uint64_t outside;

    if (quote == 0 && g->in_string != 0) {
        pass_text(g, t, slash, at);
        return true;
    }
    end_run(g, at);
    g->slash |= slash != 0;
    quote &= ~escaped_bytes(g, slash);
    outside = ~(parity(quote) ^ g->in_string);
    g->in_string = 0 - (~outside >> 63);
    return count_marks(g, t, quote, outside);
}

/* True: no cap is reached, and nothing is to be mended. */
static bool glance(struct glance *g, size_t at)
{
    char end[BLOCK];

    for (; g->n - at >= BLOCK; at += BLOCK) {
        if (!pass_block(g, g->p + at, at))
            return false;
        if (g->plain < at) /* the second block of a plain run, which may be long */
            at += wide_plain(g->p + at + BLOCK, g->n - at - BLOCK);
    }
    memset(end, ' ', sizeof end);
    memcpy(end, g->p + at, g->n - at);
    if (!pass_block(g, end, at))
        return false;
    end_run(g, at < g->n ? at : g->n);
    return true;
}

/* Half of a surrogate pair may be there, spelled as an escape. */
static bool may_need_mending(const char *p, size_t n)
{
    struct str text = str_of(p, n);

    return str_find(text, S("\\ud")) < n || str_find(text, S("\\uD")) < n;
}

static bool is_harmless(char *p, size_t n, bool lenient, struct json_cuts *cuts, size_t at)
{
    /* Of what upstream says the forms of json_form.h are learned: values must stand in its text. */
    const struct glance fresh = {.p = p,
                                 .n = n,
                                 .values = 1,
                                 .plain = SIZE_MAX,
                                 .cut_min = lenient ? JSON_CUT_ENOUGH : json_cut_min(n),
                                 .cuts = cuts};
    struct glance g = fresh;
    bool good = glance(&g, at);

    if (!good && g.opens > JSON_DEPTH_MAX) {
        cuts->n = cuts->bytes = 0;
        g = fresh;
        g.levels = true;
        good = glance(&g, at);
    }
    return good && !(lenient && g.slash && may_need_mending(p, n));
}
#else
static bool is_harmless(char *p, size_t n, bool lenient, struct json_cuts *cuts, size_t at)
{
    (void)p, (void)n, (void)lenient, (void)cuts, (void)at;
    return false;
}
#endif

const char *json_scan(char *p, size_t n, bool lenient, struct json_cuts *ret_cuts, size_t *at)
{
    ret_cuts->n = ret_cuts->bytes = 0;
    if (is_harmless(p, n, lenient, ret_cuts, *at))
        return NULL;
    ret_cuts->n = ret_cuts->bytes = 0;
    return walk(p, n, lenient, at);
}
