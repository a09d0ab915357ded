// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory operands. The look-up is inline and leaves the flags alone:
 *
 *	rorx	I, A, 12		page number (and the offset above it)
 *	movzx	I, I16			entry
 *	mov	rcx, gs:[tag + I*8]	negated page address
 *	mov	I, gs:[host + I*8]
 *	lea	rcx, [rcx + A + size-1]	offset of the last byte, if the entry is the page's
 *	pext	rcx, rcx, gs:[~0xfff]	0 iff it is, and the access does not cross its end
 *	jrcxz	1f
 *	jmp	slow
 *  1:	op	[A + I]
 *
 * Out of line, `slow` calls the miss stub, which fills the entry (and we look
 * up again), or makes [A + I] the bounce page, or does not come back.
 */
#include "engine/translate.h"

#include "lib/bits.h"

static unsigned int log2_of(uint8_t scale)
{
	return scale ? (unsigned int)__builtin_ctz(scale) : 0;
}

/* dst := dst + imm, which may be more than a displacement can hold. */
static void add_constant(struct emitter *e, unsigned int dst, int64_t imm)
{
	while (imm > INT32_MAX) {
		emit_lea(e, true, dst, dst, -1, 0, INT32_MAX);
		imm -= INT32_MAX;
	}
	emit_lea(e, true, dst, dst, -1, 0, (int32_t)imm);
}

static void load_constant(struct emitter *e, unsigned int dst, uint64_t imm)
{
	emit8(e, emit_rex(true, 0, 0, dst));
	emit8(e, (uint8_t)(0xb8 | (dst & 7)));
	emit_bytes(e, &imm, sizeof(imm));
}

/* A displacement alone, as wide as an address. */
static uint64_t absolute_address(const struct insn_mem *mem)
{
	uint64_t disp = (uint64_t)mem->disp;

	return mem->address_size == 8   ? disp
	       : mem->address_size == 4 ? (uint32_t)disp
					: (uint16_t)disp;
}

static void effective_address(struct translation *t, const struct insn *insn, unsigned int dst)
{
	const struct insn_mem *mem = &insn->mem;
	struct emitter *e = &t->e;
	bool w = mem->address_size == 8;

	if (mem->rip_relative) {
		emit_gs_load(e, dst, GS(page_base));
		add_constant(e, dst, mem->disp + t->offset[t->current] + insn->length);
		if (!w)
			emit_lea(e, false, dst, dst, -1, 0, 0);
	} else if (mem->base == X86_RSP) {
		emit_lea(e, w, dst, t->rsp, mem->index, log2_of(mem->scale), (int32_t)mem->disp);
	} else if (mem->base >= 0) {
		emit_lea(e, w, dst, (unsigned int)mem->base, mem->index, log2_of(mem->scale),
			 (int32_t)mem->disp);
	} else if (mem->index >= 0) {
		emit_lea_no_base(e, w, dst, mem->index, log2_of(mem->scale), (int32_t)mem->disp);
	} else {
		load_constant(e, dst, absolute_address(mem));
		return;
	}
	if (mem->address_size == 2)
		emit_movzx16(e, dst, dst);
}

/* [reg] of 64-bit code, which is its own address: what uses it does not change it. */
static bool is_plain_register(const struct insn *insn)
{
	const struct insn_mem *mem = &insn->mem;

	return mem->address_size == 8 && mem->base >= 0 && mem->base != X86_RCX && mem->index < 0 &&
	       !mem->disp && mem->size && !insn->bit_string && mem->seg != X86_SEG_FS &&
	       mem->seg != X86_SEG_GS;
}

unsigned int access_offset(struct translation *t, const struct insn *insn, uint16_t avoid)
{
	const struct insn_mem *mem = &insn->mem;
	uint16_t names = 0;
	unsigned int addr;

	if (mem->base >= 0)
		names |= (uint16_t)BIT32(mem->base);
	if (mem->index >= 0)
		names |= (uint16_t)BIT32(mem->index);
	regs_need(t, names);
	if (mem->base == X86_RSP)
		regs_rsp(t);
	addr = mem->base == X86_RSP ? t->rsp : (unsigned int)mem->base;
	if (is_plain_register(insn) && (addr < 8 || !insn->no_rex))
		return addr;
	addr = regs_scratch(t, avoid | names, insn->no_rex);
	effective_address(t, insn, addr);
	return addr;
}

unsigned int access_address(struct translation *t, const struct insn *insn, uint16_t avoid)
{
	unsigned int addr = access_offset(t, insn, avoid);

	access_linear(t, addr, (enum x86_seg)insn->mem.seg, insn->mem.size, insn->mem.write, avoid);
	return addr;
}

/* opcode value, [A + I] of @size bytes. */
static void emit_move(struct emitter *e, uint8_t opcode, const struct access *a)
{
	if (a->size == 2)
		emit8(e, 0x66);
	emit8(e, emit_rex(a->size == 8, a->value, a->addend, a->addr));
	emit8(e, opcode);
	emit_address(e, a->value, a->addr, a->addend, 0, 0);
}

static void emit_operation(struct translation *t, const struct access *a)
{
	for (unsigned int reg = 0; reg < X86_NR_GPRS; reg++)
		if (a->reload & BIT32(reg))
			emit_gs_load(&t->e, reg, GS_GPR(reg));
	translation_record(t, t->e.p, a);
	switch (a->op) {
	case ACCESS_INSN:
		relocate_emit(t, &t->insns[a->insn], a->addr, a->addend, a->rsp);
		break;
	case ACCESS_LOAD:
	case ACCESS_POP:
		emit_move(&t->e, 0x8b, a);
		break;
	case ACCESS_STORE:
	case ACCESS_PUSH:
		emit_move(&t->e, 0x89, a);
		break;
	}
}

static void emit_look_up(struct translation *t, struct access *a)
{
	int32_t tlb = GS(tlb) + (int32_t)((t->mode & MODE_INDEX) * sizeof(struct engine_tlb));
	struct emitter *e = &t->e;

	a->retry = e->p;
	emit_rorx(e, a->addend, a->addr, 12);
	emit_movzx16(e, a->addend, a->addend);
	emit_gs_load_indexed(e, X86_RCX, a->addend,
			     tlb + (a->write ? (int32_t)offsetof(struct engine_tlb, write)
					     : (int32_t)offsetof(struct engine_tlb, read)));
	emit_gs_load_indexed(e, a->addend, a->addend,
			     tlb + (int32_t)offsetof(struct engine_tlb, host));
	emit_lea(e, true, X86_RCX, X86_RCX, a->addr, 0, (int32_t)a->size - 1);
	emit_pext_gs(e, X86_RCX, X86_RCX, GS(pext_page));
	emit8(e, 0xe3); /* jrcxz over the jump */
	emit8(e, 5);
	a->slow_rel32 = emit_jmp(e);
}

void access_emit(struct translation *t, enum access_op op, unsigned int addr, unsigned int value,
		 uint32_t size, bool write, uint16_t avoid)
{
	const struct insn *insn = &t->insns[t->current];
	struct access *a = &t->access[t->access_count];
	uint16_t reads = 0;

	if (op == ACCESS_INSN)
		reads = insn->regs_read;
	else if (op == ACCESS_STORE || op == ACCESS_PUSH)
		reads = (uint16_t)BIT32(value);
	if (t->access_count == ARRAY_SIZE(t->access)) {
		t->failed = true;
		return;
	}
	t->access_count++;
	*a = (struct access){.insn = (uint8_t)t->current, .op = op, .size = size, .write = write};
	a->read = op == ACCESS_INSN ? insn->mem.read : op == ACCESS_LOAD || op == ACCESS_POP;
	a->stack = op == ACCESS_PUSH || op == ACCESS_POP || insn->mem.seg == X86_SEG_SS;
	a->addr = (uint8_t)addr;
	a->addend = (uint8_t)regs_scratch(t, avoid | BIT32(addr), insn->no_rex);
	a->value = (uint8_t)value;
	a->rsp = (uint8_t)value;
	regs_spill(t, X86_RCX);
	a->spilled = t->spilled;
	a->rsp_home = t->rsp_dirty ? t->rsp : NO_REG;
	emit_look_up(t, a);
	a->reload = reads & BIT32(X86_RCX);
	emit_operation(t, a);
	t->spilled &= (uint16_t)~a->reload;
	a->after = t->e.p;
}

void access_emit_slow_paths(struct translation *t)
{
	struct emitter *e = &t->e;

	for (unsigned int i = 0; i < t->access_count; i++) {
		struct access *a = &t->access[i];
		uint8_t *rel32;

		emit_patch(e, a->slow_rel32, e->p);
		emit_gs_store(e, a->addr, GS(miss_gva));
		rel32 = emit_call(e);
		emit_patch(e, rel32, cache_to_writable(t->cache, t->stubs->miss));
		translation_record(t, e->p, a);
		rel32 = emit_jmp(e);
		emit_patch(e, rel32, a->retry);
		/* The miss stub comes back here when [A + I] is the bounce page. */
		emit_operation(t, a);
		rel32 = emit_call(e);
		emit_patch(e, rel32, cache_to_writable(t->cache, t->stubs->bounce_end));
		rel32 = emit_jmp(e);
		emit_patch(e, rel32, a->after);
	}
}
