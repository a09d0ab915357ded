// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "Measuring Enclave Contents": SHA-256 over a block for each leaf that builds the enclave. */
#include "sign.h"

#include <string.h>

#define SECINFO_MEASURED 48

/* One block: a leaf's name, an operand, and zeros. */
struct record {
	char name[8];
	union {
		struct {
			uint32_t ssa_frame_size;
			uint64_t size;
		} __attribute__((packed)) create;
		struct {
			uint64_t offset;
			uint64_t secinfo[SECINFO_MEASURED / 8];
		} page;
	};
};
_Static_assert(sizeof(struct record) == 64, "a block of SHA-256");

static void absorb(EVP_MD_CTX *hash, const void *data, size_t size)
{
	if (!EVP_DigestUpdate(hash, data, size))
		fail("SHA-256 failed");
}

static void absorb_page(EVP_MD_CTX *hash, const struct image *image, uint64_t offset,
			uint64_t secinfo_flags)
{
	struct record add = {.name = "EADD", .page = {offset, {secinfo_flags}}};

	absorb(hash, &add, sizeof(add));
	for (unsigned int chunk = 0; chunk < SGX_PAGE_SIZE; chunk += SGX_CHUNK_SIZE) {
		struct record extend = {.name = "EEXTEND", .page = {.offset = offset + chunk}};

		absorb(hash, &extend, sizeof(extend));
		absorb(hash, image->contents + offset + chunk, SGX_CHUNK_SIZE);
	}
}

void image_measure(const struct image *image, uint8_t mrenclave[SGX_HASH_SIZE])
{
	const struct image_header *h = &image->header;
	struct record create = {.name = "ECREATE", .create = {IMAGE_SSA_PAGES, h->enclave_size}};
	EVP_MD_CTX *hash = EVP_MD_CTX_new();

	if (!hash || !EVP_DigestInit_ex(hash, EVP_sha256(), NULL))
		fail("SHA-256 cannot be had");
	absorb(hash, &create, sizeof(create));
	for (unsigned int i = 0; i < h->part_count; i++) {
		const struct image_part *part = &h->parts[i];

		for (uint64_t page = 0; page < part->length; page += SGX_PAGE_SIZE)
			absorb_page(hash, image, part->offset + page, part->secinfo_flags);
	}
	if (!EVP_DigestFinal_ex(hash, mrenclave, NULL))
		fail("SHA-256 failed");
	EVP_MD_CTX_free(hash);
}
