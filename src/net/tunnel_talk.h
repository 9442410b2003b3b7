/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tunnel_talk.h - what is said to a proxy before the connection is upstream's: CONNECT to an HTTP
 * proxy, SOCKS5 to the other kind. Bytes in, bytes out; no socket and no clock.
 *
 *   http     STATUS --2xx--> FIELDS --empty line--> open
 *   socks5   METHOD --user and password--> LOGIN --> REPLY --> open
 *            METHOD --nothing-------------------> REPLY
 *   any --refusal, nonsense--> failed
 *
 * The host goes to the proxy as a name, so that it is resolved at the far end.
 *
 *   source  RFC 9110, "CONNECT"; RFC 1928; RFC 1929; RFC 7617 */
#ifndef NET_TUNNEL_TALK_H
#define NET_TUNNEL_TALK_H

#include "base/err.h"
#include "base/str.h"

enum tunnel_kind { TUNNEL_HTTP, TUNNEL_SOCKS5 };

enum { TUNNEL_NAME_MAX = 255 }; /* of a host, a user, a password: what SOCKS5 has room for */

/* A proxy. A plain value; its strings are whoever made it's. */
struct tunnel_proxy {
    enum tunnel_kind kind;
    bool tls;        /* the proxy itself is spoken to over TLS */
    struct str host; /* IPv6 without brackets */
    uint16_t port;
    struct str user, password; /* secret; both empty: none are sent */
};
bool tunnel_proxy_eq(const struct tunnel_proxy *a, const struct tunnel_proxy *b);

enum {
    TUNNEL_REPLY_MAX = 16 * 1024, /* of all that an HTTP proxy says before the tunnel stands */
    TUNNEL_SAY_MAX = 1536,
    TUNNEL_PIECE_MAX = 4 + 1 + 255 + 2, /* the longest reply of SOCKS5 */
};
enum tunnel_step { TUNNEL_STATUS, TUNNEL_FIELDS, TUNNEL_METHOD, TUNNEL_LOGIN, TUNNEL_REPLY };

struct tunnel_talk {
    const struct tunnel_proxy *proxy; /* borrowed, as host */
    struct str host;
    uint16_t port;
    enum tunnel_step step;
    unsigned char in[TUNNEL_PIECE_MAX]; /* the reply, or the beginning of its first line */
    size_t nin, want;
    size_t line;              /* bytes of the line so far, without CR */
    size_t heard;             /* bytes in all */
    char say[TUNNEL_SAY_MAX]; /* secret */
    size_t nsay;
    enum err err; /* why it failed */
    const char *what;
};

void talk_begin(struct tunnel_talk *t, const struct tunnel_proxy *proxy, struct str host,
                uint16_t port);
void talk_fini(struct tunnel_talk *t); /* wipes */

/* What is to be sent now; valid until the next call. */
struct str talk_say(struct tunnel_talk *t);

/* The next bytes from the proxy.
 *
 *   shape   any split; *in becomes what lies behind the talk: the first bytes of the tunnel
 *   errors  TALK_FAILED: t->err and t->what. E_ACCESS: the proxy wants other credentials;
 *           E_REFUSED: it will not or cannot connect; E_SYNTAX: it speaks something else; E_TOOBIG
 */
enum talk_verdict { TALK_MORE, TALK_OPEN, TALK_FAILED };
MUST_CHECK enum talk_verdict talk_feed(struct tunnel_talk *t, struct str *in);

#endif
