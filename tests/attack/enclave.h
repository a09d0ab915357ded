/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An enclave that the guest's kernel builds, and calls of it. */
#ifndef EXCLAVE_TESTS_ATTACK_ENCLAVE_H
#define EXCLAVE_TESTS_ATTACK_ENCLAVE_H

#include "signer.h"
#include "vmm.h"

/* Its pages, as they are added. Those from PAGE_FREE up to the end of its range are not there. */
enum enclave_page {
	PAGE_CODE,
	PAGE_TCS,
	PAGE_TCS2,
	PAGE_SSA,
	PAGE_SSA_2,
	PAGE_SSA2,
	PAGE_SSA2_2,
	PAGE_SECINFO, /* of the enclave's own EACCEPT and EMODPE */
	PAGE_SECRET,
	PAGE_DATA,
	PAGE_OTHER, /* as PAGE_DATA */
	PAGE_READ_ONLY,
	PAGE_FREE,
};

#define ENCLAVE_SIZE UINT64_C(0x100000)

struct enclave {
	struct vm *vm;
	gva_t base;
	unsigned int secs;            /* EPC page */
	unsigned int page[PAGE_FREE]; /* EPC pages */
};

/* guest.S: what the code page can do. */
extern const char enclave_code[], enclave_code_end[];
extern const char fn_nothing[], fn_load[], fn_store[], fn_jump[], fn_copy[], fn_fill[], fn_hold[],
	fn_leaf[], fn_stay[];

/*
 * Number 0 and 1 may be there at the same time. Without EINIT: its SIGSTRUCT, signed by @signer, is
 * at SIGSTRUCT_GPA, and a token that is not valid at TOKEN_GPA.
 */
void enclave_add(struct enclave *e, struct vm *vm, unsigned int number, uint64_t attributes,
		 enum signer signer);
struct outcome enclave_init(struct enclave *e);
/* All of it, by SIGNER_A, whom the guest trusts then. @attributes beside MODE64BIT. */
void enclave_build(struct enclave *e, struct vm *vm, unsigned int number, uint64_t attributes);
/* IA32_SGXLEPUBKEYHASHn. Return: how the last WRMSR ended. */
struct outcome trust(struct vm *vm, enum signer signer);

/* Where the enclave has a page; the kernel's address of it; what the PTE says. */
gva_t enclave_gva(const struct enclave *e, unsigned int page);
gva_t enclave_epc(const struct enclave *e, enum enclave_page page);
uint64_t enclave_pte(const struct enclave *e, enum enclave_page page);

/* PAGEINFO and SECINFO (or PCMD, with @flags 0) in RAM. */
struct sgx_pageinfo *set_pageinfo(struct vm *vm, gva_t linaddr, gva_t srcpge, gva_t secs);
struct sgx_secinfo *set_secinfo(struct vm *vm, uint64_t flags);
#define SECINFO_PT(type) ((uint64_t)(type) << SGX_SECINFO_PT_SHIFT)
#define SECINFO_REG      SECINFO_PT(SGX_PAGE_TYPE_REG)
#define SECINFO_RW       (SGX_SECINFO_R | SGX_SECINFO_W)
/* EAUG of the next EPC page at @page. Return: the EPC page. */
unsigned int enclave_augment(struct enclave *e, unsigned int page);

/* EENTER on the first TCS of function @fn. */
struct outcome enclave_call(const struct enclave *e, const char *fn, uint64_t rsi, uint64_t rdx);
/* ENCLU inside with a SECINFO of these @flags. */
struct outcome enclave_leaf(const struct enclave *e, uint32_t leaf, uint64_t flags, gva_t page);
struct kvm_regs enclave_entry(const struct enclave *e, enum enclave_page tcs, const char *fn);
struct outcome enclave_resume(const struct enclave *e);

/* Another thread, on the second processor: inside until enclave_leave(). */
void enclave_stay(const struct enclave *e, enum enclave_page tcs);
struct outcome enclave_leave(void);

/* Ends as the processor's table of error codes says, or as #PF at @address. */
#define EXPECT_DONE(o)               EXPECT((o).vector, VECTOR_DONE)
#define EXPECT_CODE(o, code)         expect_code(o, code, __FILE__, __LINE__)
#define EXPECT_GP(o)                 EXPECT((o).vector, GP_VECTOR)
#define EXPECT_PF(o, error, address) expect_pf(o, error, address, __FILE__, __LINE__)
void expect_code(struct outcome o, uint64_t code, const char *file, int line);
void expect_pf(struct outcome o, uint32_t error, uint64_t address, const char *file, int line);

/* SDM "Page Fault Error Codes": present, write, user, fetch, SGX. */
#define PF_READ      0x8005u
#define PF_WRITE     0x8007u
#define PF_FETCH     0x8015u
#define PF_KERNEL    0x8003u
#define PF_NO_PAGE   0x0004u
#define PF_READ_ONLY 0x0007u

#endif
