// SPDX-License-Identifier: GPL-2.0-or-later
/* api.rst "KVM_SET_GUEST_DEBUG": what the engine is asked to stop for, and KVM_EXIT_DEBUG. */
#include "fixture.h"

#include "cpu/debug.h"

#define STEP (KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP)

static long set_debug(struct fixture *f, uint32_t control)
{
	struct kvm_guest_debug debug = {.control = control};

	debug.arch.debugreg[0] = 0x1234;
	debug.arch.debugreg[7] = 0x402;
	return ioc(f->vcpu, KVM_SET_GUEST_DEBUG, &debug);
}

static struct kvm_regs get_regs(struct fixture *f)
{
	struct kvm_regs regs = {0};

	assert_ok(ioc(f->vcpu, KVM_GET_REGS, &regs));
	return regs;
}

static void set_rip(struct fixture *f, uint64_t rip)
{
	struct kvm_regs regs = get_regs(f);

	regs.rip = rip;
	assert_ok(ioc(f->vcpu, KVM_SET_REGS, &regs));
}

static bool steps(const struct fixture *f)
{
	return f->v->cpu.state.rflags & X86_EFLAGS_TF;
}

static enum engine_exit_reason step_db(struct engine_vcpu *v)
{
	v->cpu.state.rip = 0x77;
	v->exit.exception.vector = DB_VECTOR;
	v->exit.exception.dr6 = DR6_BS | 1;
	return ENGINE_EXIT_EXCEPTION;
}

static enum engine_exit_reason step_bp(struct engine_vcpu *v)
{
	v->cpu.state.rip = 0x66;
	v->exit.exception.vector = BP_VECTOR;
	return ENGINE_EXIT_EXCEPTION;
}

static enum engine_exit_reason step_hlt_stepped(struct engine_vcpu *v)
{
	v->trap_due = DR6_BS;
	return ENGINE_EXIT_HLT;
}

static void extension_tells_the_flags(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(kvm_ioctl(f->system, KVM_CHECK_EXTENSION, KVM_CAP_SET_GUEST_DEBUG), 1);
	assert_int_equal(kvm_ioctl(f->vm, KVM_CHECK_EXTENSION, KVM_CAP_SET_GUEST_DEBUG2), 0x1f0003);
}

static void step_is_hidden_from_the_vmm(void **state)
{
	struct fixture *f = *state;

	set_rip(f, 0x100);
	assert_ok(set_debug(f, STEP));
	assert_true(steps(f));
	assert_int_equal(get_regs(f).rflags & X86_EFLAGS_TF, 0);
	/* Registers that go back as they came keep the step. */
	set_rip(f, 0x100);
	assert_true(steps(f));
	assert_ok(set_debug(f, KVM_GUESTDBG_ENABLE));
	assert_false(steps(f));
}

static void step_elsewhere_is_none(void **state)
{
	struct fixture *f = *state;

	set_rip(f, 0x100);
	assert_ok(set_debug(f, STEP));
	set_rip(f, 0x200);
	assert_false(steps(f));
}

static void disable_forgets_everything(void **state)
{
	struct fixture *f = *state;

	assert_ok(set_debug(f, 0x1f0003 & ~(KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP)));
	assert_int_equal(f->v->exception_bitmap, BIT32(DB_VECTOR) | BIT32(BP_VECTOR));
	assert_true(f->v->block_events);
	assert_true(f->v->cpu.debugger.has_breakpoints);
	assert_ok(set_debug(f, STEP & ~KVM_GUESTDBG_ENABLE));
	assert_int_equal(f->v->exception_bitmap, 0);
	assert_false(f->v->block_events);
	assert_false(f->v->cpu.debugger.has_breakpoints);
	assert_false(steps(f));
}

static void flags_choose_the_exceptions(void **state)
{
	static const struct {
		uint32_t control;
		uint32_t exceptions;
	} want[] = {
		{0, 0},
		{KVM_GUESTDBG_SINGLESTEP, BIT32(DB_VECTOR)},
		{KVM_GUESTDBG_USE_HW_BP, BIT32(DB_VECTOR)},
		{KVM_GUESTDBG_USE_SW_BP, BIT32(BP_VECTOR)},
		{KVM_GUESTDBG_BLOCKIRQ, 0},
	};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(want); i++) {
		assert_ok(set_debug(f, KVM_GUESTDBG_ENABLE | want[i].control));
		assert_int_equal(f->v->exception_bitmap, want[i].exceptions);
	}
}

/* The debugger's breakpoints count in the place of the guest's, which stay in its registers. */
static void breakpoints_leave_the_guests_registers(void **state)
{
	struct kvm_debugregs regs = {.db = {0x5000}, .dr6 = DR6_INIT, .dr7 = 0x401};
	struct fixture *f = *state;

	assert_ok(ioc(f->vcpu, KVM_SET_DEBUGREGS, &regs));
	assert_int_equal(debug_match_execute(&f->v->cpu, 0x5000), 1);
	assert_ok(set_debug(f, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP));
	assert_int_equal(debug_match_execute(&f->v->cpu, 0x5000), 0);
	assert_int_equal(debug_match_execute(&f->v->cpu, 0x1234), 1);
	assert_ok(ioc(f->vcpu, KVM_GET_DEBUGREGS, &regs));
	assert_int_equal(regs.db[0], 0x5000);
	assert_int_equal(regs.dr7, 0x401);
}

static void inject_queues_the_exception(void **state)
{
	struct fixture *f = *state;

	assert_ok(set_debug(f, KVM_GUESTDBG_INJECT_BP));
	assert_true(f->v->cpu.events.exception.pending);
	assert_true(f->v->cpu.events.exception.soft);
	assert_int_equal(f->v->cpu.events.exception.vector, BP_VECTOR);
	assert_err(set_debug(f, STEP | KVM_GUESTDBG_INJECT_DB), EBUSY);
	assert_false(steps(f));
	assert_int_equal(f->v->cpu.events.exception.vector, BP_VECTOR);
}

static void debug_exception_goes_to_vmm(void **state)
{
	struct fixture *f = *state;

	assert_ok(set_debug(f, STEP | KVM_GUESTDBG_USE_HW_BP));
	assert_ok(RUN(f, step_db));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_DEBUG);
	assert_int_equal(f->run->debug.arch.exception, DB_VECTOR);
	assert_int_equal(f->run->debug.arch.dr6, DR6_INIT | DR6_BS | 1);
	assert_int_equal(f->run->debug.arch.dr7, 0x402);
	assert_int_equal(f->run->debug.arch.pc, 0x77 + f->v->cpu.state.seg[X86_SEG_CS].base);
}

static void breakpoint_goes_to_vmm(void **state)
{
	struct fixture *f = *state;

	assert_ok(RUN(f, step_bp));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_DEBUG);
	assert_int_equal(f->run->debug.arch.exception, BP_VECTOR);
	assert_int_equal(f->run->debug.arch.dr6, 0);
	assert_int_equal(f->run->debug.arch.pc, 0x66 + f->v->cpu.state.seg[X86_SEG_CS].base);
}

static void step_over_hlt_does_not_halt(void **state)
{
	struct fixture *f = *state;

	assert_ok(RUN(f, step_hlt_stepped, step_db));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_DEBUG);
}

/* A trap belongs to the place where it happened. */
static void regs_set_forget_the_trap(void **state)
{
	struct fixture *f = *state;

	f->v->trap_due = DR6_BS;
	set_rip(f, 0x300);
	assert_int_equal(f->v->trap_due, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest guest_debug_tests[] = {
	TEST(extension_tells_the_flags),
	TEST(step_is_hidden_from_the_vmm),
	TEST(step_elsewhere_is_none),
	TEST(disable_forgets_everything),
	TEST(flags_choose_the_exceptions),
	TEST(breakpoints_leave_the_guests_registers),
	TEST(inject_queues_the_exception),
	TEST(debug_exception_goes_to_vmm),
	TEST(breakpoint_goes_to_vmm),
	TEST(step_over_hlt_does_not_halt),
	cmocka_unit_test_setup_teardown(step_over_hlt_does_not_halt, setup_full, teardown),
	TEST(regs_set_forget_the_trap),
};
const size_t guest_debug_test_count = ARRAY_SIZE(guest_debug_tests);
