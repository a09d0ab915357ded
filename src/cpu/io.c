// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/io.h"

#include "cpu/fault.h"
#include "cpu/segment.h"

#define TSS_IO_MAP_BASE 102

static enum cpu_result read_tss16(struct cpu *cpu, uint32_t offset, uint16_t *value)
{
	gva_t gva = cpu->tr.base + offset;

	/* Both bytes of the map are read always, so both must be inside. */
	if (offset + 1 > cpu->tr.limit)
		return fault_gp(cpu);
	if (!cpu_in_long_mode(cpu))
		gva = (uint32_t)gva;
	return cpu->ops->read(cpu, gva, value, 2, CPU_ACCESS_IMPLICIT);
}

enum cpu_result cpu_check_io(struct cpu *cpu, uint16_t port, unsigned int len)
{
	uint16_t base, bits;

	if (!cpu_in_protected_mode(cpu) || cpu->state.cpl <= cpu_iopl(cpu))
		return CPU_OK;
	/* A 16-bit TSS has no map. */
	if (cpu->tr.unusable || cpu->tr.type != DESC_TSS_BUSY)
		return fault_gp(cpu);
	CPU_TRY(read_tss16(cpu, TSS_IO_MAP_BASE, &base));
	CPU_TRY(read_tss16(cpu, base + port / 8u, &bits));
	if (bits >> port % 8 & ((1u << len) - 1))
		return fault_gp(cpu);
	return CPU_OK;
}
