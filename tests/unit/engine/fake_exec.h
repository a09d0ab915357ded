/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A processor whose linear memory is a piece of the host's, at the same
 * addresses below 4 GiB: so the host itself can execute the instruction that is
 * tested, and say what is right. Segments have a base and a limit; each page may
 * be refused, be a device, or be gone.
 */
#ifndef EXCLAVE_TESTS_UNIT_ENGINE_FAKE_EXEC_H
#define EXCLAVE_TESTS_UNIT_ENGINE_FAKE_EXEC_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/exec.h"
#include "lib/bits.h"

#define FAKE_PAGES 40
#define FAKE_SIZE  (FAKE_PAGES * 4096)
#define FAKE_RIP   UINT64_C(0x7000)

enum fake_kind {
	FAKE_RAM,
	FAKE_ABSENT,    /* #PF */
	FAKE_READ_ONLY, /* #PF on writes */
	FAKE_SLOW,      /* no host pointer */
	FAKE_DEVICE,    /* reads leave for the VMM, writes are queued */
	FAKE_GONE,      /* present, but touching the host's memory is a SIGSEGV */
};

struct fake {
	struct engine_vcpu v;
	uint8_t *mem; /* also the linear address */
	enum fake_kind kind[FAKE_PAGES];
	unsigned int slow_reads, slow_writes, page_calls;
};

/* The one processor, in 64-bit mode at CPL 0, memory filled with a pattern. */
struct fake *fake_init(void);
/* 32-bit protected mode, all segments flat. */
void fake_leave_64bit(struct fake *f);
void fake_fill(struct fake *f);
void fake_set_kind(struct fake *f, unsigned int page, enum fake_kind kind);
static inline uint64_t fake_gva(const struct fake *f, size_t offset)
{
	return (uintptr_t)f->mem + offset;
}

/* Decodes; the bytes are whole. */
struct insn fake_decode(const void *code, size_t len);
#define DECODE(...) \
	fake_decode((const uint8_t[15]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* Executes @insn on the host with the six registers and the flags of @state. */
void host_execute(const struct insn *insn, struct x86_state *state);

/*
 * The same with the extended state of @in; afterwards @out is the host's whole
 * image of it. Return: false when the host refused the instruction by a SIGSEGV.
 */
bool host_execute_extended(const struct insn *insn, struct x86_state *state, const uint8_t *in,
			   uint8_t *out);

/* A random number, and random bytes, of a sequence that fake_init() begins anew. */
uint64_t fake_random(void);
void fake_random_bytes(void *dst, size_t len);
/* Each component random or in its initial state. */
void fake_random_xstate(struct fake *f);
/* What the host would have after loading v->xstate. */
void assert_xstate(struct fake *f, const uint8_t *expected);

void assert_fake_fault(const struct fake *f, enum cpu_result res, enum x86_vector vector,
		       uint32_t error_code);

#define FAKE_XSTATE_SIZE 832
#define FAKE_ARITHMETIC  UINT64_C(0x8d5)

#endif
