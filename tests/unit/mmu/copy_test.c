// SPDX-License-Identifier: GPL-2.0-or-later
/* Copies to and from linear addresses: across pages, and whole or not at all. */
#include "tests.h"

/* The last four pages of the RAM: adjacent for the guest, in reverse in memory. */
#define FIRST (FIXTURE_RAM_PAGES - 4)

static const gva_t base_gva = FIXTURE_GVA + FIRST * GUEST_PAGE_SIZE;

static int copy_setup(void **state)
{
	struct fixture *f;

	fixture_setup(state);
	f = *state;
	for (unsigned int i = 0; i < 4; i++)
		*fixture_entry(f, FIXTURE_PT, fixture_gva(FIRST + i)) =
			fixture_gpa(FIRST + 3 - i) | 7;
	return 0;
}

/* The byte of memory behind @offset from base_gva. */
static uint8_t *byte_at(struct fixture *f, uint64_t offset)
{
	uint64_t page = FIRST + 3 - offset / GUEST_PAGE_SIZE;

	return f->ram + page * GUEST_PAGE_SIZE + offset % GUEST_PAGE_SIZE;
}

static enum mmu_status read_guest(struct fixture *f, gva_t gva, void *dst, size_t len)
{
	memset(&f->page, 0, sizeof(f->page));
	return mmu_read(&f->mmu, &f->mode, 0, gva, dst, len, PFERR_USER_MASK, &f->page);
}

static enum mmu_status write_guest(struct fixture *f, gva_t gva, const void *src, size_t len)
{
	memset(&f->page, 0, sizeof(f->page));
	return mmu_write(&f->mmu, &f->mode, 0, gva, src, len, PFERR_USER_MASK, &f->page);
}

static void copy_any_offset_and_length_moves_exactly(void **state)
{
	static const size_t lengths[] = {0, 1, 2, 3, 4, 7, 8, 16, 63, 512, 4095, 4096};
	static uint8_t from[MMU_MAX_COPY], to[MMU_MAX_COPY];
	struct fixture *f = *state;

	for (unsigned int i = 0; i < sizeof(from); i++)
		from[i] = (uint8_t)(i * 7 + 1);
	for (unsigned int n = 0; n < ARRAY_SIZE(lengths); n++) {
		for (unsigned int offset = 4096 - 17; offset < 4096 + 9; offset++) {
			size_t len = lengths[n];

			memset(f->ram + FIRST * GUEST_PAGE_SIZE, 0, 4 * GUEST_PAGE_SIZE);
			memset(to, 0, sizeof(to));
			assert_int_equal(write_guest(f, base_gva + offset, from, len), MMU_OK);
			assert_int_equal(read_guest(f, base_gva + offset, to, len), MMU_OK);
			assert_memory_equal(from, to, len);
			assert_true(is_zero(to + len, sizeof(to) - len));
			assert_int_equal(*byte_at(f, offset - 1), 0);
			assert_int_equal(*byte_at(f, offset + len), 0);
			for (size_t i = 0; i < len; i++)
				assert_int_equal(*byte_at(f, offset + i), from[i]);
		}
	}
}

static void copy_too_long_einval(void **state)
{
	static uint8_t buffer[MMU_MAX_COPY + 1];
	struct fixture *f = *state;

	assert_int_equal(read_guest(f, base_gva, buffer, sizeof(buffer)), MMU_HOST_ERROR);
	assert_int_equal(f->page.host_errno, -EINVAL);
}

/* The fault is that of the byte which cannot be had, and no byte has moved. */
static void write_second_page_faults_nothing_written(void **state)
{
	static const uint8_t data[64] = {1, 2, 3};
	struct fixture *f = *state;
	const gva_t second = base_gva + GUEST_PAGE_SIZE;

	*fixture_entry(f, FIXTURE_PT, second) &= ~PT_WRITABLE_MASK;
	assert_page_fault(write_guest(f, second - 10, data, sizeof(data)), &f->page.fault, second,
			  PFERR_PRESENT_MASK | PFERR_WRITE_MASK | PFERR_USER_MASK);
	assert_true(is_zero(f->ram + FIRST * GUEST_PAGE_SIZE, 4 * GUEST_PAGE_SIZE));
	*fixture_entry(f, FIXTURE_PT, base_gva) = 0;
	assert_page_fault(write_guest(f, second - 10, data, sizeof(data)), &f->page.fault,
			  second - 10, PFERR_WRITE_MASK | PFERR_USER_MASK);
}

static void read_second_page_faults_nothing_read(void **state)
{
	uint8_t data[64], before[64];
	struct fixture *f = *state;
	const gva_t second = base_gva + GUEST_PAGE_SIZE;

	*fixture_entry(f, FIXTURE_PT, second) = 0;
	memset(data, 0x33, sizeof(data));
	memcpy(before, data, sizeof(data));
	assert_page_fault(read_guest(f, second - 10, data, sizeof(data)), &f->page.fault, second,
			  PFERR_USER_MASK);
	assert_memory_equal(data, before, sizeof(data));
}

static void copy_touching_mmio_device(void **state)
{
	uint8_t data[64] = {1};
	struct fixture *f = *state;
	const gva_t second = base_gva + GUEST_PAGE_SIZE;

	*fixture_entry(f, FIXTURE_PT, second) = UINT64_C(0xfed00007);
	assert_int_equal(write_guest(f, second - 10, data, sizeof(data)), MMU_DEVICE);
	assert_int_equal(f->page.kind, MEMSLOT_MMIO);
	assert_int_equal(f->page.gpa, UINT64_C(0xfed00000));
	assert_true(is_zero(f->ram + FIRST * GUEST_PAGE_SIZE, 4 * GUEST_PAGE_SIZE));
	assert_int_equal(read_guest(f, second, data, 4), MMU_DEVICE);
}

static void copy_rom_reads_but_does_not_write(void **state)
{
	uint8_t *rom = host_map(GUEST_PAGE_SIZE);
	uint8_t data[8] = {9};
	struct fixture *f = *state;

	rom[5] = 0x44;
	assert_int_equal(slot_set(f->slots, 1, KVM_MEM_READONLY, 64 * MiB, GUEST_PAGE_SIZE, rom),
			 0);
	*fixture_entry(f, FIXTURE_PT, base_gva) = 64 * MiB | 7;
	assert_int_equal(read_guest(f, base_gva + 5, data, 1), MMU_OK);
	assert_int_equal(data[0], 0x44);
	assert_int_equal(write_guest(f, base_gva + 6, data, 8), MMU_DEVICE);
	assert_int_equal(f->page.kind, MEMSLOT_ROM);
	assert_int_equal(rom[6], 0);
	host_unmap(rom, GUEST_PAGE_SIZE);
}

static int one_epc_page(void *opaque, uint64_t offset, hpa_t *hpa)
{
	*hpa = UINT64_C(0x100000000);
	return 0;
}

/* SDM "Enclave Page Cache": accesses from outside an enclave are those of the abort page. */
static void copy_abort_page_reads_ones(void **state)
{
	static const struct memslot_epc_ops ops = {one_epc_page, one_epc_page};
	const struct memslot_epc epc = {.ops = &ops};
	struct kvm_userspace_memory_region region = {
		.slot = 1,
		.guest_phys_addr = 64 * MiB,
		.memory_size = GUEST_PAGE_SIZE,
	};
	uint8_t data[20] = {0};
	struct fixture *f = *state;

	assert_int_equal(memslots_set(f->slots, &region, &epc), 0);
	*fixture_entry(f, FIXTURE_PT, base_gva) = 64 * MiB | 7;
	assert_int_equal(write_guest(f, base_gva + GUEST_PAGE_SIZE - 10, data, sizeof(data)),
			 MMU_OK);
	assert_int_equal(read_guest(f, base_gva + GUEST_PAGE_SIZE - 10, data, sizeof(data)),
			 MMU_OK);
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(data[i], i < 10 ? 0xff : 0);
}

static void write_is_logged_and_announced(void **state)
{
	static const uint8_t data[16] = {1};
	struct fixture *f = *state;
	uint64_t bitmap;

	assert_int_equal(write_guest(f, base_gva + GUEST_PAGE_SIZE - 1, data, 16), MMU_OK);
	assert_int_equal(f->written_gpa, fixture_gpa(FIRST + 2));
	assert_int_equal(f->written_len, 15);
	assert_int_equal(slot_set(f->slots, 0, KVM_MEM_LOG_DIRTY_PAGES, FIXTURE_RAM,
				  FIXTURE_RAM_PAGES * GUEST_PAGE_SIZE, f->ram),
			 0);
	f->written = 0;
	assert_int_equal(write_guest(f, base_gva + GUEST_PAGE_SIZE - 1, data, 16), MMU_OK);
	assert_int_equal(f->written, 2);
	assert_int_equal(memslots_get_dirty_log(f->slots, 0, true, &bitmap, 1), 0);
	assert_int_equal(bitmap, BIT64(FIRST + 3) | BIT64(FIRST + 2));
}

static void copy_unmapped_memory_efault(void **state)
{
	uint8_t *gone = host_map(GUEST_PAGE_SIZE);
	uint8_t data[24] = {0};
	struct fixture *f = *state;

	guest_fault_handler_install();
	assert_int_equal(slot_set(f->slots, 1, 0, 64 * MiB, GUEST_PAGE_SIZE, gone), 0);
	host_unmap(gone, GUEST_PAGE_SIZE);
	*fixture_entry(f, FIXTURE_PT, base_gva) = 64 * MiB | 7;
	assert_int_equal(read_guest(f, base_gva, data, 8), MMU_HOST_ERROR);
	assert_int_equal(f->page.host_errno, -EFAULT);
	assert_int_equal(write_guest(f, base_gva + 1, data, sizeof(data)), MMU_HOST_ERROR);
	assert_int_equal(f->page.host_errno, -EFAULT);
}

#define COPY_TEST(name) cmocka_unit_test_setup_teardown(name, copy_setup, fixture_teardown)

const struct CMUnitTest copy_tests[] = {
	COPY_TEST(copy_any_offset_and_length_moves_exactly),
	COPY_TEST(copy_too_long_einval),
	COPY_TEST(write_second_page_faults_nothing_written),
	COPY_TEST(read_second_page_faults_nothing_read),
	COPY_TEST(copy_touching_mmio_device),
	COPY_TEST(copy_rom_reads_but_does_not_write),
	COPY_TEST(copy_abort_page_reads_ones),
	COPY_TEST(write_is_logged_and_announced),
	COPY_TEST(copy_unmapped_memory_efault),
};
const size_t copy_test_count = ARRAY_SIZE(copy_tests);
