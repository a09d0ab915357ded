// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "I/O Port Permission". */
#include "tests.h"

#include "cpu/io.h"

#define MAP 104

static void iopl_opens_all_ports(void **state)
{
	for (unsigned int n = 0; n < 16; n++) {
		unsigned int cpl = n & 3, iopl = n >> 2;
		struct fixture *f = fixture_init(MODE_64BIT, cpl);

		memset(f->mem + TSS_BASE + MAP, 0xff, 0x1000);
		f->cpu.state.rflags |= iopl << 12;
		if (cpl <= iopl)
			assert_int_equal(cpu_check_io(&f->cpu, 0x3f8, 4), CPU_OK);
		else
			assert_fault(f, cpu_check_io(&f->cpu, 0x3f8, 4), GP_VECTOR, 0);
	}
}

static void real_mode_has_no_check(void **state)
{
	struct fixture *f = fixture_init(MODE_REAL, 0);

	assert_int_equal(cpu_check_io(&f->cpu, 0xffff, 1), CPU_OK);
}

/* Every single bit closes exactly the accesses that touch its port. */
static void bitmap_closes_single_ports(void **state)
{
	static const unsigned int lens[] = {1, 2, 4};

	for (unsigned int closed = 0x3f0; closed < 0x410; closed++)
		for (unsigned int port = 0x3f0; port < 0x410; port++)
			for (unsigned int l = 0; l < 3; l++) {
				struct fixture *f = fixture_init(MODE_PROTECTED, 3);
				bool hit = closed >= port && closed < port + lens[l];
				enum cpu_result res;

				f->mem[TSS_BASE + MAP + closed / 8] = (uint8_t)(1u << closed % 8);
				fixture_save(f);
				res = cpu_check_io(&f->cpu, (uint16_t)port, lens[l]);
				assert_int_equal(res, hit ? CPU_FAULT : CPU_OK);
				fixture_assert_unchanged(f);
			}
}

/* The byte after the port's own is read too and must be inside the TSS. */
static void bitmap_beyond_tss_limit_gp(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 3);

	f->cpu.tr.limit = MAP + 0x80;
	assert_int_equal(cpu_check_io(&f->cpu, 0x3ff, 1), CPU_OK);
	assert_fault(f, cpu_check_io(&f->cpu, 0x400, 1), GP_VECTOR, 0);
	/* Linux' way to have no map. */
	poke(f, TSS_BASE + 102, 0xffff, 2);
	assert_fault(f, cpu_check_io(&f->cpu, 0, 1), GP_VECTOR, 0);
	f->cpu.tr.limit = 102;
	assert_fault(f, cpu_check_io(&f->cpu, 0, 1), GP_VECTOR, 0);
}

static void tss_16bit_has_no_map(void **state)
{
	struct fixture *f = fixture_init(MODE_PROTECTED, 3);

	f->cpu.tr.type = DESC_TSS16_BUSY;
	assert_fault(f, cpu_check_io(&f->cpu, 0, 1), GP_VECTOR, 0);
}

static void tss_page_absent_pf(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 3);

	f->not_present[TSS_BASE >> 12] = true;
	assert_fault(f, cpu_check_io(&f->cpu, 0, 1), PF_VECTOR, 0);
}

const struct CMUnitTest io_tests[] = {
	cmocka_unit_test(iopl_opens_all_ports),       cmocka_unit_test(real_mode_has_no_check),
	cmocka_unit_test(bitmap_closes_single_ports), cmocka_unit_test(bitmap_beyond_tss_limit_gp),
	cmocka_unit_test(tss_16bit_has_no_map),       cmocka_unit_test(tss_page_absent_pf),
};
const size_t io_test_count = ARRAY_SIZE(io_tests);
