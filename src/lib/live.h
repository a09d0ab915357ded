/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Included before everything else in code that runs while the guest's extended
 * state is in the host's registers ("live" code, src/meson.build): it is compiled
 * for general registers only, and what the compiler makes of copies and
 * comparisons must be so too, which libc's functions are not.
 */
#ifndef EXCLAVE_LIB_LIVE_H
#define EXCLAVE_LIB_LIVE_H

#include <stddef.h>

void *memcpy(void *dst, const void *src, size_t len) __asm__("live_memcpy");
void *memmove(void *dst, const void *src, size_t len) __asm__("live_memmove");
void *memset(void *dst, int value, size_t len) __asm__("live_memset");
int memcmp(const void *a, const void *b, size_t len) __asm__("live_memcmp");

#endif
