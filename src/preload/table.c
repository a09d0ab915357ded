// SPDX-License-Identifier: GPL-2.0-or-later
#include "preload/table.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/bits.h"
#include "preload/direct.h"

#define CHUNK_FDS 1024

typedef _Atomic(struct file *) slot_t;

struct chunk {
	slot_t slots[CHUNK_FDS];
};

static _Atomic(struct chunk *) chunks[TABLE_NR_FDS / CHUNK_FDS];

static slot_t *slot_of(unsigned int fd)
{
	struct chunk *chunk;

	if (fd >= TABLE_NR_FDS)
		return NULL;
	chunk = atomic_load_explicit(&chunks[fd / CHUNK_FDS], memory_order_acquire);
	return chunk ? &chunk->slots[fd % CHUNK_FDS] : NULL;
}

static bool chunk_make(unsigned int index)
{
	struct chunk *chunk = direct_mmap64(NULL, sizeof(*chunk), PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct chunk *other = NULL;

	if (chunk == MAP_FAILED)
		return false;
	if (!atomic_compare_exchange_strong(&chunks[index], &other, chunk))
		syscall(SYS_munmap, chunk, sizeof(*chunk));
	return true;
}

static struct file *slot_file(slot_t *slot)
{
	return slot ? atomic_load_explicit(slot, memory_order_acquire) : NULL;
}

bool table_is_empty(int fd)
{
	return likely(!slot_file(slot_of((unsigned int)fd)));
}

struct file *table_get(int fd)
{
	slot_t *slot = slot_of((unsigned int)fd);
	struct file *file = slot_file(slot);

	while (file) {
		bool counted = file_get(file);
		struct file *now = slot_file(slot);

		/* Still here: what was counted is this number's file, not a later use of it. */
		if (counted && now == file)
			return file;
		if (counted)
			file_put(file);
		file = now;
	}
	return NULL;
}

struct file *table_lookup(int fd)
{
	struct file *file = table_get(fd);

	if (!file || file_is_at(file, fd))
		return file;
	file_put(file);
	return NULL;
}

struct file *table_lookup_own(int fd)
{
	struct file *file = table_lookup(fd);

	if (!file || file_is_own(file))
		return file;
	file_put(file);
	return NULL;
}

int table_install(int fd, struct file *file)
{
	unsigned int number = (unsigned int)fd;
	struct file *before;

	if (number >= TABLE_NR_FDS)
		return -EMFILE;
	if (!slot_of(number) && !chunk_make(number / CHUNK_FDS))
		return -EMFILE;
	before = atomic_exchange_explicit(slot_of(number), file, memory_order_acq_rel);
	if (before)
		file_put(before);
	return 0;
}

/* Return: the reference that @slot held, or NULL. */
static struct file *slot_take(slot_t *slot, int fd)
{
	struct file *file = table_get(fd);
	struct file *expected = file;
	bool taken;

	if (!file)
		return NULL;
	taken = file_is_own(file) &&
		atomic_compare_exchange_strong_explicit(slot, &expected, NULL, memory_order_acq_rel,
							memory_order_relaxed);
	/* The one that we counted is not the last: the entry's is ours now, or still there. */
	file_put(file);
	return taken ? file : NULL;
}

struct file *table_take(int fd)
{
	return table_is_empty(fd) ? NULL : slot_take(slot_of((unsigned int)fd), fd);
}

static void chunk_drop_range(unsigned int first, unsigned int last)
{
	for (unsigned int fd = first; fd <= last; fd++) {
		struct file *file = table_take((int)fd);

		if (file)
			file_put(file);
	}
}

void table_drop_range(unsigned int first, unsigned int last)
{
	if (last >= TABLE_NR_FDS)
		last = TABLE_NR_FDS - 1;
	while (first <= last) {
		unsigned int end = first | (CHUNK_FDS - 1);

		if (end > last)
			end = last;
		if (slot_of(first))
			chunk_drop_range(first, end);
		first = end + 1;
	}
}
