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
#define HOST "https://generativelanguage.googleapis.com/v1beta/"
static const char FILE_PART[] = "{\"parts\":[{\"fileData\":{\"fileUri\":\"" HOST "files/a\"}}]}";
static const char FILES[] = "{\"fileUri\":\"" HOST "files/a\"},{\"file_uri\":\"files/b\"},"
                            "{\"fileUri\":\"" HOST "files/c\"},{\"fileUri\":\"" HOST "files/a\"}";
static const char CACHE[] = "{\"cachedContent\":\"cachedContents/x\",\"fileUri\":\"files/a\"}";
/* What is not Google's leads to no project. */
static const char WEB[] =
    "{\"fileUri\":\"https://example.com/files/a\"},{\"fileUri\":\"gs://b/files/c\"}";
static const char CUT[] = "{\"fileUri\":\"files/a";
/* What a prompt speaks of is escaped. */
static const char TALK[] = "{\"text\":\"\\\"googleSearch\\\": \\\"fileUri\\\":\\\"files/a\\\"\"}";

static void small_requests(void **state)
{
    static const struct {
        const char *text;
        bool extra;
        const char *must; /* each with a blank behind it */
    } rows[] = {
        {HELLO,     false, ""                                     },
        {SEARCH,    true,  ""                                     },
        {MAPS,      true,  ""                                     },
        {FILE_PART, false, HOST "files/a "                        },
        {FILES,     false, HOST "files/a " HOST "files/c files/b "},
        {CACHE,     false, "cachedContents/x files/a "            },
        {WEB,       false, ""                                     },
        {CUT,       false, "files/a "                             },
        {TALK,      false, ""                                     },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct translation tr;
        struct key_want want = want_for(&tr, rows[i].text, S(""));
        struct buf names;

        assert_true(str_eq(want.model, S("m")));
        assert_int_equal(want.affinity, 0);
        assert_int_equal(want.tokens, strlen(rows[i].text) / 4);
        assert_int_equal(want.extra, rows[i].extra);
        buf_init(&names, 4096);
        for (size_t j = 0; j < want.nmust; j++)
            buf_putf(&names, "%.*s ", S_ARG(want.must[j]));
        if (!str_eq(buf_str(&names), str_z(rows[i].must)))
            fail_msg("row %zu: %.*s", i, S_ARG(buf_str(&names)));
        buf_fini(&names);
        rope_fini(&tr.body);
    }
}

/* As many as fit; and none where the dialect says that there can be none. */
static void many_files(void **state)
{
    struct translation tr;
    struct buf text;

    (void)state;
    buf_init(&text, 1 << 16);
    for (unsigned i = 0; i < 100; i++)
        buf_putf(&text, "{\"fileData\":{\"fileUri\":\"files/%u\"}},", i);
    buf_putc(&text, '\0');
    assert_int_equal(want_for(&tr, text.p, S("")).nmust, KEYS_MUST_MAX);
    tr.special = false;
    assert_int_equal(want_names(&tr, (struct str[KEYS_MUST_MAX]){{0}}), 0);
    rope_fini(&tr.body);
    buf_fini(&text);
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
        cmocka_unit_test(many_files),
        cmocka_unit_test(media_cost_little),
        cmocka_unit_test(affinity_is_the_beginning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
