/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory operands of leaf functions, in the architecture's order: segmentation
 * and canonical form (#GP), page walk (ordinary #PF), EPC or not (SGX #PF).
 * All return leaf_ok() or the fault.
 */
#ifndef EXCLAVE_SGX_OPERAND_H
#define EXCLAVE_SGX_OPERAND_H

#include "sgx/sgx.h"

/* The accesses of ENCLS are a supervisor's, those of ENCLU a user's. */
#define ENCLS_READ  UINT32_C(0)
#define ENCLS_WRITE PFERR_WRITE_MASK
#define ENCLU_READ  PFERR_USER_MASK
#define ENCLU_WRITE (PFERR_USER_MASK | PFERR_WRITE_MASK)

/* The linear address of the @len bytes at DS:@ea, which never cross a page. */
struct leaf_result operand_linear(struct sgx_cpu *cpu, uint64_t ea, uint32_t len, uint32_t access,
				  gva_t *gva);

struct leaf_result operand_walk(struct sgx_cpu *cpu, gva_t gva, uint32_t access,
				struct sgx_place *place);

/* The EPCM entry of the page behind @gva; an SGX #PF when it is not EPC. */
struct leaf_result operand_epc(struct sgx_cpu *cpu, gva_t gva, uint32_t access,
			       struct epcm_entry **e);

/* operand_linear() and operand_epc() in one: an EPC page named by a register. */
struct leaf_result operand_epc_page(struct sgx_cpu *cpu, uint64_t ea, uint32_t access, gva_t *gva,
				    struct epcm_entry **e);

/*
 * Copies @len bytes within one page from or to a place that was walked. EPC is
 * the abort page here: it reads as ones and drops writes. No lock may be held.
 */
struct leaf_result operand_read_at(struct sgx_cpu *cpu, const struct sgx_place *place, gva_t gva,
				   void *dst, uint32_t len);
struct leaf_result operand_write_at(struct sgx_cpu *cpu, const struct sgx_place *place, gva_t gva,
				    const void *src, uint32_t len);

/* Linear address, walk for reading, copy: a structure that does not cross a page. */
struct leaf_result operand_read(struct sgx_cpu *cpu, uint64_t ea, uint32_t access, void *dst,
				uint32_t len);

/*
 * The steps of operand_enclave() below one by one, for leaves that test several
 * operands side by side. operand_elrange() gives a linear address in ELRANGE,
 * else #GP; operand_check_rights() is the EPCM test of a page that was walked.
 */
struct leaf_result operand_elrange(struct sgx_cpu *cpu, uint64_t ea, uint32_t len, uint32_t access,
				   gva_t *gva);
struct leaf_result operand_check_rights(struct sgx_cpu *cpu, gva_t gva, uint32_t access,
					uint64_t rights, const struct epcm_entry *secs,
					const struct epcm_entry *e);

/*
 * An operand in the memory of enclave @secs: walk with @access, then the EPCM
 * test of epcm_allows() with @rights; an SGX #PF when it fails. @page is the
 * first byte of the page. The page stays the enclave's as long as a processor
 * that entered before this call is inside, so the caller needs no lock.
 */
struct leaf_result operand_enclave_page(struct sgx_cpu *cpu, gva_t gva, uint32_t access,
					uint64_t rights, const struct epcm_entry *secs,
					struct epcm_entry **e, uint8_t **page);

/*
 * SDM ENCLU leaves: a structure of the active enclave at DS:@ea, readable or
 * (PFERR_WRITE_MASK in @access) writable. It must lie within ELRANGE, else #GP.
 * Alignment is the caller's. @p points at its bytes in the EPC.
 */
struct leaf_result operand_enclave(struct sgx_cpu *cpu, uint64_t ea, uint32_t len, uint32_t access,
				   struct epcm_entry **e, void **p);

#endif
