// SPDX-License-Identifier: GPL-2.0-or-later
#include "fake_engine.h"

#include "sgx/sgx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct engine {
	struct engine_config config;
};

struct fake_vcpu {
	struct engine_vcpu v;
	struct cpu_ops ops;
};

struct fake fake;

enum cpu_result fake_rdmsr(struct engine_vcpu *v, uint32_t index, uint64_t *value)
{
	return fake.ops->rdmsr(v, index, value);
}

enum cpu_result fake_wrmsr(struct engine_vcpu *v, uint32_t index, uint64_t value)
{
	return fake.ops->wrmsr(v, index, value);
}

static enum cpu_result load_pdptes(struct cpu *cpu, uint64_t cr3)
{
	for (unsigned int i = 0; i < 4; i++)
		vcpu_of(cpu)->mmu_mode.pdpte[i] = cr3 + i;
	return CPU_OK;
}

static void paging_changed(struct cpu *cpu, const struct cpu_paging_change *change)
{
}

static void changed(struct cpu *cpu)
{
}

int engine_new(const struct engine_config *config, struct engine **engine)
{
	*engine = calloc(1, sizeof(**engine));
	if (!*engine)
		return -ENOMEM;
	(*engine)->config = *config;
	fake.ops = config->ops;
	fake.engines++;
	return 0;
}

void engine_free(struct engine *engine)
{
	free(engine);
	fake.engines--;
}

int engine_vcpu_new(struct engine *engine, const struct engine_vcpu_config *config,
		    struct engine_vcpu **v)
{
	struct fake_vcpu *f = aligned_alloc(4096, (sizeof(*f) + 4095) / 4096 * 4096);

	if (!f)
		return -ENOMEM;
	memset(f, 0, sizeof(*f));
	f->ops = (struct cpu_ops){
		.load_pdptes = load_pdptes,
		.paging_changed = paging_changed,
		.mode_changed = changed,
		.debug_changed = changed,
		.cpuid_fixup = config->cpuid_fixup,
		.msr_ranges = config->msr_ranges,
		.msr_range_count = config->msr_range_count,
	};
	f->v.engine = engine;
	f->v.mmu.slots = engine->config.slots;
	f->v.owner = config->owner;
	cpu_init(&f->v.cpu, &f->ops, &f->v, config->is_bsp);
	fake.vcpus++;
	fake.v = &f->v;
	*v = &f->v;
	return 0;
}

int engine_vcpu_set_sgx(struct engine_vcpu *v, struct sgx_platform *platform,
			const struct sgx_cpuid *cpuid)
{
	if (!v->sgx)
		v->sgx = calloc(1, sizeof(*v->sgx));
	if (!v->sgx)
		return -ENOMEM;
	v->sgx->platform = platform;
	v->sgx->cpuid = cpuid;
	return 0;
}

void engine_code_changed(const uint8_t *host)
{
}

enum cpu_result fake_encls(struct engine_vcpu *v)
{
	return fake.ops->encls_exit(v);
}

int engine_cpuid_intercept(engine_cpuid_fn *amend)
{
	fake.answer_cpuid = amend;
	return 0;
}

void engine_cpuid_release(void)
{
	fake.answer_cpuid = NULL;
}

void engine_vcpu_free(struct engine_vcpu *v)
{
	free(v->sgx);
	free(v);
	fake.vcpus--;
}

enum engine_exit_reason engine_run(struct engine_vcpu *v)
{
	if (fake.next == fake.step_count)
		return ENGINE_EXIT_HLT;
	v->exit.reason = fake.steps[fake.next++](v);
	return v->exit.reason;
}

void engine_state_changed(struct engine_vcpu *v)
{
	fake.state_changes++;
}

void engine_reset_xstate(struct engine_vcpu *v)
{
}

void engine_kick(struct engine_vcpu *v)
{
	atomic_fetch_add(&fake.kicks, 1);
}

void engine_request_exit(struct engine_vcpu *v)
{
	atomic_fetch_add(&fake.exit_requests, 1);
}

void engine_synchronize(struct engine *engine)
{
	fake.synchronized++;
}

void engine_memory_written(struct engine *engine)
{
	atomic_fetch_add(&fake.written, 1);
}

void engine_flush_tlb(struct engine_vcpu *v)
{
	fake.tlb_flushes++;
}

void engine_bytes_written(struct engine_vcpu *v, const uint8_t *host, uint32_t len)
{
	fake.bytes_written += len;
}

enum cpu_result fake_hypercall(struct engine_vcpu *v)
{
	return fake.ops->hypercall(v);
}
