// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/fault.h"
#include "cpu/segment.h"

void segment_load_real(struct cpu *cpu, enum x86_seg seg, uint16_t selector)
{
	struct x86_segment *s = &cpu->state.seg[seg];

	/*
	 * Limit and size stay: "big real mode" is what protected mode left behind.
	 * A code segment becomes writable, and a null one usable, as at reset.
	 */
	if (s->unusable)
		s->limit = 0xffff;
	s->selector = selector;
	s->base = (uint32_t)selector << 4;
	s->type = X86_SEG_TYPE_WRITABLE | X86_SEG_TYPE_ACCESSED;
	s->s = true;
	s->dpl = 0;
	s->present = true;
	s->l = false;
	s->unusable = false;
}

enum cpu_result segment_check_stack(struct cpu *cpu, uint16_t selector, unsigned int cpl,
				    enum x86_vector vector, uint32_t ext, struct descriptor *d)
{
	if (SELECTOR_IS_NULL(selector))
		return fault_code(cpu, vector, ext);
	CPU_TRY(descriptor_read(cpu, selector, vector, ext, d));
	if (SELECTOR_RPL(selector) != cpl || !descriptor_is_writable_data(d) ||
	    descriptor_dpl(d) != cpl)
		return fault_selector(cpu, vector, selector, ext);
	if (!descriptor_is_present(d))
		return fault_selector(cpu, SS_VECTOR, selector, ext);
	return descriptor_set_accessed(cpu, d);
}

static enum cpu_result load_ss(struct cpu *cpu, uint16_t selector, struct x86_segment *loaded)
{
	unsigned int cpl = cpu->state.cpl;
	struct descriptor d;

	if (SELECTOR_IS_NULL(selector)) {
		if (!x86_is_64bit(&cpu->state) || cpl == 3 || SELECTOR_RPL(selector) != cpl)
			return fault_gp(cpu);
		*loaded = segment_null(selector);
		loaded->dpl = (uint8_t)cpl;
		return CPU_OK;
	}
	CPU_TRY(segment_check_stack(cpu, selector, cpl, GP_VECTOR, 0, &d));
	*loaded = descriptor_segment(&d);
	return CPU_OK;
}

static enum cpu_result load_data(struct cpu *cpu, uint16_t selector, struct x86_segment *loaded)
{
	unsigned int type, dpl, rpl = SELECTOR_RPL(selector);
	struct descriptor d;

	if (SELECTOR_IS_NULL(selector)) {
		*loaded = segment_null(selector);
		return CPU_OK;
	}
	CPU_TRY(descriptor_read(cpu, selector, GP_VECTOR, 0, &d));
	type = descriptor_type(&d);
	dpl = descriptor_dpl(&d);
	if (descriptor_is_system(&d))
		return fault_selector(cpu, GP_VECTOR, selector, 0);
	/* Bit 1 of a code segment's type says that it may be read. */
	if ((type & X86_SEG_TYPE_CODE) && !(type & X86_SEG_TYPE_WRITABLE))
		return fault_selector(cpu, GP_VECTOR, selector, 0);
	if (!(descriptor_is_code(&d) && descriptor_is_conforming(&d)) &&
	    (rpl > dpl || cpu->state.cpl > dpl))
		return fault_selector(cpu, GP_VECTOR, selector, 0);
	if (!descriptor_is_present(&d))
		return fault_selector(cpu, NP_VECTOR, selector, 0);
	CPU_TRY(descriptor_set_accessed(cpu, &d));
	*loaded = descriptor_segment(&d);
	return CPU_OK;
}

enum cpu_result cpu_load_segment(struct cpu *cpu, enum x86_seg seg, uint16_t selector)
{
	struct x86_segment loaded;

	if (seg == X86_SEG_CS)
		return fault_ud(cpu);
	if (!cpu_in_protected_mode(cpu)) {
		segment_load_real(cpu, seg, selector);
	} else {
		if (seg == X86_SEG_SS)
			CPU_TRY(load_ss(cpu, selector, &loaded));
		else
			CPU_TRY(load_data(cpu, selector, &loaded));
		cpu->state.seg[seg] = loaded;
	}
	if (!x86_is_64bit(&cpu->state))
		cpu->ops->mode_changed(cpu);
	return CPU_OK;
}

enum cpu_result cpu_swapgs(struct cpu *cpu)
{
	uint64_t *base = &cpu->state.seg[X86_SEG_GS].base;
	uint64_t old = *base;

	if (!x86_is_64bit(&cpu->state))
		return fault_ud(cpu);
	if (cpu->state.cpl != 0)
		return fault_gp(cpu);
	*base = cpu->msr.kernel_gs_base;
	cpu->msr.kernel_gs_base = old;
	return CPU_OK;
}
