// SPDX-License-Identifier: GPL-2.0-or-later
/* MSRs for the VMM, many at a time, and for the guest as far as the VMM has a say. */
#include "kvm/vcpu.h"

#include "cpu/msr.h"
#include "kvm/system.h"
#include "kvm/user.h"

#define MAX_MSRS 256 /* MAX_IO_MSRS */

/* More than there are. */
#define MAX_LIST 512

typedef bool msr_fn(struct kvm_vcpu *vcpu, struct kvm_msr_entry *entry);

static long write_list(unsigned long arg, const uint32_t *list, uint32_t count)
{
	uint32_t room;

	if (user_read(&room, arg, sizeof(room)) || user_write(arg, &count, sizeof(count)))
		return -EFAULT;
	if (room < count)
		return -E2BIG;
	return user_write(arg + offsetof(struct kvm_msr_list, indices), list,
			  count * sizeof(*list));
}

long system_get_msr_index_list(unsigned long arg)
{
	const struct cpu_ops ops = {.msr_ranges = own_msrs, .msr_range_count = own_msr_count};
	uint32_t list[MAX_LIST];

	return write_list(arg, list, cpu_msr_list(&ops, list, MAX_LIST));
}

long system_get_msr_feature_index_list(unsigned long arg)
{
	uint32_t list[MAX_LIST];

	return write_list(arg, list, cpu_msr_feature_list(list, MAX_LIST));
}

/* Goes on to the first that fails. Return: how many did not, or -errno. */
static long for_each_msr(struct kvm_vcpu *vcpu, unsigned long arg, msr_fn *fn, bool write_back)
{
	const uint64_t at = arg + offsetof(struct kvm_msrs, entries);
	struct kvm_msr_entry entries[MAX_MSRS];
	struct kvm_msrs head;
	uint32_t n = 0;

	if (user_read(&head, arg, sizeof(head)))
		return -EFAULT;
	if (head.nmsrs >= MAX_MSRS)
		return -E2BIG;
	if (user_read(entries, at, head.nmsrs * sizeof(entries[0])))
		return -EFAULT;
	while (n < head.nmsrs && fn(vcpu, &entries[n]))
		n++;
	if (write_back && user_write(at, entries, head.nmsrs * sizeof(entries[0])))
		return -EFAULT;
	return n;
}

/* Each feature MSR as a new vCPU has it. */
static bool feature_get(struct kvm_vcpu *none, struct kvm_msr_entry *entry)
{
	switch (entry->index) {
	case MSR_IA32_ARCH_CAPABILITIES:
		entry->data = ARCH_CAPABILITIES_OFFERED;
		return true;
	case MSR_IA32_UCODE_REV:
		entry->data = UCODE_REV_INIT;
		return true;
	case MSR_IA32_MCG_CAP:
		entry->data = MCE_CAP_SUPPORTED | CPU_MC_BANKS;
		return true;
	default:
		return false;
	}
}

long system_get_msrs(unsigned long arg)
{
	return for_each_msr(NULL, arg, feature_get, true);
}

static bool entry_get(struct kvm_vcpu *vcpu, struct kvm_msr_entry *entry)
{
	uint64_t value;

	if (!cpu_msr_get(&vcpu->v->cpu, entry->index, true, &value))
		return false;
	entry->data = value;
	return true;
}

static bool moves_tsc(uint32_t index)
{
	return index == MSR_IA32_TSC || index == MSR_IA32_TSC_ADJUST;
}

static bool entry_set(struct kvm_vcpu *vcpu, struct kvm_msr_entry *entry)
{
	struct cpu *cpu = &vcpu->v->cpu;

	if (entry->index == MSR_IA32_TSC)
		cpu->msr.tsc_offset =
			vm_clock_match_tsc(&vcpu->vm->clock, entry->data, vcpu->tsc_khz);
	else if (!cpu_msr_set(cpu, entry->index, true, entry->data))
		return false;
	if (moves_tsc(entry->index))
		atomic_store(&vcpu->clock.due, true);
	return true;
}

long vcpu_ioc_get_msrs(struct kvm_object *obj, unsigned long arg)
{
	return for_each_msr(vcpu_of_object(obj), arg, entry_get, true);
}

long vcpu_ioc_set_msrs(struct kvm_object *obj, unsigned long arg)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);
	long ret = for_each_msr(vcpu, arg, entry_set, false);

	engine_state_changed(vcpu->v);
	return ret;
}

static enum cpu_result refuse(struct cpu *cpu)
{
	cpu->fault = (struct x86_exception){.vector = GP_VECTOR, .has_error_code = true};
	return CPU_FAULT;
}

/*
 * The VMM decides, if it has asked for that: the engine leaves, and executes the
 * instruction again when the answer is there. Else #GP(0).
 */
static enum cpu_result ask(struct kvm_vcpu *vcpu, uint32_t reason, uint32_t index, bool write,
			   uint64_t data)
{
	if (!(atomic_load(&vcpu->vm->user_space_msr) & reason))
		return refuse(&vcpu->v->cpu);
	vcpu->msr_exit = (struct msr_exit){
		.state = MSR_EXIT_ASKED,
		.write = write,
		.index = index,
		.reason = reason,
		.data = data,
		.rip = vcpu->v->cpu.state.rip,
	};
	vcpu->v->exit.reason = ENGINE_EXIT_MSR;
	return CPU_AGAIN;
}

/* Is this the instruction that the VMM has answered? Any other makes the answer void. */
static bool is_answered(struct kvm_vcpu *vcpu, uint32_t index, bool write)
{
	struct msr_exit *exit = &vcpu->msr_exit;
	bool answered = exit->state == MSR_EXIT_ANSWERED && exit->index == index &&
			exit->write == write && exit->rip == vcpu->v->cpu.state.rip;

	exit->state = MSR_EXIT_NONE;
	return answered;
}

/* Known to us, but not to be had so by the guest; or unknown. */
static uint32_t refusal(struct cpu *cpu, uint32_t index)
{
	uint64_t value;

	return cpu_msr_get(cpu, index, true, &value) ? KVM_MSR_EXIT_REASON_INVAL
						     : KVM_MSR_EXIT_REASON_UNKNOWN;
}

enum cpu_result vcpu_rdmsr(struct engine_vcpu *v, uint32_t index, uint64_t *value)
{
	struct kvm_vcpu *vcpu = v->owner;

	if (v->cpu.state.cpl != 0)
		return refuse(&v->cpu);
	if (vcpu->msr_exit.state == MSR_EXIT_ANSWERED && is_answered(vcpu, index, false)) {
		*value = vcpu->msr_exit.data;
		return vcpu->msr_exit.refused ? refuse(&v->cpu) : CPU_OK;
	}
	if (!msr_filter_allows(&vcpu->vm->filter, index, false))
		return ask(vcpu, KVM_MSR_EXIT_REASON_FILTER, index, false, 0);
	if (!cpu_msr_get(&v->cpu, index, false, value))
		return ask(vcpu, refusal(&v->cpu, index), index, false, 0);
	return CPU_OK;
}

enum cpu_result vcpu_wrmsr(struct engine_vcpu *v, uint32_t index, uint64_t value)
{
	struct kvm_vcpu *vcpu = v->owner;

	if (v->cpu.state.cpl != 0)
		return refuse(&v->cpu);
	if (vcpu->msr_exit.state == MSR_EXIT_ANSWERED && is_answered(vcpu, index, true))
		return vcpu->msr_exit.refused ? refuse(&v->cpu) : CPU_OK;
	if (!msr_filter_allows(&vcpu->vm->filter, index, true))
		return ask(vcpu, KVM_MSR_EXIT_REASON_FILTER, index, true, value);
	if (!cpu_msr_set(&v->cpu, index, false, value))
		return ask(vcpu, refusal(&v->cpu, index), index, true, value);
	if (moves_tsc(index)) {
		atomic_store(&vcpu->clock.due, true);
		vcpu_clock_update(vcpu);
	}
	return CPU_OK;
}
