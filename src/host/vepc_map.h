/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which ranges of the process's addresses are mappings of a vEPC: what KVM knows a memory
 * slot of EPC by. As the kernel's VMAs: a mapping holds a reference to its vEPC, and a new
 * mapping over it, or an unmapping of a part, leaves the rest.
 *
 * The mutex (LOCK_VEPC_MAP) protects the array. There are a handful of mappings.
 */
#ifndef EXCLAVE_HOST_VEPC_MAP_H
#define EXCLAVE_HOST_VEPC_MAP_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vepc;

struct vepc_mapping {
	uintptr_t start;
	size_t size;
	uint64_t index; /* of the first page */
	struct vepc *vepc;
};

struct vepc_map {
	pthread_mutex_t lock;
	struct vepc_mapping *mapping;
	unsigned int room;
	_Atomic unsigned int count;
};

void vepc_map_init(struct vepc_map *map);

/* Adds a mapping, which takes a reference of its own. Return: 0, or -ENOMEM. */
int vepc_map_add(struct vepc_map *map, const struct vepc_mapping *mapping);

/*
 * Nothing of [@start, @start + @size) is mapped any more, or will be in a moment.
 * Return: 0, or -ENOMEM when a mapping would have to be split, with nothing changed.
 */
int vepc_map_remove(struct vepc_map *map, uintptr_t start, size_t size);

/*
 * The mapping that all of [@start, @start + @size) lies in, cut to it, with a reference of
 * its vEPC for the caller. Return: is there one?
 */
bool vepc_map_find(struct vepc_map *map, uintptr_t start, size_t size, struct vepc_mapping *found);

#endif
