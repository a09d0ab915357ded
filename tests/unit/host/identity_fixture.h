/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of the platform identity's file: a folder of its own for each.
 *
 * As root the tests run with another effective user, whom permissions bind.
 */
#ifndef EXCLAVE_TESTS_UNIT_HOST_IDENTITY_FIXTURE_H
#define EXCLAVE_TESTS_UNIT_HOST_IDENTITY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/types.h>

#include "host/identity.h"

#define PATH_SIZE 100

struct fixture {
	char dir[32];
	char path[PATH_SIZE];
	char error[1024];
	struct sgx_identity identity;
};

/* False when root could not become another user: permissions then forbid nothing. */
extern bool is_bound_by_permissions;

/* Of the group. */
int drop_root(void **state);
int become_root_again(void **state);

/* Of each case. */
int setup(void **state);
int teardown(void **state);
#define identity_case(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

/* @path, of PATH_SIZE bytes, becomes @name in @folder. */
void set_path(char *path, const char *folder, const char *name);

/* identity_load() of @path into the fixture. */
int load(struct fixture *f, const char *path);
void assert_loaded(struct fixture *f, const char *path);
/* The message names file, cause and remedy, and no key has come out. */
void assert_refused(struct fixture *f, const char *path, int err, const char *cause);

mode_t mode_of(const char *path);
unsigned int entries_of(const char *path);
size_t read_back(const char *path, uint8_t *bytes, size_t size);
void write_file(const char *path, const uint8_t *bytes, size_t len);

#endif
