// SPDX-License-Identifier: GPL-2.0-or-later
/* Linux' sgx_vepc_remove_all() and sgx_vepc_release(): counts, order, the zombie list. */
#include "machine.h"

#include "lib/bits.h"
#include "sgx/track.h"

#include <asm/sgx.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct two {
	struct vepc *a, *b;
};

static int setup(void **state)
{
	static struct two two;

	two = (struct two){vepc_new(), vepc_new()};
	*state = &two;
	return 0;
}

/* A case puts what it made. */
static int teardown(void **state)
{
	(void)state;
	return free_pages() == 16 ? 0 : -1;
}

static long remove_all(struct vepc *vepc)
{
	return vepc_ioctl(vepc, SGX_IOC_VEPC_REMOVE_ALL, 0);
}

static bool is_valid(hpa_t hpa)
{
	return epcm_is_valid(epcm_state(epc_lookup(&machine()->platform.epc, hpa)));
}

/* Patch "SGX_CHILD_PRESENT", and the two calls that a VMM's reset makes. */
static void remove_all_child_in_other_vepc_counts(void **state)
{
	struct two *two = *state;
	hpa_t secs = page_at(two->a, 0);

	make_secs(secs);
	add_page(secs, page_at(two->b, 0));
	assert_int_equal(remove_all(two->a), 1);
	assert_true(is_valid(secs));
	assert_int_equal(remove_all(two->b), 0);
	assert_int_equal(remove_all(two->a), 0);
	assert_false(is_valid(secs));
	/* Pages stay the vEPC's. */
	assert_int_equal(page_at(two->a, 0), secs);
	assert_int_equal(free_pages(), 14);
	vepc_put(two->a);
	vepc_put(two->b);
}

/* Children behind their SECS: the first call meets the SECS before it has removed them. */
static void remove_all_secs_before_its_children_counts_once(void **state)
{
	struct two *two = *state;
	hpa_t secs = page_at(two->a, 0);

	make_secs(secs);
	add_page(secs, page_at(two->a, 1));
	assert_int_equal(remove_all(two->a), 1);
	assert_int_equal(remove_all(two->a), 0);
	vepc_put(two->a);
	vepc_put(two->b);
}

static void remove_all_processor_inside_ebusy(void **state)
{
	struct two *two = *state;
	hpa_t secs = page_at(two->a, 1), child = page_at(two->a, 0);
	struct epcm_entry *e;
	uint32_t epoch;

	make_secs(secs);
	add_page(secs, child);
	e = epc_lookup(&machine()->platform.epc, secs);
	assert_true(track_enter(e, &epoch));
	assert_int_equal(remove_all(two->a), -EBUSY);
	track_leave(e, epoch);
	assert_int_equal(remove_all(two->a), 0);
	vepc_put(two->a);
	vepc_put(two->b);
}

static void release_frees_secs_after_its_children(void **state)
{
	struct two *two = *state;
	hpa_t secs = page_at(two->a, 0);

	make_secs(secs);
	add_page(secs, page_at(two->a, 1));
	vepc_put(two->a);
	assert_int_equal(free_pages(), 16);
	vepc_put(two->b);
}

static void release_child_elsewhere_secs_waits_for_it(void **state)
{
	struct two *two = *state;
	struct vepc *third = vepc_new();
	hpa_t secs = page_at(two->a, 0);

	make_secs(secs);
	add_page(secs, page_at(two->b, 0));
	vepc_put(two->a);
	assert_int_equal(free_pages(), 14);
	assert_true(is_valid(secs));
	/* Somebody else's release does not help it. */
	page_at(third, 0);
	vepc_put(third);
	assert_int_equal(free_pages(), 14);
	vepc_put(two->b);
	assert_int_equal(free_pages(), 16);
	assert_false(is_valid(secs));
}

/* What no EREMOVE should answer joins the zombies, and goes when it can. */
static void release_processor_inside_kept_until_it_is_gone(void **state)
{
	struct two *two = *state;
	hpa_t secs = page_at(two->a, 0);
	struct epcm_entry *e;
	uint32_t epoch;

	make_secs(secs);
	add_page(secs, page_at(two->a, 1));
	e = epc_lookup(&machine()->platform.epc, secs);
	assert_true(track_enter(e, &epoch));
	vepc_put(two->a);
	assert_int_equal(free_pages(), 14);
	track_leave(e, epoch);
	page_at(two->b, 0);
	vepc_put(two->b);
	/* The child goes in its turn, the SECS at the latest with the next release. */
	two->b = vepc_new();
	page_at(two->b, 0);
	vepc_put(two->b);
	assert_int_equal(free_pages(), 16);
}

static void *put(void *vepc)
{
	vepc_put(vepc);
	return NULL;
}

/* Neither of two that go at once may leave its SECS behind. */
static void release_of_two_at_once_leaves_nothing(void **state)
{
	struct two *two = *state;

	vepc_put(two->a);
	vepc_put(two->b);
	for (unsigned int i = 0; i < 300; i++) {
		struct vepc *a = vepc_new(), *b = vepc_new();
		hpa_t first = page_at(a, 0), second = page_at(b, 0);
		pthread_t thread;

		make_secs(first);
		make_secs(second);
		add_page(first, page_at(b, 1));
		add_page(second, page_at(a, 1));
		assert_int_equal(pthread_create(&thread, NULL, put, a), 0);
		vepc_put(b);
		pthread_join(thread, NULL);
		assert_int_equal(free_pages(), 16);
	}
}

/* A VMM with enclaves, which does not live to see what becomes of it. */
static void be_killed(int ready)
{
	struct vepc *vepc = vepc_new();
	hpa_t secs = page_at(vepc, 0);

	make_secs(secs);
	add_page(secs, page_at(vepc, 1));
	if (write(ready, "", 1) == 1)
		pause();
	_exit(1);
}

/* EPC is the process's own: the next one finds the identity, and nothing else. */
static void killed_process_leaves_nothing(void **state)
{
	struct two *two = *state;
	int ready[2], status;
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid)
		be_killed(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	close(ready[0]);
	close(ready[1]);
	make_secs(page_at(two->a, 0));
	vepc_put(two->a);
	vepc_put(two->b);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest vepc_release_tests[] = {
	CASE(remove_all_child_in_other_vepc_counts),
	CASE(remove_all_secs_before_its_children_counts_once),
	CASE(remove_all_processor_inside_ebusy),
	CASE(release_frees_secs_after_its_children),
	CASE(release_child_elsewhere_secs_waits_for_it),
	CASE(release_processor_inside_kept_until_it_is_gone),
	CASE(release_of_two_at_once_leaves_nothing),
	CASE(killed_process_leaves_nothing),
};
const size_t vepc_release_test_count = ARRAY_SIZE(vepc_release_tests);
