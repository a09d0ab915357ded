// SPDX-License-Identifier: GPL-2.0-or-later
/* Linux' "KVM hypercalls": number in RAX, arguments in RBX, RCX, RDX, RSI, result in RAX. */
#include "kvm/vcpu.h"

#include <linux/kvm_para.h>
#include <sched.h>
#include <time.h>
#include <x86intrin.h>

#define ICR_LOGICAL   BIT32(11)
#define ICR_SHORTHAND (BIT32(18) | BIT32(19))

struct hypercall {
	uint64_t nr;
	uint64_t arg[4];
	bool is_64bit;
};

/* Return: the vCPU with this APIC ID, or NULL. */
static struct kvm_vcpu *find_vcpu(struct kvm_vm *vm, uint32_t apic_id)
{
	struct apic_bus *bus = &vm->irq.bus;
	unsigned int count = atomic_load(&bus->count);

	for (unsigned int i = 0; i < count; i++)
		if (bus->lapic[i]->id == apic_id)
			return bus->lapic[i]->owner;
	return NULL;
}

static int64_t kick_cpu(struct kvm_vcpu *vcpu, uint32_t apic_id)
{
	struct kvm_vcpu *target = find_vcpu(vcpu->vm, apic_id);

	if (!target)
		return 0;
	atomic_store(&target->pv.unhalted, true);
	vcpu_wake(target);
	return 0;
}

/* The target has been woken and does not run yet: it may be our time slice that it waits for. */
static int64_t yield_to(struct kvm_vcpu *vcpu, uint32_t apic_id)
{
	struct kvm_vcpu *target = find_vcpu(vcpu->vm, apic_id);

	if (target && target != vcpu && atomic_load(&target->halted))
		sched_yield();
	return 0;
}

static int64_t send_ipi(struct kvm_vcpu *vcpu, const struct hypercall *call)
{
	const uint64_t set[2] = {call->arg[0], call->arg[1]};
	uint32_t first = (uint32_t)call->arg[2], icr = (uint32_t)call->arg[3];
	struct apic_message message;

	if (icr & (ICR_LOGICAL | ICR_SHORTHAND))
		return -KVM_EINVAL;
	if (!vcpu->has_lapic)
		return -KVM_EOPNOTSUPP;
	message = apic_message_of_icr(icr, 0);
	return apic_bus_send_set(&vcpu->vm->irq.bus, &message, first, set,
				 call->is_64bit ? 64 : 32);
}

/* The host's date, and the guest's TSC in the same moment, as far as one can tell. */
static int64_t clock_pairing(struct kvm_vcpu *vcpu, gpa_t gpa, uint64_t type)
{
	struct kvm_clock_pairing pairing = {0};
	struct timespec ts;
	uint64_t before, after;

	if (type != KVM_CLOCK_PAIRING_WALLCLOCK || !vcpu->vm->clock.stable)
		return -KVM_EOPNOTSUPP;
	before = __rdtsc();
	clock_gettime(CLOCK_REALTIME, &ts);
	after = __rdtsc();
	pairing.sec = ts.tv_sec;
	pairing.nsec = ts.tv_nsec;
	pairing.tsc = before + (after - before) / 2 + vcpu->v->cpu.msr.tsc_offset;
	return vm_guest_write(vcpu->vm, gpa, &pairing, sizeof(pairing)) ? -KVM_EFAULT : 0;
}

static int64_t call_number(struct kvm_vcpu *vcpu, const struct hypercall *call)
{
	switch (call->nr) {
	case KVM_HC_VAPIC_POLL_IRQ:
		return 0;
	case KVM_HC_KICK_CPU:
		if (!pv_has(vcpu, KVM_FEATURE_PV_UNHALT))
			return -KVM_ENOSYS;
		return kick_cpu(vcpu, (uint32_t)call->arg[1]);
	case KVM_HC_CLOCK_PAIRING:
		return clock_pairing(vcpu, call->arg[0], call->arg[1]);
	case KVM_HC_SEND_IPI:
		if (!pv_has(vcpu, KVM_FEATURE_PV_SEND_IPI))
			return -KVM_ENOSYS;
		return send_ipi(vcpu, call);
	case KVM_HC_SCHED_YIELD:
		if (!pv_has(vcpu, KVM_FEATURE_PV_SCHED_YIELD))
			return -KVM_ENOSYS;
		return yield_to(vcpu, (uint32_t)call->arg[0]);
	default:
		return -KVM_ENOSYS;
	}
}

/* Only 64-bit code has arguments, and gets a result, of 64 bits. */
enum cpu_result vcpu_hypercall(struct engine_vcpu *v)
{
	const struct x86_state *s = &v->cpu.state;
	struct hypercall call = {
		.nr = s->gpr[X86_RAX],
		.arg = {s->gpr[X86_RBX], s->gpr[X86_RCX], s->gpr[X86_RDX], s->gpr[X86_RSI]},
		.is_64bit = x86_is_64bit(s),
	};
	uint64_t result;

	if (!call.is_64bit) {
		call.nr = (uint32_t)call.nr;
		for (unsigned int i = 0; i < ARRAY_SIZE(call.arg); i++)
			call.arg[i] = (uint32_t)call.arg[i];
	}
	result = (uint64_t)(s->cpl ? -KVM_EPERM : call_number(v->owner, &call));
	v->cpu.state.gpr[X86_RAX] = call.is_64bit ? result : (uint32_t)result;
	return CPU_OK;
}
