/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* facts.h - what the process and its surroundings are, and what is wrong with that. Pure. */
#ifndef DOCTOR_FACTS_H
#define DOCTOR_FACTS_H

#include "doctor/finding.h"

struct doctor_facts {
    const char *platform, *platform_title; /* name and title of app/platform.h */
    bool is_fc;
    size_t keys, tokens;
    size_t shortest_token; /* characters; SIZE_MAX: none */
    bool byok, anonymous;
    bool public_listener;             /* strangers can reach it */
    bool upstream_plain;              /* http:// to another machine */
    struct str region;                /* of the platform; or empty */
    uint32_t timeout_s;               /* of the function; 0: not known */
    bool credentials;                 /* of a cloud account, in the environment */
    uint64_t files;                   /* how many may be open */
    uint64_t memory, budget, largest; /* bytes: granted (UINT64_MAX: no limit), ours, of one body */
    bool tls;                         /* clients come by our own certificates */
    int64_t certificate_left_s;       /* the first of them expires; negative: it has */
    struct str certificate;           /* its file */
    bool root;
    const char *notes; /* one line for the curious: kernel, ids, names of variables; or NULL */
};
void doctor_judge(const struct doctor_facts *f, struct findings *out);

#endif
