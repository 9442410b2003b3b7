/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_keys_quota.c - ids, delays and whole refusals, as they were seen or may come. */
#include "keys/quota.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void ids(void **state)
{
    static const struct {
        const char *id;
        int kind;
    } rows[] = {
        {"GenerateRequestsPerMinutePerProjectPerModel-FreeTier", QUOTA_RPM},
        {"GenerateRequestsPerMinutePerProjectPerModel",          QUOTA_RPM},
        {"GenerateContentRequestsPerMinutePerProjectPerRegion",  QUOTA_RPM},
        {"EmbedContentRequestsPerMinutePerProjectPerModel",      QUOTA_RPM},
        {"GenerateRequestsPerDayPerProjectPerModel-FreeTier",    QUOTA_RPD},
        {"GenerateRequestsPerDayPerProjectPerModel",             QUOTA_RPD},
        {"GenerateContentInputTokensPerModelPerMinute-FreeTier", QUOTA_TPM},
        {"GenerateContentPaidTierInputTokensPerModelPerMinute",  QUOTA_TPM},
        {"GenerateContentInputTokensPerModelPerDay-FreeTier",    QUOTA_TPD},
        {"generaterequestsperdayperprojectpermodel",             QUOTA_RPD},
        {"",                                                     -1       },
        {"GenerateImagesPerMinutePerProjectPerModel",            -1       },
        {"SpendPerTenMinutesPerProject",                         -1       },
        {"GenerateRequestsPerHourPerProject",                    -1       },
        {"RequestTokensPerMinute",                               -1       },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++)
        if (quota_kind_of(str_z(rows[i].id)) != rows[i].kind)
            fail_msg("%s: %d", rows[i].id, quota_kind_of(str_z(rows[i].id)));
}

static void durations(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } rows[] = {
        {"34s",                                                34000            },
        {"34.4s",                                              34400            },
        {"48.939935699s",                                      48940            },
        {"0.0001s",                                            1                },
        {"651.2ms",                                            652              },
        {"383.913264ms",                                       384              },
        {"7h38m12.3s",                                         27492300         },
        {"59m36s",                                             3576000          },
        {"1h",                                                 3600000          },
        {"12us",                                               1                },
        {"\xc2\xb5s",                                          0                },
        {"5\xc2\xb5s",                                         1                },
        {"100ns",                                              0                },
        {"0s",                                                 0                },
        {"",                                                   0                },
        {"s",                                                  0                },
        {".s",                                                 0                },
        {"34",                                                 0                },
        {"-34s",                                               0                },
        {"34 s",                                               0                },
        {"34x",                                                0                },
        {"1e9s",                                               0                },
        {"34s and more",                                       0                },
        {"999999999h999999999h999999999h999999999h",           14399999985600000},
        {"999999999h999999999h999999999h999999999h999999999h", 0                },
        {"9999999999s",                                        0                },
        {"1.9999999999s",                                      0                },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++)
        if (quota_duration_ms(str_z(rows[i].text)) != rows[i].ms)
            fail_msg("%s: %llu", rows[i].text,
                     (unsigned long long)quota_duration_ms(str_z(rows[i].text)));
}

static void texts(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } rows[] = {
        {"You exceeded your current quota.\n* Quota exceeded for metric: x, limit: 20\nPlease "
         "retry in 24.046947039s.",                24047   },
        {"Please retry in 383.9ms.",                        384     },
        {"Please retry in 16h33m3.9s",                      59583900},
        {"retry in 5s, or retry in 9s",                     5000    },
        {"Please retry in a while.",                        0       },
        {"Please retry in ",                                0       },
        {"Please retry in 12",                              0       },
        {"Resource has been exhausted (e.g. check quota).", 0       },
        {"",                                                0       },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++)
        if (quota_retry_ms(str_z(rows[i].text)) != rows[i].ms)
            fail_msg("%s: %llu", rows[i].text,
                     (unsigned long long)quota_retry_ms(str_z(rows[i].text)));
}

#define ID_RPM S_INIT("GenerateRequestsPerMinutePerProjectPerModel-FreeTier")
#define ID_RPD S_INIT("GenerateRequestsPerDayPerProjectPerModel-FreeTier")
#define ID_TPM S_INIT("GenerateContentInputTokensPerModelPerMinute-FreeTier")
#define ID_TPD S_INIT("GenerateContentInputTokensPerModelPerDay-FreeTier")
#define MODEL  S_INIT("gemini-2.5-flash")

static const struct key_violation RPM_10 = {ID_RPM, MODEL, true, 10};
static const struct key_violation RPM = {ID_RPM, MODEL, false, 0};
static const struct key_violation RPM_0 = {ID_RPM, MODEL, true, 0};
static const struct key_violation RPD_250 = {ID_RPD, MODEL, true, 250};
static const struct key_violation RPD_0 = {ID_RPD, MODEL, true, 0};
static const struct key_violation TPM_9 = {ID_TPM, MODEL, true, 9};
static const struct key_violation TPM_7 = {ID_TPM, MODEL, true, 7};
static const struct key_violation TPD_900 = {ID_TPD, MODEL, true, 900};
static const struct key_violation SPEND = {S_INIT("Spend"), MODEL, true, 5};
static const char TEXT[] = "You exceeded your current quota. Please retry in 16.302655129s.";

static void verdicts(void **state)
{
    static const struct {
        const char *name;
        const struct key_violation *first, *second;
        uint64_t retry_ms;
        const char *message;
        enum key_why why;
        uint64_t limit, wait_ms;
        unsigned over; /* a bit for each kind */
    } rows[] = {
        {"the text says it exactly",        &RPM_10,  NULL,     16000,      TEXT, KEY_OVER_RPM,     10,  16303,    1},
        {"RetryInfo alone, cut to seconds", &RPM_10,  NULL,     16000,      "",   KEY_OVER_RPM,     10,  17000,    1},
        {"RetryInfo with its fraction",     &RPM_10,  NULL,     34400,      "",   KEY_OVER_RPM,     10,  34400,    1},
        {"the limit is not told",           &RPM,     NULL,     34400,      "",   KEY_OVER_RPM,     0,   34400,    1},
        {"the day before the minute",       &RPM_10,  &RPD_250, 0,          TEXT, KEY_OVER_RPD,     250, 16303,    5},
        {"whatever the order",              &TPD_900, &RPM_10,  0,          TEXT, KEY_OVER_TPD,     900, 16303,    9},
        {"requests before tokens",          &TPM_9,   &RPM_10,  0,          TEXT, KEY_OVER_RPM,     10,  16303,    3},
        {"tokens",                          &TPM_9,   NULL,     0,          TEXT, KEY_OVER_TPM,     9,   16303,    2},
        {"told twice: the lower holds",     &TPM_9,   &TPM_7,   0,          TEXT, KEY_OVER_TPM,     7,   16303,    2},
        {"a limit of 0: no quota at all",   &RPD_0,   &RPM_0,   0,          TEXT, KEY_NO_QUOTA,     0,   16303,    5},
        {"nothing is named",                NULL,     NULL,     0,          "",   KEY_OVER_UNNAMED, 0,   0,        0},
        {"an id that is not known",         &SPEND,   NULL,     2000,       "",   KEY_OVER_UNNAMED, 0,   3000,     0},
        {"a delay under a second",          &RPM,     NULL,     20,         "",   KEY_OVER_RPM,     0,   1000,     1},
        {"a delay over a day",              &RPM,     NULL,     1ULL << 60, "",   KEY_OVER_RPM,     0,   86400000, 1},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct key_failure f = {.retry_ms = rows[i].retry_ms, .message = str_z(rows[i].message)};
        struct quota_verdict v;
        unsigned over = 0;

        if (rows[i].first != NULL)
            f.v[f.nv++] = *rows[i].first;
        if (rows[i].second != NULL)
            f.v[f.nv++] = *rows[i].second;
        v = quota_judge(&f);
        for (unsigned kind = 0; kind < QUOTA_KINDS; kind++)
            over |= (v.over[kind] ? 1U : 0U) << kind;
        if (v.why != rows[i].why || v.limit != rows[i].limit || v.wait_ms != rows[i].wait_ms ||
            over != rows[i].over)
            fail_msg("%s: %s, limit %llu, %llu ms, %u", rows[i].name, key_why_text(v.why),
                     (unsigned long long)v.limit, (unsigned long long)v.wait_ms, over);
    }
}

static void every_reason_has_words(void **state)
{
    (void)state;
    for (int why = 0; why < KEY_WHYS; why++)
        assert_non_null(key_why_text((enum key_why)why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids),
        cmocka_unit_test(durations),
        cmocka_unit_test(texts),
        cmocka_unit_test(verdicts),
        cmocka_unit_test(every_reason_has_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
