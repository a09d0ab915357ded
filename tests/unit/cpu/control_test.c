// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "Control Registers", MOV to CR, LMSW, XSETBV and IA32_EFER. */
#include "tests.h"

#include "cpu/control.h"

#define CR4_ALL                                                                                \
	(X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE | X86_CR4_PAE | X86_CR4_MCE | X86_CR4_PGE |    \
	 X86_CR4_PCE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_UMIP | X86_CR4_FSGSBASE | \
	 X86_CR4_PCIDE | X86_CR4_OSXSAVE | X86_CR4_SMEP | X86_CR4_SMAP)
#define CR0_PROTECTED (X86_CR0_PE | X86_CR0_ET)

static struct fixture *with_features(enum mode mode)
{
	struct fixture *f = fixture_init(mode, 0);

	f->cpu.features.cr4_allowed = CR4_ALL;
	f->cpu.features.efer_allowed = EFER_SCE | EFER_LME | EFER_NX;
	f->cpu.features.xcr0_allowed = 0xe7;
	f->cpu.features.xgetbv1 = true;
	f->cpu.features.phys_bits = 40;
	return f;
}

static void assert_cr_gp(struct fixture *f, unsigned int n, uint64_t value)
{
	fixture_save(f);
	assert_fault(f, cpu_mov_to_cr(&f->cpu, n, value), GP_VECTOR, 0);
	fixture_assert_unchanged(f);
}

static void assert_cr_ok(struct fixture *f, unsigned int n, uint64_t value)
{
	assert_int_equal(cpu_mov_to_cr(&f->cpu, n, value), CPU_OK);
}

static void mov_cr_unknown_ud_and_cpl_gp(void **state)
{
	static const unsigned int numbers[] = {0, 2, 3, 4, 8};
	struct fixture *f = with_features(MODE_64BIT);
	uint64_t value;

	for (unsigned int n = 0; n < 16; n++)
		if (n != 0 && n != 2 && n != 3 && n != 4 && n != 8) {
			assert_plain_fault(f, cpu_mov_to_cr(&f->cpu, n, 0), UD_VECTOR);
			assert_plain_fault(f, cpu_mov_from_cr(&f->cpu, n, &value), UD_VECTOR);
		}
	f->cpu.state.cpl = 1;
	for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++) {
		assert_cr_gp(f, numbers[i], 0);
		assert_fault(f, cpu_mov_from_cr(&f->cpu, numbers[i], &value), GP_VECTOR, 0);
	}
	assert_fault(f, cpu_lmsw(&f->cpu, 0), GP_VECTOR, 0);
	assert_fault(f, cpu_clts(&f->cpu), GP_VECTOR, 0);
}

static void cr0_combinations(void **state)
{
	struct fixture *f = with_features(MODE_PROTECTED);

	assert_cr_gp(f, 0, X86_CR0_PG);
	assert_cr_gp(f, 0, X86_CR0_PE | X86_CR0_NW);
	assert_cr_ok(f, 0, X86_CR0_PE | X86_CR0_NW | X86_CR0_CD);
	/* Undefined bits are dropped, ET stays. */
	assert_cr_ok(f, 0, X86_CR0_PE | 0x1000ffc0);
	assert_int_equal(f->cpu.state.cr0, CR0_PROTECTED);
	f = with_features(MODE_64BIT);
	assert_cr_gp(f, 0, f->cpu.state.cr0 | BIT64(32));
	/* SDM: PG cannot be cleared in 64-bit mode, nor with PCIDE. */
	assert_cr_gp(f, 0, CR0_PROTECTED);
	f = with_features(MODE_COMPAT);
	f->cpu.state.cr4 |= X86_CR4_PCIDE;
	assert_cr_gp(f, 0, CR0_PROTECTED);
}

/* SDM "Initializing IA-32e Mode". */
static void cr0_pg_with_lme_enters_and_leaves_long_mode(void **state)
{
	struct fixture *f = with_features(MODE_PROTECTED);

	f->cpu.state.efer = EFER_LME;
	assert_cr_gp(f, 0, CR0_PROTECTED | X86_CR0_PG);
	f->cpu.state.cr4 = X86_CR4_PAE;
	f->cpu.state.seg[X86_SEG_CS].l = true;
	assert_cr_gp(f, 0, CR0_PROTECTED | X86_CR0_PG);
	f->cpu.state.seg[X86_SEG_CS].l = false;
	f->bad_pdptes = true;
	assert_cr_ok(f, 0, CR0_PROTECTED | X86_CR0_PG);
	assert_int_equal(f->cpu.state.efer, EFER_LME | EFER_LMA);
	assert_int_equal(f->change.flush, CPU_FLUSH_ALL);
	assert_int_equal(f->change.efer, EFER_LME);
	assert_int_equal(f->mode_changes, 1);
	assert_cr_ok(f, 0, CR0_PROTECTED);
	assert_int_equal(f->cpu.state.efer, EFER_LME);
}

static void pae_bad_pdptes_refuse_the_move(void **state)
{
	struct fixture *f = with_features(MODE_PROTECTED);

	f->cpu.state.cr4 = X86_CR4_PAE;
	f->bad_pdptes = true;
	assert_cr_gp(f, 0, CR0_PROTECTED | X86_CR0_PG);
	f->bad_pdptes = false;
	assert_cr_ok(f, 0, CR0_PROTECTED | X86_CR0_PG);
	f->bad_pdptes = true;
	assert_cr_gp(f, 3, 0x1000);
	assert_cr_gp(f, 4, X86_CR4_PAE | X86_CR4_PGE);
	assert_cr_gp(f, 0, CR0_PROTECTED | X86_CR0_PG | X86_CR0_CD);
	assert_cr_ok(f, 4, X86_CR4_PAE | X86_CR4_DE);
}

static void cr0_wp_changes_permissions_without_flush(void **state)
{
	struct fixture *f = with_features(MODE_64BIT);

	assert_cr_ok(f, 0, f->cpu.state.cr0 | X86_CR0_WP);
	assert_true(f->change.permissions);
	assert_int_equal(f->change.flush, CPU_FLUSH_NONE);
	assert_cr_ok(f, 0, f->cpu.state.cr0 | X86_CR0_TS);
	assert_int_equal(f->paging_changes, 1);
	assert_int_equal(f->mode_changes, 2);
}

static void cr3_reserved_bits_and_flush(void **state)
{
	struct fixture *f = with_features(MODE_64BIT);

	assert_cr_gp(f, 3, BIT64(40));
	assert_cr_gp(f, 3, BIT64(63));
	assert_cr_ok(f, 3, BIT64(39) | 0x1fff);
	assert_int_equal(f->cpu.cr3, BIT64(39) | 0x1fff);
	assert_int_equal(f->change.flush, CPU_FLUSH_NONGLOBAL);
	f->cpu.state.cr4 |= X86_CR4_PCIDE;
	assert_cr_ok(f, 3, 0x2001);
	assert_int_equal(f->change.flush, CPU_FLUSH_PCID);
	assert_cr_ok(f, 3, BIT64(63) | 0x3002);
	assert_int_equal(f->change.flush, CPU_FLUSH_NONE);
	assert_int_equal(f->change.cr3, 0x2001);
	assert_int_equal(f->cpu.cr3, 0x3002);
	assert_cr_gp(f, 3, BIT64(62));
}

static void cr4_rules(void **state)
{
	struct fixture *f = with_features(MODE_64BIT);

	for (unsigned int bit = 0; bit < 64; bit++)
		if (!(CR4_ALL >> bit & 1))
			assert_cr_gp(f, 4, X86_CR4_PAE | BIT64(bit));
	assert_cr_gp(f, 4, 0);
	f->cpu.cr3 = 1;
	assert_cr_gp(f, 4, X86_CR4_PAE | X86_CR4_PCIDE);
	f->cpu.cr3 = 0x1000;
	assert_cr_ok(f, 4, X86_CR4_PAE | X86_CR4_PCIDE);
	/* What is set already may stay whatever CR3 says. */
	f->cpu.cr3 = 1;
	assert_cr_ok(f, 4, X86_CR4_PAE | X86_CR4_PCIDE | X86_CR4_DE);
	f = with_features(MODE_PROTECTED);
	assert_cr_gp(f, 4, X86_CR4_PCIDE);
}

static void cr4_flushes(void **state)
{
	static const struct {
		uint64_t from, to;
		enum cpu_flush flush;
		bool permissions;
		unsigned int notices;
	} cases[] = {
		{0, X86_CR4_PGE, CPU_FLUSH_ALL, false, 1},
		{X86_CR4_PGE, 0, CPU_FLUSH_ALL, false, 1},
		{X86_CR4_PCIDE, 0, CPU_FLUSH_ALL, false, 1},
		{0, X86_CR4_PCIDE, CPU_FLUSH_NONE, false, 1},
		{0, X86_CR4_SMEP, CPU_FLUSH_PCID, true, 1},
		{X86_CR4_SMEP, 0, CPU_FLUSH_NONE, true, 1},
		{0, X86_CR4_SMAP, CPU_FLUSH_NONE, true, 1},
		{0, X86_CR4_OSFXSR, CPU_FLUSH_NONE, false, 0},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture *f = with_features(MODE_64BIT);

		f->cpu.state.cr4 = X86_CR4_PAE | cases[i].from;
		assert_cr_ok(f, 4, X86_CR4_PAE | cases[i].to);
		assert_int_equal(f->change.flush, cases[i].flush);
		assert_int_equal(f->change.permissions, cases[i].permissions);
		assert_int_equal(f->paging_changes, cases[i].notices);
		assert_int_equal(f->mode_changes, 1);
	}
}

static void cr8_takes_four_bits(void **state)
{
	struct fixture *f = with_features(MODE_64BIT);

	assert_cr_gp(f, 8, 16);
	assert_cr_ok(f, 8, 15);
	assert_int_equal(f->cpu.cr8, 15);
	assert_int_equal(f->cr8_changes, 1);
}

static void mov_outside_64bit_takes_32_bits(void **state)
{
	struct fixture *f = with_features(MODE_PROTECTED);

	assert_cr_ok(f, 2, 0x123456789);
	assert_int_equal(f->cpu.state.cr2, 0x23456789);
}

static void lmsw_sets_pe_but_never_clears_it(void **state)
{
	struct fixture *f = with_features(MODE_REAL);
	uint64_t value;

	assert_int_equal(cpu_lmsw(&f->cpu, 0xfff1), CPU_OK);
	assert_int_equal(f->cpu.state.cr0, CR0_PROTECTED);
	assert_int_equal(cpu_lmsw(&f->cpu, 0x000e), CPU_OK);
	assert_int_equal(f->cpu.state.cr0, CR0_PROTECTED | 0xe);
	assert_int_equal(cpu_clts(&f->cpu), CPU_OK);
	assert_int_equal(cpu_smsw(&f->cpu, &value), CPU_OK);
	assert_int_equal(value, CR0_PROTECTED | 6);
	f->cpu.state.cpl = 3;
	assert_int_equal(cpu_smsw(&f->cpu, &value), CPU_OK);
	f->cpu.state.cr4 |= X86_CR4_UMIP;
	assert_fault(f, cpu_smsw(&f->cpu, &value), GP_VECTOR, 0);
}

static void xsetbv_refusals(void **state)
{
	struct fixture *f = with_features(MODE_64BIT);
	uint64_t value;

	assert_plain_fault(f, cpu_xsetbv(&f->cpu, 0, 7), UD_VECTOR);
	assert_plain_fault(f, cpu_xgetbv(&f->cpu, 0, &value), UD_VECTOR);
	f->cpu.state.cr4 |= X86_CR4_OSXSAVE;
	assert_fault(f, cpu_xsetbv(&f->cpu, 1, 7), GP_VECTOR, 0);
	f->cpu.state.cpl = 3;
	assert_fault(f, cpu_xsetbv(&f->cpu, 0, 7), GP_VECTOR, 0);
	f->cpu.state.cpl = 0;
	for (unsigned int xcr0 = 0; xcr0 < 1024; xcr0++) {
		/* x87 always; AVX wants SSE; the three of AVX-512 want AVX and one another. */
		bool ok = (xcr0 & 1) && !(xcr0 & ~0xe7u) && (!(xcr0 & 4) || (xcr0 & 2)) &&
			  ((xcr0 & 0xe0) == 0 || ((xcr0 & 0xe0) == 0xe0 && (xcr0 & 4)));

		if (ok) {
			assert_int_equal(cpu_xsetbv(&f->cpu, 0, xcr0), CPU_OK);
			assert_int_equal(cpu_xgetbv(&f->cpu, 0, &value), CPU_OK);
			assert_int_equal(value, xcr0);
		} else {
			assert_fault(f, cpu_xsetbv(&f->cpu, 0, xcr0), GP_VECTOR, 0);
		}
	}
	assert_int_equal(cpu_xgetbv(&f->cpu, 1, &value), CPU_OK);
	assert_int_equal(value, XFEATURE_MASK_FP);
	assert_fault(f, cpu_xgetbv(&f->cpu, 2, &value), GP_VECTOR, 0);
}

static void efer_rules(void **state)
{
	struct fixture *f = with_features(MODE_PROTECTED);

	fixture_save(f);
	assert_false(control_set_efer(&f->cpu, BIT64(1), false));
	assert_false(control_set_efer(&f->cpu, BIT64(12), false));
	fixture_assert_unchanged(f);
	assert_true(control_set_efer(&f->cpu, EFER_LME | EFER_NX, false));
	assert_true(f->change.permissions);
	/* LMA is the processor's. */
	assert_true(control_set_efer(&f->cpu, EFER_LMA, false));
	assert_int_equal(f->cpu.state.efer, 0);
	f = with_features(MODE_64BIT);
	fixture_save(f);
	assert_false(control_set_efer(&f->cpu, EFER_SCE, false));
	fixture_assert_unchanged(f);
	assert_true(control_set_efer(&f->cpu, EFER_LME, false));
	assert_int_equal(f->cpu.state.efer, EFER_LME | EFER_LMA);
}

static void set_of_registers_must_be_a_mode(void **state)
{
	const struct control_set real = {.cr0 = 0x60000010};
	const struct control_set lng = {.cr0 = X86_CR0_PE | X86_CR0_PG,
					.cr4 = X86_CR4_PAE,
					.efer = EFER_LME | EFER_LMA,
					.cs_l = true};
	struct fixture *f = with_features(MODE_REAL);
	struct control_set set = real;

	assert_true(control_is_valid(&f->cpu, &set));
	set.efer = EFER_LMA;
	assert_false(control_is_valid(&f->cpu, &set));
	set = real;
	set.cs_l = true;
	assert_false(control_is_valid(&f->cpu, &set));
	set = lng;
	assert_true(control_is_valid(&f->cpu, &set));
	set.cr4 = 0;
	assert_false(control_is_valid(&f->cpu, &set));
	set = lng;
	set.efer = EFER_LME;
	assert_false(control_is_valid(&f->cpu, &set));
	set = lng;
	set.cr3 = BIT64(40);
	assert_false(control_is_valid(&f->cpu, &set));
	set = lng;
	set.cr8 = 16;
	assert_false(control_is_valid(&f->cpu, &set));
	control_load(&f->cpu, &lng);
	assert_true(cpu_in_long_mode(&f->cpu));
	assert_int_equal(f->change.flush, CPU_FLUSH_ALL);
}

const struct CMUnitTest control_tests[] = {
	cmocka_unit_test(mov_cr_unknown_ud_and_cpl_gp),
	cmocka_unit_test(cr0_combinations),
	cmocka_unit_test(cr0_pg_with_lme_enters_and_leaves_long_mode),
	cmocka_unit_test(pae_bad_pdptes_refuse_the_move),
	cmocka_unit_test(cr0_wp_changes_permissions_without_flush),
	cmocka_unit_test(cr3_reserved_bits_and_flush),
	cmocka_unit_test(cr4_rules),
	cmocka_unit_test(cr4_flushes),
	cmocka_unit_test(cr8_takes_four_bits),
	cmocka_unit_test(mov_outside_64bit_takes_32_bits),
	cmocka_unit_test(lmsw_sets_pe_but_never_clears_it),
	cmocka_unit_test(xsetbv_refusals),
	cmocka_unit_test(efer_rules),
	cmocka_unit_test(set_of_registers_must_be_a_mode),
};
const size_t control_test_count = ARRAY_SIZE(control_tests);
