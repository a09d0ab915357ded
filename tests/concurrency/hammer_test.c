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
 * Pages are few enough to meet. EPC page i is mapped at linear page i of both
 * enclaves, and each enclave has a place for every page that its threads need, so
 * that they get inside. What software may not do, or would have to expect, is left
 * out: two threads with one SSA frame, operands that are written meanwhile.
 */
#define SHARED_PAGES 16
#define HOME(e)      (8 * (e))
enum home {
	AT_SECS,
	AT_SSA,
	AT_TCS = AT_SSA + 2, /* two of each */
	AT_OPERANDS = AT_TCS + 2,
	AT_SOURCE,
	AT_PLAY,
};

/* In the page at AT_OPERANDS. */
#define NR_SECINFOS   4
#define AT_KEYREQUEST 0x200
#define AT_KEY        0x400 /* one for each thread */

static const struct sgx_secinfo secinfos[NR_SECINFOS] = {
	{.flags = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W | EPCM_PENDING},
	{.flags = EPCM_PT(SGX_PAGE_TYPE_TRIM) | EPCM_MODIFIED},
	{.flags = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_PR},
	{.flags = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W}, /* EACCEPTCOPY, EMODPE */
};

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

static gva_t linear(unsigned int enclave, unsigned int place)
{
	return enclave_gva(enclave * SHARED_PAGES + HOME(enclave) + place);
}

static struct leaf_result add_page(struct thread *t, unsigned int enclave, unsigned int place)
{
	const struct builder *b = &t->builder;
	const uint64_t rw = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W;
	const gva_t secs = epc_gva(HOME(enclave)), epc = epc_gva(HOME(enclave) + place);
	struct sgx_tcs tcs = {.nssa = 1};

	memset(builder_ram(b, b->source), 0, SGX_PAGE_SIZE);
	switch (place) {
	case AT_SECS:
		return build_secs(b, secs, ENCLAVE_AT + ENCLAVE_BYTES * enclave, ENCLAVE_BYTES,
				  SGX_ATTR_DEBUG);
	case AT_TCS:
	case AT_TCS + 1:
		tcs.ossa = PAGES(HOME(enclave) + AT_SSA + place - AT_TCS);
		return build_tcs(b, secs, epc, linear(enclave, place), &tcs);
	case AT_OPERANDS:
		memcpy(builder_ram(b, b->source), secinfos, sizeof(secinfos));
		break;
	}
	return build_page(b, secs, epc, linear(enclave, place), rw);
}

static struct leaf_result add(struct thread *t)
{
	const uint64_t rw = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W;

	switch (draw(t, 16)) {
	case 0:
		return encls(t, EPA, SGX_PAGE_TYPE_VA, any_epc(t), 0);
	case 1:
		return build_page(&t->builder, any_epc(t), any_epc(t), any_linear(t), rw);
	default:
		return add_page(t, draw(t, 2), draw(t, 8));
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
	const unsigned int enclave = c->cpu.enclave.base != ENCLAVE_AT;
	const gva_t operands = linear(enclave, AT_OPERANDS);
	const gva_t secinfo = operands + draw(t, NR_SECINFOS) * sizeof(secinfos[0]);

	switch (draw(t, 8)) {
	case 0:
		return enclu(t, EEXIT, AEP, 0, 0);
	case 1:
		sgx_aex(&c->cpu, &interrupt);
		return (struct leaf_result){.kind = LEAF_OK};
	case 2:
	case 3:
		return enclu(t, EACCEPT, secinfo, any_linear(t), 0);
	case 4:
		return enclu(t, EACCEPTCOPY, operands + sizeof(secinfos) - sizeof(secinfos[0]),
			     any_linear(t), linear(enclave, AT_SOURCE));
	case 5:
		return enclu(t, EMODPE, secinfo, any_linear(t), 0);
	case 6:
		return enclu(t, EGETKEY, operands + AT_KEYREQUEST,
			     operands + AT_KEY + t->index * SGX_KEY_SIZE, 0);
	default:
		sgx_check_access(&c->cpu, any_linear(t), ENCLU_WRITE, &place);
		return (struct leaf_result){.kind = LEAF_OK};
	}
}

/* EINIT wants a signature; here only the bit that the other leaves ask for matters. */
static struct leaf_result initialise(struct thread *t)
{
	struct epcm_entry *e = entry_of(t->arena, HOME(draw(t, 2)));

	if (!expect(t, epcm_lock_sgx2(e), "a page could not be locked"))
		return (struct leaf_result){.kind = LEAF_OK};
	if (epcm_is(epcm_state(e), SGX_PAGE_TYPE_SECS) && !secs_is_initialised(secs_of(e)))
		__atomic_fetch_or(&secs_of(e)->attributes, SGX_ATTR_INIT, __ATOMIC_RELEASE);
	epcm_unlock_sgx2(e);
	return (struct leaf_result){.kind = LEAF_OK};
}

/* By a page that is a TCS, as far as one knows. */
static struct leaf_result enter(struct thread *t)
{
	const unsigned int first = draw(t, SHARED_PAGES);
	gva_t tcs = any_linear(t);

	for (unsigned int i = 0; i < SHARED_PAGES; i++) {
		const struct epcm_entry *e = entry_of(t->arena, (first + i) % SHARED_PAGES);

		if (epcm_is(epcm_state(e), SGX_PAGE_TYPE_TCS)) {
			tcs = epcm_linaddr(e);
			break;
		}
	}
	return enclu(t, draw(t, 2) ? EENTER : ERESUME, tcs, AEP, 0);
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
		if (draw(t, 2))
			return encls(t, EEXTEND, epc_gva(HOME(draw(t, 2))), epc + draw(t, 16) * 256,
				     0);
		return encls(t, EDBGWR, 0x5a5a, epc_gva(HOME(draw(t, 2)) + AT_PLAY), 0);
	default:
		return enter(t);
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
