// SPDX-License-Identifier: GPL-2.0-or-later
#include "kvm/clock.h"

#include "kvm/system.h"
#include "kvm/vcpu.h"
#include "lib/lock.h"

#include <string.h>
#include <time.h>
#include <x86intrin.h>

#define SYSTEM_TIME_ENABLE 1

#define PVCLOCK_TSC_STABLE_BIT 1
#define PVCLOCK_GUEST_STOPPED  2

/* Linux' struct pvclock_vcpu_time_info, which no uAPI header has. */
struct time_info {
	uint32_t version; /* odd while it changes */
	uint32_t pad0;
	uint64_t tsc_timestamp;
	uint64_t system_time;
	uint32_t tsc_to_system_mul;
	int8_t tsc_shift;
	uint8_t flags;
	uint8_t pad[2];
};
_Static_assert(sizeof(struct time_info) == 32, "pvclock_vcpu_time_info");

struct wall_clock {
	uint32_t version;
	uint32_t sec;
	uint32_t nsec;
};
_Static_assert(sizeof(struct wall_clock) == 12, "pvclock_wall_clock");

/* The @shift with which @mul keeps all of its 32 bits. */
static void set_rate(struct vm_clock *clock, uint32_t tsc_khz)
{
	uint64_t hz = (uint64_t)tsc_khz * 1000, second = 1000000000;

	clock->shift = 0;
	while (hz > 2 * second) {
		hz >>= 1;
		clock->shift--;
	}
	while (hz <= second) {
		hz <<= 1;
		clock->shift++;
	}
	clock->mul = (uint32_t)((second << 32) / hz);
}

static void clock_lock(struct vm_clock *clock)
{
	lock_rank_acquire(LOCK_CLOCK);
	pthread_mutex_lock(&clock->lock);
}

static void clock_unlock(struct vm_clock *clock)
{
	pthread_mutex_unlock(&clock->lock);
	lock_rank_release(LOCK_CLOCK);
}

void vm_clock_init(struct vm_clock *clock, uint32_t tsc_khz)
{
	pthread_mutex_init(&clock->lock, NULL);
	set_rate(clock, tsc_khz);
	clock->tsc = __rdtsc();
	clock->ns = 0;
	clock->stable = host_trusts_tsc();
	clock->written = 0;
	clock->written_at = clock->tsc;
	clock->tsc_offset = -clock->tsc;
}

uint64_t vm_clock_match_tsc(struct vm_clock *clock, uint64_t value, uint32_t tsc_khz)
{
	uint64_t second = (uint64_t)tsc_khz * 1000, now, expected, offset;

	clock_lock(clock);
	now = __rdtsc();
	expected = clock->written + (now - clock->written_at);
	if (value && value - (expected - second) > 2 * second)
		clock->tsc_offset = value - now;
	clock->written = value;
	clock->written_at = now;
	offset = clock->tsc_offset;
	clock_unlock(clock);
	return offset;
}

uint64_t vm_clock_tsc_offset(struct vm_clock *clock)
{
	uint64_t offset;

	clock_lock(clock);
	offset = clock->tsc_offset;
	clock_unlock(clock);
	return offset;
}

void vm_clock_destroy(struct vm_clock *clock)
{
	pthread_mutex_destroy(&clock->lock);
}

static uint64_t ns_at(const struct vm_clock *clock, uint64_t tsc)
{
	uint64_t delta = tsc - clock->tsc;

	if (clock->shift >= 0)
		delta <<= clock->shift;
	else
		delta >>= -clock->shift;
	return clock->ns + (uint64_t)((unsigned __int128)delta * clock->mul >> 32);
}

uint64_t vm_clock_now(struct vm_clock *clock, uint64_t *host_tsc)
{
	uint64_t ns;

	clock_lock(clock);
	*host_tsc = __rdtsc();
	ns = ns_at(clock, *host_tsc);
	clock_unlock(clock);
	return ns;
}

static uint64_t real_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

long vm_ioc_get_clock(struct kvm_object *obj, void *data)
{
	struct vm_clock *vm_clock = &vm_of_object(obj)->clock;
	struct kvm_clock_data *clock = data;
	uint64_t host_tsc;

	clock->clock = vm_clock_now(vm_clock, &host_tsc);
	if (!vm_clock->stable)
		return 0;
	clock->host_tsc = host_tsc;
	clock->realtime = real_ns();
	clock->flags = KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC;
	return 0;
}

static void all_clocks_due(struct kvm_vm *vm)
{
	vm_lock(vm);
	for (unsigned int i = 0; i < vm->vcpu_count; i++) {
		atomic_store(&vm->vcpu[i]->clock.due, true);
		engine_request_exit(vm->vcpu[i]->v);
	}
	vm_unlock(vm);
}

long vm_ioc_set_clock(struct kvm_object *obj, void *data)
{
	struct kvm_vm *vm = vm_of_object(obj);
	const struct kvm_clock_data *clock = data;
	uint64_t ns = clock->clock, now;

	if (clock->flags & ~(KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC))
		return -EINVAL;
	/* Forward only: a host whose clock is behind must not turn the guest's back. */
	now = real_ns();
	if ((clock->flags & KVM_CLOCK_REALTIME) && now > clock->realtime)
		ns += now - clock->realtime;
	clock_lock(&vm->clock);
	vm->clock.tsc = __rdtsc();
	vm->clock.ns = ns;
	clock_unlock(&vm->clock);
	all_clocks_due(vm);
	return 0;
}

long vcpu_ioc_kvmclock_ctrl(struct kvm_object *obj, unsigned long arg)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);

	if (!(vcpu->clock.system_time & SYSTEM_TIME_ENABLE))
		return -EINVAL;
	vcpu->clock.guest_paused = true;
	atomic_store(&vcpu->clock.due, true);
	return 0;
}

void vcpu_clock_set_system_time(struct kvm_vcpu *vcpu, uint64_t value)
{
	vcpu->clock.system_time = value;
	atomic_store(&vcpu->clock.due, true);
}

void vcpu_clock_set_wall_clock(struct kvm_vcpu *vcpu, uint64_t value)
{
	struct wall_clock wall = {0};
	uint64_t host_tsc, ns;
	uint32_t version;

	vcpu->clock.wall_clock = value;
	if (!value || vm_guest_read(vcpu->vm, value, &version, sizeof(version)))
		return;
	wall.version = (version | 1) + 2;
	if (vm_guest_write(vcpu->vm, value, &wall.version, sizeof(wall.version)))
		return;
	ns = real_ns() - vm_clock_now(&vcpu->vm->clock, &host_tsc);
	wall.sec = (uint32_t)(ns / 1000000000);
	wall.nsec = (uint32_t)(ns % 1000000000);
	vm_guest_write(vcpu->vm, value, &wall, sizeof(wall));
	wall.version++;
	vm_guest_write(vcpu->vm, value, &wall.version, sizeof(wall.version));
}

static struct time_info make_info(struct kvm_vcpu *vcpu)
{
	struct vm_clock *clock = &vcpu->vm->clock;
	uint64_t offset = vcpu->v->cpu.msr.tsc_offset, tsc;
	struct time_info info;

	clock_lock(clock);
	/*
	 * All vCPUs name the same moment, so that none is a rounding error ahead of another.
	 * A guest that has set its counter back since would see it as a negative time stamp,
	 * at which some stumble: it gets the present.
	 */
	tsc = (int64_t)(clock->tsc + offset) < 0 ? __rdtsc() : clock->tsc;
	info = (struct time_info){
		.tsc_timestamp = tsc + offset,
		.system_time = ns_at(clock, tsc),
		.tsc_to_system_mul = clock->mul,
		.tsc_shift = clock->shift,
		.flags = clock->stable ? PVCLOCK_TSC_STABLE_BIT : 0,
	};
	clock_unlock(clock);
	return info;
}

/* The guest reads the version before and after: it is odd until all the rest is there. */
static void publish_info(struct kvm_vm *vm, gpa_t gpa, struct time_info *info)
{
	const size_t skip = sizeof(info->version);

	info->version |= 1;
	if (vm_guest_write(vm, gpa, &info->version, sizeof(info->version)))
		return;
	vm_guest_write(vm, gpa + skip, (uint8_t *)info + skip, sizeof(*info) - skip);
	info->version++;
	vm_guest_write(vm, gpa, &info->version, sizeof(info->version));
}

void vcpu_clock_update(struct kvm_vcpu *vcpu)
{
	gpa_t gpa = vcpu->clock.system_time & ~(uint64_t)SYSTEM_TIME_ENABLE;
	struct time_info old, info;

	if (!atomic_exchange(&vcpu->clock.due, false))
		return;
	if (!(vcpu->clock.system_time & SYSTEM_TIME_ENABLE))
		return;
	if (vm_guest_read(vcpu->vm, gpa, &old, sizeof(old)))
		return;
	info = make_info(vcpu);
	info.version = old.version + 2;
	/* The guest takes the mark away itself once its watchdogs have seen it. */
	info.flags |= old.flags & PVCLOCK_GUEST_STOPPED;
	if (vcpu->clock.guest_paused)
		info.flags |= PVCLOCK_GUEST_STOPPED;
	vcpu->clock.guest_paused = false;
	publish_info(vcpu->vm, gpa, &info);
}
