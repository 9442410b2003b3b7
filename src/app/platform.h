/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* platform.h - what the surroundings say: which platform this is and what it wants of us, the port
 * that it gave, the cores and the memory that it grants. A platform is a row of platform.c. */
#ifndef APP_PLATFORM_H
#define APP_PLATFORM_H

#include "app/config.h"
#include "base/err.h"
#include "net/listen.h"

struct platform {
    const char *name;     /* as QUEQIAO_PLATFORM spells it */
    const char *title;    /* for people */
    const char *marks[3]; /* environment variables; any of them that is set tells the platform */
    const char *host;     /* to listen on, with the port that the platform gave */
    const char *listen;   /* to listen on when it gave none */
    bool fronted; /* requests come through the platform, so that a loopback address is public */
    bool hooks;   /* it calls us on paths of its own: app/hooks.h */
    const char *request_id; /* the header with its id of a request, or NULL */
    const char *limits; /* put after the refusal of what is too large; English and Chinese, or "" */
    struct {
        const char *variable, *value;
    } defaults[8]; /* options that nobody set */
};

/* The platform that c->platform names, or the one whose marks are there.
 *
 *   errors  E_FIELD for a name that there is not; problem says which there are */
MUST_CHECK enum err platform_choose(const struct config *c, const struct platform **ret,
                                    struct buf *problem);

/* The options that nobody set become the platform's, c->alone is settled; the memory budget keeps
 * within what the surroundings grant. */
MUST_CHECK enum err platform_suggest(const struct platform *p, struct config *c,
                                     struct buf *problem);

/* Row i, for documents, doctor and tests; NULL past the end. */
const struct platform *platform_row(size_t i);

/* Where to listen: the option, then FC_SERVER_PORT, FC_CUSTOM_LISTEN_PORT, AWS_LWA_PORT and PORT,
 * then the platform's own place.
 *
 *   source  function-compute.md 1.3 and 6 */
MUST_CHECK enum err platform_listen(const struct platform *p, struct str option,
                                    struct listen_addr *ret, struct fault *why);
bool platform_is_loopback(const struct listen_addr *a);

/* Listening sockets that were handed to this process (systemd's LISTEN_FDS, for our LISTEN_PID).
 * Fill what fits, return how many there are. The variables are removed.
 *
 *   source  sd_listen_fds(3) */
size_t platform_sockets(int *fds, size_t max);
bool platform_socket_addr(int fd, struct listen_addr *ret); /* false: it is not TCP */

unsigned platform_cores(void);        /* what affinity and quotas leave; at least 1 */
uint64_t platform_memory_bytes(void); /* of the cgroup or the function; UINT64_MAX: no limit */

/* Standard input, output and error are open from here on: what is opened next must not take their
 * numbers. */
void platform_open_standard(void);

/* No core dumps, no ptrace by strangers, as many descriptors as allowed: keys live in this memory.
 */
void platform_harden(void);

#endif
