// SPDX-License-Identifier: GPL-2.0-or-later
/* Which memory types PAT and the MTRRs take, and the machine-check banks' rules. */
#include "cpu/msr_table.h"

#include "lib/bits.h"

#define MTRR_DEFTYPE_FE BIT64(10)
#define MTRR_DEFTYPE_E  BIT64(11)
#define MTRR_MASK_VALID BIT64(11)

/* UC, WC, WT, WP, WB. */
static bool is_memory_type(uint64_t type)
{
	return type < 7 && type != 2 && type != 3;
}

/* PAT has UC- beside them. */
bool msr_valid_pat(const struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value)
{
	for (unsigned int i = 0; i < 8; i++) {
		uint64_t type = value >> 8 * i & 0xff;

		if (!is_memory_type(type) && type != 7)
			return false;
	}
	return true;
}

bool msr_valid_mtrr_deftype(const struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value)
{
	return !(value & ~(MTRR_DEFTYPE_E | MTRR_DEFTYPE_FE | 0xff)) &&
	       is_memory_type(value & 0xff);
}

bool msr_valid_mtrr_fixed(const struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value)
{
	for (unsigned int i = 0; i < 8; i++)
		if (!is_memory_type(value >> 8 * i & 0xff))
			return false;
	return true;
}

bool msr_valid_mtrr_variable(const struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value)
{
	if (value >> cpu->features.phys_bits)
		return false;
	if (n & 1)
		return !(value & 0xfff & ~MTRR_MASK_VALID);
	return !(value & 0xf00) && is_memory_type(value & 0xff);
}

bool msr_valid_mcg_ctl(const struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value)
{
	/* A VMM that saves it where it does not exist reads 0, and may write that back. */
	if (!(cpu->msr.mcg_cap & MCG_CTL_P))
		return host_initiated && value == 0;
	return value == 0 || value == UINT64_MAX;
}

/*
 * SDM "IA32_MCi_CTL MSRs" are all ones or none; Linux clears bit 10 of one for an
 * old northbridge's sake. Software may clear a status, not make one.
 */
bool msr_valid_mc_bank(const struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value)
{
	switch (n % 4) {
	case 0:
		return value == 0 || (value | BIT64(10)) == UINT64_MAX;
	case 1:
		return host_initiated || value == 0;
	default:
		return true;
	}
}
