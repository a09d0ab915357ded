/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine of several vCPUs on one code cache, whose threads are the test's. */
#ifndef EXCLAVE_TESTS_UNIT_ENGINE_SMP_FIXTURE_H
#define EXCLAVE_TESTS_UNIT_ENGINE_SMP_FIXTURE_H

#include "engine/core.h"
#include "machine.h"

#define CODE       UINT64_C(0x40000000)
#define CODE_PAGES 16u
#define PAGE_SIZE  4096u

/* Pages of the area. */
#define PAGE_A     0u
#define PAGE_B     1u
#define PAGE_FUN   2u
#define PAGE_DATA  3u /* and the next, for what crosses */
#define PAGE_STACK 8u /* two for each vCPU */

#define SMP_MAX_VCPUS 3u

struct smp {
	struct machine m;
	struct engine_vcpu *v[SMP_MAX_VCPUS];
	unsigned int vcpus;
	uint8_t *area;
};

/* @debug: ENGINE_DEBUG_*. The area is mapped at CODE, writable. */
void smp_start(struct smp *p, unsigned int vcpus, uint32_t debug);
void smp_end(struct smp *p);

uint8_t *smp_page(struct smp *p, unsigned int page);
/* 64-bit kernel code at the start of @page, with a stack of its own. */
void smp_prepare(struct smp *p, unsigned int n, unsigned int page);
/* As another vCPU that wants the page at @host protected; without its kick. */
void smp_ask_for_protection(struct engine_vcpu *v, const uint8_t *host);

#endif
