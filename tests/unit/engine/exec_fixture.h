/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtual CPU that executes single instructions by exec_instruction(). Its
 * processor, descriptor tables and memory are those of ../cpu/fixture.h; what the
 * rest of the engine would do is recorded here.
 */
#ifndef EXCLAVE_TESTS_UNIT_ENGINE_EXEC_FIXTURE_H
#define EXCLAVE_TESTS_UNIT_ENGINE_EXEC_FIXTURE_H

#include "fixture.h"
#include "cpu/cpuid.h"
#include "engine/exec.h"
#include "sgx/sgx.h"

#define DATA 0x30000 /* memory that nothing else uses */

struct machine {
	struct fixture *f; /* memory and tables; its cpu counts calls only */
	struct engine_vcpu *v;
	struct cpu *cpu;
	struct x86_state *state;
	uint64_t *gpr;
	bool is_device[MEM_PAGES];

	/* What was asked of the engine. */
	unsigned int invlpg_count, flush_count, leaf_count, other_count, hypercall_count;
	gva_t invlpg_gva;
	enum cpu_flush flush;
	uint32_t msr_index;
	uint64_t msr_value;
	enum cpu_result msr_result;
	struct cpuid_table cpuid;
	struct sgx_cpu sgx;
	struct sgx_cpuid sgx_cpuid;
};

struct machine *machine_init(enum mode mode, unsigned int cpl);
/* Protected mode with 16-bit code and stack segments. */
struct machine *machine_init16(unsigned int cpl);

/* Offers one bit of a CPUID leaf. */
void machine_offer(struct machine *m, uint32_t leaf, unsigned int reg, unsigned int bit);

/* Gives the processor SGX with @leaves (CPUID.12H.0:EAX), outside enclave mode. */
void machine_add_sgx(struct machine *m, uint32_t leaves);

/*
 * Executes @hex, the bytes of one instruction, which must be one for C. step_ok()
 * expects it to succeed and RIP behind it; step_fault() a fault with everything but
 * memory unchanged.
 */
enum cpu_result step(struct machine *m, const char *hex);
void step_ok(struct machine *m, const char *hex);
void step_fault(struct machine *m, const char *hex, enum x86_vector vector);

/* An input or output of @count elements at @port has left for the VMM. */
void assert_io(const struct machine *m, bool in, uint16_t port, unsigned int size, uint32_t count);

#endif
