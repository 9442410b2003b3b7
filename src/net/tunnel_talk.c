/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* tunnel_talk.c - both talks, byte by byte. Must not know streams. */
#include "net/tunnel_talk.h"
#include "base/secret.h"
#include "net/addr.h"

#include <openssl/evp.h>
#include <stdio.h>

enum {
    SOCKS_VERSION = 5,
    SOCKS_CONNECT = 1,
    METHOD_NONE = 0,
    METHOD_PASSWORD = 2,
    LOGIN_VERSION = 1,
    ADDR_IPV4 = 1,
    ADDR_NAME = 3,
    ADDR_IPV6 = 4,
    STATUS_LINE = 12, /* "HTTP/1.1 200", all that is looked at */
};

bool tunnel_proxy_eq(const struct tunnel_proxy *a, const struct tunnel_proxy *b)
{
    return a->kind == b->kind && a->tls == b->tls && a->port == b->port &&
           str_eq(a->host, b->host) && str_eq(a->user, b->user) && str_eq(a->password, b->password);
}

static bool has_login(const struct tunnel_talk *t)
{
    return t->proxy->user.n > 0 || t->proxy->password.n > 0;
}

static void say(struct tunnel_talk *t, struct str s)
{
    if (s.n > sizeof t->say - t->nsay)
        s.n = sizeof t->say - t->nsay; /* nothing is as long: names are at most 255 */
    memcpy(t->say + t->nsay, s.p, s.n);
    t->nsay += s.n;
}

static void say_byte(struct tunnel_talk *t, unsigned byte)
{
    char c = (char)byte;

    say(t, str_of(&c, 1));
}

static void say_short(struct tunnel_talk *t, struct str s)
{
    s = str_sub(s, 0, TUNNEL_NAME_MAX);
    say_byte(t, (unsigned)s.n);
    say(t, s);
}

static enum talk_verdict fail(struct tunnel_talk *t, enum err err, const char *what)
{
    t->err = err;
    t->what = what;
    return TALK_FAILED;
}

static void expect(struct tunnel_talk *t, enum tunnel_step step, size_t want)
{
    t->step = step;
    t->want = want;
    t->nin = 0;
}

/* HTTP. */

static void say_login(struct tunnel_talk *t)
{
    unsigned char plain[2 * TUNNEL_NAME_MAX + 2];
    unsigned char coded[4 * ((sizeof plain + 2) / 3) + 1];
    int n = snprintf((char *)plain, sizeof plain, "%.*s:%.*s", S_ARG(t->proxy->user),
                     S_ARG(t->proxy->password));

    n = EVP_EncodeBlock(coded, plain, n < (int)sizeof plain ? n : (int)sizeof plain - 1);
    say(t, S("Proxy-Authorization: Basic "));
    say(t, str_of((const char *)coded, (size_t)n));
    say(t, S("\r\n"));
    secret_wipe(plain, sizeof plain);
    secret_wipe(coded, sizeof coded);
}

static void say_connect(struct tunnel_talk *t)
{
    bool v6 = memchr(t->host.p, ':', t->host.n) != NULL;
    char to[TUNNEL_NAME_MAX + sizeof "[]:65535"];
    int n = snprintf(to, sizeof to, v6 ? "[%.*s]:%u" : "%.*s:%u",
                     S_ARG(str_sub(t->host, 0, TUNNEL_NAME_MAX)), (unsigned)t->port);
    struct str target = str_of(to, (size_t)n);

    say(t, S("CONNECT "));
    say(t, target);
    say(t, S(" HTTP/1.1\r\nHost: "));
    say(t, target);
    say(t, S("\r\nUser-Agent: queqiao/" QUEQIAO_VERSION "\r\n"));
    if (has_login(t))
        say_login(t);
    say(t, S("\r\n"));
    expect(t, TUNNEL_STATUS, STATUS_LINE);
}

/* How the first line of an answer may look: `.` is any digit. */
static bool fits_status(unsigned char c, size_t at)
{
    static const char LINE[] = "HTTP/1.. ...";

    if (LINE[at] == '.' && at != 6)
        return c >= '0' && c <= '9';
    return c == (unsigned char)LINE[at];
}

static const struct {
    int status;
    enum err err;
    const char *what;
} STATUSES[] = {
    {403, E_REFUSED, "the proxy forbids the connection to upstream (403)"     },
    {404, E_REFUSED, "the proxy does not find upstream (404)"                 },
    {405, E_REFUSED, "the proxy does not know CONNECT (405)"                  },
    {429, E_REFUSED, "the proxy has had too many requests (429)"              },
    {500, E_REFUSED, "the proxy is in trouble (500)"                          },
    {502, E_REFUSED, "the proxy cannot reach upstream (502)"                  },
    {503, E_REFUSED, "the proxy cannot reach upstream, or is overloaded (503)"},
    {504, E_TIMEOUT, "the proxy had no answer from upstream in time (504)"    },
};

static enum talk_verdict judge_status(struct tunnel_talk *t)
{
    int status = (t->in[9] - '0') * 100 + (t->in[10] - '0') * 10 + (t->in[11] - '0');

    if (status < 300 && status >= 100)
        return TALK_MORE;
    if (status == 407 || status == 401)
        return fail(t, E_ACCESS,
                    has_login(t) ? "the proxy refuses the user or the password (407)"
                                 : "the proxy asks for a user and a password (407)");
    for (size_t i = 0; i < NELEM(STATUSES); i++)
        if (STATUSES[i].status == status)
            return fail(t, STATUSES[i].err, STATUSES[i].what);
    return fail(t, E_REFUSED, "the proxy refuses the connection to upstream");
}

/* The empty line: of an interim answer, or of the one that opens the tunnel. A body that a 2xx
 * announces is not there: what follows is upstream's. */
static enum talk_verdict end_of_head(struct tunnel_talk *t)
{
    if (t->in[9] != '1')
        return TALK_OPEN;
    expect(t, TUNNEL_STATUS, STATUS_LINE);
    return TALK_MORE;
}

static enum talk_verdict hear_http(struct tunnel_talk *t, unsigned char c)
{
    if (t->step == TUNNEL_STATUS) {
        if (!fits_status(c, t->nin))
            return fail(t, E_SYNTAX, "what answers there is no HTTP proxy");
        t->in[t->nin++] = c;
        if (t->nin < t->want)
            return TALK_MORE;
        t->step = TUNNEL_FIELDS;
        t->line = t->nin;
        return judge_status(t);
    }
    if (c == '\n') {
        bool empty = t->line == 0;

        t->line = 0;
        return empty ? end_of_head(t) : TALK_MORE;
    }
    t->line += c != '\r';
    return TALK_MORE;
}

/* SOCKS5. */

static void say_methods(struct tunnel_talk *t)
{
    say_byte(t, SOCKS_VERSION);
    say_byte(t, has_login(t) ? 2 : 1);
    say_byte(t, METHOD_NONE);
    if (has_login(t))
        say_byte(t, METHOD_PASSWORD);
    expect(t, TUNNEL_METHOD, 2);
}

static void say_password(struct tunnel_talk *t)
{
    say_byte(t, LOGIN_VERSION);
    say_short(t, t->proxy->user);
    say_short(t, t->proxy->password);
    expect(t, TUNNEL_LOGIN, 2);
}

static void say_request(struct tunnel_talk *t)
{
    union net_addr a;

    say_byte(t, SOCKS_VERSION);
    say_byte(t, SOCKS_CONNECT);
    say_byte(t, 0);
    if (!addr_parse(t->host, &a)) {
        say_byte(t, ADDR_NAME);
        say_short(t, t->host);
    } else if (a.sa.sa_family == AF_INET) {
        say_byte(t, ADDR_IPV4);
        say(t, str_of((const char *)&a.in4.sin_addr, sizeof a.in4.sin_addr));
    } else {
        say_byte(t, ADDR_IPV6);
        say(t, str_of((const char *)&a.in6.sin6_addr, sizeof a.in6.sin6_addr));
    }
    say_byte(t, t->port >> 8);
    say_byte(t, t->port & 0xff);
    expect(t, TUNNEL_REPLY, 5);
}

static enum talk_verdict judge_method(struct tunnel_talk *t)
{
    if (t->in[1] == METHOD_NONE) {
        say_request(t);
        return TALK_MORE;
    }
    if (t->in[1] == METHOD_PASSWORD && has_login(t)) {
        say_password(t);
        return TALK_MORE;
    }
    if (t->in[1] != 0xff)
        return fail(t, E_SYNTAX, "the proxy chose a way to log in that was not offered");
    return fail(t, E_ACCESS,
                has_login(t) ? "the proxy takes no user and password"
                             : "the proxy asks for a user and a password");
}

static enum talk_verdict judge_login(struct tunnel_talk *t)
{
    if (t->in[1] != 0)
        return fail(t, E_ACCESS, "the proxy refuses the user or the password");
    say_request(t);
    return TALK_MORE;
}

/* By the reply field of RFC 1928. */
static const struct {
    enum err err;
    const char *what;
} REPLIES[] = {
    {OK,        ""                                              },
    {E_REFUSED, "the proxy has failed"                          },
    {E_REFUSED, "the proxy forbids the connection to upstream"  },
    {E_REFUSED, "the proxy has no route to upstream's network"  },
    {E_REFUSED, "the proxy cannot reach upstream's host"        },
    {E_REFUSED, "upstream refused the connection from the proxy"},
    {E_TIMEOUT, "the proxy had no answer from upstream in time" },
    {E_REFUSED, "the proxy does not know how to connect"        },
    {E_REFUSED, "the proxy takes no address of this kind"       },
};

static enum talk_verdict judge_reply(struct tunnel_talk *t)
{
    if (t->in[1] >= NELEM(REPLIES))
        return fail(t, E_REFUSED, "the proxy refuses the connection to upstream");
    if (t->in[1] != 0)
        return fail(t, REPLIES[t->in[1]].err, REPLIES[t->in[1]].what);
    if (t->nin > 5)
        return TALK_OPEN;
    /* The address from which the proxy connects, and its port: nobody needs them. */
    switch (t->in[3]) {
    case ADDR_IPV4: t->want = 4 + 4 + 2; return TALK_MORE;
    case ADDR_IPV6: t->want = 4 + 16 + 2; return TALK_MORE;
    case ADDR_NAME: t->want = 4 + 1 + (size_t)t->in[4] + 2; return TALK_MORE;
    default: return fail(t, E_SYNTAX, "the proxy's answer is no SOCKS5");
    }
}

static enum talk_verdict hear_socks(struct tunnel_talk *t, unsigned char c)
{
    unsigned version = t->step == TUNNEL_LOGIN ? LOGIN_VERSION : SOCKS_VERSION;

    if (t->nin == 0 && c != version)
        return fail(t, E_SYNTAX, "what answers there is no SOCKS5 proxy");
    t->in[t->nin++] = c;
    if (t->step == TUNNEL_REPLY && t->nin == 2 && c != 0)
        return judge_reply(t); /* some send no more than this when they refuse */
    if (t->nin < t->want)
        return TALK_MORE;
    return t->step == TUNNEL_METHOD  ? judge_method(t)
           : t->step == TUNNEL_LOGIN ? judge_login(t)
                                     : judge_reply(t);
}

/* Both. */

void talk_begin(struct tunnel_talk *t, const struct tunnel_proxy *proxy, struct str host,
                uint16_t port)
{
    *t = (struct tunnel_talk){.proxy = proxy, .host = host, .port = port, .what = ""};
    if (proxy->kind == TUNNEL_HTTP)
        say_connect(t);
    else
        say_methods(t);
}

void talk_fini(struct tunnel_talk *t)
{
    secret_wipe(t->say, sizeof t->say);
}

struct str talk_say(struct tunnel_talk *t)
{
    struct str all = str_of(t->say, t->nsay);

    t->nsay = 0;
    return all;
}

enum talk_verdict talk_feed(struct tunnel_talk *t, struct str *in)
{
    enum talk_verdict v = t->err == OK ? TALK_MORE : TALK_FAILED;

    while (v == TALK_MORE && in->n > 0) {
        unsigned char c = (unsigned char)in->p[0];

        *in = str_skip(*in, 1);
        if (++t->heard > TUNNEL_REPLY_MAX)
            v = fail(t, E_TOOBIG, "the proxy's answer is too long");
        else
            v = t->proxy->kind == TUNNEL_HTTP ? hear_http(t, c) : hear_socks(t, c);
    }
    return v;
}
