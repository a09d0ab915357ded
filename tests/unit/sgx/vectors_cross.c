// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The model's side of tests/tools/vectors_cross.py:
 *
 *	measure DESCRIPTION		builds the enclave, prints MRENCLAVE
 *	einit DESCRIPTION SIGSTRUCT	builds it, prints what EINIT puts into RAX
 *	cmac KEY			prints the AES-CMAC of its input
 *
 * tests/tools/mrenclave.py tells the format of a description.
 */
#include "fixture.h"
#include "signing.h"

#include "lib/crypto.h"
#include "sgx/measure.h"

#include <stdio.h>
#include <stdlib.h>

#define LINE_SIZE 4096

static void give_up(const char *what)
{
	fprintf(stderr, "vectors_cross: %s\n", what);
	exit(EXIT_FAILURE);
}

static void print_hex(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		printf("%02x", bytes[i]);
	printf("\n");
}

static size_t parse_hex(const char *hex, uint8_t *out, size_t max)
{
	size_t n = 0;

	for (; n < max && sscanf(hex + 2 * n, "%2hhx", &out[n]) == 1; n++)
		;
	return n;
}

static gva_t create(struct fixture *f, const char *line)
{
	unsigned long long size, attributes, xfrm;
	unsigned int ssa_frame_size, miscselect;
	struct sgx_secs *secs;

	if (sscanf(line, "enclave %llx %x %llx %llx %x", &size, &ssa_frame_size, &attributes, &xfrm,
		   &miscselect) != 5)
		give_up("no enclave line");
	secs = source_secs(f, size, size);
	secs->ssa_frame_size = ssa_frame_size;
	secs->attributes = attributes;
	secs->xfrm = xfrm;
	secs->miscselect = miscselect;
	set_pageinfo(f, 0, 0, EPCM_PT(SGX_PAGE_TYPE_SECS));
	expect_ok(encls(f, ECREATE, PAGEINFO_GVA, epc_gva(0), 0));
	return size;
}

/* Fills the source page. Return: false when the line is neither kind of page. */
static bool source_page(struct fixture *f, const char *line, gva_t base, unsigned int *chunks)
{
	unsigned long long offset, rights, flags, ossa, oentry;
	uint8_t *src = ram_ptr(f, SRC_GVA), pattern[LINE_SIZE];
	struct sgx_tcs *tcs;
	unsigned int nssa;
	int at = 0;
	size_t len;

	if (sscanf(line, "page %llx %llx %x %n", &offset, &rights, chunks, &at) == 3 && at) {
		len = parse_hex(line + at, pattern, sizeof(pattern));
		if (!len)
			return false;
		for (size_t i = 0; i < SGX_PAGE_SIZE; i++)
			src[i] = pattern[i % len];
		set_pageinfo(f, base + offset, epc_gva(0), EPCM_PT(SGX_PAGE_TYPE_REG) | rights);
		return true;
	}
	if (sscanf(line, "tcs %llx %x %llx %llx %x %llx", &offset, chunks, &flags, &ossa, &nssa,
		   &oentry) != 6)
		return false;
	tcs = source_tcs(f, ossa, nssa);
	tcs->oentry = oentry;
	tcs->flags = flags;
	/* Not for software to set: EADD clears them, and the rights. */
	tcs->state = SGX_TCS_ACTIVE;
	tcs->cssa = 1;
	tcs->aep = AEP_GVA;
	set_pageinfo(f, base + offset, epc_gva(0), EPCM_PT(SGX_PAGE_TYPE_TCS) | EPCM_RWX);
	return true;
}

static void build(struct fixture *f, const char *path)
{
	FILE *file = fopen(path, "r");
	char line[LINE_SIZE];
	unsigned int chunks;
	gva_t base;

	if (!file || !fgets(line, sizeof(line), file))
		give_up("cannot read the description");
	base = create(f, line);
	for (unsigned int page = 1; fgets(line, sizeof(line), file); page++) {
		if (page == FIXTURE_EPC_PAGES || !source_page(f, line, base, &chunks))
			give_up("too many pages, or a line that is none");
		expect_ok(encls(f, EADD, PAGEINFO_GVA, epc_gva(page), 0));
		for (unsigned int i = 0; i < 16; i++)
			if (chunks & BIT32(i))
				expect_ok(encls(f, EEXTEND, epc_gva(0),
						epc_gva(page) + i * SGX_CHUNK_SIZE, 0));
	}
	fclose(file);
}

static void measure(struct fixture *f, const char *path)
{
	uint8_t digest[SGX_HASH_SIZE];

	build(f, path);
	measure_final(epc_ptr(f, 0), digest);
	print_hex(digest, sizeof(digest));
}

static void initialise(struct fixture *f, const char *description, const char *path)
{
	FILE *file = fopen(path, "rb");
	struct sgx_sigstruct *sig = sigstruct(f);
	uint8_t hash[SGX_HASH_SIZE];
	struct leaf_result res;

	build(f, description);
	if (!file || fread(sig, sizeof(*sig), 1, file) != 1)
		give_up("cannot read the SIGSTRUCT");
	fclose(file);
	crypto_sha256(sig->modulus, sizeof(sig->modulus), hash);
	memcpy(f->cpu->lepubkeyhash, hash, sizeof(hash));
	memset(einittoken(f), 0, sizeof(struct sgx_einittoken));
	res = einit(f, 0);
	if (res.kind != LEAF_CODE)
		give_up("EINIT faults");
	printf("%d\n", res.value);
}

static void mac_input(struct fixture *f, const char *hex)
{
	static uint8_t message[1 << 16];
	uint8_t key[CRYPTO_KEY_SIZE], mac[CRYPTO_MAC_SIZE];
	size_t len = fread(message, 1, sizeof(message), stdin);

	if (parse_hex(hex, key, sizeof(key)) != sizeof(key))
		give_up("not a key");
	if (!crypto_cmac(f->cpu->cmac, key, message, len, mac))
		give_up("no memory");
	print_hex(mac, sizeof(mac));
}

int main(int argc, char **argv)
{
	void *state;

	fixture_setup(&state);
	if (argc == 3 && !strcmp(argv[1], "measure"))
		measure(state, argv[2]);
	else if (argc == 4 && !strcmp(argv[1], "einit"))
		initialise(state, argv[2], argv[3]);
	else if (argc == 3 && !strcmp(argv[1], "cmac"))
		mac_input(state, argv[2]);
	else
		give_up("measure DESCRIPTION, einit DESCRIPTION SIGSTRUCT, or cmac KEY");
	fixture_teardown(&state);
	return EXIT_SUCCESS;
}
