// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processors hammer random leaves on shared pages. Meant for ThreadSanitizer: what
 * two leaves do to one page must be ordered by its locks or atomic. Nobody waits in
 * vain, and afterwards the EPCM is sound: counts agree, no lock was left.
 */
#include "arena.h"

#include "sgx/operand.h"
#include "sgx/secs.h"

#include <string.h>

/*
 * Few enough to meet. Each enclave has a home for its SECS, an SSA page behind it,
 * and linear page i where EPC page i is mapped: what is built there works, so that
 * threads get inside. The rest of the time pages go anywhere.
 */
#define SHARED_PAGES 16
#define HOME(e)      (8 * (e))

static gva_t any_epc(struct thread *t)
{
	return epc_gva(draw(t, SHARED_PAGES));
}

static gva_t any_slot(struct thread *t)
{
	return any_epc(t) + draw(t, 4) * 8;
}

static gva_t any_linear(struct thread *t)
{
	return enclave_gva(draw(t, 2 * SHARED_PAGES));
}

static struct leaf_result add(struct thread *t)
{
	const struct builder *b = &t->builder;
	const unsigned int enclave = draw(t, 2), page = draw(t, SHARED_PAGES);
	const bool astray = !draw(t, 8);
	const gva_t secs = astray ? any_epc(t) : epc_gva(HOME(enclave));
	const gva_t linaddr = astray ? any_linear(t) : enclave_gva(enclave * SHARED_PAGES + page);
	const uint64_t rw = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W;
	const struct sgx_tcs tcs = {.ossa = PAGES(HOME(enclave) + 1), .nssa = 2};
	const gva_t ssa = enclave_gva(enclave * SHARED_PAGES + HOME(enclave) + 1);

	memset(builder_ram(b, b->source), 0, SGX_PAGE_SIZE);
	switch (draw(t, 8)) {
	case 0:
	case 1:
		return build_secs(b, secs, ENCLAVE_AT + ENCLAVE_BYTES * enclave, ENCLAVE_BYTES,
				  SGX_ATTR_DEBUG);
	case 2:
	case 3:
		return build_tcs(b, secs, epc_gva(page), linaddr, &tcs);
	case 4:
		return encls(t, EPA, SGX_PAGE_TYPE_VA, epc_gva(page), 0);
	case 5:
		return build_page(b, secs, epc_gva(HOME(enclave) + 1), ssa, rw);
	default:
		return build_page(b, secs, epc_gva(page), linaddr, rw);
	}
}

static struct leaf_result modify(struct thread *t, gva_t epc)
{
	bool restrict_rights = draw(t, 2);
	uint64_t flags = restrict_rights
				 ? EPCM_R
				 : EPCM_PT(draw(t, 2) ? SGX_PAGE_TYPE_TRIM : SGX_PAGE_TYPE_TCS);

	builder_set(&t->builder, 0, 0, flags);
	return encls(t, restrict_rights ? EMODPR : EMODT, builder_secinfo_gva(&t->builder), epc, 0);
}

/* Read, write or leave, as an enclave's thread does; the processor is inside. */
static struct leaf_result inside(struct thread *t)
{
	struct embedder_cpu *c = t->builder.c;
	struct sgx_event interrupt = {.type = SGX_EVENT_INTERRUPT};
	struct sgx_place place = {.is_epc = true, .hpa = EPC_HPA + PAGES(draw(t, SHARED_PAGES))};

	switch (draw(t, 6)) {
	case 0:
		return enclu(t, EEXIT, AEP, 0, 0);
	case 1:
		sgx_aex(&c->cpu, &interrupt);
		return (struct leaf_result){.kind = LEAF_OK};
	case 2:
		return enclu(t, EACCEPT, any_linear(t), any_linear(t), 0);
	case 3:
		return enclu(t, EACCEPTCOPY, any_linear(t), any_linear(t), any_linear(t));
	case 4:
		return enclu(t, draw(t, 2) ? EGETKEY : EMODPE, any_linear(t), any_linear(t), 0);
	default:
		sgx_check_access(&c->cpu, any_linear(t), ENCLU_WRITE, &place);
		return (struct leaf_result){.kind = LEAF_OK};
	}
}

/* EINIT wants a signature; here only the bit that the other leaves ask for matters. */
static struct leaf_result initialise(struct thread *t)
{
	struct epcm_entry *e = entry_of(t->arena, draw(t, SHARED_PAGES));

	if (!expect(t, epcm_lock(e, EPCM_SHARED), "a page could not be locked"))
		return (struct leaf_result){.kind = LEAF_OK};
	if (epcm_is(epcm_state(e), SGX_PAGE_TYPE_SECS))
		__atomic_fetch_or(&secs_of(e)->attributes, SGX_ATTR_INIT, __ATOMIC_RELEASE);
	epcm_unlock(e, EPCM_SHARED);
	return (struct leaf_result){.kind = LEAF_OK};
}

static struct leaf_result step(struct thread *t)
{
	gva_t epc = any_epc(t);

	if (sgx_in_enclave(&t->builder.c->cpu))
		return inside(t);
	switch (draw(t, 12)) {
	case 0:
	case 1:
		return add(t);
	case 2:
		return encls(t, EREMOVE, 0, epc, 0);
	case 3:
		return encls(t, EBLOCK, 0, epc, 0);
	case 4:
		return encls(t, ETRACK, 0, epc, 0);
	case 5:
		return page_out(t, epc, any_slot(t));
	case 6:
		return page_in(t, draw(t, 2) ? ELDU : ELDB, epc, any_slot(t), any_linear(t),
			       any_epc(t));
	case 7:
		return augment(t, epc, any_linear(t), any_epc(t));
	case 8:
		return modify(t, epc);
	case 9:
		return initialise(t);
	case 10:
		return encls(t, draw(t, 2) ? EEXTEND : EDBGWR, draw(t, 2) ? any_epc(t) : 0x5a5a,
			     epc + draw(t, 16) * 256, 0);
	default:
		return enclu(t, draw(t, 2) ? EENTER : ERESUME, any_linear(t), AEP, 0);
	}
}

enum {
	SUCCEEDED,
	SUCCEEDED_INSIDE,
};

/* At the end some stay inside: the invariants must hold then, too. */
static void hammer(struct thread *t)
{
	for (unsigned int i = 0; i < 64; i++) {
		bool is_inside = sgx_in_enclave(&t->builder.c->cpu);

		t->count[is_inside ? SUCCEEDED_INSIDE : SUCCEEDED] += leaf_succeeded(step(t));
	}
}

static void leaves_on_shared_pages_keep_epcm_sound(void **state)
{
	struct arena *arena = *state;

	for (unsigned int i = 0; i < 2 * SHARED_PAGES; i++)
		embedder_map_epc(arena->embedder, enclave_gva(i), i % SHARED_PAGES, PTE_ALL);
	for (unsigned int i = 0; i < CPUS; i++)
		arena_add(arena, hammer);
	arena->steps = 200;
	arena_run(arena, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		arena_test(leaves_on_shared_pages_keep_epcm_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
