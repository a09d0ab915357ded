// SPDX-License-Identifier: GPL-2.0-or-later
/* Flags with rules: IF, AC, and the whole register through the stack. */
#include "cpu/flags.h"
#include "cpu/stack.h"
#include "engine/operand.h"

enum cpu_result exec_cli(struct engine_vcpu *v, const struct insn *insn)
{
	return exec_finish(v, insn, cpu_cli(&v->cpu));
}

enum cpu_result exec_sti(struct engine_vcpu *v, const struct insn *insn)
{
	return exec_finish(v, insn, cpu_sti(&v->cpu));
}

enum cpu_result exec_cld(struct engine_vcpu *v, const struct insn *insn)
{
	exec_set_flag(v, X86_EFLAGS_DF, false);
	return exec_finish(v, insn, CPU_OK);
}

enum cpu_result exec_std(struct engine_vcpu *v, const struct insn *insn)
{
	exec_set_flag(v, X86_EFLAGS_DF, true);
	return exec_finish(v, insn, CPU_OK);
}

enum cpu_result exec_stac(struct engine_vcpu *v, const struct insn *insn)
{
	return exec_finish(v, insn, cpu_set_ac(&v->cpu, true));
}

enum cpu_result exec_clac(struct engine_vcpu *v, const struct insn *insn)
{
	return exec_finish(v, insn, cpu_set_ac(&v->cpu, false));
}

enum cpu_result exec_pushf(struct engine_vcpu *v, const struct insn *insn)
{
	struct stack stack = stack_current(&v->cpu, insn->operand_size);

	stack_push(&stack, flags_for_pushf(&v->cpu));
	CPU_TRY(stack_check_room(&v->cpu, &stack, 0));
	CPU_TRY(stack_write(&v->cpu, &stack));
	stack_set_pointer(&v->cpu, &stack.ss, stack.is_64bit, stack.sp);
	return exec_finish(v, insn, CPU_OK);
}

enum cpu_result exec_popf(struct engine_vcpu *v, const struct insn *insn)
{
	struct stack stack = stack_current(&v->cpu, insn->operand_size);
	uint64_t image;

	CPU_TRY(stack_read(&v->cpu, &stack, 0, &image, 1));
	/* SDM "Opt-out Entry": single steps are suppressed, so TF cannot be set. */
	if (exec_in_enclave(v) && !v->sgx->enclave.debug_optin)
		image &= ~(uint64_t)X86_EFLAGS_TF;
	v->cpu.state.rflags = flags_after_popf(&v->cpu, image, stack.width);
	stack_set_pointer(&v->cpu, &stack.ss, stack.is_64bit, stack_above(&stack, stack.width));
	return exec_finish(v, insn, CPU_OK);
}
