// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Root of a guest looks for what is in an enclave of its own.
 *
 *   guest-hunt IMAGE EPC_START EPC_SIZE AREA
 *
 * Plants a secret in the enclave, and another pattern in ordinary memory, where it must be found.
 * It looks through all RAM, through the EPC, has a disk read the EPC, and forces pages out. AREA is
 * the physical address of 1 MiB that the kernel does not use. The host, which is told by a mark when
 * all is planted, answers on the second serial line when it is done with its own search.
 */
#include "hunt.h"
#include "loader/demo.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define SECRET_PAGES  16u
#define CONTROL_PAGES 4u
#define PIECE         (1u << 20)
#define SECTOR        512
#define HOST_LINE     "/dev/ttyS1"

#define REG ((uint64_t)SGX_PAGE_TYPE_REG << SGX_SECINFO_PT_SHIFT)
#define RW  (SGX_SECINFO_R | SGX_SECINFO_W)

struct hunter {
	struct enclave e;
	struct pattern secret, control;
	uint64_t *control_page;
	uint64_t epc, epc_size, area;
	/* What a search has found. */
	uint64_t secrets, controls, bytes;
};

volatile uint8_t *map_physical(uint64_t start, uint64_t size, int writable)
{
	int fd = open("/dev/mem", writable ? O_RDWR : O_RDONLY);
	void *at;

	if (fd < 0)
		return NULL;
	at = mmap(NULL, size, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd,
		  (off_t)start);
	close(fd);
	return at == MAP_FAILED ? NULL : at;
}

static int make_pattern(struct pattern *pattern, uint64_t pages)
{
	pattern->count = pages * PAGE_WORDS;
	if (getrandom(&pattern->first, sizeof(pattern->first), 0) != sizeof(pattern->first))
		return 0;
	pattern->first &= ~PATTERN_NUMBER;
	return 1;
}

static int is_of(const struct pattern *pattern, uint64_t word, uint64_t next)
{
	return !((word ^ pattern->first) & ~PATTERN_NUMBER) && next == word + 1 &&
	       (next & PATTERN_NUMBER) < pattern->count;
}

static uint64_t word_at(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static void search(struct hunter *h, const uint8_t *bytes, size_t size)
{
	h->bytes += size;
	for (size_t i = 0; i + 16 <= size; i++) {
		uint64_t word = word_at(bytes + i), next = word_at(bytes + i + 8);

		h->secrets += (uint64_t)is_of(&h->secret, word, next);
		h->controls += (uint64_t)is_of(&h->control, word, next);
	}
}

static void search_segment(struct hunter *h, int fd, const Elf64_Phdr *segment)
{
	static uint8_t piece[PIECE];

	for (uint64_t at = 0; at < segment->p_filesz;) {
		ssize_t got = pread(fd, piece, sizeof(piece), (off_t)(segment->p_offset + at));

		if (got <= 0)
			return;
		search(h, piece, (size_t)got);
		at += (uint64_t)got;
	}
}

/* All RAM: what of /proc/kcore has a physical address. */
static void search_ram(struct hunter *h)
{
	int fd = open("/proc/kcore", O_RDONLY);
	Elf64_Phdr segments[64];
	Elf64_Ehdr header;

	h->secrets = h->controls = h->bytes = 0;
	if (fd < 0 || read(fd, &header, sizeof(header)) != sizeof(header) || header.e_phnum > 64 ||
	    pread(fd, segments, sizeof(segments), (off_t)header.e_phoff) <= 0)
		return;
	for (unsigned int i = 0; i < header.e_phnum; i++)
		if (segments[i].p_type == PT_LOAD && segments[i].p_paddr != UINT64_MAX)
			search_segment(h, fd, &segments[i]);
	close(fd);
}

/* Once must it be found, wherever it lies; what was read may be in the buffer, too. */
static void judge_ram(struct hunter *h, const char *name)
{
	uint64_t least = CONTROL_PAGES * (uint64_t)(PAGE_WORDS - 1);

	search_ram(h);
	if (!h->secrets && h->controls >= least)
		pass(name, "%lu MiB of RAM, control found %lu times", h->bytes >> 20, h->controls);
	else
		fail(name, "secret found %lu times, control %lu times in %lu bytes", h->secrets,
		     h->controls, h->bytes);
}

static int call_heap(struct hunter *h, const char *name, uint64_t call, uint64_t first,
		     uint64_t pages, uint64_t value, uint64_t *result)
{
	struct call_frame f = {
		.call = call,
		.pages = {h->e.image->heap + first * SGX_PAGE_SIZE, pages,
			  REG | RW | SGX_SECINFO_PENDING, value},
	};

	if (!must_call(name, &h->e, &f))
		return 0;
	if (result)
		*result = f.pages.value;
	return 1;
}

static int plant(struct hunter *h)
{
	h->control_page = mmap(NULL, CONTROL_PAGES * SGX_PAGE_SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (!make_pattern(&h->secret, SECRET_PAGES) || !make_pattern(&h->control, CONTROL_PAGES) ||
	    h->control_page == MAP_FAILED) {
		fail("plant", "%m");
		return 0;
	}
	for (uint64_t i = 0; i < h->control.count; i++)
		h->control_page[i] = h->control.first + i;
	if (!call_heap(h, "plant", CALL_ACCEPT, 0, SECRET_PAGES, 0, NULL) ||
	    !call_heap(h, "plant", CALL_FILL, 0, SECRET_PAGES, h->secret.first, NULL))
		return 0;
	pass("plant", "%u pages in the enclave, %u outside", SECRET_PAGES, CONTROL_PAGES);
	return 1;
}

static void check_enclave(struct hunter *h, const char *name)
{
	uint64_t count = h->secret.count, sum;

	if (!call_heap(h, name, CALL_SUM, 0, SECRET_PAGES, 0, &sum))
		return;
	if (sum == count * h->secret.first + count * (count - 1) / 2)
		pass(name, "the enclave has its secret");
	else
		fail(name, "sum %#lx", sum);
}

static void wait_for_host(const struct hunter *h)
{
	FILE *line = fopen(HOST_LINE, "r");
	char answer[16];

	printf("EXCLAVE-MARK: planted %016lx %016lx %lu %lu\n", h->secret.first, h->control.first,
	       h->secret.count, h->control.count);
	(void)fflush(stdout);
	if (!line || !fgets(answer, sizeof(answer), line))
		fail("host", "%s: %m", HOST_LINE);
	else
		pass("host", "it has searched");
}

static void search_epc(struct hunter *h)
{
	volatile uint8_t *epc = map_physical(h->epc, h->epc_size, 0);
	uint64_t others = 0;

	if (!epc) {
		fail("kernel_reads_epc", "/dev/mem: %m");
		return;
	}
	for (uint64_t i = 0; i < h->epc_size; i += 8)
		others += *(volatile uint64_t *)(epc + i) != UINT64_MAX;
	if (others)
		fail("kernel_reads_epc", "%lu words are not all ones", others);
	else
		pass("kernel_reads_epc", "%lu MiB, all ones", h->epc_size >> 20);
}

/* A disk writes the EPC to its first sectors, and the control behind it. */
static void read_by_dma(struct hunter *h)
{
	uint64_t control = h->area + VIRTIO_AREA_SIZE;
	volatile uint8_t *area = map_physical(h->area, 2 * VIRTIO_AREA_SIZE, 1);
	const char *stage = "/dev/mem";
	int ret = area ? 0 : -1;

	for (uint64_t i = 0; !ret && i < PAGE_WORDS; i++)
		((volatile uint64_t *)(area + VIRTIO_AREA_SIZE))[i] = h->control.first + i;
	if (!ret)
		ret = virtio_write(h->area, area, h->epc, (uint32_t)h->epc_size, 0, &stage);
	if (!ret)
		ret = virtio_write(h->area, area, control, SGX_PAGE_SIZE, h->epc_size / SECTOR,
				   &stage);
	if (ret)
		fail("device_reads_epc", "%s: %m", stage);
	else
		pass("device_reads_epc", "on the disk now, for the host to look at");
}

/* More pages than the EPC has: those of the secret have been there longest. */
static void push_out(struct hunter *h)
{
	uint64_t pages = h->epc_size / SGX_PAGE_SIZE + 256;

	for (uint64_t done = 0; done < pages; done += 64)
		if (!call_heap(h, "push_out", CALL_ACCEPT, SECRET_PAGES + done, 64, 0, NULL) ||
		    !call_heap(h, "push_out", CALL_FILL, SECRET_PAGES + done, 64, 0, NULL))
			return;
	pass("push_out", "%lu pages more than the EPC has", pages - h->epc_size / SGX_PAGE_SIZE);
}

int main(int argc, char **argv)
{
	const struct enclave_options plain = {0, -1};
	struct hunter h = {0};
	const char *stage;
	int ret;

	if (argc != 5) {
		fputs("usage: guest-hunt IMAGE EPC_START EPC_SIZE AREA\n", stderr);
		return 2;
	}
	h.epc = strtoull(argv[2], NULL, 0);
	h.epc_size = strtoull(argv[3], NULL, 0);
	h.area = strtoull(argv[4], NULL, 0);
	ret = vdso_find() ? enclave_load(&h.e, argv[1], &plain, &stage) : -1;
	if (ret) {
		fail("load", "%s: %s", argv[1], strerror(-ret));
		return 1;
	}
	if (!plant(&h))
		return 1;
	wait_for_host(&h);
	judge_ram(&h, "kernel_reads_ram");
	search_epc(&h);
	read_by_dma(&h);
	check_enclave(&h, "secret_is_there");
	push_out(&h);
	judge_ram(&h, "kernel_reads_evicted");
	check_enclave(&h, "secret_is_back");
	return any_failed();
}
