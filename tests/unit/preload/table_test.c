// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A look-up that is overtaken: between the load of the entry and the count, the number
 * is closed and its file used again for another descriptor. file_get() is wrapped, so
 * that this happens every time.
 */
#define _GNU_SOURCE /* closefrom */
#include "suites.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <unistd.h>

#include "lib/bits.h"
#include "preload/table.h"

bool __real_file_get(struct file *file);
bool __wrap_file_get(struct file *file);

static void (*meanwhile)(void);
static int overtaken; /* the number that is looked up */
static int opened;    /* what is opened meanwhile */
static int released;

static void release(void *object)
{
	released++;
}

static const struct file_ops ops = {.release = release};

static int objects[3];

static int open_object(int *object)
{
	int fd = file_open("test", NULL, O_RDWR | O_CLOEXEC, &ops, object);

	assert_true(fd >= 0);
	return fd;
}

static void close_number(int fd)
{
	struct file *file = table_take(fd);

	assert_non_null(file);
	file_put(file);
	close(fd);
}

bool __wrap_file_get(struct file *file)
{
	void (*act)(void) = meanwhile;

	meanwhile = NULL;
	if (act)
		act();
	return __real_file_get(file);
}

/* The kernel's number stays taken: the next file gets another one. */
static void reuse_elsewhere(void)
{
	struct file *file = table_take(overtaken);

	file_put(file);
	opened = open_object(&objects[1]);
	assert_ptr_equal(table_get(opened), file);
	file_put(file);
}

static void get_file_used_elsewhere_finds_nothing(void **state)
{
	released = 0;
	overtaken = open_object(&objects[0]);
	meanwhile = reuse_elsewhere;
	assert_null(table_get(overtaken));
	assert_int_equal(released, 1);
	close_number(opened);
	assert_int_equal(released, 2);
	close(overtaken);
}

static void reuse_and_replace(void)
{
	reuse_elsewhere();
	assert_int_equal(table_install(overtaken, table_get(open_object(&objects[2]))), 0);
}

static void get_number_used_again_finds_the_new_file(void **state)
{
	struct file *file;

	released = 0;
	overtaken = open_object(&objects[0]);
	meanwhile = reuse_and_replace;
	file = table_get(overtaken);
	assert_non_null(file);
	assert_ptr_equal(file->object, &objects[2]);
	file_put(file);
	close_number(overtaken);
	close_number(opened);
	assert_int_equal(released, 2);
	closefrom(opened + 1);
}

static void just_release(void)
{
	file_put(table_take(overtaken));
}

static void get_released_file_finds_nothing(void **state)
{
	released = 0;
	overtaken = open_object(&objects[0]);
	meanwhile = just_release;
	assert_null(table_get(overtaken));
	assert_int_equal(released, 1);
	close(overtaken);
}

/* Another thread's close, between ours and the exchange. */
static void take_overtaken_finds_nothing(void **state)
{
	released = 0;
	overtaken = open_object(&objects[0]);
	meanwhile = just_release;
	assert_null(table_take(overtaken));
	assert_int_equal(released, 1);
	close(overtaken);
}

static void install_number_too_large_emfile(void **state)
{
	int fd = open_object(&objects[0]);
	struct file *file = table_get(fd);

	assert_int_equal(table_install(TABLE_NR_FDS, file), -EMFILE);
	assert_int_equal(table_install(-1, file), -EMFILE);
	assert_true(table_is_empty(TABLE_NR_FDS));
	assert_true(table_is_empty(-1));
	assert_int_equal(table_install(TABLE_NR_FDS - 1, file), 0);
	assert_ptr_equal(table_get(TABLE_NR_FDS - 1), file);
	file_put(file);
	table_drop_range(fd + 1, UINT_MAX);
	assert_true(table_is_empty(TABLE_NR_FDS - 1));
	assert_false(table_is_empty(fd));
	close_number(fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(get_file_used_elsewhere_finds_nothing),
		cmocka_unit_test(get_number_used_again_finds_the_new_file),
		cmocka_unit_test(get_released_file_finds_nothing),
		cmocka_unit_test(take_overtaken_finds_nothing),
		cmocka_unit_test(install_number_too_large_emfile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
