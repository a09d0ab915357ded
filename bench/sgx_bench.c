// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the leaves cost beside the cryptography and copying that they cannot do
 * without. `make bench` prints the table that docs/performance.md keeps.
 */
#include "bench_crypto.h"
#include "harness.h"
#include "lib/bits.h"
#include "scaling.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a leaf adds to work that it cannot avoid. */
static const struct bench_pair pairs[] = {
	{
		.name = "EADD + 16 EEXTEND of a page",
		.subject = world_add_measured,
		.peer_name = "SHA-256 of the same blocks",
		.peer = peer_sha256_page,
		.iterations = 200,
		.target = 1.15,
	},
	{
		.name = "EWB of a page",
		.subject = world_ewb,
		.peer_name = "AES-128-GCM seal of 4 KiB",
		.peer = peer_gcm_seal,
		.iterations = 200,
		.target = 1.3,
	},
	{
		.name = "ELDU of a page",
		.subject = world_eldu,
		.peer_name = "AES-128-GCM open of 4 KiB",
		.peer = peer_gcm_open,
		.iterations = 200,
		.target = 1.3,
	},
	{
		.name = "EINIT",
		.subject = world_einit,
		.peer_name = "RSA-3072 verify, raw modulus",
		.peer = peer_rsa_verify,
		.iterations = 50,
		.target = 1.2,
	},
	{
		.name = "EREPORT",
		.subject = world_ereport,
		.peer_name = "AES-CMAC 642 + 384 bytes, key set-up",
		.peer = peer_cmac_report,
		.iterations = 500,
		.target = 1.3,
	},
	{
		.name = "EGETKEY",
		.subject = world_egetkey,
		.peer_name = "AES-CMAC 642 bytes, key set-up",
		.peer = peer_cmac_key,
		.iterations = 500,
		.target = 1.3,
	},
	{
		.name = "EENTER + EEXIT",
		.subject = world_enter_exit,
		.peer_name = "getppid()",
		.peer = peer_getppid,
		.iterations = 2000,
		.target_ns = 300,
	},
	{
		.name = "AEX + ERESUME",
		.subject = world_aex_resume,
		.peer_name = "getppid()",
		.peer = peer_getppid,
		.iterations = 2000,
	},
	{.name = "EPA + EREMOVE", .subject = world_epa_eremove, .iterations = 1000},
	{.name = "EAUG + EACCEPT + EREMOVE", .subject = world_eaug_eaccept, .iterations = 100},
	{.name = "sgx_check_access()", .subject = world_check_access, .iterations = 20000},
};

/* With arguments, only rows that begin like one of them. */
static bool is_wanted(const char *name, char **wanted)
{
	if (!*wanted)
		return true;
	for (; *wanted; wanted++)
		if (!strncmp(name, *wanted, strlen(*wanted)))
			return true;
	return false;
}

/* A missed target is no failure: on a busy machine it says nothing. */
int main(int argc, char **argv)
{
	struct world *w = world_new();
	unsigned int missed = 0;

	bench_print_header();
	for (unsigned int i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct bench_pair pair = pairs[i];

		if (!is_wanted(pair.name, argv + 1))
			continue;
		pair.ctx = w;
		missed += !bench_run(&pair);
	}
	if (argc == 1)
		missed += !bench_scaling(w, 0.9);
	world_free(w);
	printf("%u target(s) missed\n", missed);
	return EXIT_SUCCESS;
}
