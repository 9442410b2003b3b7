/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_form.c - an event that is read by its likeness to the one before says what it says when it
 * is parsed, and so does a whole answer. */
#include "base/mem.h"
#include "gemini/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROOM = 1 << 16 };

/* A stream's reader, and what it told, a line for each event. */
struct side {
    struct json json;
    struct gm_error told;
    struct gm_reader reader;
    struct buf events;
    enum err err;
    char room[ROOM];
};

static enum err on_event(void *ctx, const struct gm_event *e)
{
    struct side *s = ctx;

    buf_putf(&s->events, "%d %d '%.*s' '%.*s'\n", e->kind, e->thought, S_ARG(e->text),
             S_ARG(e->signature));
    return OK;
}

static void begin(struct side *s, struct gm_form *form)
{
    json_init(&s->json);
    buf_init(&s->events, ROOM);
    gm_reader_init(&s->reader, &s->told);
    s->reader.form = form;
    s->err = OK;
}

static void end(struct side *s)
{
    buf_fini(&s->events);
    json_fini(&s->json);
}

static void feed(struct side *s, struct str event)
{
    if (s->err != OK) /* a stream is over then */
        return;
    memcpy(s->room, event.p, event.n);
    s->err = gm_read_event(&s->reader, &s->json, s->room, event.n, on_event, s);
}

static void same_usage(const struct gm_usage *a, const struct gm_usage *b)
{
    assert_int_equal(a->seen, b->seen);
    assert_string_equal(a->tier, b->tier);
    assert_int_equal(a->prompt, b->prompt);
    assert_int_equal(a->candidates, b->candidates);
    assert_int_equal(a->thoughts, b->thoughts);
    assert_int_equal(a->tool_use, b->tool_use);
    assert_int_equal(a->cached, b->cached);
    assert_int_equal(a->total, b->total);
    assert_int_equal(a->prompt_audio, b->prompt_audio);
    assert_int_equal(a->prompt_image, b->prompt_image);
    assert_int_equal(a->candidates_audio, b->candidates_audio);
    assert_int_equal(a->candidates_image, b->candidates_image);
}

static void same(const struct side *a, const struct side *b, struct str event)
{
    if (a->err != b->err || !str_eq(buf_str(&a->events), buf_str(&b->events)))
        fail_msg("%.*s\nlikeness: %d %.*s\nparsed: %d %.*s", S_ARG(event), a->err,
                 S_ARG(buf_str(&a->events)), b->err, S_ARG(buf_str(&b->events)));
    if (a->err != OK)
        return;
    same_usage(&a->reader.usage, &b->reader.usage);
    assert_int_equal(a->reader.finish, b->reader.finish);
    assert_int_equal(a->reader.blocked, b->reader.blocked);
    assert_int_equal(a->reader.any_content, b->reader.any_content);
    assert_int_equal(a->reader.any_answer, b->reader.any_answer);
    assert_int_equal(a->reader.any_chunk, b->reader.any_chunk);
    assert_string_equal(a->reader.response_id, b->reader.response_id);
    assert_string_equal(a->reader.model_version, b->reader.model_version);
    assert_string_equal(a->reader.finish_word, b->reader.finish_word);
    assert_string_equal(a->reader.finish_message, b->reader.finish_message);
}

/* As a stream, and the first again after a hop. Was the second known by its likeness? */
static bool compare_streams(struct str first, struct str second)
{
    static struct side likeness, parsed;
    struct arena arena;
    bool known;

    arena_init(&arena, ROOM);
    begin(&likeness, gm_form_new(&arena));
    begin(&parsed, NULL);
    assert_non_null(likeness.reader.form);
    feed(&likeness, first);
    feed(&parsed, first);
    feed(&likeness, second);
    feed(&parsed, second);
    known = likeness.err == OK && likeness.json.root == NULL;
    assert_true(parsed.err != OK || parsed.json.root != NULL);
    same(&likeness, &parsed, second);
    gm_reader_hop(&likeness.reader);
    gm_reader_hop(&parsed.reader);
    feed(&likeness, first);
    feed(&parsed, first);
    same(&likeness, &parsed, second);
    end(&parsed);
    end(&likeness);
    arena_fini(&arena);
    return known;
}

/* As the answers of two requests. */
static bool compare_wholes(struct str first, struct str second)
{
    static struct side likeness, parsed;
    struct gm_form *wholes = gm_form_of_wholes();
    bool known = false;

    for (int i = 0; i < 2; i++) {
        struct str whole = i == 0 ? first : second;

        begin(&likeness, wholes);
        begin(&parsed, NULL);
        feed(&likeness, whole);
        feed(&parsed, whole);
        known = likeness.err == OK && likeness.json.root == NULL;
        same(&likeness, &parsed, whole);
        end(&parsed);
        end(&likeness);
    }
    mem_free(wholes);
    return known;
}

static bool compare(struct str first, struct str second)
{
    compare_wholes(first, second);
    return compare_streams(first, second);
}

// clang-format off
#define CANDIDATE(content, rest) "{\"candidates\":[{\"content\":{\"parts\":[" content "]}" rest "}]"
#define PARTS(parts)             CANDIDATE(parts, "") "}"
#define PART(text)               "{\"text\":\"" text "\"}"
#define TEXT(text)               CANDIDATE(PART(text), "")
#define ENDS(text, rest)         CANDIDATE(PART(text), rest) "}"
#define IDS(id, model)           ",\"responseId\":\"" id "\",\"modelVersion\":\"" model "\"}"
#define USAGE(counts)            ",\"usageMetadata\":{" counts "}}"
#define COUNTS(in, out, total)                                                                     \
    USAGE("\"promptTokenCount\":" in ",\"candidatesTokenCount\":" out ",\"totalTokenCount\":" total \
          ",\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":" in "}]")
#define AUDIO(in, audio)                                                                           \
    USAGE("\"promptTokenCount\":" in                                                               \
          ",\"promptTokensDetails\":[{\"modality\":\"AUDIO\",\"tokenCount\":" audio "}]")
#define FOUR(n)                                                                                    \
    "{\"tokenCount\":" n "},{\"tokenCount\":1},{\"tokenCount\":1},{\"tokenCount\":1}"
#define MANY(n)                                                                                    \
    USAGE("\"promptTokenCount\":9,\"promptTokensDetails\":[" FOUR(n) "," FOUR("1") "," FOUR("1")    \
          "," FOUR("1") "]")

static const struct {
    const char *name, *first, *second;
    bool known;
} PAIR[] = {
    {"another text", TEXT("one") "}", TEXT("two, longer") "}", true},
    {"no text", TEXT("one") "}", TEXT("") "}", true},
    {"after no text", TEXT("") "}", TEXT("two") "}", true},
    {"the same", TEXT("one") "}", TEXT("one") "}", true},
    {"escapes", TEXT("\\\"one\\n") "}", TEXT("\\u00e9\\ud83d\\ude00\\\\\\\"") "}", true},
    {"half of a pair", TEXT("one") "}", TEXT("\\ud83d") "}", true},
    {"no escape", TEXT("one") "}", TEXT("\\q") "}", false},
    {"Chinese", TEXT("one") "}", TEXT("\xe4\xbd\xa0\xe5\xa5\xbd") "}", true},
    {"no UTF-8", TEXT("one") "}", TEXT("\xe4\xbd") "}", false},
    {"a control byte", TEXT("one") "}", TEXT("\n") "}", false},
    {"counts", TEXT("a") COUNTS("1", "2", "3"), TEXT("b") COUNTS("1", "20", "4444"), true},
    {"the largest", TEXT("a") COUNTS("1", "2", "3"), TEXT("b") COUNTS("1", "0", "999999999"), true},
    {"too large", TEXT("a") COUNTS("1", "2", "3"), TEXT("b") COUNTS("1", "2", "1000000000"), false},
    {"overflow", TEXT("a") COUNTS("1", "2", "3"), TEXT("b") COUNTS("1", "2", "99999999999"), false},
    {"a fraction", TEXT("a") COUNTS("1", "2", "3"), TEXT("b") COUNTS("1", "2.0", "3"), false},
    {"a zero in front", TEXT("a") COUNTS("1", "2", "3"), TEXT("b") COUNTS("1", "02", "3"), false},
    {"below zero", TEXT("a") COUNTS("1", "2", "3"), TEXT("b") COUNTS("1", "-2", "3"), false},
    {"fractions", TEXT("a") COUNTS("1", "2.5", "3"), TEXT("b") COUNTS("1", "2.5", "3"), false},
    {"as text", TEXT("a") COUNTS("\"1\"", "2", "3"), TEXT("b") COUNTS("\"1\"", "2", "3"), true},
    {"counts vanish", TEXT("a") COUNTS("1", "2", "3"), TEXT("b") "}", false},
    {"counts come", TEXT("a") "}", TEXT("b") COUNTS("1", "2", "3"), false},
    {"a tier alone", TEXT("a") USAGE("\"serviceTier\":\"flex\""),
     TEXT("b") USAGE("\"serviceTier\":\"flex\""), true},
    {"another answer", TEXT("a") ",\"responseId\":\"r\"}", TEXT("b") ",\"responseId\":\"s\"}", false},
    {"thoughts", PARTS("{\"text\":\"a\",\"thought\":true}"),
     PARTS("{\"text\":\"b\",\"thought\":true}"), true},
    {"the last thought", PARTS("{\"text\":\"a\",\"thought\":true}"), PARTS(PART("b")), false},
    {"a text twice", PARTS("{\"text\":\"a\",\"text\":\"b\"}"),
     PARTS("{\"text\":\"c\",\"text\":\"b\"}"), true},
    {"two parts", PARTS(PART("a") "," PART("b")), PARTS(PART("a") "," PART("b")), false},
    {"no part", PARTS(""), PARTS(""), false},
    {"a number for a text", PARTS("{\"text\":1}"), PARTS("{\"text\":1}"), false},
    {"a signature", PARTS("{\"text\":\"a\",\"thoughtSignature\":\"cw==\"}"),
     PARTS("{\"text\":\"b\",\"thoughtSignature\":\"c3M=\"}"), true},
    {"no signature", PARTS("{\"text\":\"a\",\"thoughtSignature\":\"\"}"),
     PARTS("{\"text\":\"\",\"thoughtSignature\":\"c3M=\"}"), true},
    {"a signed thought", PARTS("{\"text\":\"a\",\"thought\":true,\"thoughtSignature\":\"cw==\"}"),
     PARTS("{\"text\":\"b\",\"thought\":true,\"thoughtSignature\":\"c3M=\"}"), true},
    {"a number for a signature", PARTS("{\"text\":\"a\",\"thoughtSignature\":1}"),
     PARTS("{\"text\":\"b\",\"thoughtSignature\":1}"), true},
    {"a call", PARTS("{\"functionCall\":{\"name\":\"f\"},\"text\":\"a\"}"),
     PARTS("{\"functionCall\":{\"name\":\"f\"},\"text\":\"b\"}"), false},
    {"space", "\xef\xbb\xbf { \"candidates\" : [\n{\"content\":{\"parts\":[{\"text\" : \"a\" }]}}]}  ",
     "\xef\xbb\xbf { \"candidates\" : [\n{\"content\":{\"parts\":[{\"text\" : \"b\" }]}}]}  ", true},
    {"a list of chunks", "[" TEXT("a") "}]", "[" TEXT("b") "}]", false},
    {"the end", ENDS("a", ",\"finishReason\":\"STOP\""), ENDS("b", ",\"finishReason\":\"STOP\""), false},
    {"it goes on", ENDS("a", ",\"continuationToken\":\"t\""), ENDS("b", ",\"continuationToken\":\"t\""),
     false},
    {"citations", ENDS("a", ",\"citationMetadata\":{\"a\":1}"), ENDS("b", ",\"citationMetadata\":{\"a\":1}"),
     false},
    {"feedback", TEXT("a") ",\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}",
     TEXT("b") ",\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}", false},
    {"audio", TEXT("a") AUDIO("9", "9"), TEXT("a") AUDIO("9", "8"), false},
    {"as much audio", TEXT("a") AUDIO("9", "9"), TEXT("a") AUDIO("8", "9"), true},
    {"many details", TEXT("a") MANY("1"), TEXT("a") MANY("2"), true},
    {"an error", TEXT("a") "}", "{\"error\":{\"code\":500}}", false},
    {"cut off", TEXT("a") "}", TEXT("a"), false},
    {"in the text", TEXT("a") "}", "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"b", false},
    {"more behind it", TEXT("a") "}", TEXT("a") "}}", false},
};
/* Known by their likeness as whole answers, though not as events of a stream. */
static const struct {
    const char *name, *first, *second;
    bool known;
} WHOLE[] = {
    {"another answer", TEXT("a") IDS("r", "m"), TEXT("b") IDS("s", "n"), true},
    {"an empty id", TEXT("a") IDS("r", "m"), TEXT("b") IDS("", "m"), true},
    {"an id in escapes", TEXT("a") IDS("r", "m"), TEXT("b") IDS("\\u0041\\n", "\xc3\xa9"), true},
    {"a broken id", TEXT("a") IDS("r", "m"), TEXT("b") IDS("\\x", "m"), false},
    {"a broken model", TEXT("a") IDS("r", "m"), TEXT("b") IDS("r", "\xff"), false},
    {"no string", TEXT("a") IDS("r\",\"x\":[1],\"responseId\":\"s", "m"), TEXT("b") IDS("r", "m"), false},
    {"its end", ENDS("a", ",\"finishReason\":\"STOP\""), ENDS("b", ",\"finishReason\":\"STOP\""), true},
    {"a limit", ENDS("a", ",\"finishReason\":\"MAX_TOKENS\""), ENDS("b", ",\"finishReason\":\"MAX_TOKENS\""), true},
    {"no end", ENDS("a", ",\"finishReason\":\"FINISH_REASON_UNSPECIFIED\""),
     ENDS("b", ",\"finishReason\":\"FINISH_REASON_UNSPECIFIED\""), true},
    {"another end", ENDS("a", ",\"finishReason\":\"STOP\""), ENDS("b", ",\"finishReason\":\"SAFETY\""), false},
    {"an end in numbers", ENDS("a", ",\"finishReason\":1"), ENDS("b", ",\"finishReason\":1"), true},
    {"an end in words", ENDS("a", ",\"finishReason\":\"STOP\",\"finishMessage\":\"x\""),
     ENDS("b", ",\"finishReason\":\"STOP\",\"finishMessage\":\"x\""), false},
};
// clang-format on

static void wholes_as_well(void **state)
{
    (void)state;
    for (size_t i = 0; i < NELEM(WHOLE); i++)
        if (compare_wholes(str_z(WHOLE[i].first), str_z(WHOLE[i].second)) != WHOLE[i].known)
            fail_msg("%s: %s", WHOLE[i].name, WHOLE[i].known ? "parsed" : "not parsed");
}

/* What is too long to be kept, or not plain, leaves nothing behind that could be mistaken. */
static void wholes_after_others(void **state)
{
    static struct side side;
    static const char *const ORDER = "plpocpLplcplppLooppcLlp";
    struct gm_form *wholes = gm_form_of_wholes();
    struct buf large;

    (void)state;
    buf_init(&large, ROOM);
    for (const char *o = ORDER; *o != '\0'; o++) {
        struct str whole = S(ENDS("a", ",\"finishReason\":\"STOP\""));

        buf_reset(&large);
        buf_lit(&large, "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"");
        for (size_t i = 0; i < 5000; i++)
            buf_putc(&large, 'a');
        if (*o == 'l') /* in another order: it fits nothing */
            buf_lit(&large, "\"}]},\"x\":1,\"finishReason\":\"STOP\"}]}");
        else
            buf_lit(&large, "\"}]},\"finishReason\":\"STOP\"}]}");
        whole = *o == 'l' || *o == 'L' ? buf_str(&large) : whole;
        whole = *o == 'o' ? S(PARTS(PART("x") "," PART("y"))) : whole;
        whole = *o == 'c' ? S(PARTS("{\"functionCall\":{\"name\":\"f\"}}")) : whole;
        begin(&side, wholes);
        feed(&side, whole);
        assert_int_equal(side.err, OK);
        assert_true(side.reader.any_chunk && side.reader.any_answer);
        assert_int_equal(side.reader.finish == GM_STOP, *o != 'o' && *o != 'c');
        end(&side);
    }
    buf_fini(&large);
    mem_free(wholes);
}

static void likeness_says_what_parsing_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < NELEM(PAIR); i++)
        if (compare(str_z(PAIR[i].first), str_z(PAIR[i].second)) != PAIR[i].known)
            fail_msg("%s: %s", PAIR[i].name, PAIR[i].known ? "parsed" : "not parsed");
}

/* The second event is the first with one byte changed, put in or left out, anywhere. */
static void wherever_they_differ(void **state)
{
    static const char BYTES[] = "\"\\{}[],:0159-.e ant\n\x80\xe4\xff";
    char changed[ROOM];

    (void)state;
    for (size_t i = 0; i < NELEM(PAIR); i++) {
        struct str text = str_z(PAIR[i].first);

        if (text.n > 240)
            continue;
        for (size_t at = 0; at <= text.n; at++) {
            for (size_t b = 0; b + 1 < sizeof BYTES; b++) {
                memcpy(changed, text.p, text.n);
                if (at < text.n) {
                    changed[at] = BYTES[b];
                    compare(text, str_of(changed, text.n));
                }
                changed[at] = BYTES[b];
                memcpy(changed + at + 1, text.p + at, text.n - at);
                compare(text, str_of(changed, text.n + 1));
            }
            memcpy(changed, text.p, at);
            compare(text, str_of(changed, at));
            if (at == text.n)
                break;
            memcpy(changed + at, text.p + at + 1, text.n - at - 1);
            compare(text, str_of(changed, text.n - 1));
        }
    }
}

/* Three of them in a row, all that there are. */
static void escapes(void **state)
{
    static const char *const BIT[] = {
        "\\\"",    "\\\\",    "\\/",     "\\b",     "\\f",     "\\n",      "\\r",     "\\t",
        "\\u0000", "\\u007f", "\\u0080", "\\u07FF", "\\u0800", "\\uffff",  "\\ud83d", "\\uDe00",
        "\\q",     "\\u12",   "\\u12g4", "\\",      "x",       "\xc3\xa9", "\xff",    "",
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < NELEM(BIT) * NELEM(BIT) * NELEM(BIT); i++) {
        int n = snprintf(text, sizeof text, PARTS(PART("a%s%s%sb")), BIT[i % NELEM(BIT)],
                         BIT[i / NELEM(BIT) % NELEM(BIT)], BIT[i / NELEM(BIT) / NELEM(BIT)]);

        compare(S(PARTS(PART("a"))), str_of(text, (size_t)n));
    }
}

/* Up to the cap of what is kept, with a count beside it; and a text of any length fills a blank. */
static void lengths(void **state)
{
    struct buf first, second;

    (void)state;
    for (size_t n = 1; n < 4100; n += n < 3900 ? 97 : 1) {
        buf_init(&first, ROOM);
        buf_init(&second, ROOM);
        buf_lit(&first, "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"");
        buf_put(&second, buf_str(&first));
        for (size_t i = 0; i < n; i++)
            buf_putc(&first, 'a');
        for (size_t i = 0; i < 10 * n; i++)
            buf_putc(&second, 'b');
        buf_lit(&first, "\"}]}}],\"usageMetadata\":{\"totalTokenCount\":7}}");
        buf_lit(&second, "\\n\"}]}}],\"usageMetadata\":{\"totalTokenCount\":70}}");
        assert_int_equal(compare(buf_str(&first), buf_str(&second)), first.n <= 4096);
        buf_fini(&second);
        buf_fini(&first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(likeness_says_what_parsing_says),
        cmocka_unit_test(wholes_as_well),
        cmocka_unit_test(wholes_after_others),
        cmocka_unit_test(wherever_they_differ),
        cmocka_unit_test(escapes),
        cmocka_unit_test(lengths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
