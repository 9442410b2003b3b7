/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* health.c - the state of the process as a small JSON object. */
#include "app/health.h"

#include "app/platform.h"
#include "base/clock.h"
#include "codec/json_write.h"

void health_reply(struct worker *w, struct call *c, const struct request_id *id)
{
    struct gateway *g = w->g;
    struct egress_counts ways = egresses_count(g->egresses, proxy_now(&w->proxy).ms);
    struct jw j;
    struct buf out;

    buf_init(&out, 4096);
    jw_begin(&j, &out);
    jw_obj(&j, NULL);
    jw_str(&j, "status", atomic_load(&g->draining) ? S("draining") : S("ok"));
    jw_str(&j, "name", S("queqiao"));
    jw_str(&j, "version", S(QUEQIAO_VERSION));
    jw_str(&j, "platform", str_z(g->platform->name));
    jw_u64(&j, "uptime_s", (clock_mono_ms() - g->start_ms) / 1000);
    jw_u64(&j, "keys", keys_count(g->keys));
    jw_u64(&j, "ways_out", ways.shared);
    jw_u64(&j, "ways_out_well", ways.well);
    jw_bool(&j, "emulation", g->emulation);
    if (g->emulation)
        jw_str(&j, "note",
               S("Answers come from an emulated Gemini inside this program, not from Google. "
                 "这里的回答来自内置的模拟 Gemini，不是真正的 Google 服务。"));
    jw_end(&j);
    out.err = jw_end_all(&j);
    reply_buf(&w->proxy, c, id, 200, &out);
    buf_fini(&out);
}

void health_reply_ready(struct worker *w, struct call *c, const struct request_id *id)
{
    bool draining = atomic_load(&w->g->draining);

    reply_json(&w->proxy, c, id, draining ? 503 : 200,
               draining ? S("{\"status\":\"draining\"}") : S("{\"status\":\"ok\"}"));
}
