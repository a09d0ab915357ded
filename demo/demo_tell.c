// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines of at most 79 columns; colours only where someone can see them. */
#include "demo.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAME_WIDTH 10
#define TEXT_WIDTH 48
#define TIME_WIDTH 9

enum style {
	STYLE_BOLD,
	STYLE_DIM,
	STYLE_GOOD,
	STYLE_BAD,
	STYLE_NONE,
};

/* The convention of no-color.org: any value but an empty one. */
static bool is_coloured(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && no_color[0]) && term &&
	       strcmp(term, "dumb") != 0;
}

static const char *style(enum style style)
{
	static const char *const codes[] = {
		[STYLE_BOLD] = "\033[1m",   [STYLE_DIM] = "\033[2m",  [STYLE_GOOD] = "\033[32m",
		[STYLE_BAD] = "\033[1;31m", [STYLE_NONE] = "\033[0m",
	};

	return is_coloured() ? codes[style] : "";
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

void clock_start(struct demo *d)
{
	d->clock = now_ns();
}

static void format_time(uint64_t ns, char *text, size_t size)
{
	if (ns < 1000)
		(void)snprintf(text, size, "%" PRIu64 " ns", ns);
	else if (ns < 1000000)
		(void)snprintf(text, size, "%.1f us", (double)ns / 1e3);
	else if (ns < 1000000000)
		(void)snprintf(text, size, "%.1f ms", (double)ns / 1e6);
	else
		(void)snprintf(text, size, "%.2f s", (double)ns / 1e9);
}

void tell_title(void)
{
	printf("%sExclave: the Intel SGX architecture in software%s\n", style(STYLE_BOLD),
	       style(STYLE_NONE));
}

void tell_section(const char *name)
{
	printf("\n%s%s%s\n", style(STYLE_BOLD), name, style(STYLE_NONE));
}

void tell_value(const char *name, const char *format, ...)
{
	va_list args;

	printf("  %-*s ", NAME_WIDTH, name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

void tell_hash(const char *name, const uint8_t hash[SGX_HASH_SIZE])
{
	printf("  %-*s ", NAME_WIDTH, name);
	for (unsigned int i = 0; i < SGX_HASH_SIZE; i++)
		printf("%02x", hash[i]);
	putchar('\n');
}

bool tell_step(struct demo *d, bool ok, const char *name, const char *format, ...)
{
	const uint64_t spent = d->clock ? now_ns() - d->clock : 0;
	char text[TEXT_WIDTH * 2], time[TIME_WIDTH * 2] = "";
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (d->clock)
		format_time(spent, time, sizeof(time));
	printf("  %-*s %-*s %s%*s%s  %s%s%s\n", NAME_WIDTH, name, TEXT_WIDTH, text,
	       style(STYLE_DIM), TIME_WIDTH, time, style(STYLE_NONE),
	       style(ok ? STYLE_GOOD : STYLE_BAD), ok ? "ok" : "FAILED", style(STYLE_NONE));
	d->clock = 0;
	d->steps++;
	d->failures += !ok;
	return ok;
}

void tell_summary(const struct demo *d, uint64_t started)
{
	char time[TIME_WIDTH * 2];

	format_time(now_ns() - started, time, sizeof(time));
	if (d->failures)
		printf("\n%s%u of %u steps did not do what they claim.%s\n", style(STYLE_BAD),
		       d->failures, d->steps, style(STYLE_NONE));
	else
		printf("\n%sAll %u steps did what they claim, in %s.%s\n", style(STYLE_GOOD),
		       d->steps, time, style(STYLE_NONE));
}
