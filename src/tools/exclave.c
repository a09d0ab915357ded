// SPDX-License-Identifier: GPL-2.0-or-later
/* exclave(1): runs programs that see the machine's KVM and SGX devices in software. */
#define _GNU_SOURCE /* getopt_long */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/bits.h"
#include "tools/command.h"
#include "tools/message.h"
#include "tools/run.h"

/* Name, letter, argument (NULL for none), what it does. The parser and the help are made of these. */
#define COMMON_OPTIONS(X)                       \
	X(help, 'h', NULL, "say what there is") \
	X(version, 'V', NULL, "say which version this is")

#define RUN_OPTIONS(X)                          \
	X(help, 'h', NULL, "say what there is") \
	X(verbose, 'v', NULL, "say on standard error when COMMAND opens a device of ours")

#define LONG_OPTION(name, letter, argument, help) \
	{#name, (argument) ? required_argument : no_argument, NULL, letter},
#define HELP_LINE(name, letter, argument, help) {letter, #name, argument, help},

struct help_line {
	char letter;
	const char *name;
	const char *argument;
	const char *help;
};

static const struct option common_options[] = {COMMON_OPTIONS(LONG_OPTION){0}};
static const struct option run_options[] = {RUN_OPTIONS(LONG_OPTION){0}};
static const struct help_line common_help[] = {COMMON_OPTIONS(HELP_LINE)};
static const struct help_line run_help[] = {RUN_OPTIONS(HELP_LINE)};

static void print_options(const struct help_line *lines, size_t count)
{
	puts("\nOptions:");
	for (size_t i = 0; i < count; i++) {
		char option[40];

		snprintf(option, sizeof(option), "-%c, --%s%s%s", lines[i].letter, lines[i].name,
			 lines[i].argument ? "=" : "", lines[i].argument ? lines[i].argument : "");
		printf("  %-20s %s\n", option, lines[i].help);
	}
}

static int print_help(void)
{
	puts("usage: exclave run [OPTION...] -- COMMAND [ARGUMENT...]\n"
	     "\n"
	     "Runs COMMAND, for example QEMU, on a software /dev/kvm. No root, no VMX.");
	print_options(common_help, ARRAY_SIZE(common_help));
	puts("\n`exclave run --help` lists the options of run.");
	return 0;
}

static int print_run_help(void)
{
	puts("usage: exclave run [OPTION...] -- COMMAND [ARGUMENT...]\n"
	     "\n"
	     "COMMAND must be dynamically linked and have no rights of its own (setuid).\n"
	     "The exit status is COMMAND's; 125 to 127 when it could not be started, as env(1).");
	print_options(run_help, ARRAY_SIZE(run_help));
	return 0;
}

static int usage(const char *what, const char *word, const char *help)
{
	complain("%s%s; see `%s`", what, word, help);
	return EXIT_REFUSED;
}

/* What getopt_long() just refused: a letter, or a word. */
static int bad_option(char **argv, const char *help)
{
	char letter[] = {'-', (char)optopt, 0};

	return usage("bad option ",
		     optopt && !strstr(argv[optind - 1], "--") ? letter : argv[optind - 1], help);
}

static int run(int argc, char **argv)
{
	bool verbose = false;
	int option;

	/* 0: getopt_long() starts again. */
	optind = 0;
	while ((option = getopt_long(argc, argv, "+hv", run_options, NULL)) != -1) {
		if (option == 'h')
			return print_run_help();
		if (option != 'v')
			return bad_option(argv, "exclave run --help");
		verbose = true;
	}
	if (optind == argc)
		return usage("no command to run", "", "exclave run --help");
	return run_command(argv + optind, verbose);
}

int main(int argc, char **argv)
{
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "+hV", common_options, NULL)) != -1) {
		if (option == 'h')
			return print_help();
		if (option != 'V')
			return bad_option(argv, "exclave --help");
		puts("exclave " EXCLAVE_VERSION);
		return 0;
	}
	if (optind == argc)
		return usage("nothing to do", "", "exclave --help");
	if (strcmp(argv[optind], "run") != 0)
		return usage("unknown command ", argv[optind], "exclave --help");
	return run(argc - optind, argv + optind);
}
