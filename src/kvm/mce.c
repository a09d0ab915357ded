// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "Machine-Check Architecture": banks that the VMM fills. */
#include "kvm/vcpu.h"

#include "cpu/msr_index.h"
#include "kvm/system.h"

#define MCG_BANKS       UINT64_C(0xff)
#define MCG_EXT_CNT     UINT64_C(0xff0000)
#define MCG_MCIP        BIT64(2)
#define MCI_STATUS_VAL  BIT64(63)
#define MCI_STATUS_OVER BIT64(62)
#define MCI_STATUS_UC   BIT64(61)
#define MCI_STATUS_PCC  BIT64(57)
#define MCI_STATUS_S    BIT64(56)
#define MCI_STATUS_AR   BIT64(55)

long vcpu_ioc_setup_mce(struct kvm_object *obj, void *data)
{
	struct cpu_msrs *msr = &vcpu_of_object(obj)->v->cpu.msr;
	uint64_t cap = *(const uint64_t *)data, banks = cap & MCG_BANKS;

	if (!banks || banks > CPU_MC_BANKS)
		return -EINVAL;
	if (cap & ~(MCE_CAP_SUPPORTED | MCG_BANKS | MCG_EXT_CNT))
		return -EINVAL;
	msr->mcg_cap = cap;
	if (cap & MCG_CTL_P)
		msr->mcg_ctl = UINT64_MAX;
	for (unsigned int i = 0; i < banks; i++)
		msr->mc[i].ctl = UINT64_MAX;
	return 0;
}

static void fill_bank(struct cpu_mc_bank *bank, const struct kvm_x86_mce *mce)
{
	uint64_t over = bank->status & MCI_STATUS_VAL ? MCI_STATUS_OVER : 0;

	bank->addr = mce->addr;
	bank->misc = mce->misc;
	bank->status = mce->status | over;
}

/* SDM "Uncorrected Error - No Action Required": it is logged, and nobody is interrupted. */
static bool is_no_action(const struct kvm_x86_mce *mce)
{
	return !mce->mcg_status && (mce->status & MCI_STATUS_UC) &&
	       !(mce->status & (MCI_STATUS_PCC | MCI_STATUS_S | MCI_STATUS_AR));
}

static void uncorrected(struct kvm_vcpu *vcpu, const struct kvm_x86_mce *mce)
{
	const struct x86_exception mc = {.vector = MC_VECTOR};
	struct cpu *cpu = &vcpu->v->cpu;

	/* One inside another, or one that cannot be delivered, shuts the processor down. */
	if ((cpu->msr.mcg_status & MCG_MCIP) || !(cpu->state.cr4 & X86_CR4_MCE)) {
		cpu->events.triple_fault = true;
		return;
	}
	fill_bank(&cpu->msr.mc[mce->bank], mce);
	cpu->msr.mcg_status = mce->mcg_status;
	events_queue_exception(vcpu, &mc);
}

long vcpu_ioc_set_mce(struct kvm_object *obj, void *data)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);
	struct cpu_msrs *msr = &vcpu->v->cpu.msr;
	const struct kvm_x86_mce *mce = data;
	struct cpu_mc_bank *bank = &msr->mc[mce->bank % CPU_MC_BANKS];

	if (mce->bank >= (msr->mcg_cap & MCG_BANKS) || !(mce->status & MCI_STATUS_VAL))
		return -EINVAL;
	if (is_no_action(mce)) {
		*bank = (struct cpu_mc_bank){bank->ctl, mce->status, mce->addr, mce->misc};
		msr->mcg_status = mce->mcg_status;
		return 0;
	}
	if (mce->status & MCI_STATUS_UC) {
		/* Reports that the guest has switched off are lost. */
		if ((msr->mcg_cap & MCG_CTL_P) && msr->mcg_ctl != UINT64_MAX)
			return 0;
		if (bank->ctl == UINT64_MAX)
			uncorrected(vcpu, mce);
	} else if ((bank->status & (MCI_STATUS_VAL | MCI_STATUS_UC)) ==
		   (MCI_STATUS_VAL | MCI_STATUS_UC)) {
		/* The worse one stays. */
		bank->status |= MCI_STATUS_OVER;
	} else {
		fill_bank(bank, mce);
	}
	return 0;
}
