// SPDX-License-Identifier: GPL-2.0-or-later
/* Linux' arch/x86/kernel/cpu/sgx/virt.c: mappings, pages on demand, reservations. */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "machine.h"

#include "lib/bits.h"

#include <asm/sgx.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES(n) ((size_t)(n)*SGX_PAGE_SIZE)
#define RW       (PROT_READ | PROT_WRITE)

static int setup(void **state)
{
	*state = vepc_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	vepc_put(*state);
	return free_pages() == 16 && !epc_pool_counters(&machine()->pool).reserved ? 0 : -1;
}

static uint8_t *map(struct vepc *vepc, size_t size, off_t offset)
{
	void *at;

	assert_int_equal(vepc_mmap(vepc, O_RDWR, NULL, size, RW, MAP_SHARED, offset, &at), 0);
	return at;
}

static void unmap(uint8_t *at, size_t size)
{
	assert_int_equal(vepc_map_remove(&machine()->map, (uintptr_t)at, size), 0);
	assert_int_equal(munmap(at, size), 0);
}

static void pages_come_with_first_touch(void **state)
{
	struct vepc *vepc = *state;
	hpa_t hpa, again;

	assert_int_equal(vepc_lookup(vepc, 3, &hpa), -ENOENT);
	hpa = page_at(vepc, 3);
	assert_int_equal(page_at(vepc, 3), hpa);
	assert_int_equal(vepc_lookup(vepc, 3, &again), 0);
	assert_int_equal(again, hpa);
	assert_int_equal(vepc_lookup(vepc, 2, &again), -ENOENT);
	assert_true(page_at(vepc, UINT64_MAX >> 12) != hpa);
	assert_int_equal(free_pages(), 14);
}

#define TOUCHERS    4
#define TOUCH_TIMES 300

struct toucher {
	struct vepc *vepc;
	pthread_barrier_t *start;
	pthread_t thread;
	hpa_t hpa[2];
	int ret;
};

static void *touch(void *argument)
{
	struct toucher *t = argument;

	pthread_barrier_wait(t->start);
	for (unsigned int i = 0; i < 2; i++)
		t->ret |= vepc_allocate(t->vepc, i, &t->hpa[i]);
	return NULL;
}

static void touch_at_once(struct toucher *touchers)
{
	for (unsigned int i = 0; i < TOUCHERS; i++)
		assert_int_equal(pthread_create(&touchers[i].thread, NULL, touch, &touchers[i]), 0);
	for (unsigned int i = 0; i < TOUCHERS; i++)
		pthread_join(touchers[i].thread, NULL);
}

/* As several vCPUs do that find a page of their guest's EPC for the first time. */
static void first_touch_by_many_at_once_is_one_page(void **state)
{
	struct toucher touchers[TOUCHERS];
	pthread_barrier_t start;

	(void)state;
	pthread_barrier_init(&start, NULL, TOUCHERS);
	for (unsigned int n = 0; n < TOUCH_TIMES; n++) {
		struct vepc *vepc = vepc_new();

		for (unsigned int i = 0; i < TOUCHERS; i++)
			touchers[i] = (struct toucher){.vepc = vepc, .start = &start};
		touch_at_once(touchers);
		for (unsigned int i = 0; i < TOUCHERS; i++) {
			assert_int_equal(touchers[i].ret, 0);
			assert_memory_equal(touchers[i].hpa, touchers[0].hpa,
					    sizeof(touchers[0].hpa));
		}
		assert_int_equal(free_pages(), 14);
		vepc_put(vepc);
	}
	pthread_barrier_destroy(&start);
}

static void mmap_refused_as_by_linux(void **state)
{
	static const struct {
		int mode, prot, flags, ret;
		size_t size;
		off_t offset;
	} rows[] = {
		{O_RDWR, RW, MAP_PRIVATE, -EINVAL, 4096, 0},
		{O_RDWR, RW, 0, -EINVAL, 4096, 0},
		{O_RDWR, RW, MAP_SHARED, -EINVAL, 0, 0},
		{O_RDWR, RW, MAP_SHARED, -EINVAL, 4096, 1},
		{O_RDONLY, PROT_READ, MAP_SHARED, -EINVAL, 4096, 0},
		{O_RDONLY, PROT_READ, MAP_PRIVATE, -EINVAL, 4096, 0},
		{O_RDONLY, RW, MAP_SHARED, -EACCES, 4096, 0},
		{O_WRONLY, PROT_WRITE, MAP_SHARED, -EACCES, 4096, 0},
		{O_RDWR, RW, MAP_SHARED, -ENOMEM, SIZE_MAX, 0},
		{O_RDWR, RW, MAP_SHARED, 0, 1, 0},
		{O_RDWR, RW, MAP_SHARED_VALIDATE, 0, 4096, PAGES(12345)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		void *at;

		assert_int_equal(vepc_mmap(*state, rows[i].mode, NULL, rows[i].size, rows[i].prot,
					   rows[i].flags, rows[i].offset, &at),
				 rows[i].ret);
		if (!rows[i].ret)
			unmap(at, 4096);
	}
}

static void assert_ones(const uint8_t *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		assert_int_equal(p[i], 0xff);
}

static void mapping_reads_ones_and_keeps_writes_from_others(void **state)
{
	const size_t size = 5 << 20;
	uint8_t *a = map(*state, size, 0), *b = map(*state, size, 0);

	assert_ones(a, size);
	memset(a, 0x5a, size);
	assert_ones(b, size);
	assert_int_equal(free_pages(), 16);
	unmap(a, size);
	unmap(b, size);
}

/* 64 GiB are 1,024 mappings at most, and the window that they share. */
static void large_mapping_is_ones_to_its_end(void **state)
{
	const size_t size = (size_t)64 << 30;
	uint8_t *at = map(*state, size, 0);

	for (size_t offset = 0; offset < size; offset += (size_t)1 << 30)
		assert_ones(at + offset, 8);
	assert_ones(at + size - 4096, 4096);
	unmap(at, size);
}

static void mapping_is_found_with_its_offset(void **state)
{
	uint8_t *at = map(*state, PAGES(8), PAGES(100));
	struct vepc_map *mappings = &machine()->map;
	struct vepc_mapping found;

	assert_true(vepc_map_find(mappings, (uintptr_t)at + PAGES(2), PAGES(6), &found));
	assert_ptr_equal(found.vepc, *state);
	assert_int_equal(found.index, 102);
	vepc_put(found.vepc);
	assert_false(vepc_map_find(mappings, (uintptr_t)at + PAGES(2), PAGES(7), &found));
	assert_false(vepc_map_find(mappings, (uintptr_t)at - 1, PAGES(1), &found));
	assert_false(vepc_map_find(mappings, (uintptr_t)at, SIZE_MAX, &found));
	unmap(at, PAGES(8));
	assert_null(sgx_host_mappings());
}

static void unmapping_a_part_leaves_the_rest(void **state)
{
	uint8_t *at = map(*state, PAGES(8), 0);
	struct vepc_map *mappings = &machine()->map;
	struct vepc_mapping found;

	unmap(at + PAGES(3), PAGES(2));
	assert_int_equal(mappings->count, 2);
	assert_false(vepc_map_find(mappings, (uintptr_t)at, PAGES(8), &found));
	assert_true(vepc_map_find(mappings, (uintptr_t)at, PAGES(3), &found));
	assert_int_equal(found.index, 0);
	vepc_put(found.vepc);
	assert_true(vepc_map_find(mappings, (uintptr_t)at + PAGES(5), PAGES(3), &found));
	assert_int_equal(found.index, 5);
	vepc_put(found.vepc);
	unmap(at, PAGES(8));
	assert_int_equal(mappings->count, 0);
}

/* A mapping over another one takes its place, with MAP_FIXED as QEMU maps it. */
static void mapping_replaces_what_was_there(void **state)
{
	uint8_t *at = map(*state, PAGES(4), 0);
	struct vepc_mapping found;
	void *same;

	assert_int_equal(vepc_mmap(*state, O_RDWR, at, PAGES(4), RW, MAP_SHARED | MAP_FIXED,
				   PAGES(50), &same),
			 0);
	assert_ptr_equal(same, at);
	assert_int_equal(machine()->map.count, 1);
	assert_true(vepc_map_find(&machine()->map, (uintptr_t)at, PAGES(4), &found));
	assert_int_equal(found.index, 50);
	vepc_put(found.vepc);
	unmap(at, PAGES(4));
}

static void index_in_two_mappings_is_one_page(void **state)
{
	uint8_t *a = map(*state, PAGES(2), 0), *b = map(*state, PAGES(2), PAGES(1));
	struct vepc_mapping first, second;

	assert_true(vepc_map_find(&machine()->map, (uintptr_t)a + PAGES(1), PAGES(1), &first));
	assert_true(vepc_map_find(&machine()->map, (uintptr_t)b, PAGES(1), &second));
	assert_int_equal(page_at(first.vepc, first.index), page_at(second.vepc, second.index));
	vepc_put(first.vepc);
	vepc_put(second.vepc);
	unmap(a, PAGES(2));
	unmap(b, PAGES(2));
}

/* As the driver's: the vEPC lives while it is mapped. */
static void mapping_outlives_descriptor(void **state)
{
	struct vepc *vepc = vepc_new();
	uint8_t *at = map(vepc, PAGES(1), 0);

	(void)state;
	page_at(vepc, 0);
	vepc_put(vepc);
	assert_int_equal(free_pages(), 15);
	unmap(at, PAGES(1));
	assert_int_equal(free_pages(), 16);
}

static void reserve_sets_pages_aside_once(void **state)
{
	struct epc_pool *pool = &machine()->pool;
	struct vepc *other = vepc_new();

	page_at(*state, 2);
	assert_int_equal(vepc_reserve(*state, 0, 1), 0);
	assert_int_equal(vepc_reserve(*state, 0, 8), 0);
	assert_int_equal(vepc_reserve(*state, 4, 4), 0);
	assert_int_equal(epc_pool_counters(pool).reserved, 7);
	page_at(*state, 5);
	page_at(*state, 5);
	assert_int_equal(epc_pool_counters(pool).reserved, 6);
	page_at(*state, 20);
	assert_int_equal(epc_pool_counters(pool).reserved, 6);
	assert_int_equal(vepc_reserve(other, 0, 8), -ENOMEM);
	assert_int_equal(vepc_reserve(other, 0, 7), 0);
	assert_int_equal(vepc_reserve(other, 7, 0), 0);
	vepc_put(other);
	assert_int_equal(epc_pool_counters(pool).reserved, 6);
}

static void allocate_from_exhausted_pool_efault(void **state)
{
	struct vepc *other = vepc_new();
	hpa_t hpa;

	for (uint64_t i = 0; i < 16; i++)
		page_at(*state, i);
	assert_int_equal(vepc_allocate(other, 0, &hpa), -EFAULT);
	assert_int_equal(vepc_lookup(other, 0, &hpa), -ENOENT);
	/* Those that it has it keeps. */
	page_at(*state, 7);
	vepc_put(other);
}

static void pages_are_of_the_node_that_mbind_named(void **state)
{
	hpa_t base;

	vepc_set_node(*state, 1);
	base = page_at(*state, 0) >> 40;
	vepc_set_node(*state, 0);
	assert_int_equal(page_at(*state, 1) >> 40, base - 1);
	vepc_set_node(*state, -1);
	page_at(*state, 2);
}

static void ioctl_refused_as_by_linux(void **state)
{
	assert_int_equal(vepc_ioctl(*state, SGX_IOC_VEPC_REMOVE_ALL, 1), -EINVAL);
	assert_int_equal(vepc_ioctl(*state, SGX_IOC_ENCLAVE_CREATE, 0), -ENOTTY);
	assert_int_equal(vepc_ioctl(*state, 0, 0), -ENOTTY);
	assert_int_equal(vepc_ioctl(*state, SGX_IOC_VEPC_REMOVE_ALL, 0), 0);
	/* A VMM whose requests are ints. */
	assert_int_equal(vepc_ioctl(*state, (unsigned long)(int)SGX_IOC_VEPC_REMOVE_ALL, 0), 0);
}

static int in_child(struct vepc *vepc)
{
	void *at;

	if (vepc_ioctl(vepc, SGX_IOC_VEPC_REMOVE_ALL, 0) != -EIO)
		return 1;
	if (vepc_mmap(vepc, O_RDWR, NULL, 4096, RW, MAP_SHARED, 0, &at) != -EIO)
		return 2;
	if (sgx_host_mappings())
		return 3;
	/* Its own machine has its own EPC. */
	vepc = vepc_new();
	return vepc_allocate(vepc, 0, &(hpa_t){0}) || free_pages() != 15 ? 4 : 0;
}

static void child_eio(void **state)
{
	uint8_t *at = map(*state, PAGES(1), 0);
	int status;
	pid_t pid;

	page_at(*state, 0);
	pid = fork();
	if (!pid)
		_exit(in_child(*state));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	unmap(at, PAGES(1));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest vepc_tests[] = {
	CASE(pages_come_with_first_touch),
	CASE(first_touch_by_many_at_once_is_one_page),
	CASE(mmap_refused_as_by_linux),
	CASE(mapping_reads_ones_and_keeps_writes_from_others),
	CASE(large_mapping_is_ones_to_its_end),
	CASE(mapping_is_found_with_its_offset),
	CASE(unmapping_a_part_leaves_the_rest),
	CASE(mapping_replaces_what_was_there),
	CASE(index_in_two_mappings_is_one_page),
	CASE(mapping_outlives_descriptor),
	CASE(reserve_sets_pages_aside_once),
	CASE(allocate_from_exhausted_pool_efault),
	CASE(pages_are_of_the_node_that_mbind_named),
	CASE(ioctl_refused_as_by_linux),
	CASE(child_eio),
};
const size_t vepc_test_count = ARRAY_SIZE(vepc_tests);
