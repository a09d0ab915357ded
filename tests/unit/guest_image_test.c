// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The enclaves of guest/ as their signer leaves them, against the architecture: built leaf by
 * leaf they have the measurement that the signer computed, and EINIT takes them.
 *
 *   guest_image_test IMAGE...
 */
#include "builder.h"
#include "common/image.h"
#include "lib/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW       UINT64_C(0x10000000)
#define WINDOW_PAGES 0x10000u
#define RAM_PAGES    16u
#define EPC_PAGES    64u
#define EPC_WINDOW   (WINDOW + PAGES(0x1000))
#define SECS         EPC_WINDOW
#define ENCLAVE_BASE (WINDOW + UINT64_C(0x4000000))
#define TOKEN        (WINDOW + PAGES(4))

struct build {
	struct embedder *embedder;
	struct builder builder;
	const uint8_t *file;
	const struct image_header *image;
};

static int image_count;
static char **image_paths;

static uint8_t *read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *contents;
	long size;

	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	assert_true(size >= IMAGE_HEADER_SIZE);
	rewind(file);
	contents = malloc((size_t)size);
	assert_int_equal(fread(contents, 1, (size_t)size, file), size);
	fclose(file);
	return contents;
}

static void open_build(struct build *b, const char *path)
{
	const struct embedder_config config = {
		.window = WINDOW,
		.window_pages = WINDOW_PAGES,
		.ram_pages = RAM_PAGES,
		.epc_pages = EPC_PAGES,
		.epc_hpa = UINT64_C(0x100000000),
		.cpus = 1,
	};

	b->file = read_file(path);
	b->image = (const struct image_header *)b->file;
	assert_memory_equal(b->image->magic, IMAGE_MAGIC, sizeof(b->image->magic));
	b->embedder = embedder_new(&config);
	assert_non_null(b->embedder);
	for (uint32_t i = 0; i < EPC_PAGES; i++)
		embedder_map_epc(b->embedder, EPC_WINDOW + PAGES(i), i, PTE_ALL);
	b->builder = builder_for(b->embedder, 0, WINDOW);
}

static void close_build(struct build *b)
{
	embedder_free(b->embedder);
	free((void *)b->file);
}

static void expect_ok(struct leaf_result res)
{
	assert_int_equal(res.kind, LEAF_OK);
}

static void expect_code(struct leaf_result res, int code)
{
	assert_int_equal(res.kind, LEAF_CODE);
	assert_int_equal(res.value, code);
}

static void add_part(struct build *b, const struct image_part *part, uint32_t *next)
{
	for (uint64_t offset = 0; offset < part->length; offset += SGX_PAGE_SIZE) {
		gva_t epc = EPC_WINDOW + PAGES((*next)++);

		memcpy(builder_ram(&b->builder, b->builder.source),
		       b->file + part->file_offset + offset, SGX_PAGE_SIZE);
		expect_ok(build_page(&b->builder, SECS, epc, ENCLAVE_BASE + part->offset + offset,
				     part->secinfo_flags));
		expect_ok(build_measure(&b->builder, SECS, epc));
	}
}

/* Return: what EINIT says of it, after MRENCLAVE has been set. */
static struct leaf_result build_image(struct build *b, const struct sgx_sigstruct *sig)
{
	uint32_t next = 1;

	expect_ok(build_secs(&b->builder, SECS, ENCLAVE_BASE, b->image->enclave_size, 0));
	for (uint64_t i = 0; i < b->image->part_count; i++)
		add_part(b, &b->image->parts[i], &next);
	memcpy(builder_ram(&b->builder, b->builder.source), sig, sizeof(*sig));
	memset(builder_ram(&b->builder, TOKEN), 0, SGX_PAGE_SIZE);
	crypto_sha256(sig->modulus, sizeof(sig->modulus),
		      (uint8_t *)b->builder.c->cpu.lepubkeyhash);
	return run_encls(b->builder.c, EINIT, b->builder.source, SECS, TOKEN);
}

static void image_built_leaf_by_leaf_einit_accepts(void **state)
{
	for (int i = 0; i < image_count; i++) {
		struct build b;

		open_build(&b, image_paths[i]);
		expect_code(build_image(&b, &b.image->sigstruct), SGX_SUCCESS);
		close_build(&b);
	}
}

/* That EINIT compares the measurement at all: one bit of it, and of a page. */
static void image_changed_einit_refuses(void **state)
{
	struct sgx_sigstruct sig;
	struct build b;

	open_build(&b, image_paths[0]);
	((uint8_t *)b.file)[b.image->parts[1].file_offset] ^= 1;
	sig = b.image->sigstruct;
	expect_code(build_image(&b, &sig), SGX_INVALID_MEASUREMENT);
	close_build(&b);
	open_build(&b, image_paths[0]);
	sig = b.image->sigstruct;
	sig.enclave_hash[0] ^= 1;
	expect_code(build_image(&b, &sig), SGX_INVALID_SIGNATURE);
	close_build(&b);
}

static void image_of_other_name_measures_otherwise(void **state)
{
	const struct image_header *first = (const void *)read_file(image_paths[0]);
	const struct image_header *second = (const void *)read_file(image_paths[1]);

	assert_memory_not_equal(first->sigstruct.enclave_hash, second->sigstruct.enclave_hash,
				SGX_HASH_SIZE);
	assert_memory_equal(first->sigstruct.modulus, second->sigstruct.modulus, SGX_MODULUS_SIZE);
	free((void *)first);
	free((void *)second);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(image_built_leaf_by_leaf_einit_accepts),
		cmocka_unit_test(image_changed_einit_refuses),
		cmocka_unit_test(image_of_other_name_measures_otherwise),
	};

	if (argc < 3)
		return 2;
	image_count = argc - 1;
	image_paths = argv + 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
