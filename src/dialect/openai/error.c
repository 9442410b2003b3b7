/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* error.c - OpenAI's error object: a row for each cause says its type and code. SDKs choose their
 * exception by the status, and whether to try again by status and code. */
#include "dialect/openai/error.h"

#include "codec/json_write.h"
#include "dialect/openai/compat.h"

#include <assert.h>

/* Source: mapping 1.12 (last column) and 3.9. */
static const struct {
    const char *type;
    const char *code;
    const char *param; /* where the cause alone tells which member is meant */
} WORDS[] = {
    [GM_BAD_REQUEST] = {"invalid_request_error", NULL,                                   NULL      },
    [GM_CONTEXT_LENGTH] = {"invalid_request_error", "context_length_exceeded",              "messages"},
    [GM_KEY_INVALID] = {"authentication_error",  "invalid_api_key",                      NULL      },
    [GM_LOCATION] = {"permission_error",      "unsupported_country_region_territory", NULL      },
    [GM_CREDIT] = {"insufficient_quota",    "insufficient_quota",                   NULL      },
    [GM_FORBIDDEN] = {"permission_error",      NULL,                                   NULL      },
    [GM_LEAKED] = {"permission_error",      NULL,                                   NULL      },
    [GM_FOREIGN] = {"permission_error",      NULL,                                   NULL      },
    [GM_NO_MODEL] = {"invalid_request_error", "model_not_found",                      "model"   },
    [GM_TOO_LARGE] = {"invalid_request_error", NULL,                                   NULL      },
    [GM_BLOCKED] = {"invalid_request_error", "content_policy_violation",             "messages"},
    [GM_RATE] = {"rate_limit_error",      "rate_limit_exceeded",                  NULL      },
    [GM_INTERNAL] = {"api_error",             NULL,                                   NULL      },
    [GM_OVERLOADED] = {"api_error",             "overloaded",                           NULL      },
    [GM_DEADLINE] = {"timeout",               NULL,                                   NULL      },
    [GM_UNREACHABLE] = {"api_error",             "upstream_unreachable",                 NULL      },
    [GM_BROKEN] = {"server_error",          "upstream_error",                       NULL      },
    [GM_UNAUTHORIZED] = {"authentication_error",  "invalid_api_key",                      NULL      },
    [GM_NOT_FOUND] = {"invalid_request_error", "unknown_url",                          NULL      },
    [GM_METHOD] = {"invalid_request_error", "method_not_supported",                 NULL      },
    [GM_OUR_LIMIT] = {"invalid_request_error", "limit_reached",                        NULL      },
    [GM_BUSY] = {"api_error",             "server_busy",                          NULL      },
};
static_assert(NELEM(WORDS) == GM_CAUSES, "every cause needs OpenAI's words");

void oa_error_words(enum gm_cause cause, const char **ret_type, const char **ret_code)
{
    *ret_type = WORDS[cause].type;
    *ret_code = WORDS[cause].code;
}

static void put_or_null(struct jw *w, const char *key, const char *z)
{
    if (z != NULL && z[0] != '\0')
        jw_str(w, key, str_z(z));
    else
        jw_null(w, key);
}

void oa_error(const struct gm_error *e, struct buf *out)
{
    struct jw w;

    jw_begin(&w, out);
    jw_obj(&w, NULL);
    jw_obj(&w, "error");
    jw_str(&w, "message", str_z(e->message));
    jw_str(&w, "type", str_z(WORDS[e->cause].type));
    put_or_null(&w, "param", e->param[0] != '\0' ? e->param : WORDS[e->cause].param);
    put_or_null(&w, "code", WORDS[e->cause].code);
    jw_end(&w);
    jw_end(&w);
}

void oa_stream_error(void *answer, const struct gm_error *e, struct buf *out)
{
    (void)answer;
    buf_lit(out, "data: ");
    oa_error(e, out);
    buf_lit(out, "\n\n");
}
