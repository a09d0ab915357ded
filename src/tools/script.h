/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands of exclave(1) that are programs of Python: where they are installed, and how they start. */
#ifndef EXCLAVE_TOOLS_SCRIPT_H
#define EXCLAVE_TOOLS_SCRIPT_H

#include <limits.h>
#include <stddef.h>

#define SCRIPT_MAX_ARGUMENTS 16
/* Of the script's options: three paths, and what is shorter. */
#define SCRIPT_TEXT_SIZE (4 * PATH_MAX)

struct invocation;

struct script {
	char path[PATH_MAX];
	char cache[PATH_MAX]; /* empty: the script has one of its own, in the build tree */
	int argc;
	const char *argv[SCRIPT_MAX_ARGUMENTS + 1];
	size_t text_used;
	char text[SCRIPT_TEXT_SIZE]; /* what argv leads to */
};

/* A value of the option --cache: the same for all of these commands. */
#define SCRIPT_CACHE_OPTION                                                         \
	{                                                                           \
		"cache", "FOLDER", "keeps Debian's packages; else ~/.cache/exclave" \
	}

/* Says that @name is not in PATH, with its remedy. Return: 0 when it is, or an exit status. */
int script_needs(const char *name, const char *remedy);

/*
 * Finds the script @name, DIRECTORY/FILE in the source tree, called @what in messages, and what
 * guests run. The packages that it takes from Debian are kept where --cache says.
 * Return: 0, or an exit status after a message.
 */
int script_find(struct script *script, const char *name, const char *what,
		const struct invocation *invocation);

/*
 * One more option of the script's, with a value or NULL.
 * Return: 0, or an exit status after a message, when the value is too long.
 */
int script_add(struct script *script, const char *option, const char *value);

/* Return: an exit status after a message, when it could not be started. */
int script_become(struct script *script);

#endif
