// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/cpu.h"
#include "cpu/debug.h"
#include "cpu/msr.h"
#include "cpu/segment.h"
#include "lib/bits.h"

#define CR0_INIT   (X86_CR0_CD | X86_CR0_NW | X86_CR0_ET)
#define RESET_RIP  0xfff0
#define RESET_CS   0xf000
#define RESET_BASE 0xffff0000

/* SDM "Processor State After Reset": RDX holds family, model and stepping. */
#define RESET_RDX 0x600

static struct x86_segment reset_segment(uint8_t type, bool s)
{
	return (struct x86_segment){.limit = 0xffff, .type = type, .s = s, .present = true};
}

/* What reset and INIT have in common. */
static void init_registers(struct cpu *cpu)
{
	struct x86_state *state = &cpu->state;
	const uint8_t data = X86_SEG_TYPE_WRITABLE | X86_SEG_TYPE_ACCESSED;
	bool smm = state->smm;

	*state = (struct x86_state){
		.gpr[X86_RDX] = RESET_RDX,
		.rip = RESET_RIP,
		.rflags = X86_EFLAGS_FIXED,
		.cr0 = CR0_INIT,
		.xcr0 = state->xcr0,
		.smm = smm,
	};
	for (unsigned int i = 0; i < X86_NR_SEGS; i++)
		state->seg[i] = reset_segment(data, true);
	state->seg[X86_SEG_CS] = reset_segment(data | X86_SEG_TYPE_CODE, true);
	state->seg[X86_SEG_CS].selector = RESET_CS;
	state->seg[X86_SEG_CS].base = RESET_BASE;
	cpu->ldtr = reset_segment(DESC_LDT, false);
	cpu->tr = reset_segment(DESC_TSS_BUSY, false);
	cpu->gdtr = cpu->idtr = (struct cpu_table){.limit = 0xffff};
	cpu->cr3 = 0;
	cpu->cr8 = 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(cpu->dr); i++)
		cpu->dr[i] = 0;
	cpu->dr6 = DR6_INIT;
	cpu->dr7 = DR7_FIXED_1;
	cpu->events = (struct cpu_events){.smi_pending = cpu->events.smi_pending};
}

static void announce(struct cpu *cpu, const struct cpu_paging_change *before)
{
	struct cpu_paging_change change = *before;

	change.flush = CPU_FLUSH_ALL;
	change.permissions = true;
	cpu->ops->paging_changed(cpu, &change);
	cpu->ops->debug_changed(cpu);
	cpu->ops->mode_changed(cpu);
}

static struct cpu_paging_change paging_before(const struct cpu *cpu)
{
	return (struct cpu_paging_change){
		.cr0 = cpu->state.cr0,
		.cr3 = cpu->cr3,
		.cr4 = cpu->state.cr4,
		.efer = cpu->state.efer,
	};
}

void cpu_reset(struct cpu *cpu)
{
	struct cpu_paging_change before = paging_before(cpu);

	init_registers(cpu);
	cpu->state.smm = false;
	cpu->state.xcr0 = XFEATURE_MASK_FP;
	cpu->events.smi_pending = false;
	msr_reset(cpu);
	announce(cpu, &before);
}

void cpu_init_signal(struct cpu *cpu)
{
	struct cpu_paging_change before = paging_before(cpu);
	uint64_t cache_bits = cpu->state.cr0 & (X86_CR0_CD | X86_CR0_NW);

	init_registers(cpu);
	cpu->state.cr0 = X86_CR0_ET | cache_bits;
	announce(cpu, &before);
}

void cpu_sipi(struct cpu *cpu, uint8_t vector)
{
	struct x86_segment *cs = &cpu->state.seg[X86_SEG_CS];

	cs->selector = (uint16_t)(vector << 8);
	cs->base = (uint32_t)vector << 12;
	cpu->state.rip = 0;
	cpu->ops->mode_changed(cpu);
}

void cpu_init(struct cpu *cpu, const struct cpu_ops *ops, void *owner, bool is_bsp)
{
	*cpu = (struct cpu){.ops = ops, .owner = owner, .is_bsp = is_bsp};
	cpu->msr.arch_capabilities = ARCH_CAPABILITIES_OFFERED;
	cpu->msr.ucode_rev = UCODE_REV_INIT;
	cpu_reset(cpu);
}
