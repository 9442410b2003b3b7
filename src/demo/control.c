/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* control.c - a row for each place. What is told is JSON; what is wrong with it is a 400. */
#include "demo/control.h"
#include "base/mem.h"
#include "codec/json_read.h"
#include "codec/json_write.h"

enum { ANSWER_MAX = 64 << 20, TOLD_MAX = 256 * 1024 };
#define YEARS_MS (INT64_C(100) * 366 * 24 * 3600 * 1000)

static void show_state(struct emu_house *h, struct buf *out)
{
    emu_journal_put_state(&h->journal, out);
}

static void show_requests(struct emu_house *h, struct buf *out)
{
    emu_journal_put_requests(&h->journal, out);
}

static void show_quotas(struct emu_house *h, struct buf *out)
{
    emu_quotas_put(h->quotas, emu_house_wall_ms(h), out);
}

static void show_script(struct emu_house *h, struct buf *out)
{
    emu_script_put(&h->script, out);
}

static void show_clock(struct emu_house *h, struct buf *out)
{
    struct jw w;

    jw_begin(&w, out);
    jw_obj(&w, NULL);
    jw_int(&w, "wall_ms", emu_house_wall_ms(h));
    jw_int(&w, "ahead_ms", h->ahead_ms);
    jw_end(&w);
}

static enum err forget(struct emu_house *h, yyjson_val *told, struct fault *why)
{
    (void)told;
    (void)why;
    emu_journal_reset(&h->journal);
    emu_quotas_forget(h->quotas);
    emu_script_fini(&h->script);
    return OK;
}

static enum err set_quotas(struct emu_house *h, yyjson_val *told, struct fault *why)
{
    return emu_quotas_set(h->quotas, told, why);
}

static enum err set_script(struct emu_house *h, yyjson_val *told, struct fault *why)
{
    return emu_script_set(&h->script, told, why);
}

static enum err move_clock(struct emu_house *h, yyjson_val *told, struct fault *why)
{
    int64_t n;

    if (jr_int(jr_get(told, "advance_ms"), -YEARS_MS, YEARS_MS, &n))
        h->ahead_ms += n;
    else if (jr_int(jr_get(told, "wall_ms"), 0, YEARS_MS, &n))
        h->ahead_ms += n - emu_house_wall_ms(h);
    else
        return fault_set(why, E_FIELD, "needs advance_ms or wall_ms", told);
    return OK;
}

static const struct {
    enum emu_place place;
    enum err (*tell)(struct emu_house *, yyjson_val *, struct fault *); /* NULL: GET */
    void (*show)(struct emu_house *, struct buf *);
} PLACES[] = {
    {EMU_AT_STATE,      NULL,       show_state   },
    {EMU_AT_REQUESTS,   NULL,       show_requests},
    {EMU_AT_RESET,      forget,     show_state   },
    {EMU_AT_QUOTAS,     NULL,       show_quotas  },
    {EMU_AT_SET_QUOTAS, set_quotas, show_quotas  },
    {EMU_AT_SCRIPT,     NULL,       show_script  },
    {EMU_AT_SET_SCRIPT, set_script, show_script  },
    {EMU_AT_CLOCK,      NULL,       show_clock   },
    {EMU_AT_SET_CLOCK,  move_clock, show_clock   },
};

/* One that tells something: alive until its body has come. */
struct told {
    struct emu_house *house;
    struct call *call;
    size_t place; /* in PLACES */
    struct task over;
};

static void show(struct emu_house *h, struct call *call, size_t place)
{
    struct buf body;

    buf_init(&body, ANSWER_MAX);
    PLACES[place].show(h, &body);
    emu_reply(call, 200, buf_str(&body), true);
    buf_fini(&body);
}

static void reply_wrong(struct call *call, const struct fault *why)
{
    struct emu_problem p;
    struct buf body;

    buf_init(&body, TOLD_MAX);
    emu_problem_init(&p);
    emu_refuse(&p, 400, "%s", why->what != NULL ? why->what : "is no JSON");
    emu_problem_write(&p, &body);
    emu_reply(call, 400, buf_str(&body), true);
    emu_problem_fini(&p);
    buf_fini(&body);
}

static void free_told(struct task *t)
{
    mem_free(CONTAINER(t, struct told, over));
}

static void on_body(void *owner, char *body, size_t n)
{
    struct told *t = owner;
    struct fault why = {0};
    struct json json;
    enum err err = E_TOOBIG;

    json_init(&json);
    if (n <= TOLD_MAX)
        err = json_parse_copy(&json, n > 0 ? str_of(body, n) : S("{}"), NULL, &why);
    if (err == OK)
        err = PLACES[t->place].tell(t->house, json.root, &why);
    json_fini(&json);
    if (err == OK)
        show(t->house, t->call, t->place);
    else
        reply_wrong(t->call, &why);
    loop_defer(t->house->loop, &t->over);
}

static void on_drain(void *owner)
{
    (void)owner;
}

static void on_gone(void *owner)
{
    struct told *t = owner;

    loop_defer(t->house->loop, &t->over);
}

static const struct call_events TOLD_EVENTS = {on_body, on_drain, on_gone};

void emu_control(struct emu_house *h, struct call *call, enum emu_place place)
{
    struct told *t;
    size_t i = 0;

    while (PLACES[i].place != place)
        i++;
    if (PLACES[i].tell == NULL) {
        show(h, call, i);
        return;
    }
    t = mem_zalloc(sizeof *t);
    t->house = h;
    t->call = call;
    t->place = i;
    task_init(&t->over, free_told);
    call_bind(call, &TOLD_EVENTS, t);
    call_want_body(call);
}
