// SPDX-License-Identifier: GPL-2.0-or-later
#include "sgx/paging.h"

#include "lib/crypto.h"

#include <string.h>

struct leaf_result paging_operands(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx,
				   struct paging_operands *op)
{
	const uint32_t slot_size = sizeof(uint64_t);

	CHECK(is_aligned(rbx, sizeof(struct sgx_pageinfo)), leaf_gp());
	CHECK(is_aligned(rcx, SGX_PAGE_SIZE), leaf_gp());
	TRY(operand_epc_page(cpu, rcx, ENCLS_WRITE, &op->target_gva, &op->target));
	CHECK(is_aligned(rdx, slot_size), leaf_gp());
	TRY(operand_linear(cpu, rdx, slot_size, ENCLS_WRITE, &op->slot_gva));
	return operand_epc(cpu, op->slot_gva, ENCLS_WRITE, &op->va);
}

/* SDM EWB: the version is the upper 64 bits of the IV. It is never used twice. */
static void make_iv(uint8_t iv[CRYPTO_IV_SIZE], uint64_t version)
{
	memset(iv, 0, CRYPTO_IV_SIZE - sizeof(version));
	memcpy(iv + CRYPTO_IV_SIZE - sizeof(version), &version, sizeof(version));
}

/* PCMD.ENCLAVEID is a hint for software and stays out. */
static struct sgx_mac_header make_header(const struct paging_binding *binding,
					 const struct sgx_pcmd *pcmd)
{
	struct sgx_mac_header header = {
		.eid = binding->eid,
		.linaddr = binding->linaddr,
		.secinfo = pcmd->secinfo,
	};

	_Static_assert(sizeof(pcmd->reserved) <= sizeof(header.reserved), "MAC_HDR");
	memcpy(header.reserved, pcmd->reserved, sizeof(pcmd->reserved));
	return header;
}

bool paging_seal(struct sgx_cpu *cpu, const struct paging_binding *binding, struct sgx_pcmd *pcmd,
		 const void *plain, void *cipher)
{
	const struct sgx_mac_header header = make_header(binding, pcmd);
	uint8_t iv[CRYPTO_IV_SIZE];

	make_iv(iv, binding->version);
	return crypto_gcm_seal(cpu->gcm, iv, &header, sizeof(header), plain, SGX_PAGE_SIZE, cipher,
			       pcmd->mac);
}

bool paging_open(struct sgx_cpu *cpu, const struct paging_binding *binding,
		 const struct sgx_pcmd *pcmd, const void *cipher, void *plain)
{
	const struct sgx_mac_header header = make_header(binding, pcmd);
	uint8_t iv[CRYPTO_IV_SIZE];

	make_iv(iv, binding->version);
	return crypto_gcm_open(cpu->gcm, iv, &header, sizeof(header), cipher, SGX_PAGE_SIZE, plain,
			       pcmd->mac);
}
