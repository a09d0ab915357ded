// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Linux' "KVM-specific MSRs", MSR_KVM_STEAL_TIME, and KVM_FEATURE_PV_TLB_FLUSH. The time is
 * compared with what the kernel says of this thread.
 */
#define _GNU_SOURCE /* CPU_SET */
#include "fixture.h"

#include <asm/kvm_para.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define AREA 0x3040

static volatile struct kvm_steal_time *area(struct fixture *f)
{
	return (volatile struct kvm_steal_time *)(f->ram + AREA);
}

static void start(struct fixture *f)
{
	ram_add(f, 0);
	assert_int_equal(fake_wrmsr(f->v, MSR_KVM_STEAL_TIME, AREA | 1), CPU_OK);
}

static void switching_on_publishes_an_even_version(void **state)
{
	struct fixture *f = *state;
	uint32_t before;

	ram_add(f, 0);
	memset(f->ram + AREA, 0, 64);
	area(f)->version = 7;
	assert_int_equal(fake_wrmsr(f->v, MSR_KVM_STEAL_TIME, AREA | 1), CPU_OK);
	assert_true(area(f)->version > 7);
	assert_int_equal(area(f)->version & 1, 0);
	assert_int_equal(area(f)->preempted, 0);
	assert_int_equal(area(f)->flags, 0);
	before = area(f)->version;
	assert_int_equal(fake_wrmsr(f->v, MSR_KVM_STEAL_TIME, AREA | 1), CPU_OK);
	assert_int_equal(area(f)->version, before + 2);
	assert_true(is_zero(f->ram, AREA));
	assert_true(is_zero(f->ram + AREA + 64, RAM_SIZE - AREA - 64));
}

static void bad_addresses(void **state)
{
	struct fixture *f = *state;
	uint64_t value;

	start(f);
	/* Bits 1 to 5 are reserved, so the area crosses no border. */
	for (unsigned int bit = 1; bit <= KVM_STEAL_ALIGNMENT_BITS; bit++) {
		assert_int_equal(fake_wrmsr(f->v, MSR_KVM_STEAL_TIME, AREA | BIT64(bit) | 1),
				 CPU_FAULT);
		assert_int_equal(msr_set(f, MSR_KVM_STEAL_TIME, AREA | BIT64(bit)), 0);
	}
	assert_int_equal(msr_get(f, MSR_KVM_STEAL_TIME, &value), 1);
	assert_int_equal(value, AREA | 1);
	/* Outside of memory there is nothing to write to. */
	assert_int_equal(fake_wrmsr(f->v, MSR_KVM_STEAL_TIME, RAM_SIZE | 1), CPU_OK);
	assert_ok(ioc(f->vcpu, KVM_RUN, NULL));
	assert_int_equal(fake_wrmsr(f->v, MSR_KVM_STEAL_TIME, UINT64_MAX << 6 | 1), CPU_OK);
	assert_ok(ioc(f->vcpu, KVM_RUN, NULL));
	assert_int_equal(fake_wrmsr(f->v, MSR_KVM_STEAL_TIME, (RAM_SIZE - 64) | 1), CPU_OK);
	assert_int_equal(f->ram[RAM_SIZE - 56], 2);
}

static struct fixture *seen_by;
static uint8_t seen;
static unsigned int flushes;

static enum engine_exit_reason step_look(struct engine_vcpu *v)
{
	seen = area(seen_by)->preempted;
	flushes = fake.tlb_flushes;
	return ENGINE_EXIT_SHUTDOWN;
}

static void look(struct fixture *f)
{
	seen_by = f;
	fake.tlb_flushes = 0;
	assert_ok(RUN(f, step_look));
}

static void processor_is_away_outside_of_kvm_run(void **state)
{
	struct fixture *f = *state;

	start(f);
	look(f);
	assert_int_equal(seen, 0);
	assert_int_equal(area(f)->preempted, KVM_VCPU_PREEMPTED);
	look(f);
	assert_int_equal(seen, 0);
	assert_int_equal(flushes, 0);
}

static void flush_asked_for_meanwhile_comes_before_the_guest_runs(void **state)
{
	struct fixture *f = *state;

	start(f);
	look(f);
	area(f)->preempted |= KVM_VCPU_FLUSH_TLB;
	look(f);
	assert_int_equal(seen, 0);
	assert_int_equal(flushes, 1);
	look(f);
	assert_int_equal(flushes, 0);
}

/* A state from elsewhere: its memory says "away", and perhaps "flush". */
static void restored_state_is_taken_back(void **state)
{
	struct fixture *f = *state;

	ram_add(f, 0);
	area(f)->preempted = KVM_VCPU_PREEMPTED | KVM_VCPU_FLUSH_TLB;
	assert_int_equal(msr_set(f, MSR_KVM_STEAL_TIME, AREA | 1), 1);
	assert_int_equal(area(f)->preempted, KVM_VCPU_PREEMPTED | KVM_VCPU_FLUSH_TLB);
	look(f);
	assert_int_equal(seen, 0);
	assert_int_equal(flushes, 1);
}

/* Who asked may have done so in the memory that is gone. */
static void memory_that_goes_away_flushes(void **state)
{
	struct fixture *f = *state;
	struct kvm_userspace_memory_region none = {0};

	start(f);
	look(f);
	assert_ok(ioc(f->vm, KVM_SET_USER_MEMORY_REGION, &none));
	look(f);
	assert_int_equal(flushes, 1);
}

static enum engine_exit_reason step_write(struct engine_vcpu *v)
{
	v->pending = ENGINE_PENDING_WRITES;
	v->mmio.write_count = 2;
	v->mmio.write_sent = 1;
	v->exit.mmio.gpa = 0x80000000;
	v->exit.mmio.len = 1;
	v->exit.mmio.write = true;
	return ENGINE_EXIT_MMIO;
}

/* The second write would go where the old page tables led. */
static void processor_amid_an_instruction_is_not_away(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_ok(RUN(f, step_write));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_MMIO);
	assert_int_equal(area(f)->preempted, 0);
	f->v->mmio.write_sent = 2;
	look(f);
	assert_int_equal(area(f)->preempted, KVM_VCPU_PREEMPTED);
	f->v->pending = ENGINE_PENDING_NONE;
}

static void switched_off_area_is_left_alone(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(fake_wrmsr(f->v, MSR_KVM_STEAL_TIME, 0), CPU_OK);
	memset(f->ram + AREA, 0xa5, 64);
	look(f);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(f->ram[AREA + i], 0xa5);
}

static enum engine_exit_reason step_hlt(struct engine_vcpu *v)
{
	return ENGINE_EXIT_HLT;
}

static void *flush_and_kick(void *opaque)
{
	struct fixture *f = opaque;
	struct kvm_msi nmi = {.address_lo = 0xfeeff000, .data = 0x4400};

	while (!(area(f)->preempted & KVM_VCPU_PREEMPTED))
		sched_yield();
	__atomic_fetch_or(&f->ram[AREA + 16], KVM_VCPU_FLUSH_TLB, __ATOMIC_SEQ_CST);
	ioc(f->vm, KVM_SIGNAL_MSI, &nmi);
	return NULL;
}

static void halted_processor_is_away(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;

	start(f);
	seen_by = f;
	pthread_create(&thread, NULL, flush_and_kick, f);
	assert_ok(RUN(f, step_hlt, step_look));
	pthread_join(thread, NULL);
	assert_int_equal(seen, 0);
	assert_int_equal(flushes, 1);
}

static uint64_t host_delay(void)
{
	unsigned long long delay = 0;
	FILE *file = fopen("/proc/thread-self/schedstat", "r");

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*u %llu", &delay), 1);
	fclose(file);
	return delay;
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void spin(uint64_t ns)
{
	for (uint64_t end = now() + ns; now() < end;)
		;
}

static void *compete(void *opaque)
{
	spin(60000000);
	return NULL;
}

/* On one processor with another thread. */
static void steal_is_what_the_thread_has_waited(void **state)
{
	struct fixture *f = *state;
	uint64_t first, begin, end, last;
	cpu_set_t all, one;
	pthread_t thread;

	sched_getaffinity(0, sizeof(all), &all);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	ram_add(f, 0);
	look(f);
	first = host_delay();
	assert_int_equal(fake_wrmsr(f->v, MSR_KVM_STEAL_TIME, AREA | 1), CPU_OK);
	begin = host_delay();
	assert_int_equal(area(f)->steal, 0);
	sched_setaffinity(0, sizeof(one), &one);
	pthread_create(&thread, NULL, compete, NULL);
	spin(60000000);
	pthread_join(thread, NULL);
	end = host_delay();
	look(f);
	last = host_delay();
	sched_setaffinity(0, sizeof(all), &all);
	assert_true(end > begin);
	assert_in_range(area(f)->steal, end - begin, last - first);
}

/* A guest that computes never leaves; its timer interrupts it. */
static void interrupt_brings_the_time_up_to_date(void **state)
{
	struct fixture *f = *state;
	struct kvm_msi msi = {.address_lo = 0xfeeff000, .data = 0x4045};
	uint32_t version;

	set_offered_cpuid(f);
	start(f);
	assert_int_equal(msr_set(f, 0x1b, 0xfee00d00), 1);
	assert_int_equal(fake_wrmsr(f->v, 0x80f, 0x1ff), CPU_OK);
	version = area(f)->version;
	spin(5000000);
	assert_int_equal(ioc(f->vm, KVM_SIGNAL_MSI, &msi), 1);
	assert_int_equal(fake.ops->take_interrupt(f->v), 0x45);
	assert_int_equal(area(f)->version, version + 2);
}

#define CASE(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest steal_time_tests[] = {
	CASE(switching_on_publishes_an_even_version, setup),
	CASE(bad_addresses, setup),
	CASE(processor_is_away_outside_of_kvm_run, setup),
	CASE(flush_asked_for_meanwhile_comes_before_the_guest_runs, setup),
	CASE(restored_state_is_taken_back, setup),
	CASE(memory_that_goes_away_flushes, setup),
	CASE(processor_amid_an_instruction_is_not_away, setup),
	CASE(switched_off_area_is_left_alone, setup),
	CASE(halted_processor_is_away, setup_full),
	CASE(steal_is_what_the_thread_has_waited, setup),
	CASE(interrupt_brings_the_time_up_to_date, setup_full),
};
const size_t steal_time_test_count = ARRAY_SIZE(steal_time_tests);
