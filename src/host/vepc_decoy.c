// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a VMM sees where it has mapped virtual EPC: ones, as anybody but the processor reads
 * of EPC. One file of ones is mapped again and again, so the mapping costs what the file
 * does. The mappings are private ones: what the VMM writes there is its own and reaches
 * neither the guest nor another mapping.
 */
#define _GNU_SOURCE /* MFD_ALLOW_SEALING, F_ADD_SEALS */
#include "host/vepc.h"

#include "lib/bits.h"
#include "lib/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Processes have 65,530 mappings at most, and a VMM needs its own. */
#define MAX_WINDOWS 1024
#define MIN_WINDOW  (UINT64_C(2) << 20)

static size_t window_size(size_t size)
{
	size_t window = MIN_WINDOW;

	while (size > window * MAX_WINDOWS)
		window *= 2;
	return window;
}

static int write_ones(int fd, size_t size)
{
	unsigned char ones[65536];

	memset(ones, 0xff, sizeof(ones));
	while (size) {
		ssize_t n = write(fd, ones, size < sizeof(ones) ? size : sizeof(ones));

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			size -= (size_t)n;
	}
	return 0;
}

static int open_window(size_t size)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
	int fd = memfd_make("exclave:decoy", MFD_CLOEXEC | MFD_ALLOW_SEALING), ret;

	if (fd < 0)
		return -errno;
	ret = write_ones(fd, size);
	if (!ret && fcntl(fd, F_ADD_SEALS, seals))
		ret = -errno;
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

static int map_windows(int fd, uint8_t *at, size_t size, size_t window, int prot)
{
	const int flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;

	for (size_t done = 0; done < size; done += window) {
		size_t part = size - done < window ? size - done : window;

		if (mmap(at + done, part, prot, flags, fd, 0) == MAP_FAILED)
			return -errno;
	}
	return 0;
}

int vepc_decoy_map(void *addr, size_t size, int prot, int flags, void **mapped)
{
	const int placement = MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_32BIT;
	size_t whole = align_up(size, 4096), window = window_size(whole);
	int fd = open_window(whole < window ? whole : window), ret;
	void *at;

	if (fd < 0)
		return fd;
	at = mmap(addr, whole, PROT_NONE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (flags & placement), -1, 0);
	ret = at == MAP_FAILED ? -errno : map_windows(fd, at, whole, window, prot);
	close(fd);
	if (ret) {
		if (at != MAP_FAILED)
			munmap(at, whole);
		return ret;
	}
	/* As the driver's mappings. */
	madvise(at, whole, MADV_DONTFORK);
	madvise(at, whole, MADV_DONTDUMP);
	*mapped = at;
	return 0;
}
