/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the SGX model stand on embedder/; this is what they add to it.
 *
 * Every leaf run through encls() or enclu() is watched: when it is refused,
 * nothing but what the architecture allows may have changed in registers, EPCM,
 * valid EPC pages and guest memory; and the check that refused it is counted.
 */
#ifndef EXCLAVE_TESTS_UNIT_SGX_FIXTURE_H
#define EXCLAVE_TESTS_UNIT_SGX_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "builder.h"
#include "lib/bits.h"
#include "sgx/leaf.h"
#include "sgx/track.h"
#include "sgx/xsave.h"

#define FIXTURE_CPUS      4
#define FIXTURE_RAM_PAGES 64
#define FIXTURE_EPC_PAGES 64

/* Where things lie by default. The guest's window holds EPC, RAM and enclaves. */
#define WINDOW_BASE   UINT64_C(0x10000000)
#define WINDOW_PAGES  1024
#define RAM_GVA       WINDOW_BASE                /* RAM page i at + i * 4096 */
#define EPC_GVA       (WINDOW_BASE + PAGES(128)) /* EPC page i likewise */
#define ENCLAVE_BASE  (WINDOW_BASE + PAGES(256)) /* 64 pages, aligned */
#define ENCLAVE_SIZE  (PAGES(64))
#define ENCLAVE2_BASE (ENCLAVE_BASE + ENCLAVE_SIZE)
#define EPC_HPA       UINT64_C(0x180000000)
#define AEP_GVA       UINT64_C(0x7000)
#define NON_CANONICAL UINT64_C(0x8000000000000000)

struct fixture {
	struct embedder *embedder;
	struct sgx_platform *platform; /* these three: the embedder's */
	struct sgx_cpuid *cpuid;
	struct embedder_cpu *cpus;
	struct sgx_cpu *cpu;     /* the one that runs leaves, cpus[0] at first */
	struct x86_state *state; /* its state */
	struct builder builder;
	/* Called, when set, before each walk, read and write, e.g. to let another processor act. */
	void (*on_walk)(struct fixture *f, gva_t gva);
	void (*on_read)(struct fixture *f);
	void (*on_write)(struct fixture *f);
	bool expect_change; /* the next refused leaf may change things */
	struct snapshot *snapshot;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

#define sgx_test(function) \
	cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

/* Another processor runs the leaves from now on. */
void use_cpu(struct fixture *f, unsigned int index);

/* The page table. Addresses are page-aligned and within the window. */
struct pte *pte_of(struct fixture *f, gva_t gva);
void map_epc(struct fixture *f, gva_t gva, unsigned int epc_page, unsigned int flags);
void map_ram(struct fixture *f, gva_t gva, unsigned int ram_page);
void unmap(struct fixture *f, gva_t gva);

static inline gva_t ram_gva(unsigned int page)
{
	return RAM_GVA + (gva_t)page * SGX_PAGE_SIZE;
}

static inline gva_t epc_gva(unsigned int page)
{
	return EPC_GVA + (gva_t)page * SGX_PAGE_SIZE;
}

/* Host pointers to guest RAM and, behind the architecture's back, to the EPC. */
void *ram_ptr(struct fixture *f, gva_t gva);
struct epcm_entry *epcm_of(struct fixture *f, unsigned int epc_page);
void *epc_ptr(struct fixture *f, unsigned int epc_page);

/* Behind the architecture's back: EPCM flags lose @clear and gain @set, the epoch stays. */
void change_state(struct fixture *f, unsigned int epc_page, uint64_t clear, uint64_t set);

/*
 * Another processor holds the page: @bits of the lock word (EPCM_LOCK_EXCL, ... or
 * a number of shared holders) are set, and conflicts are reported at once.
 */
void hold_page(struct fixture *f, unsigned int epc_page, uint32_t bits);
void let_go(struct fixture *f, unsigned int epc_page, uint32_t bits);

/* Run a leaf on the current processor, CPL 0 or 3 as the instruction wants. */
struct leaf_result encls(struct fixture *f, uint32_t leaf, uint64_t rbx, uint64_t rcx,
			 uint64_t rdx);
struct leaf_result enclu(struct fixture *f, uint32_t leaf, uint64_t rbx, uint64_t rcx,
			 uint64_t rdx);

/* The same with sgx_encls(), sgx_enclu() and so on at whatever CPL the processor has. */
struct leaf_result watched(struct fixture *f, struct leaf_result (*run)(struct sgx_cpu *),
			   uint32_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx);

/* 32-bit flat segments from now on; the guest's window lies below 4 GiB. */
void use_32bit(struct fixture *f);

/* Outcomes. @rule is a piece of the text of the CHECK that must have refused. */
#define expect_ok(res)           _expect_ok(res, __FILE__, __LINE__)
#define expect_code(res, code)   _expect_code(res, code, __FILE__, __LINE__)
#define expect_info(res, code)   _expect_info(res, code, __FILE__, __LINE__)
#define expect_jump(res)         assert_int_equal((res).kind, LEAF_JUMP)
#define expect_ud(res)           _expect_vector(res, UD_VECTOR, __FILE__, __LINE__)
#define expect_nm(res)           _expect_vector(res, NM_VECTOR, __FILE__, __LINE__)
#define expect_gp(res)           _expect_vector(res, GP_VECTOR, __FILE__, __LINE__)
#define expect_pf(res, gva, err) _expect_pf(res, gva, err, __FILE__, __LINE__)
/* SGX-induced (bit 15) and ordinary #PF. @access: ENCLS_READ and so on. */
#define expect_pfx(res, gva, access) expect_pf(res, gva, 0x8001 | (access))
#define expect_pfo(res, gva, err)    expect_pf(res, gva, err)
#define expect_refused_by(f, rule)   _expect_refused_by(f, rule, __FILE__, __LINE__)

void _expect_ok(struct leaf_result res, const char *file, int line);
void _expect_code(struct leaf_result res, int code, const char *file, int line);
void _expect_info(struct leaf_result res, int code, const char *file, int line);
void _expect_vector(struct leaf_result res, int vector, const char *file, int line);
void _expect_pf(struct leaf_result res, gva_t gva, uint32_t error, const char *file, int line);
void _expect_refused_by(struct fixture *f, const char *rule, const char *file, int line);

/* PAGEINFO and SECINFO in RAM page 0; the leaves' operands point at them. */
#define PAGEINFO_GVA ram_gva(0)
#define SECINFO_GVA  (PAGEINFO_GVA + BUILDER_SECINFO)
#define PCMD_GVA     (PAGEINFO_GVA + BUILDER_PCMD)
#define SRC_GVA      ram_gva(1)

struct sgx_pageinfo *pageinfo(struct fixture *f);
struct sgx_secinfo *secinfo(struct fixture *f);
struct sgx_pcmd *pcmd(struct fixture *f);
/* Fills PAGEINFO: SRCPGE = SRC_GVA, SECINFO = SECINFO_GVA with @flags. */
void set_pageinfo(struct fixture *f, gva_t linaddr, gva_t secs, uint64_t flags);

/* A legal SECS in the source page, for tests to spoil. */
struct sgx_secs *source_secs(struct fixture *f, gva_t base, uint64_t size);
/* A legal TCS in the source page: entry 0, SSA at @ossa with @nssa frames. */
struct sgx_tcs *source_tcs(struct fixture *f, uint64_t ossa, uint32_t nssa);

/*
 * Builders; each asserts that the leaf succeeds. SECS pages are named by the
 * gva epc_gva(page). A child page is also mapped at its place in the enclave.
 */
void make_secs(struct fixture *f, unsigned int secs_page, gva_t base);
void add_reg(struct fixture *f, unsigned int secs_page, unsigned int epc_page, gva_t linaddr,
	     uint64_t rwx);
void add_tcs(struct fixture *f, unsigned int secs_page, unsigned int epc_page, gva_t linaddr,
	     uint64_t ossa, uint32_t nssa);
/* Sets ATTRIBUTES.INIT without EINIT, for tests of leaves that only need it set. */
void force_init(struct fixture *f, unsigned int secs_page);

/*
 * A whole small enclave: SECS in EPC page @first, TCS in @first + 1, two SSA
 * frames in + 2 and + 3, RWX code in + 4, RW data in + 5; initialised. Linear
 * offsets of the children: 0, 0x1000, 0x2000, 0x3000, 0x4000.
 */
#define TINY_PAGES 6
void make_tiny_enclave(struct fixture *f, unsigned int first, gva_t base);

/* EAUG of a page of that enclave, mapped at its place and still PENDING. */
void aug_page(struct fixture *f, unsigned int secs_page, unsigned int epc_page, gva_t linaddr);

/*
 * The current processor enters the tiny enclave in EPC page @first and leaves it
 * again, without EENTER and EEXIT: enclave mode and tracking, nothing else.
 */
void enter_by_hand(struct fixture *f, unsigned int first);
void leave_by_hand(struct fixture *f);

/*
 * The SECINFO operand of ENCLU leaves: in the data page of the tiny enclave that
 * begins with EPC page 0 and lies at ENCLAVE_BASE.
 */
#define ENCLAVE_SECINFO_GVA (ENCLAVE_BASE + 0x4000)
struct sgx_secinfo *set_enclave_secinfo(struct fixture *f, uint64_t flags);

/* The checks that have refused nothing yet, printed; Return: their number. */
unsigned int checks_never_refused(void);

#endif
