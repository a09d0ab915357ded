// SPDX-License-Identifier: GPL-2.0-or-later
/* The bytes of the platform identity's file. */
#include "host/identity.h"

#include "lib/crypto.h"

#include <errno.h>
#include <string.h>

static const char magic[8] = {'E', 'X', 'C', 'L', 'A', 'V', 'I', 'D'};

struct identity_file {
	char magic[8];
	uint32_t version;
	uint32_t zero;
	struct sgx_identity identity;
	uint8_t sha256[CRYPTO_SHA256_SIZE];
};
_Static_assert(sizeof(struct sgx_identity) == 80, "the file's fields");
_Static_assert(sizeof(struct identity_file) == IDENTITY_FILE_SIZE, "the file");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file is little-endian");

void identity_encode(const struct sgx_identity *identity, uint8_t bytes[IDENTITY_FILE_SIZE])
{
	struct identity_file file = {
		.version = IDENTITY_FILE_VERSION,
		.identity = *identity,
	};

	memcpy(file.magic, magic, sizeof(magic));
	crypto_sha256(&file, offsetof(struct identity_file, sha256), file.sha256);
	memcpy(bytes, &file, sizeof(file));
	crypto_wipe(&file, sizeof(file));
}

int identity_decode(const void *bytes, size_t len, struct sgx_identity *identity)
{
	uint8_t sha256[CRYPTO_SHA256_SIZE];
	struct identity_file file;
	int ret = -EBADMSG;

	if (len < sizeof(file))
		return -EBADMSG;
	memcpy(&file, bytes, sizeof(file));
	if (memcmp(file.magic, magic, sizeof(magic)) != 0)
		goto out_wipe;
	/* Before the checksum: where another version has its own, only it knows. */
	if (file.version != IDENTITY_FILE_VERSION) {
		ret = -ENOTSUP;
		goto out_wipe;
	}
	crypto_sha256(&file, offsetof(struct identity_file, sha256), sha256);
	if (len != sizeof(file) || !crypto_equal(file.sha256, sha256, sizeof(sha256)) || file.zero)
		goto out_wipe;
	*identity = file.identity;
	ret = 0;

out_wipe:
	crypto_wipe(&file, sizeof(file));
	return ret;
}
