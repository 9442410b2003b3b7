/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tls.c - a stream of TLS records over another stream.
 *
 * OpenSSL reads straight from the span that the lower stream lends us and writes straight into the
 * lower stream's queue. Plain bytes of one turn are gathered and sealed at its end, in records as
 * large as they come, and only as fast as the lower stream takes them. Of what comes in, everything
 * that one read brought is opened into the loop's shared buffer and told at once.
 *
 *   handshaking --> open --close_notify, EOF or failure--> ended
 *   any --close--> buried at the end of the turn
 *   open --close_soft--> sealing what is left --> close_notify --> lower stream closes softly
 *
 * It must not know whether the lower stream is a socket. */
#include "base/mem.h"
#include "base/torture.h"
#include "net/stream_impl.h"
#include "net/tls_impl.h"

#include <openssl/err.h>

enum {
    RECORD_MAX = 16 * 1024,
    /* A peer can make OpenSSL answer (key updates) while it reads nothing itself. What we send of
     * our own accord stops at FLOW_HIGH and one record; this much more is its doing. */
    QUEUED_MAX = FLOW_HIGH + RECORD_MAX + 64 * 1024,
};

struct tls {
    struct stream s;
    struct tls_wire wire; /* its `in` is empty outside of a pump */
    SSL *ssl;
    struct tls_client *client; /* NULL on the server side */
    tls_ready_f *ready;        /* NULL once the handshake is over */
    void *ready_owner;
    struct buf held; /* ciphertext that came before a pause, until the resume */
    struct buf plain;
    size_t sealed; /* bytes at the front of plain that have been sealed */
    struct task flush, pump, bury, at_free;
    struct timer limit; /* of the handshake, then of a soft close */
    bool paused;
    bool unread;  /* the pump stopped at a pause: more may be there without a new read */
    bool broken;  /* OpenSSL has failed; nothing can be sent any more */
    bool closing; /* softly */
};

static struct tls *of(const struct stream *s)
{
    return CONTAINER(s, struct tls, s);
}

/* The end. */

static void bury(struct task *task)
{
    struct tls *t = CONTAINER(task, struct tls, bury);

    /* An SSL freed without a shutdown takes its session for a bad one. */
    if (!t->broken)
        SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(t->ssl);
    buf_fini(&t->held);
    buf_fini(&t->plain);
    mem_free(t);
}

static void close_lower(struct tls *t, void (*how)(struct stream *))
{
    t->s.closed = true;
    t->s.on = NULL;
    t->ready = NULL;
    task_cancel(&t->flush);
    task_cancel(&t->pump);
    task_cancel(&t->at_free);
    timer_stop(&t->limit);
    if (t->wire.lower == NULL)
        return;
    how(t->wire.lower);
    t->wire.lower = NULL;
    loop_defer(t->s.loop, &t->bury);
}

/* After a fault the alert that OpenSSL has written should still reach the other side. */
static void tls_close(struct stream *s)
{
    struct tls *t = of(s);

    close_lower(t, t->broken ? stream_close_soft : stream_close);
}

static void tls_reset(struct stream *s)
{
    close_lower(of(s), stream_reset);
}

static void give_up(struct tls *t, enum err why, const char *what)
{
    tls_ready_f *ready = t->ready;

    if (t->closing) {
        close_lower(t, stream_close);
        return;
    }
    if (ready == NULL) {
        stream_pause(t->wire.lower);
        stream_tell_end(&t->s, why);
        return;
    }
    if (t->client != NULL && t->broken)
        tls_client_forget(t->client, t->ssl);
    close_lower(t, t->broken ? stream_close_soft : stream_close);
    ready(t->ready_owner, why, what);
}

static const char *why_broken(struct tls *t)
{
    long verdict = SSL_get_verify_result(t->ssl);
    const char *what = tls_last_error();

    return verdict != X509_V_OK ? X509_verify_cert_error_string(verdict) : what;
}

static void broke(struct tls *t)
{
    const char *what = why_broken(t);

    t->broken = true;
    give_up(t, t->ready != NULL ? E_UPSTREAM : E_SYNTAX, what);
}

/* SSL_get_error looks at the thread's queue of errors, which must be empty before: it nearly always
 * is, and emptying it costs more than to look. Who writes asks for the last error alone. */
static void forget_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

/* Reading. */

static bool still_reading(const struct tls *t)
{
    return !t->paused && !t->s.closed && !t->s.ended;
}

/* Opens records into the shared buffer until it is nearly full or no whole record is left. That
 * none is left is known when all bytes are taken: OpenSSL is not asked once more to say so. */
static size_t open_some(struct tls *t, char *out, int *ret_why)
{
    size_t used = 0, got = 0;

    *ret_why = SSL_ERROR_NONE;
    while (used <= LOOP_READ_BUF - RECORD_MAX) {
        if (used > 0 && t->wire.in.n == 0 && SSL_pending(t->ssl) == 0) {
            *ret_why = SSL_ERROR_WANT_READ;
            break;
        }
        int r = SSL_read_ex(t->ssl, out + used, LOOP_READ_BUF - used, &got);

        if (r == 1 && torture_fails(TORTURE_TLS)) {
            *ret_why = SSL_ERROR_SSL;
            break;
        }
        if (r != 1) {
            *ret_why = SSL_get_error(t->ssl, r);
            break;
        }
        used += got;
    }
    return used;
}

static void read_on(struct tls *t)
{
    char *out = loop_plain_buf(t->s.loop);
    int why = SSL_ERROR_NONE;

    while (why == SSL_ERROR_NONE && still_reading(t)) {
        size_t n = open_some(t, out, &why);

        if (n > 0)
            stream_tell_read(&t->s, str_of(out, n));
    }
    t->unread = t->paused && why != SSL_ERROR_WANT_READ;
    if (!still_reading(t) || why == SSL_ERROR_WANT_READ || why == SSL_ERROR_NONE)
        return;
    if (why == SSL_ERROR_ZERO_RETURN)
        give_up(t, OK, "");
    else
        broke(t);
}

static struct str tls_alpn(const struct stream *s);

static void shake(struct tls *t)
{
    tls_ready_f *ready = t->ready;
    int r = SSL_do_handshake(t->ssl);
    int why = SSL_get_error(t->ssl, r);

    if (torture_fails(TORTURE_TLS))
        why = SSL_ERROR_SSL;
    if (r != 1 || why != SSL_ERROR_NONE) {
        if (why != SSL_ERROR_WANT_READ)
            broke(t);
        return;
    }
    timer_stop(&t->limit);
    t->ready = NULL;
    t->unread = true;
    /* What carries many requests at once is one of few, and rarely without one. */
    if (t->client != NULL && str_eq(tls_alpn(&t->s), S("h2")))
        SSL_clear_mode(t->ssl, SSL_MODE_RELEASE_BUFFERS);
    stream_pause(t->wire.lower);
    ready(t->ready_owner, OK, "");
}

/* Work on t->wire.in. What a pause leaves of it is the caller's to keep. */
static void pump(struct tls *t)
{
    forget_errors();
    if (t->ready != NULL)
        shake(t);
    if (t->ready == NULL && still_reading(t))
        read_on(t);
    /* A ticket that was read would leave 16 KiB behind, for nothing. Upstreams are few and busy:
     * theirs stays. */
    if (t->client == NULL)
        SSL_free_buffers(t->ssl);
    if (!t->s.closed && !t->s.ended && stream_queued(t->wire.lower) > QUEUED_MAX)
        give_up(t, E_TOOBIG, "");
}

static void pump_held(struct task *task);

/* TLS within TLS: what comes stands in the loop's buffer for plain bytes, where ours are going. */
static void read_moved(struct tls *t, struct str bytes)
{
    if (t->held.p == NULL)
        loop_buf_take(t->s.loop, &t->held);
    buf_put(&t->held, bytes);
    if (t->held.err != OK)
        give_up(t, E_TOOBIG, "");
    else
        pump_held(&t->pump);
}

static void on_lower_read(void *owner, struct str bytes)
{
    struct tls *t = owner;

    if (stream_is_tls(t->wire.lower)) {
        read_moved(t, bytes);
        return;
    }
    t->wire.in = bytes;
    pump(t);
    if (t->wire.in.n > 0 && !t->s.closed && !t->s.ended) {
        if (t->held.p == NULL)
            loop_buf_take(t->s.loop, &t->held);
        buf_put(&t->held, t->wire.in);
        if (t->held.err != OK)
            give_up(t, E_TOOBIG, "");
    }
    t->wire.in = S("");
}

/* After a resume: first what is here already, then the lower stream. */
static void pump_held(struct task *task)
{
    struct tls *t = CONTAINER(task, struct tls, pump);

    t->wire.in = buf_str(&t->held);
    pump(t);
    buf_drop_front(&t->held, t->held.n - t->wire.in.n);
    t->wire.in = S("");
    if (t->held.n == 0)
        loop_buf_give(t->s.loop, &t->held);
    if (still_reading(t) && !t->closing)
        stream_resume(t->wire.lower);
}

static void tls_resume(struct stream *s)
{
    struct tls *t = of(s);

    t->paused = false;
    if (t->unread || t->held.n > 0)
        loop_soon(s->loop, &t->pump);
    else
        stream_resume(t->wire.lower);
}

static void tls_pause(struct stream *s)
{
    struct tls *t = of(s);

    t->paused = true;
    stream_pause(t->wire.lower);
}

static void on_lower_end(void *owner, enum err why)
{
    struct tls *t = owner;

    /* EOF without close_notify: somebody may have cut the answer short. */
    give_up(t, why == OK ? E_CLOSED : why, "connection closed during the TLS handshake");
}

/* Writing. */

static void finish_soft(struct tls *t)
{
    if (!t->broken)
        SSL_shutdown(t->ssl);
    close_lower(t, stream_close_soft);
}

/* Seals what is queued, as long as the lower stream is not full. */
static void flush(struct task *task)
{
    struct tls *t = CONTAINER(task, struct tls, flush);

    if (t->plain.err != OK) {
        give_up(t, E_TOOBIG, "");
        return;
    }
    while (t->sealed < t->plain.n && stream_queued(t->wire.lower) < FLOW_HIGH) {
        struct str record = str_sub(buf_str(&t->plain), t->sealed, RECORD_MAX);
        size_t wrote = 0;

        if (torture_fails(TORTURE_TLS) || SSL_write_ex(t->ssl, record.p, record.n, &wrote) != 1) {
            broke(t);
            return;
        }
        t->sealed += wrote;
    }
    if (t->sealed < t->plain.n) {
        t->wire.lower->full = true; /* on_lower_drain goes on */
        return;
    }
    t->sealed = 0;
    loop_buf_give(t->s.loop, &t->plain);
    if (t->closing)
        finish_soft(t);
    else if (t->s.full && stream_queued(&t->s) >= FLOW_LOW)
        t->wire.lower->full = true;
    else
        stream_tell_drain(&t->s);
}

static void on_lower_drain(void *owner)
{
    struct tls *t = owner;

    loop_soon(t->s.loop, &t->flush);
}

static struct buf *tls_queue(struct stream *s)
{
    struct tls *t = of(s);

    if (t->sealed > RECORD_MAX && t->sealed > t->plain.n / 2) {
        buf_drop_front(&t->plain, t->sealed);
        t->sealed = 0;
    }
    if (t->plain.p == NULL && t->plain.err == OK)
        loop_buf_take(s->loop, &t->plain);
    return &t->plain;
}

static enum flow tls_wrote(struct stream *s, size_t more)
{
    struct tls *t = of(s);

    t->plain.n += more;
    loop_soon(s->loop, &t->flush);
    return stream_flow(s);
}

static size_t tls_queued(const struct stream *s)
{
    const struct tls *t = of(s);

    return t->wire.lower == NULL ? 0 : t->plain.n - t->sealed + stream_queued(t->wire.lower);
}

static void tls_close_soft(struct stream *s)
{
    struct tls *t = of(s);

    if (t->broken || t->ready != NULL) {
        tls_close(s);
        return;
    }
    t->closing = true;
    task_cancel(&t->pump);
    stream_pause(t->wire.lower);
    timer_start(&t->limit, STREAM_SOFT_MS);
    loop_at_free(s->loop, &t->at_free);
    loop_soon(s->loop, &t->flush);
}

static void on_loop_free(struct task *task)
{
    struct tls *t = CONTAINER(task, struct tls, at_free);

    close_lower(t, stream_close);
}

static void on_limit(struct timer *timer)
{
    give_up(CONTAINER(timer, struct tls, limit), E_TIMEOUT, "the TLS handshake took too long");
}

static struct str tls_alpn(const struct stream *s)
{
    const unsigned char *p = NULL;
    unsigned n = 0;

    SSL_get0_alpn_selected(of(s)->ssl, &p, &n);
    if (n == 2 && memcmp(p, "h2", 2) == 0)
        return S("h2");
    if (n == 8 && memcmp(p, "http/1.1", 8) == 0)
        return S("http/1.1");
    return S("");
}

static struct stream *tls_lower(const struct stream *s)
{
    return of(s)->wire.lower;
}

bool tls_resumed(const struct stream *s)
{
    return SSL_session_reused(of(s)->ssl) == 1;
}

static const struct stream_ops TLS = {
    .queue = tls_queue,
    .wrote = tls_wrote,
    .queued = tls_queued,
    .resume = tls_resume,
    .pause = tls_pause,
    .close = tls_close,
    .close_soft = tls_close_soft,
    .reset = tls_reset,
    .alpn = tls_alpn,
    .lower = tls_lower,
};
static const struct stream_events FROM_LOWER = {on_lower_read, on_lower_drain, on_lower_end};

/* The first flight of a client leaves from here, so that nothing is told from inside tls_start. */
static void begin(struct task *task)
{
    struct tls *t = CONTAINER(task, struct tls, pump);

    t->pump.run = pump_held;
    pump(t);
    if (t->ready != NULL)
        stream_resume(t->wire.lower);
}

struct stream *tls_start(struct stream *lower, SSL *ssl, struct tls_client *client,
                         uint32_t limit_ms, tls_ready_f *ready, void *owner)
{
    struct tls *t = mem_zalloc(sizeof *t);
    BIO *b = tls_bio_new(&t->wire);

    *t = (struct tls){
        .s = {.ops = &TLS, .loop = lower->loop},
        .wire.lower = lower,
        .wire.in = S_INIT(""),
        .ssl = ssl,
        .client = client,
        .ready = ready,
        .ready_owner = owner,
        .paused = true,
    };
    buf_init(&t->held, SIZE_MAX / 2);
    buf_init(&t->plain, SIZE_MAX / 2);
    task_init(&t->flush, flush);
    task_init(&t->pump, begin);
    task_init(&t->bury, bury);
    task_init(&t->at_free, on_loop_free);
    timer_init(&t->limit, lower->loop, on_limit);
    SSL_set_bio(ssl, b, b); /* without one the handshake fails, and says so */
    stream_bind(lower, &FROM_LOWER, t);
    if (limit_ms > 0)
        timer_start(&t->limit, limit_ms);
    loop_soon(lower->loop, &t->pump);
    return &t->s;
}
