/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel on a processor of the process's SGX machine, which makes enclaves in any page of
 * EPC by its physical address.
 */
#ifndef EXCLAVE_TESTS_UNIT_HOST_MACHINE_H
#define EXCLAVE_TESTS_UNIT_HOST_MACHINE_H

#include "tests.h"

#include "host/platform.h"
#include "host/vepc.h"

struct sgx_host *machine(void);

/* Pages of the pool that nobody has. */
uint64_t free_pages(void);

/* The page at @index of @vepc, which gets one. */
hpa_t page_at(struct vepc *vepc, uint64_t index);

/* ECREATE at @secs, and EADD of the enclave's first page at @hpa. */
void make_secs(hpa_t secs);
void add_page(hpa_t secs, hpa_t hpa);

#endif
