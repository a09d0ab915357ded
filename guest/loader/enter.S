/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * int enter_enclave(struct call_frame *f, unsigned int function, struct sgx_enclave_run *run,
 *		     vdso_sgx_enter_enclave_t vdso)
 *
 * After a fault inside, an asynchronous exit has cleared the registers that a C function has to
 * keep; the vDSO restores RSP, RBP and RBX alone.
 */
	.text
	.globl	enter_enclave
enter_enclave:
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rbx
	sub	$8, %rsp
	push	%rdx				/* the vDSO's seventh argument */
	mov	%rcx, %rax
	mov	%esi, %ecx
	xor	%esi, %esi
	xor	%edx, %edx
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	call	*%rax
	add	$16, %rsp
	pop	%rbx
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	ret

	.section .note.GNU-stack, "", @progbits
