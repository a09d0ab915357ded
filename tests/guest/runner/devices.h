/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The devices that a guest may use: those of QEMU's `pc` that its tests need, as
 * far as they need them, and a few of the runner's own from 0x500 up.
 *
 *  0xe9         text output; reads as 0xe9
 *  0xf4         ends the guest, 32 bits
 *  0x81..0x83   bytes that keep what is written, 0x87 likewise
 *  0xcf8        32 bits that keep what is written
 *  0x3c7..0x3c9 the VGA palette: bytes in a row through one port
 *  0xa0000      64 KiB of device memory, one byte at a time behind the scenes
 *  0x500, 0x504 address and data of a write that the device makes to memory
 *  0x508        raises an interrupt of this vector
 *  0x50c        the same after a millisecond, from another thread
 */
#ifndef RUNNER_DEVICES_H
#define RUNNER_DEVICES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define DEVICE_MEMORY      0xa0000
#define DEVICE_MEMORY_SIZE 0x10000

struct devices {
	uint8_t page_register[16];
	uint32_t pci_address;
	uint8_t palette[256 * 3];
	unsigned int palette_read, palette_write;
	uint8_t memory[DEVICE_MEMORY_SIZE];
	uint32_t dma_address;
	_Atomic int interrupt; /* -1: none */
	bool ended;
	uint32_t exit_code;
	/* Writes @value to the guest's memory behind its back. */
	void (*dma)(void *opaque, uint32_t gpa, uint32_t value);
	/* Has @vector raised later. */
	void (*timer)(void *opaque, uint8_t vector);
	void *opaque;
};

/* The caller sets `dma`, `timer` and `opaque`. */
void devices_init(struct devices *d);
void devices_out(struct devices *d, uint16_t port, const uint8_t *data, unsigned int size);
void devices_in(struct devices *d, uint16_t port, uint8_t *data, unsigned int size);
void devices_mmio(struct devices *d, uint64_t gpa, uint8_t *data, unsigned int size, bool write);

#endif
