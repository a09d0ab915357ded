// SPDX-License-Identifier: GPL-2.0-or-later
/* Patches "ECREATE handler" and "EINIT handler": each row spoils one thing. */
#include "sgx_fixture.h"

#include "signer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define SECS_GVA (EPC_GPA + SGX_PAGE_SIZE)

static void ecreate_legal_makes_secs(void **state)
{
	struct fixture *f = *state;
	uint64_t flags = X86_EFLAGS_CF | X86_EFLAGS_ZF | 2;

	legal_ecreate(f, 1);
	f->v->cpu.state.rflags = flags;
	expect_ok(f);
	assert_int_equal(f->v->cpu.state.gpr[X86_RAX], ECREATE);
	assert_int_equal(f->v->cpu.state.rflags, flags);
	/* In use now. */
	expect_fault(f, PF_VECTOR, PF_SGX, SECS_GVA);
}

static void ecreate_misaligned_or_not_canonical_gp(void **state)
{
	static const struct {
		enum x86_gpr reg;
		uint64_t value;
	} rows[] = {
		{X86_RBX, PAGEINFO_GPA + 16},
		{X86_RCX, SECS_GVA + 8},
		{X86_RBX, UINT64_C(1) << 47},
		{X86_RCX, UINT64_C(1) << 62},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		legal_ecreate(f, 1);
		f->v->cpu.state.gpr[rows[i].reg] = rows[i].value;
		expect_gp(f);
	}
	legal_ecreate(f, 1);
	ecreate_pageinfo(f)->secinfo = SECINFO_GPA + 32;
	expect_gp(f);
	legal_ecreate(f, 1);
	ecreate_pageinfo(f)->srcpge = SECS_GPA + 2048;
	expect_gp(f);
}

static void ecreate_operand_without_memory_leaves(void **state)
{
	struct fixture *f = *state;

	legal_ecreate(f, 1);
	f->v->cpu.state.gpr[X86_RBX] = HOLE_GPA;
	expect_emulation_failure(f, 2, HOLE_GPA, sizeof(struct sgx_pageinfo));
	legal_ecreate(f, 1);
	ecreate_pageinfo(f)->secinfo = HOLE_GPA + 64;
	expect_emulation_failure(f, 2, HOLE_GPA + 64, 1);
	legal_ecreate(f, 1);
	ecreate_pageinfo(f)->srcpge = HOLE_GPA;
	expect_emulation_failure(f, 2, HOLE_GPA, 1);
	legal_ecreate(f, 1);
	f->v->cpu.state.gpr[X86_RCX] = HOLE_GPA;
	expect_emulation_failure(f, 2, HOLE_GPA, 1);
}

static void ecreate_without_leaf_12_leaves(void **state)
{
	struct fixture *f = *state;

	legal_ecreate(f, 1);
	for (unsigned int i = 0; i < vcpu_of_object(f->vcpu)->cpuid.count; i++) {
		struct cpuid_entry *e = &vcpu_of_object(f->vcpu)->cpuid.entry[i];

		if (e->leaf == 0x12 && e->subleaf == 1)
			e->subleaf = 9;
	}
	expect_emulation_failure(f, 0, 0, 0);
}

/* The guest may not have what its CPUID does not say, or what the VMM has no right to. */
static void ecreate_beyond_cpuid_gp(void **state)
{
	struct fixture *f = *state;
	struct sgx_secs *secs;

	legal_ecreate(f, 1)->miscselect = 2;
	expect_gp(f);
	legal_ecreate(f, 1)->attributes |= SGX_ATTR_AEXNOTIFY;
	expect_gp(f);
	legal_ecreate(f, 1)->attributes |= BIT64(40);
	expect_gp(f);
	legal_ecreate(f, 1)->xfrm |= BIT64(9);
	expect_gp(f);
	legal_ecreate(f, 1)->size = UINT64_C(1) << 56;
	expect_gp(f);
	secs = legal_ecreate(f, 1);
	secs->attributes = 0;
	secs->size = UINT64_C(1) << 31;
	expect_gp(f);
	secs->size >>= 1;
	expect_ok(f);
}

/* Narrower than the host: what the processor would allow, KVM does not. */
static void ecreate_beyond_guests_own_limits_gp(void **state)
{
	struct fixture *f = *state;
	struct cpuid_of_vmm cpuid;

	offered_cpuid(f, &cpuid);
	cpuid_entry(&cpuid, 0x12, 0)->ebx = 0;
	cpuid_entry(&cpuid, 0x12, 0)->edx = 0x140d;
	cpuid_entry(&cpuid, 0x12, 1)->eax = 4;
	cpuid_entry(&cpuid, 0x12, 1)->ecx = 3;
	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &cpuid));
	legal_ecreate(f, 1)->miscselect = 1;
	expect_gp(f);
	legal_ecreate(f, 1)->attributes |= SGX_ATTR_DEBUG;
	expect_gp(f);
	legal_ecreate(f, 1)->xfrm = 7;
	expect_gp(f);
	legal_ecreate(f, 1)->size = 1 << 20;
	expect_gp(f);
	legal_ecreate(f, 1)->size = 1 << 19;
	expect_ok(f);
}

static void ecreate_provisioning_key_needs_the_capability(void **state)
{
	struct fixture *f = *state;

	legal_ecreate(f, 1)->attributes |= SGX_ATTR_PROVISIONKEY;
	expect_gp(f);
	assert_ok(enable_provisioning(f, PROVISION_FD));
	expect_ok(f);
}

static atomic_bool is_over;

/* Another processor of the guest's. */
static void *flip_provisioning_key(void *attributes)
{
	while (!atomic_load(&is_over))
		__atomic_fetch_xor((uint64_t *)attributes, SGX_ATTR_PROVISIONKEY, __ATOMIC_RELAXED);
	return NULL;
}

/* The source is copied once: what was checked is what the enclave gets. */
static void ecreate_source_changes_meanwhile_no_key(void **state)
{
	struct fixture *f = *state;
	struct sgx_secs *source = legal_ecreate(f, 1);
	unsigned int made = 0, refused = 0;
	pthread_t thread;

	atomic_store(&is_over, false);
	assert_int_equal(pthread_create(&thread, NULL, flip_provisioning_key, &source->attributes),
			 0);
	for (unsigned int i = 0; i < 1000000 && (made < 200 || refused < 200); i++) {
		const struct sgx_secs *secs;

		if (fake_encls(f->v) == CPU_FAULT) {
			refused++;
			continue;
		}
		made++;
		secs = epc_contents(1);
		assert_int_equal(secs->attributes, SGX_ATTR_MODE64BIT);
		epc_remove(1);
	}
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
	assert_true(made >= 200 && refused >= 200);
}

/* What KVM leaves to the processor. */
static void ecreate_refused_by_processor_gp(void **state)
{
	struct fixture *f = *state;

	legal_ecreate(f, 1);
	ecreate_pageinfo(f)->linaddr = SGX_PAGE_SIZE;
	expect_gp(f);
	legal_ecreate(f, 1);
	ecreate_secinfo(f)->flags = EPCM_PT(SGX_PAGE_TYPE_REG);
	expect_gp(f);
	legal_ecreate(f, 1)->size = 0x3000;
	expect_gp(f);
	/* What the host reads of EPC is ones. */
	legal_ecreate(f, 1);
	ecreate_pageinfo(f)->srcpge = EPC_GPA;
	expect_gp(f);
}

static void ecreate_target_no_epc_pf_sgx(void **state)
{
	struct fixture *f = *state;

	legal_ecreate(f, 1);
	f->v->cpu.state.gpr[X86_RCX] = 0x5000;
	expect_fault(f, PF_VECTOR, PF_SGX, 0x5000);
}

/* Patch "#PF SGX error-code bit": a processor without SGX2 says it by #GP. */
static void ecreate_target_no_epc_without_sgx2_gp(void **state)
{
	struct fixture *f = *state;
	struct cpuid_of_vmm cpuid;

	offered_cpuid(f, &cpuid);
	cpuid_entry(&cpuid, 0x12, 0)->eax = 1;
	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &cpuid));
	legal_ecreate(f, 1);
	f->v->cpu.state.gpr[X86_RCX] = 0x5000;
	expect_gp(f);
}

/* Patch "export gva_to_gpa": the guest's own page fault, with its intent. */
static void operand_not_mapped_guests_pf(void **state)
{
	struct fixture *f = *state;
	uint64_t *table = (uint64_t *)(f->ram + 0x8000);
	struct mmu_registers regs = {
		.cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_WP,
		.cr3 = 0x8000,
		.cr4 = X86_CR4_PAE,
		.efer = EFER_LMA | EFER_LME,
		.maxphyaddr = 46,
	};

	/* A page table for the first 2 MiB: the first 64 KiB are there, and the EPC for reading. */
	table[0] = 0x9003;
	table[512] = 0xa003;
	table[1024] = 0xb003;
	for (uint64_t i = 0; i < 16; i++)
		table[1536 + i] = i << 12 | 3;
	for (uint64_t i = 0; i < EPC_PAGES; i++)
		table[1536 + 256 + i] = (EPC_GPA + (i << 12)) | 1;
	mmu_mode_init(&f->v->mmu_mode, &regs);
	legal_ecreate(f, 1);
	expect_fault(f, PF_VECTOR, PFERR_PRESENT_MASK | PFERR_WRITE_MASK, SECS_GVA);
	ecreate_pageinfo(f)->srcpge = 0x20000;
	expect_fault(f, PF_VECTOR, 0, 0x20000);
	zero_einit(f, 1);
	expect_fault(f, PF_VECTOR, PFERR_PRESENT_MASK | PFERR_WRITE_MASK, SECS_GVA);
}

/* Outside long mode operands are offsets into DS. */
static void operand_outside_ds_gp(void **state)
{
	struct fixture *f = *state;
	struct x86_state *s = &f->v->cpu.state;
	struct x86_segment *ds = &s->seg[X86_SEG_DS];
	const struct x86_segment flat = {
		.limit = UINT32_MAX, .type = 3, .s = true, .present = true};
	const struct x86_segment bad[] = {
		{.limit = UINT32_MAX, .type = 3, .unusable = true},
		{.limit = UINT32_MAX, .type = 1},
		{.limit = 0xfff, .type = 3},
		{.limit = UINT32_MAX, .type = 3, .base = 8},
	};

	s->efer = 0;
	s->seg[X86_SEG_CS].l = false;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		legal_ecreate(f, 1);
		*ds = bad[i];
		expect_gp(f);
	}
	legal_ecreate(f, 1);
	*ds = flat;
	s->gpr[X86_RBX] |= UINT64_C(5) << 32;
	expect_ok(f);
	/* The base counts. */
	legal_ecreate(f, 2);
	ds->base = 0x1000;
	ds->limit = 0x200000;
	s->gpr[X86_RBX] -= 0x1000;
	s->gpr[X86_RCX] -= 0x1000;
	ecreate_pageinfo(f)->secinfo -= 0x1000;
	ecreate_pageinfo(f)->srcpge -= 0x1000;
	expect_ok(f);
}

static void einit_code_to_rax_and_flags(void **state)
{
	struct fixture *f = *state;
	struct x86_state *s = &f->v->cpu.state;

	legal_ecreate(f, 1);
	expect_ok(f);
	zero_einit(f, 1);
	s->rflags = X86_EFLAGS_CF | X86_EFLAGS_SF | X86_EFLAGS_IF | 2;
	expect_ok(f);
	assert_int_equal(s->gpr[X86_RAX], SGX_INVALID_SIG_STRUCT);
	assert_int_equal(s->rflags, X86_EFLAGS_ZF | X86_EFLAGS_IF | 2);
}

/* The guest writes what it trusts, by WRMSR. */
static void trust(struct fixture *f, enum signer signer)
{
	uint64_t hash[4];

	signer_hash(signer, (uint8_t *)hash);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(fake_wrmsr(f->v, PUBKEY_HASH0 + i, hash[i]), CPU_OK);
}

/* A new enclave that @signer has signed. Return: what EINIT says. */
static uint64_t einit_of(struct fixture *f, enum signer signer)
{
	struct sgx_sigstruct *sig;

	legal_ecreate(f, 1);
	expect_ok(f);
	sig = zero_einit(f, 1);
	signer_describe(epc_contents(1), sig);
	sign(sig, signer);
	expect_ok(f);
	epc_remove(1);
	return f->v->cpu.state.gpr[X86_RAX];
}

/* Patch "helper to update LEPUBKEYHASH": the processor has the guest's hash at each EINIT. */
static void einit_goes_by_guests_hash(void **state)
{
	struct fixture *f = *state;

	/* Intel's, at first. */
	assert_int_equal(einit_of(f, SIGNER_A), SGX_INVALID_EINITTOKEN);
	for (unsigned int i = 0; i < 4; i++) {
		enum signer signer = i % 2 ? SIGNER_B : SIGNER_A;
		enum signer other = i % 2 ? SIGNER_A : SIGNER_B;

		trust(f, signer);
		assert_int_equal(einit_of(f, signer), SGX_SUCCESS);
		assert_false(f->v->cpu.state.rflags & X86_EFLAGS_ZF);
		assert_int_equal(einit_of(f, other), SGX_INVALID_EINITTOKEN);
		assert_true(f->v->cpu.state.rflags & X86_EFLAGS_ZF);
	}
}

static void einit_operands_refused_as_by_linux(void **state)
{
	static const struct {
		enum x86_gpr reg;
		uint64_t value;
	} rows[] = {
		{X86_RBX, SIGSTRUCT_GPA + 512},
		{X86_RCX, SECS_GVA + 512},
		{X86_RDX, TOKEN_GPA + 256},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		zero_einit(f, 1);
		f->v->cpu.state.gpr[rows[i].reg] = rows[i].value;
		expect_gp(f);
		f->v->cpu.state.gpr[rows[i].reg] = HOLE_GPA;
		expect_emulation_failure(f, 2, HOLE_GPA, 1);
	}
	zero_einit(f, 1);
	f->v->cpu.state.gpr[X86_RCX] = 0x5000;
	expect_fault(f, PF_VECTOR, PF_SGX, 0x5000);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, sgx_setup, sgx_teardown)

const struct CMUnitTest encls_leaf_tests[] = {
	CASE(ecreate_legal_makes_secs),
	CASE(ecreate_misaligned_or_not_canonical_gp),
	CASE(ecreate_operand_without_memory_leaves),
	CASE(ecreate_without_leaf_12_leaves),
	CASE(ecreate_beyond_cpuid_gp),
	CASE(ecreate_beyond_guests_own_limits_gp),
	CASE(ecreate_provisioning_key_needs_the_capability),
	CASE(ecreate_source_changes_meanwhile_no_key),
	CASE(ecreate_refused_by_processor_gp),
	CASE(ecreate_target_no_epc_pf_sgx),
	CASE(ecreate_target_no_epc_without_sgx2_gp),
	CASE(operand_not_mapped_guests_pf),
	CASE(operand_outside_ds_gp),
	CASE(einit_code_to_rax_and_flags),
	CASE(einit_goes_by_guests_hash),
	CASE(einit_operands_refused_as_by_linux),
};
const size_t encls_leaf_test_count = ARRAY_SIZE(encls_leaf_tests);
