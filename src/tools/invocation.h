/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of exclave(1), and how one of them was called. Parser, help, manual page and
 * completion are made of these tables and of host/options.h.
 */
#ifndef EXCLAVE_TOOLS_INVOCATION_H
#define EXCLAVE_TOOLS_INVOCATION_H

#include <stdbool.h>
#include <stddef.h>

#define MAX_COMMAND_OPTIONS 16

struct invocation;

/* An option of one command alone; without an argument, it is a switch. */
struct command_option {
	const char *name;
	const char *argument;
	const char *summary;
};

struct command {
	const char *name;
	const char *synopsis;
	const char *summary;
	const char *about; /* lines of at most 80 characters */
	int (*main)(struct invocation *invocation);
	/* What is no option of ours begins the VMM's arguments. */
	bool passes;
	bool takes_arguments;
	unsigned int option_count;
	const struct command_option *options;
};

extern const struct command commands[];
extern const unsigned int command_count;

/* Options of every command, beside those of host/options.h. */
#define COMMON_OPTIONS(X)                 \
	X(help, 'h', "say what there is") \
	X(verbose, 'v', "say what is done, and when a device is opened: --log=1")

struct invocation {
	const struct command *command;
	bool help;
	bool verbose;
	const char *values[MAX_COMMAND_OPTIONS]; /* of the command's own options; "" of a switch */
	int argc;                                /* what is left */
	char **argv;
};

/* The value of the command's own option @name, or NULL. */
const char *invocation_value(const struct invocation *invocation, const char *name);

/*
 * Parses what follows the command's name, and sets what it says of the options of
 * host/options.h.
 * Return: 0, or an exit status after a message.
 */
int invocation_parse(struct invocation *invocation, const struct command *command, int argc,
		     char **argv);

const struct command *command_named(const char *name);

/* help.c: to standard output. */
void help_print(void);
void help_print_command(const struct command *command);

#endif
