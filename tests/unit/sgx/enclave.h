/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tiny enclave whose thread goes in and out, for the tests of entries and exits. */
#ifndef EXCLAVE_TESTS_UNIT_SGX_ENCLAVE_H
#define EXCLAVE_TESTS_UNIT_SGX_ENCLAVE_H

#include "fixture.h"
#include "sgx/ssa.h"

/* Its EPC pages, and their linear addresses. Frame n lies in page SSA0 + n. */
enum enclave_page {
	SECS_PAGE,
	TCS_PAGE,
	SSA0_PAGE,
	SSA1_PAGE,
	CODE_PAGE,
	DATA_PAGE,
	TCS2_PAGE, /* add_second_tcs() */
	TCS2_SSA_PAGE,
	FREE_PAGE,
};

#define TCS_GVA      ENCLAVE_BASE
#define SSA0_GVA     (ENCLAVE_BASE + 0x1000)
#define SSA1_GVA     (ENCLAVE_BASE + 0x2000)
#define CODE_GVA     (ENCLAVE_BASE + 0x3000)
#define TCS2_GVA     (ENCLAVE_BASE + 0x5000)
#define TCS2_SSA_GVA (ENCLAVE_BASE + 0x6000)

/* Builds it, with different values in FSLIMIT and so on, so that none is mistaken for another. */
void make_enclave(struct fixture *f);
void add_second_tcs(struct fixture *f);
/* The enclave and all processors become 32-bit ones. */
void make_32bit(struct fixture *f);
/* Frames of two pages: XSAVE area in the first one, GPRSGX in the second one. NSSA is 1. */
void make_two_page_frames(struct fixture *f);
/*
 * Processors and enclave get AMX: one frame of three pages (SSA0, SSA1, CODE), all of
 * which the XSAVE area reaches.
 */
void enable_amx(struct fixture *f);

struct sgx_secs *the_secs(struct fixture *f);
struct sgx_tcs *the_tcs(struct fixture *f);
/* GPRSGX of frame @index, in frames of one page. */
struct sgx_gprsgx *frame_gprsgx(struct fixture *f, unsigned int index);

/* Processors inside, and the TCS's word. */
bool is_tracked_active(struct fixture *f);
bool tcs_is_active(struct fixture *f);

struct leaf_result eenter(struct fixture *f);
struct leaf_result eresume(struct fixture *f);
struct leaf_result eexit(struct fixture *f, uint64_t target);

/* EENTER, AEX by an interrupt: nobody is inside then and CSSA has grown. */
void enter_and_interrupt(struct fixture *f);
void interrupt(struct fixture *f);
struct sgx_event exception_event(enum sgx_event_type type, uint8_t vector, uint32_t error_code,
				 gva_t address);

/* Recognisable values in all registers but RSP and RBP, legal ones where that matters. */
void scramble_registers(struct fixture *f, uint64_t seed);

/* Segments field by field: the padding is nobody's. */
void assert_segment(const struct x86_segment *got, const struct x86_segment *want);
/* All but segments, which are compared as above. */
void assert_state(const struct x86_state *got, const struct x86_state *want);
/* What EENTER and ERESUME load. */
struct x86_segment enclave_segment(const struct x86_state *outside, uint64_t base, uint32_t limit);

#endif
