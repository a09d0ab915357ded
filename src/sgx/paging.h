/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SDM "EPC Page Eviction": what EWB and ELD have in common. Private to the model.
 *
 * A page leaves the EPC as cipher text and a PCMD. Both are bound to what the
 * header of the MAC names (the enclave, the address, the EPCM's attributes) and,
 * through the IV, to a version that exists once: in the slot of a VA page.
 */
#ifndef EXCLAVE_SGX_PAGING_H
#define EXCLAVE_SGX_PAGING_H

#include "sgx/leaf.h"

/* The registers of EWB and ELD: RBX = PAGEINFO, RCX = EPC page, RDX = VA slot. */
struct paging_operands {
	struct epcm_entry *target;
	struct epcm_entry *va;
	gva_t target_gva;
	gva_t slot_gva;
};

/* Alignment and EPC pages, as far as both leaves check the same. */
struct leaf_result paging_operands(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx,
				   struct paging_operands *op);

/* The slot; the VA page is locked, if only shared: others may use it meanwhile. */
static inline _Atomic uint64_t *paging_slot(const struct paging_operands *op)
{
	uint8_t *page = epcm_page(op->va);

	return (_Atomic uint64_t *)(page + op->slot_gva % SGX_PAGE_SIZE);
}

/* What a page's cipher text is bound to beside its PCMD. */
struct paging_binding {
	uint64_t version;
	uint64_t eid; /* of the parent; 0 for SECS and VA pages */
	gva_t linaddr;
};

/*
 * @pcmd has everything but the MAC, which is added.
 * Return: false when libcrypto fails.
 */
bool paging_seal(struct sgx_cpu *cpu, const struct paging_binding *binding, struct sgx_pcmd *pcmd,
		 const void *plain, void *cipher);

/* Return: false when the MAC does not match; @plain then holds nothing useful. */
bool paging_open(struct sgx_cpu *cpu, const struct paging_binding *binding,
		 const struct sgx_pcmd *pcmd, const void *cipher, void *plain);

/* The identity by which children are bound to a locked SECS, or to one with a locked child. */
static inline uint64_t paging_eid(const struct epcm_entry *secs)
{
	return secs_hidden(secs_of(secs))->eid;
}

#endif
