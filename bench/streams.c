/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* streams.c - many streams at once, on one thread, as a chat front-end's users would hold them.
 *
 *   streams PORT TOKEN MODEL STREAMS SECONDS
 *
 * Opens STREAMS connections, asks each for a streamed answer, reads until `data: [DONE]`. Prints
 * one line: streams ok failed events ttft_p50_us ttft_p99_us jitter_p50_us jitter_p99_us peak.
 * Jitter is the distance of the pause between two events from the median pause of all. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_MAX = 4000000, TAIL = 16 };

struct stream {
    int fd;
    int sent, done, ok;
    long long start_us, last_us;
    char tail[TAIL]; /* the end of what came, for [DONE] over a split */
    size_t ntail;
};

static long long *pauses;
static size_t npauses;

static long long now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static int by_value(const void *a, const void *b)
{
    long long x = *(const long long *)a;
    long long y = *(const long long *)b;

    return (x > y) - (x < y);
}

static long long percentile(long long *v, size_t n, double p)
{
    return n ? v[(size_t)((double)(n - 1) * p)] : 0;
}

static int dial(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int one = 1;

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)(void *)&a, sizeof a) < 0 && errno != EINPROGRESS)
        return -1;
    return fd;
}

static size_t count_events(const char *p, size_t n)
{
    size_t events = 0;
    const char *end = p + n;

    while ((p = memmem(p, (size_t)(end - p), "data: {", 7)) != NULL) {
        events++;
        p += 7;
    }
    return events;
}

static int saw_done(struct stream *s, const char *p, size_t n)
{
    char joined[2 * TAIL];
    size_t take = n < TAIL ? n : TAIL;
    size_t keep;

    memcpy(joined, s->tail, s->ntail);
    memcpy(joined + s->ntail, p, take);
    keep = s->ntail + take;
    if (memmem(joined, keep, "[DONE]", 6) != NULL || memmem(p, n, "[DONE]", 6) != NULL)
        return 1;
    if (n >= TAIL) {
        memcpy(s->tail, p + n - TAIL, TAIL);
        s->ntail = TAIL;
    } else {
        size_t from = keep > TAIL ? keep - TAIL : 0;

        s->ntail = keep - from;
        memmove(s->tail, joined + from, s->ntail);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int port = argc == 6 ? (int)strtoul(argv[1], NULL, 10) : 0;
    size_t n = argc == 6 ? strtoul(argv[4], NULL, 10) : 0;
    long long until = now_us() + (argc == 6 ? (long long)strtoul(argv[5], NULL, 10) : 0) * 1000000;
    struct stream *v = calloc(n ? n : 1, sizeof *v);
    long long *ttft = calloc(n ? n : 1, sizeof *ttft);
    size_t nttft = 0, done = 0, ok = 0, events = 0, peak = 0, open_now = 0;
    struct rlimit files;
    static char request[4096], buf[65536];
    int ep = epoll_create1(0);
    int len;

    if (n == 0)
        return 2;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    pauses = malloc(EVENTS_MAX * sizeof *pauses);
    snprintf(
        buf, sizeof buf,
        "{\"model\":\"%s\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"go\"}]}",
        argv[3]);
    len =
        snprintf(request, sizeof request,
                 "POST /v1/chat/completions HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n"
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 argv[2], strlen(buf), buf);
    for (size_t i = 0; i < n; i++) {
        struct epoll_event e = {.events = EPOLLOUT | EPOLLIN, .data.ptr = &v[i]};

        v[i].fd = dial(port);
        v[i].start_us = now_us();
        if (v[i].fd < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, v[i].fd, &e) < 0)
            return 1;
    }
    while (done < n && now_us() < until) {
        struct epoll_event e[256];
        int got = epoll_wait(ep, e, 256, 100);

        for (int i = 0; i < got; i++) {
            struct stream *s = e[i].data.ptr;
            ssize_t r;

            if (!s->sent && (e[i].events & EPOLLOUT)) {
                struct epoll_event in = {.events = EPOLLIN, .data.ptr = s};

                s->sent = write(s->fd, request, (size_t)len) == len;
                epoll_ctl(ep, EPOLL_CTL_MOD, s->fd, &in);
                if (++open_now > peak)
                    peak = open_now;
            }
            if (!(e[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
                continue;
            r = read(s->fd, buf, sizeof buf);
            if (r > 0) {
                size_t seen = count_events(buf, (size_t)r);
                long long t = now_us();

                events += seen;
                if (seen > 0) {
                    if (s->last_us == 0)
                        ttft[nttft++] = t - s->start_us;
                    else if (npauses < EVENTS_MAX)
                        pauses[npauses++] = t - s->last_us;
                    s->last_us = t;
                }
                if (!saw_done(s, buf, (size_t)r))
                    continue;
                s->ok = 1;
                ok++;
            } else if (r < 0 && errno == EAGAIN) {
                continue;
            }
            done++;
            open_now--;
            close(s->fd);
        }
    }
    qsort(ttft, nttft, sizeof *ttft, by_value);
    qsort(pauses, npauses, sizeof *pauses, by_value);
    {
        long long median = percentile(pauses, npauses, 0.5);

        for (size_t i = 0; i < npauses; i++)
            pauses[i] = pauses[i] > median ? pauses[i] - median : median - pauses[i];
        qsort(pauses, npauses, sizeof *pauses, by_value);
    }
    printf("%zu %zu %zu %zu %lld %lld %lld %lld %zu\n", n, ok, n - ok, events,
           percentile(ttft, nttft, 0.5), percentile(ttft, nttft, 0.99),
           percentile(pauses, npauses, 0.5), percentile(pauses, npauses, 0.99), peak);
    return ok == n ? 0 : 1;
}
