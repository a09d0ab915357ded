// SPDX-License-Identifier: GPL-2.0-or-later
/* LAR, LSL, VERR, VERW: questions about a selector that answer in ZF, not by a fault. */
#include "cpu/fault.h"
#include "cpu/segment.h"

/* Reads @selector's descriptor; *@found is false when there is none to ask about. */
static enum cpu_result look_up(struct cpu *cpu, uint16_t selector, struct descriptor *d,
			       bool *found)
{
	enum cpu_result res;

	*found = false;
	if (!cpu_in_protected_mode(cpu))
		return fault_ud(cpu);
	if (SELECTOR_IS_NULL(selector))
		return CPU_OK;

	/* #TS cannot come from reading memory, so it marks a selector outside its table. */
	res = descriptor_read(cpu, selector, TS_VECTOR, 0, d);
	if (res == CPU_FAULT && cpu->fault.vector == TS_VECTOR)
		return CPU_OK;
	*found = res == CPU_OK;
	return res;
}

static bool is_visible(const struct cpu *cpu, const struct descriptor *d)
{
	if (descriptor_is_code(d) && descriptor_is_conforming(d))
		return true;
	return cpu->state.cpl <= descriptor_dpl(d) &&
	       SELECTOR_RPL(d->selector) <= descriptor_dpl(d);
}

/* SDM LAR "Segment and Gate Types": types 1, 3, 4 and 5 are not valid in IA-32e mode. */
static bool lar_knows(const struct cpu *cpu, const struct descriptor *d)
{
	static const uint16_t legacy = BIT32(DESC_TSS16) | BIT32(DESC_LDT) |
				       BIT32(DESC_TSS16_BUSY) | BIT32(DESC_CALL_GATE16) |
				       BIT32(DESC_TASK_GATE) | BIT32(DESC_TSS) |
				       BIT32(DESC_TSS_BUSY) | BIT32(DESC_CALL_GATE);
	static const uint16_t ia32e =
		BIT32(DESC_LDT) | BIT32(DESC_TSS) | BIT32(DESC_TSS_BUSY) | BIT32(DESC_CALL_GATE);

	if (!descriptor_is_system(d))
		return true;
	return (cpu_in_long_mode(cpu) ? ia32e : legacy) >> descriptor_type(d) & 1;
}

static bool has_limit(const struct descriptor *d)
{
	unsigned int type = descriptor_type(d);

	return !descriptor_is_system(d) ||
	       (type != DESC_CALL_GATE && type != DESC_CALL_GATE16 && type != DESC_TASK_GATE);
}

enum cpu_result cpu_lar(struct cpu *cpu, uint16_t selector, bool *zf, uint32_t *value)
{
	struct descriptor d;
	bool found;

	CPU_TRY(look_up(cpu, selector, &d, &found));
	*zf = found && lar_knows(cpu, &d) && is_visible(cpu, &d);
	if (*zf)
		*value = (uint32_t)(d.low >> 32) & 0x00ffff00;
	return CPU_OK;
}

enum cpu_result cpu_lsl(struct cpu *cpu, uint16_t selector, bool *zf, uint32_t *value)
{
	struct descriptor d;
	bool found;

	CPU_TRY(look_up(cpu, selector, &d, &found));
	*zf = found && lar_knows(cpu, &d) && has_limit(&d) && is_visible(cpu, &d);
	if (*zf)
		*value = descriptor_segment(&d).limit;
	return CPU_OK;
}

enum cpu_result cpu_verr(struct cpu *cpu, uint16_t selector, bool *zf)
{
	struct descriptor d;
	bool found;

	CPU_TRY(look_up(cpu, selector, &d, &found));
	*zf = found && !descriptor_is_system(&d) && is_visible(cpu, &d) &&
	      (!descriptor_is_code(&d) || (descriptor_type(&d) & X86_SEG_TYPE_WRITABLE));
	return CPU_OK;
}

enum cpu_result cpu_verw(struct cpu *cpu, uint16_t selector, bool *zf)
{
	struct descriptor d;
	bool found;

	CPU_TRY(look_up(cpu, selector, &d, &found));
	*zf = found && descriptor_is_writable_data(&d) && is_visible(cpu, &d);
	return CPU_OK;
}
