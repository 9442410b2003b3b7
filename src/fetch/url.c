/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* url.c - a URL taken apart. What browsers mend (backslashes, odd numbers, escapes in the host) is
 * refused: where readers differ, a check is passed with one host and a connection made to another.
 * Must not know which hosts may be asked. */
#include "fetch/url.h"

#include "base/buf.h"
#include "net/addr.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_label(struct str s)
{
    if (s.n == 0 || s.n > 63 || s.p[0] == '-' || s.p[s.n - 1] == '-')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && s.p[i] != '-')
            return false;
    return true;
}

/* Would some reader take it for a number, and so the whole for an IPv4 address? */
static bool is_number(struct str label)
{
    if (str_starts_nocase(label, S("0x")))
        return true;
    for (size_t i = 0; i < label.n; i++)
        if (!is_digit(label.p[i]))
            return false;
    return true;
}

/* An address whose own text is what was written: no zeros in front, no other grouping. */
static bool is_canonical(struct str text, int family)
{
    union net_addr a;

    return addr_parse(text, &a) && a.sa.sa_family == family &&
           str_eq_nocase(str_z(addr_text(&a).z), text);
}

static bool is_name(struct str host)
{
    struct str rest = host, label = S("");

    if (host.n > FETCH_HOST_MAX || str_ends(host, S(".")))
        return false;
    while (rest.n > 0) {
        label = str_cut(&rest, '.');
        if (!is_label(label))
            return false;
    }
    return label.n > 0 && (!is_number(label) || is_canonical(host, AF_INET));
}

static void keep_host(struct fetch_url *u, struct str host)
{
    for (size_t i = 0; i < host.n; i++)
        u->host[i] = host.p[i] >= 'A' && host.p[i] <= 'Z' ? (char)(host.p[i] | 0x20) : host.p[i];
    u->host[host.n] = '\0';
}

static bool read_port(struct str digits, struct fetch_url *u)
{
    uint64_t port;

    if (!str_u64(digits, UINT16_MAX, &port) || port == 0 || digits.p[0] == '0')
        return false;
    u->port = (uint16_t)port;
    return true;
}

/* host, host:port, [v6] or [v6]:port */
static bool read_authority(struct str s, struct fetch_url *u)
{
    struct str host, port;
    bool six = str_starts(s, S("["));
    size_t end = six ? str_find(s, S("]")) : str_find(s, S(":"));
    uint16_t usual = u->https ? 443 : 80;

    host = six ? str_sub(s, 1, end - 1) : str_sub(s, 0, end);
    port = str_skip(s, six ? end + 1 : end);
    if (six ? end == s.n || !is_canonical(host, AF_INET6) : !is_name(host))
        return false;
    keep_host(u, host);
    u->port = usual;
    if (port.n > 0 && (port.p[0] != ':' || !read_port(str_skip(port, 1), u)))
        return false;
    u->usual_port = u->port == usual;
    return true;
}

/* What may stand in a path or query as it is; a percent sign is taken for an escape that is there
 * already. */
static bool is_plain(char c)
{
    return is_alnum(c) || (c != '\0' && strchr("-._~!$&'()*+,;=:@/?%[]", c) != NULL);
}

static bool encode(struct str s, struct buf *out)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};

        if (c < 0x20 || c == 0x7f)
            return false;
        buf_put(out, is_plain(s.p[i]) ? str_sub(s, i, 1) : str_of(escaped, 3));
    }
    return true;
}

/* RFC 3986, "Remove Dot Segments". */
static size_t without_dots(struct str path, char *to)
{
    size_t n = 0;

    while (path.n > 0) {
        size_t end = 1 + str_find(str_skip(path, 1), S("/"));
        struct str segment = str_sub(path, 0, end);
        bool up = str_eq(segment, S("/..")), dots = up || str_eq(segment, S("/."));

        while (up && n > 0 && to[--n] != '/')
            ;
        if (!dots) {
            memcpy(to + n, segment.p, segment.n);
            n += segment.n;
        } else if (end == path.n)
            to[n++] = '/';
        path = str_skip(path, end);
    }
    return n;
}

/* folder: the path in front, encoded already; ref: what follows, as it was written. */
static bool set_target(struct fetch_url *u, struct str folder, struct str ref)
{
    struct buf b;
    struct str whole, path;
    bool ok;

    buf_init(&b, sizeof u->target);
    buf_put(&b, folder);
    if (folder.n == 0 && !str_starts(ref, S("/")))
        buf_putc(&b, '/');
    ok = encode(ref, &b) && b.err == OK;
    whole = buf_str(&b);
    path = str_sub(whole, 0, str_find(whole, S("?")));
    if (ok) {
        u->target_n = without_dots(path, u->target);
        memcpy(u->target + u->target_n, whole.p + path.n, whole.n - path.n);
        u->target_n += whole.n - path.n;
    }
    buf_fini(&b);
    return ok;
}

/* Everything behind "https://". */
static bool read_rest(struct str rest, struct fetch_url *u)
{
    size_t n = 0;

    rest = str_sub(rest, 0, str_find(rest, S("#")));
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
        n++;
    return read_authority(str_sub(rest, 0, n), u) && set_target(u, S(""), str_skip(rest, n));
}

bool fetch_url_read(struct str text, struct fetch_url *ret)
{
    ret->https = str_starts_nocase(text, S("https://"));
    if (text.n > FETCH_URL_MAX || (!ret->https && !str_starts_nocase(text, S("http://"))))
        return false;
    return read_rest(str_skip(text, ret->https ? 8 : 7), ret);
}

/* Does it begin with "scheme:"? */
static bool is_absolute(struct str s)
{
    size_t i = 0;

    while (i < s.n && (is_alnum(s.p[i]) || strchr("+-.", s.p[i]) != NULL) && s.p[i] != '\0')
        i++;
    return i > 0 && i < s.n && s.p[i] == ':';
}

/* The path of `u` up to its last slash. */
static struct str folder_of(const struct fetch_url *u)
{
    struct str path = fetch_url_target(u);

    path.n = str_find(path, S("?"));
    while (path.n > 0 && path.p[path.n - 1] != '/')
        path.n--;
    return path;
}

static struct str path_of(const struct fetch_url *u)
{
    struct str path = fetch_url_target(u);

    path.n = str_find(path, S("?"));
    return path;
}

/* A reference without a scheme (RFC 3986, "Reference Resolution"). */
static bool resolve(const struct fetch_url *from, struct str ref, struct fetch_url *ret)
{
    ref = str_sub(ref, 0, str_find(ref, S("#")));
    ret->https = from->https;
    if (str_starts(ref, S("//")))
        return read_rest(str_skip(ref, 2), ret);
    ret->usual_port = from->usual_port;
    ret->port = from->port;
    memcpy(ret->host, from->host, sizeof ret->host);
    if (str_starts(ref, S("/")))
        return set_target(ret, S(""), ref);
    if (ref.n == 0)
        return set_target(ret, fetch_url_target(from), ref);
    return set_target(ret, str_starts(ref, S("?")) ? path_of(from) : folder_of(from), ref);
}

bool fetch_url_follow(const struct fetch_url *from, struct str location, struct fetch_url *ret)
{
    if (location.n == 0 || location.n > FETCH_URL_MAX)
        return false;
    if (!is_absolute(location))
        return resolve(from, location, ret);
    return fetch_url_read(location, ret) && (ret->https || !from->https);
}
