// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* vasprintf */
#include "tools/terminal.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDEST    100 /* longer lines are hard to read */
#define NARROWEST 40
#define USUAL     80

static unsigned int piped; /* columns in a pipe */

void terminal_page(void)
{
	piped = USUAL;
}

/* The convention of no-color.org: any value but an empty one. */
static bool is_coloured(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term &&
	       strcmp(term, "dumb") != 0;
}

/* Columns of a line, 0 for no end. */
static unsigned int width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return piped;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return USUAL;
	if (size.ws_col < NARROWEST)
		return NARROWEST;
	return size.ws_col < WIDEST ? size.ws_col : WIDEST;
}

void terminal_print(enum style style, const char *text)
{
	static const char *const codes[] = {
		[STYLE_PLAIN] = "",
		[STYLE_TITLE] = "\033[1m",
		[STYLE_GOOD] = "\033[32m",
		[STYLE_BAD] = "\033[1;31m",
	};

	if (style == STYLE_PLAIN || !is_coloured())
		fputs(text, stdout);
	else
		printf("%s%s\033[0m", codes[style], text);
}

/* Words until the line's end, at least one. Return: the rest. */
static const char *print_words(const char *text, unsigned int room)
{
	size_t length = strlen(text), end = length;

	if (room && length > room) {
		for (end = room; end && text[end] != ' ';)
			end--;
		if (!end)
			end = strcspn(text, " ");
	}
	printf("%.*s\n", (int)end, text);
	return text + end + strspn(text + end, " ");
}

void terminal_wrapped(const char *text, unsigned int column)
{
	unsigned int columns = width();
	unsigned int room = columns > column + 10 ? columns - column : columns ? 10 : 0;

	text = print_words(text, room);
	while (*text) {
		printf("%*s", (int)column, "");
		text = print_words(text, room);
	}
}

void terminal_field(enum style style, const char *title, unsigned int column, const char *format,
		    ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	terminal_print(style, title);
	printf("%*s", (int)(strlen(title) < column ? column - strlen(title) : 1), "");
	terminal_wrapped(text ? text : "", column);
	free(text);
}
