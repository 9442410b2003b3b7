/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* outputs.c - pictures, speech, grounding and code, made up in the shapes of recorded traffic. */
#include "demo/outputs.h"
#include "codec/base64.h"
#include "codec/json_write.h"
#include "demo/fields.h"
#include "demo/media.h"
#include "demo/signature.h"

enum {
    PICTURE_SIDE = 64,
    PICTURE_TOKENS = 1120,
    SPEECH_MS = 200,
    SPEECH_TOKENS = 32,
    PART_MAX = 1 << 21
};

void emu_plan_signature(const struct emu_plan *plan, struct str about, struct buf *out)
{
    emu_signature_put(out, str_z(plan->ask->target.family->line),
                      str_hash(about) ^ plan->ask->serial, plan->signature_bytes);
}

static bool declares(const struct emu_prompt *p, const char *tool)
{
    struct emu_each tools = emu_each(emu_get(p->body, "tools"));
    yyjson_val *v;

    while ((v = emu_next(&tools)) != NULL) {
        if (emu_get(v, tool) != NULL)
            return true;
    }
    return false;
}

static bool says(const struct emu_prompt *p, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_contains_nocase(str_sub(p->text, 0, 65536), str_z(words[i])))
            return true;
    }
    return false;
}

/* Append {"inlineData":...} made of the bytes; signed where the family signs pictures. */
static void add_blob(struct emu_plan *plan, const char *mime, struct str bytes, uint64_t tokens)
{
    struct emu_segment *s;
    struct buf part;
    struct buf text;
    struct jw w;

    buf_init(&part, PART_MAX);
    buf_init(&text, PART_MAX);
    base64_encode(bytes, &text);
    jw_begin(&w, &part);
    jw_obj(&w, NULL);
    jw_obj(&w, "inlineData");
    jw_str(&w, "mimeType", str_z(mime));
    jw_str(&w, "data", buf_str(&text));
    jw_end(&w);
    if (emu_can(plan->ask->target.family, EMU_SIGNS)) {
        buf_reset(&text);
        emu_plan_signature(plan, bytes, &text);
        jw_str(&w, "thoughtSignature", buf_str(&text));
    }
    jw_end(&w);
    s = emu_plan_add(plan, EMU_S_PART, buf_str(&part));
    if (s != NULL)
        s->tokens = tokens;
    buf_fini(&text);
    buf_fini(&part);
}

/* Asked for pictures alone? */
static bool picture_only(yyjson_val *body)
{
    yyjson_val *list = emu_get(emu_get(body, "generation_config"), "response_modalities");
    struct emu_each e = emu_each(list);
    yyjson_val *v;

    while ((v = emu_next(&e)) != NULL) {
        if (str_eq_nocase(jr_text(v), S("TEXT")))
            return false;
    }
    return list != NULL;
}

bool emu_plan_picture(struct emu_plan *plan)
{
    struct buf png;

    if (!emu_can(plan->ask->target.family, EMU_IMAGE_OUT))
        return false;
    if (!picture_only(plan->prompt.body))
        emu_plan_add(plan, EMU_S_TEXT,
                     plan->prompt.chinese ? S("这是鹊桥仿真画的一张纯色图片：")
                                          : S("A picture in one colour, by queqiao's emulation:"));
    buf_init(&png, PART_MAX);
    emu_make_png(PICTURE_SIDE, PICTURE_SIDE, str_hash(plan->prompt.text), &png);
    add_blob(plan, "image/png", buf_str(&png), PICTURE_TOKENS);
    buf_fini(&png);
    return true;
}

bool emu_plan_speech(struct emu_plan *plan)
{
    struct buf pcm;

    if (!emu_can(plan->ask->target.family, EMU_AUDIO_OUT))
        return false;
    buf_init(&pcm, PART_MAX);
    emu_make_tone(SPEECH_MS, &pcm);
    add_blob(plan, "audio/L16;codec=pcm;rate=24000", buf_str(&pcm), SPEECH_TOKENS);
    buf_fini(&pcm);
    return true;
}

static void put_source(struct jw *w, const char *uri, const char *title)
{
    jw_obj(w, NULL);
    jw_obj(w, "web");
    jw_str(w, "uri", str_z(uri));
    jw_str(w, "title", str_z(title));
    jw_end(w);
    jw_end(w);
}

/* The text, and where each of its sentences comes from: offsets count bytes, 0 is left out. */
static void put_support(struct jw *w, struct str text, size_t from, size_t to, int source)
{
    jw_obj(w, NULL);
    jw_obj(w, "segment");
    if (from > 0)
        jw_u64(w, "startIndex", from);
    jw_u64(w, "endIndex", to);
    jw_str(w, "text", str_sub(text, from, to - from));
    jw_end(w);
    jw_arr(w, "groundingChunkIndices");
    jw_int(w, NULL, source);
    jw_end(w);
    jw_end(w);
}

static void ground(struct emu_plan *plan, struct str text, size_t middle)
{
    struct buf b;
    struct jw w;

    buf_init(&b, PART_MAX);
    jw_begin(&w, &b);
    jw_obj(&w, NULL);
    jw_obj(&w, "searchEntryPoint");
    jw_str(&w, "renderedContent", S("<div>queqiao's emulation</div>"));
    jw_end(&w);
    jw_arr(&w, "groundingChunks");
    put_source(&w, "https://example.com/magpie", "example.com");
    put_source(&w, "https://example.org/bridge", "example.org");
    jw_end(&w);
    jw_arr(&w, "groundingSupports");
    put_support(&w, text, 0, middle, 0);
    put_support(&w, text, middle, text.n, 1);
    jw_end(&w);
    jw_arr(&w, "webSearchQueries");
    jw_str(&w, NULL, S("magpie bridge"));
    jw_end(&w);
    jw_end(&w);
    emu_plan_extra(plan, "groundingMetadata", buf_str(&b));
    buf_fini(&b);
}

/* One half of a search that Google ran itself, as includeServerSideToolInvocations shows it. */
static void add_server_tool(struct emu_plan *plan, const char *kind, const char *key,
                            struct str json)
{
    struct buf part;
    struct buf signature;
    struct jw w;

    buf_init(&part, PART_MAX);
    buf_init(&signature, PART_MAX);
    emu_plan_signature(plan, str_z(kind), &signature);
    jw_begin(&w, &part);
    jw_obj(&w, NULL);
    jw_obj(&w, kind);
    jw_str(&w, "toolType", S("GOOGLE_SEARCH_WEB"));
    jw_raw(&w, key, json);
    jw_str(&w, "id", S("5ea7c401"));
    jw_end(&w);
    jw_str(&w, "thoughtSignature", buf_str(&signature));
    jw_end(&w);
    emu_plan_add(plan, EMU_S_PART, buf_str(&part));
    buf_fini(&signature);
    buf_fini(&part);
}

static void show_search(struct emu_plan *plan)
{
    if (!emu_true(emu_get(plan->prompt.body, "tool_config"),
                  "include_server_side_tool_invocations"))
        return;
    add_server_tool(plan, "toolCall", "args", S("{\"queries\":[\"magpie bridge\"]}"));
    add_server_tool(plan, "toolResponse", "response",
                    S("{\"search_suggestions\":\"<div>queqiao's emulation</div>\"}"));
}

bool emu_plan_search(struct emu_plan *plan)
{
    static const char *const words[] = {"search", "latest", "news", "look up", "搜索",
                                        "搜一下", "查一下", "最新", "新闻"};
    const struct emu_prompt *p = &plan->prompt;
    bool search = declares(p, "google_search") && says(p, words, NELEM(words));
    bool url =
        declares(p, "url_context") && str_contains_nocase(str_sub(p->text, 0, 65536), S("http"));
    struct str first = p->chinese ? S("仿真搜索说：喜鹊在七夕搭桥。")
                                  : S("The emulated search says that magpies build a bridge.");
    struct str second = p->chinese ? S("桥在银河上。") : S(" It spans the river of stars.");
    struct buf text;

    if (!search && !url)
        return false;
    if (search)
        show_search(plan);
    buf_init(&text, 1024);
    buf_put(&text, first);
    buf_put(&text, second);
    emu_plan_add(plan, EMU_S_TEXT, buf_str(&text));
    if (search)
        ground(plan, buf_str(&text), first.n);
    if (url)
        emu_plan_extra(plan, "urlContextMetadata",
                       S("{\"urlMetadata\":[{\"retrievedUrl\":\"https://example.com/\","
                         "\"urlRetrievalStatus\":\"URL_RETRIEVAL_STATUS_SUCCESS\"}]}"));
    buf_fini(&text);
    return true;
}

/* One of the two parts of a run; 3.x gives them an id and signs the code. */
static void add_code_part(struct emu_plan *plan, const char *kind, const char *const pairs[4],
                          bool sign)
{
    bool ids = emu_can(plan->ask->target.family, EMU_CALL_IDS);
    struct buf part;
    struct buf signature;
    struct jw w;

    buf_init(&part, PART_MAX);
    buf_init(&signature, PART_MAX);
    jw_begin(&w, &part);
    jw_obj(&w, NULL);
    jw_obj(&w, kind);
    jw_str(&w, pairs[0], str_z(pairs[1]));
    jw_str(&w, pairs[2], str_z(pairs[3]));
    if (ids)
        jw_str(&w, "id", S("c0de0001"));
    jw_end(&w);
    if (sign && ids) {
        emu_plan_signature(plan, S("code"), &signature);
        jw_str(&w, "thoughtSignature", buf_str(&signature));
    }
    jw_end(&w);
    emu_plan_add(plan, EMU_S_PART, buf_str(&part));
    buf_fini(&signature);
    buf_fini(&part);
}

bool emu_plan_code(struct emu_plan *plan)
{
    static const char *const words[] = {"compute", "calculate", "run",  "code", "execute",
                                        "计算",    "运行",      "执行", "代码"};
    static const char *const code[] = {"language", "PYTHON", "code", "print(sum(range(1, 11)))\n"};
    static const char *const result[] = {"outcome", "OUTCOME_OK", "output", "55\n"};
    const struct emu_prompt *p = &plan->prompt;

    if (!declares(p, "code_execution") || !says(p, words, NELEM(words)))
        return false;
    add_code_part(plan, "executableCode", code, true);
    add_code_part(plan, "codeExecutionResult", result, false);
    emu_plan_add(plan, EMU_S_TEXT,
                 p->chinese ? S("仿真的代码算出 1 到 10 的和是 55。")
                            : S("The emulated code says that 1 to 10 add up to 55."));
    return true;
}
