/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* check.c - the order of the stages. */
#include "demo/check.h"
#include "demo/fields.h"

static void check_cache(const struct emu_ask *ask, yyjson_val *body, struct emu_problem *p)
{
    struct str name = emu_str(body, "cached_content");

    if (name.n == 0)
        return;
    if (emu_get(body, "system_instruction") || emu_get(body, "tools") ||
        emu_get(body, "tool_config"))
        emu_refuse(p, 400,
                   "CachedContent can not be used with GenerateContent request setting "
                   "system_instruction, tools or tool_config.\n\nProposed fix: move those values "
                   "to CachedContent from GenerateContent request.");
    else if (!emu_holds(ask, name))
        emu_refuse(p, 403, "CachedContent not found (or permission denied)");
}

void emu_check(const struct emu_ask *ask, yyjson_val *body, struct emu_problem *p, bool *ret_mute)
{
    *ret_mute = false;
    emu_rules_contents(body, p);
    emu_rules_config(emu_get(body, "generation_config"), p);
    emu_rules_tools(body, p);
    if (p->http != 0)
        return;
    emu_check_config(ask, body, p);
    emu_check_tools(ask, body, p);
    emu_check_states(body, p);
    check_cache(ask, body, p);
    emu_check_media(ask, body, p);
    emu_check_turns(ask, body, p, ret_mute);
}
