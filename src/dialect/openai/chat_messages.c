/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* chat_messages.c - messages in, systemInstruction and turns out. Which turns join and what a
 * family demands of their order is gemini/write.c's business. */
#include "dialect/openai/chat.h"

enum role { SYSTEM, USER, ASSISTANT, TOOL };
static const struct word ROLE[] = {
    {"system",    SYSTEM   },
    {"developer", SYSTEM   },
    {"user",      USER     },
    {"assistant", ASSISTANT},
    {"tool",      TOOL     },
    {"function",  TOOL     },
};

static int role_of(yyjson_val *msg)
{
    return WORD(ROLE, jr_str(msg, "role"));
}

static void check_message(struct chat *c, yyjson_val *msg)
{
    if (!yyjson_is_obj(msg))
        fault_set(c->why, E_FIELD, "must be an object", msg);
    else if (jr_get(msg, "role") == NULL)
        fault_missing(c->why, msg, "role");
    else if (role_of(msg) < 0)
        fault_set(c->why, E_FIELD, "has an unknown role", msg);
}

void oa_read_messages(struct chat *c)
{
    yyjson_val *messages = jr_get(c->root, "messages");

    c->only_system = true;
    if (messages == NULL)
        fault_missing(c->why, c->root, "messages");
    else if (!yyjson_is_arr(messages))
        fault_set(c->why, E_FIELD, "must be a list of messages", messages);
    else if (yyjson_arr_size(messages) == 0)
        fault_set(c->why, E_FIELD, "must hold at least one message", messages);
    jr_each (msg, messages) {
        check_message(c, msg);
        c->only_system = c->only_system && role_of(msg) == SYSTEM;
    }
}

/* Gemini keeps the system's words outside the turns. Where it cannot, or where nobody else speaks,
 * they are said as a user's. */
static bool apart(const struct chat *c)
{
    return gm_can(c->caps, GM_CAN_SYSTEM) && !c->only_system;
}

static void put_system_turns(struct chat *c, enum gm_role as)
{
    gm_turn(&c->g, as);
    jr_each (msg, jr_get(c->root, "messages"))
        if (role_of(msg) == SYSTEM)
            oa_put_text_content(c, msg);
}

void oa_put_system(struct chat *c)
{
    if (apart(c))
        put_system_turns(c, GM_SYSTEM);
}

void oa_put_turns(struct chat *c)
{
    if (!apart(c))
        put_system_turns(c, GM_USER);
    jr_each (msg, jr_get(c->root, "messages"))
        switch (role_of(msg)) {
        case USER:
            gm_turn(&c->g, GM_USER);
            oa_put_content(c, msg);
            break;
        case ASSISTANT:
            gm_turn(&c->g, GM_MODEL);
            oa_put_text_content(c, msg);
            break;
        default: break;
        }
}
