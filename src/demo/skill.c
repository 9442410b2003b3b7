/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* skill.c - a table of things that the emulated model can do with the user's last words. It greets,
 * repeats, counts, writes at length, remembers; it never pretends to be Gemini.
 *
 * Everything is deterministic: the same words give the same answer. */
#include "demo/skill.h"
#include "demo/fields.h"

enum { COUNT_MAX = 100000, WORDS_MAX = 100000, QUOTE_MAX = 400, SEARCHED_MAX = 64 * 1024 };

struct speech {
    const struct emu_plan *plan;
    const struct emu_prompt *p;
    struct str rest; /* what followed the words that called the skill */
    struct buf *out;
};
typedef bool say_f(struct speech *s);

/* The text of one language: zh where Chinese was spoken. */
static void tell(struct speech *s, const char *en, const char *zh)
{
    buf_put(s->out, str_z(s->p->chinese ? zh : en));
}

static void quote(struct speech *s, struct str text)
{
    bool cut = text.n > QUOTE_MAX;
    size_t n = cut ? QUOTE_MAX : text.n;

    while (cut && n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    tell(s, "\"", "“");
    buf_put(s->out, str_sub(text, 0, n));
    buf_put(s->out, cut ? S("…") : S(""));
    tell(s, "\"", "”");
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The number at the front of s, after spaces; false when there is none. */
static bool number_at(struct str s, uint64_t max, uint64_t *ret)
{
    size_t n = 0;

    s = str_trim(s);
    while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
        n++;
    if (n == 0)
        return false;
    if (!str_u64(str_sub(s, 0, n), max, ret))
        *ret = max;
    return true;
}

/* The number that ends right before `at`, spaces aside. */
static bool number_before(struct str s, size_t at, uint64_t max, uint64_t *ret)
{
    size_t end = at;
    size_t from;

    while (end > 0 && s.p[end - 1] == ' ')
        end--;
    from = end;
    while (from > 0 && s.p[from - 1] >= '0' && s.p[from - 1] <= '9')
        from--;
    return from < end && number_at(str_sub(s, from, end - from), max, ret);
}

static bool say_echo(struct speech *s)
{
    struct str rest = str_trim(s->rest);

    while (str_starts(rest, S(":")) || str_starts(rest, S("：")))
        rest = str_trim(str_skip(rest, rest.p[0] == ':' ? 1 : 3));
    buf_put(s->out, rest);
    return rest.n > 0;
}

static bool say_count(struct speech *s)
{
    uint64_t n;

    if (!number_at(s->rest, COUNT_MAX, &n))
        return false;
    for (uint64_t i = 1; i <= n; i++) {
        buf_put_u64(s->out, i);
        buf_put(s->out, i < n ? S(" ") : S(""));
    }
    return n > 0;
}

static const char *const TALE_EN[] = {
    "every", "year",  "the",    "magpies", "gather", "above", "the",   "river", "of",    "stars",
    "and",   "build", "a",      "bridge",  "with",   "their", "wings", "so",    "that",  "two",
    "who",   "were",  "parted", "can",     "meet",   "again", "for",   "one",   "night",
};
static const char *const TALE_ZH[] = {"每", "年", "七", "夕", "，", "喜", "鹊", "飞", "上", "银",
                                      "河", "，", "用", "翅", "膀", "搭", "起", "一", "座", "桥",
                                      "，", "让", "牛", "郎", "织", "女", "相", "见", "。"};

static void put_tale(struct speech *s, uint64_t n, bool chinese)
{
    size_t words = chinese ? NELEM(TALE_ZH) : NELEM(TALE_EN);

    for (uint64_t i = 0; i < n; i++) {
        if (i > 0 && !chinese)
            buf_put(s->out, i % (3 * words) == 0 ? S(".\n\n") : i % words == 0 ? S(". ") : S(" "));
        buf_put(s->out, str_z(chinese ? TALE_ZH[i % words] : TALE_EN[i % words]));
    }
    buf_put(s->out, chinese ? S("") : S("."));
}

static bool say_words(struct speech *s)
{
    size_t at = (size_t)(s->rest.p - s->p->text.p);
    uint64_t n;

    while (at > 0 && !(s->p->text.p[at - 1] >= '0' && s->p->text.p[at - 1] <= '9'))
        at--;
    if (!number_before(s->p->text, at, WORDS_MAX, &n) || n == 0)
        return false;
    put_tale(s, n, s->p->chinese);
    return true;
}

static bool say_greeting(struct speech *s)
{
    tell(
        s,
        "Hello! I am queqiao's emulation of Gemini: no model is behind me, and nothing leaves this "
        "machine. Ask me \"what can you do\" to see what I can show you.",
        "你好！我是鹊桥（queqiao）内置的 Gemini 仿真，背后没有真正的模型，数据也不会离开这台机器。"
        "问我“你会什么”，看看我能演示些什么。");
    return true;
}

static bool say_who(struct speech *s)
{
    buf_putf(s->out,
             s->p->chinese
                 ? "我是鹊桥（queqiao）内置的 Gemini 仿真，正在扮演 %.*s，不是真正的模型。"
                 : "I am queqiao's emulation of Gemini, playing %.*s. I am not a model.",
             S_ARG(s->plan->ask->target.asked));
    return true;
}

static bool say_system(struct speech *s)
{
    struct str text = emu_content_text(emu_get(s->p->body, "system_instruction"), s->plan->arena);

    if (text.n == 0) {
        tell(s, "There is no system instruction in this request.", "这个请求里没有系统提示。");
        return true;
    }
    tell(s, "The system instruction reads: ", "系统提示是：");
    quote(s, text);
    return true;
}

static bool say_history(struct speech *s)
{
    struct emu_each contents = emu_each(emu_get(s->p->body, "contents"));
    size_t n = 0;
    yyjson_val *content;

    tell(s, "So far you have said:", "到目前为止你说过：");
    while ((content = emu_next(&contents)) != NULL) {
        struct str text = S("");

        if (!emu_word(content, "role", "model"))
            text = emu_content_text(content, s->plan->arena);
        if (text.n == 0)
            continue;
        buf_putf(s->out, "\n%zu. ", ++n);
        quote(s, text);
    }
    return true;
}

static bool say_markdown(struct speech *s)
{
    tell(s,
         "# A bridge of magpies\n\nAn **emulated** answer with *Markdown* in it:\n\n- a list\n- "
         "with "
         "two items\n\n| left | right |\n| --- | --- |\n| Altair | Vega |\n\n```c\nputs(\"over the "
         "river\");\n```\n\nInline math: $a^2 + b^2 = c^2$.\n",
         "# 鹊桥\n\n这是一段**仿真**的 *Markdown* 回答：\n\n- 列表\n- 共两项\n\n| 左 | 右 |\n| --- "
         "| --- "
         "|\n| 牛郎 | 织女 |\n\n```c\nputs(\"过河\");\n```\n\n行内公式：$a^2 + b^2 = c^2$。\n");
    return true;
}

static bool say_help(struct speech *s);

/* Tried in order; the first that has something to say is it. What is written here is what the
 * answer to "what can you do" lists. */
static const struct skill {
    const char *words[6]; /* any of them, whatever the case */
    bool at_start;        /* they must begin the text */
    say_f *say;
    const char *en, *zh;
} SKILLS[] = {
  /* clang-format off */
    {{"repeat after me", "echo:", "echo ", "复述", "重复：", "跟我说"}, true, say_echo,
     "\"Repeat after me: ...\" - exactly that comes back", "“跟我说：……”——原样返回"},
    {{"count to", "count up to", "数到"}, false, say_count,
     "\"Count to 100\" - numbers, nice to stream", "“数到 100”——适合看流式输出"},
    {{" words", "个字", "字"}, false, say_words,
     "\"Write 500 words\" - a long text", "“写 500 字”——长文本"},
    {{"what did i say", "what have i said", "说过什么", "说了什么"}, false, say_history,
     "\"What did I say?\" - the conversation so far", "“我说过什么？”——回顾对话"},
    {{"system instruction", "system prompt", "系统提示"}, false, say_system,
     "\"What is your system prompt?\" - quotes it", "“你的系统提示是什么？”——引用它"},
    {{"markdown"}, false, say_markdown,
     "\"Show me Markdown\" - a table, a list, code", "“来一段 Markdown”——表格、列表、代码"},
    {{"what can you do", "help", "你会什么", "你能做什么", "帮助"}, false, say_help, NULL, NULL},
    {{"who are you", "what are you", "which model", "what model", "你是谁", "什么模型"}, false, say_who,
     "\"Who are you?\"", "“你是谁？”"},
    {{"hello", "hi", "hey", "你好", "您好", "嗨"}, true, say_greeting, NULL, NULL},
  /* clang-format on */
};

static bool say_help(struct speech *s)
{
    tell(s,
         "I am queqiao's emulation of Gemini. I cannot think, but I can show how everything "
         "travels. Try:\n",
         "我是鹊桥（queqiao）内置的 Gemini 仿真，不会思考，但能演示数据是怎样往来的。试试：\n");
    for (size_t i = 0; i < NELEM(SKILLS); i++) {
        if (SKILLS[i].en != NULL)
            buf_putf(s->out, "- %s\n", s->p->chinese ? SKILLS[i].zh : SKILLS[i].en);
    }
    tell(s, "- a picture, a sound or a PDF - I tell what arrived\n",
         "- 发图片、声音或 PDF——我会说收到了什么\n");
    tell(s, "- declare a tool, ask for the weather in Paris and Rome - I call it for both\n",
         "- 声明一个工具，再问“北京和上海的天气”——我会同时调用两次\n");
    tell(s, "- ask for JSON with a schema - I make some up that fits\n",
         "- 要求按某个 schema 输出 JSON——我会编一个合格的\n");
    tell(s, "- models named emulate-... misbehave on purpose, as the list of models says\n",
         "- 名为 emulate-... 的模型会故意出错，模型列表里有说明\n");
    return true;
}

static bool letter_after(struct str s, size_t at)
{
    char c = at < s.n ? lower(s.p[at]) : ' ';

    return c >= 'a' && c <= 'z';
}

/* Did the user say one of the skill's words? What follows them goes to s->rest. */
static bool called(const struct skill *k, struct speech *s)
{
    struct str text = str_sub(s->p->text, 0, SEARCHED_MAX);

    for (size_t i = 0; i < NELEM(k->words) && k->words[i] != NULL; i++) {
        struct str word = str_z(k->words[i]);
        size_t at = emu_find_nocase(text, word);
        bool whole = !letter_after(text, at + word.n) || !letter_after(word, word.n - 1);

        if (at == text.n || (k->at_start && at != 0) || !whole)
            continue;
        s->rest = str_skip(s->p->text, at + word.n);
        return true;
    }
    return false;
}

void emu_say(const struct emu_plan *plan, struct buf *out)
{
    struct speech s = {.plan = plan, .p = &plan->prompt, .out = out};

    for (size_t i = 0; i < NELEM(SKILLS); i++) {
        if (called(&SKILLS[i], &s) && SKILLS[i].say(&s))
            return;
    }
    tell(&s, "This is queqiao's emulation of Gemini; no model is behind it. You said: ",
         "这是鹊桥（queqiao）内置的 Gemini 仿真，背后没有真正的模型。你说的是：");
    quote(&s, plan->prompt.text);
    tell(&s, " Ask \"what can you do\" for what I can show.",
         "问我“你会什么”，看看我能演示些什么。");
}

static const struct {
    const char *en, *zh;
} THOUGHTS[] = {
    {"**Reading the request**\n\nThe user has asked me something. I am only an emulation, so I "
     "will "
     "look for words that I know.\n\n\n", "**阅读请求**\n\n用户向我提了一个问题。我只是一个仿真，所以先找找有没有我认识的词。\n\n\n"   },
    {"**Weighing the options**\n\nI could greet, count, repeat, or call a tool if one was "
     "declared. "
     "The words decide which.\n\n\n",     "**权衡选择**\n\n我可以问候、数数、复述，或者在声明了工具时调用它，由用户的话来决定。\n\n\n"},
    {"**Settling on an answer**\n\nI know what to say now, and I will make clear that no model is "
     "behind it.\n\n\n",                  "**确定答案**\n\n我知道该怎么回答了，并且会说明背后没有真正的模型。\n\n\n"                           },
};

void emu_think(const struct emu_prompt *p, size_t index, struct buf *out)
{
    if (index < NELEM(THOUGHTS))
        buf_put(out, str_z(p->chinese ? THOUGHTS[index].zh : THOUGHTS[index].en));
}
