// SPDX-License-Identifier: GPL-2.0-or-later
/* Enclaves larger than the EPC, and enclaves that leave it altogether and come back. */
#include "tests.h"
#include "thread.h"

#include "sgx/measure.h"
#include "sgx/secs.h"

#define HEAP_OF_512 (DRIVER_PAGES - HEAP)

/* Everything of the enclave goes: the children, the VA page that has their versions, the SECS. */
struct swapped_out {
	unsigned int va2; /* the one page that stays */
	struct blob va;
	struct blob secs;
	unsigned int old_secs;
	int old_page[DRIVER_PAGES];
};

static void swap_out_all(struct driver *d, struct swapped_out *out)
{
	memcpy(out->old_page, d->page, sizeof(out->old_page));
	out->old_secs = d->secs;
	for (unsigned int i = 0; i < DRIVER_PAGES; i++)
		if (d->page[i] != NO_PAGE)
			driver_page_out(d, i);
	assert_int_equal(epcm_of(d->f, d->secs)->children, 0);
	out->va2 = driver_free_page(d);
	expect_ok(kernel(d->f, EPA, SGX_PAGE_TYPE_VA, epc_gva(out->va2), 0));
	driver_evict_root(d, d->va, out->va2, 0, &out->va);
	driver_evict_root(d, d->secs, out->va2, 1, &out->secs);
	for (unsigned int i = 0; i < FIXTURE_EPC_PAGES; i++)
		assert_int_equal(epcm_is_valid(epcm_state(epcm_of(d->f, i))), i == out->va2);
}

static void swap_in_roots(struct driver *d, struct swapped_out *out)
{
	/* Not where they were. */
	d->next_page = out->old_secs + 1;
	d->secs = driver_load_root(d, out->va2, 1, &out->secs);
	d->va = driver_load_root(d, out->va2, 0, &out->va);
	assert_int_not_equal(d->secs, out->old_secs);
	expect_code(kernel(d->f, EREMOVE, 0, epc_gva(out->va2), 0), SGX_SUCCESS);
}

static unsigned int used_slots(struct driver *d)
{
	unsigned int used = 0;

	for (unsigned int i = 0; i < SGX_VA_SLOT_COUNT; i++)
		used += slot_value(d->f, d->va, i) != 0;
	return used;
}

/*
 * 512 pages over an EPC of 64, a thread in the middle of its work: all of it out with all
 * slots of the VA page in use, and in again on demand, to other EPC pages.
 */
static void page_out_whole_enclave_continues(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	struct swapped_out out;
	unsigned int moved = 0;

	driver_build(d, &(struct plan){.pages = DRIVER_PAGES, .heap = HEAP_OF_512, .nssa = 2});
	thread_enter(&t);
	assert_true(thread_write(&t, page_gva(d, DATA) + 16, 0xdada));
	thread_state(&t)->gpr[X86_R8] = 0x8888;
	thread_state(&t)->rip = page_gva(d, CODE) + 0x123;
	thread_interrupt(&t);

	for (unsigned int i = 0; i < DRIVER_PAGES; i++)
		if (d->page[i] != NO_PAGE)
			driver_page_out(d, i);
	assert_int_equal(used_slots(d), SGX_VA_SLOT_COUNT);
	swap_out_all(d, &out);
	swap_in_roots(d, &out);
	assert_int_equal(used_slots(d), SGX_VA_SLOT_COUNT);

	/* The kernel returns to the interrupted thread, whose TCS and SSA come first. */
	t.mended = 0;
	thread_resume(&t);
	assert_int_equal(t.mended, 2);
	assert_int_equal(thread_state(&t)->gpr[X86_R8], 0x8888);
	assert_int_equal(thread_state(&t)->rip, page_gva(d, CODE) + 0x123);
	assert_non_null(thread_access(&t, page_gva(d, CODE) + 0x123, PFERR_FETCH_MASK));
	assert_int_equal(thread_read(&t, page_gva(d, DATA) + 16), 0xdada);
	for (unsigned int i = HEAP; i < DRIVER_PAGES; i++) {
		assert_int_equal(thread_read(&t, page_gva(d, i)), heap_word(i));
		moved += d->page[i] != out.old_page[i];
	}
	assert_true(moved > FIXTURE_EPC_PAGES / 2);
	thread_exit(&t);
	/* The version of a page that is in the EPC is in no slot. */
	for (unsigned int i = 0; i < DRIVER_PAGES; i++)
		assert_int_equal(slot_value(d->f, d->va, i) != 0, d->swapped[i]);
	driver_remove_all(d);
	assert_epc_free(d->f);
}

/* The kernel writes back pages of an enclave whose threads are inside: their own SSA and TCS. */
static void page_out_pages_of_running_thread_waits_for_aex(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	const unsigned int pages[] = {SSA1, TCS1, CODE, DATA};

	driver_build(d, &(struct plan){0});
	thread_enter(&t);
	assert_true(thread_write(&t, page_gva(d, DATA), 7));
	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++) {
		d->not_tracked = 0;
		d->interrupts = 0;
		thread_state(&t)->gpr[X86_RSI] = 0x51 + i;
		driver_page_out(d, pages[i]);
		/* 11; ETRACK; 11 again; the interrupt; done. */
		assert_int_equal(d->not_tracked, 2);
		assert_int_equal(d->interrupts, 1);
		thread_resume(&t);
		assert_int_equal(thread_state(&t)->gpr[X86_RSI], 0x51 + i);
	}
	assert_int_equal(thread_read(&t, page_gva(d, DATA)), 7);
	thread_exit(&t);
}

/* The AEX writes its frame by its place in the EPC, whatever the EPCM says by then. */
static void page_out_blocked_ssa_still_written_by_aex(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);

	driver_build(d, &(struct plan){0});
	thread_enter(&t);
	unmap(d->f, page_gva(d, SSA1));
	unmap(d->f, page_gva(d, TCS1));
	expect_code(kernel(d->f, EBLOCK, 0, page_epc(d, SSA1), 0), SGX_SUCCESS);
	expect_code(kernel(d->f, EBLOCK, 0, page_epc(d, TCS1), 0), SGX_SUCCESS);
	thread_state(&t)->gpr[X86_RDI] = 0xd1d1;
	thread_interrupt(&t);
	assert_int_equal(thread_gprsgx(&t, 0)->gpr[X86_RDI], 0xd1d1);
	/* But no way back in until they were paged out and in. */
	map_epc(d->f, page_gva(d, TCS1), (unsigned int)d->page[TCS1], PTE_ALL);
	assert_false(thread_call(&t, ERESUME));
	assert_int_equal(t.run.error_code, 0x8007);
	assert_int_equal(t.run.addr, page_gva(d, TCS1));
}

static void build_half(struct driver *d)
{
	driver_add_tcs(d, TCS1, SSA1);
	driver_add_tcs(d, TCS2, SSA2);
	driver_add(d, SSA1, EPCM_R | EPCM_W, 0);
}

static void build_rest(struct driver *d)
{
	for (unsigned int i = SSA1 + 1; i < CODE; i++)
		driver_add(d, i, EPCM_R | EPCM_W, 0);
	driver_add(d, CODE, EPCM_R | EPCM_X, 0xc3);
	driver_add(d, DATA, EPCM_R | EPCM_W, 0);
}

/* Paged out with all that it has so far, SECS included, and finished afterwards. */
static void page_out_half_built_enclave_same_measurement(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	uint8_t expected[SGX_HASH_SIZE];
	struct swapped_out out;
	const struct sgx_secs *secs;

	driver_build(d, &(struct plan){.nssa = 2});
	secs = epc_ptr(d->f, d->secs);
	memcpy(expected, secs->mrenclave, sizeof(expected));
	driver_remove_all(d);

	driver_create(d, &(struct plan){.nssa = 2});
	build_half(d);
	swap_out_all(d, &out);
	swap_in_roots(d, &out);
	/* In the middle of a page's EEXTENDs nothing is lost either. */
	build_rest(d);
	driver_page_out(d, DATA);
	driver_sign(d);
	expect_code(driver_einit(d), SGX_SUCCESS);
	secs = epc_ptr(d->f, d->secs);
	assert_memory_equal(secs->mrenclave, expected, sizeof(expected));
	thread_enter(&t);
	assert_int_equal(thread_read(&t, page_gva(d, DATA)), 0);
	thread_exit(&t);
	driver_remove_all(d);
	assert_epc_free(d->f);
}

/* An initialised enclave whose SECS was away has the same keys, and is entered as before. */
static void page_out_secs_keeps_identity(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	struct sgx_secs before, *after;
	struct swapped_out out;

	driver_build(d, &(struct plan){0});
	before = *(struct sgx_secs *)epc_ptr(d->f, d->secs);
	swap_out_all(d, &out);
	swap_in_roots(d, &out);
	after = epc_ptr(d->f, d->secs);
	assert_memory_equal(after, &before, sizeof(before));
	assert_int_equal(secs_hidden(after)->eid, secs_hidden(&before)->eid);
	thread_enter(&t);
	thread_exit(&t);
	assert_good_call(&t);
}

/* The host keeps an old copy and gives it back: of the same page, in each way it can. */
static void page_in_replay_of_old_page_refused(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	struct blob old;
	unsigned int page;

	driver_build(d, &(struct plan){.heap = 2});
	thread_enter(&t);
	assert_true(thread_write(&t, page_gva(d, HEAP), 1));
	thread_interrupt(&t);
	driver_page_out(d, HEAP);
	old = d->blob[HEAP];
	thread_resume(&t);
	assert_true(thread_write(&t, page_gva(d, HEAP), 2));
	thread_interrupt(&t);
	/* While the page is in the EPC its slot is empty. */
	page = driver_free_page(d);
	use_blob(d->f, &old);
	pageinfo(d->f)->secs = epc_gva(d->secs);
	expect_code(kernel(d->f, ELDU, PAGEINFO_GVA, epc_gva(page), slot_gva(d->va, HEAP)),
		    SGX_MAC_COMPARE_FAIL);
	driver_page_out(d, HEAP);
	driver_page_out(d, HEAP + 1);
	for (unsigned int slot = HEAP; slot <= HEAP + 1; slot++) {
		use_blob(d->f, &old);
		pageinfo(d->f)->secs = epc_gva(d->secs);
		expect_code(kernel(d->f, ELDU, PAGEINFO_GVA, epc_gva(page), slot_gva(d->va, slot)),
			    SGX_MAC_COMPARE_FAIL);
		/* Nor at the neighbour's place. */
		pageinfo(d->f)->linaddr = page_gva(d, HEAP + 1);
		expect_code(kernel(d->f, ELDU, PAGEINFO_GVA, epc_gva(page), slot_gva(d->va, slot)),
			    SGX_MAC_COMPARE_FAIL);
	}
	thread_resume(&t);
	assert_int_equal(thread_read(&t, page_gva(d, HEAP)), 2);
	assert_int_equal(thread_read(&t, page_gva(d, HEAP + 1)), heap_word(HEAP + 1));
	thread_exit(&t);
}

/* With its VA page an old SECS is replayed as little as any other page. */
static void page_in_replay_of_old_secs_refused(void **state)
{
	struct driver *d = *state;
	struct swapped_out first, second;

	driver_create(d, &(struct plan){0});
	build_half(d);
	swap_out_all(d, &first);
	swap_in_roots(d, &first);
	build_rest(d);
	swap_out_all(d, &second);
	use_blob(d->f, &first.secs);
	pageinfo(d->f)->secs = 0;
	expect_code(kernel(d->f, ELDU, PAGEINFO_GVA, epc_gva(driver_free_page(d)),
			   slot_gva(second.va2, 1)),
		    SGX_MAC_COMPARE_FAIL);
	swap_in_roots(d, &second);
	driver_sign(d);
	expect_code(driver_einit(d), SGX_SUCCESS);
}

const struct CMUnitTest life_paging_tests[] = {
	driver_test(page_out_whole_enclave_continues),
	driver_test(page_out_pages_of_running_thread_waits_for_aex),
	driver_test(page_out_blocked_ssa_still_written_by_aex),
	driver_test(page_out_half_built_enclave_same_measurement),
	driver_test(page_out_secs_keeps_identity),
	driver_test(page_in_replay_of_old_page_refused),
	driver_test(page_in_replay_of_old_secs_refused),
};
const size_t life_paging_test_count = ARRAY_SIZE(life_paging_tests);
