// SPDX-License-Identifier: GPL-2.0-or-later
#include "fixture.h"

#include <stdlib.h>

gpa_t fixture_gpa(unsigned int page)
{
	return FIXTURE_RAM + page * GUEST_PAGE_SIZE;
}

gva_t fixture_gva(unsigned int page)
{
	return FIXTURE_GVA + page * GUEST_PAGE_SIZE;
}

uint64_t *fixture_entry(struct fixture *f, enum fixture_page table, gva_t gva)
{
	unsigned int shift = 39 - 9 * (unsigned int)table;

	return (uint64_t *)(f->ram + table * GUEST_PAGE_SIZE) + ((gva >> shift) & 511);
}

void fixture_mode(struct fixture *f)
{
	mmu_mode_init(&f->mode, &f->regs);
}

static void written(void *opaque, gpa_t gpa, size_t len)
{
	struct fixture *f = opaque;

	f->written_gpa = gpa;
	f->written_len = len;
	f->written++;
}

static void build_tables(struct fixture *f)
{
	const uint64_t flags = PT_PRESENT_MASK | PT_WRITABLE_MASK | PT_USER_MASK;

	*fixture_entry(f, FIXTURE_PML4, FIXTURE_GVA) = fixture_gpa(FIXTURE_PDPT) | flags;
	*fixture_entry(f, FIXTURE_PDPT, FIXTURE_GVA) = fixture_gpa(FIXTURE_PD) | flags;
	*fixture_entry(f, FIXTURE_PD, FIXTURE_GVA) = fixture_gpa(FIXTURE_PT) | flags;
	for (unsigned int i = 0; i < FIXTURE_RAM_PAGES; i++)
		*fixture_entry(f, FIXTURE_PT, fixture_gva(i)) = fixture_gpa(i) | flags;
}

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->slots = slots_new(46);
	f->ram = host_map(FIXTURE_RAM_PAGES * GUEST_PAGE_SIZE);
	assert_int_equal(
		slot_set(f->slots, 0, 0, FIXTURE_RAM, FIXTURE_RAM_PAGES * GUEST_PAGE_SIZE, f->ram),
		0);
	build_tables(f);
	f->mmu = (struct mmu){.slots = f->slots, .written = written, .opaque = f};
	f->regs = (struct mmu_registers){
		.cr0 = X86_CR0_PG | X86_CR0_PE | X86_CR0_WP,
		.cr3 = fixture_gpa(FIXTURE_PML4),
		.cr4 = X86_CR4_PAE | X86_CR4_PGE,
		.efer = EFER_LME | EFER_LMA | EFER_NX,
		.maxphyaddr = 46,
		.page1gb = true,
	};
	fixture_mode(f);
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	memslots_free(f->slots);
	host_unmap(f->ram, FIXTURE_RAM_PAGES * GUEST_PAGE_SIZE);
	free(f);
	return 0;
}

enum mmu_status fixture_translate(struct fixture *f, gva_t gva, uint32_t access)
{
	memset(&f->page, 0, sizeof(f->page));
	return mmu_translate(&f->mmu, &f->mode, 0, gva, access, &f->page);
}

void assert_page_fault(enum mmu_status status, const struct x86_exception *fault, gva_t address,
		       uint32_t code)
{
	assert_int_equal(status, MMU_FAULT);
	assert_int_equal(fault->vector, PF_VECTOR);
	assert_true(fault->has_error_code);
	assert_int_equal(fault->error_code, code);
	assert_int_equal(fault->address, address);
}
