/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smallest embedder of the SGX model: a flat guest with one page table for
 * all its processors, an EPC, registers in plain memory. Unit tests, fuzzers,
 * the concurrency test, the benchmark and the demo stand on it.
 *
 * The page table is not locked: who changes an entry while other processors
 * run must not let them walk the page meanwhile. The processors themselves
 * only set A and D bits, atomically. All else that belongs to one processor is
 * in its struct embedder_cpu; hooks run on the thread of the one that calls.
 */
#ifndef EXCLAVE_EMBEDDER_EMBEDDER_H
#define EXCLAVE_EMBEDDER_EMBEDDER_H

#include "lib/bits.h"
#include "sgx/sgx.h"

#define PAGES(n) ((uint64_t)(n)*SGX_PAGE_SIZE)

enum embedder_pte {
	PTE_P = 1,
	PTE_W = 2,
	PTE_U = 4,
	PTE_NX = 8,
	PTE_EPC = 16,
	PTE_A = 32, /* set by walks */
	PTE_D = 64,
};
#define PTE_ALL (PTE_P | PTE_W | PTE_U)

struct pte {
	_Atomic uint8_t flags;
	uint32_t page; /* of RAM or EPC */
};

struct embedder_config {
	gva_t window; /* the linear range that can be mapped at all */
	uint32_t window_pages;
	uint32_t ram_pages;        /* mapped at the start of the window */
	uint32_t epc_pages;        /* not mapped */
	unsigned int epc_sections; /* that share them evenly, side by side; 0 means one */
	hpa_t epc_hpa;
	unsigned int cpus;
	const struct sgx_identity *identity; /* or NULL for a fixed one */
};

/* Room for every component up to AMX. */
#define EMBEDDER_XSTATE_SIZE (SGX_SSA_XSAVE_PAGES * SGX_PAGE_SIZE)

struct embedder_cpu {
	struct sgx_cpu cpu; /* first: the callbacks find the rest by it */
	struct x86_state state;
	struct embedder *embedder;
	uint8_t xstate[EMBEDDER_XSTATE_SIZE] __attribute__((aligned(64))); /* standard format */
	unsigned int mode_changes;
	bool event_pending;
	unsigned int reads; /* of guest memory, this one included while on_read() runs */
	unsigned int writes;
};

struct embedder {
	struct embedder_config config;
	struct sgx_platform platform;
	struct sgx_cpuid cpuid; /* of all processors; to be changed before they run */
	struct embedder_cpu *cpus;
	struct pte *pte;
	uint8_t *ram;
	int host_error; /* what reads and writes of guest memory return */
	/* Called, when set, before each walk, read and write: the guest or others may act there. */
	void (*on_walk)(struct embedder *embedder, gva_t gva);
	void (*on_read)(struct embedder *embedder);
	void (*on_write)(struct embedder *embedder);
	void *owner;                  /* of the hooks */
	_Atomic unsigned int notices; /* page_changed() calls */
	_Atomic hpa_t last_notice;
};

/* The same in every run; the known keys of the tests follow from it. */
extern const struct sgx_identity embedder_identity;

/* Return: NULL when out of memory. */
struct embedder *embedder_new(const struct embedder_config *config);
void embedder_free(struct embedder *embedder);

/* NULL outside the window. */
struct pte *embedder_pte(struct embedder *embedder, gva_t gva);
void embedder_map_epc(struct embedder *embedder, gva_t gva, uint32_t epc_page, uint8_t flags);

/* An EPC page by its number, behind the architecture's back. */
struct epcm_entry *embedder_epcm(struct embedder *embedder, uint32_t epc_page);

/* A processor in 64-bit user mode with flat segments and SGX enabled. */
void embedder_reset_state(struct embedder_cpu *c);

#endif
