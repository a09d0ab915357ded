// SPDX-License-Identifier: GPL-2.0-or-later
#include "sgx/measure.h"

#include "lib/crypto.h"

#include <string.h>

/* SDM "Measuring ECREATE", "Measuring EADD", "Measuring EEXTEND": one block each. */
struct measure_block {
	uint64_t tag;
	union {
		struct {
			uint32_t ssa_frame_size;
			uint64_t size;
			uint8_t zero[44];
		} __attribute__((packed)) ecreate;
		struct {
			uint64_t offset;
			uint8_t secinfo[48];
		} eadd;
		struct {
			uint64_t offset;
			uint8_t zero[48];
		} eextend;
	};
};
_Static_assert(sizeof(struct measure_block) == CRYPTO_SHA256_BLOCK, "measurement block");

static void update(struct sgx_secs *secs, const void *blocks, size_t count)
{
	crypto_sha256_update(&secs_hidden(secs)->measurement, blocks, count * CRYPTO_SHA256_BLOCK);
	secs_hidden(secs)->measured_blocks += count;
}

void measure_ecreate(struct sgx_secs *secs)
{
	const struct measure_block block = {
		.tag = SGX_TAG_ECREATE,
		.ecreate = {.ssa_frame_size = secs->ssa_frame_size, .size = secs->size},
	};

	crypto_sha256_start(&secs_hidden(secs)->measurement);
	secs_hidden(secs)->measured_blocks = 0;
	update(secs, &block, 1);
}

void measure_eadd(struct sgx_secs *secs, uint64_t offset, const struct sgx_secinfo *secinfo)
{
	struct measure_block block = {.tag = SGX_TAG_EADD, .eadd = {.offset = offset}};

	memcpy(block.eadd.secinfo, secinfo, sizeof(block.eadd.secinfo));
	update(secs, &block, 1);
}

void measure_eextend(struct sgx_secs *secs, uint64_t offset, const void *chunk)
{
	/* Header and chunk in one piece: one call of the hash is cheaper than two. */
	struct {
		struct measure_block header;
		uint8_t chunk[SGX_CHUNK_SIZE];
	} blocks;

	blocks.header =
		(struct measure_block){.tag = SGX_TAG_EEXTEND, .eextend = {.offset = offset}};
	memcpy(blocks.chunk, chunk, sizeof(blocks.chunk));
	update(secs, &blocks, sizeof(blocks) / CRYPTO_SHA256_BLOCK);
}

void measure_final(struct sgx_secs *secs, uint8_t mrenclave[SGX_HASH_SIZE])
{
	crypto_sha256_finish(&secs_hidden(secs)->measurement, mrenclave);
}
