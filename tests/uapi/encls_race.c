// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two vCPUs of one VM execute ENCLS on the same pages at once. SDM "Concurrency Restrictions"
 * lets one of two leaves win; the other one ends as it does when it comes later. EINIT goes by
 * the IA32_SGXLEPUBKEYHASHn of the vCPU that executes it.
 */
#include "two_vcpus.h"

#include "lib/crypto.h"
#include "signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGEINFO_GPA    0x20000u
#define SECINFO_GPA     0x20040u
#define SECS_GPA        0x21000u
#define SOURCE_GPA      0x22000u
#define ADD_PAGEINFO    0x23000u
#define ADD_SECINFO     0x23040u
#define TOKEN_GPA       0x24000u
#define SIGNED_GPA(cpu) (0x25000u + (cpu)*0x1000u)
#define ELRANGE         UINT64_C(0x400000)
#define ELRANGE_SIZE    0x2000u
#define EPC_PAGE(page)  (EPC_GPA + (page)*0x1000u)
#define ROUNDS          100

enum {
	SECS_PAGE,
	OTHER_SECS_PAGE,
	CHILD_PAGE,
	OTHER_CHILD_PAGE
};

static const enum signer signer_of[NR_VCPUS] = {SIGNER_A, SIGNER_B};

static void expect(bool good, const char *race, const struct leaf_end *end)
{
	if (!good)
		fail("%s: vectors %#llx, %#llx, RAX %llu, %llu", race,
		     (unsigned long long)end[0].vector, (unsigned long long)end[1].vector,
		     (unsigned long long)end[0].rax, (unsigned long long)end[1].rax);
}

/* Completed, with @rax. */
static bool is_done(struct leaf_end end, uint64_t rax)
{
	return end.vector == NO_FAULT && end.rax == rax;
}

/* One was completed with @rax, the other one raised @vector. */
static bool is_one_done(const struct leaf_end *end, uint64_t rax, uint64_t vector)
{
	return (is_done(end[0], rax) && end[1].vector == vector) ||
	       (is_done(end[1], rax) && end[0].vector == vector);
}

static struct leaf_call ecreate(unsigned int page)
{
	return (struct leaf_call){ECREATE, PAGEINFO_GPA, EPC_PAGE(page), 0};
}

static struct leaf_call eadd(unsigned int page)
{
	return (struct leaf_call){EADD, ADD_PAGEINFO, EPC_PAGE(page), 0};
}

static struct leaf_call eremove(unsigned int page)
{
	return (struct leaf_call){EREMOVE, 0, EPC_PAGE(page), 0};
}

static struct leaf_call einit(unsigned int page, unsigned int signed_by)
{
	return (struct leaf_call){EINIT, SIGNED_GPA(signed_by), EPC_PAGE(page), TOKEN_GPA};
}

static void expect_alone(struct bare_vm *vm, struct leaf_call call, uint64_t rax, const char *what)
{
	struct leaf_end end[NR_VCPUS] = {encls_alone(vm, call), {0, 0}};

	expect(is_done(end[0], rax), what, end);
}

/* ECREATE and EADD leave RAX as it is. */
static void create(struct bare_vm *vm, unsigned int page)
{
	expect_alone(vm, ecreate(page), ECREATE, "ECREATE alone");
}

static void add(struct bare_vm *vm, unsigned int page)
{
	expect_alone(vm, eadd(page), EADD, "EADD alone");
}

static void remove_page(struct bare_vm *vm, unsigned int page)
{
	expect_alone(vm, eremove(page), SGX_SUCCESS, "EREMOVE alone");
}

static void einit_of_one_enclave_succeeds_once(struct bare_vm *vm)
{
	const struct leaf_call calls[] = {einit(SECS_PAGE, 0), einit(SECS_PAGE, 1)};
	struct leaf_end end[NR_VCPUS];

	create(vm, SECS_PAGE);
	encls_at_once(vm, calls, end);
	expect(is_one_done(end, SGX_SUCCESS, GP_VECTOR), "EINIT of one enclave", end);
	remove_page(vm, SECS_PAGE);
}

static void einit_goes_by_the_vcpus_own_hash(struct bare_vm *vm)
{
	const struct leaf_call others[] = {einit(SECS_PAGE, 1), einit(OTHER_SECS_PAGE, 0)};
	const struct leaf_call own[] = {einit(SECS_PAGE, 0), einit(OTHER_SECS_PAGE, 1)};
	struct leaf_end end[NR_VCPUS];

	create(vm, SECS_PAGE);
	create(vm, OTHER_SECS_PAGE);
	encls_at_once(vm, others, end);
	expect(is_done(end[0], SGX_INVALID_EINITTOKEN) && is_done(end[1], SGX_INVALID_EINITTOKEN),
	       "EINIT by the other's hash", end);
	encls_at_once(vm, own, end);
	expect(is_done(end[0], SGX_SUCCESS) && is_done(end[1], SGX_SUCCESS),
	       "EINIT by its own hash", end);
	remove_page(vm, SECS_PAGE);
	remove_page(vm, OTHER_SECS_PAGE);
}

/* One enclave, two signers: who has the hash wins, whatever the other one does. */
static void einit_by_a_foreign_signature_does_not_disturb(struct bare_vm *vm)
{
	const struct leaf_call calls[] = {einit(SECS_PAGE, 0), einit(SECS_PAGE, 0)};
	struct leaf_end end[NR_VCPUS];

	create(vm, SECS_PAGE);
	encls_at_once(vm, calls, end);
	expect(is_done(end[0], SGX_SUCCESS) &&
		       (is_done(end[1], SGX_INVALID_EINITTOKEN) || end[1].vector == GP_VECTOR),
	       "EINIT beside one that is refused", end);
	remove_page(vm, SECS_PAGE);
}

static void ecreate_of_one_page_succeeds_once(struct bare_vm *vm)
{
	const struct leaf_call calls[] = {ecreate(SECS_PAGE), ecreate(SECS_PAGE)};
	struct leaf_end end[NR_VCPUS];

	encls_at_once(vm, calls, end);
	expect(is_one_done(end, ECREATE, PF_VECTOR), "ECREATE of one page", end);
	remove_page(vm, SECS_PAGE);
}

static void eadd_of_one_page_succeeds_once(struct bare_vm *vm)
{
	const struct leaf_call calls[] = {eadd(CHILD_PAGE), eadd(CHILD_PAGE)};
	struct leaf_end end[NR_VCPUS];

	create(vm, SECS_PAGE);
	encls_at_once(vm, calls, end);
	expect(is_one_done(end, EADD, PF_VECTOR), "EADD of one page", end);
	expect_alone(vm, eremove(SECS_PAGE), SGX_CHILD_PRESENT, "EREMOVE of a SECS with a child");
	remove_page(vm, CHILD_PAGE);
	remove_page(vm, SECS_PAGE);
}

/* SDM "EREMOVE": of a page that is not valid it succeeds; the parent's count falls by one all the same. */
static void eremove_of_one_page_counts_once(struct bare_vm *vm)
{
	const struct leaf_call calls[] = {eremove(CHILD_PAGE), eremove(CHILD_PAGE)};
	struct leaf_end end[NR_VCPUS];

	create(vm, SECS_PAGE);
	add(vm, CHILD_PAGE);
	add(vm, OTHER_CHILD_PAGE);
	encls_at_once(vm, calls, end);
	expect(is_done(end[0], SGX_SUCCESS) && is_done(end[1], SGX_SUCCESS), "EREMOVE of one page",
	       end);
	expect_alone(vm, eremove(SECS_PAGE), SGX_CHILD_PRESENT, "EREMOVE of a SECS with a child");
	remove_page(vm, OTHER_CHILD_PAGE);
	remove_page(vm, SECS_PAGE);
}

static void eadd_and_eremove_leave_the_count_right(struct bare_vm *vm)
{
	const struct leaf_call calls[] = {eadd(CHILD_PAGE), eremove(CHILD_PAGE)};
	struct leaf_end end[NR_VCPUS], again;

	create(vm, SECS_PAGE);
	encls_at_once(vm, calls, end);
	expect(is_done(end[0], EADD) && is_done(end[1], SGX_SUCCESS), "EADD and EREMOVE", end);
	/* Which was first, a second EADD tells; there is one child then in any case. */
	again = encls_alone(vm, eadd(CHILD_PAGE));
	if (!is_done(again, EADD) && again.vector != PF_VECTOR)
		fail("EADD again: vector %#llx", (unsigned long long)again.vector);
	remove_page(vm, CHILD_PAGE);
	remove_page(vm, SECS_PAGE);
}

/* A SECS goes while a child comes: both cannot have happened. */
static void eadd_into_a_secs_that_goes_is_one_of_both(struct bare_vm *vm)
{
	const struct leaf_call calls[] = {eadd(CHILD_PAGE), eremove(SECS_PAGE)};
	struct leaf_end end[NR_VCPUS];

	create(vm, SECS_PAGE);
	encls_at_once(vm, calls, end);
	if (is_done(end[1], SGX_CHILD_PRESENT)) {
		expect(is_done(end[0], EADD), "EADD before EREMOVE of its SECS", end);
		remove_page(vm, CHILD_PAGE);
		remove_page(vm, SECS_PAGE);
	} else {
		expect(is_done(end[1], SGX_SUCCESS) && end[0].vector == PF_VECTOR,
		       "EADD after EREMOVE of its SECS", end);
	}
}

static void put_operands(struct bare_vm *vm)
{
	*(struct sgx_pageinfo *)(vm->ram + PAGEINFO_GPA) =
		(struct sgx_pageinfo){.srcpge = SECS_GPA, .secinfo = SECINFO_GPA};
	*(struct sgx_secs *)(vm->ram + SECS_GPA) = (struct sgx_secs){
		.base = ELRANGE,
		.size = ELRANGE_SIZE,
		.ssa_frame_size = 1,
		.attributes = SGX_ATTR_MODE64BIT,
		.xfrm = XFEATURE_MASK_FP | XFEATURE_MASK_SSE,
	};
	*(struct sgx_pageinfo *)(vm->ram + ADD_PAGEINFO) = (struct sgx_pageinfo){
		.linaddr = ELRANGE,
		.srcpge = SOURCE_GPA,
		.secinfo = ADD_SECINFO,
		.secs = EPC_PAGE(SECS_PAGE),
	};
	*(struct sgx_secinfo *)(vm->ram + ADD_SECINFO) = (struct sgx_secinfo){
		.flags = SGX_SECINFO_R | SGX_SECINFO_W | SGX_PAGE_TYPE_REG << 8};
}

/* MRENCLAVE after ECREATE alone, as SDM "Measuring ECREATE" has it. */
static void measure_empty(uint8_t mrenclave[SGX_HASH_SIZE])
{
	struct {
		char name[8];
		uint32_t ssa_frame_size;
		uint64_t size;
		uint8_t zero[44];
	} __attribute__((packed)) record = {"ECREATE", 1, ELRANGE_SIZE, {0}};

	crypto_sha256(&record, sizeof(record), mrenclave);
}

static void put_signature(struct bare_vm *vm, unsigned int cpu)
{
	struct sgx_sigstruct *sig = (struct sgx_sigstruct *)(vm->ram + SIGNED_GPA(cpu));
	uint64_t hash[4];

	*sig = (struct sgx_sigstruct){
		.header = SGX_SIGSTRUCT_HEADER,
		.header2 = SGX_SIGSTRUCT_HEADER2,
		.exponent = SGX_SIGSTRUCT_EXPONENT,
		.attributes = SGX_ATTR_MODE64BIT,
		.attributes_mask = UINT64_MAX,
		.xfrm = XFEATURE_MASK_FP | XFEATURE_MASK_SSE,
		.xfrm_mask = UINT64_MAX,
		.miscmask = UINT32_MAX,
	};
	measure_empty(sig->enclave_hash);
	sign(sig, signer_of[cpu]);
	signer_hash(signer_of[cpu], (uint8_t *)hash);
	set_pubkey_hash(vm, cpu, hash);
}

int main(void)
{
	static void (*const races[])(struct bare_vm * vm) = {
		einit_of_one_enclave_succeeds_once,
		einit_goes_by_the_vcpus_own_hash,
		einit_by_a_foreign_signature_does_not_disturb,
		ecreate_of_one_page_succeeds_once,
		eadd_of_one_page_succeeds_once,
		eremove_of_one_page_counts_once,
		eadd_and_eremove_leave_the_count_right,
		eadd_into_a_secs_that_goes_is_one_of_both,
	};
	struct bare_vm vm;

	two_vcpus_init(&vm);
	put_operands(&vm);
	for (unsigned int cpu = 0; cpu < NR_VCPUS; cpu++)
		put_signature(&vm, cpu);
	for (unsigned int round = 0; round < ROUNDS; round++)
		for (unsigned int i = 0; i < ARRAY_SIZE(races); i++)
			races[i](&vm);
	bare_vm_free(&vm);
	printf("%u rounds of %zu races\n", ROUNDS, ARRAY_SIZE(races));
	return EXIT_SUCCESS;
}
