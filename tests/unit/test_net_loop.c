/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_net_loop.c - the order of things in one turn, timers, posts, signals, a freeze. */
#include "base/buf.h"
#include "net/listen.h"
#include "net/loop.h"
#include "net/work.h"

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Nothing here may hang for ever, nor end too soon because a machine is busy. */
static struct {
    struct work work;
    struct task task;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool let_go;
    pthread_t by, told;
    unsigned ran, done;
} job = {.mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};

static void job_run(struct work *w)
{
    (void)w;
    pthread_mutex_lock(&job.mutex);
    while (!job.let_go)
        pthread_cond_wait(&job.cond, &job.mutex);
    pthread_mutex_unlock(&job.mutex);
    job.by = pthread_self();
    job.ran++;
}

static void job_done(struct work *w)
{
    (void)w;
    job.told = pthread_self();
    job.done++;
}

static void job_let_go(void)
{
    pthread_mutex_lock(&job.mutex);
    job.let_go = true;
    pthread_cond_signal(&job.cond);
    pthread_mutex_unlock(&job.mutex);
}

/* Timers alone do not keep a loop running; a listener does. */
static void ignore_stream(void *owner, struct stream *s)
{
    (void)owner;
    stream_close(s);
}

static struct listener *anchor(struct loop *loop)
{
    struct listen_opts o = {.addr = {.host = "127.0.0.1"}, .fd = -1};
    struct listener *l = NULL;

    assert_int_equal(listener_open(loop, &o, ignore_stream, NULL, &l, NULL), OK);
    return l;
}

static struct buf trace;
static struct loop *the_loop;

struct step {
    struct task task;
    const char *name;
    struct step *soon, *defer; /* queued from inside */
};

static void step_run(struct task *t)
{
    struct step *s = CONTAINER(t, struct step, task);

    buf_put(&trace, str_z(s->name));
    if (s->soon)
        loop_soon(the_loop, &s->soon->task);
    if (s->defer)
        loop_defer(the_loop, &s->defer->task);
}

static void step_init(struct step *s, const char *name)
{
    *s = (struct step){.name = name};
    task_init(&s->task, step_run);
}

static void assert_trace(const char *want)
{
    assert_int_equal(trace.n, strlen(want));
    assert_memory_equal(trace.p, want, trace.n);
    buf_fini(&trace);
}

static void tasks_run_in_order(void **state)
{
    struct step a, b, c, d, e;

    (void)state;
    buf_init(&trace, 1000);
    the_loop = loop_new();
    step_init(&a, "a");
    step_init(&b, "b");
    step_init(&c, "c");
    step_init(&d, "d");
    step_init(&e, "e");
    a.soon = &c;  /* after b, in the same turn */
    b.defer = &e; /* after every soon-task, after d which was deferred first */
    loop_defer(the_loop, &d.task);
    loop_soon(the_loop, &a.task);
    loop_soon(the_loop, &b.task);
    loop_soon(the_loop, &a.task); /* twice is once */
    loop_run(the_loop);           /* no handle is open: runs the tasks and returns */
    assert_trace("abcde");
    loop_free(the_loop);
}

static void a_cancelled_task_does_not_run(void **state)
{
    struct step a, b;

    (void)state;
    buf_init(&trace, 1000);
    the_loop = loop_new();
    step_init(&a, "a");
    step_init(&b, "b");
    loop_soon(the_loop, &a.task);
    loop_soon(the_loop, &b.task);
    task_cancel(&a.task);
    task_cancel(&a.task);
    loop_run(the_loop);
    assert_trace("b");
    loop_free(the_loop);
}

struct alarm_clock {
    struct timer timer;
    char name;
    struct alarm_clock *stops;
    bool last;
};

static void ring(struct timer *t)
{
    struct alarm_clock *a = CONTAINER(t, struct alarm_clock, timer);

    assert_false(timer_running(t));
    buf_putc(&trace, a->name);
    if (a->stops)
        timer_stop(&a->stops->timer);
    if (a->last)
        loop_stop(t->loop);
}

struct last_bell {
    struct timer timer;
    struct step soon;
};

static void ring_last(struct timer *t)
{
    buf_putc(&trace, 'n');
    loop_soon(t->loop, &CONTAINER(t, struct last_bell, timer)->soon.task);
    loop_stop(t->loop);
}

/* Between a turn's news and its tasks, and before the loop waits, as often as there are turns. */
static void a_task_of_each_turn(void **state)
{
    struct step turn;
    struct last_bell bell;
    struct listener *l;

    (void)state;
    buf_init(&trace, 1000);
    the_loop = loop_new();
    l = anchor(the_loop);
    step_init(&turn, "t");
    step_init(&bell.soon, "s");
    timer_init(&bell.timer, the_loop, ring_last);
    timer_start(&bell.timer, 1);
    loop_on_turn(the_loop, &turn.task);
    loop_on_turn(the_loop, &turn.task); /* twice is once */
    loop_run(the_loop);
    assert_true(trace.n >= 4 && trace.p[0] == 't');
    assert_memory_equal(trace.p + trace.n - 3, "nts", 3);
    buf_drop_front(&trace, trace.n - 3);
    assert_trace("nts");
    task_cancel(&turn.task);
    timer_start(&bell.timer, 1);
    loop_run(the_loop);
    assert_trace("ns");
    listener_close(l);
    loop_free(the_loop);
}

static struct alarm_clock alarms[10];

/* Inside a turn, where the clock stands still: all of them count from one moment. */
static void start_alarms(struct task *t)
{
    static const uint64_t after_ms[NELEM(alarms)] = {5, 1, 9, 3, 7, 2, 8, 4, 6, 30};

    (void)t;
    for (size_t i = 0; i < NELEM(alarms); i++) {
        alarms[i] = (struct alarm_clock){.name = (char)('0' + (after_ms[i] > 9 ? 0 : after_ms[i]))};
        timer_init(&alarms[i].timer, the_loop, ring);
        timer_start(&alarms[i].timer, 1000);
        timer_start(&alarms[i].timer, after_ms[i]); /* moved */
        assert_true(timer_running(&alarms[i].timer));
    }
    alarms[1].stops = &alarms[2]; /* 1 stops 9 */
    alarms[9].last = true;
    timer_stop(&alarms[4].timer); /* 7 */
    timer_stop(&alarms[4].timer);
}

static void timers_fire_by_due_time(void **state)
{
    struct listener *l;
    struct task start;

    (void)state;
    buf_init(&trace, 1000);
    the_loop = loop_new();
    l = anchor(the_loop);
    task_init(&start, start_alarms);
    loop_soon(the_loop, &start);
    loop_run(the_loop);
    assert_trace("12345680");
    listener_close(l);
    loop_run(the_loop);
    loop_free(the_loop);
}

/* Every start and stop against a plain model: fired in order, none lost, none after its stop. */
static uint64_t last_due;
static size_t fired;

static void count_ring(struct timer *t)
{
    assert_true(t->due_ms >= last_due);
    last_due = t->due_ms;
    fired++;
}

static void many_timers(void **state)
{
    enum { N = 2000 };
    static struct timer t[N];
    struct alarm_clock end = {.name = '.', .last = true};
    struct listener *l;
    size_t running = 0;
    uint32_t r = 12345;

    (void)state;
    buf_init(&trace, 1000);
    the_loop = loop_new();
    l = anchor(the_loop);
    last_due = 0;
    fired = 0;
    for (size_t i = 0; i < N; i++)
        timer_init(&t[i], the_loop, count_ring);
    for (size_t i = 0; i < 5 * N; i++) {
        r = r * 1664525u + 1013904223u;
        if (r >> 30 == 0)
            timer_stop(&t[(r >> 8) % N]);
        else
            timer_start(&t[(r >> 8) % N], (r >> 20) % 20);
    }
    for (size_t i = 0; i < N; i++)
        running += timer_running(&t[i]);
    timer_init(&end.timer, the_loop, ring);
    timer_start(&end.timer, 100);
    loop_run(the_loop);
    assert_int_equal(fired, running);
    assert_trace(".");
    listener_close(l);
    loop_run(the_loop);
    loop_free(the_loop);
}

static unsigned spins;

static void spin(struct timer *t)
{
    if (++spins < 100)
        timer_start(t, 0);
    else
        loop_stop(t->loop);
}

/* A timer that starts itself with 0 gives way to the sockets in between, and the loop still ends.
 */
static void a_timer_of_zero_ends(void **state)
{
    struct timer t;
    struct listener *l;

    (void)state;
    the_loop = loop_new();
    l = anchor(the_loop);
    timer_init(&t, the_loop, spin);
    timer_start(&t, 0);
    spins = 0;
    loop_run(the_loop);
    assert_int_equal(spins, 100);
    listener_close(l);
    loop_run(the_loop);
    loop_free(the_loop);
}

static void timers_alone_do_not_hold_the_loop(void **state)
{
    struct alarm_clock a = {.name = 'x'};

    (void)state;
    buf_init(&trace, 1000);
    the_loop = loop_new();
    timer_init(&a.timer, the_loop, ring);
    timer_start(&a.timer, 3600 * 1000);
    loop_run(the_loop);
    assert_true(timer_running(&a.timer));
    timer_stop(&a.timer);
    assert_trace("");
    loop_free(the_loop);
}

enum { POSTS = 1000 };
struct letter {
    struct task task;
    struct loop *loop;
    pthread_t from;
    size_t got;
};
static struct letter letters[POSTS];

static void letter_run(struct task *t)
{
    struct letter *l = CONTAINER(t, struct letter, task);

    assert_true(pthread_equal(pthread_self(), l->from) == 0);
    l->got++;
    if (l == &letters[POSTS - 1])
        loop_stop(l->loop);
}

static void *postman(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < POSTS; i++) {
        letters[i].from = pthread_self();
        loop_post(letters[i].loop, &letters[i].task);
    }
    return NULL;
}

static void posts_come_from_another_thread(void **state)
{
    struct loop *loop = loop_new();
    struct listener *l = anchor(loop);
    pthread_t thread;

    (void)state;
    for (size_t i = 0; i < POSTS; i++) {
        letters[i] = (struct letter){.loop = loop};
        task_init(&letters[i].task, letter_run);
    }
    assert_int_equal(pthread_create(&thread, NULL, postman, NULL), 0);
    loop_run(loop);
    pthread_join(thread, NULL);
    for (size_t i = 0; i < POSTS; i++)
        assert_int_equal(letters[i].got, 1);
    listener_close(l);
    loop_run(loop);
    loop_free(loop);
}

static void on_signal(void *arg, int signum)
{
    *(int *)arg = signum;
    loop_stop(the_loop);
}

static void signals_are_callbacks(void **state)
{
    struct listener *l;
    int got = 0;

    (void)state;
    the_loop = loop_new();
    l = anchor(the_loop);
    loop_on_signal(the_loop, SIGUSR1, on_signal, &got);
    kill(getpid(), SIGUSR1);
    loop_run(the_loop);
    assert_int_equal(got, SIGUSR1);
    listener_close(l);
    loop_run(the_loop);
    loop_free(the_loop);
    kill(getpid(), SIGUSR1); /* whoever sends one while the process ends does not kill it */
    assert_int_equal(got, SIGUSR1);
}

/* A frozen process. The thaw is told before the bytes that came meanwhile, which may close their
 * stream, and before the timers, which keep what they had left to run. */
struct frozen {
    struct task thaw;
    struct timer timer, begun;
    struct stream *s;
    struct loop *loop;
    bool thawed;
    int ready;
};

static void frozen_read(void *owner, struct str bytes)
{
    (void)owner;
    (void)bytes;
    _exit(6);
}

static void frozen_drain(void *owner)
{
    (void)owner;
}

static void frozen_end(void *owner, enum err why)
{
    (void)owner;
    (void)why;
    _exit(7);
}

static const struct stream_events FROZEN = {frozen_read, frozen_drain, frozen_end};

static void on_thaw(struct task *t)
{
    struct frozen *f = CONTAINER(t, struct frozen, thaw);

    if (!timer_running(&f->timer) || f->timer.due_ms <= loop_now_ms(f->loop))
        _exit(2); /* had fired, or was about to at once */
    f->thawed = true;
    stream_close(f->s);
    timer_start(&f->timer, 1);
}

static void on_frozen_timer(struct timer *t)
{
    struct frozen *f = CONTAINER(t, struct frozen, timer);

    _exit(f->thawed ? 0 : 3);
}

static void on_begun(struct timer *t)
{
    struct frozen *f = CONTAINER(t, struct frozen, begun);

    if (write(f->ready, "x", 1) != 1)
        _exit(4);
}

static void frozen_accept(void *owner, struct stream *s)
{
    struct frozen *f = owner;

    f->s = s;
    stream_bind(s, &FROZEN, f);
    stream_resume(s);
    timer_start(&f->timer, 1500); /* long past, by over 2 s, when the stop ends */
    timer_start(&f->begun, 1); /* said from inside the loop, so that it is the loop that freezes */
}

static void child_that_freezes(int ready, int listening)
{
    struct frozen f = {.loop = loop_new(), .ready = ready};
    struct listen_opts o = {.fd = listening};
    struct listener *l = NULL;

    if (listener_open(f.loop, &o, frozen_accept, &f, &l, NULL) != OK)
        _exit(8);
    task_init(&f.thaw, on_thaw);
    timer_init(&f.timer, f.loop, on_frozen_timer);
    timer_init(&f.begun, f.loop, on_begun);
    loop_on_thaw(f.loop, &f.thaw);
    loop_run(f.loop);
    _exit(5);
}

/* LIM-17. */
static void a_freeze_fires_no_timer(void **state)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    int listening = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    int ready[2], status = 0;
    char c;
    pid_t pid;

    (void)state;
    assert_int_equal(bind(listening, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(listening, 5), 0);
    getsockname(listening, (struct sockaddr *)&a, &n);
    assert_int_equal(pipe(ready), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        child_that_freezes(ready[1], listening);
    assert_int_equal(connect(client, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(read(ready[0], &c, 1), 1);
    kill(pid, SIGSTOP);
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
    assert_int_equal(write(client, "while it was away", 17), 17);
    nanosleep(&(struct timespec){.tv_sec = 4}, NULL);
    kill(pid, SIGCONT);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    close(ready[0]);
    close(ready[1]);
    close(client);
    close(listening);
}

/* The job waits for what a later turn of the loop does: it never comes if the loop waits for it. */
static void job_next(struct task *t)
{
    if (++job.ran < 4)
        loop_next(the_loop, t);
    else
        job_let_go();
}

static void job_begin(void (*run)(struct task *))
{
    job.let_go = false;
    job.ran = job.done = 0;
    job.work = (struct work){job_run, job_done};
    task_init(&job.task, run);
    the_loop = loop_new();
    loop_work(the_loop, &job.work);
    loop_next(the_loop, &job.task);
}

static void work_is_for_another_thread(void **state)
{
    (void)state;
    job_begin(job_next);
    loop_run(the_loop); /* nothing but the work keeps it */
    assert_int_equal(job.ran, 5);
    assert_int_equal(job.done, 1);
    assert_false(pthread_equal(job.by, pthread_self()));
    assert_true(pthread_equal(job.told, pthread_self()));
    loop_free(the_loop);
}

static void job_stop(struct task *t)
{
    (void)t;
    loop_stop(the_loop);
    job_let_go();
}

/* Whoever frees what the work is about does it after loop_run. */
static void a_loop_that_is_stopped_waits_for_its_work(void **state)
{
    struct listener *l;

    (void)state;
    job_begin(job_stop);
    l = anchor(the_loop);
    loop_run(the_loop);
    assert_int_equal(job.done, 1);
    listener_close(l);
    loop_run(the_loop);
    loop_free(the_loop);
}

enum { JOBS = 12 };
static struct {
    struct loop *loop;
    struct work work[JOBS];
    pthread_barrier_t both;
    _Atomic unsigned ran;
    unsigned done;
} jobs;

/* The first two wait for each other. */
static void jobs_run(struct work *w)
{
    if (w < jobs.work + 2)
        pthread_barrier_wait(&jobs.both);
    atomic_fetch_add(&jobs.ran, 1);
}

/* Half of them are begun by those that are done. */
static void jobs_done(struct work *w)
{
    size_t i = (size_t)(w - jobs.work);

    jobs.done++;
    if (i < JOBS / 2)
        loop_work(jobs.loop, &jobs.work[JOBS / 2 + i]);
}

/* More than there are threads; and once more, when the threads are there. */
static void several_works_go_on_at_once(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        jobs.done = 0;
        atomic_store(&jobs.ran, 0);
        pthread_barrier_init(&jobs.both, NULL, 2);
        jobs.loop = loop_new();
        for (size_t i = 0; i < JOBS; i++)
            jobs.work[i] = (struct work){jobs_run, jobs_done};
        for (size_t i = 0; i < JOBS / 2; i++)
            loop_work(jobs.loop, &jobs.work[i]);
        loop_run(jobs.loop);
        assert_int_equal(atomic_load(&jobs.ran), JOBS);
        assert_int_equal(jobs.done, JOBS);
        loop_free(jobs.loop);
        pthread_barrier_destroy(&jobs.both);
    }
}

static void stop_when_traced(struct task *t)
{
    if (trace.n >= 6)
        loop_stop(the_loop);
    else
        loop_next(the_loop, t);
}

static void next_next(struct task *t)
{
    struct step *s = CONTAINER(t, struct step, task);

    step_run(t);
    if (trace.n < 5)
        loop_next(the_loop, &s->task);
}

/* A task of the next turn lets everything else of this one go first, its own soon-tasks too. */
static void the_next_turn(void **state)
{
    struct step a, b, stop;

    (void)state;
    buf_init(&trace, 64);
    the_loop = loop_new();
    step_init(&a, "a");
    step_init(&b, "b");
    step_init(&stop, "");
    a.task.run = next_next;
    stop.task.run = stop_when_traced;
    a.soon = &b;
    loop_hold(the_loop, true);
    loop_next(the_loop, &a.task);
    loop_next(the_loop, &a.task); /* once */
    loop_soon(the_loop, &stop.task);
    loop_run(the_loop);
    assert_true(str_eq(buf_str(&trace), S("ababab")));
    loop_hold(the_loop, false);
    loop_free(the_loop);
    buf_fini(&trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_run_in_order),
        cmocka_unit_test(the_next_turn),
        cmocka_unit_test(work_is_for_another_thread),
        cmocka_unit_test(a_loop_that_is_stopped_waits_for_its_work),
        cmocka_unit_test(several_works_go_on_at_once),
        cmocka_unit_test(a_task_of_each_turn),
        cmocka_unit_test(a_cancelled_task_does_not_run),
        cmocka_unit_test(timers_fire_by_due_time),
        cmocka_unit_test(many_timers),
        cmocka_unit_test(a_timer_of_zero_ends),
        cmocka_unit_test(timers_alone_do_not_hold_the_loop),
        cmocka_unit_test(posts_come_from_another_thread),
        cmocka_unit_test(signals_are_callbacks),
        cmocka_unit_test(a_freeze_fires_no_timer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
