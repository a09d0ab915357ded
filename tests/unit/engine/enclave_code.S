/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each function does is said in enclave_code.h. */
#define DATA(offset) (enclave_code + 0x1000 + (offset))(%rip)
#define STACK	     (enclave_code + 0x2000)(%rip)
#define WRITTEN	     (enclave_code + 0x2000)(%rip)

#define RETURN 0
#define SCRATCH 8
#define OUTER_RSP 16
#define PATTERN 24
#define SAVED_RSI 32
#define SECINFO 0x100
#define OUT 0x400 /* struct pattern */
#define YMM 128 /* struct pattern_registers */
#define RFLAGS 640

	.section .rodata
	.balign 64

	.globl enclave_code
enclave_code:
	mov %rcx, DATA(RETURN)
	lea enclave_code(%rip), %rax
	add %rdi, %rax
	jmp *%rax

leave_enclave:
	mov DATA(RETURN), %rbx
	mov $4, %eax
	enclu
	ud2

	.globl fn_add
fn_add:
	mov (%rsi), %rax
	mov %rax, DATA(SCRATCH)
	incq DATA(SCRATCH)
	mov DATA(SCRATCH), %rax
	mov %rax, (%rdx)
	jmp leave_enclave

	.globl fn_sum
fn_sum:
	mov %rsp, DATA(OUTER_RSP)
	lea STACK, %rsp
	call sum
	mov DATA(OUTER_RSP), %rsp
	jmp leave_enclave

sum:
	push %rsi
	xor %edi, %edi
1:
	add (%rsi), %rdi
	add $8, %rsi
	dec %rdx
	jnz 1b
	pop %rsi
	ret

	.globl fn_load
fn_load:

	.globl fn_load_at
fn_load_at:
	mov (%rsi), %rdi
	jmp leave_enclave

	.globl fn_store
fn_store:

	.globl fn_store_at
fn_store_at:
	mov %rdx, (%rsi)
	jmp leave_enclave

	.globl fn_jump
fn_jump:
	jmp *%rsi

	.globl fn_call
fn_call:
	mov %rsp, DATA(OUTER_RSP)
	lea STACK, %rsp
	call *%rsi
	mov DATA(OUTER_RSP), %rsp
	jmp leave_enclave

	.globl fn_write
fn_write:
	lea WRITTEN, %rdi
	mov $64, %ecx
	rep movsb
	jmp leave_enclave

	.globl fn_run
fn_run:
	lea WRITTEN, %rdi
	mov $64, %ecx
	rep movsb
	lea WRITTEN, %rsi
	jmp fn_call

	.globl fn_spin
fn_spin:
	xor %edi, %edi
1:
	inc %rdi
	pause
	cmpb $0, (%rsi)
	je 1b
	jmp leave_enclave

	.globl fn_accept
fn_accept:
	mov %rdx, DATA(SECINFO)
	lea DATA(SECINFO), %rbx
	mov %rsi, %rcx
	lea WRITTEN, %rdx
	mov $5, %eax

	.globl fn_accept_at
fn_accept_at:
	enclu
	mov %rax, %rdi
	jmp leave_enclave

	.globl fn_accept_copy
fn_accept_copy:
	mov %rdx, DATA(SECINFO)
	lea DATA(SECINFO), %rbx
	mov %rsi, %rcx
	lea WRITTEN, %rdx
	mov $7, %eax
	enclu
	mov %rax, %rdi
	jmp leave_enclave

	.globl fn_pattern
fn_pattern:
	mov %rsi, DATA(PATTERN)
	mov %rsp, DATA(OUTER_RSP)
	vmovdqu YMM + 0(%rsi), %ymm0
	vmovdqu YMM + 32(%rsi), %ymm1
	vmovdqu YMM + 64(%rsi), %ymm2
	vmovdqu YMM + 96(%rsi), %ymm3
	vmovdqu YMM + 128(%rsi), %ymm4
	vmovdqu YMM + 160(%rsi), %ymm5
	vmovdqu YMM + 192(%rsi), %ymm6
	vmovdqu YMM + 224(%rsi), %ymm7
	vmovdqu YMM + 256(%rsi), %ymm8
	vmovdqu YMM + 288(%rsi), %ymm9
	vmovdqu YMM + 320(%rsi), %ymm10
	vmovdqu YMM + 352(%rsi), %ymm11
	vmovdqu YMM + 384(%rsi), %ymm12
	vmovdqu YMM + 416(%rsi), %ymm13
	vmovdqu YMM + 448(%rsi), %ymm14
	vmovdqu YMM + 480(%rsi), %ymm15
	pushq RFLAGS(%rsi)
	popfq
	mov 0(%rsi), %rax
	mov 8(%rsi), %rcx
	mov 16(%rsi), %rdx
	mov 24(%rsi), %rbx
	mov 32(%rsi), %rsp
	mov 40(%rsi), %rbp
	mov 56(%rsi), %rdi
	mov 64(%rsi), %r8
	mov 72(%rsi), %r9
	mov 80(%rsi), %r10
	mov 88(%rsi), %r11
	mov 96(%rsi), %r12
	mov 104(%rsi), %r13
	mov 112(%rsi), %r14
	mov 120(%rsi), %r15
	mov 48(%rsi), %rsi

	.globl fn_pattern_at
fn_pattern_at:
	mov %rax, (%rcx)
	mov %rsi, DATA(SAVED_RSI)
	mov DATA(PATTERN), %rsi
	mov %rax, OUT + 0(%rsi)
	mov %rcx, OUT + 8(%rsi)
	mov %rdx, OUT + 16(%rsi)
	mov %rbx, OUT + 24(%rsi)
	mov %rsp, OUT + 32(%rsi)
	mov %rbp, OUT + 40(%rsi)
	mov %rdi, OUT + 56(%rsi)
	mov %r8, OUT + 64(%rsi)
	mov %r9, OUT + 72(%rsi)
	mov %r10, OUT + 80(%rsi)
	mov %r11, OUT + 88(%rsi)
	mov %r12, OUT + 96(%rsi)
	mov %r13, OUT + 104(%rsi)
	mov %r14, OUT + 112(%rsi)
	mov %r15, OUT + 120(%rsi)
	mov DATA(SAVED_RSI), %rax
	mov %rax, OUT + 48(%rsi)
	vmovdqu %ymm0, OUT + YMM + 0(%rsi)
	vmovdqu %ymm1, OUT + YMM + 32(%rsi)
	vmovdqu %ymm2, OUT + YMM + 64(%rsi)
	vmovdqu %ymm3, OUT + YMM + 96(%rsi)
	vmovdqu %ymm4, OUT + YMM + 128(%rsi)
	vmovdqu %ymm5, OUT + YMM + 160(%rsi)
	vmovdqu %ymm6, OUT + YMM + 192(%rsi)
	vmovdqu %ymm7, OUT + YMM + 224(%rsi)
	vmovdqu %ymm8, OUT + YMM + 256(%rsi)
	vmovdqu %ymm9, OUT + YMM + 288(%rsi)
	vmovdqu %ymm10, OUT + YMM + 320(%rsi)
	vmovdqu %ymm11, OUT + YMM + 352(%rsi)
	vmovdqu %ymm12, OUT + YMM + 384(%rsi)
	vmovdqu %ymm13, OUT + YMM + 416(%rsi)
	vmovdqu %ymm14, OUT + YMM + 448(%rsi)
	vmovdqu %ymm15, OUT + YMM + 480(%rsi)
	mov DATA(OUTER_RSP), %rsp
	pushfq
	popq OUT + RFLAGS(%rsi)
	cld
	jmp leave_enclave

	.globl enclave_code_end
enclave_code_end:
	.section .note.GNU-stack, "", @progbits
