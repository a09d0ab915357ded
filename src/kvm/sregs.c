// SPDX-License-Identifier: GPL-2.0-or-later
/* KVM_GET_SREGS and KVM_SET_SREGS, with and without the PDPTE registers. */
#include "kvm/vcpu.h"

#include "cpu/control.h"

#include <string.h>

/* What struct kvm_sregs and struct kvm_sregs2 have in common. */
#define COMMON_SIZE offsetof(struct kvm_sregs2, flags)
_Static_assert(offsetof(struct kvm_sregs, interrupt_bitmap) == COMMON_SIZE, "kvm_sregs");

static struct kvm_segment segment_get(const struct x86_segment *from)
{
	return (struct kvm_segment){
		.base = from->base,
		.limit = from->limit,
		.selector = from->selector,
		.type = from->type,
		.present = from->present,
		.dpl = from->dpl,
		.db = from->db,
		.s = from->s,
		.l = from->l,
		.g = from->g,
		.avl = from->avl,
		.unusable = from->unusable || !from->present,
	};
}

static struct x86_segment segment_set(const struct kvm_segment *from)
{
	return (struct x86_segment){
		.base = from->base,
		.limit = from->limit,
		.selector = from->selector,
		.type = from->type & 0xf,
		.s = from->s & 1,
		.dpl = from->dpl & 3,
		.present = from->present & 1,
		.avl = from->avl & 1,
		.l = from->l & 1,
		.db = from->db & 1,
		.g = from->g & 1,
		.unusable = from->unusable & 1,
	};
}

static void get_segments(const struct cpu *cpu, struct kvm_sregs2 *sregs)
{
	const struct x86_segment *seg = cpu->state.seg;

	sregs->es = segment_get(&seg[X86_SEG_ES]);
	sregs->cs = segment_get(&seg[X86_SEG_CS]);
	sregs->ss = segment_get(&seg[X86_SEG_SS]);
	sregs->ds = segment_get(&seg[X86_SEG_DS]);
	sregs->fs = segment_get(&seg[X86_SEG_FS]);
	sregs->gs = segment_get(&seg[X86_SEG_GS]);
	sregs->ldt = segment_get(&cpu->ldtr);
	sregs->tr = segment_get(&cpu->tr);
	sregs->gdt = (struct kvm_dtable){.base = cpu->gdtr.base, .limit = cpu->gdtr.limit};
	sregs->idt = (struct kvm_dtable){.base = cpu->idtr.base, .limit = cpu->idtr.limit};
}

static void set_segments(struct cpu *cpu, const struct kvm_sregs2 *sregs)
{
	struct x86_segment *seg = cpu->state.seg;

	seg[X86_SEG_ES] = segment_set(&sregs->es);
	seg[X86_SEG_CS] = segment_set(&sregs->cs);
	seg[X86_SEG_SS] = segment_set(&sregs->ss);
	seg[X86_SEG_DS] = segment_set(&sregs->ds);
	seg[X86_SEG_FS] = segment_set(&sregs->fs);
	seg[X86_SEG_GS] = segment_set(&sregs->gs);
	cpu->ldtr = segment_set(&sregs->ldt);
	cpu->tr = segment_set(&sregs->tr);
	cpu->gdtr = (struct cpu_table){.base = sregs->gdt.base, .limit = sregs->gdt.limit};
	cpu->idtr = (struct cpu_table){.base = sregs->idt.base, .limit = sregs->idt.limit};
}

/* As Intel's virtualization tells it, whose state these registers are. */
static uint8_t privilege(const struct x86_state *state)
{
	if (!(state->cr0 & X86_CR0_PE))
		return 0;
	return state->rflags & X86_EFLAGS_VM ? 3 : state->seg[X86_SEG_SS].dpl;
}

static bool uses_pae(const struct kvm_sregs2 *sregs)
{
	return (sregs->cr0 & X86_CR0_PG) && (sregs->cr4 & X86_CR4_PAE) && !(sregs->efer & EFER_LMA);
}

static void get_common(const struct kvm_vcpu *vcpu, struct kvm_sregs2 *sregs)
{
	const struct cpu *cpu = &vcpu->v->cpu;

	get_segments(cpu, sregs);
	sregs->cr0 = cpu->state.cr0;
	sregs->cr2 = cpu->state.cr2;
	sregs->cr3 = cpu->cr3;
	sregs->cr4 = cpu->state.cr4;
	sregs->cr8 = cpu->cr8;
	sregs->efer = cpu->state.efer;
	sregs->apic_base = vcpu_apic_base(vcpu);
}

static int set_common(struct kvm_vcpu *vcpu, const struct kvm_sregs2 *sregs)
{
	struct cpu *cpu = &vcpu->v->cpu;
	const struct control_set set = {
		.cr0 = sregs->cr0,
		.cr3 = sregs->cr3,
		.cr4 = sregs->cr4,
		.cr8 = sregs->cr8 & 0xf,
		.efer = sregs->efer,
		.cs_l = sregs->cs.l & 1,
	};

	if (!control_is_valid(cpu, &set) || !vcpu_set_apic_base(vcpu, sregs->apic_base, true))
		return -EINVAL;
	set_segments(cpu, sregs);
	control_load(cpu, &set);
	cpu->state.cr2 = sregs->cr2;
	vcpu_cr8_changed(cpu);
	cpu->state.cpl = privilege(&cpu->state);
	engine_state_changed(vcpu->v);
	return 0;
}

/* A VMM that restores a guest may set its memory later: a table that is not there is no error. */
static void load_pdptes(struct kvm_vcpu *vcpu)
{
	struct cpu *cpu = &vcpu->v->cpu;

	atomic_fetch_add(&vcpu->vm->guest_accesses, 1);
	atomic_thread_fence(memory_order_seq_cst);
	cpu->ops->load_pdptes(cpu, cpu->cr3);
	atomic_fetch_sub(&vcpu->vm->guest_accesses, 1);
}

long vcpu_ioc_get_sregs(struct kvm_object *obj, void *data)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);
	const struct cpu_events *events = &vcpu->v->cpu.events;
	struct kvm_sregs *sregs = data;
	struct kvm_sregs2 common = {0};
	uint8_t vector = events->interrupt.vector;

	get_common(vcpu, &common);
	memcpy(sregs, &common, COMMON_SIZE);
	if (events->interrupt.injected && !events->interrupt.soft)
		sregs->interrupt_bitmap[vector / 64] |= BIT64(vector % 64);
	return 0;
}

static void queue_from_bitmap(struct cpu *cpu, const struct kvm_sregs *sregs)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(sregs->interrupt_bitmap); i++) {
		if (!sregs->interrupt_bitmap[i])
			continue;
		cpu->events.interrupt.injected = true;
		cpu->events.interrupt.soft = false;
		cpu->events.interrupt.vector =
			(uint8_t)(i * 64 +
				  (unsigned int)__builtin_ctzll(sregs->interrupt_bitmap[i]));
		return;
	}
}

long vcpu_ioc_set_sregs(struct kvm_object *obj, void *data)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);
	struct kvm_sregs2 common = {0};
	int ret;

	memcpy(&common, data, COMMON_SIZE);
	ret = set_common(vcpu, &common);
	if (ret)
		return ret;
	if (uses_pae(&common))
		load_pdptes(vcpu);
	queue_from_bitmap(&vcpu->v->cpu, data);
	return 0;
}

long vcpu_ioc_get_sregs2(struct kvm_object *obj, void *data)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);
	struct kvm_sregs2 *sregs = data;

	get_common(vcpu, sregs);
	if (!uses_pae(sregs))
		return 0;
	memcpy(sregs->pdptrs, vcpu->v->mmu_mode.pdpte, sizeof(sregs->pdptrs));
	sregs->flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
	return 0;
}

long vcpu_ioc_set_sregs2(struct kvm_object *obj, void *data)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);
	const struct kvm_sregs2 *sregs = data;
	bool has_pdptrs = sregs->flags & KVM_SREGS2_FLAGS_PDPTRS_VALID;
	int ret;

	if (sregs->flags & ~(uint64_t)KVM_SREGS2_FLAGS_PDPTRS_VALID)
		return -EINVAL;
	if (has_pdptrs && !uses_pae(sregs))
		return -EINVAL;
	ret = set_common(vcpu, sregs);
	if (ret)
		return ret;
	if (has_pdptrs)
		memcpy(vcpu->v->mmu_mode.pdpte, sregs->pdptrs, sizeof(sregs->pdptrs));
	else if (uses_pae(sregs))
		load_pdptes(vcpu);
	return 0;
}
