// SPDX-License-Identifier: GPL-2.0-or-later
/* Engines and their vCPUs: making them, ending them, and what other threads ask of them. */
#define _GNU_SOURCE
#include "engine/core.h"

#include "lib/lock.h"
#include "lib/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int engine_new(const struct engine_config *config, struct engine **made)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	size_t size = config->cache_size ? config->cache_size : ENGINE_CACHE_DEFAULT;
	int ret;

	if (!engine)
		return -ENOMEM;
	if (config->debug & ENGINE_DEBUG_TINY_CACHE)
		size = ENGINE_CACHE_TINY;
	engine->config = *config;
	ret = code_cache_init(&engine->cache, size);
	if (ret)
		goto err_free;
	ret = stubs_emit(engine);
	if (!ret)
		ret = fault_handlers_install();
	if (ret)
		goto err_cache;
	pthread_mutex_init(&engine->vcpus_lock, NULL);
	fault_handlers_add(engine);
	*made = engine;
	return 0;

err_cache:
	code_cache_destroy(&engine->cache);
err_free:
	free(engine);
	return ret;
}

void engine_free(struct engine *engine)
{
	fault_handlers_remove(engine);
	pthread_mutex_destroy(&engine->vcpus_lock);
	code_cache_destroy(&engine->cache);
	free(engine);
}

#define XSAVE_MXCSR 24

void engine_reset_xstate(struct engine_vcpu *v)
{
	const uint16_t fcw = 0x40; /* SDM: FINIT gives 37FH, but reset 40H */
	const uint32_t mxcsr = MXCSR_DEFAULT;

	memset(v->xstate, 0, sizeof(v->xstate));
	memcpy(v->xstate, &fcw, sizeof(fcw));
	memcpy(v->xstate + XSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
	v->xstate[512] = XFEATURE_MASK_FP | XFEATURE_MASK_SSE;
	if (v->sgx)
		sgx_cpu_reset(v->sgx);
}

static int map_run_page(struct engine_vcpu *v, int run_fd)
{
	void *p;

	if (run_fd < 0)
		return 0;
	p = mmap(v->run_page, sizeof(v->run_page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 run_fd, 0);
	return p == MAP_FAILED ? -errno : 0;
}

static void leaving(void *opaque)
{
	vcpu_save_xstate(opaque);
}

static void init_vcpu(struct engine_vcpu *v, struct engine *engine,
		      const struct engine_vcpu_config *config)
{
	v->engine = engine;
	v->self = v;
	v->owner = config->owner;
	v->on_cr8 = config->cr8_changed;
	v->on_cpuid = config->cpuid_fixup;
	v->pext_page = ~UINT64_C(0xfff);
	v->arithmetic_mask = FLAGS_ARITHMETIC;
	v->irq_hint = true;
	v->not_if_mask = ~(uint64_t)X86_EFLAGS_IF;
	v->default_mxcsr = MXCSR_DEFAULT;
	v->xstate_saved = true;
	v->probes = engine->config.stress_seed + atomic_load(&engine->vcpu_count);
	v->mmu.slots = engine->config.slots;
	v->mmu.written = mmu_written;
	v->mmu.leaving = leaving;
	v->mmu.opaque = v;
	v->itlb.generation = 1;
	for (unsigned int i = 0; i < ENGINE_MMU_INDICES; i++) {
		tlb_init(&v->tlb[i]);
		jumps_init(&v->jumps[i]);
	}
	v->cpu_ops = engine_cpu_ops;
	v->cpu_ops.msr_ranges = config->msr_ranges;
	v->cpu_ops.msr_range_count = config->msr_range_count;
	cpu_init(&v->cpu, &v->cpu_ops, v, config->is_bsp);
	engine_reset_xstate(v);
	engine_state_changed(v);
}

int engine_vcpu_new(struct engine *engine, const struct engine_vcpu_config *config,
		    struct engine_vcpu **made)
{
	struct engine_vcpu *v = mem_reserve(sizeof(*v));
	int ret;

	if (!v)
		return -ENOMEM;
	ret = map_run_page(v, config->run_fd);
	if (ret) {
		mem_release(v, sizeof(*v));
		return ret;
	}
	init_vcpu(v, engine, config);
	engine_lock_vcpus(engine);
	v->next = engine->vcpus;
	engine->vcpus = v;
	atomic_fetch_add(&engine->vcpu_count, 1);
	engine_unlock_vcpus(engine);
	*made = v;
	return 0;
}

void engine_vcpu_free(struct engine_vcpu *v)
{
	struct engine_vcpu **p;

	if (!v)
		return;
	engine_lock_vcpus(v->engine);
	for (p = &v->engine->vcpus; *p != v; p = &(*p)->next)
		;
	*p = v->next;
	atomic_fetch_sub(&v->engine->vcpu_count, 1);
	engine_unlock_vcpus(v->engine);
	enclave_free(v);
	mem_release(v, sizeof(*v));
}

void engine_lock_vcpus(struct engine *engine)
{
	lock_acquire(LOCK_VCPUS, engine);
	pthread_mutex_lock(&engine->vcpus_lock);
}

bool engine_try_lock_vcpus(struct engine *engine)
{
	if (pthread_mutex_trylock(&engine->vcpus_lock))
		return false;
	lock_acquire(LOCK_VCPUS, engine);
	return true;
}

void engine_unlock_vcpus(struct engine *engine)
{
	pthread_mutex_unlock(&engine->vcpus_lock);
	lock_release(LOCK_VCPUS, engine);
}

void engine_kick(struct engine_vcpu *v)
{
	__atomic_store_n(&v->run_page[2], 1, __ATOMIC_SEQ_CST);
}

void engine_request_exit(struct engine_vcpu *v)
{
	atomic_fetch_or(&v->request, REQUEST_EXIT);
	engine_kick(v);
}

/* A vCPU outside engine_run() does at its entry what is asked here. */
static bool has_passed(struct engine_vcpu *v)
{
	return !atomic_load(&v->running) || !(atomic_load(&v->request) & REQUEST_FLUSH);
}

static bool have_passed(struct engine *engine)
{
	bool passed = true;

	engine_lock_vcpus(engine);
	for (struct engine_vcpu *v = engine->vcpus; v && passed; v = v->next)
		passed = has_passed(v);
	engine_unlock_vcpus(engine);
	return passed;
}

/* Waits without the lock, which a vCPU may need on its way to a safe point. */
void engine_synchronize(struct engine *engine)
{
	struct wait wait;

	engine_lock_vcpus(engine);
	for (struct engine_vcpu *v = engine->vcpus; v; v = v->next) {
		atomic_fetch_or(&v->request, REQUEST_FLUSH);
		engine_kick(v);
	}
	engine_unlock_vcpus(engine);
	waits_notify(&engine->waits);
	wait_start(&wait, &engine->waits);
	while (!have_passed(engine))
		wait_more(&wait);
	wait_end(&wait);
}
