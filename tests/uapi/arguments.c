// SPDX-License-Identifier: GPL-2.0-or-later
#include "hostile.h"
#include "requests.h"

#include <sys/ioctl.h>
#include <sys/mman.h>

#include <string.h>

#include "lib/bits.h"

#define PAGE     4096UL
#define KERNEL   0xffff888000000000UL
#define TOO_HIGH 0x0000800000000000UL
/* Nobody maps anything from here for 8 TiB, sanitizers included: room for a huge slot. */
#define NOWHERE 0x200000000000UL
/* The largest slot there, and room for its dirty bitmap behind whatever is given for it. */
#define HUGE_SLOT (1UL << 40)
#define GUARD     (HUGE_SLOT / PAGE / 8 * 2)

static const struct {
	unsigned long request;
	enum kind kind;
} requests[] = {
#define REQUEST(name, kind) {name, kind},
	KVM_REQUESTS(REQUEST)
#undef REQUEST
};

static unsigned char *arena, *read_only, *no_access;

/* Return: @size bytes with GUARD bytes without access behind them, or NULL. */
static void *map(size_t size, int prot)
{
	unsigned char *p = mmap(NULL, size + GUARD, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED || mprotect(p, size, prot) ? NULL : p;
}

int hostile_init(void)
{
	arena = map(ARENA_SIZE, PROT_READ | PROT_WRITE);
	read_only = map(BUFFER_SIZE, PROT_READ);
	no_access = map(BUFFER_SIZE, PROT_NONE);
	return arena && read_only && no_access ? 0 : -1;
}

int hostile_start(struct hostile *h, uint64_t seed)
{
	h->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	h->buffer = map(BUFFER_SIZE, PROT_READ | PROT_WRITE);
	return h->buffer ? 0 : -1;
}

/* xorshift64* */
static uint64_t next_random(struct hostile *h)
{
	h->random ^= h->random >> 12;
	h->random ^= h->random << 25;
	h->random ^= h->random >> 27;
	return h->random * UINT64_C(2685821657736338717);
}

uint64_t choose(struct hostile *h, uint64_t limit)
{
	return (next_random(h) >> 16) % limit;
}

unsigned long choose_request(struct hostile *h, enum kind kind)
{
	size_t at = choose(h, ARRAY_SIZE(requests));
	unsigned long request;

	while (requests[at].kind != kind && choose(h, 256))
		at = choose(h, ARRAY_SIZE(requests));
	request = requests[at].request;

	switch (choose(h, 16)) {
	case 0: /* one that is none */
		return next_random(h);
	case 1: /* a size that is not the structure's */
		return request ^ (choose(h, 16384) << _IOC_SIZESHIFT);
	case 2: /* as callers with an int pass it */
		return (unsigned long)(long)(int)request;
	default:
		return request;
	}
}

/*
 * Random words as pointers stay below 2 GiB, where nothing is mapped; those that
 * should be good lead into the arena.
 */
static uint64_t interesting(struct hostile *h)
{
	switch (choose(h, 10)) {
	case 0:
		return 0;
	case 1:
		return choose(h, 300);
	case 2:
		return UINT64_C(1) << choose(h, 64);
	case 3:
		return (UINT64_C(1) << choose(h, 64)) - 1;
	case 4:
		return (uint64_t)-1 - choose(h, 4);
	case 5:
		return (uintptr_t)arena + choose(h, ARENA_SIZE);
	case 6:
		return (uintptr_t)arena + align_down(choose(h, ARENA_SIZE), PAGE);
	case 7:
		return align_down(choose(h, 1UL << 31), PAGE);
	case 8:
		return choose(h, 2) ? KERNEL : NOWHERE + choose(h, PAGE);
	default:
		return choose(h, 1UL << 31);
	}
}

static void fill(struct hostile *h, unsigned char *p, size_t size)
{
	unsigned int how = (unsigned int)choose(h, 4);

	if (how == 0) {
		memset(p, (int)choose(h, 2) * 0xff, size);
		return;
	}
	for (size_t at = 0; at + 8 <= size; at += 8) {
		uint64_t word = interesting(h);

		/* Mostly small fields: pairs of 32 bits. */
		if (how == 1)
			word = (uint32_t)interesting(h) | choose(h, 4) << 32;
		if (how == 2 && choose(h, 4))
			word = 0;
		memcpy(p + at, &word, 8);
	}
}

static void fill_region(struct hostile *h, struct kvm_userspace_memory_region *region)
{
	uint64_t page = align_down(choose(h, ARENA_SIZE), PAGE);

	region->slot = choose(h, 8) ? (uint32_t)choose(h, 4) : (uint32_t)interesting(h);
	region->flags = (uint32_t)choose(h, choose(h, 8) ? 4 : 256);
	region->guest_phys_addr = choose(h, 4) ? choose(h, 4) * ARENA_SIZE : interesting(h);
	region->userspace_addr = (uintptr_t)arena + page;
	region->memory_size = choose(h, 4) ? ARENA_SIZE - page : choose(h, ARENA_SIZE - page);
	if (choose(h, 8))
		return;
	/* Bad ones: a slot may cover nothing that this program uses. */
	region->userspace_addr = choose(h, 2) ? NOWHERE : choose(h, 2) ? TOO_HIGH : KERNEL;
	region->memory_size = choose(h, 2) ? 1UL << choose(h, 44) : interesting(h) & ~(PAGE - 1);
	if (region->userspace_addr == NOWHERE && region->memory_size > HUGE_SLOT)
		region->memory_size = HUGE_SLOT;
}

/* SIGUSR1 ends a KVM_RUN of this program: it must get through. */
static void fill_signal_mask(struct hostile *h, struct kvm_signal_mask *mask)
{
	mask->len = choose(h, 4) ? 8 : (uint32_t)interesting(h);
	mask->sigset[1] &= (uint8_t)~2;
}

static void fill_for(struct hostile *h, unsigned long request, unsigned char *p, size_t size)
{
	static const uint32_t counts[] = {0, 1, 2, 255, 256, 4096, 65536, 1U << 28, ~0U};
	bool is_count = choose(h, 2);
	uint32_t count =
		choose(h, 2) ? (uint32_t)choose(h, 64) : counts[choose(h, ARRAY_SIZE(counts))];

	fill(h, p, size);
	if ((uint32_t)request == (uint32_t)KVM_SET_USER_MEMORY_REGION)
		fill_region(h, (void *)p);
	else if ((uint32_t)request == (uint32_t)KVM_SET_SIGNAL_MASK)
		fill_signal_mask(h, (void *)p);
	else if (is_count)
		memcpy(p, &count, sizeof(count));
}

static unsigned long bad_pointer(struct hostile *h)
{
	const unsigned long pointers[] = {
		0,
		8,
		PAGE,
		KERNEL,
		TOO_HIGH - 8,
		TOO_HIGH,
		~7UL,
		(unsigned long)no_access,
		(unsigned long)read_only + choose(h, PAGE),
		(unsigned long)h->buffer + BUFFER_SIZE,
	};

	return pointers[choose(h, ARRAY_SIZE(pointers))];
}

unsigned long choose_argument(struct hostile *h, unsigned long request)
{
	size_t size = _IOC_SIZE(request);
	size_t filled = size + 64 + choose(h, 2048);
	unsigned char *p;

	if (filled > BUFFER_SIZE)
		filled = BUFFER_SIZE;
	/* At the end of the buffer, so that a byte too many is seen. */
	p = h->buffer + BUFFER_SIZE - align_up(filled, 8);
	switch (choose(h, size ? 16 : 4)) {
	case 0:
		return bad_pointer(h);
	case 1:
		return interesting(h);
	case 2:
		return choose(h, 64);
	case 3: /* half of it is there */
		fill_for(h, request, h->buffer + BUFFER_SIZE - 4096, 4096);
		return (unsigned long)h->buffer + BUFFER_SIZE - size / 2;
	default:
		fill_for(h, request, p, align_down(filled, 8));
		return (unsigned long)p;
	}
}
