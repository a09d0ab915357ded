// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vCPU threads that translate and write, while another thread replaces the slot
 * under them and a third flips their page-table entry. Memory is unmapped as
 * soon as memslots_set() returns, so a stale pointer ends in -EFAULT; a lost A
 * or D bit, a bit set in an entry that is not present, or a write missing in
 * the dirty log are seen by the two other threads.
 */
#include "tests.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define WALKERS     2
#define ROUNDS      200
#define ROUNDS_LONG 5000 /* with EXCLAVE_TEST_LONG */

static const gpa_t places[] = {64 * MiB, 128 * MiB};
static const gva_t data_gva = FIXTURE_GVA + FIXTURE_DATA * GUEST_PAGE_SIZE;

struct race;

struct walker {
	struct race *race;
	struct mmu mmu;
	_Atomic uint64_t passed; /* the newest request whose safe point it has passed */
	uint64_t writes;
	uint64_t faults;
	const char *error;
};

struct race {
	struct fixture *f;
	struct walker walkers[WALKERS];
	_Atomic uint64_t request;
	_Atomic bool stop;
	const char *flipper_error;
	/* The writer's own. */
	uint8_t *data;
	unsigned int place;
	uint32_t flags;
	uint64_t logged_value; /* of the data after the last GET_DIRTY_LOG; flags have LOG */
};

static void race_synchronize(void *opaque)
{
	struct race *r = opaque;
	uint64_t request = atomic_fetch_add(&r->request, 1) + 1;

	for (unsigned int i = 0; i < WALKERS; i++)
		while (atomic_load(&r->walkers[i].passed) < request && !atomic_load(&r->stop))
			sched_yield();
}

/* Return: what is wrong, or NULL. */
static const char *walk_and_write(struct walker *w, uint32_t access)
{
	struct mmu_page page;
	enum mmu_status status =
		mmu_translate(&w->mmu, &w->race->f->mode, 0, data_gva, access, &page);
	uint64_t value;

	switch (status) {
	case MMU_OK:
		break;
	case MMU_FAULT:
		w->faults++;
		return page.fault.error_code == access ? NULL : "fault is not 'not present'";
	case MMU_AGAIN:
		return NULL;
	case MMU_DEVICE:
	case MMU_HOST_ERROR:
		return "host error";
	}
	if (page.gpa != places[0] && page.gpa != places[1])
		return "address of no entry";
	if (page.kind == MEMSLOT_MMIO)
		return NULL;
	if (guest_load64(page.hva, &value))
		return "stale host pointer";
	if (!(access & PFERR_WRITE_MASK))
		return NULL;
	w->writes++;
	if (!(page.allowed & MMU_WRITE))
		return "write entry without write";
	return guest_store64(page.hva, value + 1) ? "stale host pointer in a write" : NULL;
}

static void *walker_run(void *arg)
{
	struct walker *w = arg;

	for (unsigned int i = 0; !atomic_load(&w->race->stop) && !w->error; i++) {
		w->error = walk_and_write(w, PFERR_USER_MASK | (i & 1 ? PFERR_WRITE_MASK : 0));
		atomic_store(&w->passed, atomic_load(&w->race->request));
	}
	/* A walker that has failed must not keep the writer waiting. */
	atomic_store(&w->passed, UINT64_MAX);
	return NULL;
}

static const char *check_flipped(uint64_t was, uint64_t put)
{
	const uint64_t gained = was ^ put;

	if (gained & ~(PT_ACCESSED_MASK | PT_DIRTY_MASK) || (was & put) != put)
		return "more than A and D has changed";
	if (!(put & PT_PRESENT_MASK) && gained)
		return "a bit was set in an entry that is not present";
	if ((gained & PT_DIRTY_MASK) && !(gained & PT_ACCESSED_MASK))
		return "D without A";
	return NULL;
}

static void *flipper_run(void *arg)
{
	struct race *r = arg;
	_Atomic uint64_t *pte = (_Atomic uint64_t *)fixture_entry(r->f, FIXTURE_PT, data_gva);
	const uint64_t values[] = {places[0] | 7, places[1] | 7, places[0] | 6};
	uint64_t put = atomic_load(pte);

	for (unsigned int i = 0; !atomic_load(&r->stop) && !r->flipper_error; i++) {
		uint64_t was = atomic_exchange(pte, values[i % 3]);

		r->flipper_error = check_flipped(was, put);
		put = values[i % 3];
	}
	return NULL;
}

static int race_slot(struct race *r, uint64_t size)
{
	return slot_set(r->f->slots, 1, r->flags, places[r->place], size, r->data);
}

static uint64_t data_value(struct race *r)
{
	return atomic_load((_Atomic uint64_t *)r->data);
}

/* New memory at the old place. The old one goes at once. */
static void replace_memory(struct race *r)
{
	uint8_t *old = r->data;

	assert_int_equal(race_slot(r, 0), 0);
	host_unmap(old, GUEST_PAGE_SIZE);
	r->data = host_map(GUEST_PAGE_SIZE);
	assert_int_equal(race_slot(r, GUEST_PAGE_SIZE), 0);
	r->logged_value = 0;
}

/* If the log says clean, then nothing was written between the last log and this one. */
static void collect_log(struct race *r)
{
	uint64_t before = data_value(r), bitmap;

	assert_int_equal(memslots_get_dirty_log(r->f->slots, 1, true, &bitmap, 1), 0);
	if (!bitmap)
		assert_int_equal(before, r->logged_value);
	r->logged_value = data_value(r);
}

static void toggle_log(struct race *r)
{
	r->flags ^= KVM_MEM_LOG_DIRTY_PAGES;
	assert_int_equal(race_slot(r, GUEST_PAGE_SIZE), 0);
	r->logged_value = data_value(r);
	if (r->flags & KVM_MEM_LOG_DIRTY_PAGES)
		collect_log(r);
}

static void run_round(struct race *r, unsigned int round)
{
	switch (round % 5) {
	case 0:
		replace_memory(r);
		break;
	case 1:
		r->place ^= 1;
		assert_int_equal(race_slot(r, GUEST_PAGE_SIZE), 0);
		break;
	case 2:
		toggle_log(r);
		break;
	case 3:
	case 4:
		if (r->flags & KVM_MEM_LOG_DIRTY_PAGES)
			collect_log(r);
		break;
	}
}

static void race_setup(struct race *r, struct fixture *f)
{
	memset(r, 0, sizeof(*r));
	r->f = f;
	r->data = host_map(GUEST_PAGE_SIZE);
	f->slots->synchronize = race_synchronize;
	f->slots->opaque = r;
	atomic_store(&r->stop, true); /* nobody to wait for yet */
	assert_int_equal(race_slot(r, GUEST_PAGE_SIZE), 0);
	atomic_store(&r->stop, false);
	*fixture_entry(f, FIXTURE_PT, data_gva) = places[0] | 7;
}

static void translate_while_slots_and_tables_change(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[WALKERS], flipper;
	const unsigned int rounds = getenv("EXCLAVE_TEST_LONG") ? ROUNDS_LONG : ROUNDS;
	struct race r;

	guest_fault_handler_install();
	race_setup(&r, f);
	for (unsigned int i = 0; i < WALKERS; i++) {
		r.walkers[i].race = &r;
		r.walkers[i].mmu.slots = f->slots;
		assert_int_equal(pthread_create(&threads[i], NULL, walker_run, &r.walkers[i]), 0);
	}
	assert_int_equal(pthread_create(&flipper, NULL, flipper_run, &r), 0);
	for (unsigned int round = 0; round < rounds; round++)
		run_round(&r, round);
	atomic_store(&r.stop, true);
	pthread_join(flipper, NULL);
	for (unsigned int i = 0; i < WALKERS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned int i = 0; i < WALKERS; i++) {
		if (r.walkers[i].error)
			fail_msg("walker: %s", r.walkers[i].error);
		assert_true(r.walkers[i].writes > 0);
		assert_true(r.walkers[i].faults > 0);
	}
	if (r.flipper_error)
		fail_msg("flipper: %s", r.flipper_error);
	host_unmap(r.data, GUEST_PAGE_SIZE);
}

const struct CMUnitTest race_tests[] = {
	cmocka_unit_test_setup_teardown(translate_while_slots_and_tables_change, fixture_setup,
					fixture_teardown),
};
const size_t race_test_count = ARRAY_SIZE(race_tests);
