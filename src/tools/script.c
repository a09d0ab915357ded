// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/script.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/bits.h"
#include "tools/command.h"
#include "tools/invocation.h"
#include "tools/library.h"
#include "tools/message.h"

/* Where the source tree's folders are, from that of exclave: installed, and in the build tree. */
#define INSTALLED "../libexec/exclave/"
#define BUILT     "../../../"

static const char *const guest_places[] = {
	INSTALLED "guest/guest-demo",
	"../guest/guest-demo",
};

static int find(const char *const *places, const char *what, char path[PATH_MAX])
{
	if (!installed_find(places, 2, path))
		return 0;
	complain("%s is not installed with exclave; install exclave again, or build it (make)",
		 what);
	return EXIT_REFUSED;
}

int script_needs(const char *name, const char *remedy)
{
	char path[PATH_MAX];

	if (command_is_there(name, path, sizeof(path)))
		return 0;
	complain("%s: not found in PATH; %s", name, remedy);
	return EXIT_NOT_FOUND;
}

static int find_cache(const char *chosen, char path[PATH_MAX])
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int length = -1;

	if (chosen)
		length = snprintf(path, PATH_MAX, "%s", chosen);
	else if (cache && *cache == '/')
		length = snprintf(path, PATH_MAX, "%s/exclave", cache);
	else if (home && *home == '/')
		length = snprintf(path, PATH_MAX, "%s/.cache/exclave", home);
	if (length > 0 && length < PATH_MAX)
		return setenv("EXCLAVE_CACHE", path, 1) ? EXIT_REFUSED : 0;
	complain("no home folder to keep Debian's packages in; name one with --cache");
	return EXIT_REFUSED;
}

int script_find(struct script *script, const char *name, const char *what,
		const struct invocation *invocation)
{
	const char *chosen = invocation_value(invocation, "cache");
	char installed[128], built[128], guest[PATH_MAX];
	const char *const places[] = {installed, built};
	int ret;

	memset(script, 0, sizeof(*script));
	snprintf(installed, sizeof(installed), INSTALLED "%s", name);
	snprintf(built, sizeof(built), BUILT "%s", name);
	ret = find(places, what, script->path);
	if (!ret)
		ret = find(guest_places, "what guests run", guest);
	if (!ret)
		ret = script_needs("python3", "install it (on Debian: apt-get install python3)");
	if (ret)
		return ret;
	*strrchr(guest, '/') = 0;
	script->argv[script->argc++] = "python3";
	script->argv[script->argc++] = script->path;
	ret = script_add(script, "--guest", guest);
	if (!ret && (chosen || strstr(script->path, "/libexec/exclave/")))
		ret = find_cache(chosen, script->cache);
	return ret;
}

int script_add(struct script *script, const char *option, const char *value)
{
	char *word = script->text + script->text_used;
	size_t room = sizeof(script->text) - script->text_used;
	/* One word: what begins with a dash would be an option where it stood by itself. */
	int length = snprintf(word, room, "%s%s%s", option, value ? "=" : "", value ? value : "");

	if (length < 0 || (size_t)length >= room) {
		complain("%s: its value is longer than a path may be; give a shorter one", option);
		return EXIT_REFUSED;
	}
	assert(script->argc < SCRIPT_MAX_ARGUMENTS);
	script->argv[script->argc++] = word;
	script->text_used += (size_t)length + 1;
	return 0;
}

int script_become(struct script *script)
{
	execvp(script->argv[0], (char *const *)script->argv);
	complain("%s: %s", script->argv[0], strerror(errno));
	return EXIT_CANNOT_RUN;
}
