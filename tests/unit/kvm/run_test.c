// SPDX-License-Identifier: GPL-2.0-or-later
/* KVM_RUN: struct kvm_run of each exit, and how the next call completes it. */
#include "fixture.h"

#include <signal.h>
#include <string.h>

static uint8_t *pio_page(struct fixture *f)
{
	return (uint8_t *)f->run + f->run->io.data_offset;
}

static enum engine_exit_reason step_out(struct engine_vcpu *v)
{
	v->exit.io.in = false;
	v->exit.io.size = 2;
	v->exit.io.port = 0x510;
	v->exit.io.count = 2;
	memcpy(v->exit.io.data, "abcd", 4);
	return ENGINE_EXIT_IO;
}

static enum engine_exit_reason step_in(struct engine_vcpu *v)
{
	v->exit.io.in = true;
	v->exit.io.size = 4;
	v->exit.io.port = 0xcfc;
	v->exit.io.count = 2;
	return ENGINE_EXIT_IO;
}

static uint8_t seen[8];

static enum engine_exit_reason step_see_in(struct engine_vcpu *v)
{
	memcpy(seen, v->exit.io.data, 8);
	return ENGINE_EXIT_HLT;
}

static enum engine_exit_reason step_see_mmio(struct engine_vcpu *v)
{
	memcpy(seen, v->exit.mmio.data, 8);
	return ENGINE_EXIT_HLT;
}

static enum engine_exit_reason step_mmio_read(struct engine_vcpu *v)
{
	v->exit.mmio.gpa = 0xfee00030;
	v->exit.mmio.len = 8;
	v->exit.mmio.write = false;
	return ENGINE_EXIT_MMIO;
}

static enum engine_exit_reason step_mmio_write(struct engine_vcpu *v)
{
	v->exit.mmio.gpa = 0xfee000b0;
	v->exit.mmio.len = 4;
	v->exit.mmio.write = true;
	memcpy(v->exit.mmio.data, "wxyz", 4);
	return ENGINE_EXIT_MMIO;
}

static enum engine_exit_reason step_kick(struct engine_vcpu *v)
{
	return ENGINE_EXIT_KICK;
}

static struct fixture *fixture;

static enum engine_exit_reason step_vmm_kicks(struct engine_vcpu *v)
{
	fixture->run->immediate_exit = 1;
	return ENGINE_EXIT_KICK;
}

static void output_goes_to_vmm(void **state)
{
	struct fixture *f = *state;

	assert_ok(RUN(f, step_out));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_IO);
	assert_int_equal(f->run->io.direction, KVM_EXIT_IO_OUT);
	assert_int_equal(f->run->io.size, 2);
	assert_int_equal(f->run->io.port, 0x510);
	assert_int_equal(f->run->io.count, 2);
	assert_int_equal(f->run->io.data_offset, 4096);
	assert_memory_equal(pio_page(f), "abcd", 4);
}

static void input_comes_from_vmm(void **state)
{
	struct fixture *f = *state;

	assert_ok(RUN(f, step_in));
	assert_int_equal(f->run->io.direction, KVM_EXIT_IO_IN);
	memcpy(pio_page(f), "12345678", 8);
	assert_ok(RUN(f, step_see_in));
	assert_memory_equal(seen, "12345678", 8);
}

/* The sizes count that we told, not what the VMM writes over them. */
static void input_with_overwritten_run_page_stays_inside(void **state)
{
	struct fixture *f = *state;

	assert_ok(RUN(f, step_in));
	memcpy(pio_page(f), "12345678", 8);
	f->run->io.count = UINT32_MAX;
	f->run->io.size = 255;
	f->run->io.data_offset = UINT64_MAX;
	assert_ok(RUN(f, step_see_in));
	assert_memory_equal(seen, "12345678", 8);
}

static void mmio_read_and_write(void **state)
{
	struct fixture *f = *state;

	assert_ok(RUN(f, step_mmio_write));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_MMIO);
	assert_int_equal(f->run->mmio.phys_addr, 0xfee000b0);
	assert_int_equal(f->run->mmio.len, 4);
	assert_true(f->run->mmio.is_write);
	assert_memory_equal(f->run->mmio.data, "wxyz\0\0\0\0", 8);
	assert_ok(RUN(f, step_mmio_read));
	assert_false(f->run->mmio.is_write);
	memcpy(f->run->mmio.data, "ABCDEFGH", 8);
	f->run->mmio.len = 255;
	assert_ok(RUN(f, step_see_mmio));
	assert_memory_equal(seen, "ABCDEFGH", 8);
}

/* What the engine does with immediate_exit set: it takes the answer and goes no further. */
static enum engine_exit_reason step_take_in_only(struct engine_vcpu *v)
{
	step_see_in(v);
	return ENGINE_EXIT_KICK;
}

static void immediate_exit_completes_and_returns(void **state)
{
	struct fixture *f = *state;

	assert_ok(RUN(f, step_in));
	memcpy(pio_page(f), "completd", 8);
	f->run->immediate_exit = 1;
	assert_err(RUN(f, step_take_in_only), EINTR);
	assert_int_equal(f->run->exit_reason, KVM_EXIT_INTR);
	assert_memory_equal(seen, "completd", 8);
	f->run->immediate_exit = 0;
	assert_ok(RUN(f, step_out));
}

/* An access of several parts has more to send: those come before -EINTR. */
static void immediate_exit_sends_all_parts_first(void **state)
{
	struct fixture *f = *state;

	f->run->immediate_exit = 1;
	assert_ok(RUN(f, step_mmio_write));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_MMIO);
	assert_err(RUN(f, step_kick), EINTR);
}

/* A pending #PF has its address in CR2 once the guest is entered, and not before. */
static void pending_exception_is_delivered_at_entry(void **state)
{
	struct fixture *f = *state;

	f->v->cpu.events.exception.pending = true;
	f->v->cpu.events.exception.vector = PF_VECTOR;
	f->v->cpu.events.exception.has_payload = true;
	f->v->cpu.events.exception.payload = 0x5000;
	assert_int_equal(f->v->cpu.state.cr2, 0);
	assert_ok(RUN(f, step_out));
	assert_true(f->v->cpu.events.exception.injected);
	assert_false(f->v->cpu.events.exception.pending);
	assert_int_equal(f->v->cpu.state.cr2, 0x5000);
}

static void kick_of_our_own_goes_on(void **state)
{
	struct fixture *f = *state;

	assert_ok(RUN(f, step_kick, step_kick, step_out));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_IO);
}

static void kick_of_vmm_is_eintr(void **state)
{
	struct fixture *f = *state;

	fixture = f;
	assert_err(RUN(f, step_vmm_kicks), EINTR);
	assert_int_equal(f->run->exit_reason, KVM_EXIT_INTR);
}

static enum engine_exit_reason step_window(struct engine_vcpu *v)
{
	return v->want_irq_window ? ENGINE_EXIT_IRQ_WINDOW : ENGINE_EXIT_HLT;
}

static enum engine_exit_reason step_shutdown(struct engine_vcpu *v)
{
	return ENGINE_EXIT_SHUTDOWN;
}

static enum engine_exit_reason step_host_error(struct engine_vcpu *v)
{
	v->exit.host_errno = -EFAULT;
	return ENGINE_EXIT_HOST_ERROR;
}

static enum engine_exit_reason step_internal_error(struct engine_vcpu *v)
{
	v->exit.insn.length = 3;
	memcpy(v->exit.insn.bytes, "\x0f\x0b\x90", 3);
	return ENGINE_EXIT_INTERNAL_ERROR;
}

static enum engine_exit_reason step_fail_entry(struct engine_vcpu *v)
{
	return ENGINE_EXIT_FAIL_ENTRY;
}

static void state_that_cannot_run_fails_entry(void **state)
{
	struct fixture *f = *state;

	assert_ok(RUN(f, step_fail_entry));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_FAIL_ENTRY);
	assert_int_equal(f->run->fail_entry.hardware_entry_failure_reason, 0x80000021);
}

static void plain_exits(void **state)
{
	struct fixture *f = *state;

	assert_ok(RUN(f, step_window));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_HLT);
	f->run->request_interrupt_window = 1;
	assert_ok(RUN(f, step_window));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_IRQ_WINDOW_OPEN);
	assert_ok(RUN(f, step_shutdown));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_SHUTDOWN);
	assert_err(RUN(f, step_host_error), EFAULT);
}

static void internal_error_has_instruction(void **state)
{
	struct fixture *f = *state;

	assert_ok(RUN(f, step_internal_error));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_INTERNAL_ERROR);
	assert_int_equal(f->run->internal.suberror, KVM_INTERNAL_ERROR_EMULATION);
	assert_int_equal(f->run->emulation_failure.ndata, 3);
	assert_int_equal(f->run->emulation_failure.flags,
			 KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES);
	assert_int_equal(f->run->emulation_failure.insn_size, 3);
	assert_memory_equal(f->run->emulation_failure.insn_bytes, "\x0f\x0b\x90", 3);
}

static void triple_fault_is_shutdown(void **state)
{
	struct fixture *f = *state;

	f->v->cpu.events.triple_fault = true;
	assert_ok(RUN(f, step_out));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_SHUTDOWN);
	assert_ok(RUN(f, step_out));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_IO);
}

static enum engine_exit_reason step_lower_cr8(struct engine_vcpu *v)
{
	assert_int_equal(v->cpu.cr8, 9);
	v->cpu.cr8 = 2;
	v->cpu.state.rflags |= X86_EFLAGS_IF;
	return ENGINE_EXIT_HLT;
}

static void run_page_carries_interrupt_state(void **state)
{
	struct fixture *f = *state;
	struct kvm_interrupt interrupt = {.irq = 0x20};

	f->run->cr8 = 9;
	assert_ok(RUN(f, step_lower_cr8));
	assert_int_equal(f->run->cr8, 2);
	assert_int_equal(f->run->if_flag, 1);
	assert_int_equal(f->run->apic_base, 0xfee00900);
	assert_true(f->run->ready_for_interrupt_injection);
	assert_ok(ioc(f->vcpu, KVM_INTERRUPT, &interrupt));
	assert_ok(RUN(f, step_out));
	assert_false(f->run->ready_for_interrupt_injection);
}

static void arguments_that_are_wrong_einval(void **state)
{
	struct fixture *f = *state;

	assert_err(kvm_ioctl(f->vcpu, KVM_RUN, 1), EINVAL);
	f->run->cr8 = 16;
	assert_err(RUN(f, step_out), EINVAL);
	f->run->cr8 = 0;
	f->run->kvm_valid_regs = 1;
	assert_err(RUN(f, step_out), EINVAL);
}

static void vmm_may_have_written_memory_at_each_entry(void **state)
{
	struct fixture *f = *state;
	unsigned int before = fake.written;

	assert_ok(RUN(f, step_kick, step_out));
	assert_int_equal(fake.written, before + 1);
}

static bool blocked_inside;

static enum engine_exit_reason step_look_at_mask(struct engine_vcpu *v)
{
	sigset_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	blocked_inside = sigismember(&mask, SIGUSR2);
	assert_false(sigismember(&mask, SIGSEGV));
	return ENGINE_EXIT_HLT;
}

static long set_mask(struct fixture *f, uint64_t mask)
{
	struct {
		struct signal_mask_head head;
		uint8_t sigset[8];
	} arg = {.head.len = 8};

	memcpy((uint8_t *)&arg + offsetof(struct kvm_signal_mask, sigset), &mask, 8);
	return ioc(f->vcpu, KVM_SET_SIGNAL_MASK, &arg);
}

static void signal_mask_holds_during_run(void **state)
{
	struct fixture *f = *state;
	struct kvm_signal_mask bad = {.len = 128};
	sigset_t mask;

	assert_err(ioc(f->vcpu, KVM_SET_SIGNAL_MASK, &bad), EINVAL);
	assert_ok(set_mask(f, BIT64(SIGUSR2 - 1) | BIT64(SIGSEGV - 1)));
	assert_ok(RUN(f, step_look_at_mask));
	assert_true(blocked_inside);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	assert_false(sigismember(&mask, SIGUSR2));
	assert_ok(ioc(f->vcpu, KVM_SET_SIGNAL_MASK, NULL));
	assert_ok(RUN(f, step_look_at_mask));
	assert_false(blocked_inside);
}

static void waiting_signal_that_the_mask_lets_through_eintr(void **state)
{
	struct fixture *f = *state;
	sigset_t usr2, waiting;

	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &usr2, NULL);
	pthread_kill(pthread_self(), SIGUSR2);
	assert_ok(set_mask(f, 0));
	assert_err(RUN(f, step_out), EINTR);
	assert_int_equal(f->run->exit_reason, KVM_EXIT_INTR);
	sigpending(&waiting);
	assert_true(sigismember(&waiting, SIGUSR2));
	assert_ok(set_mask(f, BIT64(SIGUSR2 - 1)));
	assert_ok(RUN(f, step_out));
	sigwaitinfo(&usr2, NULL);
	pthread_sigmask(SIG_UNBLOCK, &usr2, NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest run_tests[] = {
	CASE(output_goes_to_vmm),
	CASE(input_comes_from_vmm),
	CASE(input_with_overwritten_run_page_stays_inside),
	CASE(mmio_read_and_write),
	CASE(immediate_exit_completes_and_returns),
	CASE(immediate_exit_sends_all_parts_first),
	CASE(pending_exception_is_delivered_at_entry),
	CASE(kick_of_our_own_goes_on),
	CASE(kick_of_vmm_is_eintr),
	CASE(plain_exits),
	CASE(internal_error_has_instruction),
	CASE(state_that_cannot_run_fails_entry),
	CASE(triple_fault_is_shutdown),
	CASE(run_page_carries_interrupt_state),
	CASE(arguments_that_are_wrong_einval),
	CASE(vmm_may_have_written_memory_at_each_entry),
	CASE(signal_mask_holds_during_run),
	CASE(waiting_signal_that_the_mask_lets_through_eintr),
};
const size_t run_test_count = ARRAY_SIZE(run_tests);
