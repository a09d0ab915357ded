// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

#include <stdatomic.h>
#include <unistd.h>

#include "lib/bits.h"

#define OF_KIND   8
#define POOL_SIZE (NR_KINDS * OF_KIND)

static atomic_int pool[POOL_SIZE];
static atomic_int last_closed = -1;

static void place_set(size_t place, int fd)
{
	int before = atomic_exchange(&pool[place], fd);

	if (before < 0)
		return;
	close(before);
	atomic_store(&last_closed, before);
}

static size_t choose_place(struct hostile *h, enum kind kind)
{
	return kind * OF_KIND + choose(h, OF_KIND);
}

void pool_init(void)
{
	for (size_t i = 0; i < POOL_SIZE; i++)
		atomic_store(&pool[i], -1);
}

void pool_put(struct hostile *h, enum kind kind, int fd)
{
	if (fd >= 0)
		place_set(choose_place(h, kind), fd);
}

int pool_choose(struct hostile *h, enum kind kind)
{
	switch (choose(h, 64)) {
	case 0:
		return -1;
	case 1:
		return 1 << 30;
	case 2:
		return atomic_load(&last_closed);
	default:
		return atomic_load(&pool[choose_place(h, kind)]);
	}
}

void pool_close_one(struct hostile *h, enum kind kind)
{
	place_set(choose_place(h, kind), -1);
}

void pool_close_all(void)
{
	for (size_t i = 0; i < POOL_SIZE; i++)
		place_set(i, -1);
}
