// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/mode.h"

#include "host/options.h"

#include <pthread.h>

/* Linux' driver wants writable LEPUBKEYHASH MSRs; virtual EPC wants only SGX. */
struct host_mode host_mode_of(const char *launch_control, const char *driver,
			      const char *cpuid_faulting)
{
	bool flexible = !option_choose(OPTION_LAUNCH_CONTROL, launch_control);
	bool on = !option_choose(OPTION_SGX_DRIVER, driver);

	return (struct host_mode){
		.launch_control = flexible,
		.driver = on && flexible,
		.vepc = true,
		.cpuid_faulting = !option_choose(OPTION_CPUID_FAULTING, cpuid_faulting),
	};
}

static struct host_mode mode;

static void read_mode(void)
{
	mode = host_mode_of(option_get(OPTION_LAUNCH_CONTROL), option_get(OPTION_SGX_DRIVER),
			    option_get(OPTION_CPUID_FAULTING));
}

const struct host_mode *host_mode(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, read_mode);
	return &mode;
}
