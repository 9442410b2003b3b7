/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* work.c - threads that compute for the loops of the process, and how a loop hears that they are
 * done. Not libuv's own pool: there a loop that is told of an end spins until the thread that tells
 * it goes on, which may be long when both want the same core. It must not know what is done. */
#include "net/work.h"
#include "base/mem.h"
#include "base/torture.h"
#include "net/loop_impl.h"
#include "net/priority.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { THREADS_MAX = 4 };

struct piece {
    struct list link;
    struct loop *loop;
    struct work *work;
    bool tortured; /* as the loop's thread is */
};

/* Its threads come when they are needed, and stay as long as the process. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t come;
    struct list waiting; /* pieces */
    unsigned nwaiting, nthreads, nidle;
    unsigned rests; /* how often works_rest was called */
} pool = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .come = PTHREAD_COND_INITIALIZER,
    .waiting = {&pool.waiting, &pool.waiting}
};

/* The loop counts these: when all are heard of, no thread touches it any more. So nothing may
 * follow the write. */
static void tell(struct piece *piece)
{
    static const uint64_t one = 1;
    struct loop *loop = piece->loop;
    int fd = loop->works_fd;
    ssize_t n;

    pthread_mutex_lock(&loop->lock);
    list_push(&loop->works_done, &piece->link);
    pthread_mutex_unlock(&loop->lock);
    do
        n = write(fd, &one, sizeof one);
    while (n < 0 && errno == EINTR);
    assert(n == sizeof one);
}

static void run(struct piece *piece)
{
    torture_here(piece->tortured);
    piece->work->run(piece->work);
    mem_settle(); /* nobody knows whether the thread ever works again */
    tell(piece);
}

/* Called and left with the lock held. */
static void rest(void)
{
    pool.nidle--;
    pthread_mutex_unlock(&pool.lock);
    mem_rest_end();
    pthread_mutex_lock(&pool.lock);
    pool.nidle++;
}

static struct piece *take(unsigned *rests)
{
    struct list *first;

    pthread_mutex_lock(&pool.lock);
    pool.nidle++;
    while (pool.nwaiting == 0) {
        if (*rests != pool.rests) {
            *rests = pool.rests;
            rest();
        } else {
            pthread_cond_wait(&pool.come, &pool.lock);
        }
    }
    pool.nidle--;
    pool.nwaiting--;
    first = list_pop(&pool.waiting);
    pthread_mutex_unlock(&pool.lock);
    assert(first != NULL); /* they are counted */
    return CONTAINER(first, struct piece, link);
}

/* The loop that woke it has other things to do before it waits: that is over sooner than a tick. */
static void *serve(void *none)
{
    unsigned rests = 0;

    (void)none;
    priority_yield();
    for (;;) {
        struct piece *piece = take(&rests);

        sched_yield();
        run(piece);
    }
    return NULL;
}

/* Signals are for the threads that were there before. */
static bool start_thread(void)
{
    pthread_t thread;
    sigset_t all, was;
    int bad;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    bad = pthread_create(&thread, NULL, serve, NULL);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    if (bad == 0)
        pthread_detach(thread);
    return bad == 0;
}

/* False: there is no thread, and none is to be had. */
static bool give(struct piece *piece)
{
    bool given;

    pthread_mutex_lock(&pool.lock);
    if (pool.nwaiting + 1 > pool.nidle && pool.nthreads < THREADS_MAX && start_thread())
        pool.nthreads++;
    given = pool.nthreads > 0 && !torture_fails(TORTURE_THREAD);
    if (given) {
        list_push(&pool.waiting, &piece->link);
        pool.nwaiting++;
    }
    pthread_mutex_unlock(&pool.lock);
    if (given)
        pthread_cond_signal(&pool.come);
    return given;
}

void loop_work(struct loop *loop, struct work *w)
{
    struct piece *piece = mem_zalloc(sizeof *piece);

    list_init(&piece->link);
    piece->loop = loop;
    piece->work = w;
    piece->tortured = torture_is_here();
    if (loop->works++ == 0)
        uv_ref((uv_handle_t *)&loop->works_poll);
    if (!give(piece))
        run(piece); /* here and now: better late than never */
}

void works_rest(void)
{
    pthread_mutex_lock(&pool.lock);
    pool.rests++;
    pthread_mutex_unlock(&pool.lock);
    pthread_cond_broadcast(&pool.come);
}

static void finish(struct loop *loop)
{
    struct list *first;
    struct piece *piece;
    struct work *w;

    pthread_mutex_lock(&loop->lock);
    first = list_pop(&loop->works_done);
    pthread_mutex_unlock(&loop->lock);
    assert(first != NULL); /* one for each that was counted */
    piece = CONTAINER(first, struct piece, link);
    w = piece->work;
    mem_free(piece);
    if (--loop->works == 0) {
        uv_unref((uv_handle_t *)&loop->works_poll);
        if (loop->stopping)
            uv_stop(&loop->uv);
    }
    w->done(w);
}

static void on_told(uv_poll_t *h, int status, int events)
{
    struct loop *loop = h->data;
    uint64_t n;

    (void)status, (void)events;
    loop_woke(loop);
    if (read(loop->works_fd, &n, sizeof n) != sizeof n)
        return;
    while (n-- > 0)
        finish(loop);
}

int works_open(struct loop *loop)
{
    int bad;

    list_init(&loop->works_done);
    loop->works_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->works_fd < 0)
        return UV_EMFILE;
    bad = uv_poll_init(&loop->uv, &loop->works_poll, loop->works_fd);
    if (bad != 0)
        return bad;
    loop->works_poll.data = loop;
    bad = uv_poll_start(&loop->works_poll, UV_READABLE, on_told);
    uv_unref((uv_handle_t *)&loop->works_poll);
    return bad;
}

void works_close(struct loop *loop)
{
    assert(loop->works == 0);
    uv_close((uv_handle_t *)&loop->works_poll, NULL);
    close(loop->works_fd);
}
