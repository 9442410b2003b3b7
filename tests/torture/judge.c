/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* judge.c - reads answers as a client would. */
#include "judge.h"

#include <stdlib.h>
#include <string.h>

#include <yyjson.h>

const char *const VERDICT[V_KINDS] = {"right", "error", "closed", "hung", "wrong"};

static bool has_error(yyjson_val *v)
{
    yyjson_val *e = yyjson_obj_get(v, "error");

    return yyjson_is_str(yyjson_obj_get(e, "message")) && yyjson_is_str(yyjson_obj_get(e, "type"));
}

/* Its words are added to text; false: it is neither an answer nor a part of one. */
static bool add_words(yyjson_val *v, const char *member, char *text)
{
    yyjson_val *choices = yyjson_obj_get(v, "choices");
    const char *said = yyjson_get_str(
        yyjson_obj_get(yyjson_obj_get(yyjson_arr_get_first(choices), member), "content"));

    if (said != NULL)
        memcpy(text + strlen(text), said, strlen(said) + 1);
    return yyjson_is_arr(choices) || yyjson_is_arr(yyjson_obj_get(v, "data"));
}

enum shape { ANSWER, FAULT, NEITHER };

/* One event: an answer's, an error, or the end. */
static enum shape one_event(const char *p, size_t n, char *text)
{
    yyjson_doc *d = yyjson_read(p, n, 0);
    yyjson_val *v = yyjson_doc_get_root(d);
    enum shape s = has_error(v) ? FAULT : add_words(v, "delta", text) ? ANSWER : NEITHER;

    yyjson_doc_free(d);
    return s;
}

/* A stream ends in [DONE] or in an error, and in nothing else; never in both. */
static enum shape whole_stream(const struct wire_answer *a, char *text)
{
    const char *p = a->body;
    enum shape last = NEITHER;
    bool done = false, failed = false;

    while (*p != '\0') {
        const char *end = strstr(p, "\n\n");

        if (end == NULL || done || failed)
            return NEITHER;
        if (strncmp(p, "data: [DONE]", 12) == 0)
            done = true;
        else if (strncmp(p, "data: ", 6) == 0) {
            last = one_event(p + 6, (size_t)(end - p) - 6, text);
            failed = last == FAULT;
            if (last == NEITHER)
                return NEITHER;
        } else if (*p != ':')
            return NEITHER;
        p = end + 2;
    }
    return failed ? FAULT : done ? ANSWER : NEITHER;
}

static enum shape whole_body(const struct wire_answer *a, char *text)
{
    yyjson_doc *d = yyjson_read(a->body, a->n, 0);
    yyjson_val *v = yyjson_doc_get_root(d);
    enum shape s = has_error(v) ? FAULT : add_words(v, "message", text) ? ANSWER : NEITHER;

    yyjson_doc_free(d);
    return s;
}

static enum shape shape_of(const struct wire_answer *a, char *text)
{
    if (memchr(a->body, '\0', a->n) != NULL)
        return NEITHER;
    return a->stream ? whole_stream(a, text) : whole_body(a, text);
}

/* What the system could not do is not the client's doing. */
static bool blames_nobody(int status)
{
    return status >= 500 && status <= 504;
}

enum verdict judge(const struct wire_answer *a, const char *text)
{
    enum verdict v = V_WRONG;
    char *said;

    if (a->unlawful)
        return V_WRONG;
    if (!a->complete)
        return a->closed ? V_CLOSED : V_HUNG;
    if (a->status == 503 && a->n == 0) /* no memory even for the words */
        return V_ERROR;
    said = calloc(1, a->n + 1);
    switch (shape_of(a, said)) {
    case ANSWER:
        if (a->status == 200 && (text == NULL || strcmp(said, text) == 0))
            v = V_RIGHT;
        break;
    case FAULT:
        if (a->status == 200 ? a->stream : blames_nobody(a->status))
            v = V_ERROR;
        break;
    case NEITHER: break;
    }
    free(said);
    return v;
}

char *judge_text(const struct wire_answer *a)
{
    char *said;

    if (!a->complete || a->status != 200)
        return NULL;
    said = calloc(1, a->n + 1);
    if (shape_of(a, said) == ANSWER)
        return said;
    free(said);
    return NULL;
}
