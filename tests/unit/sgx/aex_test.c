// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "AEX Flow" and "Synthetic State on Asynchronous Enclave Exit". */
#include "enclave.h"
#include "tests.h"

#define LEGACY_XSTATE 416

static void make_inside(struct fixture *f)
{
	make_enclave(f);
	expect_jump(eenter(f));
}

static void aex_interrupt_sets_synthetic_state(void **state)
{
	struct fixture *f = *state;
	struct x86_state outside, want;

	make_enclave(f);
	outside = *f->state;
	expect_jump(eenter(f));
	scramble_registers(f, 11);
	f->state->gpr[X86_RSP] = 1;
	f->state->gpr[X86_RBP] = 2;
	f->state->rflags |= X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF |
			    X86_EFLAGS_SF | X86_EFLAGS_OF | X86_EFLAGS_RF | X86_EFLAGS_DF |
			    X86_EFLAGS_ID | X86_EFLAGS_AC | X86_EFLAGS_NT;
	f->state->cr2 = 0x1234;
	want = outside;
	want.cpl = 3;
	want.cr2 = 0x1234;
	memset(want.gpr, 0, sizeof(want.gpr));
	want.gpr[X86_RAX] = ERESUME;
	want.gpr[X86_RBX] = TCS_GVA;
	want.gpr[X86_RCX] = AEP_GVA;
	want.gpr[X86_RSP] = outside.gpr[X86_RSP];
	want.gpr[X86_RBP] = outside.gpr[X86_RBP];
	want.rip = AEP_GVA;
	want.rflags |= X86_EFLAGS_DF | X86_EFLAGS_ID | X86_EFLAGS_AC | X86_EFLAGS_NT;
	interrupt(f);
	assert_state(f->state, &want);
	assert_false(sgx_in_enclave(f->cpu));
	assert_false(tcs_is_active(f));
	assert_false(is_tracked_active(f));
	assert_int_equal(the_tcs(f)->cssa, 1);
	assert_int_equal(f->cpus[0].mode_changes, 2);
}

static void aex_interrupt_fills_gprsgx(void **state)
{
	struct fixture *f = *state;
	struct sgx_gprsgx want, *got;

	make_inside(f);
	got = frame_gprsgx(f, 0);
	scramble_registers(f, 12);
	f->state->rip = CODE_GVA + 5;
	f->state->rflags |= X86_EFLAGS_CF | X86_EFLAGS_TF;
	f->state->seg[X86_SEG_FS].base = 0x1111000;
	f->state->seg[X86_SEG_GS].base = 0x2222000;
	got->aexnotify = 1;
	got->exitinfo = UINT32_MAX;
	want = *got; /* URSP and URBP of the entry, AEXNOTIFY of the thread */
	memcpy(want.gpr, f->state->gpr, sizeof(want.gpr));
	want.rflags = f->state->rflags & ~(uint64_t)X86_EFLAGS_TF;
	want.rip = CODE_GVA + 5;
	want.exitinfo = 0;
	want.fs_base = 0x1111000;
	want.gs_base = 0x2222000;
	interrupt(f);
	assert_memory_equal(got, &want, sizeof(want));
}

static void aex_32bit_keeps_high_registers(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	make_32bit(f);
	expect_jump(eenter(f));
	for (unsigned int i = X86_R8; i < X86_NR_GPRS; i++)
		f->state->gpr[i] = 0x1000 + i;
	frame_gprsgx(f, 0)->ursp = BIT64(40) | 0x5550;
	frame_gprsgx(f, 0)->urbp = BIT64(40) | 0x6660;
	interrupt(f);
	assert_int_equal(f->state->gpr[X86_RSI], 0);
	assert_int_equal(f->state->gpr[X86_RSP], 0x5550);
	assert_int_equal(f->state->gpr[X86_RBP], 0x6660);
	for (unsigned int i = X86_R8; i < X86_NR_GPRS; i++)
		assert_int_equal(f->state->gpr[i], 0x1000 + i);
	assert_true(is_zero(&frame_gprsgx(f, 0)->gpr[X86_R8], 64));
}

/* SDM "AEX Flow": outside 64-bit mode low halves are stored, the upper ones are not. */
static void aex_32bit_stores_low_halves(void **state)
{
	const uint64_t upper = UINT64_C(0xdeadbeef) << 32;
	struct fixture *f = *state;
	struct sgx_gprsgx *got;

	make_enclave(f);
	make_32bit(f);
	expect_jump(eenter(f));
	got = frame_gprsgx(f, 0);
	got->gpr[X86_RSI] = got->rip = got->rflags = UINT64_MAX;
	for (unsigned int i = 0; i < X86_R8; i++)
		f->state->gpr[i] = upper | (i + 1);
	f->state->rip = upper | (CODE_GVA + 5);
	interrupt(f);
	assert_int_equal((uint32_t)got->gpr[X86_RAX], X86_RAX + 1);
	assert_int_equal(got->gpr[X86_RAX] >> 32, 0);
	assert_int_equal(got->gpr[X86_RSI], UINT64_C(0xffffffff) << 32 | (X86_RSI + 1));
	assert_int_equal(got->rflags >> 32, UINT32_MAX);
	/* They do not come back either, and RIP is as ERESUME wants it. */
	expect_jump(eresume(f));
	assert_int_equal(f->state->gpr[X86_RSI], X86_RSI + 1);
	assert_int_equal(f->state->rip, CODE_GVA + 5);
}

/* Components of XFRM only; the header is clean whatever the enclave has left there. */
static void aex_fills_xsave_area(void **state)
{
	struct fixture *f = *state;
	uint8_t *area;
	uint8_t xstate[EMBEDDER_XSTATE_SIZE];

	make_inside(f);
	area = epc_ptr(f, SSA0_PAGE);
	memset(area, 0xee, SGX_PAGE_SIZE - sizeof(struct sgx_gprsgx));
	scramble_registers(f, 13);
	memcpy(xstate, f->cpus[0].xstate, sizeof(xstate));
	interrupt(f);
	assert_memory_equal(area, xstate, LEGACY_XSTATE);
	assert_int_equal(area[LEGACY_XSTATE], 0xee);
	assert_int_equal(area[512], 3);
	assert_true(is_zero(area + 513, 23));
	assert_int_equal(area[536], 0xee);
	assert_int_equal(area[576], 0xee);
	assert_int_equal(area[SGX_PAGE_SIZE - sizeof(struct sgx_gprsgx) - 1], 0xee);
}

/* An area of three pages: the bytes between and behind the components stay as they were. */
static void aex_amx_fills_three_pages(void **state)
{
	struct fixture *f = *state;
	const unsigned int end = 2816 + 8192;
	uint8_t *last;
	uint8_t xstate[EMBEDDER_XSTATE_SIZE];

	make_enclave(f);
	enable_amx(f);
	expect_jump(eenter(f));
	for (unsigned int i = 0; i < 2; i++)
		memset(epc_ptr(f, SSA0_PAGE + i), 0xee, SGX_PAGE_SIZE);
	last = epc_ptr(f, CODE_PAGE);
	memset(last, 0xee, SGX_PAGE_SIZE - sizeof(struct sgx_gprsgx));
	scramble_registers(f, 14);
	memset(f->cpu->scratch, 0x99, SGX_SCRATCH_SIZE);
	memcpy(xstate, f->cpus[0].xstate, sizeof(xstate));
	interrupt(f);
	assert_memory_equal(epc_ptr(f, SSA0_PAGE), xstate, LEGACY_XSTATE);
	assert_int_equal(((uint8_t *)epc_ptr(f, SSA0_PAGE))[LEGACY_XSTATE], 0xee);
	assert_int_equal(((uint8_t *)epc_ptr(f, SSA0_PAGE))[1000], 0xee);
	assert_memory_equal((uint8_t *)epc_ptr(f, SSA0_PAGE) + 2816, xstate + 2816, 4096 - 2816);
	assert_memory_equal(epc_ptr(f, SSA1_PAGE), xstate + 4096, 4096);
	assert_memory_equal(last, xstate + 8192, end - 8192);
	for (unsigned int i = end - 8192; i < SGX_PAGE_SIZE - sizeof(struct sgx_gprsgx); i++)
		assert_int_equal(last[i], 0xee);
}

struct control_words {
	uint16_t fcw;
	uint16_t fsw;
	uint32_t mxcsr;
};

static struct control_words control_words(struct fixture *f)
{
	struct control_words words;

	memcpy(&words.fcw, f->cpus[0].xstate, sizeof(words.fcw));
	memcpy(&words.fsw, f->cpus[0].xstate + 2, sizeof(words.fsw));
	memcpy(&words.mxcsr, f->cpus[0].xstate + 24, sizeof(words.mxcsr));
	return words;
}

/* An x87 or SIMD exception must be there to be found, or the handler takes it as spurious. */
static void aex_synthesises_extended_state(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	the_secs(f)->xfrm |= XFEATURE_MASK_YMM;
	for (unsigned int vector = 0; vector < 32; vector++) {
		struct sgx_event event = exception_event(SGX_EVENT_FAULT, (uint8_t)vector, 0, 0);
		bool mf = vector == MF_VECTOR, xm = vector == XM_VECTOR;
		struct control_words words;

		the_tcs(f)->cssa = 0;
		expect_jump(eenter(f));
		scramble_registers(f, vector);
		sgx_aex(f->cpu, &event);
		words = control_words(f);
		assert_int_equal(words.fcw, mf ? 0x37e : 0x37f);
		assert_int_equal(words.fsw, mf ? 0x8081 : 0);
		assert_int_equal(words.mxcsr, xm ? 0x1f01 : 0x1f80);
		assert_true(is_zero(f->cpus[0].xstate + 32, 384));
		assert_true(is_zero(f->cpus[0].xstate + 576, 256));
	}
}

static void aex_interrupt_with_stale_vector_is_no_exception(void **state)
{
	struct fixture *f = *state;
	struct sgx_event event = exception_event(SGX_EVENT_INTERRUPT, MF_VECTOR, 0, 0x1234567);

	make_inside(f);
	sgx_aex(f->cpu, &event);
	assert_int_equal(control_words(f).fsw, 0);
	assert_int_equal(frame_gprsgx(f, 0)->exitinfo, 0);
	assert_int_equal(event.exception.address, 0x1234567);
}

/* Kind of report of each vector: none, always, with EXINFO only. */
static const char report_kind[32 + 1] = "aa.a.aa......ee.aa.a............";

static uint32_t expected_exitinfo(unsigned int vector, bool exinfo)
{
	if (report_kind[vector] == '.' || (report_kind[vector] == 'e' && !exinfo))
		return 0;
	return BIT32(31) | (vector == BP_VECTOR ? 6u : 3u) << 8 | vector;
}

static void check_exitinfo(struct fixture *f, bool exinfo)
{
	struct sgx_exinfo untouched;

	memset(&untouched, 0xee, sizeof(untouched));
	for (unsigned int vector = 0; vector < 256; vector++) {
		enum sgx_event_type type = vector == DB_VECTOR   ? SGX_EVENT_TRAP
					   : vector == BP_VECTOR ? SGX_EVENT_SOFTWARE
								 : SGX_EVENT_FAULT;
		struct sgx_event event = exception_event(type, (uint8_t)vector, 0x8007, 0xabcde123);
		struct sgx_gprsgx *gprsgx = frame_gprsgx(f, 0);
		struct sgx_exinfo *info = (struct sgx_exinfo *)gprsgx - 1;

		the_tcs(f)->cssa = 0;
		gprsgx->exitinfo = 0x12345;
		*info = untouched;
		expect_jump(eenter(f));
		sgx_aex(f->cpu, &event);
		assert_int_equal(gprsgx->exitinfo,
				 vector < 32 ? expected_exitinfo(vector, exinfo) : 0);
		if (exinfo && (vector == PF_VECTOR || vector == GP_VECTOR)) {
			assert_int_equal(info->maddr, vector == PF_VECTOR ? 0xabcde123 : 0);
			assert_int_equal(info->errcd, 0x8007);
			assert_int_equal(info->reserved, 0);
		} else {
			assert_memory_equal(info, &untouched, sizeof(untouched));
		}
		/* CR2 to be: the page. The error code goes to the handler as it is. */
		assert_int_equal(event.exception.address,
				 vector == PF_VECTOR ? 0xabcde000 : 0xabcde123);
		assert_int_equal(event.exception.error_code, 0x8007);
	}
}

static void aex_every_vector_reports_as_exinfo_says(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	check_exitinfo(f, true);
	the_secs(f)->miscselect = 0;
	check_exitinfo(f, false);
}

/* RF as it would be pushed. */
static void aex_stores_resume_flag_by_kind_of_event(void **state)
{
	struct fixture *f = *state;
	static const enum sgx_event_type types[] = {SGX_EVENT_INTERRUPT, SGX_EVENT_FAULT,
						    SGX_EVENT_TRAP, SGX_EVENT_SOFTWARE};

	make_enclave(f);
	for (unsigned int i = 0; i < 2 * ARRAY_SIZE(types); i++) {
		enum sgx_event_type type = types[i / 2];
		struct sgx_event event = exception_event(type, DB_VECTOR, 0, 0);
		bool rf = i % 2;

		the_tcs(f)->cssa = 0;
		expect_jump(eenter(f));
		f->state->rflags &= ~(uint64_t)X86_EFLAGS_RF;
		f->state->rflags |= rf ? X86_EFLAGS_RF : 0;
		sgx_aex(f->cpu, &event);
		assert_int_equal(!!(frame_gprsgx(f, 0)->rflags & X86_EFLAGS_RF),
				 rf || type == SGX_EVENT_FAULT);
		assert_false(f->state->rflags & X86_EFLAGS_RF);
	}
}

/* ksgxd blocks pages of running threads: AEX must not even notice. */
static void aex_pages_blocked_meanwhile_are_written(void **state)
{
	struct fixture *f = *state;

	make_inside(f);
	epcm_of(f, SSA0_PAGE)->state |= EPCM_BLOCKED;
	epcm_of(f, TCS_PAGE)->state |= EPCM_BLOCKED;
	unmap(f, SSA0_GVA);
	unmap(f, TCS_GVA);
	hold_page(f, SSA0_PAGE, EPCM_LOCK_EXCL);
	hold_page(f, TCS_PAGE, EPCM_LOCK_EXCL);
	hold_page(f, SECS_PAGE, EPCM_LOCK_EXCL);
	f->state->gpr[X86_RSI] = 0x1234;
	interrupt(f);
	assert_int_equal(frame_gprsgx(f, 0)->gpr[X86_RSI], 0x1234);
	assert_int_equal(the_tcs(f)->cssa, 1);
	assert_false(tcs_is_active(f));
	let_go(f, TCS_PAGE, EPCM_LOCK_EXCL);
	map_epc(f, TCS_GVA, TCS_PAGE, PTE_ALL);
	expect_pfx(eresume(f), TCS_GVA, ENCLU_WRITE);
}

static void aex_page_changed_type_meanwhile_is_written(void **state)
{
	struct fixture *f = *state;

	make_inside(f);
	change_state(f, SSA0_PAGE, EPCM_PT_MASK | EPCM_RWX,
		     EPCM_PT(SGX_PAGE_TYPE_TRIM) | EPCM_MODIFIED);
	f->state->gpr[X86_RSI] = 0x1234;
	interrupt(f);
	assert_int_equal(frame_gprsgx(f, 0)->gpr[X86_RSI], 0x1234);
}

/* With the last frame in use there is no room for another entry, but for the way back. */
static void aex_last_frame_leaves_only_eresume(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	the_tcs(f)->nssa = 1;
	enter_and_interrupt(f);
	assert_int_equal(the_tcs(f)->cssa, 1);
	expect_gp(eenter(f));
	expect_refused_by(f, "tcs->nssa");
	expect_jump(eresume(f));
}

/* augment_via_eaccept: a leaf that faults inside is what the thread will do again. */
static void aex_faulting_leaf_is_run_again(void **state)
{
	struct fixture *f = *state;
	struct sgx_event event = exception_event(SGX_EVENT_FAULT, PF_VECTOR, 4, 0x10123456);

	make_inside(f);
	f->state->rip = CODE_GVA + 0x20;
	f->state->gpr[X86_RAX] = EACCEPT;
	sgx_aex(f->cpu, &event);
	assert_int_equal(frame_gprsgx(f, 0)->gpr[X86_RAX], EACCEPT);
	assert_int_equal(frame_gprsgx(f, 0)->rip, CODE_GVA + 0x20);
	expect_jump(eresume(f));
	assert_int_equal(f->state->gpr[X86_RAX], EACCEPT);
	assert_int_equal(f->state->rip, CODE_GVA + 0x20);
}

/* INIT takes the processor out without an AEX; its TCS is free again. */
static void reset_inside_leaves_enclave(void **state)
{
	struct fixture *f = *state;

	make_inside(f);
	sgx_cpu_reset(f->cpu);
	assert_false(tcs_is_active(f));
	assert_false(is_tracked_active(f));
	assert_int_equal(the_tcs(f)->cssa, 0);
}

const struct CMUnitTest aex_tests[] = {
	sgx_test(aex_interrupt_sets_synthetic_state),
	sgx_test(aex_interrupt_fills_gprsgx),
	sgx_test(aex_32bit_keeps_high_registers),
	sgx_test(aex_32bit_stores_low_halves),
	sgx_test(aex_fills_xsave_area),
	sgx_test(aex_amx_fills_three_pages),
	sgx_test(aex_synthesises_extended_state),
	sgx_test(aex_interrupt_with_stale_vector_is_no_exception),
	sgx_test(aex_every_vector_reports_as_exinfo_says),
	sgx_test(aex_stores_resume_flag_by_kind_of_event),
	sgx_test(aex_pages_blocked_meanwhile_are_written),
	sgx_test(aex_page_changed_type_meanwhile_is_written),
	sgx_test(aex_last_frame_leaves_only_eresume),
	sgx_test(aex_faulting_leaf_is_run_again),
	sgx_test(reset_inside_leaves_enclave),
};
const size_t aex_test_count = ARRAY_SIZE(aex_tests);
