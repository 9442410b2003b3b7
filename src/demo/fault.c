/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fault.c - the table of misbehaviours, and the bodies of Google's errors. How a stream is broken
 * is visit.c's business. */
#include "demo/fault.h"
#include "demo/quota.h"

#define SERVICE  "generativelanguage.googleapis.com"
#define CONSOLE  "https://console.developers.google.com/apis/api/" SERVICE "/overview?project=0"
#define RPC      "\"@type\":\"type.googleapis.com/google.rpc."
#define USUAL    "gemini-3.8-flash"
#define MARK     "emulate-"
#define SPIN_MAX 100000000U
#define RETRY_US 21438201

enum {
    MINUTE = 1000,
    DAY,
    LOCATION,
    KEY,
    DISABLED,
    SUSPENDED
}; /* refusals that need more than a status */

static const struct row {
    const char *pattern; /* # is a number, * a word */
    enum emu_fault_kind kind;
    uint32_t number; /* number[0] when the name holds none */
    const char *example;
    const char *about;
} ROWS[] = {
  /* clang-format off */
    {"429",                        EMU_REFUSES,        MINUTE,   "429",                           "Always over the quota of the minute (429, retry in 21 s)."},
    {"429-day",                    EMU_REFUSES,        DAY,      "429-day",                       "Always over the quota of the day (429)."},
    {"400",                        EMU_REFUSES,        400,      "400",                           "Always 400: Request contains an invalid argument."},
    {"400-key",                    EMU_REFUSES,        KEY,      "400-key",                       "Every API key is invalid (a 400, as at Google)."},
    {"402",                        EMU_REFUSES,        402,      "402",                           "The prepaid credit is used up (402)."},
    {"403",                        EMU_REFUSES,        403,      "403",                           "Permission denied (403)."},
    {"403-disabled",               EMU_REFUSES,        DISABLED, "403-disabled",                  "The API is not enabled (403)."},
    {"suspended",                  EMU_REFUSES,        SUSPENDED,"suspended",                     "The key has been suspended (403)."},
    {"404",                        EMU_REFUSES,        404,      "404",                           "Listed, yet not found when it is called (404)."},
    {"location",                   EMU_REFUSES,        LOCATION, "location",                      "Refused for the caller's country (400)."},
    {"500",                        EMU_REFUSES,        500,      "500",                           "Always an internal error (500)."},
    {"503",                        EMU_REFUSES,        503,      "503",                           "Always overloaded (503)."},
    {"503-once",                   EMU_REFUSES_ONCE,   503,      "503-once",                      "Overloaded at every other request (503)."},
    {"504",                        EMU_REFUSES,        504,      "504",                           "Always past its deadline (504)."},
    {"html-502",                   EMU_HTML,           0,        "html-502",                      "A 502 with an HTML page instead of JSON."},
    {"slow-#",                     EMU_SLOW,           3000,     "slow-3000",                     "The first byte comes after 3000 ms."},
    {"stall-#",                    EMU_STALL,          3000,     "stall-3000",                    "A stream that is silent for 3000 ms midway."},
    {"stream-#-events-every-#-ms", EMU_PACED,          20,       "stream-20-events-every-200-ms", "A stream of 20 events, one every 200 ms."},
    {"hole",                       EMU_HOLE,           0,        "hole",                          "Takes the request and never answers."},
    {"reset-head",                 EMU_RESET_HEAD,     0,        "reset-head",                    "The connection breaks before the answer."},
    {"cut",                        EMU_CUT,            0,        "cut",                           "A stream that ends without a finishReason."},
    {"error-mid",                  EMU_ERROR_MID,      503,      "error-mid",                     "An error event in mid-stream."},
    {"reset",                      EMU_RESET,          0,        "reset",                         "The connection breaks in mid-answer."},
    {"bad-json",                   EMU_BAD_JSON,       0,        "bad-json",                      "An event that is no JSON."},
    {"huge-event",                 EMU_HUGE,           4096,     "huge-event",                    "One event with 4 MiB of text."},
    {"huge-event-#",               EMU_HUGE,           4096,     "huge-event-20000",              "One event with 20000 KiB of text."},
    {"long-signature-#",           EMU_LONG_SIGNATURE, 50,       "long-signature-50",             "Thought signatures of 50 KiB."},
    {"thoughts",                   EMU_ALOUD,          0,        "thoughts",                      "Thinks aloud: thought parts, asked for or not."},
    {"cached",                     EMU_CACHED,         0,        "cached",                        "Tells that half of the prompt came from the cache."},
    {"empty",                      EMU_EMPTY,          0,        "empty",                         "Finishes with STOP and has said nothing."},
    {"blocked",                    EMU_BLOCKED,        0,        "blocked",                       "The prompt is blocked: promptFeedback, no candidates."},
    {"malformed-call",             EMU_BAD_CALL,       0,        "malformed-call",                "Finishes with MALFORMED_FUNCTION_CALL."},
    {"max-tokens-thinking",        EMU_ONLY_THOUGHTS,  0,        "max-tokens-thinking",           "Spends all its tokens on thoughts (MAX_TOKENS)."},
    {"*-finish",                   EMU_FINISH,         0,        "gibberish-finish",              "Finishes with a reason nobody has heard of."},
    {"safety",                     EMU_FINISH,         0,        "safety",                        "Stops after a few words with SAFETY."},
    {"recitation",                 EMU_FINISH,         0,        "recitation",                    "Stops after a few words with RECITATION."},
    {"spii",                       EMU_FINISH,         0,        "spii",                          "Stops after a few words with SPII."},
    {"language",                   EMU_FINISH,         0,        "language",                      "Stops after a few words with LANGUAGE."},
    {"blocklist",                  EMU_FINISH,         0,        "blocklist",                     "Stops after a few words with BLOCKLIST."},
    {"prohibited_content",         EMU_FINISH,         0,        "prohibited_content",            "Stops after a few words with PROHIBITED_CONTENT."},
    {"other",                      EMU_FINISH,         0,        "other",                         "Stops after a few words with OTHER."},
  /* clang-format on */
};

const char *emu_fault_name(size_t i)
{
    return i < NELEM(ROWS) ? ROWS[i].example : NULL;
}

const char *emu_fault_about(size_t i)
{
    return ROWS[i].about;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Take the digits at the front of *s. */
static bool take_number(struct str *s, uint32_t *ret)
{
    uint64_t v;
    size_t n = 0;

    while (n < s->n && is_digit(s->p[n]))
        n++;
    if (!str_u64(str_sub(*s, 0, n), SPIN_MAX, &v))
        return false;
    *ret = (uint32_t)v;
    *s = str_skip(*s, n);
    return true;
}

static bool row_fits(const struct row *r, struct str s, struct emu_fault *f)
{
    size_t numbers = 0;

    f->kind = r->kind;
    f->number[0] = r->number;
    f->word = s;
    for (const char *p = r->pattern; *p != '\0'; p++) {
        if (*p == '#') {
            if (numbers == 2 || !take_number(&s, &f->number[numbers++]))
                return false;
        } else if (*p == '*') {
            f->word = str_cut(&s, p[1]);
            if (f->word.n == 0)
                return false;
            p++;
        } else {
            if (s.n == 0 || s.p[0] != *p)
                return false;
            s = str_skip(s, 1);
        }
    }
    return s.n == 0;
}

bool emu_fault_parse(struct str name, struct emu_fault *ret)
{
    size_t at = str_find(name, S(MARK));
    struct emu_fault f = {.model = str_sub(name, 0, at)};

    if (at == name.n)
        return false;
    if (str_ends(f.model, S("-")))
        f.model.n--;
    if (f.model.n == 0)
        f.model = S(USUAL);
    for (size_t i = 0; i < NELEM(ROWS); i++) {
        if (row_fits(&ROWS[i], str_skip(name, at + sizeof MARK - 1), &f)) {
            *ret = f;
            return true;
        }
    }
    return false;
}

static void refuse_key(struct emu_problem *p)
{
    emu_refuse(p, 400, "API key not valid. Please pass a valid API key.");
    emu_problem_detail(p, S("{" RPC "ErrorInfo\",\"reason\":\"API_KEY_INVALID\",\"domain\":"
                            "\"googleapis.com\",\"metadata\":{\"service\":\"" SERVICE "\"}},{" RPC
                            "LocalizedMessage\",\"locale\":\"en-US\",\"message\":\"API key not "
                            "valid. Please pass a valid API key.\"}"));
}

static void refuse_disabled(struct emu_problem *p)
{
    emu_refuse(p, 403,
               "Generative Language API has not been used in project 0 before or it is disabled. "
               "Enable it by visiting " CONSOLE
               " then retry. If you enabled this API recently, wait a few minutes for the action "
               "to propagate to our systems and retry.");
    emu_problem_detail(
        p, S("{" RPC "Help\",\"links\":[{\"description\":\"Google developers console API "
             "activation\",\"url\":\"" CONSOLE "\"}]},{" RPC
             "ErrorInfo\",\"reason\":\"SERVICE_DISABLED\",\"domain\":\"googleapis.com\","
             "\"metadata\":{\"service\":\"" SERVICE "\",\"consumer\":\"projects/0\"}}"));
}

static void refuse_suspended(struct emu_problem *p)
{
    emu_refuse(p, 403, "Permission denied: Consumer 'projects/0' has been suspended.");
    emu_problem_detail(
        p, S("{" RPC "ErrorInfo\",\"reason\":\"CONSUMER_SUSPENDED\",\"domain\":\"googleapis.com\","
             "\"metadata\":{\"service\":\"" SERVICE "\",\"consumer\":\"projects/0\"}}"));
}

static const struct {
    uint32_t http;
    const char *text;
} PLAIN[] = {
    {400, "Request contains an invalid argument."                                  },
    {402, "Your prepayment credits are depleted. Please go to AI Studio at "
          "https://ai.studio/projects to manage your project and billing."},
    {403, "The caller does not have permission"                                    },
    {500, "An internal error has occurred. Please retry or report in "
          "https://developers.generativeai.google/guide/troubleshooting"  },
    {503, "The model is overloaded. Please try again later."                       },
    {504, "Deadline expired before operation could complete."                      },
};

void emu_fault_refuse(const struct emu_fault *f, struct str model, struct emu_problem *p)
{
    switch (f->number[0]) {
    case MINUTE:
        emu_refuse_quota(p, model, &(struct emu_over){EMU_RPM, 10, false}, 1, RETRY_US);
        return;
    case DAY:
        emu_refuse_quota(p, model, &(struct emu_over){EMU_RPD, 250, false}, 1, RETRY_US);
        return;
    case KEY: refuse_key(p); return;
    case DISABLED: refuse_disabled(p); return;
    case SUSPENDED: refuse_suspended(p); return;
    case LOCATION:
        emu_refuse(p, 400, "User location is not supported for the API use.");
        p->status = "FAILED_PRECONDITION";
        return;
    case 404:
        emu_refuse(p, 404,
                   "models/%.*s is not found for API version v1beta, or is not supported for "
                   "generateContent. Call ModelService.ListModels to see the list of available "
                   "models and their supported methods.",
                   S_ARG(model));
        return;
    default: break;
    }
    for (size_t i = 0; i < NELEM(PLAIN); i++) {
        if (PLAIN[i].http == f->number[0])
            emu_refuse(p, (int)PLAIN[i].http, "%s", PLAIN[i].text);
    }
}

const struct str emu_fault_html =
    S_INIT("<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <title>Error 502 (Server "
           "Error)!!1</title>\n  <p><b>502.</b> <ins>That's an error.</ins>\n  <p>The server "
           "encountered a temporary error and could not complete your request.<p>Please try again "
           "in 30 seconds.  <ins>That's all we know.</ins>\n");
