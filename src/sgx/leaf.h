/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a leaf function is written. Private to the model.
 *
 * A leaf reads top-down as the SDM's table of its checks: one CHECK for each
 * line, in order, then the commit, which nothing can refuse. Guest memory is
 * never touched while a page is locked (it may sleep in the VMM's
 * userfaultfd), so a leaf that needs an operand between two checks of a page
 * locks the page twice and checks it again before it commits: what it then
 * does is what the leaf would have done had it started at that moment.
 *
 * A function whose name starts with __ is called with its pages locked and
 * returns with them locked, so that CHECK can return from it.
 */
#ifndef EXCLAVE_SGX_LEAF_H
#define EXCLAVE_SGX_LEAF_H

#include "lib/bits.h"
#include "sgx/operand.h"
#include "sgx/secs.h"
#include "sgx/sgx.h"

static inline struct leaf_result leaf_ok(void)
{
	return (struct leaf_result){.kind = LEAF_OK};
}

/* RAX := @code; ZF says whether it is an error. */
static inline struct leaf_result leaf_code(enum sgx_return_code code)
{
	return (struct leaf_result){.kind = LEAF_CODE, .value = (int32_t)code};
}

/* RAX := @code with CF: the leaf tells something rather than fails. */
static inline struct leaf_result leaf_info(enum sgx_return_code code)
{
	return (struct leaf_result){.kind = LEAF_INFO, .value = (int32_t)code};
}

static inline struct leaf_result leaf_jump(void)
{
	return (struct leaf_result){.kind = LEAF_JUMP};
}

static inline struct leaf_result leaf_resume(void)
{
	return (struct leaf_result){.kind = LEAF_JUMP, .value = LEAF_JUMP_RESUMED};
}

static inline struct leaf_result leaf_gp(void)
{
	return (struct leaf_result){.kind = LEAF_FAULT, .vector = GP_VECTOR};
}

static inline struct leaf_result leaf_ud(void)
{
	return (struct leaf_result){.kind = LEAF_FAULT, .vector = UD_VECTOR};
}

static inline struct leaf_result leaf_nm(void)
{
	return (struct leaf_result){.kind = LEAF_FAULT, .vector = NM_VECTOR};
}

/* An SGX-induced #PF at @address; @access is the operand's, as in sgx_ops.walk. */
static inline struct leaf_result leaf_pf(gva_t address, uint32_t access)
{
	return (struct leaf_result){
		.kind = LEAF_FAULT,
		.vector = PF_VECTOR,
		.error_code = (uint16_t)(PFERR_PRESENT_MASK | PFERR_SGX_MASK | access),
		.address = address,
	};
}

static inline struct leaf_result leaf_host_error(int error)
{
	return (struct leaf_result){.kind = LEAF_HOST_ERROR, .value = error};
}

/*
 * One line of a leaf's table. Each use leaves a record in the section
 * sgx_checks, by which the tests know that every check has refused something.
 */
#define CHECK(cond, outcome)                                                                   \
	do {                                                                                   \
		static const struct sgx_check check_                                           \
			__attribute__((section("sgx_checks"), used, aligned(16))) = {__func__, \
										     #cond};   \
		if (unlikely(!(cond))) {                                                       \
			cpu->refused_by = &check_;                                             \
			return (outcome);                                                      \
		}                                                                              \
	} while (0)

/* Passes on whatever is not leaf_ok(). */
#define TRY(expr)                                   \
	do {                                        \
		struct leaf_result try_ = (expr);   \
		if (unlikely(try_.kind != LEAF_OK)) \
			return try_;                \
	} while (0)

/* The operand registers, truncated to 32 bits outside 64-bit mode. */
typedef struct leaf_result leaf_function(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx,
					 uint64_t rdx);

leaf_function sgx_ecreate, sgx_eadd, sgx_einit, sgx_eremove, sgx_edbgrd, sgx_edbgwr, sgx_eextend,
	sgx_eldb, sgx_eldu, sgx_eblock, sgx_epa, sgx_ewb, sgx_etrack, sgx_eaug, sgx_emodpr,
	sgx_emodt;
leaf_function sgx_ereport, sgx_egetkey, sgx_eenter, sgx_eresume, sgx_eexit, sgx_eaccept, sgx_emodpe,
	sgx_eacceptcopy, sgx_edeccssa;

/* SDM "SECINFO": nothing is set but flags of @allowed, which has no reserved ones. */
static inline bool secinfo_has_only(const struct sgx_secinfo *secinfo, uint64_t allowed)
{
	return !(secinfo->flags & ~allowed) &&
	       is_zero(secinfo->reserved, sizeof(secinfo->reserved));
}

/*
 * Announces a change of @e's content or type to an embedder that watches it.
 * Called after the change, with no lock held.
 */
void announce_page_changed(struct sgx_platform *platform, struct epcm_entry *e);

static inline void leaf_page_changed(struct sgx_cpu *cpu, struct epcm_entry *e)
{
	announce_page_changed(cpu->platform, e);
}

/*
 * The target of a leaf that fills an EPC page: locks @e at @gva exclusively.
 * Return: leaf_ok() with it locked, or with it unlocked the conflict (#GP) or
 * the page fault of a page that is valid already.
 */
struct leaf_result target_lock_free(struct sgx_cpu *cpu, struct epcm_entry *e, gva_t gva);

/* The same test alone, at its place in the order, before an operand is read. */
struct leaf_result target_check_free(struct sgx_cpu *cpu, struct epcm_entry *e, gva_t gva);

#endif
