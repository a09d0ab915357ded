/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mappings of our files after they were made: only those of virtual EPC matter. */
#ifndef EXCLAVE_PRELOAD_MAPPING_H
#define EXCLAVE_PRELOAD_MAPPING_H

#include <stddef.h>

/* Something else will be mapped there, or nothing. */
void mappings_forget(void *addr, size_t len);

#endif
