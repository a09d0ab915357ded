/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way in and out. EENTER comes from the vDSO: RBX is the TCS, RCX where EEXIT has to go, RDI
 * the caller's struct; RSP and RBP are the caller's still. One SSA frame per TCS: a thread that
 * was interrupted can only be resumed, so that this code is never entered on a stack in use.
 */
#include "layout.h"

#define EEXIT 4
#define PAGE  4096

	.macro	tcs number
	.quad	0				/* STATE */
	.quad	0				/* FLAGS */
	.quad	enclave_ssa + \number * PAGE	/* OSSA */
	.long	0				/* CSSA */
	.long	1				/* NSSA */
	.quad	enclave_entry			/* OENTRY */
	.quad	0				/* AEP */
	.quad	0				/* OFSBASE */
	.quad	0				/* OGSBASE */
	.long	0xffffffff			/* FSLIMIT */
	.long	0xffffffff			/* GSLIMIT */
	.balign	PAGE, 0
	.endm

	.section .tcs, "a", @progbits
	.balign	PAGE
	.globl	enclave_tcs
enclave_tcs:
	.set	number, 0
	.rept	ENCLAVE_THREADS
	tcs	number
	.set	number, number + 1
	.endr

	.section .bss.threads, "aw", @nobits
	.balign	PAGE
	.globl	enclave_ssa
enclave_ssa:
	.skip	ENCLAVE_THREADS * PAGE
stacks:
	.skip	ENCLAVE_THREADS * ENCLAVE_STACK_SIZE

	.section .rodata
	.balign	4
default_mxcsr:
	.long	0x1f80

	.text
	.globl	enclave_entry
enclave_entry:
	/* Nothing of the caller's is trusted: direction, alignment checks, rounding. */
	cld
	mov	%rbx, %rsi
	lea	enclave_tcs(%rip), %rax
	sub	%rax, %rsi
	shr	$12, %rsi			/* the thread's number */
	lea	1(%rsi), %rdx
	imul	$ENCLAVE_STACK_SIZE, %rdx, %rdx
	lea	stacks(%rip), %rax
	add	%rdx, %rax
	xchg	%rax, %rsp
	push	%rax
	push	%rbp
	push	%rcx
	sub	$8, %rsp			/* aligned for the call */
	pushq	$2
	popfq
	ldmxcsr	default_mxcsr(%rip)
	xor	%ebp, %ebp
	call	enclave_main

	add	$8, %rsp
	pop	%rbx
	pop	%rbp
	pop	%rsp
	/* What may hold something of the enclave's; the others are the caller's own again. */
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	pxor	%xmm\n, %xmm\n
	.endr
	mov	$EEXIT, %eax
	enclu

	.section .note.GNU-stack, "", @progbits
