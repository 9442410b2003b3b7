/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_threads.c - what all workers share, used by several of them at once: counted memory, log
 * lines, metrics, signatures and ways out. TSan looks on in CI; the sums tell everybody else.
 * (keys/, guard/ and net/ have such tests of their own.) */
#include "base/log.h"
#include "base/mem.h"
#include "egress/set.h"
#include "metrics/metrics.h"
#include "signatures/store.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { THREADS = 4, ROUNDS = 2000 };

struct crew {
    pthread_t thread[THREADS];
};
struct member {
    void *shared;
    unsigned i;
};
static struct member member[THREADS];

static void crew_start(struct crew *c, void *(*work)(void *), void *shared)
{
    for (unsigned i = 0; i < THREADS; i++) {
        member[i] = (struct member){shared, i};
        assert_int_equal(pthread_create(&c->thread[i], NULL, work, &member[i]), 0);
    }
}

static void crew_join(struct crew *c)
{
    void *wrong = NULL;

    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(c->thread[i], &wrong), 0);
        assert_null(wrong);
    }
}

/* ---------------------------------------------------------------------------------------- memory
 */

enum { BLOCK = 3000, KEPT = 7777 };
static void *kept[THREADS];

/* Takes and gives back, more than a thread keeps unadded; one block stays. NULL: all went well. */
static void *count_memory(void *arg)
{
    const struct member *m = arg;
    void *some[16] = {NULL};
    size_t held[16] = {0};

    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned at = i * 7 % 16;
        size_t n = held[at] + BLOCK + i % 100;
        void *p = mem_try_realloc(some[at], held[at], n);

        if (p == NULL)
            return arg;
        memset(p, (int)m->i, n);
        some[at] = p;
        held[at] = n;
        if (i % 3 == 0) {
            mem_drop(some[at], held[at]);
            some[at] = NULL;
            held[at] = 0;
        }
        if (i % 500 == 0)
            mem_settle();
    }
    for (unsigned i = 0; i < 16; i++)
        mem_drop(some[i], held[i]);
    kept[m->i] = mem_try_realloc(NULL, 0, KEPT);
    mem_settle();
    return kept[m->i] != NULL ? NULL : arg;
}

static void memory_adds_up(void **state)
{
    size_t before = mem_counted();
    struct crew crew;

    (void)state;
    crew_start(&crew, count_memory, NULL);
    for (unsigned i = 0; i < 100; i++)
        assert_true(mem_counted() <= mem_budget());
    crew_join(&crew);
    assert_int_equal(mem_counted() - before, THREADS * KEPT);
    for (unsigned i = 0; i < THREADS; i++)
        mem_drop(kept[i], KEPT);
    assert_int_equal(mem_counted(), before);
}

/* More than the budget holds, all together. */
static void *exceed(void *arg)
{
    for (unsigned i = 0; i < ROUNDS / 10; i++) {
        void *p[8];

        for (unsigned j = 0; j < 8; j++)
            p[j] = mem_try_realloc(NULL, 0, 64 * 1024);
        for (unsigned j = 0; j < 8; j++)
            mem_drop(p[j], p[j] != NULL ? 64 * 1024 : 0);
    }
    mem_settle();
    (void)arg;
    return NULL;
}

static void what_is_refused_is_not_counted(void **state)
{
    size_t before = mem_counted();
    size_t budget = mem_budget();
    struct crew crew;

    (void)state;
    mem_set_budget(before + 1024 * 1024);
    crew_start(&crew, exceed, NULL);
    crew_join(&crew);
    mem_set_budget(budget);
    assert_int_equal(mem_counted(), before);
}

/* ------------------------------------------------------------------------------------------- log
 */

static void *write_lines(void *arg)
{
    const struct member *m = arg;

    log_gather(true);
    for (unsigned i = 0; i < ROUNDS; i++) {
        log_text(i % 50 == 0 ? LOG_WARN : LOG_INFO, "thread", "line %u of %u.", i, m->i);
        if (i % 7 == 0)
            log_flush();
    }
    log_flush();
    log_gather(false);
    return NULL;
}

/* Every line is whole, and each thread's stand in its order. */
static void check_lines(struct str text)
{
    uint64_t next[THREADS] = {0};
    unsigned n = 0;

    for (; text.n > 0; n++) {
        struct str line = str_cut(&text, '\n');
        size_t at = str_find(line, S("line "));
        struct str rest = str_skip(line, at + 5);
        uint64_t number, by;

        assert_true(str_starts(line, S("ts=")) || str_starts(line, S("{\"ts\":")));
        assert_true(at < line.n);
        assert_true(str_u64(str_cut(&rest, ' '), ROUNDS, &number));
        assert_true(str_starts(rest, S("of ")));
        rest = str_skip(rest, 3);
        assert_true(str_u64(str_cut(&rest, '.'), THREADS - 1, &by));
        assert_int_equal(number, next[by]++);
    }
    assert_int_equal(n, THREADS * ROUNDS);
}

static void lines_stay_whole(void **state)
{
    enum { ROOM = 4 << 20 };
    int file = memfd_create("log", 0);
    int terminal = dup(STDERR_FILENO);
    char *text = malloc(ROOM);
    struct crew crew;
    ssize_t n;

    (void)state;
    assert_true(file >= 0 && terminal >= 0);
    /* Writes to a memfd do not wait for each other, as those to a file do, unless they append. */
    assert_int_equal(fcntl(file, F_SETFL, O_APPEND), 0);
    assert_true(dup2(file, STDERR_FILENO) >= 0);
    crew_start(&crew, write_lines, NULL);
    for (int i = 0; i < 100; i++)
        log_setup(LOG_INFO, i % 2 == 0); /* as a reload does */
    crew_join(&crew);
    log_setup(LOG_INFO, false);
    assert_true(dup2(terminal, STDERR_FILENO) >= 0);
    n = pread(file, text, ROOM, 0);
    assert_true(n > 0 && n < ROOM);
    check_lines(str_of(text, (size_t)n));
    assert_int_equal(log_dropped(), 0);
    free(text);
    close(terminal);
    close(file);
}

/* --------------------------------------------------------------------------------------- metrics
 */

static void *count_requests(void *arg)
{
    const struct member *m = arg;
    struct metrics *mine = ((struct metrics **)m->shared)[m->i];

    for (unsigned i = 0; i < ROUNDS; i++) {
        char model[24];
        struct metrics_request r = {.dialect = "openai",
                                    .end = "finish",
                                    .status = 200,
                                    .ms = i,
                                    .input = 3,
                                    .attempts = 1};

        snprintf(model, sizeof model, "model-%u", i % (METRICS_SERIES_MAX + 9));
        r.model = str_z(model);
        metrics_began(mine);
        metrics_count(mine, METRICS_RETRIED);
        metrics_ended(mine, &r);
    }
    return NULL;
}

static void metrics_are_read_meanwhile(void **state)
{
    static const struct metrics_process process = {.version = "1", .workers = THREADS};
    struct metrics *v[THREADS];
    struct crew crew;
    struct buf out;

    (void)state;
    for (unsigned i = 0; i < THREADS; i++)
        v[i] = metrics_new();
    buf_init(&out, 8 << 20);
    crew_start(&crew, count_requests, v);
    for (unsigned i = 0; i < 10; i++) {
        buf_reset(&out);
        metrics_print(v, THREADS, &process, &out);
        assert_int_equal(out.err, OK);
        assert_true(metrics_in_flight(v, THREADS) <= THREADS);
    }
    crew_join(&crew);
    buf_reset(&out);
    metrics_print(v, THREADS, &process, &out);
    assert_int_equal(metrics_in_flight(v, THREADS), 0);
    assert_true(str_find(buf_str(&out), S("queqiao_retries_total{outcome=\"sent\"} 8000\n")) <
                out.n);
    for (unsigned i = 0; i < THREADS; i++)
        metrics_free(v[i]);
    buf_fini(&out);
}

/* ------------------------------------------------------------------------------------ signatures
 */

/* What is found under a key is that key's, whoever put it there. */
static void *put_and_get(void *arg)
{
    const struct member *m = arg;
    bool right = true;

    for (unsigned i = 0; i < ROUNDS && right; i++) {
        char key[24], value[64];
        struct arena arena;
        struct str found;

        snprintf(key, sizeof key, "call_%u", i * (m->i + 1) % 50);
        snprintf(value, sizeof value, "the signature of %s", key);
        arena_init(&arena, 4096);
        if (i % 2 == 0)
            signatures_put(m->shared, str_z(key), str_z(value));
        found = signatures_get(m->shared, str_z(key), &arena);
        right = found.n == 0 || str_eq(found, str_z(value));
        arena_fini(&arena);
    }
    mem_settle();
    return right ? NULL : arg;
}

static void signatures_keep_to_their_keys(void **state)
{
    struct signatures *s = signatures_new(1000); /* room for fewer than there are */
    struct signatures_stats stats;
    struct crew crew;

    (void)state;
    crew_start(&crew, put_and_get, s);
    for (unsigned i = 0; i < 100; i++)
        assert_true(signatures_stats(s).bytes <= 1000);
    crew_join(&crew);
    stats = signatures_stats(s);
    assert_int_equal(stats.hits + stats.misses, THREADS * ROUNDS);
    assert_true(stats.evicted > 0);
    signatures_free(s);
}

/* -------------------------------------------------------------------------------------- ways out
 */

static void *go_out(void *arg)
{
    const struct member *m = arg;

    for (unsigned i = 0; i < ROUNDS; i++) {
        struct egress_want want = {.now_ms = 1000 + i * 100};
        struct egress_lease lease;
        struct egress_news news;

        if (!egresses_pick(m->shared, &want, &lease))
            return arg; /* something is always there */
        if (i % 3 == 0)
            egresses_works(m->shared, &lease, want.now_ms, &news);
        (void)egress_proxy(lease.way);
        egresses_done(m->shared, &lease, (enum egress_result)(i % 17 == 0 ? EGRESS_FAILED : i % 2),
                      want.now_ms, &news);
    }
    return NULL;
}

static void ways_change_meanwhile(void **state)
{
    static const char *const URL[] = {"socks5://a:1", "http://b:2", "socks5://c:3"};
    struct egresses *e = egresses_new();
    struct egress_way way[NELEM(URL)];
    struct egress_status status[8];
    struct crew crew;
    size_t n;

    (void)state;
    for (size_t i = 0; i < NELEM(URL); i++)
        assert_int_equal(egress_way_parse(str_z(URL[i]), &way[i], NULL), OK);
    egresses_set(e, way, 3, 3, NULL);
    crew_start(&crew, go_out, e);
    for (size_t i = 0; i < 100; i++) {
        n = i % 3 + 1;
        egresses_set(e, way + i % (4 - n), n, n, NULL);
        assert_in_range(egresses_status(e, 1000, status, NELEM(status)), n, NELEM(status));
        assert_int_equal(egresses_count(e, 1000).shared, n);
    }
    crew_join(&crew);
    n = egresses_status(e, 1000, status, NELEM(status));
    for (size_t i = 0; i < n; i++)
        assert_int_equal(status[i].in_flight, 0);
    egresses_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_adds_up),
        cmocka_unit_test(what_is_refused_is_not_counted),
        cmocka_unit_test(lines_stay_whole),
        cmocka_unit_test(metrics_are_read_meanwhile),
        cmocka_unit_test(signatures_keep_to_their_keys),
        cmocka_unit_test(ways_change_meanwhile),
    };

    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
