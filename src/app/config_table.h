/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* config_table.h - every option, a row each. --help, the man page, docs/options.md and the config
 * file's member names are all this table; a new option is a new row and its field in config.h.
 *
 * ROW(field, type, variable, default, lowest, highest, help)
 *
 *   type      TEXT; SECRET (text that is wiped from the environment and never shown); FLAG (0, 1);
 *             COUNT; SIZE (bytes; K, M, G); MS (a duration: 500ms, 15s, 5m, 1h; bare: seconds)
 *   lowest, highest
 *             of the number, or of a text's length
 *
 * In the config file a member has the variable's name in lower case: "queqiao_listen". */
#ifndef APP_CONFIG_TABLE_H
#define APP_CONFIG_TABLE_H

#define CONFIG_TABLE(ROW)                                                                          \
    ROW(api_keys, SECRET, "GEMINI_API_KEY", "", 0, 1048576,                                        \
        "Gemini API key, or several, separated by commas or line ends")                            \
    ROW(api_keys_file, TEXT, "GEMINI_API_KEYS_FILE", "", 0, 4096,                                  \
        "a file of keys, a line each; # begins a comment; read again on SIGHUP")                   \
    ROW(auth_tokens, SECRET, "AUTH_TOKEN", "", 0, 65536,                                           \
        "token(s) that clients must present, separated by commas; a leading 'Bearer ' is "         \
        "dropped; TOKEN requests=N gives one a limit of its own in place of "                      \
        "QUEQIAO_MAX_REQUESTS_PER_TOKEN")                                                          \
    ROW(auth_tokens_file, TEXT, "AUTH_TOKENS_FILE", "", 0, 4096,                                   \
        "a file of tokens, a line each, beside AUTH_TOKEN; # begins a comment; read again on "     \
        "SIGHUP")                                                                                  \
    ROW(base_url, TEXT, "GEMINI_BASE_URL", "https://generativelanguage.googleapis.com", 1, 2048,   \
        "upstream, http or https; a path prefix is kept")                                          \
    ROW(https_proxy, SECRET, "HTTPS_PROXY", "", 0, 65536,                                          \
        "ways out to an https upstream, separated by commas, the first that works is used: "       \
        "http:// or https://[user:password@]host:port (CONNECT), socks5://..., or direct; in all " \
        "of them it is the proxy that resolves upstream's name")                                   \
    ROW(all_proxy, SECRET, "ALL_PROXY", "", 0, 65536,                                              \
        "the same for any upstream, where HTTPS_PROXY does not apply")                             \
    ROW(no_proxy, TEXT, "NO_PROXY", "", 0, 65536,                                                  \
        "upstreams that need no proxy: names (with all names under them), addresses, networks "    \
        "as 10.0.0.0/8, or *; an upstream on this machine never does")                             \
    ROW(listen, TEXT, "QUEQIAO_LISTEN", "", 0, 63,                                                 \
        "host:port; default 127.0.0.1:8080, or 0.0.0.0 with the port that the platform gave "      \
        "(FC_SERVER_PORT, FC_CUSTOM_LISTEN_PORT, AWS_LWA_PORT, PORT)")                             \
    ROW(tls_cert, TEXT, "QUEQIAO_TLS_CERT", "", 0, 16384,                                          \
        "PEM file of a certificate and its chain: clients speak HTTPS then; several, separated "   \
        "by "                                                                                      \
        "commas, are chosen by the name that is asked for; read again on SIGHUP")                  \
    ROW(tls_key, TEXT, "QUEQIAO_TLS_KEY", "", 0, 16384,                                            \
        "PEM file of its key; or of each certificate's, in the same order")                        \
    ROW(platform, TEXT, "QUEQIAO_PLATFORM", "auto", 1, 16,                                         \
        "whose defaults and habits hold: auto (found out by itself), none, fc, scf, "              \
        "functiongraph, lambda, cloudrun, fly, kubernetes or systemd; see docs/deploy/README.md")  \
    ROW(workers, COUNT, "QUEQIAO_WORKERS", "0", 0, 256,                                            \
        "event loops; 0: one for each core that the cgroup grants")                                \
    ROW(log_level, TEXT, "QUEQIAO_LOG_LEVEL", "info", 1, 5, "error, warn, info or debug")          \
    ROW(log_format, TEXT, "QUEQIAO_LOG_FORMAT", "logfmt", 1, 6, "logfmt or json")                  \
    ROW(config_file, TEXT, "QUEQIAO_CONFIG", "", 0, 4096,                                          \
        "a JSON file of options (comments allowed); the environment wins over it")                 \
    ROW(byok, FLAG, "QUEQIAO_BYOK", "0", 0, 1,                                                     \
        "1: a credential that is no known token is used as the client's own Gemini key")           \
    ROW(anonymous, FLAG, "QUEQIAO_ALLOW_ANONYMOUS", "0", 0, 1,                                     \
        "1: without AUTH_TOKEN, let everybody in on the server's keys")                            \
    ROW(cors, TEXT, "QUEQIAO_CORS", "*", 1, 4096,                                                  \
        "origins that browsers may call from: *, off, or a list separated by commas")              \
    ROW(extra_roots, TEXT, "SSL_CERT_FILE", "", 0, 4096,                                           \
        "PEM file of certificates trusted beside the embedded ones")                               \
    ROW(default_model, TEXT, "QUEQIAO_DEFAULT_MODEL", "", 0, 128,                                  \
        "model for requests that name none; without it they get a 400")                            \
    ROW(include_thoughts, FLAG, "QUEQIAO_INCLUDE_THOUGHTS", "0", 0, 1,                             \
        "1: ask for thought summaries although the client did not")                                \
    ROW(markdown_images, FLAG, "QUEQIAO_MARKDOWN_IMAGES", "0", 0, 1,                               \
        "1: images also as markdown data URIs in the content")                                     \
    ROW(blocked_as_error, FLAG, "QUEQIAO_BLOCKED_AS_ERROR", "0", 0, 1,                             \
        "1: a prompt that Google blocks is a 400, in place of an empty answer that ends as "       \
        "content_filter")                                                                          \
    ROW(fetch, TEXT, "QUEQIAO_FETCH", "auto", 1, 6,                                                \
        "who fetches media that a request names by https URL: auto (Google where it can, else "    \
        "queqiao), always (queqiao, never Google), off (Google alone)")                            \
    ROW(fetch_hosts, TEXT, "QUEQIAO_FETCH_HOSTS", "", 0, 65536,                                    \
        "hosts that queqiao fetches from, as example.com or *.example.com, separated by commas; "  \
        "empty: any with a public address")                                                        \
    ROW(fetch_private, TEXT, "QUEQIAO_FETCH_PRIVATE", "", 0, 65536,                                \
        "media servers of your own network, host:port, separated by commas: queqiao fetches from " \
        "them although their address is not public, over http too")                                \
    ROW(fetch_http, FLAG, "QUEQIAO_FETCH_HTTP", "0", 0, 1, "1: fetch http: URLs as well")          \
    ROW(fetch_max, SIZE, "QUEQIAO_FETCH_MAX", "20M", 1024, 78643200,                               \
        "largest file that is fetched")                                                            \
    ROW(fetch_ms, MS, "QUEQIAO_FETCH_TIMEOUT", "15s", 100, 600000, "fetching one file in all")     \
    ROW(body_max, SIZE, "QUEQIAO_MAX_BODY", "32M", 1024, 1073741824, "largest request body")       \
    ROW(answer_max, SIZE, "QUEQIAO_MAX_ANSWER", "64M", 65536, 1073741824,                          \
        "largest whole answer of upstream")                                                        \
    ROW(event_max, SIZE, "QUEQIAO_MAX_EVENT", "16M", 65536, 1073741824,                            \
        "largest event of an upstream stream")                                                     \
    ROW(signatures_max, SIZE, "QUEQIAO_MAX_SIGNATURES", "16M", 4096, 1073741824,                   \
        "thought signatures kept for clients that do not carry them")                              \
    ROW(memory_budget, SIZE, "QUEQIAO_MEMORY_BUDGET", "1G", 8388608, 1099511627776,                \
        "all bodies, events and queues together; beyond it single requests are refused")           \
    ROW(connections, COUNT, "QUEQIAO_MAX_CONNECTIONS", "10000", 1, 1000000,                        \
        "client connections, all workers together")                                                \
    ROW(per_address, COUNT, "QUEQIAO_MAX_CONNECTIONS_PER_ADDRESS", "256", 0, 1000000,              \
        "of them, from one IPv4 address or one /64 of IPv6; loopback is not counted; 0: no "       \
        "limit, "                                                                                  \
        "as behind a reverse proxy on another machine")                                            \
    ROW(per_token, COUNT, "QUEQIAO_MAX_REQUESTS_PER_TOKEN", "100", 0, 1000000,                     \
        "requests of one token, or of one client's own key, in work at once, where the token has " \
        "no limit of its own; 0: no limit")                                                        \
    ROW(auth_failures, COUNT, "QUEQIAO_MAX_AUTH_FAILURES", "20", 0, 1000000,                       \
        "wrong tokens from one address before they get a 429, one more each 3 s; right ones "      \
        "always pass; 0: no limit")                                                                \
    ROW(head_ms, MS, "QUEQIAO_HEAD_TIMEOUT", "10s", 0, 3600000,                                    \
        "a request's head, from its first byte; 0: no limit")                                      \
    ROW(body_idle_ms, MS, "QUEQIAO_BODY_IDLE_TIMEOUT", "30s", 0, 3600000,                          \
        "silence within a request body; 0: no limit")                                              \
    ROW(body_total_ms, MS, "QUEQIAO_BODY_TIMEOUT", "300s", 0, 86400000,                            \
        "a whole request body; 0: no limit")                                                       \
    ROW(write_stall_ms, MS, "QUEQIAO_WRITE_TIMEOUT", "60s", 0, 86400000,                           \
        "a client that takes nothing of its answer; 0: no limit")                                  \
    ROW(keep_alive_ms, MS, "QUEQIAO_KEEP_ALIVE", "75s", 0, 604800000,                              \
        "an idle client connection; 0: no limit")                                                  \
    ROW(dns_ms, MS, "QUEQIAO_DNS_TIMEOUT", "5s", 100, 600000, "a name lookup")                     \
    ROW(connect_ms, MS, "QUEQIAO_CONNECT_TIMEOUT", "5s", 100, 600000,                              \
        "connecting to upstream, ready to send: TCP, a proxy on the way and the TLS handshake "    \
        "together")                                                                                \
    ROW(first_byte_ms, MS, "QUEQIAO_FIRST_BYTE_TIMEOUT", "300s", 1000, 86400000,                   \
        "waiting for upstream's first byte; thinking models take minutes")                         \
    ROW(idle_ms, MS, "QUEQIAO_IDLE_TIMEOUT", "120s", 1000, 86400000,                               \
        "silence of upstream within an answer")                                                    \
    ROW(total_ms, MS, "QUEQIAO_TOTAL_TIMEOUT", "1h", 1000, 604800000, "a request in all")          \
    ROW(heartbeat_ms, MS, "QUEQIAO_HEARTBEAT", "15s", 0, 3600000,                                  \
        "comment lines to clients of a stream while upstream is silent; 0: none")                  \
    ROW(drain_ms, MS, "QUEQIAO_DRAIN_TIMEOUT", "30s", 0, 86400000,                                 \
        "after SIGTERM: running answers may finish for this long")                                 \
    ROW(drain_delay_ms, MS, "QUEQIAO_DRAIN_DELAY", "0", 0, 3600000,                                \
        "after SIGTERM, before that: /readyz answers 503 and all else goes on as before")          \
    ROW(attempts, COUNT, "QUEQIAO_ATTEMPTS", "3", 1, 8,                                            \
        "tries of one request upstream, before the first byte has gone to the client")             \
    ROW(quota_wait_ms, MS, "QUEQIAO_QUOTA_WAIT", "60s", 0, 3600000,                                \
        "when every key is over its quota: how long a request may wait for the first to be back; " \
        "0: it gets its 429 at once")                                                              \
    ROW(fallback_models, TEXT, "QUEQIAO_FALLBACK_MODELS", "", 0, 8192,                             \
        "models that answer for others which have no quota left, are overloaded or not found: "    \
        "model=other,other=third")                                                                 \
    ROW(hedge, FLAG, "QUEQIAO_HEDGE", "0", 0, 1,                                                   \
        "1: when the first byte is later than usual, a key of another project is asked as well; "  \
        "of 5 % of the requests at most. Costs the tokens of both")                                \
    ROW(fc_marks, FLAG, "QUEQIAO_FC_MARKS", "0", 0, 1,                                             \
        "1: on Function Compute, the log lines by which its console shows each request's logs")

#endif
