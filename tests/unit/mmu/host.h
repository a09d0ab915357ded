/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VMM's side of the MMU tests: host memory, the fault handler, slots without vCPUs. */
#ifndef EXCLAVE_TESTS_UNIT_MMU_HOST_H
#define EXCLAVE_TESTS_UNIT_MMU_HOST_H

#include "mmu/guest_access.h"
#include "mmu/memslot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/*
 * SIGSEGV and SIGBUS go through guest_access_fixup(); anything else is fatal. A
 * test calls this itself: cmocka sets its own handlers before each.
 */
void guest_fault_handler_install(void);
/* How many faults it has fixed up. */
extern volatile unsigned int guest_faults_fixed;

void *host_map(size_t size);
void host_unmap(void *p, size_t size);

/* Memory slots without vCPUs: the grace period is over at once, but counted. */
struct memslots *slots_new(unsigned int phys_bits);
extern unsigned int slots_synchronized;

int slot_set(struct memslots *slots, uint32_t slot, uint32_t flags, gpa_t gpa, uint64_t size,
	     void *hva);

#define MiB UINT64_C(0x100000)

#endif
