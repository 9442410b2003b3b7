/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* model_list.c - one fetch of upstream's list serves everybody who waits for it. Must not know how
 * a dialect spells a list. */
#include "proxy/model_list.h"

#include "base/mem.h"
#include "codec/json_read.h"
#include "dialect/list.h"
#include "dialect/openai/models.h"
#include "gemini/models.h"
#include "proxy/reply.h"
#include "proxy/retry.h"
#include "proxy/way.h"

#include <stdio.h>

enum {
    LISTS_MAX = 8, /* different keys whose lists are kept */
    FRESH_MS = 10 * 60 * 1000,
    FAILED_MS = 15 * 1000, /* before upstream is asked again after it failed */
    PAGE_MAX = 4 << 20,
    PAGES_MAX = 20,
    TOKEN_MAX = 1024,
    WAIT_MS = 15 * 1000,
    LIST_MS = 60 * 1000, /* for all pages of a list */
};

/* The list of one key: ours (whichever of them) or a client's. */
struct list_of {
    struct model_cache *m;
    struct sha256 owner; /* of the client's key; zeroes: the server's */
    bool used;
    struct gm_models live; /* what came last; empty before */
    uint64_t checked_ms;
    bool ok;               /* the last fetch went well */
    struct gm_error error; /* when it did not */
    /* the fetch in the air */
    const struct proxy_opts *opts; /* by which it is fetched; held */
    struct client_req *req;
    struct key_lease lease;
    struct way way;
    struct origin origin; /* upstream, that way */
    struct secret own_key;
    struct gm_models coming;
    struct buf page;
    char next[TOKEN_MAX];
    unsigned pages;
    int status;
    struct timer limit;
    struct list waiting; /* of struct visitor */
};
struct visitor {
    struct list link;
    struct proxy *p;
    struct call *call;
    struct request_id id;
    struct task free;
    char model[GM_MODEL_ID_MAX + 1]; /* empty: the whole list */
};
struct model_cache {
    struct proxy *p;
    struct list_of lists[LISTS_MAX];
};

static const struct sha256 SERVER;

static bool is_server(const struct sha256 *owner)
{
    return sha256_eq(owner, &SERVER);
}

static void visitor_free(struct task *t)
{
    mem_free(CONTAINER(t, struct visitor, free));
}

static void dismiss(struct visitor *v)
{
    list_remove(&v->link);
    loop_defer(v->p->loop, &v->free);
}

static void on_gone(void *owner)
{
    dismiss(owner);
}

static void answer_error(struct visitor *v, const struct gm_error *e)
{
    dismiss(v);
    reply_log(&v->id, v->call, e->client_status);
    reply_error(v->p, v->call, &v->id, &OPENAI_CHAT, e);
}

static void answer_from(struct visitor *v, const struct gm_models *models, bool live)
{
    struct buf out;
    struct str id = str_z(v->model);

    buf_init(&out, PAGE_MAX);
    if (id.n == 0) {
        oa_models_list(models, &out);
    } else if (!oa_model_one(models, id, !live, &out) && out.err == OK) {
        struct gm_error e;
        char text[256];

        snprintf(text, sizeof text, "The model '%s' does not exist", v->model);
        gm_error_make(&e, GM_NO_MODEL, str_z(text));
        buf_fini(&out);
        answer_error(v, &e);
        return;
    }
    dismiss(v);
    reply_log(&v->id, v->call, out.err == OK ? 200 : 503);
    reply_buf(v->p, v->call, &v->id, 200, &out);
    buf_fini(&out);
}

/* A client's own key that upstream refuses is told so; everything else has a list to fall back on.
 */
static void answer(struct list_of *l, struct visitor *v)
{
    if (l->live.n > 0)
        answer_from(v, &l->live, true);
    else if (!is_server(&l->owner) && !l->ok && key_is_refused(retry_blame(&l->error)))
        answer_error(v, &l->error);
    else
        answer_from(v, gm_models_builtin(), false);
}

static void answer_all(struct list_of *l)
{
    struct list *link;

    while ((link = l->waiting.next) != &l->waiting)
        answer(l, CONTAINER(link, struct visitor, link));
}

static void fetch_over(struct list_of *l, enum key_result result)
{
    struct proxy *p = l->m->p;

    client_cancel(l->req);
    l->req = NULL;
    timer_stop(&l->limit);
    way_leave(p, &l->way);
    keys_done(p->keys, &l->lease, &(struct key_outcome){.result = result, .now = proxy_now(p)});
    secret_fini(&l->own_key);
    gm_models_fini(&l->coming);
    buf_fini(&l->page);
    proxy_opts_drop(l->opts);
    l->opts = NULL;
    l->checked_ms = loop_now_ms(p->loop);
}

static void fetch_all(struct list_of *l);

static void fetch_failed(struct list_of *l, const struct gm_error *e)
{
    client_cancel(l->req);
    l->req = NULL;
    if (way_failed(l->m->p, &l->way, l->status != 0, false, e)) {
        fetch_all(l);
        return;
    }
    l->error = *e;
    gm_error_hide(&l->error, secret_str(l->lease.key ? key_secret(l->lease.key) : &l->own_key));
    l->ok = false;
    fetch_over(l, retry_blame(e) == KEY_LIMITED ? KEY_BLAMELESS : retry_blame(e));
    answer_all(l);
}

static void fetch_done(struct list_of *l)
{
    gm_models_fini(&l->live);
    l->live = l->coming;
    gm_models_init(&l->coming);
    l->ok = true;
    fetch_over(l, KEY_SERVED);
    answer_all(l);
}

static void fetch_page(struct list_of *l);

static void on_head(void *owner, int status, struct http_headers h)
{
    struct list_of *l = owner;

    (void)h;
    l->status = status;
    if (status == 200)
        way_works(l->m->p, &l->way);
    buf_reset(&l->page);
}

static void fail_page(struct list_of *l, enum gm_cause cause, struct str what)
{
    struct gm_error e;

    gm_error_make(&e, cause, what);
    fetch_failed(l, &e);
}

static void on_data(void *owner, struct str bytes)
{
    struct list_of *l = owner;

    buf_put(&l->page, bytes);
    if (l->page.err != OK)
        fail_page(l, GM_BROKEN, S("upstream's list of models is too large"));
}

static void on_limit(struct timer *t)
{
    fail_page(CONTAINER(t, struct list_of, limit), GM_DEADLINE,
              S("upstream's list of models took too long"));
}

static enum err read_page(struct list_of *l, size_t n)
{
    struct str next = S("");
    struct json *j = &l->m->p->json;
    enum err err = json_parse_lenient(j, l->page.p, n, NULL, NULL);

    if (err == OK)
        err = gm_models_page(&l->coming, j->root, &next, NULL);
    if (err == OK)
        snprintf(l->next, sizeof l->next, "%.*s", S_ARG(next));
    return next.n < TOKEN_MAX ? err : E_TOOBIG;
}

static void on_end(void *owner)
{
    struct list_of *l = owner;
    struct gm_error e;
    size_t n = l->page.n;

    l->req = NULL;
    buf_put(&l->page, str_of("\0\0\0\0\0\0\0\0", JSON_PAD));
    if (l->page.err != OK) {
        fail_page(l, GM_BROKEN, S("upstream's list of models is too large"));
    } else if (l->status != 200) {
        gm_error_read(&e, l->status, l->page.p, n);
        fetch_failed(l, &e);
    } else if (read_page(l, n) != OK) {
        fail_page(l, GM_BROKEN, S("upstream's list of models could not be read"));
    } else if (l->next[0] != '\0' && ++l->pages < PAGES_MAX) {
        fetch_page(l);
    } else {
        fetch_done(l);
    }
}

static void on_fail(void *owner, const struct client_fault *f)
{
    struct list_of *l = owner;
    struct gm_error e;

    l->req = NULL;
    retry_error_of(&e, f);
    fetch_failed(l, &e);
}

/* The token is upstream's: it goes back escaped, whatever it holds. */
static void put_escaped(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        buf_putf(b, "%%%02X", (unsigned char)s.p[i]);
}

static void fetch_page(struct list_of *l)
{
    static const struct client_events on = {
        .on_head = on_head, .on_data = on_data, .on_end = on_end, .on_fail = on_fail};
    struct proxy *p = l->m->p;
    const struct secret *key = l->lease.key ? key_secret(l->lease.key) : &l->own_key;
    struct buf target;
    const struct http_header headers[] = {
        {S("accept"),         S("*/*")                     },
        {S("user-agent"),     S("queqiao/" QUEQIAO_VERSION)},
        {S("x-goog-api-key"), secret_str(key)              },
    };

    l->status = 0;
    if (l->way.lease.way == NULL &&
        !way_take(p, &l->way, l->lease.way, &l->opts->origin, &l->origin)) {
        fail_page(l, GM_UNREACHABLE, S("this server has no way out to upstream now"));
        return;
    }
    buf_init(&target, 8192);
    buf_put(&target, l->opts->base_path);
    buf_lit(&target, "/v1beta/models?pageSize=1000");
    if (l->next[0] != '\0') {
        buf_lit(&target, "&pageToken=");
        put_escaped(&target, str_z(l->next));
    }
    if (target.err != OK) {
        buf_fini(&target);
        fail_page(l, GM_BUSY, S("this server is short of memory; please try again"));
        return;
    }
    buf_reset(&l->page);
    l->req = client_send(p->client,
                         &(struct client_request){
                             .origin = l->origin,
                             .method = HTTP_GET,
                             .target = buf_str(&target),
                             .headers = {headers, NELEM(headers)},
                             .first_byte_ms = WAIT_MS,
                             .idle_ms = WAIT_MS,
    },
                         &on, l);
    buf_fini(&target);
}

/* From the first page. */
static void fetch_all(struct list_of *l)
{
    gm_models_fini(&l->coming);
    gm_models_init(&l->coming);
    l->next[0] = '\0';
    l->pages = 0;
    fetch_page(l);
}

static void fetch(struct list_of *l, struct str own_key)
{
    struct proxy *p = l->m->p;
    struct key_want want = {.model = S(""), .now = proxy_now(p)};
    struct key_wait wait;

    l->opts = proxy_opts_hold(p->opts);
    timer_start(&l->limit, l->opts->total_ms < LIST_MS ? l->opts->total_ms : LIST_MS);
    l->way = (struct way){0};
    l->status = 0;
    buf_init(&l->page, PAGE_MAX);
    way_shut(p, &l->way, &want);
    if (!is_server(&l->owner))
        secret_init(&l->own_key, own_key);
    else if (keys_pick(p->keys, &want, &l->lease, &wait) != KEY_PICKED) {
        fail_page(l, GM_BUSY, S("no Gemini API key of this server is usable now"));
        return;
    }
    fetch_all(l);
}

static bool in_the_air(const struct list_of *l)
{
    return l->req != NULL;
}

/* The place for this owner: its own, a free one, or the one that was looked at longest ago. */
static struct list_of *place_for(struct model_cache *m, struct sha256 owner)
{
    struct list_of *oldest = NULL;

    for (size_t i = 0; i < LISTS_MAX; i++)
        if (m->lists[i].used && sha256_eq(&m->lists[i].owner, &owner))
            return &m->lists[i];
    for (size_t i = is_server(&owner) ? 0 : 1; i < LISTS_MAX;
         i++) { /* the first is the server's own */
        struct list_of *l = &m->lists[i];

        if (in_the_air(l))
            continue;
        if (oldest == NULL || !l->used || (oldest->used && l->checked_ms < oldest->checked_ms))
            oldest = l;
        if (!l->used)
            break;
    }
    if (oldest != NULL) {
        gm_models_fini(&oldest->live);
        gm_models_init(&oldest->live);
        oldest->owner = owner;
        oldest->used = true;
        oldest->checked_ms = 0;
        oldest->ok = false;
    }
    return oldest;
}

static bool is_fresh(const struct list_of *l, uint64_t now_ms)
{
    return l->checked_ms != 0 && now_ms - l->checked_ms < (l->ok ? FRESH_MS : FAILED_MS);
}

static struct sha256 owner_of(const struct auth_pass *pass)
{
    return pass->verdict == AUTH_CLIENT_KEY ? pass->id : SERVER;
}

static struct visitor *visitor_new(struct proxy *p, struct call *c, const struct request_id *id)
{
    static const struct call_events on = {.on_gone = on_gone};
    struct visitor *v = mem_zalloc(sizeof *v);

    v->p = p;
    v->call = c;
    v->id = *id;
    task_init(&v->free, visitor_free);
    list_init(&v->link);
    call_bind(c, &on, v);
    return v;
}

void model_list_start(struct proxy *p, struct call *c, const struct auth_pass *pass,
                      const struct request_id *request, struct str id)
{
    struct model_cache *m = p->models;
    struct visitor *v = visitor_new(p, c, request);
    struct list_of *l = place_for(m, owner_of(pass));
    struct fault why = {0};

    if (id.n > 0) {
        struct gm_error e;

        if (gm_model_id(id, &id, &why) != OK) {
            gm_error_make(&e, GM_NO_MODEL, S("The model in the path does not exist"));
            answer_error(v, &e);
            return;
        }
        snprintf(v->model, sizeof v->model, "%.*s", S_ARG(id));
    }
    if (l == NULL) { /* every place is being filled for somebody else */
        answer_from(v, gm_models_builtin(), false);
        return;
    }
    if (!in_the_air(l) && is_fresh(l, loop_now_ms(p->loop))) {
        answer(l, v);
        return;
    }
    list_push(&l->waiting, &v->link);
    if (!in_the_air(l))
        fetch(l, pass->credential);
}

struct model_cache *model_cache_new(struct proxy *p)
{
    struct model_cache *m = mem_zalloc(sizeof *m);

    m->p = p;
    for (size_t i = 0; i < LISTS_MAX; i++) {
        m->lists[i].m = m;
        gm_models_init(&m->lists[i].live);
        gm_models_init(&m->lists[i].coming);
        buf_init(&m->lists[i].page, PAGE_MAX);
        timer_init(&m->lists[i].limit, p->loop, on_limit);
        list_init(&m->lists[i].waiting);
    }
    return m;
}

void model_cache_doubt(struct model_cache *m)
{
    for (size_t i = 0; i < LISTS_MAX; i++)
        m->lists[i].checked_ms = 0;
}

void model_cache_abandon(struct model_cache *m)
{
    for (size_t i = 0; i < LISTS_MAX; i++)
        if (in_the_air(&m->lists[i]))
            fail_page(&m->lists[i], GM_BUSY, S("this server is shutting down; please try again"));
}

void model_cache_free(struct model_cache *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < LISTS_MAX; i++) {
        fetch_over(&m->lists[i], KEY_BLAMELESS);
        gm_models_fini(&m->lists[i].live);
        list_each (link, &m->lists[i].waiting)
            list_remove(link);
    }
    mem_free(m);
}
