// SPDX-License-Identifier: GPL-2.0-or-later
#include "kvm/vcpu.h"

#include "kvm/sgx_features.h"

#include <asm/kvm_para.h>
#include <string.h>

#define MSR_IA32_APICBASE     0x0000001b
#define MSR_IA32_TSC_DEADLINE 0x000006e0

#define APIC_BASE_LOW UINT64_C(0x2ff)

#define LEAF1_ECX_X2APIC BIT32(21)

const uint64_t sgx_intel_pubkey_hash[4] = {
	0xa6053e051270b7ac,
	0x6cfbe8ba8b3b413d,
	0xc4916d99f2b3735d,
	0xd4f8c05909f9bb3b,
};

static bool has_sgx(const struct cpu *cpu)
{
	return cpuid_has_sgx_feature(cpu->cpuid, SGX_FEATURE_SGX);
}

static bool has_sgx_lc(const struct cpu *cpu)
{
	return cpuid_has_sgx_feature(cpu->cpuid, SGX_FEATURE_LC);
}

void own_msrs_reset(struct kvm_vcpu *vcpu)
{
	vcpu->apic_base = LAPIC_DEFAULT_BASE | LAPIC_BASE_ENABLE;
	if (vcpu->id == vcpu->vm->bsp_id)
		vcpu->apic_base |= LAPIC_BASE_BSP;
	vcpu->feature_control = 0;
	memcpy(vcpu->sgx_pubkey_hash, sgx_intel_pubkey_hash, sizeof(vcpu->sgx_pubkey_hash));
}

uint64_t vcpu_apic_base(const struct kvm_vcpu *vcpu)
{
	return vcpu->has_lapic ? lapic_base(&vcpu->lapic) : vcpu->apic_base;
}

static bool has_x2apic(const struct kvm_vcpu *vcpu)
{
	const struct cpuid_entry *e = cpuid_find(vcpu->v->cpu.cpuid, 1, 0);

	return vcpu->has_lapic && e && (e->regs[CPUID_ECX] & LEAF1_ECX_X2APIC);
}

/* SDM "IA32_APIC_BASE MSR"; x2APIC mode comes with a controller of ours. */
bool vcpu_set_apic_base(struct kvm_vcpu *vcpu, uint64_t value, bool host_initiated)
{
	if ((value & APIC_BASE_LOW) || value >> vcpu->v->cpu.features.phys_bits)
		return false;
	if ((value & LAPIC_BASE_X2APIC) && !has_x2apic(vcpu))
		return false;
	if (!vcpu->has_lapic) {
		vcpu->apic_base = value;
		return true;
	}
	/* A VMM may go anywhere, but to no mode that does not exist. */
	if (!lapic_base_is_valid(host_initiated ? value : lapic_base(&vcpu->lapic), value))
		return false;
	lapic_set_base(&vcpu->lapic, value);
	return true;
}

static bool get_apic_base(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t *value)
{
	*value = vcpu_apic_base(vcpu_of_cpu(cpu));
	return true;
}

static bool set_apic_base(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t value)
{
	return vcpu_set_apic_base(vcpu_of_cpu(cpu), value, host_initiated);
}

static bool get_feat_ctl(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t *value)
{
	*value = vcpu_of_cpu(cpu)->feature_control;
	return true;
}

/* SDM "IA32_FEATURE_CONTROL": firmware's choice among what there is, until it locks it. */
static bool set_feat_ctl(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t value)
{
	struct kvm_vcpu *vcpu = vcpu_of_cpu(cpu);
	uint64_t valid = FEAT_CTL_LOCKED;

	if (has_sgx(cpu))
		valid |= FEAT_CTL_SGX_ENABLED;
	if (has_sgx_lc(cpu))
		valid |= FEAT_CTL_SGX_LC_ENABLED;
	if (value & ~valid)
		return false;
	if (!host_initiated && (vcpu->feature_control & FEAT_CTL_LOCKED))
		return false;
	vcpu->feature_control = value;
	vcpu_update_encls_bitmap(vcpu);
	return true;
}

static bool get_pubkey(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t *value)
{
	if (!host_initiated && !has_sgx_lc(cpu))
		return false;
	*value = vcpu_of_cpu(cpu)->sgx_pubkey_hash[index - MSR_IA32_SGXLEPUBKEYHASH0];
	return true;
}

static bool set_pubkey(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t value)
{
	struct kvm_vcpu *vcpu = vcpu_of_cpu(cpu);
	bool is_fixed = (vcpu->feature_control & FEAT_CTL_LOCKED) &&
			!(vcpu->feature_control & FEAT_CTL_SGX_LC_ENABLED);

	if (!host_initiated && (!has_sgx_lc(cpu) || is_fixed))
		return false;
	vcpu->sgx_pubkey_hash[index - MSR_IA32_SGXLEPUBKEYHASH0] = value;
	vcpu_update_pubkey_hash(vcpu);
	return true;
}

/* Where the timer is the VMM's, who does not offer this mode, KVM lets the guest write all the same. */
static bool get_deadline(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t *value)
{
	struct kvm_vcpu *vcpu = vcpu_of_cpu(cpu);

	*value = vcpu->has_lapic ? lapic_tsc_deadline(&vcpu->lapic) : vcpu->tsc_deadline;
	return true;
}

static bool set_deadline(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t value)
{
	struct kvm_vcpu *vcpu = vcpu_of_cpu(cpu);

	if (vcpu->has_lapic)
		vcpu_lapic_set_deadline(vcpu, value);
	else
		vcpu->tsc_deadline = value;
	return true;
}

static bool get_x2apic(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t *value)
{
	return vcpu_lapic_rdmsr(vcpu_of_cpu(cpu), index, value);
}

static bool set_x2apic(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t value)
{
	return vcpu_lapic_wrmsr(vcpu_of_cpu(cpu), index, value);
}

/* Features of KVM's that we do not offer: VMMs reset their MSRs all the same. */
static bool get_unoffered(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t *value)
{
	*value = 0;
	return host_initiated;
}

static bool set_unoffered(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t value)
{
	return host_initiated && !value;
}

const struct cpu_msr_range own_msrs[] = {
	{MSR_KVM_WALL_CLOCK, MSR_KVM_SYSTEM_TIME, pv_get_msr, pv_set_msr, .listed = true},
	{MSR_IA32_APICBASE, MSR_IA32_APICBASE, get_apic_base, set_apic_base, .listed = false},
	{MSR_IA32_FEAT_CTL, MSR_IA32_FEAT_CTL, get_feat_ctl, set_feat_ctl, .listed = true},
	{MSR_IA32_SGXLEPUBKEYHASH0, MSR_IA32_SGXLEPUBKEYHASH0 + 3, get_pubkey, set_pubkey,
	 .listed = false},
	{MSR_IA32_TSC_DEADLINE, MSR_IA32_TSC_DEADLINE, get_deadline, set_deadline, .listed = true},
	{LAPIC_MSR_FIRST, LAPIC_MSR_LAST, get_x2apic, set_x2apic, .listed = false},
	{MSR_KVM_WALL_CLOCK_NEW, MSR_KVM_SYSTEM_TIME_NEW, pv_get_msr, pv_set_msr, .listed = true},
	{MSR_KVM_ASYNC_PF_EN, MSR_KVM_ASYNC_PF_EN, get_unoffered, set_unoffered, .listed = false},
	{MSR_KVM_STEAL_TIME, MSR_KVM_POLL_CONTROL, pv_get_msr, pv_set_msr, .listed = true},
	{MSR_KVM_ASYNC_PF_INT, MSR_KVM_MIGRATION_CONTROL, get_unoffered, set_unoffered,
	 .listed = false},
};
const unsigned int own_msr_count = ARRAY_SIZE(own_msrs);
