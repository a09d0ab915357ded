/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the functions of exec_*.c take from an instruction's bytes beside what
 * struct insn says, and the checks that many of them share. Stateless.
 */
#ifndef EXCLAVE_ENGINE_OPERAND_H
#define EXCLAVE_ENGINE_OPERAND_H

#include "cpu/fault.h"
#include "engine/exec.h"
#include "sgx/sgx.h"

/* The last byte of the opcode; of the one- and two-byte maps. */
static inline uint8_t insn_opcode(const struct insn *insn)
{
	const uint8_t *opcode = insn->bytes + insn->opcode_at;

	return opcode[0] == 0x0f ? opcode[1] : opcode[0];
}

static inline bool insn_is_two_byte(const struct insn *insn)
{
	return insn->bytes[insn->opcode_at] == 0x0f;
}

static inline uint8_t insn_rex(const struct insn *insn)
{
	return insn->has_rex ? insn->bytes[insn->rex_at] : 0;
}

/* The reg field of ModRM as it stands, and with REX.R. */
static inline unsigned int insn_modrm_digit(const struct insn *insn)
{
	return insn->bytes[insn->modrm_at] >> 3 & 7;
}

static inline unsigned int insn_modrm_reg(const struct insn *insn)
{
	return insn_modrm_digit(insn) | (insn_rex(insn) & 4u) << 1;
}

/* The register that r/m names, when it does name one. */
static inline unsigned int insn_modrm_rm(const struct insn *insn)
{
	return (insn->bytes[insn->modrm_at] & 7u) | (insn_rex(insn) & 1u) << 3;
}

/* REP, REPE or REPNE; string I/O makes no difference between them. */
bool insn_has_repeat(const struct insn *insn);
/* The segment of an implied operand in DS: the last override that counts, or DS. */
unsigned int operand_segment(const struct engine_vcpu *v, const struct insn *insn);

/* SDM "Alignment Requirements by Data Type": #AC(0) where it is enabled. */
enum cpu_result operand_check_alignment(struct engine_vcpu *v, gva_t gva, unsigned int align);

/* As exec_load(), with an alignment that @len does not tell: structures. */
enum cpu_result operand_load(struct engine_vcpu *v, const struct insn *insn, void *dst, size_t len,
			     unsigned int align);

/* What r/m names, @size bytes: a general register or memory. */
enum cpu_result operand_read_rm(struct engine_vcpu *v, const struct insn *insn, unsigned int size,
				uint64_t *value);
enum cpu_result operand_write_rm(struct engine_vcpu *v, const struct insn *insn, unsigned int size,
				 uint64_t value);
/*
 * The form of the stores of system registers: a general register takes the
 * operand size, memory 16 bits.
 */
enum cpu_result operand_store_word(struct engine_vcpu *v, const struct insn *insn, uint64_t value);

/* mov [m16:16], [m16:32] or [m16:64]. */
enum cpu_result operand_load_far(struct engine_vcpu *v, const struct insn *insn, uint16_t *selector,
				 uint64_t *offset);

static inline enum cpu_result need_cpl0(struct engine_vcpu *v)
{
	return v->cpu.state.cpl == 0 ? CPU_OK : fault_gp(&v->cpu);
}

static inline enum cpu_result need_protected_mode(struct engine_vcpu *v)
{
	return cpu_in_protected_mode(&v->cpu) ? CPU_OK : fault_ud(&v->cpu);
}

/* Passes on what is not CPU_OK; else steps over the instruction. */
static inline enum cpu_result exec_finish(struct engine_vcpu *v, const struct insn *insn,
					  enum cpu_result res)
{
	if (res == CPU_OK)
		exec_done(v, insn);
	return res;
}

static inline void exec_set_flag(struct engine_vcpu *v, uint64_t flag, bool set)
{
	v->cpu.state.rflags &= ~flag;
	if (set)
		v->cpu.state.rflags |= flag;
}

/* EDX:EAX; both halves clear the upper ones of their registers. */
static inline uint64_t exec_get_edx_eax(const struct engine_vcpu *v)
{
	return exec_get_gpr(v, X86_RAX, 4) | exec_get_gpr(v, X86_RDX, 4) << 32;
}

static inline void exec_set_edx_eax(struct engine_vcpu *v, uint64_t value)
{
	exec_set_gpr(v, X86_RAX, 4, (uint32_t)value);
	exec_set_gpr(v, X86_RDX, 4, value >> 32);
}

static inline bool exec_in_enclave(const struct engine_vcpu *v)
{
	return v->sgx && sgx_in_enclave(v->sgx);
}

/* exec_enclave.c. Only for a processor in enclave mode: */
bool exec_is_legal_in_enclave(const struct engine_vcpu *v, const struct insn *insn);
/*
 * INT1 and INT3 are exceptions of the kind of faults there, so that an AEX comes
 * first; #UD for an entry that has opted out of debugging.
 */
enum cpu_result exec_trap_in_enclave(struct engine_vcpu *v, enum x86_vector vector);

/* Does the guest's CPUID have @bit of @reg (enum cpuid_reg) in @leaf, subleaf 0? */
bool exec_offers(const struct engine_vcpu *v, uint32_t leaf, unsigned int reg, unsigned int bit);

#endif
