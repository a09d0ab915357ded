// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM SYSCALL, SYSRET, SYSENTER, SYSEXIT, with Intel's rules. */
#include "tests.h"

#include "cpu/transfer.h"

static struct fixture *with_msrs(enum mode mode, unsigned int cpl)
{
	struct fixture *f = fixture_init(mode, cpl);

	f->cpu.msr.star = UINT64_C(0x0023001000000000);
	f->cpu.msr.lstar = 0xffffffff81000000;
	f->cpu.msr.sfmask = X86_EFLAGS_IF | X86_EFLAGS_TF | X86_EFLAGS_DF;
	f->cpu.msr.sysenter_cs = 0x60;
	f->cpu.msr.sysenter_eip = 0xffffffff82000000;
	f->cpu.msr.sysenter_esp = 0xffffffff83000000;
	return f;
}

static void assert_flat(const struct x86_segment *seg, uint16_t selector, unsigned int dpl)
{
	assert_int_equal(seg->selector, selector);
	assert_int_equal(seg->dpl, dpl);
	assert_int_equal(seg->base, 0);
	assert_int_equal(seg->limit, 0xffffffff);
	assert_true(seg->s && seg->present && !seg->unusable);
}

static void syscall_saves_and_loads(void **state)
{
	struct fixture *f = with_msrs(MODE_64BIT, 3);

	f->cpu.state.rflags |= X86_EFLAGS_DF | X86_EFLAGS_ZF;
	assert_int_equal(cpu_syscall(&f->cpu, CODE_RIP + 2), CPU_OK);
	assert_int_equal(f->cpu.state.gpr[X86_RCX], CODE_RIP + 2);
	assert_int_equal(f->cpu.state.gpr[11], 0x202 | X86_EFLAGS_DF | X86_EFLAGS_ZF);
	assert_int_equal(f->cpu.state.rflags, 2 | X86_EFLAGS_ZF);
	assert_int_equal(f->cpu.state.rip, 0xffffffff81000000);
	assert_int_equal(f->cpu.state.cpl, 0);
	assert_flat(&f->cpu.state.seg[X86_SEG_CS], 0x10, 0);
	assert_flat(&f->cpu.state.seg[X86_SEG_SS], 0x18, 0);
	assert_true(f->cpu.state.seg[X86_SEG_CS].l && !f->cpu.state.seg[X86_SEG_CS].db);
}

/* Intel: 64-bit mode and EFER.SCE, else #UD; compatibility mode has no SYSCALL. */
static void syscall_and_sysret_elsewhere_ud(void **state)
{
	static const enum mode modes[] = {MODE_REAL, MODE_PROTECTED, MODE_COMPAT};

	for (unsigned int m = 0; m < ARRAY_SIZE(modes); m++) {
		struct fixture *f = with_msrs(modes[m], 0);

		f->cpu.state.efer |= EFER_SCE;
		fixture_save(f);
		assert_plain_fault(f, cpu_syscall(&f->cpu, 0), UD_VECTOR);
		assert_plain_fault(f, cpu_sysret(&f->cpu, true), UD_VECTOR);
		fixture_assert_unchanged(f);
	}
	struct fixture *f = with_msrs(MODE_64BIT, 0);

	f->cpu.state.efer &= ~EFER_SCE;
	assert_plain_fault(f, cpu_syscall(&f->cpu, 0), UD_VECTOR);
	assert_plain_fault(f, cpu_sysret(&f->cpu, false), UD_VECTOR);
}

static void sysret_returns_to_64bit_and_32bit(void **state)
{
	for (unsigned int wide = 0; wide < 2; wide++) {
		struct fixture *f = with_msrs(MODE_64BIT, 0);

		f->cpu.state.gpr[X86_RCX] = 0x7fff12345678;
		f->cpu.state.gpr[11] = UINT64_MAX;
		assert_int_equal(cpu_sysret(&f->cpu, wide), CPU_OK);
		assert_int_equal(f->cpu.state.rip, wide ? 0x7fff12345678 : 0x12345678);
		assert_int_equal(f->cpu.state.rflags, 0x3c7fd7);
		assert_flat(&f->cpu.state.seg[X86_SEG_CS], wide ? 0x33 : 0x23, 3);
		assert_flat(&f->cpu.state.seg[X86_SEG_SS], 0x2b, 3);
		assert_int_equal(f->cpu.state.cpl, 3);
		assert_int_equal(x86_is_64bit(&f->cpu.state), wide);
	}
}

/* Intel raises #GP while still at CPL 0; SYSRET to 32 bits does not ask. */
static void sysret_rcx_not_canonical_gp_at_cpl0(void **state)
{
	struct fixture *f = with_msrs(MODE_64BIT, 0);

	f->cpu.state.gpr[X86_RCX] = 0x800000000000;
	fixture_save(f);
	assert_fault(f, cpu_sysret(&f->cpu, true), GP_VECTOR, 0);
	fixture_assert_unchanged(f);
	assert_int_equal(cpu_sysret(&f->cpu, false), CPU_OK);
	f = with_msrs(MODE_64BIT, 3);
	assert_fault(f, cpu_sysret(&f->cpu, true), GP_VECTOR, 0);
}

static void sysenter_by_mode(void **state)
{
	struct fixture *f = with_msrs(MODE_64BIT, 3);

	assert_int_equal(cpu_sysenter(&f->cpu), CPU_OK);
	assert_int_equal(f->cpu.state.rip, 0xffffffff82000000);
	assert_int_equal(f->cpu.state.gpr[X86_RSP], 0xffffffff83000000);
	assert_int_equal(f->cpu.state.rflags, 2);
	assert_flat(&f->cpu.state.seg[X86_SEG_CS], 0x60, 0);
	assert_flat(&f->cpu.state.seg[X86_SEG_SS], 0x68, 0);
	assert_true(f->cpu.state.seg[X86_SEG_CS].l);

	f = with_msrs(MODE_PROTECTED, 3);
	assert_int_equal(cpu_sysenter(&f->cpu), CPU_OK);
	assert_int_equal(f->cpu.state.rip, 0x82000000);
	assert_true(f->cpu.state.seg[X86_SEG_CS].db && !f->cpu.state.seg[X86_SEG_CS].l);
}

static void sysenter_and_sysexit_refused_gp(void **state)
{
	struct fixture *f = with_msrs(MODE_REAL, 0);

	assert_fault(f, cpu_sysenter(&f->cpu), GP_VECTOR, 0);
	assert_fault(f, cpu_sysexit(&f->cpu, false), GP_VECTOR, 0);
	f = with_msrs(MODE_PROTECTED, 0);
	f->cpu.msr.sysenter_cs = 3;
	fixture_save(f);
	assert_fault(f, cpu_sysenter(&f->cpu), GP_VECTOR, 0);
	assert_fault(f, cpu_sysexit(&f->cpu, false), GP_VECTOR, 0);
	fixture_assert_unchanged(f);
	f = with_msrs(MODE_64BIT, 1);
	assert_fault(f, cpu_sysexit(&f->cpu, true), GP_VECTOR, 0);
	for (unsigned int reg = X86_RCX; reg <= X86_RDX; reg++) {
		f = with_msrs(MODE_64BIT, 0);
		f->cpu.state.gpr[reg] = 0x800000000000;
		assert_fault(f, cpu_sysexit(&f->cpu, true), GP_VECTOR, 0);
		assert_int_equal(cpu_sysexit(&f->cpu, false), CPU_OK);
	}
}

static void sysexit_by_operand_size(void **state)
{
	for (unsigned int wide = 0; wide < 2; wide++) {
		struct fixture *f = with_msrs(MODE_64BIT, 0);

		f->cpu.state.gpr[X86_RDX] = 0x7fff12345678;
		f->cpu.state.gpr[X86_RCX] = 0x7fff87654320;
		assert_int_equal(cpu_sysexit(&f->cpu, wide), CPU_OK);
		assert_int_equal(f->cpu.state.rip, wide ? 0x7fff12345678 : 0x12345678);
		assert_int_equal(f->cpu.state.gpr[X86_RSP], wide ? 0x7fff87654320 : 0x87654320);
		assert_flat(&f->cpu.state.seg[X86_SEG_CS], wide ? 0x83 : 0x73, 3);
		assert_flat(&f->cpu.state.seg[X86_SEG_SS], wide ? 0x8b : 0x7b, 3);
	}
}

const struct CMUnitTest syscall_tests[] = {
	cmocka_unit_test(syscall_saves_and_loads),
	cmocka_unit_test(syscall_and_sysret_elsewhere_ud),
	cmocka_unit_test(sysret_returns_to_64bit_and_32bit),
	cmocka_unit_test(sysret_rcx_not_canonical_gp_at_cpl0),
	cmocka_unit_test(sysenter_by_mode),
	cmocka_unit_test(sysenter_and_sysexit_refused_gp),
	cmocka_unit_test(sysexit_by_operand_size),
};
const size_t syscall_test_count = ARRAY_SIZE(syscall_tests);
