// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The least of a driver for a legacy virtio disk (Virtual I/O Device, "Legacy Interface"): one
 * request, polled for. With it root has a device read whatever physical address.
 */
#include "hunt.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>
#include <unistd.h>

/* Registers from the port that BAR 0 says. */
#define GUEST_FEATURES 4
#define QUEUE_PFN      8
#define QUEUE_SIZE     12
#define QUEUE_SELECT   14
#define QUEUE_NOTIFY   16
#define STATUS         18

#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER      2
#define STATUS_DRIVER_OK   4

#define DESC_NEXT  1
#define DESC_WRITE 2
#define BLK_OUT    1

#define PCI_COMMAND           4
#define PCI_COMMAND_IO_MASTER 5

/* In the area: the queue, whose parts depend on its size, then the request. */
#define REQUEST_OFFSET  0x8000
#define STATUS_OFFSET   0x8100
#define NR_POLLS        10000
#define QUEUE_SIZE_MOST 1024u

struct descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags, next;
};

struct request {
	uint32_t type, reserved;
	uint64_t sector;
};

/* The first number of a file in @folder, hexadecimal; 0 when there is none. */
static unsigned long read_number(const char *folder, const char *name)
{
	char text[256] = "";
	FILE *file;

	(void)snprintf(text, sizeof(text), "%s/%s", folder, name);
	file = fopen(text, "r");
	if (!file || !fgets(text, sizeof(text), file))
		text[0] = 0;
	if (file)
		(void)fclose(file);
	return strtoul(text, NULL, 16);
}

static int is_disk(const char *folder)
{
	return read_number(folder, "vendor") == 0x1af4 && read_number(folder, "device") == 0x1001;
}

/* It may use ports and read memory. Return: its first port, or 0. */
static uint16_t enable(const char *folder)
{
	const uint16_t command = PCI_COMMAND_IO_MASTER;
	ssize_t done = -1;
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/config", folder);
	fd = open(path, O_WRONLY);
	if (fd >= 0) {
		done = pwrite(fd, &command, sizeof(command), PCI_COMMAND);
		close(fd);
	}
	return done == sizeof(command) ? (uint16_t)read_number(folder, "resource") : 0;
}

static uint16_t find_disk(void)
{
	uint16_t port = 0;
	glob_t found;

	if (glob("/sys/bus/pci/devices/*", 0, NULL, &found))
		return 0;
	for (size_t i = 0; i < found.gl_pathc && !port; i++)
		if (is_disk(found.gl_pathv[i]))
			port = enable(found.gl_pathv[i]);
	globfree(&found);
	return port;
}

static void describe(volatile uint8_t *mapped, uint64_t area, uint64_t address, uint32_t size,
		     uint64_t sector)
{
	volatile struct descriptor *d = (volatile struct descriptor *)mapped;
	volatile struct request *request = (volatile struct request *)(mapped + REQUEST_OFFSET);

	request->type = BLK_OUT;
	request->reserved = 0;
	request->sector = sector;
	mapped[STATUS_OFFSET] = 0xff;
	d[0] = (struct descriptor){area + REQUEST_OFFSET, sizeof(*request), DESC_NEXT, 1};
	d[1] = (struct descriptor){address, size, DESC_NEXT, 2};
	d[2] = (struct descriptor){area + STATUS_OFFSET, 1, DESC_WRITE, 0};
}

int virtio_write(uint64_t area, volatile uint8_t *mapped, uint64_t address, uint32_t size,
		 uint64_t sector, const char **stage)
{
	uint16_t port = find_disk(), queue_size;
	volatile uint16_t *available;

	*stage = "no legacy virtio disk whose ports may be used";
	if (!port || iopl(3))
		return -1;
	*stage = "its queue is of no size that was expected";
	outb(0, (uint16_t)(port + STATUS));
	outb(STATUS_ACKNOWLEDGE | STATUS_DRIVER, (uint16_t)(port + STATUS));
	outl(0, (uint16_t)(port + GUEST_FEATURES));
	outw(0, (uint16_t)(port + QUEUE_SELECT));
	queue_size = inw((uint16_t)(port + QUEUE_SIZE));
	if (queue_size < 4 || queue_size > QUEUE_SIZE_MOST)
		return -1;
	for (unsigned int i = 0; i < REQUEST_OFFSET; i++)
		mapped[i] = 0;
	describe(mapped, area, address, size, sector);
	outl((uint32_t)(area / SGX_PAGE_SIZE), (uint16_t)(port + QUEUE_PFN));
	outb(STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_DRIVER_OK, (uint16_t)(port + STATUS));
	/* Flags, index, ring: descriptor 0 is the first entry of the ring. */
	available = (volatile uint16_t *)(mapped + queue_size * sizeof(struct descriptor));
	available[1] = 1;
	__sync_synchronize();
	outw(0, (uint16_t)(port + QUEUE_NOTIFY));
	*stage = "it does not complete the request";
	for (unsigned int i = 0; i < NR_POLLS && mapped[STATUS_OFFSET] == 0xff; i++)
		usleep(1000);
	return mapped[STATUS_OFFSET] ? -1 : 0;
}
