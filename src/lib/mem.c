// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/mem.h"

#include <sys/mman.h>

void *mem_reserve(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/*
	 * Advice only, so failures are harmless. Without NOHUGEPAGE a host that
	 * always uses huge pages would spend 2 MiB on each page in use.
	 */
	madvise(p, size, MADV_DONTDUMP);
	madvise(p, size, MADV_DONTFORK);
	madvise(p, size, MADV_NOHUGEPAGE);
	return p;
}

void mem_discard(void *p, size_t size)
{
	madvise(p, size, MADV_DONTNEED);
}

void mem_release(void *p, size_t size)
{
	if (p)
		munmap(p, size);
}
