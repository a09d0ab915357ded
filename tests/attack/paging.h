/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages that the guest's kernel takes out of the EPC and brings back. */
#ifndef EXCLAVE_TESTS_ATTACK_PAGING_H
#define EXCLAVE_TESTS_ATTACK_PAGING_H

#include "enclave.h"

/* Blob @number in the guest's RAM: the encrypted page, then its PCMD. */
#define BLOB_GPA(number) (FREE_GPA + (number)*UINT64_C(0x2000))
#define BLOB_SIZE        UINT64_C(0x2000)

/* A page for version numbers, by EPA. Return: the kernel's address of its first slot. */
gva_t add_va_page(struct vm *vm);
/* EBLOCK, ETRACK. */
void block(const struct enclave *e, enum enclave_page page);
struct outcome write_back(const struct enclave *e, enum enclave_page page, unsigned int blob,
			  gva_t slot);
/* All three; must succeed. */
void evict(const struct enclave *e, enum enclave_page page, unsigned int blob, gva_t slot);

struct reload {
	gva_t epc, linaddr, secs, slot;
	unsigned int blob;
};
/* ELDU. */
struct outcome reload(struct vm *vm, const struct reload *r);

#endif
