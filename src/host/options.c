// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* secure_getenv, strchrnul */
#include "host/options.h"

#include "host/message.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const struct option_row option_rows[OPTION_COUNT] = {
#define OPTION_ROW(id, name, variable, argument, summary, more) \
	[OPTION_##id] = {name, variable, argument, summary, more},
	OPTIONS(OPTION_ROW)
#undef OPTION_ROW
};

const char *option_get(enum option option)
{
	const char *value = secure_getenv(option_rows[option].variable);

	return value && *value ? value : NULL;
}

bool option_has_words(const struct option_row *row)
{
	return !isupper((unsigned char)row->argument[0]);
}

int option_word(const struct option_row *row, const char *text)
{
	const char *word = row->argument;

	for (int i = 0; option_has_words(row); i++) {
		size_t length = (size_t)(strchrnul(word, '|') - word);

		if (strlen(text) == length && !memcmp(word, text, length))
			return i;
		if (!word[length])
			break;
		word += length + 1;
	}
	return -1;
}

unsigned int option_choose(enum option option, const char *text)
{
	const struct option_row *row = &option_rows[option];
	int word = text ? option_word(row, text) : 0;

	if (word >= 0)
		return (unsigned int)word;
	host_warn("%s=%s: is none of %s; taken as the first", row->variable, text, row->argument);
	return 0;
}
