// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM IRET/IRETD/IRETQ: every direction, what may come back in RFLAGS, and the refusals. */
#include "tests.h"

#include "cpu/transfer.h"

struct frame {
	uint64_t rip, cs, rflags, rsp, ss;
};

static unsigned int width_of(enum mode mode)
{
	return mode == MODE_64BIT ? 8 : mode == MODE_REAL ? 2 : 4;
}

static void push_frame(struct fixture *f, const struct frame *frame, bool with_stack,
		       unsigned int width)
{
	if (with_stack) {
		push_stack(f, frame->ss, width);
		push_stack(f, frame->rsp, width);
	}
	push_stack(f, frame->rflags, width);
	push_stack(f, frame->cs, width);
	push_stack(f, frame->rip, width);
}

static uint16_t code_sel(enum mode mode, unsigned int dpl)
{
	return (uint16_t)((mode == MODE_64BIT ? SEL(GDT_CODE64, dpl) : SEL(GDT_CODE, dpl)) | dpl);
}

static void returns_to_every_outer_privilege(void **state)
{
	static const enum mode modes[] = {MODE_PROTECTED, MODE_COMPAT, MODE_64BIT};

	for (unsigned int m = 0; m < ARRAY_SIZE(modes); m++)
		for (unsigned int cpl = 0; cpl < 4; cpl++)
			for (unsigned int rpl = 0; rpl < 4; rpl++) {
				struct fixture *f = fixture_init(modes[m], cpl);
				bool with_stack = rpl > cpl || modes[m] == MODE_64BIT;
				struct frame frame = {0x7654, code_sel(modes[m], rpl), 0x246,
						      0x3210, SEL(GDT_DATA, rpl) | rpl};
				uint64_t rsp = f->cpu.state.gpr[X86_RSP];
				enum cpu_result res;

				push_frame(f, &frame, with_stack, width_of(modes[m]));
				fixture_save(f);
				res = cpu_iret(&f->cpu, width_of(modes[m]));
				if (rpl < cpl) {
					assert_fault(f, res, GP_VECTOR, (uint32_t)frame.cs & ~3u);
					fixture_assert_unchanged(f);
					continue;
				}
				assert_int_equal(res, CPU_OK);
				assert_int_equal(f->cpu.state.cpl, rpl);
				assert_int_equal(f->cpu.state.rip, 0x7654);
				assert_int_equal(f->cpu.state.seg[X86_SEG_CS].selector, frame.cs);
				assert_int_equal(f->cpu.state.gpr[X86_RSP],
						 with_stack ? 0x3210 : rsp);
			}
}

/* From 64-bit mode to 32-bit compatibility code, which truncates RIP. */
static void iretq_to_compatibility_code(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 0);
	struct frame frame = {0x100007654, SEL(GDT_CODE, 3) | 3, 0x202, 0x100003210,
			      SEL(GDT_DATA, 3) | 3};

	push_frame(f, &frame, true, 8);
	assert_int_equal(cpu_iret(&f->cpu, 8), CPU_OK);
	assert_false(f->cpu.state.seg[X86_SEG_CS].l);
	assert_int_equal(f->cpu.state.rip, 0x7654);
	assert_int_equal(f->cpu.state.gpr[X86_RSP], 0x3210);
}

/* SDM "Stack Size Attribute": a 16-bit stack takes SP alone; the kernel's upper half shows. */
static void iret_to_16bit_stack_keeps_upper_esp(void **state)
{
	struct fixture *f = fixture_init(MODE_PROTECTED, 0);
	struct frame frame = {0x7654, SEL(GDT_CODE, 3) | 3, 0x202, 0xaaaa3210, SEL_FREE | 3};

	gdt_set(f, SEL_FREE, make_descriptor(0, 0xffff, 0xf3, 0));
	push_frame(f, &frame, true, 4);
	assert_int_equal(cpu_iret(&f->cpu, 4), CPU_OK);
	assert_int_equal(f->cpu.state.gpr[X86_RSP], 0x3210 | ((STACK0 - 0x800) & 0xffff0000));
}

struct refusal {
	const char *what;
	struct frame frame;
	void (*spoil)(struct fixture *f);
	enum x86_vector vector;
	uint32_t error_code;
};

static void code_absent(struct fixture *f)
{
	gdt_set(f, SEL(GDT_CODE64, 3), gdt_get(f, SEL(GDT_CODE64, 3)) & ~BIT64(47));
}

static void code_big(struct fixture *f)
{
	gdt_set(f, SEL(GDT_CODE64, 3), gdt_get(f, SEL(GDT_CODE64, 3)) | BIT64(54));
}

static void stack_absent(struct fixture *f)
{
	gdt_set(f, SEL(GDT_DATA, 3), gdt_get(f, SEL(GDT_DATA, 3)) & ~BIT64(47));
}

static void stack_read_only(struct fixture *f)
{
	gdt_set(f, SEL(GDT_DATA, 3), gdt_get(f, SEL(GDT_DATA, 3)) & ~BIT64(41));
}

static void nested_task(struct fixture *f)
{
	f->cpu.state.rflags |= X86_EFLAGS_NT;
}

static void stack_page_gone(struct fixture *f)
{
	f->not_present[f->cpu.state.gpr[X86_RSP] >> 12] = true;
}

static void rsp_not_canonical(struct fixture *f)
{
	f->cpu.state.gpr[X86_RSP] = 0x800000000000;
}

#define C3 (SEL(GDT_CODE64, 3) | 3)
#define D3 (SEL(GDT_DATA, 3) | 3)

static const struct refusal refusals[] = {
	{"null CS", {0, 3, 2, 0, D3}, NULL, GP_VECTOR, 0},
	{"CS outside", {0, 0xffb, 2, 0, D3}, NULL, GP_VECTOR, 0xff8},
	{"CS is data", {0, D3, 2, 0, D3}, NULL, GP_VECTOR, D3 & ~3},
	{"CS.DPL != RPL",
	 {0, SEL(GDT_CODE64, 2) | 3, 2, 0, D3},
	 NULL,
	 GP_VECTOR,
	 SEL(GDT_CODE64, 2)},
	{"conforming CS.DPL > RPL",
	 {0, SEL(GDT_CONFORMING, 3) | 2, 2, 0, D3},
	 NULL,
	 GP_VECTOR,
	 SEL(GDT_CONFORMING, 3)},
	{"CS absent", {0, C3, 2, 0, D3}, code_absent, NP_VECTOR, C3 & ~3},
	{"CS.L and CS.D", {0, C3, 2, 0, D3}, code_big, GP_VECTOR, C3 & ~3},
	{"null SS at CPL 3", {0, C3, 2, 0, 0}, NULL, GP_VECTOR, 0},
	{"null SS to 32-bit code", {0, SEL(GDT_CODE, 2) | 2, 2, 0, 2}, NULL, GP_VECTOR, 0},
	{"SS outside", {0, C3, 2, 0, 0xffb}, NULL, GP_VECTOR, 0xff8},
	{"SS.RPL", {0, C3, 2, 0, SEL(GDT_DATA, 3) | 2}, NULL, GP_VECTOR, SEL(GDT_DATA, 3)},
	{"SS.DPL", {0, C3, 2, 0, SEL(GDT_DATA, 2) | 3}, NULL, GP_VECTOR, SEL(GDT_DATA, 2)},
	{"SS read-only", {0, C3, 2, 0, D3}, stack_read_only, GP_VECTOR, D3 & ~3},
	{"SS absent", {0, C3, 2, 0, D3}, stack_absent, SS_VECTOR, D3 & ~3},
	{"RIP not canonical", {0x800000000000, C3, 2, 0, D3}, NULL, GP_VECTOR, 0},
	{"NT", {0, C3, 2, 0, D3}, nested_task, GP_VECTOR, 0},
	{"stack page", {0, C3, 2, 0, D3}, stack_page_gone, PF_VECTOR, 0},
	{"RSP", {0, C3, 2, 0, D3}, rsp_not_canonical, SS_VECTOR, 0},
};

static void every_refusal_changes_only_nmi_blocking(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct fixture *f = fixture_init(MODE_64BIT, 0);

		push_frame(f, &refusals[i].frame, true, 8);
		if (refusals[i].spoil)
			refusals[i].spoil(f);
		fixture_save(f);
		f->cpu.events.nmi.blocked = true;
		assert_fault(f, cpu_iret(&f->cpu, 8), refusals[i].vector, refusals[i].error_code);
		fixture_assert_unchanged(f);
	}
}

static void null_ss_to_inner_64bit_code_is_allowed(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 0);
	struct frame frame = {0x7654, SEL(GDT_CODE64, 1) | 1, 0x202, 0x3210, 1};

	push_frame(f, &frame, true, 8);
	assert_int_equal(cpu_iret(&f->cpu, 8), CPU_OK);
	assert_true(f->cpu.state.seg[X86_SEG_SS].unusable);
	assert_int_equal(f->cpu.state.seg[X86_SEG_SS].dpl, 1);
}

static void virtual_8086_image_gp(void **state)
{
	struct fixture *f = fixture_init(MODE_PROTECTED, 0);
	struct frame frame = {0, SEL(GDT_CODE, 0), X86_EFLAGS_VM | 2, 0, 0};

	push_frame(f, &frame, false, 4);
	fixture_save(f);
	assert_fault(f, cpu_iret(&f->cpu, 4), GP_VECTOR, 0);
	fixture_assert_unchanged(f);
	/* 64-bit mode ignores the bit. */
	f = fixture_init(MODE_64BIT, 0);
	frame = (struct frame){0, C3, X86_EFLAGS_VM | 2, 0x100, D3};
	push_frame(f, &frame, true, 8);
	assert_int_equal(cpu_iret(&f->cpu, 8), CPU_OK);
	assert_int_equal(f->cpu.state.rflags, 2);
}

/* SDM IRET: IOPL by CPL 0 alone, IF by CPL <= IOPL, VIF and VIP by CPL 0, never RF by 16 bits. */
static void flags_follow_privilege(void **state)
{
	for (unsigned int cpl = 0; cpl < 4; cpl++)
		for (unsigned int iopl = 0; iopl < 4; iopl++) {
			struct fixture *f = fixture_init(MODE_PROTECTED, cpl);
			struct frame frame = {0, code_sel(MODE_PROTECTED, cpl), 0xfffdffff, 0, 0};

			uint64_t want = 0xcd5 | 0x2 | 0x100 | 0x4000; /* free flags and NT */

			want |= X86_EFLAGS_RF | X86_EFLAGS_AC | X86_EFLAGS_ID;
			if (cpl <= iopl)
				want |= X86_EFLAGS_IF;
			want |= cpl == 0 ? X86_EFLAGS_IOPL | X86_EFLAGS_VIF | X86_EFLAGS_VIP
					 : iopl << 12;
			f->cpu.state.rflags = 2 | iopl << 12;
			push_frame(f, &frame, false, 4);
			assert_int_equal(cpu_iret(&f->cpu, 4), CPU_OK);
			assert_int_equal(f->cpu.state.rflags, want);

			f = fixture_init(MODE_PROTECTED, cpl);
			f->cpu.state.rflags = 2 | iopl << 12;
			push_frame(f, &frame, false, 2);
			assert_int_equal(cpu_iret(&f->cpu, 2), CPU_OK);
			assert_int_equal(f->cpu.state.rflags, want & 0xffff);
		}
}

/* SDM IRET "RETURN-TO-OUTER-PRIVILEGE-LEVEL": data segments of the inner level are dropped. */
static void outward_drops_inner_data_segments(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 0);
	struct frame frame = {0x7654, C3, 0x202, 0x3210, D3};

	assert_int_equal(cpu_load_segment(&f->cpu, X86_SEG_ES, SEL(GDT_DATA, 3)), CPU_OK);
	assert_int_equal(cpu_load_segment(&f->cpu, X86_SEG_FS, SEL(GDT_CONFORMING, 0)), CPU_OK);
	assert_int_equal(cpu_load_segment(&f->cpu, X86_SEG_GS, 0), CPU_OK);
	f->cpu.state.seg[X86_SEG_GS].base = 0x1234;
	push_frame(f, &frame, true, 8);
	assert_int_equal(cpu_iret(&f->cpu, 8), CPU_OK);
	assert_int_equal(f->cpu.state.seg[X86_SEG_ES].selector, SEL(GDT_DATA, 3));
	assert_false(f->cpu.state.seg[X86_SEG_ES].unusable);
	assert_int_equal(f->cpu.state.seg[X86_SEG_FS].selector, SEL(GDT_CONFORMING, 0));
	assert_true(f->cpu.state.seg[X86_SEG_DS].unusable);
	assert_int_equal(f->cpu.state.seg[X86_SEG_DS].selector, 0);
	/* A base loaded by MSR survives. */
	assert_int_equal(f->cpu.state.seg[X86_SEG_GS].base, 0x1234);
}

static void real_mode_pops_three(void **state)
{
	struct fixture *f = fixture_init(MODE_REAL, 0);
	struct frame frame = {0x7654, 0x1234, 0x0fd7, 0, 0};
	uint64_t rsp = f->cpu.state.gpr[X86_RSP];

	push_frame(f, &frame, false, 2);
	assert_int_equal(cpu_iret(&f->cpu, 2), CPU_OK);
	assert_int_equal(f->cpu.state.rip, 0x7654);
	assert_int_equal(f->cpu.state.seg[X86_SEG_CS].base, 0x12340);
	assert_int_equal(f->cpu.state.rflags, 0x0fd7);
	assert_int_equal(f->cpu.state.gpr[X86_RSP], rsp);

	/* SDM IRET: 32 bits keep VM, VIF and VIP as they were, and want EIP inside the segment. */
	f = fixture_init(MODE_REAL, 0);
	f->cpu.state.rflags = 2 | X86_EFLAGS_VIF;
	frame = (struct frame){0x7654, 0x1234, X86_EFLAGS_VM | X86_EFLAGS_VIP | X86_EFLAGS_AC, 0,
			       0};
	push_frame(f, &frame, false, 4);
	assert_int_equal(cpu_iret(&f->cpu, 4), CPU_OK);
	assert_int_equal(f->cpu.state.rflags, 2 | X86_EFLAGS_VIF | X86_EFLAGS_AC);
	frame.rip = 0x10000;
	push_frame(f, &frame, false, 4);
	assert_fault(f, cpu_iret(&f->cpu, 4), GP_VECTOR, 0);
}

static void misaligned_stack_at_cpl3_ac(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 3);
	struct frame frame = {0x7654, C3, 0x202, 0x3210, D3};

	f->cpu.state.gpr[X86_RSP] -= 4;
	push_frame(f, &frame, true, 8);
	f->cpu.state.cr0 |= X86_CR0_AM;
	f->cpu.state.rflags |= X86_EFLAGS_AC;
	assert_fault(f, cpu_iret(&f->cpu, 8), AC_VECTOR, 0);
	f->cpu.state.rflags &= ~X86_EFLAGS_AC;
	assert_int_equal(cpu_iret(&f->cpu, 8), CPU_OK);
}

const struct CMUnitTest iret_tests[] = {
	cmocka_unit_test(returns_to_every_outer_privilege),
	cmocka_unit_test(iretq_to_compatibility_code),
	cmocka_unit_test(iret_to_16bit_stack_keeps_upper_esp),
	cmocka_unit_test(every_refusal_changes_only_nmi_blocking),
	cmocka_unit_test(null_ss_to_inner_64bit_code_is_allowed),
	cmocka_unit_test(virtual_8086_image_gp),
	cmocka_unit_test(flags_follow_privilege),
	cmocka_unit_test(outward_drops_inner_data_segments),
	cmocka_unit_test(real_mode_pops_three),
	cmocka_unit_test(misaligned_stack_at_cpl3_ac),
};
const size_t iret_test_count = ARRAY_SIZE(iret_tests);
