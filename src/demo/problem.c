/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* problem.c - how Google spells a refusal. What is refused and when is for others to know. */
#include "demo/problem.h"
#include "codec/json_write.h"
#include "codec/utf8.h"

enum { MESSAGE_MAX = 64 * 1024, LINES_MAX = 100 };
enum { NONE, REFUSED, VIOLATIONS, RULES };

static const struct {
    int http;
    const char *status;
} STATUS[] = {
    {400, "INVALID_ARGUMENT"  },
    {401, "UNAUTHENTICATED"   },
    {402, "RESOURCE_EXHAUSTED"},
    {403, "PERMISSION_DENIED" },
    {404, "NOT_FOUND"         },
    {429, "RESOURCE_EXHAUSTED"},
    {499, "CANCELLED"         },
    {500, "INTERNAL"          },
    {503, "UNAVAILABLE"       },
    {504, "DEADLINE_EXCEEDED" },
};

const char *emu_status_word(int http)
{
    for (size_t i = 0; i < NELEM(STATUS); i++) {
        if (STATUS[i].http == http)
            return STATUS[i].status;
    }
    return "UNKNOWN";
}

void emu_problem_init(struct emu_problem *p)
{
    *p = (struct emu_problem){0};
    buf_init(&p->message, MESSAGE_MAX);
    buf_init(&p->rows, MESSAGE_MAX);
    buf_init(&p->details, MESSAGE_MAX);
}

void emu_problem_fini(struct emu_problem *p)
{
    buf_fini(&p->message);
    buf_fini(&p->rows);
    buf_fini(&p->details);
}

static bool begin(struct emu_problem *p, int way, int http)
{
    if (p->way != NONE && p->way != way)
        return false;
    p->way = way;
    p->http = http;
    p->status = emu_status_word(http);
    return p->lines++ < LINES_MAX;
}

bool emu_problem_open(struct emu_problem *p, int http)
{
    return p->way == NONE && begin(p, REFUSED, http);
}

bool emu_problem_open_rule(struct emu_problem *p)
{
    return begin(p, RULES, 400);
}

/* A model's name in the URL may hold any byte, and texts were cut to a size. */
static void put_clean(struct jw *w, const char *key, struct str s)
{
    struct buf clean;

    buf_init(&clean, 4 * MESSAGE_MAX);
    utf8_put_clean(&clean, s);
    jw_str(w, key, buf_str(&clean));
    buf_fini(&clean);
}

void emu_problem_violation(struct emu_problem *p, struct str field, struct str text)
{
    struct jw w;

    if (!begin(p, VIOLATIONS, 400))
        return;
    if (p->message.n > 0)
        buf_putc(&p->message, '\n');
    buf_put(&p->message, text);
    if (p->rows.n > 0)
        buf_putc(&p->rows, ',');
    jw_begin(&w, &p->rows);
    jw_obj(&w, NULL);
    if (field.n > 0)
        put_clean(&w, "field", field);
    put_clean(&w, "description", text);
    jw_end(&w);
}

void emu_problem_detail(struct emu_problem *p, struct str json)
{
    if (p->details.n > 0)
        buf_putc(&p->details, ',');
    buf_put(&p->details, json);
}

static void put_details(struct jw *w, const struct emu_problem *p)
{
    bool rows = p->rows.n > 0 && p->rows.err == OK;

    if (!rows && p->details.n == 0)
        return;
    jw_arr(w, "details");
    if (rows) {
        jw_obj(w, NULL);
        jw_str(w, "@type", S("type.googleapis.com/google.rpc.BadRequest"));
        jw_arr(w, "fieldViolations");
        jw_raw(w, NULL, buf_str(&p->rows));
        jw_end(w);
        jw_end(w);
    }
    if (p->details.n > 0)
        jw_raw(w, NULL, buf_str(&p->details));
    jw_end(w);
}

void emu_problem_write(const struct emu_problem *p, struct buf *out)
{
    struct jw w;

    jw_begin(&w, out);
    jw_obj(&w, NULL);
    jw_obj(&w, "error");
    jw_int(&w, "code", p->http);
    put_clean(&w, "message", buf_str(&p->message));
    jw_str(&w, "status", str_z(p->status));
    put_details(&w, p);
    jw_end(&w);
    jw_end(&w);
}
