// SPDX-License-Identifier: GPL-2.0-or-later
#include "enclave.h"

#include "report.h"

#include "lib/bits.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#define RX (SGX_SECINFO_R | SGX_SECINFO_X)

static const uint64_t page_flags[PAGE_FREE] = {
	[PAGE_CODE] = SECINFO_REG | RX,
	[PAGE_TCS] = SECINFO_PT(SGX_PAGE_TYPE_TCS),
	[PAGE_TCS2] = SECINFO_PT(SGX_PAGE_TYPE_TCS),
	[PAGE_SSA] = SECINFO_REG | SECINFO_RW,
	[PAGE_SSA_2] = SECINFO_REG | SECINFO_RW,
	[PAGE_SSA2] = SECINFO_REG | SECINFO_RW,
	[PAGE_SSA2_2] = SECINFO_REG | SECINFO_RW,
	[PAGE_SECINFO] = SECINFO_REG | SECINFO_RW,
	[PAGE_SECRET] = SECINFO_REG | SECINFO_RW,
	[PAGE_DATA] = SECINFO_REG | SECINFO_RW,
	[PAGE_OTHER] = SECINFO_REG | SECINFO_RW,
	[PAGE_READ_ONLY] = SECINFO_REG | SGX_SECINFO_R,
};

gva_t enclave_gva(const struct enclave *e, unsigned int page)
{
	return e->base + page * UINT64_C(4096);
}

gva_t enclave_epc(const struct enclave *e, enum enclave_page page)
{
	return epc_gva(e->page[page]);
}

static uint64_t pte_of(unsigned int epc_page)
{
	return (EPC_GPA + epc_page * UINT64_C(4096)) | PTE_P | PTE_W | PTE_U;
}

uint64_t enclave_pte(const struct enclave *e, enum enclave_page page)
{
	return pte_of(e->page[page]);
}

struct sgx_pageinfo *set_pageinfo(struct vm *vm, gva_t linaddr, gva_t srcpge, gva_t secs)
{
	struct sgx_pageinfo *pageinfo = vm_ram(vm, PAGEINFO_GPA);

	*pageinfo = (struct sgx_pageinfo){
		.linaddr = linaddr, .srcpge = srcpge, .secinfo = SECINFO_GPA, .secs = secs};
	return pageinfo;
}

struct sgx_secinfo *set_secinfo(struct vm *vm, uint64_t flags)
{
	struct sgx_secinfo *secinfo = vm_ram(vm, SECINFO_GPA);

	*secinfo = (struct sgx_secinfo){.flags = flags};
	return secinfo;
}

static void must_run(struct outcome o)
{
	must(o.vector == VECTOR_DONE);
}

static void create(struct enclave *e, uint64_t attributes)
{
	struct sgx_secs *secs = vm_ram(e->vm, SOURCE_GPA);

	*secs = (struct sgx_secs){
		.size = ENCLAVE_SIZE,
		.base = e->base,
		.ssa_frame_size = 1,
		.attributes = attributes,
		.xfrm = XFEATURE_MASK_FP | XFEATURE_MASK_SSE,
	};
	set_pageinfo(e->vm, 0, SOURCE_GPA, 0);
	set_secinfo(e->vm, SECINFO_PT(SGX_PAGE_TYPE_SECS));
	e->secs = vm_epc_page(e->vm);
	must_run(vm_encls(e->vm, ECREATE, PAGEINFO_GPA, epc_gva(e->secs), 0));
}

static void fill_source(struct enclave *e, unsigned int page)
{
	struct sgx_tcs *tcs = vm_ram(e->vm, SOURCE_GPA);

	memset(tcs, 0, SGX_PAGE_SIZE);
	if (page == PAGE_CODE)
		memcpy(tcs, enclave_code, (size_t)(enclave_code_end - enclave_code));
	if (page == PAGE_TCS || page == PAGE_TCS2) {
		tcs->ossa = (page == PAGE_TCS ? PAGE_SSA : PAGE_SSA2) * UINT64_C(4096);
		tcs->nssa = 2;
		tcs->fs_limit = tcs->gs_limit = UINT32_MAX;
	}
}

static void add_page(struct enclave *e, unsigned int page)
{
	e->page[page] = vm_epc_page(e->vm);
	fill_source(e, page);
	set_pageinfo(e->vm, enclave_gva(e, page), SOURCE_GPA, epc_gva(e->secs));
	set_secinfo(e->vm, page_flags[page]);
	must_run(vm_encls(e->vm, EADD, PAGEINFO_GPA, enclave_epc(e, page), 0));
	vm_map(e->vm, enclave_gva(e, page), enclave_pte(e, page));
}

/* SDM "Measuring Enclave Contents": a block for each leaf. Nothing is EEXTENDed. */
static void measure(uint8_t mrenclave[SGX_HASH_SIZE])
{
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	uint64_t block[8] = {0};
	uint8_t create_block[64] = "ECREATE";
	const uint32_t ssa_frame_size = 1;
	const uint64_t size = ENCLAVE_SIZE;

	memcpy(create_block + 8, &ssa_frame_size, sizeof(ssa_frame_size));
	memcpy(create_block + 12, &size, sizeof(size));
	must(hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1);
	must(EVP_DigestUpdate(hash, create_block, sizeof(create_block)) == 1);
	memcpy(block, "EADD", 4);
	for (unsigned int page = 0; page < PAGE_FREE; page++) {
		block[1] = page * UINT64_C(4096);
		block[2] = page_flags[page];
		must(EVP_DigestUpdate(hash, block, sizeof(block)) == 1);
	}
	must(EVP_DigestFinal_ex(hash, mrenclave, NULL) == 1);
	EVP_MD_CTX_free(hash);
}

/* Signing takes longer than anything else here. */
static const struct sgx_sigstruct *sigstruct_of(uint64_t attributes, enum signer signer)
{
	static struct sgx_sigstruct made[8];
	static enum signer signers[ARRAY_SIZE(made)];
	static unsigned int count;

	for (unsigned int i = 0; i < count; i++)
		if (made[i].attributes == attributes && signers[i] == signer)
			return &made[i];
	must(count < ARRAY_SIZE(made));
	made[count] = (struct sgx_sigstruct){
		.header = SGX_SIGSTRUCT_HEADER,
		.date = 0x20240229,
		.header2 = SGX_SIGSTRUCT_HEADER2,
		.exponent = SGX_SIGSTRUCT_EXPONENT,
		.miscmask = UINT32_MAX,
		.attributes = attributes,
		.xfrm = XFEATURE_MASK_FP | XFEATURE_MASK_SSE,
		.attributes_mask = UINT64_MAX,
		.xfrm_mask = UINT64_MAX,
	};
	measure(made[count].enclave_hash);
	sign(&made[count], signer);
	signers[count] = signer;
	return &made[count++];
}

void enclave_add(struct enclave *e, struct vm *vm, unsigned int number, uint64_t attributes,
		 enum signer signer)
{
	*e = (struct enclave){.vm = vm, .base = WINDOW_GVA + number * ENCLAVE_SIZE};
	attributes |= SGX_ATTR_MODE64BIT;
	create(e, attributes);
	for (unsigned int page = 0; page < PAGE_FREE; page++)
		add_page(e, page);
	memcpy(vm_ram(vm, SIGSTRUCT_GPA), sigstruct_of(attributes, signer),
	       sizeof(struct sgx_sigstruct));
	memset(vm_ram(vm, TOKEN_GPA), 0, sizeof(struct sgx_einittoken));
}

struct outcome enclave_init(struct enclave *e)
{
	return vm_encls(e->vm, EINIT, SIGSTRUCT_GPA, epc_gva(e->secs), TOKEN_GPA);
}

struct outcome trust(struct vm *vm, enum signer signer)
{
	struct outcome o = {.vector = VECTOR_NONE};
	uint64_t hash[4];

	signer_hash(signer, (uint8_t *)hash);
	for (uint32_t i = 0; i < ARRAY_SIZE(hash); i++)
		o = vm_wrmsr(vm, MSR_IA32_SGXLEPUBKEYHASH0 + i, hash[i]);
	return o;
}

void enclave_build(struct enclave *e, struct vm *vm, unsigned int number, uint64_t attributes)
{
	struct outcome o;

	must_run(trust(vm, SIGNER_A));
	enclave_add(e, vm, number, attributes, SIGNER_A);
	o = enclave_init(e);
	must_run(o);
	must(!o.regs.rax);
}

unsigned int enclave_augment(struct enclave *e, unsigned int page)
{
	unsigned int epc_page = vm_epc_page(e->vm);
	struct sgx_pageinfo *pageinfo =
		set_pageinfo(e->vm, enclave_gva(e, page), 0, epc_gva(e->secs));

	pageinfo->secinfo = 0;
	must_run(vm_encls(e->vm, EAUG, PAGEINFO_GPA, epc_gva(epc_page), 0));
	vm_map(e->vm, enclave_gva(e, page), pte_of(epc_page));
	return epc_page;
}

struct kvm_regs enclave_entry(const struct enclave *e, enum enclave_page tcs, const char *fn)
{
	return (struct kvm_regs){
		.rax = EENTER,
		.rbx = enclave_gva(e, tcs),
		.rcx = vm_aep(),
		.rdi = (uint64_t)(fn - enclave_code),
	};
}

struct outcome enclave_call(const struct enclave *e, const char *fn, uint64_t rsi, uint64_t rdx)
{
	struct kvm_regs regs = enclave_entry(e, PAGE_TCS, fn);

	regs.rsi = rsi;
	regs.rdx = rdx;
	return vm_enclu(e->vm, 0, &regs);
}

struct outcome enclave_leaf(const struct enclave *e, uint32_t leaf, uint64_t flags, gva_t page)
{
	struct kvm_regs regs = enclave_entry(e, PAGE_TCS, fn_leaf);

	regs.r8 = leaf;
	regs.r10 = page;
	regs.r11 = flags;
	return vm_enclu(e->vm, 0, &regs);
}

struct outcome enclave_resume(const struct enclave *e)
{
	struct kvm_regs regs = enclave_entry(e, PAGE_TCS, fn_nothing);

	regs.rax = ERESUME;
	return vm_enclu(e->vm, 0, &regs);
}

/* The one who stays. */
static struct {
	struct enclave e;
	enum enclave_page tcs;
	pthread_t thread;
	struct outcome outcome;
} other;

static uint64_t *flags_of_other(void)
{
	return vm_ram(other.e.vm, SHARED_GPA);
}

static void *stay(void *unused)
{
	struct kvm_regs regs = enclave_entry(&other.e, other.tcs, fn_stay);

	(void)unused;
	regs.rsi = SHARED_GPA;
	other.outcome = vm_enclu(other.e.vm, 1, &regs);
	return NULL;
}

void enclave_stay(const struct enclave *e, enum enclave_page tcs)
{
	other.e = *e;
	other.tcs = tcs;
	memset(flags_of_other(), 0, 16);
	must(!pthread_create(&other.thread, NULL, stay, NULL));
	while (!__atomic_load_n(flags_of_other(), __ATOMIC_ACQUIRE))
		sched_yield();
}

struct outcome enclave_leave(void)
{
	__atomic_store_n(flags_of_other() + 1, 1, __ATOMIC_RELEASE);
	must(!pthread_join(other.thread, NULL));
	return other.outcome;
}

void expect_code(struct outcome o, uint64_t code, const char *file, int line)
{
	expect_equal((uint64_t)o.vector, VECTOR_DONE, "vector", file, line);
	expect_equal(o.regs.rax, code, "RAX", file, line);
	expect_equal(o.regs.rflags >> 6 & 1, code != 0, "ZF", file, line);
}

void expect_pf(struct outcome o, uint32_t error, uint64_t address, const char *file, int line)
{
	expect_equal((uint64_t)o.vector, PF_VECTOR, "vector", file, line);
	expect_equal(o.error, error, "error code", file, line);
	expect_equal(o.cr2, address, "CR2", file, line);
}
