/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_pairs.c - which result answers which call, told as a line of a talk.
 *
 *   "a b|A B"  two calls with the ids a and b, their results; "." is a call without an id, "_" a
 *   result without one; "|" begins the next model turn, or ends one */
#include "gemini/pairs.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct str key_of(const char *c)
{
    static const char lower[] = "abcdefgh";

    if (*c == '.' || *c == '_')
        return S("");
    return str_of(&lower[(*c | 0x20) - 'a'], 1);
}

static bool is_call(char c)
{
    return c == '.' || (c >= 'a' && c <= 'h');
}

static void talks(void **state)
{
    static const struct {
        const char *talk;
        const char *mates; /* for each call the place of its result in the talk, '-' for none */
    } rows[] = {
        {"aA",       "1"  },
        {"abAB",     "23" },
        {"abBA",     "32" },
        {"aA|aA",    "14" },
        {"a|aA",     "-3" },
        {"aA|a",     "1-" },
        {"A",        ""   },
        {"Aa",       "-"  },
        {"aAA",      "1"  },
        {"aaAA",     "23" },
        {"aaA",      "2-" },
        {"ab",       "--" },
        {"aB",       "-"  },
        {"._",       "1"  },
        {".._",      "2-" },
        {"..__",     "23" },
        {"ab__",     "23" },
        {"abA_",     "23" },
        {"ab_A",     "32" },
        {"a_|b_",    "14" },
        {"a|b_",     "-3" },
        {"_",        ""   },
        {"_.",       "-"  },
        {"a|b|cABC", "567"},
        {"aA|bB|aA", "147"},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        const char *talk = rows[i].talk;
        const char *mate = rows[i].mates;
        struct gm_pairs p;
        struct arena arena;
        unsigned turn = 1;

        arena_init(&arena, 1 << 20);
        assert_int_equal(gm_pairs_init(&p, &arena, strlen(talk)), OK);
        for (const char *c = talk; *c != '\0'; c++) {
            if (*c == '|')
                turn++;
            else
                gm_pairs_add(&p, key_of(c), turn, !is_call(*c), c);
        }
        assert_int_equal(gm_pairs_match(&p, &arena), OK);
        for (size_t k = 0; k < p.n; k++) {
            const struct gm_pair *x = &p.v[k];

            if (x->mate != NULL)
                assert_ptr_equal(x->mate->mate, x);
            if (x->result)
                continue;
            if (*mate == '-')
                assert_null(x->mate);
            else {
                assert_non_null(x->mate);
                assert_int_equal((const char *)x->mate->item - talk, *mate - '0');
            }
            mate++;
        }
        assert_int_equal(*mate, '\0');
        arena_fini(&arena);
    }
}

/* A long history with few different ids takes a time that nobody notices: it is sorted, not
 * searched. */
static void many(void **state)
{
    enum { N = 200000 };
    struct gm_pairs p;
    struct arena arena;
    size_t mates = 0;

    (void)state;
    arena_init(&arena, 64 << 20);
    assert_int_equal(gm_pairs_init(&p, &arena, 2 * N), OK);
    for (unsigned i = 0; i < N; i++)
        gm_pairs_add(&p, S("same"), 1, false, NULL);
    for (unsigned i = 0; i < N; i++)
        gm_pairs_add(&p, i % 2 ? S("same") : S(""), 1, true, NULL);
    assert_int_equal(gm_pairs_match(&p, &arena), OK);
    for (size_t i = 0; i < p.n; i++)
        mates += p.v[i].mate != NULL;
    assert_int_equal(mates, 2 * N);
    arena_fini(&arena);
}

static void no_memory(void **state)
{
    struct gm_pairs p;
    struct arena arena;

    (void)state;
    arena_init(&arena, 64);
    assert_int_equal(gm_pairs_init(&p, &arena, 100), E_TOOBIG);
    assert_int_equal(gm_pairs_init(&p, &arena, SIZE_MAX / 2), E_TOOBIG);
    assert_int_equal(gm_pairs_init(&p, &arena, 0), OK);
    assert_int_equal(gm_pairs_match(&p, &arena), OK);
    arena_fini(&arena);
    arena_init(&arena, 2 * sizeof(struct gm_pair));
    assert_int_equal(gm_pairs_init(&p, &arena, 2), OK);
    gm_pairs_add(&p, S("a"), 1, false, NULL);
    gm_pairs_add(&p, S("a"), 1, true, NULL);
    assert_int_equal(gm_pairs_match(&p, &arena), E_TOOBIG);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(talks),
        cmocka_unit_test(many),
        cmocka_unit_test(no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
