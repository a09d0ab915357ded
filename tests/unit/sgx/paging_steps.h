/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps of paging that several suites take. PAGEINFO, PCMD and the source page
 * of the fixture serve as EWB's outputs and ELD's operands, so that what EWB
 * wrote can be loaded at once; a blob keeps it for later.
 */
#ifndef EXCLAVE_TESTS_UNIT_SGX_PAGING_STEPS_H
#define EXCLAVE_TESTS_UNIT_SGX_PAGING_STEPS_H

#include "fixture.h"

/* The pages that make_child() makes, in both sections. */
#define SECS_PAGE   0
#define CHILD_PAGE  1
#define VA_PAGE     40
#define FREE_PAGE   10
#define CHILD_GVA   (ENCLAVE_BASE + 0x1000)
#define SECS_GVA    epc_gva(SECS_PAGE)
#define SLOT        5 /* of VA_PAGE, where the child goes */
#define CHILD_STATE (EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W)

/* An enclave with one page, which holds fill_page()'s pattern, and a VA page. */
void make_child(struct fixture *f);
void fill_page(struct fixture *f, unsigned int epc_page, uint8_t seed);

/* The page types that a child can have, and all that the EPCM may say of one but BLOCKED. */
#define NR_CHILD_TYPES  5
#define NR_CHILD_STATES 15
extern const enum sgx_page_type child_types[NR_CHILD_TYPES];
extern const uint64_t child_states[NR_CHILD_STATES];

static inline gva_t slot_gva(unsigned int va_page, unsigned int slot)
{
	return epc_gva(va_page) + slot * sizeof(uint64_t);
}

uint64_t slot_value(struct fixture *f, unsigned int va_page, unsigned int slot);
void make_va(struct fixture *f, unsigned int va_page);

/* Behind the architecture's back: @flags become the page's EPCM attributes. */
void force_state(struct fixture *f, unsigned int epc_page, uint64_t flags);

/* EBLOCK and ETRACK, both of which succeed. */
void block_and_track(struct fixture *f, unsigned int epc_page, unsigned int secs_page);

/* PAGEINFO as EWB wants it. */
void set_eviction(struct fixture *f);
struct leaf_result ewb(struct fixture *f, unsigned int epc_page, unsigned int slot);
/* A blocked and tracked page, or one without a parent, goes to slot @slot of VA_PAGE. */
void evict(struct fixture *f, unsigned int epc_page, unsigned int slot);

/* The last blob evicted comes back, with @secs_gva in PAGEINFO. */
struct leaf_result eldu(struct fixture *f, unsigned int epc_page, gva_t secs_gva,
			unsigned int slot);
struct leaf_result eldb(struct fixture *f, unsigned int epc_page, gva_t secs_gva,
			unsigned int slot);

/* make_child(), and all that EWB of the child wants; or that ELD does, once it is evicted. */
void make_evictable_child(struct fixture *f);
void make_evicted_child(struct fixture *f);
/* ELDU with PAGEINFO as it is; of the child to FREE_PAGE. */
struct leaf_result eldu_at(struct fixture *f, gva_t pageinfo, gva_t target, gva_t slot);
struct leaf_result reload_child(struct fixture *f);
/* The type of page that the blob says it is. */
void set_blob_type(struct fixture *f, enum sgx_page_type pt);

/* What the guest keeps of an evicted page. */
struct blob {
	struct sgx_pageinfo pageinfo;
	struct sgx_pcmd pcmd;
	uint8_t cipher[SGX_PAGE_SIZE];
};

void keep_blob(struct fixture *f, struct blob *blob);
void use_blob(struct fixture *f, const struct blob *blob);

/* Another processor runs a leaf, in the middle of one of the current processor. */
struct leaf_result other_encls(struct fixture *f, unsigned int cpu, uint32_t leaf, uint64_t rbx,
			       uint64_t rcx, uint64_t rdx);

#endif
