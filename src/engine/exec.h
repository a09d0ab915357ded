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
enum cpu_result vcpu_read(struct engine_vcpu *v, gva_t gva, void *dst, size_t len,
			  uint32_t access);
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
/* SDM XGETBV with ECX = 1: components in use, of those that exist; XCR0 is the caller's. */
uint64_t exec_xinuse(const struct engine_vcpu *v);
/* exec_vector.c */
exec_function exec_gather, exec_masked_move, exec_maskmov;

#endif
