// SPDX-License-Identifier: GPL-2.0-or-later
/* What a TLB entry may serve, for each kind of memory behind a page. */
#include "tests.h"

#include "sgx/sgx.h"

#define USER_READ  PFERR_USER_MASK
#define USER_WRITE (PFERR_USER_MASK | PFERR_WRITE_MASK)
#define USER_FETCH (PFERR_USER_MASK | PFERR_FETCH_MASK)
#define ALL_RIGHTS (MMU_READ | MMU_WRITE | MMU_EXEC)

static const gva_t data_gva = FIXTURE_GVA + FIXTURE_DATA * GUEST_PAGE_SIZE;

static uint64_t *data_pte(struct fixture *f)
{
	return fixture_entry(f, FIXTURE_PT, data_gva);
}

/* Points the data page at @gpa. */
static void map_data(struct fixture *f, gpa_t gpa)
{
	*data_pte(f) = gpa | PT_PRESENT_MASK | PT_WRITABLE_MASK | PT_USER_MASK;
}

static void translate_ram_tells_everything(void **state)
{
	struct fixture *f = *state;

	*data_pte(f) |= PT_GLOBAL_MASK;
	assert_int_equal(fixture_translate(f, data_gva + 0x123, USER_WRITE), MMU_OK);
	assert_int_equal(f->page.gpa, fixture_gpa(FIXTURE_DATA));
	assert_int_equal(f->page.kind, MEMSLOT_RAM);
	assert_ptr_equal(f->page.hva, f->ram + FIXTURE_DATA * GUEST_PAGE_SIZE);
	assert_int_equal(f->page.allowed, ALL_RIGHTS);
	assert_true(f->page.user);
	assert_true(f->page.global);
	assert_int_equal(f->page.page_shift, 12);
	assert_int_equal(f->page.slot, 0);
	assert_int_equal(f->page.generation, memslots_snapshot(f->slots, 0)->generation);
	f->regs.cr4 &= ~(uint64_t)X86_CR4_PGE;
	fixture_mode(f);
	assert_int_equal(fixture_translate(f, data_gva, USER_WRITE), MMU_OK);
	assert_false(f->page.global);
}

static void translate_large_page_gives_fragment(void **state)
{
	struct fixture *f = *state;
	gva_t gva = FIXTURE_GVA + 3 * GUEST_PAGE_SIZE + 7;

	*fixture_entry(f, FIXTURE_PD, gva) = 2 * MiB | PT_PAGE_SIZE_MASK | 7;
	assert_int_equal(slot_set(f->slots, 1, 0, 2 * MiB, 2 * MiB, (void *)UINT64_C(0x10000000)),
			 0);
	assert_int_equal(fixture_translate(f, gva, USER_FETCH), MMU_OK);
	assert_int_equal(f->page.gpa, 2 * MiB + (gva & 0x1ff000));
	assert_int_equal((uintptr_t)f->page.hva, 0x10000000 + (gva & 0x1ff000));
	assert_int_equal(f->page.page_shift, 21);
	assert_int_equal(f->page.slot, 1);
	assert_int_equal(f->page.allowed, MMU_READ | MMU_EXEC);
}

static void translate_read_of_clean_page_withholds_write(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(fixture_translate(f, data_gva, USER_READ), MMU_OK);
	assert_int_equal(f->page.allowed, MMU_READ | MMU_EXEC);
	*data_pte(f) |= PT_DIRTY_MASK;
	assert_int_equal(fixture_translate(f, data_gva, USER_READ), MMU_OK);
	assert_int_equal(f->page.allowed, ALL_RIGHTS);
}

static void translate_logged_page_withholds_write_until_written(void **state)
{
	struct fixture *f = *state;
	uint64_t bitmap = 0;

	*data_pte(f) |= PT_DIRTY_MASK | PT_ACCESSED_MASK;
	assert_int_equal(slot_set(f->slots, 0, KVM_MEM_LOG_DIRTY_PAGES, FIXTURE_RAM,
				  FIXTURE_RAM_PAGES * GUEST_PAGE_SIZE, f->ram),
			 0);
	assert_int_equal(fixture_translate(f, data_gva, USER_READ), MMU_OK);
	assert_int_equal(f->page.allowed, MMU_READ | MMU_EXEC);
	assert_int_equal(memslots_get_dirty_log(f->slots, 0, true, &bitmap, 1), 0);
	assert_false(bitmap & BIT64(FIXTURE_DATA));
	assert_int_equal(fixture_translate(f, data_gva, USER_WRITE), MMU_OK);
	assert_int_equal(f->page.allowed, ALL_RIGHTS);
	assert_int_equal(memslots_get_dirty_log(f->slots, 0, true, &bitmap, 1), 0);
	assert_int_equal(bitmap, BIT64(FIXTURE_DATA));
}

static void translate_rom_never_allows_write(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(slot_set(f->slots, 1, KVM_MEM_READONLY, 8 * MiB, MiB, f->ram), 0);
	map_data(f, 8 * MiB);
	assert_int_equal(fixture_translate(f, data_gva, USER_WRITE), MMU_OK);
	assert_int_equal(f->page.kind, MEMSLOT_ROM);
	assert_ptr_equal(f->page.hva, f->ram);
	assert_int_equal(f->page.allowed, MMU_READ | MMU_EXEC);
	/* Paging let the write pass, so D is set although the memory takes none. */
	assert_true(*data_pte(f) & PT_DIRTY_MASK);
}

static void translate_no_slot_is_mmio(void **state)
{
	struct fixture *f = *state;

	map_data(f, UINT64_C(0xfee00000));
	assert_int_equal(fixture_translate(f, data_gva + 0xf0, USER_WRITE), MMU_OK);
	assert_int_equal(f->page.kind, MEMSLOT_MMIO);
	assert_int_equal(f->page.gpa, UINT64_C(0xfee00000));
	assert_null(f->page.hva);
	assert_int_equal(f->page.slot, MMU_NO_SLOT);
	assert_int_equal(f->page.allowed, ALL_RIGHTS);
}

static void translate_other_address_space_sees_its_slots(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(slot_set(f->slots, 1 << 16 | 3, 0, FIXTURE_RAM,
				  FIXTURE_RAM_PAGES * GUEST_PAGE_SIZE, f->ram),
			 0);
	assert_int_equal(mmu_translate(&f->mmu, &f->mode, 1, data_gva, USER_READ, &f->page),
			 MMU_OK);
	assert_int_equal(f->page.slot, 1 << 16 | 3);
}

static void translate_refused_by_rights_faults(void **state)
{
	struct fixture *f = *state;

	*data_pte(f) &= ~PT_USER_MASK;
	assert_page_fault(fixture_translate(f, data_gva + 0xabc, USER_FETCH), &f->page.fault,
			  data_gva + 0xabc,
			  PFERR_PRESENT_MASK | PFERR_USER_MASK | PFERR_FETCH_MASK);
	assert_int_equal(fixture_translate(f, data_gva + 0xabc, PFERR_FETCH_MASK), MMU_OK);
	assert_false(f->page.user);
}

/* A vEPC of four pages; page 3 cannot be had, the others at first touch. */
#define EPC_GPA  (32 * MiB)
#define EPC_HPA  UINT64_C(0x180000000)
#define EPC_SIZE (4 * GUEST_PAGE_SIZE)

struct vepc {
	bool have[4];
	unsigned int allocated;
};

static int vepc_lookup(void *opaque, uint64_t offset, hpa_t *hpa)
{
	struct vepc *vepc = opaque;

	*hpa = EPC_HPA + offset;
	return vepc->have[offset / GUEST_PAGE_SIZE] ? 0 : -ENOENT;
}

static int vepc_allocate(void *opaque, uint64_t offset, hpa_t *hpa)
{
	struct vepc *vepc = opaque;

	if (offset == 3 * GUEST_PAGE_SIZE)
		return -EFAULT;
	vepc->have[offset / GUEST_PAGE_SIZE] = true;
	vepc->allocated++;
	return vepc_lookup(opaque, offset, hpa);
}

static const struct memslot_epc_ops vepc_ops = {vepc_lookup, vepc_allocate};

static void vepc_add(struct fixture *f, struct vepc *vepc)
{
	const struct memslot_epc epc = {.ops = &vepc_ops, .opaque = vepc};
	struct kvm_userspace_memory_region region = {
		.slot = 4,
		.guest_phys_addr = EPC_GPA,
		.memory_size = EPC_SIZE,
		.userspace_addr = GUEST_PAGE_SIZE,
	};

	assert_int_equal(memslots_set(f->slots, &region, &epc), 0);
}

static void translate_epc_allocates_once(void **state)
{
	struct fixture *f = *state;
	struct vepc vepc = {0};

	vepc_add(f, &vepc);
	map_data(f, EPC_GPA + GUEST_PAGE_SIZE);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(fixture_translate(f, data_gva + 8, USER_WRITE), MMU_OK);
		assert_int_equal(f->page.kind, MEMSLOT_EPC);
		assert_int_equal(f->page.hpa, EPC_HPA + GUEST_PAGE_SIZE);
		assert_null(f->page.hva);
		assert_int_equal(f->page.allowed, ALL_RIGHTS);
		assert_int_equal(vepc.allocated, 1);
	}
	map_data(f, EPC_GPA + 3 * GUEST_PAGE_SIZE);
	assert_int_equal(fixture_translate(f, data_gva, USER_READ), MMU_HOST_ERROR);
	assert_int_equal(f->page.host_errno, -EFAULT);
}

static void move_epc_slot_stays_epc(void **state)
{
	struct fixture *f = *state;
	struct vepc vepc = {0};

	vepc_add(f, &vepc);
	assert_int_equal(slot_set(f->slots, 4, 0, EPC_GPA + MiB, EPC_SIZE, (void *)4096), 0);
	map_data(f, EPC_GPA + MiB);
	assert_int_equal(fixture_translate(f, data_gva, USER_READ), MMU_OK);
	assert_int_equal(f->page.kind, MEMSLOT_EPC);
	assert_int_equal(f->page.hpa, EPC_HPA);
}

/* A processor in enclave mode, the enclave being [FIXTURE_GVA, + 2^16), with one page in it. */
struct enclave {
	struct vepc vepc;
	struct sgx_platform platform;
	struct sgx_cpuid cpuid;
	struct sgx_cpu cpu;
	struct epcm_entry *page;
};

static void enclave_init(struct enclave *e, struct fixture *f, uint64_t rwx)
{
	static const struct sgx_identity identity;
	struct epcm_entry *secs;

	memset(e, 0, sizeof(*e));
	assert_int_equal(sgx_platform_init(&e->platform, &identity), 0);
	assert_int_equal(epc_add_section(&e->platform.epc, EPC_HPA, EPC_SIZE, 0), 0);
	vepc_add(f, &e->vepc);
	map_data(f, EPC_GPA + GUEST_PAGE_SIZE);
	secs = epc_lookup(&e->platform.epc, EPC_HPA);
	e->page = epc_lookup(&e->platform.epc, EPC_HPA + GUEST_PAGE_SIZE);
	assert_true(epcm_lock(secs, EPCM_EXCLUSIVE));
	epcm_make_valid(secs, EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_SECS), 0, NULL);
	epcm_unlock(secs, EPCM_EXCLUSIVE);
	assert_true(epcm_lock(secs, EPCM_SHARED));
	assert_true(epcm_lock(e->page, EPCM_EXCLUSIVE));
	epcm_make_valid(e->page, EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_REG) | rwx, data_gva, secs);
	epcm_unlock(e->page, EPCM_EXCLUSIVE);
	epcm_unlock(secs, EPCM_SHARED);
	e->cpuid.leaves = SGX_CPUID_SGX1 | SGX_CPUID_SGX2;
	e->cpu.platform = &e->platform;
	e->cpu.cpuid = &e->cpuid;
	e->cpu.enclave.secs = secs;
	e->cpu.enclave.base = FIXTURE_GVA & ~UINT64_C(0xffff);
	e->cpu.enclave.size = 0x10000;
	f->mmu.sgx = &e->cpu;
}

static enum mmu_status fill(struct fixture *f, gva_t gva, uint32_t access)
{
	memset(&f->page, 0, sizeof(f->page));
	return mmu_fill(&f->mmu, &f->mode, 0, gva, access, &f->page);
}

static void fill_epc_outside_enclave_abort_page(void **state)
{
	struct fixture *f = *state;
	struct enclave e;

	enclave_init(&e, f, EPCM_RWX);
	assert_int_equal(fill(f, data_gva, USER_READ), MMU_OK);
	assert_int_equal(f->page.kind, MEMSLOT_EPC);
	assert_null(f->page.hva);
	sgx_platform_destroy(&e.platform);
}

static void fill_epc_inside_enclave_gives_contents(void **state)
{
	struct fixture *f = *state;
	struct enclave e;

	enclave_init(&e, f, EPCM_R | EPCM_X);
	e.cpu.enclave.active = true;
	*data_pte(f) |= PT_DIRTY_MASK;
	assert_int_equal(fill(f, data_gva, USER_READ), MMU_OK);
	assert_int_equal(f->page.kind, MEMSLOT_EPC);
	assert_ptr_equal(f->page.hva, epcm_page(e.page));
	/* Paging would allow the write, EPCM does not. */
	assert_int_equal(f->page.allowed, MMU_READ | MMU_EXEC);
	assert_page_fault(fill(f, data_gva, USER_WRITE), &f->page.fault, data_gva,
			  PFERR_PRESENT_MASK | PFERR_SGX_MASK | PFERR_WRITE_MASK | PFERR_USER_MASK);
	sgx_platform_destroy(&e.platform);
}

/* SDM "Access-control Requirements": ordinary faults come first. */
static void fill_paging_fault_ranks_before_epcm(void **state)
{
	struct fixture *f = *state;
	struct enclave e;

	enclave_init(&e, f, EPCM_R);
	e.cpu.enclave.active = true;
	*data_pte(f) &= ~PT_WRITABLE_MASK;
	assert_page_fault(fill(f, data_gva, USER_WRITE), &f->page.fault, data_gva,
			  PFERR_PRESENT_MASK | PFERR_WRITE_MASK | PFERR_USER_MASK);
	sgx_platform_destroy(&e.platform);
}

#define PAGE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

const struct CMUnitTest page_tests[] = {
	PAGE_TEST(translate_ram_tells_everything),
	PAGE_TEST(translate_large_page_gives_fragment),
	PAGE_TEST(translate_read_of_clean_page_withholds_write),
	PAGE_TEST(translate_logged_page_withholds_write_until_written),
	PAGE_TEST(translate_rom_never_allows_write),
	PAGE_TEST(translate_no_slot_is_mmio),
	PAGE_TEST(translate_other_address_space_sees_its_slots),
	PAGE_TEST(translate_refused_by_rights_faults),
	PAGE_TEST(translate_epc_allocates_once),
	PAGE_TEST(move_epc_slot_stays_epc),
	PAGE_TEST(fill_epc_outside_enclave_abort_page),
	PAGE_TEST(fill_epc_inside_enclave_gives_contents),
	PAGE_TEST(fill_paging_fault_ranks_before_epcm),
};
const size_t page_test_count = ARRAY_SIZE(page_tests);
