// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EACCEPTCOPY". */
#include "lib/mem.h"
#include "sgx/leaf.h"

#include <string.h>

struct operand {
	struct epcm_entry *entry;
	gva_t gva;
};

struct eacceptcopy {
	struct sgx_secinfo secinfo;
	struct operand info, dest, source;
};

static struct leaf_result find_operands(struct sgx_cpu *cpu, struct eacceptcopy *op, uint64_t rbx,
					uint64_t rcx, uint64_t rdx)
{
	CHECK(is_aligned(rbx, sizeof(op->secinfo)), leaf_gp());
	CHECK(is_aligned(rcx, SGX_PAGE_SIZE), leaf_gp());
	CHECK(is_aligned(rdx, SGX_PAGE_SIZE), leaf_gp());
	TRY(operand_elrange(cpu, rbx, sizeof(op->secinfo), ENCLU_READ, &op->info.gva));
	TRY(operand_elrange(cpu, rcx, 1, ENCLU_WRITE, &op->dest.gva));
	TRY(operand_elrange(cpu, rdx, 1, ENCLU_READ, &op->source.gva));
	TRY(operand_epc(cpu, op->info.gva, ENCLU_READ, &op->info.entry));
	TRY(operand_epc(cpu, op->dest.gva, ENCLU_WRITE, &op->dest.entry));
	TRY(operand_epc(cpu, op->source.gva, ENCLU_READ, &op->source.entry));
	return leaf_ok();
}

static struct leaf_result check_readable(struct sgx_cpu *cpu, const struct operand *o)
{
	return operand_check_rights(cpu, o->gva, ENCLU_READ, EPCM_R, cpu->enclave.secs, o->entry);
}

static struct leaf_result read_secinfo(struct sgx_cpu *cpu, struct eacceptcopy *op)
{
	struct sgx_secinfo *secinfo = &op->secinfo;
	const uint8_t *page = epcm_page(op->info.entry);
	uint64_t rw;

	TRY(check_readable(cpu, &op->info));
	/* Copied once: other threads of the enclave may change it meanwhile. */
	memcpy(secinfo, page + op->info.gva % SGX_PAGE_SIZE, sizeof(*secinfo));
	rw = secinfo->flags & (SGX_SECINFO_R | SGX_SECINFO_W);
	CHECK(secinfo_has_only(secinfo, SGX_SECINFO_RWX | SGX_SECINFO_PT_MASK), leaf_gp());
	CHECK(rw != SGX_SECINFO_W, leaf_gp());
	CHECK((secinfo->flags & SGX_SECINFO_PT_MASK) == EPCM_PT(SGX_PAGE_TYPE_REG), leaf_gp());
	return leaf_ok();
}

static struct leaf_result check_dest(struct sgx_cpu *cpu, const struct epcm_view *view)
{
	const uint64_t states = EPCM_BLOCKED | EPCM_PENDING | EPCM_MODIFIED;

	CHECK(epcm_is(view->state, SGX_PAGE_TYPE_REG) && (view->state & states) == EPCM_PENDING &&
		      view->secs == cpu->enclave.secs,
	      leaf_code(SGX_PAGE_ATTRIBUTES_MISMATCH));
	return leaf_ok();
}

static struct leaf_result __accept(struct sgx_cpu *cpu, struct eacceptcopy *op)
{
	struct epcm_entry *dest = op->dest.entry;
	struct epcm_view view = epcm_view(dest);
	uint64_t rights = op->secinfo.flags & SGX_SECINFO_RWX;

	TRY(check_dest(cpu, &view));
	CHECK((view.state & EPCM_RWX) == (EPCM_R | EPCM_W),
	      leaf_code(SGX_PAGE_ATTRIBUTES_MISMATCH));
	CHECK(view.linaddr == op->dest.gva, leaf_code(SGX_PAGE_ATTRIBUTES_MISMATCH));
	/*
	 * Nobody sees a PENDING page: no access, no debug leaf, and EWB is kept
	 * out by our lock. The source cannot go while its enclave is active.
	 */
	mem_copy_pages(epcm_page(dest), epcm_page(op->source.entry), SGX_PAGE_SIZE);
	epcm_change_flags(dest, EPCM_RWX | EPCM_PENDING, rights);
	return leaf_code(SGX_SUCCESS);
}

/* RBX = SECINFO, RCX = destination, RDX = source, all in the enclave. */
struct leaf_result sgx_eacceptcopy(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct eacceptcopy op;
	struct epcm_view view;
	struct leaf_result res;

	TRY(find_operands(cpu, &op, rbx, rcx, rdx));
	TRY(read_secinfo(cpu, &op));
	TRY(check_readable(cpu, &op.source));
	view = epcm_view(op.dest.entry);
	TRY(check_dest(cpu, &view));
	CHECK(epcm_lock_sgx2(op.dest.entry), leaf_gp());
	res = __accept(cpu, &op);
	epcm_unlock_sgx2(op.dest.entry);
	if (leaf_succeeded(res))
		leaf_page_changed(cpu, op.dest.entry);
	return res;
}
