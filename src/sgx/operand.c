// SPDX-License-Identifier: GPL-2.0-or-later
#include "sgx/leaf.h"

#include "lib/lock.h"

#include <string.h>

/* SDM "Limit Checking" and "Type Checking" of DS outside 64-bit mode. */
static bool ds_allows(const struct x86_segment *ds, uint32_t ea, uint32_t len, uint32_t access)
{
	if (ds->unusable || (ds->type & X86_SEG_TYPE_CODE) || (ds->type & X86_SEG_TYPE_EXPAND_DOWN))
		return false;
	if ((access & PFERR_WRITE_MASK) && !(ds->type & X86_SEG_TYPE_WRITABLE))
		return false;
	return ea <= ds->limit && len - 1 <= ds->limit - ea;
}

struct leaf_result operand_linear(struct sgx_cpu *cpu, uint64_t ea, uint32_t len, uint32_t access,
				  gva_t *gva)
{
	const struct x86_segment *ds = &cpu->state->seg[X86_SEG_DS];

	if (likely(x86_is_64bit(cpu->state))) {
		CHECK(x86_is_canonical(cpu->state, ea), leaf_gp());
		*gva = ea;
		return leaf_ok();
	}
	CHECK(ds_allows(ds, (uint32_t)ea, len, access), leaf_gp());
	*gva = (uint32_t)(ds->base + ea);
	/* An aligned offset in a segment whose base is not: no operand is in two pages. */
	CHECK(*gva % SGX_PAGE_SIZE + len <= SGX_PAGE_SIZE, leaf_gp());
	return leaf_ok();
}

static struct leaf_result ordinary_fault(const struct x86_exception *fault)
{
	return (struct leaf_result){
		.kind = LEAF_FAULT,
		.vector = fault->vector,
		.error_code = (uint16_t)fault->error_code,
		.address = fault->address,
	};
}

struct leaf_result operand_walk(struct sgx_cpu *cpu, gva_t gva, uint32_t access,
				struct sgx_place *place)
{
	struct x86_exception fault;

	lock_assert_none_held();
	CHECK(cpu->ops->walk(cpu, gva, access, place, &fault), ordinary_fault(&fault));
	return leaf_ok();
}

struct leaf_result operand_epc(struct sgx_cpu *cpu, gva_t gva, uint32_t access,
			       struct epcm_entry **e)
{
	struct sgx_place place;

	TRY(operand_walk(cpu, gva, access, &place));
	*e = place.is_epc ? epc_lookup(&cpu->platform->epc, place.hpa) : NULL;
	CHECK(*e, leaf_pf(gva, access));
	return leaf_ok();
}

struct leaf_result operand_epc_page(struct sgx_cpu *cpu, uint64_t ea, uint32_t access, gva_t *gva,
				    struct epcm_entry **e)
{
	TRY(operand_linear(cpu, ea, 1, access, gva));
	return operand_epc(cpu, *gva, access, e);
}

struct leaf_result operand_read_at(struct sgx_cpu *cpu, const struct sgx_place *place, gva_t gva,
				   void *dst, uint32_t len)
{
	int error;

	lock_assert_none_held();
	if (place->is_epc) {
		memset(dst, 0xff, len);
		return leaf_ok();
	}
	error = cpu->ops->read(cpu, place, gva % SGX_PAGE_SIZE, dst, len);
	return error ? leaf_host_error(error) : leaf_ok();
}

struct leaf_result operand_write_at(struct sgx_cpu *cpu, const struct sgx_place *place, gva_t gva,
				    const void *src, uint32_t len)
{
	int error;

	lock_assert_none_held();
	if (place->is_epc)
		return leaf_ok();
	error = cpu->ops->write(cpu, place, gva % SGX_PAGE_SIZE, src, len);
	return error ? leaf_host_error(error) : leaf_ok();
}

struct leaf_result operand_read(struct sgx_cpu *cpu, uint64_t ea, uint32_t access, void *dst,
				uint32_t len)
{
	struct sgx_place place;
	gva_t gva;

	TRY(operand_linear(cpu, ea, len, access, &gva));
	TRY(operand_walk(cpu, gva, access, &place));
	return operand_read_at(cpu, &place, gva, dst, len);
}

struct leaf_result operand_check_rights(struct sgx_cpu *cpu, gva_t gva, uint32_t access,
					uint64_t rights, const struct epcm_entry *secs,
					const struct epcm_entry *e)
{
	struct epcm_view view = epcm_view(e);

	CHECK(epcm_allows(&view, secs, gva, rights), leaf_pf(gva, access));
	return leaf_ok();
}

struct leaf_result operand_enclave_page(struct sgx_cpu *cpu, gva_t gva, uint32_t access,
					uint64_t rights, const struct epcm_entry *secs,
					struct epcm_entry **e, uint8_t **page)
{
	TRY(operand_epc(cpu, gva, access, e));
	TRY(operand_check_rights(cpu, gva, access, rights, secs, *e));
	*page = epcm_page(*e);
	return leaf_ok();
}

struct leaf_result operand_elrange(struct sgx_cpu *cpu, uint64_t ea, uint32_t len, uint32_t access,
				   gva_t *gva)
{
	TRY(operand_linear(cpu, ea, len, access, gva));
	CHECK(sgx_in_elrange(cpu, *gva), leaf_gp());
	return leaf_ok();
}

struct leaf_result operand_enclave(struct sgx_cpu *cpu, uint64_t ea, uint32_t len, uint32_t access,
				   struct epcm_entry **e, void **p)
{
	const struct epcm_entry *secs = cpu->enclave.secs;
	uint64_t rights = access & PFERR_WRITE_MASK ? EPCM_W : EPCM_R;
	uint8_t *page;
	gva_t gva;

	TRY(operand_elrange(cpu, ea, len, access, &gva));
	TRY(operand_enclave_page(cpu, gva, access, rights, secs, e, &page));
	*p = page + gva % SGX_PAGE_SIZE;
	return leaf_ok();
}

static struct leaf_result __target_is_free(struct sgx_cpu *cpu, struct epcm_entry *e, gva_t gva)
{
	CHECK(!epcm_is_valid(epcm_state(e)), leaf_pf(gva, ENCLS_WRITE));
	return leaf_ok();
}

struct leaf_result target_lock_free(struct sgx_cpu *cpu, struct epcm_entry *e, gva_t gva)
{
	struct leaf_result res;

	CHECK(epcm_lock(e, EPCM_EXCLUSIVE), leaf_gp());
	res = __target_is_free(cpu, e, gva);
	if (unlikely(res.kind != LEAF_OK))
		epcm_unlock(e, EPCM_EXCLUSIVE);
	return res;
}

struct leaf_result target_check_free(struct sgx_cpu *cpu, struct epcm_entry *e, gva_t gva)
{
	TRY(target_lock_free(cpu, e, gva));
	epcm_unlock(e, EPCM_EXCLUSIVE);
	return leaf_ok();
}
