// SPDX-License-Identifier: GPL-2.0-or-later
/* From ECREATE to EINIT, and back to free pages. */
#include "demo.h"

#include <string.h>

#define ENCLAVE_AT   UINT64_C(0x10080000)
#define SIGSTRUCT_AT 2 /* RAM pages */
#define TOKEN_AT     3

static const uint8_t page_rights[] = {
	[SSA] = EPCM_R | EPCM_W,
	[CODE] = EPCM_R | EPCM_X,
	[DATA] = EPCM_R | EPCM_W,
};

static bool create(struct demo *d, struct enclave *e, gva_t base)
{
	*e = (struct enclave){.base = base, .secs = world_free_epc(d)};
	return leaf_succeeded(build_secs(&d->kernel, e->secs, base, PAGES(ENCLAVE_PAGES), 0));
}

static struct leaf_result add_page(struct demo *d, struct enclave *e, unsigned int index,
				   uint8_t fill)
{
	const struct sgx_tcs tcs = {
		.ossa = PAGES(SSA),
		.nssa = 1,
		.oentry = PAGES(CODE) + ENTRY_OFFSET,
		.fs_limit = UINT32_MAX,
		.gs_limit = UINT32_MAX,
	};
	const gva_t gva = enclave_gva(e, index);

	if (index == TCS)
		return build_tcs(&d->kernel, e->secs, e->page[index], gva, &tcs);
	memset(builder_ram(&d->kernel, d->kernel.source), index == CODE ? fill : 0, SGX_PAGE_SIZE);
	return build_page(&d->kernel, e->secs, e->page[index], gva,
			  EPCM_PT(SGX_PAGE_TYPE_REG) | page_rights[index]);
}

static bool add_pages(struct demo *d, struct enclave *e, uint8_t fill)
{
	for (unsigned int i = TCS; i <= DATA; i++) {
		e->page[i] = world_free_epc(d);
		if (!leaf_succeeded(add_page(d, e, i, fill)) ||
		    !leaf_succeeded(build_measure(&d->kernel, e->secs, e->page[i])))
			return false;
		world_map(d, enclave_gva(e, i), e->page[i]);
	}
	return true;
}

static struct sgx_secs *secs_page(struct demo *d, const struct enclave *e)
{
	const struct pte *pte = embedder_pte(d->embedder, e->secs);
	const hpa_t hpa = d->embedder->config.epc_hpa + PAGES(pte->page);

	return epcm_page(epc_lookup(&d->embedder->platform.epc, hpa));
}

/* What a developer's signing tool does: it knows the measurement from its own sums. */
static void sign_enclave(struct demo *d, struct enclave *e)
{
	struct sgx_sigstruct *sig = world_ram_ptr(d, SIGSTRUCT_AT);

	signer_describe(secs_page(d, e), sig);
	sign(sig, SIGNER_A);
	memset(world_ram_ptr(d, TOKEN_AT), 0, SGX_PAGE_SIZE);
	memcpy(e->mrenclave, sig->enclave_hash, SGX_HASH_SIZE);
	e->target = (struct sgx_targetinfo){
		.attributes = sig->attributes | SGX_ATTR_INIT,
		.xfrm = sig->xfrm,
		.miscselect = sig->miscselect,
	};
	memcpy(e->target.measurement, sig->enclave_hash, SGX_HASH_SIZE);
}

static void trust_signer(struct demo *d)
{
	uint8_t hash[SGX_HASH_SIZE];

	signer_hash(SIGNER_A, hash);
	memcpy(d->kernel.c->cpu.lepubkeyhash, hash, sizeof(hash));
}

static struct leaf_result init(struct demo *d, const struct enclave *e)
{
	return world_encls(d, EINIT, world_ram(SIGSTRUCT_AT), e->secs, world_ram(TOKEN_AT));
}

bool build_enclave(struct demo *d, struct enclave *e, gva_t base, uint8_t fill)
{
	if (!create(d, e, base) || !add_pages(d, e, fill))
		return false;
	sign_enclave(d, e);
	trust_signer(d);
	return leaf_succeeded(init(d, e));
}

bool show_build(struct demo *d)
{
	struct enclave *e = &d->enclave;
	uint8_t mrsigner[SGX_HASH_SIZE];

	tell_section("An enclave is built");
	clock_start(d);
	tell_step(d, create(d, e, ENCLAVE_AT), "ECREATE", "a range of %u pages at %#llx",
		  ENCLAVE_PAGES, (unsigned long long)ENCLAVE_AT);
	clock_start(d);
	tell_step(d, add_pages(d, e, 0xc3), "EADD",
		  "TCS, SSA, code and data, with 16 EEXTEND each");
	clock_start(d);
	sign_enclave(d, e);
	signer_hash(SIGNER_A, mrsigner);
	tell_step(d, true, "signing", "RSA-3072 by a key made for this run");
	tell_hash("MRENCLAVE", e->mrenclave);
	tell_hash("MRSIGNER", mrsigner);
	clock_start(d);
	tell_step(d, is_code(init(d, e), SGX_INVALID_EINITTOKEN), "EINIT",
		  "refused: the platform trusts another signer");
	trust_signer(d);
	clock_start(d);
	return tell_step(d, is_code(init(d, e), SGX_SUCCESS), "EINIT",
			 "accepted: its hash is in IA32_SGXLEPUBKEYHASH");
}

void show_removal(struct demo *d)
{
	const struct enclave *e = &d->enclave;
	bool ok = true;

	tell_section("And goes");
	clock_start(d);
	tell_step(d, is_code(world_encls(d, EREMOVE, 0, e->secs, 0), SGX_CHILD_PRESENT), "EREMOVE",
		  "SECS: not before its children");
	clock_start(d);
	for (unsigned int i = TCS; i <= DATA; i++)
		ok = is_code(world_encls(d, EREMOVE, 0, e->page[i], 0), SGX_SUCCESS) && ok;
	ok = is_code(world_encls(d, EREMOVE, 0, e->secs, 0), SGX_SUCCESS) && ok;
	tell_step(d, ok && !world_epc_in_use(d), "EREMOVE",
		  "four pages, then the SECS: all are free");
}
