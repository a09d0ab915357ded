// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Shows two enclaves at work.
 *
 *   guest-demo [--debug] [--disk FILE] ALICE.image BOB.image [STEP]...
 *
 * Without names all steps are shown but the last. With a disk, what is sealed is kept in its first sector:
 * a blank one is written, else it is unsealed. With --debug, both enclaves are open to a debugger.
 */
#include "demo.h"

#include <stdio.h>
#include <string.h>

static const struct step {
	const char *name;
	void (*show)(struct demo *d);
} steps[] = {
	{"hello", step_hello},
	{"attributes", step_attributes},
	{"seal", step_seal},
	{"attest", step_attest},
	{"grow", step_grow},
	{"rights", step_rights},
	{"trim", step_trim},
	{"threads", step_threads},
	{"storm", step_storm},
	{"timing", step_timing},
	{"debug", step_debug},
	{"provision", step_provision},
	{"unprovisioned", step_unprovisioned},
};
#define NR_STEPS (sizeof(steps) / sizeof(steps[0]))

static int is_wanted(const struct step *step, char **names)
{
	if (!*names)
		return step->show != step_unprovisioned;
	for (; *names; names++) {
		if (!strcmp(step->name, *names))
			return 1;
	}
	return 0;
}

static int load(const struct demo *d, struct enclave *enclave, const char *path)
{
	const struct enclave_options options = {d->attributes, -1};
	const char *stage;
	int ret = enclave_load(enclave, path, &options, &stage);

	if (ret)
		fail("load", "%s: %s: %s", path, stage, strerror(-ret));
	return ret == 0;
}

int main(int argc, char **argv)
{
	struct demo d = {0};

	argv++;
	argc--;
	if (argc > 0 && !strcmp(argv[0], "--debug")) {
		d.attributes = SGX_ATTR_DEBUG;
		argc--;
		argv++;
	}
	if (argc > 1 && !strcmp(argv[0], "--disk")) {
		d.disk = argv[1];
		argv += 2;
	}
	if (!argv[0] || !argv[1]) {
		fputs("usage: guest-demo [--debug] [--disk FILE] ALICE.image BOB.image [STEP]...\n",
		      stderr);
		return 2;
	}
	d.alice_path = argv[0];
	if (!vdso_find())
		fail("vdso", "it has no __vdso_sgx_enter_enclave");
	else if (load(&d, &d.alice, argv[0]) && load(&d, &d.bob, argv[1]))
		for (unsigned int i = 0; i < NR_STEPS; i++)
			if (is_wanted(&steps[i], argv + 2))
				steps[i].show(&d);
	return any_failed();
}
