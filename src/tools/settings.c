// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* getline */
#include "tools/settings.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/epc_config.h"
#include "host/size.h"
#include "kvm/cpu_features.h"
#include "tools/command.h"
#include "tools/message.h"

static char origins[OPTION_COUNT][PATH_MAX];

const char *settings_complaint(enum option option, const char *value)
{
	static char text[160];
	struct epc_config config;
	uint64_t number;

	switch (option) {
	case OPTION_EPC:
		return epc_config_parse(value, &config)
			       ? "is neither a size nor a list of NODE:SIZE, as 64M or 0:64M,1:1G"
			       : NULL;
	case OPTION_CODE_CACHE:
		return code_cache_parse(value, &number) ? "is no size from 1M to 1G" : NULL;
	case OPTION_CPU_FEATURES:
		return cpu_features_parse(value, &number)
			       ? "is no list of features to take away, as -avx2,-sha_ni; "
				 "`exclave host` lists what there is"
			       : NULL;
	case OPTION_IDENTITY:
	case OPTION_PROVISION:
		return strlen(value) < PATH_MAX ? NULL : "is too long for a path";
	case OPTION_ENGINE:
	case OPTION_LAUNCH_CONTROL:
	case OPTION_SGX_DRIVER:
	case OPTION_CPUID_FAULTING:
	case OPTION_LOG:
	case OPTION_COUNT:
		break;
	}
	if (option_word(&option_rows[option], value) >= 0)
		return NULL;
	snprintf(text, sizeof(text), "is none of %s", option_rows[option].argument);
	return text;
}

static int put(enum option option, const char *value, const char *origin)
{
	if (setenv(option_rows[option].variable, value, 1)) {
		complain("out of memory");
		return EXIT_REFUSED;
	}
	snprintf(origins[option], sizeof(origins[option]), "%s", origin);
	return 0;
}

int settings_set(enum option option, const char *value)
{
	const char *complaint = settings_complaint(option, value);

	if (!complaint)
		return put(option, value, "the command line");
	complain("--%s=%s: %s", option_rows[option].name, value, complaint);
	return EXIT_REFUSED;
}

static char *trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = 0;
	return text;
}

static int find_option(const char *name)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (!strcmp(option_rows[i].name, name))
			return i;
	return -1;
}

static int refuse_line(const char *path, unsigned int number, const char *name, const char *why)
{
	complain("%s:%u: %s: %s", path, number, name, why);
	return EXIT_REFUSED;
}

static int take_line(const char *path, unsigned int number, char *line)
{
	char *name = trim(line), *equals = strchr(name, '=');
	const char *complaint;
	int option;

	if (!*name || *name == '#')
		return 0;
	if (!equals)
		return refuse_line(path, number, name, "is no line of the form NAME = VALUE");
	*equals = 0;
	name = trim(name);
	option = find_option(name);
	if (option < 0)
		return refuse_line(
			path, number, name,
			"is no option; `exclave run --help` lists them, without \"--\" here");
	complaint = settings_complaint((enum option)option, trim(equals + 1));
	if (complaint)
		return refuse_line(path, number, trim(equals + 1), complaint);
	if (origins[option][0])
		return 0;
	return put((enum option)option, trim(equals + 1), path);
}

/* A file that is not there says nothing, unless it was asked for. */
static int read_file(const char *path, bool wanted)
{
	FILE *file = fopen(path, "re");
	unsigned int number = 0;
	char *line = NULL;
	size_t size = 0;
	int ret = 0;

	if (!file && errno == ENOENT && !wanted)
		return 0;
	if (!file) {
		complain(
			"%s: cannot be read: %s; give this user access to it, or name another with "
			"EXCLAVE_CONFIG",
			path, strerror(errno));
		return EXIT_REFUSED;
	}
	while (!ret && getline(&line, &size, file) >= 0)
		ret = take_line(path, ++number, line);
	free(line);
	fclose(file);
	return ret;
}

void settings_user_file(char *path, size_t size)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int length = 0;

	if (config && config[0] == '/')
		length = snprintf(path, size, "%s/exclave/config", config);
	else if (home && home[0] == '/')
		length = snprintf(path, size, "%s/.config/exclave/config", home);
	if (length <= 0 || (size_t)length >= size)
		*path = 0;
}

static int check_environment(void)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		const char *value = option_get((enum option)i);
		const char *complaint;

		if (!value || origins[i][0])
			continue;
		complaint = settings_complaint((enum option)i, value);
		if (complaint) {
			complain("%s=%s: %s", option_rows[i].variable, value, complaint);
			return EXIT_REFUSED;
		}
		snprintf(origins[i], sizeof(origins[i]), "the environment");
	}
	return 0;
}

int settings_load(void)
{
	const char *named = getenv("EXCLAVE_CONFIG");
	char path[PATH_MAX];
	int ret = check_environment();

	if (ret)
		return ret;
	if (named && *named)
		return read_file(named, true);
	settings_user_file(path, sizeof(path));
	ret = *path ? read_file(path, false) : 0;
	return ret ? ret : read_file(SETTINGS_SYSTEM_FILE, false);
}

const char *settings_origin(enum option option)
{
	return origins[option][0] ? origins[option] : "default";
}
