// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM POPF, CLI, STI, STAC; POPF at CPL 3 against the host's. */
#include "tests.h"

#include "cpu/event.h"
#include "cpu/flags.h"

/* TF and AC would trap in the test itself, NT in a later IRET of the kernel's. */
#define HOST_SAFE 0xffffffffffbbaeffull & ~(X86_EFLAGS_AC | X86_EFLAGS_NT)

static uint64_t host_popf(uint64_t image)
{
	uint64_t result;

	/* Below the red zone; the old flags are put back before anything else runs. */
	__asm__ volatile("sub $128, %%rsp\n\t"
			 "pushfq\n\t"
			 "push %1\n\t"
			 "popfq\n\t"
			 "pushfq\n\t"
			 "pop %0\n\t"
			 "popfq\n\t"
			 "add $128, %%rsp"
			 : "=&r"(result)
			 : "r"(image)
			 : "memory", "cc");
	return result;
}

static void popf_cpl3_as_host(void **state)
{
	uint64_t random = 88172645463325252;

	for (unsigned int i = 0; i < 20000; i++) {
		struct fixture *f = i ? NULL : fixture_init(MODE_64BIT, 3);
		static struct cpu *cpu;
		uint64_t image, host;

		if (f)
			cpu = &f->cpu;
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		image = random & (HOST_SAFE);
		host = host_popf(image);
		cpu->state.rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF;
		assert_int_equal(flags_after_popf(cpu, image, 8), host);
	}
}

static void popf_by_privilege(void **state)
{
	for (unsigned int n = 0; n < 32; n++) {
		unsigned int cpl = n & 3, iopl = n >> 2 & 3, width = n & 16 ? 2 : 4;
		struct fixture *f = fixture_init(MODE_PROTECTED, cpl);
		uint64_t want = 2 | 0x4dd5;

		f->cpu.state.rflags = 2 | iopl << 12 | X86_EFLAGS_VIF;
		want |= X86_EFLAGS_VIF | (cpl <= iopl ? X86_EFLAGS_IF : 0);
		want |= cpl == 0 ? X86_EFLAGS_IOPL : iopl << 12;
		if (width == 4)
			want |= X86_EFLAGS_AC | X86_EFLAGS_ID;
		assert_int_equal(flags_after_popf(&f->cpu, UINT32_MAX, width), want);
	}
}

static void popf_clears_rf_and_pushf_hides_it(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 0);

	f->cpu.state.rflags |= X86_EFLAGS_RF;
	assert_int_equal(flags_for_pushf(&f->cpu), 0x202);
	assert_int_equal(flags_after_popf(&f->cpu, X86_EFLAGS_RF, 8), 2);
}

static void cli_sti_by_iopl(void **state)
{
	for (unsigned int n = 0; n < 16; n++) {
		unsigned int cpl = n & 3, iopl = n >> 2;
		struct fixture *f = fixture_init(MODE_PROTECTED, cpl);

		f->cpu.state.rflags = 0x202 | iopl << 12;
		if (cpl > iopl) {
			fixture_save(f);
			assert_fault(f, cpu_cli(&f->cpu), GP_VECTOR, 0);
			assert_fault(f, cpu_sti(&f->cpu), GP_VECTOR, 0);
			fixture_assert_unchanged(f);
			continue;
		}
		assert_int_equal(cpu_cli(&f->cpu), CPU_OK);
		assert_false(f->cpu.state.rflags & X86_EFLAGS_IF);
		assert_int_equal(cpu_sti(&f->cpu), CPU_OK);
		assert_true(f->cpu.state.rflags & X86_EFLAGS_IF);
		assert_false(cpu_may_interrupt(&f->cpu));
		/* A second one casts no new shadow. */
		f->cpu.events.shadow = 0;
		assert_int_equal(cpu_sti(&f->cpu), CPU_OK);
		assert_true(cpu_may_interrupt(&f->cpu));
	}
}

static void pvi_uses_vif_at_cpl3(void **state)
{
	struct fixture *f = fixture_init(MODE_PROTECTED, 3);

	f->cpu.state.cr4 |= X86_CR4_PVI;
	assert_int_equal(cpu_sti(&f->cpu), CPU_OK);
	assert_true(f->cpu.state.rflags & X86_EFLAGS_VIF);
	assert_int_equal(f->cpu.events.shadow, 0);
	assert_int_equal(cpu_cli(&f->cpu), CPU_OK);
	assert_false(f->cpu.state.rflags & X86_EFLAGS_VIF);
	assert_true(f->cpu.state.rflags & X86_EFLAGS_IF);
	f->cpu.state.rflags |= X86_EFLAGS_VIP;
	assert_fault(f, cpu_sti(&f->cpu), GP_VECTOR, 0);
	f->cpu.state.cpl = 2;
	assert_fault(f, cpu_cli(&f->cpu), GP_VECTOR, 0);
}

static void stac_needs_smap_and_cpl0(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 0);

	assert_plain_fault(f, cpu_set_ac(&f->cpu, true), UD_VECTOR);
	f->cpu.features.smap = true;
	assert_int_equal(cpu_set_ac(&f->cpu, true), CPU_OK);
	assert_true(f->cpu.state.rflags & X86_EFLAGS_AC);
	assert_int_equal(cpu_set_ac(&f->cpu, false), CPU_OK);
	assert_false(f->cpu.state.rflags & X86_EFLAGS_AC);
	f->cpu.state.cpl = 3;
	assert_plain_fault(f, cpu_set_ac(&f->cpu, false), UD_VECTOR);
}

const struct CMUnitTest flags_tests[] = {
	cmocka_unit_test(popf_cpl3_as_host),
	cmocka_unit_test(popf_by_privilege),
	cmocka_unit_test(popf_clears_rf_and_pushf_hides_it),
	cmocka_unit_test(cli_sti_by_iopl),
	cmocka_unit_test(pvi_uses_vif_at_cpl3),
	cmocka_unit_test(stac_needs_smap_and_cpl0),
};
const size_t flags_test_count = ARRAY_SIZE(flags_tests);
