// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EEXTEND". */
#include "sgx/leaf.h"
#include "sgx/measure.h"

static struct leaf_result __measure(struct sgx_cpu *cpu, const struct epcm_entry *e,
				    struct epcm_entry *secs_entry, uint64_t offset)
{
	struct sgx_secs *secs = secs_of(secs_entry);
	const uint8_t *page = epcm_page(e);

	CHECK(!secs_is_initialised(secs), leaf_gp());
	measure_eextend(secs, epcm_linaddr(e) - secs->base + offset, page + offset);
	return leaf_ok();
}

static struct leaf_result __extend(struct sgx_cpu *cpu, struct epcm_entry *e, gva_t gva,
				   struct epcm_entry *secs)
{
	uint64_t state = epcm_state(e);
	struct leaf_result res;

	CHECK(epcm_is_valid(state), leaf_pf(gva, ENCLS_READ));
	CHECK(epcm_pt(state) == SGX_PAGE_TYPE_REG || epcm_pt(state) == SGX_PAGE_TYPE_TCS,
	      leaf_pf(gva, ENCLS_READ));
	CHECK(epcm_secs(e) == secs, leaf_gp());
	/* The SECS itself needs no lock: it has this child, which is held. */
	CHECK(epcm_bit_lock(secs, EPCM_LOCK_MEASURE), leaf_gp());
	res = __measure(cpu, e, secs, gva % SGX_PAGE_SIZE);
	epcm_bit_unlock(secs, EPCM_LOCK_MEASURE);
	return res;
}

/* RBX = SECS, RCX = 256-byte chunk of an EPC page. */
struct leaf_result sgx_eextend(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct epcm_entry *secs, *e;
	struct leaf_result res;
	gva_t secs_gva, gva;

	CHECK(is_aligned(rbx, SGX_PAGE_SIZE), leaf_gp());
	TRY(operand_epc_page(cpu, rbx, ENCLS_READ, &secs_gva, &secs));
	TRY(operand_linear(cpu, rcx, SGX_CHUNK_SIZE, ENCLS_READ, &gva));
	/* The linear address: the base of the segment may be odd. */
	CHECK(is_aligned(gva, SGX_CHUNK_SIZE), leaf_gp());
	TRY(operand_epc(cpu, gva, ENCLS_READ, &e));
	CHECK(epcm_lock(e, EPCM_SHARED), leaf_gp());
	res = __extend(cpu, e, gva, secs);
	epcm_unlock(e, EPCM_SHARED);
	return res;
}
