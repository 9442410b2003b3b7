/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* finding.c - the list of findings. Must not know how anything is checked or shown. */
#include "doctor/finding.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

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

/* Cut between characters, not inside of one. */
static void cut(char *text, size_t room)
{
    size_t n = strlen(text);

    if (n + 1 < room)
        return;
    while (n > 0 && ((unsigned char)text[n - 1] & 0xc0) == 0x80)
        text[--n] = '\0';
    if (n > 0 && (unsigned char)text[n - 1] >= 0x80)
        text[--n] = '\0';
}

void findings_add(struct findings *f, enum finding_id id, struct str subject, const char *fmt, ...)
{
    struct finding *x;
    va_list ap;

    if (f->n == FINDINGS_MAX)
        return;
    if (f->n == f->room) {
        f->room = f->room ? f->room * 2 : 16;
        f->v = mem_realloc(f->v, f->room * sizeof *f->v);
    }
    x = &f->v[f->n++];
    x->id = id;
    snprintf(x->subject, sizeof x->subject, "%.*s", S_ARG(subject));
    va_start(ap, fmt);
    vsnprintf(x->detail, sizeof x->detail, fmt, ap);
    va_end(ap);
    cut(x->subject, sizeof x->subject);
    cut(x->detail, sizeof x->detail);
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
