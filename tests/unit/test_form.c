/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_form.c - an event that is read by its likeness to the one before says what it says when it
 * is parsed. */
#include "gemini/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROOM = 1 << 16 };

/* A stream's reader, and what it told, a line for each event. */
struct side {
    struct json json;
    struct arena arena;
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

static void begin(struct side *s, bool with_form)
{
    json_init(&s->json);
    arena_init(&s->arena, ROOM);
    buf_init(&s->events, ROOM);
    gm_reader_init(&s->reader, &s->told);
    s->err = OK;
    if (with_form) {
        s->reader.form = gm_form_new(&s->arena);
        assert_non_null(s->reader.form);
    }
}

static void end(struct side *s)
{
    buf_fini(&s->events);
    arena_fini(&s->arena);
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

/* Both, and the first again. Was the second known by its likeness? */
static bool compare(struct str first, struct str second)
{
    static struct side likeness, parsed;
    bool known;

    begin(&likeness, true);
    begin(&parsed, false);
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
    return known;
}

#define TEXT(text)                                                                                 \
    "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" text "\"}],\"role\":\"model\"}}]"
#define USAGE(in, out, total)                                                                      \
    ",\"usageMetadata\":{\"promptTokenCount\":" in ",\"candidatesTokenCount\":" out                \
    ",\"totalTokenCount\":" total                                                                  \
    ",\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":" in "}]}"
#define MODEL        ",\"modelVersion\":\"m\",\"responseId\":\"r\"}"
#define PARTS(parts) "{\"candidates\":[{\"content\":{\"parts\":[" parts "]}}]}"

static const struct {
    const char *name, *first, *second;
    bool known;
} PAIR[] = {
    {"another text",        TEXT("one") "}",                                                        TEXT("two, longer") "}",                                                                                                  true},
    {"no text",             TEXT("one") "}",                                                        TEXT("") "}",                                                                                                             true},
    {"after no text",       TEXT("") "}",                                                           TEXT("two") "}",                                                                                                          true},
    {"the same",            TEXT("one") "}",                                                        TEXT("one") "}",                                                                                                          true},
    {"escapes",             TEXT("\\\"one\\n") "}",                                                 TEXT("\\u00e9\\ud83d\\ude00\\\\\\\"") "}",                                                                                true},
    {"half of a pair",      TEXT("one") "}",                                                        TEXT("\\ud83d") "}",                                                                                                      true},
    {"no escape",           TEXT("one") "}",                                                        TEXT("\\q") "}",                                                                                                          false},
    {"Chinese",             TEXT("one") "}",                                                        TEXT("\xe4\xbd\xa0\xe5\xa5\xbd") "}",                                                                                     true},
    {"no UTF-8",            TEXT("one") "}",                                                        TEXT("\xe4\xbd") "}",                                                                                                     false},
    {"a control byte",      TEXT("one") "}",                                                        TEXT("\n") "}",                                                                                                           false},
    {"counts",              TEXT("a") USAGE("1",                                                    "2",                                                                                                                      "3") MODEL,TEXT("b") USAGE("1", "20", "4444") MODEL,
     true},
    {"the largest",                 TEXT("a") USAGE("1",                                                                          "2",                                                                                                                                                                                                                    "3") MODEL,
     TEXT("b") USAGE("1", "0", "999999999") MODEL, true},
    {"a large one",TEXT("a") USAGE("1","2","3") MODEL,
     TEXT("b") USAGE("1", "2", "1000000000") MODEL, false},
    {"a larger one",   TEXT("a") USAGE("1",                                                                     "2",                                                                                                                                                                                             "3") MODEL,
     TEXT("b") USAGE("1", "2", "99999999999") MODEL, false},
    {"a fraction",                  TEXT("a") USAGE("1",                                                                                                   "2",                                                                                                                                                                                                     "3") MODEL,TEXT("b") USAGE("1", "2.0", "3") MODEL,
     false},
    {"a zero in front",                TEXT("a") USAGE("1",                                                                                      "2",                                                                                                                                                                                                 "3") MODEL,TEXT("b") USAGE("1", "02", "3") MODEL,
     false},
    {"below zero",           TEXT("a") USAGE("1",                                                                           "2",                                                                                                                                                                                                "3") MODEL,TEXT("b") USAGE("1", "-2", "3") MODEL,
     false},
    {"after a fraction",                     TEXT("a") USAGE("1",                                                                                "2.5",                                                                                                                                                                    "3") MODEL,
     TEXT("b") USAGE("1", "2.5", "3") MODEL, false},
    {"counts as text",  TEXT("a") USAGE("\"1\"",                                                                   "\"2\"",                                                                                                                                                                                 "\"3\"") MODEL,
     TEXT("b") USAGE("\"1\"", "\"2\"", "\"3\"") MODEL, true},
    {"counts vanish",     TEXT("a") USAGE("1",                                         "2",                                                                         "3") MODEL,TEXT("b") MODEL, false},
    {"counts come",                 TEXT("a") MODEL,                                                                             TEXT("b") USAGE("1",                                                                                                                                                                                                                   "2","3") MODEL, false},
    {"a tier alone",TEXT("a") ",\"usageMetadata\":{\"serviceTier\":\"flex\"}}",
     TEXT("b") ",\"usageMetadata\":{\"serviceTier\":\"flex\"}}",true},
    {"another answer",           TEXT("a") ",\"responseId\":\"r\"}",                                                                                         TEXT("b") ",\"responseId\":\"s\"}",
     false},
    {"thoughts",                PARTS("{\"text\":\"a\",\"thought\":true}"),
     PARTS("{\"text\":\"b\",\"thought\":true}"),                                                                                                                                                                                                     true},
    {"the last thought",                PARTS("{\"text\":\"a\",\"thought\":true}"),                                                                                      PARTS("{\"text\":\"b\"}"),
     false},
    {"a text twice",       PARTS("{\"text\":\"a\",\"text\":\"b\"}"),
     PARTS("{\"text\":\"c\",\"text\":\"b\"}"),                                                                                                                                                                                        true},
    {"two parts",                     PARTS("{\"text\":\"a\"},{\"text\":\"b\"}"),
     PARTS("{\"text\":\"a\"},{\"text\":\"b\"}"),                                                                                                                                                                              false},
    {"no part",      PARTS(""),                                                                       PARTS(""),                                                                                                                                                                                               false                                                                                                                                                                                                                                                                                                                    },
    {"a number for a text",  PARTS("{\"text\":1}"),PARTS("{\"text\":1}"),false},
    {"a signature",        PARTS("{\"text\":\"a\",\"thoughtSignature\":\"cw==\"}"),
     PARTS("{\"text\":\"b\",\"thoughtSignature\":\"cw==\"}"),                                                                                                                                                              false},
    {"a call",      PARTS("{\"functionCall\":{\"name\":\"f\"},\"text\":\"a\"}"),
     PARTS("{\"functionCall\":{\"name\":\"f\"},\"text\":\"b\"}"),                              false},
    {"space",
     "\xef\xbb\xbf { \"candidates\" : [\n{\"content\":{\"parts\":[{\"text\" : \"a\" }]}}]}  ",                         "\xef\xbb\xbf { \"candidates\" : [\n{\"content\":{\"parts\":[{\"text\" : \"b\" }]}}]}  ",
     true},
    {"a list of chunks",    "[" TEXT("a") "}]",                 "[" TEXT("b") "}]",                           false},
    {"the end",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"finishReason\":\"STOP\"}]}",                                "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"b\"}]},\"finishReason\":\"STOP\"}]}",
     false},
    {"it goes on",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"continuationToken\":\"t\"}]}",                   "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"b\"}]},\"continuationToken\":\"t\"}]}",
     false},
    {"feedback",             TEXT("a") ",\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}",
     TEXT("b") ",\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}",                                                                                                              false},
    {"citations",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"citationMetadata\":{\"a\":1}}]"
     "}",                                                 "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"b\"}]},\"citationMetadata\":{\"a\":1}}]"
     "}",                                                                                                                                                            false        },
    {"audio",
     TEXT("a") ",\"usageMetadata\":{\"promptTokenCount\":9,\"promptTokensDetails\":[{\"modality\":"
               "\"AUDIO\",\"tokenCount\":9}]}}",                 TEXT("a") ",\"usageMetadata\":{\"promptTokenCount\":9,\"promptTokensDetails\":[{\"modality\":"
               "\"AUDIO\",\"tokenCount\":8}]}}",                                                                                                                                                                 false},
    {"as much audio",
     TEXT("a") ",\"usageMetadata\":{\"promptTokenCount\":9,\"promptTokensDetails\":[{\"modality\":"
               "\"AUDIO\",\"tokenCount\":9}]}}",                    TEXT("b") ",\"usageMetadata\":{\"promptTokenCount\":8,\"promptTokensDetails\":[{\"modality\":"
               "\"AUDIO\",\"tokenCount\":9}]}}",                                                                                                                                                             true},
    {"many details",
     TEXT(
         "a") ",\"usageMetadata\":{\"promptTokenCount\":9,\"promptTokensDetails\":[{\"tokenCount\":"
              "1},{\"tokenCount\":1},{\"tokenCount\":1},{\"tokenCount\":1},{\"tokenCount\":1},{"
              "\"tokenCount\":1},{\"tokenCount\":1},{\"tokenCount\":1},{\"tokenCount\":1},{"
              "\"tokenCount\":1},{\"tokenCount\":1},{\"tokenCount\":1},{\"tokenCount\":1},{"
              "\"tokenCount\":1},{\"tokenCount\":1},{\"tokenCount\":1},{\"tokenCount\":1}]}}",      TEXT(
         "b") ",\"usageMetadata\":{\"promptTokenCount\":8,\"promptTokensDetails\":[{\"tokenCount\":"
              "2},{\"tokenCount\":1},{\"tokenCount\":1},{\"tokenCount\":1},{\"tokenCount\":1},{"
              "\"tokenCount\":1},{\"tokenCount\":1},{\"tokenCount\":1},{\"tokenCount\":1},{"
              "\"tokenCount\":1},{\"tokenCount\":1},{\"tokenCount\":1},{\"tokenCount\":1},{"
              "\"tokenCount\":1},{\"tokenCount\":1},{\"tokenCount\":1},{\"tokenCount\":1}]}}",              true},
    {"an error",    TEXT("a") "}",                                                     "{\"error\":{\"code\":500}}",                                                                                                                                           false},
    {"cut off",             TEXT("a") "}",   TEXT("a"), false},
    {"in the text",          TEXT("a") "}", "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"b",
     false},
    {"more behind it",            TEXT("a") "}",         TEXT("a") "}}",                                                                                                                                                           false},
};

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

/* At the cap of what is kept; and a text of any length fills a blank. */
static void lengths(void **state)
{
    struct buf first, second;

    (void)state;
    for (size_t n = 3900; n < 4100; n++) {
        buf_init(&first, ROOM);
        buf_init(&second, ROOM);
        buf_lit(&first, "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"");
        buf_put(&second, buf_str(&first));
        for (size_t i = 0; i < n; i++)
            buf_putc(&first, 'a');
        for (size_t i = 0; i < 10 * n; i++)
            buf_putc(&second, 'b');
        buf_lit(&first, "\"}]}}]}");
        buf_lit(&second, "\\n\"}]}}]}");
        assert_int_equal(compare(buf_str(&first), buf_str(&second)), first.n <= 4096);
        buf_fini(&second);
        buf_fini(&first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(likeness_says_what_parsing_says),
        cmocka_unit_test(wherever_they_differ),
        cmocka_unit_test(lengths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
