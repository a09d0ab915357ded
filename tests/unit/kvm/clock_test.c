// SPDX-License-Identifier: GPL-2.0-or-later
/* api.rst KVM_GET_CLOCK, and the pages that Linux' msr.rst describes. */
#include "fixture.h"

#include <string.h>
#include <time.h>
#include <x86intrin.h>

#define SECOND          UINT64_C(1000000000)
#define SYSTEM_TIME_NEW 0x4b564d01
#define WALL_CLOCK_NEW  0x4b564d00
#define PAGE            0x1000

struct time_info {
	uint32_t version, pad0;
	uint64_t tsc_timestamp, system_time;
	uint32_t mul;
	int8_t shift;
	uint8_t flags, pad[2];
};

/* As a guest computes it. */
static uint64_t ns_by_page(const struct fixture *f, const struct engine_vcpu *v, size_t page)
{
	struct time_info info;
	uint64_t delta;

	memcpy(&info, f->ram + page, sizeof(info));
	assert_int_equal(info.version & 1, 0);
	delta = __rdtsc() + v->cpu.msr.tsc_offset - info.tsc_timestamp;
	delta = info.shift < 0 ? delta >> -info.shift : delta << info.shift;
	return info.system_time + (uint64_t)((unsigned __int128)delta * info.mul >> 32);
}

static uint64_t guest_ns(const struct fixture *f)
{
	return ns_by_page(f, f->v, PAGE);
}

static uint8_t guest_flags(const struct fixture *f)
{
	return f->ram[PAGE + offsetof(struct time_info, flags)];
}

static uint64_t vm_ns(struct fixture *f)
{
	struct kvm_clock_data clock;

	assert_ok(ioc(f->vm, KVM_GET_CLOCK, &clock));
	return clock.clock;
}

static uint64_t host_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static void start_page(struct fixture *f)
{
	ram_add(f, 0);
	assert_int_equal(fake_wrmsr(f->v, SYSTEM_TIME_NEW, PAGE | 1), CPU_OK);
}

static void clock_goes_as_the_host_does(void **state)
{
	struct fixture *f = *state;
	struct timespec wait = {.tv_nsec = 50000000};
	uint64_t from = vm_ns(f), host_from = host_ns(CLOCK_MONOTONIC_RAW), guest, host;

	nanosleep(&wait, NULL);
	guest = vm_ns(f) - from;
	host = host_ns(CLOCK_MONOTONIC_RAW) - host_from;
	/* 500 ppm, and a millisecond in which the test may be interrupted. */
	assert_in_range(guest, host - host / 2000 - 1000000, host + host / 2000 + 1000000);
}

static void set_clock_is_read_back(void **state)
{
	struct fixture *f = *state;
	struct kvm_clock_data clock = {.clock = 1234 * SECOND};

	assert_ok(ioc(f->vm, KVM_SET_CLOCK, &clock));
	assert_in_range(vm_ns(f), 1234 * SECOND, 1235 * SECOND);
	clock.flags = 0x10;
	assert_err(ioc(f->vm, KVM_SET_CLOCK, &clock), EINVAL);
	assert_ok(ioc(f->vm, KVM_GET_CLOCK, &clock));
	assert_ok(ioc(f->vm, KVM_SET_CLOCK, &clock));
}

static void set_clock_adds_the_time_since_realtime(void **state)
{
	struct fixture *f = *state;
	struct kvm_clock_data clock = {.clock = 10 * SECOND, .flags = KVM_CLOCK_REALTIME};

	clock.realtime = host_ns(CLOCK_REALTIME) - 100 * SECOND;
	assert_ok(ioc(f->vm, KVM_SET_CLOCK, &clock));
	assert_in_range(vm_ns(f), 110 * SECOND, 111 * SECOND);
	clock.realtime = host_ns(CLOCK_REALTIME) + 100 * SECOND;
	assert_ok(ioc(f->vm, KVM_SET_CLOCK, &clock));
	assert_in_range(vm_ns(f), 10 * SECOND, 11 * SECOND);
}

static void page_is_written_with_the_msr(void **state)
{
	struct fixture *f = *state;
	uint64_t ns;

	start_page(f);
	ns = vm_ns(f);
	assert_in_range(guest_ns(f), ns, ns + SECOND);
}

/* By the VMM's write, at the next entry: its thread may not be the vCPU's. */
static void page_is_written_at_entry_after_vmm(void **state)
{
	struct fixture *f = *state;
	struct kvm_clock_data clock = {.clock = 77 * SECOND};

	ram_add(f, 0);
	assert_int_equal(msr_set(f, SYSTEM_TIME_NEW, PAGE | 1), 1);
	assert_true(is_zero(f->ram + PAGE, 32));
	assert_ok(ioc(f->vcpu, KVM_RUN, NULL));
	assert_false(is_zero(f->ram + PAGE, 32));
	assert_ok(ioc(f->vm, KVM_SET_CLOCK, &clock));
	assert_ok(ioc(f->vcpu, KVM_RUN, NULL));
	assert_in_range(guest_ns(f), 77 * SECOND, 78 * SECOND);
}

static void page_follows_the_guests_tsc(void **state)
{
	struct fixture *f = *state;
	uint64_t ns;

	start_page(f);
	assert_int_equal(fake_wrmsr(f->v, 0x10, UINT64_C(1) << 40), CPU_OK);
	ns = vm_ns(f);
	assert_in_range(guest_ns(f), ns, ns + SECOND);
}

/* QEMU's reset sets the counter to 0, long after the clock has begun. */
static void page_after_the_tsc_went_back_has_no_negative_stamp(void **state)
{
	struct fixture *f = *state;
	struct time_info info;
	uint64_t ns;

	start_page(f);
	assert_int_equal(msr_set(f, 0x10, 0), 1);
	assert_ok(ioc(f->vcpu, KVM_RUN, NULL));
	memcpy(&info, f->ram + PAGE, sizeof(info));
	assert_true((int64_t)info.tsc_timestamp >= 0);
	ns = vm_ns(f);
	assert_in_range(guest_ns(f), ns, ns + SECOND);
}

static void page_that_is_not_there_is_left_out(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(fake_wrmsr(f->v, SYSTEM_TIME_NEW, PAGE | 1), CPU_OK);
	assert_ok(ioc(f->vcpu, KVM_RUN, NULL));
}

static void paused_guest_is_told_once(void **state)
{
	struct fixture *f = *state;

	assert_err(ioc(f->vcpu, KVM_KVMCLOCK_CTRL, NULL), EINVAL);
	start_page(f);
	assert_false(guest_flags(f) & 2);
	assert_ok(ioc(f->vcpu, KVM_KVMCLOCK_CTRL, NULL));
	assert_ok(ioc(f->vcpu, KVM_RUN, NULL));
	assert_true(guest_flags(f) & 2);
	f->ram[PAGE + offsetof(struct time_info, flags)] &= (uint8_t)~2;
	assert_int_equal(msr_set(f, SYSTEM_TIME_NEW, PAGE | 1), 1);
	assert_ok(ioc(f->vcpu, KVM_RUN, NULL));
	assert_false(guest_flags(f) & 2);
}

static void wall_clock_and_system_time_make_the_date(void **state)
{
	struct fixture *f = *state;
	struct {
		uint32_t version, sec, nsec;
	} wall;
	uint64_t now, made;

	start_page(f);
	assert_int_equal(fake_wrmsr(f->v, WALL_CLOCK_NEW, 0x2000), CPU_OK);
	memcpy(&wall, f->ram + 0x2000, sizeof(wall));
	assert_int_equal(wall.version & 1, 0);
	assert_true(wall.version != 0);
	now = host_ns(CLOCK_REALTIME);
	made = wall.sec * SECOND + wall.nsec + vm_ns(f);
	assert_in_range(made, now - SECOND / 100, now + SECOND);
}

/*
 * PVCLOCK_TSC_STABLE_BIT: a guest with it compares the clocks of its processors, which
 * have begun at different times and whose counters the VMM has set one after the other.
 */
static void clocks_of_all_processors_are_one(void **state)
{
	enum {
		CPUS = 4
	};
	struct fixture *f = *state;
	struct timespec wait = {.tv_nsec = 2000000};
	struct engine_vcpu *v[CPUS] = {f->v};
	struct kvm_object *obj[CPUS] = {f->vcpu};
	uint64_t last = 0, ns;

	ram_add(f, 0);
	for (unsigned int i = 0; i < CPUS; i++) {
		if (i) {
			obj[i] = object_of(kvm_ioctl(f->vm, KVM_CREATE_VCPU, i));
			v[i] = fake.v;
		}
		nanosleep(&wait, NULL);
		assert_int_equal(fake_wrmsr(v[i], SYSTEM_TIME_NEW, PAGE * (i + 1) | 1), CPU_OK);
	}
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int n = 0; n < 100000; n++) {
			ns = ns_by_page(f, v[n % CPUS], PAGE * (n % CPUS + 1));
			assert_true(ns >= last);
			last = ns;
		}
		for (unsigned int i = 1; i < CPUS; i++)
			assert_int_equal(f->ram[PAGE * (i + 1) + offsetof(struct time_info, flags)],
					 guest_flags(f));
		assert_ok(ioc(f->vm, KVM_SET_CLOCK,
			      &(struct kvm_clock_data){.clock = last + SECOND}));
		for (unsigned int i = 0; i < CPUS; i++)
			assert_ok(ioc(obj[i], KVM_RUN, NULL));
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest clock_tests[] = {
	CASE(clock_goes_as_the_host_does),
	CASE(set_clock_is_read_back),
	CASE(set_clock_adds_the_time_since_realtime),
	CASE(page_is_written_with_the_msr),
	CASE(page_is_written_at_entry_after_vmm),
	CASE(page_follows_the_guests_tsc),
	CASE(page_after_the_tsc_went_back_has_no_negative_stamp),
	CASE(page_that_is_not_there_is_left_out),
	CASE(paused_guest_is_told_once),
	CASE(clocks_of_all_processors_are_one),
	CASE(wall_clock_and_system_time_make_the_date),
};
const size_t clock_test_count = ARRAY_SIZE(clock_tests);
