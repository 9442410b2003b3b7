/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_retry.c - what a failure means for the key, and whether the request is sent again. */
#include "proxy/retry.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void policy(void **state)
{
    static const struct {
        enum gm_cause cause;
        enum key_outcome blame;
        bool first, second, own_key; /* again after the 1st, the 2nd, with an own key? */
    } rows[] = {
        {GM_BAD_REQUEST, KEY_SERVED,    false, false, false},
        {GM_KEY_INVALID, KEY_REFUSED,   true,  true,  false},
        {GM_LOCATION,    KEY_BLAMELESS, false, false, false},
        {GM_RATE,        KEY_LIMITED,   true,  true,  false},
        {GM_INTERNAL,    KEY_BLAMELESS, true,  false, true },
        {GM_OVERLOADED,  KEY_BLAMELESS, true,  true,  true },
        {GM_DEADLINE,    KEY_BLAMELESS, false, false, false},
        {GM_UNREACHABLE, KEY_BLAMELESS, true,  true,  true },
        {GM_BROKEN,      KEY_BLAMELESS, true,  false, true },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        const struct gm_error e = {.set = true, .cause = rows[i].cause};
        struct retry_state s = {.attempts_made = 1, .attempts_max = 3, .random = 12345};
        uint32_t after_ms = 0;

        assert_int_equal(retry_blame(&e), rows[i].blame);
        assert_int_equal(retry_again(&e, &s, &after_ms), rows[i].first);
        s.own_key = true;
        assert_int_equal(retry_again(&e, &s, &after_ms), rows[i].own_key);
        s.own_key = false;
        s.attempts_made = 2;
        assert_int_equal(retry_again(&e, &s, &after_ms), rows[i].second);
        s.attempts_made = 3;
        assert_false(retry_again(&e, &s, &after_ms));
        s.attempts_made = 1;
        s.answer_began = true;
        assert_false(retry_again(&e, &s, &after_ms));
    }
}

static void pauses_grow_and_jitter(void **state)
{
    const struct gm_error e = {.set = true, .cause = GM_OVERLOADED};
    uint32_t after_ms;

    (void)state;
    for (uint32_t random = 0; random < 5000; random += 7) {
        struct retry_state s = {.attempts_made = 1, .attempts_max = 5, .random = random};

        assert_true(retry_again(&e, &s, &after_ms));
        assert_in_range(after_ms, 200, 400);
        s.attempts_made = 3;
        assert_true(retry_again(&e, &s, &after_ms));
        assert_in_range(after_ms, 800, 1600);
    }
}

static void transport_failures(void **state)
{
    static const struct {
        struct client_fault fault;
        enum gm_cause cause;
    } rows[] = {
        {{E_TIMEOUT, CLIENT_DNS, "x"},     GM_UNREACHABLE},
        {{E_REFUSED, CLIENT_CONNECT, "x"}, GM_UNREACHABLE},
        {{E_SYNTAX, CLIENT_TLS, NULL},     GM_UNREACHABLE},
        {{E_TIMEOUT, CLIENT_HEAD, "x"},    GM_DEADLINE   },
        {{E_TIMEOUT, CLIENT_BODY, "x"},    GM_DEADLINE   },
        {{E_CLOSED, CLIENT_HEAD, "x"},     GM_BROKEN     },
        {{E_UPSTREAM, CLIENT_BODY, "x"},   GM_BROKEN     },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct gm_error e;

        retry_error_of(&e, &rows[i].fault);
        assert_int_equal(e.cause, rows[i].cause);
        assert_true(e.client_status >= 500);
        assert_true(e.message[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy),
        cmocka_unit_test(pauses_grow_and_jitter),
        cmocka_unit_test(transport_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
