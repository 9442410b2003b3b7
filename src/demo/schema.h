/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* schema.h - the messages of Google's API, as tables: which fields there are and of what type. */
#ifndef DEMO_SCHEMA_H
#define DEMO_SCHEMA_H

#include "base/str.h"

enum emu_type {
    EMU_STRING,
    EMU_BYTES, /* base64 */
    EMU_BOOL,
    EMU_INT32,
    EMU_INT64,
    EMU_FLOAT,
    EMU_DOUBLE,
    EMU_ENUM,       /* words holds the values */
    EMU_MESSAGE,    /* of: its table */
    EMU_MAP,        /* from any name to the message in `of` */
    EMU_STRING_MAP, /* from any name to a string */
    EMU_STRUCT,     /* any JSON object */
    EMU_VALUE,      /* any JSON */
    EMU_DURATION,   /* "3.5s" */
    EMU_TIMESTAMP,
};
enum emu_field_flags {
    EMU_REPEATED = 1,
    EMU_DATA = 2, /* a member of Part's one-of */
};

struct emu_message;
struct emu_field {
    const char *name; /* the proto name, snake case */
    enum emu_type type;
    unsigned flags;
    const struct emu_message *of;
    const char *enum_name;    /* under google.ai.generativelanguage.v1beta */
    const char *const *words; /* NULL-terminated */
};
struct emu_message {
    const char *name; /* under google.ai.generativelanguage.v1beta */
    const struct emu_field *fields;
    size_t n;
};

extern const struct emu_message emu_generate_content_request;
extern const struct emu_message emu_count_tokens_request;
extern const struct emu_message emu_embed_content_request;
extern const struct emu_message emu_batch_embed_request;

#endif
