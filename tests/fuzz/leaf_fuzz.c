// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: a sequence of leaf functions over a small EPC, with hostile
 * operands, a guest that changes its page table and memory between and during
 * leaves, and host memory that fails. After every leaf the EPCM must be sound.
 *
 * Input: one record after the other, { action, a, b, c } bytes; b and c name
 * pages, structure fields and values. To get deep, operands are mostly legal
 * and the bytes say which one is not.
 */
#include "builder.h"
#include "invariants.h"
#include "sgx/operand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW        UINT64_C(0x10000000)
#define RAM_PAGES     8
#define EPC_PAGES     12
#define EPC_AT        (WINDOW + PAGES(16))
#define ENCLAVE_AT    (WINDOW + PAGES(32)) /* two of 16 pages each */
#define ENCLAVE_BYTES PAGES(16)
#define CPUS          2
#define AEP           UINT64_C(0x7000)

struct fuzz {
	struct embedder *embedder;
	struct builder builder[CPUS];
	const uint8_t *data;
	size_t size;
	uint8_t read_noise; /* XORed into guest memory before a read */
	unsigned int noise_at;
};

static uint8_t next(struct fuzz *f)
{
	if (!f->size)
		return 0;
	f->size--;
	return *f->data++;
}

static void on_read(struct embedder *embedder)
{
	struct fuzz *f = embedder->owner;

	if (f->read_noise)
		embedder->ram[f->noise_at % PAGES(RAM_PAGES)] ^= f->read_noise;
}

static gva_t epc_gva(uint8_t page)
{
	return EPC_AT + PAGES(page % EPC_PAGES);
}

static gva_t enclave_gva(uint8_t page)
{
	return ENCLAVE_AT + PAGES(page % 32);
}

/* One of the places that an operand may name; high values are wild ones. */
static uint64_t any_operand(struct fuzz *f)
{
	uint8_t how = next(f);
	uint8_t which = next(f);

	switch (how % 8) {
	case 0:
	case 1:
	case 2:
		return epc_gva(which);
	case 3:
	case 4:
		return enclave_gva(which);
	case 5:
		return WINDOW + PAGES(which % RAM_PAGES);
	case 6:
		return epc_gva(which) + (uint64_t)next(f) * 8;
	default:
		return (uint64_t)which << (next(f) % 64);
	}
}

static void secs_leaf(struct fuzz *f, const struct builder *b)
{
	uint8_t page = next(f);

	build_secs(b, epc_gva(page), ENCLAVE_AT + ENCLAVE_BYTES * (page & 1), ENCLAVE_BYTES,
		   SGX_ATTR_DEBUG | (page & 0x80 ? SGX_ATTR_AEXNOTIFY : 0));
}

static void tcs_leaf(struct fuzz *f, const struct builder *b)
{
	const struct sgx_tcs tcs = {
		.ossa = PAGES(next(f) % 16),
		.nssa = next(f) % 4,
		.oentry = next(f),
		.flags = next(f) % 4,
		.fs_limit = UINT32_MAX,
		.gs_limit = UINT32_MAX,
	};
	uint8_t secs = next(f), epc = next(f), lin = next(f);

	build_tcs(b, epc_gva(secs), epc_gva(epc), enclave_gva(lin), &tcs);
}

/* EADD, EAUG, ELDx or EWB with the structures filled as the bytes say. */
static void pageinfo_leaf(struct fuzz *f, const struct builder *b, uint32_t leaf)
{
	uint8_t secs = next(f), epc = next(f), lin = next(f), flags = next(f), va = next(f);
	uint64_t secinfo = (uint64_t)(flags >> 5) << SGX_SECINFO_PT_SHIFT | (flags & 0x1f);
	gva_t args = builder_set(b, enclave_gva(lin), epc_gva(secs), secinfo);
	struct sgx_pageinfo *pageinfo = builder_pageinfo(b);

	if (leaf == EAUG) {
		pageinfo->srcpge = 0;
		pageinfo->secinfo = 0;
	} else if (leaf == ELDU || leaf == ELDB || leaf == EWB) {
		/* Blobs lie where earlier EWBs put them: one for each EPC page number. */
		pageinfo->srcpge = WINDOW + PAGES(4 + epc % 2);
		pageinfo->secinfo = WINDOW + PAGES(6) + (epc % 2) * sizeof(struct sgx_pcmd);
		if (leaf == EWB) {
			pageinfo->linaddr = 0;
			pageinfo->secs = 0;
		} else if (flags & 0x80) {
			pageinfo->secs = 0;
			pageinfo->linaddr = 0;
		}
	}
	run_encls(b->c, leaf, args, epc_gva(epc), epc_gva(va) + (va >> 4) * 8);
}

static void secinfo_leaf(struct fuzz *f, const struct builder *b, uint32_t leaf)
{
	uint8_t epc = next(f), flags = next(f);

	builder_set(b, 0, 0, (uint64_t)(flags >> 5) << SGX_SECINFO_PT_SHIFT | (flags & 0x1f));
	run_encls(b->c, leaf, builder_secinfo_gva(b), epc_gva(epc), 0);
}

/* Marks a SECS initialised: signatures are out of a fuzzer's reach. */
static void backdoor_init(struct fuzz *f)
{
	struct epcm_entry *entry = embedder_epcm(f->embedder, next(f) % EPC_PAGES);

	if (epcm_is(epcm_state(entry), SGX_PAGE_TYPE_SECS))
		((struct sgx_secs *)epcm_page(entry))->attributes |= SGX_ATTR_INIT;
}

/* The enclave writes its own memory, through the access check. */
static void enclave_write(struct fuzz *f, struct embedder_cpu *c)
{
	gva_t gva = enclave_gva(next(f)) + (gva_t)next(f) * 16;
	struct pte *pte = embedder_pte(f->embedder, gva);
	struct sgx_place place = {.is_epc = pte->flags & PTE_EPC,
				  .hpa = f->embedder->config.epc_hpa + PAGES(pte->page)};
	struct sgx_access access = sgx_check_access(&c->cpu, gva, ENCLU_WRITE, &place);
	uint8_t value = next(f);

	if (sgx_in_enclave(&c->cpu) && access.verdict == SGX_ACCESS_ALLOW && access.page)
		memset(access.page + gva % SGX_PAGE_SIZE, value, 16);
}

static void event(struct fuzz *f, struct embedder_cpu *c)
{
	uint8_t vector = next(f);
	struct sgx_event event = {
		.type = vector & 0x20 ? SGX_EVENT_INTERRUPT : SGX_EVENT_FAULT,
		.exception = {.vector = vector % 32, .address = enclave_gva(vector) + 5},
	};

	if (sgx_in_enclave(&c->cpu))
		sgx_aex(&c->cpu, &event);
}

static void change_guest(struct fuzz *f)
{
	uint8_t what = next(f), page = next(f), value = next(f);

	switch (what % 4) {
	case 0:
		embedder_map_epc(f->embedder, enclave_gva(page), value % EPC_PAGES, PTE_ALL);
		break;
	case 1:
		*embedder_pte(f->embedder, WINDOW + PAGES(page % 64)) =
			(struct pte){.flags = value & 15, .page = value % RAM_PAGES};
		break;
	case 2:
		f->read_noise = value;
		f->noise_at = page * 16u;
		break;
	case 3:
		f->embedder->host_error = value == 0xff ? -14 : 0;
		break;
	}
}

static void step(struct fuzz *f)
{
	uint8_t action = next(f);
	const struct builder *b = &f->builder[action >> 7];
	struct embedder_cpu *c = b->c;
	uint32_t leaf;
	uint64_t rbx, rcx;

	switch (action % 16) {
	case 0:
		secs_leaf(f, b);
		break;
	case 1:
		tcs_leaf(f, b);
		break;
	case 2:
		pageinfo_leaf(f, b, EADD);
		break;
	case 3:
		pageinfo_leaf(f, b, EAUG);
		break;
	case 4:
		pageinfo_leaf(f, b, next(f) & 1 ? ELDU : ELDB);
		break;
	case 5:
		pageinfo_leaf(f, b, EWB);
		break;
	case 6:
		secinfo_leaf(f, b, next(f) & 1 ? EMODPR : EMODT);
		break;
	case 7:
		backdoor_init(f);
		break;
	case 8:
		change_guest(f);
		break;
	case 9:
		enclave_write(f, c);
		break;
	case 10:
		event(f, c);
		break;
	case 11:
		run_enclu(c, next(f) & 1 ? EENTER : ERESUME, enclave_gva(next(f)), AEP, 0);
		break;
	case 12:
		run_encls(c, EPA, SGX_PAGE_TYPE_VA, epc_gva(next(f)), 0);
		break;
	case 13:
		leaf = next(f);
		run_encls(c,
			  leaf & 1   ? EBLOCK
			  : leaf & 2 ? ETRACK
				     : EREMOVE,
			  0, epc_gva(next(f)), 0);
		break;
	case 14:
		leaf = next(f) % 24;
		rbx = any_operand(f);
		rcx = any_operand(f);
		run_encls(c, leaf, rbx, rcx, any_operand(f));
		break;
	case 15:
		leaf = next(f) % 12;
		rbx = any_operand(f);
		rcx = any_operand(f);
		run_enclu(c, leaf, rbx, rcx, any_operand(f));
		break;
	}
}

static void start(struct fuzz *f)
{
	const struct embedder_config config = {
		.window = WINDOW,
		.window_pages = 64,
		.ram_pages = RAM_PAGES,
		.epc_pages = EPC_PAGES,
		.epc_hpa = UINT64_C(0x180000000),
		.cpus = CPUS,
	};

	f->embedder = embedder_new(&config);
	if (!f->embedder)
		abort();
	f->embedder->owner = f;
	f->embedder->on_read = on_read;
	for (unsigned int i = 0; i < CPUS; i++)
		f->builder[i] = builder_for(f->embedder, i, WINDOW + PAGES(2 * i));
	for (uint8_t i = 0; i < EPC_PAGES; i++) {
		embedder_map_epc(f->embedder, epc_gva(i), i, PTE_ALL);
		embedder_map_epc(f->embedder, enclave_gva(i), i, PTE_ALL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = {.data = data, .size = size};

	start(&f);
	for (unsigned int steps = 0; f.size && steps < 400; steps++) {
		const char *violation;

		step(&f);
		violation = epcm_find_violation(f.embedder);
		if (violation) {
			fprintf(stderr, "after step %u: %s\n", steps, violation);
			abort();
		}
	}
	embedder_free(f.embedder);
	return 0;
}
