/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* client_head.c - header fields in one block. The pointers are made when the head is asked for,
 * because the block moves while it grows; until then a field is two lengths. Knows no protocol. */
#include "http/client_head.h"
#include "base/mem.h"

enum {
    FIELDS_FIRST = 16, /* room for most heads */
    TEXT_KEPT = 4096,
};

void head_init(struct head *h)
{
    *h = (struct head){0};
    buf_init(&h->text, HTTP_HEAD_MAX);
}

void head_fini(struct head *h)
{
    if (h == NULL)
        return;
    buf_fini(&h->text);
    mem_free(h->v);
    head_init(h);
}

void head_reset(struct head *h)
{
    if (h->room > FIELDS_FIRST || h->text.room > TEXT_KEPT) {
        head_fini(h);
        return;
    }
    for (size_t i = 0; i < h->room && i <= h->n; i++)
        h->v[i].name.n = h->v[i].value.n = 0;
    buf_reset(&h->text);
    h->n = h->charged = 0;
}

static enum err charge(struct head *h, size_t n)
{
    if (n > HTTP_HEAD_MAX - h->charged)
        return E_TOOBIG;
    h->charged += n;
    return OK;
}

/* The field in work; HTTP_FIELDS_MAX was looked at. */
static struct http_header *field(struct head *h)
{
    if (h->n == h->room) {
        size_t had = h->room;

        h->room = had > 0 ? HTTP_FIELDS_MAX : FIELDS_FIRST;
        h->v = mem_realloc(h->v, h->room * sizeof *h->v);
        for (size_t i = had; i < h->room; i++)
            h->v[i].name.n = h->v[i].value.n = 0;
    }
    return &h->v[h->n];
}

static enum err add(struct head *h, struct str piece, bool is_name)
{
    struct http_header *f;

    if (h->n == HTTP_FIELDS_MAX || charge(h, piece.n) != OK)
        return E_TOOBIG;
    f = field(h);
    buf_put(&h->text, piece);
    *(is_name ? &f->name.n : &f->value.n) += piece.n;
    return h->text.err;
}

enum err head_name(struct head *h, struct str piece)
{
    size_t from = h->text.n;
    enum err e = add(h, piece, true);

    for (size_t i = from; i < h->text.n; i++) {
        char *c = &h->text.p[i];

        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c | 0x20);
    }
    return e;
}

enum err head_value(struct head *h, struct str piece)
{
    return add(h, piece, false);
}

enum err head_next(struct head *h)
{
    if (h->n == HTTP_FIELDS_MAX || h->v == NULL)
        return E_TOOBIG;
    h->n++;
    return charge(h, HEAD_FIELD_COST);
}

enum err head_skip(struct head *h, size_t bytes)
{
    if (h->n == HTTP_FIELDS_MAX)
        return E_TOOBIG;
    if (h->v != NULL)
        *field(h) = (struct http_header){0};
    h->n++;
    return bytes > HTTP_HEAD_MAX ? E_TOOBIG : charge(h, bytes + HEAD_FIELD_COST);
}

struct http_headers head_fields(struct head *h)
{
    size_t at = 0;

    if (h->v == NULL)
        return (struct http_headers){NULL, 0};
    for (size_t i = 0; i < h->n; i++) {
        struct http_header *f = &h->v[i];
        size_t name = f->name.n, value = f->value.n;

        f->name = str_of(h->text.p + at, name);
        f->value = str_trim(str_of(h->text.p + at + name, value));
        at += name + value;
    }
    return (struct http_headers){h->v, h->n};
}
