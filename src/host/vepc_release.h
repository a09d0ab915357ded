/* SPDX-License-Identifier: GPL-2.0-or-later */
/* EREMOVE of a vEPC's pages. No lock is held in any call: other storeys hear of each page. */
#ifndef EXCLAVE_HOST_VEPC_RELEASE_H
#define EXCLAVE_HOST_VEPC_RELEASE_H

#include "host/platform.h"
#include "host/vepc_table.h"

/* Pages stay in @table. Return: as SGX_IOC_VEPC_REMOVE_ALL. */
long vepc_remove_pages(struct sgx_host *host, const struct vepc_table *table);

/* Nobody uses @table any more: its pages go back to the pool, or to the zombies. */
void vepc_release_pages(struct sgx_host *host, const struct vepc_table *table);

#endif
