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
	bool indexed = a->addend != NO_REG;

	if (a->size == 2)
		emit8(e, 0x66);
	emit8(e, emit_rex(a->size == 8, a->value, indexed ? a->addend : 0, a->addr));
	emit8(e, opcode);
	emit_address(e, a->value, a->addr, indexed ? (int)a->addend : -1, 0, a->disp);
}

void access_emit_operation(struct translation *t, const struct access *a)
{
	for (unsigned int reg = 0; reg < X86_NR_GPRS; reg++)
		if (a->reload & BIT32(reg))
			emit_gs_load(&t->e, reg, GS_GPR(reg));
	translation_record(t, t->e.p, a);
	switch (a->op) {
	case ACCESS_INSN:
		relocate_emit(t, &t->insns[a->insn], a->addr, a->addend, a->disp, a->rsp);
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
	emit_lea(e, true, X86_RCX, X86_RCX, a->addr, 0, (int32_t)(a->hull ? a->hull : a->size) - 1);
	emit_pext_gs(e, X86_RCX, X86_RCX, GS(pext_page));
	emit8(e, 0xe3); /* jrcxz over the jump */
	emit8(e, 5);
	a->slow_rel32 = emit_jmp(e);
}

/* SDM XCHG: with memory it is locked without the prefix. */
static bool is_exchange(const struct insn *insn)
{
	return !insn->is_vex && (insn->bytes[insn->opcode_at] & 0xfe) == 0x86;
}

/* A new entry, looked up; NULL when there are too many. @a has what is not the look-up's. */
static struct access *look_up(struct translation *t, const struct access *wanted, uint16_t avoid)
{
	const struct insn *insn = &t->insns[t->current];
	struct access *a = &t->access[t->access_count];

	if (t->access_count == ARRAY_SIZE(t->access)) {
		t->failed = true;
		return NULL;
	}
	t->access_count++;
	*a = *wanted;
	a->insn = (uint8_t)t->current;
	a->read =
		a->op == ACCESS_INSN ? insn->mem.read : a->op == ACCESS_LOAD || a->op == ACCESS_POP;
	a->atomic = a->op == ACCESS_INSN && (insn->lock || is_exchange(insn));
	a->stack = a->op == ACCESS_PUSH || a->op == ACCESS_POP || insn->mem.seg == X86_SEG_SS;
	a->rsp = a->value;
	a->addend = (uint8_t)regs_scratch(t, avoid | BIT32(a->addr), insn->no_rex);
	regs_spill(t, X86_RCX);
	a->spilled = t->spilled;
	a->rsp_home = t->rsp_dirty ? t->rsp : NO_REG;
	emit_look_up(t, a);
	return a;
}

/* The operation, which may want RCX back. */
static void operate(struct translation *t, struct access *a)
{
	uint16_t reads = 0;

	if (a->op == ACCESS_INSN)
		reads = t->insns[t->current].regs_read;
	else if (a->op == ACCESS_STORE || a->op == ACCESS_PUSH)
		reads = (uint16_t)BIT32(a->value);
	a->reload = reads & BIT32(X86_RCX);
	access_emit_operation(t, a);
	t->spilled &= (uint16_t)~a->reload;
	a->after = t->e.p;
}

void access_emit(struct translation *t, enum access_op op, unsigned int addr, unsigned int value,
		 uint32_t size, bool write, uint16_t avoid)
{
	struct access *a = look_up(t,
				   &(struct access){
					   .op = op,
					   .addr = (uint8_t)addr,
					   .value = (uint8_t)value,
					   .size = size,
					   .write = write,
				   },
				   avoid);

	if (a)
		operate(t, a);
}

unsigned int access_emit_first(struct translation *t, enum access_op op, unsigned int addr,
			       unsigned int value, const struct group *group, int32_t disp,
			       uint32_t size, bool write, uint16_t avoid)
{
	struct access *a = look_up(t,
				   &(struct access){
					   .op = op,
					   .addr = (uint8_t)addr,
					   .value = (uint8_t)value,
					   .size = size,
					   .write = write,
					   .disp = disp,
					   .hull = (uint16_t)(group->high - group->low),
				   },
				   avoid);
	struct access first;

	if (!a)
		return NO_REG;
	emit_lea(&t->e, true, a->addend, a->addr, a->addend, 0, 0);
	first = *a;
	first.addr = a->addend;
	first.addend = NO_REG;
	operate(t, &first);
	return first.addr;
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
		if (a->hull)
			continue;
		/* The miss stub comes back here when [A + I] is the bounce page. */
		access_emit_operation(t, a);
		rel32 = emit_call(e);
		emit_patch(e, rel32, cache_to_writable(t->cache, t->stubs->bounce_end));
		rel32 = emit_jmp(e);
		emit_patch(e, rel32, a->after);
	}
}
