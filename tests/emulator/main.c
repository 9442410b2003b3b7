/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* main.c - the emulated Gemini as a program of its own: the upstream of the end-to-end tests.
 *
 * Says where it listens on standard output as soon as it does. SIGTERM and SIGINT end it. */
#include "demo/emulator.h"
#include "net/listen.h"
#include "net/tls.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static const char USAGE[] =
    "gemini-emulator: queqiao's emulated Gemini, for tests\n"
    "  --listen HOST:PORT   default 127.0.0.1:0, a port that the system picks\n"
    "  --tls-cert FILE      PEM; with --tls-key: HTTPS, HTTP/2 by ALPN\n"
    "  --tls-key FILE\n"
    "  --keys K1,K2         API keys that are let in; default: any\n"
    "  --pace MS            pause before each event of a stream; default 0\n"
    "  --quotas JSON        projects, their keys and limits: see src/demo/quota.h; default: none\n"
    "  --control            serve /__emulator/state, requests, reset, quotas, script and clock\n";

enum { PEM_MAX = 65536 };

struct options {
    const char *listen, *cert, *key, *keys, *pace, *quotas;
    bool control;
};
struct program {
    struct loop *loop;
    struct emulator *emulator;
    struct listen_opts where;
};

static bool read_options(int argc, char **argv, struct options *o)
{
    const struct {
        const char *name, **value;
    } table[] = {
        {"--listen",   &o->listen},
        {"--tls-cert", &o->cert  },
        {"--tls-key",  &o->key   },
        {"--keys",     &o->keys  },
        {"--pace",     &o->pace  },
        {"--quotas",   &o->quotas},
    };

    for (int i = 1; i < argc; i++) {
        bool known = strcmp(argv[i], "--control") == 0;

        o->control = o->control || known;
        for (size_t k = 0; k < NELEM(table) && !known; k++) {
            if (strcmp(argv[i], table[k].name) == 0 && i + 1 < argc) {
                *table[k].value = argv[++i];
                known = true;
            }
        }
        if (!known)
            return false;
    }
    return (o->cert == NULL) == (o->key == NULL);
}

static void on_signal(void *arg, int signum)
{
    struct program *p = arg;

    (void)signum;
    emulator_close(p->emulator);
    loop_stop(p->loop);
}

static struct str text_of(const char *path, char room[PEM_MAX])
{
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(room, 1, PEM_MAX, f) : 0;

    if (f != NULL)
        fclose(f);
    return str_of(room, n);
}

static bool start_tls(struct program *p, const struct options *o, struct fault *why)
{
    static char cert[PEM_MAX], key[PEM_MAX];
    const struct tls_pair pair = {text_of(o->cert, cert), text_of(o->key, key)};

    return tls_server_new(&pair, 1, true, &p->where.tls, why) == OK;
}

static bool start(struct program *p, const struct options *o, struct fault *why)
{
    struct emulator_opts opts = {.keys = str_z(o->keys), .control = o->control};
    uint64_t pace = 0;
    uint16_t port;

    if (o->pace != NULL && !str_u64(str_z(o->pace), 3600000, &pace))
        why->what = "--pace must be a number of milliseconds";
    if (why->what != NULL)
        return false;
    opts.pace_ms = (uint32_t)pace;
    p->where.fd = -1;
    if (listen_parse(str_z(o->listen), &p->where.addr, why) != OK)
        return false;
    if (o->cert != NULL && !start_tls(p, o, why))
        return false;
    p->emulator = emulator_new(p->loop, &opts);
    if (o->quotas != NULL && emulator_set_quotas(p->emulator, str_z(o->quotas), why) != OK)
        return false;
    if (emulator_listen(p->emulator, &p->where, &port, why) != OK)
        return false;
    printf("listening on %s:%u\n", p->where.addr.host, (unsigned)port);
    fflush(stdout);
    return true;
}

int main(int argc, char **argv)
{
    struct options o = {.listen = "127.0.0.1:0"};
    struct program p = {0};
    struct fault why = {0};
    bool ok;

    if (!read_options(argc, argv, &o)) {
        fputs(USAGE, stderr);
        return 2;
    }
    p.loop = loop_new();
    loop_on_signal(p.loop, SIGTERM, on_signal, &p);
    loop_on_signal(p.loop, SIGINT, on_signal, &p);
    ok = start(&p, &o, &why);
    if (ok)
        loop_run(p.loop);
    else
        fprintf(stderr, "gemini-emulator: %s\n", why.what != NULL ? why.what : "cannot start");
    emulator_close(p.emulator);
    loop_run(p.loop); /* what is being closed gets its turn */
    emulator_free(p.emulator);
    tls_server_free(p.where.tls);
    loop_free(p.loop);
    return ok ? 0 : 1;
}
