/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fake_dial.h - what fake_net.h lacks for the client's side: outgoing connections that the test
 * grants or refuses, and freezes that it makes up. Include it in one file of the program. */
#ifndef TESTS_FAKE_DIAL_H
#define TESTS_FAKE_DIAL_H

#include "fake_net.h"
#include "net/dial.h"

enum { FAKE_DIALS = 256 };

struct dial {
    struct loop *loop;
    char host[256];
    struct dial_opts opts;
    dial_done_f *done; /* NULL: over */
    void *owner;
};
static struct dial fake_dials[FAKE_DIALS]; /* in the order of dial_open */
static size_t fake_ndials;
static struct list fake_thaws = {&fake_thaws, &fake_thaws};

struct dial *dial_open(struct loop *loop, const struct dial_opts *opts, dial_done_f *done,
                       void *owner)
{
    struct dial *d = &fake_dials[fake_ndials++ % FAKE_DIALS];

    assert(d->done == NULL);
    *d = (struct dial){.loop = loop, .opts = *opts, .done = done, .owner = owner};
    assert(opts->host.n < sizeof d->host);
    memcpy(d->host, opts->host.p, opts->host.n);
    return d;
}

void dial_cancel(struct dial *d)
{
    if (d != NULL)
        d->done = NULL;
}

void loop_on_thaw(struct loop *loop, struct task *t)
{
    (void)loop;
    list_push(&fake_thaws, &t->link);
}

/* The test's side. */

static inline size_t fake_dialling(void)
{
    size_t n = 0;

    for (size_t i = 0; i < FAKE_DIALS; i++)
        n += fake_dials[i].done != NULL;
    return n;
}

static inline struct dial *fake_dial(void) /* the oldest that waits */
{
    for (size_t i = 0; i < FAKE_DIALS; i++)
        if (fake_dials[i].done != NULL)
            return &fake_dials[i];
    return NULL;
}

static inline void fake_dial_over(const struct dial_result *r)
{
    struct dial *d = fake_dial();
    dial_done_f *done = d->done;

    d->done = NULL;
    done(d->owner, r);
    fake_turn(d->loop);
}

static inline struct stream *fake_stream(struct loop *l, const char *alpn)
{
    struct stream *s = mem_zalloc(sizeof *s);

    s->loop = l;
    s->alpn = alpn;
    s->window = SIZE_MAX;
    buf_init(&s->in, SIZE_MAX / 4);
    buf_init(&s->queue, SIZE_MAX / 4);
    buf_init(&s->sent, SIZE_MAX / 4);
    list_push(&l->streams, &s->link);
    return s;
}

static inline struct stream *fake_dial_ok(const char *alpn)
{
    struct stream *s = fake_stream(fake_dial()->loop, alpn);

    fake_dial_over(&(struct dial_result){.phase = DIAL_DONE, .what = "", .stream = s});
    return s;
}

static inline void fake_dial_fail(enum dial_phase phase, enum err e)
{
    fake_dial_over(&(struct dial_result){.phase = phase, .err = e, .what = "told so"});
}

/* The process was stopped for a while; its clock did not see it. */
static inline void fake_freeze(struct loop *l)
{
    list_each (at, &fake_thaws) {
        struct task *t = CONTAINER(at, struct task, link);

        t->run(t);
    }
    fake_turn(l);
}

#endif
