// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * LAR, LSL, VERR and VERW: on code and data descriptors against the host's own
 * instructions, with an LDT that modify_ldt() fills; on system descriptors by table.
 */
#include "tests.h"

#include <asm/ldt.h>
#include <sys/syscall.h>
#include <unistd.h>

struct answer {
	bool lar_zf, lsl_zf, verr, verw;
	uint32_t lar, lsl;
};

static struct answer ask_host(uint16_t selector)
{
	struct answer a = {0};
	uint32_t sel = selector;

	__asm__("lar %2, %0" : "+r"(a.lar), "=@ccz"(a.lar_zf) : "r"(sel));
	__asm__("lsl %2, %0" : "+r"(a.lsl), "=@ccz"(a.lsl_zf) : "r"(sel));
	__asm__("verr %1" : "=@ccz"(a.verr) : "r"(selector));
	__asm__("verw %1" : "=@ccz"(a.verw) : "r"(selector));
	return a;
}

static struct answer ask_model(struct fixture *f, uint16_t selector)
{
	struct answer a = {0};

	assert_int_equal(cpu_lar(&f->cpu, selector, &a.lar_zf, &a.lar), CPU_OK);
	assert_int_equal(cpu_lsl(&f->cpu, selector, &a.lsl_zf, &a.lsl), CPU_OK);
	assert_int_equal(cpu_verr(&f->cpu, selector, &a.verr), CPU_OK);
	assert_int_equal(cpu_verw(&f->cpu, selector, &a.verw), CPU_OK);
	return a;
}

static void assert_same(const struct answer *a, const struct answer *b)
{
	assert_int_equal(a->lar_zf, b->lar_zf);
	assert_int_equal(a->lsl_zf, b->lsl_zf);
	assert_int_equal(a->verr, b->verr);
	assert_int_equal(a->verw, b->verw);
	assert_int_equal(a->lar, b->lar);
	assert_int_equal(a->lsl, b->lsl);
}

/* The descriptor that Linux makes of a struct user_desc (DPL 3, accessed set). */
static uint64_t descriptor_of(const struct user_desc *u)
{
	uint8_t access = (uint8_t)(ACC_S | ACC_DPL(3) | 1 | (u->read_exec_only ? 0 : 2) |
				   u->contents << 2 | (u->seg_not_present ? 0 : ACC_PRESENT));
	uint8_t flags = (uint8_t)((u->useable ? 1 : 0) | (u->seg_32bit ? FLAG_DB : 0) |
				  (u->limit_in_pages ? FLAG_G : 0));

	return make_descriptor(u->base_addr, u->limit, access, flags);
}

static void ask_ldt_descriptors_answers_as_host(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 3);

	for (unsigned int bits = 0; bits < 128; bits++) {
		struct user_desc u = {
			.entry_number = 1,
			.base_addr = 0x12345000,
			.limit = 0x54321,
			.contents = bits & 3,
			.read_exec_only = bits >> 2 & 1,
			.seg_not_present = bits >> 3 & 1,
			.seg_32bit = bits >> 4 & 1,
			.limit_in_pages = bits >> 5 & 1,
			.useable = bits >> 6 & 1,
		};

		/* The kernel refuses conforming code segments that are present. */
		if (syscall(SYS_modify_ldt, 0x11, &u, sizeof(u)))
			continue;
		poke(f, LDT_BASE + 8, descriptor_of(&u), 8);
		for (uint16_t rpl = 0; rpl < 4; rpl++) {
			struct answer host = ask_host(0xc | rpl), model = ask_model(f, 0xc | rpl);

			assert_same(&host, &model);
		}
	}
}

static void ask_null_or_outside_table_clears_zf(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 3);
	struct answer none = {0}, host, model;

	for (uint16_t selector = 0; selector < 4; selector++) {
		host = ask_host(selector);
		model = ask_model(f, selector);
		assert_same(&host, &model);
		assert_same(&none, &model);
	}
	model = ask_model(f, 0xfff8);
	assert_same(&none, &model);
	model = ask_model(f, 0x1004);
	assert_same(&none, &model);
}

/* SDM LAR and LSL, tables of valid types. */
static void ask_system_descriptors_by_table(void **state)
{
	static const char *const lar_legacy = "0111110001011000", *const lar_long =
									  "0010000001011000";
	static const char *const lsl_legacy = "0111000001010000", *const lsl_long =
									  "0010000001010000";

	for (unsigned int is_long = 0; is_long < 2; is_long++)
		for (unsigned int type = 0; type < 16; type++) {
			struct fixture *f = fixture_init(is_long ? MODE_64BIT : MODE_PROTECTED, 0);
			struct answer a;

			gdt_set(f, SEL_FREE, make_descriptor(0, 0xfff, (uint8_t)type, 0));
			a = ask_model(f, SEL_FREE);
			assert_int_equal(a.lar_zf, (is_long ? lar_long : lar_legacy)[type] == '1');
			assert_int_equal(a.lsl_zf, (is_long ? lsl_long : lsl_legacy)[type] == '1');
			assert_false(a.verr);
			assert_false(a.verw);
			/* Hidden from outer levels by DPL 0. */
			a = ask_model(f, SEL_FREE | 1);
			assert_false(a.lar_zf || a.lsl_zf);
		}
}

/* A conforming code segment is visible at every CPL. */
static void ask_privilege_by_dpl(void **state)
{
	for (unsigned int cpl = 0; cpl < 4; cpl++)
		for (unsigned int dpl = 0; dpl < 4; dpl++)
			for (unsigned int rpl = 0; rpl < 4; rpl++) {
				struct fixture *f = fixture_init(MODE_PROTECTED, cpl);
				bool visible = cpl <= dpl && rpl <= dpl;
				struct answer a;

				a = ask_model(f, (uint16_t)(SEL(GDT_DATA, dpl) | rpl));
				assert_true(a.lar_zf == visible && a.lsl_zf == visible);
				assert_true(a.verr == visible && a.verw == visible);
				a = ask_model(f, (uint16_t)(SEL(GDT_CONFORMING, dpl) | rpl));
				assert_true(a.lar_zf && a.lsl_zf && a.verr && !a.verw);
			}
}

static void ask_real_mode_ud(void **state)
{
	struct fixture *f = fixture_init(MODE_REAL, 0);
	uint32_t value;
	bool zf;

	assert_plain_fault(f, cpu_lar(&f->cpu, 8, &zf, &value), UD_VECTOR);
	assert_plain_fault(f, cpu_lsl(&f->cpu, 8, &zf, &value), UD_VECTOR);
	assert_plain_fault(f, cpu_verr(&f->cpu, 8, &zf), UD_VECTOR);
	assert_plain_fault(f, cpu_verw(&f->cpu, 8, &zf), UD_VECTOR);
}

static void ask_page_fault_in_table_faults(void **state)
{
	struct fixture *f = fixture_init(MODE_PROTECTED, 3);
	uint32_t value;
	bool zf;

	f->not_present[GDT_BASE >> 12] = true;
	fixture_save(f);
	assert_fault(f, cpu_lar(&f->cpu, 8, &zf, &value), PF_VECTOR, 0);
	fixture_assert_unchanged(f);
}

const struct CMUnitTest verify_tests[] = {
	cmocka_unit_test(ask_ldt_descriptors_answers_as_host),
	cmocka_unit_test(ask_null_or_outside_table_clears_zf),
	cmocka_unit_test(ask_system_descriptors_by_table),
	cmocka_unit_test(ask_privilege_by_dpl),
	cmocka_unit_test(ask_real_mode_ud),
	cmocka_unit_test(ask_page_fault_in_table_faults),
};
const size_t verify_test_count = ARRAY_SIZE(verify_tests);
