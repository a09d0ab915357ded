// SPDX-License-Identifier: GPL-2.0-or-later
/* What the steps share: lines for the host, clock, reports. */
#include "demo.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static int failed;

static void say(const char *name, const char *verdict, const char *format, va_list args)
{
	/* One write, so that a line of the kernel's does not cut it. */
	char line[512];
	int used = snprintf(line, sizeof(line), "EXCLAVE-TEST: %s %s ", name, verdict);

	vsnprintf(line + used, sizeof(line) - (size_t)used, format, args);
	puts(line);
	fflush(stdout);
}

void pass(const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(name, "PASS", format, args);
	va_end(args);
}

void fail(const char *name, const char *format, ...)
{
	va_list args;

	failed = 1;
	va_start(args, format);
	say(name, "FAIL", format, args);
	va_end(args);
}

int any_failed(void)
{
	return failed;
}

const char *to_hex(const void *data, size_t size, char *text)
{
	for (size_t i = 0; i < size; i++)
		snprintf(text + 2 * i, 3, "%02x", ((const uint8_t *)data)[i]);
	return text;
}

int get_report(const char *name, const struct enclave *e, const struct sgx_targetinfo *target,
	       struct sgx_report *report)
{
	struct call_frame f = {.call = CALL_REPORT};

	if (target)
		f.report.target = *target;
	for (unsigned int i = 0; i < sizeof(f.report.data); i++)
		f.report.data[i] = (uint8_t)i;
	if (!must_call(name, e, &f))
		return 0;
	*report = f.report.report;
	return 1;
}

uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}
