// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The run loop: enters translated code, and does in C what made it come back.
 * One turn of the loop is one safe point.
 */
#include "engine/caller.h"
#include "engine/core.h"
#include "engine/deliver.h"

#include "cpu/debug.h"
#include "cpu/event.h"
#include "cpu/msr.h"
#include "engine/operand.h"

#include <Zydis/Zydis.h>
#include <string.h>

#define HOST_FLAGS (X86_EFLAGS_FIXED | X86_EFLAGS_IF)

static enum run_next send_writes(struct engine_vcpu *v)
{
	struct engine_mmio *mmio = &v->mmio;
	const struct engine_mmio_fragment *f = &mmio->write[mmio->write_sent];

	if (mmio->write_sent == mmio->write_count) {
		mmio->write_sent = mmio->write_count = 0;
		v->pending = ENGINE_PENDING_NONE;
		return RUN_RESUME;
	}
	mmio->write_sent++;
	v->exit.mmio.gpa = f->gpa;
	v->exit.mmio.len = f->len;
	v->exit.mmio.write = true;
	memcpy(v->exit.mmio.data, f->data, sizeof(f->data));
	v->pending = ENGINE_PENDING_WRITES;
	return vcpu_exit(v, ENGINE_EXIT_MMIO);
}

static bool loads_flags(const struct insn *insn)
{
	switch ((int)insn->mnemonic) {
	case ZYDIS_MNEMONIC_POPF:
	case ZYDIS_MNEMONIC_POPFD:
	case ZYDIS_MNEMONIC_POPFQ:
	case ZYDIS_MNEMONIC_IRET:
	case ZYDIS_MNEMONIC_IRETD:
	case ZYDIS_MNEMONIC_IRETQ:
		return true;
	default:
		return false;
	}
}

/*
 * SDM "Single-Step Exception Condition": TF as the instruction found it counts.
 * But INT n and SYSCALL have cleared it for their handlers, which are not stepped.
 */
static bool is_stepped(const struct engine_vcpu *v, const struct insn *insn, uint64_t flags_before)
{
	if (!(flags_before & X86_EFLAGS_TF))
		return false;
	return (v->cpu.state.rflags & X86_EFLAGS_TF) || (insn && loads_flags(insn));
}

/*
 * What the processor does between two instructions, the first of which is
 * complete: @insn, or NULL for one that ran in a block.
 */
static enum run_next after_instruction(struct engine_vcpu *v, const struct insn *insn,
				       uint64_t flags_before, uint8_t shadow_before)
{
	struct x86_state *s = &v->cpu.state;
	uint64_t dr6 = v->debug_pending;
	bool unstepped = v->unstepped;

	v->alone = false;
	v->unstepped = false;
	v->mmio.read_count = v->mmio.read_used = 0;
	v->debug_pending = 0;
	if (!v->keep_rf)
		s->rflags &= ~X86_EFLAGS_RF;
	v->keep_rf = false;
	v->cpu.events.shadow &= (uint8_t)~shadow_before;
	if (v->lost_write) {
		v->lost_write = false;
		v->exit.host_errno = v->cpu.host_errno;
		return vcpu_exit(v, ENGINE_EXIT_HOST_ERROR);
	}
	if (!unstepped && is_stepped(v, insn, flags_before))
		dr6 |= DR6_BS;
	if (v->cpu.events.shadow & CPU_SHADOW_MOV_SS)
		v->debug_pending = dr6;
	else
		v->trap_due = dr6;
	return v->mmio.write_count ? send_writes(v) : RUN_RESUME;
}

static enum run_next take_result(struct engine_vcpu *v, enum cpu_result result)
{
	struct cpu_event event;

	switch (result) {
	case CPU_OK:
		break;
	case CPU_FAULT:
		v->alone = false;
		event = cpu_event_exception(&v->cpu.fault);
		return vcpu_raise(v, &event);
	case CPU_SHUTDOWN:
		return vcpu_exit(v, ENGINE_EXIT_SHUTDOWN);
	case CPU_AGAIN:
		return RUN_EXIT;
	case CPU_HOST_ERROR:
		v->exit.host_errno = v->cpu.host_errno;
		return vcpu_exit(v, ENGINE_EXIT_HOST_ERROR);
	}
	return RUN_RESUME;
}

/* Is an instruction complete, or one element of its string, although it leaves? Inputs are not. */
static bool is_complete(const struct engine_vcpu *v)
{
	return v->exit.reason == ENGINE_EXIT_HLT ||
	       (v->exit.reason == ENGINE_EXIT_IO && !v->exit.io.in);
}

/* after_instruction() for one that the caller has to do with: its #DB comes when it is back. */
static void after_exit(struct engine_vcpu *v, bool is_stepped)
{
	v->cpu.events.shadow = 0;
	v->alone = false;
	v->cpu.state.rflags &= ~(uint64_t)X86_EFLAGS_RF;
	v->trap_due = v->debug_pending | (is_stepped ? DR6_BS : 0);
	v->debug_pending = 0;
}

/*
 * SDM "Device Not Available", "Invalid Opcode" and "General Protection": why @insn
 * does not run in this mode.
 */
static enum cpu_result refuse(struct engine_vcpu *v, const struct insn *insn)
{
	bool ud = insn->kind == INSN_INVALID;

	if (insn->too_long) {
		v->cpu.fault = (struct x86_exception){.vector = GP_VECTOR, .has_error_code = true};
		return CPU_FAULT;
	}
	switch (insn->unit) {
	case INSN_UNIT_GENERAL:
	case INSN_UNIT_X87:
	case INSN_UNIT_WAIT:
		break;
	case INSN_UNIT_MMX:
		ud |= v->mode & MODE_MMX_UD;
		break;
	case INSN_UNIT_SSE:
		ud |= v->mode & MODE_SSE_UD;
		break;
	case INSN_UNIT_AVX:
		ud |= v->mode & MODE_AVX_UD;
		break;
	}
	v->cpu.fault = (struct x86_exception){.vector = ud ? UD_VECTOR : NM_VECTOR};
	return CPU_FAULT;
}

/* SDM "Serializing Instructions", with the moves to segments that share MOV's name. */
static bool is_serializing(const struct insn *insn)
{
	switch ((int)insn->mnemonic) {
	case ZYDIS_MNEMONIC_CPUID:
	case ZYDIS_MNEMONIC_INVLPG:
	case ZYDIS_MNEMONIC_INVPCID:
	case ZYDIS_MNEMONIC_IRET:
	case ZYDIS_MNEMONIC_IRETD:
	case ZYDIS_MNEMONIC_IRETQ:
	case ZYDIS_MNEMONIC_LGDT:
	case ZYDIS_MNEMONIC_LIDT:
	case ZYDIS_MNEMONIC_LLDT:
	case ZYDIS_MNEMONIC_LTR:
	case ZYDIS_MNEMONIC_MOV:
	case ZYDIS_MNEMONIC_WBINVD:
	case ZYDIS_MNEMONIC_WRMSR:
		return true;
	default:
		return false;
	}
}

static enum run_next run_in_c(struct engine_vcpu *v, const struct insn *insn)
{
	uint64_t flags = v->cpu.state.rflags;
	uint8_t shadow = v->cpu.events.shadow;
	enum run_next next;
	enum cpu_result result;

	if (insn->kind != INSN_SYSTEM || !insn_is_available(insn, v->mode))
		result = refuse(v, insn);
	else
		result = exec_instruction(v, insn);
	if (result == CPU_OK) {
		if (is_serializing(insn))
			code_serialize(v);
		next = after_instruction(v, insn, flags, shadow);
	} else {
		next = take_result(v, result);
		if (result == CPU_AGAIN && is_complete(v))
			after_exit(v, flags & X86_EFLAGS_TF);
	}
	vcpu_update_mode(v);
	return next;
}

/* A code breakpoint is met before its instruction, unless RF lets it pass. */
static bool meets_breakpoint(struct engine_vcpu *v, uint64_t *dr6)
{
	if (likely(!debug_is_watching(&v->cpu)) || (v->cpu.state.rflags & X86_EFLAGS_RF))
		return false;
	*dr6 = vcpu_watch_code(v);
	return *dr6 != 0;
}

static void link_to(struct engine_vcpu *v, struct block *block)
{
	struct engine *engine = v->engine;

	vcpu_save_xstate(v);
	engine_lock_translate(engine);
	if (v->link_generation == engine->cache_generation && block->valid)
		cache_link(&engine->cache, engine->cache.writable + v->stop_site, block);
	engine_unlock_translate(engine);
}

static void remember(struct engine_vcpu *v, const struct block *block)
{
	if (block->mode == v->mode && !(v->mode & (MODE_SINGLE | MODE_SEGMENTED)))
		jumps_enter(&v->jumps[v->mode & MODE_INDEX], v->cpu.state.rip, v->page_base,
			    block->code);
}

/*
 * What the dispatcher of translated code would find, without a look at the cache. After
 * an ENGINE_STOP_LOOKUP that may be the very entry, of a block that went, which led here.
 */
static const uint8_t *find_jump(struct engine_vcpu *v, uint32_t mode)
{
	if ((mode & (MODE_CODE64 | MODE_SINGLE)) != MODE_CODE64)
		return NULL;
	if (v->stop != ENGINE_STOP_INSTRUCTION && v->stop != ENGINE_STOP_EVENT)
		return NULL;
	return jumps_lookup(&v->jumps[mode & MODE_INDEX], v->cpu.state.rip, &v->page_base);
}

/* @single: the code is of one instruction. */
static const uint8_t *find_code(struct engine_vcpu *v, uint32_t mode, bool *single,
				enum cpu_result *result)
{
	const uint8_t *code = find_jump(v, mode);
	struct block *block;

	*single = false;
	if (code)
		return code;
	block = block_at_rip(v, mode, result);
	if (!block)
		return NULL;
	if (v->stop == ENGINE_STOP_LINK && !block->page[1])
		link_to(v, block);
	else
		remember(v, block);
	*single = block->mode & MODE_SINGLE;
	return block->code;
}

static void enter_code(struct engine_vcpu *v, const uint8_t *code, bool single)
{
	struct x86_state *s = &v->cpu.state;
	void (*enter)(struct engine_vcpu *, const void *);

	memcpy(&enter, &v->engine->stubs.enter, sizeof(enter));
	v->enter_flags = (s->rflags & FLAGS_ARITHMETIC) | HOST_FLAGS;
	s->rflags &= ~(uint64_t)FLAGS_ARITHMETIC;
	/* RF counts for breakpoints alone, and with those blocks are single instructions. */
	if (!single)
		s->rflags &= ~(uint64_t)X86_EFLAGS_RF;
	safepoint_assert_may_run(v);
	enter(v, code);
	/* A locked access in two parts is over, or was refused. */
	if (unlikely(atomic_load_explicit(&v->engine->exclusive, memory_order_relaxed) == v))
		safepoint_end_exclusive(v);
	s->rflags |= v->host_flags & FLAGS_ARITHMETIC;
	if (!(v->mode & MODE_CODE64))
		s->rip = (uint32_t)s->rip;
}

/* Why translated code came back. @flags and @shadow: as they were before it ran. */
static enum run_next take_stop(struct engine_vcpu *v, uint64_t flags, uint8_t shadow)
{
	enum run_next next = RUN_RESUME;

	switch ((enum engine_stop)v->stop) {
	case ENGINE_STOP_LINK:
		v->link_generation = v->engine->cache_generation;
		return RUN_RESUME;
	case ENGINE_STOP_LOOKUP:
	case ENGINE_STOP_KICK:
	case ENGINE_STOP_EVENT:
		return RUN_RESUME;
	case ENGINE_STOP_ALONE:
		v->alone = true;
		return RUN_RESUME;
	case ENGINE_STOP_INSTRUCTION:
		/* The code that names it was found without the lock under which it was decoded. */
		atomic_load_explicit(&v->engine->translate_lock, memory_order_acquire);
		return run_in_c(v, v->stop_insn);
	case ENGINE_STOP_RESULT:
		if (v->result == CPU_FAULT)
			v->debug_pending = 0;
		next = take_result(v, v->result);
		break;
	case ENGINE_STOP_STEP:
		next = after_instruction(v, NULL, flags, shadow);
		break;
	}
	vcpu_update_mode(v);
	return next;
}

static enum run_next run_code(struct engine_vcpu *v, bool single)
{
	uint32_t mode = v->mode;
	uint64_t flags = v->cpu.state.rflags;
	uint8_t shadow = v->cpu.events.shadow;
	enum cpu_result result;
	const uint8_t *code;
	bool is_single;
	uint64_t dr6;

	single = single || vcpu_watches_code_here(v);
	if (single)
		mode |= MODE_SINGLE;
	if (meets_breakpoint(v, &dr6)) {
		struct cpu_event event = cpu_event_debug(dr6);

		return vcpu_raise(v, &event);
	}
	code = find_code(v, mode, &is_single, &result);
	if (!code)
		return take_result(v, result);
	if (!single)
		v->cpu.events.shadow = 0;
	v->mmio.read_used = 0;
	enter_code(v, code, is_single);
	return take_stop(v, flags, shadow);
}

bool vcpu_has_interrupt(struct engine_vcpu *v)
{
	const struct engine_ops *ops = v->engine->config.ops;

	if (!atomic_load_explicit(&v->irq_hint, memory_order_acquire))
		return false;
	if (!ops || !ops->has_interrupt)
		return false;
	vcpu_save_xstate(v);
	return ops->has_interrupt(v);
}

static enum run_next turn(struct engine_vcpu *v)
{
	bool waits;

	/* Only a VMM can have set it: there is no virtual-8086 mode. */
	if (unlikely(v->cpu.state.rflags & X86_EFLAGS_VM))
		return vcpu_exit(v, ENGINE_EXIT_FAIL_ENTRY);
	/* An instruction whose device has answered is finished before the caller hears anything. */
	if (v->alone)
		return run_code(v, true);
	if (unlikely(v->trap_due))
		return vcpu_take_trap(v);
	if (__atomic_load_n(&v->run_page[1], __ATOMIC_ACQUIRE))
		return vcpu_exit(v, ENGINE_EXIT_KICK);
	if (__atomic_load_n(&v->run_page[2], __ATOMIC_ACQUIRE))
		safepoint_serve(v);
	if (unlikely(atomic_load_explicit(&v->request, memory_order_relaxed) & REQUEST_EXIT)) {
		atomic_fetch_and(&v->request, ~REQUEST_EXIT);
		return vcpu_exit(v, ENGINE_EXIT_KICK);
	}
	stress_turn(v);
	waits = v->want_irq_window || vcpu_has_event(v) || vcpu_has_interrupt(v);
	v->irq_waits = waits;
	if (likely(!waits))
		return run_code(v, v->mode & MODE_SINGLE);
	if (vcpu_has_event(v) || cpu_may_interrupt(&v->cpu)) {
		enum run_next next = vcpu_deliver_events(v);

		vcpu_update_mode(v);
		if (next == RUN_EXIT)
			return next;
	}
	if (v->want_irq_window && cpu_may_interrupt(&v->cpu) && !vcpu_has_event(v))
		return vcpu_exit(v, ENGINE_EXIT_IRQ_WINDOW);
	return run_code(v, (v->mode & MODE_SINGLE) || v->cpu.events.shadow);
}

/*
 * A VM exit from an enclave is an AEX first. Where KVM would have to emulate the instruction,
 * which it does not see then, it injects #UD at what is RIP now.
 */
static enum run_next leave_enclave(struct engine_vcpu *v)
{
	struct cpu_event event = {.kind = CPU_EVENT_EXCEPTION, .exception.vector = UD_VECTOR};

	enclave_leave_by_exit(v);
	v->alone = false;
	v->pending = ENGINE_PENDING_NONE;
	if (v->exit.reason != ENGINE_EXIT_MMIO && v->exit.reason != ENGINE_EXIT_INTERNAL_ERROR)
		return RUN_EXIT;
	return vcpu_deliver(v, &event);
}

/* Finishes what the last exit began. */
static enum run_next resume(struct engine_vcpu *v)
{
	struct engine_mmio_fragment *f = &v->mmio.read[v->mmio.read_count];
	enum engine_pending pending = v->pending;
	enum run_next next;

	v->pending = ENGINE_PENDING_NONE;
	switch (pending) {
	case ENGINE_PENDING_NONE:
		break;
	case ENGINE_PENDING_IN:
		next = take_result(v, exec_complete_in(v));
		if (next == RUN_RESUME)
			after_exit(v, v->cpu.state.rflags & X86_EFLAGS_TF);
		vcpu_update_mode(v);
		return next;
	case ENGINE_PENDING_MMIO:
		f->gpa = v->exit.mmio.gpa;
		f->len = v->exit.mmio.len;
		memcpy(f->data, v->exit.mmio.data, sizeof(f->data));
		v->mmio.read_count++;
		/* During the delivery of an event there is no instruction to repeat. */
		v->alone = !vcpu_has_event(v);
		break;
	case ENGINE_PENDING_WRITES:
		return send_writes(v);
	}
	return RUN_RESUME;
}

enum engine_exit_reason engine_run(struct engine_vcpu *v)
{
	struct caller_state caller;
	enum run_next next;

	caller_save(&caller, v);
	fault_set_running(v);
	safepoint_enter(v);
	v->stop = ENGINE_STOP_LOOKUP;
	/* Firmware has no paging and polls for what the VMM writes: it gets no interrupt. */
	if (!(v->cpu.state.cr0 & X86_CR0_PG))
		code_serialize(v);
	vcpu_update_mode(v);
	next = resume(v);
	while (next == RUN_RESUME || exec_in_enclave(v))
		next = next == RUN_RESUME ? turn(v) : leave_enclave(v);
	vcpu_save_xstate(v);
	safepoint_leave(v);
	fault_set_running(NULL);
	caller_restore(&caller);
	return v->exit.reason;
}

enum cpu_result engine_rdmsr(struct engine_vcpu *v, uint32_t index, uint64_t *value)
{
	const struct engine_ops *ops = v->engine->config.ops;

	vcpu_save_xstate(v);
	return ops && ops->rdmsr ? ops->rdmsr(v, index, value) : cpu_rdmsr(&v->cpu, index, value);
}

enum cpu_result engine_wrmsr(struct engine_vcpu *v, uint32_t index, uint64_t value)
{
	const struct engine_ops *ops = v->engine->config.ops;

	vcpu_save_xstate(v);
	return ops && ops->wrmsr ? ops->wrmsr(v, index, value) : cpu_wrmsr(&v->cpu, index, value);
}

enum cpu_result engine_hypercall(struct engine_vcpu *v)
{
	const struct engine_ops *ops = v->engine->config.ops;

	vcpu_save_xstate(v);
	return ops && ops->hypercall ? ops->hypercall(v) : fault_ud(&v->cpu);
}
