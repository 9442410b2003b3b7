/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* chat_messages.c - messages in, systemInstruction and turns out. Which turns join and what a
 * family demands of their order is gemini/write.c's business. */
#include "dialect/openai/chat.h"
#include "dialect/openai/compat.h"

enum role { SYSTEM, USER, ASSISTANT, TOOL };
static const struct word ROLE[] = {
    {"system",    SYSTEM   },
    {"developer", SYSTEM   },
    {"user",      USER     },
    {"assistant", ASSISTANT},
    {"tool",      TOOL     },
    {"function",  TOOL     },
};

/* A row for each member of a message; where it is read is in the other chat_*.c files. */
static const struct jm_row MEMBER[] = {
    {"role",                     NULL, jm_skip,   0, 0,
     "system, developer, user, assistant, tool, function; system after the last answer: a user's"        },
    {"content",                  NULL, jm_skip,   0, 0, "a string or parts; see below"                   },
    {"refusal",                  NULL, jm_skip,   0, 0, "text of the model"                              },
    {"audio",                    NULL, jm_skip,   0, 0, "its transcript; the id means nothing to Gemini" },
    {"tool_calls",               NULL, jm_skip,   0, 0, "functionCall, with its signature"               },
    {"function_call",            NULL, jm_skip,   0, 0, "the same, in the legacy form"                   },
    {"tool_call_id",             NULL, jm_skip,   0, 0, "a result is put where its call is"              },
    {"images",                   NULL, jm_skip,   0, 0, "images of the model's own, with their signature"},
    {"extra_content",            NULL, jm_skip,   0, 0, "google.thought_signature, google.parts"         },
    {"provider_specific_fields", NULL, jm_skip,   0, 0, "a signature, where LiteLLM has it"              },
    {"reasoning_details",        NULL, jm_skip,   0, 0, "signatures, where OpenRouter has them"          },
    {"reasoning_content",        NULL, jm_skip,   0, 0, "never sent back: Gemini wants no thoughts"      },
    {"name",                     NULL, jm_ignore, 0, 0, "of a speaker: there is nothing for it"          },
};

const struct jm_row *oa_message_table(size_t *ret_n)
{
    *ret_n = NELEM(MEMBER);
    return MEMBER;
}

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
    else
        oa_check_members(c, msg, MEMBER, NELEM(MEMBER));
}

/* Front-ends have a talk summed up by system messages after its last answer: these are what is
 * asked, and the model would see no question if they stood apart. */
static yyjson_val *last_word_in(yyjson_val *messages)
{
    yyjson_val *first = NULL;
    int before = SYSTEM;

    jr_each (msg, messages) {
        int role = role_of(msg);

        if (role != SYSTEM)
            first = NULL;
        else if (before == ASSISTANT)
            first = msg;
        before = role;
    }
    return first;
}

void oa_read_messages(struct chat *c)
{
    yyjson_val *messages = jr_get(c->root, "messages");
    bool named = false;

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
        named = named || (role_of(msg) != TOOL && jr_get(msg, "name") != NULL);
    }
    if (named)
        oa_ignore(c, S("messages.name"), S(""));
    c->last_word = last_word_in(messages);
    oa_count_calls(c);
}

/* Gemini keeps the system's words outside the turns. Where it cannot, where a cache has them
 * already, or where nobody else speaks, they are said as a user's. */
static bool apart(const struct chat *c)
{
    return gm_can(c->caps, GM_CAN_SYSTEM) && !c->only_system && !c->cached;
}

/* Where the user is, for the search: Gemini has no member for it but coordinates. */
static void put_place(struct chat *c)
{
    static const char *const word[] = {"city", "region", "country", "timezone"};
    yyjson_val *place = jr_get(jr_get(c->root, "web_search_options"), "user_location");
    struct buf b;
    struct str text;

    if (jr_get(place, "approximate") != NULL)
        place = jr_get(place, "approximate");
    buf_init(&b, 64 << 10);
    for (size_t i = 0; i < NELEM(word); i++) {
        text = jr_str(place, word[i]);
        if (text.n > 0)
            buf_put(&b, b.n > 0 ? S(", ") : S("The user is in: "));
        buf_put(&b, text);
    }
    if (b.err != OK)
        fault_set(c->why, E_TOOBIG, "is larger than a place can be", place);
    text = oa_keep(c, buf_str(&b));
    buf_fini(&b);
    gm_text(&c->g, text);
}

static void put_system_turns(struct chat *c, enum gm_role as)
{
    gm_turn(&c->g, as);
    jr_each (msg, jr_get(c->root, "messages")) {
        if (msg == c->last_word)
            break;
        if (role_of(msg) == SYSTEM)
            oa_put_text_content(c, msg);
    }
    put_place(c);
    oa_put_format_words(c);
}

void oa_put_system(struct chat *c)
{
    if (apart(c))
        put_system_turns(c, GM_SYSTEM);
    gm_system_end(&c->g);
}

static void put_assistant(struct chat *c, yyjson_val *msg)
{
    gm_turn(&c->g, GM_MODEL);
    oa_put_model_content(c, msg);
    oa_put_calls(c, msg);
}

void oa_put_turns(struct chat *c)
{
    size_t asked = 0;    /* the first call whose result is due */
    bool before = false; /* the message before was the model's */
    bool last = false;   /* what system messages say is said last */

    if (!apart(c))
        put_system_turns(c, GM_USER);
    jr_each (msg, jr_get(c->root, "messages")) {
        int role = role_of(msg);

        last = last || msg == c->last_word;
        if (before && role != ASSISTANT)
            oa_put_results(c, asked);
        if (role != ASSISTANT)
            before = false;
        switch (role) {
        case USER:
            gm_turn(&c->g, GM_USER);
            oa_put_content(c, msg);
            break;
        case ASSISTANT:
            asked = before ? asked : c->pair;
            before = true;
            put_assistant(c, msg);
            break;
        case TOOL: oa_put_result_turn(c, msg); break;
        case SYSTEM:
            if (last) {
                gm_turn(&c->g, GM_USER);
                oa_put_text_content(c, msg);
            }
            break;
        default: break;
        }
    }
    if (before)
        oa_put_results(c, asked);
}
