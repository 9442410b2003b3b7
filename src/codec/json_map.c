/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* json_map.c - applies tables of fields, and the common ways for a field to cross. Must not know
 * any field's name. */
#include "codec/json_map.h"
#include "codec/utf8.h"

void jm_fault(struct jm *m, yyjson_val *at, enum err code, const char *what)
{
    fault_set(m->why, code, what, at);
}

/* Did a row before this one write the same target? `have`: the rows that are there. */
static bool is_taken(const struct jm_table *t, uint64_t have, size_t row)
{
    for (size_t i = 0; i < row; i++)
        if ((have >> i & 1) && t->rows[i].to != NULL && strcmp(t->rows[i].to, t->rows[row].to) == 0)
            return true;
    return false;
}

bool jm_note(struct jm_found *f, struct jm_table *t, yyjson_val *key)
{
    int row = jn_find(&t->names, key);
    uint64_t bit;

    if (row < 0)
        return false;
    bit = (uint64_t)1 << row;
    if (f->seen & bit)
        return true;
    f->seen |= bit;
    f->have |= yyjson_is_null(key + 1) ? 0 : bit;
    f->v[row] = key + 1;
    return true;
}

void jm_apply(struct jm *m, const struct jm_table *t, const struct jm_found *f)
{
    for (uint64_t left = f->have; left != 0; left &= left - 1) {
        size_t i = (size_t)__builtin_ctzll(left);
        const struct jm_row *row = &t->rows[i];

        if (row->put == jm_skip)
            continue;
        if (row->to != NULL && is_taken(t, f->have, i))
            jm_ignore(m, row, f->v[i]);
        else
            row->put(m, row, f->v[i]);
    }
}

static bool number_in_range(struct jm *m, const struct jm_row *row, yyjson_val *v, double d)
{
    if (d < row->lowest)
        jm_fault(m, v, E_RANGE, "is below the lowest value allowed");
    else if (d > row->highest)
        jm_fault(m, v, E_RANGE, "is above the highest value allowed");
    else
        return true;
    return false;
}

void jm_num(struct jm *m, const struct jm_row *row, yyjson_val *v)
{
    double d;

    if (!jr_is_num(v))
        jm_fault(m, v, E_FIELD, "must be a number");
    else if (!jr_num(v, &d))
        jm_fault(m, v, E_RANGE, "is out of range");
    else if (number_in_range(m, row, v, d))
        jw_copy(m->w, row->to, v);
}

static bool has_fraction(double d)
{
    const double whole = 9007199254740992.0; /* 2^53: from there on every double is an integer */

    return d > -whole && d < whole && (double)(int64_t)d != d;
}

/* JSON Schema's integer: 1.0 and 1e2 are whole numbers too; they are written as 1 and 100. */
void jm_int(struct jm *m, const struct jm_row *row, yyjson_val *v)
{
    int64_t i;
    double d;

    if (!jr_is_num(v) || (jr_num(v, &d) && has_fraction(d)))
        jm_fault(m, v, E_FIELD, "must be a whole number");
    else if (!jr_num(v, &d))
        jm_fault(m, v, E_RANGE, "is out of range");
    else if (!number_in_range(m, row, v, d))
        return;
    else if (!jr_int(v, INT64_MIN, INT64_MAX, &i))
        jm_fault(m, v, E_RANGE, "is out of range");
    else
        jw_int(m->w, row->to, i);
}

void jm_bool(struct jm *m, const struct jm_row *row, yyjson_val *v)
{
    if (yyjson_is_bool(v))
        jw_bool(m->w, row->to, unsafe_yyjson_get_bool(v));
    else
        jm_fault(m, v, E_FIELD, "must be true or false");
}

void jm_str(struct jm *m, const struct jm_row *row, yyjson_val *v)
{
    double count = (double)utf8_count(jr_text(v));

    if (!yyjson_is_str(v))
        jm_fault(m, v, E_FIELD, "must be a string");
    else if (count < row->lowest)
        jm_fault(m, v, E_RANGE, "is too short");
    else if (row->highest > 0 && count > row->highest)
        jm_fault(m, v, E_RANGE, "is too long");
    else
        jw_str(m->w, row->to, jr_text(v));
}

/* How many strings there are to write, or -1 after a fault. */
static double count_strs(struct jm *m, yyjson_val *v)
{
    size_t count = 0;

    if (yyjson_is_str(v))
        return jr_text(v).n > 0;
    if (!yyjson_is_arr(v)) {
        jm_fault(m, v, E_FIELD, "must be a string or a list of strings");
        return -1;
    }
    jr_each (item, v) {
        if (!yyjson_is_str(item)) {
            jm_fault(m, item, E_FIELD, "must be a string");
            return -1;
        }
        count += jr_text(item).n > 0;
    }
    return (double)count;
}

/* More items came than are written. */
static void ignore_rest(struct jm *m, const struct jm_row *row, yyjson_val *v)
{
    jm_ignore(m, row, v);
    if (m->ignored != NULL)
        buf_putf(m->ignored, "=first_%u", (unsigned)row->highest);
}

void jm_strs(struct jm *m, const struct jm_row *row, yyjson_val *v)
{
    double count = count_strs(m, v);
    double left = row->highest > 0 && count > row->highest ? row->highest : count;

    if (count <= 0)
        return;
    if (count < row->lowest) {
        jm_fault(m, v, E_RANGE, "has too few items");
        return;
    }
    if (left < count)
        ignore_rest(m, row, v);
    jw_arr(m->w, row->to);
    if (yyjson_is_str(v))
        jw_str(m->w, NULL, jr_text(v));
    jr_each (item, v) {
        if (jr_text(item).n > 0 && left-- > 0)
            jw_str(m->w, NULL, jr_text(item));
    }
    jw_end(m->w);
}

void jm_copy(struct jm *m, const struct jm_row *row, yyjson_val *v)
{
    jw_copy(m->w, row->to, v);
}

void jm_refuse(struct jm *m, const struct jm_row *row, yyjson_val *v)
{
    (void)row;
    jm_fault(m, v, E_FIELD, "is not supported");
}

void jm_ignore(struct jm *m, const struct jm_row *row, yyjson_val *v)
{
    (void)v;
    if (m->ignored == NULL)
        return;
    if (m->ignored->n > 0)
        buf_putc(m->ignored, ',');
    buf_put(m->ignored, str_z(row->from));
}

void jm_skip(struct jm *m, const struct jm_row *row, yyjson_val *v)
{
    (void)m;
    (void)row;
    (void)v;
}
