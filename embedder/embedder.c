// SPDX-License-Identifier: GPL-2.0-or-later
#include "embedder.h"

#include "sgx/xsave.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* SDM "Legacy Region of an XSAVE Area". */
#define XSTATE_FCW     0
#define XSTATE_FSW     2
#define XSTATE_MXCSR   24
#define MXCSR_RESERVED UINT32_C(0xffff0000)

const struct sgx_identity embedder_identity = {
	.root_key = {[0 ... 15] = 0x11},
	.provisioning_root_key = {[0 ... 15] = 0x22},
	.seal_fuses = {[0 ... 15] = 0x33},
	.owner_epoch = {[0 ... 15] = 0x44},
	.cpusvn = {[0 ... 15] = 0x02},
};

static struct embedder_cpu *embedder_cpu(struct sgx_cpu *cpu)
{
	return (struct embedder_cpu *)cpu;
}

struct pte *embedder_pte(struct embedder *embedder, gva_t gva)
{
	uint64_t index = (gva - embedder->config.window) / SGX_PAGE_SIZE;

	if (gva < embedder->config.window || index >= embedder->config.window_pages)
		return NULL;
	return &embedder->pte[index];
}

void embedder_map_epc(struct embedder *embedder, gva_t gva, uint32_t epc_page, uint8_t flags)
{
	*embedder_pte(embedder, gva) =
		(struct pte){.flags = (uint8_t)(flags | PTE_EPC), .page = epc_page};
}

struct epcm_entry *embedder_epcm(struct embedder *embedder, uint32_t epc_page)
{
	return epc_lookup(&embedder->platform.epc, embedder->config.epc_hpa + PAGES(epc_page));
}

static bool pte_allows(uint8_t flags, uint32_t access)
{
	uint8_t wanted = PTE_P;

	if (access & PFERR_WRITE_MASK)
		wanted |= PTE_W;
	if (access & PFERR_USER_MASK)
		wanted |= PTE_U;
	return (flags & wanted) == wanted && !((access & PFERR_FETCH_MASK) && (flags & PTE_NX));
}

/* Without a write when nothing changes: processors share the page table's cache lines. */
static void pte_mark_used(struct pte *pte, uint32_t access)
{
	uint8_t used = access & PFERR_WRITE_MASK ? PTE_A | PTE_D : PTE_A;

	if (~pte->flags & used)
		atomic_fetch_or(&pte->flags, used);
}

static bool walk(struct sgx_cpu *cpu, gva_t gva, uint32_t access, struct sgx_place *place,
		 struct x86_exception *fault)
{
	struct embedder *embedder = embedder_cpu(cpu)->embedder;
	struct pte *pte = embedder_pte(embedder, gva);
	uint8_t flags;

	if (embedder->on_walk)
		embedder->on_walk(embedder, gva);
	flags = pte ? pte->flags : 0;
	if (!pte_allows(flags, access)) {
		*fault = (struct x86_exception){
			.vector = PF_VECTOR,
			.has_error_code = true,
			.error_code = access | (flags & PTE_P ? PFERR_PRESENT_MASK : 0),
			.address = gva,
		};
		return false;
	}
	pte_mark_used(pte, access);
	*place = (struct sgx_place){.is_epc = flags & PTE_EPC};
	if (place->is_epc)
		place->hpa = embedder->config.epc_hpa + PAGES(pte->page);
	else
		place->host = embedder->ram + PAGES(pte->page);
	return true;
}

static int read_guest(struct sgx_cpu *cpu, const struct sgx_place *place, unsigned int offset,
		      void *dst, size_t len)
{
	struct embedder_cpu *c = embedder_cpu(cpu);
	struct embedder *embedder = c->embedder;

	assert(offset + len <= SGX_PAGE_SIZE);
	c->reads++;
	if (embedder->on_read)
		embedder->on_read(embedder);
	if (!embedder->host_error)
		memcpy(dst, (uint8_t *)place->host + offset, len);
	return embedder->host_error;
}

static int write_guest(struct sgx_cpu *cpu, const struct sgx_place *place, unsigned int offset,
		       const void *src, size_t len)
{
	struct embedder_cpu *c = embedder_cpu(cpu);
	struct embedder *embedder = c->embedder;

	assert(offset + len <= SGX_PAGE_SIZE);
	c->writes++;
	if (embedder->on_write)
		embedder->on_write(embedder);
	if (!embedder->host_error)
		memcpy((uint8_t *)place->host + offset, src, len);
	return embedder->host_error;
}

/* Where a component lies in the standard format. */
struct component {
	uint64_t bit;
	uint32_t offset;
	uint32_t size;
};

/* For loops over the components in @left, which is not 0. */
static struct component first_component(const struct sgx_cpu *cpu, uint64_t left)
{
	unsigned int i = (unsigned int)__builtin_ctzll(left);

	switch (BIT64(i)) {
	case XFEATURE_MASK_FP:
		return (struct component){BIT64(i), 0, 160};
	case XFEATURE_MASK_SSE:
		return (struct component){BIT64(i), 160, 256};
	default:
		return (struct component){BIT64(i), cpu->cpuid->xsave[i].offset,
					  cpu->cpuid->xsave[i].size};
	}
}

static void xsave(struct sgx_cpu *cpu, uint64_t xfrm, void *area)
{
	const uint8_t *xstate = embedder_cpu(cpu)->xstate;
	uint8_t *out = area;

	assert(is_aligned((uintptr_t)area, 64));
	for (uint64_t left = xfrm; left; left &= left - 1) {
		const struct component c = first_component(cpu, left);

		memcpy(out + c.offset, xstate + c.offset, c.size);
	}
	memcpy(out + XSAVE_HEADER_OFFSET, &xfrm, sizeof(xfrm));
}

static bool xrstor(struct sgx_cpu *cpu, uint64_t xfrm, const void *area)
{
	uint8_t *xstate = embedder_cpu(cpu)->xstate;
	const uint8_t *in = area;
	uint64_t bv;
	uint32_t mxcsr;

	memcpy(&bv, in + XSAVE_HEADER_OFFSET, sizeof(bv));
	memcpy(&mxcsr, in + XSTATE_MXCSR, sizeof(mxcsr));
	if (mxcsr & MXCSR_RESERVED)
		return false;
	for (uint64_t left = xfrm; left; left &= left - 1) {
		const struct component c = first_component(cpu, left);

		if (bv & c.bit)
			memcpy(xstate + c.offset, in + c.offset, c.size);
		else
			memset(xstate + c.offset, 0, c.size);
	}
	memcpy(xstate + XSTATE_MXCSR, &mxcsr, sizeof(mxcsr));
	return true;
}

static void xinit(struct sgx_cpu *cpu, uint64_t xfrm, uint16_t fcw, uint16_t fsw, uint32_t mxcsr)
{
	uint8_t *xstate = embedder_cpu(cpu)->xstate;

	for (uint64_t left = xfrm; left; left &= left - 1) {
		const struct component c = first_component(cpu, left);

		memset(xstate + c.offset, 0, c.size);
	}
	memcpy(xstate + XSTATE_FCW, &fcw, sizeof(fcw));
	memcpy(xstate + XSTATE_FSW, &fsw, sizeof(fsw));
	memcpy(xstate + XSTATE_MXCSR, &mxcsr, sizeof(mxcsr));
}

static void enclave_mode(struct sgx_cpu *cpu, bool inside)
{
	assert(inside == sgx_in_enclave(cpu));
	embedder_cpu(cpu)->mode_changes++;
}

static bool event_pending(struct sgx_cpu *cpu)
{
	return embedder_cpu(cpu)->event_pending;
}

static void page_changed(void *ctx, hpa_t hpa)
{
	struct embedder *embedder = ctx;

	embedder->notices++;
	embedder->last_notice = hpa;
}

static void setup_cpuid(struct sgx_cpuid *cpuid)
{
	*cpuid = (struct sgx_cpuid){
		.leaves = SGX_CPUID_SGX1 | SGX_CPUID_SGX2 | SGX_CPUID_EDECCSSA,
		.miscselect = SGX_MISC_EXINFO,
		.max_size_32 = 31,
		.max_size_64 = 56,
		.attributes = SGX_ATTR_DEBUG | SGX_ATTR_MODE64BIT | SGX_ATTR_PROVISIONKEY |
			      SGX_ATTR_EINITTOKENKEY | SGX_ATTR_KSS | SGX_ATTR_AEXNOTIFY,
		.xfrm = XFEATURE_MASK_FP | XFEATURE_MASK_SSE | XFEATURE_MASK_YMM |
			XFEATURE_MASK_OPMASK | XFEATURE_MASK_ZMM_Hi256 | XFEATURE_MASK_Hi16_ZMM,
	};
	cpuid->xsave[2].offset = 576;
	cpuid->xsave[2].size = 256;
	cpuid->xsave[5].offset = 1088;
	cpuid->xsave[5].size = 64;
	cpuid->xsave[6].offset = 1152;
	cpuid->xsave[6].size = 512;
	cpuid->xsave[7].offset = 1664;
	cpuid->xsave[7].size = 1024;
}

static void setup_state(struct x86_state *state)
{
	const struct x86_segment data = {.limit = UINT32_MAX,
					 .selector = 0x2b,
					 .type = 3,
					 .s = true,
					 .dpl = 3,
					 .present = true,
					 .db = true,
					 .g = true};

	*state = (struct x86_state){
		.rip = 0x400000,
		.rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF,
		.cr0 = X86_CR0_PE | X86_CR0_NE | X86_CR0_PG | X86_CR0_ET | X86_CR0_WP,
		.cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_OSXSAVE,
		.efer = EFER_LME | EFER_LMA | EFER_SCE | EFER_NX,
		.xcr0 = 0xe7,
	};
	for (unsigned int i = 0; i < X86_NR_SEGS; i++)
		state->seg[i] = data;
	state->seg[X86_SEG_CS].selector = 0x33;
	state->seg[X86_SEG_CS].type = 11;
	state->seg[X86_SEG_CS].l = true;
	state->seg[X86_SEG_CS].db = false;
	state->seg[X86_SEG_FS].base = 0x7f0000001000;
	state->seg[X86_SEG_GS].base = 0x7f0000002000;
	for (unsigned int i = 0; i < X86_NR_GPRS; i++)
		state->gpr[i] = UINT64_C(0x1111111111111111) * i;
}

static const struct sgx_ops embedder_ops = {
	.walk = walk,
	.read = read_guest,
	.write = write_guest,
	.xsave = xsave,
	.xrstor = xrstor,
	.xinit = xinit,
	.enclave_mode = enclave_mode,
	.event_pending = event_pending,
};

void embedder_reset_state(struct embedder_cpu *c)
{
	uint32_t mxcsr = MXCSR_DEFAULT;
	uint16_t fcw = 0x37f;

	setup_state(&c->state);
	memset(c->xstate, 0x5a, sizeof(c->xstate));
	memcpy(c->xstate + XSTATE_FCW, &fcw, sizeof(fcw));
	memcpy(c->xstate + XSTATE_MXCSR, &mxcsr, sizeof(mxcsr));
}

static int setup_cpu(struct embedder *embedder, struct embedder_cpu *c)
{
	static const uint64_t intel[] = {SGX_INTEL_LEPUBKEYHASH0, SGX_INTEL_LEPUBKEYHASH1,
					 SGX_INTEL_LEPUBKEYHASH2, SGX_INTEL_LEPUBKEYHASH3};

	c->embedder = embedder;
	embedder_reset_state(c);
	c->cpu.platform = &embedder->platform;
	c->cpu.ops = &embedder_ops;
	c->cpu.cpuid = &embedder->cpuid;
	c->cpu.state = &c->state;
	c->cpu.feature_control = FEAT_CTL_LOCKED | FEAT_CTL_SGX_ENABLED | FEAT_CTL_SGX_LC_ENABLED;
	memcpy(c->cpu.lepubkeyhash, intel, sizeof(intel));
	return sgx_cpu_init(&c->cpu);
}

static int setup_memory(struct embedder *embedder)
{
	const struct embedder_config *config = &embedder->config;

	embedder->pte = calloc(config->window_pages, sizeof(*embedder->pte));
	embedder->ram = aligned_alloc(SGX_PAGE_SIZE, PAGES(config->ram_pages));
	embedder->cpus = aligned_alloc(64, config->cpus * sizeof(*embedder->cpus));
	if (!embedder->pte || !embedder->ram || !embedder->cpus)
		return -1;
	memset(embedder->ram, 0, PAGES(config->ram_pages));
	memset(embedder->cpus, 0, config->cpus * sizeof(*embedder->cpus));
	for (uint32_t i = 0; i < config->ram_pages; i++)
		embedder->pte[i] = (struct pte){.flags = PTE_ALL, .page = i};
	return 0;
}

static int setup_epc(struct embedder *embedder)
{
	const struct embedder_config *config = &embedder->config;
	unsigned int sections = config->epc_sections ? config->epc_sections : 1;
	uint64_t size = PAGES(config->epc_pages / sections);
	int ret = 0;

	embedder->platform.page_changed = page_changed;
	embedder->platform.page_changed_ctx = embedder;
	for (unsigned int i = 0; i < sections && !ret; i++)
		ret = epc_add_section(&embedder->platform.epc, config->epc_hpa + i * size, size, i);
	return ret;
}

struct embedder *embedder_new(const struct embedder_config *config)
{
	struct embedder *embedder = calloc(1, sizeof(*embedder));
	const struct sgx_identity *identity =
		config->identity ? config->identity : &embedder_identity;

	if (!embedder)
		return NULL;
	embedder->config = *config;
	setup_cpuid(&embedder->cpuid);
	if (sgx_platform_init(&embedder->platform, identity)) {
		free(embedder);
		return NULL;
	}
	if (setup_memory(embedder) || setup_epc(embedder))
		goto err_free;
	for (unsigned int i = 0; i < config->cpus; i++)
		if (setup_cpu(embedder, &embedder->cpus[i]))
			goto err_free;
	return embedder;

err_free:
	embedder_free(embedder);
	return NULL;
}

void embedder_free(struct embedder *embedder)
{
	for (unsigned int i = 0; embedder->cpus && i < embedder->config.cpus; i++)
		sgx_cpu_destroy(&embedder->cpus[i].cpu);
	sgx_platform_destroy(&embedder->platform);
	free(embedder->cpus);
	free(embedder->ram);
	free(embedder->pte);
	free(embedder);
}
