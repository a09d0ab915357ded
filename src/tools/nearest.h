/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of several names, the one that a misspelt one may have meant. */
#ifndef EXCLAVE_TOOLS_NEAREST_H
#define EXCLAVE_TOOLS_NEAREST_H

#include <stddef.h>

#define NEAREST_LONGEST 31

struct nearest {
	const char *wrong;
	size_t length;
	unsigned int distance;
	const char *name; /* NULL as long as none is near */
};

void nearest_start(struct nearest *nearest, const char *wrong, size_t length);
void nearest_offer(struct nearest *nearest, const char *name);

#endif
