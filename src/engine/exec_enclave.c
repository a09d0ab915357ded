// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "Illegal Instructions": what enclave code may not execute, at whatever privilege. */
#include "engine/operand.h"

#include <Zydis/Zydis.h>

/* Of the MOV and POP that come to C, these load a segment register. */
static bool loads_segment(const struct insn *insn)
{
	uint8_t opcode = insn_opcode(insn);

	if (insn->mnemonic == ZYDIS_MNEMONIC_POP)
		return true;
	return insn->mnemonic == ZYDIS_MNEMONIC_MOV && !insn_is_two_byte(insn) && opcode == 0x8e;
}

bool exec_is_legal_in_enclave(const struct engine_vcpu *v, const struct insn *insn)
{
	switch ((int)insn->mnemonic) {
	case ZYDIS_MNEMONIC_RDTSC:
	case ZYDIS_MNEMONIC_RDTSCP:
		return v->sgx->cpuid->leaves & SGX_CPUID_SGX2;
	/* Near ones are translated, so these are far. */
	case ZYDIS_MNEMONIC_CALL:
	case ZYDIS_MNEMONIC_JMP:
	case ZYDIS_MNEMONIC_RET:
	case ZYDIS_MNEMONIC_CPUID:
	case ZYDIS_MNEMONIC_IN:
	case ZYDIS_MNEMONIC_INSB:
	case ZYDIS_MNEMONIC_INSD:
	case ZYDIS_MNEMONIC_INSW:
	case ZYDIS_MNEMONIC_INT:
	case ZYDIS_MNEMONIC_INTO:
	case ZYDIS_MNEMONIC_IRET:
	case ZYDIS_MNEMONIC_IRETD:
	case ZYDIS_MNEMONIC_IRETQ:
	case ZYDIS_MNEMONIC_LAR:
	case ZYDIS_MNEMONIC_LDS:
	case ZYDIS_MNEMONIC_LES:
	case ZYDIS_MNEMONIC_LFS:
	case ZYDIS_MNEMONIC_LGS:
	case ZYDIS_MNEMONIC_LSS:
	case ZYDIS_MNEMONIC_OUT:
	case ZYDIS_MNEMONIC_OUTSB:
	case ZYDIS_MNEMONIC_OUTSD:
	case ZYDIS_MNEMONIC_OUTSW:
	case ZYDIS_MNEMONIC_RDPMC:
	case ZYDIS_MNEMONIC_SGDT:
	case ZYDIS_MNEMONIC_SIDT:
	case ZYDIS_MNEMONIC_SLDT:
	case ZYDIS_MNEMONIC_SMSW:
	case ZYDIS_MNEMONIC_STR:
	case ZYDIS_MNEMONIC_SYSCALL:
	case ZYDIS_MNEMONIC_SYSENTER:
	case ZYDIS_MNEMONIC_VERR:
	case ZYDIS_MNEMONIC_VERW:
	case ZYDIS_MNEMONIC_VMCALL:
	case ZYDIS_MNEMONIC_VMMCALL:
		return false;
	default:
		return !loads_segment(insn);
	}
}

enum cpu_result exec_trap_in_enclave(struct engine_vcpu *v, enum x86_vector vector)
{
	if (!v->sgx->enclave.debug_optin)
		return fault_ud(&v->cpu);
	return fault_plain(&v->cpu, vector);
}
