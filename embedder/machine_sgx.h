/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SGX for a machine: a platform with one EPC section, a slot of guest memory that is all
 * of it, and kernel code that executes ENCLS.
 */
#ifndef EXCLAVE_EMBEDDER_MACHINE_SGX_H
#define EXCLAVE_EMBEDDER_MACHINE_SGX_H

#include "machine.h"

#include "sgx/sgx.h"

/* The slot, guest-physical, and where the kernel has it mapped; not where the model has it. */
#define MACHINE_EPC     UINT64_C(0x200000000)
#define MACHINE_EPC_HPA UINT64_C(0x4000000000)

struct machine_sgx {
	struct machine *m;
	struct sgx_platform platform;
	struct sgx_cpuid cpuid;
	struct memslot_epc slot;
	void *decoy; /* the slot's userspace_addr, which nobody may touch */
	uint64_t size;
	unsigned int changes; /* page_changed() calls */
	/* Called, when set, before each look-up of a page in the slot. */
	void (*on_lookup)(struct machine_sgx *s, uint64_t offset);
};

/*
 * SGX1, SGX2, EDECCSSA, every attribute, XFRM up to AVX; IA32_FEATURE_CONTROL is locked
 * with SGX and launch control on. @s is zeroed memory. Return: 0 or -errno.
 */
int machine_sgx_init(struct machine_sgx *s, struct machine *m, unsigned int epc_pages);
/* After machine_destroy(). */
void machine_sgx_destroy(struct machine_sgx *s);

/* An EPC page by its number: for the kernel, and for the host. */
gva_t machine_epc_gva(unsigned int page);
void *machine_epc_ptr(struct machine_sgx *s, unsigned int page);

/* How an ENCLS ended that the guest's kernel has executed. */
struct machine_encls {
	struct machine_trap trap; /* vector -1: it did not fault */
	uint64_t rax;
	uint64_t rflags;
};

struct machine_encls machine_encls(struct machine *m, uint32_t leaf, uint64_t rbx, uint64_t rcx,
				   uint64_t rdx);

#endif
