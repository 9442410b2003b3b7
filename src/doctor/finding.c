/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* finding.c - the list of findings. Must not know how anything is checked or shown. */
#include "doctor/finding.h"

#include "base/mem.h"
#include "base/sha256.h"
#include "codec/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const struct finding_text TEXT[] = {
#define ROW(ID, id, level, title, title_zh, remedy, remedy_zh) \
    {id, LEVEL_##level, {title, title_zh}, {remedy, remedy_zh}},
    FINDING_TABLE(ROW)
#undef ROW
};
/* clang-format on */

const struct finding_text *finding_text(enum finding_id id)
{
    return &TEXT[id];
}

int finding_find(struct str id)
{
    for (int i = 0; i < FINDINGS_N; i++)
        if (str_eq(str_z(TEXT[i].id), id))
            return i;
    return -1;
}

void findings_init(struct findings *f)
{
    *f = (struct findings){0};
}

void findings_fini(struct findings *f)
{
    mem_free(f->v);
    findings_init(f);
}

/* Foreign words end up in terminals, pages and JSON: control bytes become spaces, bad UTF-8 becomes
 * U+FFFD, and what is too long is cut between characters. */
static void put_foreign(char *ret, size_t room, struct str text)
{
    struct buf clean;
    size_t n;

    buf_init(&clean, 4 * text.n + 4);
    utf8_put_clean(&clean, text);
    n = clean.n < room ? clean.n : utf8_floor(buf_str(&clean), room - 1);
    for (size_t i = 0; i < n; i++)
        ret[i] = (unsigned char)clean.p[i] < ' ' || clean.p[i] == 0x7f ? ' ' : clean.p[i];
    ret[n] = '\0';
    buf_fini(&clean);
}

void findings_add(struct findings *f, enum finding_id id, struct str subject, const char *fmt, ...)
{
    struct finding *x;
    char detail[2 * DETAIL_MAX];
    va_list ap;
    int n;

    if (f->n == FINDINGS_MAX)
        return;
    if (f->n == f->room) {
        f->room = f->room ? f->room * 2 : 16;
        f->v = mem_realloc(f->v, f->room * sizeof *f->v);
    }
    x = &f->v[f->n++];
    x->id = id;
    va_start(ap, fmt);
    n = vsnprintf(detail, sizeof detail, fmt, ap);
    va_end(ap);
    put_foreign(x->subject, sizeof x->subject, subject);
    put_foreign(x->detail, sizeof x->detail, str_of(detail, n > 0 ? strlen(detail) : 0));
}

struct key_subject key_subject(size_t place, size_t of, const struct sha256_name *name)
{
    struct key_subject s;

    snprintf(s.z, sizeof s.z, "key %zu of %zu, %s", place, of, name->z);
    return s;
}

bool findings_has(const struct findings *f, enum finding_id id)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->v[i].id == id)
            return true;
    return false;
}

enum finding_level findings_worst(const struct findings *f)
{
    enum finding_level worst = LEVEL_FINE;

    for (size_t i = 0; i < f->n; i++)
        if (TEXT[f->v[i].id].level > worst)
            worst = TEXT[f->v[i].id].level;
    return worst;
}

int findings_status(const struct findings *f)
{
    static const int status[] = {
        [LEVEL_FINE] = 0, [LEVEL_NOTE] = 0, [LEVEL_WARNING] = 3, [LEVEL_BROKEN] = 1};

    return status[findings_worst(f)];
}
