/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smallest embedder of the SGX model: a flat guest with one page table for
 * all its processors, an EPC, registers in plain memory. Unit tests, fuzzers,
 * the concurrency test, the benchmark and the demo stand on it.
 *
 * The page table is not locked: a test that changes it while other processors
 * run must not let them walk the page meanwhile.
 */
#ifndef EXCLAVE_TESTS_EMBEDDER_H
#define EXCLAVE_TESTS_EMBEDDER_H

#include "lib/bits.h"
#include "sgx/sgx.h"

#define PAGES(n) ((uint64_t)(n)*SGX_PAGE_SIZE)

enum embedder_pte {
	PTE_P = 1,
	PTE_W = 2,
	PTE_U = 4,
	PTE_NX = 8,
	PTE_EPC = 16,
};
#define PTE_ALL (PTE_P | PTE_W | PTE_U)

struct pte {
	uint8_t flags;
	uint32_t page; /* of RAM or EPC */
};

struct embedder_config {
	gva_t window; /* the linear range that can be mapped at all */
	uint32_t window_pages;
	uint32_t ram_pages; /* mapped at the start of the window */
	uint32_t epc_pages; /* not mapped */
	hpa_t epc_hpa;
	unsigned int cpus;
	const struct sgx_identity *identity; /* or NULL for a fixed one */
};

struct embedder_cpu {
	struct sgx_cpu cpu; /* first: the callbacks find the rest by it */
	struct x86_state state;
	struct embedder *embedder;
	uint8_t xstate[SGX_PAGE_SIZE] __attribute__((aligned(64))); /* standard format */
	unsigned int mode_changes;
	bool event_pending;
	unsigned int reads; /* of guest memory */
};

struct embedder {
	struct embedder_config config;
	struct sgx_platform platform;
	struct sgx_cpuid cpuid;
	struct embedder_cpu *cpus;
	struct pte *pte;
	uint8_t *ram;
	/* For tests of failure: what read and write callbacks return, and a hook before reads. */
	int host_error;
	void (*on_read)(struct embedder *embedder);
	void *owner;
};

/* An identity that is the same in every run. */
extern const struct sgx_identity embedder_identity;

/* Return: NULL when out of memory. */
struct embedder *embedder_new(const struct embedder_config *config);
void embedder_free(struct embedder *embedder);

/* NULL outside the window. */
struct pte *embedder_pte(struct embedder *embedder, gva_t gva);
void embedder_map_epc(struct embedder *embedder, gva_t gva, uint32_t epc_page, uint8_t flags);

/* A processor in 64-bit user mode with flat segments and SGX enabled. */
void embedder_reset_state(struct embedder_cpu *c);

#endif
