/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small guest: slots, some RAM, and page tables made by hand. */
#ifndef EXCLAVE_TESTS_UNIT_MMU_FIXTURE_H
#define EXCLAVE_TESTS_UNIT_MMU_FIXTURE_H

#include "host.h"
#include "mmu/mmu.h"

/*
 * 4-level paging with one table of each level. RAM at gpa 1 MiB; page p of it is
 * mapped at FIXTURE_GVA + p * 4096, user, writable, executable, A and D clear.
 */
#define FIXTURE_RAM       (1 * MiB)
#define FIXTURE_RAM_PAGES 32
#define FIXTURE_GVA       UINT64_C(0x7f5612345000)

enum fixture_page {
	FIXTURE_PML4,
	FIXTURE_PDPT,
	FIXTURE_PD,
	FIXTURE_PT,
	FIXTURE_DATA,
};

struct fixture {
	struct memslots *slots;
	uint8_t *ram;
	struct mmu mmu;
	struct mmu_registers regs;
	struct mmu_mode mode;
	struct mmu_page page; /* result of the last call */
	struct walk walk;
	/* The last written() call, and how many. */
	gpa_t written_gpa;
	size_t written_len;
	unsigned int written;
};

/* Slot 0 is the RAM; phys_bits 46. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

gpa_t fixture_gpa(unsigned int page);
gva_t fixture_gva(unsigned int page);
uint64_t *fixture_entry(struct fixture *f, enum fixture_page table, gva_t gva);
/* After a change of f->regs. */
void fixture_mode(struct fixture *f);

enum mmu_status fixture_translate(struct fixture *f, gva_t gva, uint32_t access);
void assert_page_fault(enum mmu_status status, const struct x86_exception *fault, gva_t address,
		       uint32_t code);

#endif
