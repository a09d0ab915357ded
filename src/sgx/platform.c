// SPDX-License-Identifier: GPL-2.0-or-later
/* Making and ending platforms and logical processors. */
#include "sgx/sgx.h"

#include "lib/crypto.h"
#include "lib/mem.h"
#include "sgx/track.h"

#include <errno.h>
#include <string.h>

int sgx_platform_init(struct sgx_platform *platform, const struct sgx_identity *identity)
{
	int ret;

	memset(platform, 0, sizeof(*platform));
	platform->identity = *identity;
	platform->next_eid = 1;
	platform->next_version = 1;
	if (!crypto_random(platform->report_keyid, sizeof(platform->report_keyid)) ||
	    !crypto_random(platform->paging_key, sizeof(platform->paging_key))) {
		ret = -EIO;
		goto err_wipe;
	}
	ret = epc_init(&platform->epc);
	if (ret)
		goto err_wipe;
	return 0;

err_wipe:
	crypto_wipe(platform, sizeof(*platform));
	return ret;
}

void sgx_platform_destroy(struct sgx_platform *platform)
{
	epc_destroy(&platform->epc);
	crypto_wipe(platform, sizeof(*platform));
}

int sgx_cpu_init(struct sgx_cpu *cpu)
{
	/* No enclave's XFRM is larger, so every SSA frame's pages have their place. */
	if (sgx_xsave_size(cpu->cpuid, cpu->cpuid->xfrm) > SGX_SSA_XSAVE_PAGES * SGX_PAGE_SIZE)
		return -EINVAL;
	cpu->derivation = crypto_cmac_new();
	cpu->cmac = crypto_cmac_new();
	cpu->gcm = crypto_gcm_new(cpu->platform->paging_key);
	/* It holds enclaves' plaintext, so like the EPC it stays out of core dumps. */
	cpu->scratch = mem_reserve(SGX_SCRATCH_SIZE);
	if (cpu->derivation && cpu->cmac && cpu->gcm && cpu->scratch)
		return 0;
	sgx_cpu_destroy(cpu);
	return -ENOMEM;
}

void sgx_cpu_reset(struct sgx_cpu *cpu)
{
	struct sgx_enclave_state *enclave = &cpu->enclave;

	if (enclave->active) {
		struct sgx_tcs *tcs = epcm_page(enclave->tcs);

		__atomic_store_n(&tcs->state, SGX_TCS_INACTIVE, __ATOMIC_RELEASE);
		track_leave(enclave->secs, enclave->entry_epoch);
	}
	memset(enclave, 0, sizeof(*enclave));
}

void sgx_cpu_destroy(struct sgx_cpu *cpu)
{
	sgx_cpu_reset(cpu);
	crypto_cmac_free(cpu->derivation);
	crypto_cmac_free(cpu->cmac);
	crypto_gcm_free(cpu->gcm);
	mem_release(cpu->scratch, SGX_SCRATCH_SIZE);
	cpu->derivation = NULL;
	cpu->cmac = NULL;
	cpu->gcm = NULL;
	cpu->scratch = NULL;
}
