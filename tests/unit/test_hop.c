/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_hop.c - the request that asks an answer to go on, and the usage of all its parts. */
#include "gemini/event.h"
#include "gemini/write.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void holds(const struct rope *r, const char *text)
{
    struct rope_pos pos = {0};
    struct buf b;
    struct str piece;

    buf_init(&b, 1 << 20);
    while ((piece = rope_next(r, &pos, SIZE_MAX)).n > 0)
        buf_put(&b, piece);
    if (!str_eq(buf_str(&b), str_z(text)))
        fail_msg("%.*s", S_ARG(buf_str(&b)));
    assert_int_equal(b.n, rope_len(r));
    buf_fini(&b);
}

static void the_token_is_put_in_and_replaced(void **state)
{
    struct rope r;
    size_t n = 0;

    (void)state;
    rope_init(&r, 1 << 10);
    buf_lit(&r.text, "{\"a\":\"");
    rope_borrow(&r, S("span"));
    buf_lit(&r.text, "\"}");
    assert_int_equal(gm_continue(&r, &n, S("AAA=")), OK);
    holds(&r, "{\"a\":\"span\",\"continuationToken\":\"AAA=\"}");
    assert_int_equal(gm_continue(&r, &n, S("b-_+/9")), OK);
    holds(&r, "{\"a\":\"span\",\"continuationToken\":\"b-_+/9\"}");
    rope_fini(&r);
}

/* It comes from upstream: nothing of it may end up as JSON of its own. */
static void what_is_no_token_changes_nothing(void **state)
{
    static const char *const bad[] = {"", "a\"", "a\\", "a b", "a\n", "\xc3\xa9", "a,"};
    struct rope r;
    struct buf long_one;
    size_t n = 0;

    (void)state;
    rope_init(&r, 1 << 10);
    buf_lit(&r.text, "{}");
    for (size_t i = 0; i < NELEM(bad); i++)
        assert_int_equal(gm_continue(&r, &n, str_z(bad[i])), E_SYNTAX);
    buf_init(&long_one, 1 << 20);
    for (size_t i = 0; i < 2000; i++)
        buf_putc(&long_one, 'A');
    assert_int_equal(gm_continue(&r, &n, buf_str(&long_one)), E_TOOBIG);
    for (size_t i = long_one.n; i <= GM_TOKEN_MAX; i++)
        buf_putc(&long_one, 'A');
    assert_int_equal(gm_continue(&r, &n, buf_str(&long_one)), E_SYNTAX);
    assert_int_equal(n, 0);
    holds(&r, "{}");
    buf_fini(&long_one);
    rope_fini(&r);
}

static void usage_is_that_of_all(void **state)
{
    struct gm_reader r;
    struct gm_error told;

    (void)state;
    gm_reader_init(&r, &told);
    for (uint64_t i = 1; i <= 3; i++) {
        r.usage = (struct gm_usage){.seen = true, .prompt = 10, .candidates = i, .total = 10 + i};
        r.finish = GM_CONTINUE;
        if (i < 3)
            gm_reader_hop(&r);
    }
    gm_reader_sum(&r);
    gm_reader_sum(&r); /* once is enough */
    assert_int_equal(r.usage.prompt, 30);
    assert_int_equal(r.usage.candidates, 6);
    assert_int_equal(r.usage.total, 36);
    assert_true(r.usage.seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_token_is_put_in_and_replaced),
        cmocka_unit_test(what_is_no_token_changes_nothing),
        cmocka_unit_test(usage_is_that_of_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
