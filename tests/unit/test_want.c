/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_want.c - what a request asks of a key, read off its bytes. */
#include "proxy/want.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct key_want want_for(struct translation *tr, const char *text, struct str span)
{
    struct key_want want = {0};

    *tr = (struct translation){.model = S("m"), .special = true};
    rope_init(&tr->body, 1 << 20);
    buf_put(&tr->body.text, str_z(text));
    rope_borrow(&tr->body, span);
    want_of(tr, &want);
    return want;
}

static const char HELLO[] = "{\"contents\":[{\"parts\":[{\"text\":\"hello\"}]}]}";
static const char SEARCH[] = "{\"contents\":[],\"tools\":[{\"googleSearch\":{}}]}";
static const char MAPS[] = "{\"contents\":[],\"tools\":[{\"googleMaps\":{}}]}";
static const char FILE_PART[] = "{\"parts\":[{\"fileData\":{\"fileUri\":\"https://h/files/a\"}}]}";
static const char CACHE[] = "{\"cachedContent\":\"cachedContents/x\",\"fileUri\":\"files/a\"}";
/* What a prompt speaks of is escaped. */
static const char TALK[] = "{\"text\":\"\\\"googleSearch\\\": \\\"fileUri\\\":\\\"files/a\\\"\"}";

static void small_requests(void **state)
{
    static const struct {
        const char *text;
        bool extra;
        const char *must;
    } rows[] = {
        {HELLO,     false, ""                 },
        {SEARCH,    true,  ""                 },
        {MAPS,      true,  ""                 },
        {FILE_PART, false, "https://h/files/a"},
        {CACHE,     false, "cachedContents/x" },
        {TALK,      false, ""                 },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct translation tr;
        struct key_want want = want_for(&tr, rows[i].text, S(""));

        assert_true(str_eq(want.model, S("m")));
        assert_int_equal(want.affinity, 0);
        assert_int_equal(want.tokens, strlen(rows[i].text) / 4);
        assert_int_equal(want.extra, rows[i].extra);
        if (!str_eq(want.must, str_z(rows[i].must)))
            fail_msg("row %zu: %.*s", i, S_ARG(want.must));
        rope_fini(&tr.body);
    }
}

static void media_cost_little(void **state)
{
    static char base64[100000];
    static char prose[100000];
    struct translation tr;

    (void)state;
    memset(base64, 'A', sizeof base64);
    for (size_t i = 0; i < sizeof prose; i++)
        prose[i] = i % 7 == 6 ? ' ' : 'x';
    assert_in_range(want_for(&tr, "{", str_of(base64, sizeof base64)).tokens, 100, 5000);
    rope_fini(&tr.body);
    assert_int_equal(want_for(&tr, "{", str_of(prose, sizeof prose)).tokens, sizeof prose / 4);
    rope_fini(&tr.body);
}

/* A conversation that grows keeps its affinity; another one has its own. */
static void affinity_is_the_beginning(void **state)
{
    static char text[3][5000];
    uint64_t affinity[3];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct translation tr;

        memset(text[i], 'a', i == 1 ? 4000 : 3000);
        if (i == 2)
            text[i][100] = 'b';
        affinity[i] = want_for(&tr, text[i], S("")).affinity;
        assert_true(affinity[i] != 0);
        rope_fini(&tr.body);
    }
    assert_true(affinity[0] == affinity[1]);
    assert_true(affinity[0] != affinity[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_requests),
        cmocka_unit_test(media_cost_little),
        cmocka_unit_test(affinity_is_the_beginning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
