/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kind of SGX machine the host is: the options launch-control, sgx-driver and
 * cpuid-faulting (options.h), read once.
 */
#ifndef EXCLAVE_HOST_MODE_H
#define EXCLAVE_HOST_MODE_H

#include <stdbool.h>

struct host_mode {
	bool launch_control; /* the LEPUBKEYHASH MSRs can be written */
	bool driver;         /* the native driver: on, and it could start */
	bool vepc;           /* virtual EPC can be had */
	bool cpuid_faulting; /* a VMM's own CPUID may be answered by the model */
};

const struct host_mode *host_mode(void);

/* The same from words, NULL for unset ones: what host_mode() makes of the environment. */
struct host_mode host_mode_of(const char *launch_control, const char *driver,
			      const char *cpuid_faulting);

#endif
