/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* main.c - the only place that knows there is a process: arguments, signals, exit status. */
#include "app/demo_command.h"
#include "app/doctor_command.h"
#include "app/gateway.h"
#include "app/notify.h"
#include "app/platform.h"
#include "app/settings.h"
#include "base/log.h"
#include "dialect/list.h"
#include "doctor/print.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PRINT_MAX = 256 * 1024 };

static int print(void (*write_text)(struct buf *))
{
    struct buf out;
    ssize_t wrote;

    buf_init(&out, PRINT_MAX);
    write_text(&out);
    wrote = out.n ? write(STDOUT_FILENO, out.p, out.n) : 0;
    buf_fini(&out);
    return wrote < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void write_version(struct buf *out)
{
    buf_lit(out, "queqiao " QUEQIAO_VERSION "\n");
}

static void write_help(struct buf *out)
{
    buf_lit(out, "queqiao (鹊桥) " QUEQIAO_VERSION " - OpenAI-format clients on Google Gemini\n\n"
                 "usage: queqiao [serve]          serve Gemini to OpenAI-format clients\n"
                 "       queqiao demo             the same on an emulated Gemini; needs no key\n"
                 "       queqiao doctor [MODEL ...]       find out what is wrong with this server\n"
                 "       queqiao doctor URL [MODEL ...]   the same of a deployment, from here\n"
                 "       queqiao --check-config   read the options, say what is wrong, exit\n"
                 "       queqiao --print-options  the options as a table (docs/options.md)\n"
                 "       queqiao --help | --version\n\n"
                 "Options are environment variables, or members of the JSON file that "
                 "QUEQIAO_CONFIG names:\n\n");
    config_print_help(out);
}

static void on_stop(void *g, int signum)
{
    (void)signum;
    gateway_drain(g);
}

static void on_reload(void *g, int signum)
{
    (void)signum;
    gateway_reload(g);
}

static void say_strangers(void)
{
    struct buf names;

    buf_init(&names, 1024);
    config_strangers(&names);
    if (names.n > 0)
        log_text(LOG_WARN, "config", "no such option, ignored: %.*s (queqiao --help lists them)",
                 S_ARG(buf_str(&names)));
    buf_fini(&names);
}

static enum err load(struct settings *s, const struct platform **ret_platform, struct buf *problem)
{
    enum err err = settings_read(s, ret_platform, problem);

    if (err == OK) {
        settings_set_log(s);
        say_strangers();
    }
    return err;
}

static void announce(const struct gateway *g)
{
    const char *host = *g->addr.host ? g->addr.host : "*";
    bool v6 = strchr(host, ':') != NULL;

    log_text(LOG_INFO, "start",
             "queqiao " QUEQIAO_VERSION
             " listening on http%s://%s%s%s:%u (%zu worker%s, %zu key%s, platform %s, %s)",
             g->certificates ? "s" : "", v6 ? "[" : "", host, v6 ? "]" : "", (unsigned)g->addr.port,
             g->nworkers, g->nworkers == 1 ? "" : "s", keys_count(g->keys),
             keys_count(g->keys) == 1 ? "" : "s", g->platform->name, tls_library());
    gateway_say_ways(g);
    notify_say("READY=1\nSTATUS=listening on %s port %u", host, (unsigned)g->addr.port);
}

enum mode { MODE_SERVE, MODE_DEMO, MODE_CHECK };

/* s ends here. */
static enum err serve(struct settings *s, const struct platform *p, enum mode mode,
                      struct buf *problem)
{
    struct gateway g = {.settings = s}; /* a reload must find nobody else who holds them */
    struct demo *demo = NULL;
    enum err err = OK;

    if (mode == MODE_DEMO)
        err = demo_open(&s->config, &demo, problem);
    if (err == OK)
        err = gateway_init(&g, s, p, mode == MODE_DEMO, problem);
    if (err == OK && mode != MODE_CHECK)
        err = gateway_listen(&g, problem);
    if (err == OK && mode != MODE_CHECK) {
        log_never_wait(); /* before /proc/self is closed to us */
        platform_harden();
        signal(SIGUSR1, SIG_IGN); /* the log is on stderr: there is no file to open again */
        loop_on_signal(g.main_loop, SIGTERM, on_stop, &g);
        loop_on_signal(g.main_loop, SIGINT, on_stop, &g);
        loop_on_signal(g.main_loop, SIGHUP, on_reload, &g);
        err = gateway_start(&g, problem);
    }
    if (err == OK && mode != MODE_CHECK) {
        announce(&g);
        if (demo != NULL)
            demo_greet(&g);
        gateway_run(&g);
    }
    if (!gateway_close(&g)) {
        log_text(LOG_WARN, "reload", "given up: a file does not answer");
        log_flush();
        _exit(EXIT_SUCCESS);
    }
    demo_close(demo);
    return err;
}

static int run(enum mode mode)
{
    struct settings *s = settings_new();
    const struct platform *p = NULL;
    struct buf problem;
    enum err err;

    buf_init(&problem, 4096);
    err = load(s, &p, &problem);
    notify_open();
    if (err == OK)
        err = serve(s, p, mode, &problem);
    else
        settings_drop(s);
    if (err != OK)
        fprintf(stderr, "queqiao: %.*s\n", S_ARG(buf_str(&problem)));
    else if (mode == MODE_CHECK)
        puts("queqiao: the configuration is good");
    buf_fini(&problem);
    return err == OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void write_findings(struct buf *out)
{
    doctor_markdown(LANG_EN, out);
}

static void write_findings_zh(struct buf *out)
{
    doctor_markdown(LANG_ZH, out);
}

static int run_doctor(int argc, char **argv)
{
    struct settings *s = settings_new();
    const struct platform *p = NULL;
    struct buf problem;
    int status = EXIT_FAILURE;

    buf_init(&problem, 4096);
    if (load(s, &p, &problem) == OK)
        status = doctor_command(s, p, argc, argv, &problem);
    else
        settings_drop(s);
    if (problem.n > 0)
        fprintf(stderr, "queqiao: %.*s\n", S_ARG(buf_str(&problem)));
    buf_fini(&problem);
    return status;
}

enum { SERVE, DEMO, DOCTOR, CHECK, OPTIONS, FINDINGS, FINDINGS_ZH, HELP, VERSION };
static const struct word COMMAND[] = {
    {"serve",               SERVE      },
    {"demo",                DEMO       },
    {"doctor",              DOCTOR     },
    {"--print-findings",    FINDINGS   },
    {"--print-findings-zh", FINDINGS_ZH},
    {"--check-config",      CHECK      },
    {"--help",              HELP       },
    {"-h",                  HELP       },
    {"help",                HELP       },
    {"--version",           VERSION    },
    {"-V",                  VERSION    },
    {"--print-options",     OPTIONS    },
};

int main(int argc, char **argv)
{
    int command = argc > 1 ? WORD(COMMAND, str_z(argv[1])) : SERVE;

    platform_open_standard();
    if (command < 0 || (argc > 2 && command != DOCTOR)) {
        fprintf(stderr, "queqiao: I do not know '%s'; try queqiao --help\n",
                argv[command < 0 ? 1 : 2]);
        return 2;
    }
    switch (command) {
    case DEMO: return run(MODE_DEMO);
    case DOCTOR: return run_doctor(argc - 2, argv + 2);
    case FINDINGS: return print(write_findings);
    case FINDINGS_ZH: return print(write_findings_zh);
    case CHECK: return run(MODE_CHECK);
    case OPTIONS: return print(config_print_markdown);
    case HELP: return print(write_help);
    case VERSION: return print(write_version);
    default: return run(MODE_SERVE);
    }
}
