/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Standard output for people: lines of a title and text, wrapped to the terminal's width, with
 * colours only where someone can see them. In a pipe each is one line.
 */
#ifndef EXCLAVE_TOOLS_TERMINAL_H
#define EXCLAVE_TOOLS_TERMINAL_H

#include <stddef.h>

enum style {
	STYLE_PLAIN,
	STYLE_TITLE,
	STYLE_GOOD,
	STYLE_BAD,
};

/* From now on lines are wrapped in a pipe too, which leads to a pager. */
void terminal_page(void);

/* Text in a style, without an end of line. */
void terminal_print(enum style style, const char *text);

/* Text and an end of line; the cursor is at @column, where each further line begins. */
void terminal_wrapped(const char *text, unsigned int column);

/* @title, the text from @column on, and an end of line. */
__attribute__((format(printf, 4, 5))) void
terminal_field(enum style style, const char *title, unsigned int column, const char *format, ...);

#endif
