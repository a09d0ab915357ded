/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host's processor must have for the library, and what it has for real KVM. */
#ifndef EXCLAVE_TOOLS_PROCESSOR_H
#define EXCLAVE_TOOLS_PROCESSOR_H

#include "cpu/cpuid.h"

/*
 * Return: the first feature of x86-64-v3 that a processor lacks which answers as @host and
 * whose system has enabled the components @xcr0; NULL when it has all.
 */
const char *processor_lacks(cpuid_host_fn *host, uint64_t xcr0);

/* VMX or SVM. */
bool processor_has_virtualization(cpuid_host_fn *host);

/* XCR0 of this machine, 0 where the system does not use XSAVE. */
uint64_t processor_xcr0(void);

#endif
