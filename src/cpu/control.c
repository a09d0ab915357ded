// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/control.h"

#include "cpu/fault.h"

#define CR0_WRITABLE                                                                   \
	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_NE | X86_CR0_WP | \
	 X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | X86_CR0_PG)

/* Bits that decide what a translation permits, without asking for a flush on hardware. */
#define CR4_PERMISSIONS (X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_PKE)

#define CR3_PCID_NOFLUSH (UINT64_C(1) << 63)

static struct cpu_paging_change change_start(const struct cpu *cpu)
{
	return (struct cpu_paging_change){
		.cr0 = cpu->state.cr0,
		.cr3 = cpu->cr3,
		.cr4 = cpu->state.cr4,
		.efer = cpu->state.efer,
	};
}

static bool uses_pae(uint64_t cr0, uint64_t cr4, uint64_t efer)
{
	return (cr0 & X86_CR0_PG) && (cr4 & X86_CR4_PAE) && !(efer & EFER_LMA);
}

/* SDM "PDPTE Registers": a bad one refuses the MOV that would have loaded it. */
static enum cpu_result load_pdptes(struct cpu *cpu, uint64_t cr3)
{
	enum cpu_result res = cpu->ops->load_pdptes(cpu, cr3);

	return res == CPU_FAULT ? fault_gp(cpu) : res;
}

/* Is the change of PG one that the rest of the machine's state permits? */
static bool may_change_pg(const struct cpu *cpu, bool pg)
{
	const struct x86_state *state = &cpu->state;

	if (!pg)
		return !x86_is_64bit(state) && !(state->cr4 & X86_CR4_PCIDE);
	if (!(state->efer & EFER_LME))
		return true;
	/* SDM "Initializing IA-32e Mode": PAE first; CS.L waits for the jump after it. */
	return (state->cr4 & X86_CR4_PAE) && !state->seg[X86_SEG_CS].l;
}

static enum cpu_result set_cr0(struct cpu *cpu, uint64_t value)
{
	struct cpu_paging_change change = change_start(cpu);
	uint64_t flipped, efer = cpu->state.efer;

	if (value >> 32)
		return fault_gp(cpu);
	value = (value & CR0_WRITABLE) | X86_CR0_ET;
	flipped = value ^ cpu->state.cr0;
	if ((value & X86_CR0_PG) && !(value & X86_CR0_PE))
		return fault_gp(cpu);
	if ((value & X86_CR0_NW) && !(value & X86_CR0_CD))
		return fault_gp(cpu);
	if ((flipped & X86_CR0_PG) && !may_change_pg(cpu, value & X86_CR0_PG))
		return fault_gp(cpu);
	if (flipped & X86_CR0_PG) {
		efer &= ~EFER_LMA;
		if ((value & X86_CR0_PG) && (efer & EFER_LME))
			efer |= EFER_LMA;
	}
	if ((flipped & (X86_CR0_PG | X86_CR0_CD | X86_CR0_NW)) &&
	    uses_pae(value, cpu->state.cr4, efer))
		CPU_TRY(load_pdptes(cpu, cpu->cr3));

	cpu->state.cr0 = value;
	cpu->state.efer = efer;
	change.permissions = flipped & X86_CR0_WP;
	if (flipped & X86_CR0_PG)
		change.flush = CPU_FLUSH_ALL;
	if (flipped & (X86_CR0_PG | X86_CR0_WP | X86_CR0_CD | X86_CR0_NW))
		cpu->ops->paging_changed(cpu, &change);
	if (flipped)
		cpu->ops->mode_changed(cpu);
	return CPU_OK;
}

static bool cr3_is_valid(const struct cpu *cpu, uint64_t cr3)
{
	return !cpu_in_long_mode(cpu) || !(cr3 >> cpu->features.phys_bits);
}

static enum cpu_result set_cr3(struct cpu *cpu, uint64_t value)
{
	struct cpu_paging_change change = change_start(cpu);

	change.flush = CPU_FLUSH_NONGLOBAL;
	if (cpu->state.cr4 & X86_CR4_PCIDE) {
		change.flush = value & CR3_PCID_NOFLUSH ? CPU_FLUSH_NONE : CPU_FLUSH_PCID;
		value &= ~CR3_PCID_NOFLUSH;
	}
	if (!cr3_is_valid(cpu, value))
		return fault_gp(cpu);
	if (uses_pae(cpu->state.cr0, cpu->state.cr4, cpu->state.efer))
		CPU_TRY(load_pdptes(cpu, value));
	cpu->cr3 = value;
	cpu->ops->paging_changed(cpu, &change);
	return CPU_OK;
}

/* SDM "Operations that Invalidate TLBs and Paging-Structure Caches", MOV to CR4. */
static enum cpu_flush cr4_flush(uint64_t old, uint64_t value)
{
	uint64_t flipped = old ^ value;

	if (flipped & (X86_CR4_PGE | X86_CR4_PAE | X86_CR4_PSE | X86_CR4_LA57))
		return CPU_FLUSH_ALL;
	if (flipped & old & X86_CR4_PCIDE)
		return CPU_FLUSH_ALL;
	if (flipped & value & X86_CR4_SMEP)
		return CPU_FLUSH_PCID;
	return CPU_FLUSH_NONE;
}

static bool may_set_cr4(const struct cpu *cpu, uint64_t value)
{
	uint64_t flipped = value ^ cpu->state.cr4;

	if (value & ~cpu->features.cr4_allowed)
		return false;
	if (cpu_in_long_mode(cpu) && (!(value & X86_CR4_PAE) || (flipped & X86_CR4_LA57)))
		return false;
	if (flipped & value & X86_CR4_PCIDE)
		return cpu_in_long_mode(cpu) && !(cpu->cr3 & X86_CR3_PCID_MASK);
	return true;
}

static enum cpu_result set_cr4(struct cpu *cpu, uint64_t value)
{
	struct cpu_paging_change change = change_start(cpu);
	uint64_t flipped = value ^ cpu->state.cr4;

	if (!may_set_cr4(cpu, value))
		return fault_gp(cpu);
	if ((flipped & (X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PSE | X86_CR4_SMEP)) &&
	    uses_pae(cpu->state.cr0, value, cpu->state.efer))
		CPU_TRY(load_pdptes(cpu, cpu->cr3));
	change.flush = cr4_flush(cpu->state.cr4, value);
	change.permissions = flipped & CR4_PERMISSIONS;
	cpu->state.cr4 = value;
	if (change.permissions || change.flush != CPU_FLUSH_NONE || (flipped & X86_CR4_PCIDE))
		cpu->ops->paging_changed(cpu, &change);
	if (flipped & X86_CR4_DE)
		cpu->ops->debug_changed(cpu);
	if (flipped)
		cpu->ops->mode_changed(cpu);
	return CPU_OK;
}

static enum cpu_result set_cr8(struct cpu *cpu, uint64_t value)
{
	if (value > 15)
		return fault_gp(cpu);
	cpu->cr8 = value;
	cpu->ops->cr8_changed(cpu);
	return CPU_OK;
}

static bool cr_exists(unsigned int n)
{
	return n == 0 || n == 2 || n == 3 || n == 4 || n == 8;
}

enum cpu_result cpu_mov_to_cr(struct cpu *cpu, unsigned int n, uint64_t value)
{
	if (!cr_exists(n))
		return fault_ud(cpu);
	if (cpu->state.cpl != 0)
		return fault_gp(cpu);
	if (!x86_is_64bit(&cpu->state))
		value = (uint32_t)value;
	switch (n) {
	case 0:
		return set_cr0(cpu, value);
	case 2:
		cpu->state.cr2 = value;
		return CPU_OK;
	case 3:
		return set_cr3(cpu, value);
	case 4:
		return set_cr4(cpu, value);
	default:
		return set_cr8(cpu, value);
	}
}

enum cpu_result cpu_mov_from_cr(struct cpu *cpu, unsigned int n, uint64_t *value)
{
	if (!cr_exists(n))
		return fault_ud(cpu);
	if (cpu->state.cpl != 0)
		return fault_gp(cpu);
	switch (n) {
	case 0:
		*value = cpu->state.cr0;
		break;
	case 2:
		*value = cpu->state.cr2;
		break;
	case 3:
		*value = cpu->cr3;
		break;
	case 4:
		*value = cpu->state.cr4;
		break;
	default:
		*value = cpu->cr8;
		break;
	}
	return CPU_OK;
}

/* SDM LMSW: PE can be set, not cleared. */
enum cpu_result cpu_lmsw(struct cpu *cpu, uint16_t value)
{
	const uint64_t mask = X86_CR0_MP | X86_CR0_EM | X86_CR0_TS;

	if (cpu->state.cpl != 0)
		return fault_gp(cpu);
	return set_cr0(cpu, (cpu->state.cr0 & ~mask) | (value & (mask | X86_CR0_PE)));
}

enum cpu_result cpu_smsw(struct cpu *cpu, uint64_t *value)
{
	if ((cpu->state.cr4 & X86_CR4_UMIP) && cpu->state.cpl != 0)
		return fault_gp(cpu);
	*value = cpu->state.cr0;
	return CPU_OK;
}

enum cpu_result cpu_clts(struct cpu *cpu)
{
	if (cpu->state.cpl != 0)
		return fault_gp(cpu);
	return set_cr0(cpu, cpu->state.cr0 & ~X86_CR0_TS);
}

/* Are all bits of @group the same in @xcr0? */
static bool together(uint64_t xcr0, uint64_t group)
{
	return (xcr0 & group) == 0 || (xcr0 & group) == group;
}

bool control_xcr0_is_valid(uint64_t xcr0, uint64_t allowed)
{
	const uint64_t avx512 =
		XFEATURE_MASK_OPMASK | XFEATURE_MASK_ZMM_Hi256 | XFEATURE_MASK_Hi16_ZMM;

	if (!(xcr0 & XFEATURE_MASK_FP) || (xcr0 & ~allowed))
		return false;
	if ((xcr0 & XFEATURE_MASK_YMM) && !(xcr0 & XFEATURE_MASK_SSE))
		return false;
	if ((xcr0 & avx512) && !(xcr0 & XFEATURE_MASK_YMM))
		return false;
	return together(xcr0, avx512) &&
	       together(xcr0, XFEATURE_MASK_BNDREGS | XFEATURE_MASK_BNDCSR) &&
	       together(xcr0, XFEATURE_MASK_XTILECFG | XFEATURE_MASK_XTILEDATA);
}

enum cpu_result cpu_xsetbv(struct cpu *cpu, uint32_t index, uint64_t value)
{
	if (!(cpu->state.cr4 & X86_CR4_OSXSAVE))
		return fault_ud(cpu);
	if (cpu->state.cpl != 0 || index != 0 ||
	    !control_xcr0_is_valid(value, cpu->features.xcr0_allowed))
		return fault_gp(cpu);
	cpu->state.xcr0 = value;
	cpu->ops->mode_changed(cpu);
	return CPU_OK;
}

enum cpu_result cpu_xgetbv(struct cpu *cpu, uint32_t index, uint64_t *value)
{
	if (!(cpu->state.cr4 & X86_CR4_OSXSAVE))
		return fault_ud(cpu);
	if (index == 0)
		*value = cpu->state.xcr0;
	else if (index == 1 && cpu->features.xgetbv1)
		*value = cpu->state.xcr0 & cpu->ops->xinuse(cpu);
	else
		return fault_gp(cpu);
	return CPU_OK;
}

bool control_set_efer(struct cpu *cpu, uint64_t value, bool host_initiated)
{
	struct cpu_paging_change change = change_start(cpu);
	uint64_t flipped;

	if (!host_initiated) {
		/* Bits that stand already may be written back. */
		if (value & ~(cpu->features.efer_allowed | EFER_LMA))
			return false;
		value = (value & ~EFER_LMA) | (cpu->state.efer & EFER_LMA);
	}
	flipped = value ^ cpu->state.efer;
	if (!host_initiated && (flipped & EFER_LME) && (cpu->state.cr0 & X86_CR0_PG))
		return false;
	cpu->state.efer = value;
	change.permissions = flipped & EFER_NX;
	if (flipped & (EFER_NX | EFER_LMA))
		cpu->ops->paging_changed(cpu, &change);
	if (flipped)
		cpu->ops->mode_changed(cpu);
	return true;
}

bool control_is_valid(const struct cpu *cpu, const struct control_set *set)
{
	bool pg = set->cr0 & X86_CR0_PG, lme = set->efer & EFER_LME;

	if (set->cr0 >> 32 || set->cr8 > 15)
		return false;
	if (pg && !(set->cr0 & X86_CR0_PE))
		return false;
	if ((set->cr0 & X86_CR0_NW) && !(set->cr0 & X86_CR0_CD))
		return false;
	if (set->cr4 & ~cpu->features.cr4_allowed)
		return false;
	if (!(pg && lme))
		return !(set->efer & EFER_LMA) && !set->cs_l && !(set->cr4 & X86_CR4_PCIDE);
	return (set->cr4 & X86_CR4_PAE) && (set->efer & EFER_LMA) &&
	       !(set->cr3 >> cpu->features.phys_bits);
}

void control_load(struct cpu *cpu, const struct control_set *set)
{
	struct cpu_paging_change change = change_start(cpu);

	cpu->state.cr0 = set->cr0 | X86_CR0_ET;
	cpu->cr3 = set->cr3;
	cpu->state.cr4 = set->cr4;
	cpu->cr8 = set->cr8;
	cpu->state.efer = set->efer;
	change.flush = CPU_FLUSH_ALL;
	change.permissions = true;
	cpu->ops->paging_changed(cpu, &change);
	cpu->ops->mode_changed(cpu);
}
