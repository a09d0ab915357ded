// SPDX-License-Identifier: GPL-2.0-or-later
#include "paging_steps.h"

const enum sgx_page_type child_types[NR_CHILD_TYPES] = {
	SGX_PAGE_TYPE_TCS,      SGX_PAGE_TYPE_REG,     SGX_PAGE_TYPE_TRIM,
	SGX_PAGE_TYPE_SS_FIRST, SGX_PAGE_TYPE_SS_REST,
};

const uint64_t child_states[NR_CHILD_STATES] = {
	EPCM_PT(SGX_PAGE_TYPE_REG),
	EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R,
	EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_X,
	EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W,
	EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_RWX,
	EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_PR,
	EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_X | EPCM_PR,
	EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_RWX | EPCM_PR,
	EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W | EPCM_PENDING,
	EPCM_PT(SGX_PAGE_TYPE_TCS),
	EPCM_PT(SGX_PAGE_TYPE_TCS) | EPCM_MODIFIED,
	EPCM_PT(SGX_PAGE_TYPE_TRIM) | EPCM_MODIFIED,
	EPCM_PT(SGX_PAGE_TYPE_TRIM),
	EPCM_PT(SGX_PAGE_TYPE_SS_FIRST) | EPCM_R | EPCM_W,
	EPCM_PT(SGX_PAGE_TYPE_SS_REST) | EPCM_R | EPCM_W,
};

void fill_page(struct fixture *f, unsigned int epc_page, uint8_t seed)
{
	uint8_t *page = epc_ptr(f, epc_page);

	for (unsigned int i = 0; i < SGX_PAGE_SIZE; i++)
		page[i] = (uint8_t)(seed + i * 7 + i / 256);
}

void make_va(struct fixture *f, unsigned int va_page)
{
	expect_ok(encls(f, EPA, SGX_PAGE_TYPE_VA, epc_gva(va_page), 0));
}

void make_child(struct fixture *f)
{
	make_secs(f, SECS_PAGE, ENCLAVE_BASE);
	add_reg(f, SECS_PAGE, CHILD_PAGE, CHILD_GVA, EPCM_R | EPCM_W);
	fill_page(f, CHILD_PAGE, 1);
	make_va(f, VA_PAGE);
}

uint64_t slot_value(struct fixture *f, unsigned int va_page, unsigned int slot)
{
	struct sgx_va_page *va = epc_ptr(f, va_page);

	return va->slot[slot];
}

void force_state(struct fixture *f, unsigned int epc_page, uint64_t flags)
{
	struct epcm_entry *e = epcm_of(f, epc_page);

	atomic_store(&e->state, epcm_with_epoch(flags, epcm_epoch(epcm_state(e))));
}

void block_and_track(struct fixture *f, unsigned int epc_page, unsigned int secs_page)
{
	expect_code(encls(f, EBLOCK, 0, epc_gva(epc_page), 0), SGX_SUCCESS);
	expect_code(encls(f, ETRACK, 0, epc_gva(secs_page), 0), SGX_SUCCESS);
}

void set_eviction(struct fixture *f)
{
	*pageinfo(f) = (struct sgx_pageinfo){.srcpge = SRC_GVA, .secinfo = PCMD_GVA};
}

struct leaf_result ewb(struct fixture *f, unsigned int epc_page, unsigned int slot)
{
	return encls(f, EWB, PAGEINFO_GVA, epc_gva(epc_page), slot_gva(VA_PAGE, slot));
}

void evict(struct fixture *f, unsigned int epc_page, unsigned int slot)
{
	set_eviction(f);
	expect_code(ewb(f, epc_page, slot), SGX_SUCCESS);
}

static struct leaf_result eld(struct fixture *f, uint32_t leaf, unsigned int epc_page,
			      gva_t secs_gva, unsigned int slot)
{
	pageinfo(f)->secs = secs_gva;
	return encls(f, leaf, PAGEINFO_GVA, epc_gva(epc_page), slot_gva(VA_PAGE, slot));
}

struct leaf_result eldu(struct fixture *f, unsigned int epc_page, gva_t secs_gva, unsigned int slot)
{
	return eld(f, ELDU, epc_page, secs_gva, slot);
}

struct leaf_result eldb(struct fixture *f, unsigned int epc_page, gva_t secs_gva, unsigned int slot)
{
	return eld(f, ELDB, epc_page, secs_gva, slot);
}

void make_evictable_child(struct fixture *f)
{
	make_child(f);
	block_and_track(f, CHILD_PAGE, SECS_PAGE);
	set_eviction(f);
}

void make_evicted_child(struct fixture *f)
{
	make_evictable_child(f);
	evict(f, CHILD_PAGE, SLOT);
	pageinfo(f)->secs = SECS_GVA;
}

struct leaf_result eldu_at(struct fixture *f, gva_t pageinfo, gva_t target, gva_t slot)
{
	return encls(f, ELDU, pageinfo, target, slot);
}

struct leaf_result reload_child(struct fixture *f)
{
	return eldu_at(f, PAGEINFO_GVA, epc_gva(FREE_PAGE), slot_gva(VA_PAGE, SLOT));
}

void set_blob_type(struct fixture *f, enum sgx_page_type pt)
{
	struct sgx_secinfo *secinfo = &pcmd(f)->secinfo;

	secinfo->flags = (secinfo->flags & ~SGX_SECINFO_PT_MASK) | EPCM_PT(pt);
}

void keep_blob(struct fixture *f, struct blob *blob)
{
	blob->pageinfo = *pageinfo(f);
	blob->pcmd = *pcmd(f);
	memcpy(blob->cipher, ram_ptr(f, SRC_GVA), sizeof(blob->cipher));
}

void use_blob(struct fixture *f, const struct blob *blob)
{
	*pageinfo(f) = blob->pageinfo;
	*pcmd(f) = blob->pcmd;
	memcpy(ram_ptr(f, SRC_GVA), blob->cipher, sizeof(blob->cipher));
}

struct leaf_result other_encls(struct fixture *f, unsigned int cpu, uint32_t leaf, uint64_t rbx,
			       uint64_t rcx, uint64_t rdx)
{
	return run_encls(&f->cpus[cpu], leaf, rbx, rcx, rdx);
}
