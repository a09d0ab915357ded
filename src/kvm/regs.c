// SPDX-License-Identifier: GPL-2.0-or-later
#include "kvm/vcpu.h"

#include "cpu/debug.h"

/* struct kvm_regs begins with the general registers in an order of its own. */
static const uint8_t gpr_order[X86_NR_GPRS] = {
	X86_RAX, X86_RBX, X86_RCX, X86_RDX, X86_RSI, X86_RDI, X86_RSP, X86_RBP,
	X86_R8,  9,       10,      11,      12,      13,      14,      X86_R15,
};
_Static_assert(offsetof(struct kvm_regs, rip) == X86_NR_GPRS * sizeof(uint64_t), "kvm_regs");

long vcpu_ioc_get_regs(struct kvm_object *obj, void *data)
{
	const struct x86_state *state = &vcpu_of_object(obj)->v->cpu.state;
	struct kvm_regs *regs = data;
	uint64_t *gpr = data;

	for (unsigned int i = 0; i < X86_NR_GPRS; i++)
		gpr[i] = state->gpr[gpr_order[i]];
	regs->rip = state->rip;
	regs->rflags = vcpu_get_rflags(vcpu_of_object(obj));
	return 0;
}

long vcpu_ioc_set_regs(struct kvm_object *obj, void *data)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);
	struct engine_vcpu *v = vcpu->v;
	const struct kvm_regs *regs = data;
	const uint64_t *gpr = data;

	for (unsigned int i = 0; i < X86_NR_GPRS; i++)
		v->cpu.state.gpr[gpr_order[i]] = gpr[i];
	v->cpu.state.rip = regs->rip;
	vcpu_set_rflags(vcpu, regs->rflags);
	/* The place that they belonged to is gone. */
	v->cpu.events.exception.pending = false;
	v->trap_due = 0;
	engine_state_changed(v);
	return 0;
}

long vcpu_ioc_get_debugregs(struct kvm_object *obj, void *data)
{
	const struct cpu *cpu = &vcpu_of_object(obj)->v->cpu;
	struct kvm_debugregs *regs = data;

	for (unsigned int i = 0; i < ARRAY_SIZE(cpu->dr); i++)
		regs->db[i] = cpu->dr[i];
	regs->dr6 = cpu->dr6;
	regs->dr7 = cpu->dr7;
	return 0;
}

long vcpu_ioc_set_debugregs(struct kvm_object *obj, void *data)
{
	struct engine_vcpu *v = vcpu_of_object(obj)->v;
	const struct kvm_debugregs *regs = data;

	if (regs->flags || regs->dr6 >> 32 || regs->dr7 >> 32)
		return -EINVAL;
	for (unsigned int i = 0; i < ARRAY_SIZE(v->cpu.dr); i++)
		v->cpu.dr[i] = regs->db[i];
	v->cpu.dr6 = debug_dr6_fix(regs->dr6);
	v->cpu.dr7 = debug_dr7_fix(regs->dr7);
	engine_state_changed(v);
	return 0;
}
