// SPDX-License-Identifier: GPL-2.0-or-later
#include "sgx_fixture.h"

#include "host/platform.h"
#include "lib/bits.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

static struct {
	struct vepc *vepc;
	uint8_t *at;
	uint64_t free_before;
} epc;

void offered_cpuid(struct fixture *f, struct cpuid_of_vmm *cpuid)
{
	cpuid->head.nent = CPUID_MAX_ENTRIES;
	assert_ok(ioc(f->system, KVM_GET_SUPPORTED_CPUID, cpuid));
}

struct kvm_cpuid_entry2 *cpuid_entry(struct cpuid_of_vmm *cpuid, uint32_t leaf, uint32_t index)
{
	for (unsigned int i = 0; i < cpuid->head.nent; i++)
		if (cpuid->entry[i].function == leaf && cpuid->entry[i].index == index)
			return &cpuid->entry[i];
	return NULL;
}

struct vepc *epc_map(uint8_t **at)
{
	struct vepc *vepc = vepc_new();
	void *mapped;

	assert_non_null(vepc);
	assert_int_equal(vepc_mmap(vepc, O_RDWR, NULL, EPC_PAGES * SGX_PAGE_SIZE,
				   PROT_READ | PROT_WRITE, MAP_SHARED, 0, &mapped),
			 0);
	*at = mapped;
	return vepc;
}

void epc_unmap(struct vepc *vepc, uint8_t *at)
{
	struct sgx_host *host;

	assert_int_equal(sgx_host_get(&host), 0);
	vepc_map_remove(&host->map, (uintptr_t)at, EPC_PAGES * SGX_PAGE_SIZE);
	munmap(at, EPC_PAGES * SGX_PAGE_SIZE);
	vepc_put(vepc);
}

long epc_slot_set(struct fixture *f, uint32_t slot, gpa_t gpa, const uint8_t *at, uint64_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.userspace_addr = (uintptr_t)at,
		.memory_size = size,
	};

	return ioc(f->vm, KVM_SET_USER_MEMORY_REGION, &region);
}

uint64_t epc_free(void)
{
	struct sgx_host *host;

	assert_int_equal(sgx_host_get(&host), 0);
	return epc_pool_counters(&host->pool).free;
}

static hpa_t epc_hpa_of(unsigned int page)
{
	hpa_t hpa;

	assert_int_equal(vepc_lookup(epc.vepc, page, &hpa), 0);
	return hpa;
}

void *epc_contents(unsigned int page)
{
	struct sgx_host *host;

	assert_int_equal(sgx_host_get(&host), 0);
	return epcm_page(epc_lookup(&host->platform.epc, epc_hpa_of(page)));
}

void epc_remove(unsigned int page)
{
	struct sgx_host *host;

	assert_int_equal(sgx_host_get(&host), 0);
	assert_int_equal(sgx_remove_page(&host->platform, epc_hpa_of(page)).value, SGX_SUCCESS);
}

static void enter_long_mode(struct x86_state *s)
{
	s->cr0 = X86_CR0_PE | X86_CR0_PG;
	s->efer = EFER_LMA | EFER_LME;
	s->seg[X86_SEG_CS].l = true;
	s->rip = 0x8000;
}

int sgx_setup(void **state)
{
	struct fixture *f;

	if (setup(state))
		return -1;
	f = *state;
	epc.free_before = epc_free();
	ram_add(f, 0);
	epc.vepc = epc_map(&epc.at);
	assert_ok(epc_slot_set(f, 1, EPC_GPA, epc.at, EPC_PAGES * SGX_PAGE_SIZE));
	set_offered_cpuid(f);
	assert_int_equal(msr_set(f, FEATURE_CONTROL, FC_LOCK | FC_SGX | FC_LC), 1);
	enter_long_mode(&f->v->cpu.state);
	return 0;
}

int sgx_teardown(void **state)
{
	int ret = teardown(state);

	epc_unmap(epc.vepc, epc.at);
	return ret || epc_free() != epc.free_before ? -1 : 0;
}

long enable_provisioning(struct fixture *f, int fd)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_SGX_ATTRIBUTE, .args = {(uint64_t)fd}};

	return ioc(f->vm, KVM_ENABLE_CAP, &cap);
}

struct sgx_pageinfo *ecreate_pageinfo(struct fixture *f)
{
	return (struct sgx_pageinfo *)(f->ram + PAGEINFO_GPA);
}

struct sgx_secinfo *ecreate_secinfo(struct fixture *f)
{
	return (struct sgx_secinfo *)(f->ram + SECINFO_GPA);
}

struct sgx_secs *legal_ecreate(struct fixture *f, unsigned int page)
{
	struct sgx_secs *secs = (struct sgx_secs *)(f->ram + SECS_GPA);
	uint64_t *gpr = f->v->cpu.state.gpr;

	*ecreate_pageinfo(f) = (struct sgx_pageinfo){.srcpge = SECS_GPA, .secinfo = SECINFO_GPA};
	*ecreate_secinfo(f) = (struct sgx_secinfo){.flags = 0};
	*secs = (struct sgx_secs){
		.size = 0x2000,
		.ssa_frame_size = 1,
		.attributes = SGX_ATTR_MODE64BIT,
		.xfrm = XFEATURE_MASK_FP | XFEATURE_MASK_SSE,
	};
	gpr[X86_RAX] = ECREATE;
	gpr[X86_RBX] = PAGEINFO_GPA;
	gpr[X86_RCX] = EPC_GPA + page * SGX_PAGE_SIZE;
	return secs;
}

struct sgx_sigstruct *zero_einit(struct fixture *f, unsigned int page)
{
	uint64_t *gpr = f->v->cpu.state.gpr;

	memset(f->ram + SIGSTRUCT_GPA, 0, sizeof(struct sgx_sigstruct));
	memset(f->ram + TOKEN_GPA, 0, sizeof(struct sgx_einittoken));
	gpr[X86_RAX] = EINIT;
	gpr[X86_RBX] = SIGSTRUCT_GPA;
	gpr[X86_RCX] = EPC_GPA + page * SGX_PAGE_SIZE;
	gpr[X86_RDX] = TOKEN_GPA;
	return (struct sgx_sigstruct *)(f->ram + SIGSTRUCT_GPA);
}

void expect_ok(struct fixture *f)
{
	uint64_t rip = f->v->cpu.state.rip;

	assert_int_equal(fake_encls(f->v), CPU_OK);
	assert_int_equal(f->v->cpu.state.rip, rip + 3);
}

void expect_fault(struct fixture *f, uint8_t vector, uint32_t error_code, gva_t address)
{
	const struct x86_state before = f->v->cpu.state;

	assert_int_equal(fake_encls(f->v), CPU_FAULT);
	assert_int_equal(f->v->cpu.fault.vector, vector);
	assert_int_equal(f->v->cpu.fault.error_code, error_code);
	assert_int_equal(f->v->cpu.fault.has_error_code, vector != UD_VECTOR);
	assert_int_equal(f->v->cpu.fault.address, address);
	assert_memory_equal(&f->v->cpu.state, &before, sizeof(before));
}

static enum engine_exit_reason encls_step(struct engine_vcpu *v)
{
	assert_int_equal(fake_encls(v), CPU_AGAIN);
	return v->exit.reason;
}

void expect_emulation_failure(struct fixture *f, unsigned int words, uint64_t address,
			      uint64_t size)
{
	const struct x86_state before = f->v->cpu.state;

	assert_ok(RUN(f, encls_step));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_INTERNAL_ERROR);
	assert_int_equal(f->run->internal.suberror, KVM_INTERNAL_ERROR_EMULATION);
	assert_int_equal(f->run->internal.ndata, 6 + words);
	assert_int_equal(f->run->internal.data[1], 60);
	if (words) {
		assert_int_equal(f->run->internal.data[6], address);
		assert_int_equal(f->run->internal.data[7], size);
	}
	assert_memory_equal(&f->v->cpu.state, &before, sizeof(before));
}
