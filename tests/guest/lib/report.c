// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's main: runs the table of tests. What is printed:
 *  PASS name | SKIP name: reason | FAIL name: line n: what: got x, want y
 *  KNOWN name: reason     failed, as it is known to fail on this platform
 *  DONE passed failed skipped
 */
#include "guest.h"
#include "instr.h"
#include "paging.h"

#define DEBUG_PORT 0xe9
#define EXIT_PORT  0xf4
#define EXIT_PASS  0x10 /* QEMU makes 2n + 1 of it, and uses 0 and 1 itself */
#define EXIT_FAIL  0x11

#define MAX_COMPLAINTS 3

static struct {
	const struct test *test;
	const struct known *known; /* of the test, on this platform */
	bool skipped;
	unsigned int failures;
	bool has_case;
	uint64_t number;
} now;

void print(const char *text)
{
	for (; *text; text++)
		outb(DEBUG_PORT, (uint8_t)*text);
}

void print_hex(uint64_t value)
{
	char text[19], *p = text + sizeof(text) - 1;

	*p = 0;
	do {
		*--p = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value);
	*--p = 'x';
	*--p = '0';
	print(p);
}

static void print_dec(uint64_t value)
{
	char text[21], *p = text + sizeof(text) - 1;

	*p = 0;
	do {
		*--p = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	print(p);
}

enum platform platform(void)
{
	struct cpuid r = cpuid(0x40000000, 0);

	if (r.b == 0x54474354) /* "TCGT" */
		return PLATFORM_TCG;
	if (r.b == 0x6c637845) /* "Excl" */
		return PLATFORM_RUNNER;
	return PLATFORM_OTHER;
}

static const struct known *find_known(const char *name)
{
	if (platform() != PLATFORM_TCG)
		return NULL;
	for (const struct known *k = known_tcg; k->name; k++)
		if (!strcmp(k->name, name))
			return k;
	return NULL;
}

void report_case(uint64_t number)
{
	now.has_case = true;
	now.number = number;
}

void expect_equal(uint64_t got, uint64_t want, const char *what, int line)
{
	if (got == want || now.known) {
		now.failures += got != want;
		return;
	}
	if (now.failures++ >= MAX_COMPLAINTS)
		return;
	print("FAIL ");
	print(now.test->name);
	print(": line ");
	print_dec((uint64_t)line);
	if (now.has_case) {
		print(": case ");
		print_hex(now.number);
	}
	print(": ");
	print(what);
	print(": got ");
	print_hex(got);
	print(", want ");
	print_hex(want);
	print("\n");
}

void skip_test(const char *reason)
{
	now.skipped = true;
	print("SKIP ");
	print(now.test->name);
	print(": ");
	print(reason);
	print("\n");
}

bool test_is_over(void)
{
	return now.skipped || now.failures;
}

static void machine_reset(void)
{
	write_cr4(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | (has_xsave() ? CR4_OSXSAVE : 0));
	if (has_xsave())
		xsetbv(0, has_avx() ? 7 : 3);
	write_cr0(0x80010033);
	write_dr7(0x400);
	write_dr6(0xffff0ff0);
	trap_hook = NULL;
	tables_reset();
	pages_reset();
	paging_reset();
	asm volatile("fninit");
}

static void test_run(const struct test *test)
{
	memset(&now, 0, sizeof(now));
	now.test = test;
	now.known = find_known(test->name);
	machine_reset();
	test->run();
	if (now.skipped || (now.failures && !now.known))
		return;
	print(now.failures ? "KNOWN " : "PASS ");
	print(test->name);
	if (now.failures) {
		print(": ");
		print(now.known->reason);
	}
	print("\n");
}

void guest_main(void);

void guest_main(void)
{
	unsigned int passed = 0, failed = 0, skipped = 0;

	for (const struct test *t = tests; t->name; t++) {
		test_run(t);
		if (now.skipped || (now.failures && now.known))
			skipped++;
		else if (now.failures)
			failed++;
		else
			passed++;
	}
	print("DONE ");
	print_dec(passed);
	print(" ");
	print_dec(failed);
	print(" ");
	print_dec(skipped);
	print("\n");
	outl(EXIT_PORT, failed || !(passed + skipped) ? EXIT_FAIL : EXIT_PASS);
}
