/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* print.c - findings as text, JSON, HTML and Markdown. Nothing of a foreign hand reaches a page but
 * as text. */
#include "doctor/print.h"

#include "codec/json_write.h"

#include <stdio.h>

static const char *const LEVEL_WORD[][2] = {
    [LEVEL_FINE] = {"ok",      "正常"},
    [LEVEL_NOTE] = {"note",    "提示"},
    [LEVEL_WARNING] = {"warning", "警告"},
    [LEVEL_BROKEN] = {"BROKEN",  "故障"},
};
static const char *const LEVEL_NAME[] = {
    [LEVEL_FINE] = "ok",
    [LEVEL_NOTE] = "note",
    [LEVEL_WARNING] = "warning",
    [LEVEL_BROKEN] = "broken",
};
static const char *const SUMMARY[][2] = {
    [LEVEL_FINE] = {"All is well.",                                "一切正常。"               },
    [LEVEL_NOTE] = {"All is well.",                                "一切正常。"               },
    [LEVEL_WARNING] = {"It works, but some of it will hurt one day.", "可以使用，但有隐患。"},
    [LEVEL_BROKEN] = {"Something is broken.",                        "有故障。"                  },
};

enum doctor_lang doctor_lang_of(struct str field)
{
    struct str zh = S("zh");

    while (field.n > 0) {
        struct str one = str_trim(str_cut(&field, ','));

        if (str_starts_nocase(one, zh))
            return LANG_ZH;
        if (str_starts_nocase(one, S("en")))
            return LANG_EN;
    }
    return LANG_EN;
}

void doctor_text(const struct findings *f, enum doctor_lang lang, struct str where, struct buf *out)
{
    buf_putf(out, "queqiao doctor %s%s%.*s\n\n", QUEQIAO_VERSION, where.n ? " · " : "",
             S_ARG(where));
    for (size_t i = 0; i < f->n; i++) {
        const struct finding *x = &f->v[i];
        const struct finding_text *t = finding_text(x->id);

        buf_putf(out, "%-8s %-20s %s%s%s", LEVEL_WORD[t->level][lang], t->id, x->subject,
                 *x->subject ? ": " : "", t->title[lang]);
        if (*x->detail)
            buf_putf(out, " (%s)", x->detail);
        buf_lit(out, "\n");
        if (*t->remedy[lang])
            buf_putf(out, "%29s→ %s\n", "", t->remedy[lang]);
    }
    buf_putf(out, "\n%s\n", SUMMARY[findings_worst(f)][lang]);
}

void doctor_json(const struct findings *f, struct buf *out)
{
    struct jw w;

    jw_begin(&w, out);
    jw_obj(&w, NULL);
    jw_str(&w, "version", S(QUEQIAO_VERSION));
    jw_str(&w, "worst", str_z(LEVEL_NAME[findings_worst(f)]));
    jw_arr(&w, "findings");
    for (size_t i = 0; i < f->n; i++) {
        const struct finding *x = &f->v[i];
        const struct finding_text *t = finding_text(x->id);

        jw_obj(&w, NULL);
        jw_str(&w, "id", str_z(t->id));
        jw_str(&w, "level", str_z(LEVEL_NAME[t->level]));
        jw_str(&w, "subject", str_z(x->subject));
        jw_str(&w, "detail", str_z(x->detail));
        jw_str(&w, "title", str_z(t->title[LANG_EN]));
        jw_str(&w, "title_zh", str_z(t->title[LANG_ZH]));
        jw_str(&w, "remedy", str_z(t->remedy[LANG_EN]));
        jw_str(&w, "remedy_zh", str_z(t->remedy[LANG_ZH]));
        jw_end(&w);
    }
    jw_end(&w);
    jw_end(&w);
    if (jw_end_all(&w) != OK)
        buf_cut(out, 0);
}

static void put_html(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '&': buf_lit(out, "&amp;"); break;
        case '<': buf_lit(out, "&lt;"); break;
        case '>': buf_lit(out, "&gt;"); break;
        case '"': buf_lit(out, "&quot;"); break;
        default: buf_putc(out, *text);
        }
}

/* Words of our own, in which `...` is code. */
static void put_own_html(struct buf *out, const char *text)
{
    struct str rest = str_z(text);
    bool code = false;

    while (rest.n > 0) {
        char piece[512];
        struct str part = str_cut(&rest, '`');

        snprintf(piece, sizeof piece, "%.*s", S_ARG(part));
        put_html(out, piece);
        if (rest.n > 0 || code)
            buf_put(out, code ? S("</code>") : S("<code>"));
        code = !code;
    }
}

static void html_begin(struct buf *out, enum doctor_lang lang)
{
    buf_putf(out,
             "<!doctype html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<title>queqiao doctor</title>\n"
             "<link rel=\"stylesheet\" href=\"/doctor/style.css\">\n</head>\n<body>\n"
             "<h1>queqiao doctor <small>%s</small></h1>\n",
             lang == LANG_ZH ? "zh-CN" : "en", QUEQIAO_VERSION);
}

static void html_row(const struct finding *x, enum doctor_lang lang, struct buf *out)
{
    const struct finding_text *t = finding_text(x->id);

    buf_putf(out, "<tr class=\"%s\"><td>%s</td><td><code>%s</code></td><td>", LEVEL_NAME[t->level],
             LEVEL_WORD[t->level][lang], t->id);
    if (*x->subject) {
        buf_lit(out, "<b>");
        put_html(out, x->subject);
        buf_lit(out, "</b>: ");
    }
    put_html(out, t->title[lang]);
    if (*x->detail) {
        buf_lit(out, " <i>(");
        put_html(out, x->detail);
        buf_lit(out, ")</i>");
    }
    if (*t->remedy[lang]) {
        buf_lit(out, "<p>→ ");
        put_own_html(out, t->remedy[lang]);
        buf_lit(out, "</p>");
    }
    buf_lit(out, "</td></tr>\n");
}

void doctor_html(const struct findings *f, enum doctor_lang lang, struct buf *out)
{
    html_begin(out, lang);
    buf_putf(out, "<p class=\"%s sum\">%s</p>\n<table>\n", LEVEL_NAME[findings_worst(f)],
             SUMMARY[findings_worst(f)][lang]);
    for (size_t i = 0; i < f->n; i++)
        html_row(&f->v[i], lang, out);
    buf_lit(out, "</table>\n</body>\n</html>\n");
}

void doctor_html_login(enum doctor_lang lang, bool wrong, struct buf *out)
{
    static const char *const ask[] = {"One of the server's AUTH_TOKEN values",
                                      "服务器的 AUTH_TOKEN"};
    static const char *const refused[] = {"That is not one of them.", "令牌不正确。"};
    static const char *const model[] = {"Models to try (may stay empty)", "要检查的模型（可不填）"};
    static const char *const go[] = {"Examine", "检查"};

    html_begin(out, lang);
    if (wrong)
        buf_putf(out, "<p class=\"broken sum\">%s</p>\n", refused[lang]);
    buf_putf(
        out,
        "<form method=\"post\" action=\"/doctor\">\n"
        "<label>%s<input type=\"password\" name=\"key\" autocomplete=\"off\" required></label>\n"
        "<label>%s<input name=\"model\"></label>\n"
        "<input type=\"hidden\" name=\"lang\" value=\"%s\">\n<button>%s</button>\n</form>\n"
        "</body>\n</html>\n",
        ask[lang], model[lang], lang == LANG_ZH ? "zh" : "en", go[lang]);
}

struct str doctor_css(void)
{
    return S(
        "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
        "color:#222;background:#fff}\n"
        "small{color:#767676;font-weight:normal}\n"
        "table{border-collapse:collapse;width:100%}\n"
        "td{padding:.5rem;border-top:1px solid #ddd;vertical-align:top}\n"
        "td:first-child{white-space:nowrap;font-weight:bold}\n"
        "td p{margin:.25rem 0 0}\n"
        ".ok td:first-child,.ok.sum,.note.sum{color:#16702e}\n"
        ".note td:first-child{color:#555}\n"
        ".warning td:first-child,.warning.sum{color:#8a5300}\n"
        ".broken td:first-child,.broken.sum{color:#b3261e}\n"
        ".sum{font-size:1.2rem;font-weight:bold}\n"
        "label{display:block;margin:1rem 0}\n"
        "input{display:block;width:100%;max-width:30rem;font:inherit;padding:.4rem}\n"
        "button{font:inherit;padding:.4rem 1.2rem}\n"
        "@media(max-width:40rem){td{display:block;border:0;padding:.2rem 0}"
        "tr{display:block;border-top:1px solid #ddd;padding:.5rem 0}}\n");
}

void doctor_markdown(enum doctor_lang lang, struct buf *out)
{
    buf_put(out, lang == LANG_ZH ? S("| 编号 | 级别 | 含义 | 怎么办 |\n|---|---|---|---|\n")
                                 : S("| id | level | meaning | remedy |\n|---|---|---|---|\n"));
    for (int i = 0; i < FINDINGS_N; i++) {
        const struct finding_text *t = finding_text((enum finding_id)i);

        buf_putf(out, "| `%s` | %s | %s | %s |\n", t->id, LEVEL_WORD[t->level][lang],
                 t->title[lang], t->remedy[lang]);
    }
}
