/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page walk: SDM vol. 3 "Paging". From a linear address to a guest-physical
 * one, with the rights that the paging structures give, in the processor state
 * that a struct mmu_mode describes.
 *
 * A walk belongs to the vCPU thread that makes it and holds no lock: it touches
 * guest memory, with atomic accesses, because other vCPUs walk and change the
 * same tables.
 */
#ifndef EXCLAVE_MMU_WALK_H
#define EXCLAVE_MMU_WALK_H

#include "mmu/memslot.h"

/* SDM "Paging-Structure Entries": the bits that all formats share. */
#define PT_PRESENT_MASK   BIT64(0)
#define PT_WRITABLE_MASK  BIT64(1)
#define PT_USER_MASK      BIT64(2)
#define PT_ACCESSED_MASK  BIT64(5)
#define PT_DIRTY_MASK     BIT64(6)
#define PT_PAGE_SIZE_MASK BIT64(7)
#define PT_GLOBAL_MASK    BIT64(8)
#define PT_NX_MASK        BIT64(63)

/*
 * Beside PFERR_WRITE_MASK, PFERR_USER_MASK and PFERR_FETCH_MASK, an access asked
 * of a walk may say the following. They are part of the access and not of the
 * mode because each TLB has its own answer, while modes change with MOV CR only.
 */
#define MMU_ACCESS_AC       (UINT32_C(1) << 30) /* RFLAGS.AC = 1 */
#define MMU_ACCESS_IMPLICIT (UINT32_C(1) << 31) /* implicit supervisor access: AC does not count */

/* Rights, for accesses with the USER, AC and IMPLICIT bits that were asked. */
#define MMU_READ  1u
#define MMU_WRITE 2u
#define MMU_EXEC  4u

enum mmu_paging {
	MMU_PAGING_NONE,
	MMU_PAGING_32BIT,
	MMU_PAGING_PAE,
	MMU_PAGING_4LEVEL,
};

#define WALK_MAX_LEVELS 4

/* What a walk needs to know of the processor; made anew when a control register changes. */
struct mmu_mode {
	enum mmu_paging paging;
	bool wp;
	bool smep;
	bool smap;
	bool pge;
	bool nxe;                                     /* EFER.NXE counts: not with 32-bit paging */
	uint8_t levels;                               /* tables in memory; 0 without paging */
	uint8_t entry_size;                           /* bytes */
	uint8_t index_bits;                           /* linear-address bits that one level takes */
	uint8_t large_levels;                         /* bit n: PS = 1 at level n maps a page */
	gpa_t root;                                   /* of the topmost table; PAE: of the PDPTEs */
	uint64_t frame_mask;                          /* entry bits that hold a physical address */
	uint64_t reserved_table[WALK_MAX_LEVELS + 1]; /* by level, of entries that name a table */
	uint64_t reserved_page[WALK_MAX_LEVELS + 1];  /* by level, of entries that map a page */
	uint64_t pdpte[4]; /* PAE: registers, loaded by mmu_load_pdptes() */
};

/* The registers and CPUID facts that make a mode. */
struct mmu_registers {
	uint64_t cr0;
	uint64_t cr3;
	uint64_t cr4;
	uint64_t efer;
	uint8_t maxphyaddr; /* CPUID.80000008H:EAX[7:0], 32 to 52 */
	bool page1gb;       /* CPUID.80000001H:EDX.Page1GB */
};

/*
 * Derives @mode. EFER.LMA says 4-level paging, so it is in step with CR0.PG and
 * EFER.LME. The PDPTEs in @mode stay as they are (zero in a new one), for they are
 * loaded by MOV CR and not at every change.
 */
void mmu_mode_init(struct mmu_mode *mode, const struct mmu_registers *regs);

enum mmu_status {
	MMU_OK,
	MMU_FAULT,      /* the guest's exception */
	MMU_AGAIN,      /* tables changed again and again: pass a safe point, then repeat */
	MMU_DEVICE,     /* of copies (mmu.h): not plain memory, nothing was copied */
	MMU_HOST_ERROR, /* a negative errno of the host */
};

struct sgx_cpu;

/*
 * A reader of guest-physical memory: one for each vCPU, used by its thread. It
 * needs no care at safe points: it keeps hints and no pointers into slots.
 */
struct mmu {
	struct memslots *slots;
	/*
	 * Optional: C code has written into guest RAM (A and D bits, copies):
	 * @len bytes at @gpa, all in one page. Called by the vCPU's thread after
	 * the write, for whoever keeps things derived from memory.
	 */
	void (*written)(void *opaque, gpa_t gpa, size_t len);
	/*
	 * Optional: called before the host is asked for an EPC page, by a caller whose
	 * registers hold more than C code expects.
	 */
	void (*leaving)(void *opaque);
	void *opaque;
	struct sgx_cpu *sgx; /* NULL: a processor without SGX (mmu.h) */
	/* Tables and data mostly lie in different slots. */
	unsigned int table_hint;
	unsigned int data_hint;
};

struct walk {
	/* MMU_OK */
	gpa_t gpa;          /* of the address asked */
	uint32_t allowed;   /* MMU_READ, _WRITE, _EXEC; without WRITE while D is clear */
	bool user;          /* a user-mode page */
	bool global;        /* PGE and G */
	uint8_t page_shift; /* of the page that maps it */
	/* MMU_FAULT */
	struct x86_exception fault;
	/* MMU_HOST_ERROR */
	int host_errno;
};

/*
 * Walks to @gva for @access. @gva is canonical where that is asked for; outside
 * 4-level paging its low 32 bits count. A walk that succeeds has set the A bits,
 * and D for a write. One that faults has set A in the entries above the one that
 * ended it, or, when a right is missing, in all but the leaf.
 */
enum mmu_status walk_gva(struct mmu *mmu, const struct mmu_mode *mode, unsigned int as_id,
			 gva_t gva, uint32_t access, struct walk *out);

/*
 * SDM "PDPTE Registers": loads the four entries that @regs.cr3 names into @mode,
 * as MOV to CR0, CR3 and CR4 do with PAE paging. @mode changes only on MMU_OK.
 * MMU_FAULT is #GP(0): reserved bits in a present entry, or no memory there.
 */
enum mmu_status mmu_load_pdptes(struct mmu *mmu, const struct mmu_registers *regs,
				unsigned int as_id, struct mmu_mode *mode, struct walk *out);

#endif
