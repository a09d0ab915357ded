// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "EWB".
 *
 * The outputs are guest memory: no page may be locked while they are written,
 * and writing may fail in the host, after which the page must still be there.
 * So the page is sealed under its lock, written out without it, and given up
 * under the lock again if it is still what was sealed. If not, all is done again
 * with a new version; what was written out before opens under no slot of any VA
 * page. A conflict found only then is reported with the outputs written.
 */
#include "lib/mem.h"
#include "sgx/paging.h"
#include "sgx/track.h"

#include <errno.h>
#include <string.h>

/* Each one lost means that another processor changed the page in between. */
#define EWB_ATTEMPTS 16

/* A place in guest memory that was walked for writing. */
struct output {
	struct sgx_place place;
	gva_t gva;
};

struct ewb {
	struct paging_operands in;
	struct sgx_pageinfo pageinfo;
	struct output cipher_out;
	struct output pcmd_out;
	struct output pageinfo_out;

	/* The page as it was sealed. */
	uint64_t state;
	uint32_t seq;
	struct paging_binding binding;
	struct sgx_pcmd pcmd;
	uint8_t *cipher;
	uint8_t *plain; /* a copy of what another leaf may write under a shared lock */
	bool has_plain;
};

static struct leaf_result __check_pages(struct sgx_cpu *cpu, const struct paging_operands *in)
{
	struct epcm_entry *e = in->target;
	uint64_t state = epcm_state(e);

	CHECK(epcm_is_valid(state), leaf_pf(in->target_gva, ENCLS_WRITE));
	CHECK(epcm_is(epcm_state(in->va), SGX_PAGE_TYPE_VA), leaf_pf(in->slot_gva, ENCLS_WRITE));
	if (epcm_has_parent(state)) {
		CHECK(state & EPCM_BLOCKED, leaf_code(SGX_PAGE_NOT_BLOCKED));
		CHECK(track_is_complete(epcm_secs(e), epcm_epoch(state)),
		      leaf_code(SGX_NOT_TRACKED));
	}
	CHECK(!atomic_load(&e->children), leaf_code(SGX_CHILD_PRESENT));
	return leaf_ok();
}

/*
 * May a leaf write the contents under a shared lock? EINIT and the measurement do
 * in a SECS, EWB and ELD in a VA page, EDBGWR in the pages of a debug enclave.
 */
static bool __is_written_shared(const struct epcm_entry *e)
{
	const struct epcm_entry *secs = epcm_secs(e);

	return !secs || (secs_attributes(secs_of(secs)) & SGX_ATTR_DEBUG);
}

/* SDM EWB: PCMD.ENCLAVEID is the enclave's for a SECS too, but the header's EID is 0. */
static struct leaf_result __seal(struct sgx_cpu *cpu, struct ewb *op)
{
	struct epcm_entry *e = op->in.target;
	struct epcm_entry *secs = epcm_secs(e);

	TRY(__check_pages(cpu, &op->in));
	op->state = epcm_state(e);
	op->seq = atomic_load(&e->seq);
	op->binding = (struct paging_binding){
		.version = atomic_fetch_add(&cpu->platform->next_version, 1),
		.eid = secs ? paging_eid(secs) : 0,
		.linaddr = epcm_linaddr(e),
	};
	op->pcmd = (struct sgx_pcmd){
		.secinfo.flags = op->state & EPCM_SECINFO,
		.enclave_id = op->binding.eid,
	};
	if (epcm_is(op->state, SGX_PAGE_TYPE_SECS))
		op->pcmd.enclave_id = paging_eid(e);
	op->has_plain = __is_written_shared(e);
	if (op->has_plain)
		mem_copy_pages(op->plain, epcm_page(e), SGX_PAGE_SIZE);
	if (!paging_seal(cpu, &op->binding, &op->pcmd, epcm_page(e), op->cipher))
		return leaf_host_error(-ENOMEM);
	return leaf_ok();
}

static struct leaf_result lock_pages(struct sgx_cpu *cpu, const struct epcm_claim *claims)
{
	CHECK(epcm_lock_set(claims, 2) < 0, leaf_gp());
	return leaf_ok();
}

static struct leaf_result seal_page(struct sgx_cpu *cpu, struct ewb *op,
				    const struct epcm_claim *claims)
{
	struct leaf_result res;

	TRY(lock_pages(cpu, claims));
	res = __seal(cpu, op);
	/* Two EWBs of one page would see each other's seals as changes, and never end. */
	epcm_unlock_set_unchanged(claims, 2);
	return res;
}

static struct leaf_result walk_output(struct sgx_cpu *cpu, uint64_t ea, uint32_t len,
				      struct output *out)
{
	TRY(operand_linear(cpu, ea, len, ENCLS_WRITE, &out->gva));
	return operand_walk(cpu, out->gva, ENCLS_WRITE, &out->place);
}

/* All of them before the first is written: a fault leaves none behind. */
static struct leaf_result walk_outputs(struct sgx_cpu *cpu, struct ewb *op, uint64_t rbx)
{
	TRY(walk_output(cpu, op->pageinfo.srcpge, SGX_PAGE_SIZE, &op->cipher_out));
	TRY(walk_output(cpu, op->pageinfo.secinfo, sizeof(op->pcmd), &op->pcmd_out));
	return walk_output(cpu, rbx, sizeof(op->pageinfo), &op->pageinfo_out);
}

static struct leaf_result write_output(struct sgx_cpu *cpu, const struct output *out,
				       const void *src, uint32_t len)
{
	return operand_write_at(cpu, &out->place, out->gva, src, len);
}

static struct leaf_result write_outputs(struct sgx_cpu *cpu, const struct ewb *op)
{
	const gva_t *linaddr = &op->binding.linaddr;

	TRY(write_output(cpu, &op->cipher_out, op->cipher, SGX_PAGE_SIZE));
	TRY(write_output(cpu, &op->pcmd_out, &op->pcmd, sizeof(op->pcmd)));
	_Static_assert(offsetof(struct sgx_pageinfo, linaddr) == 0, "written at RBX");
	return write_output(cpu, &op->pageinfo_out, linaddr, sizeof(*linaddr));
}

/*
 * When nobody has changed the page exclusively since, it has the same owner and
 * address. Shared holders change the state (EBLOCK, the SGX2 leaves) or, as
 * __is_written_shared() says, the contents.
 */
static bool __is_as_sealed(const struct ewb *op)
{
	const struct epcm_entry *e = op->in.target;

	return atomic_load(&e->seq) == op->seq && epcm_state(e) == op->state &&
	       (!op->has_plain || !memcmp(epcm_page(e), op->plain, SGX_PAGE_SIZE));
}

/* Return: leaf_ok() when the page has changed; else how the leaf ends. */
static struct leaf_result __give_up(struct sgx_cpu *cpu, struct ewb *op)
{
	uint64_t old;

	TRY(__check_pages(cpu, &op->in));
	if (!__is_as_sealed(op))
		return leaf_ok();
	old = atomic_exchange(paging_slot(&op->in), op->binding.version);
	epcm_make_invalid(op->in.target);
	/* The eviction is done all the same: this only tells that another blob is lost. */
	return old ? leaf_info(SGX_VA_SLOT_OCCUPIED) : leaf_code(SGX_SUCCESS);
}

static struct leaf_result give_up_page(struct sgx_cpu *cpu, struct ewb *op,
				       const struct epcm_claim *claims)
{
	struct leaf_result res;
	bool gone;

	TRY(lock_pages(cpu, claims));
	res = __give_up(cpu, op);
	gone = res.kind == LEAF_INFO || (res.kind == LEAF_CODE && !res.value);
	if (!gone) {
		epcm_unlock_set_unchanged(claims, 2);
		return res;
	}
	epcm_unlock_set(claims, 2);
	leaf_page_changed(cpu, op->in.target);
	return res;
}

/* RBX = PAGEINFO, RCX = EPC page, RDX = VA slot. */
struct leaf_result sgx_ewb(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct ewb op = {.plain = cpu->scratch, .cipher = cpu->scratch + SGX_PAGE_SIZE};
	struct sgx_pageinfo *pageinfo = &op.pageinfo;
	struct epcm_claim claims[2];

	TRY(paging_operands(cpu, rbx, rcx, rdx, &op.in));
	CHECK(op.in.target != op.in.va, leaf_gp());
	TRY(operand_read(cpu, rbx, ENCLS_READ, pageinfo, sizeof(*pageinfo)));
	CHECK(!pageinfo->linaddr, leaf_gp());
	CHECK(!pageinfo->secs, leaf_gp());
	CHECK(is_aligned(pageinfo->secinfo, sizeof(op.pcmd)), leaf_gp());
	CHECK(is_aligned(pageinfo->srcpge, SGX_PAGE_SIZE), leaf_gp());
	claims[0] = (struct epcm_claim){op.in.target, EPCM_EXCLUSIVE};
	claims[1] = (struct epcm_claim){op.in.va, EPCM_SHARED};

	TRY(seal_page(cpu, &op, claims));
	TRY(walk_outputs(cpu, &op, rbx));
	for (unsigned int attempt = 0;; attempt++) {
		CHECK(attempt < EWB_ATTEMPTS, leaf_gp());
		TRY(write_outputs(cpu, &op));
		TRY(give_up_page(cpu, &op, claims));
		TRY(seal_page(cpu, &op, claims));
	}
}
