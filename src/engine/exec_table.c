// SPDX-License-Identifier: GPL-2.0-or-later
/* Descriptor tables, and questions about selectors. */
#include "cpu/segment.h"
#include "engine/operand.h"

#include <string.h>

/* SDM "Pseudo-Descriptor Formats": a limit, and a base of eight bytes in 64-bit mode. */
static size_t pseudo_descriptor_size(const struct engine_vcpu *v)
{
	return x86_is_64bit(&v->cpu.state) ? 10 : 6;
}

/* With a 16-bit operand size, the base has 24 bits. */
static uint64_t base_mask(const struct engine_vcpu *v, const struct insn *insn)
{
	if (!x86_is_64bit(&v->cpu.state) && insn->operand_size == 2)
		return 0xffffff;
	return UINT64_MAX;
}

static enum cpu_result load_table(struct engine_vcpu *v, const struct insn *insn,
				  struct cpu_table *table)
{
	uint8_t bytes[10];
	size_t size = pseudo_descriptor_size(v);

	CPU_TRY(need_cpl0(v));
	CPU_TRY(operand_load(v, insn, bytes, size, 4));
	*table = (struct cpu_table){0};
	memcpy(&table->limit, bytes, 2);
	memcpy(&table->base, bytes + 2, size - 2);
	table->base &= base_mask(v, insn);
	return CPU_OK;
}

static enum cpu_result store_table(struct engine_vcpu *v, const struct insn *insn,
				   const struct cpu_table *table)
{
	uint64_t base = table->base & base_mask(v, insn);
	uint8_t bytes[10];

	memcpy(bytes, &table->limit, 2);
	memcpy(bytes + 2, &base, 8);
	return exec_finish(v, insn, exec_store(v, insn, bytes, pseudo_descriptor_size(v)));
}

enum cpu_result exec_lgdt(struct engine_vcpu *v, const struct insn *insn)
{
	struct cpu_table table;

	CPU_TRY(load_table(v, insn, &table));
	return exec_finish(v, insn, cpu_lgdt(&v->cpu, table));
}

enum cpu_result exec_lidt(struct engine_vcpu *v, const struct insn *insn)
{
	struct cpu_table table;

	CPU_TRY(load_table(v, insn, &table));
	return exec_finish(v, insn, cpu_lidt(&v->cpu, table));
}

enum cpu_result exec_sgdt(struct engine_vcpu *v, const struct insn *insn)
{
	struct cpu_table table;

	CPU_TRY(cpu_sgdt(&v->cpu, &table));
	return store_table(v, insn, &table);
}

enum cpu_result exec_sidt(struct engine_vcpu *v, const struct insn *insn)
{
	struct cpu_table table;

	CPU_TRY(cpu_sidt(&v->cpu, &table));
	return store_table(v, insn, &table);
}

/* The selector that LLDT and LTR load; the privilege is asked for before memory is. */
static enum cpu_result load_system_selector(struct engine_vcpu *v, const struct insn *insn,
					    uint64_t *selector)
{
	CPU_TRY(need_protected_mode(v));
	CPU_TRY(need_cpl0(v));
	return operand_read_rm(v, insn, 2, selector);
}

enum cpu_result exec_lldt(struct engine_vcpu *v, const struct insn *insn)
{
	uint64_t selector;

	CPU_TRY(load_system_selector(v, insn, &selector));
	return exec_finish(v, insn, cpu_lldt(&v->cpu, (uint16_t)selector));
}

enum cpu_result exec_ltr(struct engine_vcpu *v, const struct insn *insn)
{
	uint64_t selector;

	CPU_TRY(load_system_selector(v, insn, &selector));
	return exec_finish(v, insn, cpu_ltr(&v->cpu, (uint16_t)selector));
}

enum cpu_result exec_sldt(struct engine_vcpu *v, const struct insn *insn)
{
	uint16_t selector;

	CPU_TRY(cpu_sldt(&v->cpu, &selector));
	return exec_finish(v, insn, operand_store_word(v, insn, selector));
}

enum cpu_result exec_str(struct engine_vcpu *v, const struct insn *insn)
{
	uint16_t selector;

	CPU_TRY(cpu_str(&v->cpu, &selector));
	return exec_finish(v, insn, operand_store_word(v, insn, selector));
}

typedef enum cpu_result question(struct cpu *cpu, uint16_t selector, bool *zf, uint32_t *value);

/* LAR and LSL: the register is written only when ZF is set. */
static enum cpu_result ask_value(struct engine_vcpu *v, const struct insn *insn, question *ask)
{
	uint64_t selector;
	uint32_t value;
	bool zf;

	CPU_TRY(need_protected_mode(v));
	CPU_TRY(operand_read_rm(v, insn, 2, &selector));
	CPU_TRY(ask(&v->cpu, (uint16_t)selector, &zf, &value));
	exec_set_flag(v, X86_EFLAGS_ZF, zf);
	if (zf)
		exec_set_gpr(v, insn_modrm_reg(insn), insn->operand_size, value);
	return exec_finish(v, insn, CPU_OK);
}

enum cpu_result exec_lar(struct engine_vcpu *v, const struct insn *insn)
{
	return ask_value(v, insn, cpu_lar);
}

enum cpu_result exec_lsl(struct engine_vcpu *v, const struct insn *insn)
{
	return ask_value(v, insn, cpu_lsl);
}

enum cpu_result exec_verr(struct engine_vcpu *v, const struct insn *insn)
{
	uint64_t selector;
	bool zf;

	CPU_TRY(need_protected_mode(v));
	CPU_TRY(operand_read_rm(v, insn, 2, &selector));
	CPU_TRY(cpu_verr(&v->cpu, (uint16_t)selector, &zf));
	exec_set_flag(v, X86_EFLAGS_ZF, zf);
	return exec_finish(v, insn, CPU_OK);
}

enum cpu_result exec_verw(struct engine_vcpu *v, const struct insn *insn)
{
	uint64_t selector;
	bool zf;

	CPU_TRY(need_protected_mode(v));
	CPU_TRY(operand_read_rm(v, insn, 2, &selector));
	CPU_TRY(cpu_verw(&v->cpu, (uint16_t)selector, &zf));
	exec_set_flag(v, X86_EFLAGS_ZF, zf);
	return exec_finish(v, insn, CPU_OK);
}

enum cpu_result exec_arpl(struct engine_vcpu *v, const struct insn *insn)
{
	unsigned int rpl = SELECTOR_RPL(v->cpu.state.gpr[insn_modrm_reg(insn)]);
	uint64_t selector;
	bool zf;

	CPU_TRY(need_protected_mode(v));
	CPU_TRY(operand_read_rm(v, insn, 2, &selector));
	zf = SELECTOR_RPL(selector) < rpl;
	if (zf)
		CPU_TRY(operand_write_rm(v, insn, 2, (selector & ~UINT64_C(3)) | rpl));
	exec_set_flag(v, X86_EFLAGS_ZF, zf);
	return exec_finish(v, insn, CPU_OK);
}
