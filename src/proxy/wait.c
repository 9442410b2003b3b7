/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* wait.c - the lines. Must not know keys, quotas or exchanges. */
#include "proxy/wait.h"

#include "base/mem.h"

enum { ASK_MS = 1000 };

struct wait_line {
    struct list link;
    struct list waiters;
    struct waits *all;
    struct timer timer;
    uint64_t kind;
    bool asking; /* it must not go away now */
};

void waits_init(struct waits *all, struct loop *loop)
{
    *all = (struct waits){.loop = loop};
    list_init(&all->lines);
}

static struct wait_line *find(const struct waits *all, uint64_t kind)
{
    list_each (l, &all->lines) {
        struct wait_line *line = CONTAINER(l, struct wait_line, link);

        if (line->kind == kind)
            return line;
    }
    return NULL;
}

bool wait_is_line(const struct waits *all, uint64_t kind)
{
    return find(all, kind) != NULL;
}

static void free_if_empty(struct wait_line *line)
{
    if (!list_empty(&line->waiters) || line->asking)
        return;
    timer_stop(&line->timer);
    list_remove(&line->link);
    mem_free(line);
}

static struct waiter *first_of(const struct wait_line *line)
{
    return list_empty(&line->waiters) ? NULL : CONTAINER(line->waiters.next, struct waiter, link);
}

/* Whose time is over; asking one may take any others out of the line. */
static struct waiter *overdue(const struct wait_line *line, uint64_t now_ms)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there is no NULL in a list */
    list_each (l, &line->waiters) {
        struct waiter *w = CONTAINER(l, struct waiter, link);

        if (now_ms >= w->until_ms)
            return w;
    }
    return NULL;
}

static void ask(struct wait_line *line)
{
    uint64_t now_ms = loop_now_ms(line->all->loop);
    uint64_t again_ms = 0;
    struct waiter *w;

    line->asking = true;
    while ((w = first_of(line)) != NULL && !w->asked(w, &again_ms))
        ;
    if (w != NULL)
        timer_start(&line->timer, again_ms < ASK_MS ? again_ms : ASK_MS);
    while ((w = overdue(line, now_ms)) != NULL)
        if (w->asked(w, &again_ms) && w->until_ms <= now_ms)
            w->until_ms = now_ms + 1;
    line->asking = false;
    free_if_empty(line);
}

static void on_timer(struct timer *t)
{
    ask(CONTAINER(t, struct wait_line, timer));
}

static struct wait_line *line_for(struct waits *all, uint64_t kind)
{
    struct wait_line *line = find(all, kind);

    if (line != NULL)
        return line;
    line = mem_zalloc(sizeof *line);
    line->all = all;
    line->kind = kind;
    list_init(&line->waiters);
    timer_init(&line->timer, all->loop, on_timer);
    list_push(&all->lines, &line->link);
    return line;
}

/* Behind the last one that came before it: as a rule that is the end. */
static void stand(struct wait_line *line, struct waiter *w)
{
    struct list *after = line->waiters.prev;

    while (after != &line->waiters && CONTAINER(after, struct waiter, link)->ticket > w->ticket)
        after = after->prev;
    list_push_front(after, &w->link);
}

bool wait_join(struct waits *all, struct waiter *w, uint64_t kind, uint64_t ask_ms)
{
    struct wait_line *line;

    if (all->n >= WAITERS_MAX)
        return false;
    if (w->ticket == 0)
        w->ticket = ++all->tickets;
    line = line_for(all, kind);
    stand(line, w);
    w->line = line;
    all->n++;
    if (first_of(line) == w)
        timer_start(&line->timer, ask_ms < ASK_MS ? ask_ms : ASK_MS);
    return true;
}

void wait_leave(struct waits *all, struct waiter *w)
{
    struct wait_line *line = w->line;

    if (line == NULL)
        return;
    if (first_of(line) == w && !line->asking)
        timer_start(&line->timer, 0); /* the next one may need less */
    list_remove(&w->link);
    w->line = NULL;
    all->n--;
    free_if_empty(line);
}

void wait_ask_all(struct waits *all)
{
    list_each (l, &all->lines)
        timer_start(&CONTAINER(l, struct wait_line, link)->timer, 0);
}
