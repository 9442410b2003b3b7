/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_models.c - model ids, upstream's lists of them, and what OpenAI's clients see of those. */
#include "dialect/openai/models.h"
#include "gemini/models.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void ids(void **state)
{
    static const struct {
        const char *name, *id;
        enum err err;
    } rows[] = {
        {"gemini-3.8-flash",               "gemini-3.8-flash",    OK     },
        {"models/gemini-3.8-flash",        "gemini-3.8-flash",    OK     },
        {"models/models/gemini-3.8-flash", "gemini-3.8-flash",    OK     },
        {"google/gemini-2.5-pro",          "gemini-2.5-pro",      OK     },
        {"gemini/gemini-2.5-pro",          "gemini-2.5-pro",      OK     },
        {"google/models/gemini-2.5-pro",   "gemini-2.5-pro",      OK     },
        {"models%2Fgemini-2.5-pro",        "gemini-2.5-pro",      OK     },
        {"models%2fgemini-2.5-pro",        "gemini-2.5-pro",      OK     },
        {" gemini-2.5-pro\n",              "gemini-2.5-pro",      OK     },
        {"tunedModels/a-b_c.1",            "tunedModels/a-b_c.1", OK     },
        {"models/tunedModels/x",           "tunedModels/x",       OK     },
        {"",                               NULL,                  E_FIELD},
        {"models/",                        NULL,                  E_FIELD},
        {"tunedModels/",                   NULL,                  E_FIELD},
        {"..",                             NULL,                  E_RANGE},
        {"models/..",                      NULL,                  E_RANGE},
        {"tunedModels/..",                 NULL,                  E_RANGE},
        {"a/b",                            NULL,                  E_RANGE},
        {"tunedModels/a/b",                NULL,                  E_RANGE},
        {"x:generateContent",              NULL,                  E_RANGE},
        {"x?key=1",                        NULL,                  E_RANGE},
        {"x#y",                            NULL,                  E_RANGE},
        {"x y",                            NULL,                  E_RANGE},
        {"x%2e",                           NULL,                  E_RANGE},
        {"x\\y",                           NULL,                  E_RANGE},
        {"\xe6\xa8\xa1",                   NULL,                  E_RANGE},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct str id = S("untouched");
        struct fault why = {0};

        assert_int_equal(gm_model_id(str_z(rows[i].name), &id, &why), rows[i].err);
        assert_int_equal(why.code, rows[i].err);
        assert_true(str_eq(id, rows[i].id ? str_z(rows[i].id) : S("untouched")));
    }
    assert_int_equal(gm_model_id(S("a\0b"), &(struct str){0}, NULL), E_RANGE);
}

static void paths(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    gm_model_path(&b, S("gemini-x"));
    buf_putc(&b, ' ');
    gm_model_path(&b, S("tunedModels/x"));
    assert_true(str_eq(buf_str(&b), S("models/gemini-x tunedModels/x")));
    buf_fini(&b);
}

static enum err add_page(struct gm_models *m, const char *page, struct buf *ret_next)
{
    struct json j;
    struct str next = S("");
    enum err err;

    json_init(&j);
    assert_int_equal(json_parse_copy(&j, str_z(page), NULL, NULL), OK);
    err = gm_models_page(m, j.root, &next, NULL);
    buf_reset(ret_next);
    buf_put(ret_next, next);
    json_fini(&j);
    return err;
}

static void pages(void **state)
{
    struct gm_models m;
    struct buf next;

    (void)state;
    gm_models_init(&m);
    buf_init(&next, 1000);
    assert_int_equal(
        add_page(&m,
                 "{\"models\":[{\"name\":\"models/gemini-a\",\"displayName\":\"A \\u4e16\","
                 "\"inputTokenLimit\":1048576,\"outputTokenLimit\":65536,\"thinking\":true,"
                 "\"supportedGenerationMethods\":[\"generateContent\",\"countTokens\",\"new\"]},"
                 "{\"name\":\"models/../x\"},{\"name\":5},7,"
                 "{\"name\":\"models/gemini-b\",\"inputTokenLimit\":99999999999,"
                 "\"supportedGenerationMethods\":[\"embedContent\"]}],\"nextPageToken\":\"t2\"}",
                 &next),
        OK);
    assert_true(str_eq(buf_str(&next), S("t2")));
    assert_int_equal(m.n, 2);
    assert_string_equal(m.row[0].id, "gemini-a");
    assert_string_equal(m.row[0].name, "A \xe4\xb8\x96");
    assert_int_equal(m.row[0].serves, GM_GENERATES | GM_COUNTS);
    assert_true(m.row[0].thinking);
    assert_int_equal(m.row[1].in_tokens, UINT32_MAX);
    assert_int_equal(m.row[1].serves, GM_EMBEDS);
    assert_int_equal(add_page(&m, "{}", &next), OK);
    assert_int_equal(next.n, 0);
    assert_int_equal(add_page(&m, "{\"models\":5}", &next), E_UPSTREAM);
    assert_int_equal(add_page(&m, "[1]", &next), E_UPSTREAM);
    assert_ptr_equal(gm_models_find(&m, S("gemini-b")), &m.row[1]);
    assert_null(gm_models_find(&m, S("gemini-")));
    buf_fini(&next);
    gm_models_fini(&m);
    gm_models_fini(NULL);
}

/* However many upstream has, there is an end to it. */
static void capped(void **state)
{
    struct gm_models m;
    struct buf page, next;

    (void)state;
    gm_models_init(&m);
    buf_init(&page, 1 << 20);
    buf_init(&next, 1000);
    buf_lit(&page, "{\"nextPageToken\":\"more\",\"models\":[");
    for (int i = 0; i < GM_MODELS_MAX + 5; i++)
        buf_putf(&page, "%s{\"name\":\"models/m%d\"}", i ? "," : "", i);
    buf_lit(&page, "]}");
    buf_putc(&page, '\0');
    assert_int_equal(add_page(&m, page.p, &next), OK);
    assert_int_equal(m.n, GM_MODELS_MAX);
    assert_int_equal(next.n, 0);
    buf_fini(&next);
    buf_fini(&page);
    gm_models_fini(&m);
}

static void openai_list(void **state)
{
    struct buf b;
    struct json j;
    size_t n = 0;

    (void)state;
    buf_init(&b, 1 << 20);
    json_init(&j);
    oa_models_list(gm_models_builtin(), &b);
    assert_int_equal(json_parse_copy(&j, buf_str(&b), NULL, NULL), OK);
    assert_true(str_eq(jr_str(j.root, "object"), S("list")));
    jr_each (model, jr_get(j.root, "data")) {
        struct str bare;

        assert_true(str_eq(jr_str(model, "object"), S("model")));
        assert_true(str_eq(jr_str(model, "owned_by"), S("google")));
        assert_true(jr_count(model, "created") > 0);
        assert_int_equal(gm_model_id(jr_str(model, "id"), &bare, NULL), OK);
        assert_true(str_eq(bare, jr_str(model, "id")));
        n++;
    }
    assert_int_equal(n, gm_models_builtin()->n);
    json_fini(&j);
    buf_fini(&b);
}

static void openai_one(void **state)
{
    static const struct {
        const char *id;
        bool any, found;
    } rows[] = {
        {"gemini-3.8-flash",        false, true },
        {"models/gemini-3.8-flash", false, true },
        {"gemini-77",               false, false},
        {"gemini-77",               true,  true },
        {"../x",                    true,  false},
        {"",                        true,  false},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct buf b;

        buf_init(&b, 1000);
        assert_int_equal(oa_model_one(gm_models_builtin(), str_z(rows[i].id), rows[i].any, &b),
                         rows[i].found);
        assert_int_equal(b.n > 0, rows[i].found);
        if (rows[i].found)
            assert_true(str_starts(buf_str(&b), S("{\"id\":\"gemini-")));
        buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids),    cmocka_unit_test(paths),       cmocka_unit_test(pages),
        cmocka_unit_test(capped), cmocka_unit_test(openai_list), cmocka_unit_test(openai_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
