/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run(): loads all registers from a struct state and goes there; whatever vector
 * is raised ends it, with all registers in the same struct state. trap_hook may
 * look at a vector first and send the code on.
 */
#include "layout.h"

	.text
	.globl	run
run:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushfq
	movq	%rsp, run_rsp
	movq	%rdi, run_state

load_state:
	pushq	STATE_SS(%rdi)
	pushq	STATE_RSP(%rdi)
	pushq	STATE_RFLAGS(%rdi)
	pushq	STATE_CS(%rdi)
	pushq	STATE_RIP(%rdi)
	movq	0x00(%rdi), %rax
	movq	0x08(%rdi), %rcx
	movq	0x10(%rdi), %rdx
	movq	0x18(%rdi), %rbx
	movq	0x28(%rdi), %rbp
	movq	0x30(%rdi), %rsi
	movq	0x40(%rdi), %r8
	movq	0x48(%rdi), %r9
	movq	0x50(%rdi), %r10
	movq	0x58(%rdi), %r11
	movq	0x60(%rdi), %r12
	movq	0x68(%rdi), %r13
	movq	0x70(%rdi), %r14
	movq	0x78(%rdi), %r15
	movq	0x38(%rdi), %rdi
	iretq

trap:
	/* vector, error code, RIP, CS, RFLAGS, RSP, SS */
	pushq	%rdi
	movq	run_state, %rdi
	movq	%rax, 0x00(%rdi)
	movq	%rcx, 0x08(%rdi)
	movq	%rdx, 0x10(%rdi)
	movq	%rbx, 0x18(%rdi)
	movq	%rbp, 0x28(%rdi)
	movq	%rsi, 0x30(%rdi)
	movq	%r8, 0x40(%rdi)
	movq	%r9, 0x48(%rdi)
	movq	%r10, 0x50(%rdi)
	movq	%r11, 0x58(%rdi)
	movq	%r12, 0x60(%rdi)
	movq	%r13, 0x68(%rdi)
	movq	%r14, 0x70(%rdi)
	movq	%r15, 0x78(%rdi)
	popq	0x38(%rdi)
	movq	%rsp, trap_rsp
	popq	STATE_VECTOR(%rdi)
	popq	STATE_ERROR(%rdi)
	popq	STATE_RIP(%rdi)
	popq	STATE_CS(%rdi)
	popq	STATE_RFLAGS(%rdi)
	popq	STATE_RSP(%rdi)
	popq	STATE_SS(%rdi)
	movq	%cr2, %rax
	movq	%rax, STATE_CR2(%rdi)
	cld
	movq	trap_hook, %rax
	testq	%rax, %rax
	jz	1f
	andq	$-16, %rsp
	call	*%rax
	movq	run_state, %rdi
	testb	%al, %al
	jnz	load_state
1:	movl	$KERNEL_DS, %eax
	movl	%eax, %ss
	movl	%eax, %ds
	movl	%eax, %es
	movq	run_rsp, %rsp
	popfq
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

	/* Sixteen bytes each; those with an error code do not push one. */
	.balign 16
	.globl	trap_stubs
trap_stubs:
	vector = 0
	.rept	256
	.balign 16
	.if	(vector != 8) && (vector < 10 || vector > 14) && (vector != 17) && (vector != 21)
	pushq	$0
	.endif
	pushq	$vector
	jmp	trap
	vector = vector + 1
	.endr

	.bss
	.balign 8
	.globl	run_state, run_rsp, trap_hook, trap_rsp
run_state:
	.skip	8
run_rsp:
	.skip	8
trap_hook:
	.skip	8
trap_rsp:
	.skip	8
