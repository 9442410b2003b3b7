/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* client_llhttp.h - llhttp.h, whose method names would clash with those of http/msg.h. */
#ifndef HTTP_CLIENT_LLHTTP_H
#define HTTP_CLIENT_LLHTTP_H

#define HTTP_GET     LLHTTP_GET_
#define HTTP_HEAD    LLHTTP_HEAD_
#define HTTP_POST    LLHTTP_POST_
#define HTTP_PUT     LLHTTP_PUT_
#define HTTP_PATCH   LLHTTP_PATCH_
#define HTTP_DELETE  LLHTTP_DELETE_
#define HTTP_OPTIONS LLHTTP_OPTIONS_
#include <llhttp.h>
#undef HTTP_GET
#undef HTTP_HEAD
#undef HTTP_POST
#undef HTTP_PUT
#undef HTTP_PATCH
#undef HTTP_DELETE
#undef HTTP_OPTIONS

#endif
