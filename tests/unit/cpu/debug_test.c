// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "Debug Registers". */
#include "tests.h"

#include "cpu/debug.h"

static void mov_dr_every_number_cpl_and_de(void **state)
{
	for (unsigned int n = 0; n < 16; n++)
		for (unsigned int de = 0; de < 2; de++)
			for (unsigned int cpl = 0; cpl < 4; cpl++) {
				struct fixture *f = fixture_init(MODE_64BIT, cpl);
				bool ud = n >= 8 || (de && (n == 4 || n == 5));
				uint64_t value;

				f->cpu.state.cr4 |= de ? X86_CR4_DE : 0;
				if (ud) {
					assert_plain_fault(f, cpu_mov_to_dr(&f->cpu, n, 0),
							   UD_VECTOR);
					assert_plain_fault(f, cpu_mov_from_dr(&f->cpu, n, &value),
							   UD_VECTOR);
				} else if (cpl) {
					assert_fault(f, cpu_mov_to_dr(&f->cpu, n, 0), GP_VECTOR, 0);
					assert_fault(f, cpu_mov_from_dr(&f->cpu, n, &value),
						     GP_VECTOR, 0);
				} else {
					assert_int_equal(cpu_mov_to_dr(&f->cpu, n, 0x1234), CPU_OK);
					assert_int_equal(cpu_mov_from_dr(&f->cpu, n, &value),
							 CPU_OK);
					if (n < 4)
						assert_int_equal(value, 0x1234);
				}
			}
}

static void dr4_and_dr5_are_dr6_and_dr7(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 0);
	uint64_t value;

	assert_int_equal(cpu_mov_to_dr(&f->cpu, 5, 0x3), CPU_OK);
	assert_int_equal(f->cpu.dr7, 0x403);
	assert_int_equal(cpu_mov_to_dr(&f->cpu, 4, 0xe00f), CPU_OK);
	assert_int_equal(cpu_mov_from_dr(&f->cpu, 6, &value), CPU_OK);
	assert_int_equal(value, 0xffffefff);
}

static void dr6_dr7_fixed_bits_and_high_half(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 0);

	assert_int_equal(cpu_mov_to_dr(&f->cpu, 6, 0), CPU_OK);
	assert_int_equal(f->cpu.dr6, 0xffff0ff0);
	assert_int_equal(cpu_mov_to_dr(&f->cpu, 7, 0xffffffff & ~0x2000u), CPU_OK);
	assert_int_equal(f->cpu.dr7, 0xffff07ff);
	fixture_save(f);
	assert_fault(f, cpu_mov_to_dr(&f->cpu, 6, BIT64(32)), GP_VECTOR, 0);
	assert_fault(f, cpu_mov_to_dr(&f->cpu, 7, BIT64(63)), GP_VECTOR, 0);
	fixture_assert_unchanged(f);
}

static void general_detect_traps_the_move(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 0);
	uint64_t value;

	f->cpu.dr7 |= DR7_GD;
	fixture_save(f);
	assert_plain_fault(f, cpu_mov_to_dr(&f->cpu, 0, 1), DB_VECTOR);
	assert_plain_fault(f, cpu_mov_from_dr(&f->cpu, 7, &value), DB_VECTOR);
	fixture_assert_unchanged(f);
	assert_int_equal(f->cpu.fault.address, DR6_BD);
	debug_record(&f->cpu, f->cpu.fault.address);
	assert_int_equal(f->cpu.dr6, 0xffff2ff0);
	assert_int_equal(cpu_mov_to_dr(&f->cpu, 0, 1), CPU_OK);
}

/* SDM "Debug Control Register (DR7)": each type and length against every overlap. */
static void data_breakpoints_match_by_overlap(void **state)
{
	static const unsigned int lens[] = {1, 2, 8, 4};

	for (unsigned int type = 0; type < 4; type++)
		for (unsigned int len = 0; len < 4; len++)
			for (unsigned int at = 0x0ff0; at < 0x1020; at++)
				for (unsigned int size = 1; size <= 8; size *= 2)
					for (unsigned int write = 0; write < 2; write++) {
						struct cpu cpu = {.dr[2] = 0x1007};
						uint64_t base = 0x1007 & -(uint64_t)lens[len];
						bool overlap =
							at < base + lens[len] && base < at + size;
						bool want = overlap &&
							    (type == 3 || (type == 1 && write));

						cpu.dr7 = 0x20 | (uint64_t)(type | len << 2) << 24;
						assert_int_equal(
							debug_match_data(&cpu, at, size, write),
							want ? 4 : 0);
					}
}

static void disabled_breakpoint_reports_beside_an_enabled_one(void **state)
{
	struct cpu cpu = {.dr = {0x1000, 0x1000, 0, 0}};

	cpu.dr7 = 0x00330000;
	assert_int_equal(debug_match_data(&cpu, 0x1000, 1, false), 0);
	cpu.dr7 |= 1;
	assert_int_equal(debug_match_data(&cpu, 0x1000, 1, false), 3);
}

static void instruction_breakpoint_matches_first_byte_unless_rf(void **state)
{
	struct cpu cpu = {.dr = {0x1000, 0x1000}, .dr7 = 1 | 3 << 20};

	assert_int_equal(debug_match_execute(&cpu, 0x1000), 1);
	assert_int_equal(debug_match_execute(&cpu, 0x1001), 0);
	cpu.state.rflags = X86_EFLAGS_RF;
	assert_int_equal(debug_match_execute(&cpu, 0x1000), 0);
	cpu.state.rflags = 0;
	cpu.dr7 = 0;
	assert_int_equal(debug_match_execute(&cpu, 0x1000), 0);
}

static void io_breakpoint_needs_de(void **state)
{
	struct cpu cpu = {.dr = {0x3f8}, .dr7 = 2 | 0x60000};

	assert_int_equal(debug_match_io(&cpu, 0x3f8, 1), 0);
	cpu.state.cr4 = X86_CR4_DE;
	assert_int_equal(debug_match_io(&cpu, 0x3f8, 1), 1);
	assert_int_equal(debug_match_io(&cpu, 0x3f6, 4), 1);
	assert_int_equal(debug_match_io(&cpu, 0x3f7, 1), 0);
	assert_int_equal(debug_match_data(&cpu, 0x3f8, 1, true), 0);
}

static void record_clears_old_hits_and_flips_active_low_bits(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 0);

	f->cpu.dr6 = debug_dr6_fix(DR6_BS | 3);
	debug_record(&f->cpu, DR6_RTM | 4);
	assert_int_equal(f->cpu.dr6, (0xffff0ff0 & ~DR6_RTM) | DR6_BS | 4);
}

const struct CMUnitTest debug_tests[] = {
	cmocka_unit_test(mov_dr_every_number_cpl_and_de),
	cmocka_unit_test(dr4_and_dr5_are_dr6_and_dr7),
	cmocka_unit_test(dr6_dr7_fixed_bits_and_high_half),
	cmocka_unit_test(general_detect_traps_the_move),
	cmocka_unit_test(data_breakpoints_match_by_overlap),
	cmocka_unit_test(disabled_breakpoint_reports_beside_an_enabled_one),
	cmocka_unit_test(instruction_breakpoint_matches_first_byte_unless_rf),
	cmocka_unit_test(io_breakpoint_needs_de),
	cmocka_unit_test(record_clears_old_hits_and_flips_active_low_bits),
};
const size_t debug_test_count = ARRAY_SIZE(debug_tests);
