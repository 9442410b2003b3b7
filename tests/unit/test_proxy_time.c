/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_proxy_time.c - the two clocks that proxy/ tells keys/ of, where they part: in a process that
 * was frozen, and when somebody sets the wall's. Both are the test's own. */
#include "proxy/proxy.h"

#include "fake_net.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int64_t wall_s;

/* base/clock.h */

uint64_t clock_mono_ns(void)
{
    return 0;
}

uint64_t clock_mono_ms(void)
{
    return 0;
}

int64_t clock_wall_s(void)
{
    return wall_s;
}

int64_t clock_wall_ms(void)
{
    return wall_s * 1000;
}

static void told(struct proxy *p, uint64_t ms, int64_t s)
{
    struct key_now now = proxy_now(p);

    assert_int_equal(now.ms, ms);
    assert_int_equal(now.wall_s, s);
}

/* LIM-17: a night in the same millisecond of the loop. The day's quota is another one's then. */
static void the_wall_goes_on_alone(void **state)
{
    enum { NIGHT_S = 8 * 3600 };
    struct loop *loop = fake_loop();
    struct proxy p = {.loop = loop};
    uint64_t ms = loop_now_ms(loop);

    (void)state;
    wall_s = 1795557600;
    told(&p, ms, wall_s);
    wall_s += NIGHT_S;
    told(&p, ms, wall_s);
    wall_s -= 2 * NIGHT_S; /* set back */
    told(&p, ms, wall_s);
    loop->now_ms += 5;
    told(&p, ms + 5, wall_s);
    fake_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wall_goes_on_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
