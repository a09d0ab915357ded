// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From mnemonic to function. Three kinds of line: a function, "does nothing here",
 * and "not offered", which is #UD as on a processor that lacks it.
 */
#include "engine/exec.h"

#include "engine/operand.h"

#include <Zydis/Zydis.h>

#include <string.h>

uint64_t exec_next_rip(const struct engine_vcpu *v, const struct insn *insn)
{
	uint64_t rip = v->cpu.state.rip + insn->length;

	/* 16-bit code may lie above 64 KiB; a limit below that is the fetch's to find. */
	return x86_is_64bit(&v->cpu.state) ? rip : (uint32_t)rip;
}

void exec_done(struct engine_vcpu *v, const struct insn *insn)
{
	v->cpu.state.rip = exec_next_rip(v, insn);
}

unsigned int exec_stack_width(const struct engine_vcpu *v)
{
	if (x86_is_64bit(&v->cpu.state))
		return 8;
	return v->cpu.state.seg[X86_SEG_SS].db ? 4 : 2;
}

static enum cpu_result exec_unknown(struct engine_vcpu *v, const struct insn *insn)
{
	v->exit.reason = ENGINE_EXIT_INTERNAL_ERROR;
	v->exit.insn.length = insn->length;
	memcpy(v->exit.insn.bytes, insn->bytes, sizeof(v->exit.insn.bytes));
	return CPU_AGAIN;
}

static enum cpu_result exec_undefined(struct engine_vcpu *v, const struct insn *insn)
{
	return fault_ud(&v->cpu);
}

static enum cpu_result exec_nothing(struct engine_vcpu *v, const struct insn *insn)
{
	exec_done(v, insn);
	return CPU_OK;
}

/* Some mnemonics stand for instructions of different kinds: the opcode tells. */
static enum cpu_result exec_mov(struct engine_vcpu *v, const struct insn *insn)
{
	uint8_t opcode = insn_opcode(insn);

	if (insn_is_two_byte(insn) && (opcode & ~3u) == 0x20)
		return opcode & 1 ? exec_mov_debug(v, insn) : exec_mov_control(v, insn);
	if (opcode == 0x8c)
		return exec_mov_from_segment(v, insn);
	if (opcode == 0x8e)
		return exec_mov_to_segment(v, insn);
	return exec_unknown(v, insn);
}

/* 06, 0E, 16, 1E and the POP beside each; 0F A0, A1, A8, A9. */
static bool names_segment(const struct insn *insn)
{
	uint8_t opcode = insn_opcode(insn);

	return insn_is_two_byte(insn) ? (opcode & 0xf6) == 0xa0 : (opcode & 0xe6) == 0x06;
}

static enum cpu_result exec_push(struct engine_vcpu *v, const struct insn *insn)
{
	return names_segment(insn) ? exec_push_segment(v, insn) : exec_unknown(v, insn);
}

static enum cpu_result exec_pop(struct engine_vcpu *v, const struct insn *insn)
{
	return names_segment(insn) ? exec_pop_segment(v, insn) : exec_unknown(v, insn);
}

/* EA, FF /5; 9A, FF /3; CA, CB. */
static enum cpu_result exec_jmp(struct engine_vcpu *v, const struct insn *insn)
{
	uint8_t opcode = insn_opcode(insn);

	if (opcode == 0xea || (opcode == 0xff && insn_modrm_digit(insn) == 5))
		return exec_far_jmp(v, insn);
	return exec_unknown(v, insn);
}

static enum cpu_result exec_call(struct engine_vcpu *v, const struct insn *insn)
{
	uint8_t opcode = insn_opcode(insn);

	if (opcode == 0x9a || (opcode == 0xff && insn_modrm_digit(insn) == 3))
		return exec_far_call(v, insn);
	return exec_unknown(v, insn);
}

static enum cpu_result exec_ret(struct engine_vcpu *v, const struct insn *insn)
{
	return (insn_opcode(insn) & 0xfe) == 0xca ? exec_far_ret(v, insn) : exec_unknown(v, insn);
}

static enum cpu_result exec_encls(struct engine_vcpu *v, const struct insn *insn)
{
	return v->sgx ? engine_encls(v) : fault_ud(&v->cpu);
}

static enum cpu_result exec_enclu(struct engine_vcpu *v, const struct insn *insn)
{
	return v->sgx ? engine_enclu(v) : fault_ud(&v->cpu);
}

static enum cpu_result exec_enclv(struct engine_vcpu *v, const struct insn *insn)
{
	return v->sgx ? engine_enclv(v) : fault_ud(&v->cpu);
}

#define DO(mnemonic, function) [ZYDIS_MNEMONIC_##mnemonic] = exec_##function
#define NOTHING(mnemonic)      [ZYDIS_MNEMONIC_##mnemonic] = exec_nothing
#define UNDEFINED(mnemonic)    [ZYDIS_MNEMONIC_##mnemonic] = exec_undefined

/* clang-format off */
static exec_function *const functions[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
	DO(AAA, aaa),
	DO(AAD, aad),
	DO(AAM, aam),
	DO(AAS, aas),
	DO(ARPL, arpl),
	DO(BOUND, bound),
	DO(CALL, call),
	DO(CLAC, clac),
	DO(CLD, cld),
	DO(CLFLUSH, clflush),
	DO(CLFLUSHOPT, clflush),
	DO(CLI, cli),
	DO(CLTS, clts),
	DO(CLWB, clflush),
	DO(CPUID, cpuid),
	DO(DAA, daa),
	DO(DAS, das),
	DO(ENCLS, encls),
	DO(ENCLU, enclu),
	DO(ENCLV, enclv),
	DO(ENTER, enter),
	DO(HLT, hlt),
	DO(IN, in),
	DO(INT, int),
	DO(INT1, int1),
	DO(INT3, int3),
	DO(INTO, into),
	DO(INVD, wbinvd),
	DO(INVLPG, invlpg),
	DO(INVPCID, invpcid),
	DO(IRET, iret),
	DO(IRETD, iret),
	DO(IRETQ, iret),
	DO(JCXZ, jcxz),
	DO(JECXZ, jcxz),
	DO(JMP, jmp),
	DO(JRCXZ, jcxz),
	DO(LAR, lar),
	DO(LDS, load_far_pointer),
	DO(LES, load_far_pointer),
	DO(LFS, load_far_pointer),
	DO(LGDT, lgdt),
	DO(LGS, load_far_pointer),
	DO(LIDT, lidt),
	DO(LLDT, lldt),
	DO(LMSW, lmsw),
	DO(LOOP, loop),
	DO(LOOPE, loop),
	DO(LOOPNE, loop),
	DO(LSL, lsl),
	DO(LSS, load_far_pointer),
	DO(LTR, ltr),
	DO(MOV, mov),
	DO(OUT, out),
	DO(PAUSE, pause),
	DO(POP, pop),
	DO(POPA, popa),
	DO(POPAD, popa),
	DO(POPF, popf),
	DO(POPFD, popf),
	DO(POPFQ, popf),
	DO(PUSH, push),
	DO(PUSHA, pusha),
	DO(PUSHAD, pusha),
	DO(PUSHF, pushf),
	DO(PUSHFD, pushf),
	DO(PUSHFQ, pushf),
	DO(RDFSBASE, segment_base),
	DO(RDGSBASE, segment_base),
	DO(RDMSR, rdmsr),
	DO(RDPID, rdpid),
	DO(RDPMC, rdpmc),
	DO(RDRAND, rdrand),
	DO(RDSEED, rdrand),
	DO(RDTSC, rdtsc),
	DO(RDTSCP, rdtscp),
	DO(RET, ret),
	DO(SALC, salc),
	DO(SGDT, sgdt),
	DO(SIDT, sidt),
	DO(SLDT, sldt),
	DO(SMSW, smsw),
	DO(STAC, stac),
	DO(STD, std),
	DO(STI, sti),
	DO(STR, str),
	DO(SWAPGS, swapgs),
	DO(SYSCALL, syscall),
	DO(SYSENTER, sysenter),
	DO(SYSEXIT, sysexit),
	DO(SYSRET, sysret),
	DO(VERR, verr),
	DO(VERW, verw),
	DO(VMCALL, vmcall),
	DO(VMMCALL, vmcall),
	DO(WBINVD, wbinvd),
	DO(WRFSBASE, segment_base),
	DO(WRGSBASE, segment_base),
	DO(WRMSR, wrmsr),
	DO(XGETBV, xgetbv),
	DO(XLAT, xlat),
	DO(XSETBV, xsetbv),

	/* Strings. MOVSD and CMPSD of SSE2 have the same names, and are translated. */
	DO(CMPSB, cmps),
	DO(CMPSD, cmps),
	DO(CMPSQ, cmps),
	DO(CMPSW, cmps),
	DO(INSB, ins),
	DO(INSD, ins),
	DO(INSW, ins),
	DO(LODSB, lods),
	DO(LODSD, lods),
	DO(LODSQ, lods),
	DO(LODSW, lods),
	DO(MOVSB, movs),
	DO(MOVSD, movs),
	DO(MOVSQ, movs),
	DO(MOVSW, movs),
	DO(OUTSB, outs),
	DO(OUTSD, outs),
	DO(OUTSW, outs),
	DO(SCASB, scas),
	DO(SCASD, scas),
	DO(SCASQ, scas),
	DO(SCASW, scas),
	DO(STOSB, stos),
	DO(STOSD, stos),
	DO(STOSQ, stos),
	DO(STOSW, stos),

	/* Extended state. */
	DO(FLDENV, fldenv),
	DO(FNSAVE, fnsave),
	DO(FNSTENV, fnstenv),
	DO(FRSTOR, frstor),
	DO(FXRSTOR, fxrstor),
	DO(FXRSTOR64, fxrstor),
	DO(FXSAVE, fxsave),
	DO(FXSAVE64, fxsave),
	DO(XRSTOR, xrstor),
	DO(XRSTOR64, xrstor),
	DO(XRSTORS, xrstors),
	DO(XRSTORS64, xrstors),
	DO(XSAVE, xsave),
	DO(XSAVE64, xsave),
	DO(XSAVEC, xsavec),
	DO(XSAVEC64, xsavec),
	DO(XSAVEOPT, xsaveopt),
	DO(XSAVEOPT64, xsaveopt),
	DO(XSAVES, xsaves),
	DO(XSAVES64, xsaves),

	/* Vectors with a mask or several addresses. */
	DO(MASKMOVDQU, maskmov),
	DO(MASKMOVQ, maskmov),
	DO(VGATHERDPD, gather),
	DO(VGATHERDPS, gather),
	DO(VGATHERQPD, gather),
	DO(VGATHERQPS, gather),
	DO(VMASKMOVDQU, maskmov),
	DO(VMASKMOVPD, masked_move),
	DO(VMASKMOVPS, masked_move),
	DO(VPGATHERDD, gather),
	DO(VPGATHERDQ, gather),
	DO(VPGATHERQD, gather),
	DO(VPGATHERQQ, gather),
	DO(VPMASKMOVD, masked_move),
	DO(VPMASKMOVQ, masked_move),

	/* Hints. */
	NOTHING(PREFETCHWT1),

	/* Extensions that CPUID does not list. */
	UNDEFINED(AESDEC128KL),
	UNDEFINED(AESDEC256KL),
	UNDEFINED(AESDECWIDE128KL),
	UNDEFINED(AESDECWIDE256KL),
	UNDEFINED(AESENC128KL),
	UNDEFINED(AESENC256KL),
	UNDEFINED(AESENCWIDE128KL),
	UNDEFINED(AESENCWIDE256KL),
	UNDEFINED(CLGI),
	UNDEFINED(CLRSSBSY),
	UNDEFINED(CLUI),
	UNDEFINED(CLZERO),
	UNDEFINED(ENCODEKEY128),
	UNDEFINED(ENCODEKEY256),
	UNDEFINED(ENQCMD),
	UNDEFINED(ENQCMDS),
	UNDEFINED(EXTRQ),
	UNDEFINED(FEMMS),
	UNDEFINED(GETSEC),
	UNDEFINED(HRESET),
	UNDEFINED(INCSSPD),
	UNDEFINED(INCSSPQ),
	UNDEFINED(INSERTQ),
	UNDEFINED(INVEPT),
	UNDEFINED(INVLPGA),
	UNDEFINED(INVLPGB),
	UNDEFINED(INVVPID),
	UNDEFINED(LOADIWKEY),
	UNDEFINED(MCOMMIT),
	UNDEFINED(MONITOR),
	UNDEFINED(MONITORX),
	UNDEFINED(MONTMUL),
	UNDEFINED(MOVDIR64B),
	UNDEFINED(MOVDIRI),
	UNDEFINED(MOVNTSD),
	UNDEFINED(MOVNTSS),
	UNDEFINED(MWAIT),
	UNDEFINED(MWAITX),
	UNDEFINED(PCONFIG),
	UNDEFINED(PSMASH),
	UNDEFINED(PTWRITE),
	UNDEFINED(PVALIDATE),
	UNDEFINED(RDPKRU),
	UNDEFINED(RDPRU),
	UNDEFINED(RMPADJUST),
	UNDEFINED(RMPUPDATE),
	UNDEFINED(RSM),
	UNDEFINED(RSTORSSP),
	UNDEFINED(SAVEPREVSSP),
	UNDEFINED(SEAMCALL),
	UNDEFINED(SEAMOPS),
	UNDEFINED(SEAMRET),
	UNDEFINED(SENDUIPI),
	UNDEFINED(SERIALIZE),
	UNDEFINED(SETSSBSY),
	UNDEFINED(SKINIT),
	UNDEFINED(STGI),
	UNDEFINED(STUI),
	UNDEFINED(TDCALL),
	UNDEFINED(TESTUI),
	UNDEFINED(TLBSYNC),
	UNDEFINED(TPAUSE),
	UNDEFINED(UIRET),
	UNDEFINED(UMONITOR),
	UNDEFINED(UMWAIT),
	UNDEFINED(VMCLEAR),
	UNDEFINED(VMFUNC),
	UNDEFINED(VMLAUNCH),
	UNDEFINED(VMLOAD),
	UNDEFINED(VMPTRLD),
	UNDEFINED(VMPTRST),
	UNDEFINED(VMREAD),
	UNDEFINED(VMRESUME),
	UNDEFINED(VMRUN),
	UNDEFINED(VMSAVE),
	UNDEFINED(VMWRITE),
	UNDEFINED(VMXOFF),
	UNDEFINED(VMXON),
	UNDEFINED(WRPKRU),
	UNDEFINED(WRSSD),
	UNDEFINED(WRSSQ),
	UNDEFINED(WRUSSD),
	UNDEFINED(WRUSSQ),
	UNDEFINED(XCRYPT_CBC),
	UNDEFINED(XCRYPT_CFB),
	UNDEFINED(XCRYPT_CTR),
	UNDEFINED(XCRYPT_ECB),
	UNDEFINED(XCRYPT_OFB),
	UNDEFINED(XRESLDTRK),
	UNDEFINED(XSHA1),
	UNDEFINED(XSHA256),
	UNDEFINED(XSTORE),
	UNDEFINED(XSUSLDTRK),
};
/* clang-format on */

enum cpu_result exec_instruction(struct engine_vcpu *v, const struct insn *insn)
{
	exec_function *function = functions[insn->mnemonic];

	if (exec_in_enclave(v) && !exec_is_legal_in_enclave(v, insn))
		return exec_undefined(v, insn);
	if (function)
		return function(v, insn);
	/* AMX, AVX-512's masks, FMA4: whatever is VEX-encoded and neither here nor translated. */
	return insn->is_vex ? exec_undefined(v, insn) : exec_unknown(v, insn);
}
