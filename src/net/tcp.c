/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tcp.c - a stream over one socket.
 *
 * Writes of one turn are gathered in `out`. At its end, or when several sockets wait to be written
 * to, they are offered to the kernel at once; only for what it will not take does a libuv request
 * wait. A connection with nothing to send owns no buffer. All reads of a loop go through one shared
 * buffer. However fast the other side is, one turn moves so much for a connection in each direction
 * and no more: a large body must not keep others waiting. Nor is more than that offered in one
 * call, which the kernel would not end while a reader on another core keeps up.
 *
 *   open --close--> closing (the socket is gone already) --libuv--> freed
 *   open --close_soft--> flushing --empty--> FIN sent, input dropped --EOF or 1 s--> closing */
#include "net/tcp.h"
#include "base/mem.h"
#include "base/torture.h"
#include "net/listen.h"
#include "net/stream_impl.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    KEEPALIVE_IDLE_S = 20,    /* then ten probes, one a second: a vanished peer is found in 30 s */
    UNACKED_LIMIT_MS = 30000, /* the same for bytes on their way to a server */
    TURN_BYTES = 256 * 1024,
};

struct tcp {
    struct stream s;
    uv_tcp_t uv;
    union net_addr peer;
    struct buf out;    /* not yet offered to the kernel */
    struct buf rest;   /* what it did not take at once, in front of that */
    size_t rest_at;    /* bytes of it that have left */
    size_t lent;       /* and how many behind those a libuv request sends; 0: none is under way */
    struct buf unread; /* came before somebody was there for it */
    uint32_t sent_turn;
    size_t sent_bytes; /* in that turn */
    ssize_t got;       /* by recv(2), or a libuv error */
    struct task flush, again;
    struct timer soft_limit;
    struct task at_free;
    const struct listen_gate *gate; /* that let it in, and what it gave; or NULL */
    void *ticket;
    bool reading, lingering, fin_sent;
};
struct send {
    uv_write_t req;
    struct tcp *t;
};
struct connect {
    uv_connect_t req;
    struct tcp *t;
    tcp_connected_f *done;
    void *owner;
};

static struct tcp *of(const struct stream *s)
{
    return CONTAINER(s, struct tcp, s);
}

/* Is it enough for this turn? */
static bool sent_enough(struct tcp *t, size_t n)
{
    if (t->sent_turn != t->s.loop->turns)
        t->sent_bytes = 0;
    t->sent_turn = t->s.loop->turns;
    t->sent_bytes += n;
    return t->sent_bytes >= TURN_BYTES;
}

static void on_closed(uv_handle_t *h)
{
    struct tcp *t = h->data;

    buf_fini(&t->out);
    buf_fini(&t->rest);
    buf_fini(&t->unread);
    mem_free(t);
}

/* What a request under way reads from stays until it is over. */
static void drop_unsent(struct tcp *t)
{
    loop_buf_give(t->s.loop, &t->out);
    if (t->lent > 0)
        return;
    loop_buf_give(t->s.loop, &t->rest);
    t->rest_at = 0;
}

static void shut(struct tcp *t, bool reset)
{
    if (uv_is_closing((uv_handle_t *)&t->uv))
        return;
    t->reading = false;
    task_cancel(&t->flush);
    task_cancel(&t->again);
    task_cancel(&t->at_free);
    timer_stop(&t->soft_limit);
    drop_unsent(t);
    if (t->gate != NULL)
        t->gate->leave(t->gate->ctx, t->ticket);
    if (reset && uv_tcp_close_reset(&t->uv, on_closed) == 0)
        return;
    uv_close((uv_handle_t *)&t->uv, on_closed);
}

static void stop_reading(struct tcp *t)
{
    task_cancel(&t->again);
    t->reading = false;
    uv_read_stop((uv_stream_t *)&t->uv);
}

static void fail(struct tcp *t, enum err why)
{
    if (t->lingering) {
        shut(t, false);
        return;
    }
    stop_reading(t);
    drop_unsent(t);
    stream_tell_end(&t->s, why);
}

static enum err of_status(int status)
{
    switch (status) {
    case UV_ECONNRESET:
    case UV_EPIPE:
    case UV_ENOTCONN: return E_CLOSED;
    case UV_ETIMEDOUT: return E_TIMEOUT;
    default: return E_SYSTEM;
    }
}

/* Writing. */

static void after_flush(struct tcp *t);

static size_t unsent(const struct tcp *t)
{
    return t->out.n + t->rest.n - t->rest_at;
}

/* `n` bytes have left. What is left of `out` is the rest from then on, and gets nothing appended.
 */
static void sent(struct tcp *t, size_t n)
{
    if (t->rest.n == 0 && n < t->out.n) {
        t->rest = t->out;
        buf_init(&t->out, SIZE_MAX / 2);
    }
    if (t->rest.n == 0) {
        loop_buf_give(t->s.loop, &t->out);
        return;
    }
    t->rest_at += n;
    if (t->rest_at < t->rest.n)
        return;
    loop_buf_give(t->s.loop, &t->rest);
    t->rest_at = 0;
}

static void on_sent(uv_write_t *req, int status)
{
    struct send *w = CONTAINER(req, struct send, req);
    struct tcp *t = w->t;
    size_t n = t->lent;

    loop_woke(t->s.loop);
    mem_free(w);
    t->lent = 0;
    if (uv_is_closing((uv_handle_t *)&t->uv))
        return;
    if (torture_fails(TORTURE_WRITE))
        status = UV_ECONNRESET;
    if (status < 0) {
        fail(t, of_status(status));
        return;
    }
    sent(t, n);
    if (unsent(t) == 0)
        after_flush(t);
    else if (sent_enough(t, n))
        loop_next(t->s.loop, &t->flush);
    else
        loop_gather(t->s.loop, &t->flush);
}

/* What is offered next: the rest, or what has come since. */
static struct str offer(const struct tcp *t)
{
    struct str s = t->rest.n > 0 ? str_skip(buf_str(&t->rest), t->rest_at) : buf_str(&t->out);

    return str_sub(s, 0, TURN_BYTES);
}

/* The kernel takes no more; libuv waits for room for some of the rest. */
static int send_later(struct tcp *t)
{
    struct send *w = mem_zalloc(sizeof *w);
    struct str some = offer(t);
    uv_buf_t bytes = uv_buf_init(t->rest.p + t->rest_at, (unsigned)some.n);
    int r;

    w->t = t;
    r = torture_fails(TORTURE_WRITE) ? UV_ENOBUFS
                                     : uv_write(&w->req, (uv_stream_t *)&t->uv, &bytes, 1, on_sent);
    if (r == 0)
        t->lent = some.n;
    else
        mem_free(w);
    return r;
}

/* How many bytes the kernel took, or a libuv error. By send(2), which for a socket is shorter than
 * the write(2) of libuv; nothing of ours waits in libuv then. */
static ssize_t send_now(struct tcp *t, size_t n)
{
    const char *from = t->rest.n > 0 ? t->rest.p + t->rest_at : t->out.p;
    ssize_t r;

    if (torture_fails(TORTURE_WRITE))
        return UV_ECONNRESET;
    do
        r = send(tcp_fd(&t->s), from, torture_fails(TORTURE_PARTIAL) ? 1 : n, MSG_NOSIGNAL);
    while (r < 0 && errno == EINTR);
    if (r >= 0)
        return r;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? 0 : -errno;
}

static void flush(struct task *task)
{
    struct tcp *t = CONTAINER(task, struct tcp, flush);
    size_t n;
    ssize_t r;

    if (t->out.err != OK) { /* the memory budget: the connection cannot go on with a hole in it */
        fail(t, E_TOOBIG);
        return;
    }
    if (t->lent > 0 || unsent(t) == 0) {
        after_flush(t);
        return;
    }
    n = offer(t).n;
    r = send_now(t, n);
    if (r >= 0)
        sent(t, (size_t)r);
    if (r >= 0 && (size_t)r < n) {
        r = send_later(t);
        n = 0;
    }
    if (r < 0)
        fail(t, of_status((int)r));
    else if (n > 0 && (sent_enough(t, n) || unsent(t) > 0))
        loop_next(t->s.loop, &t->flush); /* until then nobody is told that there is room */
    else
        after_flush(t);
}

static struct buf *tcp_queue(struct stream *s)
{
    struct tcp *t = of(s);

    if (t->out.p == NULL && t->out.err == OK)
        loop_buf_take(s->loop, &t->out);
    return &t->out;
}

static enum flow tcp_wrote(struct stream *s, size_t more)
{
    struct tcp *t = of(s);

    t->out.n += more;
    loop_gather(s->loop, &t->flush);
    return stream_flow(s);
}

static size_t tcp_queued(const struct stream *s)
{
    const struct tcp *t = of(s);

    return unsent(t) - t->lent + uv_stream_get_write_queue_size((const uv_stream_t *)&t->uv);
}

/* Reading. */

/* Into the shared buffer. */
static void receive(struct tcp *t)
{
    do
        t->got = recv(tcp_fd(&t->s), loop_read_buf(t->s.loop), LOOP_READ_BUF, 0);
    while (t->got < 0 && errno == EINTR);
    if (t->got <= 0)
        t->got = t->got < 0 ? -errno : UV_EOF;
}

/* libuv asks where it shall put what there is to read. That is taken here, by recv(2), which for a
 * socket is shorter than libuv's read(2); libuv is given no room, reads nothing, and says so. */
static void on_readable(uv_handle_t *h, size_t suggested, uv_buf_t *ret)
{
    (void)suggested;
    *ret = uv_buf_init(NULL, 0);
    receive(h->data);
}

static void tell(struct tcp *t)
{
    ssize_t n = t->got;

    if (uv_is_closing((uv_handle_t *)&t->uv) || n == UV_EAGAIN)
        return;
    if (torture_fails(TORTURE_READ))
        n = UV_ECONNRESET;
    if (torture_fails(TORTURE_EOF))
        n = UV_EOF;
    if (n > 0)
        stream_tell_read(&t->s, str_of(loop_read_buf(t->s.loop), (size_t)n));
    else if (n == UV_EOF && t->lingering)
        shut(t, false);
    else if (n == UV_EOF) {
        stop_reading(t);
        stream_tell_end(&t->s, OK);
    } else if (n < 0)
        fail(t, of_status((int)n));
}

static void on_bytes(uv_stream_t *h, ssize_t n, const uv_buf_t *b)
{
    struct tcp *t = h->data;
    struct loop *loop = t->s.loop;

    (void)b;
    loop_woke(loop); /* not in on_readable, where libuv does not bear a close */
    if (n != UV_ENOBUFS)
        t->got = n;
    tell(t);
    for (size_t all = LOOP_READ_BUF; t->got == LOOP_READ_BUF && t->reading && all < TURN_BYTES;
         all += LOOP_READ_BUF) {
        receive(t);
        tell(t);
    }
    loop_told(loop);
}

static void tcp_resume(struct stream *s)
{
    struct tcp *t = of(s);

    if (t->unread.n > 0 || t->unread.err != OK)
        loop_soon(s->loop, &t->again);
    else if (uv_read_start((uv_stream_t *)&t->uv, on_readable, on_bytes) == 0)
        t->reading = true;
}

static void tcp_pause(struct stream *s)
{
    stop_reading(of(s));
}

void tcp_unread(struct stream *s, struct str bytes)
{
    buf_put(&of(s)->unread, bytes);
}

static void read_again(struct task *task)
{
    struct tcp *t = CONTAINER(task, struct tcp, again);
    struct buf bytes = t->unread;

    buf_init(&t->unread, LOOP_READ_BUF);
    tcp_resume(&t->s);
    if (bytes.err != OK)
        fail(t, E_TOOBIG);
    else
        stream_tell_read(&t->s, buf_str(&bytes));
    buf_fini(&bytes);
}

/* Closing. */

static void tcp_close(struct stream *s)
{
    shut(of(s), false);
}

static void tcp_reset(struct stream *s)
{
    shut(of(s), true);
}

static void on_soft_limit(struct timer *timer)
{
    shut(CONTAINER(timer, struct tcp, soft_limit), false);
}

static void on_loop_free(struct task *task)
{
    shut(CONTAINER(task, struct tcp, at_free), false);
}

/* Everything has left. When closing softly: say so, and drop what still comes in. Closing at once
 * with input unread would make the kernel send RST, and that destroys our last bytes on their way.
 * RFC 9112, 9.6. */
static void after_flush(struct tcp *t)
{
    if (!t->lingering) {
        stream_tell_drain(&t->s);
        return;
    }
    if (unsent(t) > 0 || t->fin_sent)
        return;
    t->fin_sent = true;
    if (t->s.ended || shutdown(tcp_fd(&t->s), SHUT_WR) != 0) {
        shut(t, false);
        return;
    }
    timer_start(&t->soft_limit, STREAM_FIN_MS);
    tcp_resume(&t->s);
}

static void tcp_close_soft(struct stream *s)
{
    struct tcp *t = of(s);

    t->lingering = true;
    stop_reading(t);
    timer_start(&t->soft_limit, STREAM_SOFT_MS);
    loop_at_free(s->loop, &t->at_free);
    loop_gather(s->loop, &t->flush);
}

static struct str tcp_alpn(const struct stream *s)
{
    (void)s;
    return S("");
}

static struct stream *tcp_lower(const struct stream *s)
{
    (void)s;
    return NULL;
}

static const struct stream_ops TCP = {
    .queue = tcp_queue,
    .wrote = tcp_wrote,
    .queued = tcp_queued,
    .resume = tcp_resume,
    .pause = tcp_pause,
    .close = tcp_close,
    .close_soft = tcp_close_soft,
    .reset = tcp_reset,
    .alpn = tcp_alpn,
    .lower = tcp_lower,
};

/* Opening. */

static struct tcp *make(struct loop *loop, const union net_addr *peer)
{
    struct tcp *t = mem_zalloc(sizeof *t);

    t->s.ops = &TCP;
    t->s.loop = loop;
    t->peer = *peer;
    task_init(&t->flush, flush);
    task_init(&t->again, read_again);
    task_init(&t->at_free, on_loop_free);
    timer_init(&t->soft_limit, loop, on_soft_limit);
    buf_init(&t->out, SIZE_MAX / 2);
    buf_init(&t->rest, SIZE_MAX / 2);
    buf_init(&t->unread, LOOP_READ_BUF);
    uv_tcp_init(&loop->uv, &t->uv); /* makes no socket yet and cannot fail */
    t->uv.data = t;
    return t;
}

struct stream *tcp_adopt(struct loop *loop, int fd, const union net_addr *peer)
{
    struct tcp *t = make(loop, peer);

    if (torture_fails(TORTURE_ACCEPT) || uv_tcp_open(&t->uv, fd) != 0) {
        close(fd);
        stream_close(&t->s);
        return NULL;
    }
    uv_tcp_nodelay(&t->uv, 1);
    return &t->s;
}

void tcp_hold_ticket(struct stream *s, const struct listen_gate *gate, void *ticket)
{
    of(s)->gate = gate;
    of(s)->ticket = ticket;
}

/* Not uv_tcp_keepalive: before connect, it forgets the delay that it is given. */
void tcp_keep_alive(int fd)
{
    static const int on = 1, idle_s = KEEPALIVE_IDLE_S, every_s = 1, times = 10;

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof every_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof times);
}

static void on_connected(uv_connect_t *req, int status)
{
    struct connect *c = CONTAINER(req, struct connect, req);
    struct connect told = *c;

    mem_free(c);
    loop_woke(told.t->s.loop);
    if (torture_fails(TORTURE_CONNECT))
        status = UV_ECONNREFUSED;
    if (!told.t->s.closed)
        told.done(told.owner, &told.t->s, status);
}

int tcp_connect(struct loop *loop, const union net_addr *to, tcp_connected_f *done, void *owner,
                struct stream **ret)
{
    static const int unacked_ms = UNACKED_LIMIT_MS;
    struct tcp *t = make(loop, to);
    struct connect *c = mem_zalloc(sizeof *c);
    int r;

    c->t = t;
    c->done = done;
    c->owner = owner;
    uv_tcp_nodelay(&t->uv, 1); /* remembered for the socket that connect makes */
    r = torture_fails(TORTURE_CONNECT) ? UV_EMFILE
                                       : uv_tcp_connect(&c->req, &t->uv, &to->sa, on_connected);
    if (r != 0) {
        mem_free(c);
        stream_close(&t->s);
        return r;
    }
    tcp_keep_alive(tcp_fd(&t->s));
    setsockopt(tcp_fd(&t->s), IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked_ms, sizeof unacked_ms);
    *ret = &t->s;
    return 0;
}

const union net_addr *tcp_peer(const struct stream *s)
{
    return &of(s)->peer;
}

int tcp_fd(const struct stream *s)
{
    uv_os_fd_t fd = -1;

    uv_fileno((const uv_handle_t *)&of(s)->uv, &fd);
    return fd;
}
