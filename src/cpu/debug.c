// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/debug.h"

#include "cpu/fault.h"

/* Neither RTM nor bus-lock detection is offered, so both read as "not happened". */
#define DR6_WRITABLE UINT64_C(0xe00f)
#define DR7_WRITABLE UINT64_C(0xffff23ff)

uint64_t debug_dr6_fix(uint64_t value)
{
	return (value & DR6_WRITABLE) | DR6_INIT;
}

uint64_t debug_dr7_fix(uint64_t value)
{
	return (value & DR7_WRITABLE) | DR7_FIXED_1;
}

struct debug_breakpoint debug_decode(const struct cpu *cpu, unsigned int n)
{
	static const uint8_t lens[] = {1, 2, 8, 4};
	uint64_t dr7 = debug_active_dr7(cpu);
	struct debug_breakpoint bp = {
		.enabled = dr7 >> 2 * n & 3,
		.type = (enum debug_type)(dr7 >> (16 + 4 * n) & 3),
		.len = lens[dr7 >> (18 + 4 * n) & 3],
	};

	bp.gva = align_down(debug_active_dr(cpu)[n], bp.len);
	return bp;
}

static bool overlaps(const struct debug_breakpoint *bp, uint64_t start, size_t len)
{
	return start <= bp->gva + bp->len - 1 && bp->gva <= start + len - 1;
}

/* Which of the breakpoints of @types (a mask of enum debug_type) lie on the range? */
static uint64_t match(const struct cpu *cpu, unsigned int types, uint64_t start, size_t len)
{
	bool is_enabled = false;
	uint64_t hits = 0;

	if (!debug_is_watching(cpu))
		return 0;
	for (unsigned int n = 0; n < 4; n++) {
		struct debug_breakpoint bp = debug_decode(cpu, n);

		if (!(types >> bp.type & 1) || !overlaps(&bp, start, len))
			continue;
		hits |= BIT64(n);
		is_enabled |= bp.enabled;
	}
	return is_enabled ? hits : 0;
}

uint64_t debug_match_execute(const struct cpu *cpu, gva_t gva)
{
	bool is_enabled = false;
	uint64_t hits = 0;

	if (!debug_is_watching(cpu) || (cpu->state.rflags & X86_EFLAGS_RF))
		return 0;
	for (unsigned int n = 0; n < 4; n++) {
		struct debug_breakpoint bp = debug_decode(cpu, n);

		/* The first byte counts, whatever the length field says. */
		if (bp.type != DEBUG_EXECUTE || debug_active_dr(cpu)[n] != gva)
			continue;
		hits |= BIT64(n);
		is_enabled |= bp.enabled;
	}
	return is_enabled ? hits : 0;
}

uint64_t debug_match_data(const struct cpu *cpu, gva_t gva, size_t len, bool is_write)
{
	return match(cpu, BIT32(DEBUG_ACCESS) | (is_write ? BIT32(DEBUG_WRITE) : 0), gva, len);
}

uint64_t debug_match_io(const struct cpu *cpu, uint16_t port, size_t len)
{
	if (!(cpu->state.cr4 & X86_CR4_DE))
		return 0;
	return match(cpu, BIT32(DEBUG_IO), port, len);
}

void debug_record(struct cpu *cpu, uint64_t dr6)
{
	cpu->dr6 &= ~DR6_TRAP_BITS;
	cpu->dr6 |= DR6_ACTIVE_LOW | dr6;
	cpu->dr6 ^= dr6 & DR6_ACTIVE_LOW;
	if (cpu->dr7 & DR7_GD) {
		cpu->dr7 &= ~DR7_GD;
		cpu->ops->debug_changed(cpu);
	}
}

/* The checks that both directions share; *@n becomes 6 or 7 for the aliases 4 and 5. */
static enum cpu_result check_move(struct cpu *cpu, unsigned int *n)
{
	if (*n >= 8)
		return fault_ud(cpu);
	if (*n == 4 || *n == 5) {
		if (cpu->state.cr4 & X86_CR4_DE)
			return fault_ud(cpu);
		*n += 2;
	}
	if (cpu->state.cpl != 0)
		return fault_gp(cpu);
	if (cpu->dr7 & DR7_GD) {
		enum cpu_result res = fault_plain(cpu, DB_VECTOR);

		cpu->fault.address = DR6_BD;
		return res;
	}
	return CPU_OK;
}

enum cpu_result cpu_mov_from_dr(struct cpu *cpu, unsigned int n, uint64_t *value)
{
	CPU_TRY(check_move(cpu, &n));
	if (n < 4)
		*value = cpu->dr[n];
	else
		*value = n == 6 ? cpu->dr6 : cpu->dr7;
	return CPU_OK;
}

enum cpu_result cpu_mov_to_dr(struct cpu *cpu, unsigned int n, uint64_t value)
{
	CPU_TRY(check_move(cpu, &n));
	if (!x86_is_64bit(&cpu->state))
		value = (uint32_t)value;
	if (n < 4) {
		cpu->dr[n] = value;
		cpu->ops->debug_changed(cpu);
		return CPU_OK;
	}
	if (value >> 32)
		return fault_gp(cpu);
	if (n == 6) {
		cpu->dr6 = debug_dr6_fix(value);
		return CPU_OK;
	}
	cpu->dr7 = debug_dr7_fix(value);
	cpu->ops->debug_changed(cpu);
	return CPU_OK;
}
