// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Segment registers in 64-bit mode, LAR, LSL, VERR, VERW, LDT and TSS: what loads
 * refuse, which descriptors they mark.
 */
#include "lib/guest.h"
#include "lib/instr.h"
#include "lib/paging.h"

#define DATA      UINT64_C(0x00cf92000000ffff)
#define DATA_RO   UINT64_C(0x00cf90000000ffff)
#define CODE_X    UINT64_C(0x00af98000000ffff) /* not readable */
#define CODE_CONF UINT64_C(0x00af9e000000ffff)
#define DPL3      (UINT64_C(3) << 45)

CODE(load_ds, "mov %eax, %ds");
CODE(load_ss, "mov %eax, %ss");
CODE(load_tr, "ltr %ax");
CODE(load_ldt, "lldt %ax; str %ebx; sldt %ecx");
CODE(queries,
     "lar %eax, %ebx; setz %r8b; lsl %eax, %ecx; setz %r9b; verr %ax; setz %r10b; verw %ax; setz %r11b");

static struct state run_with(const char *code, uint64_t rax, bool user)
{
	struct state s;

	if (user)
		state_user(&s, code);
	else
		state_kernel(&s, code);
	s.gpr[RAX] = rax;
	run(&s);
	return s;
}

static void load_marks_descriptor_accessed(void)
{
	struct state s;

	gdt[GDT_FREE / 8] = DATA;
	s = run_with(load_ds, GDT_FREE, false);
	EXPECT_DONE(s);
	EXPECT(gdt[GDT_FREE / 8], DATA | UINT64_C(1) << 40);
}

static void load_ds_refuses_code_and_inner_data(void)
{
	struct state s;

	gdt[GDT_FREE / 8] = CODE_X;
	s = run_with(load_ds, GDT_FREE, false);
	EXPECT(s.vector, 13);
	EXPECT(s.error, GDT_FREE);
	s = run_with(load_ds, KERNEL_DS | 3, true);
	EXPECT(s.vector, 13);
	EXPECT(s.error, KERNEL_DS);
	gdt[GDT_FREE / 8] = CODE_CONF;
	s = run_with(load_ds, GDT_FREE | 3, true);
	EXPECT_DONE(s);
	s = run_with(load_ds, TSS64, false);
	EXPECT(s.vector, 13);
	s = run_with(load_ds, 3, false);
	EXPECT_DONE(s);
	s = run_with(load_ds, GDT_ENTRIES * 8, false);
	EXPECT(s.vector, 13);
	EXPECT(s.error, GDT_ENTRIES * 8);
	s = run_with(load_ds, 4, false);
	EXPECT(s.vector, 13);
	EXPECT(s.error, 4);
}

static void load_ss_takes_writable_data_of_its_level(void)
{
	struct state s;

	gdt[GDT_FREE / 8] = DATA_RO;
	s = run_with(load_ss, GDT_FREE, false);
	EXPECT(s.vector, 13);
	EXPECT(s.error, GDT_FREE);
	s = run_with(load_ss, USER_DS, false);
	EXPECT(s.vector, 13);
	s = run_with(load_ss, 0, false);
	EXPECT_DONE(s);
	EXPECT(s.ss, 0);
}

static void ltr_marks_busy_and_refuses_busy(void)
{
	struct state s;

	SKIP_UNLESS(platform() != PLATFORM_TCG, "TCG loads a null TR, and ends");
	s = run_with(load_tr, TSS64, false);
	EXPECT(s.vector, 13);
	EXPECT(s.error, TSS64);
	tss_load();
	EXPECT(gdt[TSS64 / 8] >> 40 & 15, 0xb);
	s = run_with(load_tr, 0, false);
	EXPECT(s.vector, 13);
	EXPECT(s.error, 0);
	gdt[TSS64 / 8] &= ~(UINT64_C(1) << 47);
	gdt[TSS64 / 8] &= ~(UINT64_C(2) << 40);
	s = run_with(load_tr, TSS64, false);
	EXPECT(s.vector, 11);
	EXPECT(s.error, TSS64);
	tss_load();
}

static void ldt_selectors_are_looked_up_in_the_ldt(void)
{
	uint64_t *ldt = page_alloc(1);
	struct state s;

	gdt[GDT_FREE / 8] = 0x0000820000000fff | ((uint64_t)ldt & 0xffffff) << 16 |
			    ((uint64_t)ldt >> 24 & 0xff) << 56;
	gdt[GDT_FREE / 8 + 1] = 0;
	s = run_with(load_ldt, GDT_FREE, false);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RBX], TSS64);
	EXPECT(s.gpr[RCX], GDT_FREE);
	ldt[3] = DATA;
	s = run_with(load_ds, 3 * 8 | 4, false);
	EXPECT_DONE(s);
	EXPECT(ldt[3], DATA | UINT64_C(1) << 40);
	s = run_with(load_ldt, KERNEL_DS, false);
	EXPECT(s.vector, 13);
	EXPECT(s.error, KERNEL_DS);
}

struct answer {
	uint32_t rights, limit;
	bool lar, lsl, verr, verw;
};

static void expect_answer(uint64_t selector, bool user, struct answer want)
{
	struct state s = run_with(queries, selector, user);

	EXPECT_DONE(s);
	EXPECT(s.gpr[R8] & 1, want.lar);
	EXPECT(s.gpr[R9] & 1, want.lsl);
	EXPECT(s.gpr[R10] & 1, want.verr);
	EXPECT(s.gpr[R11] & 1, want.verw);
	/* Bits 16 to 19 are undefined. */
	EXPECT(s.gpr[RBX] & 0xf0ff00, want.rights);
	EXPECT(s.gpr[RCX], want.limit);
}

static void lar_lsl_verr_verw_answer_as_documented(void)
{
	expect_answer(KERNEL_DS, false, (struct answer){0xc09300, ~0u, 1, 1, 1, 1});
	expect_answer(KERNEL_CS, false, (struct answer){0xa09b00, ~0u, 1, 1, 1, 0});
	expect_answer(KERNEL_DS | 3, false, (struct answer){0});
	expect_answer(KERNEL_DS, true, (struct answer){0});
	expect_answer(USER_DS, true, (struct answer){0xc0f300, ~0u, 1, 1, 1, 1});
	expect_answer(0, false, (struct answer){0});
	expect_answer(0x1f8, false, (struct answer){0});
	expect_answer(0x3f8, false, (struct answer){0});
	gdt[GDT_FREE / 8] = CODE_X;
	expect_answer(GDT_FREE, false, (struct answer){0xa09800, ~0u, 1, 1, 0, 0});
	gdt[GDT_FREE / 8] = CODE_CONF;
	expect_answer(GDT_FREE | 3, true, (struct answer){0xa09e00, ~0u, 1, 1, 1, 0});
	expect_answer(TSS64, false, (struct answer){0x008b00, sizeof(tss) - 1, 1, 1, 0, 0});
}

static void bases_of_fs_and_gs_count_in_64_bit_mode(void)
{
	uint64_t *page = page_alloc(1);

	page[0] = 0x1111;
	page[1] = 0x2222;
	gdt[GDT_FREE / 8] = 0x0040f20000000000 | ((uint64_t)page & 0xffffff) << 16 |
			    ((uint64_t)page >> 24 & 0xff) << 56;
	asm volatile("mov %0, %%fs" ::"r"(GDT_FREE | 3));
	EXPECT(rdmsr(MSR_FS_BASE), (uint64_t)page);
	{
		uint64_t value;

		asm volatile("mov %%fs:8, %0" : "=r"(value));
		EXPECT(value, 0x2222);
		/* The base of DS does not count, nor the limit of FS. */
		asm volatile("mov %%fs:0, %0" : "=r"(value));
		EXPECT(value, 0x1111);
		wrmsr(MSR_GS_BASE, UINT64_C(0xffffffffffffff00));
		asm volatile("mov %%gs:(%1), %0" : "=r"(value) : "r"((uint64_t)page + 0x100));
		EXPECT(value, 0x1111);
	}
}

/* 32-bit code: the sum of base and offset wraps at 4 GiB, in 64-bit mode it does not. */
CODE32(wraps, "mov $0x6b, %eax; mov %eax, %es; mov %es:0x1010(%ebx), %ecx");

static void linear_address_wraps_at_4_gib_in_compatibility_mode(void)
{
	uint32_t *page = page_alloc(1);
	struct state s;

	page[4] = 0x5555;
	gdt[GDT_FREE / 8] = UINT64_C(0xffcff3fff000ffff);
	state_user32(&s, wraps);
	s.gpr[RBX] = user_address(page);
	run(&s);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RCX], 0x5555);
}

const struct test tests[] = {
	TEST(load_marks_descriptor_accessed),
	TEST(load_ds_refuses_code_and_inner_data),
	TEST(load_ss_takes_writable_data_of_its_level),
	TEST(ltr_marks_busy_and_refuses_busy),
	TEST(ldt_selectors_are_looked_up_in_the_ldt),
	TEST(lar_lsl_verr_verw_answer_as_documented),
	TEST(bases_of_fs_and_gs_count_in_64_bit_mode),
	TEST(linear_address_wraps_at_4_gib_in_compatibility_mode),
	{0},
};

const struct known known_tcg[] = {{0}};
