/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* list.h - an intrusive doubly linked list. A link that is in no list points at itself. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/attr.h"
#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}
static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}
static inline void list_push(struct list *head, struct list *l) /* at the end */
{
    l->prev = head->prev;
    l->next = head;
    head->prev->next = l;
    head->prev = l;
}
static inline void list_push_front(struct list *head, struct list *l)
{
    list_push(head->next, l);
}
static inline void list_remove(struct list *l) /* harmless when in no list */
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    list_init(l);
}
static inline struct list *list_pop(struct list *head) /* NULL when empty */
{
    struct list *l = head->next;

    if (l == head)
        return NULL;
    list_remove(l);
    return l;
}

/* Walk the list; the current link may be removed inside. */
#define list_each(l, head)                                                                         \
    for (struct list *l = (head)->next, *l##_next = l->next; l != (head);                          \
         l = l##_next, l##_next = l->next)

#endif
