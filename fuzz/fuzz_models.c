/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* fuzz_models.c - a page of upstream's list of models, and a client's name for one. What is taken
 * has ids that can stand in a path, and what clients are told of it is JSON. SHP-3. */
#include "codec/utf8.h"
#include "dialect/openai/models.h"
#include "gemini/models.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAP = 1 << 24 };

static bool is_path_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("-._~/:@", c) != NULL;
}

static void check_name(struct str name)
{
    struct str id;
    struct buf path;

    if (gm_model_id(name, &id, NULL) != OK)
        return;
    assert(id.n > 0 && id.n <= GM_MODEL_ID_MAX);
    buf_init(&path, CAP);
    gm_model_path(&path, id);
    assert(path.err == OK && path.n >= id.n);
    for (size_t i = 0; i < path.n; i++)
        assert(path.p[i] != '\0' && is_path_byte(path.p[i]));
    buf_fini(&path);
}

static void check_told(const struct gm_models *m)
{
    struct buf out;
    struct json j;
    enum err err;

    buf_init(&out, CAP);
    json_init(&j);
    oa_models_list(m, &out);
    err = json_parse_copy(&j, buf_str(&out), NULL, NULL);
    assert(err == OK);
    json_fini(&j);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *own = malloc(size + JSON_PAD);
    struct gm_models m;
    struct str next = S("");
    struct json j;

    assert(own != NULL);
    memcpy(own, data, size);
    check_name(str_of((const char *)data, size));
    json_init(&j);
    gm_models_init(&m);
    if (json_parse_lenient(&j, own, size, NULL, NULL) == OK &&
        gm_models_page(&m, j.root, &next, NULL) == OK) {
        assert(m.n <= GM_MODELS_MAX);
        for (size_t i = 0; i < m.n; i++) {
            assert(memchr(m.row[i].id, '\0', sizeof m.row[i].id) != NULL && m.row[i].id[0] != '\0');
            assert(utf8_ok(str_z(m.row[i].name)));
            check_name(str_z(m.row[i].id));
        }
        check_told(&m);
    }
    gm_models_fini(&m);
    json_fini(&j);
    free(own);
    return 0;
}
