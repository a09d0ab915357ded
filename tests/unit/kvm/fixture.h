/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One VM with one vCPU on the fake engine, and descriptors that are numbers in a table. */
#ifndef EXCLAVE_TESTS_UNIT_KVM_FIXTURE_H
#define EXCLAVE_TESTS_UNIT_KVM_FIXTURE_H

#include "fake_engine.h"
#include "kvm/kvm.h"
#include "kvm/vcpu.h"

#include "tests.h"

#define FIRST_FD     100
#define PROVISION_FD 99
#define RAM_SIZE     0x10000
#define BAD_POINTER  ((void *)0x10)

/* The uAPI's structures without the arrays at their ends, which the tests give a length. */
struct cpuid_head {
	uint32_t nent, padding;
};

struct msrs_head {
	uint32_t nmsrs, pad;
};

struct msr_list_head {
	uint32_t nmsrs;
};

struct routing_head {
	uint32_t nr, flags;
};

struct signal_mask_head {
	uint32_t len;
};

struct fixture {
	struct kvm_object *system, *vm, *vcpu;
	struct engine_vcpu *v;
	struct kvm_run *run; /* the VMM's mapping */
	uint8_t *ram;        /* RAM_SIZE at guest-physical 0, once ram_add() was called */
};

/* Leaves the fake with no script. */
int setup(void **state);
/* With interrupt controllers of our own: all of them and the PIT, or the local APICs alone. */
int setup_full(void **state);
int setup_split(void **state);
/* The same, with a vCPU that is no BSP. */
int setup_ap(void **state);
int teardown(void **state);

/* The object of a descriptor that an ioctl returned. */
struct kvm_object *object_of(long fd);
/* Closes the VMM's descriptor. */
void close_object(long fd);
/* With false, no descriptor is to be had. */
void allow_descriptors(bool allow);

static inline long ioc(struct kvm_object *obj, unsigned long request, const void *arg)
{
	return kvm_ioctl(obj, request, (unsigned long)arg);
}

#define assert_ok(expr)       assert_int_equal(expr, 0)
#define assert_err(expr, err) assert_int_equal(expr, -(err))

void ram_add(struct fixture *f, uint32_t flags);
/* A CPUID table as QEMU would set it: all that is offered. */
void set_offered_cpuid(struct fixture *f);
/* KVM_RUN with this script. */
long run_script(struct fixture *f, fake_step *const *steps, unsigned int count);
#define RUN(f, ...)                                      \
	run_script(f, (fake_step *const[]){__VA_ARGS__}, \
		   sizeof((fake_step *[]){__VA_ARGS__}) / sizeof(fake_step *))

/* One MSR, by the VMM. Return: what the ioctl does. */
long msr_set(struct fixture *f, uint32_t index, uint64_t value);
long msr_get(struct fixture *f, uint32_t index, uint64_t *value);

void fill_random(void *data, size_t size);

#endif
