// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* readlink */
#include "tools/demo.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/bits.h"
#include "tools/choice.h"
#include "tools/command.h"
#include "tools/invocation.h"
#include "tools/library.h"
#include "tools/message.h"
#include "tools/qemu.h"

/* Installed, and in the build tree. */
static const char *const script_places[] = {
	"../libexec/exclave/demo/guest_demo.py",
	"../../../demo/guest_demo.py",
};
static const char *const guest_places[] = {
	"../libexec/exclave/guest/guest-demo",
	"../guest/guest-demo",
};

static int find(const char *const places[2], const char *what, char path[PATH_MAX])
{
	if (!installed_find(places, 2, path))
		return 0;
	complain("%s is not installed with exclave; install exclave again, or build it (make)",
		 what);
	return EXIT_REFUSED;
}

static int find_program(const char *name, const char *remedy)
{
	char path[PATH_MAX];

	if (command_is_there(name, path, sizeof(path)))
		return 0;
	complain("%s: not found in PATH; %s", name, remedy);
	return EXIT_NOT_FOUND;
}

/* Where the packages are kept that the guest is made of; the script has one of its own in a build. */
static int set_cache(const char *chosen, char *path, size_t size)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int length;

	if (chosen)
		length = snprintf(path, size, "%s", chosen);
	else if (cache && *cache == '/')
		length = snprintf(path, size, "%s/exclave", cache);
	else if (home && *home == '/')
		length = snprintf(path, size, "%s/.cache/exclave", home);
	else
		length = -1;
	if (length > 0 && (size_t)length < size)
		return setenv("EXCLAVE_CACHE", path, 1) ? EXIT_REFUSED : 0;
	complain("no home folder to keep the guest's packages in; name one with --cache");
	return EXIT_REFUSED;
}

static int become_script(const char *script, char *guest, const char *cache)
{
	char own[PATH_MAX], logs[PATH_MAX + 8];
	const char *argv[] = {"python3", script, "--exclave", own, "--guest",
			      guest,     NULL,   NULL,        NULL};
	ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);

	if (length < 0) {
		complain("/proc/self/exe: %s; is /proc mounted?", strerror(errno));
		return EXIT_REFUSED;
	}
	own[length] = 0;
	*strrchr(guest, '/') = 0;
	if (*cache) {
		snprintf(logs, sizeof(logs), "%s/logs", cache);
		argv[6] = "--logs";
		argv[7] = logs;
	}
	execvp(argv[0], (char *const *)argv);
	complain("python3: %s", strerror(errno));
	return EXIT_CANNOT_RUN;
}

int demo_main(struct invocation *invocation)
{
	char script[PATH_MAX], guest[PATH_MAX], cache[PATH_MAX] = "";
	const char *chosen = invocation_value(invocation, "cache");
	struct choice choice;
	int ret = find(script_places, "the demonstration", script);

	if (!ret)
		ret = find(guest_places, "what the guest runs", guest);
	if (!ret)
		ret = find_program("python3", "install it (on Debian: apt-get install python3)");
	if (!ret)
		ret = find_program(QEMU_PROGRAM,
				   "install QEMU (on Debian: apt-get install qemu-system-x86)");
	if (!ret)
		ret = choose_engine(&choice);
	if (!ret && (chosen || strstr(script, "/libexec/exclave/")))
		ret = set_cache(chosen, cache, sizeof(cache));
	return ret ? ret : become_script(script, guest, cache);
}
