// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "ECREATE". */
#include "sgx/leaf.h"
#include "sgx/measure.h"
#include "sgx/track.h"
#include "sgx/xsave.h"

#include <string.h>

/* Size, base and limits, of the private copy. */
static struct leaf_result check_range(struct sgx_cpu *cpu, const struct sgx_secs *secs)
{
	const struct sgx_cpuid *cpuid = cpu->cpuid;
	bool mode64 = secs->attributes & SGX_ATTR_MODE64BIT;
	unsigned int limit = mode64 ? cpuid->max_size_64 : cpuid->max_size_32;

	CHECK(!mode64 || x86_is_canonical(cpu->state, secs->base), leaf_gp());
	CHECK(mode64 || !(secs->base >> 32), leaf_gp());
	CHECK(limit > 63 || !(secs->size >> limit), leaf_gp());
	CHECK(secs->size >= 2 * SGX_PAGE_SIZE, leaf_gp());
	CHECK(is_power_of_2(secs->size), leaf_gp());
	CHECK(is_aligned(secs->base, secs->size), leaf_gp());
	return leaf_ok();
}

static struct leaf_result check_secs(struct sgx_cpu *cpu, const struct sgx_secs *secs)
{
	const struct sgx_cpuid *cpuid = cpu->cpuid;
	const uint64_t xfrm_base = XFEATURE_MASK_FP | XFEATURE_MASK_SSE;
	const uint64_t attributes = cpuid->attributes & ~SGX_ATTR_INIT;

	CHECK((secs->xfrm & xfrm_base) == xfrm_base, leaf_gp());
	CHECK(!(secs->xfrm & ~cpuid->xfrm), leaf_gp());
	CHECK(xfrm_is_legal(secs->xfrm), leaf_gp());
	CHECK(!(secs->miscselect & ~cpuid->miscselect), leaf_gp());
	CHECK((uint64_t)secs->ssa_frame_size * SGX_PAGE_SIZE >=
		      ssa_frame_min_size(cpuid, secs->xfrm, secs->miscselect),
	      leaf_gp());
	TRY(check_range(cpu, secs));
	CHECK(!(secs->attributes & ~attributes), leaf_gp());
	CHECK(is_zero(secs->reserved1, sizeof(secs->reserved1)), leaf_gp());
	CHECK(is_zero(secs->reserved2, sizeof(secs->reserved2)), leaf_gp());
	CHECK(is_zero(secs->reserved3, sizeof(secs->reserved3)), leaf_gp());
	CHECK(is_zero(secs->reserved4, sizeof(secs->reserved4)), leaf_gp());
	CHECK((secs->attributes & SGX_ATTR_KSS) ||
		      is_zero(secs->config_id, sizeof(secs->config_id)),
	      leaf_gp());
	CHECK((secs->attributes & SGX_ATTR_KSS) || !secs->config_svn, leaf_gp());
	/* The processor has no CET, so its fields are reserved. */
	CHECK(!secs->cet_leg_bitmap_offset && !secs->cet_attributes, leaf_gp());
	return leaf_ok();
}

/* The copy becomes the page: what hardware sets, then the first measurement. */
static void prepare_secs(struct sgx_cpu *cpu, struct sgx_secs *secs)
{
	memset(secs->mrenclave, 0, sizeof(secs->mrenclave));
	memset(secs->mrsigner, 0, sizeof(secs->mrsigner));
	secs->isv_prod_id = 0;
	secs->isv_svn = 0;
	secs_hidden(secs)->eid = atomic_fetch_add(&cpu->platform->next_eid, 1);
	measure_ecreate(secs);
}

/* RBX = PAGEINFO, RCX = EPC page. */
struct leaf_result sgx_ecreate(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	/* Copied once: the guest may change it between our checks and our use. */
	struct sgx_secs *secs = (struct sgx_secs *)cpu->scratch;
	struct sgx_pageinfo pageinfo;
	struct sgx_secinfo secinfo;
	struct epcm_entry *e;
	gva_t gva;

	CHECK(is_aligned(rbx, sizeof(pageinfo)), leaf_gp());
	CHECK(is_aligned(rcx, SGX_PAGE_SIZE), leaf_gp());
	TRY(operand_epc_page(cpu, rcx, ENCLS_WRITE, &gva, &e));
	TRY(operand_read(cpu, rbx, ENCLS_READ, &pageinfo, sizeof(pageinfo)));
	CHECK(is_aligned(pageinfo.srcpge, SGX_PAGE_SIZE), leaf_gp());
	CHECK(is_aligned(pageinfo.secinfo, sizeof(secinfo)), leaf_gp());
	CHECK(!pageinfo.linaddr, leaf_gp());
	CHECK(!pageinfo.secs, leaf_gp());
	TRY(operand_read(cpu, pageinfo.secinfo, ENCLS_READ, &secinfo, sizeof(secinfo)));
	CHECK(secinfo_has_only(&secinfo, SGX_SECINFO_RWX | SGX_SECINFO_PT_MASK), leaf_gp());
	CHECK((secinfo.flags & SGX_SECINFO_PT_MASK) == EPCM_PT(SGX_PAGE_TYPE_SECS), leaf_gp());
	TRY(target_check_free(cpu, e, gva));
	TRY(operand_read(cpu, pageinfo.srcpge, ENCLS_READ, secs, sizeof(*secs)));
	TRY(check_secs(cpu, secs));
	prepare_secs(cpu, secs);

	TRY(target_lock_free(cpu, e, gva));
	memcpy(epcm_page(e), secs, sizeof(*secs));
	atomic_store(&e->context, epc_hpa(&cpu->platform->epc, e));
	track_reset(e);
	epcm_make_valid(e, EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_SECS), 0, NULL);
	epcm_unlock(e, EPCM_EXCLUSIVE);
	leaf_page_changed(cpu, e);
	return leaf_ok();
}
