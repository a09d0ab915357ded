/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The driver's ioctls that change pages of a running enclave; the enclave has its say by EACCEPT. */
#ifndef EXCLAVE_GUEST_CHANGE_H
#define EXCLAVE_GUEST_CHANGE_H

#include "enclave.h"

/* Of SECINFO.FLAGS. */
#define REG  ((uint64_t)SGX_PAGE_TYPE_REG << SGX_SECINFO_PT_SHIFT)
#define TRIM ((uint64_t)SGX_PAGE_TYPE_TRIM << SGX_SECINFO_PT_SHIFT)
#define RW   (SGX_SECINFO_R | SGX_SECINFO_W)

/*
 * Each of @pages pages from @offset on. They try again as long as the driver or its reclaimer is
 * busy. Return: 0 or -errno, with *result the leaf's code.
 */
int enclave_restrict(const struct enclave *e, uint64_t offset, uint64_t pages, uint64_t rights,
		     uint64_t *result);
int enclave_trim(const struct enclave *e, uint64_t offset, uint64_t pages, uint64_t *result);
int enclave_remove(const struct enclave *e, uint64_t offset, uint64_t pages);

#endif
