/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kind of SGX machine the host is, chosen by the environment and read once:
 *
 *  EXCLAVE_LAUNCH_CONTROL  flexible: guests may choose the launch signer; locked: it is
 *                          Intel's, and CPUID has no SGX_LC
 *  EXCLAVE_SGX_DRIVER      on, off: has the host's own driver started? Virtual EPC does
 *                          not depend on it
 *  EXCLAVE_CPUID_FAULTING  on, off: may CPUID of a VMM that looks for SGX be answered by the
 *                          model, where the machine lets us?
 *  EXCLAVE_EPC             how large the EPC is (epc_config.h)
 *
 * A word that is none of these is named on standard error, and the first one counts.
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
