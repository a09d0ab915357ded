/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From 64-bit mode to the modes of the 32-bit processors and back: legacy_run()
 * enters the mode that legacy_state describes, loads its registers, and comes back
 * with them when a vector is raised, through the IDT or through the IVT. All of
 * this lies below 64 KiB, at the same address in every mode.
 */
#include "layout.h"

#define L(field) legacy_state + LEGACY_##field

	.section .low, "awx"
	.balign 16
	.globl	legacy_state
legacy_state:
	.skip	LEGACY_SIZE
	.balign 8
legacy_entry:
	.long	enter32
	.word	KERNEL_CS32
kernel_cr0:
	.long	0
kernel_cr3:
	.long	0
kernel_cr4:
	.long	0
kernel_rsp:
	.quad	0
kernel_idtr:
	.word	0
	.quad	0
real_idtr:
	.word	0x3ff
	.long	0
	.globl	legacy_idtr
legacy_idtr:
	.word	256 * 8 - 1
	.long	legacy_idt

	.code64
	.globl	legacy_switch
legacy_switch:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushfq
	cli
	movq	%rsp, kernel_rsp
	sidt	kernel_idtr
	movq	%cr0, %rax
	movl	%eax, kernel_cr0
	movq	%cr3, %rax
	movl	%eax, kernel_cr3
	movq	%cr4, %rax
	movl	%eax, kernel_cr4
	ljmpl	*legacy_entry

	.code32
enter32:
	movl	$KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$LOW_STACK, %esp
	movl	%cr0, %eax
	andl	$0x7fffffff, %eax
	movl	%eax, %cr0
	movl	$0xc0000080, %ecx
	rdmsr
	andl	$~0x100, %eax
	wrmsr
	movl	L(CR4), %eax
	movl	%eax, %cr4
	movl	L(CR3), %eax
	movl	%eax, %cr3
	testb	$1, L(CR0)
	jz	enter_real

	lidt	legacy_idtr
	movw	$TSS32, %ax
	ltr	%ax
	movl	L(CR0), %eax
	movl	%eax, %cr0
	jmp	1f
1:	testb	$3, L(CS)
	jz	2f
	pushl	L(SS)
	pushl	L(ESP)
	jmp	3f
2:	lss	L(STACK), %esp
3:	pushl	L(EFLAGS)
	pushl	L(CS)
	pushl	L(EIP)
	movw	L(ES), %es
	movw	L(FS), %fs
	movw	L(GS), %gs
	movl	legacy_state + 0x00, %eax
	movl	legacy_state + 0x04, %ecx
	movl	legacy_state + 0x08, %edx
	movl	legacy_state + 0x0c, %ebx
	movl	legacy_state + 0x14, %ebp
	movl	legacy_state + 0x18, %esi
	movl	legacy_state + 0x1c, %edi
	movw	%cs:L(DS), %ds
	iretl

enter_real:
	/* Limits of 64 KiB, or of 4 GiB that real mode then keeps. */
	movl	$DATA16, %eax
	cmpl	$0, L(BIG)
	je	1f
	movl	$KERNEL_DS, %eax
1:	ljmp	$CODE16, $2f
	.code16
2:	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %fs
	movw	%ax, %gs
	movw	%ax, %ss
	lidtl	real_idtr
	movl	L(CR0), %eax
	movl	%eax, %cr0
	ljmp	$0, $3f
3:	xorw	%ax, %ax
	movw	%ax, %ds
	movw	L(SS), %ss
	movl	L(ESP), %esp
	pushl	L(EFLAGS)
	pushl	L(CS)
	pushl	L(EIP)
	movw	L(ES), %es
	movw	L(FS), %fs
	movw	L(GS), %gs
	movl	legacy_state + 0x00, %eax
	movl	legacy_state + 0x04, %ecx
	movl	legacy_state + 0x08, %edx
	movl	legacy_state + 0x0c, %ebx
	movl	legacy_state + 0x14, %ebp
	movl	legacy_state + 0x18, %esi
	movl	legacy_state + 0x1c, %edi
	movw	L(DS), %ds
	iretl

	/* Real mode: IP, CS, FLAGS and the address behind the stub's call on the stack. */
real_trap:
	pushw	%ds
	pushl	%eax
	xorw	%ax, %ax
	movw	%ax, %ds
	popl	legacy_state + 0x00
	movl	$0, L(DS)
	popw	L(DS)
	xorl	%eax, %eax
	popw	%ax
	subw	$real_stubs + 3, %ax
	shrw	$2, %ax
	movl	%eax, L(VECTOR)
	movl	$0, L(ERROR)
	pushfl
	popl	L(EFLAGS)
	movl	$0, L(EIP)
	popw	L(EIP)
	movl	$0, L(CS)
	popw	L(CS)
	popw	L(EFLAGS)
	movl	%ecx, legacy_state + 0x04
	movl	%edx, legacy_state + 0x08
	movl	%ebx, legacy_state + 0x0c
	movl	%esp, legacy_state + 0x10
	movl	%ebp, legacy_state + 0x14
	movl	%esi, legacy_state + 0x18
	movl	%edi, legacy_state + 0x1c
	movl	$0, L(ES)
	movw	%es, L(ES)
	movl	$0, L(FS)
	movw	%fs, L(FS)
	movl	$0, L(GS)
	movw	%gs, L(GS)
	movl	$0, L(SS)
	movw	%ss, L(SS)
	movl	%cr0, %eax
	movl	%eax, L(CR0)
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$KERNEL_CS32, $leave32

	.code32
	/* Protected mode: perhaps an error code; an outer stack if CPL was not 0. */
legacy_trap:
	cld
	pushl	%eax
	pushl	%ds
	movl	$KERNEL_DS, %eax
	movl	%eax, %ds
	popl	L(DS)
	movzwl	L(DS), %eax
	movl	%eax, L(DS)
	popl	legacy_state + 0x00
	popl	%eax
	subl	$legacy_stubs + 5, %eax
	shrl	$3, %eax
	movl	%eax, L(VECTOR)
	movl	$0, L(ERROR)
	cmpl	$32, %eax
	jae	1f
	btl	%eax, error_vectors
	jnc	1f
	popl	L(ERROR)
1:	popl	L(EIP)
	popl	L(CS)
	popl	L(EFLAGS)
	movzwl	L(CS), %eax
	movl	%eax, L(CS)
	testb	$3, %al
	jz	2f
	popl	legacy_state + 0x10
	popl	L(SS)
	movzwl	L(SS), %eax
	jmp	3f
2:	movl	%esp, legacy_state + 0x10
	movl	%ss, %eax
3:	movl	%eax, L(SS)
	movl	%ecx, legacy_state + 0x04
	movl	%edx, legacy_state + 0x08
	movl	%ebx, legacy_state + 0x0c
	movl	%ebp, legacy_state + 0x14
	movl	%esi, legacy_state + 0x18
	movl	%edi, legacy_state + 0x1c
	movl	%es, %eax
	movl	%eax, L(ES)
	movl	%fs, %eax
	movl	%eax, L(FS)
	movl	%gs, %eax
	movl	%eax, L(GS)
	movl	%cr2, %eax
	movl	%eax, L(CR2)
	movl	%cr0, %eax
	movl	%eax, L(CR0)

leave32:
	movl	$KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$LOW_STACK, %esp
	movl	%cr0, %eax
	andl	$0x7fffffff, %eax
	movl	%eax, %cr0
	movl	kernel_cr4, %eax
	movl	%eax, %cr4
	movl	kernel_cr3, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx
	rdmsr
	orl	$0x100, %eax
	wrmsr
	movl	kernel_cr0, %eax
	movl	%eax, %cr0
	ljmp	$KERNEL_CS, $leave64

	.code64
leave64:
	lidt	kernel_idtr
	movl	$KERNEL_DS, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	movq	kernel_rsp, %rsp
	popfq
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

	.balign 4
error_vectors:
	.long	0x00227d00	/* DF, TS, NP, SS, GP, PF, AC, CP */

	.code32
	.balign 8
	.globl	legacy_stubs
legacy_stubs:
	.rept	256
	.balign 8
	.byte	0xe8
	.long	legacy_trap - . - 4
	.endr

	.code16
	.balign 4
	.globl	real_stubs
real_stubs:
	.rept	256
	.balign 4
	.byte	0xe8
	.word	real_trap - . - 2
	.endr

	.bss
	.balign 8
	.globl	legacy_idt
legacy_idt:
	.skip	256 * 8
