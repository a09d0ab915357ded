// SPDX-License-Identifier: GPL-2.0-or-later
#include "machine.h"

#include "lib/bits.h"

#include <string.h>

/* Physical addresses of the EPC, as linear ones. */
#define EPC_GVA UINT64_C(0x600000000000)

#define ENCLAVE_SIZE 0x100000

static uint8_t contents[SGX_PAGE_SIZE] __attribute__((aligned(SGX_PAGE_SIZE)));
static struct sgx_secinfo secinfo __attribute__((aligned(64)));
static struct sgx_pageinfo pageinfo __attribute__((aligned(32)));

static bool walk(struct sgx_cpu *cpu, gva_t gva, uint32_t access, struct sgx_place *place,
		 struct x86_exception *fault)
{
	gva_t page = align_down(gva, SGX_PAGE_SIZE);
	hpa_t hpa = page - EPC_GVA;

	(void)access;
	(void)fault;
	*place = (struct sgx_place){.host = (void *)page};
	if (page >= EPC_GVA && epc_lookup(&cpu->platform->epc, hpa))
		*place = (struct sgx_place){.is_epc = true, .hpa = hpa};
	return true;
}

static int read_pointer(struct sgx_cpu *cpu, const struct sgx_place *place, unsigned int offset,
			void *dst, size_t len)
{
	(void)cpu;
	memcpy(dst, (const uint8_t *)place->host + offset, len);
	return 0;
}

struct sgx_host *machine(void)
{
	struct sgx_host *host;

	assert_int_equal(sgx_host_get(&host), 0);
	return host;
}

uint64_t free_pages(void)
{
	return epc_pool_counters(&machine()->pool).free;
}

hpa_t page_at(struct vepc *vepc, uint64_t index)
{
	hpa_t hpa;

	assert_int_equal(vepc_allocate(vepc, index, &hpa), 0);
	return hpa;
}

static void encls(enum sgx_encls_leaf leaf, hpa_t hpa)
{
	static const struct sgx_ops ops = {.walk = walk, .read = read_pointer};
	static const struct sgx_cpuid cpuid = {
		.leaves = SGX_CPUID_SGX1,
		.max_size_64 = 36,
		.attributes = SGX_ATTR_MODE64BIT,
		.xfrm = XFEATURE_MASK_FP | XFEATURE_MASK_SSE,
	};
	struct x86_state state = {.cr0 = X86_CR0_PE | X86_CR0_PG, .efer = EFER_LMA};
	struct sgx_cpu cpu = {
		.platform = &machine()->platform,
		.ops = &ops,
		.cpuid = &cpuid,
		.state = &state,
		.feature_control = FEAT_CTL_LOCKED | FEAT_CTL_SGX_ENABLED,
	};

	state.seg[X86_SEG_CS].l = true;
	state.gpr[X86_RAX] = leaf;
	state.gpr[X86_RBX] = (uintptr_t)&pageinfo;
	state.gpr[X86_RCX] = EPC_GVA + hpa;
	pageinfo.srcpge = (uintptr_t)contents;
	pageinfo.secinfo = (uintptr_t)&secinfo;
	assert_int_equal(sgx_cpu_init(&cpu), 0);
	assert_int_equal(sgx_encls(&cpu).kind, LEAF_OK);
	sgx_cpu_destroy(&cpu);
}

void make_secs(hpa_t secs)
{
	struct sgx_secs *source = (struct sgx_secs *)contents;

	memset(contents, 0, sizeof(contents));
	source->size = ENCLAVE_SIZE;
	source->base = 0;
	source->ssa_frame_size = 1;
	source->attributes = SGX_ATTR_MODE64BIT;
	source->xfrm = XFEATURE_MASK_FP | XFEATURE_MASK_SSE;
	secinfo = (struct sgx_secinfo){.flags = EPCM_PT(SGX_PAGE_TYPE_SECS)};
	pageinfo = (struct sgx_pageinfo){0};
	encls(ECREATE, secs);
}

void add_page(hpa_t secs, hpa_t hpa)
{
	memset(contents, 0, sizeof(contents));
	secinfo = (struct sgx_secinfo){.flags = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W};
	pageinfo = (struct sgx_pageinfo){.secs = EPC_GVA + secs};
	encls(EADD, hpa);
}
