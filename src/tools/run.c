// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* asprintf */
#include "tools/run.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/invocation.h"
#include "tools/library.h"
#include "tools/message.h"

static int preload(void)
{
	const char *others = getenv("LD_PRELOAD");
	char library[PATH_MAX], error[1024];
	char *value;
	int ret;

	if (library_find(library, error, sizeof(error))) {
		complain("%s", error);
		return EXIT_REFUSED;
	}
	/* First, so that what other libraries interpose sees the files that we leave alone. */
	if (asprintf(&value, "%s%s%s", library, others && *others ? ":" : "",
		     others ? others : "") < 0)
		value = NULL;
	ret = value && !setenv("LD_PRELOAD", value, 1) ? 0 : EXIT_REFUSED;
	if (ret)
		complain("cannot set LD_PRELOAD: out of memory");
	free(value);
	return ret;
}

int run_command(char **argv, const struct choice *choice, bool verbose)
{
	char path[PATH_MAX];
	int ret = command_find(argv[0], path, sizeof(path));

	if (!ret && !choice->hardware)
		ret = command_check(path);
	if (!ret && !choice->hardware)
		ret = preload();
	if (ret)
		return ret;
	if (choice->hardware)
		complain(
			"guests run on this machine's own KVM and SGX (--engine=soft: in software)");
	else if (verbose)
		complain("guests run in software: %s", choice->why);
	execv(path, argv);
	complain("%s: %s", path, strerror(errno));
	return EXIT_CANNOT_RUN;
}

int run_main(struct invocation *invocation)
{
	struct choice choice;
	int ret;

	if (!invocation->argc) {
		complain("no command to run; see `exclave run --help`");
		return EXIT_REFUSED;
	}
	ret = choose_engine(&choice);
	return ret ? ret : run_command(invocation->argv, &choice, invocation->verbose);
}
