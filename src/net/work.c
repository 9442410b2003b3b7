/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* work.c - libuv's pool of threads, and how a loop waits for it. It must not know what is done. */
#include "net/work.h"
#include "base/mem.h"
#include "base/torture.h"
#include "net/loop_impl.h"

#include <assert.h>
struct piece {
    uv_work_t uv;
    struct loop *loop;
    struct work *work;
    bool tortured; /* as the loop's thread is */
};

static void run(uv_work_t *uv)
{
    struct piece *piece = CONTAINER(uv, struct piece, uv);

    torture_here(piece->tortured);
    piece->work->run(piece->work);
    mem_settle(); /* nobody knows whether it ever works again */
}

static void done(uv_work_t *uv, int status)
{
    struct piece *piece = CONTAINER(uv, struct piece, uv);
    struct loop *loop = piece->loop;
    struct work *w = piece->work;

    assert(status == 0); /* nothing is ever cancelled */
    (void)status;
    mem_free(piece);
    loop_woke(loop);
    if (--loop->works == 0 && loop->stopping)
        uv_stop(&loop->uv);
    w->done(w);
}

void loop_work(struct loop *loop, struct work *w)
{
    struct piece *piece = mem_zalloc(sizeof *piece);
    int r;

    piece->loop = loop;
    piece->work = w;
    piece->tortured = torture_is_here();
    r = uv_queue_work(&loop->uv, &piece->uv, run, done);
    assert(r == 0);
    (void)r;
    loop->works++;
}
