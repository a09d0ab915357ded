// SPDX-License-Identifier: GPL-2.0-or-later
#include "world.h"

#include "sgx/measure.h"
#include "sgx/secs.h"
#include "signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XFRM_BASE   (XFEATURE_MASK_FP | XFEATURE_MASK_SSE)
#define XFRM_AVX512 UINT64_C(0xe7)
#define XFRM_AMX    (XFEATURE_MASK_XTILECFG | XFEATURE_MASK_XTILEDATA)

/* What an input may change, as the world's building left it. */
struct snapshot {
	struct sgx_cpuid cpuid;
	uint64_t next_eid;
	uint64_t next_version;
	struct embedder_cpu cpus[CPUS];
	struct pte pte[WINDOW_PAGES];
	struct epcm_entry entries[EPC_PAGES];
	uint8_t pages[EPC_PAGES][SGX_PAGE_SIZE];
	uint8_t ram[RAM_PAGES][SGX_PAGE_SIZE];
};

/* An enclave of a world. Its threads' SSAs lie one after the other, behind them its data. */
struct plan {
	uint64_t attributes;
	uint64_t xfrm;
	uint32_t frame_pages;
	unsigned int threads;
	unsigned int frames; /* of each thread */
	unsigned int data_pages;
};

/* Where the next page of an enclave that is being built goes. */
struct site {
	struct embedder *embedder;
	struct builder builder;
	gva_t base;
	unsigned int secs;
	unsigned int next_epc;
};

static struct embedder *the_embedder;
static struct snapshot snapshots[NR_WORLDS];
static struct sgx_sigstruct signatures[NR_SIGNATURES];

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "world: %s failed\n", what);
	abort();
}

/* Looked up once: look-ups count as covered code, and entries never move. */
struct epcm_entry *world_entry(struct embedder *embedder, unsigned int page)
{
	static struct epcm_entry *entries[EPC_PAGES];

	if (!entries[page])
		entries[page] =
			epc_lookup(&embedder->platform.epc, embedder->config.epc_hpa + PAGES(page));
	return entries[page];
}

/* The measurement of an enclave of two pages, whatever @secs is of. */
static void set_measurement(struct sgx_secs *secs)
{
	const uint64_t size = secs->size;
	const uint32_t frame_size = secs->ssa_frame_size;

	secs->size = 2 * SGX_PAGE_SIZE;
	secs->ssa_frame_size = 1;
	measure_ecreate(secs);
	secs->size = size;
	secs->ssa_frame_size = frame_size;
}

static void make_signatures(void)
{
	static struct sgx_secs secs;

	set_measurement(&secs);
	for (enum signature i = 0; i < NR_SIGNATURES; i++) {
		struct sgx_sigstruct *sig = &signatures[i];

		signer_describe(&secs, sig);
		sig->miscselect = SGX_MISC_EXINFO;
		sig->miscmask = i == SIGNED_EXINFO ? UINT32_MAX : 0;
		sig->attributes_mask = i == SIGNED_STRICT ? SGX_ATTR_DEBUG : 0;
		sig->xfrm_mask = i == SIGNED_STRICT ? UINT64_MAX : 0;
		sig->xfrm = XFRM_BASE;
		sig->isv_family_id[0] = i == SIGNED_FAMILY;
		sig->isv_ext_prod_id[0] = i == SIGNED_PRODUCT;
		sign(sig, SIGNER_A);
	}
}

void world_sign(struct embedder *embedder, unsigned int secs, enum signature signature)
{
	struct epcm_entry *e = world_entry(embedder, secs);

	if (epcm_is(epcm_state(e), SGX_PAGE_TYPE_SECS) && !secs_is_initialised(secs_of(e)))
		set_measurement(secs_of(e));
	memcpy(ram_ptr(embedder, RAM_SIGSTRUCT), &signatures[signature], sizeof(signatures[0]));
}

static void add_amx(struct sgx_cpuid *cpuid)
{
	cpuid->xfrm |= XFRM_AMX;
	cpuid->xsave[17].offset = 2752;
	cpuid->xsave[17].size = 64;
	cpuid->xsave[18].offset = 2816;
	cpuid->xsave[18].size = 8192;
}

static void setup_cpu(struct embedder_cpu *c)
{
	sgx_cpu_destroy(&c->cpu);
	must(!sgx_cpu_init(&c->cpu), "a processor");
	embedder_reset_state(c);
	c->state.xcr0 |= XFRM_AMX;
	signer_hash(SIGNER_A, (uint8_t *)c->cpu.lepubkeyhash);
}

static struct embedder *make_embedder(void)
{
	const struct embedder_config config = {
		.window = WINDOW,
		.window_pages = WINDOW_PAGES,
		.ram_pages = RAM_PAGES,
		.epc_pages = EPC_PAGES,
		.epc_hpa = UINT64_C(0x180000000),
		.cpus = CPUS,
	};
	struct embedder *embedder = embedder_new(&config);

	must(embedder, "the embedder");
	memset(embedder->platform.report_keyid, 0x77, SGX_KEYID_SIZE);
	memset(embedder->platform.paging_key, 0x78, SGX_KEY_SIZE);
	add_amx(&embedder->cpuid);
	for (unsigned int i = 0; i < CPUS; i++)
		setup_cpu(&embedder->cpus[i]);
	for (unsigned int i = 0; i < EPC_PAGES; i++)
		embedder_map_epc(embedder, epc_gva(i), i, PTE_ALL);
	return embedder;
}

static void create(struct site *site, const struct plan *plan)
{
	const struct builder *b = &site->builder;
	struct sgx_secs *secs = builder_ram(b, b->source);
	gva_t args = builder_set(b, 0, 0, EPCM_PT(SGX_PAGE_TYPE_SECS));

	memset(secs, 0, sizeof(*secs));
	secs->base = site->base;
	secs->size = PAGES(ENCLAVE_PAGES);
	secs->ssa_frame_size = plan->frame_pages;
	secs->miscselect = SGX_MISC_EXINFO;
	secs->attributes = plan->attributes;
	secs->xfrm = plan->xfrm;
	site->secs = site->next_epc++;
	must(leaf_succeeded(run_encls(b->c, ECREATE, args, epc_gva(site->secs), 0)), "ECREATE");
}

/* Adds what is in the builder's source page. */
static void add(struct site *site, unsigned int linear, uint64_t secinfo)
{
	const gva_t gva = site->base + PAGES(linear);

	must(leaf_succeeded(build_page(&site->builder, epc_gva(site->secs), epc_gva(site->next_epc),
				       gva, secinfo)),
	     "EADD");
	embedder_map_epc(site->embedder, gva, site->next_epc++, PTE_ALL);
}

static void add_tcs(struct site *site, const struct plan *plan, unsigned int thread)
{
	const unsigned int ssa = plan->threads + thread * plan->frames * plan->frame_pages;
	struct sgx_tcs *tcs = builder_ram(&site->builder, site->builder.source);

	*tcs = (struct sgx_tcs){
		.flags = plan->attributes & SGX_ATTR_AEXNOTIFY ? SGX_TCS_AEXNOTIFY : 0,
		.ossa = PAGES(ssa),
		.nssa = plan->frames,
		.oentry = 0x100,
		.ofs_base = PAGES(1),
		.fs_limit = SGX_TCS_32BIT_LIMIT_MASK,
		.gs_limit = SGX_TCS_32BIT_LIMIT_MASK,
	};
	add(site, thread, EPCM_PT(SGX_PAGE_TYPE_TCS));
}

static void init(struct site *site)
{
	struct embedder_cpu *c = site->builder.c;

	world_sign(site->embedder, site->secs, SIGNED_LENIENT);
	must(leaf_succeeded(run_encls(c, EINIT, ram_gva(RAM_SIGSTRUCT), epc_gva(site->secs),
				      ram_gva(RAM_TOKEN))),
	     "EINIT");
}

static void build(struct site *site, const struct plan *plan)
{
	const unsigned int ssa_pages = plan->threads * plan->frames * plan->frame_pages;
	const unsigned int data = plan->threads + ssa_pages;
	const uint64_t rw = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W;

	create(site, plan);
	for (unsigned int i = 0; i < plan->threads; i++)
		add_tcs(site, plan, i);
	memset(builder_ram(&site->builder, site->builder.source), 0, SGX_PAGE_SIZE);
	for (unsigned int i = 0; i < ssa_pages; i++)
		add(site, plan->threads + i, rw);
	for (unsigned int i = 0; i < plan->data_pages; i++)
		add(site, data + i, i == 1 ? rw | EPCM_X : rw);
	init(site);
	site->base += PAGES(ENCLAVE_PAGES);
}

/* 32-bit user mode with flat segments, as far as the leaves look. */
static void enter_32bit_mode(struct embedder *embedder)
{
	for (unsigned int i = 0; i < CPUS; i++) {
		struct x86_state *state = &embedder->cpus[i].state;

		state->seg[X86_SEG_CS].l = false;
		state->seg[X86_SEG_CS].db = true;
		state->rip = (uint32_t)state->rip;
		for (unsigned int r = 0; r < X86_NR_GPRS; r++)
			state->gpr[r] = (uint32_t)state->gpr[r];
	}
}

static const struct plan plans[NR_WORLDS][ENCLAVES] = {
	[WORLD_DEBUG] = {{.attributes = SGX_ATTR_MODE64BIT | SGX_ATTR_DEBUG | SGX_ATTR_AEXNOTIFY |
					SGX_ATTR_KSS | SGX_ATTR_PROVISIONKEY,
			  .xfrm = XFRM_BASE,
			  .frame_pages = 1,
			  .threads = 2,
			  .frames = 3,
			  .data_pages = 2},
			 {.attributes = SGX_ATTR_MODE64BIT | SGX_ATTR_EINITTOKENKEY,
			  .xfrm = XFRM_BASE,
			  .frame_pages = 1,
			  .threads = 1,
			  .frames = 2,
			  .data_pages = 2}},
	[WORLD_AVX512] = {{.attributes = SGX_ATTR_MODE64BIT | SGX_ATTR_AEXNOTIFY,
			   .xfrm = XFRM_AVX512,
			   .frame_pages = 2,
			   .threads = 2,
			   .frames = 2,
			   .data_pages = 2},
			  {.attributes = SGX_ATTR_MODE64BIT | SGX_ATTR_DEBUG,
			   .xfrm = XFRM_AVX512,
			   .frame_pages = 1,
			   .threads = 1,
			   .frames = 1,
			   .data_pages = 1}},
	[WORLD_AMX] = {{.attributes = SGX_ATTR_MODE64BIT | SGX_ATTR_KSS,
			.xfrm = XFRM_AVX512 | XFRM_AMX,
			.frame_pages = 4,
			.threads = 1,
			.frames = 2,
			.data_pages = 2},
		       {.attributes = SGX_ATTR_MODE64BIT | SGX_ATTR_DEBUG,
			.xfrm = XFRM_AVX512 | XFRM_AMX,
			.frame_pages = 3,
			.threads = 1,
			.frames = 1,
			.data_pages = 1}},
	[WORLD_32BIT] = {{.attributes = SGX_ATTR_DEBUG,
			  .xfrm = XFRM_BASE,
			  .frame_pages = 1,
			  .threads = 2,
			  .frames = 2,
			  .data_pages = 2},
			 {.attributes = SGX_ATTR_AEXNOTIFY,
			  .xfrm = XFRM_BASE,
			  .frame_pages = 1,
			  .threads = 1,
			  .frames = 2,
			  .data_pages = 2}},
};

static void build_world(struct embedder *embedder, enum world world)
{
	struct site site = {
		.embedder = embedder,
		.builder = builder_for(embedder, KERNEL_CPU, ram_gva(2 * KERNEL_CPU)),
		.base = ENCLAVE_AT,
		.next_epc = 1,
	};

	if (world == WORLD_EMPTY)
		return;
	must(leaf_succeeded(run_encls(site.builder.c, EPA, SGX_PAGE_TYPE_VA, epc_gva(0), 0)),
	     "EPA");
	for (unsigned int i = 0; i < ENCLAVES; i++)
		build(&site, &plans[world][i]);
	must(site.next_epc < EPC_PAGES, "leaving a page free");
	if (world == WORLD_32BIT)
		enter_32bit_mode(embedder);
}

static void take_snapshot(struct embedder *embedder, struct snapshot *s)
{
	s->cpuid = embedder->cpuid;
	s->next_eid = embedder->platform.next_eid;
	s->next_version = embedder->platform.next_version;
	memcpy(s->cpus, embedder->cpus, sizeof(s->cpus));
	memcpy(s->pte, embedder->pte, sizeof(s->pte));
	memcpy(s->ram, embedder->ram, sizeof(s->ram));
	for (unsigned int i = 0; i < EPC_PAGES; i++) {
		memcpy(&s->entries[i], world_entry(embedder, i), sizeof(s->entries[i]));
		memcpy(s->pages[i], epcm_page(world_entry(embedder, i)), SGX_PAGE_SIZE);
	}
}

static void put_back(struct embedder *embedder, const struct snapshot *s)
{
	embedder->cpuid = s->cpuid;
	embedder->platform.next_eid = s->next_eid;
	embedder->platform.next_version = s->next_version;
	memcpy(embedder->cpus, s->cpus, sizeof(s->cpus));
	memcpy(embedder->pte, s->pte, sizeof(s->pte));
	memcpy(embedder->ram, s->ram, sizeof(s->ram));
	for (unsigned int i = 0; i < EPC_PAGES; i++) {
		memcpy(world_entry(embedder, i), &s->entries[i], sizeof(s->entries[i]));
		memcpy(epcm_page(world_entry(embedder, i)), s->pages[i], SGX_PAGE_SIZE);
	}
}

/* All worlds, each from the empty one. */
static void make_worlds(void)
{
	the_embedder = make_embedder();
	make_signatures();
	for (enum world w = 0; w < NR_WORLDS; w++) {
		if (w != WORLD_EMPTY)
			put_back(the_embedder, &snapshots[WORLD_EMPTY]);
		build_world(the_embedder, w);
		take_snapshot(the_embedder, &snapshots[w]);
	}
}

struct embedder *world_restore(enum world world)
{
	if (!the_embedder)
		make_worlds();
	put_back(the_embedder, &snapshots[world]);
	return the_embedder;
}
