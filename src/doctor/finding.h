/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* finding.h - what a doctor found. The texts are rows of finding_table.h. Pure. */
#ifndef DOCTOR_FINDING_H
#define DOCTOR_FINDING_H

#include "base/str.h"
#include "doctor/finding_table.h"

struct sha256_name;

enum finding_level { LEVEL_FINE, LEVEL_NOTE, LEVEL_WARNING, LEVEL_BROKEN };
enum finding_id {
#define ROW(ID, id, level, title, title_zh, remedy, remedy_zh) FOUND_##ID,
    FINDING_TABLE(ROW)
#undef ROW
        FINDINGS_N
};
struct finding_text {
    const char *id; /* for scripts: stays the same from version to version */
    enum finding_level level;
    const char *title[2], *remedy[2]; /* English, Chinese */
};
const struct finding_text *finding_text(enum finding_id id);
int finding_find(struct str id); /* -1 for an id that there is not */

enum { FINDINGS_MAX = 256, SUBJECT_MAX = 96, DETAIL_MAX = 384 };

struct finding {
    enum finding_id id;
    char subject[SUBJECT_MAX]; /* which key, which model, which host; or empty */
    char detail[DETAIL_MAX];   /* what was seen; or empty */
};
struct findings {
    struct finding *v; /* in the order of the checks */
    size_t n, room;
};
void findings_init(struct findings *f);
void findings_fini(struct findings *f);
/* Of more than FINDINGS_MAX the later ones are dropped. Both texts may be foreign: they are made
 * valid UTF-8 without control bytes, and cut to fit. */
void findings_add(struct findings *f, enum finding_id id, struct str subject, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* A key as a subject, "key 2 of 3, 9f86d081": its place in the list, from 1, and its name. */
struct key_subject {
    char z[SUBJECT_MAX];
};
struct key_subject key_subject(size_t place, size_t of, const struct sha256_name *name);

bool findings_has(const struct findings *f, enum finding_id id);
enum finding_level findings_worst(const struct findings *f);

/* For scripts: 0 fine or noteworthy, 1 something is broken, 3 only warnings. */
int findings_status(const struct findings *f);

#endif
