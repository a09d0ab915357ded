// SPDX-License-Identifier: GPL-2.0-or-later
#include "kvm/host_cpuid.h"

#include "cpu/cpuid_bits.h"
#include "engine/engine.h"
#include "host/mode.h"
#include "host/platform.h"
#include "kvm/kvm.h"
#include "kvm/sgx.h"
#include "kvm/sgx_features.h"

#include <pthread.h>
#include <string.h>

#define LEAF7_EDX_SGX_KEYS BIT32(1)

static void put_feature(uint32_t *reg, uint32_t bit, bool has)
{
	*reg = has ? *reg | bit : *reg & ~bit;
}

static void put_leaf_7(const struct host_cpuid_sgx *sgx, uint32_t *regs)
{
	put_feature(&regs[CPUID_EBX], F_SGX, sgx->sgx);
	put_feature(&regs[CPUID_ECX], F_SGX_LC, sgx->launch_control);
	put_feature(&regs[CPUID_EDX], LEAF7_EDX_SGX_KEYS, false);
}

/* SDM "Intel SGX EPC Enumeration": base and size in two halves each, with type and properties. */
static void put_section(const struct host_cpuid_sgx *sgx, unsigned int i, uint32_t *regs)
{
	if (i >= sgx->section_count)
		return;
	regs[CPUID_EAX] = (uint32_t)sgx->section[i].base | SGX_CPUID_EPC_SECTION;
	regs[CPUID_EBX] = (uint32_t)(sgx->section[i].base >> 32);
	regs[CPUID_ECX] = (uint32_t)sgx->section[i].size | SGX_CPUID_EPC_CONFIDENTIAL_INTEGRITY;
	regs[CPUID_EDX] = (uint32_t)(sgx->section[i].size >> 32);
}

static void put_leaf_12(const struct host_cpuid_sgx *sgx, uint32_t subleaf, uint32_t *regs)
{
	memset(regs, 0, CPUID_NR_REGS * sizeof(regs[0]));
	if (!sgx->sgx)
		return;
	if (subleaf < ARRAY_SIZE(sgx->leaf12))
		memcpy(regs, sgx->leaf12[subleaf], sizeof(sgx->leaf12[subleaf]));
	else
		put_section(sgx, subleaf - ARRAY_SIZE(sgx->leaf12), regs);
}

void host_cpuid_amend(const struct host_cpuid_sgx *sgx, uint32_t leaf, uint32_t subleaf,
		      uint32_t regs[CPUID_NR_REGS])
{
	if (leaf == 0 && sgx->sgx && regs[CPUID_EAX] < 0x12)
		regs[CPUID_EAX] = 0x12;
	else if (leaf == 7 && subleaf == 0)
		put_leaf_7(sgx, regs);
	else if (leaf == 0x12)
		put_leaf_12(sgx, subleaf, regs);
}

void host_cpuid_of_model(struct host_cpuid_sgx *sgx)
{
	uint32_t features = sgx_features_of_host();
	struct sgx_host *host;

	*sgx = (struct host_cpuid_sgx){
		.sgx = features & BIT32(SGX_FEATURE_SGX),
		.launch_control = features & BIT32(SGX_FEATURE_LC),
	};
	for (uint32_t subleaf = 0; subleaf < ARRAY_SIZE(sgx->leaf12); subleaf++)
		sgx_cpuid_host_leaf(subleaf, sgx->leaf12[subleaf]);
	if (!sgx->sgx || sgx_host_get(&host))
		return;
	for (unsigned int i = 0; i < host->pool.node_count && i < HOST_CPUID_SECTIONS; i++) {
		sgx->section[i].base = host->pool.node[i].base;
		sgx->section[i].size = host->pool.node[i].pages * SGX_PAGE_SIZE;
		sgx->section_count++;
	}
}

/* Constant once CPUID faults: a signal handler reads it. */
static struct host_cpuid_sgx model;

static void find_model(void)
{
	host_cpuid_of_model(&model);
}

static void amend(uint32_t leaf, uint32_t subleaf, uint32_t regs[CPUID_NR_REGS])
{
	host_cpuid_amend(&model, leaf, subleaf, regs);
}

void kvm_cpuid_show_sgx(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (!host_mode()->cpuid_faulting)
		return;
	pthread_once(&once, find_model);
	/* Without it the VMM sees its machine's own SGX; nothing else depends on it. */
	(void)engine_cpuid_intercept(amend);
}

void kvm_cpuid_hide_sgx(void)
{
	if (host_mode()->cpuid_faulting)
		engine_cpuid_release();
}
