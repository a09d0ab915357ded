/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread that runs an enclave: __vdso_sgx_enter_enclave() outside, and inside
 * what the enclave does, one access or one ENCLU at a time. Each goes through the
 * page walk and the EPCM; a fault leaves the enclave by an AEX, the kernel mends
 * it or not (driver.h), and the ENCLU at AEP runs again with what the AEX left in
 * the registers. What an AEX must leave behind is asserted at every one of them.
 */
#ifndef EXCLAVE_TESTS_UNIT_SGX_THREAD_H
#define EXCLAVE_TESTS_UNIT_SGX_THREAD_H

#include "driver.h"

/* What enclave code writes, so that SECINFO operands lie in the enclave. */
#define ENCLAVE_OPERAND(d) (page_gva(d, DATA) + 0xfc0)

struct thread {
	struct driver *d;
	unsigned int cpu;
	unsigned int tcs;
	/* struct sgx_enclave_run: how the call ended. */
	struct {
		uint32_t function;
		uint16_t vector;
		uint16_t error_code;
		uint64_t addr;
	} run;
	/* The faults that the kernel has mended: how many, and the last one. */
	unsigned int mended;
	struct x86_exception last;
};

/* A thread on processor @cpu that is to use TCS @tcs. */
struct thread thread_on(struct driver *d, unsigned int cpu, unsigned int tcs);
/* The thread's processor is the fixture's. Return: its state. */
struct x86_state *thread_state(struct thread *t);

/*
 * The ENCLU of the vDSO with EENTER or ERESUME. Return: true inside, false when it
 * faulted for good and @run says how.
 */
bool thread_call(struct thread *t, uint32_t function);
/* EENTER and ERESUME that must get in. */
void thread_enter(struct thread *t);
void thread_resume(struct thread *t);
/* EEXIT to the instruction after the vDSO's ENCLU. */
void thread_exit(struct thread *t);
void thread_interrupt(struct thread *t);
/* What @run says of a call that went well. */
void assert_good_call(const struct thread *t);
/* What @run says when the enclave was left by a #PF for good. */
void assert_page_fault(const struct thread *t, uint32_t error_code, gva_t gva);

/*
 * An access inside; @access as in sgx_ops.walk. Return: where the bytes are, or
 * NULL when the thread was thrown out, see @run.
 */
void *thread_access(struct thread *t, gva_t gva, uint32_t access);
bool thread_write(struct thread *t, gva_t gva, uint64_t value);
uint64_t thread_read(struct thread *t, gva_t gva); /* must succeed */
/* One access without a kernel behind it: true, or the fault that leaves the enclave. */
bool thread_try(struct thread *t, gva_t gva, uint32_t access, struct x86_exception *fault);

/* An ENCLU inside. Its last fault is the result when the thread was thrown out. */
struct leaf_result thread_enclu(struct thread *t, uint32_t leaf, uint64_t rbx, uint64_t rcx,
				uint64_t rdx);
/* EACCEPT and EMODPE with a SECINFO of these flags. */
struct leaf_result thread_accept(struct thread *t, gva_t gva, uint64_t flags);
struct leaf_result thread_extend(struct thread *t, gva_t gva, uint64_t flags);

/* GPRSGX of SSA frame @frame of the thread. */
struct sgx_gprsgx *thread_gprsgx(struct thread *t, unsigned int frame);

#endif
