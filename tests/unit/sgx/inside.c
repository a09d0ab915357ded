// SPDX-License-Identifier: GPL-2.0-or-later
#include "inside.h"

#include "lib/crypto.h"

const struct recipe recipe_all = {
	.attributes = INSIDE_ATTRIBUTES,
	.fill = 0xa1,
	.config_id = 0xc1,
	.config_svn = 7,
	.isv_svn = 7,
	.isv_family_id = 0xf1,
	.isv_ext_prod_id = 0xe1,
};

static void create(struct fixture *f, unsigned int first, gva_t base, const struct recipe *recipe)
{
	struct sgx_secs *secs = source_secs(f, base, ENCLAVE_SIZE);

	secs->attributes = recipe->attributes;
	memset(secs->config_id, recipe->config_id, sizeof(secs->config_id));
	secs->config_svn = recipe->config_svn;
	set_pageinfo(f, 0, 0, EPCM_PT(SGX_PAGE_TYPE_SECS));
	expect_ok(encls(f, ECREATE, PAGEINFO_GVA, epc_gva(first), 0));
}

void make_signed_enclave(struct fixture *f, unsigned int first, gva_t base,
			 const struct recipe *recipe)
{
	struct sgx_sigstruct *sig = sigstruct(f);

	create(f, first, base, recipe);
	add_tcs(f, first, first + 1, base, 0x1000, 1);
	memset(ram_ptr(f, SRC_GVA), recipe->fill, SGX_PAGE_SIZE);
	for (unsigned int i = 1; i <= 3; i++) {
		add_reg(f, first, first + 1 + i, base + PAGES(i), EPCM_R | EPCM_W);
		expect_ok(encls(f, EEXTEND, epc_gva(first), epc_gva(first + 1 + i), 0));
	}
	describe_enclave(f, first, sig);
	sig->isv_svn = recipe->isv_svn;
	memset(sig->isv_family_id, recipe->isv_family_id, sizeof(sig->isv_family_id));
	memset(sig->isv_ext_prod_id, recipe->isv_ext_prod_id, sizeof(sig->isv_ext_prod_id));
	sign(sig, recipe->signer);
	trust_signer(f, recipe->signer);
	memset(einittoken(f), 0, sizeof(struct sgx_einittoken));
	expect_code(einit(f, first), SGX_SUCCESS);
}

void go_outside(struct fixture *f)
{
	struct sgx_enclave_state *enclave = &f->cpu->enclave;

	if (enclave->active)
		track_leave(enclave->secs, enclave->entry_epoch);
	memset(enclave, 0, sizeof(*enclave));
}

void go_inside(struct fixture *f, unsigned int first)
{
	struct sgx_enclave_state *enclave = &f->cpu->enclave;
	const struct sgx_secs *secs = epc_ptr(f, first);

	go_outside(f);
	enclave->active = true;
	enclave->secs = epcm_of(f, first);
	enclave->tcs = epcm_of(f, first + 1);
	enclave->tcs_linaddr = secs->base;
	enclave->base = secs->base;
	enclave->size = secs->size;
	assert_true(track_enter(enclave->secs, &enclave->entry_epoch));
}

void enter_new_enclave(struct fixture *f, const struct recipe *recipe)
{
	make_signed_enclave(f, 0, ENCLAVE_BASE, recipe);
	go_inside(f, 0);
}

void *inside_ptr(struct fixture *f, gva_t gva)
{
	return (uint8_t *)epc_ptr(f, pte_of(f, gva)->page) + gva % SGX_PAGE_SIZE;
}

struct leaf_result get_key(struct fixture *f, const struct sgx_keyrequest *request,
			   uint8_t key[SGX_KEY_SIZE])
{
	struct leaf_result res;

	memcpy(inside_ptr(f, KEYREQUEST_GVA(f)), request, sizeof(*request));
	res = enclu(f, EGETKEY, KEYREQUEST_GVA(f), KEY_GVA(f), 0);
	if (leaf_succeeded(res))
		memcpy(key, inside_ptr(f, KEY_GVA(f)), SGX_KEY_SIZE);
	return res;
}

struct sgx_keyrequest key_request(uint16_t keyname)
{
	struct sgx_keyrequest request = {
		.keyname = keyname,
		.isv_svn = 3,
		.attributes_mask = SGX_ATTR_MODE64BIT,
		.xfrm_mask = 3,
		.miscmask = SGX_MISC_EXINFO,
	};

	memset(request.cpusvn, 0x01, sizeof(request.cpusvn));
	memset(request.keyid, 0x1d, sizeof(request.keyid));
	return request;
}

void expect_key(struct fixture *f, const struct sgx_keyrequest *request, uint8_t key[SGX_KEY_SIZE])
{
	expect_code(get_key(f, request, key), SGX_SUCCESS);
}

struct leaf_result get_report(struct fixture *f, const struct sgx_targetinfo *target,
			      const uint8_t data[SGX_REPORTDATA_SIZE], struct sgx_report *report)
{
	struct leaf_result res;

	memcpy(inside_ptr(f, TARGETINFO_GVA(f)), target, sizeof(*target));
	memcpy(inside_ptr(f, REPORTDATA_GVA(f)), data, SGX_REPORTDATA_SIZE);
	res = enclu(f, EREPORT, TARGETINFO_GVA(f), REPORTDATA_GVA(f), REPORT_GVA(f));
	if (res.kind == LEAF_OK)
		memcpy(report, inside_ptr(f, REPORT_GVA(f)), sizeof(*report));
	return res;
}

struct sgx_targetinfo target_of(struct fixture *f, unsigned int secs_page)
{
	const struct sgx_secs *secs = epc_ptr(f, secs_page);
	struct sgx_targetinfo target = {
		.attributes = secs->attributes,
		.xfrm = secs->xfrm,
		.config_svn = secs->config_svn,
		.miscselect = secs->miscselect,
	};

	memcpy(target.measurement, secs->mrenclave, sizeof(target.measurement));
	memcpy(target.config_id, secs->config_id, sizeof(target.config_id));
	return target;
}

bool report_is_mine(struct fixture *f, const struct sgx_report *report)
{
	struct sgx_keyrequest request = {.keyname = SGX_KEYNAME_REPORT};
	uint8_t key[SGX_KEY_SIZE], mac[SGX_MAC_SIZE];

	memcpy(request.keyid, report->keyid, sizeof(request.keyid));
	expect_code(get_key(f, &request, key), SGX_SUCCESS);
	assert_true(crypto_cmac(f->cpu->cmac, key, report, 384, mac));
	return !memcmp(mac, report->mac, sizeof(mac));
}

static struct leaf_result run_with(struct fixture *f, uint32_t leaf, const uint64_t op[3],
				   unsigned int which, uint64_t operand)
{
	uint64_t reg[3] = {op[0], op[1], op[2]};

	reg[which] = operand;
	return enclu(f, leaf, reg[0], reg[1], reg[2]);
}

/* The page table's part. */
static void expect_walk_checked(struct fixture *f, uint32_t leaf, const uint64_t op[3],
				unsigned int which, uint32_t access)
{
	gva_t gva = op[which];
	struct pte *pte = pte_of(f, gva), saved = *pte;

	pte->flags = 0;
	expect_pfo(run_with(f, leaf, op, which, gva), gva, access);
	if (access & PFERR_WRITE_MASK) {
		pte->flags = PTE_P | PTE_U | PTE_EPC;
		expect_pfo(run_with(f, leaf, op, which, gva), gva, access | PFERR_PRESENT_MASK);
	}
	pte->flags = PTE_P | PTE_W | PTE_EPC;
	expect_pfo(run_with(f, leaf, op, which, gva), gva, access | PFERR_PRESENT_MASK);
	/* Not EPC. */
	pte->flags = PTE_ALL;
	expect_pfx(run_with(f, leaf, op, which, gva), gva, access);
	*pte = saved;
}

void expect_operand_checked(struct fixture *f, uint32_t leaf, const uint64_t op[3],
			    unsigned int which, uint32_t align, uint32_t access)
{
	gva_t gva = op[which];
	struct epcm_entry *e = epcm_of(f, pte_of(f, gva)->page), *secs = epcm_secs(e);
	const uint64_t state = epcm_state(e);
	const uint64_t pt = EPCM_PT_MASK;
	const uint64_t right = access & PFERR_WRITE_MASK ? EPCM_W : EPCM_R;
	const uint64_t spoiled[] = {
		state & ~EPCM_VALID,
		state | EPCM_BLOCKED,
		state | EPCM_PENDING,
		state | EPCM_MODIFIED,
		(state & ~pt) | EPCM_PT(SGX_PAGE_TYPE_TCS),
		(state & ~pt) | EPCM_PT(SGX_PAGE_TYPE_TRIM),
		(state & ~pt) | EPCM_PT(SGX_PAGE_TYPE_VA),
		state & ~right,
	};

	expect_gp(run_with(f, leaf, op, which, gva + align / 2));
	expect_refused_by(f, "is_aligned");
	expect_gp(run_with(f, leaf, op, which, ram_gva(8)));
	expect_refused_by(f, "sgx_in_elrange");
	expect_gp(run_with(f, leaf, op, which, f->cpu->enclave.base + f->cpu->enclave.size));
	expect_refused_by(f, "sgx_in_elrange");
	expect_gp(run_with(f, leaf, op, which, NON_CANONICAL));
	expect_refused_by(f, "x86_is_canonical");
	expect_walk_checked(f, leaf, op, which, access);
	for (unsigned int i = 0; i < ARRAY_SIZE(spoiled); i++) {
		atomic_store(&e->state, spoiled[i]);
		expect_pfx(run_with(f, leaf, op, which, gva), gva, access);
		expect_refused_by(f, "epcm_allows");
	}
	atomic_store(&e->state, state);
	atomic_store(&e->linaddr, epcm_linaddr(e) + SGX_PAGE_SIZE);
	expect_pfx(run_with(f, leaf, op, which, gva), gva, access);
	atomic_store(&e->linaddr, epcm_linaddr(e) - SGX_PAGE_SIZE);
	atomic_store(&e->secs, e);
	expect_pfx(run_with(f, leaf, op, which, gva), gva, access);
	atomic_store(&e->secs, secs);
}
