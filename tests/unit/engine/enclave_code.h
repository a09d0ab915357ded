/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The code of the test enclave. A thread enters at its start, with the function to run in
 * RDI and arguments in RSI and RDX, and leaves with a result in RDI. The page behind the
 * code is its data, the one after that is for code that functions write.
 */
#ifndef EXCLAVE_TESTS_UNIT_ENGINE_ENCLAVE_CODE_H
#define EXCLAVE_TESTS_UNIT_ENGINE_ENCLAVE_CODE_H

#include <stdint.h>

extern const uint8_t enclave_code[], enclave_code_end[];

/* *RDX := *RSI + 1, by way of the enclave's data. */
extern const uint8_t fn_add[];
/* RDI := sum of the RDX words at RSI; with a stack inside. */
extern const uint8_t fn_sum[];
/* RDI := *RSI; *RSI := RDX; go to RSI; call RSI. */
extern const uint8_t fn_load[], fn_store[], fn_jump[], fn_call[];
extern const uint8_t fn_load_at[], fn_store_at[];
/* Copies 64 bytes from RSI to the page of written code; and calls them. */
extern const uint8_t fn_write[], fn_run[];
/* Counts in RDI until the byte at RSI is not 0. */
extern const uint8_t fn_spin[];
/* ENCLU: EACCEPT of page RSI, EACCEPTCOPY to RSI from the written code, SECINFO flags RDX. */
extern const uint8_t fn_accept[], fn_accept_copy[];
extern const uint8_t fn_accept_at[];

/*
 * RSI: struct pattern. Loads all of `in`, stores RAX at the address in RCX, stores
 * all registers to `out`.
 */
extern const uint8_t fn_pattern[], fn_pattern_at[];

struct pattern_registers {
	uint64_t gpr[16];
	uint8_t ymm[16][32];
	uint64_t rflags;
	uint64_t unused[47];
};
_Static_assert(sizeof(struct pattern_registers) == 0x400, "as the code has it");

struct pattern {
	struct pattern_registers in, out;
};

#endif
