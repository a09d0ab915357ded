// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes signing keys and signs enclaves of the demonstration.
 *
 *   sign --new-key KEY                      a key, RSA-3072 with exponent 3, in PEM
 *   sign [--quiet] KEY ENCLAVE.elf IMAGE    an image; prints MRENCLAVE
 */
#include "sign.h"

#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("sign: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static EVP_PKEY *make_key(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *exponent = BN_new();
	EVP_PKEY *key = NULL;

	if (!ctx || !BN_set_word(exponent, SGX_SIGSTRUCT_EXPONENT) ||
	    EVP_PKEY_keygen_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, SGX_MODULUS_SIZE * 8) != 1 ||
	    EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, exponent) != 1 ||
	    EVP_PKEY_generate(ctx, &key) != 1)
		fail("no key could be made");
	BN_free(exponent);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static void new_key(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");
	EVP_PKEY *key = make_key();

	if (!file || !PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) || fclose(file))
		fail("%s: %m", path);
	EVP_PKEY_free(key);
}

static EVP_PKEY *read_key(const char *path)
{
	FILE *file = fopen(path, "rb");
	EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;

	if (!key)
		fail("%s: no key in PEM; make one with --new-key", path);
	fclose(file);
	return key;
}

static void print_mrenclave(const uint8_t mrenclave[SGX_HASH_SIZE])
{
	for (unsigned int i = 0; i < SGX_HASH_SIZE; i++)
		printf("%02x", mrenclave[i]);
	printf("\n");
}

static void sign(const char *key_path, const char *elf, const char *path, bool quiet)
{
	EVP_PKEY *key = read_key(key_path);
	uint8_t mrenclave[SGX_HASH_SIZE];
	struct image image;

	image_from_elf(elf, &image);
	image_measure(&image, mrenclave);
	image_sign(&image, mrenclave, key);
	image_write(path, &image);
	if (!quiet)
		print_mrenclave(mrenclave);
	free(image.contents);
	EVP_PKEY_free(key);
}

int main(int argc, char **argv)
{
	bool quiet = argc == 5 && !strcmp(argv[1], "--quiet");

	if (argc == 3 && !strcmp(argv[1], "--new-key"))
		new_key(argv[2]);
	else if (argc == 4 || quiet)
		sign(argv[1 + quiet], argv[2 + quiet], argv[3 + quiet], quiet);
	else
		fail("usage: sign --new-key KEY | sign [--quiet] KEY ENCLAVE.elf IMAGE");
	return 0;
}
