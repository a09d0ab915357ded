// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where page tables lie: RAM with a dirty log, read-only slots, no slot, the
 * EPC, memory that the VMM took away. And the PDPTE registers.
 */
#include "tests.h"

#define USER_READ  PFERR_USER_MASK
#define USER_WRITE (PFERR_USER_MASK | PFERR_WRITE_MASK)

static const gva_t data_gva = FIXTURE_GVA + FIXTURE_DATA * GUEST_PAGE_SIZE;

static uint64_t dirty_pages(struct fixture *f, uint32_t slot)
{
	uint64_t bitmap = 0;

	assert_int_equal(memslots_get_dirty_log(f->slots, slot, true, &bitmap, 1), 0);
	return bitmap;
}

static void start_log(struct fixture *f)
{
	assert_int_equal(slot_set(f->slots, 0, KVM_MEM_LOG_DIRTY_PAGES, FIXTURE_RAM,
				  FIXTURE_RAM_PAGES * GUEST_PAGE_SIZE, f->ram),
			 0);
}

/* Makes page @page of the RAM slot 1; the RAM around it becomes slots 0 and 2. */
static void split_table(struct fixture *f, unsigned int page, uint32_t flags)
{
	unsigned int after = page + 1;

	assert_int_equal(slot_set(f->slots, 0, 0, 0, 0, NULL), 0);
	if (page)
		assert_int_equal(
			slot_set(f->slots, 0, 0, FIXTURE_RAM, page * GUEST_PAGE_SIZE, f->ram), 0);
	assert_int_equal(slot_set(f->slots, 1, flags, fixture_gpa(page), GUEST_PAGE_SIZE,
				  f->ram + page * GUEST_PAGE_SIZE),
			 0);
	assert_int_equal(slot_set(f->slots, 2, 0, fixture_gpa(after),
				  (FIXTURE_RAM_PAGES - after) * GUEST_PAGE_SIZE,
				  f->ram + after * GUEST_PAGE_SIZE),
			 0);
}

/* A and D bits are writes to guest memory like any other. */
static void walk_sets_bits_logs_table_pages(void **state)
{
	struct fixture *f = *state;

	start_log(f);
	assert_int_equal(fixture_translate(f, data_gva, USER_READ), MMU_OK);
	assert_int_equal(dirty_pages(f, 0), 0xf);
	assert_int_equal(f->written, 4);
	assert_int_equal(f->written_gpa,
			 fixture_gpa(FIXTURE_PT) +
				 (gpa_t)((uint8_t *)fixture_entry(f, FIXTURE_PT, data_gva) -
					 (f->ram + FIXTURE_PT * GUEST_PAGE_SIZE)));
	assert_int_equal(f->written_len, 8);
	assert_int_equal(fixture_translate(f, data_gva, USER_READ), MMU_OK);
	assert_int_equal(dirty_pages(f, 0), 0);
	assert_int_equal(f->written, 4);
	/* Only D is missing now: the PT, and the page that is written. */
	assert_int_equal(fixture_translate(f, data_gva, USER_WRITE), MMU_OK);
	assert_int_equal(dirty_pages(f, 0), 1 << FIXTURE_PT | 1 << FIXTURE_DATA);
}

/*
 * As on Intel processors: the entries above the leaf have been used, so they get
 * A, but an access that is refused leaves the leaf alone.
 */
static void walk_refused_sets_upper_accessed_only(void **state)
{
	struct fixture *f = *state;
	uint64_t *leaf = fixture_entry(f, FIXTURE_PT, data_gva);
	uint64_t before;

	*leaf &= ~PT_WRITABLE_MASK;
	before = *leaf;
	assert_page_fault(fixture_translate(f, data_gva, USER_WRITE), &f->page.fault, data_gva,
			  PFERR_PRESENT_MASK | PFERR_WRITE_MASK | PFERR_USER_MASK);
	assert_int_equal(*leaf, before);
	for (enum fixture_page table = FIXTURE_PML4; table < FIXTURE_PT; table++)
		assert_true(*fixture_entry(f, table, data_gva) & PT_ACCESSED_MASK);
}

static void walk_not_present_pd_sets_accessed_above(void **state)
{
	struct fixture *f = *state;

	*fixture_entry(f, FIXTURE_PD, data_gva) = UINT64_MAX & ~PT_PRESENT_MASK;
	assert_page_fault(fixture_translate(f, data_gva, USER_READ), &f->page.fault, data_gva,
			  PFERR_USER_MASK);
	assert_true(*fixture_entry(f, FIXTURE_PDPT, data_gva) & PT_ACCESSED_MASK);
	assert_int_equal(*fixture_entry(f, FIXTURE_PD, data_gva), UINT64_MAX & ~PT_PRESENT_MASK);
	assert_false(*fixture_entry(f, FIXTURE_PT, data_gva) & PT_ACCESSED_MASK);
}

/* As KVM: a ROM's tables translate, without A and D ever being set in them. */
static void walk_tables_in_rom_leaves_bits_clear(void **state)
{
	for (unsigned int table = FIXTURE_PML4; table <= FIXTURE_PT; table++) {
		struct fixture *f;
		uint8_t before[GUEST_PAGE_SIZE];

		fixture_setup((void **)&f);
		split_table(f, table, KVM_MEM_READONLY);
		memcpy(before, f->ram + table * GUEST_PAGE_SIZE, sizeof(before));
		assert_int_equal(fixture_translate(f, data_gva, USER_READ), MMU_OK);
		assert_int_equal(f->page.allowed, MMU_READ | MMU_EXEC);
		assert_int_equal(fixture_translate(f, data_gva, USER_WRITE), MMU_OK);
		assert_int_equal(f->page.allowed, MMU_READ | MMU_WRITE | MMU_EXEC);
		assert_memory_equal(before, f->ram + table * GUEST_PAGE_SIZE, sizeof(before));
		fixture_teardown((void **)&f);
	}
}

/* As KVM: a table that nothing is behind is not present. */
static void walk_table_without_memory_not_present(void **state)
{
	struct fixture *f = *state;

	for (enum fixture_page table = FIXTURE_PML4; table < FIXTURE_PT; table++) {
		uint64_t *entry = fixture_entry(f, table, data_gva), before = *entry;

		*entry = UINT64_C(0x3ffffff000) | (before & 7);
		assert_page_fault(fixture_translate(f, data_gva, USER_WRITE), &f->page.fault,
				  data_gva, PFERR_USER_MASK | PFERR_WRITE_MASK);
		*entry = before;
	}
	f->mode.root = UINT64_C(0x3ffffff000);
	assert_page_fault(fixture_translate(f, data_gva, 0), &f->page.fault, data_gva, 0);
}

static int no_epc_page(void *opaque, uint64_t offset, hpa_t *hpa)
{
	fail_msg("a page walk asked for an EPC page");
	return -ENOENT;
}

/* The abort page reads as ones, which have reserved bits in 64-bit entries. */
static void walk_table_in_epc_reserved_bits(void **state)
{
	static const struct memslot_epc_ops ops = {no_epc_page, no_epc_page};
	const struct memslot_epc epc = {.ops = &ops};
	struct kvm_userspace_memory_region region = {
		.slot = 5,
		.guest_phys_addr = 16 * MiB,
		.memory_size = MiB,
		.userspace_addr = GUEST_PAGE_SIZE,
	};
	struct fixture *f = *state;

	assert_int_equal(memslots_set(f->slots, &region, &epc), 0);
	*fixture_entry(f, FIXTURE_PD, data_gva) = 16 * MiB | 7;
	assert_page_fault(fixture_translate(f, data_gva, USER_READ), &f->page.fault, data_gva,
			  PFERR_USER_MASK | PFERR_PRESENT_MASK | PFERR_RSVD_MASK);
}

/* The VMM unmapped its memory: neither a guest's fault nor a crash, but KVM_RUN's EFAULT. */
static void walk_table_unmapped_efault(void **state)
{
	for (unsigned int table = FIXTURE_PML4; table <= FIXTURE_PT; table++) {
		uint8_t *gone = host_map(GUEST_PAGE_SIZE);
		struct fixture *f;

		guest_fault_handler_install();
		fixture_setup((void **)&f);
		split_table(f, table, 0);
		assert_int_equal(slot_set(f->slots, 1, 0, 0, 0, NULL), 0);
		assert_int_equal(
			slot_set(f->slots, 1, 0, fixture_gpa(table), GUEST_PAGE_SIZE, gone), 0);
		host_unmap(gone, GUEST_PAGE_SIZE);
		assert_int_equal(fixture_translate(f, data_gva, USER_READ), MMU_HOST_ERROR);
		assert_int_equal(f->page.host_errno, -EFAULT);
		fixture_teardown((void **)&f);
	}
}

#define PDPTES 0x120 /* offset in the data page: 32-byte aligned, no more */

static void pae_setup(struct fixture *f, const uint64_t pdpte[4])
{
	memcpy(f->ram + FIXTURE_DATA * GUEST_PAGE_SIZE + PDPTES, pdpte, 4 * sizeof(pdpte[0]));
	f->regs.cr3 = (fixture_gpa(FIXTURE_DATA) + PDPTES) | 0x1f;
	f->regs.efer &= ~(EFER_LMA | EFER_LME);
	fixture_mode(f);
	memset(f->mode.pdpte, 0x77, sizeof(f->mode.pdpte));
}

static enum mmu_status load_pdptes(struct fixture *f)
{
	return mmu_load_pdptes(&f->mmu, &f->regs, 0, &f->mode, &f->walk);
}

static void assert_pdptes_refused(struct fixture *f, enum mmu_status status)
{
	struct mmu_mode before = f->mode;

	memset(&f->walk, 0, sizeof(f->walk));
	assert_int_equal(load_pdptes(f), status);
	assert_memory_equal(&f->mode, &before, sizeof(before));
	if (status != MMU_FAULT)
		return;
	assert_int_equal(f->walk.fault.vector, GP_VECTOR);
	assert_true(f->walk.fault.has_error_code);
	assert_int_equal(f->walk.fault.error_code, 0);
}

/* SDM "PDPTE Registers": 2:1, 8:5 and 63:MAXPHYADDR are reserved in a present entry. */
static void load_pdptes_each_bit_as_documented(void **state)
{
	struct fixture *f = *state;

	for (unsigned int bit = 1; bit < 64; bit++) {
		uint64_t pdpte[4] = {0x1001, 0, 0x3001, 0x4001};
		bool reserved = bit <= 2 || (bit >= 5 && bit <= 8) || bit >= 46;

		pdpte[bit % 4 == 1 ? 3 : bit % 4] |= BIT64(bit) | 1;
		pae_setup(f, pdpte);
		if (reserved) {
			assert_pdptes_refused(f, MMU_FAULT);
			continue;
		}
		assert_int_equal(load_pdptes(f), MMU_OK);
		assert_memory_equal(f->mode.pdpte, pdpte, sizeof(pdpte));
	}
}

static void load_pdptes_absent_entry_not_checked(void **state)
{
	const uint64_t pdpte[4] = {~UINT64_C(1), 0, ~UINT64_C(1), 0};
	struct fixture *f = *state;

	pae_setup(f, pdpte);
	assert_int_equal(load_pdptes(f), MMU_OK);
	assert_memory_equal(f->mode.pdpte, pdpte, sizeof(pdpte));
}

static void load_pdptes_without_memory_gp(void **state)
{
	const uint64_t pdpte[4] = {0};
	struct fixture *f = *state;

	pae_setup(f, pdpte);
	f->regs.cr3 = UINT64_C(0xfffff000);
	assert_pdptes_refused(f, MMU_FAULT);
}

static void load_pdptes_unmapped_efault(void **state)
{
	uint8_t *gone = host_map(GUEST_PAGE_SIZE);
	const uint64_t pdpte[4] = {0};
	struct fixture *f = *state;

	guest_fault_handler_install();
	pae_setup(f, pdpte);
	assert_int_equal(slot_set(f->slots, 9, 0, 0xfffff000, GUEST_PAGE_SIZE, gone), 0);
	host_unmap(gone, GUEST_PAGE_SIZE);
	f->regs.cr3 = UINT64_C(0xfffff000);
	assert_pdptes_refused(f, MMU_HOST_ERROR);
	assert_int_equal(f->walk.host_errno, -EFAULT);
}

/* The registers count, not the memory that they came from; they have no rights and no A bit. */
static void walk_pae_uses_loaded_registers(void **state)
{
	uint64_t pdpte[4] = {0, 0, 0, fixture_gpa(FIXTURE_PD) | 1};
	struct fixture *f = *state;
	const gva_t gva = UINT64_C(0xd2345000);
	uint64_t *pde = (uint64_t *)(f->ram + FIXTURE_PD * GUEST_PAGE_SIZE) + (gva >> 21) % 512;

	pae_setup(f, pdpte);
	assert_int_equal(load_pdptes(f), MMU_OK);
	memset(f->ram + FIXTURE_DATA * GUEST_PAGE_SIZE, 0, GUEST_PAGE_SIZE);
	*pde = 64 * MiB | PT_PAGE_SIZE_MASK | 7;
	assert_int_equal(fixture_translate(f, gva, USER_WRITE), MMU_OK);
	assert_int_equal(f->page.gpa, 64 * MiB + (gva & 0x1ff000));
	assert_true(is_zero(f->ram + FIXTURE_DATA * GUEST_PAGE_SIZE, GUEST_PAGE_SIZE));
	assert_page_fault(fixture_translate(f, gva - (UINT64_C(1) << 30), USER_WRITE),
			  &f->page.fault, gva - (UINT64_C(1) << 30),
			  PFERR_USER_MASK | PFERR_WRITE_MASK);
}

#define TABLE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

const struct CMUnitTest table_tests[] = {
	TABLE_TEST(walk_sets_bits_logs_table_pages),
	TABLE_TEST(walk_refused_sets_upper_accessed_only),
	TABLE_TEST(walk_not_present_pd_sets_accessed_above),
	cmocka_unit_test(walk_tables_in_rom_leaves_bits_clear),
	TABLE_TEST(walk_table_without_memory_not_present),
	TABLE_TEST(walk_table_in_epc_reserved_bits),
	cmocka_unit_test(walk_table_unmapped_efault),
	TABLE_TEST(load_pdptes_each_bit_as_documented),
	TABLE_TEST(load_pdptes_absent_entry_not_checked),
	TABLE_TEST(load_pdptes_without_memory_gp),
	TABLE_TEST(load_pdptes_unmapped_efault),
	TABLE_TEST(walk_pae_uses_loaded_registers),
};
const size_t table_test_count = ARRAY_SIZE(table_tests);
