// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sealing: what one run of the demonstration has encrypted under its enclave's seal key,
 * the next run opens. The key depends on MRENCLAVE and on the platform identity, not on
 * the process.
 */
#include "demo.h"

#include "host/state.h"
#include "lib/crypto.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAGIC "EXSEAL1"

struct secret {
	int64_t time;
	uint64_t runs; /* one more each time: nobody can count who cannot open it */
};

/* The file: in the clear what says how to derive the key, then the secret. */
struct sealed {
	char magic[8];
	uint8_t mrenclave[SGX_HASH_SIZE];
	uint8_t keyid[SGX_KEYID_SIZE];
	uint8_t iv[CRYPTO_IV_SIZE];
	uint8_t mac[CRYPTO_MAC_SIZE];
	uint8_t cipher[sizeof(struct secret)];
} __attribute__((packed));

/* EGETKEY, inside. */
static bool seal_key(struct demo *d, const uint8_t keyid[SGX_KEYID_SIZE], uint8_t key[SGX_KEY_SIZE])
{
	const gva_t data = enclave_gva(&d->enclave, DATA);
	struct sgx_keyrequest request = {
		.keyname = SGX_KEYNAME_SEAL,
		.keypolicy = SGX_KEYPOLICY_MRENCLAVE,
		.attributes_mask = SGX_ATTR_DEBUG,
	};
	void *operand = world_access(d, data + 0x200, PFERR_WRITE_MASK, NULL);
	const void *result = world_access(d, data + 0x400, 0, NULL);

	memcpy(request.keyid, keyid, SGX_KEYID_SIZE);
	if (!operand || !result)
		return false;
	memcpy(operand, &request, sizeof(request));
	if (!is_code(world_enclu(d, EGETKEY, data + 0x200, data + 0x400, 0), SGX_SUCCESS))
		return false;
	memcpy(key, result, SGX_KEY_SIZE);
	return true;
}

static struct crypto_gcm *gcm_of(struct demo *d, const struct sealed *sealed)
{
	uint8_t key[SGX_KEY_SIZE];
	struct crypto_gcm *gcm = seal_key(d, sealed->keyid, key) ? crypto_gcm_new(key) : NULL;

	crypto_wipe(key, sizeof(key));
	return gcm;
}

static bool seal(struct demo *d, const struct secret *secret, struct sealed *sealed)
{
	struct crypto_gcm *gcm;
	bool ok;

	memcpy(sealed->magic, MAGIC, sizeof(sealed->magic));
	memcpy(sealed->mrenclave, d->enclave.mrenclave, SGX_HASH_SIZE);
	if (!crypto_random(sealed->keyid, SGX_KEYID_SIZE) ||
	    !crypto_random(sealed->iv, CRYPTO_IV_SIZE))
		return false;
	gcm = gcm_of(d, sealed);
	ok = gcm && crypto_gcm_seal(gcm, sealed->iv, sealed, offsetof(struct sealed, iv), secret,
				    sizeof(*secret), sealed->cipher, sealed->mac);
	crypto_gcm_free(gcm);
	return ok;
}

static bool unseal(struct demo *d, const struct sealed *sealed, struct secret *secret)
{
	struct crypto_gcm *gcm = gcm_of(d, sealed);
	bool ok = gcm && crypto_gcm_open(gcm, sealed->iv, sealed, offsetof(struct sealed, iv),
					 sealed->cipher, sizeof(*secret), secret, sealed->mac);

	crypto_gcm_free(gcm);
	return ok;
}

static bool read_file(const char *path, struct sealed *sealed, bool *exists)
{
	FILE *file = fopen(path, "rbe");
	bool ok;

	*exists = file || errno != ENOENT;
	if (!file)
		return false;
	ok = fread(sealed, sizeof(*sealed), 1, file) == 1 && fgetc(file) == EOF &&
	     !memcmp(sealed->magic, MAGIC, sizeof(sealed->magic));
	(void)fclose(file);
	return ok;
}

static void tell_remedy(const char *path, const char *why)
{
	(void)fflush(stdout);
	(void)fprintf(stderr, "sgx-demo: %s: %s; remove the file to start anew\n", path, why);
}

static void tell_secret(const struct secret *secret)
{
	const time_t then = (time_t)secret->time;
	char text[32] = "?";
	struct tm tm;

	if (localtime_r(&then, &tm))
		(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	tell_value("unsealed", "from the run of %s (run %llu)", text,
		   (unsigned long long)secret->runs);
}

/* Return: may the file be replaced? */
static bool open_last(struct demo *d, const char *path, struct secret *secret)
{
	struct sealed sealed;
	bool exists;

	clock_start(d);
	if (!read_file(path, &sealed, &exists)) {
		if (!exists)
			return tell_step(d, true, "unseal", "first run: nothing is sealed yet");
		tell_step(d, false, "unseal", "cannot be read");
		tell_remedy(path, "no sealed data, or not readable");
		return false;
	}
	if (memcmp(sealed.mrenclave, d->enclave.mrenclave, SGX_HASH_SIZE) != 0)
		return tell_step(d, true, "unseal", "sealed by another enclave: not ours to open");
	if (!unseal(d, &sealed, secret)) {
		tell_step(d, false, "unseal", "does not open");
		tell_remedy(path, "damaged, or sealed under another platform identity");
		return false;
	}
	tell_step(d, true, "unseal", "what the last run sealed opens");
	tell_secret(secret);
	return true;
}

static void seal_next(struct demo *d, const char *path, const struct secret *last)
{
	const struct secret secret = {.time = time(NULL), .runs = last->runs + 1};
	struct sealed sealed;
	int ret;
	bool ok;

	clock_start(d);
	ok = seal(d, &secret, &sealed);
	tell_step(d, ok, "seal", "AES-128-GCM for the next run (run %llu)",
		  (unsigned long long)secret.runs);
	if (!ok)
		return;
	(void)unlink(path);
	ret = state_create(path, &sealed, sizeof(sealed));
	if (ret) {
		tell_step(d, false, "file", "%s", strerror(-ret));
		tell_remedy(path, strerror(-ret));
	}
}

void show_sealing(struct demo *d)
{
	const uint8_t keyid[SGX_KEYID_SIZE] = {1};
	uint8_t first[SGX_KEY_SIZE], second[SGX_KEY_SIZE];
	struct secret secret = {0};
	char path[PATH_MAX];
	bool ok;

	tell_section("It seals data");
	world_enter(d, &d->enclave);
	clock_start(d);
	ok = seal_key(d, keyid, first) && seal_key(d, keyid, second);
	tell_step(d, ok && crypto_equal(first, second, sizeof(first)), "EGETKEY",
		  "seal key of this MRENCLAVE, twice the same");
	crypto_wipe(first, sizeof(first));
	crypto_wipe(second, sizeof(second));
	if (state_path("demo-sealed", path, sizeof(path)))
		tell_step(d, false, "unseal", "no state folder");
	else if (open_last(d, path, &secret))
		seal_next(d, path, &secret);
	crypto_wipe(&secret, sizeof(secret));
	world_exit(d);
}
