/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* startup.c - how long from exec until a port takes connections, or until a first request has been
 * answered, and the CPU that it cost.
 *
 *   startup PORT ROUNDS program [arguments]      prints a line a round: wall_us cpu_us
 *
 * $STARTUP_REQUEST names a file with a whole HTTP request that asks for `Connection: close`; with
 * it the time is that until the answer has ended, which must be a 200.
 *
 * The child is polled by connect() in a tight loop; it is killed once that is done. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

/* A connected socket, or -1. */
static int knock(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)(void *)&a, sizeof a) == 0)
        return fd;
    close(fd);
    return -1;
}

static char request[65536];
static size_t request_n;

static void read_request(void)
{
    const char *path = getenv("STARTUP_REQUEST");
    int fd = path ? open(path, O_RDONLY) : -1;
    ssize_t n = fd >= 0 ? read(fd, request, sizeof request) : 0;

    request_n = n > 0 ? (size_t)n : 0;
}

/* The whole exchange; 1 when it was answered with 200. */
static int asked(int fd)
{
    char answer[65536];
    size_t got = 0;
    ssize_t n;

    if (write(fd, request, request_n) != (ssize_t)request_n)
        return 0;
    while (got < sizeof answer && (n = read(fd, answer + got, sizeof answer - got)) > 0)
        got += (size_t)n;
    return got > 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0;
}

int main(int argc, char **argv)
{
    int port = argc > 3 ? (int)strtoul(argv[1], NULL, 10) : 0;
    int rounds = argc > 3 ? (int)strtoul(argv[2], NULL, 10) : 0;

    read_request();
    for (int i = 0; i < rounds; i++) {
        long long start = now_us();
        long long opened;
        struct rusage used;
        pid_t child = fork();
        int fd;

        if (child == 0) {
            int null = open("/dev/null", O_RDWR);

            dup2(null, 1);
            dup2(null, 2);
            execv(argv[3], argv + 3);
            _exit(127);
        }
        while ((fd = knock(port)) < 0)
            if (now_us() - start > 5000000)
                return 1;
        if (request_n > 0 && !asked(fd))
            return 1;
        close(fd);
        opened = now_us();
        kill(child, SIGKILL);
        wait4(child, NULL, 0, &used);
        printf("%lld %lld\n", opened - start,
               (long long)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
                   used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    }
    return rounds > 0 ? 0 : 2;
}
