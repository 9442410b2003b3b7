/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* compat.c - docs/compat.md, printed from the tables that the translator works by. */
#include "dialect/openai/compat.h"

#include "gemini/caps.h"

static const char *or_nothing(const char *z)
{
    return z != NULL ? z : "";
}

static void put_range(struct buf *out, const struct jm_row *row)
{
    if (row->lowest == 0 && row->highest == 0)
        return;
    if (row->highest == 0)
        buf_putf(out, "from %.10g", row->lowest);
    else
        buf_putf(out, "%.10g to %.10g", row->lowest, row->highest);
}

static void put_fields(struct buf *out, const struct jm_row *rows, size_t n)
{
    buf_lit(out, "| Member | Gemini's | Verdict | Range | Remarks |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        buf_putf(out, "| `%s` | ", rows[i].from);
        if (rows[i].to != NULL)
            buf_putf(out, "`%s` ", rows[i].to);
        buf_putf(out, "| %s | ", oa_verdict(&rows[i]));
        put_range(out, &rows[i]);
        buf_putf(out, " | %s |\n", or_nothing(rows[i].note));
    }
    buf_lit(out, "\n");
}

static void put_request(struct buf *out)
{
    const char *title = "";
    const struct jm_row *rows;
    size_t n = 0;

    for (size_t i = 0; (rows = oa_field_table(i, &title, &n)) != NULL; i++) {
        buf_putf(out, "## %s\n\n", title);
        put_fields(out, rows, n);
    }
    rows = oa_message_table(&n);
    buf_lit(out, "## A message\n\n");
    put_fields(out, rows, n);
}

static void put_parts(struct buf *out)
{
    const char *type, *what;

    buf_lit(out, "## A content part\n\n| Type | Becomes |\n|---|---|\n");
    for (size_t i = 0; oa_part_row(i, &type, &what); i++)
        buf_putf(out, "| `%s` | %s |\n", type, what);
    buf_lit(out, "\n");
}

static void put_google(struct buf *out)
{
    const char *member, *note;

    buf_lit(out, "## extra_body.google\n\nIn camelCase or snake_case, also as `google` in the "
                 "request itself.\n\n| Member | Remarks |\n|---|---|\n");
    for (size_t i = 0; oa_google_row(i, &member, &note); i++)
        buf_putf(out, "| `%s` | %s |\n", member, or_nothing(note));
    buf_lit(out, "\n");
}

static void put_endings(struct buf *out)
{
    enum gm_finish finish;
    const char *word, *reason, *fault;

    buf_lit(
        out,
        "## How an answer ends\n\n"
        "Calls of functions turn `stop` into `tool_calls`, or `function_call` for legacy "
        "functions.\nAn answer that says nothing is an error, not a success: 502 before the "
        "stream has begun, an\nerror event in it. A blocked prompt ends as "
        "`content_filter`, with Google's reason in `native_finish_reason`;\nwith "
        "QUEQIAO_BLOCKED_AS_ERROR=1 it is a 400 `content_policy_violation`.\nAfter `CONTINUATION` "
        "the answer goes on by itself, as one; it ends so only where it cannot.\n\n"
        "| Gemini's reason | `finish_reason` | Without any content |\n|---|---|---|\n");
    for (size_t i = 0; (word = gm_finish_word(i, &finish)) != NULL; i++) {
        reason = oa_ending(finish, &fault);
        buf_putf(out, "| `%s` | %s%s%s | %s |\n", word, reason ? "`" : "", or_nothing(reason),
                 reason ? "`" : "", fault != NULL ? fault : "the same");
    }
    buf_lit(out, "| any other word | `stop` | the model ended without an answer |\n"
                 "| none came | | upstream's answer was cut off |\n\n");
}

/* Beyond OpenAI's own members; ignored by clients that do not know them. */
static const struct {
    const char *member, *what;
} EXTENSION[] = {
    {"message.reasoning_content",               "thoughts, when they were asked for; also in deltas"          },
    {"message.images",                          "images that the model made, as data URLs; also in deltas"    },
    {"message.annotations",                     "url_citation, in characters of the content; also in deltas"  },
    {"extra_content.google.thought_signature",  "on a message, a call or an image: send it back"              },
    {"extra_content.google.parts",              "calls of Google's own tools beside functions: send them back"},
    {"extra_content.google.grounding_metadata", "all that Google says of its search"                          },
    {"extra_content.google.citation_metadata",  "sources of recited text, in streams"                         },
    {"extra_content.google.finish_message",     "Google's words about the end, in the choice"                 },
    {"choice.native_finish_reason",             "Google's reason where it is neither STOP nor MAX_TOKENS"     },
    {"usage.*_details.image_tokens",            "of the prompt, of the completion"                            },
};

static void put_extensions(struct buf *out)
{
    buf_lit(out, "## Beyond OpenAI's members\n\n| In an answer | What it is |\n|---|---|\n");
    for (size_t i = 0; i < NELEM(EXTENSION); i++)
        buf_putf(out, "| `%s` | %s |\n", EXTENSION[i].member, EXTENSION[i].what);
    buf_lit(out, "\n");
}

static void put_errors(struct buf *out)
{
    const char *type, *code;

    buf_lit(out, "## Errors\n\n| Status | `type` | `code` | When upstream gave no words for it "
                 "|\n|---|---|---|---|\n");
    for (int c = 0; c < GM_CAUSES; c++) {
        enum gm_cause cause = (enum gm_cause)c;

        oa_error_words(cause, &type, &code);
        buf_putf(out, "| %d | `%s` | %s%s%s | %s |\n", gm_cause_status(cause), type,
                 code ? "`" : "", or_nothing(code), code ? "`" : "", gm_cause_words(cause));
    }
    buf_lit(out, "\n");
}

static void put_thinking(struct buf *out, const struct gm_thinking *t)
{
    static const char *const level[] = {"minimal", "low", "medium", "high"};

    switch (t->control) {
    case GM_NO_CONTROL: break;
    case GM_BUDGET:
        buf_putf(out, "%d to %d tokens%s", t->budget_min, t->budget_max, t->off ? ", or off" : "");
        break;
    case GM_LEVEL:
        for (unsigned l = 0; l < GM_LEVELS; l++)
            if (t->levels & 1U << l)
                buf_putf(out, "%s ", level[l]);
        break;
    }
}

static void put_families(struct buf *out)
{
    static const struct {
        enum gm_can can;
        const char *title;
    } column[] = {
        {GM_CAN_SAMPLE,       "sampling"          },
        {GM_CAN_SYSTEM,       "system"            },
        {GM_CAN_TOOLS,        "functions"         },
        {GM_CAN_JSON,         "JSON"              },
        {GM_CAN_JSON_TOOLS,   "JSON + functions"  },
        {GM_CAN_MIX_TOOLS,    "search + functions"},
        {GM_CAN_RESULT_MEDIA, "media in results"  },
        {GM_CAN_URLS,         "https media"       },
        {GM_NEEDS_SIGNATURE,  "signatures"        },
    };
    const struct gm_caps *caps;

    buf_lit(out,
            "## Model families\n\nA name is read for its line (flash, pro, image, ...) and its "
            "version; a newer one than is listed is taken\nfor the newest of its line, an "
            "unknown one for the newest flash.\n\n| From | Thinking | Output |");
    for (size_t i = 0; i < NELEM(column); i++)
        buf_putf(out, " %s |", column[i].title);
    buf_lit(out, "\n|---|---|---|");
    for (size_t i = 0; i < NELEM(column); i++)
        buf_lit(out, "---|");
    buf_lit(out, "\n");
    for (size_t i = 0; (caps = gm_caps_row(i)) != NULL; i++) {
        buf_putf(out, "| `%s` | ", caps->family);
        put_thinking(out, &caps->thinking);
        buf_putf(out, " | %u |", caps->out_tokens);
        for (size_t k = 0; k < NELEM(column); k++)
            buf_put(out, gm_can(caps, column[k].can) ? S(" yes |") : S(" |"));
        buf_lit(out, "\n");
    }
}

void oa_print_compat(struct buf *out)
{
    buf_lit(
        out,
        "# Chat Completions on Gemini\n\n"
        "Printed by the program from the tables that it works by; do not edit.\n\n"
        "Verdicts: *mapped* crosses; *by family* crosses where the model takes it and is ignored "
        "elsewhere;\n*ignored* is dropped and named in the answer's header `x-queqiao-ignored`, "
        "as are members\nthat are not listed here; *refused* is a 400. A member that was changed "
        "stands in that header with\nwhat it became: `reasoning_effort=low`. null means "
        "absent.\n\n");
    put_request(out);
    put_parts(out);
    put_google(out);
    put_endings(out);
    put_extensions(out);
    put_errors(out);
    put_families(out);
}
