/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* torture.c - every counted allocation, read, write, connect, accept and TLS call of a scene fails
 * in turn: the first, the second, ... until the scene ends without having come so far. Then the
 * same with all calls failing from the first on, from the second, ...
 *
 * After each fault the client must hold a right answer, a proper error, or a connection that was
 * visibly broken off; nothing may stay in work; and the next request must be served. When all is
 * over no counted byte may be left, and ASan looks for the others.
 *
 *   torture [h1|tls] [each|from] [scene...] */
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

static const char *const KIND[TORTURE_KINDS] = {"alloc", "write",   "partial write", "read",
                                                "eof",   "connect", "accept",        "tls"};
static const char *const UPSTREAM[UPSTREAMS] = {"h1", "h2 over TLS"};

struct scene {
    const char *name;
    enum verdict (*act)(struct play *p, const struct scene *s);
    const char *method, *path, *body;
    bool restarts; /* every time with a process of its own */
    char *text;    /* what it says when nothing fails */
};

struct trial {
    struct scene *scene;
    enum upstream upstream;
    enum torture kind;
    uint64_t times;
    char name[96];
};

/* ------------------------------------------------------------------------------------ the scenes
 */

static enum verdict ask_once(struct play *p, const struct scene *s, char **ret_text)
{
    int fd = wire_open(p->port);
    struct wire_answer a = {.closed = true};
    enum verdict v;

    if (fd >= 0 && wire_ask(fd, s->method, s->path, s->body))
        a = wire_read(fd);
    else if (fd >= 0)
        a = wire_read(fd); /* an early answer may stand there */
    v = judge(&a, s->text);
    if (v == V_WRONG)
        fprintf(stderr, "%s: %d %.*s\n", s->name, a.status, (int)(a.n < 2000 ? a.n : 2000), a.body);
    if (ret_text != NULL)
        *ret_text = judge_text(&a);
    wire_answer_fini(&a);
    wire_close(fd);
    return v;
}

static enum verdict ask(struct play *p, const struct scene *s)
{
    return ask_once(p, s, NULL);
}

/* The second on the same connection, whatever became of the first. */
static enum verdict ask_twice(struct play *p, const struct scene *s)
{
    int fd = wire_open(p->port);
    enum verdict v = V_RIGHT;

    for (int i = 0; i < 2 && v != V_HUNG && v != V_WRONG; i++) {
        struct wire_answer a = {.closed = true};
        enum verdict one;

        if (fd >= 0) {
            wire_ask(fd, s->method, s->path, s->body);
            a = wire_read(fd);
        }
        one = judge(&a, s->text);
        v = one > v ? one : v;
        wire_answer_fini(&a);
    }
    wire_close(fd);
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
    int fd = wire_open(p->port);
    bool heard = fd < 0 || !wire_ask(fd, s->method, s->path, s->body) || wire_wait(fd);

    wire_close(fd);
    return heard ? V_RIGHT : V_HUNG;
}

/* Until the request is with upstream, or something was told because it does not get there. */
static void await_upstream(struct play *p, int fd)
{
    static const struct timespec moment = {.tv_nsec = 500000};

    for (int ms = 0; ms < 2 * PATIENCE_MS && !wire_readable(fd); ms++) {
        if (play_rest(p).upstream_streams > 0)
            return;
        nanosleep(&moment, NULL);
    }
}

/* Leaves while upstream has not said anything yet. */
static enum verdict leave_early(struct play *p, const struct scene *s)
{
    int fd = wire_open(p->port);

    if (fd >= 0 && wire_ask(fd, s->method, s->path, s->body))
        await_upstream(p, fd);
    wire_close(fd);
    return V_RIGHT;
}

static enum verdict reload(struct play *p, const struct scene *s)
{
    int fd = wire_open(p->port);
    struct wire_answer a = {.closed = true};
    enum verdict v;

    if (fd >= 0 && wire_ask(fd, s->method, s->path, s->body))
        await_upstream(p, fd);
    play_reload(p);
    if (fd >= 0)
        a = wire_read(fd);
    v = judge(&a, s->text);
    wire_answer_fini(&a);
    wire_close(fd);
    return v;
}

/* A stream, an idle connection, and a request that nobody has sent to its end. */
static enum verdict shut_down(struct play *p, const struct scene *s)
{
    int fd = wire_open(p->port), idle = wire_open(p->port);
    struct wire_answer a = {.closed = true};
    enum verdict v;

    if (fd >= 0 && wire_ask(fd, s->method, s->path, s->body))
        await_upstream(p, fd);
    play_drain(p);
    if (fd >= 0)
        a = wire_read(fd);
    v = judge(&a, s->text);
    wire_answer_fini(&a);
    wire_close(fd);
    wire_close(idle);
    return v;
}

static struct scene SCENES[] = {
    {"plain",        ask,    "POST", CHAT,                                     ASK("gemini-3.8-flash",       ""),                                                             false, NULL},
    {"stream",       ask,    "POST", CHAT,
     ASK("gemini-3.8-flash",                                                                                 ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"), false,
     NULL                                                                                                                                                                                },
    {"large answer", ask,    "POST", CHAT,                                     ASK("emulate-huge-event-200", ",\"stream\":true"),                                             false,
     NULL                                                                                                                                                                                },
    {"models",       ask,    "GET",  "/v1/models",                             "",                           false,                                                           NULL },
    {"two on one connection",     ask_twice, "POST",   CHAT,                   ASK("gemini-3.8-flash",                          ""),                                                           false,  NULL    },
    {"abort in the answer",         leave, "POST",   CHAT,
     ASK("emulate-stream-50-events-every-2-ms",                                         ",\"stream\":true"),                                                           false,  NULL},
    {"abort before it",   leave_early, "POST",   CHAT,                ASK("emulate-slow-600000",                          ""),                                                           false,  NULL    },
    {"retry",           ask, "POST",   CHAT,                   ASK("emulate-503-once",                          ""),                                                            true,  NULL},
    {"refused",   ask_in_vain, "POST",   CHAT,                        ASK("emulate-500",                          ""),                                                           false,  NULL    },
    {"reload",        reload, "POST",   CHAT, ASK("emulate-stream-5-events-every-1-ms",          ",\"stream\":true"),
     false,                                                                                                                                                                    NULL},
    {"shutdown",     shut_down, "POST",   CHAT,
     ASK("emulate-stream-5-events-every-1-ms",                                          ",\"stream\":true"),                                                            true,  NULL    },
};

/* ------------------------------------------------------------------------------------ the driver
 */

static struct play play;
static struct scene AFTER = {"the next request",          ask,   "POST", CHAT,
                             ASK("gemini-3.8-flash", ""), false, NULL};
static uint64_t faults, turns;
static uint64_t counts[V_KINDS];

static void say(const struct trial *t, uint64_t nth, const char *what)
{
    fprintf(stderr, "%s, call %llu: %s\n", t->name, (unsigned long long)nth, what);
}

static bool stop_product(const struct trial *t, uint64_t nth)
{
    if (t->scene->act != shut_down)
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
    if (t->scene->act == shut_down && !stop_product(t, nth))
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
    if (t->scene->act == shut_down)
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
    if (s->text == NULL && s->act != leave_early && s->act != ask_in_vain)
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

static struct scene START = {"start", NULL, "", "", "", true, NULL};

enum { TRIALS_MAX = (NELEM(SCENES) + 1) * TORTURE_KINDS * 2 };
static struct trial trials[TRIALS_MAX];
static struct CMUnitTest tests[TRIALS_MAX];

static void add(size_t *n, struct scene *s, enum upstream u, enum torture kind, uint64_t times)
{
    struct trial *t = &trials[*n];
    bool start = s->act == NULL;

    *t = (struct trial){.scene = s, .upstream = u, .kind = kind, .times = times};
    snprintf(t->name, sizeof t->name, "SHP-4: %s over %s, %s %s", s->name, UPSTREAM[u],
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

static const char *const UPSTREAM_WORD[UPSTREAMS] = {"h1", "tls"};
static const char *const MODE[] = {"each", "from"};
static const char *scene_name[NELEM(SCENES) + 1];

static bool all_wanted(const struct scene *s, int argc, char **argv)
{
    return wanted(s->name, scene_name, NELEM(scene_name), argc, argv);
}

static int run_upstream(enum upstream u, int argc, char **argv)
{
    bool each = wanted("each", MODE, NELEM(MODE), argc, argv);
    bool from = wanted("from", MODE, NELEM(MODE), argc, argv);
    size_t n = 0;
    int bad;

    for (size_t i = 0; i <= NELEM(SCENES); i++) {
        struct scene *s = i < NELEM(SCENES) ? &SCENES[i] : &START;

        for (int k = 0; k < TORTURE_KINDS && all_wanted(s, argc, argv); k++) {
            if (k == TORTURE_TLS && u != UPSTREAM_TLS)
                continue;
            if (each)
                add(&n, s, u, (enum torture)k, 1);
            /* A client that is never accepted waits, and rightly so. */
            if (from)
                add(&n, s, u, (enum torture)k, k == TORTURE_ACCEPT ? 2 : UINT64_MAX);
        }
    }
    play_open(&play, u);
    bad = _cmocka_run_group_tests(UPSTREAM[u], tests, n, NULL, NULL);
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

    for (size_t i = 0; i < NELEM(scene_name); i++)
        scene_name[i] = i < NELEM(SCENES) ? SCENES[i].name : START.name;
    for (int u = 0; u < UPSTREAMS; u++)
        if (wanted(UPSTREAM_WORD[u], UPSTREAM_WORD, UPSTREAMS, argc, argv))
            bad += run_upstream((enum upstream)u, argc, argv);
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
