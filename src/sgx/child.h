/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two pages of a leaf that adds a child to an enclave (EADD, EAUG): a free
 * EPC page and the SECS that becomes its parent. Private to the model.
 */
#ifndef EXCLAVE_SGX_CHILD_H
#define EXCLAVE_SGX_CHILD_H

#include "sgx/leaf.h"

struct child_operands {
	struct epcm_entry *target;
	struct epcm_entry *secs;
	gva_t target_gva;
	gva_t secs_gva;
};

/*
 * Locks the target exclusively and the SECS shared. Return: leaf_ok(), or with
 * neither locked how the leaf ends.
 */
struct leaf_result child_lock(struct sgx_cpu *cpu, const struct child_operands *op);
void child_unlock(const struct child_operands *op);

/* Is the target free, and the SECS one? */
struct leaf_result __child_check(struct sgx_cpu *cpu, const struct child_operands *op);

/* The same where nothing is locked, for a leaf that locks and looks again. */
struct leaf_result child_check(struct sgx_cpu *cpu, const struct child_operands *op);

#endif
