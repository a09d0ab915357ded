/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a linear address to memory: what fills a TLB entry, and what functions
 * in C use instead of a TLB.
 *
 * struct mmu (walk.h) belongs to one vCPU and is used by its thread alone. The
 * host pointers in a struct mmu_page are good until that thread's next safe
 * point (memslot.h). No lock is held in any call; all of them may sleep, because
 * guest memory may.
 */
#ifndef EXCLAVE_MMU_MMU_H
#define EXCLAVE_MMU_MMU_H

#include "mmu/walk.h"

#define MMU_NO_SLOT UINT32_MAX

/* All that a TLB entry for one 4-KiB page needs. */
struct mmu_page {
	/* MMU_OK */
	gpa_t gpa; /* page-aligned */
	enum memslot_kind kind;
	/*
	 * Where the bytes are, page-aligned. NULL for MMIO; for EPC, NULL from
	 * mmu_translate(), and from mmu_fill() the contents, or NULL for the
	 * abort page: reads and fetches are all ones, writes are dropped.
	 */
	uint8_t *hva;
	hpa_t hpa; /* EPC: the page in the model's address space */
	/*
	 * Which accesses the entry may serve without asking again, given the
	 * same USER, AC and IMPLICIT: MMU_READ, _WRITE, _EXEC. WRITE is missing
	 * also when D is clear, when the dirty log wants to hear of the first
	 * write, and when the memory takes no writes. So after a write access
	 * that succeeded, a missing WRITE means ROM: the write is MMIO.
	 */
	uint32_t allowed;
	bool user;           /* a user-mode page */
	bool global;         /* survives a change of the address space */
	uint8_t page_shift;  /* size of the page of which this is a fragment, for INVLPG */
	uint32_t slot;       /* as KVM numbers it, or MMU_NO_SLOT */
	uint64_t generation; /* of the slot array asked */
	/* MMU_FAULT */
	struct x86_exception fault;
	/* MMU_HOST_ERROR: what KVM_RUN fails with */
	int host_errno;
};

/*
 * What is at the guest-physical page of @gpa. With @write, the page is marked
 * in the dirty log. Fills gpa, kind, hva, hpa, slot, generation; allowed says
 * what the memory itself allows.
 * Return: MMU_OK or MMU_HOST_ERROR (an EPC page could not be had).
 */
enum mmu_status mmu_resolve(struct mmu *mmu, unsigned int as_id, gpa_t gpa, bool write,
			    struct mmu_page *page);

/*
 * The page walk and the look-up in the slots for @access to @gva: PFERR_WRITE_MASK,
 * PFERR_USER_MASK, PFERR_FETCH_MASK, MMU_ACCESS_*. No EPCM test: what struct
 * sgx_ops asks its embedder for. Sets A and D as that access does.
 */
enum mmu_status mmu_translate(struct mmu *mmu, const struct mmu_mode *mode, unsigned int as_id,
			      gva_t gva, uint32_t access, struct mmu_page *page);

/*
 * The same with the EPCM test of the processor's present enclave mode: what a
 * TLB miss calls. SDM "Access-control Requirements".
 */
enum mmu_status mmu_fill(struct mmu *mmu, const struct mmu_mode *mode, unsigned int as_id,
			 gva_t gva, uint32_t access, struct mmu_page *page);

/*
 * Copies of up to MMU_MAX_COPY bytes from and to linear addresses, for
 * descriptors, stacks, state areas. Every page is translated before the first
 * byte moves, so a fault leaves @dst or the guest's memory unchanged (the tables'
 * A and D bits are as after any access that faulted on its second page). The
 * caller has checked that the range is canonical. @access as above, without
 * PFERR_WRITE_MASK, which the function implies.
 *
 * Return: MMU_OK. MMU_DEVICE with @page the first page that is MMIO, or ROM on a
 * write: the access has to go another way. Else as mmu_fill(), the details in
 * @page; MMU_HOST_ERROR may have copied a part.
 */
#define MMU_MAX_COPY GUEST_PAGE_SIZE

enum mmu_status mmu_read(struct mmu *mmu, const struct mmu_mode *mode, unsigned int as_id,
			 gva_t gva, void *dst, size_t len, uint32_t access, struct mmu_page *page);
enum mmu_status mmu_write(struct mmu *mmu, const struct mmu_mode *mode, unsigned int as_id,
			  gva_t gva, const void *src, size_t len, uint32_t access,
			  struct mmu_page *page);

#endif
