/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sections of the manual page that no table holds: before and behind those that one does. */
#ifndef EXCLAVE_TOOLS_MANUAL_H
#define EXCLAVE_TOOLS_MANUAL_H

struct manual_section {
	const char *title;
	const char *text;
};

extern const struct manual_section manual_head[], manual_tail[];
extern const unsigned int manual_head_count, manual_tail_count;

#endif
