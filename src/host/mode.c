// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* secure_getenv */
#include "host/mode.h"

#include "host/message.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static bool is_first(const char *name, const char *word, const char *first, const char *second)
{
	if (!word || !strcmp(word, first))
		return true;
	if (!strcmp(word, second))
		return false;
	host_warn("%s=%s: is neither %s nor %s; taken as %s", name, word, first, second, first);
	return true;
}

/* Linux' driver wants writable LEPUBKEYHASH MSRs; virtual EPC wants only SGX. */
struct host_mode host_mode_of(const char *launch_control, const char *driver,
			      const char *cpuid_faulting)
{
	bool flexible = is_first("EXCLAVE_LAUNCH_CONTROL", launch_control, "flexible", "locked");
	bool on = is_first("EXCLAVE_SGX_DRIVER", driver, "on", "off");

	return (struct host_mode){
		.launch_control = flexible,
		.driver = on && flexible,
		.vepc = true,
		.cpuid_faulting = is_first("EXCLAVE_CPUID_FAULTING", cpuid_faulting, "on", "off"),
	};
}

static struct host_mode mode;

static void read_mode(void)
{
	mode = host_mode_of(secure_getenv("EXCLAVE_LAUNCH_CONTROL"),
			    secure_getenv("EXCLAVE_SGX_DRIVER"),
			    secure_getenv("EXCLAVE_CPUID_FAULTING"));
}

const struct host_mode *host_mode(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, read_mode);
	return &mode;
}
