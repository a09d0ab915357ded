// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "Managing State Using the XSAVE Feature Set", FXSAVE and FXRSTOR.
 *
 * An area in guest memory has the layout of struct xstate, compacted or not:
 * the one component behind the header begins at the same place in both. What
 * must not be written is left out of a list of parts. All that is written is
 * probed first.
 */
#include "cpu/cpuid.h"
#include "cpu/fault.h"
#include "engine/exec.h"
#include "engine/xstate.h"

#include <string.h>

/* CPUID.(EAX=0DH,ECX=1):EAX */
enum xsave_feature {
	XSAVE_PLAIN = 0,
	XSAVE_OPT = 1 << 0,
	XSAVE_C = 1 << 1,
	XSAVE_S = 1 << 3,
};

#define HEADER_END 576

struct parts {
	struct {
		uint16_t at, len;
	} part[4];
	unsigned int count;
};

static void add_part(struct parts *parts, unsigned int at, unsigned int len)
{
	unsigned int last = parts->count - 1;

	if (parts->count && parts->part[last].at + parts->part[last].len == at) {
		parts->part[last].len += (uint16_t)len;
		return;
	}
	parts->part[parts->count].at = (uint16_t)at;
	parts->part[parts->count++].len = (uint16_t)len;
}

/* MXCSR is in the midst of the x87 state, but goes its own way. */
static void add_components(struct parts *parts, uint64_t components, bool mxcsr,
			   unsigned int header, unsigned int regs)
{
	if (components & XFEATURE_MASK_FP)
		add_part(parts, 0, XSTATE_MXCSR);
	if (mxcsr)
		add_part(parts, XSTATE_MXCSR, 8);
	if (components & XFEATURE_MASK_FP)
		add_part(parts, XSTATE_ST, XSTATE_XMM - XSTATE_ST);
	if (components & XFEATURE_MASK_SSE)
		add_part(parts, XSTATE_XMM, 16 * regs);
	if (header)
		add_part(parts, XSTATE_BV, header);
	if (components & XFEATURE_MASK_YMM)
		add_part(parts, XSTATE_YMM, 16 * regs);
}

static enum cpu_result area_address(struct engine_vcpu *v, const struct insn *insn, size_t len,
				    unsigned int alignment, bool write, gva_t *gva)
{
	CPU_TRY(exec_linear(v, insn->mem.seg, exec_effective_address(v, insn), len, write, gva));
	return is_aligned(*gva, alignment) ? CPU_OK : fault_gp(&v->cpu);
}

static size_t parts_end(const struct parts *parts)
{
	return parts->part[parts->count - 1].at + parts->part[parts->count - 1].len;
}

static enum cpu_result write_parts(struct engine_vcpu *v, gva_t gva, const struct xstate *x,
				   const struct parts *parts)
{
	CPU_TRY(vcpu_probe_write(v, gva, parts_end(parts)));
	for (unsigned int i = 0; i < parts->count; i++)
		CPU_TRY(vcpu_write(v, gva + parts->part[i].at, x->bytes + parts->part[i].at,
				   parts->part[i].len, vcpu_access(v) | PFERR_WRITE_MASK));
	return CPU_OK;
}

static bool has_feature(const struct engine_vcpu *v, enum xsave_feature feature)
{
	const struct cpuid_entry *entry;

	if (feature == XSAVE_PLAIN)
		return true;
	entry = cpuid_find(v->cpu.cpuid, 0xd, 1);
	return entry && entry->regs[CPUID_EAX] & feature;
}

static enum cpu_result check_xsave(struct engine_vcpu *v, enum xsave_feature feature)
{
	if (!(v->cpu.state.cr4 & X86_CR4_OSXSAVE) || !has_feature(v, feature))
		return fault_ud(&v->cpu);
	if (v->cpu.state.cr0 & X86_CR0_TS)
		return fault_plain(&v->cpu, NM_VECTOR);
	if (feature == XSAVE_S && v->cpu.state.cpl != 0)
		return fault_gp(&v->cpu);
	return CPU_OK;
}

/* RFBM, of what there can be. */
static uint64_t requested(const struct engine_vcpu *v)
{
	uint64_t mask = (v->cpu.state.gpr[X86_RDX] & UINT32_MAX) << 32 |
			(v->cpu.state.gpr[X86_RAX] & UINT32_MAX);

	return mask & v->cpu.state.xcr0 & XSTATE_COMPONENTS;
}

/* The mask as it goes into XCOMP_BV, with the supervisor states that have no bytes here. */
static uint64_t features_of(const struct engine_vcpu *v, bool supervisor)
{
	return v->cpu.state.xcr0 | (supervisor ? v->cpu.msr.xss : 0);
}

static enum cpu_result save_standard(struct engine_vcpu *v, const struct insn *insn,
				     enum xsave_feature feature)
{
	uint64_t rfbm = requested(v), in_use, bv;
	struct parts parts = {.count = 0};
	struct xstate x;
	gva_t gva;

	CPU_TRY(check_xsave(v, feature));
	xstate_get(v, &x);
	in_use = rfbm & xstate_in_use(&x, xstate_regs(v));
	add_components(&parts, feature == XSAVE_OPT ? in_use : rfbm,
		       rfbm & (XFEATURE_MASK_SSE | XFEATURE_MASK_YMM), sizeof(bv), xstate_regs(v));
	CPU_TRY(area_address(v, insn, parts_end(&parts), 64, true, &gva));
	CPU_TRY(vcpu_read(v, gva + XSTATE_BV, &bv, sizeof(bv), vcpu_access(v)));
	xstate_set64(&x, XSTATE_BV, (bv & ~rfbm) | in_use);
	CPU_TRY(write_parts(v, gva, &x, &parts));
	exec_done(v, insn);
	return CPU_OK;
}

static enum cpu_result save_compacted(struct engine_vcpu *v, const struct insn *insn,
				      enum xsave_feature feature)
{
	uint64_t rfbm = requested(v), in_use;
	struct parts parts = {.count = 0};
	struct xstate x;
	gva_t gva;

	CPU_TRY(check_xsave(v, feature));
	xstate_get(v, &x);
	in_use = rfbm & xstate_in_use(&x, xstate_regs(v));
	add_components(&parts, in_use, in_use & XFEATURE_MASK_SSE, 16, xstate_regs(v));
	CPU_TRY(area_address(v, insn, parts_end(&parts), 64, true, &gva));
	xstate_set64(&x, XSTATE_BV, in_use);
	xstate_set64(&x, XSTATE_XCOMP_BV, rfbm | XSTATE_COMPACTED);
	CPU_TRY(write_parts(v, gva, &x, &parts));
	exec_done(v, insn);
	return CPU_OK;
}

static bool is_valid_header(const struct xstate *from, uint64_t features, bool compacted)
{
	uint64_t bv = xstate_get64(from, XSTATE_BV);
	uint64_t xcomp_bv = xstate_get64(from, XSTATE_XCOMP_BV);

	if (compacted)
		return !(xcomp_bv & ~(features | XSTATE_COMPACTED)) && !(bv & ~xcomp_bv) &&
		       !(bv & XSTATE_COMPACTED) &&
		       is_zero(from->bytes + XSTATE_XCOMP_BV + 8, HEADER_END - XSTATE_XCOMP_BV - 8);
	/* The standard form knows no more than these 16 bytes behind XSTATE_BV. */
	return !(bv & ~features) && is_zero(from->bytes + XSTATE_XCOMP_BV, 16);
}

static enum cpu_result load_mxcsr(struct engine_vcpu *v, struct xstate *x,
				  const struct xstate *from)
{
	uint32_t mxcsr = xstate_get32(from, XSTATE_MXCSR);

	if (mxcsr & XSTATE_MXCSR_RESERVED)
		return fault_gp(&v->cpu);
	xstate_set32(x, XSTATE_MXCSR, mxcsr);
	return CPU_OK;
}

/* MXCSR: the standard form loads it also with AVX and whatever XSTATE_BV says. */
static enum cpu_result restore_mxcsr(struct engine_vcpu *v, struct xstate *x,
				     const struct xstate *from, uint64_t rfbm, bool compacted)
{
	if (!compacted)
		return rfbm & (XFEATURE_MASK_SSE | XFEATURE_MASK_YMM) ? load_mxcsr(v, x, from)
								      : CPU_OK;
	if (!(rfbm & XFEATURE_MASK_SSE))
		return CPU_OK;
	if (xstate_get64(from, XSTATE_BV) & XFEATURE_MASK_SSE)
		return load_mxcsr(v, x, from);
	xstate_set32(x, XSTATE_MXCSR, MXCSR_DEFAULT);
	return CPU_OK;
}

/* The legacy region and the header, then AVX if the header says that it is there. */
static enum cpu_result read_area(struct engine_vcpu *v, const struct insn *insn, uint64_t rfbm,
				 uint64_t features, bool needs_compacted, struct xstate *from)
{
	gva_t gva;
	bool compacted;

	CPU_TRY(area_address(v, insn, HEADER_END, 64, false, &gva));
	CPU_TRY(vcpu_read(v, gva, from->bytes, HEADER_END, vcpu_access(v)));
	compacted = xstate_get64(from, XSTATE_XCOMP_BV) & XSTATE_COMPACTED;
	if (compacted ? !has_feature(v, XSAVE_C) : needs_compacted)
		return fault_gp(&v->cpu);
	if (!is_valid_header(from, features, compacted))
		return fault_gp(&v->cpu);
	if (!(rfbm & xstate_get64(from, XSTATE_BV) & XFEATURE_MASK_YMM))
		return CPU_OK;
	CPU_TRY(area_address(v, insn, XSTATE_YMM + 16 * xstate_regs(v), 64, false, &gva));
	return vcpu_read(v, gva + XSTATE_YMM, from->bytes + XSTATE_YMM, 16 * xstate_regs(v),
			 vcpu_access(v));
}

static enum cpu_result restore(struct engine_vcpu *v, const struct insn *insn,
			       enum xsave_feature feature)
{
	uint64_t rfbm = requested(v), bv;
	struct xstate x, from;
	bool compacted;

	CPU_TRY(check_xsave(v, feature));
	CPU_TRY(read_area(v, insn, rfbm, features_of(v, feature == XSAVE_S), feature == XSAVE_S,
			  &from));
	bv = xstate_get64(&from, XSTATE_BV);
	compacted = xstate_get64(&from, XSTATE_XCOMP_BV) & XSTATE_COMPACTED;
	xstate_get(v, &x);
	CPU_TRY(restore_mxcsr(v, &x, &from, rfbm, compacted));
	xstate_load(&x, &from, rfbm & bv, xstate_regs(v));
	xstate_reset(&x, rfbm & ~bv, xstate_regs(v));
	xstate_put(v, &x);
	exec_done(v, insn);
	return CPU_OK;
}

enum cpu_result exec_xsave(struct engine_vcpu *v, const struct insn *insn)
{
	return save_standard(v, insn, XSAVE_PLAIN);
}

/* The modified optimization is left out: all that is in use is written. */
enum cpu_result exec_xsaveopt(struct engine_vcpu *v, const struct insn *insn)
{
	return save_standard(v, insn, XSAVE_OPT);
}

enum cpu_result exec_xsavec(struct engine_vcpu *v, const struct insn *insn)
{
	return save_compacted(v, insn, XSAVE_C);
}

enum cpu_result exec_xsaves(struct engine_vcpu *v, const struct insn *insn)
{
	return save_compacted(v, insn, XSAVE_S);
}

enum cpu_result exec_xrstor(struct engine_vcpu *v, const struct insn *insn)
{
	return restore(v, insn, XSAVE_PLAIN);
}

enum cpu_result exec_xrstors(struct engine_vcpu *v, const struct insn *insn)
{
	return restore(v, insn, XSAVE_S);
}

uint64_t exec_xinuse(struct engine_vcpu *v)
{
	struct xstate x;

	xstate_get(v, &x);
	return xstate_in_use(&x, xstate_regs(v));
}

static enum cpu_result check_fxsave(struct engine_vcpu *v)
{
	if (v->cpu.state.cr0 & (X86_CR0_EM | X86_CR0_TS))
		return fault_plain(&v->cpu, NM_VECTOR);
	return CPU_OK;
}

/* Without CR4.OSFXSR, processors leave the XMM registers out, though not MXCSR. */
static uint64_t fxsave_components(const struct engine_vcpu *v)
{
	return XFEATURE_MASK_FP | (v->cpu.state.cr4 & X86_CR4_OSFXSR ? XFEATURE_MASK_SSE : 0);
}

enum cpu_result exec_fxsave(struct engine_vcpu *v, const struct insn *insn)
{
	struct parts parts = {.count = 0};
	struct xstate x;
	gva_t gva;

	CPU_TRY(check_fxsave(v));
	xstate_get(v, &x);
	add_components(&parts, fxsave_components(v), true, 0, xstate_regs(v));
	CPU_TRY(area_address(v, insn, parts_end(&parts), 16, true, &gva));
	CPU_TRY(write_parts(v, gva, &x, &parts));
	exec_done(v, insn);
	return CPU_OK;
}

enum cpu_result exec_fxrstor(struct engine_vcpu *v, const struct insn *insn)
{
	struct parts parts = {.count = 0};
	struct xstate x, from;
	gva_t gva;

	CPU_TRY(check_fxsave(v));
	add_components(&parts, fxsave_components(v), true, 0, xstate_regs(v));
	CPU_TRY(area_address(v, insn, parts_end(&parts), 16, false, &gva));
	CPU_TRY(vcpu_read(v, gva, from.bytes, parts_end(&parts), vcpu_access(v)));
	xstate_get(v, &x);
	CPU_TRY(load_mxcsr(v, &x, &from));
	xstate_load(&x, &from, fxsave_components(v), xstate_regs(v));
	xstate_put(v, &x);
	exec_done(v, insn);
	return CPU_OK;
}
