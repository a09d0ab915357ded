// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EAUG". */
#include "sgx/child.h"

#include <string.h>

struct eaug {
	struct sgx_pageinfo pageinfo;
	struct child_operands child;
};

/* Whatever it says: what counts is that it can be read. */
static struct leaf_result read_secinfo(struct sgx_cpu *cpu, const struct eaug *op)
{
	struct sgx_secinfo secinfo;

	TRY(target_check_free(cpu, op->child.target, op->child.target_gva));
	return operand_read(cpu, op->pageinfo.secinfo, ENCLS_READ, &secinfo, sizeof(secinfo));
}

static struct leaf_result read_operands(struct sgx_cpu *cpu, struct eaug *op, uint64_t rbx,
					uint64_t rcx)
{
	struct sgx_pageinfo *pageinfo = &op->pageinfo;

	CHECK(is_aligned(rbx, sizeof(*pageinfo)), leaf_gp());
	CHECK(is_aligned(rcx, SGX_PAGE_SIZE), leaf_gp());
	TRY(operand_epc_page(cpu, rcx, ENCLS_WRITE, &op->child.target_gva, &op->child.target));
	TRY(operand_read(cpu, rbx, ENCLS_READ, pageinfo, sizeof(*pageinfo)));
	CHECK(is_aligned(pageinfo->secinfo, sizeof(struct sgx_secinfo)), leaf_gp());
	CHECK(is_aligned(pageinfo->secs, SGX_PAGE_SIZE), leaf_gp());
	CHECK(is_aligned(pageinfo->linaddr, SGX_PAGE_SIZE), leaf_gp());
	CHECK(!pageinfo->srcpge, leaf_gp());
	TRY(operand_epc_page(cpu, pageinfo->secs, ENCLS_WRITE, &op->child.secs_gva,
			     &op->child.secs));
	if (pageinfo->secinfo)
		TRY(read_secinfo(cpu, op));
	/* A SECINFO asks for a shadow-stack page. That takes CET, which is not offered. */
	CHECK(!pageinfo->secinfo, leaf_gp());
	return leaf_ok();
}

static struct leaf_result __commit(struct sgx_cpu *cpu, const struct eaug *op)
{
	const struct sgx_secs *secs = secs_of(op->child.secs);
	gva_t linaddr = op->pageinfo.linaddr;

	TRY(__child_check(cpu, &op->child));
	CHECK(secs_is_initialised(secs), leaf_gp());
	CHECK(secs_in_elrange(secs, linaddr), leaf_gp());
	memset(epcm_page(op->child.target), 0, SGX_PAGE_SIZE);
	epcm_make_valid(op->child.target,
			EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W | EPCM_PENDING,
			linaddr, op->child.secs);
	return leaf_ok();
}

/* RBX = PAGEINFO, RCX = EPC page. */
struct leaf_result sgx_eaug(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct eaug op;
	struct leaf_result res;

	TRY(read_operands(cpu, &op, rbx, rcx));
	TRY(child_lock(cpu, &op.child));
	res = __commit(cpu, &op);
	child_unlock(&op.child);
	TRY(res);
	leaf_page_changed(cpu, op.child.target);
	return leaf_ok();
}
