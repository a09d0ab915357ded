// SPDX-License-Identifier: GPL-2.0-or-later
/* Segment registers: selectors from and to registers and memory, and bases. */
#include "cpu/segment.h"
#include "engine/operand.h"

#include <Zydis/Zydis.h>

enum cpu_result exec_mov_from_segment(struct engine_vcpu *v, const struct insn *insn)
{
	unsigned int seg = insn_modrm_digit(insn);

	return exec_finish(v, insn, operand_store_word(v, insn, v->cpu.state.seg[seg].selector));
}

enum cpu_result exec_mov_to_segment(struct engine_vcpu *v, const struct insn *insn)
{
	enum x86_seg seg = (enum x86_seg)insn_modrm_digit(insn);
	uint64_t selector;

	CPU_TRY(operand_read_rm(v, insn, 2, &selector));
	CPU_TRY(cpu_load_segment(&v->cpu, seg, (uint16_t)selector));
	if (seg == X86_SEG_SS)
		v->cpu.events.shadow |= CPU_SHADOW_MOV_SS;
	return exec_finish(v, insn, CPU_OK);
}

static enum x86_seg far_pointer_segment(const struct insn *insn)
{
	switch ((int)insn->mnemonic) {
	case ZYDIS_MNEMONIC_LES:
		return X86_SEG_ES;
	case ZYDIS_MNEMONIC_LFS:
		return X86_SEG_FS;
	case ZYDIS_MNEMONIC_LGS:
		return X86_SEG_GS;
	case ZYDIS_MNEMONIC_LSS:
		return X86_SEG_SS;
	default:
		return X86_SEG_DS;
	}
}

/* LSS casts no shadow: it loads the pointer together with the segment. */
enum cpu_result exec_load_far_pointer(struct engine_vcpu *v, const struct insn *insn)
{
	uint16_t selector;
	uint64_t offset;

	CPU_TRY(operand_load_far(v, insn, &selector, &offset));
	CPU_TRY(cpu_load_segment(&v->cpu, far_pointer_segment(insn), selector));
	exec_set_gpr(v, insn_modrm_reg(insn), insn->operand_size, offset);
	return exec_finish(v, insn, CPU_OK);
}

enum cpu_result exec_swapgs(struct engine_vcpu *v, const struct insn *insn)
{
	return exec_finish(v, insn, cpu_swapgs(&v->cpu));
}

/* RDFSBASE, RDGSBASE, WRFSBASE, WRGSBASE: /0 to /3. */
enum cpu_result exec_segment_base(struct engine_vcpu *v, const struct insn *insn)
{
	unsigned int digit = insn_modrm_digit(insn), reg = insn_modrm_rm(insn);
	uint64_t *base = &v->cpu.state.seg[digit & 1 ? X86_SEG_GS : X86_SEG_FS].base;
	unsigned int size = insn_rex(insn) & 8 ? 8 : 4;
	uint64_t value = exec_get_gpr(v, reg, size);

	if (!x86_is_64bit(&v->cpu.state) || !(v->cpu.state.cr4 & X86_CR4_FSGSBASE))
		return fault_ud(&v->cpu);
	if (!(digit & 2)) {
		exec_set_gpr(v, reg, size, *base);
	} else {
		if (!x86_is_canonical(&v->cpu.state, value))
			return fault_gp(&v->cpu);
		*base = value;
	}
	return exec_finish(v, insn, CPU_OK);
}
