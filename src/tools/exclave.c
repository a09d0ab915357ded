// SPDX-License-Identifier: GPL-2.0-or-later
/* exclave(1): runs programs that see KVM and SGX devices of software. */
#include <stdio.h>
#include <string.h>

#include "tools/command.h"
#include "tools/invocation.h"
#include "tools/message.h"
#include "tools/nearest.h"
#include "tools/settings.h"

static int refuse(const char *what, const char *word)
{
	struct nearest nearest;

	nearest_start(&nearest, word, strlen(word));
	for (unsigned int i = 0; i < command_count; i++)
		nearest_offer(&nearest, commands[i].name);
	if (nearest.name)
		complain("%s%s, did you mean %s? See `exclave --help`", what, word, nearest.name);
	else
		complain("%s%s; see `exclave --help`", what, word);
	return EXIT_REFUSED;
}

static int start(const struct command *command, int argc, char **argv)
{
	struct invocation invocation;
	int ret = invocation_parse(&invocation, command, argc, argv);

	if (ret)
		return ret;
	if (invocation.help) {
		help_print_command(command);
		return 0;
	}
	ret = settings_load();
	return ret ? ret : command->main(&invocation);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	const struct command *command = command_named(word);

	if (command)
		return start(command, argc - 2, argv + 2);
	if (!strcmp(word, "-h") || !strcmp(word, "--help")) {
		help_print();
		return 0;
	}
	if (!strcmp(word, "-V") || !strcmp(word, "--version")) {
		puts("exclave " EXCLAVE_VERSION);
		return 0;
	}
	if (!*word)
		return refuse("nothing to do", "");
	return refuse(*word == '-' ? "unknown option " : "unknown command ", word);
}
