// SPDX-License-Identifier: GPL-2.0-or-later
/* Transfers between segments and privileges. What they do is in cpu/. */
#include "cpu/event.h"
#include "cpu/transfer.h"
#include "engine/operand.h"

#include <string.h>

#define OPCODE_FAR_RET_IMM 0xca

/* The far pointer of a direct transfer, or the memory that an indirect one names. */
static enum cpu_result far_target(struct engine_vcpu *v, const struct insn *insn,
				  uint16_t *selector, uint64_t *offset)
{
	const uint8_t *imm = insn->bytes + insn->imm_at;

	if (insn->mem.present)
		return operand_load_far(v, insn, selector, offset);
	*offset = 0;
	memcpy(offset, imm, insn->operand_size);
	memcpy(selector, imm + insn->operand_size, sizeof(*selector));
	return CPU_OK;
}

enum cpu_result exec_far_jmp(struct engine_vcpu *v, const struct insn *insn)
{
	uint16_t selector;
	uint64_t offset;

	CPU_TRY(far_target(v, insn, &selector, &offset));
	return cpu_far_jmp(&v->cpu, selector, offset, insn->operand_size);
}

enum cpu_result exec_far_call(struct engine_vcpu *v, const struct insn *insn)
{
	uint16_t selector;
	uint64_t offset;

	CPU_TRY(far_target(v, insn, &selector, &offset));
	return cpu_far_call(&v->cpu, selector, offset, insn->operand_size, exec_next_rip(v, insn));
}

enum cpu_result exec_far_ret(struct engine_vcpu *v, const struct insn *insn)
{
	bool releases = insn_opcode(insn) == OPCODE_FAR_RET_IMM;

	return cpu_far_ret(&v->cpu, insn->operand_size, releases ? (uint16_t)insn->imm : 0);
}

enum cpu_result exec_iret(struct engine_vcpu *v, const struct insn *insn)
{
	CPU_TRY(cpu_iret(&v->cpu, insn->operand_size));
	v->keep_rf = insn->operand_size != 2;
	return CPU_OK;
}

enum cpu_result exec_syscall(struct engine_vcpu *v, const struct insn *insn)
{
	return cpu_syscall(&v->cpu, exec_next_rip(v, insn));
}

static bool has_rex_w(const struct insn *insn)
{
	return insn_rex(insn) & 8;
}

enum cpu_result exec_sysret(struct engine_vcpu *v, const struct insn *insn)
{
	return cpu_sysret(&v->cpu, has_rex_w(insn));
}

enum cpu_result exec_sysenter(struct engine_vcpu *v, const struct insn *insn)
{
	return cpu_sysenter(&v->cpu);
}

enum cpu_result exec_sysexit(struct engine_vcpu *v, const struct insn *insn)
{
	return cpu_sysexit(&v->cpu, has_rex_w(insn));
}

static enum cpu_result deliver(struct engine_vcpu *v, const struct insn *insn,
			       enum cpu_event_kind kind)
{
	struct cpu_event event =
		cpu_event_software(kind, (uint8_t)insn->imm, exec_next_rip(v, insn));

	return cpu_deliver(&v->cpu, &event);
}

enum cpu_result exec_int(struct engine_vcpu *v, const struct insn *insn)
{
	return deliver(v, insn, CPU_EVENT_INT_N);
}

enum cpu_result exec_int1(struct engine_vcpu *v, const struct insn *insn)
{
	if (exec_in_enclave(v))
		return exec_trap_in_enclave(v, DB_VECTOR);
	/* A trap: whoever injects it again does so behind the instruction. */
	if (v->exception_bitmap & BIT32(DB_VECTOR)) {
		exec_done(v, insn);
		return fault_plain(&v->cpu, DB_VECTOR);
	}
	return deliver(v, insn, CPU_EVENT_INT1);
}

enum cpu_result exec_int3(struct engine_vcpu *v, const struct insn *insn)
{
	if (exec_in_enclave(v))
		return exec_trap_in_enclave(v, BP_VECTOR);
	if (v->exception_bitmap & BIT32(BP_VECTOR))
		return fault_plain(&v->cpu, BP_VECTOR);
	return deliver(v, insn, CPU_EVENT_INT3);
}

enum cpu_result exec_into(struct engine_vcpu *v, const struct insn *insn)
{
	if (v->cpu.state.rflags & X86_EFLAGS_OF)
		return deliver(v, insn, CPU_EVENT_INTO);
	return exec_finish(v, insn, CPU_OK);
}

static int64_t sign_extend(uint64_t value, unsigned int size)
{
	return size == 2 ? (int16_t)value : (int32_t)value;
}

enum cpu_result exec_bound(struct engine_vcpu *v, const struct insn *insn)
{
	unsigned int size = insn->operand_size;
	uint64_t lower = 0, upper = 0;
	uint8_t bounds[8];
	int64_t index;

	CPU_TRY(operand_load(v, insn, bounds, 2 * size, size));
	memcpy(&lower, bounds, size);
	memcpy(&upper, bounds + size, size);
	index = sign_extend(exec_get_gpr(v, insn_modrm_reg(insn), size), size);
	if (index < sign_extend(lower, size) || index > sign_extend(upper, size))
		return fault_plain(&v->cpu, BR_VECTOR);
	return exec_finish(v, insn, CPU_OK);
}
