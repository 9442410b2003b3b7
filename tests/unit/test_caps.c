/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_caps.c - the family that a model's name stands for, and how hard it is made to think. */
#include "gemini/caps.h"
#include "gemini/think.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void family_by_name(void **state)
{
    static const struct {
        const char *model, *family;
    } rows[] = {
        {"gemini-2.5-flash",                    "gemini-2.5-flash"      },
        {"gemini-2.5-flash-preview-09-2025",    "gemini-2.5-flash"      },
        {"gemini-2.5-flash-lite",               "gemini-2.5-flash-lite" },
        {"gemini-2.5-pro",                      "gemini-2.5-pro"        },
        {"gemini-2.5-computer-use-preview",     "gemini-3.7-flash"      },
        {"gemini-2.0-flash",                    "gemini-2.0-flash"      },
        {"gemini-1.5-flash-002",                "gemini-2.0-flash"      },
        {"gemini-1.5-pro",                      "gemini-1.5-pro"        },
        {"gemini-3-flash-preview",              "gemini-3-flash"        },
        {"gemini-3.5-flash",                    "gemini-3.5-flash"      },
        {"gemini-3.6-flash",                    "gemini-3.6-flash"      },
        {"gemini-3.7-flash",                    "gemini-3.7-flash"      },
        {"gemini-3.8-flash",                    "gemini-3.7-flash"      },
        {"gemini-3.10-flash",                   "gemini-3.7-flash"      },
        {"gemini-12-flash",                     "gemini-3.7-flash"      },
        {"gemini-flash-latest",                 "gemini-3.7-flash"      },
        {"gemini-flash-lite-latest",            "gemini-3.7-flash-lite" },
        {"gemini-pro-latest",                   "gemini-3.6-pro"        },
        {"gemini-3.1-flash-lite",               "gemini-3.1-flash-lite" },
        {"gemini-3.5-flash-lite",               "gemini-3.5-flash-lite" },
        {"gemini-3.1-pro-preview-customtools",  "gemini-3.1-pro"        },
        {"gemini-3-pro-preview",                "gemini-3.1-pro"        },
        {"gemini-4-argon",                      "gemini-4-argon"        },
        {"gemini-4-argon-cyber-permissive",     "gemini-4-argon"        },
        {"gemini-nano-banana-2.1",              "gemini-nano-banana"    },
        {"gemini-2.5-flash-image",              "gemini-2.5-flash-image"},
        {"gemini-3.1-flash-lite-image",         "gemini-3-pro-image"    },
        {"gemini-3-pro-image",                  "gemini-3-pro-image"    },
        {"gemini-2.5-flash-preview-tts",        "gemini-3.8-flash-tts"  },
        {"gemini-3.5-transcribe",               "gemini-3.5-transcribe" },
        {"gemini-embedding-001",                "gemini-embedding-2"    },
        {"gemini-robotics-er-1.6-preview",      "gemini-robotics-er"    },
        {"gemma-4-31b-it",                      "gemma-4"               },
        {"Gemini-2.5-Flash",                    "gemini-2.5-flash"      },
        {"tunedModels/my-1-thing",              "gemini-3.7-flash"      },
        {"something-1.0",                       "gemini-3.7-flash"      },
        {"",                                    "gemini-3.7-flash"      },
        {"gemini-99999999999999999999.9-flash", "gemini-3.7-flash"      },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++)
        assert_string_equal(gm_caps_of(str_z(rows[i].model))->family, rows[i].family);
}

/* Rules that every row must keep, the ones to come as well. */
static void rows_agree_with_themselves(void **state)
{
    const struct gm_caps *c;

    (void)state;
    for (size_t i = 0; (c = gm_caps_row(i)) != NULL; i++) {
        const struct gm_thinking *t = &c->thinking;

        assert_true(c->out_tokens > 0);
        assert_true(!gm_can(c, GM_CAN_JSON_TOOLS) || gm_can(c, GM_CAN_JSON));
        assert_true(!gm_can(c, GM_CAN_MIX_TOOLS) || gm_can(c, GM_CAN_TOOLS));
        assert_true(!gm_can(c, GM_NEEDS_SIGNATURE) || gm_can(c, GM_CAN_TOOLS));
        assert_int_equal(t->control == GM_LEVEL, t->levels != 0);
        assert_int_equal(t->control == GM_BUDGET, t->budget_max > 0);
        assert_true(t->budget_min <= t->budget_max && t->by_default >= 0);
    }
    assert_null(gm_caps_row(10000));
}

static void efforts(void **state)
{
    static const struct {
        const char *model;
        enum gm_effort effort;
        int64_t budget;
        enum gm_control control;
        int value; /* the budget or the level */
        bool changed;
    } rows[] = {
        {"gemini-2.5-flash",       GM_EFFORT_UNSAID,  -2,        GM_NO_CONTROL, 0,          false},
        {"gemini-2.5-flash",       GM_EFFORT_NONE,    -2,        GM_BUDGET,     0,          false},
        {"gemini-2.5-flash",       GM_EFFORT_MAX,     -2,        GM_BUDGET,     24576,      true },
        {"gemini-2.5-flash",       GM_EFFORT_LOW,     5000,      GM_BUDGET,     5000,       false},
        {"gemini-2.5-flash",       GM_EFFORT_LOW,     -1,        GM_NO_CONTROL, 0,          false},
        {"gemini-2.5-flash",       GM_EFFORT_UNSAID,  INT64_MAX, GM_BUDGET,     24576,      true },
        {"gemini-2.5-pro",         GM_EFFORT_NONE,    -2,        GM_BUDGET,     128,        true },
        {"gemini-2.5-flash-lite",  GM_EFFORT_UNSAID,  1,         GM_BUDGET,     512,        true },
        {"gemini-2.5-flash-lite",  GM_EFFORT_UNSAID,  0,         GM_BUDGET,     0,          false},
        {"gemini-3.5-flash",       GM_EFFORT_MINIMAL, -2,        GM_LEVEL,      GM_MINIMAL, false},
        {"gemini-3.5-flash",       GM_EFFORT_NONE,    -2,        GM_LEVEL,      GM_MINIMAL, true },
        {"gemini-3.8-flash",       GM_EFFORT_MINIMAL, -2,        GM_LEVEL,      GM_LOW,     true },
        {"gemini-3.8-flash",       GM_EFFORT_HIGH,    -2,        GM_LEVEL,      GM_HIGH,    false},
        {"gemini-3.8-flash",       GM_EFFORT_MAX,     -2,        GM_LEVEL,      GM_HIGH,    true },
        {"gemini-3.8-flash",       GM_EFFORT_UNSAID,  0,         GM_LEVEL,      GM_LOW,     true },
        {"gemini-3.8-flash",       GM_EFFORT_UNSAID,  4096,      GM_LEVEL,      GM_LOW,     true },
        {"gemini-3.8-flash",       GM_EFFORT_UNSAID,  4097,      GM_LEVEL,      GM_MEDIUM,  true },
        {"gemini-3.8-flash",       GM_EFFORT_UNSAID,  99999,     GM_LEVEL,      GM_HIGH,    true },
        {"gemini-nano-banana-2.1", GM_EFFORT_LOW,     -2,        GM_LEVEL,      GM_MEDIUM,  true },
        {"gemma-4-31b-it",         GM_EFFORT_HIGH,    -2,        GM_NO_CONTROL, 0,          true },
        {"gemma-4-31b-it",         GM_EFFORT_NONE,    -2,        GM_NO_CONTROL, 0,          false},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        const struct gm_think_want want = {rows[i].effort, rows[i].budget, true};
        struct gm_think t = gm_think_for(gm_caps_of(str_z(rows[i].model)), &want);

        assert_int_equal(t.control, rows[i].control);
        assert_int_equal(t.changed, rows[i].changed);
        if (t.control == GM_BUDGET)
            assert_int_equal(t.budget, rows[i].value);
        if (t.control == GM_LEVEL)
            assert_int_equal(t.level, rows[i].value);
        assert_true(t.allowance >= 0 && t.allowance <= 65536);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(family_by_name),
        cmocka_unit_test(rows_agree_with_themselves),
        cmocka_unit_test(efforts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
