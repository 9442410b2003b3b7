/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fetch.c - one file fetched: its place in the queue, its hops, its caps. Each hop is judged anew,
 * by its text here and by its addresses in the dial (SSR-2, SSR-4). Must not know what a file is
 * for, nor who wants it. */
#include "fetch/fetch.h"

#include "base/mem.h"
#include "codec/base64.h"
#include "guard/guard.h"
#include "http/client.h"

enum {
    CONNECT_MS = 5 * 1000,
    IDLE_POOLED_MS = 2 * 1000,
    PER_HOST = 8,
    LOOK_MS = 20, /* how often it is looked whether another worker has ended a fetch */
};

struct fetcher {
    struct loop *loop;
    struct client *client;
    struct guard *guard;
    struct list waiting, running;
    size_t nrunning, at_once;
    struct timer look;
    struct task dispatch, bury;
};

struct fetch {
    struct fetcher *f;
    struct list link; /* in waiting or in running */
    struct fetch_url url;
    struct fetch_ask ask;
    fetch_done_f *done;
    void *owner;
    bool running, over;
    struct guard_fetch *counted; /* NULL: not now */
    const char *what;            /* why it failed before it began */
    unsigned hops;
    int status;
    struct client_req *req;
    struct timer whole;
    struct task late, bury;
    char head[FETCH_HEAD];
    size_t nhead;
    bool judged; /* its head is of a known kind */
    size_t bytes;
    char carry[3]; /* bytes that do not fill three yet */
    size_t ncarry;
    struct buf base64;
};

/* Ends */

static void bury(struct task *t)
{
    struct fetch *it = CONTAINER(t, struct fetch, bury);

    buf_fini(&it->base64);
    mem_drop(it, sizeof *it);
}

static void wind_up(struct fetch *t)
{
    t->over = true;
    client_cancel(t->req);
    t->req = NULL;
    timer_stop(&t->whole);
    task_cancel(&t->late);
    list_remove(&t->link);
    if (t->running) {
        t->f->nrunning--;
        if (t->counted != NULL)
            guard_fetch_end(t->f->guard, t->counted);
        loop_soon(t->f->loop, &t->f->dispatch);
    }
    loop_defer(t->f->loop, &t->bury);
}

static void finish(struct fetch *t, const char *what)
{
    struct fetch_result r = {.what = what, .status = t->status, .host = str_z(t->url.host)};

    wind_up(t);
    if (what == NULL) {
        r.base64 = t->base64;
        buf_init(&t->base64, 0);
    }
    t->done(t->owner, &r);
}

static void on_late(struct task *task)
{
    struct fetch *t = CONTAINER(task, struct fetch, late);

    finish(t, t->what);
}

static void on_whole(struct timer *timer)
{
    finish(CONTAINER(timer, struct fetch, whole), "it took longer than it may");
}

/* Bytes */

static size_t room_for(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}

static void encode(struct fetch *t, struct str bytes)
{
    while (t->ncarry > 0 && t->ncarry < 3 && bytes.n > 0) {
        t->carry[t->ncarry++] = bytes.p[0];
        bytes = str_skip(bytes, 1);
    }
    if (t->ncarry == 3) {
        base64_encode(str_of(t->carry, 3), &t->base64);
        t->ncarry = 0;
    }
    base64_encode(str_sub(bytes, 0, bytes.n - bytes.n % 3), &t->base64);
    bytes = str_skip(bytes, bytes.n - bytes.n % 3);
    if (bytes.n > 0) {
        memcpy(t->carry, bytes.p, bytes.n);
        t->ncarry = bytes.n;
    }
}

/* Is it of a kind that is wanted? Asked once, when enough is there or all has come. */
static bool judge(struct fetch *t, bool last)
{
    if (t->judged || (t->nhead < FETCH_HEAD && !last))
        return true;
    t->judged = true;
    return t->ask.known(str_of(t->head, t->nhead));
}

static void on_data(void *owner, struct str bytes)
{
    struct fetch *t = owner;
    struct str head = str_sub(bytes, 0, FETCH_HEAD - t->nhead);

    if (bytes.n > t->ask.bytes_max - t->bytes) {
        finish(t, "it is larger than it may be");
        return;
    }
    t->bytes += bytes.n;
    memcpy(t->head + t->nhead, head.p, head.n);
    t->nhead += head.n;
    if (!judge(t, false)) {
        finish(t, "it is of no kind that is fetched");
        return;
    }
    encode(t, bytes);
    if (t->base64.err != OK)
        finish(t, "there is no memory for it");
}

static void on_end(void *owner)
{
    struct fetch *t = owner;

    t->req = NULL;
    base64_encode(str_of(t->carry, t->ncarry), &t->base64);
    if (!judge(t, true))
        finish(t, "it is of no kind that is fetched");
    else
        finish(t, t->base64.err == OK ? NULL : "there is no memory for it");
}

static void on_fail(void *owner, const struct client_fault *f)
{
    struct fetch *t = owner;

    t->req = NULL;
    finish(t, f->what);
}

/* Hops */

static void send_get(struct fetch *t);

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void hop(struct fetch *t, struct str location)
{
    struct fetch_url next;

    if (t->hops++ == FETCH_HOPS_MAX) {
        finish(t, "it leads on more often than it may");
        return;
    }
    if (!fetch_url_follow(&t->url, location, &next)) {
        finish(t, "it leads to no URL that may be followed");
        return;
    }
    client_cancel(t->req);
    t->req = NULL;
    t->url = next;
    send_get(t);
}

/* What the length promises is made room for at once; what comes is counted all the same. */
static const char *refuse_head(struct fetch *t, struct http_headers h)
{
    struct str encoding = http_header_get(h, S("content-encoding"));
    uint64_t length = 0;

    if (t->status != 200)
        return "it is not there (see the status)";
    if (encoding.n > 0 && !str_eq_nocase(encoding, S("identity")))
        return "it is encoded";
    if (!str_u64(http_header_get(h, S("content-length")), UINT64_MAX, &length))
        return NULL;
    if (length > t->ask.bytes_max)
        return "it is larger than it may be";
    if (buf_reserve(&t->base64, room_for((size_t)length)) == NULL && length > 0)
        return "there is no memory for it";
    return NULL;
}

static void on_head(void *owner, int status, struct http_headers h)
{
    struct fetch *t = owner;
    const char *what;

    t->status = status;
    if (is_redirect(status)) {
        hop(t, http_header_get(h, S("location")));
        return;
    }
    what = refuse_head(t, h);
    if (what != NULL)
        finish(t, what);
}

static void send_get(struct fetch *t)
{
    static const struct client_events on = {
        .on_head = on_head, .on_data = on_data, .on_end = on_end, .on_fail = on_fail};
    const struct http_header headers[] = {
        {S("accept"),     S("image/*, audio/*, video/*, application/pdf")},
        {S("user-agent"), S("queqiao/" QUEQIAO_VERSION)                  },
    };
    dial_guard_f *guard = fetch_rules_guard(&t->ask.opts->rules, &t->url);

    if (guard == NULL) {
        finish(t, "its address is none that may be asked");
        return;
    }
    t->req = client_send(t->f->client,
                         &(struct client_request){
                             .origin = {.https = t->url.https,
                                        .host = str_z(t->url.host),
                                        .port = t->url.port,
                                        .guard = guard},
                             .method = HTTP_GET,
                             .target = fetch_url_target(&t->url),
                             .headers = {headers,        NELEM(headers)          },
    },
                         &on, t);
}

/* The queue */

/* The first that may begin. Whose credential has enough of them is passed over. */
static struct fetch *next(struct fetcher *f)
{
    static const struct sha256 nobody;
    const struct sha256 *full = &nobody;

    list_each (l, &f->waiting) {
        struct fetch *t = CONTAINER(l, struct fetch, link);

        if (sha256_eq(&t->ask.who, &nobody))
            return t;
        if (sha256_eq(&t->ask.who, full))
            continue;
        t->counted = guard_fetch_begin(f->guard, &t->ask.who);
        if (t->counted != NULL)
            return t;
        full = &t->ask.who;
    }
    return NULL;
}

static void dispatch(struct task *task)
{
    struct fetcher *f = CONTAINER(task, struct fetcher, dispatch);
    struct fetch *t;

    while (f->nrunning < f->at_once && (t = next(f)) != NULL) {
        list_remove(&t->link);
        list_push(&f->running, &t->link);
        f->nrunning++;
        t->running = true;
        send_get(t);
    }
    if (f->nrunning < f->at_once && !list_empty(&f->waiting))
        timer_start(&f->look, LOOK_MS);
}

static void on_look(struct timer *t)
{
    struct fetcher *f = CONTAINER(t, struct fetcher, look);

    loop_soon(f->loop, &f->dispatch);
}

struct fetch *fetch_open(struct fetcher *f, const struct fetch_ask *ask, fetch_done_f *done,
                         void *owner)
{
    struct fetch *t = mem_try_realloc(NULL, 0, sizeof *t);

    if (t == NULL)
        return NULL;
    memset(t, 0, sizeof *t);
    t->f = f;
    t->ask = *ask;
    t->done = done;
    t->owner = owner;
    if (t->ask.bytes_max > ask->opts->bytes_max)
        t->ask.bytes_max = ask->opts->bytes_max;
    buf_init(&t->base64, room_for(t->ask.bytes_max));
    list_init(&t->link);
    timer_init(&t->whole, f->loop, on_whole);
    task_init(&t->late, on_late);
    task_init(&t->bury, bury);
    if (fetch_url_read(ask->url, &t->url)) {
        timer_start(&t->whole, ask->opts->whole_ms);
        list_push(&f->waiting, &t->link);
        loop_soon(f->loop, &f->dispatch);
    } else {
        t->url.host[0] = '\0';
        t->what = "it is no URL that is taken";
        loop_soon(f->loop, &t->late);
    }
    return t;
}

void fetch_cancel(struct fetch *t)
{
    if (t != NULL && !t->over)
        wind_up(t);
}

static void bury_fetcher(struct task *t)
{
    mem_free(CONTAINER(t, struct fetcher, bury));
}

struct fetcher *fetcher_new(struct loop *loop, struct dns *dns, struct tls_client *tls,
                            struct guard *guard, size_t at_once)
{
    struct fetcher *f = mem_zalloc(sizeof *f);
    struct client_limits l = CLIENT_LIMITS_DEFAULT;

    l.dns_ms = l.connect_ms = CONNECT_MS;
    l.pool_idle_ms = IDLE_POOLED_MS;
    l.h1_per_origin = PER_HOST;
    f->loop = loop;
    f->client = client_new(loop, dns, tls, &l);
    f->guard = guard;
    f->at_once = at_once > 0 ? at_once : 1;
    list_init(&f->waiting);
    list_init(&f->running);
    timer_init(&f->look, loop, on_look);
    task_init(&f->dispatch, dispatch);
    task_init(&f->bury, bury_fetcher);
    return f;
}

void fetcher_free(struct fetcher *f)
{
    if (f == NULL)
        return;
    while (!list_empty(&f->waiting))
        fetch_cancel(CONTAINER(f->waiting.next, struct fetch, link));
    while (!list_empty(&f->running))
        fetch_cancel(CONTAINER(f->running.next, struct fetch, link));
    timer_stop(&f->look);
    task_cancel(&f->dispatch);
    client_free(f->client);
    loop_defer(f->loop, &f->bury);
}
