// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* readlink */
#include "tools/demo.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/choice.h"
#include "tools/command.h"
#include "tools/message.h"
#include "tools/qemu.h"
#include "tools/script.h"

static int find_self(char own[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", own, PATH_MAX - 1);

	if (length < 0) {
		complain("/proc/self/exe: %s; is /proc mounted?", strerror(errno));
		return EXIT_REFUSED;
	}
	own[length] = 0;
	return 0;
}

int demo_main(struct invocation *invocation)
{
	char own[PATH_MAX], logs[PATH_MAX + 8];
	struct script script;
	struct choice choice;
	int ret = script_find(&script, "demo/guest_demo.py", "the demonstration", invocation);

	if (!ret)
		ret = script_needs(QEMU_PROGRAM,
				   "install QEMU (on Debian: apt-get install qemu-system-x86)");
	if (!ret)
		ret = choose_engine(&choice);
	if (!ret)
		ret = find_self(own);
	if (!ret)
		ret = script_add(&script, "--exclave", own);
	if (!ret && *script.cache) {
		snprintf(logs, sizeof(logs), "%s/logs", script.cache);
		ret = script_add(&script, "--logs", logs);
	}
	return ret ? ret : script_become(&script);
}
