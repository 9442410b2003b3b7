/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* notify.c - one datagram for each state. */
#include "app/notify.h"

#include "base/str.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int socket_fd = -1;
static uint64_t watchdog_ms;

static void connect_to(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    int fd;

    if (n < 2 || n >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(to.sun_path, path, n);
    if (path[0] == '@')
        to.sun_path[0] = '\0'; /* an abstract one has no NUL at its end */
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)&to,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) != 0)
        close(fd);
    else
        socket_fd = fd;
}

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *v = getenv(variable);
    uint64_t n = otherwise;

    if (v == NULL || !str_u64(str_z(v), UINT64_MAX, &n))
        return otherwise;
    return n;
}

void notify_open(void)
{
    const char *path = getenv("NOTIFY_SOCKET");

    if (path != NULL)
        connect_to(path);
    if (number_of("WATCHDOG_PID", (uint64_t)getpid()) == (uint64_t)getpid())
        watchdog_ms = number_of("WATCHDOG_USEC", 0) / 2000; /* twice in the time that is given */
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_PID");
    unsetenv("WATCHDOG_USEC");
}

void notify_say(const char *fmt, ...)
{
    char text[512];
    va_list ap;
    int n;

    if (socket_fd < 0)
        return;
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n > 0 && (size_t)n < sizeof text)
        (void)!send(socket_fd, text, (size_t)n, MSG_NOSIGNAL);
}

uint64_t notify_watchdog_ms(void)
{
    return socket_fd < 0 ? 0 : watchdog_ms;
}
