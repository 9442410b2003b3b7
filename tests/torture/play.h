/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* play.h - the product on a thread of its own, as main.c starts it, and the emulated Gemini on
 * another. Only the first is tortured. */
#ifndef TORTURE_PLAY_H
#define TORTURE_PLAY_H

#include "app/gateway.h"
#include "wire.h"

#include <pthread.h>
#include <semaphore.h>

enum upstream { UPSTREAM_H1, UPSTREAM_TLS, UPSTREAMS };

struct rest { /* what is left of the work */
    size_t calls, connections, upstream_connections, upstream_streams;
    bool reloading;
};
struct play {
    enum upstream upstream;
    enum front front;
    char dir[64];
    struct loop *emu_loop;
    struct emulator *emulator;
    struct tls_server *tls;
    uint16_t emu_port;
    pthread_t emu_thread;
    struct task emu_stop;

    struct settings *settings;
    const struct platform *platform;
    struct gateway g;
    struct buf problem;
    pthread_t thread;
    sem_t told;
    enum err started;
    uint16_t port;
};

/* The emulated Gemini; front is how the product will be asked. */
void play_open(struct play *p, enum upstream u, enum front front);
void play_close(struct play *p);

enum err play_start(struct play *p); /* the product; what gateway_init or gateway_listen said */
void play_drain(struct play *p);     /* as SIGTERM does */
bool play_ended(struct play *p, int within_ms);

void play_reload(struct play *p); /* as SIGHUP does; returns when it was done, or refused */
void play_forget_upstream(struct play *p);
struct rest play_rest(struct play *p);
/* Until no call, no client and no upstream request is left; false: some stay. */
bool play_quiet(struct play *p);

#endif
