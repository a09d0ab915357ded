// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EADD". */
#include "lib/mem.h"
#include "sgx/child.h"
#include "sgx/measure.h"
#include "sgx/tcs.h"

#include <string.h>

/* What the checks of EADD need to know, private to this leaf. */
struct eadd {
	struct sgx_pageinfo pageinfo;
	struct sgx_secinfo secinfo;
	struct child_operands child;
	uint8_t *copy; /* of SRCPGE */
};

static struct leaf_result check_tcs(struct sgx_cpu *cpu, const struct sgx_tcs *tcs, bool mode64)
{
	CHECK(tcs_reserved_is_zero(tcs), leaf_gp());
	CHECK(!(tcs->flags & ~tcs_known_flags(cpu)), leaf_gp());
	CHECK(tcs_limits_are_legal(tcs, mode64), leaf_gp());
	return leaf_ok();
}

static bool is_tcs(const struct eadd *op)
{
	return (op->secinfo.flags & SGX_SECINFO_PT_MASK) == EPCM_PT(SGX_PAGE_TYPE_TCS);
}

/* The fields of a TCS that only the processor may set. */
static void prepare_tcs(struct eadd *op)
{
	struct sgx_tcs *tcs = (struct sgx_tcs *)op->copy;

	tcs->state = SGX_TCS_INACTIVE;
	tcs->flags &= ~SGX_TCS_DBGOPTIN;
	tcs->cssa = 0;
	tcs->aep = 0;
	op->secinfo.flags &= ~SGX_SECINFO_RWX;
}

static struct leaf_result __check_contents(struct sgx_cpu *cpu, const struct eadd *op)
{
	const struct sgx_secs *secs = secs_of(op->child.secs);
	bool mode64 = secs_attributes(secs) & SGX_ATTR_MODE64BIT;
	const uint64_t rw = op->secinfo.flags & (SGX_SECINFO_R | SGX_SECINFO_W);

	if (is_tcs(op))
		TRY(check_tcs(cpu, (const struct sgx_tcs *)op->copy, mode64));
	else
		CHECK(rw != SGX_SECINFO_W, leaf_gp());
	CHECK(secs_in_elrange(secs, op->pageinfo.linaddr), leaf_gp());
	return leaf_ok();
}

/* The measurement is locked. */
static struct leaf_result __add_page(struct sgx_cpu *cpu, struct eadd *op)
{
	struct sgx_secs *secs = secs_of(op->child.secs);

	CHECK(!secs_is_initialised(secs), leaf_gp());
	if (is_tcs(op))
		prepare_tcs(op);
	mem_copy_pages(epcm_page(op->child.target), op->copy, SGX_PAGE_SIZE);
	measure_eadd(secs, op->pageinfo.linaddr - secs->base, &op->secinfo);
	epcm_make_valid(op->child.target, EPCM_VALID | op->secinfo.flags, op->pageinfo.linaddr,
			op->child.secs);
	return leaf_ok();
}

static struct leaf_result __commit(struct sgx_cpu *cpu, struct eadd *op)
{
	struct leaf_result res;

	TRY(__child_check(cpu, &op->child));
	TRY(__check_contents(cpu, op));
	CHECK(epcm_bit_lock(op->child.secs, EPCM_LOCK_MEASURE), leaf_gp());
	res = __add_page(cpu, op);
	epcm_bit_unlock(op->child.secs, EPCM_LOCK_MEASURE);
	return res;
}

static struct leaf_result read_operands(struct sgx_cpu *cpu, struct eadd *op, uint64_t rbx,
					uint64_t rcx)
{
	struct sgx_pageinfo *pageinfo = &op->pageinfo;
	struct sgx_secinfo *secinfo = &op->secinfo;
	uint64_t pt;

	CHECK(is_aligned(rbx, sizeof(*pageinfo)), leaf_gp());
	CHECK(is_aligned(rcx, SGX_PAGE_SIZE), leaf_gp());
	TRY(operand_epc_page(cpu, rcx, ENCLS_WRITE, &op->child.target_gva, &op->child.target));
	TRY(operand_read(cpu, rbx, ENCLS_READ, pageinfo, sizeof(*pageinfo)));
	CHECK(is_aligned(pageinfo->srcpge, SGX_PAGE_SIZE), leaf_gp());
	CHECK(is_aligned(pageinfo->secs, SGX_PAGE_SIZE), leaf_gp());
	CHECK(is_aligned(pageinfo->secinfo, sizeof(*secinfo)), leaf_gp());
	CHECK(is_aligned(pageinfo->linaddr, SGX_PAGE_SIZE), leaf_gp());
	TRY(operand_epc_page(cpu, pageinfo->secs, ENCLS_WRITE, &op->child.secs_gva,
			     &op->child.secs));
	TRY(operand_read(cpu, pageinfo->secinfo, ENCLS_READ, secinfo, sizeof(*secinfo)));
	CHECK(secinfo_has_only(secinfo, SGX_SECINFO_RWX | SGX_SECINFO_PT_MASK), leaf_gp());
	pt = secinfo->flags & SGX_SECINFO_PT_MASK;
	CHECK(pt == EPCM_PT(SGX_PAGE_TYPE_REG) || pt == EPCM_PT(SGX_PAGE_TYPE_TCS), leaf_gp());
	return leaf_ok();
}

/* RBX = PAGEINFO, RCX = EPC page. */
struct leaf_result sgx_eadd(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct eadd op = {.copy = cpu->scratch};
	struct leaf_result res;

	TRY(read_operands(cpu, &op, rbx, rcx));

	TRY(child_check(cpu, &op.child));
	TRY(operand_read(cpu, op.pageinfo.srcpge, ENCLS_READ, op.copy, SGX_PAGE_SIZE));

	TRY(child_lock(cpu, &op.child));
	res = __commit(cpu, &op);
	child_unlock(&op.child);
	TRY(res);
	leaf_page_changed(cpu, op.child.target);
	return leaf_ok();
}
