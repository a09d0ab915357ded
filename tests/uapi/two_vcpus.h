/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM of two vCPUs in long mode: RAM at 0 and virtual EPC behind it, mapped as they are. Each
 * vCPU executes one ENCLS with registers that the VMM gives it, alone or at once with the other,
 * and halts. Whatever else happens ends the program with a message.
 */
#ifndef EXCLAVE_TESTS_UAPI_TWO_VCPUS_H
#define EXCLAVE_TESTS_UAPI_TWO_VCPUS_H

#include "bare_vm.h"
#include "sgx/sgx.h"

#include <pthread.h>

#define RAM_SIZE  0x200000u
#define EPC_GPA   0x200000u
#define EPC_PAGES 8u
#define NR_VCPUS  2
#define NO_FAULT  0xffu

struct leaf_call {
	uint64_t rax, rbx, rcx, rdx;
};

struct leaf_end {
	uint64_t rax;
	uint64_t vector; /* NO_FAULT: the leaf was completed */
};

/* To be ended by bare_vm_free(). */
void two_vcpus_init(struct bare_vm *vm);

/* IA32_SGXLEPUBKEYHASHn of one of them. */
void set_pubkey_hash(struct bare_vm *vm, unsigned int cpu, const uint64_t hash[4]);

struct leaf_end encls_alone(struct bare_vm *vm, struct leaf_call call);
/* Both leaves, as near to each other as two threads that wait for each other can be. */
void encls_at_once(struct bare_vm *vm, const struct leaf_call call[NR_VCPUS],
		   struct leaf_end end[NR_VCPUS]);

/* printf() and exit. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
