// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * api.rst "KVM_SET_GUEST_DEBUG". As with Linux, a single step is TF in the guest's RFLAGS,
 * hidden from KVM_GET_REGS, so that the guest's own handlers run unstepped; a guest that
 * reads its flags meanwhile sees it.
 */
#include "kvm/vcpu.h"

#include "cpu/debug.h"

#include <string.h>

static bool is_stepping(const struct kvm_vcpu *vcpu)
{
	return vcpu->debug_control & KVM_GUESTDBG_SINGLESTEP;
}

static uint64_t linear_rip(const struct kvm_vcpu *vcpu)
{
	const struct x86_state *s = &vcpu->v->cpu.state;

	return x86_is_64bit(s) ? s->rip : (uint32_t)(s->rip + s->seg[X86_SEG_CS].base);
}

uint64_t vcpu_get_rflags(const struct kvm_vcpu *vcpu)
{
	uint64_t rflags = vcpu->v->cpu.state.rflags;

	return is_stepping(vcpu) ? rflags & ~(uint64_t)X86_EFLAGS_TF : rflags;
}

void vcpu_set_rflags(struct kvm_vcpu *vcpu, uint64_t rflags)
{
	if (is_stepping(vcpu) && linear_rip(vcpu) == vcpu->step_rip)
		rflags |= X86_EFLAGS_TF;
	vcpu->v->cpu.state.rflags = rflags | X86_EFLAGS_FIXED;
}

static int inject(struct kvm_vcpu *vcpu, uint32_t control)
{
	const struct cpu_events *events = &vcpu->v->cpu.events;
	struct x86_exception x = {
		.vector = control & KVM_GUESTDBG_INJECT_DB ? DB_VECTOR : BP_VECTOR,
	};

	if (!(control & (KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP)))
		return 0;
	if (events->exception.pending)
		return -EBUSY;
	events_queue_exception(vcpu, &x);
	return 0;
}

static void take_breakpoints(struct kvm_vcpu *vcpu, const __u64 debugreg[8])
{
	struct cpu_debugger *debugger = &vcpu->v->cpu.debugger;

	debugger->has_breakpoints = vcpu->debug_control & KVM_GUESTDBG_USE_HW_BP;
	memcpy(debugger->dr, debugreg, sizeof(debugger->dr));
	debugger->dr7 = debug_dr7_fix(debugreg[7]);
}

static uint32_t exceptions_of(uint32_t control)
{
	uint32_t bitmap = 0;

	if (control & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP))
		bitmap |= BIT32(DB_VECTOR);
	if (control & KVM_GUESTDBG_USE_SW_BP)
		bitmap |= BIT32(BP_VECTOR);
	return bitmap;
}

long vcpu_ioc_set_guest_debug(struct kvm_object *obj, void *data)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);
	const struct kvm_guest_debug *debug = data;
	uint64_t rflags = vcpu_get_rflags(vcpu);
	uint32_t control = debug->control;
	int ret = inject(vcpu, control);

	if (ret)
		return ret;
	vcpu->debug_control = control & KVM_GUESTDBG_ENABLE ? control : 0;
	vcpu->step_rip = linear_rip(vcpu);
	take_breakpoints(vcpu, debug->arch.debugreg);
	vcpu->v->exception_bitmap = exceptions_of(vcpu->debug_control);
	vcpu->v->block_events = vcpu->debug_control & KVM_GUESTDBG_BLOCKIRQ;
	vcpu_set_rflags(vcpu, rflags);
	engine_state_changed(vcpu->v);
	return 0;
}

void vcpu_debug_exit(struct kvm_vcpu *vcpu)
{
	const struct engine_exit *exit = &vcpu->v->exit;
	struct kvm_run *run = vcpu->run;

	run->debug.arch = (struct kvm_debug_exit_arch){
		.exception = exit->exception.vector,
		.pc = linear_rip(vcpu),
	};
	if (exit->exception.vector != DB_VECTOR)
		return;
	run->debug.arch.dr6 = exit->exception.dr6 | DR6_INIT;
	run->debug.arch.dr7 = debug_active_dr7(&vcpu->v->cpu);
}
