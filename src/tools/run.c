// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* asprintf */
#include "tools/run.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/bits.h"
#include "tools/command.h"
#include "tools/message.h"

#define LIBRARY "libexclave.so"

/* From the folder of exclave itself: installed, and in the build tree. */
static const char *const library_places[] = {
	"../lib/exclave/" LIBRARY,
	LIBRARY,
};

/* Return: whether @dir is the folder that holds this program. */
static bool find_own_folder(char *dir, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", dir, size - 1);
	char *slash;

	if (len < 0)
		return false;
	dir[len] = 0;
	slash = strrchr(dir, '/');
	if (!slash)
		return false;
	*slash = 0;
	return true;
}

/* Sets @library to an absolute path. */
static int find_library(char library[PATH_MAX])
{
	char dir[PATH_MAX], candidate[PATH_MAX + 64];

	if (!find_own_folder(dir, sizeof(dir))) {
		complain(
			"cannot tell where exclave is installed: /proc/self/exe: %s; is /proc mounted?",
			strerror(errno));
		return EXIT_REFUSED;
	}
	for (size_t i = 0; i < ARRAY_SIZE(library_places); i++) {
		snprintf(candidate, sizeof(candidate), "%s/%s", dir, library_places[i]);
		if (realpath(candidate, library) && !access(library, R_OK))
			return 0;
	}
	complain("%s is neither in %s/../lib/exclave nor in %s; install exclave again, or build it",
		 LIBRARY, dir, dir);
	return EXIT_REFUSED;
}

static int set_environment(const char *library, bool verbose)
{
	const char *others = getenv("LD_PRELOAD");
	char *preload;

	/* First, so that what other libraries interpose sees the files that we leave alone. */
	if (asprintf(&preload, "%s%s%s", library, others && *others ? ":" : "",
		     others ? others : "") < 0)
		return -ENOMEM;
	if (setenv("LD_PRELOAD", preload, 1) || (verbose && setenv("EXCLAVE_LOG", "1", 1))) {
		free(preload);
		return -ENOMEM;
	}
	free(preload);
	return 0;
}

int run_command(char **argv, bool verbose)
{
	char library[PATH_MAX], path[PATH_MAX];
	int ret = command_find(argv[0], path, sizeof(path));

	if (!ret)
		ret = command_check(path);
	if (!ret)
		ret = find_library(library);
	if (ret)
		return ret;
	if (strpbrk(library, ": \t")) {
		complain("%s: the dynamic linker takes no library whose path has a blank or colon; "
			 "install exclave elsewhere",
			 library);
		return EXIT_REFUSED;
	}
	if (set_environment(library, verbose)) {
		complain("cannot set LD_PRELOAD: out of memory");
		return EXIT_REFUSED;
	}
	execv(path, argv);
	complain("%s: %s", path, strerror(errno));
	return EXIT_CANNOT_RUN;
}
