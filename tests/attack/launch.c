// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EINIT": who may launch an enclave, with launch control that is flexible, and locked. */
#include "enclave.h"
#include "report.h"

#include "lib/bits.h"

#include <string.h>
#include <sys/random.h>

static struct sgx_sigstruct *sigstruct(struct vm *vm)
{
	return vm_ram(vm, SIGSTRUCT_GPA);
}

static struct sgx_einittoken *token(struct vm *vm)
{
	return vm_ram(vm, TOKEN_GPA);
}

static void forge_nothing(struct vm *vm)
{
	(void)vm;
}

/* Right in everything that the kernel can know. */
static void forge_token(struct vm *vm)
{
	struct sgx_einittoken *t = token(vm);

	t->valid = 1;
	t->attributes = sigstruct(vm)->attributes;
	t->xfrm = sigstruct(vm)->xfrm;
	memcpy(t->mrenclave, sigstruct(vm)->enclave_hash, SGX_HASH_SIZE);
	signer_hash(SIGNER_B, t->mrsigner);
}

static void forge_token_with_mac(struct vm *vm)
{
	forge_token(vm);
	must(getrandom(token(vm)->mac, SGX_MAC_SIZE, 0) == SGX_MAC_SIZE);
}

static void forge_debug_token(struct vm *vm)
{
	forge_token(vm);
	token(vm)->masked_attributes_le = SGX_ATTR_DEBUG;
}

static void forge_modulus(struct vm *vm)
{
	sigstruct(vm)->modulus[0] ^= 2;
}

static void forge_attributes(struct vm *vm)
{
	sigstruct(vm)->isv_svn++;
}

static void forge_exponent(struct vm *vm)
{
	sigstruct(vm)->exponent = 65537;
}

struct forgery {
	const char *name;
	void (*forge)(struct vm *vm);
	uint64_t code;
};

static const struct forgery forgeries[] = {
	{"no token", forge_nothing, SGX_INVALID_EINITTOKEN},
	{"token without MAC", forge_token, SGX_INVALID_EINITTOKEN},
	{"token with a MAC", forge_token_with_mac, SGX_INVALID_EINITTOKEN},
	{"debug token", forge_debug_token, SGX_INVALID_EINITTOKEN},
	{"other modulus", forge_modulus, SGX_INVALID_SIGNATURE},
	{"other contents", forge_attributes, SGX_INVALID_SIGNATURE},
	{"other exponent", forge_exponent, SGX_INVALID_SIG_STRUCT},
};

/* Of an enclave by SIGNER_B, whom nobody trusts. */
static void try_forgeries(struct vm *vm)
{
	for (size_t i = 0; i < ARRAY_SIZE(forgeries); i++) {
		struct enclave e;
		struct outcome o;

		enclave_add(&e, vm, 0, 0, SIGNER_B);
		forgeries[i].forge(vm);
		o = enclave_init(&e);
		expect_equal(o.regs.rax, forgeries[i].code, forgeries[i].name, __FILE__, __LINE__);
		EXPECT_GP(enclave_call(&e, fn_nothing, 0, 0));
		vm_epc_clear(vm);
	}
}

static void einit_forged_refused(struct vm *vm)
{
	EXPECT_DONE(trust(vm, SIGNER_A));
	try_forgeries(vm);
}

static void einit_other_enclaves_signature_invalid_measurement(struct vm *vm)
{
	struct enclave e;
	struct outcome o;

	EXPECT_DONE(trust(vm, SIGNER_A));
	enclave_add(&e, vm, 0, 0, SIGNER_A);
	set_pageinfo(vm, enclave_gva(&e, PAGE_FREE), SOURCE_GPA, epc_gva(e.secs));
	set_secinfo(vm, SECINFO_REG | SGX_SECINFO_RWX);
	EXPECT_DONE(vm_encls(vm, EADD, PAGEINFO_GPA, epc_gva(vm_epc_page(vm)), 0));
	o = enclave_init(&e);
	EXPECT_CODE(o, SGX_INVALID_MEASUREMENT);
}

/* The launch key is for the one who is trusted. */
static void einit_launch_key_by_others_invalid_attribute(struct vm *vm)
{
	struct enclave e;

	EXPECT_DONE(trust(vm, SIGNER_A));
	enclave_add(&e, vm, 0, SGX_ATTR_EINITTOKENKEY, SIGNER_B);
	EXPECT_CODE(enclave_init(&e), SGX_INVALID_ATTRIBUTE);
	EXPECT_DONE(trust(vm, SIGNER_B));
	EXPECT_CODE(enclave_init(&e), SGX_SUCCESS);
	EXPECT_GP(enclave_init(&e));
}

/* No KVM_CAP_SGX_ATTRIBUTE: the VMM has no right to the provisioning key. */
static void ecreate_with_provisioning_key_gp(struct vm *vm)
{
	struct sgx_secs *secs = vm_ram(vm, SOURCE_GPA);

	*secs = (struct sgx_secs){
		.size = ENCLAVE_SIZE,
		.base = WINDOW_GVA,
		.ssa_frame_size = 1,
		.attributes = SGX_ATTR_MODE64BIT | SGX_ATTR_PROVISIONKEY,
		.xfrm = XFEATURE_MASK_FP | XFEATURE_MASK_SSE,
	};
	set_pageinfo(vm, 0, SOURCE_GPA, 0);
	set_secinfo(vm, 0);
	EXPECT_GP(vm_encls(vm, ECREATE, PAGEINFO_GPA, epc_gva(vm_epc_page(vm)), 0));
	secs->attributes &= ~SGX_ATTR_PROVISIONKEY;
	EXPECT_DONE(vm_encls(vm, ECREATE, PAGEINFO_GPA, epc_gva(vm_epc_page(vm)), 0));
}

const struct attack launch_attacks[] = {
	ATTACK(einit_forged_refused),
	ATTACK(einit_other_enclaves_signature_invalid_measurement),
	ATTACK(einit_launch_key_by_others_invalid_attribute),
	ATTACK(ecreate_with_provisioning_key_gp),
	{NULL, NULL},
};

static void locked_wrmsr_of_hash_gp(struct vm *vm)
{
	EXPECT_GP(trust(vm, SIGNER_B));
}

static void locked_einit_forged_refused(struct vm *vm)
{
	try_forgeries(vm);
}

const struct attack locked_attacks[] = {
	ATTACK(locked_wrmsr_of_hash_gp),
	ATTACK(locked_einit_forged_refused),
	{NULL, NULL},
};
