// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "Tracking", each of its cases with a thread that is really inside. */
#include "tests.h"
#include "thread.h"

#include <stdlib.h>

#define SECS_OF(d) epc_gva((d)->secs)

static void build(struct driver *d)
{
	driver_build(d, &(struct plan){.heap = 3, .nssa = 2});
}

static struct leaf_result block(struct driver *d)
{
	return kernel(d->f, EBLOCK, 0, page_epc(d, HEAP), 0);
}

static struct leaf_result track(struct driver *d)
{
	return kernel(d->f, ETRACK, 0, SECS_OF(d), 0);
}

static struct leaf_result write_page(struct driver *d)
{
	set_eviction(d->f);
	return kernel(d->f, EWB, PAGEINFO_GVA, page_epc(d, HEAP), slot_gva(d->va, 0));
}

static void ewb_without_etrack_nobody_inside_not_tracked(void **state)
{
	struct driver *d = *state;

	build(d);
	expect_code(block(d), SGX_SUCCESS);
	expect_code(write_page(d), SGX_NOT_TRACKED);
	expect_code(write_page(d), SGX_NOT_TRACKED);
}

static void ewb_after_etrack_nobody_inside_ok(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);

	build(d);
	thread_enter(&t);
	thread_exit(&t);
	expect_code(block(d), SGX_SUCCESS);
	expect_code(track(d), SGX_SUCCESS);
	expect_code(write_page(d), SGX_SUCCESS);
}

static void etrack_twice_nobody_inside_ok(void **state)
{
	struct driver *d = *state;

	build(d);
	expect_code(track(d), SGX_SUCCESS);
	expect_code(track(d), SGX_SUCCESS);
}

static void ewb_thread_stays_inside_not_tracked(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);

	build(d);
	thread_enter(&t);
	expect_code(block(d), SGX_SUCCESS);
	expect_code(track(d), SGX_SUCCESS);
	expect_code(write_page(d), SGX_NOT_TRACKED);
	expect_code(track(d), SGX_PREV_TRK_INCMPL);
	expect_code(write_page(d), SGX_NOT_TRACKED);
	thread_exit(&t);
	expect_code(write_page(d), SGX_SUCCESS);
	expect_code(track(d), SGX_SUCCESS);
}

static void ewb_thread_left_by_aex_and_back_ok(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);

	build(d);
	thread_enter(&t);
	expect_code(block(d), SGX_SUCCESS);
	expect_code(track(d), SGX_SUCCESS);
	thread_interrupt(&t);
	thread_resume(&t);
	expect_code(write_page(d), SGX_SUCCESS);
	expect_code(track(d), SGX_SUCCESS);
	thread_exit(&t);
}

/* The AEX before ETRACK does not help: the thread is back in the same epoch. */
static void ewb_thread_back_before_etrack_not_tracked(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);

	build(d);
	thread_enter(&t);
	expect_code(block(d), SGX_SUCCESS);
	thread_interrupt(&t);
	thread_resume(&t);
	expect_code(track(d), SGX_SUCCESS);
	expect_code(write_page(d), SGX_NOT_TRACKED);
	thread_exit(&t);
	expect_code(write_page(d), SGX_SUCCESS);
}

/* Any one of two threads is enough to hold it up; who came after ETRACK is not. */
static void ewb_waits_for_last_thread_of_old_epoch(void **state)
{
	struct driver *d = *state;
	struct thread a = thread_on(d, 0, TCS1), b = thread_on(d, 1, TCS2);

	build(d);
	thread_enter(&a);
	thread_enter(&b);
	expect_code(block(d), SGX_SUCCESS);
	expect_code(track(d), SGX_SUCCESS);
	thread_interrupt(&a);
	thread_resume(&a);
	expect_code(write_page(d), SGX_NOT_TRACKED);
	expect_code(track(d), SGX_PREV_TRK_INCMPL);
	thread_exit(&b);
	expect_code(write_page(d), SGX_SUCCESS);
	thread_exit(&a);
}

/* A thread of another enclave counts for nothing here. */
static void ewb_thread_of_other_enclave_ok(void **state)
{
	struct driver *d = *state, *other = driver_second(d);
	struct thread t = thread_on(other, 0, TCS1);

	build(d);
	driver_build(other, &(struct plan){.base = ENCLAVE_BASE});
	thread_enter(&t);
	expect_code(block(d), SGX_SUCCESS);
	expect_code(track(d), SGX_SUCCESS);
	expect_code(write_page(d), SGX_SUCCESS);
	thread_exit(&t);
	free(other);
}

/* The caller of EACCEPT is always inside, and counts itself. */
static void eaccept_by_thread_inside_since_before_not_tracked(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	const uint64_t restricted = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_PR;
	const uint64_t trimmed = EPCM_PT(SGX_PAGE_TYPE_TRIM) | EPCM_MODIFIED;

	build(d);
	thread_enter(&t);
	(void)thread_read(&t, page_gva(d, HEAP));
	(void)thread_read(&t, page_gva(d, HEAP + 1));
	expect_code(driver_emodpr(d, HEAP, EPCM_R), SGX_SUCCESS);
	expect_code(driver_emodt(d, HEAP + 1, SGX_PAGE_TYPE_TRIM), SGX_SUCCESS);
	expect_code(thread_accept(&t, page_gva(d, HEAP), restricted), SGX_NOT_TRACKED);
	expect_code(track(d), SGX_SUCCESS);
	expect_code(thread_accept(&t, page_gva(d, HEAP), restricted), SGX_NOT_TRACKED);
	expect_code(thread_accept(&t, page_gva(d, HEAP + 1), trimmed), SGX_NOT_TRACKED);
	thread_interrupt(&t);
	thread_resume(&t);
	expect_code(thread_accept(&t, page_gva(d, HEAP), restricted), SGX_SUCCESS);
	expect_code(thread_accept(&t, page_gva(d, HEAP + 1), trimmed), SGX_SUCCESS);
	thread_exit(&t);
}

static void eaccept_without_etrack_not_tracked(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	const uint64_t restricted = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_PR;

	build(d);
	expect_code(driver_emodpr(d, HEAP, EPCM_R), SGX_SUCCESS);
	thread_enter(&t);
	expect_code(thread_accept(&t, page_gva(d, HEAP), restricted), SGX_NOT_TRACKED);
	thread_interrupt(&t);
	thread_resume(&t);
	expect_code(thread_accept(&t, page_gva(d, HEAP), restricted), SGX_NOT_TRACKED);
	driver_track(d);
	thread_resume(&t);
	expect_code(thread_accept(&t, page_gva(d, HEAP), restricted), SGX_SUCCESS);
	thread_exit(&t);
}

/* The other thread has stayed: it may still write by its old translation. */
static void eaccept_other_thread_inside_since_before_not_tracked(void **state)
{
	struct driver *d = *state;
	struct thread a = thread_on(d, 0, TCS1), b = thread_on(d, 1, TCS2);
	const uint64_t restricted = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_PR;

	build(d);
	thread_enter(&a);
	expect_code(driver_emodpr(d, HEAP, EPCM_R), SGX_SUCCESS);
	expect_code(track(d), SGX_SUCCESS);
	thread_enter(&b);
	expect_code(thread_accept(&b, page_gva(d, HEAP), restricted), SGX_NOT_TRACKED);
	thread_interrupt(&a);
	expect_code(thread_accept(&b, page_gva(d, HEAP), restricted), SGX_SUCCESS);
	thread_exit(&b);
}

/* A page that was never accessible has no translations to wait for. */
static void eaccept_pending_needs_no_tracking(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);

	build(d);
	thread_enter(&t);
	expect_code(thread_accept(&t, page_gva(d, 40),
				  EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W | EPCM_PENDING),
		    SGX_SUCCESS);
	assert_true(thread_write(&t, page_gva(d, 40), 1));
	thread_exit(&t);
}

/* After a reload of the SECS an epoch of before must not look complete, nor a new one old. */
static void track_goes_on_after_secs_was_away(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	struct blob secs;
	unsigned int va2;

	build(d);
	for (unsigned int i = 0; i < 5; i++)
		expect_code(track(d), SGX_SUCCESS);
	for (unsigned int i = 0; i < HEAP + 3; i++)
		driver_page_out(d, i);
	va2 = driver_free_page(d);
	expect_ok(kernel(d->f, EPA, SGX_PAGE_TYPE_VA, epc_gva(va2), 0));
	driver_evict_root(d, d->secs, va2, 0, &secs);
	d->secs = driver_load_root(d, va2, 0, &secs);
	driver_page_in(d, HEAP);
	thread_enter(&t);
	expect_code(block(d), SGX_SUCCESS);
	expect_code(write_page(d), SGX_NOT_TRACKED);
	expect_code(track(d), SGX_SUCCESS);
	expect_code(write_page(d), SGX_NOT_TRACKED);
	thread_interrupt(&t);
	expect_code(write_page(d), SGX_SUCCESS);
}

const struct CMUnitTest life_track_tests[] = {
	driver_test(ewb_without_etrack_nobody_inside_not_tracked),
	driver_test(ewb_after_etrack_nobody_inside_ok),
	driver_test(etrack_twice_nobody_inside_ok),
	driver_test(ewb_thread_stays_inside_not_tracked),
	driver_test(ewb_thread_left_by_aex_and_back_ok),
	driver_test(ewb_thread_back_before_etrack_not_tracked),
	driver_test(ewb_waits_for_last_thread_of_old_epoch),
	driver_test(ewb_thread_of_other_enclave_ok),
	driver_test(eaccept_by_thread_inside_since_before_not_tracked),
	driver_test(eaccept_without_etrack_not_tracked),
	driver_test(eaccept_other_thread_inside_since_before_not_tracked),
	driver_test(eaccept_pending_needs_no_tracking),
	driver_test(track_goes_on_after_secs_was_away),
};
const size_t life_track_test_count = ARRAY_SIZE(life_track_tests);
