// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/vepc_map.h"

#include "host/vepc.h"
#include "lib/lock.h"
#include "sgx/arch.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

static void map_lock(struct vepc_map *map)
{
	lock_rank_acquire(LOCK_VEPC_MAP);
	pthread_mutex_lock(&map->lock);
}

static void map_unlock(struct vepc_map *map)
{
	pthread_mutex_unlock(&map->lock);
	lock_rank_release(LOCK_VEPC_MAP);
}

void vepc_map_init(struct vepc_map *map)
{
	*map = (struct vepc_map){.mapping = NULL};
	pthread_mutex_init(&map->lock, NULL);
}

/* Makes room for @more mappings. */
static int __make_room(struct vepc_map *map, unsigned int more)
{
	unsigned int room = map->count + more;
	struct vepc_mapping *mapping;

	if (room <= map->room)
		return 0;
	room *= 2;
	mapping = realloc(map->mapping, room * sizeof(*mapping));
	if (!mapping)
		return -ENOMEM;
	map->mapping = mapping;
	map->room = room;
	return 0;
}

int vepc_map_add(struct vepc_map *map, const struct vepc_mapping *mapping)
{
	int ret;

	map_lock(map);
	ret = __make_room(map, 1);
	if (!ret) {
		vepc_get(mapping->vepc);
		map->mapping[map->count] = *mapping;
		atomic_fetch_add(&map->count, 1);
	}
	map_unlock(map);
	return ret;
}

static bool overlaps(const struct vepc_mapping *m, uintptr_t start, uintptr_t end)
{
	return m->start < end && start < m->start + m->size;
}

static struct vepc_mapping cut(const struct vepc_mapping *m, uintptr_t start, uintptr_t end)
{
	return (struct vepc_mapping){
		.start = start,
		.size = end - start,
		.index = m->index + (start - m->start) / SGX_PAGE_SIZE,
		.vepc = m->vepc,
	};
}

/*
 * Takes [@start, @end) out of mapping @i; what is left of it stays in its place and, of a
 * mapping cut in two, at the end. Return: the vEPC when nothing is left, or NULL.
 */
static struct vepc *__take_out(struct vepc_map *map, unsigned int i, uintptr_t start, uintptr_t end)
{
	const struct vepc_mapping m = map->mapping[i];
	uintptr_t m_end = m.start + m.size;

	if (start > m.start && end < m_end) {
		vepc_get(m.vepc);
		map->mapping[map->count] = cut(&m, end, m_end);
		atomic_fetch_add(&map->count, 1);
	}
	if (start > m.start) {
		map->mapping[i] = cut(&m, m.start, start);
	} else if (end < m_end) {
		map->mapping[i] = cut(&m, end, m_end);
	} else {
		map->mapping[i] = map->mapping[map->count - 1];
		atomic_fetch_sub(&map->count, 1);
		return m.vepc;
	}
	return NULL;
}

/* One mapping at a time, for its vEPC may go, which is no work for who holds a lock. */
static int remove_one(struct vepc_map *map, uintptr_t start, uintptr_t end, bool *again)
{
	struct vepc *gone = NULL;
	int ret = 0;

	*again = false;
	map_lock(map);
	for (unsigned int i = 0; i < map->count; i++) {
		if (!overlaps(&map->mapping[i], start, end))
			continue;
		ret = __make_room(map, 1);
		if (!ret)
			gone = __take_out(map, i, start, end);
		*again = !ret;
		break;
	}
	map_unlock(map);
	if (gone)
		vepc_put(gone);
	return ret;
}

int vepc_map_remove(struct vepc_map *map, uintptr_t start, size_t size)
{
	bool again = atomic_load(&map->count) && size;
	int ret = 0;

	while (again && !ret)
		ret = remove_one(map, start, start + size, &again);
	return ret;
}

bool vepc_map_find(struct vepc_map *map, uintptr_t start, size_t size, struct vepc_mapping *found)
{
	uintptr_t end = start + size;
	bool is_found = false;

	if (!atomic_load(&map->count) || end <= start)
		return false;
	map_lock(map);
	for (unsigned int i = 0; i < map->count && !is_found; i++) {
		const struct vepc_mapping *m = &map->mapping[i];

		if (start < m->start || end > m->start + m->size)
			continue;
		vepc_get(m->vepc);
		*found = cut(m, start, end);
		is_found = true;
	}
	map_unlock(map);
	return is_found;
}
