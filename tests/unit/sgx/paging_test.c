// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * EWB and ELD together: what a blob is bound to, what comes back, and two
 * processors at it at once.
 */
#include "tests.h"

#include "paging_steps.h"
#include "sgx/measure.h"

#include <pthread.h>

/* No bit of SECINFO.FLAGS but the type's, which other checks see first, loads. */
static void rebind_secinfo_flags_changed_mac_compare_fail(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	for (unsigned int bit = 0; bit < 64; bit++) {
		if (SGX_SECINFO_PT_MASK & BIT64(bit))
			continue;
		pcmd(f)->secinfo.flags ^= BIT64(bit);
		expect_code(reload_child(f), SGX_MAC_COMPARE_FAIL);
		pcmd(f)->secinfo.flags ^= BIT64(bit);
	}
	for (unsigned int i = 0; i < NR_CHILD_TYPES; i++) {
		if (child_types[i] == SGX_PAGE_TYPE_REG)
			continue;
		set_blob_type(f, child_types[i]);
		expect_code(reload_child(f), SGX_MAC_COMPARE_FAIL);
	}
	pageinfo(f)->secs = 0;
	set_blob_type(f, SGX_PAGE_TYPE_SECS);
	expect_code(reload_child(f), SGX_MAC_COMPARE_FAIL);
	set_blob_type(f, SGX_PAGE_TYPE_VA);
	expect_code(reload_child(f), SGX_MAC_COMPARE_FAIL);
}

static void rebind_other_linaddr_mac_compare_fail(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	pageinfo(f)->linaddr += PAGES(1);
	expect_code(reload_child(f), SGX_MAC_COMPARE_FAIL);
	pageinfo(f)->linaddr = CHILD_GVA + 1;
	expect_code(reload_child(f), SGX_MAC_COMPARE_FAIL);
	pageinfo(f)->linaddr = CHILD_GVA;
	expect_code(reload_child(f), SGX_SUCCESS);
}

static void rebind_other_enclave_mac_compare_fail(void **state)
{
	struct fixture *f = *state;
	struct blob blob;

	make_evicted_child(f);
	keep_blob(f, &blob);
	make_secs(f, 5, ENCLAVE_BASE);
	use_blob(f, &blob);
	pageinfo(f)->secs = epc_gva(5);
	expect_code(reload_child(f), SGX_MAC_COMPARE_FAIL);
	assert_int_equal(epcm_of(f, 5)->children, 0);
}

static void rebind_enclave_id_changed_ok(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	pcmd(f)->enclave_id = UINT64_MAX;
	expect_code(reload_child(f), SGX_SUCCESS);
}

static void rebind_loaded_twice_mac_compare_fail(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	expect_code(reload_child(f), SGX_SUCCESS);
	assert_int_equal(slot_value(f, VA_PAGE, SLOT), 0);
	expect_code(eldu(f, FREE_PAGE + 1, SECS_GVA, SLOT), SGX_MAC_COMPARE_FAIL);
}

static void rebind_old_blob_after_new_eviction_mac_compare_fail(void **state)
{
	struct fixture *f = *state;
	struct blob old;

	make_evicted_child(f);
	keep_blob(f, &old);
	expect_code(reload_child(f), SGX_SUCCESS);
	block_and_track(f, FREE_PAGE, SECS_PAGE);
	evict(f, FREE_PAGE, SLOT);
	assert_int_equal(slot_value(f, VA_PAGE, SLOT), 2);
	use_blob(f, &old);
	expect_code(reload_child(f), SGX_MAC_COMPARE_FAIL);
}

/* The value in the slot is bound, not its place. */
static void rebind_same_version_in_other_va_page_ok(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	make_va(f, 41);
	expect_code(eldu_at(f, PAGEINFO_GVA, epc_gva(FREE_PAGE), slot_gva(41, 7)),
		    SGX_MAC_COMPARE_FAIL);
	((struct sgx_va_page *)epc_ptr(f, 41))->slot[7] = 1;
	expect_code(eldu_at(f, PAGEINFO_GVA, epc_gva(FREE_PAGE), slot_gva(41, 7)), SGX_SUCCESS);
	assert_int_equal(slot_value(f, 41, 7), 0);
	assert_int_equal(slot_value(f, VA_PAGE, SLOT), 1);
}

/* The enclave keeps its identity: its children find it at its new place. */
static void rebind_secs_moved_to_other_page_ok(void **state)
{
	struct fixture *f = *state;
	struct blob child;

	make_evicted_child(f);
	keep_blob(f, &child);
	evict(f, SECS_PAGE, SLOT + 1);
	expect_code(eldu(f, 12, 0, SLOT + 1), SGX_SUCCESS);
	assert_int_equal(epcm_state(epcm_of(f, 12)), EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_SECS));
	assert_int_equal(secs_hidden(epc_ptr(f, 12))->eid, 1);
	assert_int_equal(epcm_of(f, 12)->context, EPC_HPA + PAGES(12));
	assert_int_equal(epcm_of(f, 12)->children, 0);
	use_blob(f, &child);
	pageinfo(f)->secs = epc_gva(12);
	expect_code(reload_child(f), SGX_SUCCESS);
	assert_ptr_equal(epcm_secs(epcm_of(f, FREE_PAGE)), epcm_of(f, 12));
	assert_int_equal(epcm_of(f, 12)->children, 1);
	/* Linux removes the page that EWB has emptied. */
	expect_code(encls(f, EREMOVE, 0, SECS_GVA, 0), SGX_SUCCESS);
}

static void rebind_other_boot_mac_compare_fail(void **state)
{
	struct fixture *f = *state;
	struct sgx_cpu rebooted = {.platform = f->platform, .cpuid = f->cpuid};
	struct crypto_gcm *gcm = f->cpu->gcm;

	make_evicted_child(f);
	f->platform->paging_key[0] ^= 1;
	assert_int_equal(sgx_cpu_init(&rebooted), 0);
	f->cpu->gcm = rebooted.gcm;
	expect_code(reload_child(f), SGX_MAC_COMPARE_FAIL);
	f->cpu->gcm = gcm;
	expect_code(reload_child(f), SGX_SUCCESS);
	sgx_cpu_destroy(&rebooted);
}

/* Every state that a child can be in comes back: PENDING, PR and both kinds of TRIM above all. */
static void round_trip_keeps_every_state(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	for (unsigned int i = 0; i < 2 * NR_CHILD_STATES; i++) {
		const uint64_t flags = EPCM_VALID | child_states[i / 2];
		const struct epcm_entry *e = epcm_of(f, CHILD_PAGE);

		force_state(f, CHILD_PAGE, flags);
		fill_page(f, CHILD_PAGE, (uint8_t)i);
		fill_page(f, 20, (uint8_t)i);
		block_and_track(f, CHILD_PAGE, SECS_PAGE);
		evict(f, CHILD_PAGE, i);
		memset(epc_ptr(f, CHILD_PAGE), 0, SGX_PAGE_SIZE);
		if (i % 2)
			expect_code(eldb(f, CHILD_PAGE, SECS_GVA, i), SGX_SUCCESS);
		else
			expect_code(eldu(f, CHILD_PAGE, SECS_GVA, i), SGX_SUCCESS);
		assert_int_equal(epcm_state(e) & EPCM_FLAGS_MASK,
				 flags | (i % 2 ? EPCM_BLOCKED : 0));
		assert_int_equal(epcm_linaddr(e), CHILD_GVA);
		assert_int_equal(epcm_of(f, SECS_PAGE)->children, 1);
		assert_memory_equal(epc_ptr(f, CHILD_PAGE), epc_ptr(f, 20), SGX_PAGE_SIZE);
	}
}

/* An enclave under construction: the running measurement goes on where it stopped. */
static void round_trip_uninitialised_secs_keeps_measurement(void **state)
{
	struct fixture *f = *state;
	uint8_t expected[SGX_HASH_SIZE], mrenclave[SGX_HASH_SIZE];

	for (unsigned int paged = 0; paged < 2; paged++) {
		const unsigned int secs_page = 5 + paged;

		make_secs(f, secs_page, ENCLAVE2_BASE);
		memset(ram_ptr(f, SRC_GVA), 0x77, SGX_PAGE_SIZE);
		add_reg(f, secs_page, 12, ENCLAVE2_BASE, EPCM_R);
		expect_ok(encls(f, EEXTEND, epc_gva(secs_page), epc_gva(12), 0));
		expect_code(encls(f, EREMOVE, 0, epc_gva(12), 0), SGX_SUCCESS);
		if (paged) {
			make_va(f, VA_PAGE);
			evict(f, secs_page, SLOT);
			memset(epc_ptr(f, secs_page), 0xff, SGX_PAGE_SIZE);
			expect_code(eldu(f, secs_page, 0, SLOT), SGX_SUCCESS);
			assert_int_equal(track_epoch(epcm_of(f, secs_page)), 1);
		}
		add_reg(f, secs_page, 13 + paged, ENCLAVE2_BASE + PAGES(1), EPCM_R | EPCM_W);
		measure_final(epc_ptr(f, secs_page), paged ? mrenclave : expected);
	}
	assert_memory_equal(mrenclave, expected, sizeof(expected));
}

/* A VA page in use: the version of a child survives in the blob of its VA page. */
static void round_trip_va_page_keeps_versions(void **state)
{
	struct fixture *f = *state;
	struct blob child;

	make_child(f);
	make_va(f, 41);
	block_and_track(f, CHILD_PAGE, SECS_PAGE);
	set_eviction(f);
	expect_code(encls(f, EWB, PAGEINFO_GVA, epc_gva(CHILD_PAGE), slot_gva(41, 511)),
		    SGX_SUCCESS);
	keep_blob(f, &child);
	evict(f, 41, SLOT);
	expect_code(eldu(f, 42, 0, SLOT), SGX_SUCCESS);
	use_blob(f, &child);
	pageinfo(f)->secs = SECS_GVA;
	expect_code(eldu_at(f, PAGEINFO_GVA, epc_gva(CHILD_PAGE), slot_gva(42, 511)), SGX_SUCCESS);
}

/* Epochs start anew with the SECS: nobody is inside then, and no child is in the EPC. */
static void round_trip_secs_tracking_starts_anew(void **state)
{
	struct fixture *f = *state;
	struct blob child;
	uint32_t epoch;

	make_evicted_child(f);
	keep_blob(f, &child);
	for (unsigned int i = 0; i < 3; i++)
		expect_code(encls(f, ETRACK, 0, SECS_GVA, 0), SGX_SUCCESS);
	evict(f, SECS_PAGE, SLOT + 1);
	expect_code(eldu(f, SECS_PAGE, 0, SLOT + 1), SGX_SUCCESS);
	use_blob(f, &child);
	expect_code(eldu(f, CHILD_PAGE, SECS_GVA, SLOT), SGX_SUCCESS);
	assert_true(track_enter(epcm_of(f, SECS_PAGE), &epoch));
	block_and_track(f, CHILD_PAGE, SECS_PAGE);
	set_eviction(f);
	expect_code(ewb(f, CHILD_PAGE, SLOT), SGX_NOT_TRACKED);
	track_leave(epcm_of(f, SECS_PAGE), epoch);
	expect_code(ewb(f, CHILD_PAGE, SLOT), SGX_SUCCESS);
}

#define RACERS 2
#define ROUNDS 300

struct racer {
	struct fixture *f;
	unsigned int index;
	unsigned int page;
	unsigned int done;
	pthread_barrier_t *start;
};

static bool succeeded(struct leaf_result res)
{
	return res.kind == LEAF_CODE && !res.value;
}

static void *load_same_blob(void *arg)
{
	struct racer *r = arg;

	pthread_barrier_wait(r->start);
	r->done += succeeded(other_encls(r->f, r->index, ELDU, PAGEINFO_GVA, epc_gva(r->page),
					 slot_gva(VA_PAGE, SLOT)));
	return NULL;
}

static void run_racers(struct racer *racers, void *(*function)(void *))
{
	pthread_t threads[RACERS];
	pthread_barrier_t start;

	pthread_barrier_init(&start, NULL, RACERS);
	for (unsigned int i = 0; i < RACERS; i++) {
		racers[i].start = &start;
		assert_int_equal(pthread_create(&threads[i], NULL, function, &racers[i]), 0);
	}
	for (unsigned int i = 0; i < RACERS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&start);
}

/* Both have read the version; one takes it. */
static void race_two_loads_of_one_blob_one_succeeds(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	force_state(f, CHILD_PAGE, CHILD_STATE);
	for (unsigned int round = 0, page = CHILD_PAGE; round < ROUNDS; round++) {
		struct racer racers[RACERS] = {{.f = f, .index = 0, .page = 10},
					       {.f = f, .index = 1, .page = 11}};

		block_and_track(f, page, SECS_PAGE);
		evict(f, page, SLOT);
		pageinfo(f)->secs = SECS_GVA;
		run_racers(racers, load_same_blob);
		assert_int_equal(racers[0].done + racers[1].done, 1);
		assert_int_equal(epcm_of(f, SECS_PAGE)->children, 1);
		page = racers[0].done ? 10 : 11;
	}
}

/* Each racer pages its own page in and out through its own slot of one VA page. */
static void *page_out_and_in(void *arg)
{
	struct racer *r = arg;
	struct fixture *f = r->f;
	const gva_t info = ram_gva(10 + 2 * r->index), slot = slot_gva(VA_PAGE, r->index);
	const gva_t gva = epc_gva(r->page);
	struct sgx_pageinfo *p = ram_ptr(f, info);

	pthread_barrier_wait(r->start);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		*p = (struct sgx_pageinfo){.srcpge = info + PAGES(1), .secinfo = info + 128};
		r->done += succeeded(other_encls(f, r->index, EWB, info, gva, slot));
		p->secs = SECS_GVA;
		r->done += succeeded(other_encls(f, r->index, ELDU, info, gva, slot));
		/* Tracked already, whatever the other one does. */
		change_state(f, r->page, 0, EPCM_BLOCKED);
	}
	return NULL;
}

static void race_paging_through_one_va_page_no_conflict(void **state)
{
	struct fixture *f = *state;
	struct racer racers[RACERS] = {{.f = f, .index = 0, .page = CHILD_PAGE},
				       {.f = f, .index = 1, .page = 2}};

	make_child(f);
	add_reg(f, SECS_PAGE, 2, CHILD_GVA + PAGES(1), EPCM_R);
	block_and_track(f, CHILD_PAGE, SECS_PAGE);
	block_and_track(f, 2, SECS_PAGE);
	run_racers(racers, page_out_and_in);
	for (unsigned int i = 0; i < RACERS; i++)
		assert_int_equal(racers[i].done, 2 * ROUNDS);
	assert_int_equal(epcm_of(f, SECS_PAGE)->children, 2);
	assert_int_equal(f->platform->next_version, 1 + RACERS * ROUNDS);
}

const struct CMUnitTest paging_tests[] = {
	sgx_test(rebind_secinfo_flags_changed_mac_compare_fail),
	sgx_test(rebind_other_linaddr_mac_compare_fail),
	sgx_test(rebind_other_enclave_mac_compare_fail),
	sgx_test(rebind_enclave_id_changed_ok),
	sgx_test(rebind_loaded_twice_mac_compare_fail),
	sgx_test(rebind_old_blob_after_new_eviction_mac_compare_fail),
	sgx_test(rebind_same_version_in_other_va_page_ok),
	sgx_test(rebind_secs_moved_to_other_page_ok),
	sgx_test(rebind_other_boot_mac_compare_fail),
	sgx_test(round_trip_keeps_every_state),
	sgx_test(round_trip_uninitialised_secs_keeps_measurement),
	sgx_test(round_trip_va_page_keeps_versions),
	sgx_test(round_trip_secs_tracking_starts_anew),
	sgx_test(race_two_loads_of_one_blob_one_succeeds),
	sgx_test(race_paging_through_one_va_page_no_conflict),
};
const size_t paging_test_count = ARRAY_SIZE(paging_tests);
