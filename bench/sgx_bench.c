// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the leaves cost beside the cryptography and copying that they cannot do
 * without. `make bench` prints the table that docs/performance.md keeps.
 */
#include "bench_crypto.h"
#include "harness.h"
#include "scaling.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	struct world *w = world_new();
	unsigned int missed = 0;
	const struct bench_pair pairs[] = {
		{"EADD + 16 EEXTEND of a page", world_add_measured, "SHA-256 of the same blocks",
		 peer_sha256_page, w, 200, 1.15, 0},
		{"EWB of a page", world_ewb, "AES-128-GCM seal of 4 KiB", peer_gcm_seal, w, 200,
		 1.3, 0},
		{"ELDU of a page", world_eldu, "AES-128-GCM open of 4 KiB", peer_gcm_open, w, 200,
		 1.3, 0},
		{"EINIT", world_einit, "RSA-3072 verify, raw modulus", peer_rsa_verify, w, 50, 1.2,
		 0},
		{"EREPORT", world_ereport, "AES-CMAC 642 + 384 bytes, key set-up", peer_cmac_report,
		 w, 500, 1.3, 0},
		{"EGETKEY", world_egetkey, "AES-CMAC 642 bytes, key set-up", peer_cmac_key, w, 500,
		 1.3, 0},
		{"EENTER + EEXIT", world_enter_exit, "getppid()", peer_getppid, w, 2000, 0, 300},
		{"AEX + ERESUME", world_aex_resume, "getppid()", peer_getppid, w, 2000, 0, 0},
		{"EPA + EREMOVE", world_epa_eremove, NULL, NULL, w, 1000, 0, 0},
		{"EAUG + EACCEPT + EREMOVE", world_eaug_eaccept, NULL, NULL, w, 1000, 0, 0},
		{"sgx_check_access()", world_check_access, NULL, NULL, w, 20000, 0, 0},
	};

	if (!w)
		return EXIT_FAILURE;
	bench_print_header();
	for (unsigned int i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		missed += !bench_run(&pairs[i]);
	missed += !bench_scaling(w, 0.9);
	world_free(w);
	printf("%u target(s) missed\n", missed);
	return EXIT_SUCCESS;
}
