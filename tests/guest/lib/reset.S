/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the reset vector to C. The registers that the processor starts with are
 * kept for the guest `reset` before anything has changed them.
 */
#include "layout.h"

	.section .vector, "ax"
	.code16
	.globl reset
reset:
	jmp	start16

	.section .reset, "ax"
	.code16
start16:
	/* DS has base 0 after reset. */
	movl	%eax, RESET_STATE + 0
	movl	%ecx, RESET_STATE + 4
	movl	%edx, RESET_STATE + 8
	movl	%ebx, RESET_STATE + 12
	movl	%esp, RESET_STATE + 16
	movl	%ebp, RESET_STATE + 20
	movl	%esi, RESET_STATE + 24
	movl	%edi, RESET_STATE + 28
	movl	%cr0, %eax
	movl	%eax, RESET_STATE + 32
	movl	%cr2, %eax
	movl	%eax, RESET_STATE + 36
	movl	%cr3, %eax
	movl	%eax, RESET_STATE + 40
	movl	%cr4, %eax
	movl	%eax, RESET_STATE + 44
	movw	$0x8000, %sp
	pushfl
	popl	RESET_STATE + 48
	movw	%cs, RESET_STATE + 52
	movw	%ds, RESET_STATE + 54
	movw	%ss, RESET_STATE + 56
	sidt	RESET_STATE + 58
	movl	%dr6, %eax
	movl	%eax, RESET_STATE + 64
	movl	%dr7, %eax
	movl	%eax, RESET_STATE + 68

	cli
	lgdtl	%cs:boot_gdtr
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$8, $0xffff0000 + start32

	.code32
start32:
	movw	$16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	cld
	movl	$low_load, %esi
	movl	$low_start, %edi
	movl	$low_end, %ecx
	subl	%edi, %ecx
	rep movsb
	movl	$image_load, %esi
	movl	$image_start, %edi
	movl	$image_end, %ecx
	subl	%edi, %ecx
	rep movsb
	movl	$bss_start, %edi
	movl	$bss_end, %ecx
	subl	%edi, %ecx
	xorl	%eax, %eax
	rep stosb
	movl	$start_image, %eax
	jmp	*%eax

	.balign 8
boot_gdt:
	.quad	0
	.quad	0x00cf9b000000ffff
	.quad	0x00cf93000000ffff
boot_gdtr:
	.word	. - boot_gdt - 1
	.long	0xffff0000 + boot_gdt

	.text
	.code32
start_image:
	/* 4 GiB as they are; what lies below 1 GiB appears once more, for CPL 3, at 1 GiB. */
	movl	$boot_directory, %edi
	movl	$0xe3, %eax
1:	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$0x200000, %eax
	jnc	1b
	movl	$boot_directory + 4096, %edi
	movl	$0xe7, %eax
2:	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$0x200000, %eax
	cmpl	$0x40000000, %eax
	jb	2b
	movl	$boot_pdpt, %edi
	movl	$boot_directory + 7, %eax
	movl	$4, %ecx
3:	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$4096, %eax
	loop	3b
	movl	$boot_pdpt + 7, boot_pml4

	movl	$0x620, %eax	/* PAE, OSFXSR, OSXMMEXCPT */
	movl	%eax, %cr4
	movl	$boot_pml4, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx
	movl	$0x901, %eax	/* SCE, LME, NXE */
	xorl	%edx, %edx
	wrmsr
	movl	$0x80010033, %eax	/* PG, WP, NE, ET, MP, PE */
	movl	%eax, %cr0
	lgdt	gdtr
	ljmp	$KERNEL_CS, $start64

	.code64
start64:
	movw	$KERNEL_DS, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$kernel_stack_top, %esp
	xorl	%ebp, %ebp
	call	guest_main
1:	hlt
	jmp	1b

	.data
	.balign 8
gdtr:
	.word	GDT_ENTRIES * 8 - 1
	.quad	gdt

	.globl	gdt
gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* KERNEL_CS */
	.quad	0x00cf93000000ffff	/* KERNEL_DS */
	.quad	0x00cffb000000ffff	/* USER_CS32 */
	.quad	0x00cff3000000ffff	/* USER_DS */
	.quad	0x00affb000000ffff	/* USER_CS */
	.quad	0x00cff3000000ffff	/* USER_DS2 */
	.quad	0x00cf9b000000ffff	/* KERNEL_CS32 */
	.quad	0x00009b000000ffff	/* CODE16 */
	.quad	0x000093000000ffff	/* DATA16 */
	.fill	GDT_ENTRIES - 10, 8, 0

	.bss
	.balign 4096
	.globl	boot_pml4, boot_pdpt, boot_directory
boot_pml4:
	.skip	4096
boot_pdpt:
	.skip	4096
boot_directory:
	.skip	4 * 4096
	.skip	16384
kernel_stack_top:
