// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/return.h"

#include "cpu/fault.h"

enum cpu_result return_check_cs(struct cpu *cpu, uint16_t selector, uint64_t *rip,
				struct descriptor *cs)
{
	unsigned int rpl = SELECTOR_RPL(selector), dpl;
	bool is_64bit;

	if (SELECTOR_IS_NULL(selector))
		return fault_gp(cpu);
	CPU_TRY(descriptor_read(cpu, selector, GP_VECTOR, 0, cs));
	dpl = descriptor_dpl(cs);
	is_64bit = cpu_in_long_mode(cpu) && descriptor_is_64bit_code(cs);
	if (!descriptor_is_code(cs) || rpl < cpu->state.cpl)
		return fault_selector(cpu, GP_VECTOR, selector, 0);
	if (descriptor_is_conforming(cs) ? dpl > rpl : dpl != rpl)
		return fault_selector(cpu, GP_VECTOR, selector, 0);
	if (is_64bit && descriptor_is_big(cs))
		return fault_selector(cpu, GP_VECTOR, selector, 0);
	if (!descriptor_is_present(cs))
		return fault_selector(cpu, NP_VECTOR, selector, 0);
	if (!is_64bit)
		*rip = (uint32_t)*rip;
	return CPU_OK;
}

enum cpu_result return_check_ss(struct cpu *cpu, const struct descriptor *cs, uint16_t selector,
				struct x86_segment *ss)
{
	unsigned int cpl = SELECTOR_RPL(cs->selector);
	struct descriptor d;

	if (SELECTOR_IS_NULL(selector) && cpu_in_long_mode(cpu) && descriptor_is_64bit_code(cs) &&
	    cpl != 3) {
		*ss = segment_null(selector);
		ss->dpl = (uint8_t)cpl;
		return CPU_OK;
	}
	CPU_TRY(segment_check_stack(cpu, selector, cpl, GP_VECTOR, 0, &d));
	*ss = descriptor_segment(&d);
	return CPU_OK;
}

/*
 * SDM "RETURN-TO-OUTER-PRIVILEGE-LEVEL": the outer level must not inherit data
 * segments that it could not load. Null ones stay: their base is FS's or GS's MSR.
 */
static void drop_inner_segments(struct cpu *cpu)
{
	static const enum x86_seg data[] = {X86_SEG_ES, X86_SEG_DS, X86_SEG_FS, X86_SEG_GS};

	for (unsigned int i = 0; i < ARRAY_SIZE(data); i++) {
		struct x86_segment *seg = &cpu->state.seg[data[i]];
		bool is_conforming =
			(seg->type & X86_SEG_TYPE_CODE) && (seg->type & X86_SEG_TYPE_EXPAND_DOWN);

		if (!seg->unusable && !is_conforming && seg->dpl < cpu->state.cpl)
			*seg = segment_null(0);
	}
}

void return_commit(struct cpu *cpu, const struct descriptor *cs, uint64_t rip,
		   const struct x86_segment *ss, uint64_t sp)
{
	bool is_64bit = cpu_in_long_mode(cpu) && descriptor_is_64bit_code(cs);
	unsigned int cpl = SELECTOR_RPL(cs->selector);
	bool is_outward = cpl > cpu->state.cpl;

	cs_commit(cpu, cs, cpl, rip);
	cpu->state.seg[X86_SEG_SS] = *ss;
	stack_set_pointer(cpu, ss, is_64bit, sp);
	if (is_outward)
		drop_inner_segments(cpu);
	cpu->ops->mode_changed(cpu);
}
