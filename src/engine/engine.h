/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The same-ISA translator: runs a guest's code on the host CPU, with every
 * memory access resolved in software.
 *
 * An engine belongs to a VM: its code cache is shared by the VM's processors.
 * Each struct engine_vcpu belongs to the thread that runs it.
 */
#ifndef EXCLAVE_ENGINE_ENGINE_H
#define EXCLAVE_ENGINE_ENGINE_H

#include "engine/translate.h"

#include <pthread.h>

/* The guest's memory, as the storeys above know it. Called from a vCPU's thread, without locks. */
struct engine_ops {
	/*
	 * The page of code at @gva. Return: true with its guest-physical address
	 * and the host memory behind it, or false with the fault.
	 */
	bool (*fetch)(struct engine_vcpu *v, gva_t gva, gpa_t *page, const uint8_t **host,
		      struct x86_exception *fault);
	/*
	 * The page of data at @gva, readable or writable. Return: true with the
	 * host memory behind it, or false with the fault.
	 */
	bool (*fill)(struct engine_vcpu *v, gva_t gva, bool write, uint8_t **host,
		     struct x86_exception *fault);
};

struct engine {
	const struct engine_ops *ops;
	struct code_cache cache;
	struct engine_stubs stubs;
	pthread_mutex_t translate_lock;
	struct translation translation; /* under translate_lock */
	struct engine *next;            /* list of all, for the signal handler */
};

/* Return: 0 or -errno. */
int engine_init(struct engine *engine, const struct engine_ops *ops, size_t cache_size);
void engine_destroy(struct engine *engine);

/* Return: NULL when out of memory. */
struct engine_vcpu *engine_vcpu_new(struct engine *engine);
void engine_vcpu_free(struct engine_vcpu *v);

/*
 * Runs from v->rip with v->gpr, v->flags and v->xstate until something needs
 * the caller: ENGINE_STOP_KICK, _FAULT (v->fault; the state is that before the
 * instruction) or _INSTRUCTION.
 */
enum engine_stop engine_run(struct engine_vcpu *v);

/* Forgets every translation of addresses. */
void engine_flush_tlb(struct engine_vcpu *v);

/* stubs.c */
int stubs_emit(struct engine *engine);

/* Called by the stubs. */
enum miss_result {
	MISS_RETRY,
	MISS_BOUNCE,
	MISS_STOP,
};
enum miss_result engine_miss(struct engine_vcpu *v);
enum miss_result engine_bounce_end(struct engine_vcpu *v);

/* fault.c */
int fault_handlers_install(void);
void fault_handlers_add(struct engine *engine);
void fault_handlers_remove(struct engine *engine);
/* The guest's state from host_gpr and host_flags, at the place that @record describes. */
void engine_rebuild_state(struct engine_vcpu *v, const struct block *block,
			  const struct fault_record *record);

#endif
