// SPDX-License-Identifier: GPL-2.0-or-later
/* Decimal arithmetic of 16- and 32-bit code, and what else works on AL by definition. */
#include "engine/operand.h"

static uint8_t get_al(const struct engine_vcpu *v)
{
	return (uint8_t)v->cpu.state.gpr[X86_RAX];
}

static bool get_flag(const struct engine_vcpu *v, uint64_t flag)
{
	return v->cpu.state.rflags & flag;
}

static void set_result_flags(struct engine_vcpu *v, uint8_t result)
{
	exec_set_flag(v, X86_EFLAGS_ZF, result == 0);
	exec_set_flag(v, X86_EFLAGS_SF, result & 0x80);
	exec_set_flag(v, X86_EFLAGS_PF, !__builtin_parity(result));
}

static bool needs_adjust(const struct engine_vcpu *v)
{
	return (get_al(v) & 0xf) > 9 || get_flag(v, X86_EFLAGS_AF);
}

/* AAA and AAS: @adjust is what AX changes by. OF, SF, ZF and PF are undefined and stay. */
static enum cpu_result adjust_ascii(struct engine_vcpu *v, const struct insn *insn, int adjust)
{
	bool needed = needs_adjust(v);
	uint64_t ax = exec_get_gpr(v, X86_RAX, 2);

	if (needed)
		ax += (uint64_t)(int64_t)adjust;
	exec_set_gpr(v, X86_RAX, 2, ax & 0xff0f);
	exec_set_flag(v, X86_EFLAGS_AF | X86_EFLAGS_CF, needed);
	return exec_finish(v, insn, CPU_OK);
}

enum cpu_result exec_aaa(struct engine_vcpu *v, const struct insn *insn)
{
	return adjust_ascii(v, insn, 0x106);
}

enum cpu_result exec_aas(struct engine_vcpu *v, const struct insn *insn)
{
	return adjust_ascii(v, insn, -0x106);
}

/* DAA and DAS: @sign is the direction. The high digit is judged before the low one changes. */
static enum cpu_result adjust_decimal(struct engine_vcpu *v, const struct insn *insn, int sign)
{
	uint8_t old = get_al(v);
	bool low = needs_adjust(v), high = old > 0x99 || get_flag(v, X86_EFLAGS_CF);
	uint8_t al = (uint8_t)(old + sign * ((low ? 6 : 0) + (high ? 0x60 : 0)));

	/* SDM DAS: a borrow of the low digit alone sets CF, too. */
	exec_set_flag(v, X86_EFLAGS_CF, high || (sign < 0 && low && old < 6));
	exec_set_flag(v, X86_EFLAGS_AF, low);
	exec_set_gpr(v, X86_RAX, 1, al);
	set_result_flags(v, al);
	return exec_finish(v, insn, CPU_OK);
}

enum cpu_result exec_daa(struct engine_vcpu *v, const struct insn *insn)
{
	return adjust_decimal(v, insn, 1);
}

enum cpu_result exec_das(struct engine_vcpu *v, const struct insn *insn)
{
	return adjust_decimal(v, insn, -1);
}

enum cpu_result exec_aam(struct engine_vcpu *v, const struct insn *insn)
{
	uint8_t base = (uint8_t)insn->imm, al = get_al(v);

	if (base == 0)
		return fault_plain(&v->cpu, DE_VECTOR);
	exec_set_gpr(v, X86_RAX, 2, (uint64_t)(al / base) << 8 | al % base);
	set_result_flags(v, al % base);
	return exec_finish(v, insn, CPU_OK);
}

enum cpu_result exec_aad(struct engine_vcpu *v, const struct insn *insn)
{
	uint64_t ax = exec_get_gpr(v, X86_RAX, 2);
	uint8_t al = (uint8_t)(ax + (ax >> 8) * (uint8_t)insn->imm);

	exec_set_gpr(v, X86_RAX, 2, al);
	set_result_flags(v, al);
	return exec_finish(v, insn, CPU_OK);
}

enum cpu_result exec_salc(struct engine_vcpu *v, const struct insn *insn)
{
	exec_set_gpr(v, X86_RAX, 1, get_flag(v, X86_EFLAGS_CF) ? 0xff : 0);
	return exec_finish(v, insn, CPU_OK);
}

enum cpu_result exec_xlat(struct engine_vcpu *v, const struct insn *insn)
{
	uint64_t offset = v->cpu.state.gpr[X86_RBX] + get_al(v);
	uint8_t value;
	gva_t gva;

	if (insn->address_size < 8)
		offset &= BIT64(8 * insn->address_size) - 1;
	CPU_TRY(exec_linear(v, operand_segment(v, insn), offset, 1, false, &gva));
	CPU_TRY(vcpu_read(v, gva, &value, 1, vcpu_access(v)));
	exec_set_gpr(v, X86_RAX, 1, value);
	return exec_finish(v, insn, CPU_OK);
}
