// SPDX-License-Identifier: GPL-2.0-or-later
/* GDTR, IDTR, LDTR and TR. */
#include "cpu/fault.h"
#include "cpu/segment.h"

static enum cpu_result need_cpl0(struct cpu *cpu)
{
	return cpu->state.cpl == 0 ? CPU_OK : fault_gp(cpu);
}

/* SDM "CR4.UMIP": the stores of system registers. */
static enum cpu_result need_umip_rights(struct cpu *cpu)
{
	if ((cpu->state.cr4 & X86_CR4_UMIP) && cpu->state.cpl != 0)
		return fault_gp(cpu);
	return CPU_OK;
}

/* LLDT and LTR: a system descriptor in the GDT, 16 bytes of it in IA-32e mode. */
static enum cpu_result read_system(struct cpu *cpu, uint16_t selector, struct descriptor *d)
{
	if (selector & SELECTOR_TI)
		return fault_selector(cpu, GP_VECTOR, selector, 0);
	CPU_TRY(descriptor_read(cpu, selector, GP_VECTOR, 0, d));
	if (!descriptor_is_system(d))
		return fault_selector(cpu, GP_VECTOR, selector, 0);
	return CPU_OK;
}

static enum cpu_result read_system_high(struct cpu *cpu, struct descriptor *d)
{
	if (!cpu_in_long_mode(cpu))
		return CPU_OK;
	CPU_TRY(descriptor_read_high(cpu, GP_VECTOR, 0, d));
	if (!x86_is_canonical(&cpu->state, descriptor_segment(d).base))
		return fault_selector(cpu, GP_VECTOR, d->selector, 0);
	return CPU_OK;
}

enum cpu_result cpu_lldt(struct cpu *cpu, uint16_t selector)
{
	struct descriptor d;

	if (!cpu_in_protected_mode(cpu))
		return fault_ud(cpu);
	CPU_TRY(need_cpl0(cpu));
	if (SELECTOR_IS_NULL(selector)) {
		cpu->ldtr = segment_null(selector);
		cpu->ldtr.type = DESC_LDT;
		return CPU_OK;
	}
	CPU_TRY(read_system(cpu, selector, &d));
	if (descriptor_type(&d) != DESC_LDT)
		return fault_selector(cpu, GP_VECTOR, selector, 0);
	if (!descriptor_is_present(&d))
		return fault_selector(cpu, NP_VECTOR, selector, 0);
	CPU_TRY(read_system_high(cpu, &d));
	cpu->ldtr = descriptor_segment(&d);
	return CPU_OK;
}

enum cpu_result cpu_ltr(struct cpu *cpu, uint16_t selector)
{
	struct descriptor d;
	unsigned int type;
	uint8_t old;

	if (!cpu_in_protected_mode(cpu))
		return fault_ud(cpu);
	CPU_TRY(need_cpl0(cpu));
	if (SELECTOR_IS_NULL(selector))
		return fault_gp(cpu);
	CPU_TRY(read_system(cpu, selector, &d));
	type = descriptor_type(&d);
	if (type != DESC_TSS && (type != DESC_TSS16 || cpu_in_long_mode(cpu)))
		return fault_selector(cpu, GP_VECTOR, selector, 0);
	if (!descriptor_is_present(&d))
		return fault_selector(cpu, NP_VECTOR, selector, 0);
	CPU_TRY(read_system_high(cpu, &d));

	/* Another processor may have taken the TSS since it was read. */
	CPU_TRY(cpu->ops->or_byte(cpu, d.gva + 5, DESC_TSS_BUSY & ~DESC_TSS, &old,
				  PFERR_WRITE_MASK | CPU_ACCESS_IMPLICIT));
	if (old & (DESC_TSS_BUSY & ~DESC_TSS))
		return fault_selector(cpu, GP_VECTOR, selector, 0);
	cpu->tr = descriptor_segment(&d);
	cpu->tr.type |= DESC_TSS_BUSY & ~DESC_TSS;
	return CPU_OK;
}

enum cpu_result cpu_sldt(struct cpu *cpu, uint16_t *selector)
{
	if (!cpu_in_protected_mode(cpu))
		return fault_ud(cpu);
	CPU_TRY(need_umip_rights(cpu));
	*selector = cpu->ldtr.selector;
	return CPU_OK;
}

enum cpu_result cpu_str(struct cpu *cpu, uint16_t *selector)
{
	if (!cpu_in_protected_mode(cpu))
		return fault_ud(cpu);
	CPU_TRY(need_umip_rights(cpu));
	*selector = cpu->tr.selector;
	return CPU_OK;
}

static enum cpu_result load_table(struct cpu *cpu, struct cpu_table *reg, struct cpu_table table)
{
	CPU_TRY(need_cpl0(cpu));
	if (x86_is_64bit(&cpu->state)) {
		if (!x86_is_canonical(&cpu->state, table.base))
			return fault_gp(cpu);
	} else {
		table.base = (uint32_t)table.base;
	}
	*reg = table;
	return CPU_OK;
}

enum cpu_result cpu_lgdt(struct cpu *cpu, struct cpu_table table)
{
	return load_table(cpu, &cpu->gdtr, table);
}

enum cpu_result cpu_lidt(struct cpu *cpu, struct cpu_table table)
{
	return load_table(cpu, &cpu->idtr, table);
}

enum cpu_result cpu_sgdt(struct cpu *cpu, struct cpu_table *table)
{
	CPU_TRY(need_umip_rights(cpu));
	*table = cpu->gdtr;
	return CPU_OK;
}

enum cpu_result cpu_sidt(struct cpu *cpu, struct cpu_table *table)
{
	CPU_TRY(need_umip_rights(cpu));
	*table = cpu->idtr;
	return CPU_OK;
}
