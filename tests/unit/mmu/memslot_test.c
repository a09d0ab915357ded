// SPDX-License-Identifier: GPL-2.0-or-later
/* KVM_SET_USER_MEMORY_REGION, KVM_GET_DIRTY_LOG and KVM_CLEAR_DIRTY_LOG as api.rst has them. */
#include "tests.h"

#define HVA      ((void *)UINT64_C(0x7f0000000000)) /* never touched */
#define PAGES(n) ((n)*GUEST_PAGE_SIZE)

static int slots_setup(void **state)
{
	*state = slots_new(40);
	return 0;
}

static int slots_teardown(void **state)
{
	memslots_free(*state);
	return 0;
}

/* The slot number at @gpa, or -1. */
static int slot_at(const struct memslots *slots, unsigned int as_id, gpa_t gpa)
{
	unsigned int hint = 0;
	const struct memslot *slot = memslot_lookup(memslots_snapshot(slots, as_id), gpa, &hint);

	return slot ? slot->id : -1;
}

static const struct memslot *lookup(const struct memslots *slots, gpa_t gpa)
{
	unsigned int hint = UINT32_MAX;

	return memslot_lookup(memslots_snapshot(slots, 0), gpa, &hint);
}

/* The call fails with @err, and neither the arrays nor the readers notice anything. */
static void assert_refused(struct memslots *slots, int err, uint32_t slot, uint32_t flags,
			   gpa_t gpa, uint64_t size, void *hva)
{
	const struct memslot_array *before[] = {memslots_snapshot(slots, 0),
						memslots_snapshot(slots, 1)};
	unsigned int synchronized = slots_synchronized;
	uint64_t generation = slots->generation;

	assert_int_equal(slot_set(slots, slot, flags, gpa, size, hva), err);
	assert_ptr_equal(memslots_snapshot(slots, 0), before[0]);
	assert_ptr_equal(memslots_snapshot(slots, 1), before[1]);
	assert_int_equal(slots->generation, generation);
	assert_int_equal(slots_synchronized, synchronized);
}

static void set_unaligned_einval(void **state)
{
	assert_refused(*state, -EINVAL, 0, 0, 0x800, PAGES(1), HVA);
	assert_refused(*state, -EINVAL, 0, 0, 0, PAGES(1) + 1, HVA);
	assert_refused(*state, -EINVAL, 0, 0, 0, PAGES(1), (uint8_t *)HVA + 8);
}

static void set_unknown_flag_einval(void **state)
{
	assert_refused(*state, -EINVAL, 0, 1 << 2, 0, PAGES(1), HVA);
	assert_refused(*state, -EINVAL, 0, UINT32_C(1) << 31, 0, PAGES(1), HVA);
}

static void set_slot_out_of_range_einval(void **state)
{
	assert_refused(*state, -EINVAL, MEMSLOT_MAX_SLOTS, 0, 0, PAGES(1), HVA);
	assert_refused(*state, -EINVAL, 0xffff, 0, 0, PAGES(1), HVA);
	assert_refused(*state, -EINVAL, 2 << 16, 0, 0, PAGES(1), HVA);
	assert_int_equal(slot_set(*state, MEMSLOT_MAX_SLOTS - 1, 0, 0, PAGES(1), HVA), 0);
	assert_int_equal(slot_set(*state, 1 << 16, 0, 0, PAGES(1), HVA), 0);
}

static void set_range_out_of_bounds_einval(void **state)
{
	const gpa_t end = UINT64_C(1) << 40;

	assert_refused(*state, -EINVAL, 0, 0, ~UINT64_C(0xfff), PAGES(2), HVA);
	assert_refused(*state, -EINVAL, 0, 0, end, PAGES(1), HVA);
	assert_refused(*state, -EINVAL, 0, 0, end - PAGES(1), PAGES(2), HVA);
	assert_refused(*state, -EINVAL, 0, 0, 0, (MEMSLOT_MAX_PAGES + 1) << 12, NULL);
	assert_refused(*state, -EINVAL, 0, 0, 0, UINT64_C(1) << 63, NULL);
	assert_int_equal(slot_set(*state, 0, 0, end - PAGES(1), PAGES(1), HVA), 0);
	assert_int_equal(slot_at(*state, 0, end - 1), 0);
	assert_int_equal(slot_at(*state, 0, end), -1);
}

/* access_ok(): the memory lies in what the host gives to user space. */
static void set_kernel_address_einval(void **state)
{
	assert_refused(*state, -EINVAL, 0, 0, 0, PAGES(1), (void *)UINT64_C(0x7ffffffff000));
	assert_refused(*state, -EINVAL, 0, 0, 0, PAGES(2), (void *)UINT64_C(0x7fffffffe000));
	assert_refused(*state, -EINVAL, 0, 0, 0, PAGES(1), (void *)UINT64_C(0xffff800000000000));
	assert_int_equal(slot_set(*state, 0, 0, 0, PAGES(1), (void *)UINT64_C(0x7fffffffe000)), 0);
}

static void delete_absent_einval(void **state)
{
	assert_refused(*state, -EINVAL, 3, 0, 0, 0, HVA);
	assert_int_equal(slot_set(*state, 3, 0, 0, PAGES(1), HVA), 0);
	assert_refused(*state, -EINVAL, 3 | 1 << 16, 0, 0, 0, HVA);
	assert_int_equal(slot_set(*state, 3, 0, 0, 0, HVA), 0);
	assert_refused(*state, -EINVAL, 3, 0, 0, 0, HVA);
	assert_int_equal(slot_at(*state, 0, 0), -1);
}

static void change_size_address_or_readonly_einval(void **state)
{
	assert_int_equal(slot_set(*state, 1, 0, PAGES(4), PAGES(4), HVA), 0);
	assert_int_equal(slot_set(*state, 2, KVM_MEM_READONLY, PAGES(9), PAGES(1), HVA), 0);
	assert_refused(*state, -EINVAL, 1, 0, PAGES(4), PAGES(5), HVA);
	assert_refused(*state, -EINVAL, 1, 0, PAGES(4), PAGES(3), HVA);
	assert_refused(*state, -EINVAL, 1, 0, PAGES(4), PAGES(4), (uint8_t *)HVA + PAGES(1));
	assert_refused(*state, -EINVAL, 1, KVM_MEM_READONLY, PAGES(4), PAGES(4), HVA);
	assert_refused(*state, -EINVAL, 2, 0, PAGES(9), PAGES(1), HVA);
}

static void set_overlap_eexist(void **state)
{
	assert_int_equal(slot_set(*state, 1, 0, PAGES(4), PAGES(4), HVA), 0);
	assert_int_equal(slot_set(*state, 2, 0, PAGES(12), PAGES(4), HVA), 0);
	assert_refused(*state, -EEXIST, 3, 0, PAGES(4), PAGES(4), HVA);
	assert_refused(*state, -EEXIST, 3, 0, PAGES(5), PAGES(1), HVA);
	assert_refused(*state, -EEXIST, 3, 0, PAGES(3), PAGES(2), HVA);
	assert_refused(*state, -EEXIST, 3, 0, PAGES(7), PAGES(2), HVA);
	assert_refused(*state, -EEXIST, 3, 0, PAGES(3), PAGES(20), HVA);
	assert_refused(*state, -EEXIST, 3, 0, PAGES(8), PAGES(5), HVA);
	assert_refused(*state, -EEXIST, 1, 0, PAGES(9), PAGES(4), HVA);
	assert_refused(*state, -EEXIST, 2, 0, PAGES(7), PAGES(4), HVA);
	assert_int_equal(slot_set(*state, 3, 0, PAGES(8), PAGES(4), HVA), 0);
	/* The address spaces know nothing of each other. */
	assert_int_equal(slot_set(*state, 3 | 1 << 16, 0, PAGES(4), PAGES(4), HVA), 0);
}

static void set_same_again_changes_nothing(void **state)
{
	assert_int_equal(slot_set(*state, 1, 0, PAGES(4), PAGES(4), HVA), 0);
	assert_refused(*state, 0, 1, 0, PAGES(4), PAGES(4), HVA);
}

static void move_onto_itself_moves(void **state)
{
	unsigned int synchronized = slots_synchronized;

	assert_int_equal(slot_set(*state, 0, 0, PAGES(2), PAGES(1), HVA), 0);
	assert_int_equal(slot_set(*state, 1, 0, PAGES(4), PAGES(4), HVA), 0);
	assert_int_equal(slot_set(*state, 1, 0, PAGES(5), PAGES(4), HVA), 0);
	assert_int_equal(slots_synchronized - synchronized, 3);
	assert_int_equal(slot_at(*state, 0, PAGES(4)), -1);
	assert_int_equal(slot_at(*state, 0, PAGES(8)), 1);
	assert_int_equal(slot_set(*state, 1, 0, PAGES(0), PAGES(4), HVA), -EEXIST);
	assert_int_equal(slot_set(*state, 0, 0, PAGES(20), PAGES(1), HVA), 0);
	assert_int_equal(slot_set(*state, 1, 0, PAGES(0), PAGES(4), HVA), 0);
	assert_int_equal(slot_at(*state, 0, PAGES(3)), 1);
	assert_int_equal(slot_at(*state, 0, PAGES(20)), 0);
	assert_int_equal(memslots_snapshot(*state, 0)->count, 2);
}

static void lookup_any_address_finds_owner(void **state)
{
	struct memslots *slots = *state;
	unsigned int hint = 12345;

	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(slot_set(slots, i, 0, PAGES(UINT64_C(3) * ((i * 37) % 100) + 1),
					  PAGES(2), HVA),
				 0);
	for (unsigned int i = 0; i < 100; i++) {
		gpa_t base = PAGES(UINT64_C(3) * ((i * 37) % 100) + 1);
		const struct memslot_array *array = memslots_snapshot(slots, 0);

		assert_int_equal(memslot_lookup(array, base, &hint)->id, i);
		assert_int_equal(memslot_lookup(array, base + PAGES(2) - 1, &hint)->id, i);
		assert_null(memslot_lookup(array, base - 1, &hint));
		assert_null(memslot_lookup(array, base + PAGES(2), &hint));
	}
	assert_int_equal(slot_at(slots, 0, UINT64_C(1) << 52), -1);
	assert_int_equal(slot_at(slots, 0, UINT64_MAX), -1);
	assert_int_equal(slot_at(slots, 1, PAGES(1)), -1);
}

static void set_all_slots_all_found(void **state)
{
	struct memslots *slots = *state;

	for (unsigned int i = 0; i < MEMSLOT_MAX_SLOTS; i++)
		assert_int_equal(slot_set(slots, MEMSLOT_MAX_SLOTS - 1 - i, 0, PAGES((gpa_t)i * 2),
					  PAGES(1), HVA),
				 0);
	assert_int_equal(memslots_snapshot(slots, 0)->count, MEMSLOT_MAX_SLOTS);
	for (unsigned int i = 0; i < MEMSLOT_MAX_SLOTS; i++) {
		assert_int_equal(slot_at(slots, 0, PAGES((gpa_t)i * 2)), MEMSLOT_MAX_SLOTS - 1 - i);
		assert_int_equal(slot_at(slots, 0, PAGES((gpa_t)i * 2 + 1)), -1);
	}
}

static void set_each_change_grows_generation(void **state)
{
	struct memslots *slots = *state;
	uint64_t last = memslots_snapshot(slots, 0)->generation;

	for (unsigned int i = 0; i < 6; i++) {
		unsigned int as = i % 2;

		assert_int_equal(slot_set(slots, as << 16, 0, PAGES(i), PAGES(1), HVA), 0);
		assert_true(memslots_snapshot(slots, as)->generation > last);
		last = memslots_snapshot(slots, as)->generation;
	}
}

static bool is_dirty(struct memslots *slots, uint32_t slot, bool clear, uint64_t page)
{
	uint64_t bitmap[2] = {0};

	assert_int_equal(memslots_get_dirty_log(slots, slot, clear, bitmap, 2), 0);
	return bitmap[page / 64] >> page % 64 & 1;
}

static void get_dirty_log_wrong_slot_errors(void **state)
{
	uint64_t bitmap[2];

	assert_int_equal(slot_set(*state, 0, 0, 0, PAGES(65), HVA), 0);
	assert_int_equal(slot_set(*state, 1, KVM_MEM_LOG_DIRTY_PAGES, PAGES(80), PAGES(65), HVA),
			 0);
	assert_int_equal(memslots_get_dirty_log(*state, 0, true, bitmap, 2), -ENOENT);
	assert_int_equal(memslots_get_dirty_log(*state, 7, true, bitmap, 2), -ENOENT);
	assert_int_equal(memslots_get_dirty_log(*state, 1 | 1 << 16, true, bitmap, 2), -ENOENT);
	assert_int_equal(memslots_get_dirty_log(*state, 2 << 16, true, bitmap, 2), -EINVAL);
	assert_int_equal(memslots_get_dirty_log(*state, 32764, true, bitmap, 2), -EINVAL);
	assert_int_equal(memslots_get_dirty_log(*state, 1, true, bitmap, 1), -EINVAL);
	assert_int_equal(memslots_get_dirty_log(*state, 1, true, bitmap, 2), 0);
}

static void mark_dirty_then_get_clears(void **state)
{
	unsigned int synchronized;

	assert_int_equal(slot_set(*state, 1, KVM_MEM_LOG_DIRTY_PAGES, PAGES(80), PAGES(65), HVA),
			 0);
	assert_false(is_dirty(*state, 1, true, 64));
	memslot_mark_dirty(lookup(*state, PAGES(144)), PAGES(144) + 5);
	assert_true(is_dirty(*state, 1, false, 64));
	synchronized = slots_synchronized;
	assert_true(is_dirty(*state, 1, true, 64));
	assert_int_equal(slots_synchronized - synchronized, 1);
	assert_false(is_dirty(*state, 1, true, 64));
	/* No bit was set, so there is no write entry that could be stale. */
	assert_int_equal(slots_synchronized - synchronized, 1);
}

static void move_slot_keeps_log(void **state)
{
	assert_int_equal(slot_set(*state, 1, KVM_MEM_LOG_DIRTY_PAGES, 0, PAGES(65), HVA), 0);
	memslot_mark_dirty(lookup(*state, PAGES(3)), PAGES(3));
	assert_int_equal(slot_set(*state, 1, KVM_MEM_LOG_DIRTY_PAGES, PAGES(1), PAGES(65), HVA), 0);
	assert_true(is_dirty(*state, 1, false, 3));
	/* A refused move leaves the log with its slot. */
	assert_int_equal(slot_set(*state, 2, 0, PAGES(200), PAGES(1), HVA), 0);
	assert_refused(*state, -EEXIST, 1, KVM_MEM_LOG_DIRTY_PAGES, PAGES(180), PAGES(65), HVA);
	assert_true(is_dirty(*state, 1, false, 3));
}

static void toggle_log_starts_clean(void **state)
{
	struct memslots *slots = *state;

	assert_int_equal(slot_set(slots, 1, KVM_MEM_LOG_DIRTY_PAGES, 0, PAGES(65), HVA), 0);
	memslot_mark_dirty(lookup(slots, 0), 0);
	assert_int_equal(slot_set(slots, 1, 0, 0, PAGES(65), HVA), 0);
	assert_null(lookup(slots, 0)->dirty);
	memslot_mark_dirty(lookup(slots, 0), 0);
	assert_int_equal(slot_set(slots, 1, KVM_MEM_LOG_DIRTY_PAGES, 0, PAGES(65), HVA), 0);
	assert_false(is_dirty(slots, 1, false, 0));
	assert_int_equal(slot_set(slots, 1, 0, 0, PAGES(65), HVA), 0);
	slots->dirty_initially_set = true;
	assert_int_equal(slot_set(slots, 1, KVM_MEM_LOG_DIRTY_PAGES, 0, PAGES(65), HVA), 0);
	assert_true(is_dirty(slots, 1, false, 64));
	assert_false(is_dirty(slots, 1, false, 65));
}

static void clear_dirty_log_bad_range_einval(void **state)
{
	uint64_t bitmap[3] = {~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0)};

	assert_int_equal(slot_set(*state, 1, KVM_MEM_LOG_DIRTY_PAGES, 0, PAGES(130), HVA), 0);
	memslot_mark_dirty(lookup(*state, 0), PAGES(1));
	assert_int_equal(memslots_clear_dirty_log(*state, 2, 0, 64, bitmap), -ENOENT);
	assert_int_equal(memslots_clear_dirty_log(*state, 1, 1, 64, bitmap), -EINVAL);
	assert_int_equal(memslots_clear_dirty_log(*state, 1, 0, 63, bitmap), -EINVAL);
	assert_int_equal(memslots_clear_dirty_log(*state, 1, 128, 64, bitmap), -EINVAL);
	assert_int_equal(memslots_clear_dirty_log(*state, 1, 192, 0, bitmap), -EINVAL);
	assert_int_equal(memslots_clear_dirty_log(*state, 1, 64, UINT64_MAX & ~63, bitmap),
			 -EINVAL);
	assert_int_equal(memslots_get_dirty_log(*state, 1, false, bitmap, 3), 0);
	assert_int_equal(bitmap[0], 2);
}

static void clear_dirty_log_clears_what_is_asked(void **state)
{
	uint64_t bitmap[3] = {0};

	assert_int_equal(slot_set(*state, 1, KVM_MEM_LOG_DIRTY_PAGES, 0, PAGES(130), HVA), 0);
	for (unsigned int page = 0; page < 130; page++)
		memslot_mark_dirty(lookup(*state, 0), PAGES(page));
	bitmap[0] = 0xf0;
	bitmap[1] = 3;
	assert_int_equal(memslots_clear_dirty_log(*state, 1, 64, 66, bitmap), 0);
	assert_int_equal(memslots_get_dirty_log(*state, 1, false, bitmap, 3), 0);
	assert_int_equal(bitmap[0], ~UINT64_C(0));
	assert_int_equal(bitmap[1], ~UINT64_C(0xf0));
	assert_int_equal(bitmap[2], 0);
}

#define SLOTS_TEST(name) cmocka_unit_test_setup_teardown(name, slots_setup, slots_teardown)

const struct CMUnitTest memslot_tests[] = {
	SLOTS_TEST(set_unaligned_einval),
	SLOTS_TEST(set_unknown_flag_einval),
	SLOTS_TEST(set_slot_out_of_range_einval),
	SLOTS_TEST(set_range_out_of_bounds_einval),
	SLOTS_TEST(set_kernel_address_einval),
	SLOTS_TEST(delete_absent_einval),
	SLOTS_TEST(change_size_address_or_readonly_einval),
	SLOTS_TEST(set_overlap_eexist),
	SLOTS_TEST(set_same_again_changes_nothing),
	SLOTS_TEST(move_onto_itself_moves),
	SLOTS_TEST(lookup_any_address_finds_owner),
	SLOTS_TEST(set_all_slots_all_found),
	SLOTS_TEST(set_each_change_grows_generation),
	SLOTS_TEST(get_dirty_log_wrong_slot_errors),
	SLOTS_TEST(mark_dirty_then_get_clears),
	SLOTS_TEST(move_slot_keeps_log),
	SLOTS_TEST(toggle_log_starts_clean),
	SLOTS_TEST(clear_dirty_log_bad_range_einval),
	SLOTS_TEST(clear_dirty_log_clears_what_is_asked),
};
const size_t memslot_test_count = ARRAY_SIZE(memslot_tests);
