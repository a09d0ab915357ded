// SPDX-License-Identifier: GPL-2.0-or-later
#include "kvm/system.h"

#include "cpu/cpuid.h"
#include "lib/bits.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define CLOCK_SOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

/* Reading the clock takes some ten nanoseconds: over this time, an error below 5 ppm. */
#define MEASURE_NS 20000000

struct moment {
	uint64_t tsc;
	uint64_t ns;
};

static uint64_t raw_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* The least disturbed of some readings. */
static struct moment moment_now(void)
{
	uint64_t least = UINT64_MAX;
	struct moment best = {0};

	for (unsigned int i = 0; i < 8; i++) {
		uint64_t before = __rdtsc(), ns = raw_ns(), after = __rdtsc();

		if (after - before >= least)
			continue;
		least = after - before;
		best = (struct moment){before + (after - before) / 2, ns};
	}
	return best;
}

static uint64_t measured_khz(void)
{
	struct timespec wait = {.tv_nsec = MEASURE_NS};
	struct moment from = moment_now(), to;

	do {
		nanosleep(&wait, NULL);
		to = moment_now();
	} while (to.ns - from.ns < MEASURE_NS / 2);
	return (uint64_t)((unsigned __int128)(to.tsc - from.tsc) * 1000000 / (to.ns - from.ns));
}

/* SDM "Time Stamp Counter and Nominal Core Crystal Clock"; 0 when the leaf does not say. */
static uint64_t told_khz(void)
{
	uint32_t regs[CPUID_NR_REGS];

	cpuid_host(0, 0, regs);
	if (regs[CPUID_EAX] < 0x15)
		return 0;
	cpuid_host(0x15, 0, regs);
	if (!regs[CPUID_EAX] || !regs[CPUID_EBX] || !regs[CPUID_ECX])
		return 0;
	return (uint64_t)regs[CPUID_ECX] * regs[CPUID_EBX] / regs[CPUID_EAX] / 1000;
}

static uint32_t khz;

/* A hypervisor below us may scale the TSC and still pass the leaf on, so it must fit. */
static void measure(void)
{
	uint64_t measured = measured_khz(), told = told_khz();
	uint64_t apart = told > measured ? told - measured : measured - told;

	khz = (uint32_t)(apart <= measured / 2000 ? told : measured);
}

uint32_t host_tsc_khz(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, measure);
	return khz;
}

bool host_trusts_tsc(void)
{
	char name[16] = "";
	int fd = open(CLOCK_SOURCE, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return false;
	len = read(fd, name, sizeof(name) - 1);
	close(fd);
	return len > 0 && strncmp(name, "tsc\n", 4) == 0;
}
