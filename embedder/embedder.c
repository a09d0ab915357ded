// SPDX-License-Identifier: GPL-2.0-or-later
#include "embedder.h"

#include "sgx/xsave.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const struct sgx_identity embedder_identity = {
	.root_key = {0x11, 0x12, 0x13, 0x14},
	.provisioning_root_key = {0x21, 0x22, 0x23, 0x24},
	.seal_fuses = {0x31, 0x32, 0x33, 0x34},
	.owner_epoch = {0x41, 0x42, 0x43, 0x44},
	.cpusvn = {2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2},
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

static bool walk(struct sgx_cpu *cpu, gva_t gva, uint32_t access, struct sgx_place *place,
		 struct x86_exception *fault)
{
	struct embedder *embedder = embedder_cpu(cpu)->embedder;
	struct pte *pte = embedder_pte(embedder, gva);
	bool present = pte && (pte->flags & PTE_P);

	if (!present || ((access & PFERR_WRITE_MASK) && !(pte->flags & PTE_W)) ||
	    ((access & PFERR_USER_MASK) && !(pte->flags & PTE_U)) ||
	    ((access & PFERR_FETCH_MASK) && (pte->flags & PTE_NX))) {
		*fault = (struct x86_exception){
			.vector = PF_VECTOR,
			.has_error_code = true,
			.error_code = access | (present ? PFERR_PRESENT_MASK : 0),
			.address = gva,
		};
		return false;
	}
	*place = (struct sgx_place){.is_epc = pte->flags & PTE_EPC};
	if (place->is_epc)
		place->hpa = embedder->config.epc_hpa + (hpa_t)pte->page * SGX_PAGE_SIZE;
	else
		place->host = embedder->ram + (size_t)pte->page * SGX_PAGE_SIZE;
	return true;
}

static int read_guest(struct sgx_cpu *cpu, const struct sgx_place *place, unsigned int offset,
		      void *dst, size_t len)
{
	struct embedder *embedder = embedder_cpu(cpu)->embedder;

	assert(offset + len <= SGX_PAGE_SIZE);
	embedder_cpu(cpu)->reads++;
	if (embedder->on_read)
		embedder->on_read(embedder);
	if (!embedder->host_error)
		memcpy(dst, (uint8_t *)place->host + offset, len);
	return embedder->host_error;
}

static int write_guest(struct sgx_cpu *cpu, const struct sgx_place *place, unsigned int offset,
		       const void *src, size_t len)
{
	struct embedder *embedder = embedder_cpu(cpu)->embedder;

	assert(offset + len <= SGX_PAGE_SIZE);
	if (!embedder->host_error)
		memcpy((uint8_t *)place->host + offset, src, len);
	return embedder->host_error;
}

/* The bytes of component @i of the standard format. */
static void component(const struct sgx_cpu *cpu, unsigned int i, uint32_t *offset, uint32_t *size)
{
	*offset = i == 0 ? 0 : i == 1 ? 160 : cpu->cpuid->xsave[i].offset;
	*size = i == 0 ? 160 : i == 1 ? 256 : cpu->cpuid->xsave[i].size;
}

static void xsave(struct sgx_cpu *cpu, uint64_t xfrm, void *area)
{
	uint8_t *xstate = embedder_cpu(cpu)->xstate;
	uint8_t *out = area;

	assert(is_aligned((uintptr_t)area, 64));
	for (unsigned int i = 0; i < 64; i++) {
		uint32_t offset, size;

		if (!(xfrm & BIT64(i)))
			continue;
		component(cpu, i, &offset, &size);
		memcpy(out + offset, xstate + offset, size);
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
	memcpy(&mxcsr, in + 24, sizeof(mxcsr));
	if (mxcsr & 0xffff0000)
		return false;
	for (unsigned int i = 0; i < 64; i++) {
		uint32_t offset, size;

		if (!(xfrm & BIT64(i)))
			continue;
		component(cpu, i, &offset, &size);
		if (bv & BIT64(i))
			memcpy(xstate + offset, in + offset, size);
		else
			memset(xstate + offset, 0, size);
	}
	memcpy(xstate + 24, &mxcsr, sizeof(mxcsr));
	return true;
}

static void xinit(struct sgx_cpu *cpu, uint64_t xfrm, uint16_t fcw, uint16_t fsw, uint32_t mxcsr)
{
	uint8_t *xstate = embedder_cpu(cpu)->xstate;

	for (unsigned int i = 0; i < 64; i++) {
		uint32_t offset, size;

		if (!(xfrm & BIT64(i)))
			continue;
		component(cpu, i, &offset, &size);
		memset(xstate + offset, 0, size);
	}
	memcpy(xstate, &fcw, sizeof(fcw));
	memcpy(xstate + 2, &fsw, sizeof(fsw));
	memcpy(xstate + 24, &mxcsr, sizeof(mxcsr));
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
		.launch_control = true,
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
	memcpy(c->xstate, &fcw, sizeof(fcw));
	memcpy(c->xstate + 24, &mxcsr, sizeof(mxcsr));
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
	if (setup_memory(embedder) ||
	    epc_add_section(&embedder->platform.epc, config->epc_hpa, PAGES(config->epc_pages), 0))
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
