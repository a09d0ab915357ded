// SPDX-License-Identifier: GPL-2.0-or-later
/* `exclave doctor`: what usually goes wrong, each with its remedy. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/epc_config.h"
#include "host/identity.h"
#include "host/options.h"
#include "host/provision.h"
#include "lib/bits.h"
#include "lib/crypto.h"
#include "lib/mem.h"
#include "tools/choice.h"
#include "tools/command.h"
#include "tools/door.h"
#include "tools/guest_kernel.h"
#include "tools/invocation.h"
#include "tools/machine.h"
#include "tools/message.h"
#include "tools/processor.h"
#include "tools/qemu.h"
#include "tools/terminal.h"
#include "tools/version.h"

#define STATUS_WIDTH 6
#define NAME_WIDTH   16
#define TEXT_SIZE    1024

/* The first QEMU that has memory-backend-epc. */
#define QEMU_MAJOR 6
#define QEMU_MINOR 2

/* Return: whether all is well. @text says what there is, or what is wrong and what to do. */
typedef bool check_fn(const struct invocation *invocation, char text[TEXT_SIZE]);

__attribute__((format(printf, 2, 3))) static bool fail(char text[TEXT_SIZE], const char *format,
						       ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, TEXT_SIZE, format, arguments);
	va_end(arguments);
	return false;
}

static bool check_processor(const struct invocation *invocation, char text[TEXT_SIZE])
{
	const char *lacks = processor_lacks(cpuid_host, processor_xcr0());

	if (lacks)
		return fail(text,
			    "below x86-64-v3: it lacks %s; use a machine of 2015 or later, or a VM "
			    "that is given its host's processor",
			    lacks);
	snprintf(text, TEXT_SIZE, "x86-64-v3");
	return true;
}

static bool check_library(const struct invocation *invocation, char text[TEXT_SIZE])
{
	struct door door;

	if (door_software(&door, text, TEXT_SIZE))
		return false;
	snprintf(text, TEXT_SIZE, "can be loaded");
	return true;
}

static bool check_identity(const struct invocation *invocation, char text[TEXT_SIZE])
{
	struct sgx_identity identity;
	int ret = identity_load(option_get(OPTION_IDENTITY), &identity, text, TEXT_SIZE);

	crypto_wipe(&identity, sizeof(identity));
	if (!ret)
		snprintf(text, TEXT_SIZE, "can be read");
	return !ret;
}

static bool check_provision(const struct invocation *invocation, char text[TEXT_SIZE])
{
	const char *named = option_get(OPTION_PROVISION);
	int ret = provision_access(R_OK);

	if (named && !strcmp(named, "none")) {
		snprintf(text, TEXT_SIZE, "nobody may have the provisioning key: provision = none");
		return true;
	}
	if (ret)
		return fail(
			text,
			"%s: %s, so guests get no provisioning key; give this user access to it, "
			"or name another file with --provision",
			named ? named : "the file `provision` of the state folder", strerror(-ret));
	snprintf(text, TEXT_SIZE, "permitted");
	return true;
}

/* Only address space is taken, as the library does; and it makes do with less unless it is told. */
static bool check_pool(const struct invocation *invocation, char text[TEXT_SIZE])
{
	const char *chosen = option_get(OPTION_EPC);
	struct epc_config config;

	if (!chosen || epc_config_parse(chosen, &config))
		config = (struct epc_config){.count = 1, .section[0] = {0, EPC_MIN_SIZE}};
	for (unsigned int i = 0; i < config.count; i++) {
		void *room = mem_reserve(config.section[i].size);

		if (!room)
			return fail(
				text,
				"no address space for node %u's %llu MiB; raise the limit (ulimit "
				"-v), or choose a smaller --epc-pool",
				config.section[i].node,
				(unsigned long long)config.section[i].size >> 20);
		mem_release(room, config.section[i].size);
	}
	snprintf(text, TEXT_SIZE, "there is room for it");
	return true;
}

static bool check_guest(const struct invocation *invocation, char text[TEXT_SIZE])
{
	char error[PROBE_ERROR_SIZE];
	struct door door;

	if (door_software(&door, text, TEXT_SIZE))
		return fail(text, "none can run without the library");
	if (door_probe(&door, error))
		return fail(text, "the first instruction was not run: %s", error);
	snprintf(text, TEXT_SIZE, "one instruction was run");
	return true;
}

static bool check_hardware(const struct invocation *invocation, char text[TEXT_SIZE])
{
	char why[512];
	const char *lacks = hardware_lacks(why, sizeof(why));

	if (!lacks) {
		snprintf(text, TEXT_SIZE, "/dev/kvm and /dev/sgx_vepc work");
		return true;
	}
	if (option_choose(OPTION_ENGINE, option_get(OPTION_ENGINE)) == 2)
		return fail(text, "--engine=hardware, but %s; use --engine=auto", lacks);
	snprintf(text, TEXT_SIZE, "not needed: %s", lacks);
	return true;
}

/* What `QEMU --version` begins with: "QEMU emulator version 7.2.22 (...". */
static bool read_version(const char *path, unsigned int *major, unsigned int *minor)
{
	char command[PATH_MAX + 64], line[256] = "";
	const char *at;
	FILE *pipe;

	if (strchr(path, '\''))
		return false;
	snprintf(command, sizeof(command), "'%s' --version </dev/null 2>/dev/null", path);
	pipe = popen(command, "re");
	if (!pipe)
		return false;
	if (!fgets(line, sizeof(line), pipe))
		line[0] = 0;
	pclose(pipe);
	at = strstr(line, "version ");
	return at && version_parse(at + strlen("version "), major, minor);
}

static bool check_qemu(const struct invocation *invocation, char text[TEXT_SIZE])
{
	const char *named = invocation_value(invocation, "qemu");
	const char *name = named ? named : QEMU_PROGRAM;
	unsigned int major, minor;
	char path[PATH_MAX];
	int ret;

	if (!command_is_there(name, path, sizeof(path)))
		return fail(text, "%s: not found; " QEMU_REMEDY, name);
	complaints_keep(text, TEXT_SIZE);
	ret = command_check(path);
	complaints_keep(NULL, 0);
	if (ret)
		return false;
	if (!read_version(path, &major, &minor))
		return fail(text, "%s does not say its version; " QEMU_REMEDY, path);
	if (major < QEMU_MAJOR || (major == QEMU_MAJOR && minor < QEMU_MINOR))
		return fail(text, "%s is QEMU %u.%u, and guests have SGX since %d.%d; " QEMU_REMEDY,
			    path, major, minor, QEMU_MAJOR, QEMU_MINOR);
	snprintf(text, TEXT_SIZE, "%.900s, version %u.%u", path, major, minor);
	return true;
}

static bool check_kernel(const struct invocation *invocation, char text[TEXT_SIZE])
{
	const char *kernel = invocation_value(invocation, "kernel"), *complaint;
	char about[256];

	if (!kernel) {
		snprintf(text, TEXT_SIZE, "not looked at; --kernel=FILE names the guest's");
		return true;
	}
	if (access(kernel, R_OK))
		return fail(text, "%s: %s; check the path and its permissions", kernel,
			    strerror(errno));
	complaint = guest_kernel_complaint(kernel, about, sizeof(about));
	if (complaint)
		return fail(text, "%s; boot another kernel (Debian 12's has it)", complaint);
	snprintf(text, TEXT_SIZE, "nothing speaks against SGX in %s", kernel);
	return true;
}

static const struct {
	const char *name;
	check_fn *check;
} checks[] = {
	{"processor", check_processor},   {"library", check_library},
	{"identity", check_identity},     {"epc pool", check_pool},
	{"a guest", check_guest},         {"provisioning", check_provision},
	{"hardware", check_hardware},     {"QEMU", check_qemu},
	{"guest's kernel", check_kernel},
};

int doctor_main(struct invocation *invocation)
{
	unsigned int failed = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(checks); i++) {
		char text[TEXT_SIZE] = "";
		bool good = checks[i].check(invocation, text);

		terminal_print(good ? STYLE_GOOD : STYLE_BAD, good ? "ok    " : "FAIL  ");
		printf("%-*s", NAME_WIDTH, checks[i].name);
		terminal_wrapped(text, STATUS_WIDTH + NAME_WIDTH);
		fflush(stdout);
		failed += !good;
	}
	if (failed)
		printf("%u of %u checks failed.\n", failed, (unsigned int)ARRAY_SIZE(checks));
	else
		puts("All is well.");
	return failed ? 1 : 0;
}
