/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* loop.c - one turn of the event loop: what runs when. It must not know what the callbacks do.
 *
 * libuv waits and tells; the order of everything else (timers, tasks, giving memory back) is ours,
 * because "after all callbacks of this turn" is a promise that libuv does not make. */
#include "net/loop.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/torture.h"
#include "net/loop_impl.h"
#include "net/priority.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct watch {
    uv_signal_t uv;
    struct list link;
    void (*fn)(void *arg, int signum);
    void *arg;
};

/* A list is looked at when those before it are empty. */
static void run_tasks(struct loop *loop)
{
    struct list *l;

    while ((l = list_pop(&loop->gathered)) != NULL || (l = list_pop(&loop->soon)) != NULL ||
           (l = list_pop(&loop->deferred)) != NULL) {
        struct task *t = CONTAINER(l, struct task, link);

        t->run(t);
    }
    loop->ngathered = 0;
}

static void run_all(struct list *tasks)
{
    list_each (l, tasks) {
        struct task *t = CONTAINER(l, struct task, link);

        t->run(t);
    }
}

/* What is put there meanwhile is the next turn's again. */
static void run_next(struct loop *loop)
{
    struct list mine;
    struct list *l;

    list_init(&mine);
    while ((l = list_pop(&loop->next)) != NULL)
        list_push(&mine, l);
    while ((l = list_pop(&mine)) != NULL) {
        struct task *t = CONTAINER(l, struct task, link);

        t->run(t);
    }
}

/* Under the lock: another thread that posts the task again looks at its link. */
static struct list *take_posted(struct loop *loop, struct list *from)
{
    struct list *l;

    pthread_mutex_lock(&loop->lock);
    l = list_pop(from);
    pthread_mutex_unlock(&loop->lock);
    return l;
}

/* Only what was posted so far: a task that posts itself again does not keep the turn open. */
static void run_posted(struct loop *loop)
{
    struct list mine;
    struct list *l;

    list_init(&mine);
    pthread_mutex_lock(&loop->lock);
    while ((l = list_pop(&loop->posted)) != NULL)
        list_push(&mine, l);
    pthread_mutex_unlock(&loop->lock);
    while ((l = take_posted(loop, &mine)) != NULL) {
        struct task *t = CONTAINER(l, struct task, link);

        t->run(t);
    }
}

/* A gap shows as a poll that took longer than it was allowed to, as a turn that stood still in the
 * middle, or, where the monotonic clock stops with the process, as the wall clock running ahead. A
 * stepped wall clock looks the same and costs only a needless clean-up. */
static void notice_gap(struct loop *loop)
{
    uint64_t uv_ms = uv_now(&loop->uv);
    int64_t wall_ms = clock_wall_ms();
    uint64_t mono = uv_ms - loop->seen_uv_ms;
    int64_t ahead = wall_ms - loop->seen_wall_ms - (int64_t)mono;
    bool overslept = loop->poll_max_ms < UINT64_MAX - LOOP_FROZEN_MS &&
                     mono > loop->poll_max_ms + LOOP_FROZEN_MS;

    loop->seen_uv_ms = uv_ms;
    loop->seen_wall_ms = wall_ms;
    loop->poll_max_ms = 0;
    if (!overslept && ahead < LOOP_FROZEN_MS && ahead > -LOOP_FROZEN_MS)
        return;
    if (overslept)
        loop->skew_ms += mono;
    run_all(&loop->thaw);
}

void loop_told(struct loop *loop)
{
    struct list *l;

    if (loop->ngathered < LOOP_GATHER)
        return;
    run_all(&loop->turn);
    while ((l = list_pop(&loop->gathered)) != NULL) {
        struct task *t = CONTAINER(l, struct task, link);

        t->run(t);
    }
    loop->ngathered = 0;
}

void loop_woke(struct loop *loop)
{
    if (loop->poll_max_ms != 0)
        notice_gap(loop);
}

/* Nothing waits for us here but what comes in meanwhile. */
static void coalesce(struct loop *loop)
{
    static const struct timespec MOMENT = {.tv_nsec = COALESCE_US * 1000};

    if (!uv_is_active((uv_handle_t *)&loop->hurry) &&
        coalesce_turn(&loop->coalesce, loop->written, loop->load))
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &MOMENT, NULL);
    loop->written = 0;
}

static void on_arm(uv_prepare_t *h)
{
    struct loop *loop = h->data;

    notice_gap(loop);
    run_tasks(loop);
    run_all(&loop->turn);
    timers_arm(loop);
    coalesce(loop);
}

static void on_settle(uv_check_t *h)
{
    struct loop *loop = h->data;

    loop_woke(loop);
    loop->turns++;
    timers_run(loop);
    run_next(loop);
    run_all(&loop->turn);
    run_tasks(loop);
}

static void on_mail(uv_async_t *h)
{
    struct loop *loop = h->data;

    loop_woke(loop);
    run_posted(loop);
}

static void *zalloc_array(size_t n, size_t size)
{
    if (size != 0 && n > SIZE_MAX / size)
        return NULL;
    return mem_zalloc(n * size);
}

static void prepare_process(void)
{
    int r = uv_replace_allocator(mem_alloc, mem_realloc, zalloc_array, mem_free);

    assert(r == 0);
    (void)r;
    signal(SIGPIPE, SIG_IGN);
}

static void quiet(uv_handle_t *h, struct loop *loop)
{
    h->data = loop;
    uv_unref(h);
}

struct loop *loop_new(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct loop *loop = mem_zalloc(sizeof *loop);
    int bad;

    pthread_once(&once, prepare_process);
    pthread_mutex_init(&loop->lock, NULL);
    list_init(&loop->soon);
    list_init(&loop->gathered);
    list_init(&loop->next);
    list_init(&loop->deferred);
    list_init(&loop->thaw);
    list_init(&loop->turn);
    list_init(&loop->at_free);
    list_init(&loop->signals);
    list_init(&loop->posted);
    loop->alarm_due_ms = UINT64_MAX;
    bad = uv_loop_init(&loop->uv);
    if (bad == 0)
        bad = uv_async_init(&loop->uv, &loop->mail, on_mail);
    if (bad == 0)
        bad = works_open(loop);
    if (bad != 0) { /* no descriptors at start: nothing to go on with */
        fprintf(stderr, "queqiao: cannot make an event loop: %s\n", uv_strerror(bad));
        abort();
    }
    uv_prepare_init(&loop->uv, &loop->arm);
    uv_check_init(&loop->uv, &loop->settle);
    uv_idle_init(&loop->uv, &loop->hurry);
    uv_timer_init(&loop->uv, &loop->alarm);
    uv_prepare_start(&loop->arm, on_arm);
    uv_check_start(&loop->settle, on_settle);
    quiet((uv_handle_t *)&loop->arm, loop);
    quiet((uv_handle_t *)&loop->settle, loop);
    quiet((uv_handle_t *)&loop->hurry, loop);
    quiet((uv_handle_t *)&loop->alarm, loop);
    quiet((uv_handle_t *)&loop->mail, loop);
    return loop;
}

void loop_run(struct loop *loop)
{
    priority_prompt();
    loop->running = true;
    uv_update_time(&loop->uv);
    loop->seen_uv_ms = uv_now(&loop->uv);
    loop->seen_wall_ms = clock_wall_ms();
    loop->poll_max_ms = 0;
    for (;;) {
        run_posted(loop);
        run_tasks(loop);
        if ((loop->stopping && loop->works == 0) || !uv_loop_alive(&loop->uv))
            break;
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    }
    loop->running = false;
    loop->stopping = false;
}

void loop_hold(struct loop *loop, bool on)
{
    if (on)
        uv_ref((uv_handle_t *)&loop->mail);
    else
        uv_unref((uv_handle_t *)&loop->mail);
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
    uv_stop(&loop->uv);
}

static void watch_closed(uv_handle_t *h)
{
    mem_free(CONTAINER(h, struct watch, uv));
}

static void close_own_handles(struct loop *loop)
{
    struct list *l;

    while ((l = list_pop(&loop->signals)) != NULL) {
        struct watch *w = CONTAINER(l, struct watch, link);
        int signum = w->uv.signum;

        uv_close((uv_handle_t *)&w->uv, watch_closed);
        signal(signum, SIG_IGN); /* or the next one kills the process, in the middle of its end */
    }
    uv_close((uv_handle_t *)&loop->arm, NULL);
    uv_close((uv_handle_t *)&loop->settle, NULL);
    uv_close((uv_handle_t *)&loop->hurry, NULL);
    uv_close((uv_handle_t *)&loop->alarm, NULL);
    uv_close((uv_handle_t *)&loop->mail, NULL);
    works_close(loop);
}

void loop_free(struct loop *loop)
{
    struct list *l;
    int r;

    if (loop == NULL)
        return;
    while ((l = list_pop(&loop->at_free)) != NULL) {
        struct task *t = CONTAINER(l, struct task, link);

        t->run(t);
    }
    run_posted(loop);
    run_tasks(loop);
    close_own_handles(loop);
    for (int i = 0; i < 8 && uv_loop_alive(&loop->uv); i++) { /* close callbacks */
        uv_run(&loop->uv, UV_RUN_NOWAIT);
        run_tasks(loop);
    }
    r = uv_loop_close(&loop->uv);
    assert(r == 0); /* a handle is still open */
    (void)r;
    for (size_t i = 0; i < loop->spares; i++)
        buf_fini(&loop->spare[i]);
    pthread_mutex_destroy(&loop->lock);
    mem_free(loop->heap);
    mem_free(loop->read_buf);
    mem_free(loop->plain_buf);
    mem_free(loop);
}

void loop_soon(struct loop *loop, struct task *t)
{
    if (list_empty(&t->link))
        list_push(&loop->soon, &t->link);
}

void loop_load(struct loop *loop, int more)
{
    loop->load += (uint32_t)more;
}

void loop_gather(struct loop *loop, struct task *t)
{
    if (!list_empty(&t->link))
        return;
    list_push(&loop->gathered, &t->link);
    loop->ngathered++;
    loop->written++;
}

void loop_next(struct loop *loop, struct task *t)
{
    if (list_empty(&t->link))
        list_push(&loop->next, &t->link);
}

void loop_defer(struct loop *loop, struct task *t)
{
    if (list_empty(&t->link))
        list_push(&loop->deferred, &t->link);
}

void loop_post(struct loop *loop, struct task *t)
{
    pthread_mutex_lock(&loop->lock);
    if (list_empty(&t->link))
        list_push(&loop->posted, &t->link);
    pthread_mutex_unlock(&loop->lock);
    uv_async_send(&loop->mail);
}

void loop_on_thaw(struct loop *loop, struct task *t)
{
    if (list_empty(&t->link))
        list_push(&loop->thaw, &t->link);
}

void loop_on_turn(struct loop *loop, struct task *t)
{
    if (list_empty(&t->link))
        list_push(&loop->turn, &t->link);
}

void loop_at_free(struct loop *loop, struct task *t)
{
    if (list_empty(&t->link))
        list_push(&loop->at_free, &t->link);
}

uint64_t loop_now_ms(struct loop *loop)
{
    if (!loop->running)
        uv_update_time(&loop->uv);
    return uv_now(&loop->uv) - loop->skew_ms;
}

static void on_signal(uv_signal_t *h, int signum)
{
    struct watch *w = CONTAINER(h, struct watch, uv);

    loop_woke(h->data);
    w->fn(w->arg, signum);
}

void loop_on_signal(struct loop *loop, int signum, void (*fn)(void *arg, int signum), void *arg)
{
    struct watch *w = mem_zalloc(sizeof *w);
    int r;

    w->fn = fn;
    w->arg = arg;
    list_push(&loop->signals, &w->link);
    r = uv_signal_init(&loop->uv, &w->uv);
    if (r == 0)
        r = uv_signal_start(&w->uv, on_signal, signum);
    assert(r == 0);
    (void)r;
    quiet((uv_handle_t *)&w->uv, loop);
}

char *loop_read_buf(struct loop *loop)
{
    if (loop->read_buf == NULL)
        loop->read_buf = mem_alloc(LOOP_READ_BUF);
    return loop->read_buf;
}

char *loop_plain_buf(struct loop *loop)
{
    if (loop->plain_buf == NULL)
        loop->plain_buf = mem_alloc(LOOP_READ_BUF);
    return loop->plain_buf;
}

void loop_buf_take(struct loop *loop, struct buf *ret)
{
    if (loop->spares > 0)
        *ret = loop->spare[--loop->spares];
    else
        buf_init(ret, SIZE_MAX / 2);
}

void loop_buf_give(struct loop *loop, struct buf *b)
{
    if (b->p != NULL && b->room <= LOOP_SPARE_ROOM && loop->spares < LOOP_SPARES &&
        !TORTURE_BUILD) { /* torture wants each one to be allocated anew */
        buf_reset(b);
        loop->spare[loop->spares++] = *b;
        buf_init(b, SIZE_MAX / 2);
    } else {
        buf_fini(b);
        buf_reset(b);
    }
}
