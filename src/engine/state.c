// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the translator derives from the processor's registers: the mode of the
 * code, the mode of page walks, and which translations a change makes void.
 */
#include "engine/core.h"

#include "cpu/debug.h"
#include "engine/operand.h"

static bool is_flat_data(const struct x86_segment *seg)
{
	return seg->present && !seg->unusable && seg->s && seg->base == 0 &&
	       seg->limit == UINT32_MAX &&
	       (seg->type & (X86_SEG_TYPE_CODE | X86_SEG_TYPE_EXPAND_DOWN |
			     X86_SEG_TYPE_WRITABLE)) == X86_SEG_TYPE_WRITABLE;
}

static bool is_flat(const struct x86_state *s)
{
	const struct x86_segment *cs = &s->seg[X86_SEG_CS];

	return cs->base == 0 && cs->limit == UINT32_MAX && is_flat_data(&s->seg[X86_SEG_SS]) &&
	       is_flat_data(&s->seg[X86_SEG_DS]) && is_flat_data(&s->seg[X86_SEG_ES]);
}

static uint32_t code_mode(const struct x86_state *s)
{
	uint32_t mode = 0;

	if (x86_is_64bit(s))
		return MODE_CODE64;
	if (s->seg[X86_SEG_CS].db)
		mode |= MODE_CODE32;
	if (!s->seg[X86_SEG_SS].db)
		mode |= MODE_STACK16;
	if (!is_flat(s))
		mode |= MODE_SEGMENTED;
	return mode;
}

/* SDM "Vector and x87 availability": CR0.EM, MP, TS, CR4.OSFXSR, OSXSAVE and XCR0. */
static uint32_t extended_mode(const struct x86_state *s)
{
	const uint64_t avx = XFEATURE_MASK_SSE | XFEATURE_MASK_YMM;
	uint32_t mode = 0;

	if (s->cr0 & (X86_CR0_EM | X86_CR0_TS))
		mode |= MODE_X87_NM;
	if ((s->cr0 & X86_CR0_MP) && (s->cr0 & X86_CR0_TS))
		mode |= MODE_WAIT_NM;
	if ((s->cr0 & X86_CR0_EM) || !(s->cr4 & X86_CR4_OSFXSR))
		mode |= MODE_SSE_UD;
	if (s->cr0 & X86_CR0_EM)
		mode |= MODE_MMX_UD;
	if (s->cr0 & X86_CR0_TS)
		mode |= MODE_VEC_NM;
	if (!(s->cr4 & X86_CR4_OSXSAVE) || (s->xcr0 & avx) != avx || !(s->cr0 & X86_CR0_PE))
		mode |= MODE_AVX_UD;
	return mode;
}

static unsigned int mmu_index(const struct engine_vcpu *v)
{
	const struct x86_state *s = &v->cpu.state;

	if (exec_in_enclave(v))
		return ENGINE_MMU_ENCLAVE;
	if (s->cpl == 3)
		return ENGINE_MMU_USER;
	return (s->cr4 & X86_CR4_SMAP) && (s->rflags & X86_EFLAGS_AC) ? ENGINE_MMU_KERNEL_AC
								      : ENGINE_MMU_KERNEL;
}

uint32_t vcpu_mode(const struct engine_vcpu *v)
{
	const struct x86_state *s = &v->cpu.state;
	uint32_t mode = mmu_index(v) | code_mode(s) | extended_mode(s);

	if (s->cpl == 0)
		mode |= MODE_CPL0;
	if ((s->rflags & X86_EFLAGS_TF) || vcpu_watches_data(v) ||
	    (v->engine->config.debug & ENGINE_DEBUG_SINGLE))
		mode |= MODE_SINGLE;
	if (s->cpl == 0 || !(s->cr4 & X86_CR4_TSD))
		mode |= v->cpu.features.rdtscp ? MODE_TSC | MODE_TSCP : MODE_TSC;
	if (vcpu_checks_alignment(v))
		mode |= MODE_ALIGN;
	return mode;
}

void vcpu_update_mode(struct engine_vcpu *v)
{
	struct engine_jumps *jumps;

	v->mode = vcpu_mode(v);
	jumps = &v->jumps[v->mode & MODE_INDEX];
	if (jumps->mode != v->mode) {
		jumps_flush(jumps);
		jumps->mode = v->mode;
	}
}

void vcpu_flush_all(struct engine_vcpu *v)
{
	for (unsigned int i = 0; i < ENGINE_MMU_INDICES; i++) {
		tlb_flush(&v->tlb[i]);
		jumps_flush(&v->jumps[i]);
	}
	itlb_flush(&v->itlb);
	v->nonglobal_code = false;
}

void engine_flush_tlb(struct engine_vcpu *v)
{
	vcpu_flush_all(v);
}

static struct mmu_registers registers_of(const struct cpu *cpu, uint64_t cr3)
{
	return (struct mmu_registers){
		.cr0 = cpu->state.cr0,
		.cr3 = cr3,
		.cr4 = cpu->state.cr4,
		.efer = cpu->state.efer,
		.maxphyaddr = cpu->features.phys_bits ? cpu->features.phys_bits : 36,
		.page1gb = true,
	};
}

/* Linear addresses lead elsewhere now, but for those of global pages. */
static void flush_nonglobal(struct engine_vcpu *v)
{
	itlb_flush(&v->itlb);
	for (unsigned int i = 0; i < ENGINE_MMU_INDICES; i++)
		tlb_flush_nonglobal(&v->tlb[i]);
	jumps_flush(&v->jumps[ENGINE_MMU_USER]);
	jumps_flush(&v->jumps[ENGINE_MMU_ENCLAVE]);
	if (!v->nonglobal_code)
		return;
	jumps_flush(&v->jumps[ENGINE_MMU_KERNEL]);
	jumps_flush(&v->jumps[ENGINE_MMU_KERNEL_AC]);
	v->nonglobal_code = false;
}

static void paging_changed(struct cpu *cpu, const struct cpu_paging_change *change)
{
	struct engine_vcpu *v = vcpu_of(cpu);
	struct mmu_registers regs = registers_of(cpu, cpu->cr3);

	mmu_mode_init(&v->mmu_mode, &regs);
	/* No TLB entry has a PCID, so another one means another address space. */
	if (change->flush == CPU_FLUSH_ALL || change->permissions)
		vcpu_flush_all(v);
	else if (change->flush != CPU_FLUSH_NONE || cpu->cr3 != change->cr3)
		flush_nonglobal(v);
}

void engine_flush(struct engine_vcpu *v, enum cpu_flush what)
{
	if (what == CPU_FLUSH_ALL)
		vcpu_flush_all(v);
	else if (what != CPU_FLUSH_NONE)
		flush_nonglobal(v);
}

void engine_invlpg(struct engine_vcpu *v, gva_t gva)
{
	itlb_flush(&v->itlb);
	for (unsigned int i = 0; i < ENGINE_MMU_INDICES; i++) {
		tlb_flush_page(&v->tlb[i], gva);
		jumps_flush_page(&v->jumps[i], gva);
		/* Where an instruction may begin that ends in this page. */
		jumps_flush_page(&v->jumps[i], gva - GUEST_PAGE_SIZE);
	}
}

static enum cpu_result load_pdptes(struct cpu *cpu, uint64_t cr3)
{
	struct engine_vcpu *v = vcpu_of(cpu);
	struct mmu_registers regs = registers_of(cpu, cr3);
	struct walk walk;

	switch (mmu_load_pdptes(&v->mmu, &regs, v->as_id, &v->mmu_mode, &walk)) {
	case MMU_OK:
		return CPU_OK;
	case MMU_HOST_ERROR:
		cpu->host_errno = walk.host_errno;
		return CPU_HOST_ERROR;
	case MMU_FAULT:
	case MMU_AGAIN:
	case MMU_DEVICE:
		break;
	}
	return CPU_FAULT;
}

/* The run loop looks at the mode after every instruction in C, so there is nothing to note. */
static void mode_changed(struct cpu *cpu)
{
	(void)cpu;
}

static void cr8_changed(struct cpu *cpu)
{
	struct engine_vcpu *v = vcpu_of(cpu);

	if (!v->on_cr8)
		return;
	vcpu_save_xstate(v);
	v->on_cr8(cpu);
}

static void cpuid_fixup(struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
	struct engine_vcpu *v = vcpu_of(cpu);

	if (!v->on_cpuid)
		return;
	vcpu_save_xstate(v);
	v->on_cpuid(cpu, leaf, subleaf, regs);
}

/* Watched pages are decided when an entry is made. */
static void debug_changed(struct cpu *cpu)
{
	struct engine_vcpu *v = vcpu_of(cpu);

	for (unsigned int i = 0; i < ENGINE_MMU_INDICES; i++) {
		tlb_flush(&v->tlb[i]);
		jumps_flush(&v->jumps[i]);
	}
}

static uint64_t xinuse(struct cpu *cpu)
{
	return exec_xinuse(vcpu_of(cpu));
}

static enum cpu_result cpu_read(struct cpu *cpu, gva_t gva, void *dst, size_t len, uint32_t access)
{
	return vcpu_read(vcpu_of(cpu), gva, dst, len, access);
}

static enum cpu_result cpu_write(struct cpu *cpu, gva_t gva, const void *src, size_t len,
				 uint32_t access)
{
	return vcpu_write(vcpu_of(cpu), gva, src, len, access);
}

static enum cpu_result cpu_or_byte(struct cpu *cpu, gva_t gva, uint8_t bits, uint8_t *old,
				   uint32_t access)
{
	return vcpu_or_byte(vcpu_of(cpu), gva, bits, old, access);
}

const struct cpu_ops engine_cpu_ops = {
	.read = cpu_read,
	.write = cpu_write,
	.or_byte = cpu_or_byte,
	.load_pdptes = load_pdptes,
	.paging_changed = paging_changed,
	.mode_changed = mode_changed,
	.cr8_changed = cr8_changed,
	.debug_changed = debug_changed,
	.xinuse = xinuse,
	.cpuid_fixup = cpuid_fixup,
};

void engine_state_changed(struct engine_vcpu *v)
{
	struct mmu_registers regs = registers_of(&v->cpu, v->cpu.cr3);
	struct walk walk;

	mmu_mode_init(&v->mmu_mode, &regs);
	/* SDM "PDPTE Registers": KVM too loads them from memory when SREGS do not bring them. */
	if (v->mmu_mode.paging == MMU_PAGING_PAE)
		mmu_load_pdptes(&v->mmu, &regs, v->as_id, &v->mmu_mode, &walk);
	v->as_id = v->cpu.state.smm;
	vcpu_flush_all(v);
	engine_memory_written(v->engine);
}
