// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Enclave mode: the leaf functions as instructions, and the way out. Every event is
 * preceded by an AEX, and so is every return to the engine's caller, which is a VM
 * exit: nobody outside this folder meets a processor in enclave mode.
 */
#include "engine/core.h"

#include "cpu/debug.h"
#include "cpu/event.h"
#include "engine/operand.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

/* The SSA frame of every enclave has its place, and all its components are in v->xstate. */
static bool is_supported(const struct sgx_cpuid *cpuid)
{
	return !(cpuid->xfrm & ~(uint64_t)ENGINE_XFEATURES) &&
	       sgx_xsave_size(cpuid, cpuid->xfrm) <= SGX_SSA_XSAVE_PAGES * SGX_PAGE_SIZE;
}

int engine_vcpu_set_sgx(struct engine_vcpu *v, struct sgx_platform *platform,
			const struct sgx_cpuid *cpuid)
{
	struct sgx_cpu *sgx;
	int ret;

	if (!is_supported(cpuid) || (v->sgx && v->sgx->platform != platform))
		return -EINVAL;
	if (v->sgx) {
		v->sgx->cpuid = cpuid;
		return 0;
	}
	sgx = calloc(1, sizeof(*sgx));
	if (!sgx)
		return -ENOMEM;
	sgx->platform = platform;
	sgx->ops = &enclave_ops;
	sgx->cpuid = cpuid;
	sgx->state = &v->cpu.state;
	ret = sgx_cpu_init(sgx);
	if (ret) {
		free(sgx);
		return ret;
	}
	v->sgx = v->mmu.sgx = sgx;
	return 0;
}

void enclave_free(struct engine_vcpu *v)
{
	if (!v->sgx)
		return;
	sgx_cpu_destroy(v->sgx);
	free(v->sgx);
}

enum cpu_result engine_leaf_result(struct engine_vcpu *v, struct leaf_result res)
{
	int walk_errno = v->sgx_walk_errno;

	v->sgx_walk_errno = 0;
	switch ((enum leaf_kind)res.kind) {
	case LEAF_OK:
	case LEAF_CODE:
	case LEAF_INFO:
		return CPU_OK;
	case LEAF_JUMP:
		v->keep_rf = true;
		v->unstepped = leaf_resumed(res);
		if (v->unstepped)
			v->debug_pending = 0;
		/* Also where TF is back after an exit from an enclave that did not see it. */
		else if (v->cpu.state.rflags & X86_EFLAGS_TF)
			v->debug_pending |= DR6_BS;
		return CPU_OK;
	case LEAF_FAULT:
		v->cpu.fault = sgx_leaf_fault(res);
		v->cpu.host_errno = walk_errno;
		return walk_errno ? CPU_HOST_ERROR : CPU_FAULT;
	case LEAF_HOST_ERROR:
		v->cpu.host_errno = res.value;
		return CPU_HOST_ERROR;
	case LEAF_EXIT:
		break;
	}
	__builtin_unreachable();
}

enum cpu_result engine_encls(struct engine_vcpu *v)
{
	const struct engine_ops *ops = v->engine->config.ops;
	struct leaf_result res;

	vcpu_save_xstate(v);
	res = sgx_encls(v->sgx);
	if (res.kind != LEAF_EXIT)
		return engine_leaf_result(v, res);
	if (ops && ops->encls_exit)
		return ops->encls_exit(v);
	return engine_leaf_result(v, sgx_encls_leaf(v->sgx));
}

enum cpu_result engine_enclu(struct engine_vcpu *v)
{
	vcpu_save_xstate(v);
	return engine_leaf_result(v, sgx_enclu(v->sgx));
}

enum cpu_result engine_enclv(struct engine_vcpu *v)
{
	vcpu_save_xstate(v);
	return engine_leaf_result(v, sgx_enclv(v->sgx));
}

static enum sgx_event_type event_type(const struct cpu_event *event)
{
	if (event->kind != CPU_EVENT_EXCEPTION)
		return SGX_EVENT_INTERRUPT;
	switch (event->exception.vector) {
	case DB_VECTOR:
		return SGX_EVENT_TRAP;
	case BP_VECTOR:
		return SGX_EVENT_SOFTWARE;
	default:
		return SGX_EVENT_FAULT;
	}
}

static void aex(struct engine_vcpu *v, struct sgx_event *event)
{
	vcpu_save_xstate(v);
	sgx_aex(v->sgx, event);
	v->cpu.events.shadow = 0;
}

/*
 * Linux' driver does nothing at a fault while it has no EPC page free, so that the thread
 * faults again until the reclaimer is done, which may need the processor of the host that
 * we have. There is no PAUSE in that loop.
 */
static void yield_if_in_vain(struct engine_vcpu *v, const struct x86_exception *exception)
{
	gva_t address = exception->vector == PF_VECTOR ? exception->address : 0;

	if (address && address == v->aex_fault)
		sched_yield();
	v->aex_fault = address;
}

void enclave_leave_by_event(struct engine_vcpu *v, struct cpu_event *event)
{
	struct sgx_event reason = {.type = event_type(event), .exception = event->exception};

	if (reason.type == SGX_EVENT_FAULT)
		yield_if_in_vain(v, &event->exception);
	aex(v, &reason);
	event->exception = reason.exception;
}

void enclave_leave_by_exit(struct engine_vcpu *v)
{
	struct sgx_event reason = {.type = SGX_EVENT_INTERRUPT};

	aex(v, &reason);
}
