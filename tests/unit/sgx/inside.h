/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Enclaves that use their keys, and a processor inside one without EENTER: what
 * tests of EREPORT and EGETKEY share.
 */
#ifndef EXCLAVE_TESTS_UNIT_SGX_INSIDE_H
#define EXCLAVE_TESTS_UNIT_SGX_INSIDE_H

#include "fixture.h"
#include "signing.h"

/* All rights that keys ask for. */
#define INSIDE_ATTRIBUTES                                                                       \
	(SGX_ATTR_MODE64BIT | SGX_ATTR_DEBUG | SGX_ATTR_PROVISIONKEY | SGX_ATTR_EINITTOKENKEY | \
	 SGX_ATTR_KSS)

/* What an enclave is; zero fields are legal. */
struct recipe {
	uint64_t attributes;
	enum signer signer;
	uint8_t fill; /* of its pages, which makes another MRENCLAVE */
	uint8_t config_id;
	uint16_t config_svn;
	uint16_t isv_svn;
	uint8_t isv_family_id;
	uint8_t isv_ext_prod_id;
};

/*
 * Builds, measures, signs and initialises an enclave: SECS in EPC page @first,
 * then a TCS and three RW pages at offsets 0, 0x1000, 0x2000, 0x3000. The
 * launch hash is that of the signer afterwards.
 */
#define INSIDE_PAGES 5
void make_signed_enclave(struct fixture *f, unsigned int first, gva_t base,
			 const struct recipe *recipe);

/* An enclave with something in every field. */
extern const struct recipe recipe_all;
/* Builds it from EPC page 0 on, at ENCLAVE_BASE, and goes inside. */
void enter_new_enclave(struct fixture *f, const struct recipe *recipe);

/* Into the enclave of make_signed_enclave() at once, from wherever the processor is. */
void go_inside(struct fixture *f, unsigned int first);
void go_outside(struct fixture *f);

/* Where the operands of EREPORT and EGETKEY lie: one on each RW page. */
#define TARGETINFO_GVA(f) ((f)->cpu->enclave.base + 0x1000)
#define KEYREQUEST_GVA(f) ((f)->cpu->enclave.base + 0x1200)
#define REPORTDATA_GVA(f) ((f)->cpu->enclave.base + 0x2080)
#define REPORT_GVA(f)     ((f)->cpu->enclave.base + 0x3000)
#define KEY_GVA(f)        ((f)->cpu->enclave.base + 0x3210)

/* The enclave's own memory, behind the architecture's back. */
void *inside_ptr(struct fixture *f, gva_t gva);

/* EGETKEY of @request; the key is copied out on success. */
struct leaf_result get_key(struct fixture *f, const struct sgx_keyrequest *request,
			   uint8_t key[SGX_KEY_SIZE]);

/* A KEYREQUEST that EGETKEY likes, for tests to spoil. */
#define NR_KEYNAMES (SGX_KEYNAME_SEAL + 1)
struct sgx_keyrequest key_request(uint16_t keyname);

/* get_key() that must succeed. */
void expect_key(struct fixture *f, const struct sgx_keyrequest *request, uint8_t key[SGX_KEY_SIZE]);

/* EREPORT for @target; the report is copied out on success. */
struct leaf_result get_report(struct fixture *f, const struct sgx_targetinfo *target,
			      const uint8_t data[SGX_REPORTDATA_SIZE], struct sgx_report *report);

/* TARGETINFO of the enclave whose SECS is EPC page @secs_page. */
struct sgx_targetinfo target_of(struct fixture *f, unsigned int secs_page);

/* As the enclave inside which the processor is would do: is the report for it, and true? */
bool report_is_mine(struct fixture *f, const struct sgx_report *report);

/*
 * Runs @leaf with each thing wrong with operand @which that an operand in the
 * enclave's memory must not be; @op are the legal RBX, RCX and RDX.
 */
void expect_operand_checked(struct fixture *f, uint32_t leaf, const uint64_t op[3],
			    unsigned int which, uint32_t align, uint32_t access);

#endif
