/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_sse.c - event streams, fed whole, byte by byte and in two and three pieces at each place. */
#include "base/mem.h"
#include "codec/json_read.h"
#include "codec/sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MARK "\xef\xbb\xbf"

/* Each event's data, followed by '|'. `largest` is the longest of them. */
static const struct {
    const char *name;
    struct str in, out;
    size_t largest;
} ROWS[] = {
    {"nothing",            S_INIT(""),                                                           S_INIT(""),                          0 },
    {"one",                S_INIT("data: x\n\n"),                                                S_INIT("x|"),                        1 },
    {"crlf",               S_INIT("data: x\r\n\r\n"),                                            S_INIT("x|"),                        1 },
    {"cr",                 S_INIT("data: x\r\r"),                                                S_INIT("x|"),                        1 },
    {"mixed ends",         S_INIT("data: a\n\r\ndata: b\r\n\ndata: c\r\n\r"),                    S_INIT("a|b|c|"),                    1 },
    {"lf after cr",        S_INIT("data: a\rdata: b\n\rdata: c\n\n"),                            S_INIT("a\nb|c|"),                   3 },
    {"two",                S_INIT("data: {\"a\":1}\n\ndata: {\"b\":2}\n\n"),                     S_INIT("{\"a\":1}|{\"b\":2}|"),      7 },
    {"no space",           S_INIT("data:x\n\n"),                                                 S_INIT("x|"),                        1 },
    {"one space goes",     S_INIT("data:  x \n\n"),                                              S_INIT(" x |"),                      3 },
    {"tab stays",          S_INIT("data:\tx\n\n"),                                               S_INIT("\tx|"),                      2 },
    {"lines are joined",   S_INIT("data: a\ndata: b\ndata:\ndata: c\n\n"),                       S_INIT("a\nb\n\nc|"),                6 },
    {"colons in data",     S_INIT("data: a: b:c\n\n"),                                           S_INIT("a: b:c|"),                   6 },
    {"other fields",       S_INIT("event: e\nid: 7\ndata: x\nretry: 5\n\n"),                     S_INIT("x|"),                        1 },
    {"names like data",    S_INIT("dat: a\ndatas: b\nDATA: c\n data: d\ndata : e\ndata: x\n\n"),
     S_INIT("x|"),                                                                                                                    1 },
    {"comments",           S_INIT(": keep-alive\n\n:\n\ndata: x\n: data: y\n\n"),                S_INIT("x|"),                        1 },
    {"blank lines",        S_INIT("\n\n\r\n\r\rdata: x\n\n\n\n"),                                S_INIT("x|"),                        1 },
    {"no data",            S_INIT("event: ping\n\ndata: x\n\n"),                                 S_INIT("x|"),                        1 },
    {"empty data",         S_INIT("data:\n\ndata\n\ndata: \n\ndata: x\n\n"),                     S_INIT("x|"),                        1 },
    {"data without colon", S_INIT("data\ndata: x\ndata\n\n"),                                    S_INIT("\nx\n|"),                    3 },
    {"mark",               S_INIT(MARK "data: x\n\n"),                                           S_INIT("x|"),                        1 },
    {"mark alone",         S_INIT(MARK),                                                         S_INIT(""),                          0 },
    {"mark then end",      S_INIT(MARK "\ndata: x\n\n"),                                         S_INIT("x|"),                        1 },
    {"half a mark",
     S_INIT("\xef\xbb"
            "data: x\n\ndata: y\n\n"),
     S_INIT("y|"),                                                                                                                    1 },
    {"half a mark, end",   S_INIT("\xef\xbb\ndata: y\n\n"),                                      S_INIT("y|"),                        1 },
    {"two marks",          S_INIT(MARK MARK "data: x\n\ndata: y\n\n"),                           S_INIT("y|"),                        1 },
    {"mark later",         S_INIT("data: x\n" MARK "data: y\n\n"),                               S_INIT("x|"),                        1 },
    {"no blank line",      S_INIT("data: x\n"),                                                  S_INIT("x|"),                        1 },
    {"no line end",        S_INIT("data: a\n\ndata: x"),                                         S_INIT("a|x|"),                      1 },
    {"ends in a name",     S_INIT("data: x\n\ndat"),                                             S_INIT("x|"),                        1 },
    {"ends in a comment",  S_INIT("data: x\n: y"),                                               S_INIT("x|"),                        1 },
    {"ends in cr",         S_INIT("data: x\r"),                                                  S_INIT("x|"),                        1 },
    {"utf-8",              S_INIT("data: \xe9\xb9\x8a\xe6\xa1\xa5\n\n"),                         S_INIT("\xe9\xb9\x8a\xe6\xa1\xa5|"), 6 },
    {"nul and odd bytes",  S_INIT("data: a\0b\x85\xff\x0b\x0c\n\n"),                             S_INIT("a\0b\x85\xff\x0b\x0c|"),
     7                                                                                                                                  },
    {"gemini's way",       S_INIT("data: {\"x\": \"1\"}\r\n\r\ndata: {\"y\": \"2\"}\r\n\r\n"),
     S_INIT("{\"x\": \"1\"}|{\"y\": \"2\"}|"),                                                                                        10},
};

struct got {
    struct buf all;
    size_t events, fail_at; /* fail_at: the event that returns an error, counted from 1 */
};

/* Keeps the data, and then spoils it and the pad, as a parse in place may. */
static enum err keep(void *ctx, char *data, size_t n)
{
    struct got *g = ctx;

    assert_true(n > 0);
    buf_put(&g->all, str_of(data, n));
    buf_lit(&g->all, "|");
    memset(data, '#', n + JSON_PAD);
    return ++g->events == g->fail_at ? E_UPSTREAM : OK;
}

/* Each piece stands in a block of its own, so that ASan sees a read past its end. */
static enum err feed(struct sse *s, struct str bytes)
{
    char *own = malloc(bytes.n ? bytes.n : 1);
    enum err rc;

    assert_non_null(own);
    memcpy(own, bytes.p, bytes.n);
    rc = sse_feed(s, str_of(own, bytes.n));
    free(own);
    return rc;
}

/* Feed up to a, up to b, and the rest. */
static enum err run(struct str in, size_t a, size_t b, size_t cap, struct got *g)
{
    struct sse s;
    enum err rc;

    buf_reset(&g->all);
    g->events = 0;
    sse_init(&s, cap, keep, g);
    rc = feed(&s, str_sub(in, 0, a));
    if (rc == OK)
        rc = feed(&s, str_sub(in, a, b - a));
    if (rc == OK)
        rc = feed(&s, str_skip(in, b));
    if (rc == OK)
        rc = sse_finish(&s);
    if (rc == OK)
        assert_int_equal(sse_finish(&s), OK); /* and nothing comes twice */
    else {
        assert_int_equal(sse_feed(&s, S("data: y\n\n")), E_STATE);
        assert_int_equal(sse_finish(&s), E_STATE);
    }
    sse_fini(&s);
    return rc;
}

/* SHP-6. DAT-5. */
static void splits(void **state)
{
    struct got g = {0};

    (void)state;
    buf_init(&g.all, 10000);
    for (size_t i = 0; i < NELEM(ROWS); i++) {
        for (size_t b = 0; b <= ROWS[i].in.n; b++) {
            for (size_t a = 0; a <= b; a++) {
                assert_int_equal(run(ROWS[i].in, a, b, 1000, &g), OK);
                if (!str_eq(buf_str(&g.all), ROWS[i].out))
                    fail_msg("%s, %zu, %zu: %.*s", ROWS[i].name, a, b, S_ARG(buf_str(&g.all)));
            }
        }
    }
    buf_fini(&g.all);
    assert_int_equal(mem_counted(), 0);
}

/* DAT-5. */
static void byte_by_byte(void **state)
{
    struct got g = {0};

    (void)state;
    buf_init(&g.all, 10000);
    for (size_t i = 0; i < NELEM(ROWS); i++) {
        struct sse s;

        buf_reset(&g.all);
        sse_init(&s, 1000, keep, &g);
        for (size_t k = 0; k < ROWS[i].in.n; k++) {
            assert_int_equal(feed(&s, str_sub(ROWS[i].in, k, 1)), OK);
            assert_int_equal(sse_feed(&s, S("")), OK);
        }
        assert_int_equal(sse_finish(&s), OK);
        assert_true(str_eq(buf_str(&g.all), ROWS[i].out));
        sse_fini(&s);
    }
    buf_fini(&g.all);
}

/* LIM-4, LIM-18. A cap as large as the largest event is enough, each smaller one is an error at
 * every split. */
static void caps(void **state)
{
    struct got g = {0};

    (void)state;
    buf_init(&g.all, 10000);
    for (size_t i = 0; i < NELEM(ROWS); i++)
        for (size_t cap = 0; cap <= ROWS[i].largest; cap++)
            for (size_t a = 0; a <= ROWS[i].in.n; a++)
                assert_int_equal(run(ROWS[i].in, a, a, cap, &g),
                                 cap < ROWS[i].largest ? E_TOOBIG : OK);
    buf_fini(&g.all);
}

static void events_come_at_once(void **state)
{
    static const struct str ends[] = {S_INIT("data: x\n\n"), S_INIT("data: x\r\n\r"),
                                      S_INIT("data: x\r\r")};
    struct got g = {0};

    (void)state;
    buf_init(&g.all, 100);
    for (size_t i = 0; i < NELEM(ends); i++) {
        struct sse s;

        g.events = 0;
        sse_init(&s, 100, keep, &g);
        assert_int_equal(sse_feed(&s, str_sub(ends[i], 0, ends[i].n - 1)), OK);
        assert_int_equal(g.events, 0);
        assert_int_equal(sse_feed(&s, str_skip(ends[i], ends[i].n - 1)), OK);
        assert_int_equal(g.events, 1);
        sse_fini(&s);
    }
    buf_fini(&g.all);
}

static void the_consumers_error_comes_through(void **state)
{
    struct got g = {.fail_at = 2};
    struct str in = S("data: a\n\ndata: b\n\ndata: c\n\n");

    (void)state;
    buf_init(&g.all, 100);
    for (size_t a = 0; a <= in.n; a++) {
        assert_int_equal(run(in, a, a, 100, &g), E_UPSTREAM);
        assert_true(str_eq(buf_str(&g.all), S("a|b|")));
    }
    buf_fini(&g.all);
}

/* What is skipped is not kept: a comment may be as long as it likes. */
static void skipped_bytes_take_no_memory(void **state)
{
    struct got g = {0};
    struct sse s;

    (void)state;
    buf_init(&g.all, 100);
    sse_init(&s, 16, keep, &g);
    assert_int_equal(sse_feed(&s, S("data: x\n:")), OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(sse_feed(&s, S(" a very long comment, data: y")), OK);
    assert_int_equal(sse_feed(&s, S("\n\n")), OK);
    assert_true(str_eq(buf_str(&g.all), S("x|")));
    assert_true(s.pending.room <= 1024);
    sse_fini(&s);
    sse_fini(NULL);
    buf_fini(&g.all);
}

/* An image of megabytes in small reads; its memory goes back after the event. */
static void large_events(void **state)
{
    enum { SIZE = 3 << 20, PIECE = 1 << 14 };
    char *in = malloc(SIZE + 8);
    struct got g = {0};
    struct sse s;

    (void)state;
    assert_non_null(in);
    memset(in, 'A', SIZE + 8);
    memcpy(in, "data: ", 6);
    memcpy(in + SIZE + 6, "\n\n", 2);
    buf_init(&g.all, SIZE + 1);
    sse_init(&s, SIZE, keep, &g);
    for (size_t at = 0; at < SIZE + 8; at += PIECE)
        assert_int_equal(sse_feed(&s, str_sub(str_of(in, SIZE + 8), at, PIECE)), OK);
    assert_int_equal(g.events, 1);
    assert_int_equal(g.all.n, SIZE + 1);
    assert_true(s.pending.room <= 1 << 18);
    assert_int_equal(sse_feed(&s, S("data: x\n\n")), OK);
    assert_int_equal(g.events, 2);
    sse_fini(&s);
    buf_fini(&g.all);
    free(in);
    assert_int_equal(mem_counted(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits),
        cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(caps),
        cmocka_unit_test(events_come_at_once),
        cmocka_unit_test(the_consumers_error_comes_through),
        cmocka_unit_test(skipped_bytes_take_no_memory),
        cmocka_unit_test(large_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
