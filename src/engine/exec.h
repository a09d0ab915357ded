/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions that are functions in C: system instructions, strings, I/O, the
 * XSAVE family, masked and gathered vector accesses.
 *
 * The run loop calls exec_instruction() with the guest's whole state in v->cpu
 * and v->xstate, and state.rip at the instruction. What a function returns:
 *  CPU_OK          done; the function has set state.rip (exec_done(), or a transfer)
 *  CPU_FAULT       v->cpu.fault; the state is as before (strings: as the SDM says)
 *  CPU_AGAIN       v->exit.reason is set: leave for the VMM, then either
 *                  v->pending says how to go on, or state.rip is where to go on
 *  CPU_SHUTDOWN, CPU_HOST_ERROR
 *
 * An instruction that reads a device is executed again from its start when the
 * VMM has answered: the second try finds the answer in v->mmio.read (vcpu_read()
 * does that). So nothing may be committed before the last read.
 */
#ifndef EXCLAVE_ENGINE_EXEC_H
#define EXCLAVE_ENGINE_EXEC_H

#include "engine/insn.h"
#include "engine/vcpu.h"

/*
 * The guest's extended state lies in the host's registers until something in C
 * needs it or them: "live" code (lib/live.h) does not. Everything else that live
 * code calls comes after this, which moves the state to v->xstate.
 */
void vcpu_save_xstate(struct engine_vcpu *v);

typedef enum cpu_result exec_function(struct engine_vcpu *v, const struct insn *insn);

/* exec.c: the table by mnemonic. An instruction without a function is ENGINE_EXIT_INTERNAL_ERROR. */
exec_function exec_instruction;

/* state.rip := the next instruction, truncated as the code segment demands. */
void exec_done(struct engine_vcpu *v, const struct insn *insn);
/* RIP of the next instruction. */
uint64_t exec_next_rip(const struct engine_vcpu *v, const struct insn *insn);
/* Bytes: 2, 4 or 8. */
unsigned int exec_stack_width(const struct engine_vcpu *v);

/* operand.c: general registers. */
uint64_t exec_get_gpr(const struct engine_vcpu *v, unsigned int reg, unsigned int size);
/* 1 and 2 bytes leave the rest of the register, 4 clear the upper half. 64-bit mode or not. */
void exec_set_gpr(struct engine_vcpu *v, unsigned int reg, unsigned int size, uint64_t value);

/* operand.c: memory. The offset of the operand in its segment, truncated to the address size. */
uint64_t exec_effective_address(const struct engine_vcpu *v, const struct insn *insn);
/*
 * SDM "Logical and Linear Addresses": segment @seg (enum x86_seg) at @offset, @len
 * bytes, with the checks of limit, type and presence: #GP(0), #SS(0). In 64-bit mode
 * the check that it is canonical.
 */
enum cpu_result exec_linear(struct engine_vcpu *v, unsigned int seg, uint64_t offset, size_t len,
			    bool write, gva_t *gva);
/* The operand of @insn: address, checks, #AC where CR0.AM asks for it, then the access. */
enum cpu_result exec_load(struct engine_vcpu *v, const struct insn *insn, void *dst, size_t len);
enum cpu_result exec_store(struct engine_vcpu *v, const struct insn *insn, const void *src,
			   size_t len);

/*
 * memory.c: linear memory with the present privilege (v's MMU index), or with
 * @access of struct cpu_ops where that is another one. They serve devices too,
 * by CPU_AGAIN, keep translated code coherent, mark pages dirty. Up to 4096
 * bytes that cross at most one page border. All pages are translated before the
 * first byte moves.
 */
uint32_t vcpu_access(const struct engine_vcpu *v);
enum cpu_result vcpu_read(struct engine_vcpu *v, gva_t gva, void *dst, size_t len, uint32_t access);
enum cpu_result vcpu_write(struct engine_vcpu *v, gva_t gva, const void *src, size_t len,
			   uint32_t access);
/*
 * The host memory at @gva with the present privilege, good to the end of its
 * page until the next safe point; *@host = NULL when it is not plain memory (a device,
 * ROM or a page with translated code on a write, the abort page, a watched page):
 * then it goes by vcpu_read() and vcpu_write(). Touch it by guest_access.h only.
 */
enum cpu_result vcpu_page(struct engine_vcpu *v, gva_t gva, bool write, uint8_t **host);
/* May @gva[0..@len) be written? For what must not fault half-way. @len <= 4096. */
enum cpu_result vcpu_probe_write(struct engine_vcpu *v, gva_t gva, size_t len);

/* SDM "Alignment Checking": is #AC enabled for the present code (CR0.AM, EFLAGS.AC, CPL 3)? */
static inline bool vcpu_checks_alignment(const struct engine_vcpu *v)
{
	const struct x86_state *s = &v->cpu.state;

	return s->cpl == 3 && (s->cr0 & X86_CR0_AM) && (s->rflags & X86_EFLAGS_AC);
}

/*
 * What the engine does for an instruction. The MSRs are read and written at CPL 0
 * (checked before); leaves of SGX set state.rip themselves and are called with v->sgx.
 */
enum cpu_result engine_rdmsr(struct engine_vcpu *v, uint32_t index, uint64_t *value);
enum cpu_result engine_wrmsr(struct engine_vcpu *v, uint32_t index, uint64_t value);
enum cpu_result engine_hypercall(struct engine_vcpu *v);
enum cpu_result engine_encls(struct engine_vcpu *v);
enum cpu_result engine_enclu(struct engine_vcpu *v);
enum cpu_result engine_enclv(struct engine_vcpu *v);
void engine_invlpg(struct engine_vcpu *v, gva_t gva);
void engine_flush(struct engine_vcpu *v, enum cpu_flush what);
/* exec_xsave.c: XGETBV with ECX = 1. */
uint64_t exec_xinuse(struct engine_vcpu *v);

/* Functions by file; exec.c's table names them. */
/* exec_string.c: MOVS, CMPS, SCAS, LODS, STOS with and without REP. */
exec_function exec_movs, exec_cmps, exec_scas, exec_lods, exec_stos;
/* exec_io.c */
exec_function exec_in, exec_out, exec_ins, exec_outs;
/* ENGINE_PENDING_IN: takes v->exit.io.data and steps over the instruction where it is done. */
enum cpu_result exec_complete_in(struct engine_vcpu *v);
/* exec_xsave.c; of the environment: exec_x87.c */
exec_function exec_fxsave, exec_fxrstor, exec_fnsave, exec_frstor, exec_fnstenv, exec_fldenv,
	exec_xsave, exec_xsavec, exec_xsaveopt, exec_xsaves, exec_xrstor, exec_xrstors;
/* exec_vector.c */
exec_function exec_gather, exec_masked_move, exec_maskmov;
/* exec_flags.c */
exec_function exec_cli, exec_sti, exec_cld, exec_std, exec_stac, exec_clac, exec_pushf, exec_popf;
/* exec_stack.c: PUSH and POP of segment registers only. */
exec_function exec_push_segment, exec_pop_segment, exec_pusha, exec_popa, exec_enter;
/* exec_accumulator.c */
exec_function exec_aaa, exec_aas, exec_daa, exec_das, exec_aam, exec_aad, exec_salc, exec_xlat;
/* exec_branch.c: LOOP, LOOPE, LOOPNE, and JCXZ, JECXZ, JRCXZ. */
exec_function exec_loop, exec_jcxz;
/* exec_transfer.c */
exec_function exec_far_jmp, exec_far_call, exec_far_ret, exec_iret, exec_syscall, exec_sysret,
	exec_sysenter, exec_sysexit, exec_int, exec_int1, exec_int3, exec_into, exec_bound;
/* exec_segment.c: MOV from and to segment registers, LDS and its like. */
exec_function exec_mov_from_segment, exec_mov_to_segment, exec_load_far_pointer, exec_swapgs,
	exec_segment_base;
/* exec_table.c */
exec_function exec_lgdt, exec_lidt, exec_sgdt, exec_sidt, exec_lldt, exec_ltr, exec_sldt, exec_str,
	exec_lar, exec_lsl, exec_verr, exec_verw, exec_arpl;
/* exec_control.c */
exec_function exec_mov_control, exec_mov_debug, exec_lmsw, exec_smsw, exec_clts, exec_xgetbv,
	exec_xsetbv, exec_hlt, exec_pause, exec_vmcall;
/* exec_cache.c: translations and caches. */
exec_function exec_invlpg, exec_invpcid, exec_wbinvd, exec_clflush;
/* exec_msr.c: MSRs, CPUID, time, random numbers. */
exec_function exec_cpuid, exec_rdmsr, exec_wrmsr, exec_rdtsc, exec_rdtscp, exec_rdpid, exec_rdpmc,
	exec_rdrand;

#endif
