// SPDX-License-Identifier: GPL-2.0-or-later
/* A debug build ends a program that takes locks in another order than the list's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "embedder.h"
#include "lib/lock.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define EPC_HPA UINT64_C(0x180000000)

static struct epcm_entry entries[5];

/* Runs @function in a process of its own, whose complaint is not shown. */
static bool aborts(void (*function)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		signal(SIGABRT, SIG_DFL);
		if (dup2(open("/dev/null", O_WRONLY), STDERR_FILENO) < 0)
			_exit(1);
		function();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGABRT;
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

static void assert_aborts(void (*function)(void))
{
#ifndef EXCLAVE_DEBUG_LOCKS
	(void)function;
	skip(); /* a build without the check */
#else
	assert_true(aborts(function));
#endif
}

static void lock(unsigned int i)
{
	if (!epcm_lock(&entries[i], EPCM_SHARED))
		_exit(1);
}

static void take_rising(void)
{
	lock(0);
	lock(1);
	lock(3);
	epcm_unlock(&entries[1], EPCM_SHARED);
	epcm_unlock(&entries[3], EPCM_SHARED);
	lock(2);
	epcm_unlock(&entries[2], EPCM_SHARED);
	epcm_unlock(&entries[0], EPCM_SHARED);
	lock(0);
	epcm_unlock(&entries[0], EPCM_SHARED);
	lock_assert_none_held();
}

static void take_falling(void)
{
	lock(1);
	lock(0);
}

static void take_twice(void)
{
	lock(1);
	lock(1);
}

static void take_rank_above(void)
{
	if (!epcm_bit_lock(&entries[0], EPCM_LOCK_MEASURE))
		_exit(1);
	lock(1);
}

static void release_another(void)
{
	lock(1);
	epcm_unlock(&entries[0], EPCM_SHARED);
}

/* As many as a leaf may claim, and one more than anybody has room to. */
static void take_too_many(void)
{
	for (unsigned int i = 0; i < 5; i++)
		lock(i);
}

static void check_access_with_lock(void)
{
	const struct embedder_config config = {
		.window = UINT64_C(0x10000000),
		.window_pages = 4,
		.epc_pages = 2,
		.ram_pages = 1,
		.epc_hpa = EPC_HPA,
		.cpus = 1,
	};
	const struct sgx_place place = {.is_epc = true, .hpa = EPC_HPA};
	struct embedder *embedder = embedder_new(&config);

	if (!embedder)
		_exit(1);
	lock(0);
	sgx_check_access(&embedder->cpus[0].cpu, config.window, 0, &place);
}

static void pages_by_rising_address_allowed(void **state)
{
	assert_false(aborts(take_rising));
}

static void pages_by_falling_address_abort(void **state)
{
	assert_aborts(take_falling);
}

static void page_twice_aborts(void **state)
{
	assert_aborts(take_twice);
}

static void rank_above_aborts(void **state)
{
	assert_aborts(take_rank_above);
}

static void release_of_lock_not_held_aborts(void **state)
{
	assert_aborts(release_another);
}

static void too_many_pages_abort(void **state)
{
	assert_aborts(take_too_many);
}

/* It waits for an exclusive holder, who may be waiting for the caller's page. */
static void check_access_with_lock_aborts(void **state)
{
	assert_aborts(check_access_with_lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_by_rising_address_allowed),
		cmocka_unit_test(pages_by_falling_address_abort),
		cmocka_unit_test(page_twice_aborts),
		cmocka_unit_test(rank_above_aborts),
		cmocka_unit_test(release_of_lock_not_held_aborts),
		cmocka_unit_test(too_many_pages_abort),
		cmocka_unit_test(check_access_with_lock_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
