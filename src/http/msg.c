/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* msg.c - the words of HTTP that both sides need. Pure. */
#include "http/msg.h"
#include "base/eight.h"

#include <assert.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct str http_method_str(enum http_method m)
{
    static const struct str NAMES[] = {
        [HTTP_GET] = S_INIT("GET"),         [HTTP_HEAD] = S_INIT("HEAD"),
        [HTTP_POST] = S_INIT("POST"),       [HTTP_PUT] = S_INIT("PUT"),
        [HTTP_PATCH] = S_INIT("PATCH"),     [HTTP_DELETE] = S_INIT("DELETE"),
        [HTTP_OPTIONS] = S_INIT("OPTIONS"), [HTTP_OTHER] = S_INIT("OTHER"),
    };
    static_assert(NELEM(NAMES) == HTTP_OTHER + 1, "every method has its word");

    return NAMES[m];
}

struct str http_header_get(struct http_headers h, struct str name)
{
    for (size_t i = 0; i < h.n; i++)
        if (str_eq(h.v[i].name, name))
            return h.v[i].value;
    return S("");
}

/* RFC 9110, 15, and RFC 6585. The first rows are the ones that are asked for most. */
static const struct {
    int status;
    const char *reason;
} REASONS[] = {
    {200, "OK"                             },
    {400, "Bad Request"                    },
    {401, "Unauthorized"                   },
    {403, "Forbidden"                      },
    {404, "Not Found"                      },
    {429, "Too Many Requests"              },
    {500, "Internal Server Error"          },
    {502, "Bad Gateway"                    },
    {503, "Service Unavailable"            },
    {504, "Gateway Timeout"                },
    {100, "Continue"                       },
    {201, "Created"                        },
    {202, "Accepted"                       },
    {204, "No Content"                     },
    {205, "Reset Content"                  },
    {206, "Partial Content"                },
    {300, "Multiple Choices"               },
    {301, "Moved Permanently"              },
    {302, "Found"                          },
    {303, "See Other"                      },
    {304, "Not Modified"                   },
    {307, "Temporary Redirect"             },
    {308, "Permanent Redirect"             },
    {402, "Payment Required"               },
    {405, "Method Not Allowed"             },
    {406, "Not Acceptable"                 },
    {408, "Request Timeout"                },
    {409, "Conflict"                       },
    {410, "Gone"                           },
    {411, "Length Required"                },
    {412, "Precondition Failed"            },
    {413, "Content Too Large"              },
    {414, "URI Too Long"                   },
    {415, "Unsupported Media Type"         },
    {416, "Range Not Satisfiable"          },
    {417, "Expectation Failed"             },
    {421, "Misdirected Request"            },
    {422, "Unprocessable Content"          },
    {424, "Failed Dependency"              },
    {425, "Too Early"                      },
    {426, "Upgrade Required"               },
    {428, "Precondition Required"          },
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"  },
    {499, "Client Closed Request"          },
    {501, "Not Implemented"                },
    {505, "HTTP Version Not Supported"     },
    {529, "Site Is Overloaded"             },
};

struct str http_reason(int status)
{
    for (size_t i = 0; i < NELEM(REASONS); i++)
        if (REASONS[i].status == status)
            return str_z(REASONS[i].reason);
    return S("Unknown");
}

const unsigned char TOKEN_LOWER[256] = {
    ['!'] = '!', ['#'] = '#', ['$'] = '$', ['%'] = '%', ['&'] = '&', ['\''] = '\'', ['*'] = '*',
    ['+'] = '+', ['-'] = '-', ['.'] = '.', ['^'] = '^', ['_'] = '_', ['`'] = '`',   ['|'] = '|',
    ['~'] = '~', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4',   ['5'] = '5',
    ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9', ['a'] = 'a', ['b'] = 'b',   ['c'] = 'c',
    ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i',   ['j'] = 'j',
    ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p',   ['q'] = 'q',
    ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w',   ['x'] = 'x',
    ['y'] = 'y', ['z'] = 'z', ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd',   ['E'] = 'e',
    ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k',   ['L'] = 'l',
    ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r',   ['S'] = 's',
    ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y',   ['Z'] = 'z',
};

/* Neither a small letter nor a hyphen. */
static ALWAYS_INLINE uint64_t unusual(uint64_t v)
{
    uint64_t letter = eight_below(v, 'z' + 1) & ~eight_below(v, 'a');

    return ~(letter | eight_equal(v, '-')) & EIGHT_TOPS;
}

bool http_name_ok(struct str name)
{
    if (!eight_any(name, unusual)) /* as nearly all are */
        return name.n > 0;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];

        if (c == 0 || TOKEN_LOWER[c] != c)
            return false;
    }
    return true;
}

static ALWAYS_INLINE uint64_t control(uint64_t v)
{
    return eight_below(v, ' ') | eight_equal(v, 0x7f);
}

static ALWAYS_INLINE uint64_t invisible(uint64_t v)
{
    return eight_below(v, '!') | eight_equal(v, 0x7f) | (v & EIGHT_TOPS);
}

#ifdef __SSE2__
enum { WIDE = 16 };

static ALWAYS_INLINE __m128i controls(__m128i v)
{
    return _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v),
                        _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
}

static ALWAYS_INLINE __m128i invisibles(__m128i v)
{
    return _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8('!')), /* signed: from 0x80 on as well */
                        _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
}

static ALWAYS_INLINE __m128i load(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* As eight_any, sixteen at once where there are as many. */
static ALWAYS_INLINE bool any(struct str s, uint64_t (*kind)(uint64_t), __m128i (*wide)(__m128i))
{
    __m128i found;

    if (s.n < WIDE)
        return eight_any(s, kind);
    found = wide(load(s.p + s.n - WIDE));
    for (size_t i = 0; s.n - i > WIDE; i += WIDE)
        found = _mm_or_si128(found, wide(load(s.p + i)));
    return _mm_movemask_epi8(found) != 0;
}
#else
#define any(s, kind, wide) eight_any(s, kind)
#endif

bool http_value_ok(struct str value)
{
    if (!any(value, control, controls))
        return true;
    for (size_t i = 0; i < value.n; i++) { /* HTAB is none that matters */
        unsigned char c = (unsigned char)value.p[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

bool http_visible(struct str s)
{
    return s.n > 0 && !any(s, invisible, invisibles);
}
