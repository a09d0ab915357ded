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

/* RAM behind the builders' pages. */
#define SIGSTRUCT_AT (WINDOW + PAGES(4))
#define TOKEN_AT     (WINDOW + PAGES(5))
#define BLOBS_AT     (WINDOW + PAGES(16)) /* contents, then PCMDs */

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
#define LIN_AUG   (LIN_BATCH + PAGES(BATCH))

/* Operands of EREPORT, EGETKEY and EACCEPT in the data page. */
#define OFF_TARGETINFO 0
#define OFF_REPORTDATA 512
#define OFF_REPORT     1024
#define OFF_KEYREQUEST 1536
#define OFF_KEY        2048
#define OFF_SECINFO    2560

#define REG_RW (EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W)

struct world {
	struct embedder *embedder;
	struct builder builder;
};

static gva_t epc_gva(unsigned int page)
{
	return EPC_AT + PAGES(page);
}

static void give_up(const char *why)
{
	fprintf(stderr, "sgx-bench: %s\n", why);
	exit(EXIT_FAILURE);
}

/* A leaf that fails would flatter the figures. */
static void must(struct leaf_result res, const char *what)
{
	if (leaf_succeeded(res))
		return;
	fprintf(stderr, "kind %u vector %u value %d address %#llx\n", res.kind, res.vector,
		res.value, (unsigned long long)res.address);
	give_up(what);
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

/* Adds a page to the entered enclave, with what the source page holds, and maps it there. */
static void add(struct world *w, unsigned int epc_page, gva_t linaddr)
{
	must(build_page(&w->builder, epc_gva(SECS_PAGE), epc_gva(epc_page), linaddr, REG_RW),
	     "EADD");
	embedder_map_epc(w->embedder, linaddr, epc_page, PTE_ALL);
}

static void sign_enclave(struct world *w, unsigned int secs_page)
{
	const struct builder *b = &w->builder;
	struct sgx_sigstruct *sig = builder_ram(b, SIGSTRUCT_AT);

	signer_describe(epcm_page(embedder_epcm(w->embedder, secs_page)), sig);
	sign(sig, SIGNER_A);
	signer_hash(SIGNER_A, (uint8_t *)b->c->cpu.lepubkeyhash);
	memset(builder_ram(b, TOKEN_AT), 0, sizeof(struct sgx_einittoken));
}

static void einit(struct world *w, unsigned int secs_page)
{
	encls(&w->builder, EINIT, SIGSTRUCT_AT, epc_gva(secs_page), TOKEN_AT, "EINIT");
}

static void ecreate(const struct builder *b, unsigned int secs_page, gva_t base)
{
	must(build_secs(b, epc_gva(secs_page), base, ENCLAVE_BYTES, 0), "ECREATE");
}

static void eremove(const struct builder *b, unsigned int epc_page)
{
	encls(b, EREMOVE, 0, epc_gva(epc_page), 0, "EREMOVE");
}

/* With the operands of the enclave's leaves, which nobody can write into it later. */
static void add_data_page(struct world *w)
{
	uint8_t *source = builder_ram(&w->builder, w->builder.source);
	struct sgx_keyrequest *request = (struct sgx_keyrequest *)(source + OFF_KEYREQUEST);
	struct sgx_secinfo *secinfo = (struct sgx_secinfo *)(source + OFF_SECINFO);

	memset(source, 0, SGX_PAGE_SIZE);
	request->keyname = SGX_KEYNAME_SEAL;
	secinfo->flags = REG_RW | EPCM_PENDING;
	add(w, DATA_PAGE, LIN_DATA);
}

static void build_enclave(struct world *w)
{
	const struct builder *b = &w->builder;
	const struct sgx_tcs tcs = {
		.ossa = PAGES(1), .nssa = 2, .oentry = PAGES(3), .fs_limit = -1, .gs_limit = -1};

	ecreate(b, SECS_PAGE, ENCLAVE_AT);
	must(build_tcs(b, epc_gva(SECS_PAGE), epc_gva(TCS_PAGE), LIN_TCS, &tcs), "EADD");
	embedder_map_epc(w->embedder, LIN_TCS, TCS_PAGE, PTE_ALL);
	memset(builder_ram(b, b->source), 0x5a, SGX_PAGE_SIZE);
	add(w, SSA_PAGE, LIN_SSA);
	add(w, SSA_PAGE + 1, LIN_SSA + PAGES(1));
	for (unsigned int i = 0; i < BATCH; i++)
		add(w, BATCH_PAGE + i, LIN_BATCH + PAGES(i));
	add_data_page(w);
	sign_enclave(w, SECS_PAGE);
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

	if (!embedder)
		give_up("out of memory");
	for (unsigned int i = 0; i < EPC_PAGES; i++)
		embedder_map_epc(embedder, epc_gva(i), i, PTE_ALL);
	return embedder;
}

struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		give_up("out of memory");
	w->embedder = new_embedder();
	w->builder = builder_for(w->embedder, 0, WINDOW);
	build_enclave(w);
	return w;
}

void world_free(struct world *w)
{
	embedder_free(w->embedder);
	free(w);
}

/* Pages for one enclave that is built and removed again. */
struct construction {
	struct builder builder;
	unsigned int secs_page; /* its children follow */
};

static void add_measured(void *ctx, unsigned int iterations)
{
	const struct construction *c = ctx;
	const uint64_t flags = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_X;
	const gva_t secs = epc_gva(c->secs_page);

	for (unsigned int i = 0; i < iterations; i++) {
		gva_t page = epc_gva(c->secs_page + 1 + i);

		must(build_page(&c->builder, secs, page, BUILD_AT + PAGES(i), flags), "EADD");
		must(build_measure(&c->builder, secs, page), "EEXTEND");
	}
}

static uint64_t construct(struct construction *c, unsigned int iterations)
{
	const struct builder *b = &c->builder;
	uint64_t ns;

	ecreate(b, c->secs_page, BUILD_AT);
	memset(builder_ram(b, b->source), 0x5a, SGX_PAGE_SIZE);
	ns = bench_time(add_measured, c, iterations);
	for (unsigned int i = 1; i <= iterations; i++)
		eremove(b, c->secs_page + i);
	eremove(b, c->secs_page);
	return ns;
}

uint64_t world_add_measured(void *ctx, unsigned int iterations)
{
	return world_add_on_cpu(ctx, 0, iterations);
}

uint64_t world_add_on_cpu(struct world *w, unsigned int cpu, unsigned int iterations)
{
	struct construction c = {
		.builder = builder_for(w->embedder, cpu, WINDOW + PAGES(2 * cpu)),
		.secs_page = BUILD_SECS + cpu * (BATCH + 64),
	};

	return construct(&c, iterations);
}

/* Where page @i of the batch lives outside: contents and PCMD. */
static gva_t blob_gva(unsigned int i)
{
	return BLOBS_AT + PAGES(i);
}

static gva_t blob_pcmd_gva(unsigned int i)
{
	return BLOBS_AT + PAGES(BATCH) + i * sizeof(struct sgx_pcmd);
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

static gva_t slot_gva(unsigned int i)
{
	return epc_gva(VA_PAGE) + i * sizeof(uint64_t);
}

static void block_batch(struct world *w, unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++)
		encls(&w->builder, EBLOCK, 0, epc_gva(BATCH_PAGE + i), 0, "EBLOCK");
	encls(&w->builder, ETRACK, 0, epc_gva(SECS_PAGE), 0, "ETRACK");
}

static void evict_batch(void *ctx, unsigned int pages)
{
	struct world *w = ctx;

	for (unsigned int i = 0; i < pages; i++)
		encls(&w->builder, EWB, set_blob(w, i, 0, 0), epc_gva(BATCH_PAGE + i), slot_gva(i),
		      "EWB");
}

static void load_batch(void *ctx, unsigned int pages)
{
	struct world *w = ctx;

	for (unsigned int i = 0; i < pages; i++)
		encls(&w->builder, ELDU, set_blob(w, i, LIN_BATCH + PAGES(i), epc_gva(SECS_PAGE)),
		      epc_gva(BATCH_PAGE + i), slot_gva(i), "ELDU");
}

uint64_t world_ewb(void *ctx, unsigned int iterations)
{
	uint64_t ns;

	block_batch(ctx, iterations);
	ns = bench_time(evict_batch, ctx, iterations);
	load_batch(ctx, iterations);
	return ns;
}

uint64_t world_eldu(void *ctx, unsigned int iterations)
{
	block_batch(ctx, iterations);
	evict_batch(ctx, iterations);
	return bench_time(load_batch, ctx, iterations);
}

static void init_enclaves(void *ctx, unsigned int iterations)
{
	for (unsigned int i = 0; i < iterations; i++)
		einit(ctx, BUILD_SECS + i);
}

/* Enclaves that are alike, so that one signature serves them all. */
uint64_t world_einit(void *ctx, unsigned int iterations)
{
	struct world *w = ctx;
	uint64_t ns;

	for (unsigned int i = 0; i < iterations; i++)
		ecreate(&w->builder, BUILD_SECS + i, BUILD_AT);
	sign_enclave(w, BUILD_SECS);
	ns = bench_time(init_enclaves, w, iterations);
	for (unsigned int i = 0; i < iterations; i++)
		eremove(&w->builder, BUILD_SECS + i);
	return ns;
}

static void enter(struct world *w)
{
	enclu(&w->builder, EENTER, LIN_TCS, AEP, 0, "EENTER");
}

static void leave(struct world *w)
{
	enclu(&w->builder, EEXIT, AEP, 0, 0, "EEXIT");
}

static uint64_t time_inside(void (*work)(void *ctx, unsigned int iterations), struct world *w,
			    unsigned int iterations)
{
	uint64_t ns;

	enter(w);
	ns = bench_time(work, w, iterations);
	leave(w);
	return ns;
}

static void report(void *ctx, unsigned int iterations)
{
	struct world *w = ctx;

	for (unsigned int i = 0; i < iterations; i++)
		enclu(&w->builder, EREPORT, LIN_DATA + OFF_TARGETINFO, LIN_DATA + OFF_REPORTDATA,
		      LIN_DATA + OFF_REPORT, "EREPORT");
}

uint64_t world_ereport(void *ctx, unsigned int iterations)
{
	return time_inside(report, ctx, iterations);
}

static void get_key(void *ctx, unsigned int iterations)
{
	struct world *w = ctx;

	for (unsigned int i = 0; i < iterations; i++)
		enclu(&w->builder, EGETKEY, LIN_DATA + OFF_KEYREQUEST, LIN_DATA + OFF_KEY, 0,
		      "EGETKEY");
}

uint64_t world_egetkey(void *ctx, unsigned int iterations)
{
	return time_inside(get_key, ctx, iterations);
}

static void enter_and_exit(void *ctx, unsigned int iterations)
{
	for (unsigned int i = 0; i < iterations; i++) {
		enter(ctx);
		leave(ctx);
	}
}

uint64_t world_enter_exit(void *ctx, unsigned int iterations)
{
	return bench_time(enter_and_exit, ctx, iterations);
}

static void interrupt_and_resume(void *ctx, unsigned int iterations)
{
	struct world *w = ctx;
	struct sgx_event interrupt = {.type = SGX_EVENT_INTERRUPT};

	for (unsigned int i = 0; i < iterations; i++) {
		sgx_aex(&w->builder.c->cpu, &interrupt);
		enclu(&w->builder, ERESUME, LIN_TCS, AEP, 0, "ERESUME");
	}
}

uint64_t world_aex_resume(void *ctx, unsigned int iterations)
{
	return time_inside(interrupt_and_resume, ctx, iterations);
}

static void make_and_remove_va(void *ctx, unsigned int iterations)
{
	struct world *w = ctx;

	for (unsigned int i = 0; i < iterations; i++) {
		encls(&w->builder, EPA, SGX_PAGE_TYPE_VA, epc_gva(BUILD_PAGE), 0, "EPA");
		eremove(&w->builder, BUILD_PAGE);
	}
}

uint64_t world_epa_eremove(void *ctx, unsigned int iterations)
{
	return bench_time(make_and_remove_va, ctx, iterations);
}

static void augment_pages(void *ctx, unsigned int pages)
{
	struct world *w = ctx;
	const struct builder *b = &w->builder;

	for (unsigned int i = 0; i < pages; i++) {
		*builder_pageinfo(b) = (struct sgx_pageinfo){.linaddr = LIN_AUG + PAGES(i),
							     .secs = epc_gva(SECS_PAGE)};
		encls(b, EAUG, b->args, epc_gva(BUILD_PAGE + i), 0, "EAUG");
	}
}

static void accept_pages(void *ctx, unsigned int pages)
{
	struct world *w = ctx;

	for (unsigned int i = 0; i < pages; i++)
		enclu(&w->builder, EACCEPT, LIN_DATA + OFF_SECINFO, LIN_AUG + PAGES(i), 0,
		      "EACCEPT");
}

static void remove_augmented(void *ctx, unsigned int pages)
{
	struct world *w = ctx;

	for (unsigned int i = 0; i < pages; i++)
		eremove(&w->builder, BUILD_PAGE + i);
}

/* All pages at once: entering and leaving in between is not counted. */
uint64_t world_eaug_eaccept(void *ctx, unsigned int iterations)
{
	struct world *w = ctx;
	uint64_t ns;

	for (unsigned int i = 0; i < iterations; i++)
		embedder_map_epc(w->embedder, LIN_AUG + PAGES(i), BUILD_PAGE + i, PTE_ALL);
	ns = bench_time(augment_pages, w, iterations);
	ns += time_inside(accept_pages, w, iterations);
	return ns + bench_time(remove_augmented, w, iterations);
}

static void check_access(void *ctx, unsigned int iterations)
{
	struct world *w = ctx;
	const struct sgx_place place = {.is_epc = true,
					.hpa = w->embedder->config.epc_hpa + PAGES(DATA_PAGE)};
	unsigned int allowed = 0;

	for (unsigned int i = 0; i < iterations; i++) {
		struct sgx_access access = sgx_check_access(
			&w->builder.c->cpu, LIN_DATA + i % SGX_PAGE_SIZE, ENCLU_WRITE, &place);

		allowed += access.verdict == SGX_ACCESS_ALLOW;
	}
	if (allowed != iterations)
		give_up("an access was refused");
}

uint64_t world_check_access(void *ctx, unsigned int iterations)
{
	return time_inside(check_access, ctx, iterations);
}
