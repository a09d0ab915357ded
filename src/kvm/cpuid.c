// SPDX-License-Identifier: GPL-2.0-or-later
/* CPUID as offered to the VMM, and as the VMM gives it to a vCPU. */
#include "kvm/vcpu.h"

#include "kvm/cpu_features.h"
#include "kvm/sgx_features.h"
#include "kvm/system.h"
#include "kvm/user.h"

#include <asm/kvm_para.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_OFFSET offsetof(struct kvm_cpuid2, entries)
#define LEAF1_EDX_APIC BIT32(9)

/* MAXPHYADDR of processors without leaf 80000008H. */
#define DEFAULT_PHYS_BITS 36

unsigned int system_phys_bits(void)
{
	uint32_t regs[CPUID_NR_REGS];

	cpuid_host(0x80000000, 0, regs);
	if (regs[CPUID_EAX] < 0x80000008)
		return DEFAULT_PHYS_BITS;
	cpuid_host(0x80000008, 0, regs);
	return regs[CPUID_EAX] & 0xff;
}

/* With what we add to the processor's own leaves. */
static struct cpuid_table *offer_new(void)
{
	const struct cpuid_entry hypervisor[] = {
		{
			.leaf = KVM_CPUID_SIGNATURE,
			/* "KVMKVMKVM" */
			.regs = {KVM_CPUID_FEATURES, 0x4b4d564b, 0x564b4d56, 0x4d},
		},
		{
			.leaf = KVM_CPUID_FEATURES,
			.regs = {pv_offered_features()},
		},
	};
	uint32_t sgx = sgx_features_of_host();
	const struct cpuid_extra extra = {
		.sgx = sgx & BIT32(SGX_FEATURE_SGX),
		.sgx_lc = sgx & BIT32(SGX_FEATURE_LC),
		.tsc_khz = host_tsc_khz(),
		/* As KVM: a VMM that has the local APIC itself takes it away. */
		.x2apic = true,
		.entries = hypervisor,
		.entry_count = ARRAY_SIZE(hypervisor),
	};
	struct cpuid_table *table = malloc(sizeof(*table));

	if (!table)
		return NULL;
	cpuid_offer(table, cpu_features_host, &extra);
	sgx_cpuid_offer(table);
	return table;
}

static uint64_t offered_xcr0;

static void find_xcr0(void)
{
	struct cpuid_table *table = offer_new();
	const struct cpuid_entry *e = cpuid_find(table, 0xd, 0);

	offered_xcr0 = XFEATURE_MASK_FP | XFEATURE_MASK_SSE | (e ? e->regs[CPUID_EAX] : 0);
	free(table);
}

uint64_t system_xcr0(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, find_xcr0);
	return offered_xcr0;
}

static struct kvm_cpuid_entry2 entry_to_user(const struct cpuid_entry *e)
{
	return (struct kvm_cpuid_entry2){
		.function = e->leaf,
		.index = e->subleaf,
		.flags = e->has_subleaf ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
		.eax = e->regs[CPUID_EAX],
		.ebx = e->regs[CPUID_EBX],
		.ecx = e->regs[CPUID_ECX],
		.edx = e->regs[CPUID_EDX],
	};
}

static long write_offer(unsigned long arg, const struct cpuid_table *table)
{
	for (unsigned int i = 0; i < table->count; i++) {
		struct kvm_cpuid_entry2 e = entry_to_user(&table->entry[i]);

		if (user_write(arg + ENTRIES_OFFSET + i * sizeof(e), &e, sizeof(e)))
			return -EFAULT;
	}
	return user_write(arg, &table->count, sizeof(table->count));
}

long system_get_supported_cpuid(unsigned long arg)
{
	struct cpuid_table *table;
	uint32_t room;
	long ret = -E2BIG;

	if (user_read(&room, arg, sizeof(room)))
		return -EFAULT;
	if (!room)
		return -E2BIG;
	table = offer_new();
	if (!table)
		return -ENOMEM;
	if (room >= table->count)
		ret = write_offer(arg, table);
	free(table);
	return ret;
}

/* Nothing here is slower for being emulated. */
long system_get_emulated_cpuid(unsigned long arg)
{
	uint32_t room, count = 0;

	if (user_read(&room, arg, sizeof(room)))
		return -EFAULT;
	return room ? user_write(arg, &count, sizeof(count)) : -E2BIG;
}

static bool is_acceptable(const struct kvm_cpuid_entry2 *entries, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		uint8_t bits = (uint8_t)(entries[i].eax >> 8);

		if (entries[i].function == 0x80000008)
			return bits == 0 || bits == 48 || bits == 57;
	}
	return true;
}

static bool is_same(const struct kvm_cpuid_entry2 *a, const struct kvm_cpuid_entry2 *b)
{
	return a->function == b->function && a->index == b->index && a->flags == b->flags &&
	       a->eax == b->eax && a->ebx == b->ebx && a->ecx == b->ecx && a->edx == b->edx;
}

/* A guest that has run keeps its processor: only the same table again is accepted. */
static bool is_unchanged(const struct kvm_vcpu *vcpu, const struct kvm_cpuid_entry2 *entries,
			 unsigned int count)
{
	if (count != vcpu->cpuid_count)
		return false;
	for (unsigned int i = 0; i < count; i++)
		if (!is_same(&entries[i], &vcpu->cpuid_raw[i]))
			return false;
	return true;
}

static struct cpuid_entry entry_from_user(const struct kvm_cpuid_entry2 *e)
{
	return (struct cpuid_entry){
		.leaf = e->function,
		.subleaf = e->index,
		.has_subleaf = e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		.regs = {e->eax, e->ebx, e->ecx, e->edx},
	};
}

/* @entries as a table, and what Linux changes in them in both. */
static void make_table(struct kvm_cpuid_entry2 *entries, unsigned int count,
		       struct cpuid_table *table)
{
	table->count = count;
	for (unsigned int i = 0; i < count; i++)
		table->entry[i] = entry_from_user(&entries[i]);
	sgx_cpuid_limit(table);
	for (unsigned int i = 0; i < count; i++) {
		entries[i].ecx = table->entry[i].regs[CPUID_ECX];
		entries[i].edx = table->entry[i].regs[CPUID_EDX];
	}
}

static long set_cpuid(struct kvm_vcpu *vcpu, struct kvm_cpuid_entry2 *entries, unsigned int count)
{
	struct cpuid_table table;
	long ret;

	make_table(entries, count, &table);
	if (vcpu->has_run)
		return is_unchanged(vcpu, entries, count) ? 0 : -EINVAL;
	if (!is_acceptable(entries, count))
		return -EINVAL;
	ret = vcpu_set_sgx(vcpu, &table);
	if (ret)
		return ret;
	memcpy(vcpu->cpuid_raw, entries, count * sizeof(*entries));
	vcpu->cpuid_count = count;
	vcpu->cpuid = table;
	pv_cpuid_changed(vcpu);
	cpu_set_cpuid(&vcpu->v->cpu, &vcpu->cpuid);
	vcpu_update_encls_bitmap(vcpu);
	engine_state_changed(vcpu->v);
	return 0;
}

long vcpu_ioc_set_cpuid2(struct kvm_object *obj, unsigned long arg)
{
	struct kvm_cpuid_entry2 entries[CPUID_MAX_ENTRIES];
	uint32_t count;

	if (user_read(&count, arg, sizeof(count)))
		return -EFAULT;
	if (count > CPUID_MAX_ENTRIES)
		return -E2BIG;
	if (user_read(entries, arg + ENTRIES_OFFSET, count * sizeof(entries[0])))
		return -EFAULT;
	return set_cpuid(vcpu_of_object(obj), entries, count);
}

long vcpu_ioc_set_cpuid(struct kvm_object *obj, unsigned long arg)
{
	struct kvm_cpuid_entry old[CPUID_MAX_ENTRIES];
	struct kvm_cpuid_entry2 entries[CPUID_MAX_ENTRIES];
	uint32_t count;

	if (user_read(&count, arg, sizeof(count)))
		return -EFAULT;
	if (count > CPUID_MAX_ENTRIES)
		return -E2BIG;
	if (user_read(old, arg + offsetof(struct kvm_cpuid, entries), count * sizeof(old[0])))
		return -EFAULT;
	for (unsigned int i = 0; i < count; i++)
		entries[i] = (struct kvm_cpuid_entry2){
			.function = old[i].function,
			.eax = old[i].eax,
			.ebx = old[i].ebx,
			.ecx = old[i].ecx,
			.edx = old[i].edx,
		};
	return set_cpuid(vcpu_of_object(obj), entries, count);
}

long vcpu_ioc_get_cpuid2(struct kvm_object *obj, unsigned long arg)
{
	const struct kvm_vcpu *vcpu = vcpu_of_object(obj);
	uint32_t room;

	if (user_read(&room, arg, sizeof(room)))
		return -EFAULT;
	if (room < vcpu->cpuid_count)
		return -E2BIG;
	return user_write(arg + ENTRIES_OFFSET, vcpu->cpuid_raw,
			  vcpu->cpuid_count * sizeof(vcpu->cpuid_raw[0]));
}

void vcpu_cpuid_fixup(struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
	if (leaf == 1 && !(vcpu_apic_base(vcpu_of_cpu(cpu)) & LAPIC_BASE_ENABLE))
		regs[CPUID_EDX] &= ~LEAF1_EDX_APIC;
	sgx_cpuid_fixup(leaf, subleaf, regs);
}
