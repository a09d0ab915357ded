// SPDX-License-Identifier: GPL-2.0-or-later
/* Leaf 12H: what the host offers, what a guest's table makes of its processor. */
#include "kvm/sgx.h"

#include "host/platform.h"
#include "kvm/sgx_features.h"
#include "kvm/system.h"
#include "kvm/vcpu.h"

#include <pthread.h>
#include <string.h>

/* SDM "Enumeration of Intel SGX": an enclave is below 2^31 bytes, and 2^56 in 64-bit mode. */
#define MAX_SIZES 0x381f

#define ATTRIBUTES                                                                              \
	(SGX_ATTR_DEBUG | SGX_ATTR_MODE64BIT | SGX_ATTR_PROVISIONKEY | SGX_ATTR_EINITTOKENKEY | \
	 SGX_ATTR_KSS)

#define XFRM_BASE (XFEATURE_MASK_FP | XFEATURE_MASK_SSE)

static uint32_t leaves_of(uint32_t features)
{
	uint32_t leaves = 0;

	if (features & BIT32(SGX_FEATURE_SGX1))
		leaves |= SGX_CPUID_SGX1;
	if (features & BIT32(SGX_FEATURE_SGX2))
		leaves |= SGX_CPUID_SGX2;
	return leaves;
}

static void leaf_of_host(uint32_t subleaf, uint64_t xcr0, uint32_t regs[CPUID_NR_REGS])
{
	uint32_t features = sgx_features_of_host();

	memset(regs, 0, CPUID_NR_REGS * sizeof(regs[0]));
	if (!(features & BIT32(SGX_FEATURE_SGX)))
		return;
	if (subleaf == 0) {
		regs[CPUID_EAX] = leaves_of(features);
		regs[CPUID_EBX] = SGX_MISC_EXINFO;
		regs[CPUID_EDX] = MAX_SIZES;
	} else if (subleaf == 1) {
		regs[CPUID_EAX] = (uint32_t)ATTRIBUTES;
		regs[CPUID_ECX] = (uint32_t)xcr0;
		regs[CPUID_EDX] = (uint32_t)(xcr0 >> 32);
	}
}

void sgx_cpuid_host_leaf(uint32_t subleaf, uint32_t regs[CPUID_NR_REGS])
{
	leaf_of_host(subleaf, system_xcr0(), regs);
}

static uint64_t xcr0_of(const struct cpuid_table *table)
{
	const struct cpuid_entry *e = cpuid_find(table, 0xd, 0);

	return e ? e->regs[CPUID_EAX] | (uint64_t)e->regs[CPUID_EDX] << 32 : 0;
}

void sgx_cpuid_offer(struct cpuid_table *table)
{
	uint64_t xcr0 = xcr0_of(table) | XFRM_BASE;

	for (uint32_t subleaf = 0; subleaf < 2 && table->count < CPUID_MAX_ENTRIES; subleaf++) {
		struct cpuid_entry *e = &table->entry[table->count++];

		*e = (struct cpuid_entry){.leaf = 0x12, .subleaf = subleaf, .has_subleaf = true};
		leaf_of_host(subleaf, xcr0, e->regs);
	}
}

void sgx_cpuid_limit(struct cpuid_table *table)
{
	uint64_t xcr0 = xcr0_of(table) & system_xcr0();
	struct cpuid_entry *e = (struct cpuid_entry *)cpuid_find(table, 0x12, 1);

	if (!e)
		return;
	e->regs[CPUID_ECX] = (e->regs[CPUID_ECX] & (uint32_t)xcr0) | XFRM_BASE;
	e->regs[CPUID_EDX] &= (uint32_t)(xcr0 >> 32);
}

/* Of what leaves 12H.0 and 12H.1 say. */
static void set_limits(struct sgx_cpuid *cpuid, const uint32_t *l0, const uint32_t *l1)
{
	cpuid->miscselect = l0[CPUID_EBX];
	cpuid->max_size_32 = (uint8_t)l0[CPUID_EDX];
	cpuid->max_size_64 = (uint8_t)(l0[CPUID_EDX] >> 8);
	cpuid->attributes = l1[CPUID_EAX] | (uint64_t)l1[CPUID_EBX] << 32;
	cpuid->xfrm = l1[CPUID_ECX] | (uint64_t)l1[CPUID_EDX] << 32;
}

static struct sgx_cpuid of_host;

static void make_of_host(void)
{
	uint32_t l0[CPUID_NR_REGS], l1[CPUID_NR_REGS], regs[CPUID_NR_REGS];

	sgx_cpuid_host_leaf(0, l0);
	sgx_cpuid_host_leaf(1, l1);
	of_host.leaves = l0[CPUID_EAX];
	set_limits(&of_host, l0, l1);
	for (unsigned int i = 2; i < ARRAY_SIZE(of_host.xsave); i++) {
		if (!(of_host.xfrm & BIT64(i)))
			continue;
		cpuid_host(0xd, i, regs);
		of_host.xsave[i].size = regs[CPUID_EAX];
		of_host.xsave[i].offset = regs[CPUID_EBX];
	}
}

const struct sgx_cpuid *sgx_cpuid_of_host(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_of_host);
	return &of_host;
}

/* No more than the host has, whatever the VMM writes into its table. */
static struct sgx_cpuid of_guest(const struct cpuid_table *table)
{
	static const uint32_t none[CPUID_NR_REGS];
	const struct cpuid_entry *e0 = cpuid_find(table, 0x12, 0);
	const struct cpuid_entry *e1 = cpuid_find(table, 0x12, 1);
	const struct sgx_cpuid *host = sgx_cpuid_of_host();
	struct sgx_cpuid cpuid = *host;

	set_limits(&cpuid, e0 ? e0->regs : none, e1 ? e1->regs : none);
	cpuid.leaves = leaves_of(sgx_features_of(table)) & host->leaves;
	cpuid.miscselect &= host->miscselect;
	cpuid.attributes &= host->attributes;
	cpuid.xfrm &= host->xfrm;
	return cpuid;
}

int vcpu_set_sgx(struct kvm_vcpu *vcpu, const struct cpuid_table *table)
{
	struct sgx_host *host;
	int ret;

	vcpu->sgx.cpuid = of_guest(table);
	/* A processor that had SGX before keeps it, without any leaf. */
	if (!vcpu->sgx.cpuid.leaves && !vcpu->sgx.host)
		return 0;
	ret = sgx_host_get(&host);
	if (ret)
		return ret;
	if (!vcpu->sgx.host)
		vcpu->sgx.host = encls_host_new(&host->platform);
	if (!vcpu->sgx.host)
		return -ENOMEM;
	return engine_vcpu_set_sgx(vcpu->v, &host->platform, &vcpu->sgx.cpuid);
}

void vcpu_free_sgx(struct kvm_vcpu *vcpu)
{
	encls_host_free(vcpu->sgx.host);
}

/* VMMs take a section's properties from the CPUID of the machine that they run on. */
void sgx_cpuid_fixup(uint32_t leaf, uint32_t subleaf, uint32_t regs[CPUID_NR_REGS])
{
	if (leaf != 0x12 || subleaf < 2)
		return;
	if ((regs[CPUID_EAX] & 0xf) != SGX_CPUID_EPC_SECTION)
		return;
	regs[CPUID_ECX] &= ~UINT32_C(0xf);
	regs[CPUID_ECX] |= SGX_CPUID_EPC_CONFIDENTIAL_INTEGRITY;
}
