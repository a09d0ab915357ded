// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a host does for its guests: it runs ECREATE and EINIT that it has intercepted, on
 * addresses that it has translated (Linux sgx_virt_ecreate(), sgx_virt_einit()), and it
 * takes processors and virtual EPC away from a guest at any moment.
 */
#include "enclave.h"
#include "signing.h"
#include "tests.h"

#include <errno.h>

/* Where the host has mapped the virtual EPC; nothing lies behind it. */
#define VEPC_HVA UINT64_C(0x7e0000000000)

/* The host's own processor: its linear addresses are pointers. */
struct host {
	struct sgx_cpu cpu;
	struct x86_state state;
	/* Private copies, so that the guest cannot change them between check and use. */
	uint8_t contents[SGX_PAGE_SIZE] __attribute__((aligned(SGX_PAGE_SIZE)));
	uint8_t sigstruct[SGX_PAGE_SIZE] __attribute__((aligned(SGX_PAGE_SIZE)));
};

static bool host_walk(struct sgx_cpu *cpu, gva_t gva, uint32_t access, struct sgx_place *place,
		      struct x86_exception *fault)
{
	gva_t page = align_down(gva, SGX_PAGE_SIZE);

	*place = (struct sgx_place){.is_epc = page - VEPC_HVA < PAGES(FIXTURE_EPC_PAGES)};
	if (place->is_epc)
		place->hpa = EPC_HPA + (page - VEPC_HVA);
	else
		place->host = (void *)(uintptr_t)page;
	return true;
}

static int host_read(struct sgx_cpu *cpu, const struct sgx_place *place, unsigned int offset,
		     void *dst, size_t len)
{
	memcpy(dst, (const uint8_t *)place->host + offset, len);
	return 0;
}

static const struct sgx_ops host_ops = {.walk = host_walk, .read = host_read};

static struct host *new_host(struct fixture *f)
{
	static struct host host;

	host.state = *f->state;
	host.state.cpl = 0;
	host.cpu = (struct sgx_cpu){
		.platform = f->cpu->platform,
		.ops = &host_ops,
		.cpuid = f->cpu->cpuid,
		.state = &host.state,
		.feature_control = f->cpu->feature_control,
	};
	assert_int_equal(sgx_cpu_init(&host.cpu), 0);
	return &host;
}

static struct leaf_result host_encls(struct host *host, uint32_t leaf, const void *rbx,
				     uint64_t rcx, const void *rdx)
{
	host->state.gpr[X86_RAX] = leaf;
	host->state.gpr[X86_RBX] = (uintptr_t)rbx;
	host->state.gpr[X86_RCX] = rcx;
	host->state.gpr[X86_RDX] = (uintptr_t)rdx;
	return sgx_encls(&host->cpu);
}

static struct leaf_result ecreate_for_guest(struct host *host, struct fixture *f,
					    unsigned int epc_page)
{
	static const struct sgx_secinfo info __attribute__((aligned(64)));
	const struct sgx_pageinfo pageinfo __attribute__((aligned(32))) = {
		.srcpge = (uintptr_t)host->contents,
		.secinfo = (uintptr_t)&info,
	};

	memcpy(host->contents, ram_ptr(f, SRC_GVA), SGX_PAGE_SIZE);
	return host_encls(host, ECREATE, &pageinfo, VEPC_HVA + PAGES(epc_page), NULL);
}

/* Faults are the host's own, at its addresses; the guest's processor knows nothing of it. */
static void host_runs_ecreate_on_pointers(void **state)
{
	struct fixture *f = *state;
	const struct x86_state before = *f->state;
	struct host *host = new_host(f);

	source_secs(f, ENCLAVE_BASE, ENCLAVE_SIZE)->size = 1;
	expect_gp(ecreate_for_guest(host, f, 0));
	source_secs(f, ENCLAVE_BASE, ENCLAVE_SIZE);
	expect_ok(ecreate_for_guest(host, f, 0));
	expect_pfx(ecreate_for_guest(host, f, 0), VEPC_HVA, ENCLS_WRITE);
	assert_memory_equal(f->state, &before, sizeof(before));
	sgx_cpu_destroy(&host->cpu);

	/* A SECS as any other. */
	add_reg(f, 0, 1, ENCLAVE_BASE, EPCM_R | EPCM_W);
}

/* The launch hash is that of the guest's MSRs, whatever other guests have. */
static void host_runs_einit_with_guests_launch_hash(void **state)
{
	static const struct sgx_einittoken token __attribute__((aligned(512)));
	struct fixture *f = *state;
	struct host *host = new_host(f);

	memcpy(host->sigstruct, legal_einit(f), sizeof(struct sgx_sigstruct));
	expect_code(host_encls(host, EINIT, host->sigstruct, VEPC_HVA, &token),
		    SGX_INVALID_EINITTOKEN);
	memcpy(host->cpu.lepubkeyhash, f->cpu->lepubkeyhash, sizeof(host->cpu.lepubkeyhash));
	expect_code(host_encls(host, EINIT, host->sigstruct, VEPC_HVA, &token), SGX_SUCCESS);
	sgx_cpu_destroy(&host->cpu);
}

static struct leaf_result remove_page(struct fixture *f, unsigned int page)
{
	return sgx_remove_page(f->cpu->platform, EPC_HPA + PAGES(page));
}

/* A guest that is reset in the middle of its enclaves: two passes over its EPC make it new. */
static void host_resets_guest_inside_enclave_epc_removable(void **state)
{
	struct fixture *f = *state;
	unsigned int left = 0;

	make_enclave(f);
	expect_jump(eenter(f));
	expect_code(remove_page(f, TCS_PAGE), SGX_ENCLAVE_ACT);
	sgx_cpu_reset(f->cpu);
	for (unsigned int page = 0; page < FIXTURE_EPC_PAGES; page++)
		left += remove_page(f, page).value == SGX_CHILD_PRESENT;
	assert_int_equal(left, 1);
	for (unsigned int page = 0; page < FIXTURE_EPC_PAGES; page++)
		expect_code(remove_page(f, page), SGX_SUCCESS);
	expect_ok(encls(f, EPA, SGX_PAGE_TYPE_VA, epc_gva(TCS_PAGE), 0));
}

/* No enclave may have an SSA frame that AEX has no place for. */
static void processor_with_too_large_xsave_area_einval(void **state)
{
	struct fixture *f = *state;
	struct sgx_cpuid cpuid = *f->cpu->cpuid;
	struct sgx_cpu cpu = {
		.platform = f->cpu->platform,
		.ops = f->cpu->ops,
		.cpuid = &cpuid,
		.state = f->state,
	};

	cpuid.xfrm |= XFEATURE_MASK_XTILEDATA;
	cpuid.xsave[18].offset = 4096;
	cpuid.xsave[18].size = SGX_SSA_XSAVE_PAGES * SGX_PAGE_SIZE - 4096;
	assert_int_equal(sgx_cpu_init(&cpu), 0);
	sgx_cpu_destroy(&cpu);
	cpuid.xsave[18].size++;
	assert_int_equal(sgx_cpu_init(&cpu), -EINVAL);
}

const struct CMUnitTest host_tests[] = {
	sgx_test(host_runs_ecreate_on_pointers),
	sgx_test(host_runs_einit_with_guests_launch_hash),
	sgx_test(host_resets_guest_inside_enclave_epc_removable),
	sgx_test(processor_with_too_large_xsave_area_einval),
};
const size_t host_test_count = ARRAY_SIZE(host_tests);
