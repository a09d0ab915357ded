/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cases and what they expect, told in TAP. cmocka would take the signals that the engine needs. */
#ifndef EXCLAVE_TESTS_ATTACK_REPORT_H
#define EXCLAVE_TESTS_ATTACK_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vm;

struct attack {
	const char *name;
	void (*run)(struct vm *vm);
};

#define ATTACK(function)            \
	{                           \
#function, function \
	}

extern const struct attack isolation_attacks[], mapping_attacks[], paging_attacks[],
	entry_attacks[], launch_attacks[], locked_attacks[], random_attacks[];

void report_run(const struct attack *attacks, struct vm *vm);
/* The plan. Return: the program's exit status. */
int report_end(void);

void expect_equal(uint64_t got, uint64_t want, const char *what, const char *file, int line);
#define EXPECT(got, want) expect_equal((uint64_t)(got), (uint64_t)(want), #got, __FILE__, __LINE__)

__attribute__((noreturn)) void give_up(const char *what, const char *file, int line);
#define must(ok)                                          \
	do {                                              \
		if (!(ok))                                \
			give_up(#ok, __FILE__, __LINE__); \
	} while (0)

/* What the program was asked for. */
uint64_t random_seed(void);
uint64_t random_count(void);
bool launch_control_is_locked(void);

#endif
