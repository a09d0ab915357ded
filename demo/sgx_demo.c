// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The SGX library shows itself, on the user's own platform identity: real leaf functions
 * over the smallest embedder, with what they return. The exit status is 0 only if
 * every step came true.
 */
#include "demo.h"

#include "host/identity.h"
#include "host/state.h"
#include "lib/crypto.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void show_platform(const char *path, bool made, const struct sgx_identity *identity)
{
	tell_section("The platform");
	tell_value("identity", "%s", path);
	tell_value("", "%s", made ? "made just now" : "loaded");
	tell_value("CPUSVN", "%02x %02x %02x %02x ...", identity->cpusvn[0], identity->cpusvn[1],
		   identity->cpusvn[2], identity->cpusvn[3]);
	tell_value("leaves", "SGX1, SGX2, EDECCSSA, flexible launch control");
}

static bool make_platform(struct demo *d)
{
	struct sgx_identity identity;
	char path[PATH_MAX] = "", error[512];
	bool made, ok;

	made = !state_path("identity", path, sizeof(path)) && access(path, F_OK);
	if (identity_load(NULL, &identity, error, sizeof(error))) {
		(void)fflush(stdout);
		(void)fprintf(stderr, "sgx-demo: %s\n", error);
		return false;
	}
	show_platform(path, made, &identity);
	ok = world_make(d, &identity);
	crypto_wipe(&identity, sizeof(identity));
	if (!ok)
		(void)fprintf(stderr, "sgx-demo: no platform: out of memory\n");
	return ok;
}

static void show_all(struct demo *d)
{
	if (!show_build(d))
		return;
	show_entry(d);
	show_outside(d);
	show_sealing(d);
	show_attestation(d);
	show_paging(d);
	show_growth(d);
	show_removal(d);
}

int main(void)
{
	struct demo demo = {0};
	const uint64_t started = now_ns();

	tell_title();
	if (!make_platform(&demo))
		return EXIT_FAILURE;
	show_all(&demo);
	tell_summary(&demo, started);
	embedder_free(demo.embedder);
	return demo.failures || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
