// SPDX-License-Identifier: GPL-2.0-or-later
/* Shows the SGX library at work: a platform with the user's identity and one page of EPC. */
#include "host/identity.h"

#include "lib/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPC_BASE UINT64_C(0x180000000)
#define EPC_SIZE (UINT64_C(64) << 20)

int main(void)
{
	static struct sgx_platform platform;
	struct sgx_identity identity;
	char error[512];
	int ret;

	puts("Exclave: the Intel SGX architecture in software.");
	if (identity_load(NULL, &identity, error, sizeof(error))) {
		fprintf(stderr, "sgx-demo: %s\n", error);
		return EXIT_FAILURE;
	}
	printf("Platform identity: CPUSVN %02x%02x%02x%02x.\n", identity.cpusvn[0],
	       identity.cpusvn[1], identity.cpusvn[2], identity.cpusvn[3]);

	ret = sgx_platform_init(&platform, &identity);
	crypto_wipe(&identity, sizeof(identity));
	if (ret) {
		fprintf(stderr, "sgx-demo: no platform: %s\n", strerror(-ret));
		return EXIT_FAILURE;
	}
	ret = epc_add_section(&platform.epc, EPC_BASE, EPC_SIZE, 0);
	if (!ret)
		printf("Platform with %llu MiB of EPC: ready.\n",
		       (unsigned long long)(EPC_SIZE >> 20));
	sgx_platform_destroy(&platform);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
