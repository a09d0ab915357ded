// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Patches "update LEPUBKEYHASH" and "EINIT handler": a vCPU's launch signer is its own, whatever
 * another one does at the same time. So is a VM's EPC.
 */
#include "sgx_fixture.h"

#include "lib/crypto.h"
#include "signer.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#define SIGNED_GPA(signer) (UINT64_C(0x6000) + (signer) * (uint64_t)SGX_PAGE_SIZE)
#define CODE_NONE          UINT64_MAX
#define LAUNCHES           200
#define XFRM_LEGAL         (XFEATURE_MASK_FP | XFEATURE_MASK_SSE)

/* MRENCLAVE of an enclave that is legal_ecreate() alone. */
static void measure_empty(uint8_t mrenclave[SGX_HASH_SIZE])
{
	struct {
		char name[8];
		uint32_t ssa_frame_size;
		uint64_t size;
		uint8_t zero[44];
	} __attribute__((packed)) record = {"ECREATE", 1, 0x2000, {0}};

	_Static_assert(sizeof(record) == 64, "a block");
	crypto_sha256(&record, sizeof(record), mrenclave);
}

static void put_sigstruct(struct fixture *f, enum signer signer)
{
	struct sgx_sigstruct *sig = (struct sgx_sigstruct *)(f->ram + SIGNED_GPA(signer));

	*sig = (struct sgx_sigstruct){
		.header = SGX_SIGSTRUCT_HEADER,
		.header2 = SGX_SIGSTRUCT_HEADER2,
		.exponent = SGX_SIGSTRUCT_EXPONENT,
		.attributes = SGX_ATTR_MODE64BIT,
		.attributes_mask = UINT64_MAX,
		.xfrm = XFRM_LEGAL,
		.xfrm_mask = UINT64_MAX,
		.miscmask = UINT32_MAX,
	};
	measure_empty(sig->enclave_hash);
	sign(sig, signer);
}

static void set_launch_signer(struct fixture *f, enum signer signer)
{
	uint64_t hash[4];

	signer_hash(signer, (uint8_t *)hash);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(msr_set(f, PUBKEY_HASH0 + i, hash[i]), 1);
}

/* A second VM on the same platform, as sgx_setup() leaves the first. */
struct second_vm {
	struct fixture f;
	struct vepc *vepc;
	uint8_t *epc;
};

static void second_vm_make(struct second_vm *second, struct fixture *f)
{
	second->f = *f;
	second->f.vm = object_of(ioc(f->system, KVM_CREATE_VM, NULL));
	second->f.vcpu = object_of(ioc(second->f.vm, KVM_CREATE_VCPU, NULL));
	second->f.v = fake.v;
	ram_add(&second->f, 0);
	second->vepc = epc_map(&second->epc);
	assert_ok(epc_slot_set(&second->f, 1, EPC_GPA, second->epc, EPC_PAGES * SGX_PAGE_SIZE));
	set_offered_cpuid(&second->f);
	assert_int_equal(msr_set(&second->f, FEATURE_CONTROL, FC_LOCK | FC_SGX | FC_LC), 1);
	second->f.v->cpu.state = f->v->cpu.state;
}

/* The rest goes with the descriptors. */
static void second_vm_drop(struct second_vm *second)
{
	epc_unmap(second->vepc, second->epc);
	munmap(second->f.ram, RAM_SIZE);
}

struct launcher {
	struct fixture f;
	pthread_t thread;
	enum signer own;
	unsigned int page;
	unsigned int wrong; /* outcomes */
};

/* Return: RAX, or CODE_NONE after anything but a completed leaf. */
static uint64_t einit_of(struct launcher *l, enum signer signer)
{
	uint64_t *gpr = l->f.v->cpu.state.gpr;

	gpr[X86_RAX] = EINIT;
	gpr[X86_RBX] = SIGNED_GPA(signer);
	gpr[X86_RCX] = EPC_GPA + l->page * SGX_PAGE_SIZE;
	gpr[X86_RDX] = TOKEN_GPA;
	return fake_encls(l->f.v) == CPU_OK ? gpr[X86_RAX] : CODE_NONE;
}

static void *launch(void *argument)
{
	struct launcher *l = argument;
	enum signer other = l->own == SIGNER_A ? SIGNER_B : SIGNER_A;

	for (unsigned int i = 0; i < LAUNCHES; i++)
		l->wrong += einit_of(l, other) != SGX_INVALID_EINITTOKEN;
	l->wrong += einit_of(l, l->own) != SGX_SUCCESS;
	return NULL;
}

static void launcher_prepare(struct launcher *l)
{
	put_sigstruct(&l->f, SIGNER_A);
	put_sigstruct(&l->f, SIGNER_B);
	set_launch_signer(&l->f, l->own);
	legal_ecreate(&l->f, l->page);
	expect_ok(&l->f);
}

static void einit_at_once_each_by_its_own_hash(void **state)
{
	struct launcher launchers[NR_SIGNERS] = {{.own = SIGNER_A, .page = 1},
						 {.own = SIGNER_B, .page = 1}};
	struct second_vm second;

	second_vm_make(&second, *state);
	launchers[0].f = *(struct fixture *)*state;
	launchers[1].f = second.f;
	for (unsigned int i = 0; i < NR_SIGNERS; i++)
		launcher_prepare(&launchers[i]);
	for (unsigned int i = 0; i < NR_SIGNERS; i++)
		assert_int_equal(pthread_create(&launchers[i].thread, NULL, launch, &launchers[i]),
				 0);
	for (unsigned int i = 0; i < NR_SIGNERS; i++)
		pthread_join(launchers[i].thread, NULL);
	for (unsigned int i = 0; i < NR_SIGNERS; i++)
		assert_int_equal(launchers[i].wrong, 0);
	second_vm_drop(&second);
}

#define RELEASES 100

/* A vEPC with pages in a slot of the VM's comes and goes. */
static void use_and_release(struct fixture *f)
{
	uint8_t *at;
	struct vepc *vepc = epc_map(&at);
	hpa_t hpa;

	assert_ok(epc_slot_set(f, 3, 0x10000000, at, EPC_PAGES * SGX_PAGE_SIZE));
	for (unsigned int i = 0; i < EPC_PAGES; i++)
		assert_int_equal(vepc_allocate(vepc, i, &hpa), 0);
	assert_ok(epc_slot_set(f, 3, 0, at, 0));
	epc_unmap(vepc, at);
}

static void vepc_released_beside_another_vm_at_work(void **state)
{
	struct launcher l = {.f = *(struct fixture *)*state, .own = SIGNER_A, .page = 1};
	struct second_vm second;
	uint64_t free_before;

	second_vm_make(&second, *state);
	launcher_prepare(&l);
	free_before = epc_free();
	assert_int_equal(pthread_create(&l.thread, NULL, launch, &l), 0);
	for (unsigned int i = 0; i < RELEASES; i++)
		use_and_release(&second.f);
	pthread_join(l.thread, NULL);
	assert_int_equal(l.wrong, 0);
	assert_int_equal(epc_free(), free_before);
	second_vm_drop(&second);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, sgx_setup, sgx_teardown)

const struct CMUnitTest encls_race_tests[] = {
	CASE(einit_at_once_each_by_its_own_hash),
	CASE(vepc_released_beside_another_vm_at_work),
};
const size_t encls_race_test_count = ARRAY_SIZE(encls_race_tests);
