// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The code around the blocks, written by the same emitter so that it knows the
 * same offsets: into and out of translated code, TLB misses, indirect jumps.
 */
#include "engine/core.h"

#include <errno.h>

static void emit_gs_op(struct emitter *e, const char *opcode, unsigned int len, unsigned int reg,
		       int32_t disp)
{
	emit8(e, 0x65);
	emit_bytes(e, opcode, len);
	emit8(e, emit_modrm(0, reg, 4));
	emit8(e, 0x25);
	emit32(e, (uint32_t)disp);
}

static void emit_xstate(struct emitter *e, unsigned int op)
{
	emit_bytes(e, "\xb8\x07\0\0\0\x31\xd2", 7); /* mov eax, mask; xor edx, edx */
	_Static_assert(ENGINE_XFEATURES == 7, "the constant above");
	emit_gs_op(e, "\x48\x0f\xae", 3, op, GS(xstate));
}

static void emit_set_xstate_saved(struct emitter *e, bool saved)
{
	emit_gs_op(e, "\xc6", 1, 0, GS(xstate_saved)); /* mov byte, imm8 */
	emit8(e, saved);
}

/* je, over what follows up to emit_je_end() */
static uint8_t *emit_je(struct emitter *e)
{
	emit_bytes(e, "\x74\x00", 2);
	return e->p;
}

static void emit_je_end(const struct emitter *e, uint8_t *start)
{
	if (e->p <= e->end)
		start[-1] = (uint8_t)(e->p - start);
}

/* For C code that may not find it in the registers. Spoils flags and RAX, RDX. */
static void emit_save_xstate(struct emitter *e)
{
	uint8_t *start;

	emit_gs_op(e, "\x80", 1, 7, GS(xstate_saved)); /* cmp byte, imm8 */
	emit8(e, true);
	start = emit_je(e);
	emit_xstate(e, 4);
	emit_gs_op(e, "\x0f\xae", 2, 2, GS(default_mxcsr)); /* ldmxcsr */
	emit_bytes(e, "\xdb\xe3", 2);                       /* fninit */
	emit_set_xstate_saved(e, true);
	emit_je_end(e, start);
}

/* Called by a block that uses the extended state, which is not in the registers. Spoils nothing. */
static void emit_need_xstate(struct emitter *e)
{
	emit_bytes(e, "\x9c\x50\x52", 3); /* pushfq; push rax; push rdx */
	emit_xstate(e, 5);
	emit_set_xstate_saved(e, false);
	emit_bytes(e, "\x5a\x58\x9d\xc3", 4); /* pop rdx; pop rax; popfq; ret */
}

/* Before C and after it: the block goes on with the extended state where it was. Spoils RAX. */
static void emit_note_xstate(struct emitter *e)
{
	emit_gs_op(e, "\x8a", 1, X86_RAX, GS(xstate_saved)); /* mov al */
	emit_gs_op(e, "\x88", 1, X86_RAX, GS(xstate_was_saved));
}

/* Spoils flags and RAX, RDX. */
static void emit_restore_xstate(struct emitter *e)
{
	uint8_t *start;

	emit_gs_op(e, "\x8a", 1, X86_RAX, GS(xstate_saved));     /* mov al */
	emit_gs_op(e, "\x3a", 1, X86_RAX, GS(xstate_was_saved)); /* cmp al */
	start = emit_je(e);
	emit_xstate(e, 5);
	emit_set_xstate_saved(e, false);
	emit_je_end(e, start);
}

static void emit_load_gprs(struct emitter *e, int32_t disp)
{
	for (unsigned int reg = 0; reg < X86_NR_GPRS; reg++)
		if (reg != X86_RSP)
			emit_gs_load(e, reg, disp + (int32_t)reg * 8);
}

static void emit_store_gprs(struct emitter *e, int32_t disp)
{
	for (unsigned int reg = 0; reg < X86_NR_GPRS; reg++)
		if (reg != X86_RSP)
			emit_gs_store(e, reg, disp + (int32_t)reg * 8);
}

/* Of the guest's, those that are in host registers between blocks. */
static void emit_store_residents(struct emitter *e, unsigned int first, unsigned int end)
{
	for (unsigned int reg = first; reg < end; reg++)
		if (!(REGS_AT_HOME & BIT32(reg)))
			emit_gs_store(e, reg, GS_GPR(reg));
}

static void emit_load_flags(struct emitter *e, int32_t disp)
{
	emit_gs_op(e, "\xff", 1, 6, disp); /* push gs:[disp] */
	emit8(e, 0x9d);                    /* popfq */
}

static void emit_store_flags(struct emitter *e, int32_t disp)
{
	emit8(e, 0x9c);                    /* pushfq */
	emit_gs_op(e, "\x8f", 1, 0, disp); /* pop gs:[disp] */
}

/* RBX, RBP, R12..R15, and eight bytes more: translated code runs with RSP aligned to 16. */
static void emit_enter(struct emitter *e)
{
	emit_bytes(e, "\x53\x55\x41\x54\x41\x55\x41\x56\x41\x57", 10);
	emit_bytes(e, "\x48\x83\xec\x08", 4);
	emit_gs_store(e, X86_RSP, GS(host_rsp));
	emit_gs_store(e, X86_RSI, GS(stop_site));
	emit_load_flags(e, GS(enter_flags));
	emit_load_gprs(e, GS_GPR(0));
	emit_gs_op(e, "\xff", 1, 4, GS(stop_site)); /* jmp */
}

/*
 * Registers and flags to the vCPU. Outside 64-bit mode the host's R8 to R15 are
 * not the guest's, which the vCPU has.
 */
static void emit_store_state(struct emitter *e)
{
	uint8_t *skip;

	emit_store_residents(e, 0, X86_R8);
	emit_store_flags(e, GS(host_flags));
	emit_gs_op(e, "\xf7", 1, 0, GS(mode)); /* test gs:[mode], MODE_CODE64 */
	emit32(e, MODE_CODE64);
	emit_bytes(e, "\x74\0", 2); /* jz */
	skip = e->p;
	emit_store_residents(e, X86_R8, X86_NR_GPRS);
	skip[-1] = (uint8_t)(e->p - skip);
	if (ENGINE_EAGER_XSTATE)
		emit_save_xstate(e);
}

static void emit_leave(struct emitter *e, const struct code_cache *cache,
		       struct engine_stubs *stubs)
{
	stubs->leave = cache_to_executable(cache, e->p);
	emit_store_state(e);
	stubs->leave_from_c = cache_to_executable(cache, e->p);
	emit_gs_load(e, X86_RSP, GS(host_rsp));
	emit_bytes(e, "\x48\x83\xc4\x08", 4);
	emit_bytes(e, "\x41\x5f\x41\x5e\x41\x5d\x41\x5c\x5d\x5b\xc3", 11);
	/* From a signal handler, whose frame has brought the extended state back. */
	stubs->leave_from_signal = stubs->leave_from_c;
	if (ENGINE_EAGER_XSTATE) {
		uint8_t *rel32;

		stubs->leave_from_signal = cache_to_executable(cache, e->p);
		emit_save_xstate(e);
		rel32 = emit_jmp(e);
		emit_patch(e, rel32, cache_to_writable(cache, stubs->leave_from_c));
	}
}

/* A call from a block to C: the guest's whole state survives it. */
static void emit_call_c(struct emitter *e, const struct code_cache *cache,
			const struct engine_stubs *stubs,
			enum miss_result (*function)(struct engine_vcpu *))
{
	uint8_t *rel32;

	emit_store_gprs(e, GS(host_gpr));
	emit_store_flags(e, GS(host_flags));
	emit_bytes(e, "\x48\x8b\x04\x24", 4); /* mov rax, [rsp] */
	emit_gs_store(e, X86_RAX, GS(miss_site));
	emit_note_xstate(e);
	if (ENGINE_EAGER_XSTATE)
		emit_save_xstate(e);
	emit_gs_load(e, X86_RDI, GS(self));
	emit_bytes(e, "\x48\x83\xec\x08\x48\xb8", 6); /* sub rsp, 8; mov rax, imm64 */
	emit_bytes(e, &function, sizeof(function));
	emit_bytes(e, "\xff\xd0\x48\x83\xc4\x08", 6); /* call rax; add rsp, 8 */
	emit_bytes(e, "\x83\xf8\x02\x0f\x84", 5);     /* cmp eax, MISS_STOP; je */
	emit32(e, 0);
	rel32 = e->p - 4;
	emit_patch(e, rel32, cache_to_writable(cache, stubs->leave_from_c));
	/* MISS_BOUNCE returns behind the jump that retries: rax is 0 or 1, times 5. */
	emit_bytes(e, "\x8d\x04\x80\x48\x01\x04\x24",
		   7); /* lea eax, [rax + rax*4]; add [rsp], rax */
	emit_restore_xstate(e);
	emit_load_flags(e, GS(host_flags));
	emit_load_gprs(e, GS(host_gpr));
	emit8(e, 0xc3);
	_Static_assert(MISS_BOUNCE == 1 && MISS_STOP == 2, "the comparisons above");
}

/* To C with @stop; the guest's `rip` is set, its registers are in the host's. */
static uint8_t *emit_stop(struct emitter *e, const struct code_cache *cache,
			  const struct engine_stubs *stubs, enum engine_stop stop)
{
	uint8_t *start = cache_to_executable(cache, e->p);
	uint8_t *rel32;

	emit_gs_store_imm(e, GS(stop), (int32_t)stop);
	rel32 = emit_jmp(e);
	emit_patch(e, rel32, cache_to_writable(cache, stubs->leave));
	return start;
}

/* Asks C for the code at `rip`, and leaves when there is none. */
static void emit_dispatch_miss(struct emitter *e, const struct code_cache *cache,
			       struct engine_stubs *stubs)
{
	const uint8_t *(*function)(struct engine_vcpu *) = engine_dispatch;
	uint8_t *rel32;

	stubs->dispatch_miss = cache_to_executable(cache, e->p);
	emit_store_state(e);
	emit_gs_load(e, X86_RDI, GS(self));
	emit_bytes(e, "\x48\xb8", 2); /* mov rax, imm64 */
	emit_bytes(e, &function, sizeof(function));
	emit_bytes(e, "\xff\xd0", 2); /* call rax */
	emit_gs_store(e, X86_RAX, GS(stop_site));
	emit_gs_store_imm(e, GS(stop), ENGINE_STOP_LOOKUP);
	emit_bytes(e, "\x48\x85\xc0\x0f\x84", 5); /* test rax, rax; jz */
	emit32(e, 0);
	rel32 = e->p - 4;
	emit_patch(e, rel32, cache_to_writable(cache, stubs->leave_from_c));
	emit_load_flags(e, GS(host_flags));
	emit_load_gprs(e, GS_GPR(0));
	emit_gs_op(e, "\xff", 1, 4, GS(stop_site)); /* jmp */
}

/*
 * To the guest's `rip`: through the jump table of MMU index @index, else to C. RCX,
 * R13 and R14 are free between blocks.
 */
static void emit_dispatch(struct emitter *e, const struct code_cache *cache,
			  const struct engine_stubs *stubs, unsigned int index)
{
	int32_t jumps = GS(jumps) + (int32_t)(index * sizeof(struct engine_jumps));
	uint8_t *kick, *miss;

	emit_bytes(e, "\x65\x0f\xb7\x0c\x25\x01\0\0\0", 9); /* movzx ecx, word gs:[1] */
	emit_bytes(e, "\xe3\x05", 2);
	kick = emit_jmp(e);
	emit_gs_load(e, X86_RCX, GS(cpu.state.rip));
	emit_movzx16(e, X86_R13, X86_RCX);
	emit_gs_load_indexed(e, X86_R14, X86_R13,
			     jumps + (int32_t)offsetof(struct engine_jumps, rip));
	emit_lea(e, true, X86_RCX, X86_RCX, X86_R14, 0, 0);
	emit_bytes(e, "\xe3\x05", 2);
	miss = emit_jmp(e);
	emit_gs_load_indexed(e, X86_R14, X86_R13,
			     jumps + (int32_t)offsetof(struct engine_jumps, page_base));
	emit_gs_store(e, X86_R14, GS(page_base));
	emit_gs_jmp_indexed(e, X86_R13, jumps + (int32_t)offsetof(struct engine_jumps, code));
	emit_patch(e, kick, e->p);
	emit_gs_store_imm(e, GS(stop), ENGINE_STOP_KICK);
	kick = emit_jmp(e);
	emit_patch(e, kick, cache_to_writable(cache, stubs->leave));
	emit_patch(e, miss, cache_to_writable(cache, stubs->dispatch_miss));
}

int stubs_emit(struct engine *engine)
{
	struct code_cache *cache = &engine->cache;
	struct engine_stubs *stubs = &engine->stubs;
	struct emitter e = {cache->writable, cache->writable, cache->writable + cache->size};

	stubs->enter = cache_to_executable(cache, e.p);
	emit_enter(&e);
	emit_leave(&e, cache, stubs);
	stubs->need_xstate = cache_to_executable(cache, e.p);
	emit_need_xstate(&e);
	stubs->miss = cache_to_executable(cache, e.p);
	emit_call_c(&e, cache, stubs, engine_miss);
	stubs->probe = cache_to_executable(cache, e.p);
	emit_call_c(&e, cache, stubs, engine_probe);
	stubs->bounce_end = cache_to_executable(cache, e.p);
	emit_call_c(&e, cache, stubs, engine_bounce_end);
	stubs->segment = cache_to_executable(cache, e.p);
	emit_call_c(&e, cache, stubs, engine_segment);
	stubs->lookup = emit_stop(&e, cache, stubs, ENGINE_STOP_LOOKUP);
	stubs->step = emit_stop(&e, cache, stubs, ENGINE_STOP_STEP);
	emit_dispatch_miss(&e, cache, stubs);
	for (unsigned int i = 0; i < ENGINE_MMU_INDICES; i++) {
		stubs->dispatch[i] = cache_to_executable(cache, e.p);
		emit_dispatch(&e, cache, stubs, i);
	}
	if (emit_overflowed(&e))
		return -ENOSPC;
	cache->start = cache->used = align_up((uint64_t)(e.p - e.base), CACHE_GRANULE);
	cache->stale = stubs->lookup;
	return 0;
}
