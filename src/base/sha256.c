/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* sha256.c - SHA-256 over bytes that are there as a whole. Written out here because base/ sees no
 * library, and because credentials are a block or two long. */
#include "base/sha256.h"

#include "base/secret.h"

enum { BLOCK = 64, LENGTH_AT = 56 };

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t ror(uint32_t v, unsigned n)
{
    return v >> n | v << (32 - n);
}

static uint32_t big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* One round; the eight words are not moved but take turns in the call. */
static inline void turn(const uint32_t *a, const uint32_t *b, const uint32_t *c, uint32_t *d,
                        const uint32_t *e, const uint32_t *f, const uint32_t *g, uint32_t *h,
                        uint32_t kw)
{
    uint32_t t1 = *h + (ror(*e, 6) ^ ror(*e, 11) ^ ror(*e, 25)) + (*g ^ (*e & (*f ^ *g))) + kw;
    uint32_t t2 = (ror(*a, 2) ^ ror(*a, 13) ^ ror(*a, 22)) + ((*a & *b) | (*c & (*a | *b)));

    *d += t1;
    *h = t1 + t2;
}

/* FIPS 180-4, 6.2.2; the names are its. */
static void compress(uint32_t s[8], const unsigned char *block)
{
    uint32_t w[64];
    uint32_t a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];

    for (size_t t = 0; t < 16; t++)
        w[t] = big_endian(block + 4 * t);
    for (size_t t = 16; t < 64; t++) {
        uint32_t s0 = ror(w[t - 15], 7) ^ ror(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 = ror(w[t - 2], 17) ^ ror(w[t - 2], 19) ^ w[t - 2] >> 10;

        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
    for (size_t t = 0; t < 64; t += 8) {
        turn(&a, &b, &c, &d, &e, &f, &g, &h, K[t] + w[t]);
        turn(&h, &a, &b, &c, &d, &e, &f, &g, K[t + 1] + w[t + 1]);
        turn(&g, &h, &a, &b, &c, &d, &e, &f, K[t + 2] + w[t + 2]);
        turn(&f, &g, &h, &a, &b, &c, &d, &e, K[t + 3] + w[t + 3]);
        turn(&e, &f, &g, &h, &a, &b, &c, &d, K[t + 4] + w[t + 4]);
        turn(&d, &e, &f, &g, &h, &a, &b, &c, K[t + 5] + w[t + 5]);
        turn(&c, &d, &e, &f, &g, &h, &a, &b, K[t + 6] + w[t + 6]);
        turn(&b, &c, &d, &e, &f, &g, &h, &a, K[t + 7] + w[t + 7]);
    }
    s[0] += a, s[1] += b, s[2] += c, s[3] += d;
    s[4] += e, s[5] += f, s[6] += g, s[7] += h;
    secret_wipe(w, sizeof w);
}

/* The last block or two: the rest, a 1 bit, zeroes, the length in bits. */
static void compress_end(uint32_t h[8], struct str rest, uint64_t bits)
{
    unsigned char end[2 * BLOCK] = {0};
    size_t n = rest.n < LENGTH_AT ? BLOCK : 2 * BLOCK;

    memcpy(end, rest.p, rest.n);
    end[rest.n] = 0x80;
    for (size_t i = 0; i < 8; i++)
        end[n - 1 - i] = (unsigned char)(bits >> 8 * i);
    for (size_t at = 0; at < n; at += BLOCK)
        compress(h, end + at);
    secret_wipe(end, sizeof end);
}

struct sha256 sha256_of(struct str bytes)
{
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    struct sha256 d;
    struct str rest = bytes;

    for (; rest.n >= BLOCK; rest = str_skip(rest, BLOCK))
        compress(h, (const unsigned char *)rest.p);
    compress_end(h, rest, (uint64_t)bytes.n * 8);
    for (size_t i = 0; i < sizeof d.b; i++)
        d.b[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
    return d;
}

struct sha256 sha256_again(struct sha256_memo *m, struct str bytes)
{
    unsigned char padded[SHA256_MEMO_MAX] = {0};
    uint64_t diff = m->n ^ bytes.n;

    if (bytes.n > sizeof padded || bytes.n == 0)
        return sha256_of(bytes);
    memcpy(padded, bytes.p, bytes.n);
    for (size_t i = 0; i < sizeof padded; i += sizeof diff) {
        uint64_t a, b;

        memcpy(&a, m->bytes + i, sizeof a);
        memcpy(&b, padded + i, sizeof b);
        diff |= a ^ b;
    }
    if (diff != 0) {
        m->n = bytes.n;
        memcpy(m->bytes, padded, sizeof padded);
        m->digest = sha256_of(bytes);
    }
    secret_wipe(padded, sizeof padded);
    return m->digest;
}

bool sha256_eq(const struct sha256 *a, const struct sha256 *b)
{
    unsigned char diff = 0;

    for (size_t i = 0; i < sizeof a->b; i++)
        diff |= (unsigned char)(a->b[i] ^ b->b[i]);
    return diff == 0;
}

struct sha256_name sha256_name(const struct sha256 *d)
{
    static const char hex[] = "0123456789abcdef";
    struct sha256_name name = {""};

    for (size_t i = 0; i < sizeof name.z - 1; i++)
        name.z[i] = hex[d->b[i / 2] >> (i % 2 ? 0 : 4) & 15];
    return name;
}
