/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* startup.c - how long from exec until a port takes connections, and the CPU that it cost.
 *
 *   startup PORT ROUNDS program [arguments]      prints a line a round: wall_us cpu_us
 *
 * The child is polled by connect() in a tight loop; it is killed once the port is open. */
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

static int is_open(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int ok;

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ok = connect(fd, (struct sockaddr *)(void *)&a, sizeof a) == 0;
    close(fd);
    return ok;
}

int main(int argc, char **argv)
{
    int port = argc > 3 ? (int)strtoul(argv[1], NULL, 10) : 0;
    int rounds = argc > 3 ? (int)strtoul(argv[2], NULL, 10) : 0;

    for (int i = 0; i < rounds; i++) {
        long long start = now_us();
        long long opened;
        struct rusage used;
        pid_t child = fork();

        if (child == 0) {
            int null = open("/dev/null", O_RDWR);

            dup2(null, 1);
            dup2(null, 2);
            execv(argv[3], argv + 3);
            _exit(127);
        }
        while (!is_open(port))
            if (now_us() - start > 5000000)
                return 1;
        opened = now_us();
        kill(child, SIGKILL);
        wait4(child, NULL, 0, &used);
        printf("%lld %lld\n", opened - start,
               (long long)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
                   used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    }
    return rounds > 0 ? 0 : 2;
}
