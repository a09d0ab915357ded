/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The suites of the KVM unit tests: kvm_main.c runs each line of this list. */
#ifndef EXCLAVE_TESTS_UNIT_KVM_TESTS_H
#define EXCLAVE_TESTS_UNIT_KVM_TESTS_H

#include "suites.h"

#define KVM_TEST_SUITES(X) \
	X(system)          \
	X(vm)              \
	X(memory)          \
	X(state)           \
	X(events)          \
	X(cpuid)           \
	X(cpu_features)    \
	X(msr)             \
	X(msr_exit)        \
	X(run)             \
	X(ioeventfd)       \
	X(coalesced)       \
	X(clock)           \
	X(mce)             \
	X(irqchip)         \
	X(irq_routing)     \
	X(irqfd)           \
	X(halt)            \
	X(guest_debug)     \
	X(pv)              \
	X(pv_eoi)          \
	X(steal_time)      \
	X(hypercall)       \
	X(sgx_features)    \
	X(sgx_cpuid)       \
	X(sgx_memory)      \
	X(host_cpuid)      \
	X(encls)           \
	X(encls_leaf)      \
	X(encls_race)      \
	X(hostile)

KVM_TEST_SUITES(DECLARE_SUITE)

#endif
