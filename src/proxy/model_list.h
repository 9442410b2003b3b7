/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* model_list.h - GET and POST models, and GET models/{id}: upstream's list, all pages, kept for
 * some minutes; the built-in list when upstream cannot be reached. */
#ifndef PROXY_MODEL_LIST_H
#define PROXY_MODEL_LIST_H

#include "proxy/proxy.h"

struct model_cache *model_cache_new(struct proxy *p);
/* Keys or upstream have changed: who asks next makes the lists be fetched anew. */
void model_cache_doubt(struct model_cache *m);
/* Who waits for upstream waits no longer: the last act of a drain. */
void model_cache_abandon(struct model_cache *m);
void model_cache_free(struct model_cache *m); /* NULL is fine; waiting calls are dropped */

/* Takes the call over and answers it. id: empty for the list, else the one model; borrowed for the
 * call. Lists are kept apart for each client that comes with its own key. */
void model_list_start(struct proxy *p, struct call *c, const struct auth_pass *pass,
                      const struct request_id *request, struct str id);

#endif
