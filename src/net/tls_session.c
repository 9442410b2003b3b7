/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tls_session.c - the session store. Copies go in and come out, because OpenSSL writes to a session
 * while a connection uses it and loops on other threads read the same entry. */
#include "net/tls_session.h"
#include "base/mem.h"

struct kept {
    struct list link;
    SSL_SESSION *session;
    size_t n;
    char key[];
};

void tls_sessions_init(struct tls_sessions *t)
{
    pthread_mutex_init(&t->lock, NULL);
    list_init(&t->kept);
    t->n = 0;
}

static void drop(struct tls_sessions *t, struct kept *k)
{
    list_remove(&k->link);
    t->n--;
    SSL_SESSION_free(k->session);
    mem_free(k);
}

void tls_sessions_fini(struct tls_sessions *t)
{
    list_each (l, &t->kept)
        drop(t, CONTAINER(l, struct kept, link));
    pthread_mutex_destroy(&t->lock);
}

static struct kept *find(struct tls_sessions *t, struct str key)
{
    list_each (l, &t->kept) {
        struct kept *k = CONTAINER(l, struct kept, link);

        if (str_eq(str_of(k->key, k->n), key))
            return k;
    }
    return NULL;
}

void tls_sessions_put(struct tls_sessions *t, struct str key, SSL_SESSION *s)
{
    SSL_SESSION *copy = SSL_SESSION_dup(s);
    struct kept *k, *old;

    if (copy == NULL)
        return;
    k = mem_alloc(sizeof *k + key.n);
    *k = (struct kept){.session = copy, .n = key.n};
    memcpy(k->key, key.p, key.n);
    pthread_mutex_lock(&t->lock);
    old = find(t, key);
    if (old == NULL && t->n == TLS_SESSIONS_MAX)
        old = CONTAINER(t->kept.prev, struct kept, link);
    if (old != NULL)
        drop(t, old);
    list_push_front(&t->kept, &k->link);
    t->n++;
    pthread_mutex_unlock(&t->lock);
}

SSL_SESSION *tls_sessions_get(struct tls_sessions *t, struct str key)
{
    SSL_SESSION *copy = NULL;
    struct kept *k;

    pthread_mutex_lock(&t->lock);
    k = find(t, key);
    if (k != NULL) {
        list_remove(&k->link);
        list_push_front(&t->kept, &k->link);
        copy = SSL_SESSION_dup(k->session);
    }
    pthread_mutex_unlock(&t->lock);
    return copy;
}

void tls_sessions_drop(struct tls_sessions *t, struct str key)
{
    struct kept *k;

    pthread_mutex_lock(&t->lock);
    k = find(t, key);
    if (k != NULL)
        drop(t, k);
    pthread_mutex_unlock(&t->lock);
}
