/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_auth_time.c - that a token is compared in constant time: not by a clock, which says little,
 * but by walking through the comparison one instruction at a time. Two credentials cannot be told
 * apart by how long they take when the very same instructions are gone through for both.
 *
 * The walker is this process's parent, the walked one a fork. What a sanitizer has woven in is not
 * the product's code, so there is nothing to walk through then. */
#include "proxy/auth.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WOVEN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WOVEN 1
#endif
#endif

#if defined(__x86_64__)
#define PLACE(regs) ((regs).rip)
#elif defined(__aarch64__)
#define PLACE(regs) ((regs).pc)
#endif

enum { LENGTH = 40, NTOKENS = 8 };

struct scene {
    struct auth auth;
    struct auth_token tokens[NTOKENS];
    char text[NTOKENS][LENGTH];
    char asked[LENGTH]; /* what the client presents; always in this place */
    struct sha256 a, b;
    struct sha256_memo memo;
    enum auth_verdict verdict;
    bool same;
};
typedef void act_f(struct scene *x);

static void check(struct scene *x)
{
    const struct http_header h = {S("x-api-key"), str_of(x->asked, sizeof x->asked)};
    struct auth_pass pass =
        auth_check(&x->auth, (struct http_headers){&h, 1}, S(""), NULL, &x->memo);

    x->verdict = pass.verdict;
}

static void compare(struct scene *x)
{
    x->same = sha256_eq(&x->a, &x->b);
}

static void scene_init(struct scene *x)
{
    memset(x, 0, sizeof *x);
    for (int i = 0; i < NTOKENS; i++) {
        memset(x->text[i], 'a' + i, LENGTH);
        x->tokens[i].id = sha256_of(str_of(x->text[i], LENGTH));
    }
    x->auth = (struct auth){.tokens = x->tokens, .ntokens = NTOKENS, .server_keys = true};
}

#if defined(PLACE) && !defined(WOVEN)

struct walk {
    uint64_t steps, path; /* a hash of each instruction's place */
};

static void be_walked(act_f *act, struct scene *x)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(1);
    raise(SIGSTOP);
    act(x);
    raise(SIGSTOP);
    _exit(0);
}

/* From the first stop to the second. False: not allowed here. */
static bool follow(pid_t pid, struct walk *w)
{
    int status;

    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
        return false;
    for (;;) {
        struct user_regs_struct regs;
        struct iovec room = {&regs, sizeof regs};

        if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0 || waitpid(pid, &status, 0) != pid ||
            !WIFSTOPPED(status) || ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &room) != 0)
            return false;
        if (WSTOPSIG(status) == SIGSTOP)
            return true;
        w->steps++;
        w->path = w->path * 1099511628211U + PLACE(regs);
    }
}

static bool walk(act_f *act, const struct scene *scene, struct walk *ret)
{
    static struct scene x; /* at one place for all */
    struct walk w = {0};
    bool allowed;
    pid_t pid;

    x = *scene;
    x.auth.tokens = x.tokens;
    act(&x); /* so that every function is bound */
    x = *scene;
    x.auth.tokens = x.tokens;
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        be_walked(act, &x);
    allowed = follow(pid, &w);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    *ret = w;
    return allowed;
}

static void same_walk(const char *what, act_f *act, const struct scene *a, const struct scene *b)
{
    struct walk wa, wb;

    if (!walk(act, a, &wa) || !walk(act, b, &wb)) {
        print_message("one process may not walk through another here\n");
        skip();
    }
    assert_true(wa.steps > 10);
    if (wa.steps != wb.steps || wa.path != wb.path)
        fail_msg("%s: %llu instructions, and %llu", what, (unsigned long long)wa.steps,
                 (unsigned long long)wb.steps);
}

/* AUT-3: the digests are compared over their full length, wherever they differ. */
static void aut_3_compare(void **state)
{
    static const size_t at[] = {0, 1, 15, 31};
    struct scene same, other;

    (void)state;
    scene_init(&same);
    same.a = same.b = sha256_of(S("a token"));
    for (size_t i = 0; i < NELEM(at); i++) {
        other = same;
        other.b.b[at[i]] ^= 1;
        compare(&other);
        assert_false(other.same);
        same_walk("digests", compare, &same, &other);
    }
    for (size_t i = 0; i < sizeof other.b.b; i++)
        other.b.b[i] = (unsigned char)~same.a.b[i];
    same_walk("digests that differ everywhere", compare, &same, &other);
}

/* AUT-3: a wrong token goes the same way as any other wrong one, however much of it is right; a
 * right one has to be found among as many. */
static void aut_3_check(void **state)
{
    static const struct {
        const char *name;
        int first, last, token;
    } rows[] = {
        {"wrong in its first byte",      1, 0, 0},
        {"wrong in its last byte",       0, 1, 0},
        {"of the last token, the first", 1, 0, 7},
        {"of the last token, the last",  0, 1, 7},
    };
    struct scene wrong;

    (void)state;
    scene_init(&wrong);
    memset(wrong.asked, 'z', LENGTH);
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct scene near;

        scene_init(&near);
        memcpy(near.asked, near.text[rows[i].token], LENGTH);
        near.asked[0] = (char)(near.asked[0] ^ rows[i].first);
        near.asked[LENGTH - 1] = (char)(near.asked[LENGTH - 1] ^ rows[i].last);
        check(&near);
        assert_int_equal(near.verdict, AUTH_WRONG);
        near.memo = wrong.memo;
        same_walk(rows[i].name, check, &wrong, &near);
    }
}

/* AUT-3, where a right one was asked for just before on that connection. */
static void aut_3_check_again(void **state)
{
    struct scene first, last;

    (void)state;
    scene_init(&first);
    memcpy(first.asked, first.text[3], LENGTH);
    check(&first);
    assert_int_equal(first.verdict, AUTH_SERVER_KEY);
    last = first;
    last.auth.tokens = last.tokens;
    first.asked[0] ^= 1;
    last.asked[LENGTH - 1] ^= 1;
    same_walk("after the right one", check, &first, &last);
}

/* The walker sees a difference where there is one. */
static void leaky(struct scene *x)
{
    x->same = false;
    for (size_t i = 0; i < LENGTH; i++)
        if (x->asked[i] != x->text[0][i])
            return;
    x->same = true;
}

static void the_walker_sees(void **state)
{
    struct scene first, last;
    struct walk a, b;

    (void)state;
    scene_init(&first);
    memcpy(first.asked, first.text[0], LENGTH);
    last = first;
    first.asked[0] ^= 1;
    last.asked[LENGTH - 1] ^= 1;
    if (!walk(leaky, &first, &a) || !walk(leaky, &last, &b))
        skip();
    assert_true(a.steps + LENGTH < b.steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aut_3_compare),
        cmocka_unit_test(aut_3_check),
        cmocka_unit_test(aut_3_check_again),
        cmocka_unit_test(the_walker_sees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

/* Here it is only made sure that the parts still fit. */
static void aut_3_same_verdict(void **state)
{
    struct scene x;

    (void)state;
    scene_init(&x);
    memcpy(x.asked, x.text[NTOKENS - 1], LENGTH);
    check(&x);
    assert_int_equal(x.verdict, AUTH_SERVER_KEY);
    x.asked[LENGTH - 1] ^= 1;
    check(&x);
    assert_int_equal(x.verdict, AUTH_WRONG);
    compare(&x);
    assert_true(x.same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aut_3_same_verdict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
