/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A signed enclave in a file: this header, padded to whole pages, then the contents of its parts.
 * Parts lie in the order in which they are measured.
 */
#ifndef EXCLAVE_GUEST_IMAGE_H
#define EXCLAVE_GUEST_IMAGE_H

#include "sgx/arch.h"

#define IMAGE_MAGIC     "EXCLAVE1"
#define IMAGE_PARTS_MAX 8
#define IMAGE_SSA_PAGES 1

struct image_part {
	uint64_t offset; /* from the enclave's base */
	uint64_t length;
	uint64_t file_offset;
	uint64_t secinfo_flags;
};

struct image_header {
	char magic[8];
	uint64_t enclave_size;
	uint64_t heap; /* offset of the first page that has no contents */
	uint64_t tcs_count;
	uint64_t part_count;
	struct image_part parts[IMAGE_PARTS_MAX];
	struct sgx_sigstruct sigstruct;
};

#define IMAGE_HEADER_SIZE SGX_PAGE_SIZE
_Static_assert(sizeof(struct image_header) <= IMAGE_HEADER_SIZE, "the header is one page");

#endif
