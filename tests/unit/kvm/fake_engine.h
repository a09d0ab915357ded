/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An engine that runs no guest: each engine_run() is one step of a script, which
 * makes an exit. It stands in the real one's place when the program is linked.
 */
#ifndef EXCLAVE_TESTS_UNIT_KVM_FAKE_ENGINE_H
#define EXCLAVE_TESTS_UNIT_KVM_FAKE_ENGINE_H

#include "engine/engine.h"

typedef enum engine_exit_reason fake_step(struct engine_vcpu *v);

struct fake {
	fake_step *const *steps;
	unsigned int step_count;
	unsigned int next; /* step; beyond the last: HLT */
	unsigned int state_changes;
	_Atomic unsigned int written;
	_Atomic unsigned int kicks;
	_Atomic unsigned int exit_requests;
	unsigned int synchronized;
	unsigned int tlb_flushes;
	uint32_t bytes_written;
	unsigned int engines; /* alive */
	unsigned int vcpus;
	const struct engine_ops *ops;
	struct engine_vcpu *v;         /* the last that was made */
	engine_cpuid_fn *answer_cpuid; /* NULL: nobody */
};

extern struct fake fake;

/* The guest's instructions, as the engine would ask: through the ops. */
enum cpu_result fake_rdmsr(struct engine_vcpu *v, uint32_t index, uint64_t *value);
enum cpu_result fake_wrmsr(struct engine_vcpu *v, uint32_t index, uint64_t value);
/* VMCALL. */
enum cpu_result fake_hypercall(struct engine_vcpu *v);
/* An ENCLS that the "ENCLS exiting" bitmap has asked for. */
enum cpu_result fake_encls(struct engine_vcpu *v);

#endif
