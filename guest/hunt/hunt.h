/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Patterns that the guest's root looks for. A pattern is a word by lot, whose low 16 bits are 0, and
 * its successors in memory: two of them side by side are 16 bytes that are there by no chance, and the
 * program that looks for them has them nowhere else.
 */
#ifndef EXCLAVE_GUEST_HUNT_H
#define EXCLAVE_GUEST_HUNT_H

#include "sgx/arch.h"

struct pattern {
	uint64_t first;
	uint64_t count; /* of words */
};

#define PATTERN_NUMBER UINT64_C(0xffff)
#define PAGE_WORDS     (SGX_PAGE_SIZE / 8)

/* Physical memory, mapped by /dev/mem. Return: NULL with errno. */
volatile uint8_t *map_physical(uint64_t start, uint64_t size, int writable);

/*
 * virtio.c: a disk that has no driver, by its registers. It writes what lies at @address,
 * guest-physical, to @sector; its queue and the request lie in the memory at @area, mapped at
 * @mapped. Return: 0, or -1 with *stage naming what failed.
 */
#define VIRTIO_AREA_SIZE UINT64_C(0x10000)
int virtio_write(uint64_t area, volatile uint8_t *mapped, uint64_t address, uint32_t size,
		 uint64_t sector, const char **stage);

#endif
