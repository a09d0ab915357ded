// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/guest_kernel.h"

#include "tools/version.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Linux, Documentation/arch/x86/boot: the setup header and the text that it points to. */
#define HEADER_OFFSET  0x202
#define VERSION_OFFSET 0x20e
#define VERSION_BASE   0x200
#define VERSION_SIZE   128

#define FIRST_MAJOR 5
#define FIRST_MINOR 11

/* Return: whether it is a kernel that says its version. */
static bool read_version(const char *path, char version[VERSION_SIZE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint16_t offset = 0;
	char magic[4];
	ssize_t n = 0;

	if (fd < 0)
		return false;
	if (pread(fd, magic, 4, HEADER_OFFSET) == 4 && !memcmp(magic, "HdrS", 4) &&
	    pread(fd, &offset, 2, VERSION_OFFSET) == 2 && offset)
		n = pread(fd, version, VERSION_SIZE - 1, VERSION_BASE + offset);
	close(fd);
	if (n <= 0)
		return false;
	version[n] = 0;
	version[strcspn(version, " ")] = 0;
	return true;
}

/* /boot/vmlinuz-6.1.0 has /boot/config-6.1.0 beside it. */
static FILE *open_config(const char *path, const char *version)
{
	const char *slash = strrchr(path, '/');
	char config[PATH_MAX];
	int length = snprintf(config, sizeof(config), "%.*sconfig-%s",
			      slash ? (int)(slash + 1 - path) : 0, path, version);

	return length > 0 && (size_t)length < sizeof(config) ? fopen(config, "re") : NULL;
}

static bool config_lacks_sgx(const char *path, const char *version)
{
	FILE *file = open_config(path, version);
	char line[256];
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = !strncmp(line, "CONFIG_X86_SGX=y", strlen("CONFIG_X86_SGX=y"));
	fclose(file);
	return !found;
}

const char *guest_kernel_complaint(const char *path, char *text, size_t size)
{
	char version[VERSION_SIZE];
	unsigned int major, minor;

	if (!read_version(path, version) || !version_parse(version, &major, &minor))
		return NULL;
	if (major < FIRST_MAJOR || (major == FIRST_MAJOR && minor < FIRST_MINOR))
		snprintf(text, size, "Linux %s has no SGX driver, which came with 5.11", version);
	else if (config_lacks_sgx(path, version))
		snprintf(text, size, "Linux %s was built without CONFIG_X86_SGX", version);
	else
		return NULL;
	return text;
}
