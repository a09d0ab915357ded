/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The demonstration: a platform with two processors, one for the kernel's ENCLS and
 * one for the thread that is in and out of enclaves, and what is told about it. Every
 * step says what it claims and counts as failed when it did not come true.
 */
#ifndef EXCLAVE_DEMO_DEMO_H
#define EXCLAVE_DEMO_DEMO_H

#include "builder.h"
#include "signer.h"

#define ENCLAVE_PAGES 16
#define AEP           UINT64_C(0x401000)
#define ENTRY_OFFSET  0x40

/* The enclave's pages by their place in it. */
enum {
	TCS,
	SSA,
	CODE,
	DATA,  /* operands of ENCLU among others */
	GROWN, /* not there at first */
};

struct enclave {
	gva_t base;
	gva_t secs; /* as ENCLS names it */
	gva_t page[ENCLAVE_PAGES];
	uint8_t mrenclave[SGX_HASH_SIZE];
	struct sgx_targetinfo target; /* how others address a report to it */
};

struct demo {
	struct embedder *embedder;
	struct builder kernel;
	struct embedder_cpu *thread;
	struct enclave enclave;
	uint32_t next_epc;
	uint64_t clock;
	unsigned int steps;
	unsigned int failures;
};

/* demo_tell.c: what the user sees. */
void tell_title(void);
void tell_section(const char *name);
void tell_value(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
void tell_hash(const char *name, const uint8_t hash[SGX_HASH_SIZE]);
/* The time from clock_start() to the next step is that step's. */
void clock_start(struct demo *d);
/* Return: @ok, for steps that build on this one. */
bool tell_step(struct demo *d, bool ok, const char *name, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void tell_summary(const struct demo *d, uint64_t started);
uint64_t now_ns(void);

/* demo_world.c: processors, memory, and the ways to use them. */
bool world_make(struct demo *d, const struct sgx_identity *identity);
gva_t world_free_epc(struct demo *d);
void world_map(struct demo *d, gva_t gva, gva_t epc);
/* The page of RAM @index, 0 and 1 being the builder's, as guest and as host. */
gva_t world_ram(unsigned int index);
void *world_ram_ptr(struct demo *d, unsigned int index);
struct leaf_result world_encls(struct demo *d, uint32_t leaf, uint64_t rbx, uint64_t rcx,
			       uint64_t rdx);
struct leaf_result world_enclu(struct demo *d, uint32_t leaf, uint64_t rbx, uint64_t rcx,
			       uint64_t rdx);
bool is_code(struct leaf_result res, int code);
unsigned int world_epc_in_use(struct demo *d);
/*
 * An access by the thread as it is, inside or outside: the page walk, then the EPCM.
 * Return: where the bytes are, or NULL with the fault in @fault unless that is NULL.
 */
void *world_access(struct demo *d, gva_t gva, uint32_t access, struct x86_exception *fault);
bool world_enter(struct demo *d, const struct enclave *e);
void world_exit(struct demo *d);
/* SECINFO with @flags in the enclave's memory; the thread is inside. */
gva_t world_secinfo(struct demo *d, const struct enclave *e, uint64_t flags);

static inline gva_t enclave_gva(const struct enclave *e, unsigned int index)
{
	return e->base + PAGES(index);
}

/* One for each section. show_build() returns whether there is an enclave to show more of. */
bool show_build(struct demo *d);
/* The same without words. @fill makes another MRENCLAVE. */
bool build_enclave(struct demo *d, struct enclave *e, gva_t base, uint8_t fill);
void show_entry(struct demo *d);
void show_outside(struct demo *d);
void show_sealing(struct demo *d);
void show_attestation(struct demo *d);
void show_paging(struct demo *d);
void show_growth(struct demo *d);
void show_removal(struct demo *d);

#endif
