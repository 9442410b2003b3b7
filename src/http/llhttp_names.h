/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* llhttp_names.h - llhttp.h, whose names for methods would collide with those of msg.h. */
#ifndef HTTP_LLHTTP_NAMES_H
#define HTTP_LLHTTP_NAMES_H

#define HTTP_GET     LLHTTP_GET
#define HTTP_HEAD    LLHTTP_HEAD
#define HTTP_POST    LLHTTP_POST
#define HTTP_PUT     LLHTTP_PUT
#define HTTP_PATCH   LLHTTP_PATCH
#define HTTP_DELETE  LLHTTP_DELETE
#define HTTP_OPTIONS LLHTTP_OPTIONS
#include <llhttp.h>
#undef HTTP_GET
#undef HTTP_HEAD
#undef HTTP_POST
#undef HTTP_PUT
#undef HTTP_PATCH
#undef HTTP_DELETE
#undef HTTP_OPTIONS

#endif
