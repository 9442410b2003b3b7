/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* client_head.c - header fields in one block. The pointers are made when the head is complete,
 * because the block moves while it grows. Knows no protocol. */
#include "http/client_head.h"
#include "base/mem.h"

struct head_index {
    struct {
        uint32_t name, value; /* lengths; the bytes follow each other in text */
    } len[HTTP_FIELDS_MAX];
    struct http_header v[HTTP_FIELDS_MAX];
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
    mem_free(h->ix);
    head_init(h);
}

static enum err charge(struct head *h, size_t n)
{
    if (n > HTTP_HEAD_MAX - h->charged)
        return E_TOOBIG;
    h->charged += n;
    return OK;
}

/* Of the index, which is large, only the entries in use are written. */
static void begin_field(struct head *h)
{
    size_t from = h->ix == NULL ? 0 : h->n;

    if (h->ix == NULL)
        h->ix = mem_alloc(sizeof *h->ix);
    for (size_t i = from; i <= h->n && i < HTTP_FIELDS_MAX; i++)
        h->ix->len[i].name = h->ix->len[i].value = 0;
}

static enum err add(struct head *h, struct str piece, bool is_name)
{
    if (h->n == HTTP_FIELDS_MAX || charge(h, piece.n) != OK)
        return E_TOOBIG;
    if (h->ix == NULL)
        begin_field(h);
    buf_put(&h->text, piece);
    if (is_name)
        h->ix->len[h->n].name += (uint32_t)piece.n;
    else
        h->ix->len[h->n].value += (uint32_t)piece.n;
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
    if (h->n == HTTP_FIELDS_MAX || h->ix == NULL)
        return E_TOOBIG;
    h->n++;
    begin_field(h);
    return charge(h, HEAD_FIELD_COST);
}

enum err head_skip(struct head *h, size_t bytes)
{
    if (h->n == HTTP_FIELDS_MAX)
        return E_TOOBIG;
    h->n++;
    if (h->ix != NULL)
        begin_field(h);
    return bytes > HTTP_HEAD_MAX ? E_TOOBIG : charge(h, bytes + HEAD_FIELD_COST);
}

struct http_headers head_fields(struct head *h)
{
    size_t at = 0;

    if (h->ix == NULL)
        return (struct http_headers){NULL, 0};
    for (size_t i = 0; i < h->n; i++) {
        size_t name = h->ix->len[i].name, value = h->ix->len[i].value;

        h->ix->v[i] = (struct http_header){str_of(h->text.p + at, name),
                                           str_trim(str_of(h->text.p + at + name, value))};
        at += name + value;
    }
    return (struct http_headers){h->ix->v, h->n};
}
