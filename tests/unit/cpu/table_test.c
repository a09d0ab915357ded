// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM LLDT, LTR, LGDT, LIDT and the stores. */
#include "tests.h"

static void lldt_every_type_but_ldt_gp(void **state)
{
	for (unsigned int access = 0; access < 256; access++) {
		struct fixture *f = fixture_init(MODE_PROTECTED, 0);
		enum cpu_result res;

		gdt_set(f, SEL_FREE, make_descriptor(0x4000, 0x7f, (uint8_t)access, 0));
		fixture_save(f);
		res = cpu_lldt(&f->cpu, SEL_FREE);
		if ((access & 0x1f) != DESC_LDT)
			assert_fault(f, res, GP_VECTOR, SEL_FREE);
		else if (!(access & ACC_PRESENT))
			assert_fault(f, res, NP_VECTOR, SEL_FREE);
		else
			assert_int_equal(res, CPU_OK);
		if (res != CPU_OK)
			fixture_assert_unchanged(f);
		else
			assert_int_equal(f->cpu.ldtr.base, 0x4000);
	}
}

static void lldt_null_disables_ldt(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 0);

	assert_int_equal(cpu_lldt(&f->cpu, 3), CPU_OK);
	assert_true(f->cpu.ldtr.unusable);
	assert_int_equal(f->cpu.ldtr.selector, 3);
}

static void ltr_type_sets_busy(void **state)
{
	for (unsigned int is_long = 0; is_long < 2; is_long++)
		for (unsigned int access = 0; access < 256; access++) {
			struct fixture *f = fixture_init(is_long ? MODE_64BIT : MODE_PROTECTED, 0);
			unsigned int type = access & 0x1f;
			enum cpu_result res;

			gdt_set(f, SEL_FREE, make_descriptor(0x4000, 0x67, (uint8_t)access, 0));
			gdt_set(f, SEL_FREE + 8, 0);
			fixture_save(f);
			res = cpu_ltr(&f->cpu, SEL_FREE);
			if (type != DESC_TSS && (is_long || type != DESC_TSS16)) {
				assert_fault(f, res, GP_VECTOR, SEL_FREE);
				fixture_assert_unchanged(f);
			} else if (!(access & ACC_PRESENT)) {
				assert_fault(f, res, NP_VECTOR, SEL_FREE);
				fixture_assert_unchanged(f);
			} else {
				assert_int_equal(res, CPU_OK);
				assert_int_equal(f->cpu.tr.type, type | 2);
				assert_int_equal(gdt_get(f, SEL_FREE) >> 40 & 0xff, access | 2);
			}
		}
}

static void ltr_null_or_ldt_selector_gp(void **state)
{
	struct fixture *f = fixture_init(MODE_PROTECTED, 0);

	assert_fault(f, cpu_ltr(&f->cpu, 0), GP_VECTOR, 0);
	assert_fault(f, cpu_ltr(&f->cpu, 0xc), GP_VECTOR, 0xc);
	assert_fault(f, cpu_lldt(&f->cpu, 0xc), GP_VECTOR, 0xc);
}

/* SDM LTR in IA-32e mode: 16 bytes, a canonical base, a second half of type 0. */
static void ltr_long_mode_checks_second_half(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 0);

	gdt_set(f, SEL_FREE, make_descriptor(0x4000, 0x67, 0x89, 0));
	gdt_set(f, SEL_FREE + 8, 0x00000100ffff8000);
	fixture_save(f);
	assert_fault(f, cpu_ltr(&f->cpu, SEL_FREE), GP_VECTOR, SEL_FREE);
	gdt_set(f, SEL_FREE + 8, 0x00007fff0000);
	fixture_save(f);
	assert_fault(f, cpu_ltr(&f->cpu, SEL_FREE), GP_VECTOR, SEL_FREE);
	fixture_assert_unchanged(f);
	gdt_set(f, SEL_FREE + 8, 0xffff8000);
	assert_int_equal(cpu_ltr(&f->cpu, SEL_FREE), CPU_OK);
	assert_int_equal(f->cpu.tr.base, 0xffff800000004000);
	f->cpu.gdtr.limit = SEL_FREE + 14;
	gdt_set(f, SEL_FREE, make_descriptor(0x4000, 0x67, 0x89, 0));
	assert_fault(f, cpu_ltr(&f->cpu, SEL_FREE), GP_VECTOR, SEL_FREE);
}

static void system_tables_need_cpl0(void **state)
{
	struct cpu_table table = {0x1000, 0xff};

	for (unsigned int cpl = 1; cpl < 4; cpl++) {
		struct fixture *f = fixture_init(MODE_PROTECTED, cpl);

		fixture_save(f);
		assert_fault(f, cpu_lldt(&f->cpu, 0), GP_VECTOR, 0);
		assert_fault(f, cpu_ltr(&f->cpu, SEL_TSS), GP_VECTOR, 0);
		assert_fault(f, cpu_lgdt(&f->cpu, table), GP_VECTOR, 0);
		assert_fault(f, cpu_lidt(&f->cpu, table), GP_VECTOR, 0);
		fixture_assert_unchanged(f);
	}
}

static void system_tables_real_mode_ud(void **state)
{
	struct fixture *f = fixture_init(MODE_REAL, 0);
	uint16_t selector;

	assert_plain_fault(f, cpu_lldt(&f->cpu, 0), UD_VECTOR);
	assert_plain_fault(f, cpu_ltr(&f->cpu, 0), UD_VECTOR);
	assert_plain_fault(f, cpu_sldt(&f->cpu, &selector), UD_VECTOR);
	assert_plain_fault(f, cpu_str(&f->cpu, &selector), UD_VECTOR);
}

static void stores_umip_gp_at_cpl3(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 3);
	struct cpu_table table;
	uint16_t selector;

	assert_int_equal(cpu_str(&f->cpu, &selector), CPU_OK);
	assert_int_equal(selector, SEL_TSS);
	assert_int_equal(cpu_sldt(&f->cpu, &selector), CPU_OK);
	assert_int_equal(selector, SEL_LDT);
	assert_int_equal(cpu_sgdt(&f->cpu, &table), CPU_OK);
	assert_int_equal(table.base, GDT_BASE);
	f->cpu.state.cr4 |= X86_CR4_UMIP;
	assert_fault(f, cpu_str(&f->cpu, &selector), GP_VECTOR, 0);
	assert_fault(f, cpu_sldt(&f->cpu, &selector), GP_VECTOR, 0);
	assert_fault(f, cpu_sgdt(&f->cpu, &table), GP_VECTOR, 0);
	assert_fault(f, cpu_sidt(&f->cpu, &table), GP_VECTOR, 0);
}

static void lgdt_base_not_canonical_gp(void **state)
{
	struct cpu_table table = {0x0000800000000000, 0xff};
	struct fixture *f = fixture_init(MODE_64BIT, 0);

	assert_fault(f, cpu_lgdt(&f->cpu, table), GP_VECTOR, 0);
	assert_fault(f, cpu_lidt(&f->cpu, table), GP_VECTOR, 0);
	assert_int_equal(f->cpu.gdtr.base, GDT_BASE);
	table.base = 0xffff800000000000;
	assert_int_equal(cpu_lidt(&f->cpu, table), CPU_OK);
	assert_int_equal(f->cpu.idtr.base, table.base);
}

const struct CMUnitTest table_tests[] = {
	cmocka_unit_test(lldt_every_type_but_ldt_gp),
	cmocka_unit_test(lldt_null_disables_ldt),
	cmocka_unit_test(ltr_type_sets_busy),
	cmocka_unit_test(ltr_null_or_ldt_selector_gp),
	cmocka_unit_test(ltr_long_mode_checks_second_half),
	cmocka_unit_test(system_tables_need_cpl0),
	cmocka_unit_test(system_tables_real_mode_ud),
	cmocka_unit_test(stores_umip_gp_at_cpl3),
	cmocka_unit_test(lgdt_base_not_canonical_gp),
};
const size_t table_test_count = ARRAY_SIZE(table_tests);
