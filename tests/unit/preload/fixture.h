/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs under LD_PRELOAD of the door with a fake KVM behind it. */
#ifndef EXCLAVE_TESTS_UNIT_PRELOAD_FIXTURE_H
#define EXCLAVE_TESTS_UNIT_PRELOAD_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fake_kvm.h"
#include "suites.h"
#include "kvm/kvm.h"

#define NODE_PATH "/dev/kvm"

/*
 * Starts the program again with the library of argv[1] preloaded, unless it is.
 * Return: in the second process, with that argument removed.
 */
void preload_self(int *argc, char **argv);
extern const char *preloaded_library;

int open_kvm(void);
int create_vm(int kvm);
int create_vcpu(int vm);

/* Objects that exist, without the one that asks. */
int live_objects(void);

/* Is @fd a memfd of the door's called @name? */
bool is_named(int fd, const char *name);

#define assert_named(fd, name) assert_true(is_named(fd, "exclave:" name))

/* Does an ioctl on @fd reach an object of @kind? */
#define assert_kind(fd, kind) assert_int_equal(ioctl(fd, FAKE_KIND), kind)

#define assert_errno(expression, err)                     \
	do {                                              \
		errno = 0;                                \
		assert_int_equal((long)(expression), -1); \
		assert_int_equal(errno, err);             \
	} while (0)

/* Does @act in a child and asserts that it succeeded there; assertions do not work in it. */
void in_child(bool (*act)(void *arg), void *arg);

/* Setup and teardown of cases: nothing may stay open. */
int remember_descriptors(void **state);
int nothing_left(void **state);

#define DOOR_TEST(f) cmocka_unit_test_setup_teardown(f, remember_descriptors, nothing_left)

#endif
