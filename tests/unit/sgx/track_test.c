// SPDX-License-Identifier: GPL-2.0-or-later
/* Tracking without leaves: the two counts beside the epoch against a list of processors. */
#include "tests.h"

#include <pthread.h>

static struct epcm_entry fresh_secs(void)
{
	struct epcm_entry secs;

	memset((void *)&secs, 0, sizeof(secs));
	track_reset(&secs);
	return secs;
}

static void track_reset_starts_at_epoch_one_with_nobody_inside(void **state)
{
	struct epcm_entry secs = fresh_secs();

	assert_int_equal(track_epoch(&secs), 1);
	assert_false(track_is_active(&secs));
	assert_true(track_is_complete(&secs, track_epoch_complete(&secs)));
	assert_false(track_is_complete(&secs, 1));
}

static void enter_returns_current_epoch(void **state)
{
	struct epcm_entry secs = fresh_secs();
	uint32_t epoch;

	assert_true(track_enter(&secs, &epoch));
	assert_int_equal(epoch, 1);
	assert_true(track_is_active(&secs));
	assert_true(track_new_epoch(&secs));
	assert_true(track_is_active(&secs));
	track_leave(&secs, epoch);
	assert_false(track_is_active(&secs));
	assert_true(track_enter(&secs, &epoch));
	assert_int_equal(epoch, 2);
}

static void new_epoch_refused_until_earlier_ones_left(void **state)
{
	struct epcm_entry secs = fresh_secs();
	uint32_t old, young;

	assert_true(track_enter(&secs, &old));
	assert_true(track_new_epoch(&secs));
	assert_true(track_enter(&secs, &young));
	assert_false(track_new_epoch(&secs));
	assert_int_equal(track_epoch(&secs), 2);
	track_leave(&secs, old);
	assert_true(track_new_epoch(&secs));
	assert_int_equal(track_epoch(&secs), 3);
	track_leave(&secs, young);
	assert_false(track_is_active(&secs));
}

/* The page's epoch is in the past, and nobody is inside since then. */
static void page_complete_after_epoch_and_exits(void **state)
{
	struct epcm_entry secs = fresh_secs();
	uint32_t page, before, after;

	assert_true(track_enter(&secs, &before));
	page = track_epoch(&secs);
	assert_true(track_new_epoch(&secs));
	assert_true(track_enter(&secs, &after));
	assert_false(track_is_complete(&secs, page));
	track_leave(&secs, before);
	assert_true(track_is_complete(&secs, page));
	assert_false(track_is_complete(&secs, after));
	assert_true(track_new_epoch(&secs));
	assert_true(track_is_complete(&secs, page));
	assert_false(track_is_complete(&secs, after));
}

/* Every processor that the limit allows is inside; ETRACK makes room in the current epoch. */
static void enter_refused_beyond_the_limit(void **state)
{
	struct epcm_entry secs = fresh_secs();
	uint32_t epoch;

	for (unsigned int i = 0; i < TRACK_MAX_INSIDE; i++)
		assert_true(track_enter(&secs, &epoch));
	assert_false(track_enter(&secs, &epoch));
	assert_int_equal(track_epoch(&secs), 1);
	assert_true(track_new_epoch(&secs));
	for (unsigned int i = 0; i < TRACK_MAX_INSIDE; i++) {
		assert_false(track_new_epoch(&secs));
		assert_false(track_is_complete(&secs, 1));
		track_leave(&secs, 1);
	}
	assert_true(track_is_complete(&secs, 1));
	assert_false(track_is_active(&secs));
}

static void both_counts_full_do_not_touch_each_other(void **state)
{
	struct epcm_entry secs = fresh_secs();
	uint32_t epoch;

	for (unsigned int i = 0; i < TRACK_MAX_INSIDE; i++)
		assert_true(track_enter(&secs, &epoch));
	assert_true(track_new_epoch(&secs));
	for (unsigned int i = 0; i < TRACK_MAX_INSIDE; i++)
		assert_true(track_enter(&secs, &epoch));
	assert_false(track_enter(&secs, &epoch));
	for (unsigned int i = 0; i < TRACK_MAX_INSIDE; i++)
		track_leave(&secs, 2);
	assert_true(track_is_active(&secs));
	assert_false(track_is_complete(&secs, 1));
	for (unsigned int i = 0; i < TRACK_MAX_INSIDE; i++)
		track_leave(&secs, 1);
	assert_false(track_is_active(&secs));
}

static void epoch_wraps_around(void **state)
{
	struct epcm_entry secs = fresh_secs();
	uint32_t epoch;

	atomic_store(&secs.track, UINT32_MAX);
	assert_true(track_enter(&secs, &epoch));
	assert_int_equal(epoch, UINT32_MAX);
	assert_true(track_new_epoch(&secs));
	assert_int_equal(track_epoch(&secs), 0);
	assert_false(track_is_complete(&secs, UINT32_MAX));
	assert_true(track_is_complete(&secs, track_epoch_complete(&secs)));
	track_leave(&secs, epoch);
	assert_true(track_is_complete(&secs, UINT32_MAX));
	assert_false(track_is_active(&secs));
}

static void mark_page_records_epoch_and_flags(void **state)
{
	struct epcm_entry secs = fresh_secs();
	struct epcm_entry e;

	memset((void *)&e, 0, sizeof(e));
	atomic_store(&e.state, EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_RWX);
	assert_true(track_new_epoch(&secs));
	track_mark_page(&e, &secs, EPCM_W, EPCM_BLOCKED);
	assert_int_equal(epcm_epoch(epcm_state(&e)), 2);
	assert_int_equal(epcm_state(&e) & EPCM_FLAGS_MASK,
			 EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_X | EPCM_BLOCKED);
}

#define LIST_PROCESSORS 12
#define LIST_STEPS      200000

/* The rule in the SDM's own words, over a list of processors. */
struct list {
	uint32_t epoch;
	uint32_t entry[LIST_PROCESSORS]; /* 0: outside */
};

static bool inside_since(const struct list *l, uint32_t epoch)
{
	for (unsigned int i = 0; i < LIST_PROCESSORS; i++)
		if (l->entry[i] && l->entry[i] <= epoch)
			return true;
	return false;
}

static void step(struct epcm_entry *secs, struct list *l, unsigned int what, uint32_t *page)
{
	uint32_t *entry = &l->entry[what % LIST_PROCESSORS];

	switch (what / LIST_PROCESSORS % 4) {
	case 0:
	case 1:
		if (*entry) {
			track_leave(secs, *entry);
			*entry = 0;
		} else {
			assert_true(track_enter(secs, entry));
			assert_int_equal(*entry, l->epoch);
		}
		break;
	case 2:
		if (inside_since(l, l->epoch - 1)) {
			assert_false(track_new_epoch(secs));
		} else {
			assert_true(track_new_epoch(secs));
			l->epoch++;
		}
		break;
	default:
		*page = l->epoch;
		break;
	}
}

static void random_walk_agrees_with_list_of_processors(void **state)
{
	struct epcm_entry secs = fresh_secs();
	struct list l = {.epoch = 1};
	uint64_t random = 88172645463325252u;
	uint32_t page = 1;

	for (unsigned int i = 0; i < LIST_STEPS; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		step(&secs, &l, (unsigned int)(random >> 40), &page);
		assert_int_equal(track_epoch(&secs), l.epoch);
		assert_int_equal(track_is_active(&secs), inside_since(&l, l.epoch));
		assert_int_equal(track_is_complete(&secs, page),
				 page < l.epoch && !inside_since(&l, page));
	}
}

#define THREADS      4
#define THREAD_STEPS 20000

static void *enter_and_leave(void *arg)
{
	struct epcm_entry *secs = arg;
	uint32_t epoch;

	for (unsigned int i = 0; i < THREAD_STEPS; i++) {
		if (!track_enter(secs, &epoch))
			return arg;
		if (i % 8 == 0)
			track_new_epoch(secs);
		track_leave(secs, epoch);
	}
	return NULL;
}

static void parallel_entries_leave_nobody_behind(void **state)
{
	struct epcm_entry secs = fresh_secs();
	pthread_t threads[THREADS];
	void *failed;

	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, enter_and_leave, &secs), 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_false(track_is_active(&secs));
	assert_true(track_epoch(&secs) > 1);
	assert_true(track_new_epoch(&secs));
}

const struct CMUnitTest track_tests[] = {
	cmocka_unit_test(track_reset_starts_at_epoch_one_with_nobody_inside),
	cmocka_unit_test(enter_returns_current_epoch),
	cmocka_unit_test(new_epoch_refused_until_earlier_ones_left),
	cmocka_unit_test(page_complete_after_epoch_and_exits),
	cmocka_unit_test(enter_refused_beyond_the_limit),
	cmocka_unit_test(both_counts_full_do_not_touch_each_other),
	cmocka_unit_test(epoch_wraps_around),
	cmocka_unit_test(mark_page_records_epoch_and_flags),
	cmocka_unit_test(random_walk_agrees_with_list_of_processors),
	cmocka_unit_test(parallel_entries_leave_nobody_behind),
};
const size_t track_test_count = ARRAY_SIZE(track_tests);
