// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Real mode: the code runs at 0:LEGACY_CODE with DS = ES = SS = 0, in a processor
 * that has been in 64-bit mode before and goes back there after each piece.
 */
#include "lib/guest.h"
#include "lib/instr.h"
#include "lib/legacy.h"

static struct legacy run_real(const char *code, const char *end)
{
	struct legacy l;

	legacy_real(&l, code, end);
	legacy_run(&l);
	return l;
}

#define RUN(name) run_real(name, name##_stop)

/* The offset that a label has where the piece runs. */
#define OFFSET(name, label) (uint32_t)(LEGACY_CODE + ((label) - (name)))

#define BYTE(address)  (*(volatile uint8_t *)(uint64_t)(address))
#define WORD(address)  (*(volatile uint16_t *)(uint64_t)(address))
#define DWORD(address) (*(volatile uint32_t *)(uint64_t)(address))

CODE16_(nothing, "nop");

static void enter_real_mode_and_return(void)
{
	struct legacy l = RUN(nothing);

	EXPECT(l.vector, DONE_VECTOR);
	EXPECT(l.eip, OFFSET(nothing, nothing_stop));
	EXPECT(l.cs, 0);
	EXPECT(l.cr0 & 1, 0);
	EXPECT(l.gpr[ESP], REAL_STACK);
}

CODE16_(sizes, "mov $0x11112222, %eax; mov $0x3333, %ax; mov $0x44, %ah; mov %eax, %ebx;"
	       "mov $-1, %ecx; incw %cx; mov $-1, %edx; incl %edx; mov $0x12345678, %esi;"
	       "movw %si, %di; movzwl %si, %ebp");

static void operand_sizes_16_and_32(void)
{
	struct legacy l = RUN(sizes);

	EXPECT(l.gpr[EAX], 0x11114433);
	EXPECT(l.gpr[EBX], 0x11114433);
	EXPECT(l.gpr[ECX], 0xffff0000);
	EXPECT(l.gpr[EDX], 0);
	EXPECT(l.gpr[EDI], 0x5678);
	EXPECT(l.gpr[EBP], 0x5678);
}

CODE16_(addresses, "mov $0xffffb000, %ebx; mov $0x10, %si; mov $0xb020, %di; mov $0xb030, %bp;"
		   "movb $1, (%bx,%si); movb $2, 4(%bx,%di); movb $3, 6(%bp,%si); movb $4, (%di);"
		   "movb $5, 0x7f(%bp); movb $6, 0xb134; mov $0xb080, %eax; mov $2, %ecx;"
		   "addr32 movb $7, (%eax,%ecx,8); mov $0x8fff, %dx; addr32 movb $8, 8(,%eax,1)");

static void addressing_forms_16_and_32(void)
{
	(void)RUN(addresses);
	EXPECT(BYTE(0xb010), 1);
	EXPECT(BYTE((uint16_t)(0xb000 + 0xb020 + 4)), 2);
	EXPECT(BYTE(0xb046), 3);
	EXPECT(BYTE(0xb020), 4);
	EXPECT(BYTE(0xb0af), 5);
	EXPECT(BYTE(0xb134), 6);
	EXPECT(BYTE(0xb090), 7);
	EXPECT(BYTE(0xb088), 8);
}

/* 16-bit addresses wrap inside the segment; 0xfff0 + 0x20 is 0x10. */
CODE16_(wrap, "mov $0x1000, %ax; mov %ax, %es; mov $0xfff0, %bx; movb $0x5a, %es:0x20(%bx)");

static void address_of_16_bits_wraps_in_segment(void)
{
	BYTE(0x10010) = 0;
	BYTE(0x20010) = 0;
	(void)RUN(wrap);
	EXPECT(BYTE(0x10010), 0x5a);
	EXPECT(BYTE(0x20010), 0);
}

CODE16_(beyond, "mov $0x10000, %ebx; beyond_at: addr32 movb $1, (%ebx)");
LABEL(beyond_at);
CODE16_(word_at_end, "word_at_end_at: movw %ax, 0xffff");
LABEL(word_at_end_at);
CODE16_(word_at_end_ss, "mov $0xffff, %bp; word_at_end_ss_at: movw %ax, (%bp)");
LABEL(word_at_end_ss_at);

static void access_beyond_segment_limit_gp_or_ss(void)
{
	struct legacy l = RUN(beyond);

	EXPECT(l.vector, 13);
	EXPECT(l.eip, OFFSET(beyond, beyond_at));
	l = RUN(word_at_end);
	EXPECT(l.vector, 13);
	EXPECT(l.eip, OFFSET(word_at_end, word_at_end_at));
	l = RUN(word_at_end_ss);
	EXPECT(l.vector, 12);
	EXPECT(l.eip, OFFSET(word_at_end_ss, word_at_end_ss_at));
}

CODE16_(big, "mov $0x200000, %ebx; addr32 mov (%ebx), %eax; mov $0x3000000, %ebx;"
	     "addr32 movl $0x600df00d, (%ebx); xor %cx, %cx; mov %cx, %ds; addr32 mov (%ebx), %edx;"
	     "mov $0x1000, %cx; mov %cx, %ds; addr32 mov -0x10000(%ebx), %esi");

/* Limits of protected mode stay; a segment load in real mode changes base and selector alone. */
static void big_real_mode_reaches_4_gib(void)
{
	volatile uint32_t *target = (volatile uint32_t *)0x3000000;
	struct legacy l;

	*target = 0;
	LEGACY_REAL(&l, big);
	l.big = 1;
	legacy_run(&l);
	EXPECT(l.vector, DONE_VECTOR);
	EXPECT(l.gpr[EAX], *(uint32_t *)0x200000);
	EXPECT(*target, 0x600df00d);
	EXPECT(l.gpr[EDX], 0x600df00d);
	EXPECT(l.gpr[ESI], 0x600df00d);
	EXPECT(l.ds, 0x1000);
}

#define IVT(vector) DWORD((vector)*4 + always_zero)
static volatile uint32_t always_zero;

CODE16_(interrupt,
	"stc; std; mov $0x1111, %ax; int $0x60; interrupt_back: mov %ax, %bx; jmp 1f;"
	"interrupt_handler: mov %sp, %bp; mov (%bp), %cx; mov 2(%bp), %dx;"
	"mov 4(%bp), %si; pushf; pop %di; mov $0x2222, %ax; andw $0xfffe, 4(%bp); iret; 1:"
	"pushf; pop %bp; cld");
LABEL(interrupt_back);
LABEL(interrupt_handler);

static void int_goes_through_ivt_and_iret_returns(void)
{
	struct legacy l;

	LEGACY_REAL(&l, interrupt);
	IVT(0x60) = OFFSET(interrupt, interrupt_handler);
	l.eflags |= FLAGS_IF;
	legacy_run(&l);
	EXPECT(l.vector, DONE_VECTOR);
	EXPECT(l.gpr[EBX], 0x2222);
	EXPECT(l.gpr[ECX], OFFSET(interrupt, interrupt_back));
	EXPECT(l.gpr[EDX], 0);
	EXPECT(l.gpr[ESI] & (FLAGS_CF | FLAGS_DF | FLAGS_IF), FLAGS_CF | FLAGS_DF | FLAGS_IF);
	EXPECT(l.gpr[EDI] & FLAGS_IF, 0);
	EXPECT(l.gpr[EBP] & (FLAGS_CF | FLAGS_DF | FLAGS_IF), FLAGS_DF | FLAGS_IF);
	EXPECT(l.gpr[ESP], REAL_STACK);
}

CODE16_(real_divide, "mov $1, %ax; xor %dx, %dx; xor %cx, %cx; real_divide_at: div %cx");
LABEL(real_divide_at);
CODE16_(real_ud, "real_ud_at: ud2");
LABEL(real_ud_at);
CODE16_(real_into, "mov $0x7fff, %ax; inc %ax; into; real_into_at: nop");
LABEL(real_into_at);
CODE16_(real_bound, "movl $0x00090001, 0xb000; mov $10, %ax; real_bound_at: bound %ax, 0xb000");
LABEL(real_bound_at);
CODE16_(real_protected, "real_protected_at: lldt %ax");
LABEL(real_protected_at);

static void exceptions_have_no_error_code(void)
{
	struct legacy l = RUN(real_divide);

	EXPECT(l.vector, 0);
	EXPECT(l.eip, OFFSET(real_divide, real_divide_at));
	EXPECT(l.gpr[ESP], REAL_STACK);
	l = RUN(real_ud);
	EXPECT(l.vector, 6);
	EXPECT(l.eip, OFFSET(real_ud, real_ud_at));
	l = RUN(real_into);
	EXPECT(l.vector, 4);
	EXPECT(l.eip, OFFSET(real_into, real_into_at));
	l = RUN(real_bound);
	EXPECT(l.vector, 5);
	EXPECT(l.eip, OFFSET(real_bound, real_bound_at));
	l = RUN(real_protected);
	EXPECT(l.vector, 6);
}

CODE16_(bcd, "mov $0x1235, %ax; add $0x48, %al; daa; mov %al, %bl; mov $0x47, %al; sub $0x28, %al;"
	     "das; mov %al, %bh; mov $0x0009, %ax; add $8, %al; aaa; mov %ax, %cx;"
	     "mov $0x0203, %ax; sub $7, %al; aas; mov %ax, %dx; mov $9, %al; mov $8, %ah; mul %ah;"
	     "aam; mov %ax, %si; aad; mov %ax, %di; mov $77, %al; aam $8; mov %ax, %bp");

static void bcd_instructions_adjust(void)
{
	struct legacy l = RUN(bcd);

	EXPECT(l.gpr[EBX], 0x1983);
	EXPECT(l.gpr[ECX], 0x0107);
	EXPECT(l.gpr[EDX], 0x0106);
	EXPECT(l.gpr[ESI], 0x0702);
	EXPECT(l.gpr[EDI], 72);
	EXPECT(l.gpr[EBP], 9 << 8 | 5);
}

CODE16_(aam_zero, "mov $1, %al; aam_zero_at: aam $0");
LABEL(aam_zero_at);

static void aam_by_zero_de(void)
{
	struct legacy l = RUN(aam_zero);

	EXPECT(l.vector, 0);
	EXPECT(l.eip, OFFSET(aam_zero, aam_zero_at));
}

CODE16_(strings, "mov $0xb000, %si; mov $0xb100, %di; mov $0x10004, %ecx; mov $0x7777, %esi;"
		 "mov $0xb000, %si; rep movsw; mov $0xab, %al; mov $3, %cx; std; rep stosb; cld;"
		 "mov $0xb104, %di; mov $0x33, %al; mov $9, %cx; repne scasb; mov %cx, %bp");

static void strings_of_16_bits_count_in_cx(void)
{
	struct legacy l;

	for (unsigned int i = 0; i < 16; i++)
		BYTE(LEGACY_DATA + i) = (uint8_t)(0x30 + i);
	for (unsigned int i = 0; i < 32; i++)
		BYTE(LEGACY_DATA + 0x100 + i) = 0x33;
	l = RUN(strings);
	EXPECT(BYTE(LEGACY_DATA + 0x100), 0x30);
	EXPECT(BYTE(LEGACY_DATA + 0x105), 0x35);
	EXPECT(BYTE(LEGACY_DATA + 0x106), 0xab);
	EXPECT(BYTE(LEGACY_DATA + 0x108), 0xab);
	EXPECT(BYTE(LEGACY_DATA + 0x109), 0x33);
	EXPECT(l.gpr[EDI], 0xb10a);
	EXPECT(l.gpr[EBP], 3);
	EXPECT(l.gpr[ECX], 0x10003);
	EXPECT(l.gpr[ESI], 0xb008);
}

CODE16_(di_wraps, "mov $0x2000, %ax; mov %ax, %es; mov $0xfffe, %edi; mov $4, %cx; mov $0x77, %al;"
		  "rep stosb");

static void string_index_wraps_at_64_kib(void)
{
	struct legacy l;

	DWORD(0x20000) = 0;
	DWORD(0x2fffc) = 0;
	l = RUN(di_wraps);
	EXPECT(DWORD(0x20000), 0x7777);
	EXPECT(DWORD(0x2fffc), 0x77770000);
	EXPECT(l.gpr[EDI], 2);
}

CODE16_(loops, "mov $0x10003, %ecx; xor %ax, %ax; 1: inc %ax; loop 1b; mov %ecx, %ebx;"
	       "mov $0x10000, %ecx; jcxz 2f; mov $1, %dx; 2: jecxz 3f; or $2, %dx; 3:"
	       "mov $5, %cx; 4: inc %si; cmp $3, %si; loopne 4b; mov %cx, %di;"
	       "mov $3, %ecx; 5: inc %bp; addr32 loop 5b");

static void loops_count_by_address_size(void)
{
	struct legacy l = RUN(loops);

	EXPECT(l.gpr[EAX], 3);
	EXPECT(l.gpr[EBX], 0x10000);
	EXPECT(l.gpr[EDX], 2);
	EXPECT(l.gpr[EDI], 2);
	EXPECT(l.gpr[EBP], 3);
	EXPECT(l.gpr[ECX], 0);
}

CODE16_(pusha16, "mov $1, %ax; mov $2, %cx; mov $3, %dx; mov $4, %bx; mov $5, %bp; mov $6, %si;"
		 "mov $7, %di; pusha; mov %sp, %bp; mov 14(%bp), %ax; mov 6(%bp), %cx;"
		 "mov (%bp), %dx; mov %cx, 0xb000; movl $0x99aa, (%bp); popa");

static void pusha_and_popa(void)
{
	struct legacy l = RUN(pusha16);

	EXPECT(l.gpr[EAX], 1);
	EXPECT(l.gpr[EDI], 0x99aa);
	EXPECT(l.gpr[ESI], 0);
	EXPECT(l.gpr[EBP], 5);
	EXPECT(l.gpr[ESP], REAL_STACK);
	EXPECT(WORD(LEGACY_DATA), REAL_STACK);
}

CODE16_(far,
	"lcall $0xa00, $far_target - far; jmp 1f; far_target: mov %cs, %ax; mov %sp, %bp;"
	"mov (%bp), %cx; mov 2(%bp), %dx; lret; 1: mov %cs, %bx; push $4; lcall *0xb000;"
	"mov %sp, %di; jmp 2f; far_indirect: mov %cs, %si; lret $2; 2: ljmp $0x9ff, $3f - far + 16;"
	"3: mov %cs, %bp; ljmp $0, $4f - far + 0xa000; 4:");
LABEL(far_target);
LABEL(far_indirect);

static void far_calls_jumps_and_returns(void)
{
	struct legacy l;

	LEGACY_REAL(&l, far);
	WORD(0xb000) = (uint16_t)(far_indirect - far + 0x20);
	WORD(0xb002) = 0x9fe;
	legacy_run(&l);
	EXPECT(l.vector, DONE_VECTOR);
	EXPECT(l.gpr[EAX], 0xa00);
	EXPECT(l.gpr[ECX], LEGACY_CODE + 5);
	EXPECT(l.gpr[EDX], 0);
	EXPECT(l.gpr[EBX], 0);
	EXPECT(l.gpr[ESI], 0x9fe);
	EXPECT(l.gpr[EDI], REAL_STACK);
	EXPECT(l.gpr[EBP], 0x9ff);
	EXPECT(l.cs, 0);
}

CODE16_(flags,
	"pushl $0x3242d7; popfl; pushfl; popl %edi; push $0x7ed5; popf; pushf; pop %bx;"
	"pushw $2; popfw; mov $0xff, %ah; sahf; lahf; mov %ax, %cx; pushl $0; popfl; salc_: .byte 0xd6;"
	"mov %ax, %dx; stc; .byte 0xd6; mov %ax, %si");

static void flags_can_be_written(void)
{
	struct legacy l = RUN(flags);

	EXPECT(l.gpr[EDI] & 0x247fd7, 0x2042d7);
	EXPECT(l.gpr[EBX], 0x7ed7);
	EXPECT(l.gpr[ECX] >> 8 & 0xff, 0xd7);
	EXPECT(l.gpr[EDX] & 0xff, 0);
	EXPECT(l.gpr[ESI] & 0xff, 0xff);
}

CODE16_(stack_wraps, "mov $0x3000, %ax; mov %ax, %ss; mov $0x12340002, %esp; push $0x1111;"
		     "push $0x2222; mov %esp, %ebx; pop %cx; pop %dx; mov %esp, %esi;"
		     "xor %ax, %ax; mov %ax, %ss; mov $0x9000, %esp");

static void stack_pointer_wraps_at_64_kib(void)
{
	struct legacy l = RUN(stack_wraps);

	EXPECT(l.vector, DONE_VECTOR);
	EXPECT(l.gpr[EBX], 0x1234fffe);
	EXPECT(l.gpr[ESI], 0x12340002);
	EXPECT(l.gpr[ECX], 0x2222);
	EXPECT(l.gpr[EDX], 0x1111);
	EXPECT(WORD(0x3fffe), 0x2222);
}

CODE16_(pointers, "movw $0x1234, 0xb000; movw $0x5678, 0xb002; movw $0x9abc, 0xb004;"
		  "les 0xb000, %ax; mov %es, %cx; lfsl 0xb000, %edx; mov %fs, %bx;"
		  "lds 0xb000, %si; mov %ds, %di; push %es; pop %gs; mov %gs, %bp;"
		  "xor %ax, %ax; mov %ax, %ds");

static void far_pointers_load_segments(void)
{
	struct legacy l = RUN(pointers);

	EXPECT(l.gpr[ECX], 0x5678);
	EXPECT(l.gpr[EDX], 0x56781234);
	EXPECT(l.gpr[EBX], 0x9abc);
	EXPECT(l.gpr[ESI], 0x1234);
	EXPECT(l.gpr[EDI], 0x5678);
	EXPECT(l.gpr[EBP], 0x5678);
	EXPECT(l.gs, 0x5678);
}

CODE16_(step, "push $0x102; popf; step_at: nop; nop");
LABEL(step_at);

static void trap_flag_steps(void)
{
	struct legacy l = RUN(step);

	EXPECT(l.vector, 1);
	EXPECT(l.eip, OFFSET(step, step_at) + 1);
}

CODE16_(near32, "calll near32_target; jmp 1f; near32_target: popl %eax; pushl %eax; retl; 1:"
		"mov $near32_jump - near32 + 0xa000, %ebx; jmpl *%ebx; ud2; near32_jump: nop");
LABEL(near32_target);

static void near_transfers_of_32_bits(void)
{
	struct legacy l = RUN(near32);

	EXPECT(l.vector, DONE_VECTOR);
	EXPECT(l.gpr[EAX], LEGACY_CODE + 6);
}

CODE16_(sse_real,
	"movups 0xb000, %xmm0; paddd %xmm0, %xmm0; movups %xmm0, 0xb010; fld1; fadd %st(0);"
	"fistpl 0xb020; movd %xmm0, %eax");

static void vector_and_x87_in_real_mode(void)
{
	struct legacy l;

	for (unsigned int i = 0; i < 4; i++)
		DWORD(LEGACY_DATA + 4 * i) = i + 1;
	LEGACY_REAL(&l, sse_real);
	l.cr4 = CR4_OSFXSR;
	legacy_run(&l);
	EXPECT(l.vector, DONE_VECTOR);
	EXPECT(l.gpr[EAX], 2);
	EXPECT(DWORD(LEGACY_DATA + 0x1c), 8);
	EXPECT(DWORD(LEGACY_DATA + 0x20), 2);
}

CODE16_(xlat_enter, "mov $0xb000, %bx; movb $0x99, 0xb005; mov $5, %al; xlatb; enter $8, $0;"
		    "mov %sp, %cx; leave; mov %sp, %dx; smsw %si; push %sp; pop %di");

static void xlat_enter_leave_smsw(void)
{
	struct legacy l = RUN(xlat_enter);

	EXPECT(l.gpr[EAX], 0x99);
	EXPECT(l.gpr[ECX], REAL_STACK - 10);
	EXPECT(l.gpr[EDX], REAL_STACK);
	EXPECT(l.gpr[ESI] & 1, 0);
	EXPECT(l.gpr[EDI], REAL_STACK);
}

const struct test tests[] = {
	TEST(enter_real_mode_and_return),
	TEST(operand_sizes_16_and_32),
	TEST(addressing_forms_16_and_32),
	TEST(address_of_16_bits_wraps_in_segment),
	TEST(access_beyond_segment_limit_gp_or_ss),
	TEST(big_real_mode_reaches_4_gib),
	TEST(int_goes_through_ivt_and_iret_returns),
	TEST(exceptions_have_no_error_code),
	TEST(bcd_instructions_adjust),
	TEST(aam_by_zero_de),
	TEST(strings_of_16_bits_count_in_cx),
	TEST(string_index_wraps_at_64_kib),
	TEST(loops_count_by_address_size),
	TEST(pusha_and_popa),
	TEST(far_calls_jumps_and_returns),
	TEST(flags_can_be_written),
	TEST(stack_pointer_wraps_at_64_kib),
	TEST(far_pointers_load_segments),
	TEST(trap_flag_steps),
	TEST(near_transfers_of_32_bits),
	TEST(vector_and_x87_in_real_mode),
	TEST(xlat_enter_leave_smsw),
	{0},
};

const struct known known_tcg[] = {
	{"access_beyond_segment_limit_gp_or_ss", "no limit checks in real mode"},
	{0},
};
