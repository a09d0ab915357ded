// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a guest's kernel, its devices, its VMM and another guest may try against an enclave. Each
 * attack ends as the architecture says, and the VM goes on: after each a new enclave is built and
 * entered.
 *
 * usage: exclave run -- attack [--seed N] [--count N] [--locked]
 *
 * --seed and --count are those of the random leaves; --locked: launch control is (the environment
 * says so to the library), and only what belongs to that is run.
 */
#include "enclave.h"
#include "report.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct {
	uint64_t seed, count;
	bool locked;
	unsigned int cases, failed_cases;
	unsigned int failures; /* of the present case */
} now = {.count = 1000};

uint64_t random_seed(void)
{
	return now.seed;
}

uint64_t random_count(void)
{
	return now.count;
}

bool launch_control_is_locked(void)
{
	return now.locked;
}

void give_up(const char *what, const char *file, int line)
{
	printf("Bail out! %s:%d: %s\n", file, line, what);
	(void)fflush(stdout);
	_Exit(1);
}

void expect_equal(uint64_t got, uint64_t want, const char *what, const char *file, int line)
{
	if (got == want)
		return;
	if (now.failures++ < 10)
		printf("# %s:%d: %s: got %#llx, want %#llx\n", file, line, what,
		       (unsigned long long)got, (unsigned long long)want);
}

/* It must still be possible to have an enclave, where one can be launched at all. */
static void expect_life(struct vm *vm)
{
	struct enclave e;
	uint64_t number = 0x123456789abcdef;

	vm_epc_clear(vm);
	if (now.locked)
		return;
	enclave_build(&e, vm, 0, 0);
	EXPECT(enclave_call(&e, fn_store, enclave_gva(&e, PAGE_DATA), number).vector, VECTOR_DONE);
	EXPECT(enclave_call(&e, fn_load, enclave_gva(&e, PAGE_DATA), 0).regs.rdi, number);
	vm_epc_clear(vm);
}

void report_run(const struct attack *attacks, struct vm *vm)
{
	for (; attacks->name; attacks++) {
		now.failures = 0;
		attacks->run(vm);
		expect_life(vm);
		now.cases++;
		now.failed_cases += now.failures != 0;
		printf("%sok %u - %s\n", now.failures ? "not " : "", now.cases, attacks->name);
		(void)fflush(stdout);
	}
}

int report_end(void)
{
	printf("1..%u\n", now.cases);
	return now.failed_cases ? 1 : 0;
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'},
		{"count", required_argument, NULL, 'c'},
		{"locked", no_argument, NULL, 'l'},
		{NULL, 0, NULL, 0},
	};
	int option;

	now.seed = (uint64_t)time(NULL);
	if (getenv("EXCLAVE_TEST_LONG"))
		now.count = 100000;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 's')
			now.seed = strtoull(optarg, NULL, 0);
		else if (option == 'c')
			now.count = strtoull(optarg, NULL, 0);
		else if (option == 'l')
			now.locked = true;
		else
			exit(2);
	}
}

int main(int argc, char **argv)
{
	static const struct attack *const tables[] = {
		isolation_attacks, mapping_attacks, paging_attacks,
		entry_attacks,     launch_attacks,  random_attacks,
	};
	struct vm vm;

	parse(argc, argv);
	printf("# attack --seed %llu --count %llu%s\n", (unsigned long long)now.seed,
	       (unsigned long long)now.count, now.locked ? " --locked" : "");
	(void)fflush(stdout);
	vm_new(&vm);
	if (now.locked)
		report_run(locked_attacks, &vm);
	else
		for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
			report_run(tables[i], &vm);
	vm_free(&vm);
	return report_end();
}
