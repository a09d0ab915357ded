/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kvmclock: the VM's nanoseconds as a linear function of the host's TSC, the same one
 * for all its processors, which read it from pages in guest memory.
 */
#ifndef EXCLAVE_KVM_CLOCK_H
#define EXCLAVE_KVM_CLOCK_H

#include "kvm/object.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct kvm_vm;
struct kvm_vcpu;

/* @ns at host TSC @tsc, then (delta << shift) * mul >> 32. Under `lock` (LOCK_CLOCK). */
struct vm_clock {
	pthread_mutex_t lock;
	uint64_t tsc;
	uint64_t ns;
	uint32_t mul;
	int8_t shift;
	bool stable; /* the host trusts its TSC */
	/* What the VMM last wrote to a TSC, at which host TSC, and the offset that it has made. */
	uint64_t written;
	uint64_t written_at;
	uint64_t tsc_offset;
};

struct vcpu_clock {
	uint64_t system_time; /* MSR_KVM_SYSTEM_TIME(_NEW): address and enable bit */
	uint64_t wall_clock;
	bool guest_paused; /* KVM_KVMCLOCK_CTRL: tell the guest */
	/* The page in guest memory is not what the clock is. Set by any thread. */
	_Atomic bool due;
};

/* Starts at 0. */
void vm_clock_init(struct vm_clock *clock, uint32_t tsc_khz);
void vm_clock_destroy(struct vm_clock *clock);
/* Nanoseconds now; *@host_tsc is when that was. */
uint64_t vm_clock_now(struct vm_clock *clock, uint64_t *host_tsc);

/*
 * The offset of a TSC that the VMM sets to @value. A VMM writes the counters of its
 * vCPUs one after the other and means them to agree: as in KVM, a write of 0, or of
 * about what the last write would have come to, takes the offset of the others.
 */
uint64_t vm_clock_match_tsc(struct vm_clock *clock, uint64_t value, uint32_t tsc_khz);
/* That of a new vCPU, whose counter agrees with the others'. */
uint64_t vm_clock_tsc_offset(struct vm_clock *clock);

long vm_ioc_get_clock(struct kvm_object *obj, void *data);
long vm_ioc_set_clock(struct kvm_object *obj, void *data);
long vcpu_ioc_kvmclock_ctrl(struct kvm_object *obj, unsigned long arg);

void vcpu_clock_set_system_time(struct kvm_vcpu *vcpu, uint64_t value);
void vcpu_clock_set_wall_clock(struct kvm_vcpu *vcpu, uint64_t value);
/* Brings the page in guest memory up to date when it is not. On the vCPU's thread. */
void vcpu_clock_update(struct kvm_vcpu *vcpu);

#endif
