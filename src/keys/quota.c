/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* quota.c - reading ids, values and delays. Must not know what was counted, nor which key it was.
 */
#include "keys/quota.h"

enum {
    WAIT_MIN_MS = 1000, /* UPS-2 */
    WAIT_MAX_MS = 24 * 3600 * 1000,
    TERMS_MAX = 4, /* of a duration: hours, minutes, seconds, parts; more could overflow */
};

static const char *const WHY[KEY_WHYS] = {
    [KEY_WELL] = "well",
    [KEY_OVER_RPM] = "requests a minute",
    [KEY_OVER_TPM] = "prompt tokens a minute",
    [KEY_OVER_RPD] = "requests a day",
    [KEY_OVER_TPD] = "prompt tokens a day",
    [KEY_OVER_UNNAMED] = "a limit that upstream does not name",
    [KEY_NO_QUOTA] = "no quota for this model",
    [KEY_PROBED] = "being tried again",
    [KEY_NO_CREDIT] = "prepaid credit used up",
    [KEY_INVALID] = "key not valid",
    [KEY_FORBIDDEN] = "key not allowed",
    [KEY_LEAKED] = "key leaked",
};

const char *key_why_text(enum key_why why)
{
    return WHY[why];
}

int quota_kind_of(struct str id)
{
    bool tokens = str_contains_nocase(id, S("Token"));
    bool requests = str_contains_nocase(id, S("Request"));

    if (tokens == requests) /* images, spending, or a word yet to come */
        return -1;
    if (str_contains_nocase(id, S("PerDay")))
        return tokens ? QUOTA_TPD : QUOTA_RPD;
    if (str_contains_nocase(id, S("PerMinute")))
        return tokens ? QUOTA_TPM : QUOTA_RPM;
    return -1;
}

static const struct {
    struct str name;
    uint64_t us;
} UNIT[] = {
    {S_INIT("ms"),  1000      },
    {S_INIT("us"),  1         },
    {S_INIT("µs"), 1         },
    {S_INIT("ns"),  0         }, /* it is rounded up anyway */
    {S_INIT("h"),   3600000000},
    {S_INIT("m"),   60000000  },
    {S_INIT("s"),   1000000   },
};

/* The whole digits in front, cut off. At most nine: more is no duration. */
static bool take_digits(struct str *s, uint64_t *ret, size_t *ret_n)
{
    size_t n = 0;
    bool ok;

    while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
        n++;
    ok = n <= 9 && (n == 0 || str_u64(str_sub(*s, 0, n), UINT32_MAX, ret));
    *s = str_skip(*s, n);
    *ret_n = n;
    return ok;
}

static uint64_t unit_us(struct str *s, bool *ret_known)
{
    for (size_t i = 0; i < NELEM(UNIT); i++) {
        if (!str_starts(*s, UNIT[i].name))
            continue;
        *s = str_skip(*s, UNIT[i].name.n);
        *ret_known = true;
        return UNIT[i].us;
    }
    *ret_known = false;
    return 0;
}

/* One "12.3s" of a duration, cut off, added up in microseconds. */
static bool take_term(struct str *s, uint64_t *us)
{
    uint64_t whole = 0;
    uint64_t part = 0;
    uint64_t unit;
    size_t nwhole;
    size_t npart = 0;
    bool known;

    if (!take_digits(s, &whole, &nwhole))
        return false;
    if (str_starts(*s, S("."))) {
        *s = str_skip(*s, 1);
        if (!take_digits(s, &part, &npart))
            return false;
    }
    unit = unit_us(s, &known);
    if (nwhole + npart == 0 || !known)
        return false;
    *us += whole * unit;
    part *= unit;
    for (size_t i = 0; i < npart; i++)
        part = (part + 9) / 10;
    *us += part;
    return true;
}

/* The longest duration in front of s. */
static uint64_t duration_in_front(struct str s, size_t *ret_n)
{
    uint64_t us = 0;
    uint64_t best = 0;
    struct str rest = s;

    *ret_n = 0;
    for (int terms = 0; terms < TERMS_MAX && take_term(&rest, &us); terms++) {
        best = us;
        *ret_n = s.n - rest.n;
    }
    return (best + 999) / 1000;
}

uint64_t quota_duration_ms(struct str s)
{
    size_t n;
    uint64_t ms = duration_in_front(s, &n);

    return n == s.n ? ms : 0;
}

uint64_t quota_retry_ms(struct str message)
{
    static const struct str words = S_INIT("retry in ");
    size_t at = str_find(message, words);
    size_t n;

    return duration_in_front(str_skip(message, at + words.n), &n);
}

/* The delay is told twice, the text with its fraction, RetryInfo often cut to whole seconds: the
 * later one is true, and a whole number may have lost a fraction. */
static uint64_t wait_of(const struct key_failure *f)
{
    uint64_t text = quota_retry_ms(f->message);
    uint64_t ms = f->retry_ms > text ? f->retry_ms : text;

    if (ms == 0)
        return 0;
    if (ms % 1000 == 0)
        ms += 1000;
    if (ms < WAIT_MIN_MS)
        return WAIT_MIN_MS;
    return ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS;
}

/* Of the day before the minute, of requests before tokens. */
static enum key_why gravest(const struct quota_verdict *v)
{
    static const enum quota_kind order[] = {QUOTA_RPD, QUOTA_TPD, QUOTA_RPM, QUOTA_TPM};

    for (size_t i = 0; i < NELEM(order); i++)
        if (v->over[order[i]])
            return (enum key_why)(KEY_OVER_RPM + order[i]);
    return KEY_OVER_UNNAMED;
}

struct quota_verdict quota_judge(const struct key_failure *f)
{
    struct quota_verdict v = {.wait_ms = wait_of(f), .model = S("")};
    bool none = false;

    for (size_t i = 0; i < f->nv && i < KEY_VIOLATIONS_MAX; i++) {
        const struct key_violation *one = &f->v[i];
        int kind = quota_kind_of(one->id);

        if (v.model.n == 0)
            v.model = one->model;
        none = none || (one->valued && one->value == 0);
        if (kind < 0)
            continue;
        v.over[kind] = true;
        if (one->valued && (v.learned[kind] == 0 || one->value < v.learned[kind]))
            v.learned[kind] = one->value;
    }
    v.why = none ? KEY_NO_QUOTA : gravest(&v);
    if (v.why >= KEY_OVER_RPM && v.why <= KEY_OVER_TPD)
        v.limit = v.learned[v.why - KEY_OVER_RPM];
    return v;
}
