/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine in which the guest has built an enclave by ENCLS (enclave_code.h), and
 * the calls into it. Everything runs in engines of several debug modes.
 */
#ifndef EXCLAVE_TESTS_UNIT_ENGINE_ENCLAVE_FIXTURE_H
#define EXCLAVE_TESTS_UNIT_ENGINE_ENCLAVE_FIXTURE_H

#include "enclave_code.h"
#include "lib/bits.h"
#include "machine_sgx.h"
#include "suites.h"

#include <stdatomic.h>
#include <string.h>

/* Guest RAM, linear and physical, for user and kernel. */
#define RAM_GVA   UINT64_C(0x20000000)
#define RAM_PAGES 16u
enum ram_page {
	RAM_ARGS, /* PAGEINFO, SECINFO */
	RAM_SOURCE,
	RAM_SIGSTRUCT,
	RAM_TOKEN,
	RAM_USER, /* ENCLU, UD2 */
	RAM_DATA,
	RAM_DATA2,
	RAM_STACK,
	RAM_LATE, /* not mapped: late_gva() */
};
#define USER_CODE  (RAM_GVA + RAM_USER * 4096u)
#define DATA_GVA   (RAM_GVA + RAM_DATA * 4096u)
#define STACK_TOP  (RAM_GVA + RAM_STACK * 4096u + 4096u)
#define DEVICE_GVA UINT64_C(0x28000000) /* mapped, and nothing is there */
#define OUTER_RBP  UINT64_C(0x1357)

/* EPC pages in their order, and the enclave's pages, which are the same but for SECS. */
enum enclave_page {
	SECS_PAGE,
	TCS_PAGE,
	SSA0_PAGE,
	SSA1_PAGE,
	CODE_PAGE,
	DATA_PAGE,
	WRITTEN_PAGE, /* RWX */
	HOLE_PAGE,    /* mapped, but invalid */
	EPC_PAGES = 16,
};
#define ENCLAVE_BASE       UINT64_C(0x40000000)
#define ENCLAVE_SIZE       UINT64_C(0x10000)
#define ENCLAVE_GVA(page)  (ENCLAVE_BASE + ((page)-TCS_PAGE) * UINT64_C(4096))
#define FUNCTION_GVA(name) (ENCLAVE_GVA(CODE_PAGE) + (uint64_t)((name)-enclave_code))

#define INTERRUPT_VECTOR 0x40

struct enclave_fixture {
	struct machine m;
	struct machine_sgx sgx;
	uint8_t *ram;
	struct x86_state *state;
	bool is_32bit;                                          /* user code and enclave */
	_Atomic bool interrupt;                                 /* one is pending */
	enum cpu_result (*on_encls)(struct enclave_fixture *f); /* "ENCLS exiting" */
	unsigned int encls_exits;
};

extern uint32_t fixture_debug; /* ENGINE_DEBUG_* of the next setup */
int enclave_setup(void **state);
/* With a DEBUG enclave whose TCS opts in, and with XFRM without AVX. */
int enclave_setup_debug(void **state);
int enclave_setup_without_avx(void **state);
/* A 32-bit one, whose one function is fn_load of 32 bits at the start of its code. */
int enclave_setup_32bit(void **state);
int enclave_teardown(void **state);

void *ram_ptr(struct enclave_fixture *f, gva_t gva);
struct sgx_gprsgx *ssa_gprsgx_of(struct enclave_fixture *f, unsigned int frame);
struct sgx_tcs *tcs_of(struct enclave_fixture *f);
void map_late(struct enclave_fixture *f, gva_t gva);

/* ENCLS; and with the result that a success has. */
struct machine_encls encls(struct enclave_fixture *f, uint32_t leaf, uint64_t rbx, uint64_t rcx,
			   uint64_t rdx);
void encls_done(struct enclave_fixture *f, uint32_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx);
/* PAGEINFO and SECINFO in RAM_ARGS. Return: where PAGEINFO and SECINFO lie. */
gva_t set_pageinfo(struct enclave_fixture *f, gva_t linaddr, gva_t source, uint64_t flags,
		   bool has_secs);
gva_t set_secinfo(struct enclave_fixture *f, uint64_t flags);

/*
 * User code at @rip with the registers as they are. The engine keeps what it has
 * translated: whoever changes mappings or code behind its back tells it.
 */
struct machine_trap run_user(struct enclave_fixture *f, gva_t rip, uint64_t rflags);
/* EENTER, to @function with its arguments. */
struct machine_trap ecall(struct enclave_fixture *f, const uint8_t *function, uint64_t rsi,
			  uint64_t rdx);
struct machine_trap ecall_flags(struct enclave_fixture *f, const uint8_t *function, uint64_t rsi,
				uint64_t rdx, uint64_t rflags);
/* IRET from the handler. */
struct machine_trap resume(struct enclave_fixture *f, const struct machine_trap *trap);

/* The enclave has been left by EEXIT. Return: its result. */
uint64_t expect_return(struct enclave_fixture *f, struct machine_trap trap);
/* It has been left by an AEX for @vector: the synthetic state is at the AEP. */
void expect_aex(struct enclave_fixture *f, const struct machine_trap *trap, int vector);
void expect_saved_rip(struct enclave_fixture *f, gva_t rip);
/* Forgets what an AEX has saved. */
void drop_frame(struct enclave_fixture *f);

/* An ECALL that copies @len bytes of code into the enclave and calls them. */
struct machine_trap run_inside(struct enclave_fixture *f, const void *code, size_t len);

#endif
