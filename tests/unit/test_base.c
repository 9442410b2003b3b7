/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_base.c - strings, buffers, ropes, arenas and secrets. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/rope.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* LIM-18. */
static void numbers(void **state)
{
    static const struct {
        const char *in;
        uint64_t max;
        bool ok;
        uint64_t out;
    } rows[] = {
        {"0",                    UINT64_MAX, true,  0         },
        {"007",                  UINT64_MAX, true,  7         },
        {"18446744073709551615", UINT64_MAX, true,  UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0         },
        {"99999999999999999999", UINT64_MAX, false, 0         },
        {"",                     UINT64_MAX, false, 0         },
        {"-1",                   UINT64_MAX, false, 0         },
        {"1 ",                   UINT64_MAX, false, 0         },
        {"11",                   10,         false, 0         },
        {"10",                   10,         true,  10        },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        uint64_t v = 42;

        assert_int_equal(str_u64(str_z(rows[i].in), rows[i].max, &v), rows[i].ok);
        assert_int_equal(v, rows[i].ok ? rows[i].out : 42);
    }
}

static void cutting(void **state)
{
    struct str s = S("a,,b");

    (void)state;
    assert_true(str_eq(str_cut(&s, ','), S("a")));
    assert_true(str_eq(str_cut(&s, ','), S("")));
    assert_true(str_eq(str_cut(&s, ','), S("b")));
    assert_int_equal(s.n, 0);
    assert_true(str_eq(str_trim(S(" \tx y\r\n")), S("x y")));
    assert_true(str_eq_nocase(S("Content-Type"), S("content-tYPE")));
    assert_false(str_eq_nocase(S("a@"), S("a`")));
    assert_int_equal(str_find(S("hello"), S("lo")), 3);
    assert_int_equal(str_find(S("hello"), S("xx")), 5);
    assert_true(str_contains_nocase(S("a LIMIT b"), S("limit")));
}

/* DAT-6, LIM-18. */
static void joining(void **state)
{
    static const struct str PIECES[] = {
        S_INIT("ab"), S_INIT(""), S_INIT("c"), {NULL, 0}
    };
    char out[5] = "....";

    (void)state;
    assert_int_equal(str_join(out, 2, PIECES, NELEM(PIECES)), 0);
    assert_int_equal(str_join(out, 3, PIECES, NELEM(PIECES)), 3);
    assert_string_equal(out, "abc.");
    str_to_z(out, sizeof out, S("1234"));
    assert_string_equal(out, "1234");
    str_to_z(out, sizeof out, S("98765"));
    assert_string_equal(out, "9876");
    str_to_z(out, sizeof out, S(""));
    assert_string_equal(out, "");
}

/* DAT-6, LIM-18. */
static void buffer_cap_is_sticky(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10);
    buf_lit(&b, "12345");
    buf_putf(&b, "%d", 678);
    assert_int_equal(b.err, OK);
    buf_lit(&b, "xyz");
    assert_int_equal(b.err, E_TOOBIG);
    buf_lit(&b, "");
    buf_putc(&b, 'q');
    assert_true(str_eq(buf_str(&b), S("12345678")));
    buf_fini(&b);
    assert_int_equal(mem_counted(), 0);
}

/* LIM-14. */
static void budget_refuses(void **state)
{
    struct buf b;

    (void)state;
    mem_set_budget(1024);
    buf_init(&b, SIZE_MAX);
    for (int i = 0; i < 100; i++)
        buf_lit(&b, "0123456789abcdef0123456789abcdef");
    assert_int_equal(b.err, E_MEMORY);
    assert_true(mem_counted() <= 1024);
    buf_fini(&b);
    assert_int_equal(mem_counted(), 0);
    mem_set_budget((size_t)1 << 30);
}

/* The same bytes, whatever the size of the pieces that are asked for. */
static void rope_reads_in_order(void **state)
{
    struct rope r;

    (void)state;
    rope_init(&r, 100);
    buf_lit(&r.text, "ab");
    rope_borrow(&r, S("CDE"));
    rope_borrow(&r, S("F"));
    buf_lit(&r.text, "gh");
    rope_borrow(&r, S("I"));
    assert_int_equal(rope_len(&r), 9);
    for (size_t max = 1; max <= 10; max++) {
        struct rope_pos pos = {0};
        struct buf got;
        struct str piece;

        buf_init(&got, 100);
        while ((piece = rope_next(&r, &pos, max)).n > 0) {
            assert_true(piece.n <= max);
            buf_put(&got, piece);
        }
        assert_true(str_eq(buf_str(&got), S("abCDEFghI")));
        buf_fini(&got);
    }
    rope_fini(&r);
}

/* DAT-6. */
static void rope_cap_counts_spans(void **state)
{
    struct rope r;

    (void)state;
    rope_init(&r, 5);
    rope_borrow(&r, S("abc"));
    buf_lit(&r.text, "de");
    assert_int_equal(r.text.err, OK);
    buf_lit(&r.text, "f");
    assert_int_equal(r.text.err, E_TOOBIG);
    rope_fini(&r);
}

static void arena_gives_back(void **state)
{
    struct arena a;
    struct arena_mark m;

    (void)state;
    arena_init(&a, 100000);
    assert_non_null(arena_alloc(&a, 10));
    m = arena_mark(&a);
    for (int i = 0; i < 20; i++)
        assert_true(str_eq(arena_dup(&a, S("hello")), S("hello")));
    assert_non_null(arena_alloc(&a, 50000));
    assert_null(arena_alloc(&a, 60000));
    assert_null(arena_alloc(&a, SIZE_MAX));
    arena_reset(&a, m);
    assert_true(a.used <= 16);
    assert_non_null(arena_alloc(&a, 60000));
    arena_fini(&a);
    assert_int_equal(mem_counted(), 0);
}

/* SEC-1. */
static void secrets(void **state)
{
    struct secret s;
    struct secret none = {0};
    struct sha256 digest;

    (void)state;
    secret_init(&s, S("sk-0123456789abcd"));
    assert_true(secret_eq(&s, S("sk-0123456789abcd")));
    assert_false(secret_eq(&s, S("sk-0123456789abce")));
    assert_false(secret_eq(&s, S("sk-0123456789abc")));
    assert_false(secret_eq(&s, S("")));
    assert_false(secret_eq(&none, S("")));
    digest = sha256_of(secret_str(&s));
    assert_string_equal(sha256_name(&digest).z, "717da947");
    secret_fini(&s);
    assert_null(s.p);
}

/* Letters and digits only, all of them, no place or letter preferred, and nothing twice. */
static void ids(void **state)
{
    enum { N = 62 * 400, LONGEST = 27 };
    static unsigned seen[LONGEST][256];
    char was[LONGEST] = "", id[LONGEST + 1];

    (void)state;
    for (size_t i = 0; i < N; i++) {
        size_t n = 8 + i % (LONGEST - 7);

        id[n] = '#';
        random_id(id, n);
        assert_int_equal(id[n], '#');
        assert_memory_not_equal(id, was, 8);
        memcpy(was, id, 8);
        for (size_t at = 0; at < n; at++)
            seen[at][(unsigned char)id[at]]++;
    }
    for (unsigned c = 0; c < 256; c++)
        for (size_t at = 0; at < LONGEST; at++) {
            bool letter =
                (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

            assert_true(letter || seen[at][c] == 0);
            if (letter && at < 8) /* expected 400, deviation 20 */
                assert_in_range(seen[at][c], 200, 600);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(cutting),
        cmocka_unit_test(joining),
        cmocka_unit_test(buffer_cap_is_sticky),
        cmocka_unit_test(budget_refuses),
        cmocka_unit_test(rope_reads_in_order),
        cmocka_unit_test(rope_cap_counts_spans),
        cmocka_unit_test(arena_gives_back),
        cmocka_unit_test(secrets),
        cmocka_unit_test(ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
