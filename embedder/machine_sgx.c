// SPDX-License-Identifier: GPL-2.0-or-later
#include "machine_sgx.h"

#include "lib/mem.h"

#include <errno.h>
#include <string.h>

static const struct sgx_identity identity = {
	.root_key = {[0 ... 15] = 0x11},
	.provisioning_root_key = {[0 ... 15] = 0x22},
	.seal_fuses = {[0 ... 15] = 0x33},
	.owner_epoch = {[0 ... 15] = 0x44},
	.cpusvn = {[0 ... 15] = 0x02},
};

static int lookup(void *opaque, uint64_t offset, hpa_t *hpa)
{
	struct machine_sgx *s = opaque;

	if (s->on_lookup)
		s->on_lookup(s, offset);
	*hpa = MACHINE_EPC_HPA + offset;
	return 0;
}

static int allocate(void *opaque, uint64_t offset, hpa_t *hpa)
{
	(void)opaque;
	(void)offset;
	(void)hpa;
	return -ENOMEM;
}

static const struct memslot_epc_ops slot_ops = {.lookup = lookup, .allocate = allocate};

static void page_changed(void *ctx, hpa_t hpa)
{
	struct machine_sgx *s = ctx;

	s->changes++;
	engine_code_changed(epcm_page(epc_lookup(&s->platform.epc, hpa)));
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
		.xfrm = XFEATURE_MASK_FP | XFEATURE_MASK_SSE | XFEATURE_MASK_YMM,
	};
	cpuid->xsave[2].offset = 576;
	cpuid->xsave[2].size = 256;
}

static int add_epc(struct machine_sgx *s)
{
	struct machine *m = s->m;
	int ret = epc_add_section(&s->platform.epc, MACHINE_EPC_HPA, s->size, 0);

	s->decoy = mem_reserve(s->size);
	if (ret || !s->decoy)
		return ret ? ret : -ENOMEM;
	s->slot = (struct memslot_epc){.ops = &slot_ops, .opaque = s};
	m->epc = &s->slot;
	ret = machine_add_ram(m, MACHINE_EPC, s->decoy, s->size);
	m->epc = NULL;
	machine_map(m, MACHINE_EPC, MACHINE_EPC, s->size, MACHINE_WRITABLE, 12);
	return ret;
}

int machine_sgx_init(struct machine_sgx *s, struct machine *m, unsigned int epc_pages)
{
	int ret = sgx_platform_init(&s->platform, &identity);

	if (ret)
		return ret;
	s->m = m;
	s->size = (uint64_t)epc_pages * SGX_PAGE_SIZE;
	s->platform.page_changed = page_changed;
	s->platform.page_changed_ctx = s;
	setup_cpuid(&s->cpuid);
	ret = add_epc(s);
	if (!ret)
		ret = engine_vcpu_set_sgx(m->v, &s->platform, &s->cpuid);
	if (ret)
		return ret;
	m->v->sgx->feature_control =
		FEAT_CTL_LOCKED | FEAT_CTL_SGX_ENABLED | FEAT_CTL_SGX_LC_ENABLED;
	return 0;
}

void machine_sgx_destroy(struct machine_sgx *s)
{
	sgx_platform_destroy(&s->platform);
	mem_release(s->decoy, s->size);
}

gva_t machine_epc_gva(unsigned int page)
{
	return MACHINE_EPC + (uint64_t)page * SGX_PAGE_SIZE;
}

void *machine_epc_ptr(struct machine_sgx *s, unsigned int page)
{
	hpa_t hpa = MACHINE_EPC_HPA + (uint64_t)page * SGX_PAGE_SIZE;

	return epcm_page(epc_lookup(&s->platform.epc, hpa));
}

struct machine_encls machine_encls(struct machine *m, uint32_t leaf, uint64_t rbx, uint64_t rcx,
				   uint64_t rdx)
{
	static const uint8_t code[] = {0x0f, 0x01, 0xcf, 0xf4}; /* ENCLS; HLT */
	struct x86_state *s = &m->v->cpu.state;
	struct machine_encls result;

	s->gpr[X86_RAX] = leaf;
	s->gpr[X86_RBX] = rbx;
	s->gpr[X86_RCX] = rcx;
	s->gpr[X86_RDX] = rdx;
	result.trap = machine_run_kernel(m, code, sizeof(code));
	result.rax = s->gpr[X86_RAX];
	result.rflags = s->rflags;
	return result;
}
