/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* media_type.c - three tables: types as they are spelled, names' endings, and files' first bytes.
 * Must not know how a file came. */
#include "gemini/media_type.h"

/* A type as clients spell it (or a name's ending), as Google does (NULL: refused), and what it is.
 * The first row of a medium is what it is taken for when nothing tells. Source: mapping 2.5. */
static const struct gm_type TYPE[] = {
    {"image/jpeg",               "image/jpeg",      GM_IMAGE   },
    {"image/jpg",                "image/jpeg",      GM_IMAGE   },
    {"image/png",                "image/png",       GM_IMAGE   },
    {"image/webp",               "image/webp",      GM_IMAGE   },
    {"image/heic",               "image/heic",      GM_IMAGE   },
    {"image/heif",               "image/heif",      GM_IMAGE   },
    {"image/avif",               "image/avif",      GM_IMAGE   },
    {"image/gif",                NULL,              GM_IMAGE   },
    {"image/svg+xml",            NULL,              GM_IMAGE   },
    {"image/bmp",                NULL,              GM_IMAGE   },
    {"image/tiff",               NULL,              GM_IMAGE   },
    {"audio/wav",                "audio/wav",       GM_AUDIO   },
    {"audio/x-wav",              "audio/wav",       GM_AUDIO   },
    {"audio/wave",               "audio/wav",       GM_AUDIO   },
    {"audio/mp3",                "audio/mp3",       GM_AUDIO   },
    {"audio/mpeg",               "audio/mp3",       GM_AUDIO   },
    {"audio/aiff",               "audio/aiff",      GM_AUDIO   },
    {"audio/aac",                "audio/aac",       GM_AUDIO   },
    {"audio/ogg",                "audio/ogg",       GM_AUDIO   },
    {"audio/opus",               "audio/ogg",       GM_AUDIO   },
    {"audio/flac",               "audio/flac",      GM_AUDIO   },
    {"audio/m4a",                "audio/mp4",       GM_AUDIO   },
    {"audio/x-m4a",              "audio/mp4",       GM_AUDIO   },
    {"audio/mp4",                "audio/mp4",       GM_AUDIO   },
    {"audio/webm",               "audio/webm",      GM_AUDIO   },
    {"audio/pcm16",              "audio/l16",       GM_AUDIO   },
    {"audio/l16",                "audio/l16",       GM_AUDIO   },
    {"video/mp4",                "video/mp4",       GM_VIDEO   },
    {"video/mpeg",               "video/mpeg",      GM_VIDEO   },
    {"video/mov",                "video/mov",       GM_VIDEO   },
    {"video/quicktime",          "video/mov",       GM_VIDEO   },
    {"video/avi",                "video/avi",       GM_VIDEO   },
    {"video/x-flv",              "video/x-flv",     GM_VIDEO   },
    {"video/mpg",                "video/mpg",       GM_VIDEO   },
    {"video/webm",               "video/webm",      GM_VIDEO   },
    {"video/wmv",                "video/wmv",       GM_VIDEO   },
    {"video/3gpp",               "video/3gpp",      GM_VIDEO   },
    {"application/pdf",          "application/pdf", GM_DOCUMENT},
    {"text/plain",               "text/plain",      GM_DOCUMENT},
    {"text/html",                "text/html",       GM_DOCUMENT},
    {"text/css",                 "text/css",        GM_DOCUMENT},
    {"text/csv",                 "text/csv",        GM_DOCUMENT},
    {"text/xml",                 "text/xml",        GM_DOCUMENT},
    {"text/rtf",                 "text/rtf",        GM_DOCUMENT},
    {"text/markdown",            "text/markdown",   GM_DOCUMENT},
    {"text/javascript",          "text/javascript", GM_DOCUMENT},
    {"text/x-python",            "text/x-python",   GM_DOCUMENT},
    {"application/rtf",          "text/rtf",        GM_DOCUMENT},
    {"application/xml",          "text/xml",        GM_DOCUMENT},
    {"application/javascript",   "text/javascript", GM_DOCUMENT},
    {"application/x-javascript", "text/javascript", GM_DOCUMENT},
    {"application/json",         "text/plain",      GM_DOCUMENT},
    {"application/x-yaml",       "text/plain",      GM_DOCUMENT},
    {"application/zip",          NULL,              GM_DOCUMENT}, /* docx, xlsx and the like too */
    {"application/x-ole",        NULL,              GM_DOCUMENT}, /* doc, xls, ppt */
};

/* A name's ending, and its type where that is not the ending itself. */
static const struct ending {
    const char *ending, *type;
} ENDING[] = {
    {"jpg",   "image/jpeg"       },
    {"jpeg",  "image/jpeg"       },
    {"png",   "image/png"        },
    {"webp",  "image/webp"       },
    {"heic",  "image/heic"       },
    {"heif",  "image/heif"       },
    {"avif",  "image/avif"       },
    {"gif",   "image/gif"        },
    {"svg",   "image/svg+xml"    },
    {"bmp",   "image/bmp"        },
    {"wav",   "audio/wav"        },
    {"mp3",   "audio/mp3"        },
    {"aiff",  "audio/aiff"       },
    {"aac",   "audio/aac"        },
    {"ogg",   "audio/ogg"        },
    {"opus",  "audio/opus"       },
    {"flac",  "audio/flac"       },
    {"m4a",   "audio/m4a"        },
    {"pcm16", "audio/pcm16"      },
    {"mp4",   "video/mp4"        },
    {"mpeg",  "video/mpeg"       },
    {"mpg",   "video/mpg"        },
    {"mov",   "video/mov"        },
    {"avi",   "video/avi"        },
    {"webm",  "video/webm"       },
    {"wmv",   "video/wmv"        },
    {"flv",   "video/x-flv"      },
    {"3gp",   "video/3gpp"       },
    {"pdf",   "application/pdf"  },
    {"txt",   "text/plain"       },
    {"log",   "text/plain"       },
    {"json",  "text/plain"       },
    {"yaml",  "text/plain"       },
    {"yml",   "text/plain"       },
    {"html",  "text/html"        },
    {"htm",   "text/html"        },
    {"css",   "text/css"         },
    {"csv",   "text/csv"         },
    {"xml",   "text/xml"         },
    {"rtf",   "text/rtf"         },
    {"md",    "text/markdown"    },
    {"js",    "text/javascript"  },
    {"py",    "text/x-python"    },
    {"docx",  "application/zip"  },
    {"xlsx",  "application/zip"  },
    {"pptx",  "application/zip"  },
    {"odt",   "application/zip"  },
    {"epub",  "application/zip"  },
    {"zip",   "application/zip"  },
    {"doc",   "application/x-ole"},
    {"xls",   "application/x-ole"},
    {"ppt",   "application/x-ole"},
};

/* First bytes that tell what a file is, whatever it was declared, and what must follow at an offset
 * (or nothing). The first row that fits decides. */
// clang-format off
static const struct {
    struct str bytes;
    size_t at;
    struct str then;
    size_t then_at;
    const char *type;
} MAGIC[] = {
    {S_INIT("\x89PNG"),          0, S_INIT(""),     0, "image/png"      },
    {S_INIT("\xff\xd8\xff"),     0, S_INIT(""),     0, "image/jpeg"     },
    {S_INIT("GIF8"),             0, S_INIT(""),     0, "image/gif"      },
    {S_INIT("WEBP"),             8, S_INIT(""),     0, "image/webp"     },
    {S_INIT("%PDF"),             0, S_INIT(""),     0, "application/pdf"},
    {S_INIT("PK\x03\x04"),       0, S_INIT(""),     0, "application/zip"},
    {S_INIT("\xd0\xcf\x11\xe0"), 0, S_INIT(""),     0, "application/x-ole"},
    {S_INIT("ftyp"),             4, S_INIT("heic"), 8, "image/heic"     },
    {S_INIT("ftyp"),             4, S_INIT("heix"), 8, "image/heic"     },
    {S_INIT("ftyp"),             4, S_INIT("mif1"), 8, "image/heif"     },
    {S_INIT("ftyp"),             4, S_INIT("msf1"), 8, "image/heif"     },
    {S_INIT("ftyp"),             4, S_INIT("avif"), 8, "image/avif"     },
    {S_INIT("ftyp"),             4, S_INIT("avis"), 8, "image/avif"     },
    {S_INIT("ftyp"),             4, S_INIT("M4A"),  8, "audio/m4a"      },
    {S_INIT("ftyp"),             4, S_INIT("qt"),   8, "video/quicktime"},
    {S_INIT("ftyp"),             4, S_INIT("3g"),   8, "video/3gpp"     },
    {S_INIT("ftyp"),             4, S_INIT(""),     0, "video/mp4"      },
    {S_INIT("RIFF"),             0, S_INIT("WAVE"), 8, "audio/wav"      },
    {S_INIT("RIFF"),             0, S_INIT("AVI "), 8, "video/avi"      },
    {S_INIT("FORM"),             0, S_INIT("AIF"),  8, "audio/aiff"     },
    {S_INIT("ID3"),              0, S_INIT(""),     0, "audio/mp3"      },
    {S_INIT("\xff\xfb"),         0, S_INIT(""),     0, "audio/mp3"      },
    {S_INIT("\xff\xf3"),         0, S_INIT(""),     0, "audio/mp3"      },
    {S_INIT("\xff\xf2"),         0, S_INIT(""),     0, "audio/mp3"      },
    {S_INIT("\xff\xf1"),         0, S_INIT(""),     0, "audio/aac"      },
    {S_INIT("\xff\xf9"),         0, S_INIT(""),     0, "audio/aac"      },
    {S_INIT("OggS"),             0, S_INIT(""),     0, "audio/ogg"      },
    {S_INIT("fLaC"),             0, S_INIT(""),     0, "audio/flac"     },
    {S_INIT("\x1a\x45\xdf\xa3"), 0, S_INIT(""),     0, "video/webm"     },
    {S_INIT("FLV\x01"),          0, S_INIT(""),     0, "video/x-flv"    },
    {S_INIT("\0\0\x01\xba"),     0, S_INIT(""),     0, "video/mpeg"     },
    {S_INIT("\0\0\x01\xb3"),     0, S_INIT(""),     0, "video/mpeg"     },
    {S_INIT("\x30\x26\xb2\x75\x8e\x66\xcf\x11"), 0, S_INIT(""), 0, "video/wmv"},
};
// clang-format on

const struct gm_type *gm_type_named(struct str spelled)
{
    struct str bare = str_cut(&spelled, ';');

    bare = str_trim(bare);
    for (size_t i = 0; i < NELEM(TYPE); i++)
        if (str_eq_nocase(bare, str_z(TYPE[i].spelled)))
            return &TYPE[i];
    return NULL;
}

const struct gm_type *gm_type_first(enum gm_medium medium)
{
    for (size_t i = 0; i < NELEM(TYPE); i++)
        if (TYPE[i].medium == medium)
            return &TYPE[i];
    return NULL;
}

struct str gm_type_of_ending(struct str ending)
{
    for (size_t i = 0; i < NELEM(ENDING); i++)
        if (str_eq_nocase(ending, str_z(ENDING[i].ending)))
            return str_z(ENDING[i].type);
    return S("");
}

struct str gm_media_type_of(struct str name)
{
    struct str rest = name;
    struct str path = str_cut(&rest, '?');
    size_t dot = path.n;

    rest = path;
    path = str_cut(&rest, '#');
    for (size_t i = path.n; i > 0 && path.p[i - 1] != '/' && dot == path.n; i--)
        if (path.p[i - 1] == '.')
            dot = i;
    return gm_type_of_ending(str_skip(path, dot));
}

const struct gm_type *gm_type_of_head(struct str head)
{
    for (size_t i = 0; i < NELEM(MAGIC); i++)
        if (str_starts(str_skip(head, MAGIC[i].at), MAGIC[i].bytes) &&
            str_starts(str_skip(head, MAGIC[i].then_at), MAGIC[i].then))
            return gm_type_named(str_z(MAGIC[i].type));
    return NULL;
}

bool gm_media_known(struct str head)
{
    return gm_type_of_head(head) != NULL;
}
