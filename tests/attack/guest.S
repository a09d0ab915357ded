/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What runs in the guest: pieces of its kernel, its exception handlers, and the enclave. */
#define ENCLS .byte 0x0f, 0x01, 0xcf
#define ENCLU .byte 0x0f, 0x01, 0xd7
#define DONE int $0x81
#define EEXIT 4
#define SECINFO (enclave_code + 0x7000)(%rip)

	.section .rodata
	.balign 4096
	.globl guest_code
guest_code:
	.set vector, 0
	.rept 256
	.balign 16
	.if (vector != 8) && (vector < 10 || vector > 14) && (vector != 17) && (vector != 21)
	pushq $0
	.endif
	pushq $vector
	hlt
	.set vector, vector + 1
	.endr

	.globl guest_encls
guest_encls:
	ENCLS
	DONE

	.globl guest_copy
guest_copy:
	rep movsb
	DONE

	/* A page table entry, as a kernel changes it. */
	.globl guest_map
guest_map:
	mov %rdx, (%rdi)
	invlpg (%rsi)
	DONE

	.globl guest_wrmsr
guest_wrmsr:
	wrmsr
	DONE

	.globl guest_to_user
guest_to_user:
	iretq

	/* At CPL 3; the asynchronous exit pointer too. */
	.globl guest_enclu
guest_enclu:
	ENCLU
	DONE
	.globl guest_code_end
guest_code_end:

	/* RDI: the function's offset. Functions keep RSP and the return address in R15. */
	.balign 4096
	.globl enclave_code
enclave_code:
	mov %rcx, %r15
	lea enclave_code(%rip), %rax
	add %rdi, %rax
	jmp *%rax

	.globl fn_nothing
fn_nothing:
	mov %r15, %rbx
	mov $EEXIT, %eax
	ENCLU
	ud2

	/* RDI: what is at RSI. */
	.globl fn_load
fn_load:
	mov (%rsi), %rdi
	jmp fn_nothing

	.globl fn_store
fn_store:
	mov %rdx, (%rsi)
	jmp fn_nothing

	.globl fn_jump
fn_jump:
	jmp *%rsi

	/* A page from RSI to RDX. */
	.globl fn_copy
fn_copy:
	mov %rdx, %rdi
	mov $4096, %ecx
	rep movsb
	jmp fn_nothing

	/* The page at RSI: SplitMix64 from RDX on. */
	.globl fn_fill
fn_fill:
	mov $512, %ecx
1:
	movabs $0x9e3779b97f4a7c15, %rax
	add %rax, %rdx
	mov %rdx, %rax
	mov %rax, %r8
	shr $30, %r8
	xor %r8, %rax
	movabs $0xbf58476d1ce4e5b9, %r8
	imul %r8, %rax
	mov %rax, %r8
	shr $27, %r8
	xor %r8, %rax
	movabs $0x94d049bb133111eb, %r8
	imul %r8, %rax
	mov %rax, %r8
	shr $31, %r8
	xor %r8, %rax
	mov %rax, (%rsi)
	add $8, %rsi
	dec %ecx
	jnz 1b
	xor %eax, %eax
	xor %edx, %edx
	xor %r8d, %r8d
	jmp fn_nothing

	/* All registers from the page at RSI, then a load from RDX, which is to fault. */
	.globl fn_hold
fn_hold:
	mov 0(%rsi), %rax
	mov 8(%rsi), %rbx
	mov 16(%rsi), %rcx
	mov 24(%rsi), %rdi
	mov 32(%rsi), %r8
	mov 40(%rsi), %r9
	mov 48(%rsi), %r10
	mov 56(%rsi), %r11
	mov 64(%rsi), %r12
	mov 72(%rsi), %r13
	mov 80(%rsi), %r14
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movdqu 128 + 16 * \n(%rsi), %xmm\n
	.endr
	mov (%rdx), %rdx
	ud2

	/* ENCLU leaf R8 with RBX = RSI, or the SECINFO made of R11 if that is 0, RCX = R10, RDX. */
	.globl fn_leaf
fn_leaf:
	mov %rsi, %rbx
	test %rsi, %rsi
	jnz 1f
	mov %r11, SECINFO
	lea SECINFO, %rbx
1:
	mov %r10, %rcx
	mov %r8, %rax
	ENCLU
	mov %rax, %rdi
	jmp fn_nothing

	/* Says at RSI that it is inside, and stays until there is something at RSI + 8. */
	.globl fn_stay
fn_stay:
	movq $1, (%rsi)
1:
	pause
	cmpq $0, 8(%rsi)
	je 1b
	jmp fn_nothing

	.balign 4096
	.globl enclave_code_end
enclave_code_end:
	.section .note.GNU-stack, "", @progbits
