/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* certificates.c - reading pairs of PEM files. Must not know what a certificate looks like. */
#include "app/certificates.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { PEM_MAX = 1 << 20 };

/* The files of one side; text keeps their bytes. */
struct side {
    const char *option;
    struct str path[TLS_PAIRS_MAX];
    struct buf text[TLS_PAIRS_MAX];
    size_t n;
};

static void side_fini(struct side *s)
{
    for (size_t i = 0; i < s->n; i++) {
        secret_wipe(s->text[i].p, s->text[i].n);
        buf_fini(&s->text[i]);
    }
}

static enum err read_pem(const struct config *c, struct side *s, size_t i, bool is_secret,
                         struct buf *problem)
{
    enum file_privacy privacy = FILE_PRIVATE;
    enum err err = file_read_secret(s->path[i], &s->text[i], &privacy);
    const char *complaint = is_secret ? file_complaint(privacy, c->alone) : NULL;

    if (err == OK && complaint == NULL)
        return OK;
    buf_putf(problem, "%s %.*s %s", s->option, S_ARG(s->path[i]),
             err == OK ? complaint : "cannot be read");
    return err == OK ? E_FIELD : err;
}

static enum err read_side(const struct config *c, struct side *s, struct str paths, bool is_secret,
                          struct buf *problem)
{
    enum err err = OK;

    while (paths.n > 0 && err == OK) {
        struct str path = str_trim(str_cut(&paths, ','));

        if (path.n == 0)
            continue;
        if (s->n == TLS_PAIRS_MAX) {
            buf_putf(problem, "%s names more than %d files", s->option, TLS_PAIRS_MAX);
            return E_RANGE;
        }
        s->path[s->n] = path;
        buf_init(&s->text[s->n++], PEM_MAX);
        err = read_pem(c, s, s->n - 1, is_secret, problem);
    }
    return err;
}

static enum err make(const struct side *certs, const struct side *keys, struct tls_server **ret,
                     struct buf *problem)
{
    struct tls_pair pairs[TLS_PAIRS_MAX];
    struct fault why = {0};
    enum err err;

    if (certs->n != keys->n) {
        buf_lit(problem, "QUEQIAO_TLS_CERT and QUEQIAO_TLS_KEY must name as many files");
        return E_FIELD;
    }
    if (certs->n == 0)
        return OK;
    for (size_t i = 0; i < certs->n; i++)
        pairs[i] = (struct tls_pair){buf_str(&certs->text[i]), buf_str(&keys->text[i])};
    err = tls_server_new(pairs, certs->n, true, ret, &why);
    if (err != OK) {
        size_t i = why.at ? (size_t)((const struct tls_pair *)why.at - pairs) : 0;

        buf_putf(problem, "QUEQIAO_TLS_CERT %.*s, QUEQIAO_TLS_KEY %.*s: %s", S_ARG(certs->path[i]),
                 S_ARG(keys->path[i]), why.what);
    }
    return err;
}

enum err certificates_load(const struct config *c, struct tls_server **ret, struct buf *problem)
{
    struct side *sides = mem_zalloc(2 * sizeof *sides);
    enum err err;

    sides[0].option = "QUEQIAO_TLS_CERT";
    sides[1].option = "QUEQIAO_TLS_KEY";
    err = read_side(c, &sides[0], c->tls_cert, false, problem);
    if (err == OK)
        err = read_side(c, &sides[1], c->tls_key, true, problem);
    if (err == OK)
        err = make(&sides[0], &sides[1], ret, problem);
    side_fini(&sides[0]);
    side_fini(&sides[1]);
    mem_free(sides);
    return err;
}

int64_t certificates_left_s(const struct config *c, struct tls_server *s, struct str *ret_file)
{
    struct str paths = c->tls_cert;
    size_t which = 0;
    int64_t when = tls_server_expires_s(s, &which);

    *ret_file = S("");
    for (size_t i = 0; paths.n > 0 && i <= which;) {
        struct str path = str_trim(str_cut(&paths, ','));

        if (path.n > 0 && i++ == which)
            *ret_file = path;
    }
    return when - clock_wall_s();
}

void certificates_warn(const struct config *c, struct tls_server *s)
{
    struct str file;
    int64_t left = s ? certificates_left_s(c, s, &file) : CERTIFICATE_SOON_S;

    if (left < 0)
        log_text(LOG_ERROR, "tls", "the certificate %.*s has expired: clients refuse it",
                 S_ARG(file));
    else if (left < CERTIFICATE_SOON_S)
        log_text(LOG_WARN, "tls", "the certificate %.*s expires in %lld days", S_ARG(file),
                 (long long)(left / 86400));
}
