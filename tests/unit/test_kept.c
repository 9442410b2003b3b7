/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_kept.c - blocks that a thread keeps: never smaller than asked for, never given out twice,
 * never more than a cap of them. */
#include "base/attr.h"
#include "base/kept.h"
#include "base/mem.h"

#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CAP = 1 << 20 };

#ifdef ARENA_MALLOC
enum { KEEPS = 0 }; /* ASan is to see each block come and go */
#else
enum { KEEPS = 1 };
#endif

/* glibc's blocks have 16 n - 8 bytes, 24 at least. A heap that gives not a byte more than was asked
 * for (TSan's) may give one that counts as smaller. */
static bool found_again(size_t room, size_t asked)
{
    return room >= KEPT_ROOM || (room + 8) / 16 * 16 >= (asked > 24 ? asked : 24) + 8;
}

static void same_block(void **state)
{
    static const size_t sizes[] = {0, 1, 24, 25, 904, 1000, 1032, KEPT_ARENA, KEPT_ROOM};

    (void)state;
    for (size_t i = 0; i < NELEM(sizes); i++) {
        char *p = mem_alloc(sizes[i]);
        size_t room = malloc_usable_size(p);
        char *again;

        kept_clear();
        mem_free(p);
        again = kept_take(sizes[i]);
        assert_true(KEEPS && found_again(room, sizes[i]) ? again == p : again == NULL);
        assert_null(kept_take(sizes[i])); /* once */
        free(again);
    }
}

static void others_go_to_the_heap(void **state)
{
    static const size_t sizes[] = {
        1033, 2000 + KEPT_ROOM, KEPT_ARENA - 64, KEPT_ARENA + 64, KEPT_ROOM + 64, 1 << 20};

    (void)state;
    for (size_t i = 0; i < NELEM(sizes); i++) {
        void *p = mem_alloc(sizes[i]);

        kept_clear();
        if (kept_give(p)) /* as a smaller one: malloc gave more than was asked for */
            assert_null(kept_take(sizes[i]));
        else
            free(p);
        assert_null(kept_take(sizes[i]));
    }
    assert_null(kept_take(SIZE_MAX));
    assert_null(kept_take(SIZE_MAX - 8));
    kept_clear();
}

/* Every size up to 10 KB, taken and given back in a random order: each has room for all its bytes,
 * which nobody else writes to. */
static void room_of_its_own(void **state)
{
    enum { LIVE = 200, ROUNDS = 200000 };
    static unsigned char *live[LIVE];
    static size_t size[LIVE];
    uint32_t seed = 1;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        size_t at, n;

        seed = seed * 1664525 + 1013904223;
        at = (seed >> 8) % LIVE;
        n = (seed >> 16) % 4 == 0 ? (size_t)KEPT_ROOM << (seed >> 31) : (seed >> 4) % 1200;
        if (live[at] != NULL) {
            assert_true(size[at] == 0 || (live[at][0] == at && live[at][size[at] - 1] == at));
            mem_free(live[at]);
        }
        live[at] = seed >> 30 == 0 ? mem_zalloc(n) : mem_alloc(n);
        assert_true(malloc_usable_size(live[at]) >= n);
        size[at] = n;
        if (n > 0)
            memset(live[at], (int)at, n);
    }
    for (int i = 0; i < LIVE; i++)
        mem_free(live[i]);
    kept_clear();
}

static void capped(void **state)
{
    enum { MANY = 400 };
    void *p[MANY];
    size_t bytes = 0;
    int kept = 0;

    (void)state;
    kept_clear();
    for (int i = 0; i < MANY; i++)
        p[i] = malloc(i % 2 ? KEPT_ROOM : KEPT_ARENA);
    for (int i = 0; i < MANY; i++) {
        size_t n = malloc_usable_size(p[i]);

        if (kept_give(p[i])) {
            kept++;
            bytes += n;
        } else
            free(p[i]);
    }
    assert_true(bytes <= CAP);
    assert_true(KEEPS ? kept == 128 : kept == 0); /* 64 of a size */
    kept_clear();
    assert_null(kept_take(KEPT_ROOM));
}

static void *look(void *arg)
{
    *(void **)arg = kept_take(KEPT_ROOM);
    return NULL;
}

static void of_the_thread(void **state)
{
    void *seen = state;
    pthread_t other;

    (void)state;
    kept_clear();
    mem_free(mem_alloc(KEPT_ROOM));
    assert_int_equal(pthread_create(&other, NULL, look, &seen), 0);
    pthread_join(other, NULL);
    assert_null(seen);
    mem_rest_end();
    assert_null(kept_take(KEPT_ROOM));
}

enum { LEFT = 64 };
static void *blocks[LEFT];

/* OpenSSL frees what it has of a thread at its end as well, and later. */
static void give_late(void *p)
{
    mem_free(p);
}

static void *give_and_late(void *arg)
{
    pthread_key_t *key = arg;

    pthread_setspecific(*key, mem_alloc(KEPT_ARENA));
    for (int i = 0; i < LEFT; i++)
        mem_free(blocks[i]);
    return NULL;
}

/* A reload has a thread of its own, each time. */
static void left_by_no_thread(void **state)
{
    enum { ROUNDS = 10 };
    size_t first = 0, last = 0;
    pthread_key_t key;
    pthread_t other;

    (void)state;
    assert_int_equal(pthread_key_create(&key, give_late), 0);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < LEFT; i++)
            blocks[i] = malloc(KEPT_ROOM);
        assert_int_equal(pthread_create(&other, NULL, give_and_late, &key), 0);
        assert_int_equal(pthread_join(other, NULL), 0);
        last = mallinfo2().uordblks;
        if (round == 0)
            first = last; /* with what the C library has of such threads */
    }
    assert_true(last < first + KEPT_ARENA);
    pthread_key_delete(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_block),      cmocka_unit_test(others_go_to_the_heap),
        cmocka_unit_test(room_of_its_own), cmocka_unit_test(capped),
        cmocka_unit_test(of_the_thread),   cmocka_unit_test(left_by_no_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
