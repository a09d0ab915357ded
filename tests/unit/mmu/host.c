// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "host.h"

#include <signal.h>
#include <sys/mman.h>

volatile unsigned int guest_faults_fixed;
unsigned int slots_synchronized;

static void handle_fault(int sig, siginfo_t *info, void *ucontext)
{
	if (info->si_code > 0 && guest_access_fixup(ucontext)) {
		__atomic_fetch_add(&guest_faults_fixed, 1, __ATOMIC_RELAXED);
		return;
	}
	signal(sig, SIG_DFL);
	raise(sig);
}

void guest_fault_handler_install(void)
{
	struct sigaction action = {.sa_sigaction = handle_fault, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

void *host_map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

void host_unmap(void *p, size_t size)
{
	assert_int_equal(munmap(p, size), 0);
}

static void synchronize(void *opaque)
{
	slots_synchronized++;
}

struct memslots *slots_new(unsigned int phys_bits)
{
	struct memslots *slots = memslots_new(phys_bits, synchronize, NULL);

	assert_non_null(slots);
	return slots;
}

int slot_set(struct memslots *slots, uint32_t slot, uint32_t flags, gpa_t gpa, uint64_t size,
	     void *hva)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	return memslots_set(slots, &region, NULL);
}
