// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "IA-32 Processor States Following Power-up, Reset, or INIT". */
#include "tests.h"

#include "cpu/msr.h"

static void assert_reset_registers(const struct cpu *cpu)
{
	const struct x86_segment *cs = &cpu->state.seg[X86_SEG_CS];

	assert_int_equal(cpu->state.rip, 0xfff0);
	assert_int_equal(cpu->state.rflags, 2);
	assert_int_equal(cs->selector, 0xf000);
	assert_int_equal(cs->base, 0xffff0000);
	assert_int_equal(cs->limit, 0xffff);
	assert_int_equal(cs->type, 0xb);
	assert_int_equal(cpu->state.seg[X86_SEG_SS].type, 3);
	assert_int_equal(cpu->tr.type, DESC_TSS_BUSY);
	assert_int_equal(cpu->ldtr.type, DESC_LDT);
	assert_int_equal(cpu->gdtr.limit, 0xffff);
	assert_int_equal(cpu->dr6, 0xffff0ff0);
	assert_int_equal(cpu->dr7, 0x400);
	assert_int_equal(cpu->state.efer, 0);
	assert_int_equal(cpu->state.cr4, 0);
	assert_int_equal(cpu->state.cpl, 0);
	assert_int_equal(cpu->state.gpr[X86_RAX], 0);
	assert_int_equal(cpu->state.gpr[X86_RDX], 0x600);
}

static void init_gives_power_on_state(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 3);
	const struct cpu_ops *ops = f->cpu.ops;

	cpu_init(&f->cpu, ops, f, true);
	assert_reset_registers(&f->cpu);
	assert_int_equal(f->cpu.state.cr0, 0x60000010);
	assert_int_equal(f->cpu.state.xcr0, 1);
	assert_int_equal(f->cpu.msr.pat, 0x0007040600070406);
	assert_ptr_equal(f->cpu.owner, f);
}

static void reset_keeps_what_the_vmm_gave(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 3);

	f->cpu.msr.arch_capabilities = 1;
	f->cpu.msr.lstar = 2;
	f->cpu.msr.mcg_cap = 10;
	f->cpu.features.lm = true;
	cpu_reset(&f->cpu);
	assert_reset_registers(&f->cpu);
	assert_int_equal(f->cpu.msr.arch_capabilities, 1);
	assert_int_equal(f->cpu.msr.mcg_cap, 10);
	assert_int_equal(f->cpu.msr.lstar, 0);
	assert_true(f->cpu.features.lm);
	assert_int_equal(f->change.flush, CPU_FLUSH_ALL);
	assert_int_equal(f->change.efer, EFER_LME | EFER_LMA | EFER_SCE);
}

/* INIT keeps CD and NW, the MSRs and XCR0. */
static void init_signal_keeps_msrs_and_cache_bits(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 3);

	f->cpu.msr.lstar = 2;
	f->cpu.state.xcr0 = 7;
	f->cpu.events.nmi.blocked = true;
	cpu_init_signal(&f->cpu);
	assert_reset_registers(&f->cpu);
	assert_int_equal(f->cpu.state.cr0, 0x10);
	assert_int_equal(f->cpu.msr.lstar, 2);
	assert_int_equal(f->cpu.state.xcr0, 7);
	assert_false(f->cpu.events.nmi.blocked);
	f->cpu.state.cr0 |= X86_CR0_CD;
	cpu_init_signal(&f->cpu);
	assert_int_equal(f->cpu.state.cr0, 0x40000010);
}

static void sipi_starts_at_its_page(void **state)
{
	struct fixture *f = fixture_init(MODE_REAL, 0);

	cpu_init_signal(&f->cpu);
	cpu_sipi(&f->cpu, 0x9a);
	assert_int_equal(f->cpu.state.seg[X86_SEG_CS].selector, 0x9a00);
	assert_int_equal(f->cpu.state.seg[X86_SEG_CS].base, 0x9a000);
	assert_int_equal(f->cpu.state.rip, 0);
}

const struct CMUnitTest reset_tests[] = {
	cmocka_unit_test(init_gives_power_on_state),
	cmocka_unit_test(reset_keeps_what_the_vmm_gave),
	cmocka_unit_test(init_signal_keeps_msrs_and_cache_bits),
	cmocka_unit_test(sipi_starts_at_its_page),
};
const size_t reset_test_count = ARRAY_SIZE(reset_tests);
