// SPDX-License-Identifier: GPL-2.0-or-later
/* The actions of threads of enclaves, and of events that interrupt them. */
#include "fuzz.h"

#include "sgx/operand.h"
#include "sgx/secs.h"

#include <string.h>

/* Where in a page the enclave keeps its operands. */
#define AT_SECINFO    0x040
#define AT_TARGETINFO 0x200
#define AT_REPORTDATA 0x400
#define AT_REPORT     0x600
#define AT_KEYREQUEST 0x800
#define AT_KEY        0xa00
#define AT_SECRET     0xb00

static struct embedder_cpu *thread_outside(struct fuzz *f)
{
	struct embedder_cpu *c = idle_outside(f);

	return c == &f->embedder->cpus[KERNEL_CPU] ? NULL : c;
}

static void enter(struct fuzz *f, uint32_t leaf, uint8_t tcs)
{
	struct embedder_cpu *c = thread_outside(f);
	unsigned int epc = pick(f, WANT_TCS, NULL, tcs);

	if (c)
		enclu(f, c, leaf, ea(c, epcm_linaddr(entry_of(f, epc))),
		      arg(f, 1) == 0xff ? UINT64_C(1) << 63 : AEP, 0);
}

void act_enter(struct fuzz *f)
{
	enter(f, EENTER, arg(f, 0));
}

void act_resume(struct fuzz *f)
{
	enter(f, ERESUME, arg(f, 0));
}

/* Who is inside; else somebody enters, so that the next one finds him. */
static struct embedder_cpu *thread_inside(struct fuzz *f)
{
	struct embedder_cpu *c = idle_inside(f);

	if (!c)
		enter(f, arg(f, 4) & 1 ? ERESUME : EENTER, arg(f, 0) & 0x7f);
	return idle_inside(f);
}

/* A page of the active enclave that its thread may access as it wants. */
struct own {
	unsigned int epc;
	gva_t gva;
	uint8_t *page;
};

static uint8_t *reach(struct fuzz *f, struct embedder_cpu *c, gva_t gva, uint32_t access,
		      unsigned int *epc)
{
	const struct pte *pte = embedder_pte(f->embedder, gva);
	struct sgx_place place = {.is_epc = true};
	struct sgx_access got;

	if (!pte || !(pte->flags & PTE_EPC) || !(pte->flags & PTE_P))
		return NULL;
	place.hpa = f->embedder->config.epc_hpa + PAGES(pte->page);
	got = sgx_check_access(&c->cpu, gva, access, &place);
	*epc = pte->page;
	return got.verdict == SGX_ACCESS_ALLOW ? got.page : NULL;
}

/* The first one from EPC page @first downward. */
static bool find_own(struct fuzz *f, struct embedder_cpu *c, uint32_t access, uint8_t first,
		     struct own *own)
{
	for (unsigned int i = 0; i < EPC_PAGES; i++) {
		const struct epcm_entry *e = entry_of(f, (first + EPC_PAGES - i) % EPC_PAGES);

		if (epcm_secs(e) != c->cpu.enclave.secs)
			continue;
		own->gva = epcm_linaddr(e);
		own->page = reach(f, c, own->gva, access, &own->epc);
		if (own->page)
			return true;
	}
	return false;
}

/* An enclave's last pages hold data: operands there do not disturb the SSA. */
static bool find_operands(struct fuzz *f, struct embedder_cpu *c, struct own *own)
{
	return find_own(f, c, ENCLU_WRITE, arg(f, 3) < 0xc0 ? EPC_PAGES - 1 : arg(f, 3), own);
}

static void put(struct fuzz *f, const struct own *own, unsigned int at, const void *p, size_t len)
{
	memcpy(own->page + at, p, len);
	watch_own_write(f->embedder, own->epc);
}

static bool put_secinfo(struct fuzz *f, struct embedder_cpu *c, struct own *own, uint64_t flags)
{
	const struct sgx_secinfo secinfo = {.flags = flags};

	if (!find_operands(f, c, own))
		return false;
	put(f, own, AT_SECINFO, &secinfo, sizeof(secinfo));
	return true;
}

/* What the enclave expects of the page; not quite that with the high bit of @odd. */
static uint64_t expected(const struct epcm_entry *e, uint8_t odd)
{
	uint64_t flags = epcm_state(e) & EPCM_SECINFO;

	if (odd & 0x80)
		flags ^= UINT64_C(1) << odd % 16;
	return flags;
}

void act_accept(struct fuzz *f)
{
	struct embedder_cpu *c = thread_inside(f);
	struct epcm_entry *e;
	struct own own;

	if (!c)
		return;
	e = entry_of(f, pick(f, WANT_IN_TRANSIT, c->cpu.enclave.secs, arg(f, 0)));
	if (put_secinfo(f, c, &own, expected(e, arg(f, 1))))
		enclu(f, c, EACCEPT, ea(c, own.gva + AT_SECINFO), ea(c, epcm_linaddr(e)), 0);
}

void act_extend_rights(struct fuzz *f)
{
	struct embedder_cpu *c = thread_inside(f);
	struct epcm_entry *e;
	struct own own;

	if (!c)
		return;
	e = entry_of(f, pick(f, WANT_CHILD, c->cpu.enclave.secs, arg(f, 0)));
	if (put_secinfo(f, c, &own, EPCM_PT(SGX_PAGE_TYPE_REG) | (arg(f, 1) & 0x47)))
		enclu(f, c, EMODPE, ea(c, own.gva + AT_SECINFO), ea(c, epcm_linaddr(e)), 0);
}

void act_accept_copy(struct fuzz *f)
{
	struct embedder_cpu *c = thread_inside(f);
	struct epcm_entry *e;
	struct own own, source;

	if (!c)
		return;
	e = entry_of(f, pick(f, WANT_IN_TRANSIT, c->cpu.enclave.secs, arg(f, 0)));
	if (put_secinfo(f, c, &own, EPCM_PT(SGX_PAGE_TYPE_REG) | (arg(f, 1) & 0x17)) &&
	    find_own(f, c, ENCLU_READ, arg(f, 2), &source))
		enclu(f, c, EACCEPTCOPY, ea(c, own.gva + AT_SECINFO), ea(c, epcm_linaddr(e)),
		      ea(c, source.gva));
}

void act_report(struct fuzz *f)
{
	struct embedder_cpu *c = thread_inside(f);
	struct sgx_targetinfo target = {.attributes = arg(f, 1)};
	struct own own;

	if (!c || !find_operands(f, c, &own))
		return;
	put(f, &own, AT_TARGETINFO, &target, sizeof(target));
	enclu(f, c, EREPORT, ea(c, own.gva + AT_TARGETINFO), ea(c, own.gva + AT_REPORTDATA),
	      ea(c, own.gva + AT_REPORT));
}

void act_get_key(struct fuzz *f)
{
	struct embedder_cpu *c = thread_inside(f);
	struct sgx_keyrequest request = {
		.keyname = arg(f, 1) % 6,
		.keypolicy = arg(f, 1) & 0x80 ? arg(f, 2) : arg(f, 2) % 4,
		.isv_svn = arg(f, 4) % 16,
		.cpusvn[0] = arg(f, 4) >> 6,
		.config_svn = (arg(f, 1) & 0xf0) == 0xe0,
	};
	struct own own;

	if (!c || !find_operands(f, c, &own))
		return;
	if (arg(f, 1) >= 0xf0)
		((uint8_t *)&request)[arg(f, 2) * 2u + arg(f, 1) % 2] ^= 1;
	put(f, &own, AT_KEYREQUEST, &request, sizeof(request));
	enclu(f, c, EGETKEY, ea(c, own.gva + AT_KEYREQUEST), ea(c, own.gva + AT_KEY), 0);
}

void act_drop_frame(struct fuzz *f)
{
	struct embedder_cpu *c = thread_inside(f);

	if (c)
		enclu(f, c, EDECCSSA, 0, 0, 0);
}

/* Fills what the enclave's features keep in registers with @word; they start at 8-byte offsets. */
static void fill_xstate(struct embedder_cpu *c, uint64_t word)
{
	const uint64_t xfrm = secs_of(c->cpu.enclave.secs)->xfrm;

	memcpy(c->xstate + 160, &word, sizeof(word));
	for (unsigned int i = 2; i < 64; i++)
		if (xfrm & BIT64(i))
			memcpy(c->xstate + c->cpu.cpuid->xsave[i].offset, &word, sizeof(word));
}

static void fill_registers(struct embedder_cpu *c, uint64_t word)
{
	for (unsigned int i = 0; i < X86_NR_GPRS; i++)
		c->state.gpr[i] = word;
	fill_xstate(c, word);
}

/* The enclave changes what is its own: data, the frame to come back by, registers. */
void act_own_write(struct fuzz *f)
{
	struct embedder_cpu *c = thread_inside(f);
	const struct epcm_entry *secs;
	uint64_t word = arg(f, 1);
	struct own own;

	if (!c)
		return;
	secs = c->cpu.enclave.secs;
	if (watch_has_secrets(secs) && x86_is_64bit(&c->state)) {
		word = watch_secret(secs);
		fill_registers(c, word);
	}
	if (!find_own(f, c, ENCLU_WRITE, arg(f, 2), &own))
		return;
	switch (arg(f, 0) >> 5) {
	case 0:
	case 1:
		put(f, &own, AT_SECRET + arg(f, 3) % 16 * 8, &word, sizeof(word));
		break;
	case 2: /* as an SSA frame: wants to be notified */
		word = SGX_GPRSGX_AEXNOTIFY;
		put(f, &own,
		    SGX_PAGE_SIZE - sizeof(struct sgx_gprsgx) +
			    offsetof(struct sgx_gprsgx, aexnotify),
		    &word, 1);
		break;
	case 3: /* likewise, with any byte of GPRSGX */
		put(f, &own, SGX_PAGE_SIZE - sizeof(struct sgx_gprsgx) + arg(f, 3) % 184,
		    &f->record[2], 1);
		break;
	case 4: /* with a byte of MXCSR or the XSAVE header */
		put(f, &own, arg(f, 3) & 1 ? 27 : 512 + arg(f, 3) / 2 % 24, &f->record[2], 1);
		break;
	case 5: { /* as a TCS to be */
		const struct sgx_tcs tcs = {.ossa = PAGES(arg(f, 3) % 16),
					    .nssa = 2,
					    .fs_limit = UINT32_MAX,
					    .gs_limit = UINT32_MAX,
					    .flags = arg(f, 1) % 4};

		memset(own.page, 0, SGX_PAGE_SIZE);
		put(f, &own, 0, &tcs, sizeof(tcs));
		break;
	}
	default: /* any byte of a TCS to be */
		put(f, &own, arg(f, 3), &f->record[2], 1);
		break;
	}
}

void act_leave(struct fuzz *f)
{
	struct embedder_cpu *c = thread_inside(f);

	if (!c)
		return;
	/* What an enclave leaves in registers it tells; so does this one not. */
	fill_registers(c, 0);
	enclu(f, c, EEXIT, arg(f, 1) == 0xff ? UINT64_C(1) << 63 : AEP, 0, 0);
}

void act_event(struct fuzz *f)
{
	static const uint8_t vectors[] = {PF_VECTOR, GP_VECTOR, MF_VECTOR, XM_VECTOR,
					  UD_VECTOR, DB_VECTOR, BP_VECTOR, NM_VECTOR};
	struct embedder_cpu *c = thread_inside(f);
	struct sgx_event event = {
		.type = arg(f, 1) % 4,
		.exception = {.vector = vectors[arg(f, 2) % 8],
			      .address = enclave_gva(arg(f, 3)) + arg(f, 3),
			      .error_code = arg(f, 2) / 8},
	};

	if (!c)
		return;
	sgx_aex(&c->cpu, &event);
	watch_outside(c->xstate, sizeof(c->xstate),
		      "a secret of an enclave is in no extended register after an AEX");
	watch_rule(event.exception.vector != PF_VECTOR || event.type == SGX_EVENT_INTERRUPT ||
			   is_aligned(event.exception.address, SGX_PAGE_SIZE),
		   "a #PF inside tells the page alone");
	watch_rule(c->state.gpr[X86_RAX] == ERESUME && c->state.rip == c->state.gpr[X86_RCX],
		   "an AEX leaves at AEP with ERESUME in RAX");
	settle(f);
}

void act_wild_enclu(struct fuzz *f)
{
	const bool inside = arg(f, 0) & 0x80;
	struct embedder_cpu *c = inside ? thread_inside(f) : thread_outside(f);

	if (!c)
		return;
	if (inside)
		fill_registers(c, 0);
	enclu(f, c, arg(f, 0) % 12, wild_operand(f, c, arg(f, 1), arg(f, 4)),
	      wild_operand(f, c, arg(f, 2), arg(f, 4) + 1),
	      wild_operand(f, c, arg(f, 3), arg(f, 4) + 2));
}
