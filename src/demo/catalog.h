/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* catalog.h - the models that the emulator has: Google's of today, and the misbehaving ones. */
#ifndef DEMO_CATALOG_H
#define DEMO_CATALOG_H

#include "base/buf.h"
#include "demo/family.h"
#include "demo/fault.h"

struct emu_model {
    const char *name;
    const char *version;
    const char *display;
    uint32_t input_limit, output_limit; /* tokens */
};
/* What a name in a URL stands for. */
struct emu_target {
    struct str asked; /* without models/; borrowed */
    const struct emu_model *model;
    const struct emu_family *family;
    struct emu_fault fault;
};

/* An alias stands for its model. False: there is no such model. */
bool emu_catalog_find(struct str name, struct emu_target *ret);

/* {"models":[...],"nextPageToken":...}; from: how many to leave out in front. */
void emu_catalog_list(size_t from, size_t page, struct buf *out);
void emu_catalog_one(const struct emu_target *t, struct buf *out);

#endif
