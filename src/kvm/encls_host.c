// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's own processor, on which ECREATE and EINIT of guests are run. Its linear
 * addresses are pointers to copies that no guest can change; one address stands for the page
 * of the guest's that is to be the SECS.
 */
#include "kvm/sgx.h"

#include <stdlib.h>
#include <string.h>

/* Where the host would have mapped the virtual EPC; nothing lies behind it. */
#define SECS_ADDRESS UINT64_C(0x7ffffffff000)

struct encls_host {
	uint8_t secs[SGX_PAGE_SIZE];
	uint8_t sigstruct[SGX_PAGE_SIZE];
	struct sgx_einittoken token __attribute__((aligned(512)));
	struct sgx_secinfo secinfo __attribute__((aligned(64)));
	struct sgx_pageinfo pageinfo __attribute__((aligned(32)));
	hpa_t hpa; /* of the page at SECS_ADDRESS; 0: no EPC */
	struct sgx_cpu cpu;
	struct x86_state state;
} __attribute__((aligned(SGX_PAGE_SIZE)));

static bool host_walk(struct sgx_cpu *cpu, gva_t gva, uint32_t access, struct sgx_place *place,
		      struct x86_exception *fault)
{
	struct encls_host *host = container_of(cpu, struct encls_host, cpu);

	(void)access;
	(void)fault;
	if (gva - SECS_ADDRESS < SGX_PAGE_SIZE)
		*place = (struct sgx_place){.is_epc = host->hpa, .hpa = host->hpa};
	else
		*place = (struct sgx_place){.host = (void *)align_down(gva, SGX_PAGE_SIZE)};
	return true;
}

static int host_read(struct sgx_cpu *cpu, const struct sgx_place *place, unsigned int offset,
		     void *dst, size_t len)
{
	(void)cpu;
	memcpy(dst, (const uint8_t *)place->host + offset, len);
	return 0;
}

static const struct sgx_ops host_ops = {.walk = host_walk, .read = host_read};

/* A kernel of 64 bits, with SGX enabled. */
static void init_state(struct x86_state *state)
{
	state->cr0 = X86_CR0_PE | X86_CR0_PG;
	state->efer = EFER_LMA;
	state->seg[X86_SEG_CS].l = true;
}

struct encls_host *encls_host_new(struct sgx_platform *platform)
{
	struct encls_host *host = aligned_alloc(SGX_PAGE_SIZE, sizeof(*host));

	if (!host)
		return NULL;
	memset(host, 0, sizeof(*host));
	init_state(&host->state);
	host->cpu.platform = platform;
	host->cpu.ops = &host_ops;
	host->cpu.cpuid = sgx_cpuid_of_host();
	host->cpu.state = &host->state;
	host->cpu.feature_control = FEAT_CTL_LOCKED | FEAT_CTL_SGX_ENABLED;
	if (!sgx_cpu_init(&host->cpu))
		return host;
	free(host);
	return NULL;
}

void encls_host_free(struct encls_host *host)
{
	if (!host)
		return;
	sgx_cpu_destroy(&host->cpu);
	free(host);
}

struct sgx_pageinfo *encls_host_pageinfo(struct encls_host *host)
{
	return &host->pageinfo;
}

struct sgx_secinfo *encls_host_secinfo(struct encls_host *host)
{
	return &host->secinfo;
}

struct sgx_secs *encls_host_secs(struct encls_host *host)
{
	return (struct sgx_secs *)host->secs;
}

struct sgx_sigstruct *encls_host_sigstruct(struct encls_host *host)
{
	return (struct sgx_sigstruct *)host->sigstruct;
}

struct sgx_einittoken *encls_host_token(struct encls_host *host)
{
	return &host->token;
}

static struct leaf_result run(struct encls_host *host, enum sgx_encls_leaf leaf, const void *rbx,
			      const void *rdx, hpa_t hpa)
{
	host->hpa = hpa;
	host->state.gpr[X86_RAX] = leaf;
	host->state.gpr[X86_RBX] = (uintptr_t)rbx;
	host->state.gpr[X86_RCX] = SECS_ADDRESS;
	host->state.gpr[X86_RDX] = (uintptr_t)rdx;
	return sgx_encls(&host->cpu);
}

struct leaf_result encls_host_ecreate(struct encls_host *host, hpa_t hpa)
{
	host->pageinfo.srcpge = (uintptr_t)host->secs;
	host->pageinfo.secinfo = (uintptr_t)&host->secinfo;
	return run(host, ECREATE, &host->pageinfo, NULL, hpa);
}

struct leaf_result encls_host_einit(struct encls_host *host, hpa_t hpa,
				    const uint64_t pubkey_hash[4])
{
	memcpy(host->cpu.lepubkeyhash, pubkey_hash, sizeof(host->cpu.lepubkeyhash));
	return run(host, EINIT, host->sigstruct, &host->token, hpa);
}
