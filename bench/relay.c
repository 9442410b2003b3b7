/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* relay.c - the least that a gateway can cost: bytes copied from one socket to another.
 *
 *   relay PORT UPSTREAM_PORT
 *
 * Each client has a connection upstream of its own. No byte is looked at, nothing is kept but which
 * socket belongs to which: what this costs is the kernel's, for anybody with two connections. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETS = 65536, EVENTS = 1024, PIECE = 65536 };

static int other[SOCKETS]; /* the other end of each; 0: none */

static void or_end(int bad, const char *what)
{
    if (!bad)
        return;
    perror(what);
    exit(1);
}

static struct sockaddr_in local(const char *port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((unsigned short)strtoul(port, NULL, 10)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void wait_for(int poll, int fd)
{
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

    or_end(epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e), "epoll_ctl");
}

static void join(int poll, int listener, const struct sockaddr_in *up)
{
    int one = 1;
    int pair[] = {accept(listener, NULL, NULL), socket(AF_INET, SOCK_STREAM, 0)};

    or_end(pair[0] < 0 || pair[1] < 0 || pair[0] >= SOCKETS || pair[1] >= SOCKETS, "accept");
    or_end(connect(pair[1], (const struct sockaddr *)up, sizeof *up), "connect");
    for (int i = 0; i < 2; i++) {
        setsockopt(pair[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        other[pair[i]] = pair[1 - i];
        wait_for(poll, pair[i]);
    }
}

static void part(int fd)
{
    int pair[] = {fd, other[fd]};

    for (int i = 0; i < 2; i++) {
        other[pair[i]] = 0;
        close(pair[i]);
    }
}

/* Told of a socket that is gone, or of a new one that has its number: nothing happens. */
static void pass(int from)
{
    static char bytes[PIECE];
    ssize_t n;

    if (other[from] == 0)
        return;
    n = recv(from, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0 || send(other[from], bytes, (size_t)n, MSG_NOSIGNAL) != n)
        part(from);
}

int main(int argc, char **argv)
{
    struct sockaddr_in at, up;
    int poll = epoll_create1(0);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int one = 1;

    if (argc != 3) {
        fputs("usage: relay PORT UPSTREAM_PORT\n", stderr);
        return 2;
    }
    at = local(argv[1]);
    up = local(argv[2]);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    or_end(bind(listener, (const struct sockaddr *)&at, sizeof at) || listen(listener, 4096),
           "listen");
    wait_for(poll, listener);
    for (;;) {
        struct epoll_event e[EVENTS];
        int n = epoll_wait(poll, e, EVENTS, -1);

        for (int i = 0; i < n; i++) {
            if (e[i].data.fd == listener)
                join(poll, listener, &up);
            else
                pass(e[i].data.fd);
        }
    }
}
