// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "Loading Segment Registers": MOV's own table of checks, against an oracle. */
#include "tests.h"

struct expected {
	bool ok;
	enum x86_vector vector;
};

/* Written from the prose of SDM MOV "Protected Mode Exceptions", not from the code. */
static struct expected oracle(enum x86_seg seg, unsigned int access, unsigned int rpl,
			      unsigned int cpl)
{
	static const struct expected ok = {.ok = true}, gp = {.vector = GP_VECTOR};
	unsigned int dpl = access >> 5 & 3, type = access & 0xf;
	bool present = access & ACC_PRESENT, system = !(access & ACC_S);
	bool is_data = type < 8;

	if (seg == X86_SEG_SS) {
		if (system || !(type == 2 || type == 3 || type == 6 || type == 7))
			return gp;
		if (rpl != cpl || dpl != cpl)
			return gp;
		return present ? ok : (struct expected){.vector = SS_VECTOR};
	}
	if (system || type == 8 || type == 9 || type == 12 || type == 13)
		return gp;
	/* Data and non-conforming code: both RPL and CPL numerically <= DPL. */
	if ((is_data || type == 10 || type == 11) && !(rpl <= dpl && cpl <= dpl))
		return gp;
	return present ? ok : (struct expected){.vector = NP_VECTOR};
}

static void check_load(enum mode mode, enum x86_seg seg, unsigned int access, unsigned int rpl,
		       unsigned int cpl)
{
	struct fixture *f = fixture_init(mode, cpl);
	uint16_t selector = (uint16_t)(SEL_FREE | rpl);
	struct expected want = oracle(seg, access, rpl, cpl);
	enum cpu_result res;

	gdt_set(f, selector, make_descriptor(0x12345678, 0xabcd, (uint8_t)access, FLAG_DB));
	fixture_save(f);
	res = cpu_load_segment(&f->cpu, seg, selector);
	if (!want.ok) {
		assert_fault(f, res, want.vector, SEL_FREE);
		fixture_assert_unchanged(f);
		return;
	}
	assert_int_equal(res, CPU_OK);
	assert_int_equal(f->cpu.state.seg[seg].selector, selector);
	assert_int_equal(f->cpu.state.seg[seg].base, 0x12345678);
	assert_int_equal(f->cpu.state.seg[seg].limit, 0xabcd);
	assert_int_equal(f->cpu.state.seg[seg].type, (access & 0xf) | 1);
	assert_int_equal(gdt_get(f, selector),
			 make_descriptor(0x12345678, 0xabcd, (uint8_t)(access | 1), FLAG_DB));
	assert_int_equal(f->writes, access & 1 ? 0 : 1);
}

static void load_every_descriptor_follows_the_table(void **state)
{
	static const enum x86_seg segs[] = {X86_SEG_ES, X86_SEG_SS, X86_SEG_DS, X86_SEG_GS};
	static const enum mode modes[] = {MODE_PROTECTED, MODE_COMPAT, MODE_64BIT};

	for (unsigned int m = 0; m < ARRAY_SIZE(modes); m++)
		for (unsigned int s = 0; s < ARRAY_SIZE(segs); s++)
			for (unsigned int access = 0; access < 256; access++)
				for (unsigned int rc = 0; rc < 16; rc++)
					check_load(modes[m], segs[s], access, rc & 3, rc >> 2);
}

/* SDM MOV: a null selector disables DS, ES, FS, GS; it is #GP(0) for SS... */
static void load_null_outside_64bit_disables_all_but_ss(void **state)
{
	for (unsigned int rpl = 0; rpl < 4; rpl++) {
		struct fixture *f = fixture_init(MODE_PROTECTED, 0);

		assert_int_equal(cpu_load_segment(&f->cpu, X86_SEG_DS, (uint16_t)rpl), CPU_OK);
		assert_true(f->cpu.state.seg[X86_SEG_DS].unusable);
		assert_int_equal(f->cpu.state.seg[X86_SEG_DS].selector, rpl);
		assert_int_equal(f->cpu.state.seg[X86_SEG_DS].base, 0);
		fixture_save(f);
		assert_fault(f, cpu_load_segment(&f->cpu, X86_SEG_SS, (uint16_t)rpl), GP_VECTOR, 0);
		fixture_assert_unchanged(f);
	}
}

/* ... but for 64-bit mode at CPL 0 to 2, with RPL = CPL. */
static void load_null_ss_64bit_needs_rpl_of_inner_cpl(void **state)
{
	for (unsigned int cpl = 0; cpl < 4; cpl++)
		for (unsigned int rpl = 0; rpl < 4; rpl++) {
			struct fixture *f = fixture_init(MODE_64BIT, cpl);
			enum cpu_result res = cpu_load_segment(&f->cpu, X86_SEG_SS, (uint16_t)rpl);

			if (cpl == rpl && cpl != 3) {
				assert_int_equal(res, CPU_OK);
				assert_true(f->cpu.state.seg[X86_SEG_SS].unusable);
				assert_int_equal(f->cpu.state.seg[X86_SEG_SS].dpl, cpl);
			} else {
				assert_fault(f, res, GP_VECTOR, 0);
			}
		}
}

static void load_selector_beyond_table_gp(void **state)
{
	struct fixture *f = fixture_init(MODE_PROTECTED, 0);

	fixture_save(f);
	assert_fault(f, cpu_load_segment(&f->cpu, X86_SEG_DS, 0x203), GP_VECTOR, 0x200);
	assert_fault(f, cpu_load_segment(&f->cpu, X86_SEG_DS, 0x104), GP_VECTOR, 0x104);
	fixture_assert_unchanged(f);
	/* The last byte of the descriptor counts. */
	f->cpu.gdtr.limit = SEL(GDT_DATA, 0) + 6;
	assert_fault(f, cpu_load_segment(&f->cpu, X86_SEG_DS, SEL(GDT_DATA, 0)), GP_VECTOR,
		     SEL(GDT_DATA, 0));
	f->cpu.gdtr.limit++;
	assert_int_equal(cpu_load_segment(&f->cpu, X86_SEG_DS, SEL(GDT_DATA, 0)), CPU_OK);
}

static void load_from_ldt_uses_ldtr(void **state)
{
	struct fixture *f = fixture_init(MODE_PROTECTED, 3);

	poke(f, LDT_BASE + 8, make_descriptor(0x4000, 0xfff, 0xf2, FLAG_DB), 8);
	assert_int_equal(cpu_load_segment(&f->cpu, X86_SEG_ES, 0xf), CPU_OK);
	assert_int_equal(f->cpu.state.seg[X86_SEG_ES].base, 0x4000);
	f->cpu.ldtr.unusable = true;
	assert_fault(f, cpu_load_segment(&f->cpu, X86_SEG_ES, 0xf), GP_VECTOR, 0xc);
}

/* A selector of index 0 in the LDT is not a null selector. */
static void load_ldt_index_0_is_not_null(void **state)
{
	struct fixture *f = fixture_init(MODE_PROTECTED, 0);

	poke(f, LDT_BASE, make_descriptor(0x4000, 0xfff, 0x92, FLAG_DB), 8);
	assert_int_equal(cpu_load_segment(&f->cpu, X86_SEG_SS, 4), CPU_OK);
}

static void load_page_fault_in_table_changes_nothing(void **state)
{
	struct fixture *f = fixture_init(MODE_PROTECTED, 3);

	f->not_present[GDT_BASE >> 12] = true;
	fixture_save(f);
	assert_fault(f, cpu_load_segment(&f->cpu, X86_SEG_DS, SEL(GDT_DATA, 3)), PF_VECTOR, 0);
	assert_int_equal(f->cpu.fault.address, GDT_BASE + SEL(GDT_DATA, 3));
	fixture_assert_unchanged(f);
}

static void load_accessed_bit_in_read_only_page_faults(void **state)
{
	struct fixture *f = fixture_init(MODE_PROTECTED, 0);

	gdt_set(f, SEL_FREE, make_descriptor(0, 0xfff, 0x92, FLAG_DB));
	f->read_only[GDT_BASE >> 12] = true;
	fixture_save(f);
	assert_fault(f, cpu_load_segment(&f->cpu, X86_SEG_DS, SEL_FREE), PF_VECTOR,
		     PFERR_PRESENT_MASK | PFERR_WRITE_MASK);
	fixture_assert_unchanged(f);
	/* A kernel with a read-only GDT sets the bit beforehand. */
	assert_int_equal(cpu_load_segment(&f->cpu, X86_SEG_DS, SEL(GDT_DATA, 0)), CPU_OK);
}

/* SDM "Real-Address Mode": the base follows the selector, the limit stays ("big real"). */
static void load_real_mode_keeps_limit(void **state)
{
	struct fixture *f = fixture_init(MODE_REAL, 0);

	f->cpu.state.seg[X86_SEG_DS].limit = 0xffffffff;
	assert_int_equal(cpu_load_segment(&f->cpu, X86_SEG_DS, 0xf123), CPU_OK);
	assert_int_equal(f->cpu.state.seg[X86_SEG_DS].base, 0xf1230);
	assert_int_equal(f->cpu.state.seg[X86_SEG_DS].limit, 0xffffffff);
	f->cpu.state.seg[X86_SEG_ES] = segment_null(0);
	assert_int_equal(cpu_load_segment(&f->cpu, X86_SEG_ES, 1), CPU_OK);
	assert_false(f->cpu.state.seg[X86_SEG_ES].unusable);
	assert_int_equal(f->cpu.state.seg[X86_SEG_ES].limit, 0xffff);
}

static void load_cs_ud(void **state)
{
	struct fixture *f = fixture_init(MODE_PROTECTED, 0);

	assert_plain_fault(f, cpu_load_segment(&f->cpu, X86_SEG_CS, SEL(GDT_CODE, 0)), UD_VECTOR);
}

static void load_granular_limit_counts_pages(void **state)
{
	struct fixture *f = fixture_init(MODE_PROTECTED, 0);

	gdt_set(f, SEL_FREE, make_descriptor(0, 0x12345, 0x93, FLAG_G));
	assert_int_equal(cpu_load_segment(&f->cpu, X86_SEG_DS, SEL_FREE), CPU_OK);
	assert_int_equal(f->cpu.state.seg[X86_SEG_DS].limit, 0x12345fff);
	assert_false(f->cpu.state.seg[X86_SEG_DS].db);
}

/* SDM "Limit Checking": an expand-down segment is what lies above its limit. */
static void contains_expand_down_is_above_limit(void **state)
{
	struct x86_segment seg = {.type = 7, .s = true, .limit = 0xfff};

	assert_false(segment_contains(&seg, 0xfff, 1));
	assert_true(segment_contains(&seg, 0x1000, 1));
	assert_true(segment_contains(&seg, 0xfffe, 2));
	assert_false(segment_contains(&seg, 0xffff, 2));
	seg.db = true;
	assert_true(segment_contains(&seg, 0xfffffffe, 2));
	assert_false(segment_contains(&seg, 0xffffffff, 2));
	seg.type = 3;
	assert_true(segment_contains(&seg, 0xffe, 2));
	assert_false(segment_contains(&seg, 0xfff, 2));
	seg.limit = UINT32_MAX;
	assert_true(segment_contains(&seg, UINT32_MAX, 2));
}

static void swapgs_exchanges_bases_at_cpl0_only(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 0);

	f->cpu.state.seg[X86_SEG_GS].base = 1;
	f->cpu.msr.kernel_gs_base = 2;
	assert_int_equal(cpu_swapgs(&f->cpu), CPU_OK);
	assert_int_equal(f->cpu.state.seg[X86_SEG_GS].base, 2);
	assert_int_equal(f->cpu.msr.kernel_gs_base, 1);
	f = fixture_init(MODE_64BIT, 3);
	assert_fault(f, cpu_swapgs(&f->cpu), GP_VECTOR, 0);
	f = fixture_init(MODE_COMPAT, 0);
	assert_plain_fault(f, cpu_swapgs(&f->cpu), UD_VECTOR);
}

static void load_host_error_is_passed_on(void **state)
{
	struct fixture *f = fixture_init(MODE_PROTECTED, 0);

	f->memory_result = CPU_HOST_ERROR;
	fixture_save(f);
	assert_int_equal(cpu_load_segment(&f->cpu, X86_SEG_DS, SEL(GDT_DATA, 0)), CPU_HOST_ERROR);
	fixture_assert_unchanged(f);
}

const struct CMUnitTest segment_tests[] = {
	cmocka_unit_test(load_every_descriptor_follows_the_table),
	cmocka_unit_test(load_null_outside_64bit_disables_all_but_ss),
	cmocka_unit_test(load_null_ss_64bit_needs_rpl_of_inner_cpl),
	cmocka_unit_test(load_selector_beyond_table_gp),
	cmocka_unit_test(load_from_ldt_uses_ldtr),
	cmocka_unit_test(load_ldt_index_0_is_not_null),
	cmocka_unit_test(load_page_fault_in_table_changes_nothing),
	cmocka_unit_test(load_accessed_bit_in_read_only_page_faults),
	cmocka_unit_test(load_real_mode_keeps_limit),
	cmocka_unit_test(load_cs_ud),
	cmocka_unit_test(load_granular_limit_counts_pages),
	cmocka_unit_test(contains_expand_down_is_above_limit),
	cmocka_unit_test(swapgs_exchanges_bases_at_cpl0_only),
	cmocka_unit_test(load_host_error_is_passed_on),
};
const size_t segment_test_count = ARRAY_SIZE(segment_tests);
