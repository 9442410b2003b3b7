/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* control.h - /__emulator/...: what tests ask the emulator, and what they tell it. */
#ifndef DEMO_CONTROL_H
#define DEMO_CONTROL_H

#include "demo/visit.h"

/* Answers the call, at once or when its body has come. */
void emu_control(struct emu_house *h, struct call *call, enum emu_place place);

#endif
