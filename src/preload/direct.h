/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls without libc's function for them, one for each entry of REAL_FUNCTIONS. */
#ifndef EXCLAVE_PRELOAD_DIRECT_H
#define EXCLAVE_PRELOAD_DIRECT_H

#include "preload/real.h"

#define DIRECT_DECLARE(name, result, arguments) result direct_##name arguments;
REAL_FUNCTIONS(DIRECT_DECLARE)
#undef DIRECT_DECLARE

#endif
