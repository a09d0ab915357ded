/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What KVM offers to guests that know it, as Linux' documents "KVM CPUID bits",
 * "KVM-specific MSRs" and "KVM hypercalls" (virt/kvm/x86) have it, but for kvmclock, which
 * is clock.h. All of it belongs to the vCPU's thread, or to who holds its lock, except what
 * is atomic.
 */
#ifndef EXCLAVE_KVM_PV_H
#define EXCLAVE_KVM_PV_H

#include "cpu/cpu.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct engine_vcpu;
struct kvm_vcpu;

/* MSR_KVM_PV_EOI_EN. */
struct vcpu_pv_eoi {
	uint64_t msr;
	bool armed; /* the guest's bit is set: it may end its interrupt without a word */
};

/* MSR_KVM_STEAL_TIME. */
struct vcpu_steal_time {
	uint64_t msr;
	bool away;        /* the guest's memory may say KVM_VCPU_PREEMPTED */
	bool due;         /* sample, however young the last one is */
	bool has_delay;   /* `delay` is that of `fd` */
	int fd;           /* schedstat of the thread, or -1 */
	uint64_t delay;   /* ns that the thread has waited for a processor, at */
	uint64_t sampled; /* this TSC */
};

struct vcpu_pv {
	bool enforced;     /* KVM_CAP_ENFORCE_PV_FEATURE_CPUID */
	uint32_t features; /* KVM_CPUID_FEATURES:EAX of the guest's CPUID */
	uint64_t poll_control;
	struct vcpu_pv_eoi eoi;
	struct vcpu_steal_time steal;
	_Atomic bool unhalted; /* KVM_HC_KICK_CPU has come: the next HLT is none */
};

/* pv.c */
void pv_init(struct kvm_vcpu *vcpu);
void pv_destroy(struct kvm_vcpu *vcpu);
/* INIT: KVM's MSRs are as after reset, and the guest's memory is left alone. */
void pv_reset(struct kvm_vcpu *vcpu);
/* KVM_CPUID_FEATURES:EAX as it is offered. */
uint32_t pv_offered_features(void);
/* The guest's CPUID has changed. */
void pv_cpuid_changed(struct kvm_vcpu *vcpu);
/* May the guest use KVM_FEATURE_@feature? */
bool pv_has(const struct kvm_vcpu *vcpu, unsigned int feature);
/* Accessors of struct cpu_msr_range. */
bool pv_get_msr(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t *value);
bool pv_set_msr(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t value);

/* pv_eoi.c. Return: false when @value is none for the register. */
bool pv_eoi_set_msr(struct kvm_vcpu *vcpu, uint64_t value);
/* The processor has just taken @vector from its local APIC. */
void pv_eoi_arm(struct kvm_vcpu *vcpu, uint8_t vector);
/*
 * Asks the guest's bit and takes it away: afterwards the local APIC knows all, and only it
 * ends interrupts. Before anyone looks at it.
 */
void pv_eoi_sync(struct kvm_vcpu *vcpu);

/* steal_time.c */
/* Does the host say how long a thread has waited? */
bool steal_time_is_known(void);
bool steal_time_set_msr(struct kvm_vcpu *vcpu, bool host_initiated, uint64_t value);
/* Before guest code runs: the processor is there again, and forgets what it was asked to. */
void steal_time_enter(struct kvm_vcpu *vcpu);
/* It will not run for a while. */
void steal_time_leave(struct kvm_vcpu *vcpu);
/* Between instructions: the guest reads its time at interrupts. */
void steal_time_tick(struct kvm_vcpu *vcpu);
/* Another thread runs the vCPU from now on. */
void steal_time_new_thread(struct kvm_vcpu *vcpu);

/* hypercall.c: for struct engine_ops. */
enum cpu_result vcpu_hypercall(struct engine_vcpu *v);

#endif
