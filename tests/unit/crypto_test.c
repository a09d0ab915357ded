// SPDX-License-Identifier: GPL-2.0-or-later
/* lib/crypto.h against published vectors and against libcrypto's own ways to the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/bits.h"
#include "lib/crypto.h"

#include <openssl/evp.h>
#include <openssl/params.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static size_t from_hex(const char *hex, uint8_t *out)
{
	size_t n = 0;
	unsigned int byte;

	for (; hex[2 * n]; n++) {
		assert_int_equal(sscanf(hex + 2 * n, "%2x", &byte), 1);
		out[n] = (uint8_t)byte;
	}
	return n;
}

static void expect_hex(const uint8_t *got, const char *hex)
{
	uint8_t expected[128];
	size_t len = from_hex(hex, expected);

	assert_memory_equal(got, expected, len);
}

static void fill(uint8_t *p, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1103515245 + 12345;
		p[i] = (uint8_t)(seed >> 16);
	}
}

/* FIPS 180, examples. */
static void sha256_known_messages(void **state)
{
	uint8_t digest[CRYPTO_SHA256_SIZE];

	crypto_sha256("", 0, digest);
	expect_hex(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	crypto_sha256("abc", 3, digest);
	expect_hex(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	crypto_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, digest);
	expect_hex(digest, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* The state between the pieces is all that is kept, and a digest does not end it. */
static void sha256_in_pieces_same_as_at_once(void **state)
{
	uint8_t message[20 * CRYPTO_SHA256_BLOCK], whole[CRYPTO_SHA256_SIZE];
	uint8_t pieces[CRYPTO_SHA256_SIZE];
	struct crypto_sha256 sha;

	fill(message, sizeof(message), 1);
	crypto_sha256_start(&sha);
	for (size_t done = 0, piece = 0; done < 20; done += piece, piece = (piece + 1) % 4) {
		if (done + piece > 20)
			piece = 20 - done;
		crypto_sha256_update(&sha, message + done * CRYPTO_SHA256_BLOCK,
				     piece * CRYPTO_SHA256_BLOCK);
		crypto_sha256_finish(&sha, pieces);
		crypto_sha256(message, (done + piece) * CRYPTO_SHA256_BLOCK, whole);
		assert_memory_equal(pieces, whole, sizeof(whole));
	}
}

/* RFC 4493, "Test Vectors". */
static void cmac_rfc4493_vectors(void **state)
{
	static const struct {
		size_t len;
		const char *mac;
	} vectors[] = {
		{0, "bb1d6929e95937287fa37d129b756746"},
		{16, "070a16b46b4d4144f79bdd9dd04a287c"},
		{40, "dfa66747de9ae63030ca32611497c827"},
		{64, "51f0bebf7e3b9d92fc49741779363cfe"},
	};
	struct crypto_cmac *cmac = crypto_cmac_new();
	uint8_t key[CRYPTO_KEY_SIZE], message[64], mac[CRYPTO_MAC_SIZE];

	from_hex("2b7e151628aed2a6abf7158809cf4f3c", key);
	from_hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
		 "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
		 message);
	for (unsigned int i = 0; i < ARRAY_SIZE(vectors); i++) {
		assert_true(crypto_cmac(cmac, key, message, vectors[i].len, mac));
		expect_hex(mac, vectors[i].mac);
	}
	crypto_cmac_free(cmac);
}

static void libcrypto_cmac(EVP_MAC_CTX *ctx, const uint8_t *key, const void *data, size_t len,
			   uint8_t mac[CRYPTO_MAC_SIZE])
{
	char cipher[] = "AES-128-CBC";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string("cipher", cipher, 0),
		OSSL_PARAM_construct_end(),
	};

	assert_true(EVP_MAC_init(ctx, key, CRYPTO_KEY_SIZE, params));
	assert_true(EVP_MAC_update(ctx, data, len));
	assert_true(EVP_MAC_final(ctx, mac, NULL, CRYPTO_MAC_SIZE));
}

/* One context: whether a key is new, used again or was forgotten makes no difference. */
static void cmac_key_new_again_or_forgotten_same_result(void **state)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
	struct crypto_cmac *cmac = crypto_cmac_new();
	uint8_t key[CRYPTO_KEY_SIZE], message[2200], ours[CRYPTO_MAC_SIZE];
	uint8_t theirs[CRYPTO_MAC_SIZE];

	fill(message, sizeof(message), 2);
	for (size_t len = 0; len <= sizeof(message); len += len < 100 ? 1 : 21) {
		fill(key, sizeof(key), (uint32_t)len / 3);
		if (len % 2)
			crypto_cmac_forget(cmac);
		libcrypto_cmac(ctx, key, message, len, theirs);
		assert_true(crypto_cmac(cmac, key, message, len, ours));
		assert_memory_equal(ours, theirs, sizeof(ours));
	}
	crypto_cmac_free(cmac);
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
}

/* NIST, "The Galois/Counter Mode of Operation", test cases 2 and 4. */
static void gcm_nist_vectors(void **state)
{
	static const struct {
		const char *key, *iv, *aad, *plain, *cipher, *mac;
	} vectors[] = {
		{"00000000000000000000000000000000", "000000000000000000000000", "",
		 "00000000000000000000000000000000", "0388dace60b6a392f328c2b971b2fe78",
		 "ab6e47d42cec13bdf53a67b21257bddf"},
		{"feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
		 "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		 "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		 "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		 "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
		 "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
		 "5bc94fbc3221a5db94fae95ae7121a47"},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(vectors); i++) {
		uint8_t key[CRYPTO_KEY_SIZE], iv[CRYPTO_IV_SIZE], aad[64], plain[64], out[64];
		uint8_t mac[CRYPTO_MAC_SIZE];
		size_t aad_len = from_hex(vectors[i].aad, aad);
		size_t len = from_hex(vectors[i].plain, plain);
		struct crypto_gcm *gcm;

		from_hex(vectors[i].key, key);
		from_hex(vectors[i].iv, iv);
		gcm = crypto_gcm_new(key);
		assert_true(crypto_gcm_seal(gcm, iv, aad, aad_len, plain, len, out, mac));
		expect_hex(out, vectors[i].cipher);
		expect_hex(mac, vectors[i].mac);
		assert_true(crypto_gcm_open(gcm, iv, aad, aad_len, out, len, out, mac));
		assert_memory_equal(out, plain, len);
		crypto_gcm_free(gcm);
	}
}

/* Whatever is changed, and a context that has refused goes on. */
static void gcm_changed_input_refused(void **state)
{
	uint8_t key[CRYPTO_KEY_SIZE] = {1}, iv[CRYPTO_IV_SIZE] = {2}, aad[128] = {3};
	uint8_t plain[4096] = {4}, cipher[4096], out[4096], mac[CRYPTO_MAC_SIZE];
	uint8_t *parts[] = {iv, aad, cipher, mac};
	const size_t sizes[] = {sizeof(iv), sizeof(aad), sizeof(cipher), sizeof(mac)};
	struct crypto_gcm *gcm = crypto_gcm_new(key);

	assert_true(crypto_gcm_seal(gcm, iv, aad, sizeof(aad), plain, sizeof(plain), cipher, mac));
	for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++) {
		uint8_t *last = parts[i] + sizes[i] - 1;

		*last ^= 0x80;
		assert_false(crypto_gcm_open(gcm, iv, aad, sizeof(aad), cipher, sizeof(cipher), out,
					     mac));
		*last ^= 0x80;
		assert_true(crypto_gcm_open(gcm, iv, aad, sizeof(aad), cipher, sizeof(cipher), out,
					    mac));
		assert_memory_equal(out, plain, sizeof(plain));
	}
	crypto_gcm_free(gcm);
}

/* 3^3 mod 5 with numbers small enough to follow: 9 = 1 * 5 + 4, 12 = 2 * 5 + 2. */
static void rsa3_small_numbers_exact_quotients_only(void **state)
{
	uint8_t m[CRYPTO_RSA3_SIZE] = {5}, s[CRYPTO_RSA3_SIZE] = {3}, q1[CRYPTO_RSA3_SIZE] = {1};
	uint8_t q2[CRYPTO_RSA3_SIZE] = {2}, encoding[CRYPTO_RSA3_SIZE];
	static const uint8_t zero[CRYPTO_RSA3_SIZE];

	assert_int_equal(crypto_rsa3_recover(m, s, q1, q2, encoding), 0);
	assert_memory_equal(encoding, zero, sizeof(zero) - 1);
	assert_int_equal(encoding[sizeof(zero) - 1], 2);
	q1[0] = 0; /* the remainder would be 9 */
	q2[0] = 5; /* and this makes up for it */
	assert_int_equal(crypto_rsa3_recover(m, s, q1, q2, encoding), -EBADMSG);
	q1[0] = 2; /* below 0 */
	q2[0] = 0;
	assert_int_equal(crypto_rsa3_recover(m, s, q1, q2, encoding), -EBADMSG);
	q1[0] = 1;
	q2[0] = 1;
	assert_int_equal(crypto_rsa3_recover(m, s, q1, q2, encoding), -EBADMSG);
	q2[0] = 3;
	assert_int_equal(crypto_rsa3_recover(m, s, q1, q2, encoding), -EBADMSG);
	s[0] = 5; /* not below M, and 0 otherwise */
	q1[0] = 5;
	q2[0] = 0;
	assert_int_equal(crypto_rsa3_recover(m, s, q1, q2, encoding), -EBADMSG);
	assert_int_equal(crypto_rsa3_recover(zero, zero, zero, zero, encoding), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_known_messages),
		cmocka_unit_test(sha256_in_pieces_same_as_at_once),
		cmocka_unit_test(cmac_rfc4493_vectors),
		cmocka_unit_test(cmac_key_new_again_or_forgotten_same_result),
		cmocka_unit_test(gcm_nist_vectors),
		cmocka_unit_test(gcm_changed_input_refused),
		cmocka_unit_test(rsa3_small_numbers_exact_quotients_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
