/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* chat_messages.c - messages in, systemInstruction and turns out. Which turns join and what a
 * family demands of their order is gemini/write.c's business. */
#include "dialect/openai/chat.h"
#include "dialect/openai/compat.h"

static const struct word ROLE[] = {
    {"system",    OA_SYSTEM   },
    {"developer", OA_SYSTEM   },
    {"user",      OA_USER     },
    {"assistant", OA_ASSISTANT},
    {"tool",      OA_TOOL     },
    {"function",  OA_FUNCTION },
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

static struct oa_message read_message(struct chat *c, yyjson_val *v)
{
    bool twice;
    struct oa_message msg = {.v = v, .names = jr_marks(v, &twice)};
    yyjson_val *role = oa_of(&msg, "role");

    msg.role = (enum oa_role)WORD(ROLE, jr_text(role));
    if (!yyjson_is_obj(v))
        fault_set(c->why, E_FIELD, "must be an object", v);
    else if (role == NULL)
        fault_missing(c->why, v, "role");
    else if (msg.role == OA_NOBODY)
        fault_set(c->why, E_FIELD, "has an unknown role", v);
    else if (twice)
        oa_check_members(c, v, MEMBER, NELEM(MEMBER));
    return msg;
}

/* Front-ends have a talk summed up by system messages after its last answer: these are what is
 * asked, and the model would see no question if they stood apart. */
static size_t last_word_in(const struct oa_message *msg, size_t n)
{
    size_t first = n;

    for (size_t i = 0; i < n; i++)
        if (msg[i].role != OA_SYSTEM)
            first = n;
        else if (i > 0 && msg[i - 1].role == OA_ASSISTANT)
            first = i;
    return first;
}

void oa_read_messages(struct chat *c)
{
    yyjson_val *messages = oa_get(c, "messages");
    struct oa_message *room;
    bool named = false;

    c->only_system = true;
    if (messages == NULL)
        fault_missing(c->why, c->root, "messages");
    else if (!yyjson_is_arr(messages))
        fault_set(c->why, E_FIELD, "must be a list of messages", messages);
    else if (yyjson_arr_size(messages) == 0)
        fault_set(c->why, E_FIELD, "must hold at least one message", messages);
    room = arena_alloc(c->env->arena, (yyjson_arr_size(messages) + 1) * sizeof *room);
    if (room == NULL) {
        fault_set(c->why, E_TOOBIG, "holds more messages than this server takes", messages);
        return;
    }
    c->messages = room;
    jr_each (v, messages) {
        struct oa_message msg = read_message(c, v);

        room[c->nmessages++] = msg;
        c->only_system = c->only_system && msg.role == OA_SYSTEM;
        named = named || (msg.role < OA_TOOL && oa_of(&msg, "name") != NULL);
    }
    if (named)
        oa_ignore(c, S("messages.name"), S(""));
    c->last_word = last_word_in(c->messages, c->nmessages);
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
    yyjson_val *place = jr_get(oa_get(c, "web_search_options"), "user_location");
    struct buf b;
    struct str text;

    if (place == NULL)
        return;
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
    for (size_t i = 0; i < c->last_word; i++)
        if (c->messages[i].role == OA_SYSTEM)
            oa_put_text_content(c, &c->messages[i]);
    put_place(c);
    oa_put_format_words(c);
}

void oa_put_system(struct chat *c)
{
    if (apart(c))
        put_system_turns(c, GM_SYSTEM);
    gm_system_end(&c->g);
}

static void put_assistant(struct chat *c, const struct oa_message *msg)
{
    gm_turn(&c->g, GM_MODEL);
    oa_put_model_content(c, msg);
    oa_put_calls(c, msg);
}

void oa_put_turns(struct chat *c)
{
    size_t asked = 0;    /* the first call whose result is due */
    bool before = false; /* the message before was the model's */

    if (!apart(c))
        put_system_turns(c, GM_USER);
    for (size_t i = 0; i < c->nmessages; i++) {
        const struct oa_message *msg = &c->messages[i];

        if (before && msg->role != OA_ASSISTANT)
            oa_put_results(c, asked);
        if (msg->role != OA_ASSISTANT)
            before = false;
        switch (msg->role) {
        case OA_USER:
            gm_turn(&c->g, GM_USER);
            oa_put_content(c, msg);
            break;
        case OA_ASSISTANT:
            asked = before ? asked : c->pair;
            before = true;
            put_assistant(c, msg);
            break;
        case OA_TOOL:
        case OA_FUNCTION: oa_put_result_turn(c, msg); break;
        case OA_SYSTEM:
            if (i >= c->last_word) { /* what they say is said last */
                gm_turn(&c->g, GM_USER);
                oa_put_text_content(c, msg);
            }
            break;
        case OA_NOBODY: break;
        }
    }
    if (before)
        oa_put_results(c, asked);
}
