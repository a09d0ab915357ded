// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a TLB miss costs before the TLB entry is written: 4-level walks over 64
 * MiB of 4-KiB pages, A and D set already, tables warm. Prints ns per call.
 */
#include "mmu/mmu.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MiB       UINT64_C(0x100000)
#define PAGES     16384u
#define RAM_GPA   (16 * MiB)
#define TABLE_GPA (1 * MiB)
#define TABLES    (3 + PAGES / 512)
#define BASE_GVA  UINT64_C(0xffff888000000000)
#define ROUNDS    64u

static void synchronize(void *opaque)
{
}

static void add_slot(struct memslots *slots, uint32_t id, gpa_t gpa, uint64_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = id,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)aligned_alloc(GUEST_PAGE_SIZE, size),
	};

	if (!region.userspace_addr || memslots_set(slots, &region, NULL))
		abort();
}

static void build_tables(struct memslots *slots)
{
	const uint64_t flags = PT_PRESENT_MASK | PT_WRITABLE_MASK | PT_USER_MASK |
			       PT_ACCESSED_MASK | PT_DIRTY_MASK;
	const struct memslot_array *array = memslots_snapshot(slots, 0);
	unsigned int hint = 0;
	uint64_t *table = (uint64_t *)memslot_lookup(array, TABLE_GPA, &hint)->hva;

	for (unsigned int i = 0; i < TABLES * 512; i++)
		table[i] = 0;
	table[(BASE_GVA >> 39) & 511] = (TABLE_GPA + GUEST_PAGE_SIZE) | flags;
	table[512] = (TABLE_GPA + 2 * GUEST_PAGE_SIZE) | flags;
	for (unsigned int i = 0; i < PAGES / 512; i++)
		table[1024 + i] = (TABLE_GPA + (3 + i) * GUEST_PAGE_SIZE) | flags;
	for (unsigned int i = 0; i < PAGES; i++)
		table[1536 + i] = (RAM_GPA + i * GUEST_PAGE_SIZE) | flags;
}

/* Of this thread alone: what else the machine does is not in it. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

enum what {
	WALK,
	TRANSLATE,
	FILL,
	READ8,
};

static const char *const names[] = {"walk_gva", "mmu_translate", "mmu_fill", "mmu_read, 8 bytes"};

static uint64_t run(enum what what, struct mmu *mmu, const struct mmu_mode *mode, gva_t gva)
{
	struct mmu_page page;
	struct walk walk;
	uint64_t value;

	switch (what) {
	case WALK:
		return walk_gva(mmu, mode, 0, gva, PFERR_USER_MASK, &walk);
	case TRANSLATE:
		return mmu_translate(mmu, mode, 0, gva, PFERR_USER_MASK, &page);
	case FILL:
		return mmu_fill(mmu, mode, 0, gva, PFERR_USER_MASK, &page);
	case READ8:
		return mmu_read(mmu, mode, 0, gva, &value, sizeof(value), PFERR_USER_MASK, &page);
	}
	return MMU_FAULT;
}

/* @stride, odd: 1 walks page by page, a large one jumps about. Return: whether all went well. */
static bool measure(enum what what, struct mmu *mmu, const struct mmu_mode *mode,
		    unsigned int stride)
{
	uint64_t bad = 0;
	double start = now();

	for (unsigned int i = 0; i < ROUNDS * PAGES; i++)
		bad |= run(what, mmu, mode,
			   BASE_GVA + (gva_t)(i * stride % PAGES) * GUEST_PAGE_SIZE);
	printf("%-18s %-10s %6.1f ns%s\n", names[what], stride == 1 ? "in order" : "scattered",
	       (now() - start) / (ROUNDS * PAGES), bad ? "  FAILED" : "");
	return !bad;
}

int main(void)
{
	struct memslots *slots = memslots_new(46, synchronize, NULL);
	struct mmu mmu = {.slots = slots};
	const struct mmu_registers regs = {
		.cr0 = X86_CR0_PG | X86_CR0_PE | X86_CR0_WP,
		.cr3 = TABLE_GPA,
		.cr4 = X86_CR4_PAE | X86_CR4_PGE,
		.efer = EFER_LME | EFER_LMA | EFER_NX,
		.maxphyaddr = 46,
	};
	struct mmu_mode mode = {0};
	bool good = true;

	if (!slots)
		return EXIT_FAILURE;
	add_slot(slots, 0, 0xfffc0000, MiB / 4);
	add_slot(slots, 1, TABLE_GPA, TABLES * GUEST_PAGE_SIZE);
	add_slot(slots, 2, RAM_GPA, PAGES * GUEST_PAGE_SIZE);
	build_tables(slots);
	mmu_mode_init(&mode, &regs);
	for (enum what what = WALK; what <= READ8; what++) {
		good &= measure(what, &mmu, &mode, 1);
		good &= measure(what, &mmu, &mode, 7919);
	}
	for (unsigned int i = 0; i < 3; i++)
		free(memslots_snapshot(slots, 0)->slot[i]->hva);
	memslots_free(slots);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
