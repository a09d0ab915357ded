/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold of an EPC whenever no leaf is running. */
#ifndef EXCLAVE_EMBEDDER_INVARIANTS_H
#define EXCLAVE_EMBEDDER_INVARIANTS_H

#include "embedder.h"

/* Return: NULL, or what is wrong. The EPC is small: every page is compared with every other. */
const char *epcm_find_violation(struct embedder *embedder);

#endif
