// SPDX-License-Identifier: GPL-2.0-or-later
/* From an argument to a page, a processor or an operand; what the guest and the host do. */
#include "fuzz.h"

#include "sgx/secs.h"

#include <string.h>

#define ANY_PAGE 0x80

static bool is_wanted(struct fuzz *f, enum want want, const struct epcm_entry *e)
{
	const uint64_t state = epcm_state(e);
	const bool secs = epcm_is(state, SGX_PAGE_TYPE_SECS);
	const bool child = epcm_is_valid(state) && epcm_has_parent(state);

	switch (want) {
	case WANT_FREE:
		return !epcm_is_valid(state);
	case WANT_SECS:
		return secs;
	case WANT_NEW_SECS:
		return secs && !secs_is_initialised(secs_of(e));
	case WANT_TCS:
		return epcm_is(state, SGX_PAGE_TYPE_TCS);
	case WANT_VA:
		return epcm_is(state, SGX_PAGE_TYPE_VA);
	case WANT_CHILD:
		return child;
	case WANT_IN_TRANSIT:
		return child && (state & (EPCM_PENDING | EPCM_MODIFIED | EPCM_PR));
	case WANT_EVICTABLE:
		return child ? state & EPCM_BLOCKED : epcm_is_valid(state) && !e->children;
	}
	return false;
}

unsigned int pick(struct fuzz *f, enum want want, const struct epcm_entry *secs, uint8_t n)
{
	unsigned int found[EPC_PAGES], count = 0;

	for (unsigned int i = 0; i < EPC_PAGES && n < ANY_PAGE; i++) {
		const struct epcm_entry *e = entry_of(f, i);

		if (is_wanted(f, want, e) && (!secs || epcm_secs(e) == secs))
			found[count++] = i;
	}
	return count ? found[n % count] : n % EPC_PAGES;
}

static struct embedder_cpu *idle(struct fuzz *f, bool inside)
{
	unsigned int first = (f->record[0] >> RECORD_CPU) % CPUS;

	for (unsigned int i = 0; i < CPUS; i++) {
		unsigned int cpu = (first + i) % CPUS;
		struct embedder_cpu *c = &f->embedder->cpus[cpu];

		if (!(f->busy & (1U << cpu)) && sgx_in_enclave(&c->cpu) == inside)
			return c;
	}
	return NULL;
}

struct embedder_cpu *idle_outside(struct fuzz *f)
{
	return idle(f, false);
}

struct embedder_cpu *idle_inside(struct fuzz *f)
{
	return idle(f, true);
}

const struct builder *builder_of(struct fuzz *f, const struct embedder_cpu *c)
{
	return &f->builders[c - f->embedder->cpus];
}

uint64_t ea(const struct embedder_cpu *c, gva_t gva)
{
	if (x86_is_64bit(&c->state))
		return gva;
	return (uint32_t)(gva - c->state.seg[X86_SEG_DS].base);
}

uint64_t wild_operand(struct fuzz *f, const struct embedder_cpu *c, uint8_t how, uint8_t which)
{
	switch (how % 12) {
	case 0:
	case 1:
		return ea(c, epc_gva(which));
	case 2:
	case 3:
		return ea(c, enclave_gva(which));
	case 4:
		return ea(c, ram_gva(which % RAM_PAGES));
	case 5:
		return ea(c, epc_gva(which)) + (which & 0xf0u) * 16u;
	case 6:
		return ea(c, enclave_gva(which)) + (which & 0xf0u) * 4u;
	case 7:
		return ea(c, ram_gva(RAM_PAGES)); /* not mapped */
	case 8:
		return UINT64_C(0x8000000000000000) + PAGES(which);
	case 9:
		return ea(c, epc_gva(which)) + which;
	case 10:
		return ea(c, epc_gva(which)) | UINT64_C(1) << 32;
	default:
		return which;
	}
}

/* The page table and the guest's memory; what a running leaf does not expect. */
void act_guest(struct fuzz *f)
{
	struct pte *pte;

	switch (arg(f, 0) % 8) {
	case 0:
	case 1:
		embedder_map_epc(f->embedder, enclave_gva(arg(f, 1)), arg(f, 2) % EPC_PAGES,
				 PTE_ALL);
		break;
	case 2:
		embedder_map_epc(f->embedder, epc_gva(arg(f, 1)), arg(f, 2) % EPC_PAGES,
				 arg(f, 3) % 16 | PTE_P);
		break;
	case 3:
		pte = embedder_pte(f->embedder, WINDOW + PAGES(arg(f, 1) % WINDOW_PAGES));
		pte->flags ^= 1 << arg(f, 2) % 5;
		pte->page %= pte->flags & PTE_EPC ? EPC_PAGES : RAM_PAGES;
		break;
	case 4:
		f->noise = arg(f, 3);
		f->noise_at = (uint32_t)PAGES(arg(f, 1) % RAM_PAGES) + arg(f, 2) * 4u;
		break;
	case 5:
		f->noise = 0;
		break;
	default:
		f->embedder->ram[PAGES(arg(f, 1) % RAM_PAGES) + arg(f, 2) * 8u] = arg(f, 3);
		break;
	}
}

/* The embedder: failures, watched pages, processors that are reset or have events. */
void act_host(struct fuzz *f)
{
	struct embedder_cpu *c;

	switch (arg(f, 0) % 4) {
	case 0:
		f->host_error_in = arg(f, 1) % 8;
		break;
	case 1:
		sgx_watch_page(&f->embedder->platform,
			       f->embedder->config.epc_hpa + PAGES(arg(f, 1) % EPC_PAGES));
		settle(f);
		break;
	case 2:
		c = idle_inside(f);
		if (!c)
			return;
		/* INIT: the state inside is lost, not told. */
		sgx_cpu_reset(&c->cpu);
		embedder_reset_state(c);
		c->state.xcr0 |= XFEATURE_MASK_XTILECFG | XFEATURE_MASK_XTILEDATA;
		settle(f);
		break;
	case 3:
		f->embedder->cpus[arg(f, 1) % CPUS].event_pending = arg(f, 2) & 1;
		break;
	}
}

void act_mode(struct fuzz *f)
{
	f->odd_mode = arg(f, 0);
	f->odd_detail = arg(f, 1);
}

void act_ambush(struct fuzz *f)
{
	f->ambush_in = 1 + arg(f, 0) % 8;
}

static void set_64bit(struct x86_state *state, bool on)
{
	state->seg[X86_SEG_CS].l = on;
	state->seg[X86_SEG_CS].db = !on;
	if (!on)
		state->rip = (uint32_t)state->rip;
}

/* Inside an enclave nothing of this can be changed. */
void mode_apply(struct fuzz *f, struct embedder_cpu *c)
{
	struct x86_state *state = &c->state;
	struct x86_segment *ds = &state->seg[X86_SEG_DS];
	const uint8_t mode = f->odd_mode, detail = f->odd_detail;

	if (!mode || sgx_in_enclave(&c->cpu))
		return;
	f->odd_mode = 0;
	/* Segments count outside 64-bit mode only. */
	if (mode & 0x80)
		set_64bit(state, false);
	switch (mode % 20) {
	case 0:
		set_64bit(state, !state->seg[X86_SEG_CS].l);
		break;
	case 1:
		ds->base = PAGES(detail);
		break;
	case 2:
		ds->base = detail;
		break;
	case 3:
		ds->limit = (uint32_t)WINDOW + (uint32_t)PAGES(detail);
		break;
	case 4:
		ds->type = detail & 15;
		break;
	case 5:
		ds->unusable = true;
		break;
	case 6:
		ds->db = false;
		break;
	case 7:
		state->seg[detail % X86_NR_SEGS].base = PAGES(detail);
		break;
	case 8:
		state->seg[X86_SEG_SS].db = false;
		break;
	case 9:
		state->seg[X86_SEG_CS].limit = detail;
		break;
	case 10:
		state->cr4 &= ~(uint64_t)X86_CR4_OSXSAVE;
		break;
	case 11:
		state->cr4 &= ~(uint64_t)X86_CR4_OSFXSR;
		break;
	case 12:
		state->xcr0 = XFEATURE_MASK_FP | XFEATURE_MASK_SSE;
		break;
	case 13:
		state->rflags |= detail & 1 ? X86_EFLAGS_TF : X86_EFLAGS_IOPL;
		break;
	case 14:
		state->cr0 ^= detail & 1 ? X86_CR0_TS : X86_CR0_NE;
		break;
	case 15:
		state->cr0 ^= detail & 1 ? X86_CR0_PG : X86_CR0_PE;
		break;
	case 16:
		c->cpu.feature_control = detail & 1 ? FEAT_CTL_LOCKED : FEAT_CTL_SGX_ENABLED;
		break;
	case 17:
		c->cpu.encls_exiting = true;
		c->cpu.encls_exiting_bitmap = BIT64(detail % 64);
		break;
	case 18:
		state->smm = detail & 1;
		state->rflags |= detail & 1 ? 0 : X86_EFLAGS_VM;
		break;
	default:
		if (detail & 4)
			state->cpl ^= 3;
		else
			c->cpu.lepubkeyhash[detail % 4] ^= 1;
		break;
	}
}
