/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* translate.c - a request's body is parsed, and translated: at once when it is small, and aside, by
 * another thread, when that would keep the other streams of the loop waiting. What is done there
 * touches the request's own memory, what never changes, and the store of signatures, which has a
 * mutex. It must not know what becomes of the translation. */
#include "base/clock.h"
#include "base/mem.h"
#include "net/work.h"
#include "proxy/exchange_impl.h"

enum { ASIDE_MIN = 256 * 1024 }; /* bytes of a body */

struct translating {
    struct work work;
    struct exchange *x;
    const struct lessons *lessons; /* the worker's, or a copy of them */
    struct key_now now;
    struct translation *tr;
    struct translated ret;
};

/* What it needs that must not change meanwhile, and where it leaves what the loop may look at. */
struct aside {
    struct translating t;
    struct lessons lessons;
    struct translation tr;
};

/* Signatures that the client lost, and those that it will lose: the answer's as well. */
static struct str recall(void *ctx, struct str key)
{
    struct exchange *x = ctx;

    return signatures_get(x->p->signatures, key, &x->arena);
}

static void remember(void *ctx, struct str key, struct str signature)
{
    struct exchange *x = ctx;

    signatures_put(x->p->signatures, key, signature);
}

/* What requests to the model have taught. */
static unsigned learned(void *ctx, struct str model)
{
    struct translating *t = ((struct exchange *)ctx)->translating;
    unsigned remedies = lesson_recall(t->lessons, model, t->now.ms);

    t->ret.applied |= remedies;
    return remedies;
}

static enum err translate(struct translating *t)
{
    struct exchange *x = t->x;
    struct dialect_env env = {
        .opts = &x->opts->dialect,
        .now_s = t->now.wall_s,
        .nonce = str_of(x->nonce, sizeof x->nonce),
        .arena = &x->arena,
        .recall = recall,
        .remember = remember,
        .store = x,
        .remedies = x->remedies,
        .learned = learned,
        .model = x->model,
        .links = &x->links,
        .size = x->body_n,
    };

    t->ret.applied = x->remedies;
    if (x->opts->fetch == GM_FETCH_NEVER)
        t->ret.applied |= GM_FETCH_MEDIA; /* is not to be had: it counts as tried */
    x->links.wanted = 0;
    return x->d->request(x->json.root, &env, t->tr, &t->ret.why);
}

static void run(struct translating *t)
{
    struct exchange *x = t->x;

    x->translating = t;
    if (!x->parsed) {
        t->ret.err = json_parse(&x->json, x->body, x->body_n, &t->ret.at, &t->ret.why);
        t->ret.malformed = t->ret.err != OK;
        x->parsed = t->ret.err == OK;
    }
    if (t->ret.err == OK) {
        t->ret.err = translate(t);
        t->ret.made = t->ret.err == OK;
    }
    if (x->arena.starved)
        t->ret.err = E_MEMORY; /* whatever it was taken for */
    x->translating = NULL;
}

static void run_aside(struct work *w)
{
    run(CONTAINER(w, struct translating, work));
}

static void done_aside(struct work *w)
{
    struct aside *a = CONTAINER(w, struct aside, t.work);
    struct exchange *x = a->t.x;
    struct translated ret = a->t.ret;

    x->aside = false;
    x->tr = a->tr;
    x->translated = ret.made;
    mem_free(a);
    if (x->step == STEP_END)
        exchange_let_go(x);
    else
        exchange_translated(x, &ret);
}

static void begin_aside(struct exchange *x)
{
    struct aside *a = mem_zalloc(sizeof *a);

    a->lessons = x->p->lessons;
    a->tr = x->tr; /* which stays as it is where there is no new one */
    a->t = (struct translating){
        .work = {run_aside, done_aside},
        .x = x,
        .lessons = &a->lessons,
        .now = proxy_now(x->p),
        .tr = &a->tr
    };
    x->aside = true;
    loop_work(x->p->loop, &a->t.work);
}

bool translate_is_long(size_t body_n)
{
    return body_n >= ASIDE_MIN;
}

void translate_begin(struct exchange *x)
{
    struct translating t = {
        .x = x, .lessons = &x->p->lessons, .now = proxy_now(x->p), .tr = &x->tr};

    if (translate_is_long(x->body_n)) {
        begin_aside(x);
        return;
    }
    run(&t);
    x->translated = t.ret.made;
    exchange_translated(x, &t.ret);
}
