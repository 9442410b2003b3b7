/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* torture.c - every counted allocation, read, write, connect, accept, TLS call and start of a
 * thread of a scene fails in turn: the first, the second, ... until the scene ends without having
 * come so far. Then the same with all calls failing from the first on, from the second, ...
 *
 * After each fault the client must hold a right answer, a proper error, or a connection that was
 * visibly broken off; nothing may stay in work; and the next request must be served. When all is
 * over no counted byte may be left, and ASan looks for the others.
 *
 *   torture [h1|tls|h2c|https|h2] [each|from] [scene...]   the first: see WAYS */
#include "base/torture.h"
#include "base/mem.h"
#include "judge.h"
#include "play.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../unit/test_certs.h"

#define CHAT             "/v1/chat/completions"
#define HELLO            "\"messages\":[{\"role\":\"user\",\"content\":\"Tell me of the magpie bridge.\"}]"
#define ASK(model, more) "{\"model\":\"" model "\"," HELLO more "}"

static const char *const KIND[TORTURE_KINDS] = {
    "alloc", "write", "partial write", "read", "eof", "connect", "accept", "tls", "thread"};

/* How the product asks, and how it is asked. */
struct way {
    const char *word, *name;
    enum upstream upstream;
    enum front front;
};
static const struct way WAYS[] = {
    {"h1",    "over h1",                 UPSTREAM_H1,  FRONT_H1    },
    {"tls",   "over h2 over TLS",        UPSTREAM_TLS, FRONT_H1    },
    {"h2c",   "for h2c clients",         UPSTREAM_H1,  FRONT_H2    },
    {"https", "for clients with TLS",    UPSTREAM_H1,  FRONT_TLS_H1},
    {"h2",    "for h2 clients with TLS", UPSTREAM_H1,  FRONT_TLS_H2},
};
enum { FIRST_FRONT = 2 }; /* those from here on are about the clients' side alone */

enum asked { BY_ALL, BY_PLAIN, BY_H2 }; /* BY_PLAIN: it is about upstream alone */

struct scene {
    const char *name;
    enum verdict (*act)(struct play *p, const struct scene *s);
    enum asked asked;
    bool restarts; /* every time with a process of its own */
    const char *method, *path, *body;
    char *text; /* what it says when nothing fails */
};

struct trial {
    struct scene *scene;
    const struct way *way;
    enum torture kind;
    uint64_t times;
    char name[96];
};

/* ------------------------------------------------------------------------------------ the scenes
 */

static struct scene AFTER; /* the next request, which is served whatever failed before */

static enum verdict ask_on(struct wire *w, const struct scene *s, char **ret_text)
{
    struct wire_answer a;
    enum verdict v;

    (void)wire_ask(w, s->method, s->path, s->body); /* when it fails an early answer may be there */
    a = wire_read(w);
    v = judge(&a, s->text);
    if (v == V_WRONG)
        fprintf(stderr, "%s: %d %.*s\n", s->name, a.status, (int)(a.n < 2000 ? a.n : 2000), a.body);
    if (ret_text != NULL)
        *ret_text = judge_text(&a);
    wire_answer_fini(&a);
    return v;
}

static enum verdict ask_once(struct play *p, const struct scene *s, char **ret_text)
{
    struct wire w;
    enum verdict v;

    wire_open(&w, p->port, p->front);
    v = ask_on(&w, s, ret_text);
    wire_close(&w);
    return v;
}

static enum verdict ask(struct play *p, const struct scene *s)
{
    return ask_once(p, s, NULL);
}

/* The second on the same connection, whatever became of the first. */
static enum verdict ask_twice(struct play *p, const struct scene *s)
{
    struct wire w;
    enum verdict v = V_RIGHT;

    wire_open(&w, p->port, p->front);
    for (int i = 0; i < 2 && v != V_HUNG && v != V_WRONG; i++) {
        enum verdict one = ask_on(&w, s, NULL);

        v = one > v ? one : v;
    }
    wire_close(&w);
    return v;
}

/* Upstream refuses it, whatever fails beside: a proper error is right. */
static enum verdict ask_in_vain(struct play *p, const struct scene *s)
{
    enum verdict v = ask(p, s);

    return v == V_ERROR ? V_RIGHT : v;
}

/* Leaves as soon as a byte of the answer is there. */
static enum verdict leave(struct play *p, const struct scene *s)
{
    struct wire w;
    bool heard;

    wire_open(&w, p->port, p->front);
    heard = !wire_ask(&w, s->method, s->path, s->body) || wire_wait(&w);
    wire_close(&w);
    return heard ? V_RIGHT : V_HUNG;
}

/* Takes back one request, before or within its answer; the connection serves the next. */
static enum verdict take_back(struct play *p, const struct scene *s)
{
    struct wire w;
    enum verdict v = V_CLOSED;

    wire_open(&w, p->port, p->front);
    if (wire_ask(&w, s->method, s->path, s->body) && !wire_wait(&w))
        v = V_HUNG;
    else if (wire_cancel(&w))
        v = ask_on(&w, &AFTER, NULL);
    wire_close(&w);
    return v;
}

/* Until the request is with upstream, or something was told because it does not get there. */
static void await_upstream(struct play *p, struct wire *w)
{
    static const struct timespec moment = {.tv_nsec = 500000};

    for (int ms = 0; ms < 2 * PATIENCE_MS && !wire_readable(w); ms++) {
        if (play_rest(p).upstream_streams > 0)
            return;
        nanosleep(&moment, NULL);
    }
}

/* Leaves while upstream has not said anything yet. */
static enum verdict leave_early(struct play *p, const struct scene *s)
{
    struct wire w;

    wire_open(&w, p->port, p->front);
    if (wire_ask(&w, s->method, s->path, s->body))
        await_upstream(p, &w);
    wire_close(&w);
    return V_RIGHT;
}

/* Leaves right behind its request, whose body another thread may have at that moment. */
static enum verdict leave_behind(struct play *p, const struct scene *s)
{
    struct wire w;

    wire_open(&w, p->port, p->front);
    (void)wire_ask(&w, s->method, s->path, s->body);
    wire_close(&w);
    return V_RIGHT;
}

/* The process is to end while another thread has the body. */
static enum verdict shut_down_behind(struct play *p, const struct scene *s)
{
    struct wire w;
    struct wire_answer a;
    enum verdict v;

    wire_open(&w, p->port, p->front);
    (void)wire_ask(&w, s->method, s->path, s->body);
    play_drain(p);
    a = wire_read(&w);
    v = judge(&a, s->text);
    wire_answer_fini(&a);
    wire_close(&w);
    return v == V_CLOSED || v == V_ERROR ? V_RIGHT : v; /* it had not come in whole */
}

/* Something happens to the process while a request is upstream. */
static enum verdict meanwhile(struct play *p, const struct scene *s, void (*happens)(struct play *))
{
    struct wire w;
    struct wire_answer a;
    enum verdict v;

    wire_open(&w, p->port, p->front);
    if (wire_ask(&w, s->method, s->path, s->body))
        await_upstream(p, &w);
    happens(p);
    a = wire_read(&w);
    v = judge(&a, s->text);
    wire_answer_fini(&a);
    wire_close(&w);
    return v;
}

static enum verdict reload(struct play *p, const struct scene *s)
{
    return meanwhile(p, s, play_reload);
}

/* A stream, and an idle connection. */
static enum verdict shut_down(struct play *p, const struct scene *s)
{
    struct wire idle;
    enum verdict v;

    wire_open(&idle, p->port, p->front);
    v = meanwhile(p, s, play_drain);
    wire_close(&idle);
    return v;
}

static bool ends_it(const struct scene *s)
{
    return s->act == shut_down || s->act == shut_down_behind;
}

/* A body that is parsed and translated by another thread: 256 KiB and more. Escapes, or it would be
 * left out of what is parsed. */
static char large[300 * 1024];

static void write_large(void)
{
    static const char first[] = "{\"model\":\"gemini-3.8-flash\",\"messages\":[{\"role\":\"user\","
                                "\"content\":\"Tell me of the magpie bridge. ";
    static const char last[] = "\"}]}", line[] = "Another line, and another.\\n";
    size_t n = sizeof first - 1;

    memcpy(large, first, n);
    for (; n + sizeof line + sizeof last < sizeof large; n += sizeof line - 1)
        memcpy(large + n, line, sizeof line - 1);
    memcpy(large + n, last, sizeof last);
}

// clang-format off
#define FLASH   "gemini-3.8-flash"
#define STREAM  ",\"stream\":true"
#define USAGE   STREAM ",\"stream_options\":{\"include_usage\":true}"
static struct scene SCENES[] = {
    {"plain", ask, BY_ALL, false, "POST", CHAT, ASK(FLASH, ""), NULL},
    {"stream", ask, BY_ALL, false, "POST", CHAT, ASK(FLASH, USAGE), NULL},
    {"large answer", ask, BY_ALL, false, "POST", CHAT, ASK("emulate-huge-event-200", STREAM), NULL},
    {"models", ask, BY_PLAIN, false, "GET", "/v1/models", "", NULL},
    {"two on one connection", ask_twice, BY_ALL, false, "POST", CHAT, ASK(FLASH, ""), NULL},
    {"abort in the answer", leave, BY_ALL, false, "POST", CHAT, ASK("emulate-stream-50-events-every-2-ms", STREAM), NULL},
    {"abort of one stream", take_back, BY_H2, false, "POST", CHAT, ASK("emulate-stream-50-events-every-2-ms", STREAM), NULL},
    {"abort before it", leave_early, BY_ALL, false, "POST", CHAT, ASK("emulate-slow-600000", ""), NULL},
    {"retry", ask, BY_PLAIN, true, "POST", CHAT, ASK("emulate-503-once", ""), NULL},
    {"large request", ask, BY_ALL, false, "POST", CHAT, large, NULL},
    {"abort behind a large one", leave_behind, BY_ALL, false, "POST", CHAT, large, NULL},
    {"shutdown behind a large one", shut_down_behind, BY_PLAIN, true, "POST", CHAT, large, NULL},
    {"refused", ask_in_vain, BY_PLAIN, false, "POST", CHAT, ASK("emulate-500", ""), NULL},
    {"reload", reload, BY_ALL, false, "POST", CHAT, ASK("emulate-stream-5-events-every-1-ms", STREAM), NULL},
    {"shutdown", shut_down, BY_ALL, true, "POST", CHAT, ASK("emulate-stream-5-events-every-1-ms", STREAM), NULL},
};
static struct scene START = {"start", NULL, BY_ALL, true, "", "", "", NULL};
static struct scene AFTER = {"the next request", ask, BY_ALL, false, "POST", CHAT, ASK(FLASH, ""), NULL};
// clang-format on

/* ------------------------------------------------------------------------------------ the driver
 */

static struct play play;
static uint64_t faults, turns;
static uint64_t counts[V_KINDS];

static void say(const struct trial *t, uint64_t nth, const char *what)
{
    fprintf(stderr, "%s, call %llu: %s\n", t->name, (unsigned long long)nth, what);
}

static bool stop_product(const struct trial *t, uint64_t nth)
{
    if (!ends_it(t->scene))
        play_drain(&play);
    if (play_ended(&play, PATIENCE_MS))
        return true;
    say(t, nth, "it does not end");
    return false;
}

/* One fault; *more says whether there are later calls to break. */
static bool one_fault(const struct trial *t, uint64_t nth, bool *more)
{
    enum verdict v;
    uint64_t fired;

    if (t->scene->restarts && play_start(&play) != OK) {
        say(t, nth, "it does not start");
        return false;
    }
    if (!t->scene->restarts)
        play_forget_upstream(&play);
    torture_arm(t->kind, nth, t->times);
    v = t->scene->act(&play, t->scene);
    if (ends_it(t->scene) && !stop_product(t, nth))
        return false;
    fired = torture_fired();
    torture_arm(t->kind, 0, 0);
    turns++;
    faults += fired;
    counts[v]++;
    *more = fired > 0;
    if (v >= V_HUNG || (fired == 0 && v != V_RIGHT)) {
        say(t, nth, VERDICT[v]);
        return false;
    }
    if (ends_it(t->scene))
        return true;
    if (!play_quiet(&play)) {
        say(t, nth, "work is left behind");
        return false;
    }
    if (ask(&play, &AFTER) != V_RIGHT) {
        say(t, nth, "the next request is not served");
        return false;
    }
    return !t->scene->restarts || stop_product(t, nth);
}

static void run_trial(void **state)
{
    const struct trial *t = *state;
    bool more = true;

    for (uint64_t nth = 1; more; nth++)
        assert_true(one_fault(t, nth, &more));
}

/* What the scenes say when nothing fails. */
static void learn(struct scene *s)
{
    if (s->restarts)
        assert_int_equal(play_start(&play), OK);
    assert_int_equal(ask_once(&play, s, &s->text), V_RIGHT);
    assert_non_null(s->text);
    if (s->restarts) {
        play_drain(&play);
        assert_true(play_ended(&play, PATIENCE_MS));
    }
}

static int begin(void **state)
{
    const struct trial *t = *state;
    struct scene *s = t->scene;

    if (!s->restarts)
        assert_int_equal(play_start(&play), OK);
    if (s->text == NULL && s->act != leave_early && s->act != ask_in_vain && s->act != take_back)
        learn(s);
    if (AFTER.text == NULL && !s->restarts)
        learn(&AFTER);
    return 0;
}

static int end(void **state)
{
    const struct trial *t = *state;

    torture_arm(TORTURE_ALLOC, 0, 0);
    if (!t->scene->restarts) {
        play_drain(&play);
        assert_true(play_ended(&play, PATIENCE_MS));
    }
    return 0;
}

/* The start itself: it succeeds, or it says why not and leaves nothing. */
static void run_start(void **state)
{
    const struct trial *t = *state;
    bool more = true;

    for (uint64_t nth = 1; more; nth++) {
        enum err err;

        torture_arm(t->kind, nth, t->times);
        err = play_start(&play);
        more = torture_fired() > 0;
        faults += torture_fired();
        torture_arm(t->kind, 0, 0);
        turns++;
        if (err == OK)
            play_drain(&play);
        assert_true(play_ended(&play, PATIENCE_MS));
        assert_true(more || err == OK);
    }
}

enum { TRIALS_MAX = (NELEM(SCENES) + 1) * TORTURE_KINDS * 2 };
static struct trial trials[TRIALS_MAX];
static struct CMUnitTest tests[TRIALS_MAX];

static void add(size_t *n, struct scene *s, const struct way *way, enum torture kind,
                uint64_t times)
{
    struct trial *t = &trials[*n];
    bool start = s->act == NULL;

    *t = (struct trial){.scene = s, .way = way, .kind = kind, .times = times};
    snprintf(t->name, sizeof t->name, "SHP-4: %s %s, %s %s", s->name, way->name,
             times == 1   ? "each"
             : times == 2 ? "each two"
                          : "from each",
             KIND[kind]);
    tests[(*n)++] = (struct CMUnitTest){.name = t->name,
                                        .test_func = start ? run_start : run_trial,
                                        .setup_func = start ? NULL : begin,
                                        .teardown_func = start ? NULL : end,
                                        .initial_state = t};
}

/* Is this one of the words that were given? Where none of its kind was, all are meant. */
static bool wanted(const char *word, const char *const *kind, size_t n, int argc, char **argv)
{
    bool any = false;

    for (int i = 1; i < argc; i++)
        for (size_t k = 0; k < n; k++)
            any = any || strcmp(argv[i], kind[k]) == 0;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], word) == 0)
            return true;
    return !any;
}

static const char *way_word[NELEM(WAYS)];
static const char *const MODE[] = {"each", "from"};
static const char *scene_name[NELEM(SCENES) + 1];

static bool scene_wanted(const struct scene *s, const struct way *w, int argc, char **argv)
{
    bool h2 = w->front == FRONT_H2 || w->front == FRONT_TLS_H2;

    return (s->asked == BY_ALL || (s->asked == BY_H2 && h2) ||
            (s->asked == BY_PLAIN && w < WAYS + FIRST_FRONT)) &&
           wanted(s->name, scene_name, NELEM(scene_name), argc, argv);
}

/* Without TLS at either end there is nothing of it that could fail. */
static bool kind_is_there(enum torture k, const struct way *w)
{
    return k != TORTURE_TLS || w->upstream == UPSTREAM_TLS || w->front == FRONT_TLS_H1 ||
           w->front == FRONT_TLS_H2;
}

static int run_way(const struct way *w, int argc, char **argv)
{
    bool each = wanted("each", MODE, NELEM(MODE), argc, argv);
    bool from = wanted("from", MODE, NELEM(MODE), argc, argv);
    size_t n = 0;
    int bad;

    for (size_t i = 0; i <= NELEM(SCENES); i++) {
        struct scene *s = i < NELEM(SCENES) ? &SCENES[i] : &START;

        for (int k = 0; k < TORTURE_KINDS && scene_wanted(s, w, argc, argv); k++) {
            if (!kind_is_there((enum torture)k, w))
                continue;
            if (each)
                add(&n, s, w, (enum torture)k, 1);
            /* A client that is never accepted waits, and rightly so. */
            if (from)
                add(&n, s, w, (enum torture)k, k == TORTURE_ACCEPT ? 2 : UINT64_MAX);
        }
    }
    play_open(&play, w->upstream, w->front);
    bad = _cmocka_run_group_tests(w->name, tests, n, NULL, NULL);
    play_close(&play);
    if (mem_counted() != 0) {
        fprintf(stderr, "%zu counted bytes were not given back\n", mem_counted());
        bad++;
    }
    return bad;
}

int main(int argc, char **argv)
{
    int bad = 0;

    write_large();
    for (size_t i = 0; i < NELEM(scene_name); i++)
        scene_name[i] = i < NELEM(SCENES) ? SCENES[i].name : START.name;
    for (size_t i = 0; i < NELEM(WAYS); i++)
        way_word[i] = WAYS[i].word;
    for (size_t i = 0; i < NELEM(WAYS); i++)
        if (wanted(WAYS[i].word, way_word, NELEM(WAYS), argc, argv))
            bad += run_way(&WAYS[i], argc, argv);
    for (size_t i = 0; i < NELEM(SCENES); i++)
        free(SCENES[i].text);
    free(AFTER.text);
    printf("torture: %llu faults in %llu turns:", (unsigned long long)faults,
           (unsigned long long)turns);
    for (int v = 0; v < V_KINDS; v++)
        printf(" %llu %s", (unsigned long long)counts[v], VERDICT[v]);
    printf("\n");
    return bad > 0;
}
