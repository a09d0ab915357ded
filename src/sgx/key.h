/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SDM "EGETKEY": the keys that a processor derives for enclaves. Each is the
 * AES-CMAC, under a root secret of the platform's identity, of everything that
 * the key is bound to.
 *
 * The functions read a SECS that cannot change any more (EINIT is through) and
 * need no lock. They return false when the host is out of memory; @key is then
 * zero. Callers wipe @key after use.
 */
#ifndef EXCLAVE_SGX_KEY_H
#define EXCLAVE_SGX_KEY_H

#include "sgx/secs.h"
#include "sgx/sgx.h"

/*
 * SDM "KEYDEPENDENCIES": its layout is not architectural, but sealed data lives
 * as long as this one does not change.
 */
struct key_dependencies {
	uint16_t keyname;
	uint8_t isv_family_id[16];
	uint8_t isv_ext_prod_id[16];
	uint16_t isv_prod_id;
	uint16_t isv_svn;
	uint8_t owner_epoch[16];
	uint64_t attributes;
	uint64_t xfrm;
	uint64_t attributes_mask;
	uint64_t xfrm_mask;
	uint8_t mrenclave[SGX_HASH_SIZE];
	uint8_t mrsigner[SGX_HASH_SIZE];
	uint8_t keyid[SGX_KEYID_SIZE];
	uint8_t seal_fuses[16];
	uint8_t cpusvn[SGX_CPUSVN_SIZE];
	uint8_t padding[SGX_PADDING_SIZE];
	uint32_t miscselect;
	uint32_t miscmask;
	uint16_t keypolicy;
	uint8_t config_id[SGX_CONFIGID_SIZE];
	uint16_t config_svn;
} __attribute__((packed));
_Static_assert(sizeof(struct key_dependencies) == 642, "KEYDEPENDENCIES");

/* EGETKEY of @request, which is legal, by the enclave @secs. */
bool key_for_request(struct sgx_cpu *cpu, struct sgx_secs *secs,
		     const struct sgx_keyrequest *request, uint8_t key[SGX_KEY_SIZE]);

/* EREPORT by @secs: the REPORT_KEY that the enclave @target gets for this boot's KEYID. */
bool key_for_report(struct sgx_cpu *cpu, struct sgx_secs *secs, const struct sgx_targetinfo *target,
		    uint8_t key[SGX_KEY_SIZE]);

/* EINIT: the EINITTOKEN_KEY of the launch enclave that made @token. */
bool key_for_token(struct sgx_cpu *cpu, const struct sgx_einittoken *token,
		   uint8_t key[SGX_KEY_SIZE]);

/*
 * May software of this platform name @cpusvn? A CPUSVN is sixteen version
 * numbers of one byte, one for each component; none may be above the current one.
 */
bool key_has_cpusvn(const struct sgx_platform *platform, const uint8_t cpusvn[SGX_CPUSVN_SIZE]);

#endif
