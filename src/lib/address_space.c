// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The number is kept in a page that the kernel gives to a child of fork() full of zeros
 * (MADV_WIPEONFORK), however the child was made. Where there is no such page, the number
 * of the process stands for that of its memory.
 */
#define _GNU_SOURCE /* MADV_WIPEONFORK */
#include "lib/address_space.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

typedef _Atomic uint64_t counter;

static counter no_page;
static counter *_Atomic page;
/* A child's copy goes on from its parent's. */
static counter last_id;

static counter *map_page(void)
{
	void *map = mmap(NULL, sizeof(counter), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);

	if (map == MAP_FAILED)
		return &no_page;
	if (!madvise(map, sizeof(counter), MADV_WIPEONFORK))
		return map;
	munmap(map, sizeof(counter));
	return &no_page;
}

/* Of several threads that come first, one's is everybody's: there is never a second answer. */
static counter *get_page(void)
{
	counter *seen = atomic_load_explicit(&page, memory_order_acquire), *mapped;

	if (seen)
		return seen;
	mapped = map_page();
	if (atomic_compare_exchange_strong(&page, &seen, mapped))
		return mapped;
	if (mapped != &no_page)
		munmap(mapped, sizeof(counter));
	return seen;
}

uint64_t address_space_id(void)
{
	counter *place = get_page();
	uint64_t id, fresh;

	if (place == &no_page)
		return (uint64_t)getpid();
	id = atomic_load_explicit(place, memory_order_relaxed);
	if (id)
		return id;
	fresh = atomic_fetch_add(&last_id, 1) + 1;
	return atomic_compare_exchange_strong(place, &id, fresh) ? fresh : id;
}
