/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* chat_parts.c - the content of a message: a string, or a list of typed parts. */
#include "dialect/openai/chat.h"

enum part { TEXT, REFUSAL };
static const struct word PART[] = {
    {"text",    TEXT   },
    {"refusal", REFUSAL},
};

static void put_part(struct chat *c, yyjson_val *part)
{
    switch (WORD(PART, jr_str(part, "type"))) {
    case TEXT: gm_text(&c->g, jr_str(part, "text")); break;
    case REFUSAL: gm_text(&c->g, jr_str(part, "refusal")); break;
    default: gm_fault(&c->g, part, E_FIELD, "has a type that Gemini cannot take");
    }
}

void oa_put_content(struct chat *c, yyjson_val *msg)
{
    yyjson_val *content = jr_get(msg, "content");

    if (yyjson_is_str(content))
        gm_text(&c->g, jr_text(content));
    else if (content != NULL && !yyjson_is_arr(content))
        gm_fault(&c->g, content, E_FIELD, "must be a string or a list of parts");
    jr_each (part, content)
        put_part(c, part);
}

void oa_put_text_content(struct chat *c, yyjson_val *msg)
{
    oa_put_content(c, msg);
}
