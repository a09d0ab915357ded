// SPDX-License-Identifier: GPL-2.0-or-later
#include "oracle.h"

#define FLAG(entry, bit) (((entry) >> (bit)) & 1)

enum {
	BIT_P = 0,
	BIT_RW = 1,
	BIT_US = 2,
	BIT_A = 5,
	BIT_D = 6,
	BIT_PS = 7,
	BIT_G = 8,
	BIT_XD = 63,
};

/*
 * The rows "Reserved (must be 0)" of the tables "Format of a ... Entry", and XD
 * where IA32_EFER.NXE = 0.
 */
static bool is_reserved(const struct oracle_cpu *cpu, enum oracle_format format, int bit)
{
	int m = (int)cpu->maxphyaddr;
	int m40 = m > 40 ? 40 : m; /* 32-bit paging: "M is the minimum of 40 and MAXPHYADDR" */

	switch (format) {
	case FORMAT_PDE32:
	case FORMAT_PTE32:
		return false;
	case FORMAT_PDE32_4M:
		return bit <= 21 && bit >= m40 - 19;
	case FORMAT_PAE_PDE_2M:
	case FORMAT_PAE_PDE:
	case FORMAT_PAE_PTE:
		if (format == FORMAT_PAE_PDE_2M && bit >= 13 && bit <= 20)
			return true;
		return bit == BIT_XD ? !cpu->nxe : bit >= m && bit <= 62;
	case FORMAT_PML4E:
	case FORMAT_PDPTE_1G:
	case FORMAT_PDPTE:
	case FORMAT_PDE_2M:
	case FORMAT_PDE:
	case FORMAT_PTE:
		if (format == FORMAT_PML4E && bit == BIT_PS)
			return true;
		if (format == FORMAT_PDPTE && bit == BIT_PS && !cpu->page1gb)
			return true;
		if (format == FORMAT_PDPTE_1G && bit >= 13 && bit <= 29)
			return true;
		if (format == FORMAT_PDE_2M && bit >= 13 && bit <= 20)
			return true;
		return bit == BIT_XD ? !cpu->nxe : bit >= m && bit <= 51;
	case NR_FORMATS:
		break;
	}
	return false;
}

void oracle_prepare(struct oracle_cpu *cpu)
{
	for (int format = 0; format < NR_FORMATS; format++) {
		cpu->reserved[format] = 0;
		for (int bit = 0; bit < 64; bit++)
			if (is_reserved(cpu, (enum oracle_format)format, bit))
				cpu->reserved[format] |= UINT64_C(1) << bit;
	}
}

static enum oracle_format format_of(const struct oracle_cpu *cpu, unsigned int depth, uint64_t e)
{
	static const enum oracle_format four[] = {FORMAT_PML4E, FORMAT_PDPTE, FORMAT_PDE,
						  FORMAT_PTE};

	switch (cpu->paging) {
	case ORACLE_32BIT:
		if (depth == 1)
			return FORMAT_PTE32;
		return cpu->pse && FLAG(e, BIT_PS) ? FORMAT_PDE32_4M : FORMAT_PDE32;
	case ORACLE_PAE:
		if (depth == 1)
			return FORMAT_PAE_PTE;
		return FLAG(e, BIT_PS) ? FORMAT_PAE_PDE_2M : FORMAT_PAE_PDE;
	case ORACLE_4LEVEL:
		if (depth == 1 && FLAG(e, BIT_PS) && cpu->page1gb)
			return FORMAT_PDPTE_1G;
		if (depth == 2 && FLAG(e, BIT_PS))
			return FORMAT_PDE_2M;
		return four[depth];
	}
	return NR_FORMATS;
}

/* log2 of the size of the page that an entry of @format maps, 0 when it names a table. */
static unsigned int page_bits(enum oracle_format format)
{
	switch (format) {
	case FORMAT_PTE32:
	case FORMAT_PAE_PTE:
	case FORMAT_PTE:
		return 12;
	case FORMAT_PAE_PDE_2M:
	case FORMAT_PDE_2M:
		return 21;
	case FORMAT_PDE32_4M:
		return 22;
	case FORMAT_PDPTE_1G:
		return 30;
	case FORMAT_PDE32:
	case FORMAT_PAE_PDE:
	case FORMAT_PML4E:
	case FORMAT_PDPTE:
	case FORMAT_PDE:
	case NR_FORMATS:
		break;
	}
	return 0;
}

static uint64_t physical(enum oracle_format format, uint64_t e, uint64_t linear)
{
	switch (format) {
	case FORMAT_PTE32:
		return (e & 0xfffff000) + (linear & 0xfff);
	case FORMAT_PDE32_4M:
		return (e & 0xffc00000) + (((e >> 13) & 0xff) << 32) + (linear & 0x3fffff);
	case FORMAT_PAE_PTE:
	case FORMAT_PTE:
		return (e & UINT64_C(0x000ffffffffff000)) + (linear & 0xfff);
	case FORMAT_PAE_PDE_2M:
	case FORMAT_PDE_2M:
		return (e & UINT64_C(0x000fffffffe00000)) + (linear & 0x1fffff);
	case FORMAT_PDPTE_1G:
		return (e & UINT64_C(0x000fffffc0000000)) + (linear & 0x3fffffff);
	case FORMAT_PDE32:
	case FORMAT_PAE_PDE:
	case FORMAT_PML4E:
	case FORMAT_PDPTE:
	case FORMAT_PDE:
	case NR_FORMATS:
		break;
	}
	return ~UINT64_C(0);
}

/* SDM "Determination of Access Rights", bullet by bullet. */
static bool supervisor_allowed(const struct oracle_cpu *cpu, struct oracle_access access,
			       bool user_address, bool all_writable, bool no_xd)
{
	bool ac_opens = cpu->ac && !access.implicit;

	if (access.fetch) {
		if (!user_address)
			return !cpu->nxe || no_xd;
		if (cpu->smep)
			return false;
		return !cpu->nxe || no_xd;
	}
	if (!access.write) {
		if (!user_address)
			return true;
		return !cpu->smap || ac_opens;
	}
	if (!user_address)
		return !cpu->wp || all_writable;
	if (!cpu->wp)
		return !cpu->smap || ac_opens;
	if (!cpu->smap)
		return all_writable;
	return ac_opens && all_writable;
}

static bool is_allowed(const struct oracle_cpu *cpu, struct oracle_access access, bool user_address,
		       bool all_writable, bool no_xd)
{
	if (!access.user)
		return supervisor_allowed(cpu, access, user_address, all_writable, no_xd);
	if (!user_address)
		return false;
	if (access.fetch)
		return !cpu->nxe || no_xd;
	return access.write ? all_writable : true;
}

/* SDM "Page-Fault Exceptions": the flags of the error code. */
static struct oracle_result fault(const struct oracle_cpu *cpu, struct oracle_access access,
				  bool present, bool reserved, unsigned int used)
{
	bool id_counts = cpu->smep || (cpu->paging != ORACLE_32BIT && cpu->nxe);

	return (struct oracle_result){
		.fault = true,
		.used = used,
		.error_code = (present ? 1u : 0) | (access.write ? 2u : 0) |
			      (access.user ? 4u : 0) | (reserved ? 8u : 0) |
			      (access.fetch && id_counts ? 16u : 0),
	};
}

static struct oracle_access like(struct oracle_access access, bool write, bool fetch)
{
	access.write = write;
	access.fetch = fetch;
	return access;
}

struct oracle_result oracle_walk(const struct oracle_cpu *cpu, struct oracle_access access,
				 uint64_t linear, uint64_t entry[4])
{
	bool user_address = true, all_writable = true, no_xd = true;
	struct oracle_result result = {0};
	enum oracle_format format;

	for (unsigned int depth = 0;; depth++) {
		uint64_t *e = &entry[depth];

		if (!FLAG(*e, BIT_P))
			return fault(cpu, access, false, false, depth + 1);
		format = format_of(cpu, depth, *e);
		if (*e & cpu->reserved[format])
			return fault(cpu, access, true, true, depth + 1);
		user_address &= FLAG(*e, BIT_US);
		all_writable &= FLAG(*e, BIT_RW);
		no_xd &= cpu->paging == ORACLE_32BIT || !FLAG(*e, BIT_XD);
		result.page_bits = page_bits(format);
		result.used = depth + 1;
		if (result.page_bits)
			break;
		*e |= 1 << BIT_A;
	}
	if (!is_allowed(cpu, access, user_address, all_writable, no_xd))
		return fault(cpu, access, true, false, result.used);
	entry[result.used - 1] |= 1 << BIT_A | (access.write ? 1 << BIT_D : 0);
	result.address = physical(format, entry[result.used - 1], linear);
	result.user_page = user_address;
	result.global = cpu->pge && FLAG(entry[result.used - 1], BIT_G);
	result.may_read =
		is_allowed(cpu, like(access, false, false), user_address, all_writable, no_xd);
	result.may_write =
		is_allowed(cpu, like(access, true, false), user_address, all_writable, no_xd) &&
		FLAG(entry[result.used - 1], BIT_D);
	result.may_fetch =
		is_allowed(cpu, like(access, false, true), user_address, all_writable, no_xd);
	return result;
}
