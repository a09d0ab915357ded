// SPDX-License-Identifier: GPL-2.0-or-later
#include "devices.h"

#include <stdio.h>
#include <string.h>

void devices_init(struct devices *d)
{
	memset(d, 0, sizeof(*d));
	d->interrupt = -1;
}

static void out_byte(struct devices *d, uint16_t port, uint8_t value)
{
	switch (port) {
	case 0xe9:
		putchar(value);
		break;
	case 0x80 ... 0x8f:
		d->page_register[port & 15] = value;
		break;
	case 0x3c7:
		d->palette_read = value * 3;
		break;
	case 0x3c8:
		d->palette_write = value * 3;
		break;
	case 0x3c9:
		d->palette[d->palette_write++ % sizeof(d->palette)] = value;
		break;
	default:
		break;
	}
}

static uint8_t in_byte(struct devices *d, uint16_t port)
{
	switch (port) {
	case 0xe9:
		return 0xe9;
	case 0x80 ... 0x8f:
		return d->page_register[port & 15];
	case 0x3c9:
		return d->palette[d->palette_read++ % sizeof(d->palette)];
	default:
		return 0xff;
	}
}

static bool out_whole(struct devices *d, uint16_t port, uint32_t value)
{
	switch (port) {
	case 0xf4:
		d->ended = true;
		d->exit_code = value;
		return true;
	case 0xcf8:
		d->pci_address = value;
		return true;
	case 0x500:
		d->dma_address = value;
		return true;
	case 0x504:
		d->dma(d->opaque, d->dma_address, value);
		return true;
	case 0x508:
		d->interrupt = (uint8_t)value;
		return true;
	case 0x50c:
		d->timer(d->opaque, (uint8_t)value);
		return true;
	default:
		return false;
	}
}

void devices_out(struct devices *d, uint16_t port, const uint8_t *data, unsigned int size)
{
	uint32_t value = 0;

	memcpy(&value, data, size);
	if (size == 4 && out_whole(d, port, value))
		return;
	for (unsigned int i = 0; i < size; i++)
		out_byte(d, (uint16_t)(port + i), data[i]);
}

void devices_in(struct devices *d, uint16_t port, uint8_t *data, unsigned int size)
{
	if (size == 4 && port == 0xcf8) {
		memcpy(data, &d->pci_address, 4);
		return;
	}
	for (unsigned int i = 0; i < size; i++)
		data[i] = in_byte(d, (uint16_t)(port + i));
}

void devices_mmio(struct devices *d, uint64_t gpa, uint8_t *data, unsigned int size, bool write)
{
	for (unsigned int i = 0; i < size; i++) {
		uint64_t offset = gpa + i - DEVICE_MEMORY;

		if (offset >= DEVICE_MEMORY_SIZE) {
			if (!write)
				data[i] = 0xff;
		} else if (write) {
			d->memory[offset] = data[i];
		} else {
			data[i] = d->memory[offset];
		}
	}
}
