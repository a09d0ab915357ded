/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long a leaf waits for another one before it reports a conflict. */
#ifndef EXCLAVE_SGX_PATIENCE_H
#define EXCLAVE_SGX_PATIENCE_H

#include <stdint.h>

/* Long enough for a host thread that was descheduled while it held a page. */
#define SGX_LOCK_PATIENCE_NS UINT64_C(10000000000)

/*
 * For the whole process. 0 reports every conflict at once, as hardware does:
 * for tests of software under conflicts.
 */
void sgx_set_lock_patience(uint64_t ns);

#endif
