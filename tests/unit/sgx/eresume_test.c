// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "ERESUME": what it does, and the checks that EENTER has not (entry_test.c has the rest). */
#include "enclave.h"
#include "tests.h"

#include <pthread.h>
#include <sched.h>

#define RFLAGS_RESTORED                                                                  \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | \
	 X86_EFLAGS_DF | X86_EFLAGS_OF | X86_EFLAGS_NT | X86_EFLAGS_AC | X86_EFLAGS_ID)

/* The bytes of the components that an XFRM of 3 has. */
#define LEGACY_XSTATE 416

static void make_interrupted(struct fixture *f)
{
	make_enclave(f);
	enter_and_interrupt(f);
}

/* Everything comes back that the interrupt has taken away. */
static void eresume_after_interrupt_restores_all(void **state)
{
	struct fixture *f = *state;
	struct x86_state inside;
	uint8_t xstate[EMBEDDER_XSTATE_SIZE];

	make_enclave(f);
	expect_jump(eenter(f));
	scramble_registers(f, 3);
	f->state->gpr[X86_RSP] = CODE_GVA + 0x801;
	f->state->gpr[X86_RBP] = 0x4444;
	f->state->rip = CODE_GVA + 0x123;
	f->state->rflags |= RFLAGS_RESTORED;
	f->state->seg[X86_SEG_FS].base = 0x9000;
	f->state->seg[X86_SEG_GS].base = 0xa000;
	inside = *f->state;
	memcpy(xstate, f->cpus[0].xstate, sizeof(xstate));
	interrupt(f);
	scramble_registers(f, 4);
	f->state->rflags ^= RFLAGS_RESTORED;
	f->state->gpr[X86_RSP] = 0x7000;
	expect_jump(eresume(f));
	assert_state(f->state, &inside);
	assert_memory_equal(f->cpus[0].xstate, xstate, LEGACY_XSTATE);
	assert_int_equal(the_tcs(f)->cssa, 0);
	assert_true(tcs_is_active(f));
	assert_true(is_tracked_active(f));
	assert_int_equal(f->cpus[0].mode_changes, 3);
}

/* All components that XFRM has, over pages that need a bounce. */
static void eresume_amx_restores_all(void **state)
{
	struct fixture *f = *state;
	uint8_t xstate[EMBEDDER_XSTATE_SIZE];

	make_enclave(f);
	enable_amx(f);
	expect_jump(eenter(f));
	scramble_registers(f, 5);
	memcpy(xstate, f->cpus[0].xstate, sizeof(xstate));
	interrupt(f);
	scramble_registers(f, 6);
	expect_jump(eresume(f));
	assert_memory_equal(f->cpus[0].xstate, xstate, LEGACY_XSTATE);
	for (unsigned int i = 2; i < 64; i++)
		if (f->cpuid->xfrm & BIT64(i))
			assert_memory_equal(f->cpus[0].xstate + f->cpuid->xsave[i].offset,
					    xstate + f->cpuid->xsave[i].offset,
					    f->cpuid->xsave[i].size);
}

static void eresume_32bit_restores_low_registers(void **state)
{
	struct fixture *f = *state;
	struct x86_state inside;

	make_enclave(f);
	make_32bit(f);
	for (unsigned int i = 0; i < X86_NR_GPRS; i++)
		f->state->gpr[i] = (uint32_t)f->state->gpr[i];
	expect_jump(eenter(f));
	scramble_registers(f, 7);
	inside = *f->state;
	interrupt(f);
	/* Registers that 32-bit code has not, and bits that it has not. */
	f->state->gpr[X86_R8] = 0x1234;
	inside.gpr[X86_R8] = 0x1234;
	frame_gprsgx(f, 0)->gpr[X86_RSI] |= BIT64(40);
	expect_jump(eresume(f));
	assert_state(f->state, &inside);
	assert_true(is_zero(&frame_gprsgx(f, 0)->gpr[X86_R8], 64));
}

/* The handler runs on frame 1 while the thread that it works for waits in frame 0. */
static void eresume_after_handler_returns_to_thread(void **state)
{
	struct fixture *f = *state;
	struct sgx_event ud = exception_event(SGX_EVENT_FAULT, UD_VECTOR, 0, 0);
	struct x86_state inside;

	make_enclave(f);
	expect_jump(eenter(f));
	scramble_registers(f, 8);
	inside = *f->state;
	sgx_aex(f->cpu, &ud);
	expect_jump(eenter(f));
	assert_int_equal(f->state->gpr[X86_RAX], 1);
	/* The handler is interrupted itself. */
	interrupt(f);
	assert_int_equal(the_tcs(f)->cssa, 2);
	expect_gp(eenter(f));
	expect_refused_by(f, "nssa");
	expect_jump(eresume(f));
	assert_int_equal(f->state->gpr[X86_RAX], 1);
	assert_int_equal(the_tcs(f)->cssa, 1);
	/* It has looked at EXITINFO and steps over the instruction. */
	assert_int_equal(frame_gprsgx(f, 0)->exitinfo, 0x80000306);
	frame_gprsgx(f, 0)->rip += 2;
	frame_gprsgx(f, 0)->rflags &= ~(uint64_t)X86_EFLAGS_RF;
	expect_jump(eexit(f, 0x400100));
	expect_jump(eresume(f));
	inside.rip += 2;
	assert_state(f->state, &inside);
	assert_int_equal(the_tcs(f)->cssa, 0);
}

static void eresume_aep_is_that_of_last_entry(void **state)
{
	struct fixture *f = *state;

	make_interrupted(f);
	expect_jump(enclu(f, ERESUME, TCS_GVA, AEP_GVA + 64, 0));
	interrupt(f);
	assert_int_equal(f->state->rip, AEP_GVA + 64);
	assert_int_equal(f->state->gpr[X86_RCX], AEP_GVA + 64);
}

/* URSP and URBP stay those of EENTER: a later AEX restores them. */
static void eresume_keeps_ursp_of_eenter(void **state)
{
	struct fixture *f = *state;
	uint64_t ursp = f->state->gpr[X86_RSP];
	uint64_t urbp = f->state->gpr[X86_RBP];

	make_interrupted(f);
	f->state->gpr[X86_RSP] = 0x9990;
	f->state->gpr[X86_RBP] = 0x9980;
	expect_jump(eresume(f));
	interrupt(f);
	assert_int_equal(f->state->gpr[X86_RSP], ursp);
	assert_int_equal(f->state->gpr[X86_RBP], urbp);
}

/* What the enclave may set of the flags, and what not. */
static void eresume_restores_flags_selectively(void **state)
{
	struct fixture *f = *state;
	const uint64_t kept = X86_EFLAGS_FIXED | X86_EFLAGS_IF;

	make_interrupted(f);
	frame_gprsgx(f, 0)->rflags = UINT64_MAX;
	expect_jump(eresume(f));
	assert_int_equal(f->state->rflags, kept | RFLAGS_RESTORED | X86_EFLAGS_RF);
	interrupt(f);
	frame_gprsgx(f, 0)->rflags = 0;
	expect_jump(eresume(f));
	assert_int_equal(f->state->rflags, kept);
	interrupt(f);
	/* IF is the enclave's only where CLI and STI are. */
	f->state->rflags |= X86_EFLAGS_IOPL;
	frame_gprsgx(f, 0)->rflags = 0;
	expect_jump(eresume(f));
	assert_int_equal(f->state->rflags, X86_EFLAGS_FIXED | X86_EFLAGS_IOPL);
	interrupt(f);
	frame_gprsgx(f, 0)->rflags = X86_EFLAGS_IF;
	expect_jump(eresume(f));
	assert_int_equal(f->state->rflags, kept | X86_EFLAGS_IOPL);
}

static void eresume_opt_out_hides_trap_flag(void **state)
{
	struct fixture *f = *state;

	make_interrupted(f);
	f->state->rflags |= X86_EFLAGS_TF;
	expect_jump(eresume(f));
	assert_false(f->state->rflags & X86_EFLAGS_TF);
	interrupt(f);
	assert_true(f->state->rflags & X86_EFLAGS_TF);
	assert_false(frame_gprsgx(f, 0)->rflags & X86_EFLAGS_TF);
}

/* A debugger steps: TF of the ERESUME, not of the frame, makes the next #DB. */
static void eresume_opt_in_keeps_trap_flag(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	the_tcs(f)->flags = SGX_TCS_DBGOPTIN;
	enter_and_interrupt(f);
	f->state->rflags |= X86_EFLAGS_TF;
	expect_jump(eresume(f));
	assert_true(f->state->rflags & X86_EFLAGS_TF);
	interrupt(f);
	assert_true(f->state->rflags & X86_EFLAGS_TF);
	assert_false(frame_gprsgx(f, 0)->rflags & X86_EFLAGS_TF);
	f->state->rflags &= ~(uint64_t)X86_EFLAGS_TF;
	frame_gprsgx(f, 0)->rflags |= X86_EFLAGS_TF;
	expect_jump(eresume(f));
	assert_false(f->state->rflags & X86_EFLAGS_TF);
}

/* SDM "ERESUME": pending debug exceptions are cleared, unless the enclave is called instead. */
static void eresume_clears_pending_debug_exceptions(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	enter_and_interrupt(f);
	assert_true(leaf_resumed(eresume(f)));
	interrupt(f);
	the_tcs(f)->cssa = 0;
	assert_false(leaf_resumed(enclu(f, EENTER, TCS_GVA, AEP_GVA, 0)));
}

static void eresume_nothing_to_resume_gp(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	unmap(f, SSA0_GVA);
	expect_gp(eresume(f));
	expect_refused_by(f, "entry->cssa");
}

static void eresume_fs_gs_not_canonical_gp(void **state)
{
	struct fixture *f = *state;
	struct sgx_gprsgx *gprsgx;

	make_interrupted(f);
	gprsgx = frame_gprsgx(f, 0);
	the_tcs(f)->state = SGX_TCS_ACTIVE; /* comes later */
	gprsgx->fs_base = NON_CANONICAL;
	expect_gp(eresume(f));
	expect_refused_by(f, "op->fs_base");
	gprsgx->fs_base = 0;
	gprsgx->gs_base = NON_CANONICAL;
	expect_gp(eresume(f));
	expect_refused_by(f, "op->gs_base");
	/* The target is tested before. */
	gprsgx->rip = NON_CANONICAL;
	expect_gp(eresume(f));
	expect_refused_by(f, "x86_is_canonical(state, rip)");
}

static void eresume_illegal_xsave_area_gp(void **state)
{
	struct fixture *f = *state;
	uint8_t *area;

	make_interrupted(f);
	area = epc_ptr(f, SSA0_PAGE);
#define SPOILED(rule, offset)                   \
	do {                                    \
		area[offset] ^= 0x80;           \
		expect_gp(eresume(f));          \
		expect_refused_by(f, rule);     \
		assert_false(tcs_is_active(f)); \
		area[offset] ^= 0x80;           \
	} while (0)

	SPOILED("header->zero", 520);
	SPOILED("header->zero", 527);
	SPOILED("header->zero", 528);
	SPOILED("header->zero", 535);
	SPOILED("xstate_bv", 512);
	SPOILED("xstate_bv", 519);
	SPOILED("xrstor", 27); /* reserved bits of MXCSR */
	/* Rows that both fail: the TCS comes first. */
	the_tcs(f)->state = SGX_TCS_ACTIVE;
	area[520] = 1;
	expect_gp(eresume(f));
	expect_refused_by(f, "activate");
	the_tcs(f)->state = SGX_TCS_INACTIVE;
	area[520] = 0;
	area[536] = 1; /* nobody looks at the rest of the header */
	expect_jump(eresume(f));
#undef SPOILED
}

/* A component that XSTATE_BV leaves out gets its initial state. */
static void eresume_component_not_in_xstate_bv_initialised(void **state)
{
	struct fixture *f = *state;
	uint8_t *area;

	make_interrupted(f);
	scramble_registers(f, 9);
	area = epc_ptr(f, SSA0_PAGE);
	area[512] = 1;
	expect_jump(eresume(f));
	assert_true(is_zero(f->cpus[0].xstate + 160, 256));
}

/* AEX-Notify: the enclave is called on the next frame, as by EENTER. */
static void make_notified(struct fixture *f)
{
	make_enclave(f);
	the_secs(f)->attributes |= SGX_ATTR_AEXNOTIFY;
	the_tcs(f)->flags = SGX_TCS_AEXNOTIFY;
	enter_and_interrupt(f);
	frame_gprsgx(f, 0)->aexnotify = 0xff;
}

static void eresume_notify_calls_enclave(void **state)
{
	struct fixture *f = *state;
	struct x86_state want;
	struct sgx_gprsgx frame0;
	uint8_t xstate[EMBEDDER_XSTATE_SIZE];

	make_notified(f);
	scramble_registers(f, 10);
	frame0 = *frame_gprsgx(f, 0);
	f->state->gpr[X86_RSP] = 0x7770;
	f->state->gpr[X86_RBP] = 0x6660;
	f->state->rip = 0x400000;
	f->state->rflags |= X86_EFLAGS_CF | X86_EFLAGS_TF;
	memcpy(xstate, f->cpus[0].xstate, sizeof(xstate));
	want = *f->state;
	want.cpl = 3;
	want.gpr[X86_RAX] = 1;
	want.gpr[X86_RBX] = TCS_GVA;
	want.gpr[X86_RCX] = 0x400003;
	want.gpr[X86_RDX] = 0x3333;
	want.rip = ENCLAVE_BASE + 0x3010;
	want.rflags &= ~(uint64_t)X86_EFLAGS_TF;
	want.xcr0 = 3;
	want.seg[X86_SEG_FS] = enclave_segment(f->state, ENCLAVE_BASE + 0x4000, 0x1fff);
	want.seg[X86_SEG_GS] = enclave_segment(f->state, ENCLAVE_BASE + 0x3000, 0x2fff);
	frame_gprsgx(f, 0)->fs_base = NON_CANONICAL; /* for nobody to load */
	frame0.fs_base = NON_CANONICAL;
	assert_false(leaf_resumed(eresume(f)));
	assert_state(f->state, &want);
	assert_memory_equal(f->cpus[0].xstate, xstate, sizeof(xstate));
	assert_int_equal(the_tcs(f)->cssa, 1);
	assert_memory_equal(frame_gprsgx(f, 0), &frame0, sizeof(frame0));
	assert_int_equal(frame_gprsgx(f, 1)->ursp, 0x7770);
	assert_int_equal(frame_gprsgx(f, 1)->urbp, 0x6660);
	interrupt(f);
	assert_int_equal(the_tcs(f)->cssa, 2);
	assert_int_equal(f->state->gpr[X86_RSP], 0x7770);
}

/* The thread has not asked, or the TCS does not allow it: an ordinary ERESUME. */
static void eresume_notify_needs_both_flags(void **state)
{
	struct fixture *f = *state;

	make_notified(f);
	frame_gprsgx(f, 0)->aexnotify = 0xfe;
	expect_jump(eresume(f));
	assert_int_equal(the_tcs(f)->cssa, 0);
	interrupt(f);
	assert_int_equal(frame_gprsgx(f, 0)->aexnotify, 0xfe);
	frame_gprsgx(f, 0)->aexnotify = SGX_GPRSGX_AEXNOTIFY;
	the_secs(f)->attributes &= ~SGX_ATTR_AEXNOTIFY;
	the_tcs(f)->flags = 0;
	expect_jump(eresume(f));
	assert_int_equal(the_tcs(f)->cssa, 0);
}

static void eresume_notify_no_free_frame_gp(void **state)
{
	struct fixture *f = *state;

	make_notified(f);
	the_tcs(f)->nssa = 1;
	unmap(f, SSA1_GVA); /* comes later */
	expect_gp(eresume(f));
	expect_refused_by(f, "tcs->nssa");
	/* The saved frame comes first. */
	unmap(f, SSA0_GVA);
	expect_pfo(eresume(f), SSA0_GVA, 6);
}

static void eresume_notify_frame_not_usable_pf(void **state)
{
	struct fixture *f = *state;

	make_notified(f);
	the_tcs(f)->oentry = NON_CANONICAL; /* comes later */
	epcm_of(f, SSA1_PAGE)->state |= EPCM_BLOCKED;
	expect_pfx(eresume(f), SSA1_GVA, ENCLU_WRITE);
	unmap(f, SSA1_GVA);
	expect_pfo(eresume(f), SSA1_GVA, 6);
}

static void eresume_notify_target_not_canonical_gp(void **state)
{
	struct fixture *f = *state;

	make_notified(f);
	the_tcs(f)->oentry = NON_CANONICAL;
	expect_gp(eresume(f));
	expect_refused_by(f, "x86_is_canonical(state, rip)");
}

/* Header and MXCSR of the frame are not looked at. */
static void eresume_notify_illegal_xsave_area_ok(void **state)
{
	struct fixture *f = *state;
	uint8_t *area;

	make_notified(f);
	area = epc_ptr(f, SSA0_PAGE);
	memset(area, 0xff, XSAVE_MIN_SIZE);
	expect_jump(eresume(f));
}

/* After its look at the saved frame; the next walk is that of frame 1. */
static void change_saved_frame(struct fixture *f, gva_t gva)
{
	if (gva != SSA1_GVA)
		return;
	frame_gprsgx(f, 0)->aexnotify = 0;
	frame_gprsgx(f, 0)->rip = CODE_GVA + 0x77;
}

static void eresume_frame_changed_meanwhile_uses_copy(void **state)
{
	struct fixture *f = *state;

	make_notified(f);
	f->on_walk = change_saved_frame;
	expect_jump(eresume(f));
	assert_int_equal(f->state->rip, ENCLAVE_BASE + 0x3010);
	assert_int_equal(the_tcs(f)->cssa, 1);
}

/*
 * Two processors resume one thread as fast as they can. The thread counts in RSI: if a
 * frame were resumed twice, or by both at once, a count would be lost.
 */
#define RACE_ROUNDS 20000

struct racer {
	struct embedder_cpu *cpu;
	_Atomic unsigned int *inside;
	uint64_t resumed;
};

/* Between the look at the TCS and its activation. */
static void let_the_other_run(struct fixture *f, gva_t gva)
{
	if (gva == SSA0_GVA)
		sched_yield();
}

static void *race(void *arg)
{
	struct racer *r = arg;
	struct sgx_event event = {.type = SGX_EVENT_INTERRUPT};

	for (unsigned int i = 0; i < RACE_ROUNDS; i++) {
		if (run_enclu(r->cpu, ERESUME, TCS_GVA, AEP_GVA, 0).kind != LEAF_JUMP)
			continue;
		assert_int_equal(atomic_fetch_add(r->inside, 1), 0);
		r->cpu->state.gpr[X86_RSI]++;
		r->resumed++;
		atomic_fetch_sub(r->inside, 1);
		sgx_aex(&r->cpu->cpu, &event);
	}
	return NULL;
}

static void eresume_race_resumes_each_frame_once(void **state)
{
	struct fixture *f = *state;
	_Atomic unsigned int inside = 0;
	struct racer racers[2] = {{.cpu = &f->cpus[1], .inside = &inside},
				  {.cpu = &f->cpus[2], .inside = &inside}};
	pthread_t threads[2];

	make_enclave(f);
	expect_jump(eenter(f));
	f->state->gpr[X86_RSI] = 0;
	interrupt(f);
	f->on_walk = let_the_other_run;
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_false(is_tracked_active(f));
	expect_jump(eresume(f));
	assert_int_equal(f->state->gpr[X86_RSI], racers[0].resumed + racers[1].resumed);
}

const struct CMUnitTest eresume_tests[] = {
	sgx_test(eresume_after_interrupt_restores_all),
	sgx_test(eresume_amx_restores_all),
	sgx_test(eresume_32bit_restores_low_registers),
	sgx_test(eresume_after_handler_returns_to_thread),
	sgx_test(eresume_aep_is_that_of_last_entry),
	sgx_test(eresume_keeps_ursp_of_eenter),
	sgx_test(eresume_restores_flags_selectively),
	sgx_test(eresume_opt_out_hides_trap_flag),
	sgx_test(eresume_opt_in_keeps_trap_flag),
	sgx_test(eresume_clears_pending_debug_exceptions),
	sgx_test(eresume_nothing_to_resume_gp),
	sgx_test(eresume_fs_gs_not_canonical_gp),
	sgx_test(eresume_illegal_xsave_area_gp),
	sgx_test(eresume_component_not_in_xstate_bv_initialised),
	sgx_test(eresume_notify_calls_enclave),
	sgx_test(eresume_notify_needs_both_flags),
	sgx_test(eresume_notify_no_free_frame_gp),
	sgx_test(eresume_notify_frame_not_usable_pf),
	sgx_test(eresume_notify_target_not_canonical_gp),
	sgx_test(eresume_notify_illegal_xsave_area_ok),
	sgx_test(eresume_frame_changed_meanwhile_uses_copy),
	sgx_test(eresume_race_resumes_each_frame_once),
};
const size_t eresume_test_count = ARRAY_SIZE(eresume_tests);
