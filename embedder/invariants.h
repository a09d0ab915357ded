/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold of an EPC whenever no leaf is running. */
#ifndef EXCLAVE_EMBEDDER_INVARIANTS_H
#define EXCLAVE_EMBEDDER_INVARIANTS_H

#include "embedder.h"

/* Every page is compared with every other, so the EPC is small. */
#define INVARIANTS_MAX_PAGES 256

/* Return: NULL, or what is wrong. */
const char *epcm_find_violation(struct embedder *embedder);

#endif
