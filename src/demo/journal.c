/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* journal.c - a ring of requests in memory. Credentials are masked before they are remembered. */
#include "demo/journal.h"
#include "base/mem.h"
#include "base/secret.h"
#include "codec/json_write.h"
#include "codec/utf8.h"

enum { HEAD_MAX = 256 * 1024, TAIL = 4 };

void emu_journal_init(struct emu_journal *j, bool keep_requests)
{
    *j = (struct emu_journal){0};
    if (!keep_requests)
        return;
    j->entry = mem_zalloc(EMU_JOURNAL_ENTRIES * sizeof *j->entry);
    for (size_t i = 0; i < EMU_JOURNAL_ENTRIES; i++) {
        buf_init(&j->entry[i].head, HEAD_MAX);
        buf_init(&j->entry[i].body, EMU_JOURNAL_BODY_MAX);
    }
}

void emu_journal_fini(struct emu_journal *j)
{
    emu_journal_reset(j);
    mem_free(j->entry);
    j->entry = NULL;
}

void emu_journal_reset(struct emu_journal *j)
{
    for (size_t i = 0; j->entry != NULL && i < EMU_JOURNAL_ENTRIES; i++) {
        buf_fini(&j->entry[i].head);
        buf_fini(&j->entry[i].body);
        j->entry[i].serial = 0;
    }
    j->requests = 0;
    j->cancelled = 0;
}

/* The entry of that request, NULL when it is forgotten. */
static struct emu_entry *find(const struct emu_journal *j, uint64_t serial)
{
    struct emu_entry *e;

    if (j->entry == NULL)
        return NULL;
    e = &j->entry[serial % EMU_JOURNAL_ENTRIES];
    return e->serial == serial ? e : NULL;
}

static bool is_secret(struct str name)
{
    return str_eq(name, S("x-goog-api-key")) || str_eq(name, S("authorization")) ||
           str_eq(name, S("x-api-key")) || str_eq(name, S("api-key")) ||
           str_eq(name, S("proxy-authorization")) || str_eq(name, S("cookie"));
}

static void put_text(struct jw *w, const char *key, struct str s)
{
    struct buf clean;

    buf_init(&clean, HEAD_MAX);
    utf8_put_clean(&clean, s);
    jw_str(w, key, buf_str(&clean));
    buf_fini(&clean);
}

static void put_masked(struct jw *w, const char *key, struct str s)
{
    struct buf b;

    buf_init(&b, 64);
    buf_lit(&b, "..");
    buf_put(&b, str_skip(s, s.n > 3 * TAIL ? s.n - TAIL : s.n));
    put_text(w, key, buf_str(&b));
    buf_fini(&b);
}

/* Several fields of one name are joined, as HTTP allows. */
static void put_headers(struct jw *w, struct http_headers h)
{
    jw_obj(w, "headers");
    for (size_t i = 0; i < h.n; i++) {
        jw_key(w, h.v[i].name);
        if (is_secret(h.v[i].name))
            put_masked(w, NULL, h.v[i].value);
        else
            put_text(w, NULL, h.v[i].value);
    }
    jw_end(w);
}

static void put_query(struct jw *w, struct str query)
{
    struct buf b;

    buf_init(&b, HEAD_MAX);
    while (query.n > 0) {
        struct str pair = str_cut(&query, '&');

        if (b.n > 0)
            buf_putc(&b, '&');
        buf_put(&b, str_starts(pair, S("key=")) ? S("key=..") : pair);
    }
    put_text(w, "query", buf_str(&b));
    buf_fini(&b);
}

uint64_t emu_journal_head(struct emu_journal *j, enum http_method m, struct str path,
                          struct str query, struct http_headers h)
{
    uint64_t serial = ++j->serial;
    struct emu_entry *e;
    struct jw w;

    j->requests++;
    if (j->entry == NULL)
        return serial;
    e = &j->entry[serial % EMU_JOURNAL_ENTRIES];
    buf_fini(&e->head);
    buf_fini(&e->body);
    e->serial = serial;
    e->body_bytes = 0;
    e->is_json = false;
    e->status = 0;
    jw_begin(&w, &e->head);
    jw_obj(&w, NULL);
    jw_u64(&w, "serial", serial);
    jw_str(&w, "method", http_method_str(m));
    put_text(&w, "path", path);
    put_query(&w, query);
    put_headers(&w, h);
    jw_end(&w);
    return serial;
}

void emu_journal_body(struct emu_journal *j, uint64_t serial, struct str body)
{
    struct emu_entry *e = find(j, serial);

    if (e == NULL)
        return;
    e->body_bytes = body.n;
    buf_put(&e->body, body);
}

void emu_journal_is_json(struct emu_journal *j, uint64_t serial)
{
    struct emu_entry *e = find(j, serial);

    if (e != NULL)
        e->is_json = true;
}

void emu_journal_status(struct emu_journal *j, uint64_t serial, int status)
{
    struct emu_entry *e = find(j, serial);

    if (e != NULL)
        e->status = status;
}

static void put_entry(struct jw *w, const struct emu_entry *e)
{
    jw_obj(w, NULL);
    jw_raw(w, "head", e->head.err == OK ? buf_str(&e->head) : S("{}"));
    jw_u64(w, "bodyBytes", e->body_bytes);
    if (e->is_json && e->body.err == OK && e->body.n > 0)
        jw_raw(w, "body", buf_str(&e->body));
    else
        jw_null(w, "body");
    jw_int(w, "status", e->status);
    jw_end(w);
}

void emu_journal_put_requests(const struct emu_journal *j, struct buf *out)
{
    uint64_t first = j->serial >= EMU_JOURNAL_ENTRIES ? j->serial - EMU_JOURNAL_ENTRIES + 1 : 1;
    struct jw w;

    jw_begin(&w, out);
    jw_obj(&w, NULL);
    jw_arr(&w, "requests");
    for (uint64_t serial = first; serial <= j->serial; serial++) {
        const struct emu_entry *e = find(j, serial);

        if (e != NULL)
            put_entry(&w, e);
    }
    jw_end(&w);
    jw_end(&w);
}

void emu_journal_put_state(const struct emu_journal *j, struct buf *out)
{
    struct jw w;

    jw_begin(&w, out);
    jw_obj(&w, NULL);
    jw_u64(&w, "requests", j->requests);
    jw_u64(&w, "in_flight", j->in_flight);
    jw_u64(&w, "streams", j->streams);
    jw_u64(&w, "cancelled", j->cancelled);
    jw_end(&w);
}
