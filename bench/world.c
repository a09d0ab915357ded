// SPDX-License-Identifier: GPL-2.0-or-later
#include "world.h"

#include "builder.h"
#include "harness.h"
#include "sgx/leaf.h"
#include "signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW        UINT64_C(0x10000000)
#define RAM_PAGES     1024
#define EPC_PAGES     1024
#define WINDOW_PAGES  4096
#define EPC_AT        (WINDOW + PAGES(1024))
#define ENCLAVE_AT    (WINDOW + PAGES(2048)) /* of the entered enclave */
#define BUILD_AT      (WINDOW + PAGES(3072)) /* of the ones under construction */
#define ENCLAVE_BYTES PAGES(512)
#define AEP           UINT64_C(0x7000)
#define BATCH         200 /* pages that one round evicts and loads */

/* Places in the EPC. */
enum {
	SECS_PAGE,
	TCS_PAGE,
	SSA_PAGE, /* two */
	DATA_PAGE = SSA_PAGE + 2,
	VA_PAGE,
	BATCH_PAGE = 16, /* BATCH children of the entered enclave */
	BUILD_SECS = BATCH_PAGE + BATCH + 16,
	BUILD_PAGE, /* and the rest of the EPC */
};

/* Places in the entered enclave. */
#define LIN_TCS   ENCLAVE_AT
#define LIN_SSA   (ENCLAVE_AT + PAGES(1))
#define LIN_DATA  (ENCLAVE_AT + PAGES(3))
#define LIN_BATCH (ENCLAVE_AT + PAGES(16))

/* Operands of EREPORT and EGETKEY in the data page. */
#define OFF_TARGETINFO 0
#define OFF_REPORTDATA 512
#define OFF_REPORT     1024
#define OFF_KEYREQUEST 1536
#define OFF_KEY        2048

struct world {
	struct embedder *embedder;
	struct builder builder;
	struct sgx_sigstruct sigstruct;
};

static gva_t epc_gva(unsigned int page)
{
	return EPC_AT + PAGES(page);
}

/* A leaf that fails would flatter the figures. */
static void must(struct leaf_result res, const char *what)
{
	if (leaf_succeeded(res))
		return;
	fprintf(stderr, "%s failed: kind %u vector %u value %d address %#llx\n", what, res.kind,
		res.vector, res.value, (unsigned long long)res.address);
	exit(EXIT_FAILURE);
}

static void encls(const struct builder *b, uint32_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx,
		  const char *what)
{
	must(run_encls(b->c, leaf, rbx, rcx, rdx), what);
}

static void enclu(const struct builder *b, uint32_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx,
		  const char *what)
{
	must(run_enclu(b->c, leaf, rbx, rcx, rdx), what);
}

/* Adds an EPC page to the entered enclave and maps it there. */
static void add(struct world *w, unsigned int epc_page, gva_t linaddr, uint64_t flags)
{
	must(build_page(&w->builder, epc_gva(SECS_PAGE), epc_gva(epc_page), linaddr, flags),
	     "EADD");
	embedder_map_epc(w->embedder, linaddr, epc_page, PTE_ALL);
}

static void einit(struct world *w, unsigned int secs_page)
{
	struct embedder *e = w->embedder;
	const gva_t sig = WINDOW + PAGES(4);
	const gva_t token = WINDOW + PAGES(5);
	struct epcm_entry *secs =
		epc_lookup(&e->platform.epc, e->config.epc_hpa + PAGES(secs_page));

	signer_describe(epcm_page(secs), &w->sigstruct);
	sign(&w->sigstruct, SIGNER_A);
	signer_hash(SIGNER_A, (uint8_t *)w->builder.c->cpu.lepubkeyhash);
	memcpy(builder_ram(&w->builder, sig), &w->sigstruct, sizeof(w->sigstruct));
	memset(builder_ram(&w->builder, token), 0, sizeof(struct sgx_einittoken));
	encls(&w->builder, EINIT, sig, epc_gva(secs_page), token, "EINIT");
}

static void build_enclave(struct world *w)
{
	const struct builder *b = &w->builder;
	const struct sgx_tcs tcs = {
		.ossa = PAGES(1), .nssa = 2, .oentry = PAGES(3), .fs_limit = -1, .gs_limit = -1};
	const uint64_t rw = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W;

	must(build_secs(b, epc_gva(SECS_PAGE), ENCLAVE_AT, ENCLAVE_BYTES, 0), "ECREATE");
	must(build_tcs(b, epc_gva(SECS_PAGE), epc_gva(TCS_PAGE), LIN_TCS, &tcs), "EADD");
	embedder_map_epc(w->embedder, LIN_TCS, TCS_PAGE, PTE_ALL);
	memset(builder_ram(b, b->source), 0x5a, SGX_PAGE_SIZE);
	add(w, SSA_PAGE, LIN_SSA, rw);
	add(w, SSA_PAGE + 1, LIN_SSA + PAGES(1), rw);
	memset(builder_ram(b, b->source), 0, SGX_PAGE_SIZE);
	((struct sgx_keyrequest *)((uint8_t *)builder_ram(b, b->source) + OFF_KEYREQUEST))
		->keyname = SGX_KEYNAME_SEAL;
	add(w, DATA_PAGE, LIN_DATA, rw);
	for (unsigned int i = 0; i < BATCH; i++)
		add(w, BATCH_PAGE + i, LIN_BATCH + PAGES(i), rw);
	einit(w, SECS_PAGE);
	encls(b, EPA, SGX_PAGE_TYPE_VA, epc_gva(VA_PAGE), 0, "EPA");
}

static struct embedder *new_embedder(void)
{
	const struct embedder_config config = {
		.window = WINDOW,
		.window_pages = WINDOW_PAGES,
		.ram_pages = RAM_PAGES,
		.epc_pages = EPC_PAGES,
		.epc_hpa = UINT64_C(0x180000000),
		.cpus = 2,
	};
	struct embedder *embedder = embedder_new(&config);

	for (unsigned int i = 0; embedder && i < EPC_PAGES; i++)
		embedder_map_epc(embedder, epc_gva(i), i, PTE_ALL);
	return embedder;
}

struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w)
		w->embedder = new_embedder();
	if (!w || !w->embedder) {
		fprintf(stderr, "out of memory\n");
		free(w);
		return NULL;
	}
	w->builder = builder_for(w->embedder, 0, WINDOW);
	build_enclave(w);
	return w;
}

void world_free(struct world *w)
{
	embedder_free(w->embedder);
	free(w);
}

/* EADD and 16 EEXTENDs of each of @iterations pages; Return: ns. */
static uint64_t add_measured(const struct builder *b, unsigned int secs_page,
			     unsigned int first_page, gva_t base, unsigned int iterations)
{
	const uint64_t flags = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_X;
	uint64_t start, elapsed;

	must(build_secs(b, epc_gva(secs_page), base, ENCLAVE_BYTES, 0), "ECREATE");
	memset(builder_ram(b, b->source), 0x5a, SGX_PAGE_SIZE);
	start = bench_now_ns();
	for (unsigned int i = 0; i < iterations; i++) {
		must(build_page(b, epc_gva(secs_page), epc_gva(first_page + i), base + PAGES(i),
				flags),
		     "EADD");
		must(build_measure(b, epc_gva(secs_page), epc_gva(first_page + i)), "EEXTEND");
	}
	elapsed = bench_now_ns() - start;
	for (unsigned int i = 0; i < iterations; i++)
		encls(b, EREMOVE, 0, epc_gva(first_page + i), 0, "EREMOVE");
	encls(b, EREMOVE, 0, epc_gva(secs_page), 0, "EREMOVE");
	return elapsed;
}

uint64_t world_add_measured(void *ctx, unsigned int iterations)
{
	struct world *w = ctx;

	return add_measured(&w->builder, BUILD_SECS, BUILD_PAGE, BUILD_AT, iterations);
}

uint64_t world_add_on_cpu(struct world *w, unsigned int cpu, unsigned int iterations)
{
	const struct builder b = builder_for(w->embedder, cpu, WINDOW + PAGES(2 * cpu));
	unsigned int secs = BUILD_SECS + cpu * (BATCH + 64);

	return add_measured(&b, secs, secs + 1, BUILD_AT, iterations);
}

/* Where page @i of the batch lives outside: contents and PCMD. */
static gva_t blob_gva(unsigned int i)
{
	return WINDOW + PAGES(16 + i);
}

static gva_t blob_pcmd_gva(unsigned int i)
{
	return WINDOW + PAGES(16 + BATCH) + i * sizeof(struct sgx_pcmd);
}

static gva_t set_blob(struct world *w, unsigned int i, gva_t linaddr, gva_t secs)
{
	*builder_pageinfo(&w->builder) = (struct sgx_pageinfo){
		.linaddr = linaddr,
		.srcpge = blob_gva(i),
		.secinfo = blob_pcmd_gva(i),
		.secs = secs,
	};
	return w->builder.args;
}

static void block_batch(struct world *w, unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++)
		encls(&w->builder, EBLOCK, 0, epc_gva(BATCH_PAGE + i), 0, "EBLOCK");
	encls(&w->builder, ETRACK, 0, epc_gva(SECS_PAGE), 0, "ETRACK");
}

static void evict_batch(struct world *w, unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++)
		encls(&w->builder, EWB, set_blob(w, i, 0, 0), epc_gva(BATCH_PAGE + i),
		      epc_gva(VA_PAGE) + i * 8, "EWB");
}

static void load_batch(struct world *w, unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++)
		encls(&w->builder, ELDU, set_blob(w, i, LIN_BATCH + PAGES(i), epc_gva(SECS_PAGE)),
		      epc_gva(BATCH_PAGE + i), epc_gva(VA_PAGE) + i * 8, "ELDU");
}

uint64_t world_ewb(void *ctx, unsigned int iterations)
{
	uint64_t start, elapsed;

	block_batch(ctx, iterations);
	start = bench_now_ns();
	evict_batch(ctx, iterations);
	elapsed = bench_now_ns() - start;
	load_batch(ctx, iterations);
	return elapsed;
}

uint64_t world_eldu(void *ctx, unsigned int iterations)
{
	uint64_t start;

	block_batch(ctx, iterations);
	evict_batch(ctx, iterations);
	start = bench_now_ns();
	load_batch(ctx, iterations);
	return bench_now_ns() - start;
}

/* One enclave initialised again and again: its SECS is put back in between. */
uint64_t world_einit(void *ctx, unsigned int iterations)
{
	struct world *w = ctx;
	struct embedder *e = w->embedder;
	const struct builder *b = &w->builder;
	struct epcm_entry *secs =
		epc_lookup(&e->platform.epc, e->config.epc_hpa + PAGES(BUILD_SECS));
	uint8_t before[SGX_PAGE_SIZE];
	uint64_t start, elapsed = 0;

	must(build_secs(b, epc_gva(BUILD_SECS), BUILD_AT, ENCLAVE_BYTES, 0), "ECREATE");
	memcpy(before, epcm_page(secs), sizeof(before));
	einit(w, BUILD_SECS);
	for (unsigned int i = 0; i < iterations; i++) {
		memcpy(epcm_page(secs), before, sizeof(before));
		start = bench_now_ns();
		encls(b, EINIT, WINDOW + PAGES(4), epc_gva(BUILD_SECS), WINDOW + PAGES(5), "EINIT");
		elapsed += bench_now_ns() - start;
	}
	encls(b, EREMOVE, 0, epc_gva(BUILD_SECS), 0, "EREMOVE");
	return elapsed;
}

static void enter(struct world *w)
{
	enclu(&w->builder, EENTER, LIN_TCS, AEP, 0, "EENTER");
}

static void leave(struct world *w)
{
	enclu(&w->builder, EEXIT, AEP, 0, 0, "EEXIT");
}

uint64_t world_ereport(void *ctx, unsigned int iterations)
{
	struct world *w = ctx;
	uint64_t start, elapsed;

	enter(w);
	start = bench_now_ns();
	for (unsigned int i = 0; i < iterations; i++)
		enclu(&w->builder, EREPORT, LIN_DATA + OFF_TARGETINFO, LIN_DATA + OFF_REPORTDATA,
		      LIN_DATA + OFF_REPORT, "EREPORT");
	elapsed = bench_now_ns() - start;
	leave(w);
	return elapsed;
}

uint64_t world_egetkey(void *ctx, unsigned int iterations)
{
	struct world *w = ctx;
	uint64_t start, elapsed;

	enter(w);
	start = bench_now_ns();
	for (unsigned int i = 0; i < iterations; i++)
		enclu(&w->builder, EGETKEY, LIN_DATA + OFF_KEYREQUEST, LIN_DATA + OFF_KEY, 0,
		      "EGETKEY");
	elapsed = bench_now_ns() - start;
	leave(w);
	return elapsed;
}

uint64_t world_enter_exit(void *ctx, unsigned int iterations)
{
	uint64_t start = bench_now_ns();

	for (unsigned int i = 0; i < iterations; i++) {
		enter(ctx);
		leave(ctx);
	}
	return bench_now_ns() - start;
}

uint64_t world_aex_resume(void *ctx, unsigned int iterations)
{
	struct world *w = ctx;
	struct sgx_event interrupt = {.type = SGX_EVENT_INTERRUPT};
	uint64_t start, elapsed;

	enter(w);
	start = bench_now_ns();
	for (unsigned int i = 0; i < iterations; i++) {
		sgx_aex(&w->builder.c->cpu, &interrupt);
		enclu(&w->builder, ERESUME, LIN_TCS, AEP, 0, "ERESUME");
	}
	elapsed = bench_now_ns() - start;
	leave(w);
	return elapsed;
}

uint64_t world_epa_eremove(void *ctx, unsigned int iterations)
{
	struct world *w = ctx;
	uint64_t start = bench_now_ns();

	for (unsigned int i = 0; i < iterations; i++) {
		encls(&w->builder, EPA, SGX_PAGE_TYPE_VA, epc_gva(BUILD_PAGE), 0, "EPA");
		encls(&w->builder, EREMOVE, 0, epc_gva(BUILD_PAGE), 0, "EREMOVE");
	}
	return bench_now_ns() - start;
}

/* The operand of EACCEPT lies in the data page; entering and leaving is not counted. */
uint64_t world_eaug_eaccept(void *ctx, unsigned int iterations)
{
	struct world *w = ctx;
	const struct builder *b = &w->builder;
	const gva_t linaddr = LIN_BATCH + PAGES(BATCH);
	struct epcm_entry *data = epc_lookup(&w->embedder->platform.epc,
					     w->embedder->config.epc_hpa + PAGES(DATA_PAGE));
	struct sgx_secinfo *secinfo =
		(struct sgx_secinfo *)((uint8_t *)epcm_page(data) + SGX_PAGE_SIZE / 2 + 512);
	uint64_t start, elapsed = 0;

	secinfo->flags = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W | EPCM_PENDING;
	embedder_map_epc(w->embedder, linaddr, BUILD_PAGE, PTE_ALL);
	for (unsigned int i = 0; i < iterations; i++) {
		start = bench_now_ns();
		*builder_pageinfo(b) =
			(struct sgx_pageinfo){.linaddr = linaddr, .secs = epc_gva(SECS_PAGE)};
		encls(b, EAUG, b->args, epc_gva(BUILD_PAGE), 0, "EAUG");
		elapsed += bench_now_ns() - start;
		enter(w);
		start = bench_now_ns();
		enclu(b, EACCEPT, LIN_DATA + SGX_PAGE_SIZE / 2 + 512, linaddr, 0, "EACCEPT");
		elapsed += bench_now_ns() - start;
		leave(w);
		start = bench_now_ns();
		encls(b, EREMOVE, 0, epc_gva(BUILD_PAGE), 0, "EREMOVE");
		elapsed += bench_now_ns() - start;
	}
	return elapsed;
}

uint64_t world_check_access(void *ctx, unsigned int iterations)
{
	struct world *w = ctx;
	const struct sgx_place place = {.is_epc = true,
					.hpa = w->embedder->config.epc_hpa + PAGES(DATA_PAGE)};
	unsigned int allowed = 0;
	uint64_t start, elapsed;

	enter(w);
	start = bench_now_ns();
	for (unsigned int i = 0; i < iterations; i++) {
		struct sgx_access access = sgx_check_access(&w->builder.c->cpu, LIN_DATA + i % 4096,
							    ENCLU_WRITE, &place);

		allowed += access.verdict == SGX_ACCESS_ALLOW;
	}
	elapsed = bench_now_ns() - start;
	leave(w);
	if (allowed != iterations)
		fprintf(stderr, "an access was refused\n");
	return elapsed;
}
