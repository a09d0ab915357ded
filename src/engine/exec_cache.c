// SPDX-License-Identifier: GPL-2.0-or-later
/* Translations and caches. Guest memory is as coherent as the host's, so caches are not touched. */
#include "cpu/cpuid.h"
#include "engine/operand.h"

#define CPUID_7_EBX_INVPCID 10

enum invpcid_type {
	INVPCID_ADDRESS,
	INVPCID_CONTEXT,
	INVPCID_ALL,
	INVPCID_ALL_NONGLOBAL,
};

struct invpcid_descriptor {
	uint64_t pcid; /* bits 63:12 are reserved */
	uint64_t gva;
};

/* SDM INVLPG: segment limits are not looked at, and an address that is not canonical is none. */
enum cpu_result exec_invlpg(struct engine_vcpu *v, const struct insn *insn)
{
	const struct x86_state *state = &v->cpu.state;
	gva_t gva = exec_effective_address(v, insn);
	bool is_64bit = x86_is_64bit(state);

	CPU_TRY(need_cpl0(v));
	if (!is_64bit)
		gva = (uint32_t)(gva + state->seg[insn->mem.seg].base);
	else if (insn->mem.seg == X86_SEG_FS || insn->mem.seg == X86_SEG_GS)
		gva += state->seg[insn->mem.seg].base;
	if (x86_is_canonical(state, gva))
		engine_invlpg(v, gva);
	return exec_finish(v, insn, CPU_OK);
}

static enum cpu_result check_invpcid(struct engine_vcpu *v, uint64_t type,
				     const struct invpcid_descriptor *d)
{
	bool has_pcids = v->cpu.state.cr4 & X86_CR4_PCIDE;

	if (type > INVPCID_ALL_NONGLOBAL || (d->pcid & ~X86_CR3_PCID_MASK))
		return fault_gp(&v->cpu);
	if (type <= INVPCID_CONTEXT && d->pcid && !has_pcids)
		return fault_gp(&v->cpu);
	if (type == INVPCID_ADDRESS && !x86_is_canonical(&v->cpu.state, d->gva))
		return fault_gp(&v->cpu);
	return CPU_OK;
}

static void invalidate(struct engine_vcpu *v, enum invpcid_type type,
		       const struct invpcid_descriptor *d)
{
	uint64_t current = v->cpu.state.cr4 & X86_CR4_PCIDE ? v->cpu.cr3 & X86_CR3_PCID_MASK : 0;
	bool is_current = d->pcid == current;

	/* Dropping more than was asked for is allowed, and another PCID is rarely asked for. */
	switch (type) {
	case INVPCID_ADDRESS:
		if (is_current)
			engine_invlpg(v, d->gva);
		else
			engine_flush(v, CPU_FLUSH_NONGLOBAL);
		break;
	case INVPCID_CONTEXT:
		engine_flush(v, is_current ? CPU_FLUSH_PCID : CPU_FLUSH_NONGLOBAL);
		break;
	case INVPCID_ALL:
		engine_flush(v, CPU_FLUSH_ALL);
		break;
	case INVPCID_ALL_NONGLOBAL:
		engine_flush(v, CPU_FLUSH_NONGLOBAL);
		break;
	}
}

enum cpu_result exec_invpcid(struct engine_vcpu *v, const struct insn *insn)
{
	unsigned int size = x86_is_64bit(&v->cpu.state) ? 8 : 4;
	uint64_t type = exec_get_gpr(v, insn_modrm_reg(insn), size);
	struct invpcid_descriptor d;

	if (!exec_offers(v, 7, CPUID_EBX, CPUID_7_EBX_INVPCID))
		return fault_ud(&v->cpu);
	CPU_TRY(need_cpl0(v));
	CPU_TRY(exec_load(v, insn, &d, sizeof(d)));
	CPU_TRY(check_invpcid(v, type, &d));
	invalidate(v, (enum invpcid_type)type, &d);
	return exec_finish(v, insn, CPU_OK);
}

/* WBINVD, WBNOINVD and INVD. */
enum cpu_result exec_wbinvd(struct engine_vcpu *v, const struct insn *insn)
{
	return exec_finish(v, insn, need_cpl0(v));
}

/* SDM CLFLUSH: all the checks of a load of one byte; a device sees nothing of it. */
enum cpu_result exec_clflush(struct engine_vcpu *v, const struct insn *insn)
{
	uint64_t offset = exec_effective_address(v, insn);
	uint8_t *host;
	gva_t gva;

	CPU_TRY(exec_linear(v, insn->mem.seg, offset, 1, false, &gva));
	return exec_finish(v, insn, vcpu_page(v, gva, false, &host));
}
