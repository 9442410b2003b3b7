/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* server_h1_read.c - lines, heads and chunks of HTTP/1 requests. Must not know who waits for them.
 * What it says of a head is the law; server_h1_quick.c says the same of most, sooner. */
#include "http/server_h1_read.h"
#include "base/mem.h"

enum { HEAD_BYTES_MAX = HTTP_LINE_MAX + 2 + HTTP_HEAD_MAX };

static enum h1_got bad(struct h1_reader *r, int status, const char *what)
{
    r->at = AT_BAD;
    r->why = (struct refusal){status, what};
    return H1_BAD;
}

/* llhttp's view of the same bytes. */

static struct h1_reader *of(llhttp_t *ll)
{
    return CONTAINER(ll, struct h1_reader, ll);
}

static int on_field(llhttp_t *ll, const char *p, size_t n)
{
    struct h1_reader *r = of(ll);

    if (r->at != AT_HEAD)
        return 0; /* a trailer */
    if (r->nfields + 2 > r->lines)
        return HPE_USER; /* more fields than lines: never */
    r->fields[r->nfields++] = (struct http_header){str_of(p, n), S("")};
    return 0;
}

static int on_value(llhttp_t *ll, const char *p, size_t n)
{
    struct h1_reader *r = of(ll);

    if (r->at == AT_HEAD && r->nfields > 0)
        r->fields[r->nfields - 1].value = str_of(p, n);
    return 0;
}

static int on_head_complete(llhttp_t *ll)
{
    of(ll)->ll_head = true;
    return 0;
}

static int on_chunk_header(llhttp_t *ll)
{
    of(ll)->left = ll->content_length;
    return 0;
}

static int on_message_complete(llhttp_t *ll)
{
    of(ll)->ll_whole = true;
    return 0;
}

static const llhttp_settings_t CALLBACKS = {
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_head_complete,
    .on_chunk_header = on_chunk_header,
    .on_message_complete = on_message_complete,
};

/* True when llhttp takes these bytes. A request to upgrade makes it stop at the end of the message,
 * which is no error: we never upgrade (H1-7). */
static bool agreed(struct h1_reader *r, struct str bytes)
{
    llhttp_errno_t e = llhttp_execute(&r->ll, bytes.p, bytes.n);

    return e == HPE_OK || (e == HPE_PAUSED_UPGRADE && r->ll_whole);
}

/* Lines. */

enum line { LINE_MORE, LINE_WHOLE, LINE_BYTE, LINE_LONG, LINE_FULL, LINE_NO_MEMORY };

/* How many bytes at the front, at most n, hold no end of a line and nothing forbidden. Told from
 * the next LF on the cheap; the bytes around it are left to be judged one by one. */
static size_t line_plain(struct str in, size_t n)
{
    struct str front = str_sub(in, 0, n);
    const char *lf = memchr(front.p, '\n', front.n);

    if (lf != NULL)
        front.n = (size_t)(lf - front.p);
    if (front.n > 0)
        front.n--; /* its CR */
    return http_value_ok(front) ? front.n : 0;
}

/* Move bytes from *in to the end of b until the line that begins at b->p + from is complete; it may
 * hold `max` bytes beside its CRLF. Each byte is judged in its turn (H1-4). */
static enum line line_take(struct buf *b, size_t from, size_t max, struct str *in)
{
    size_t had = b->n - from;
    size_t room = b->max - b->n;
    bool cr = had > 0 && b->p[b->n - 1] == '\r';
    enum line got = LINE_MORE;
    size_t i = cr ? 0 : line_plain(*in, room < max - had ? room : max - had);

    for (; i < in->n && got == LINE_MORE; i++) {
        unsigned char c = (unsigned char)in->p[i];

        if (i == room)
            return LINE_FULL;
        if (cr && c != '\n')
            return LINE_BYTE;
        if (cr)
            got = LINE_WHOLE;
        else if (c == '\r')
            cr = true;
        else if ((c < ' ' && c != '\t') || c == 0x7f)
            return LINE_BYTE;
        else if (had + i >= max)
            return LINE_LONG;
    }
    buf_put(b, str_sub(*in, 0, i));
    if (b->err != OK)
        return LINE_NO_MEMORY;
    *in = str_skip(*in, i);
    return got;
}

static enum h1_got bad_line(struct h1_reader *r, enum line got, int long_status,
                            const char *long_what)
{
    switch (got) {
    case LINE_LONG: return bad(r, long_status, long_what);
    case LINE_FULL: return bad(r, 431, "the request's fields are larger than the limit");
    case LINE_NO_MEMORY: return bad(r, 503, "the server is out of memory for requests");
    default: return bad(r, 400, "a control byte, or a line that does not end in CRLF");
    }
}

/* method SP target SP HTTP/1.x, and nothing else. The target is looked at when the head is whole.
 */
static bool request_line(struct h1_reader *r, struct str line)
{
    struct str rest = line;
    struct str word = str_cut(&rest, ' ');
    struct str target = str_cut(&rest, ' ');
    bool digits = rest.n == 8 && rest.p[5] >= '0' && rest.p[5] <= '9' && rest.p[7] >= '0' &&
                  rest.p[7] <= '9' && rest.p[6] == '.';

    for (size_t i = 0; i < word.n; i++)
        if (TOKEN_LOWER[(unsigned char)word.p[i]] == 0)
            word.n = 0;
    if (word.n == 0 || target.n == 0 || !digits || !str_starts(rest, S("HTTP/"))) {
        bad(r, 400, "the request line is malformed");
        return false;
    }
    if (rest.p[5] != '1' || rest.p[7] > '1') {
        bad(r, 505, "only HTTP/1.0, HTTP/1.1 and HTTP/2 are spoken here");
        return false;
    }
    r->method = method_find(word);
    r->minor = rest.p[7] - '0';
    return true;
}

/* The head's fields, lower-cased where they stand. What they cost is added up. */
static bool fields_settle(struct h1_reader *r, size_t *ret_cost)
{
    size_t cost = 0;

    for (size_t i = 0; i < r->nfields; i++) {
        struct http_header *h = &r->fields[i];
        char *name = r->head.p + (h->name.p - r->head.p);

        for (size_t j = 0; j < h->name.n; j++) {
            name[j] = (char)TOKEN_LOWER[(unsigned char)name[j]];
            if (name[j] == 0)
                return false;
        }
        if (h->name.n == 0)
            return false;
        h->value = str_trim(h->value);
        cost += h->name.n + h->value.n + HEAD_FIELD_COST_BYTES;
    }
    *ret_cost = cost;
    return true;
}

/* TRACE, CONNECT and methods that llhttp has not heard of are answered with 405 whatever follows;
 * nothing of their heads is looked at but the first line. */
static enum h1_got head_other(struct h1_reader *r)
{
    r->facts = (struct head_facts){0};
    r->target = (struct target){S(""), S(""), S("")};
    r->at = AT_END;
    return H1_HEAD;
}

static enum h1_got head_whole(struct h1_reader *r)
{
    struct str raw = buf_str(&r->head);
    size_t cost = 0;

    if (r->method == HTTP_OTHER)
        return head_other(r);
    h1_reader_room(r, r->lines);
    llhttp_init(&r->ll, HTTP_REQUEST, &CALLBACKS);
    r->ll_head = r->ll_whole = false;
    if (!agreed(r, raw) || !r->ll_head || r->nfields + 1 != r->lines || !fields_settle(r, &cost))
        return bad(r, 400, "a header field is malformed");
    if (cost > HTTP_HEAD_MAX)
        return bad(r, 431, "the request's fields are larger than the limit");
    str_cut(&raw, ' ');
    if (!target_split(str_cut(&raw, ' '), r->method, &r->target, &r->why) ||
        !head_facts(h1_reader_fields(r), r->minor, &r->facts, &r->why) ||
        !authority_agrees(r->target.authority, &r->facts, &r->why))
        return bad(r, r->why.status, r->why.what);
    r->left = r->facts.length;
    r->at = r->facts.chunked ? AT_SIZE : r->left > 0 ? AT_LENGTH : AT_END;
    return H1_HEAD;
}

/* A line of the head is complete. H1_MORE: go on with the next. */
static enum h1_got head_line(struct h1_reader *r)
{
    struct str line = str_sub(buf_str(&r->head), r->line, r->head.n - r->line - 2);

    if (r->lines == 0 && line.n == 0 && !r->blank) {
        r->blank = true;
        buf_reset(&r->head);
        return H1_MORE;
    }
    if (r->lines == 0 && !request_line(r, line))
        return H1_BAD;
    if (r->lines > 0 && line.n == 0)
        return head_whole(r);
    if (r->lines > 0 && (line.p[0] == ' ' || line.p[0] == '\t'))
        return bad(r, 400, "a folded header field");
    if (r->lines > HTTP_FIELDS_MAX)
        return bad(r, 431, "the request has too many fields");
    r->lines++;
    r->line = r->head.n;
    return H1_MORE;
}

static enum h1_got head_read(struct h1_reader *r, struct str *in)
{
    enum h1_got got = H1_MORE;

    while (got == H1_MORE) {
        bool first = r->lines == 0;
        enum line l = line_take(&r->head, r->line, first ? HTTP_LINE_MAX : HTTP_FIELD_MAX, in);

        if (l == LINE_MORE)
            return H1_MORE;
        if (l != LINE_WHOLE && first)
            return bad_line(r, l, 414, "the request line is longer than the limit");
        if (l != LINE_WHOLE)
            return bad_line(r, l, 431, "a header field is longer than the limit");
        got = head_line(r);
    }
    return got;
}

/* Body data. */

static enum h1_got data_read(struct h1_reader *r, struct str *in, struct str *ret_data)
{
    *ret_data = str_sub(*in, 0, r->left < in->n ? (size_t)r->left : in->n);
    if (ret_data->n == 0)
        return H1_MORE;
    *in = str_skip(*in, ret_data->n);
    r->left -= ret_data->n;
    if (r->at == AT_CHUNK && !agreed(r, *ret_data))
        return bad(r, 400, "the chunked body is malformed");
    if (r->left == 0)
        r->at = r->at == AT_CHUNK ? AT_CHUNK_END : AT_END;
    return H1_DATA;
}

/* H1-3, where llhttp is softer: it counts neither digits nor extension bytes. */
static bool size_line_good(struct h1_reader *r, struct str line)
{
    size_t digits = 0;
    size_t ext;

    while (digits < line.n && strchr("0123456789abcdefABCDEF", line.p[digits]) != NULL)
        digits++; /* a line holds no NUL */
    ext = line.n - digits;
    if (digits < 1 || digits > CHUNK_DIGITS || (ext > 0 && line.p[digits] != ';'))
        return false;
    r->exts += ext;
    return ext <= CHUNK_EXT_MAX && r->exts <= CHUNK_EXTS_MAX;
}

static bool trailer_good(struct h1_reader *r, struct str line)
{
    r->trailers++;
    r->trailer_bytes += line.n + HEAD_FIELD_COST_BYTES;
    return line.p[0] != ' ' && line.p[0] != '\t' && TOKEN_LOWER[(unsigned char)line.p[0]] != 0;
}

/* A line of chunked framing is complete and llhttp took it as well. */
static enum h1_got part_line(struct h1_reader *r, struct str line)
{
    bool good = false;

    switch (r->at) {
    case AT_SIZE: good = size_line_good(r, line); break;
    case AT_CHUNK_END: good = true; break; /* it was empty: its limit is 0 bytes */
    default: good = line.n == 0 || trailer_good(r, line); break;
    }
    if (!good || !agreed(r, buf_str(&r->part)))
        return bad(r, 400, "the chunked body is malformed");
    if (r->trailers + r->nfields > HTTP_FIELDS_MAX || r->trailer_bytes > HTTP_HEAD_MAX)
        return bad(r, 431, "the request's trailers are larger than the limit");
    buf_reset(&r->part);
    if (r->at == AT_SIZE)
        r->at = r->left > 0 ? AT_CHUNK : AT_TRAILER;
    else if (r->at == AT_CHUNK_END)
        r->at = AT_SIZE;
    else if (line.n == 0 && r->ll_whole)
        r->at = AT_END;
    return H1_MORE;
}

static enum h1_got part_read(struct h1_reader *r, struct str *in)
{
    size_t max = r->at == AT_SIZE      ? CHUNK_DIGITS + CHUNK_EXT_MAX
                 : r->at == AT_TRAILER ? HTTP_FIELD_MAX
                                       : 0;
    enum line l = line_take(&r->part, 0, max, in);

    if (l == LINE_MORE)
        return H1_MORE;
    if (l != LINE_WHOLE && r->at == AT_TRAILER)
        return bad_line(r, l, 431, "a trailer is longer than the limit");
    if (l != LINE_WHOLE)
        return bad_line(r, l, 400, "the chunked body is malformed");
    return part_line(r, str_sub(buf_str(&r->part), 0, r->part.n - 2));
}

enum h1_got h1_read(struct h1_reader *r, struct str *in, struct str *ret_data)
{
    for (;;) {
        enum h1_got got = H1_MORE;

        switch (r->at) {
        case AT_HEAD: return h1_quick_head(r, in) ? H1_HEAD : head_read(r, in);
        case AT_LENGTH:
        case AT_CHUNK: return data_read(r, in, ret_data);
        case AT_SIZE:
        case AT_CHUNK_END:
        case AT_TRAILER: got = part_read(r, in); break;
        case AT_END: return H1_END;
        case AT_BAD: return H1_BAD;
        }
        if (got == H1_BAD || (in->n == 0 && r->at != AT_END))
            return got;
    }
}

void h1_reader_init(struct h1_reader *r)
{
    *r = (struct h1_reader){.at = AT_HEAD};
    buf_init(&r->head, HEAD_BYTES_MAX);
    buf_init(&r->part, HTTP_FIELD_MAX + 2);
}

void h1_reader_fini(struct h1_reader *r)
{
    buf_fini(&r->head);
    buf_fini(&r->part);
    mem_free(r->fields);
    r->fields = NULL;
    r->fields_room = 0;
}

void h1_reader_next(struct h1_reader *r)
{
    struct buf head = r->head;
    struct http_header *fields = r->fields;
    size_t fields_room = r->fields_room;

    buf_fini(&r->part);
    if (head.room > H1_KEEP_ROOM)
        buf_fini(&head);
    buf_reset(&head);
    if (fields_room > H1_KEEP_FIELDS) {
        mem_free(fields);
        fields = NULL;
        fields_room = 0;
    }
    h1_reader_init(r);
    r->head = head;
    r->fields = fields;
    r->fields_room = fields_room;
}

void h1_reader_room(struct h1_reader *r, size_t nfields)
{
    r->nfields = 0;
    if (nfields <= r->fields_room)
        return;
    mem_free(r->fields);
    r->fields_room = nfields > H1_KEEP_FIELDS ? nfields : H1_KEEP_FIELDS;
    r->fields = mem_alloc(r->fields_room * sizeof *r->fields);
}
