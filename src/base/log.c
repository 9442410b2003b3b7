/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* log.c - builds and writes log lines. Must not know what is logged, nor allocate. */
#include "base/log.h"
#include "base/clock.h"
#include "base/eight.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A reload changes both, from another thread than most lines come from. */
static _Atomic enum log_level limit = LOG_INFO;
static _Atomic bool as_json;
static _Atomic uint64_t dropped;

/* How to write without waiting. Set before there are threads. */
static enum { WAIT, SOCKET, OWN, ASK } how;
static int out = STDERR_FILENO;

void log_setup(enum log_level highest, bool json)
{
    limit = highest;
    as_json = json;
}

/* The descriptor is shared with whoever started us, so its flags are not ours to change; an opening
 * of our own has flags of its own. A socket has a flag for each call. Where neither helps the
 * kernel is asked before each line. */
void log_never_wait(void)
{
    struct stat st;
    int own;

    if (how != WAIT || fstat(STDERR_FILENO, &st) != 0 || S_ISREG(st.st_mode))
        return;
    if (S_ISSOCK(st.st_mode)) {
        how = SOCKET;
        return;
    }
    own = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    how = own >= 0 ? OWN : ASK;
    if (own >= 0)
        out = own;
}

static ssize_t put_out(const char *p, size_t n)
{
    struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};

    switch (how) {
    case SOCKET: return send(STDERR_FILENO, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    case ASK:
        if (poll(&ready, 1, 0) != 1)
            return -1;
        break;
    case OWN:
    case WAIT: break;
    }
    return write(out, p, n);
}

bool log_on(enum log_level level)
{
    return level <= limit;
}

uint64_t log_dropped(void)
{
    return atomic_load(&dropped);
}

/* Two bytes stay free for the end of the line. */
static void put(struct log_line *l, const char *p, size_t n)
{
    size_t room = sizeof l->p - 2 - l->n;

    n = n < room ? n : room;
    memcpy(l->p + l->n, p, n);
    l->n += n;
}

static void put_z(struct log_line *l, const char *z)
{
    put(l, z, strlen(z));
}

/* Bytes that a value without quotes cannot have. */
static ALWAYS_INLINE uint64_t marks(uint64_t v)
{
    return eight_below(v, '!') | eight_equal(v, '"') | eight_equal(v, '=') | eight_equal(v, '\\') |
           eight_equal(v, 0x7f) | (v & EIGHT_TOPS);
}

static bool is_plain(struct str v)
{
    return v.n > 0 && !eight_any(v, marks);
}

/* Between quotes, with control bytes as \xNN (logfmt) or \u00NN (JSON); foreign text has every byte
 * outside ASCII escaped as well, our own words keep their UTF-8. */
static void put_quoted(struct log_line *l, struct str v, bool own)
{
    put(l, "\"", 1);
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        char esc[8];

        if (c == '"' || c == '\\') {
            esc[0] = '\\';
            esc[1] = (char)c;
            put(l, esc, 2);
        } else if ((c >= ' ' && c < 0x7f) || (own && c >= 0x80)) {
            put(l, v.p + i, 1);
        } else {
            snprintf(esc, sizeof esc, l->json ? "\\u%04x" : "\\x%02x", c);
            put_z(l, esc);
        }
    }
    put(l, "\"", 1);
}

static void put_label(struct log_line *l, struct str label)
{
    if (l->json) {
        put_z(l, ",\"");
        put(l, label.p + 1, label.n - 2);
        put_z(l, "\":");
    } else {
        put(l, label.p, label.n);
    }
}

/* The label, where there is room for it and a value of n bytes behind it in a line that is not
 * JSON, as nearly always: the place for the value, or NULL. */
static ALWAYS_INLINE char *at_once(struct log_line *l, struct str label, size_t n)
{
    if (l->json || label.n + n > sizeof l->p - 2 - l->n)
        return NULL;
    return str_put(l->p + l->n, label);
}

static void written(struct log_line *l, const char *end)
{
    l->n = (size_t)(end - l->p);
}

void log_field(struct log_line *l, struct str label, struct str value)
{
    value = str_sub(value, 0, LOG_VALUE_MAX);
    if (is_plain(value)) {
        log_own(l, label, value);
    } else {
        put_label(l, label);
        put_quoted(l, value, false);
    }
}

void log_own(struct log_line *l, struct str label, struct str word)
{
    char *at = at_once(l, label, word.n);

    if (at != NULL) {
        written(l, str_put(at, word));
        return;
    }
    put_label(l, label);
    if (l->json)
        put_quoted(l, word, true);
    else
        put(l, word.p, word.n);
}

void log_number(struct log_line *l, struct str label, uint64_t value)
{
    char *at = at_once(l, label, STR_U64_MAX);

    if (at != NULL) {
        written(l, at + str_put_u64(at, value));
    } else {
        char digits[STR_U64_MAX] = {0};
        size_t n = str_put_u64(digits, value);

        put_label(l, label);
        put(l, digits, n);
    }
}

/* The second of the last line of this thread, spelled out: lines come many a second. */
static _Thread_local struct {
    int64_t s;
    char text[24]; /* 2026-11-23T06:28:08 */
    size_t n;
} last;

/* With what a line begins. */
static void put_time(struct log_line *l, int64_t ms)
{
    char milli[] = {'.', (char)('0' + ms / 100 % 10), (char)('0' + ms / 10 % 10),
                    (char)('0' + ms % 10), 'Z'};
    char *at;

    if (last.s != ms / 1000 || last.text[0] == '\0') {
        time_t s = (time_t)(ms / 1000);
        struct tm t;

        gmtime_r(&s, &t);
        last.n = strftime(last.text, sizeof last.text, "%Y-%m-%dT%H:%M:%S", &t);
        last.s = ms / 1000;
    }
    at = str_put(l->p, l->json ? S("{\"ts\":\"") : S("ts="));
    at = str_put(at, str_of(last.text, last.n));
    at = str_put(at, str_of(milli, sizeof milli));
    written(l, str_put(at, l->json ? S("\"") : S("")));
}

void log_begin(struct log_line *l, enum log_level level, const char *event)
{
    static const struct str names[] = {S_INIT("error"), S_INIT("warn"), S_INIT("info"),
                                       S_INIT("debug")};

    l->json = as_json;
    l->urgent = level <= LOG_WARN;
    put_time(l, clock_wall_ms());
    log_word(l, "level", names[level]);
    log_word(l, "ev", str_z(event));
}

static _Thread_local struct {
    bool on;
    size_t lines, n;
    char p[LOG_LINE_MAX];
} waiting;

void log_flush(void)
{
    if (waiting.n > 0 && put_out(waiting.p, waiting.n) < 0)
        atomic_fetch_add(&dropped, waiting.lines);
    waiting.lines = waiting.n = 0;
}

void log_gather(bool on)
{
    log_flush();
    waiting.on = on;
}

void log_end(struct log_line *l)
{
    if (l->json)
        l->p[l->n++] = '}';
    l->p[l->n++] = '\n';
    if (l->n > sizeof waiting.p - waiting.n)
        log_flush();
    memcpy(waiting.p + waiting.n, l->p, l->n);
    waiting.n += l->n;
    waiting.lines++;
    if (!waiting.on || l->urgent)
        log_flush();
}

void log_plain(struct str line)
{
    UNINITIALIZED struct log_line l;

    l.n = 0;
    l.json = l.urgent = false;
    put(&l, line.p, line.n);
    log_end(&l);
}

void log_text(enum log_level level, const char *event, const char *fmt, ...)
{
    UNINITIALIZED struct log_line l;
    UNINITIALIZED char text[1024];
    va_list ap;
    int n;

    if (!log_on(level))
        return;
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    log_begin(&l, level, event);
    put_label(&l, LOG_LABEL("msg"));
    put_quoted(&l, str_z(text), true);
    log_end(&l);
}
