// SPDX-License-Identifier: GPL-2.0-or-later
/* The features of KVM's own CPUID leaf, and their MSRs. */
#include "kvm/pv.h"

#include "kvm/vcpu.h"

#include <asm/kvm_para.h>

#define HYPERVISOR_LEAVES     UINT32_C(0x40000000)
#define HYPERVISOR_LEAVES_END UINT32_C(0x40010000)

/* "KVMKVMKVM" */
#define SIGNATURE_EBX UINT32_C(0x4b4d564b)
#define SIGNATURE_ECX UINT32_C(0x564b4d56)
#define SIGNATURE_EDX UINT32_C(0x4d)

#define POLL_CONTROL_RESET 1

uint32_t pv_offered_features(void)
{
	uint32_t features = BIT32(KVM_FEATURE_CLOCKSOURCE) | BIT32(KVM_FEATURE_NOP_IO_DELAY) |
			    BIT32(KVM_FEATURE_CLOCKSOURCE2) | BIT32(KVM_FEATURE_PV_EOI) |
			    BIT32(KVM_FEATURE_PV_UNHALT) | BIT32(KVM_FEATURE_PV_TLB_FLUSH) |
			    BIT32(KVM_FEATURE_PV_SEND_IPI) | BIT32(KVM_FEATURE_POLL_CONTROL) |
			    BIT32(KVM_FEATURE_PV_SCHED_YIELD) |
			    BIT32(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT);

	return steal_time_is_known() ? features | BIT32(KVM_FEATURE_STEAL_TIME) : features;
}

/* A VMM that is another hypervisor too has KVM's leaves behind that one's. */
static bool is_signature(const struct cpuid_entry *e)
{
	return e->leaf >= HYPERVISOR_LEAVES && e->leaf < HYPERVISOR_LEAVES_END &&
	       !(e->leaf & 0xff) && e->regs[CPUID_EBX] == SIGNATURE_EBX &&
	       e->regs[CPUID_ECX] == SIGNATURE_ECX && e->regs[CPUID_EDX] == SIGNATURE_EDX;
}

void pv_cpuid_changed(struct kvm_vcpu *vcpu)
{
	const uint32_t offset = KVM_CPUID_FEATURES - KVM_CPUID_SIGNATURE;
	const struct cpuid_entry *features = NULL;

	for (unsigned int i = 0; i < vcpu->cpuid.count && !features; i++)
		if (is_signature(&vcpu->cpuid.entry[i]))
			features = cpuid_find(&vcpu->cpuid, vcpu->cpuid.entry[i].leaf + offset, 0);
	vcpu->pv.features = features ? features->regs[CPUID_EAX] : 0;
}

bool pv_has(const struct kvm_vcpu *vcpu, unsigned int feature)
{
	return !vcpu->pv.enforced || (vcpu->pv.features & BIT32(feature));
}

void pv_init(struct kvm_vcpu *vcpu)
{
	vcpu->pv.steal.fd = -1;
	vcpu->pv.poll_control = POLL_CONTROL_RESET;
}

void pv_destroy(struct kvm_vcpu *vcpu)
{
	steal_time_new_thread(vcpu);
}

void pv_reset(struct kvm_vcpu *vcpu)
{
	pv_eoi_sync(vcpu);
	vcpu->pv.eoi.msr = 0;
	vcpu->pv.steal.msr = 0;
	vcpu->pv.steal.away = false;
	atomic_store(&vcpu->pv.unhalted, false);
	vcpu_clock_set_system_time(vcpu, 0);
}

static unsigned int feature_of_msr(uint32_t index)
{
	switch (index) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_SYSTEM_TIME:
		return KVM_FEATURE_CLOCKSOURCE;
	case MSR_KVM_STEAL_TIME:
		return KVM_FEATURE_STEAL_TIME;
	case MSR_KVM_PV_EOI_EN:
		return KVM_FEATURE_PV_EOI;
	case MSR_KVM_POLL_CONTROL:
		return KVM_FEATURE_POLL_CONTROL;
	default:
		return KVM_FEATURE_CLOCKSOURCE2;
	}
}

bool pv_get_msr(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t *value)
{
	const struct kvm_vcpu *vcpu = vcpu_of_cpu(cpu);

	switch (index) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		*value = vcpu->clock.wall_clock;
		break;
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		*value = vcpu->clock.system_time;
		break;
	case MSR_KVM_STEAL_TIME:
		*value = vcpu->pv.steal.msr;
		break;
	case MSR_KVM_PV_EOI_EN:
		*value = vcpu->pv.eoi.msr;
		break;
	default:
		*value = vcpu->pv.poll_control;
		break;
	}
	return pv_has(vcpu, feature_of_msr(index));
}

static void set_system_time(struct kvm_vcpu *vcpu, bool host_initiated, uint64_t value)
{
	vcpu_clock_set_system_time(vcpu, value);
	/* The guest reads its page right behind the instruction. */
	if (!host_initiated)
		vcpu_clock_update(vcpu);
}

/* The host's threads do not poll before they sleep, whatever the guest wants. */
static bool set_poll_control(struct kvm_vcpu *vcpu, uint64_t value)
{
	if (value > 1)
		return false;
	vcpu->pv.poll_control = value;
	return true;
}

bool pv_set_msr(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t value)
{
	struct kvm_vcpu *vcpu = vcpu_of_cpu(cpu);

	if (!pv_has(vcpu, feature_of_msr(index)))
		return false;
	switch (index) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		vcpu_clock_set_wall_clock(vcpu, value);
		return true;
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		set_system_time(vcpu, host_initiated, value);
		return true;
	case MSR_KVM_STEAL_TIME:
		return steal_time_is_known() && steal_time_set_msr(vcpu, host_initiated, value);
	case MSR_KVM_PV_EOI_EN:
		return pv_eoi_set_msr(vcpu, value);
	default:
		return set_poll_control(vcpu, value);
	}
}
