/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* script.c - a list of steps, the first that fits counts. Must not know what a fault does. */
#include "demo/script.h"
#include "codec/json_write.h"

enum { SCRIPT_MAX = 1 << 20, FAULT_MAX = 128, DELAY_MAX = 3600 * 1000 };
#define FOREVER   UINT64_MAX
#define COUNT_MAX 1000000000

void emu_script_init(struct emu_script *s)
{
    s->n = 0;
    arena_init(&s->arena, SCRIPT_MAX);
}

void emu_script_fini(struct emu_script *s)
{
    arena_fini(&s->arena);
    s->n = 0;
}

static bool read_fault(struct emu_fault *f, struct str name, struct arena *a)
{
    struct buf full;
    struct str kept;

    buf_init(&full, FAULT_MAX);
    buf_lit(&full, "emulate-");
    buf_put(&full, name);
    kept = full.err == OK ? arena_dup(a, buf_str(&full)) : S("");
    buf_fini(&full);
    return emu_fault_parse(kept, f);
}

static enum err read_count(yyjson_val *v, int64_t most, int64_t usual, uint64_t *ret,
                           struct fault *why)
{
    int64_t n = usual;

    if (v != NULL && !jr_int(v, -1, most, &n))
        return fault_set(why, E_RANGE, "must be a count", v);
    *ret = n < 0 ? FOREVER : (uint64_t)n;
    return OK;
}

static enum err read_step(struct emu_script *s, yyjson_val *v, struct fault *why)
{
    struct str fault = jr_str(v, "fault");
    struct emu_step *step = &s->step[s->n];
    uint64_t delay = 0;
    enum err err;

    if (s->n == EMU_STEPS_MAX)
        return fault_set(why, E_TOOBIG, "is one step too many", v);
    *step = (struct emu_step){.fault = {.kind = EMU_FINE}};
    step->key = arena_dup(&s->arena, jr_str(v, "key"));
    step->model = arena_dup(&s->arena, jr_str(v, "model"));
    if (fault.n > 0 && !read_fault(&step->fault, fault, &s->arena))
        return fault_set(why, E_FIELD, "names no fault", v);
    err = read_count(jr_get(v, "skip"), COUNT_MAX, 0, &step->skip, why);
    if (err == OK)
        err = read_count(jr_get(v, "count"), COUNT_MAX, 1, &step->count, why);
    if (err == OK)
        err = read_count(jr_get(v, "delay_ms"), DELAY_MAX, 0, &delay, why);
    step->delay_ms = delay < DELAY_MAX ? (uint32_t)delay : DELAY_MAX;
    s->n++;
    return err;
}

enum err emu_script_set(struct emu_script *s, yyjson_val *steps, struct fault *why)
{
    yyjson_val *list = jr_get(steps, "steps");
    struct emu_script fresh;
    enum err err = OK;

    if (list == NULL || !yyjson_is_arr(list))
        return fault_set(why, E_FIELD, "must be an object with a list of steps", steps);
    emu_script_init(&fresh);
    jr_each (v, list) {
        if (err == OK)
            err = read_step(&fresh, v, why);
    }
    if (err != OK) {
        emu_script_fini(&fresh);
        return err;
    }
    emu_script_fini(s);
    *s = fresh;
    return OK;
}

const struct emu_step *emu_script_next(struct emu_script *s, struct str key, struct str model)
{
    for (size_t i = 0; i < s->n; i++) {
        struct emu_step *step = &s->step[i];

        if ((step->key.n > 0 && !str_eq(step->key, key)) ||
            (step->model.n > 0 && !str_eq(step->model, model)) || step->count == 0)
            continue;
        if (step->skip > 0) {
            step->skip--;
            continue;
        }
        if (step->count != FOREVER)
            step->count--;
        return step;
    }
    return NULL;
}

void emu_script_put(const struct emu_script *s, struct buf *out)
{
    uint64_t left = 0;
    struct jw w;

    for (size_t i = 0; i < s->n; i++)
        left += s->step[i].count == FOREVER ? 0 : s->step[i].count;
    jw_begin(&w, out);
    jw_obj(&w, NULL);
    jw_u64(&w, "left", left);
    jw_end(&w);
}
