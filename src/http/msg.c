/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* msg.c - the words of HTTP that both sides need. Pure. */
#include "http/msg.h"

#include <assert.h>

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

static bool byte_ok(unsigned char c)
{
    return (c >= ' ' || c == '\t') && c != 0x7f;
}

bool http_value_ok(struct str value)
{
    const uint64_t ones = 0x0101010101010101U, tops = ones << 7;
    size_t i = 0;

    for (; value.n - i >= 8; i += 8) { /* a word with nothing below 0x20 and no 0x7f, nearly all */
        uint64_t v, del;

        memcpy(&v, value.p + i, 8);
        del = v ^ (ones * 0x7f);
        if ((((v - ones * 0x20) & ~v) | ((del - ones) & ~del)) & tops)
            for (size_t k = i; k < i + 8; k++)
                if (!byte_ok((unsigned char)value.p[k]))
                    return false;
    }
    for (; i < value.n; i++)
        if (!byte_ok((unsigned char)value.p[i]))
            return false;
    return true;
}
