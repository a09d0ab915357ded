/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes as users write them: digits, and a suffix K, M, G or T. */
#ifndef EXCLAVE_HOST_SIZE_H
#define EXCLAVE_HOST_SIZE_H

#include <stdint.h>

#define CODE_CACHE_MIN (UINT64_C(1) << 20)
#define CODE_CACHE_MAX (UINT64_C(1) << 30) /* a jump across it is one instruction */

/* Digits at *@text, which moves behind them. Return: 0 or -EINVAL. */
int size_parse_number(const char **text, uint64_t *value);
/* The same with a suffix. */
int size_parse(const char **text, uint64_t *size);

/* The whole of @text as the size of a code cache. Return: 0, or -EINVAL. */
int code_cache_parse(const char *text, uint64_t *size);

#endif
