// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processors hammer leaves on shared pages for a bounded time. Meant for
 * ThreadSanitizer: what two leaves do to one page must be ordered by its locks
 * or atomic. Afterwards the EPCM is sound: counts agree, no lock was left.
 */
#include "builder.h"
#include "invariants.h"
#include "sgx/operand.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

#define WINDOW        UINT64_C(0x10000000)
#define CPUS          4
#define RAM_PAGES     (CPUS * 4)
#define EPC_PAGES     16
#define EPC_AT        (WINDOW + PAGES(64))
#define ENCLAVE_AT    (WINDOW + PAGES(128)) /* two of 16 pages */
#define ENCLAVE_BYTES PAGES(16)
#define AEP           UINT64_C(0x7000)
#define SECONDS       2

struct hammer {
	struct embedder *embedder;
	struct builder builder;
	pthread_t thread;
	unsigned int cpu;
	uint64_t seed;
	uint64_t deadline_ns;
	uint64_t succeeded;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

/* xorshift64*: repeatable for a seed, and each thread has its own. */
static uint32_t draw(struct hammer *h, uint32_t below)
{
	h->seed ^= h->seed >> 12;
	h->seed ^= h->seed << 25;
	h->seed ^= h->seed >> 27;
	return (uint32_t)((h->seed * UINT64_C(0x2545F4914F6CDD1D)) >> 33) % below;
}

static gva_t any_epc(struct hammer *h)
{
	return EPC_AT + PAGES(draw(h, EPC_PAGES));
}

/* Linear page i of each enclave is EPC page i: who adds it elsewhere has a useless page. */
static gva_t any_linear(struct hammer *h)
{
	return ENCLAVE_AT + PAGES(draw(h, 32));
}

static gva_t blob(const struct hammer *h)
{
	return h->builder.args + PAGES(2);
}

static struct leaf_result page_out(struct hammer *h, gva_t epc)
{
	*builder_pageinfo(&h->builder) =
		(struct sgx_pageinfo){.srcpge = blob(h), .secinfo = builder_pcmd_gva(&h->builder)};
	return run_encls(h->builder.c, EWB, h->builder.args, epc, any_epc(h) + draw(h, 4) * 8);
}

static struct leaf_result page_in(struct hammer *h, gva_t epc)
{
	*builder_pageinfo(&h->builder) = (struct sgx_pageinfo){
		.srcpge = blob(h),
		.secinfo = builder_pcmd_gva(&h->builder),
		.linaddr = any_linear(h),
		.secs = any_epc(h),
	};
	return run_encls(h->builder.c, draw(h, 2) ? ELDU : ELDB, h->builder.args, epc,
			 any_epc(h) + draw(h, 4) * 8);
}

static struct leaf_result add(struct hammer *h, gva_t epc)
{
	const struct builder *b = &h->builder;
	const struct sgx_tcs tcs = {.ossa = PAGES(1), .nssa = 2, .fs_limit = -1, .gs_limit = -1};
	const uint64_t rw = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W;

	switch (draw(h, 4)) {
	case 0:
		return build_secs(b, epc, ENCLAVE_AT + ENCLAVE_BYTES * draw(h, 2), ENCLAVE_BYTES,
				  SGX_ATTR_DEBUG);
	case 1:
		return build_tcs(b, any_epc(h), epc, any_linear(h), &tcs);
	case 2:
		return run_encls(b->c, EPA, SGX_PAGE_TYPE_VA, epc, 0);
	default:
		return build_page(b, any_epc(h), epc, any_linear(h), rw);
	}
}

static struct leaf_result augment(struct hammer *h, gva_t epc)
{
	*builder_pageinfo(&h->builder) =
		(struct sgx_pageinfo){.linaddr = any_linear(h), .secs = any_epc(h)};
	return run_encls(h->builder.c, EAUG, h->builder.args, epc, 0);
}

static struct leaf_result modify(struct hammer *h, gva_t epc)
{
	bool restrict_rights = draw(h, 2);
	uint64_t flags = restrict_rights
				 ? EPCM_R
				 : EPCM_PT(draw(h, 2) ? SGX_PAGE_TYPE_TRIM : SGX_PAGE_TYPE_TCS);

	builder_set(&h->builder, 0, 0, flags);
	return run_encls(h->builder.c, restrict_rights ? EMODPR : EMODT,
			 builder_secinfo_gva(&h->builder), epc, 0);
}

/* Read, write or leave, as an enclave's thread does; the processor is inside. */
static struct leaf_result inside(struct hammer *h)
{
	struct embedder_cpu *c = h->builder.c;
	struct sgx_event interrupt = {.type = SGX_EVENT_INTERRUPT};
	gva_t gva = any_linear(h);
	struct sgx_place place = {.is_epc = true,
				  .hpa = h->embedder->config.epc_hpa + PAGES(draw(h, EPC_PAGES))};

	switch (draw(h, 6)) {
	case 0:
		return run_enclu(c, EEXIT, AEP, 0, 0);
	case 1:
		sgx_aex(&c->cpu, &interrupt);
		return (struct leaf_result){.kind = LEAF_OK};
	case 2:
		return run_enclu(c, EACCEPT, any_linear(h), any_linear(h), 0);
	case 3:
		return run_enclu(c, EACCEPTCOPY, any_linear(h), any_linear(h), any_linear(h));
	case 4:
		return run_enclu(c, draw(h, 2) ? EGETKEY : EMODPE, any_linear(h), any_linear(h), 0);
	default:
		sgx_check_access(&c->cpu, gva, ENCLU_WRITE, &place);
		return (struct leaf_result){.kind = LEAF_OK};
	}
}

/* EINIT wants a signature; here only the bit that the other leaves ask for matters. */
static struct leaf_result initialise(struct hammer *h)
{
	struct epcm_entry *e = embedder_epcm(h->embedder, draw(h, EPC_PAGES));

	if (!epcm_lock(e, EPCM_SHARED))
		return (struct leaf_result){.kind = LEAF_OK};
	if (epcm_is(epcm_state(e), SGX_PAGE_TYPE_SECS)) {
		struct sgx_secs *secs = epcm_page(e);

		__atomic_fetch_or(&secs->attributes, SGX_ATTR_INIT, __ATOMIC_RELEASE);
	}
	epcm_unlock(e, EPCM_SHARED);
	return (struct leaf_result){.kind = LEAF_OK};
}

static struct leaf_result step(struct hammer *h)
{
	struct embedder_cpu *c = h->builder.c;
	gva_t epc = any_epc(h);

	if (sgx_in_enclave(&c->cpu))
		return inside(h);
	switch (draw(h, 12)) {
	case 0:
	case 1:
		return add(h, epc);
	case 2:
		return run_encls(c, EREMOVE, 0, epc, 0);
	case 3:
		return run_encls(c, EBLOCK, 0, epc, 0);
	case 4:
		return run_encls(c, ETRACK, 0, epc, 0);
	case 5:
		return page_out(h, epc);
	case 6:
		return page_in(h, epc);
	case 7:
		return augment(h, epc);
	case 8:
		return modify(h, epc);
	case 9:
		return initialise(h);
	case 10:
		return run_encls(c, draw(h, 2) ? EEXTEND : EDBGWR, draw(h, 2) ? any_epc(h) : 0x5a5a,
				 epc + draw(h, 16) * 256, 0);
	default:
		return run_enclu(c, draw(h, 2) ? EENTER : ERESUME, any_linear(h), AEP, 0);
	}
}

static void *hammer(void *arg)
{
	struct hammer *h = arg;

	while (now_ns() < h->deadline_ns)
		for (unsigned int i = 0; i < 64; i++)
			h->succeeded += leaf_succeeded(step(h));
	/* Stay inside: the invariants must hold then, too. */
	return NULL;
}

static struct embedder *new_embedder(void)
{
	const struct embedder_config config = {
		.window = WINDOW,
		.window_pages = 192,
		.ram_pages = RAM_PAGES,
		.epc_pages = EPC_PAGES,
		.epc_hpa = UINT64_C(0x180000000),
		.cpus = CPUS,
	};
	struct embedder *embedder = embedder_new(&config);

	assert_non_null(embedder);
	for (unsigned int i = 0; i < EPC_PAGES; i++) {
		embedder_map_epc(embedder, EPC_AT + PAGES(i), i, PTE_ALL);
		embedder_map_epc(embedder, ENCLAVE_AT + PAGES(i), i, PTE_ALL);
		embedder_map_epc(embedder, ENCLAVE_AT + ENCLAVE_BYTES + PAGES(i), i, PTE_ALL);
	}
	return embedder;
}

static void leaves_on_shared_pages_keep_epcm_sound(void **state)
{
	struct embedder *embedder = new_embedder();
	struct hammer hammers[CPUS];
	uint64_t succeeded = 0;
	const char *violation;

	for (unsigned int i = 0; i < CPUS; i++) {
		hammers[i] = (struct hammer){
			.embedder = embedder,
			.builder = builder_for(embedder, i, WINDOW + PAGES(4 * i)),
			.seed = 0x9E3779B97F4A7C15 + i,
			.deadline_ns = now_ns() + SECONDS * UINT64_C(1000000000),
		};
		assert_int_equal(pthread_create(&hammers[i].thread, NULL, hammer, &hammers[i]), 0);
	}
	for (unsigned int i = 0; i < CPUS; i++) {
		pthread_join(hammers[i].thread, NULL);
		succeeded += hammers[i].succeeded;
	}
	violation = epcm_find_violation(embedder);
	if (violation)
		fail_msg("%s", violation);
	/* A hammer that hits nothing proves nothing. */
	assert_true(succeeded > 1000);
	embedder_free(embedder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_on_shared_pages_keep_epcm_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
