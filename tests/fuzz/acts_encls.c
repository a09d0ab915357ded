// SPDX-License-Identifier: GPL-2.0-or-later
/* The actions that are ENCLS leaves, as a kernel would use them. */
#include "fuzz.h"

#include "lib/crypto.h"
#include "sgx/key.h"
#include "sgx/secs.h"

#include <string.h>

static gva_t blob_gva(unsigned int blob)
{
	return ram_gva(RAM_BLOB + blob);
}

static gva_t pcmd_gva(unsigned int blob)
{
	return ram_gva(RAM_PCMD) + blob * sizeof(struct sgx_pcmd);
}

static struct sgx_pcmd *pcmd_of(struct fuzz *f, unsigned int blob)
{
	return (struct sgx_pcmd *)ram_ptr(f->embedder, RAM_PCMD) + blob;
}

/* Pointers are effective addresses, LINADDR is not. */
static uint64_t fill_pageinfo(struct fuzz *f, const struct embedder_cpu *c, gva_t linaddr,
			      gva_t srcpge, gva_t secinfo, gva_t secs)
{
	const struct builder *b = builder_of(f, c);

	*builder_pageinfo(b) = (struct sgx_pageinfo){
		.linaddr = linaddr,
		.srcpge = srcpge ? ea(c, srcpge) : 0,
		.secinfo = secinfo ? ea(c, secinfo) : 0,
		.secs = secs ? ea(c, secs) : 0,
	};
	return ea(c, b->args);
}

/* A legal one: of three bits of type and the rights. */
static uint64_t fill_secinfo(struct fuzz *f, const struct embedder_cpu *c, uint64_t flags)
{
	const struct builder *b = builder_of(f, c);

	*builder_secinfo(b) = (struct sgx_secinfo){.flags = flags};
	return ea(c, builder_secinfo_gva(b));
}

/* The kernel maps what it has put somewhere. */
static void map(struct fuzz *f, gva_t linaddr, unsigned int epc)
{
	if (embedder_pte(f->embedder, linaddr))
		embedder_map_epc(f->embedder, linaddr, epc, PTE_ALL);
}

static void fill_secs(struct sgx_secs *secs, const uint8_t *args)
{
	static const uint64_t xfrm[] = {0x3, 0xe7,    0x600e7,           0x7,
					0x1, 0x20003, UINT64_C(1) << 63, 0x60003};
	static const uint16_t attributes[] = {
		SGX_ATTR_MODE64BIT,
		SGX_ATTR_MODE64BIT | SGX_ATTR_DEBUG,
		SGX_ATTR_DEBUG,
		SGX_ATTR_MODE64BIT | SGX_ATTR_DEBUG | SGX_ATTR_AEXNOTIFY,
		SGX_ATTR_MODE64BIT | SGX_ATTR_KSS | SGX_ATTR_PROVISIONKEY,
		SGX_ATTR_MODE64BIT | SGX_ATTR_DEBUG | SGX_ATTR_EINITTOKENKEY,
		SGX_ATTR_MODE64BIT | SGX_ATTR_CET,
		SGX_ATTR_INIT,
	};
	uint8_t odd = args[2];

	memset(secs, 0, sizeof(*secs));
	secs->base = ENCLAVE_AT + PAGES(ENCLAVE_PAGES) * (args[0] & 1);
	secs->size = PAGES(ENCLAVE_PAGES);
	secs->attributes = attributes[args[1] % 8];
	secs->xfrm = xfrm[args[1] < 0x40 ? 0 : args[1] / 8 % 8];
	secs->ssa_frame_size = secs->xfrm == 0x600e7 ? 3 : 1;
	secs->miscselect = args[1] >> 7;
	if (odd < 0xc0)
		return;
	switch (odd % 12) {
	case 0:
		secs->ssa_frame_size = 0;
		break;
	case 1:
		secs->base = UINT64_C(0x800000000000);
		break;
	case 2:
		secs->base = UINT64_C(0x100000000);
		break;
	case 3:
		secs->size <<= args[3] % 64;
		break;
	case 4:
		secs->size = args[3];
		break;
	case 5:
		secs->size += SGX_PAGE_SIZE;
		break;
	case 6:
		secs->base += SGX_PAGE_SIZE;
		break;
	case 7:
		((uint8_t *)secs)[args[3] * 16 + 12] = 1;
		break;
	case 8:
		secs->config_svn = 1;
		break;
	case 9:
		secs->config_id[args[3] % 64] = 1;
		break;
	case 10:
		secs->cet_attributes = 1;
		break;
	case 11:
		secs->miscselect = args[3];
		break;
	}
}

void act_create(struct fuzz *f)
{
	struct embedder_cpu *c = idle_outside(f);
	gva_t secinfo;

	if (!c)
		return;
	fill_secs(builder_ram(builder_of(f, c), builder_of(f, c)->source), &f->record[2]);
	secinfo = builder_secinfo_gva(builder_of(f, c));
	fill_secinfo(f, c, EPCM_PT(SGX_PAGE_TYPE_SECS));
	encls(f, c, ECREATE, fill_pageinfo(f, c, 0, builder_of(f, c)->source, secinfo, 0),
	      ea(c, epc_gva(pick(f, WANT_FREE, NULL, arg(f, 0)))), 0);
}

static void fill_tcs(struct sgx_tcs *tcs, uint8_t shape, uint8_t odd)
{
	*tcs = (struct sgx_tcs){
		.ossa = PAGES(shape % 8),
		.nssa = 1 + shape / 8 % 4,
		.oentry = 0x80,
		.flags = shape & 0x20 ? SGX_TCS_AEXNOTIFY : 0,
		.fs_limit = UINT32_MAX,
		.gs_limit = shape & 0x40 ? UINT32_MAX : SGX_TCS_32BIT_LIMIT_MASK,
	};
	switch (odd % 16) {
	case 6:
		tcs->ogs_base = 8;
		break;
	case 7:
		tcs->ofs_base = UINT64_C(0x7ffff0000000);
		break;
	case 8:
		tcs->ossa += 8;
		break;
	case 9:
		tcs->ofs_base = 8;
		break;
	case 10:
		tcs->ogs_base = UINT64_C(0x7ffff0000000);
		break;
	case 11:
		tcs->flags |= (uint64_t)1 << odd / 16;
		break;
	case 12:
		tcs->reserved[odd] = 1;
		break;
	case 13:
		tcs->fs_limit = odd;
		break;
	case 14:
		tcs->oentry = UINT64_C(0x800000000000);
		break;
	case 15:
		tcs->nssa = 0;
		tcs->cssa = odd;
		tcs->state = SGX_TCS_ACTIVE;
		break;
	default:
		break;
	}
}

/* A regular page, or with the highest rights a TCS. */
void act_add(struct fuzz *f)
{
	struct embedder_cpu *c = idle_outside(f);
	const uint8_t flags = arg(f, 3);
	const bool is_tcs = (flags & 7) == 4;
	const unsigned int epc = pick(f, WANT_FREE, NULL, arg(f, 0));
	const gva_t linaddr = enclave_gva(arg(f, 2));
	const struct builder *b;
	gva_t secs;

	if (!c)
		return;
	b = builder_of(f, c);
	secs = epc_gva(pick(f, WANT_NEW_SECS, NULL, arg(f, 1)));
	memset(builder_ram(b, b->source), is_tcs ? 0 : arg(f, 4), SGX_PAGE_SIZE);
	if (is_tcs)
		fill_tcs(builder_ram(b, b->source), flags >> 3 | (flags & 0xc0), arg(f, 4));
	fill_secinfo(f, c, EPCM_PT(is_tcs ? SGX_PAGE_TYPE_TCS : SGX_PAGE_TYPE_REG) | (flags & 7));
	if (leaf_succeeded(
		    encls(f, c, EADD,
			  fill_pageinfo(f, c, linaddr, b->source, builder_secinfo_gva(b), secs),
			  ea(c, epc_gva(epc)), 0)))
		map(f, linaddr, epc);
}

void act_augment(struct fuzz *f)
{
	struct embedder_cpu *c = idle_outside(f);
	const unsigned int epc = pick(f, WANT_FREE, NULL, arg(f, 0));
	const gva_t secs = epc_gva(pick(f, WANT_SECS, NULL, arg(f, 1)));
	const gva_t linaddr = enclave_gva(arg(f, 2));
	gva_t secinfo;

	if (!c)
		return;
	secinfo = arg(f, 3) == 0xff ? builder_secinfo_gva(builder_of(f, c)) : 0;
	if (leaf_succeeded(encls(f, c, EAUG, fill_pageinfo(f, c, linaddr, 0, secinfo, secs),
				 ea(c, epc_gva(epc)), 0)))
		map(f, linaddr, epc);
}

void act_extend(struct fuzz *f)
{
	struct embedder_cpu *c = idle_outside(f);
	const unsigned int epc = pick(f, WANT_CHILD, NULL, arg(f, 0));
	const struct epcm_entry *secs = epcm_secs(entry_of(f, epc));
	unsigned int parent = pick(f, WANT_NEW_SECS, NULL, arg(f, 1));

	for (unsigned int i = 0; i < EPC_PAGES && arg(f, 1) < 0x40; i++)
		if (entry_of(f, i) == secs)
			parent = i;
	if (c)
		encls(f, c, EEXTEND, ea(c, epc_gva(parent)),
		      ea(c, epc_gva(epc) + arg(f, 2) % 16 * SGX_CHUNK_SIZE), 0);
}

static void fill_token(struct fuzz *f, const struct embedder_cpu *c, unsigned int secs_page)
{
	const struct epcm_entry *e = entry_of(f, secs_page);
	struct sgx_einittoken *token = ram_ptr(f->embedder, RAM_TOKEN);
	const struct sgx_sigstruct *sig = ram_ptr(f->embedder, RAM_SIGSTRUCT);
	uint8_t key[SGX_KEY_SIZE];

	memset(token, 0, sizeof(*token));
	if (!(arg(f, 2) & 1))
		return;
	token->valid = SGX_EINITTOKEN_VALID;
	memcpy(token->mrenclave, sig->enclave_hash, SGX_HASH_SIZE);
	crypto_sha256(sig->modulus, sizeof(sig->modulus), token->mrsigner);
	if (epcm_is(epcm_state(e), SGX_PAGE_TYPE_SECS)) {
		token->attributes = secs_attributes(secs_of(e));
		token->xfrm = secs_of(e)->xfrm;
	}
	if (arg(f, 2) & 2)
		((uint8_t *)token)[arg(f, 3) % SGX_EINITTOKEN_MACED] ^= 1;
	if (arg(f, 2) & 4)
		((uint8_t *)token)[SGX_EINITTOKEN_MACED + arg(f, 3) % 112] ^= 3;
	if (!(arg(f, 2) & 8) && key_for_token(&f->embedder->cpus[0].cpu, token, key))
		crypto_cmac(c->cpu.cmac, key, token, SGX_EINITTOKEN_MACED, token->mac);
}

void act_init(struct fuzz *f)
{
	struct embedder_cpu *c = idle_outside(f);
	const unsigned int secs = pick(f, WANT_NEW_SECS, NULL, arg(f, 0));

	if (!c)
		return;
	if (arg(f, 1) < 0x80) {
		world_sign(f->embedder, secs, arg(f, 1) % NR_SIGNATURES);
		watch_own_write(f->embedder, secs);
	}
	fill_token(f, c, secs);
	if (f->record[0] & RECORD_SPOILS)
		((uint8_t *)ram_ptr(f->embedder, RAM_SIGSTRUCT))[arg(f, 3) * 8u + arg(f, 4) % 8] ^=
			arg(f, 4) | 1;
	encls(f, c, EINIT, ea(c, ram_gva(RAM_SIGSTRUCT)), ea(c, epc_gva(secs)),
	      ea(c, ram_gva(RAM_TOKEN)));
}

static void page_leaf(struct fuzz *f, uint32_t leaf, uint64_t rbx, unsigned int epc)
{
	struct embedder_cpu *c = idle_outside(f);

	if (c)
		encls(f, c, leaf, rbx, ea(c, epc_gva(epc)), 0);
}

void act_remove(struct fuzz *f)
{
	page_leaf(f, EREMOVE, 0, pick(f, arg(f, 1) & 1 ? WANT_SECS : WANT_CHILD, NULL, arg(f, 0)));
}

void act_version_array(struct fuzz *f)
{
	page_leaf(f, EPA, arg(f, 1) == 0xff ? 0 : SGX_PAGE_TYPE_VA,
		  pick(f, WANT_FREE, NULL, arg(f, 0)));
}

void act_block(struct fuzz *f)
{
	page_leaf(f, EBLOCK, 0, pick(f, WANT_CHILD, NULL, arg(f, 0)));
}

void act_track(struct fuzz *f)
{
	page_leaf(f, ETRACK, 0, pick(f, WANT_SECS, NULL, arg(f, 0)));
}

static void secinfo_leaf(struct fuzz *f, uint32_t leaf, uint64_t flags)
{
	struct embedder_cpu *c = idle_outside(f);

	if (c)
		encls(f, c, leaf, fill_secinfo(f, c, flags),
		      ea(c, epc_gva(pick(f, WANT_CHILD, NULL, arg(f, 0)))), 0);
}

void act_restrict_rights(struct fuzz *f)
{
	secinfo_leaf(f, EMODPR, arg(f, 1) % 8);
}

void act_change_type(struct fuzz *f)
{
	static const uint8_t types[] = {SGX_PAGE_TYPE_TRIM, SGX_PAGE_TYPE_TRIM, SGX_PAGE_TYPE_TCS,
					SGX_PAGE_TYPE_TCS, SGX_PAGE_TYPE_REG};

	secinfo_leaf(f, EMODT, EPCM_PT(types[arg(f, 1) % 5]));
}

void act_debug(struct fuzz *f)
{
	struct embedder_cpu *c = idle_outside(f);
	static const enum want wants[] = {WANT_CHILD, WANT_TCS, WANT_VA, WANT_CHILD};
	const bool write = arg(f, 0) & 1;
	unsigned int epc = pick(f, wants[arg(f, 0) / 2 % 4], NULL, arg(f, 1));

	if (c)
		encls(f, c, write ? EDBGWR : EDBGRD, arg(f, 3),
		      ea(c, epc_gva(epc) + arg(f, 2) * 8u + arg(f, 4) % 2 * 2048u), 0);
}

static gva_t slot_gva(struct fuzz *f, uint8_t va, unsigned int slot)
{
	return epc_gva(pick(f, WANT_VA, NULL, va)) + slot * sizeof(uint64_t);
}

static struct leaf_result page_out(struct fuzz *f, unsigned int epc, gva_t slot)
{
	struct embedder_cpu *c = idle_outside(f);
	struct leaf_result res = {.kind = LEAF_FAULT};
	uint64_t args;
	gva_t linaddr = epcm_linaddr(entry_of(f, epc));

	if (!c)
		return res;
	args = fill_pageinfo(f, c, 0, blob_gva(epc), pcmd_gva(epc), 0);
	res = encls(f, c, EWB, args, ea(c, epc_gva(epc)), ea(c, slot));
	if (leaf_succeeded(res) || res.kind == LEAF_INFO)
		f->blobs[epc] = (struct blob){.used = true, .linaddr = linaddr, .slot = slot};
	return res;
}

void act_page_out(struct fuzz *f)
{
	unsigned int epc = pick(f, WANT_EVICTABLE, NULL, arg(f, 0));

	page_out(f, epc, slot_gva(f, arg(f, 1), arg(f, 2) < 0xf0 ? epc : arg(f, 2)));
}

static void evict(struct fuzz *f, unsigned int epc)
{
	const struct epcm_entry *secs = epcm_secs(entry_of(f, epc));
	const gva_t slot = slot_gva(f, arg(f, 1), epc);

	if (secs) {
		page_leaf(f, EBLOCK, 0, epc);
		for (unsigned int i = 0; i < EPC_PAGES; i++)
			if (entry_of(f, i) == secs)
				page_leaf(f, ETRACK, 0, i);
	}
	page_out(f, epc, slot);
}

/* One page as a kernel does it, or an enclave with all its pages. */
void act_evict(struct fuzz *f)
{
	unsigned int epc = pick(f, WANT_CHILD, NULL, arg(f, 0));
	const struct epcm_entry *secs;

	if (!(arg(f, 2) & 1)) {
		evict(f, epc);
		return;
	}
	epc = pick(f, WANT_SECS, NULL, arg(f, 0));
	secs = entry_of(f, epc);
	for (unsigned int i = 0; i < EPC_PAGES; i++)
		if (epcm_secs(entry_of(f, i)) == secs)
			evict(f, i);
	evict(f, epc);
}

/* The SECS that PCMD.ENCLAVEID names, as a kernel would remember it. */
static unsigned int parent_of(struct fuzz *f, const struct sgx_pcmd *pcmd)
{
	for (unsigned int i = 0; i < EPC_PAGES; i++) {
		const struct epcm_entry *e = entry_of(f, i);

		if (epcm_is(epcm_state(e), SGX_PAGE_TYPE_SECS) &&
		    secs_hidden(secs_of(e))->eid == pcmd->enclave_id)
			return i;
	}
	return EPC_PAGES;
}

enum tampering {
	TAMPER_CIPHER,
	TAMPER_SECINFO,
	TAMPER_RESERVED,
	TAMPER_MAC,
	TAMPER_LINADDR,
	TAMPER_SLOT,
	TAMPER_SECS,
	TAMPER_ENCLAVEID, /* harmless: a hint for software */
	NR_TAMPERINGS,
};

/* Changes what memory holds of a blob; done twice, it is as before. */
static void tamper(struct fuzz *f, unsigned int blob, enum tampering how)
{
	struct sgx_pcmd *pcmd = pcmd_of(f, blob);
	const uint8_t where = arg(f, 3);

	switch (how) {
	case TAMPER_CIPHER:
		((uint8_t *)ram_ptr(f->embedder, RAM_BLOB + blob))[where * 16u] ^= 1;
		break;
	case TAMPER_SECINFO:
		pcmd->secinfo.flags ^= UINT64_C(1) << where % 20;
		break;
	case TAMPER_RESERVED:
		pcmd->reserved[where % sizeof(pcmd->reserved)] ^= 1;
		break;
	case TAMPER_MAC:
		pcmd->mac[where % sizeof(pcmd->mac)] ^= 1;
		break;
	case TAMPER_ENCLAVEID:
		pcmd->enclave_id ^= 1;
		break;
	case TAMPER_LINADDR:
	case TAMPER_SLOT:
	case TAMPER_SECS:
	case NR_TAMPERINGS:
		break;
	}
}

static unsigned int pick_blob(struct fuzz *f, uint8_t n)
{
	unsigned int found[EPC_PAGES], count = 0;

	for (unsigned int i = 0; i < EPC_PAGES; i++)
		if (f->blobs[i].used)
			found[count++] = i;
	return count ? found[n % count] : n % EPC_PAGES;
}

static void check_loaded(struct fuzz *f, gva_t slot_at)
{
	const struct pte *pte = embedder_pte(f->embedder, slot_at);
	const struct sgx_va_page *va = epcm_page(entry_of(f, pte->page));

	watch_rule(!va->slot[slot_at % SGX_PAGE_SIZE / sizeof(va->slot[0])],
		   "a page that was loaded has left its slot empty");
}

void act_page_in(struct fuzz *f)
{
	struct embedder_cpu *c = idle_outside(f);
	const unsigned int i = pick_blob(f, arg(f, 0));
	const unsigned int target = pick(f, WANT_FREE, NULL, arg(f, 1));
	const uint8_t how = arg(f, 2);
	const bool undisturbed = !f->busy && !f->ambush_in && !f->noise;
	const bool spoiled = f->record[0] & RECORD_SPOILS;
	const enum tampering tampering = how >= 0x90 ? how % NR_TAMPERINGS : NR_TAMPERINGS;
	const struct blob *blob = &f->blobs[i];
	unsigned int parent = parent_of(f, pcmd_of(f, i));
	gva_t secs = 0, linaddr = blob->linaddr, slot = blob->slot;
	const uint64_t pt = pcmd_of(f, i)->secinfo.flags & SGX_SECINFO_PT_MASK;
	struct leaf_result res;

	if (!c || !blob->used)
		return;
	if (pt != EPCM_PT(SGX_PAGE_TYPE_SECS) && pt != EPCM_PT(SGX_PAGE_TYPE_VA))
		secs = epc_gva(parent);
	linaddr += tampering == TAMPER_LINADDR ? SGX_PAGE_SIZE : 0;
	slot ^= tampering == TAMPER_SLOT ? sizeof(uint64_t) : 0;
	if (tampering == TAMPER_SECS)
		secs = secs ? epc_gva(parent + 1) : epc_gva(parent);
	tamper(f, i, tampering);
	res = encls(f, c, how & 1 ? ELDU : ELDB,
		    fill_pageinfo(f, c, linaddr, blob_gva(i), pcmd_gva(i), secs),
		    ea(c, epc_gva(target)), ea(c, slot));
	tamper(f, i, tampering);
	if (!leaf_succeeded(res) || spoiled)
		return;
	if (undisturbed) {
		watch_rule(tampering >= TAMPER_ENCLAVEID,
			   "a blob that was tampered with is refused");
		check_loaded(f, slot);
	}
	f->blobs[i].used = false;
	map(f, linaddr, target);
}

void act_wild_encls(struct fuzz *f)
{
	struct embedder_cpu *c = idle_outside(f);

	if (c)
		encls(f, c, arg(f, 0) % 24, wild_operand(f, c, arg(f, 1), arg(f, 4)),
		      wild_operand(f, c, arg(f, 2), arg(f, 4) + 1),
		      wild_operand(f, c, arg(f, 3), arg(f, 4) + 2));
}
