// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/nearest.h"

#include <string.h>

/* More letters than these in another place are another word. */
#define FAR 3

static unsigned int least(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein's distance, one row of its table at a time. */
static unsigned int distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned int row[NEAREST_LONGEST + 1];

	for (unsigned int j = 0; j <= b_length; j++)
		row[j] = j;
	for (unsigned int i = 1; i <= a_length; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (unsigned int j = 1; j <= b_length; j++) {
			unsigned int above = row[j];

			row[j] =
				least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_length];
}

void nearest_start(struct nearest *nearest, const char *wrong, size_t length)
{
	*nearest = (struct nearest){.wrong = wrong, .length = length, .distance = FAR};
}

void nearest_offer(struct nearest *nearest, const char *name)
{
	size_t length = strlen(name);
	unsigned int far;

	if (length > NEAREST_LONGEST || nearest->length > NEAREST_LONGEST || nearest->length < 2)
		return;
	/* An abbreviation. */
	if (length > nearest->length && !memcmp(name, nearest->wrong, nearest->length))
		far = 1;
	else
		far = distance(nearest->wrong, nearest->length, name, length);
	if (far < nearest->distance && far < nearest->length) {
		nearest->distance = far;
		nearest->name = name;
	}
}
