/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/syscall.h>

	.macro	path name, align=16
	.globl	\name
	.type	\name, @function
	.balign	\align
\name:
	.endm

	.text

/*
 * 64 blocks of 16 bytes, in the order 0, 27, 54, 17 ...: no jump goes to what is
 * behind it anyway, and some go backwards, as in loops. The last of them is 37; a true comparison is -1.
 */
path path_linked, 2048
	.set	n, 0
	.rept	64
	.balign	16
	.set	next, (n + 27) % 64 - (n == 37) * 64
	addq	$1, %rax
	jmp	path_linked + next * 16
	.set	n, n + 1
	.endr
	.balign	16
	decl	%esi
	jnz	path_linked
	ret

path path_indirect, 1024
	.rept	64
	addq	$1, %rax
	leaq	1f(%rip), %rcx
	jmp	*%rcx
1:
	.endr
	decl	%esi
	jnz	path_indirect
	ret

path path_return, 512
	.rept	64
	call	1f
	.endr
	decl	%esi
	jnz	path_return
	ret
1:	addq	$1, %rax
	ret

/* 32 blocks in each of two pages, and the end of the loop behind those of the first. */
path path_across, 4096
	.set	n, 0
	.rept	32
	.balign	16
	addq	$1, %rax
	jmp	other_page + n * 16
	.set	n, n + 1
	.endr
	.balign	16
	decl	%esi
	jnz	path_across
	ret
	.balign	4096
other_page:
	.set	n, 1
	.rept	32
	.balign	16
	addq	$1, %rax
	jmp	path_across + n * 16
	.set	n, n + 1
	.endr

/* The targets are 64 KiB apart. */
path path_miss, 64
	leaq	near_target(%rip), %rcx
	leaq	far_target(%rip), %rdx
near_target:
	jmp	*%rdx
	.skip	0x10000 - (. - near_target)
far_target:
	decl	%esi
	jz	1f
	jmp	*%rcx
1:	ret

path path_tlb
	xorl	%ecx, %ecx
1:	movq	(%rdi, %rcx), %rax
	movq	0x10000000(%rdi, %rcx), %rax
	addl	$0x1000, %ecx
	cmpl	$0x40000, %ecx
	jne	1b
	decl	%esi
	jnz	path_tlb
	ret

path path_cpuid
	pushq	%rbx
1:	xorl	%eax, %eax
	xorl	%ecx, %ecx
	cpuid
	decl	%esi
	jnz	1b
	popq	%rbx
	ret

path path_syscall
	movl	$SYS_getppid, %eax
	syscall
	decl	%esi
	jnz	path_syscall
	ret

path path_fault
	movq	(%rdi), %rax
	decl	%esi
	jnz	path_fault
	ret

path path_out
	outb	%al, $0x80
	decl	%esi
	jnz	path_out
	ret

path path_spin_jump
	incq	%rax
	jmp	path_spin_jump

path path_spin_return
	leaq	1f(%rip), %rcx
1:	pushq	%rcx
	ret

/* As compilers write it: of 25 instructions, 10 use memory, 5 branch. */
	.globl	path_stretch, path_stretch_end
	.balign	16
path_stretch:
	.rept	64
	movq	8(%rdi), %rax
	leaq	1(%rax, %rax, 2), %rcx
	addq	%rcx, %rdx
	cmpq	$-1, %rdx
	je	3f
	movq	%rdx, 16(%rdi)
	movl	%ecx, %r8d
	andl	$31, %r8d
	movzbl	(%rdi, %r8), %r9d
	testl	%r9d, %r9d
	js	3f
	pushq	%rdx
	movq	%rdi, %r10
	xorl	%r11d, %r11d
	call	1f
	popq	%rdx
	movl	24(%rdi), %r10d
	shll	$3, %r10d
	subl	%r10d, %r11d
	jmp	2f
1:	addq	$1, %r11
	movq	%r11, 32(%rdi)
	ret
2:	movaps	48(%rdi), %xmm0
	paddd	%xmm0, %xmm1
3:
	.endr
path_stretch_end:

	.section .note.GNU-stack, "", @progbits
