/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_demo_answer.c - what the emulated Gemini says, and in which shape. */
#include "codec/json_write.h"
#include "demo/layout.h"
#include "demo/media.h"
#include "demo/signature.h"
#include "demo_ask.h"

#define ASK(text) "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"" text "\"}]}]}"
#define ASK_AND(text, x)                                                                           \
    "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"" text "\"}]}]," x "}"
#define ALOUD "\"generationConfig\":{\"thinkingConfig\":{\"includeThoughts\":true}}"
#define WEATHER                                                                                    \
    "\"tools\":[{\"functionDeclarations\":[{\"name\":\"get_weather\",\"parametersJsonSchema\":{"   \
    "\"type\":"                                                                                    \
    "\"object\",\"properties\":{\"city\":{\"type\":\"string\"},\"days\":{\"type\":\"integer\"}},"  \
    "\"required\":[\"city\"]}}]}]"
#define JSON_OF(schema)                                                                            \
    "\"generationConfig\":{\"responseMimeType\":\"application/"                                    \
    "json\",\"responseJsonSchema\":" schema "}"

static const char NEW[] = "gemini-3.8-flash";
static const char OLD[] = "gemini-2.5-flash";

/* Substrings of the whole answer. */
static const struct {
    const char *name, *model, *body;
    const char *has[4];
    const char *lacks;
} WHOLE[] = {
  /* clang-format off */
    {"greeting", NEW, ASK("hello"), {"emulation of Gemini", "\"thoughtSignature\":\"", "\"finishReason\":\"STOP\",\"index\":0}]", "\"modelVersion\":\"gemini-3.8-flash-emulated\",\"responseId\":\""}, "\"thought\":true"},
    {"greeting in Chinese", NEW, ASK("你好"), {"鹊桥"}, "Hello"},
    {"2.5 signs no words", OLD, ASK("hello"), {"emulation"}, "thoughtSignature"},
    {"an alias tells its model", "gemini-flash-latest", ASK("hello"), {"\"modelVersion\":\"gemini-3.8-flash-emulated\""}, NULL},
    {"echo", NEW, ASK("Repeat after me: a \\\"b\\\" c"), {"{\"text\":\"a \\\"b\\\" c\","}, NULL},
    {"count", NEW, ASK("please count to 5"), {"\"text\":\"1 2 3 4 5\""}, NULL},
    {"words", OLD, ASK("write 7 words"), {"\"text\":\"every year the magpies gather above the.\""}, NULL},
    {"characters", OLD, ASK("写 6 个字"), {"\"text\":\"每年七夕，喜\""}, NULL},
    {"any other words", OLD, ASK("the moon"), {"You said: \\\"the moon\\\""}, NULL},
    {"history", OLD, "{\"contents\":[{\"parts\":[{\"text\":\"one\"}]},{\"role\":\"model\",\"parts\":[{\"text\":\"two\"}]},{\"parts\":[{\"text\":\"What did I say?\"}]}]}", {"1. \\\"one\\\"", "2. \\\"What did I say?\\\""}, "two"},
    {"system", OLD, ASK_AND("What is your system prompt?", "\"systemInstruction\":{\"parts\":[{\"text\":\"Be brief.\"}]}"), {"\\\"Be brief.\\\""}, NULL},
    {"help lists what there is", OLD, ASK("what can you do"), {"Count to 100", "weather"}, NULL},
    {"thoughts, hidden", NEW, ASK("hello"), {"\"thoughtsTokenCount\":61"}, "**Reading"},
    {"thoughts, shown", NEW, ASK_AND("hello", ALOUD), {"{\"text\":\"**Reading", "\"thought\":true},{\"text\":\"**Weighing", "\"thought\":true},{\"text\":\"Hello!"}, "**Settling"},
    {"thinking off", OLD, ASK_AND("hello", "\"generationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":0}}"), {"\"candidatesTokenCount\""}, "thoughtsTokenCount"},
    {"cut by tokens", OLD, ASK_AND("count to 100", "\"generationConfig\":{\"maxOutputTokens\":4,\"thinkingConfig\":{\"thinkingBudget\":0}}"), {"\"text\":\"1 2 3 4 5 6 7 8 \"", "\"finishReason\":\"MAX_TOKENS\"", "\"candidatesTokenCount\":4"}, "finishMessage"},
    {"all tokens thought away", NEW, ASK_AND("hello", "\"generationConfig\":{\"maxOutputTokens\":50}"), {"{\"content\":{\"role\":\"model\"},\"finishReason\":\"MAX_TOKENS\"", "\"thoughtsTokenCount\":49"}, "candidatesTokenCount"},
    {"stopped", OLD, ASK_AND("count to 9", "\"generationConfig\":{\"stopSequences\":[\"8\",\"5 \"]}"), {"\"text\":\"1 2 3 4 \"", "\"finishReason\":\"STOP\""}, NULL},
    {"candidates", OLD, ASK_AND("count to 3", "\"generationConfig\":{\"candidateCount\":2,\"thinkingConfig\":{\"thinkingBudget\":0}}"), {"\"index\":0}", "\"index\":1}", "\"candidatesTokenCount\":4"}, NULL},
    {"a call", NEW, ASK_AND("The weather in Oslo?", WEATHER), {"{\"functionCall\":{\"name\":\"get_weather\",\"args\":{\"city\":\"Oslo\"},\"id\":\"", "\"},\"thoughtSignature\":\"", "\"finishMessage\":\"Model generated function call(s).\""}, "\"text\""},
    {"a call without ids", OLD, ASK_AND("The weather in Oslo?", WEATHER), {"\"args\":{\"city\":\"Oslo\"}},\"thoughtSignature\""}, "\"id\""},
    {"two places", NEW, ASK_AND("北京和上海的天气", WEATHER), {"\"city\":\"北京\"", "\"city\":\"上海\""}, NULL},
    {"a function that is named", NEW, ASK_AND("use get_weather now", WEATHER), {"\"functionCall\""}, NULL},
    {"nobody asked for it", NEW, ASK_AND("hello", WEATHER), {"\"text\""}, "functionCall"},
    {"forced", NEW, ASK_AND("hello", WEATHER ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\"}}"), {"\"functionCall\""}, NULL},
    {"forbidden", NEW, ASK_AND("The weather in Oslo?", WEATHER ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"NONE\"}}"), {"\"text\""}, "functionCall"},
    {"numbers become arguments", NEW, ASK_AND("add 2 and -3.5", "\"tools\":[{\"functionDeclarations\":[{\"name\":\"add\",\"parameters\":{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"INTEGER\"},\"b\":{\"type\":\"NUMBER\"}}}}]}]"), {"\"args\":{\"a\":2,\"b\":-3.5}"}, NULL},
    {"no parameters", NEW, ASK_AND("call now_utc", "\"tools\":[{\"functionDeclarations\":[{\"name\":\"now_utc\"}]}]"), {"\"args\":{}"}, NULL},
    {"JSON", NEW, ASK_AND("x", JSON_OF("{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"minimum\":5},\"on\":{\"type\":\"boolean\"}}}")), {"\"text\":\"{\\\"n\\\":5,\\\"on\\\":true}\""}, NULL},
    {"JSON without a schema", NEW, ASK_AND("x", "\"generationConfig\":{\"responseMimeType\":\"application/json\"}"), {"\"text\":\"{\\\"emulated\\\":true"}, NULL},
    {"a word of several", NEW, ASK_AND("is it blue?", "\"generationConfig\":{\"responseMimeType\":\"text/x.enum\",\"responseSchema\":{\"type\":\"STRING\",\"enum\":[\"red\",\"blue\"]}}"), {"\"text\":\"blue\""}, NULL},
    {"a picture in", NEW, "{\"contents\":[{\"parts\":[{\"text\":\"see\"},{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA=\"}}]}]}", {"image/png, 29 bytes, 2 x 3 pixels", "{\"modality\":\"IMAGE\",\"tokenCount\":1120}"}, NULL},
    {"a picture out", "gemini-3.1-flash-image", ASK("draw"), {"\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"iVBORw0KGgo", "\"},\"thoughtSignature\":\"", "\"candidatesTokensDetails\":[{\"modality\":\"IMAGE\",\"tokenCount\":1120}]"}, NULL},
    {"speech out", "gemini-3.8-flash-tts", ASK_AND("say hi", "\"generationConfig\":{\"responseModalities\":[\"AUDIO\"]}"), {"\"mimeType\":\"audio/L16;codec=pcm;rate=24000\""}, "\"text\""},
    {"grounding", NEW, ASK_AND("search for news", "\"tools\":[{\"googleSearch\":{}}]"), {"\"groundingMetadata\":{\"searchEntryPoint\"", "\"segment\":{\"endIndex\":53,"}, NULL},
    {"grounding counts bytes", NEW, ASK_AND("搜索新闻", "\"tools\":[{\"googleSearch\":{}}]"), {"\"segment\":{\"endIndex\":42,", "{\"startIndex\":42,\"endIndex\":60,"}, NULL},
    {"code", NEW, ASK_AND("compute it", "\"tools\":[{\"codeExecution\":{}}]"), {"\"executableCode\":{\"language\":\"PYTHON\"", "\"thoughtSignature\"", "\"codeExecutionResult\":{\"outcome\":\"OUTCOME_OK\""}, NULL},
    {"results are quoted", NEW, "{\"contents\":[{\"parts\":[{\"text\":\"weather?\"}]},{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"w\"},\"thoughtSignature\":\"skip_thought_signature_validator\"}]},{\"parts\":[{\"functionResponse\":{\"name\":\"w\",\"response\":{\"t\":4}}}]}]," WEATHER "}", {"The tool w answered: {\\\"t\\\":4}"}, "functionCall"},
    {"cached", "emulate-cached", ASK("0123456789abcdef"), {"\"promptTokenCount\":4", "\"cachedContentTokenCount\":2", "\"cacheTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":2}]"}, NULL},
    {"Google's tools, shown", NEW, ASK_AND("search for news", "\"tools\":[{\"googleSearch\":{}}],\"toolConfig\":{\"includeServerSideToolInvocations\":true}"), {"{\"toolCall\":{\"toolType\":\"GOOGLE_SEARCH_WEB\",\"args\":{\"queries\":", "{\"toolResponse\":{\"toolType\":\"GOOGLE_SEARCH_WEB\",\"response\":{"}, NULL},
    {"blocked", "emulate-blocked", ASK("hello"), {"{\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"usageMetadata\""}, "candidates\":["},
    {"safety", "emulate-safety", ASK("hello"), {"\"finishReason\":\"SAFETY\"", "\"blocked\":true"}, NULL},
    {"an unknown reason", "emulate-gibberish-finish", ASK("hello"), {"\"finishReason\":\"GIBBERISH\""}, NULL},
    {"empty", "emulate-empty", ASK("hello"), {"{\"content\":{\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}", "\"totalTokenCount\":2,"}, "thoughtsTokenCount"},
    {"a broken call", "emulate-malformed-call", ASK("hello"), {"\"finishReason\":\"MALFORMED_FUNCTION_CALL\",\"index\":0,\"finishMessage\":\"Malformed function call: "}, "parts"},
    {"only thoughts", "emulate-max-tokens-thinking", ASK("hello"), {"\"finishReason\":\"MAX_TOKENS\"", "\"thoughtsTokenCount\":499"}, "parts"},
    {"aloud", "emulate-thoughts", ASK("hello"), {"\"thought\":true"}, NULL},
    {"the rules of another family", "gemini-2.5-flash-emulate-safety", ASK("hello"), {"gemini-2.5-flash-emulated", "SAFETY"}, NULL},
  /* clang-format on */
};

static void whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < NELEM(WHOLE); i++) {
        struct demo d;
        const char *text;

        demo_ask(&d, WHOLE[i].model, EMU_GENERATE, WHOLE[i].body);
        if (d.answer.problem.http != 0)
            fail_msg("%s: refused: %s", WHOLE[i].name, demo_whole(&d));
        text = demo_whole(&d);
        for (size_t k = 0; k < NELEM(WHOLE[i].has) && WHOLE[i].has[k] != NULL; k++) {
            if (strstr(text, WHOLE[i].has[k]) == NULL)
                fail_msg("%s: no %s in %.3000s", WHOLE[i].name, WHOLE[i].has[k], text);
        }
        if (WHOLE[i].lacks != NULL && strstr(text, WHOLE[i].lacks) != NULL)
            fail_msg("%s: %s in %.3000s", WHOLE[i].name, WHOLE[i].lacks, text);
        demo_done(&d);
    }
}

/* The text parts of all chunks, joined; the last usage; how many finishReasons there were. */
struct gathered {
    struct buf text;
    uint64_t candidates, thoughts, total;
    size_t chunks, finishes;
};

static void gather(struct demo *d, struct gathered *g)
{
    struct emu_cursor c;
    struct json json;
    struct fault why = {0};

    *g = (struct gathered){0};
    buf_init(&g->text, 64 << 20);
    json_init(&json);
    emu_cursor_init(&c, &d->answer.plan);
    for (;;) {
        yyjson_val *usage;
        yyjson_val *candidate;

        buf_reset(&d->out);
        if (!emu_chunk_next(&c, &d->out))
            break;
        assert_int_equal(json_parse_copy(&json, buf_str(&d->out), NULL, &why), OK);
        candidate = yyjson_arr_get_first(jr_get(json.root, "candidates"));
        jr_each (part, jr_get(jr_get(candidate, "content"), "parts"))
            buf_put(&g->text, jr_str(part, "text"));
        usage = jr_get(json.root, "usageMetadata");
        assert_true(jr_count(usage, "totalTokenCount") >= g->total);
        g->candidates = jr_count(usage, "candidatesTokenCount");
        g->thoughts = jr_count(usage, "thoughtsTokenCount");
        g->total = jr_count(usage, "totalTokenCount");
        assert_int_equal(g->total,
                         jr_count(usage, "promptTokenCount") + g->candidates + g->thoughts);
        g->finishes += jr_str(candidate, "finishReason").n > 0;
        g->chunks++;
    }
    json_fini(&json);
}

/* A stream adds up to the whole answer: same text, same counts, one finishReason. */
static void streams_add_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < NELEM(WHOLE); i++) {
        struct demo d;
        struct gathered g;
        struct json json;
        struct fault why = {0};
        struct buf text;
        yyjson_val *candidate;
        yyjson_val *usage;

        demo_ask(&d, WHOLE[i].model, EMU_STREAM, WHOLE[i].body);
        gather(&d, &g);
        json_init(&json);
        buf_init(&text, 64 << 20);
        assert_int_equal(json_parse_copy(&json, str_z(demo_whole(&d)), NULL, &why), OK);
        candidate = yyjson_arr_get_first(jr_get(json.root, "candidates"));
        usage = jr_get(json.root, "usageMetadata");
        jr_each (part, jr_get(jr_get(candidate, "content"), "parts"))
            buf_put(&text, jr_str(part, "text"));
        if (!str_eq(buf_str(&text), buf_str(&g.text)) ||
            jr_count(usage, "totalTokenCount") != g.total ||
            g.finishes != (jr_str(candidate, "finishReason").n > 0))
            fail_msg("%s: %zu finishes, %.*s", WHOLE[i].name, g.finishes, S_ARG(buf_str(&g.text)));
        buf_fini(&text);
        buf_fini(&g.text);
        json_fini(&json);
        demo_done(&d);
    }
}

/* Where the finishReason and the signature stand, by family. */
static void chunk_shapes(void **state)
{
    struct demo d;
    const char *text;

    (void)state;
    demo_ask(&d, NEW, EMU_STREAM, ASK("count to 40"));
    text = demo_stream(&d);
    demo_has(text, "{\"parts\":[{\"text\":\"\",\"thoughtSignature\":\"");
    assert_int_equal(demo_count(text, "thoughtSignature"), 1);
    demo_done(&d);

    demo_ask(&d, NEW, EMU_STREAM, ASK_AND("weather in Paris and Rome", WEATHER));
    text = demo_stream(&d);
    assert_int_equal(demo_count(text, "\n"), 3);
    assert_int_equal(demo_count(text, "thoughtSignature"), 1);
    demo_has(text, "{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"},\"finishReason\":"
                   "\"STOP\",\"index\":0}]");
    demo_lacks(text, "finishMessage");
    demo_done(&d);

    demo_ask(&d, OLD, EMU_STREAM, ASK_AND("weather in Paris and Rome", WEATHER));
    text = demo_stream(&d);
    assert_int_equal(demo_count(text, "\n"), 1);
    assert_int_equal(demo_count(text, "functionCall\""), 2);
    assert_int_equal(demo_count(text, "thoughtSignature"), 1);
    demo_has(text, "\"finishReason\":\"STOP\",\"index\":0,\"finishMessage\":");
    demo_done(&d);

    demo_ask(&d, NEW, EMU_STREAM, ASK_AND("hello", ALOUD));
    text = demo_stream(&d);
    assert_int_equal(demo_count(text, "\"thought\":true"), 2);
    demo_has(
        text,
        "\"usageMetadata\":{\"promptTokenCount\":2,\"totalTokenCount\":33,"); /* no candidates */
    demo_done(&d);
}

static void faulty_streams(void **state)
{
    struct demo d;

    (void)state;
    demo_ask(&d, "emulate-cut", EMU_STREAM, ASK("hello"));
    demo_lacks(demo_stream(&d), "finishReason");
    demo_done(&d);
    demo_ask(&d, "gemini-2.5-pro-emulate-cut", EMU_STREAM, ASK("hello"));
    demo_lacks(demo_stream(&d), "finishReason");
    demo_done(&d);
    demo_ask(&d, "emulate-stream-20-events-every-500-ms", EMU_STREAM, ASK("hello"));
    assert_int_equal(demo_count(demo_stream(&d), "\n"), 20);
    assert_int_equal(d.ask.target.fault.number[1], 500);
    demo_done(&d);
    demo_ask(&d, "gemini-2.5-flash-emulate-stream-20-events-every-5-ms", EMU_STREAM, ASK("hello"));
    assert_int_equal(demo_count(demo_stream(&d), "\n"), 20);
    demo_done(&d);
    demo_ask(&d, "emulate-huge-event-2000", EMU_STREAM, ASK("hello"));
    demo_stream(&d);
    assert_true(d.out.n > 2000 * 1024 && d.out.n < 2010 * 1024);
    demo_done(&d);
    demo_ask(&d, "emulate-long-signature-50", EMU_GENERATE, ASK("hello"));
    demo_whole(&d);
    assert_true(d.out.n > 66 * 1024);
    demo_done(&d);
}

static void fault_names(void **state)
{
    static const struct {
        const char *name;
        bool known;
    } rows[] = {
        {"emulate-429",                        true },
        {"emulate-4299",                       false},
        {"emulate-",                           false},
        {"emulate-slow-3000",                  true },
        {"emulate-slow-",                      false},
        {"emulate-slow-3000-",                 false},
        {"emulate-slow-99999999999999",        false},
        {"emulate-stream-2-events-every-3-ms", true },
        {"emulate-stream-x-events-every-3-ms", false},
        {"emulate--finish",                    false},
        {"gemini-2.5-flash-emulate-503",       true },
        {"gemini-9-emulate-503",               false},
        {"gemini-1.5-flash",                   false},
        {"models/gemini-3.8-flash",            true },
        {"gemini-3.8-flash\" x-emulate-429",   false},
        {"",                                   false},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct emu_target t;

        if (emu_catalog_find(str_z(rows[i].name), &t) != rows[i].known)
            fail_msg("%s", rows[i].name);
    }
    for (size_t i = 0; emu_fault_name(i) != NULL; i++) {
        struct emu_target t;
        char name[128] = "emulate-";

        memcpy(name + 8, emu_fault_name(i), strlen(emu_fault_name(i)));
        if (!emu_catalog_find(str_z(name), &t))
            fail_msg("%s is listed, and not known", name);
    }
}

/* Every refusal is JSON with the status that its name promises. */
static void fault_bodies(void **state)
{
    static const struct {
        const char *name;
        int http;
        const char *has;
    } rows[] = {
        {"429",          429, "\"quotaId\":\"GenerateRequestsPerMinutePerProjectPerModel-FreeTier\""},
        {"429-day",      429, "\"quotaId\":\"GenerateRequestsPerDayPerProjectPerModel-FreeTier\""   },
        {"400",          400, "Request contains an invalid argument."                               },
        {"400-key",      400, "\"reason\":\"API_KEY_INVALID\""                                      },
        {"402",          402, "\"status\":\"RESOURCE_EXHAUSTED\""                                   },
        {"403",          403, "\"status\":\"PERMISSION_DENIED\""                                    },
        {"403-disabled", 403, "\"reason\":\"SERVICE_DISABLED\""                                     },
        {"suspended",    403, "\"reason\":\"CONSUMER_SUSPENDED\""                                   },
        {"404",          404, "is not found for API version"                                        },
        {"location",     400, "\"status\":\"FAILED_PRECONDITION\""                                  },
        {"500",          500, "\"status\":\"INTERNAL\""                                             },
        {"503",          503, "The model is overloaded."                                            },
        {"503-once",     503, "The model is overloaded."                                            },
        {"504",          504, "\"status\":\"DEADLINE_EXCEEDED\""                                    },
        {"error-mid",    503, "\"status\":\"UNAVAILABLE\""                                          },
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct emu_problem p;
        struct emu_target t;
        struct json json;
        struct fault why = {0};
        struct buf out;
        char name[64] = "emulate-";

        memcpy(name + 8, rows[i].name, strlen(rows[i].name));
        assert_true(emu_catalog_find(str_z(name), &t));
        emu_problem_init(&p);
        buf_init(&out, 1 << 20);
        json_init(&json);
        emu_fault_refuse(&t.fault, t.asked, &p);
        emu_problem_write(&p, &out);
        assert_int_equal(p.http, rows[i].http);
        assert_int_equal(json_parse_copy(&json, buf_str(&out), NULL, &why), OK);
        assert_int_equal(jr_count(jr_get(json.root, "error"), "code"), rows[i].http);
        if (str_find(buf_str(&out), str_z(rows[i].has)) == out.n)
            fail_msg("%s: %.*s", rows[i].name, S_ARG(buf_str(&out)));
        json_fini(&json);
        buf_fini(&out);
        emu_problem_fini(&p);
    }
}

static void signatures(void **state)
{
    struct buf b;
    struct buf cut;

    (void)state;
    buf_init(&b, 1 << 20);
    buf_init(&cut, 1 << 20);
    emu_signature_put(&b, S("3.8"), 5, EMU_SIGNATURE_BYTES);
    assert_int_equal(emu_signature_check(buf_str(&b), S("3.8")), EMU_SIGNATURE_OURS);
    assert_int_equal(emu_signature_check(buf_str(&b), S("3.5")), EMU_SIGNATURE_FOREIGN);
    for (size_t i = 0; i < b.n; i++) { /* any one character changed */
        buf_reset(&cut);
        buf_put(&cut, buf_str(&b));
        cut.p[i] = cut.p[i] == 'A' ? 'B' : 'A';
        assert_int_not_equal(emu_signature_check(buf_str(&cut), S("3.8")), EMU_SIGNATURE_OURS);
    }
    for (size_t n = 0; n < b.n; n++) /* any cut */
        assert_int_not_equal(emu_signature_check(str_sub(buf_str(&b), 0, n), S("3.8")),
                             EMU_SIGNATURE_OURS);
    assert_int_equal(emu_signature_check(S("skip/thought/signature/validator"), S("3.8")),
                     EMU_SIGNATURE_DUMMY);
    buf_fini(&b);
    buf_fini(&cut);
}

/* An answer of the emulator, sent back, is taken; altered or moved to another model it is not. */
static void signatures_come_back(void **state)
{
    static const struct {
        const char *model;
        bool alter;
        int http;
    } rows[] = {
        {"gemini-3.8-flash", false, 0  },
        {"gemini-3.8-flash", true,  400},
        {"gemini-3.5-flash", false, 400},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct demo first;
        struct demo second;
        struct json json;
        struct fault why = {0};
        struct buf body;
        yyjson_val *content;
        struct jw w;

        demo_ask(&first, NEW, EMU_GENERATE, ASK_AND("weather in Paris and Rome", WEATHER));
        json_init(&json);
        assert_int_equal(json_parse_copy(&json, str_z(demo_whole(&first)), NULL, &why), OK);
        content = jr_get(yyjson_arr_get_first(jr_get(json.root, "candidates")), "content");
        buf_init(&body, 1 << 20);
        jw_begin(&w, &body);
        jw_obj(&w, NULL);
        jw_arr(&w, "contents");
        jw_raw(&w, NULL, S("{\"parts\":[{\"text\":\"weather in Paris and Rome\"}]}"));
        jw_copy(&w, NULL, content);
        jw_obj(&w, NULL);
        jw_arr(&w, "parts");
        jr_each (part, jr_get(content, "parts")) {
            jw_obj(&w, NULL);
            jw_obj(&w, "functionResponse");
            jw_copy(&w, "name", jr_get(jr_get(part, "functionCall"), "name"));
            jw_copy(&w, "id", jr_get(jr_get(part, "functionCall"), "id"));
            jw_raw(&w, "response", S("{\"t\":4}"));
            jw_end(&w);
            jw_end(&w);
        }
        jw_end(&w);
        jw_end(&w);
        jw_end(&w);
        jw_end(&w);
        buf_putc(&body, '\0');
        if (rows[i].alter) {
            char *at = strstr(body.p, "\"thoughtSignature\":\"");

            assert_non_null(at);
            at[60] = at[60] == 'A' ? 'B' : 'A';
        }
        demo_ask(&second, rows[i].model, EMU_GENERATE, body.p);
        assert_int_equal(second.answer.problem.http, rows[i].http);
        if (rows[i].http == 0)
            demo_has(demo_whole(&second), "The tool get_weather answered");
        demo_done(&second);
        demo_done(&first);
        json_fini(&json);
        buf_fini(&body);
    }
}

/* "then" makes one call a step; after the last there are words. */
static void steps(void **state)
{
    static const char call[] =
        "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"get_weather\"},"
        "\"thoughtSignature\":\"skip_thought_signature_validator\"}]},{\"parts\":"
        "[{\"functionResponse\":{\"name\":\"get_weather\",\"response\":{}}}]}";
    static const char *const expect[] = {"Paris", "Rome", "The tool get_weather answered"};

    (void)state;
    for (size_t n = 0; n < NELEM(expect); n++) {
        struct demo d;
        struct buf body;

        buf_init(&body, 65536);
        buf_lit(&body,
                "{\"contents\":[{\"parts\":[{\"text\":\"weather in Paris, then in Rome\"}]}");
        for (size_t i = 0; i < n; i++)
            buf_putf(&body, ",%s", call);
        buf_lit(&body, "]," WEATHER "}");
        buf_putc(&body, '\0');
        demo_ask(&d, NEW, EMU_GENERATE, body.p);
        demo_has(demo_whole(&d), expect[n]);
        assert_int_equal(demo_count(d.out.p, "functionCall\""), n < 2);
        demo_done(&d);
        buf_fini(&body);
    }
}

/* Instances of schemas, as arguments of a call that takes anything. */
static void instances(void **state)
{
    static const struct {
        const char *name, *schema, *out;
    } rows[] = {
  /* clang-format off */
        {"const", "{\"const\":{\"a\":[1]}}", "{\"a\":[1]}"},
        {"enum of numbers", "{\"enum\":[3,4]}", "3"},
        {"types", "{\"type\":[\"null\",\"integer\"]}", "1"},
        {"upper case", "{\"type\":\"ARRAY\",\"items\":{\"type\":\"BOOLEAN\"},\"minItems\":\"2\"}", "[true,true]"},
        {"no items wanted", "{\"type\":\"array\",\"items\":{},\"maxItems\":0}", "[]"},
        {"tuple", "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"integer\"},{\"type\":\"boolean\"}]}", "[1,true]"},
        {"exclusive bounds", "{\"type\":\"integer\",\"exclusiveMinimum\":7,\"maximum\":8}", "8"},
        {"multiple", "{\"type\":\"integer\",\"minimum\":4,\"multipleOf\":5}", "5"},
        {"length", "{\"type\":\"string\",\"maxLength\":3}", "\"emu\""},
        {"format", "{\"type\":\"string\",\"format\":\"date\"}", "\"2026-11-23\""},
        {"ref", "{\"$ref\":\"#/$defs/a~1b\",\"$defs\":{\"a/b\":{\"type\":\"boolean\"}}}", "true"},
        {"any of", "{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"boolean\"}]}", "true"},
        {"all of", "{\"allOf\":[{\"properties\":{\"a\":{\"type\":\"boolean\"}}},{\"properties\":{\"b\":{\"type\":\"null\"}}}]}", "{\"a\":true,\"b\":null}"},
        {"order", "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"null\"},\"b\":{\"type\":\"null\"}},\"propertyOrdering\":[\"b\",\"a\"]}", "{\"b\":null,\"a\":null}"},
        {"map", "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}", "{\"key\":1}"},
        {"a ref to nowhere", "{\"$ref\":\"#/$defs/x\"}", "\"emulated text\""},
        {"a loop", "{\"$ref\":\"#\"}", "\"emulated text\""},
        {"true", "true", "\"emulated text\""},
  /* clang-format on */
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct buf body;
        struct demo d;
        struct str got;

        buf_init(&body, 65536);
        buf_putf(&body, ASK_AND("x", JSON_OF("%s")), rows[i].schema);
        buf_putc(&body, '\0');
        demo_ask(&d, NEW, EMU_GENERATE, body.p);
        got = d.answer.plan.segment[d.answer.plan.n - 1].text;
        if (d.answer.problem.http != 0 || !str_eq(got, str_z(rows[i].out)))
            fail_msg("%s: %.*s", rows[i].name, S_ARG(got));
        demo_done(&d);
        buf_fini(&body);
    }
}

/* A schema that holds itself ends, and one that doubles does not explode. */
static void deep_schemas(void **state)
{
    static const char *const schemas[] = {
        "{\"type\":\"object\",\"properties\":{\"l\":{\"$ref\":\"#\"},\"r\":{\"$ref\":\"#\"}},"
        "\"required\":[\"l\",\"r\"]}",
        "{\"type\":\"object\",\"properties\":{\"c\":{\"type\":\"array\",\"items\":{\"$ref\":\"#\"},"
        "\"minItems\":16}}}",
        "{\"anyOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}",
    };

    (void)state;
    for (size_t i = 0; i < NELEM(schemas); i++) {
        struct json json;
        struct fault why = {0};
        struct buf body;
        struct demo d;

        buf_init(&body, 65536);
        buf_putf(&body, ASK_AND("x", JSON_OF("%s")), schemas[i]);
        buf_putc(&body, '\0');
        demo_ask(&d, NEW, EMU_GENERATE, body.p);
        assert_int_equal(d.answer.problem.http, 0);
        json_init(&json);
        assert_int_equal(
            json_parse_copy(&json, d.answer.plan.segment[d.answer.plan.n - 1].text, NULL, &why),
            OK);
        assert_true(d.answer.plan.segment[d.answer.plan.n - 1].text.n < 1 << 20);
        json_fini(&json);
        demo_done(&d);
        buf_fini(&body);
    }
}

static void counting_and_embedding(void **state)
{
    struct demo d;

    (void)state;
    demo_ask(&d, NEW, EMU_COUNT, ASK("12345"));
    assert_string_equal(demo_whole(&d), "{\"totalTokens\":2,\"promptTokensDetails\":[{\"modality\":"
                                        "\"TEXT\",\"tokenCount\":2}]}");
    demo_done(&d);
    demo_ask(&d, NEW, EMU_COUNT,
             "{\"generateContentRequest\":{\"model\":\"models/x\",\"contents\":[{\"parts\":"
             "[{\"text\":\"12345\"}]}]}}");
    demo_has(demo_whole(&d), "\"totalTokens\":2");
    demo_done(&d);
    demo_ask(&d, "gemini-embedding-2", EMU_EMBED,
             "{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"outputDimensionality\":128}");
    assert_int_equal(demo_count(demo_whole(&d), ","), 127 + 3);
    demo_has(d.out.p, "\"usageMetadata\":{\"promptTokenCount\":1,\"promptTokenDetails\":");
    demo_done(&d);
    demo_ask(&d, "gemini-embedding-001", EMU_EMBED_MANY,
             "{\"requests\":[{\"model\":\"models/"
             "gemini-embedding-001\",\"content\":{\"parts\":[{\"text\":"
             "\"a\"}]}},{\"model\":\"models/"
             "gemini-embedding-001\",\"content\":{\"parts\":[{\"text\":\"b\"}]},"
             "\"taskType\":\"CLUSTERING\"}]}");
    assert_int_equal(demo_count(demo_whole(&d), "\"values\":["), 2);
    demo_lacks(d.out.p, "usageMetadata");
    demo_done(&d);
    demo_ask(&d, NEW, EMU_EMBED, "{\"content\":{\"parts\":[{\"text\":\"a\"}]}}");
    demo_has(demo_whole(&d),
             "models/gemini-3.8-flash is not found for API version v1beta, or is not "
             "supported for embedContent.");
    demo_done(&d);
    demo_ask(&d, "gemini-embedding-2", EMU_GENERATE, ASK("a"));
    assert_int_equal(d.answer.problem.http, 404);
    demo_done(&d);
}

static void layouts(void **state)
{
    static const char json[] = "{\"a\":[1,{\"b\":\"x:,{}\\\"\"}],\"c\":{},\"d\":[]}";
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    emu_layout_line(str_z(json), &b);
    buf_putc(&b, '\0');
    assert_string_equal(b.p, "{\"a\": [1,{\"b\": \"x:,{}\\\"\"}],\"c\": {},\"d\": []}");
    buf_reset(&b);
    emu_layout_pretty(str_z(json), &b);
    buf_putc(&b, '\0');
    assert_string_equal(b.p,
                        "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x:,{}\\\"\"\n    }\n  ],\n"
                        "  \"c\": {},\n  \"d\": []\n}");
    buf_fini(&b);
}

static void pictures(void **state)
{
    unsigned w = 0;
    unsigned h = 0;
    struct buf png;

    (void)state;
    buf_init(&png, 1 << 20);
    emu_make_png(20, 30, 0x112233, &png);
    assert_true(emu_picture_size(buf_str(&png), &w, &h));
    assert_int_equal(w, 20);
    assert_int_equal(h, 30);
    for (size_t n = 0; n < 24; n++)
        assert_false(emu_picture_size(str_sub(buf_str(&png), 0, n), &w, &h));
    assert_true(emu_picture_size(S("\xff\xd8\xff\xe0\0\4ab\xff\xc0\0\x11\x08\1\2\3\4"), &w, &h));
    assert_int_equal(w, 0x304);
    assert_int_equal(h, 0x102);
    assert_false(emu_picture_size(S("\xff\xd8\xff\xe0\0\0\xff\xe0\0\0\xff\xe0\0\0"), &w, &h));
    buf_fini(&png);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),        cmocka_unit_test(streams_add_up),
        cmocka_unit_test(chunk_shapes), cmocka_unit_test(faulty_streams),
        cmocka_unit_test(fault_names),  cmocka_unit_test(fault_bodies),
        cmocka_unit_test(signatures),   cmocka_unit_test(signatures_come_back),
        cmocka_unit_test(steps),        cmocka_unit_test(instances),
        cmocka_unit_test(deep_schemas), cmocka_unit_test(counting_and_embedding),
        cmocka_unit_test(layouts),      cmocka_unit_test(pictures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
