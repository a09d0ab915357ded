// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM INVLPG, INVPCID, WBINVD, INVD, CLFLUSH: what is asked of the engine, and who may. */
#include "tests.h"

#define INVPCID_RAX_RBX "660f388203"

static void invlpg_names_linear_address(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	m->gpr[X86_RAX] = 0xffff800000001234;
	step_ok(m, "0f0138");
	assert_int_equal(m->invlpg_gva, 0xffff800000001234);
	m->state->seg[X86_SEG_GS].base = 0x10000;
	m->gpr[X86_RAX] = 0x5000;
	step_ok(m, "650f0138");
	assert_int_equal(m->invlpg_gva, 0x15000);

	m = machine_init(MODE_PROTECTED, 0);
	m->state->seg[X86_SEG_DS].base = 0xfffff000;
	m->gpr[X86_RAX] = 0x3000;
	m->state->seg[X86_SEG_DS].limit = 0;
	step_ok(m, "0f0138");
	assert_int_equal(m->invlpg_gva, 0x2000);
}

static void invlpg_not_canonical_nothing(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	m->gpr[X86_RAX] = 0x800000000000;
	step_ok(m, "0f0138");
	assert_int_equal(m->invlpg_count, 0);
}

static void privileged_at_cpl3_gp(void **state)
{
	static const char *const hex[] = {"0f0138", "0f09", "f30f09", "0f08", INVPCID_RAX_RBX};

	for (unsigned int i = 0; i < ARRAY_SIZE(hex); i++) {
		struct machine *m = machine_init(MODE_64BIT, 3);

		machine_offer(m, 7, CPUID_EBX, 10);
		step_fault(m, hex[i], GP_VECTOR);
	}
}

static void wbinvd_and_invd_do_nothing(void **state)
{
	struct machine *m = machine_init(MODE_REAL, 0);

	m->state->seg[X86_SEG_CS].limit = 0xffff;
	step_ok(m, "0f09");
	step_ok(m, "0f08");
}

static struct machine *invpcid_init(uint64_t type, uint64_t pcid, uint64_t gva)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	machine_offer(m, 7, CPUID_EBX, 10);
	m->state->cr4 |= X86_CR4_PCIDE;
	m->cpu->cr3 = 0x5007;
	m->gpr[X86_RAX] = type;
	m->gpr[X86_RBX] = DATA;
	poke(m->f, DATA, pcid, 8);
	poke(m->f, DATA + 8, gva, 8);
	return m;
}

static void invpcid_address_of_current_pcid(void **state)
{
	struct machine *m = invpcid_init(0, 7, 0x1234000);

	step_ok(m, INVPCID_RAX_RBX);
	assert_int_equal(m->invlpg_gva, 0x1234000);
	assert_int_equal(m->flush_count, 0);
}

static void invpcid_types_flush(void **state)
{
	static const struct {
		uint64_t type, pcid;
		enum cpu_flush flush;
	} cases[] = {
		{0, 8, CPU_FLUSH_NONGLOBAL}, {1, 7, CPU_FLUSH_PCID},
		{1, 8, CPU_FLUSH_NONGLOBAL}, {2, 0, CPU_FLUSH_ALL},
		{3, 0, CPU_FLUSH_NONGLOBAL},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct machine *m = invpcid_init(cases[i].type, cases[i].pcid, 0);

		step_ok(m, INVPCID_RAX_RBX);
		assert_int_equal(m->flush_count, 1);
		assert_int_equal(m->flush, cases[i].flush);
		assert_int_equal(m->invlpg_count, 0);
	}
}

static void invpcid_bad_operand_gp(void **state)
{
	struct machine *m;

	step_fault(invpcid_init(4, 0, 0), INVPCID_RAX_RBX, GP_VECTOR);
	step_fault(invpcid_init(2, 0x1000, 0), INVPCID_RAX_RBX, GP_VECTOR);
	step_fault(invpcid_init(0, 7, 0x800000000000), INVPCID_RAX_RBX, GP_VECTOR);
	m = invpcid_init(1, 7, 0);
	m->state->cr4 &= ~X86_CR4_PCIDE;
	step_fault(m, INVPCID_RAX_RBX, GP_VECTOR);
}

static void invpcid_not_offered_ud(void **state)
{
	struct machine *m = invpcid_init(2, 0, 0);

	m->cpuid.count = 0;
	step_fault(m, INVPCID_RAX_RBX, UD_VECTOR);
}

static void clflush_checks_as_load(void **state)
{
	static const char *const hex[] = {"0fae38", "660fae38", "660fae30"};

	for (unsigned int i = 0; i < ARRAY_SIZE(hex); i++) {
		struct machine *m = machine_init(MODE_64BIT, 3);

		m->gpr[X86_RAX] = DATA + 1;
		m->f->read_only[DATA >> 12] = true;
		m->is_device[DATA >> 12] = true;
		step_ok(m, hex[i]);
		m->f->not_present[DATA >> 12] = true;
		step_fault(m, hex[i], PF_VECTOR);
		m->gpr[X86_RAX] = 0x800000000000;
		step_fault(m, hex[i], GP_VECTOR);
	}
}

const struct CMUnitTest exec_cache_tests[] = {
	cmocka_unit_test(invlpg_names_linear_address),
	cmocka_unit_test(invlpg_not_canonical_nothing),
	cmocka_unit_test(privileged_at_cpl3_gp),
	cmocka_unit_test(wbinvd_and_invd_do_nothing),
	cmocka_unit_test(invpcid_address_of_current_pcid),
	cmocka_unit_test(invpcid_types_flush),
	cmocka_unit_test(invpcid_bad_operand_gp),
	cmocka_unit_test(invpcid_not_offered_ud),
	cmocka_unit_test(clflush_checks_as_load),
};
const size_t exec_cache_test_count = ARRAY_SIZE(exec_cache_tests);
