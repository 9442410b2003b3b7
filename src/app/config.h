/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* config.h - the options of this process, from the environment and the config file. */
#ifndef APP_CONFIG_H
#define APP_CONFIG_H

#include "app/file.h"
#include "base/buf.h"
#include "base/secret.h"

struct config {
    /* one field for each row of config_table.h, in its order */
    struct secret api_keys;
    struct str api_keys_file;
    struct secret auth_tokens;
    struct str auth_tokens_file, base_url;
    struct secret https_proxy, all_proxy;
    struct str no_proxy, listen, tls_cert, tls_key, platform;
    uint64_t workers;
    struct str log_level, log_format, config_file;
    bool byok, anonymous;
    struct str cors, extra_roots, default_model;
    bool include_thoughts, markdown_images, blocked_as_error;
    struct str fetch, fetch_hosts, fetch_private;
    bool fetch_http;
    uint64_t fetch_max, fetch_ms;
    uint64_t body_max, answer_max, event_max, signatures_max, memory_budget, connections;
    uint64_t per_address, per_token, auth_failures;
    uint64_t head_ms, body_idle_ms, body_total_ms, write_stall_ms, keep_alive_ms;
    uint64_t dns_ms, connect_ms, first_byte_ms, idle_ms, total_ms, heartbeat_ms, drain_ms;
    uint64_t drain_delay_ms;
    uint64_t attempts, quota_wait_ms;
    struct str fallback_models;
    bool hedge;
    bool fc_marks;

    bool alone;                 /* a platform's word: no other users are on this system */
    enum file_privacy exposure; /* of the file, when it holds secrets */
    /* a bit for each row */
    uint64_t said;  /* by the file, the environment or the command */
    uint64_t fixed; /* by the environment or the command: a reload keeps it */
};

/* Read everything: defaults, then the file that QUEQIAO_CONFIG names, then the environment. Secrets
 * are wiped from the environment. An empty variable counts as not set.
 *
 *   errors  E_FIELD, E_RANGE, E_SYNTAX, E_SYSTEM; one line for a person in problem, without secrets
 */
MUST_CHECK enum err config_load(struct config *c, struct buf *problem);
void config_fini(struct config *c);

/* The same for a process that runs: the file is read again, under what the environment and the
 * command said at its start. The environment of a running process does not change. */
MUST_CHECK enum err config_reload(struct config *c, const struct config *before,
                                  struct buf *problem);

/* Parse one option's text into its field, as both sources do; it is the command's word then. */
MUST_CHECK enum err config_set(struct config *c, struct str variable, struct str text,
                               struct buf *problem);

/* Set an option that neither the file nor the environment did, as a platform's row does; otherwise
 * nothing happens. */
MUST_CHECK enum err config_suggest(struct config *c, struct str variable, struct str text,
                                   struct buf *problem);
bool config_said(const struct config *c, struct str variable);
bool config_same(const struct config *a, const struct config *b, struct str variable);

/* Names in the environment that look like options and are none, separated by commas: a slip of the
 * pen would be lost silently. What Kubernetes adds for a service of our name is not among them. */
void config_strangers(struct buf *out);

/* For --help (a terminal) and docs/options.md (a table). */
void config_print_help(struct buf *out);
void config_print_markdown(struct buf *out);

#endif
