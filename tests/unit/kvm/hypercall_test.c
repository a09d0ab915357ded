// SPDX-License-Identifier: GPL-2.0-or-later
/* Linux' "KVM hypercalls". */
#include "fixture.h"

#include <linux/kvm_para.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#define LONG_MODE (UINT64_C(1) << 10) /* EFER.LMA */

static void to_64bit(struct fixture *f)
{
	f->v->cpu.state.efer |= LONG_MODE;
	f->v->cpu.state.seg[X86_SEG_CS].l = true;
}

static int64_t hypercall(struct engine_vcpu *v, uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2,
			 uint64_t a3)
{
	uint64_t *gpr = v->cpu.state.gpr;

	gpr[X86_RAX] = nr;
	gpr[X86_RBX] = a0;
	gpr[X86_RCX] = a1;
	gpr[X86_RDX] = a2;
	gpr[X86_RSI] = a3;
	assert_int_equal(fake_hypercall(v), CPU_OK);
	assert_int_equal(gpr[X86_RBX], a0);
	assert_int_equal(gpr[X86_RSI], a3);
	return (int64_t)gpr[X86_RAX];
}

static void unknown_numbers_enosys(void **state)
{
	static const uint64_t numbers[] = {0,  2,  3,  4,          6,
					   12, 13, 99, UINT64_MAX, BIT64(32) | KVM_HC_KICK_CPU};
	struct fixture *f = *state;

	to_64bit(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++)
		assert_int_equal(hypercall(f->v, numbers[i], 0, 0, 0, 0), -KVM_ENOSYS);
	assert_int_equal(hypercall(f->v, KVM_HC_VAPIC_POLL_IRQ, 0, 0, 0, 0), 0);
}

static void user_mode_eperm(void **state)
{
	struct fixture *f = *state;

	to_64bit(f);
	for (uint8_t cpl = 1; cpl <= 3; cpl++) {
		f->v->cpu.state.cpl = cpl;
		for (uint64_t nr = 0; nr < 16; nr++)
			assert_int_equal(hypercall(f->v, nr, 0, 0, 0, 0), -KVM_EPERM);
	}
}

/* Upper halves do not count, and the result has none. */
static void outside_of_64bit_code_all_is_32_bits(void **state)
{
	const uint64_t high = UINT64_C(0xdeadbeef00000000);
	struct fixture *f = *state;

	assert_int_equal(hypercall(f->v, high | KVM_HC_VAPIC_POLL_IRQ, 0, 0, 0, 0), 0);
	assert_int_equal(hypercall(f->v, 99, 0, 0, 0, 0), (uint32_t)-KVM_ENOSYS);
	f->v->cpu.state.cpl = 3;
	assert_int_equal(hypercall(f->v, 99, 0, 0, 0, 0), (uint32_t)-KVM_EPERM);
}

/* Compatibility mode is not 64-bit mode. */
static void long_mode_alone_is_32_bits(void **state)
{
	struct fixture *f = *state;

	to_64bit(f);
	f->v->cpu.state.seg[X86_SEG_CS].l = false;
	assert_int_equal(hypercall(f->v, 99, 0, 0, 0, 0), (uint32_t)-KVM_ENOSYS);
}

static void enforcement_hides_what_cpuid_has_not(void **state)
{
	static const uint64_t numbers[] = {KVM_HC_KICK_CPU, KVM_HC_SEND_IPI, KVM_HC_SCHED_YIELD};
	struct fixture *f = *state;
	struct kvm_enable_cap cap = {.cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID, .args = {1}};

	to_64bit(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++)
		assert_int_equal(hypercall(f->v, numbers[i], 0, 0, 0, 0x45), 0);
	assert_ok(ioc(f->vcpu, KVM_ENABLE_CAP, &cap));
	for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++)
		assert_int_equal(hypercall(f->v, numbers[i], 0, 0, 0, 0x45), -KVM_ENOSYS);
	set_offered_cpuid(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++)
		assert_int_equal(hypercall(f->v, numbers[i], 0, 0, 0, 0x45), 0);
}

/* Processors 0, 1, 2, ... and one far away, all with their local APICs enabled. */
#define CPUS   5
#define FAR_ID 70

static struct engine_vcpu *cpu[CPUS];

static void make_cpus(struct fixture *f)
{
	cpu[0] = f->v;
	for (unsigned int i = 1; i < CPUS; i++) {
		unsigned long id = i == CPUS - 1 ? FAR_ID : i;

		assert_non_null(object_of(kvm_ioctl(f->vm, KVM_CREATE_VCPU, id)));
		cpu[i] = fake.v;
	}
	for (unsigned int i = 0; i < CPUS; i++)
		vcpu_lapic_write(cpu[i]->owner, LAPIC_SVR, 0x1ff);
	to_64bit(f);
}

/* Which of the processors has @vector; it is taken. */
static unsigned int who_has(uint8_t vector)
{
	unsigned int set = 0;

	for (unsigned int i = 0; i < CPUS; i++) {
		struct lapic *l = &((struct kvm_vcpu *)cpu[i]->owner)->lapic;

		if (lapic_pending(l) != vector)
			continue;
		assert_int_equal(lapic_take(l), vector);
		lapic_eoi(l, &(struct lapic_effect){0});
		set |= BIT32(i);
	}
	return set;
}

static void send_ipi_reaches_the_set(void **state)
{
	struct fixture *f = *state;

	make_cpus(f);
	assert_int_equal(hypercall(f->v, KVM_HC_SEND_IPI, 0xa, 0, 0, 0x45), 2);
	assert_int_equal(who_has(0x45), 0xa);
	assert_int_equal(hypercall(f->v, KVM_HC_SEND_IPI, 5, 0, 1, 0x46), 2);
	assert_int_equal(who_has(0x46), 0xa);
	/* The second word, to the sender too, to nobody. */
	assert_int_equal(hypercall(f->v, KVM_HC_SEND_IPI, 1, BIT64(6), 0, 0x47), 2);
	assert_int_equal(who_has(0x47), 0x11);
	assert_int_equal(hypercall(f->v, KVM_HC_SEND_IPI, UINT64_MAX, UINT64_MAX, 128, 0x47), 0);
	assert_int_equal(hypercall(f->v, KVM_HC_SEND_IPI, UINT64_MAX, UINT64_MAX, UINT32_MAX, 0x47),
			 0);
	assert_int_equal(who_has(0x47), 0);
}

static void send_ipi_of_32bit_code_has_words_of_32_bits(void **state)
{
	struct fixture *f = *state;

	make_cpus(f);
	f->v->cpu.state.seg[X86_SEG_CS].l = false;
	assert_int_equal(
		hypercall(f->v, KVM_HC_SEND_IPI, UINT64_MAX << 32, BIT64(6), FAR_ID - 38, 0x45), 1);
	assert_int_equal(who_has(0x45), 0x10);
}

static void send_ipi_with_nmi_is_one(void **state)
{
	struct fixture *f = *state;

	make_cpus(f);
	assert_int_equal(hypercall(f->v, KVM_HC_SEND_IPI, 2, 0, 0, 0x400), 1);
	assert_true(fake.ops->has_interrupt(cpu[1]));
	assert_true(cpu[1]->cpu.events.nmi.pending);
}

static void send_ipi_with_destination_einval(void **state)
{
	struct fixture *f = *state;

	make_cpus(f);
	assert_int_equal(hypercall(f->v, KVM_HC_SEND_IPI, 2, 0, 0, 0x845), -KVM_EINVAL);
	assert_int_equal(hypercall(f->v, KVM_HC_SEND_IPI, 2, 0, 0, 0x40045), -KVM_EINVAL);
	assert_int_equal(hypercall(f->v, KVM_HC_SEND_IPI, 2, 0, 0, 0x80045), -KVM_EINVAL);
	assert_int_equal(who_has(0x45), 0);
}

/* Switched off in hardware, an APIC hears nothing, and in software no vectors. */
static void send_ipi_to_disabled_apics_is_not_taken(void **state)
{
	struct fixture *f = *state;

	make_cpus(f);
	lapic_set_base(&((struct kvm_vcpu *)cpu[1]->owner)->lapic, 0xfee00000);
	vcpu_lapic_write(cpu[2]->owner, LAPIC_SVR, 0xff);
	assert_int_equal(hypercall(f->v, KVM_HC_SEND_IPI, 0xe, 0, 0, 0x45), 1);
	assert_int_equal(who_has(0x45), 8);
	assert_int_equal(hypercall(f->v, KVM_HC_SEND_IPI, 6, 0, 0, 0x400), 1);
}

static void send_ipi_without_apics_eopnotsupp(void **state)
{
	struct fixture *f = *state;

	to_64bit(f);
	assert_int_equal(hypercall(f->v, KVM_HC_SEND_IPI, 1, 0, 0, 0x45), -KVM_EOPNOTSUPP);
	assert_int_equal(hypercall(f->v, KVM_HC_KICK_CPU, 0, 0, 0, 0), 0);
}

static uint32_t mp_state(struct fixture *f)
{
	struct kvm_mp_state state;

	assert_ok(ioc(f->vcpu, KVM_GET_MP_STATE, &state));
	return state.mp_state;
}

static enum engine_exit_reason step_hlt(struct engine_vcpu *v)
{
	return ENGINE_EXIT_HLT;
}

static enum engine_exit_reason step_end(struct engine_vcpu *v)
{
	return ENGINE_EXIT_SHUTDOWN;
}

static void *kick_later(void *opaque)
{
	struct fixture *f = opaque;
	struct kvm_vcpu *vcpu = f->v->owner;
	struct timespec ts = {.tv_nsec = 5000000};

	while (!atomic_load(&vcpu->halted))
		sched_yield();
	nanosleep(&ts, NULL);
	hypercall(cpu[1], KVM_HC_KICK_CPU, 0, vcpu->id, 0, 0);
	return NULL;
}

/* With interrupts off, as a guest that waits for a lock halts. */
static void kick_ends_a_halt(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;

	make_cpus(f);
	pthread_create(&thread, NULL, kick_later, f);
	assert_ok(RUN(f, step_hlt, step_end));
	pthread_join(thread, NULL);
	assert_int_equal(f->run->exit_reason, KVM_EXIT_SHUTDOWN);
	assert_int_equal(mp_state(f), KVM_MP_STATE_RUNNABLE);
}

/* The kick may come before the halt that it is for; it ends one. */
static void kick_before_the_halt_is_kept_once(void **state)
{
	struct fixture *f = *state;

	make_cpus(f);
	assert_int_equal(hypercall(cpu[1], KVM_HC_KICK_CPU, 0, 0, 0, 0), 0);
	assert_ok(RUN(f, step_hlt, step_end));
	f->run->immediate_exit = 1;
	assert_err(RUN(f, step_hlt), EINTR);
	f->run->immediate_exit = 0;
	assert_int_equal(mp_state(f), KVM_MP_STATE_HALTED);
	/* A state that is saved now must not lose it. */
	assert_int_equal(hypercall(cpu[1], KVM_HC_KICK_CPU, 0, 0, 0, 0), 0);
	assert_int_equal(mp_state(f), KVM_MP_STATE_RUNNABLE);
	assert_int_equal(hypercall(cpu[1], KVM_HC_KICK_CPU, 0, 99, 0, 0), 0);
}

static void yield_to_anyone_is_0(void **state)
{
	static const uint64_t ids[] = {0, 1, FAR_ID, 99, UINT64_MAX};
	struct fixture *f = *state;

	make_cpus(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(ids); i++)
		assert_int_equal(hypercall(f->v, KVM_HC_SCHED_YIELD, ids[i], 0, 0, 0), 0);
}

static void clock_pairing_is_date_and_tsc(void **state)
{
	struct fixture *f = *state;
	struct kvm_vcpu *vcpu = f->v->owner;
	struct kvm_clock_pairing pairing;
	struct timespec before, after;
	uint64_t tsc = __rdtsc() + f->v->cpu.msr.tsc_offset;

	to_64bit(f);
	ram_add(f, 0);
	memset(f->ram, 0xa5, 0x1000);
	vcpu->vm->clock.stable = true;
	clock_gettime(CLOCK_REALTIME, &before);
	assert_int_equal(hypercall(f->v, KVM_HC_CLOCK_PAIRING, 0x123, 0, 0, 0), 0);
	clock_gettime(CLOCK_REALTIME, &after);
	memcpy(&pairing, f->ram + 0x123, sizeof(pairing));
	assert_in_range(pairing.sec * 1000000000 + pairing.nsec,
			before.tv_sec * 1000000000 + before.tv_nsec,
			after.tv_sec * 1000000000 + after.tv_nsec);
	assert_in_range(pairing.tsc, tsc, __rdtsc() + f->v->cpu.msr.tsc_offset);
	assert_int_equal(pairing.flags, 0);
	assert_true(is_zero(pairing.pad, sizeof(pairing.pad)));
	assert_int_equal(f->ram[0x122] & f->ram[0x123 + sizeof(pairing)], 0xa5);
	assert_int_equal(hypercall(f->v, KVM_HC_CLOCK_PAIRING, 0, 1, 0, 0), -KVM_EOPNOTSUPP);
	assert_int_equal(hypercall(f->v, KVM_HC_CLOCK_PAIRING, RAM_SIZE - 1, 0, 0, 0), -KVM_EFAULT);
	assert_int_equal(hypercall(f->v, KVM_HC_CLOCK_PAIRING, UINT64_MAX - 8, 0, 0, 0),
			 -KVM_EFAULT);
	vcpu->vm->clock.stable = false;
	assert_int_equal(hypercall(f->v, KVM_HC_CLOCK_PAIRING, 0, 0, 0, 0), -KVM_EOPNOTSUPP);
}

static void clock_pairing_crossing_slots_efault(void **state)
{
	struct fixture *f = *state;
	struct kvm_vcpu *vcpu = f->v->owner;
	struct kvm_userspace_memory_region next = {
		.slot = 1, .guest_phys_addr = RAM_SIZE, .memory_size = 0x1000};
	uint8_t *more = aligned_alloc(4096, 4096);

	to_64bit(f);
	ram_add(f, 0);
	next.userspace_addr = (uintptr_t)more;
	assert_ok(ioc(f->vm, KVM_SET_USER_MEMORY_REGION, &next));
	vcpu->vm->clock.stable = true;
	assert_int_equal(hypercall(f->v, KVM_HC_CLOCK_PAIRING, RAM_SIZE - 8, 0, 0, 0), -KVM_EFAULT);
	assert_int_equal(hypercall(f->v, KVM_HC_CLOCK_PAIRING, RAM_SIZE, 0, 0, 0), 0);
	assert_true(is_zero(f->ram, RAM_SIZE));
	next.memory_size = 0;
	assert_ok(ioc(f->vm, KVM_SET_USER_MEMORY_REGION, &next));
	free(more);
}

#define CASE(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest hypercall_tests[] = {
	CASE(unknown_numbers_enosys, setup),
	CASE(user_mode_eperm, setup),
	CASE(outside_of_64bit_code_all_is_32_bits, setup),
	CASE(long_mode_alone_is_32_bits, setup),
	CASE(enforcement_hides_what_cpuid_has_not, setup_full),
	CASE(send_ipi_reaches_the_set, setup_full),
	CASE(send_ipi_of_32bit_code_has_words_of_32_bits, setup_full),
	CASE(send_ipi_with_nmi_is_one, setup_full),
	CASE(send_ipi_with_destination_einval, setup_full),
	CASE(send_ipi_to_disabled_apics_is_not_taken, setup_full),
	CASE(send_ipi_without_apics_eopnotsupp, setup),
	CASE(kick_ends_a_halt, setup_full),
	CASE(kick_before_the_halt_is_kept_once, setup_full),
	CASE(yield_to_anyone_is_0, setup_full),
	CASE(clock_pairing_is_date_and_tsc, setup),
	CASE(clock_pairing_crossing_slots_efault, setup),
};
const size_t hypercall_test_count = ARRAY_SIZE(hypercall_tests);
