/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tunnel.c - the talk with a proxy, held on a stream. What is said is tunnel_talk.c's. */
#include "net/tunnel.h"
#include "base/mem.h"
#include "net/stream_impl.h"
#include "net/tcp.h"

struct tunnel {
    struct loop *loop;
    struct stream *s;
    struct tunnel_talk talk;
    tunnel_done_f *done;
    void *owner;
    bool over;
    struct task bury;
};

static void bury(struct task *task)
{
    struct tunnel *t = CONTAINER(task, struct tunnel, bury);

    talk_fini(&t->talk);
    mem_free(t);
}

static void let_go(struct tunnel *t)
{
    t->over = true;
    loop_defer(t->loop, &t->bury);
}

static void fail(struct tunnel *t, enum err e, const char *what)
{
    stream_close(t->s);
    let_go(t);
    t->done(t->owner, e, what, NULL);
}

static void say(struct tunnel *t)
{
    struct str s = talk_say(&t->talk);

    if (s.n > 0)
        stream_write(t->s, s);
}

static void on_read(void *owner, struct str bytes)
{
    struct tunnel *t = owner;

    switch (talk_feed(&t->talk, &bytes)) {
    case TALK_MORE: say(t); return;
    case TALK_FAILED: fail(t, t->talk.err, t->talk.what); return;
    case TALK_OPEN: break;
    }
    if (bytes.n > 0 && stream_is_tls(t->s)) { /* nobody whom we reach so speaks first */
        fail(t, E_SYNTAX, "the proxy sent more than its answer");
        return;
    }
    stream_pause(t->s);
    if (bytes.n > 0)
        tcp_unread(t->s, bytes);
    let_go(t);
    t->done(t->owner, OK, "", t->s);
}

static void on_drain(void *owner)
{
    (void)owner;
}

static void on_end(void *owner, enum err why)
{
    fail(owner, why == OK ? E_CLOSED : why, "the proxy closed the connection");
}

struct tunnel *tunnel_open(struct stream *s, const struct tunnel_proxy *proxy, struct str host,
                           uint16_t port, tunnel_done_f *done, void *owner)
{
    static const struct stream_events on = {on_read, on_drain, on_end};
    struct tunnel *t = mem_zalloc(sizeof *t);

    t->loop = s->loop;
    t->s = s;
    t->done = done;
    t->owner = owner;
    task_init(&t->bury, bury);
    talk_begin(&t->talk, proxy, host, port);
    stream_bind(s, &on, t);
    say(t);
    stream_resume(s);
    return t;
}

void tunnel_close(struct tunnel *t)
{
    if (t == NULL || t->over)
        return;
    stream_close(t->s);
    let_go(t);
}
