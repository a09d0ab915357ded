// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM VGATHER*, VPGATHER*, VMASKMOV, VPMASKMOV, MASKMOVQ, (V)MASKMOVDQU: vector
 * instructions that access memory for their active elements only, and fault for
 * no other.
 */
#include "cpu/fault.h"
#include "engine/exec.h"
#include "engine/prefix.h"
#include "engine/xstate.h"

#include <Zydis/Zydis.h>
#include <string.h>

#define YMM_BYTES 32

struct vector_operands {
	unsigned int reg, vvvv, rm, index; /* numbers of vector registers */
	unsigned int bytes;                /* of a vector */
	bool w;
};

/* SDM "The VEX Prefix". Outside 64-bit mode there are eight registers. */
static struct vector_operands take_vex(const struct engine_vcpu *v, const struct insn *insn)
{
	const uint8_t *vex = insn->bytes + insn->rex_at;
	bool three_bytes = vex[0] == 0xc4;
	uint8_t last = vex[three_bytes ? 2 : 1];
	uint8_t inverted = (uint8_t) ~(three_bytes ? vex[1] : vex[1] | 0x60);
	uint8_t modrm = insn->bytes[insn->modrm_at];
	unsigned int mask = xstate_regs(v) - 1;

	return (struct vector_operands){
		.reg = ((modrm >> 3 & 7) | (inverted >> 7 & 1u) << 3) & mask,
		.rm = ((modrm & 7) | (inverted >> 5 & 1u) << 3) & mask,
		.index = ((insn->bytes[insn->sib_at] >> 3 & 7) | (inverted >> 6 & 1u) << 3) & mask,
		.vvvv = (~last >> 3 & 0xf) & mask,
		.bytes = last & 4 ? 32 : 16,
		.w = three_bytes && last & 0x80,
	};
}

/* SDM "Exceptions and #UD of VEX-encoded instructions": types 6 and 12. */
static enum cpu_result check_avx(struct engine_vcpu *v)
{
	const uint64_t needed = XFEATURE_MASK_SSE | XFEATURE_MASK_YMM;
	const struct x86_state *s = &v->cpu.state;

	if (!(s->cr4 & X86_CR4_OSXSAVE) || (s->xcr0 & needed) != needed ||
	    !cpu_in_protected_mode(&v->cpu) || (s->rflags & X86_EFLAGS_VM))
		return fault_ud(&v->cpu);
	if (s->cr0 & X86_CR0_TS)
		return fault_plain(&v->cpu, NM_VECTOR);
	return CPU_OK;
}

static bool is_active(const uint8_t *mask, unsigned int element, unsigned int size)
{
	return mask[(element + 1) * size - 1] & 0x80;
}

struct gather {
	struct vector_operands op;
	unsigned int size, index_size; /* bytes */
	unsigned int count;
	uint8_t dest[YMM_BYTES], mask[YMM_BYTES], index[YMM_BYTES];
};

static void gather_init(struct gather *g, const struct engine_vcpu *v, const struct insn *insn,
			const struct xstate *x)
{
	g->op = take_vex(v, insn);
	g->size = g->op.w ? 8 : 4;
	g->index_size = insn->bytes[insn->opcode_at] & 1 ? 8 : 4;
	g->count = g->op.bytes / (g->size > g->index_size ? g->size : g->index_size);
	xstate_get_ymm(x, g->op.reg, g->dest);
	xstate_get_ymm(x, g->op.vvvv, g->mask);
	xstate_get_ymm(x, g->op.index, g->index);
	for (unsigned int i = 0; i < g->count; i++)
		memset(g->mask + i * g->size, is_active(g->mask, i, g->size) ? 0xff : 0, g->size);
}

static uint64_t gather_offset(const struct gather *g, const struct insn *insn, uint64_t base,
			      unsigned int element)
{
	uint64_t index = 0;

	memcpy(&index, g->index + element * g->index_size, g->index_size);
	if (g->index_size == 4)
		index = (uint64_t)(int64_t)(int32_t)index;
	base += index * insn->mem.scale;
	return insn->mem.address_size == 8 ? base : (uint32_t)base;
}

static enum cpu_result gather_element(struct gather *g, struct engine_vcpu *v,
				      const struct insn *insn, uint64_t base, unsigned int element)
{
	uint64_t offset = gather_offset(g, insn, base, element);
	gva_t gva;

	CPU_TRY(exec_linear(v, insn->mem.seg, offset, g->size, false, &gva));
	if (!is_aligned(gva, g->size) && vcpu_checks_alignment(v))
		return fault_code(&v->cpu, AC_VECTOR, 0);
	return vcpu_read(v, gva, g->dest + element * g->size, g->size, vcpu_access(v));
}

/* In ascending order; the mask tells how far it went when one is refused or has to wait. */
static enum cpu_result gather_elements(struct gather *g, struct engine_vcpu *v,
				       const struct insn *insn)
{
	uint64_t base = exec_effective_address(v, insn);

	for (unsigned int i = 0; i < g->count; i++) {
		if (!is_active(g->mask, i, g->size))
			continue;
		CPU_TRY(gather_element(g, v, insn, base, i));
		memset(g->mask + i * g->size, 0, g->size);
		/* A device's answer was for this element: it is not asked for again. */
		v->mmio.read_count = v->mmio.read_used = 0;
	}
	return CPU_OK;
}

enum cpu_result exec_gather(struct engine_vcpu *v, const struct insn *insn)
{
	enum cpu_result res;
	struct gather g;
	struct xstate x;

	CPU_TRY(check_avx(v));
	xstate_get(v, &x);
	gather_init(&g, v, insn, &x);
	if (g.op.reg == g.op.vvvv || g.op.reg == g.op.index || g.op.vvvv == g.op.index)
		return fault_ud(&v->cpu);
	res = gather_elements(&g, v, insn);
	if (res == CPU_OK) {
		memset(g.mask, 0, YMM_BYTES);
		memset(g.dest + g.count * g.size, 0, YMM_BYTES - g.count * g.size);
		exec_done(v, insn);
	}
	xstate_set_ymm(&x, g.op.reg, g.dest);
	xstate_set_ymm(&x, g.op.vvvv, g.mask);
	xstate_put(v, &x);
	return res;
}

/* A vector in memory of which only the active elements exist. */
struct masked {
	unsigned int seg;
	uint64_t offset;
	unsigned int size, count; /* of an element; elements */
	uint8_t data[YMM_BYTES], mask[YMM_BYTES];
};

static enum cpu_result masked_element(struct engine_vcpu *v, const struct masked *m,
				      unsigned int element, bool write, gva_t *gva)
{
	return exec_linear(v, m->seg, m->offset + element * m->size, m->size, write, gva);
}

/* Inactive elements become 0. */
static enum cpu_result masked_load(struct engine_vcpu *v, struct masked *m)
{
	gva_t gva;

	memset(m->data, 0, sizeof(m->data));
	for (unsigned int i = 0; i < m->count; i++) {
		if (!is_active(m->mask, i, m->size))
			continue;
		CPU_TRY(masked_element(v, m, i, false, &gva));
		CPU_TRY(vcpu_read(v, gva, m->data + i * m->size, m->size, vcpu_access(v)));
	}
	return CPU_OK;
}

static enum cpu_result masked_store(struct engine_vcpu *v, const struct masked *m)
{
	gva_t gva[YMM_BYTES];

	for (unsigned int i = 0; i < m->count; i++) {
		if (!is_active(m->mask, i, m->size))
			continue;
		CPU_TRY(masked_element(v, m, i, true, &gva[i]));
		CPU_TRY(vcpu_probe_write(v, gva[i], m->size));
	}
	for (unsigned int i = 0; i < m->count; i++)
		if (is_active(m->mask, i, m->size))
			CPU_TRY(vcpu_write(v, gva[i], m->data + i * m->size, m->size,
					   vcpu_access(v) | PFERR_WRITE_MASK));
	return CPU_OK;
}

/* VMASKMOVPS and -PD have the size in the opcode, VPMASKMOVD and -Q in VEX.W. */
static void masked_init(struct masked *m, struct engine_vcpu *v, const struct insn *insn,
			const struct vector_operands *op, const struct xstate *x)
{
	uint8_t opcode = insn->bytes[insn->opcode_at];
	bool wide = opcode >= 0x80 ? op->w : opcode & 1;

	m->seg = insn->mem.seg;
	m->offset = exec_effective_address(v, insn);
	m->size = wide ? 8 : 4;
	m->count = op->bytes / m->size;
	xstate_get_ymm(x, op->vvvv, m->mask);
	xstate_get_ymm(x, op->reg, m->data);
}

static bool is_masked_store(uint8_t opcode)
{
	return opcode == 0x2e || opcode == 0x2f || opcode == 0x8e;
}

enum cpu_result exec_masked_move(struct engine_vcpu *v, const struct insn *insn)
{
	struct vector_operands op = take_vex(v, insn);
	struct masked m;
	struct xstate x;

	CPU_TRY(check_avx(v));
	xstate_get(v, &x);
	masked_init(&m, v, insn, &op, &x);
	if (is_masked_store(insn->bytes[insn->opcode_at])) {
		CPU_TRY(masked_store(v, &m));
	} else {
		CPU_TRY(masked_load(v, &m));
		xstate_set_ymm(&x, op.reg, m.data);
		xstate_put(v, &x);
	}
	exec_done(v, insn);
	return CPU_OK;
}

/* The form without VEX, of XMM or of MMX registers. */
static struct vector_operands take_rex(const struct insn *insn, bool mmx)
{
	uint8_t modrm = insn->bytes[insn->modrm_at];
	uint8_t rex = insn->has_rex && !mmx ? insn->bytes[insn->rex_at] : 0;

	return (struct vector_operands){
		.reg = (modrm >> 3 & 7) | (rex >> 2 & 1u) << 3,
		.rm = (modrm & 7) | (rex & 1u) << 3,
		.bytes = mmx ? 8 : 16,
	};
}

static enum cpu_result check_sse(struct engine_vcpu *v, bool mmx)
{
	const struct x86_state *s = &v->cpu.state;

	if ((s->cr0 & X86_CR0_EM) || (!mmx && !(s->cr4 & X86_CR4_OSFXSR)))
		return fault_ud(&v->cpu);
	if (s->cr0 & X86_CR0_TS)
		return fault_plain(&v->cpu, NM_VECTOR);
	return CPU_OK;
}

static enum cpu_result maskmov_store(struct engine_vcpu *v, const struct insn *insn,
				     const struct vector_operands *op, struct masked *m)
{
	m->seg = prefix_segment(insn, x86_is_64bit(&v->cpu.state));
	m->offset = exec_get_gpr(v, X86_RDI, insn->address_size);
	m->size = 1;
	m->count = op->bytes;
	CPU_TRY(masked_store(v, m));
	exec_done(v, insn);
	return CPU_OK;
}

/* SDM "Transitions Between x87 FPU and MMX Code": TOP is 0 then, and nothing is empty. */
static enum cpu_result exec_maskmovq(struct engine_vcpu *v, const struct insn *insn)
{
	struct vector_operands op = take_rex(insn, true);
	struct masked m;
	struct xstate x;

	CPU_TRY(check_sse(v, true));
	xstate_get(v, &x);
	if (xstate_get16(&x, XSTATE_FSW) & 0x80 && (v->cpu.state.cr0 & X86_CR0_NE))
		return fault_plain(&v->cpu, MF_VECTOR);
	xstate_set_top(&x, 0);
	x.bytes[XSTATE_FTW] = 0xff;
	memcpy(m.data, x.bytes + XSTATE_ST + 16 * op.reg, 8);
	memcpy(m.mask, x.bytes + XSTATE_ST + 16 * op.rm, 8);
	CPU_TRY(maskmov_store(v, insn, &op, &m));
	xstate_put(v, &x);
	return CPU_OK;
}

enum cpu_result exec_maskmov(struct engine_vcpu *v, const struct insn *insn)
{
	struct vector_operands op;
	struct masked m;
	struct xstate x;

	if (insn->mnemonic == ZYDIS_MNEMONIC_MASKMOVQ)
		return exec_maskmovq(v, insn);
	CPU_TRY(insn->is_vex ? check_avx(v) : check_sse(v, false));
	op = insn->is_vex ? take_vex(v, insn) : take_rex(insn, false);
	xstate_get(v, &x);
	xstate_get_ymm(&x, op.reg, m.data);
	xstate_get_ymm(&x, op.rm, m.mask);
	return maskmov_store(v, insn, &op, &m);
}
