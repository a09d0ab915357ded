// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/invocation.h"

#include <stdio.h>

#include "host/options.h"
#include "tools/terminal.h"

#define COLUMN 30

static void print_option(char letter, const char *name, const char *argument, const char *summary)
{
	char option[80];
	int length;

	length = snprintf(option, sizeof(option), "  %c%c%s --%s%s%s", letter ? '-' : ' ',
			  letter ? letter : ' ', letter ? "," : " ", name, argument ? "=" : "",
			  argument ? argument : "");
	if (length + 2 > COLUMN)
		printf("%s\n%-*s", option, COLUMN, "");
	else
		printf("%-*s", COLUMN, option);
	terminal_wrapped(summary, COLUMN);
}

void help_print(void)
{
	puts("usage: exclave COMMAND [OPTION...] [ARGUMENT...]\n"
	     "\n"
	     "Gives a VMM the devices of a host with KVM and SGX. No root, no VMX, no SGX\n"
	     "hardware.\n"
	     "\n"
	     "Commands:");
	for (unsigned int i = 0; i < command_count; i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].summary);
	puts("\nOptions:\n"
	     "  -h, --help     say what there is\n"
	     "  -V, --version  say which version this is\n"
	     "\n`exclave COMMAND --help` says more.");
}

static void print_shared_options(void)
{
	puts("\nOptions of the host (also NAME = VALUE in ~/.config/exclave/config and\n"
	     "/etc/exclave.conf; `man exclave` says more):");
	for (unsigned int i = 0; i < OPTION_COUNT; i++)
		print_option(0, option_rows[i].name, option_rows[i].argument,
			     option_rows[i].summary);
}

void help_print_command(const struct command *command)
{
	terminal_page();
	printf("usage: exclave %s %s\n\n%s\n\nOptions:\n", command->name, command->synopsis,
	       command->about);
	for (unsigned int i = 0; i < command->option_count; i++)
		print_option(0, command->options[i].name, command->options[i].argument,
			     command->options[i].summary);
#define PRINT_COMMON(name, letter, summary) print_option(letter, #name, NULL, summary);
	COMMON_OPTIONS(PRINT_COMMON)
#undef PRINT_COMMON
	print_shared_options();
}
