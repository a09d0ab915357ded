// SPDX-License-Identifier: GPL-2.0-or-later
/* `exclave host`: what this machine offers to guests. */
#define _GNU_SOURCE /* open_memstream */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/epc_config.h"
#include "host/options.h"
#include "host/provision.h"
#include "host/state.h"
#include "kvm/cpu_features.h"
#include "lib/bits.h"
#include "tools/choice.h"
#include "tools/invocation.h"
#include "tools/library.h"
#include "tools/machine.h"
#include "tools/message.h"
#include "tools/offer.h"
#include "tools/processor.h"
#include "tools/settings.h"
#include "tools/terminal.h"

#define COLUMN 16

#define FIELD(title, ...) terminal_field(STYLE_TITLE, title, COLUMN, __VA_ARGS__)

static void show_engine(void)
{
	char error[512] = "";
	struct choice choice;
	int ret;

	complaints_keep(error, sizeof(error));
	ret = choose_engine(&choice);
	complaints_keep(NULL, 0);
	if (ret)
		FIELD("engine", "none: %s", error);
	else
		FIELD("engine", "%s: %s", choice.hardware ? "hardware" : "software", choice.why);
}

/* CPUID's brand string, without the blanks that it begins and ends with. */
static void show_processor(void)
{
	const char *lacks = processor_lacks(cpuid_host, processor_xcr0());
	uint32_t name[3 * CPUID_NR_REGS + 1] = {0};
	const char *text = (const char *)name;

	for (uint32_t i = 0; i < 3; i++)
		cpuid_host(0x80000002 + i, 0, name + i * CPUID_NR_REGS);
	FIELD("processor", "%s, %s%s", text + strspn(text, " "),
	      lacks ? "below x86-64-v3: it lacks " : "x86-64-v3", lacks ? lacks : "");
}

static void show_features(void)
{
	char error[1024], *text = NULL;
	uint64_t features;
	size_t size;
	FILE *out;

	if (offer_read(&features, error, sizeof(error))) {
		FIELD("for guests", "nothing: %s", error);
		return;
	}
	out = open_memstream(&text, &size);
	if (!out)
		return;
	for (unsigned int i = 0; i < CPU_FEATURE_COUNT; i++)
		if (features & BIT64(i))
			fprintf(out, " %s", cpu_feature_rows[i].name);
	fclose(out);
	FIELD("for guests", "%s", text + (*text == ' '));
	free(text);
}

static void show_size(const char *title, unsigned int node, uint64_t size)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
	unsigned int unit = 0;

	while (size && size % 1024 == 0 && unit + 1 < ARRAY_SIZE(units)) {
		size /= 1024;
		unit++;
	}
	FIELD(title, "node %u: %llu %s", node, (unsigned long long)size, units[unit]);
}

static void show_epc(void)
{
	const char *text = option_get(OPTION_EPC);
	struct epc_config config;

	if (!text || epc_config_parse(text, &config)) {
		show_size("epc pool", 0, EPC_DEFAULT_SIZE);
		return;
	}
	for (unsigned int i = 0; i < config.count; i++)
		show_size(i ? "" : "epc pool", config.section[i].node, config.section[i].size);
}

static void show_words(enum option option, const char *title)
{
	const char *value = option_get(option), *words = option_rows[option].argument;

	FIELD(title, "%.*s", (int)strcspn(value ? value : words, "|"), value ? value : words);
}

static void show_identity(void)
{
	const char *named = option_get(OPTION_IDENTITY);
	char path[PATH_MAX];

	if (!named && state_path("identity", path, sizeof(path)))
		FIELD("identity", "no home folder");
	else if (access(named ? named : path, F_OK))
		FIELD("identity", "%s, made at first use", named ? named : path);
	else
		FIELD("identity", "%s", named ? named : path);
}

static void show_provision(void)
{
	int ret = provision_access(R_OK);

	if (ret)
		FIELD("provisioning", "not permitted: %s", strerror(-ret));
	else
		FIELD("provisioning", "permitted");
}

static void show_hardware(void)
{
	char text[512];
	const char *lacks = hardware_lacks(text, sizeof(text));

	FIELD("real SGX", "%s", lacks ? lacks : "/dev/kvm and /dev/sgx_vepc work");
}

static void show_settings(void)
{
	char path[PATH_MAX], error[1024];

	for (unsigned int i = 0; i < OPTION_COUNT; i++)
		if (option_get((enum option)i))
			FIELD("option", "%s = %s (%s)", option_rows[i].name,
			      option_get((enum option)i), settings_origin((enum option)i));
	settings_user_file(path, sizeof(path));
	FIELD("files", "%s%s%s", path, *path ? ", " : "", SETTINGS_SYSTEM_FILE);
	if (!library_find(path, error, sizeof(error)))
		FIELD("library", "%s", path);
}

int host_main(struct invocation *invocation)
{
	show_engine();
	show_hardware();
	show_processor();
	show_features();
	show_epc();
	show_words(OPTION_LAUNCH_CONTROL, "launch control");
	show_words(OPTION_SGX_DRIVER, "SGX driver");
	show_identity();
	show_provision();
	show_settings();
	return 0;
}
