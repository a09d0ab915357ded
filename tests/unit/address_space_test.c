// SPDX-License-Identifier: GPL-2.0-or-later
/* Rule: what is asked from the same memory has the same number, a copy of it another. */
#define _GNU_SOURCE /* vfork */
#include "lib/address_space.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/bits.h"

static void *ask(void *id)
{
	*(uint64_t *)id = address_space_id();
	return NULL;
}

static void ask_in_threads_same_id(void **state)
{
	uint64_t ids[8], own = address_space_id();
	pthread_t threads[ARRAY_SIZE(ids)];

	assert_int_not_equal(own, 0);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask, &ids[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(ids[i], own);
	}
}

static bool has_ended_well(pid_t pid)
{
	int status = -1;

	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* The child does not ask, so that its own child is what first does. */
static void ask_in_children_of_fork_each_another_id(void **state)
{
	uint64_t own = address_space_id();
	pid_t pid = fork();

	if (!pid) {
		pid_t grandchild = fork();
		uint64_t id = address_space_id();

		if (!grandchild) {
			pid_t last = fork();
			uint64_t last_id = address_space_id();

			if (!last)
				_exit(last_id == own || last_id == id);
			_exit(id == own || last_id != id || !has_ended_well(last));
		}
		_exit(id == own || !has_ended_well(grandchild));
	}
	assert_true(has_ended_well(pid));
	assert_int_equal(address_space_id(), own);
}

/* No handler of pthread_atfork() sees this. */
static void ask_in_child_of_clone_another_id(void **state)
{
	uint64_t own = address_space_id();
	long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);

	if (!pid)
		_exit(address_space_id() == own);
	assert_true(has_ended_well((pid_t)pid));
}

static int ask_and_compare(void *own)
{
	return address_space_id() != *(uint64_t *)own;
}

static void ask_in_child_with_the_same_memory_same_id(void **state)
{
	enum {
		STACK = 1 << 16
	};
	uint64_t own = address_space_id();
	unsigned char *stack = aligned_alloc(16, STACK);
	int pid;

	assert_non_null(stack);
	pid = clone(ask_and_compare, stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, &own);
	assert_true(has_ended_well(pid));
	free(stack);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ask_in_threads_same_id),
		cmocka_unit_test(ask_in_children_of_fork_each_another_id),
		cmocka_unit_test(ask_in_child_of_clone_another_id),
		cmocka_unit_test(ask_in_child_with_the_same_memory_same_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
