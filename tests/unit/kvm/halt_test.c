// SPDX-License-Identifier: GPL-2.0-or-later
/* Processors that wait inside KVM_RUN: api.rst KVM_GET_MP_STATE, immediate_exit, signals. */
#include "fixture.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000

static uint32_t mp_state(struct fixture *f)
{
	struct kvm_mp_state state;

	assert_ok(ioc(f->vcpu, KVM_GET_MP_STATE, &state));
	return state.mp_state;
}

static void set_mp_state(struct fixture *f, uint32_t value)
{
	struct kvm_mp_state state = {.mp_state = value};

	assert_ok(ioc(f->vcpu, KVM_SET_MP_STATE, &state));
}

static void set_apic(struct fixture *f, uint32_t lvt_timer)
{
	struct kvm_lapic_state lapic;

	assert_ok(ioc(f->vcpu, KVM_GET_LAPIC, &lapic));
	lapic.regs[0xf1] = 1;
	memcpy(lapic.regs + 0x320, &lvt_timer, sizeof(lvt_timer));
	assert_ok(ioc(f->vcpu, KVM_SET_LAPIC, &lapic));
	f->v->cpu.state.rflags |= X86_EFLAGS_IF;
}

static void signal_msi(struct fixture *f, uint32_t data)
{
	struct kvm_msi msi = {.address_lo = 0xfeeff000, .data = data};

	assert_true(ioc(f->vm, KVM_SIGNAL_MSI, &msi) >= 0);
}

static enum engine_exit_reason step_hlt(struct engine_vcpu *v)
{
	return ENGINE_EXIT_HLT;
}

static enum engine_exit_reason step_end(struct engine_vcpu *v)
{
	return ENGINE_EXIT_SHUTDOWN;
}

/* What another thread does once the processor sleeps. */
struct later {
	struct fixture *f;
	void (*what)(struct later *later);
	pthread_t runner, thread;
};

static void *run_later(void *opaque)
{
	struct later *later = opaque;

	while (!atomic_load(&((struct kvm_vcpu *)later->f->v->owner)->halted))
		usleep(100);
	usleep(5000);
	later->what(later);
	return NULL;
}

static struct later start(struct fixture *f, void (*what)(struct later *later))
{
	return (struct later){.f = f, .what = what, .runner = pthread_self()};
}

#define WITH(later, expr)                                                   \
	do {                                                                \
		pthread_create(&(later).thread, NULL, run_later, &(later)); \
		expr;                                                       \
		pthread_join((later).thread, NULL);                         \
	} while (0)

static void interrupt(struct later *later)
{
	signal_msi(later->f, 0x4031);
}

static void nmi(struct later *later)
{
	signal_msi(later->f, 0x4400);
}

static void init_and_startup(struct later *later)
{
	signal_msi(later->f, 0x4500);
	usleep(5000);
	signal_msi(later->f, 0x469a);
}

static void on_signal(int sig)
{
}

static void kick(struct later *later)
{
	pthread_kill(later->runner, SIGUSR1);
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void hlt_waits_for_an_interrupt(void **state)
{
	struct fixture *f = *state;
	struct later later = start(f, interrupt);

	set_apic(f, 0x10000);
	WITH(later, assert_ok(RUN(f, step_hlt, step_end)));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_SHUTDOWN);
	assert_int_equal(mp_state(f), KVM_MP_STATE_RUNNABLE);
	assert_int_equal(fake.ops->take_interrupt(f->v), 0x31);
}

static void nmi_ends_hlt_with_interrupts_off(void **state)
{
	struct fixture *f = *state;
	struct later later = start(f, nmi);

	set_apic(f, 0x10000);
	f->v->cpu.state.rflags &= ~(uint64_t)X86_EFLAGS_IF;
	signal_msi(f, 0x4031);
	WITH(later, assert_ok(RUN(f, step_hlt, step_end)));
	assert_true(f->v->cpu.events.nmi.pending);
}

static void hlt_sleeps_until_its_own_timer(void **state)
{
	struct fixture *f = *state;
	uint64_t before = cpu_ns();

	set_apic(f, 0x400ec);
	assert_int_equal(msr_set(f, 0x6e0,
				 __builtin_ia32_rdtsc() + f->v->cpu.msr.tsc_offset +
					 100 * (uint64_t)kvm_ioctl(f->vcpu, KVM_GET_TSC_KHZ, 0)),
			 1);
	assert_ok(RUN(f, step_hlt, step_end));
	assert_int_equal(fake.ops->take_interrupt(f->v), 0xec);
	assert_true(cpu_ns() - before < 50 * MS);
}

static void signal_ends_the_call_and_the_processor_stays_halted(void **state)
{
	struct fixture *f = *state;
	struct later later = start(f, kick);
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGUSR1, &action, NULL);
	set_apic(f, 0x10000);
	WITH(later, assert_err(RUN(f, step_hlt), EINTR));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_INTR);
	assert_int_equal(mp_state(f), KVM_MP_STATE_HALTED);
	signal_msi(f, 0x4031);
	assert_ok(RUN(f, step_end));
	assert_int_equal(mp_state(f), KVM_MP_STATE_RUNNABLE);
}

/* The handler of a VMM has run before the processor falls asleep. */
static void immediate_exit_is_not_lost(void **state)
{
	struct fixture *f = *state;

	set_apic(f, 0x10000);
	f->run->immediate_exit = 1;
	assert_err(RUN(f, step_hlt), EINTR);
	assert_int_equal(mp_state(f), KVM_MP_STATE_HALTED);
	f->run->immediate_exit = 0;
}

static void window_ends_hlt_in_split_mode(void **state)
{
	struct fixture *f = *state;

	set_apic(f, 0x10000);
	f->run->request_interrupt_window = 1;
	assert_ok(RUN(f, step_hlt));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_IRQ_WINDOW_OPEN);
	f->run->request_interrupt_window = 0;
	assert_ok(ioc(f->vcpu, KVM_INTERRUPT, &(struct kvm_interrupt){.irq = 0x30}));
	assert_ok(RUN(f, step_end));
	assert_int_equal(fake.ops->take_interrupt(f->v), 0x30);
}

static void ap_waits_for_init_and_startup(void **state)
{
	struct fixture *f = *state;
	struct later later = start(f, init_and_startup);
	uint64_t base;

	assert_int_equal(mp_state(f), KVM_MP_STATE_UNINITIALIZED);
	assert_int_equal(msr_get(f, 0x1b, &base), 1);
	assert_int_equal(base, 0xfee00800);
	WITH(later, assert_ok(RUN(f, step_end)));
	assert_int_equal(mp_state(f), KVM_MP_STATE_RUNNABLE);
	assert_int_equal(f->v->cpu.state.rip, 0);
	assert_int_equal(f->v->cpu.state.seg[X86_SEG_CS].base, 0x9a000);
	assert_int_equal(f->v->cpu.state.seg[X86_SEG_CS].selector, 0x9a00);
}

static void startup_without_init_is_void(void **state)
{
	struct fixture *f = *state;

	signal_msi(f, 0x469a);
	f->run->immediate_exit = 1;
	assert_err(RUN(f, step_end), EINTR);
	f->run->immediate_exit = 0;
	assert_int_equal(mp_state(f), KVM_MP_STATE_UNINITIALIZED);
	signal_msi(f, 0x4500);
	assert_int_equal(mp_state(f), KVM_MP_STATE_INIT_RECEIVED);
	signal_msi(f, 0x469a);
	assert_int_equal(mp_state(f), KVM_MP_STATE_RUNNABLE);
}

static void init_resets_a_bsp_that_runs_on(void **state)
{
	struct fixture *f = *state;

	f->v->cpu.state.rip = 0x1234;
	signal_msi(f, 0x4500);
	assert_int_equal(fake.exit_requests, 1);
	assert_int_equal(mp_state(f), KVM_MP_STATE_RUNNABLE);
	assert_int_equal(f->v->cpu.state.rip, 0xfff0);
}

static void states_are_kept(void **state)
{
	static const uint32_t states[] = {
		KVM_MP_STATE_RUNNABLE,
		KVM_MP_STATE_UNINITIALIZED,
		KVM_MP_STATE_INIT_RECEIVED,
		KVM_MP_STATE_HALTED,
	};
	struct fixture *f = *state;
	struct kvm_mp_state wrong = {.mp_state = KVM_MP_STATE_STOPPED};

	for (unsigned int i = 0; i < ARRAY_SIZE(states); i++) {
		set_mp_state(f, states[i]);
		assert_int_equal(mp_state(f), states[i]);
	}
	assert_err(ioc(f->vcpu, KVM_SET_MP_STATE, &wrong), EINVAL);
	set_mp_state(f, KVM_MP_STATE_SIPI_RECEIVED);
	assert_int_equal(mp_state(f), KVM_MP_STATE_RUNNABLE);
}

#define SENT 2000

static atomic_uint taken;

/*
 * HLT and interrupts in a race, many times: none is slept through. Each is sent when the
 * one before has been taken and ended, for two that wait are one.
 */
static void *send_many(void *opaque)
{
	struct fixture *f = opaque;

	for (unsigned int i = 0; i < SENT; i++) {
		while (atomic_load(&taken) < i)
			;
		signal_msi(f, 0x4031);
	}
	return NULL;
}

static enum engine_exit_reason step_take(struct engine_vcpu *v)
{
	struct kvm_vcpu *vcpu = v->owner;

	if (fake.ops->take_interrupt(v) == 0x31) {
		lapic_eoi(&vcpu->lapic, &(struct lapic_effect){0});
		taken++;
	}
	fake.next = 0;
	return taken == SENT ? ENGINE_EXIT_SHUTDOWN : ENGINE_EXIT_HLT;
}

static void no_interrupt_is_slept_through(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;

	set_apic(f, 0x10000);
	taken = 0;
	pthread_create(&thread, NULL, send_many, f);
	assert_ok(RUN(f, step_take));
	pthread_join(thread, NULL);
	assert_int_equal(f->run->exit_reason, KVM_EXIT_SHUTDOWN);
}

#define CASE(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest halt_tests[] = {
	CASE(hlt_waits_for_an_interrupt, setup_full),
	CASE(nmi_ends_hlt_with_interrupts_off, setup_full),
	CASE(hlt_sleeps_until_its_own_timer, setup_full),
	CASE(signal_ends_the_call_and_the_processor_stays_halted, setup_full),
	CASE(immediate_exit_is_not_lost, setup_full),
	CASE(window_ends_hlt_in_split_mode, setup_split),
	CASE(ap_waits_for_init_and_startup, setup_ap),
	CASE(startup_without_init_is_void, setup_ap),
	CASE(init_resets_a_bsp_that_runs_on, setup_full),
	CASE(states_are_kept, setup_full),
	CASE(no_interrupt_is_slept_through, setup_full),
};
const size_t halt_test_count = ARRAY_SIZE(halt_tests);
