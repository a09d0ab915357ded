// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Seal keys outlive the process: a child process makes a platform of its own and asks for
 * the same key. With the identity of a file too, and not with another identity.
 */
#include "tests.h"
#include "thread.h"

#include "host/identity.h"
#include "lib/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEYS 2 /* by MRENCLAVE, by MRSIGNER */

struct keys {
	uint8_t key[KEYS][SGX_KEY_SIZE];
};

static const uint16_t policies[KEYS] = {SGX_KEYPOLICY_MRENCLAVE, SGX_KEYPOLICY_MRSIGNER};

/* As a process that starts: a platform, an enclave on it, a thread in the enclave. */
static struct keys seal_keys(const struct sgx_identity *identity, const struct plan *plan)
{
	void *state;
	struct driver *d;
	struct thread t;
	struct keys keys;

	assert_int_equal(driver_setup(&state), 0);
	d = state;
	if (identity)
		d->f->platform->identity = *identity;
	driver_build(d, plan);
	t = thread_on(d, 0, TCS1);
	thread_enter(&t);
	for (unsigned int i = 0; i < KEYS; i++) {
		struct sgx_keyrequest request = {
			.keyname = SGX_KEYNAME_SEAL,
			.keypolicy = policies[i],
			.attributes_mask = SGX_ATTR_DEBUG,
		};
		void *where = thread_access(&t, page_gva(d, DATA), PFERR_WRITE_MASK);

		memcpy(where, &request, sizeof(request));
		expect_code(
			thread_enclu(&t, EGETKEY, page_gva(d, DATA), page_gva(d, DATA) + 0x400, 0),
			SGX_SUCCESS);
		memcpy(keys.key[i], thread_access(&t, page_gva(d, DATA) + 0x400, 0), SGX_KEY_SIZE);
	}
	thread_exit(&t);
	driver_teardown(&state);
	return keys;
}

/* The same in a process of its own, which loads its identity from @path unless it is NULL. */
static struct keys seal_keys_of_child(const char *path, const struct plan *plan)
{
	struct keys keys;
	int fd[2], status;
	pid_t child;

	/* Both processes have the signer's key from here. */
	signer_key(SIGNER_A);
	assert_int_equal(pipe(fd), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct sgx_identity identity;
		char error[256];

		/* A failure here must not go on with the parent's remaining cases. */
		setenv("CMOCKA_TEST_ABORT", "1", 1);
		if (path && identity_load(path, &identity, error, sizeof(error)))
			_exit(1);
		keys = seal_keys(path ? &identity : NULL, plan);
		_exit(write(fd[1], &keys, sizeof(keys)) != sizeof(keys));
	}
	close(fd[1]);
	assert_int_equal(read(fd[0], &keys, sizeof(keys)), sizeof(keys));
	close(fd[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	return keys;
}

static void assert_keys(const struct keys *a, const struct keys *b, bool same_enclave,
			bool same_signer)
{
	assert_int_equal(!memcmp(a->key[0], b->key[0], SGX_KEY_SIZE), same_enclave);
	assert_int_equal(!memcmp(a->key[1], b->key[1], SGX_KEY_SIZE), same_signer);
	assert_memory_not_equal(a->key[0], a->key[1], SGX_KEY_SIZE);
}

static void seal_key_of_other_process_same(void **state)
{
	const struct plan plan = {0};
	struct keys mine = seal_keys_of_child(NULL, &plan), other = seal_keys(NULL, &plan);

	assert_keys(&mine, &other, true, true);
	other = seal_keys_of_child(NULL, &plan);
	assert_keys(&mine, &other, true, true);
}

/* Another enclave of the same signer shares one of the keys, a debug enclave none. */
static void seal_key_of_other_enclave_differs(void **state)
{
	struct keys mine = seal_keys(NULL, &(struct plan){0});
	struct keys other = seal_keys_of_child(NULL, &(struct plan){.fill = 1});

	assert_keys(&mine, &other, false, true);
	other = seal_keys_of_child(NULL, &(struct plan){.attributes = SGX_ATTR_DEBUG});
	assert_keys(&mine, &other, false, false);
	other = seal_keys(NULL, &(struct plan){.signer = SIGNER_B});
	assert_keys(&mine, &other, true, false);
}

static void seal_key_of_other_identity_differs(void **state)
{
	const struct plan plan = {0};
	struct keys mine = seal_keys(NULL, &plan), other;
	struct sgx_identity identity;

	assert_true(crypto_random(&identity, sizeof(identity)));
	other = seal_keys(&identity, &plan);
	assert_keys(&mine, &other, false, false);
}

static void seal_key_by_identity_file_same_in_each_process(void **state)
{
	const struct plan plan = {0};
	char folder[] = "/tmp/exclave-seal-XXXXXX", path[64], other_path[64];
	struct keys first, second, other;

	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/identity", folder);
	(void)snprintf(other_path, sizeof(other_path), "%s/other", folder);
	first = seal_keys_of_child(path, &plan);
	second = seal_keys_of_child(path, &plan);
	other = seal_keys_of_child(other_path, &plan);
	unlink(path);
	unlink(other_path);
	assert_int_equal(rmdir(folder), 0);
	assert_keys(&first, &second, true, true);
	assert_keys(&first, &other, false, false);
}

const struct CMUnitTest life_seal_tests[] = {
	cmocka_unit_test(seal_key_of_other_process_same),
	cmocka_unit_test(seal_key_of_other_enclave_differs),
	cmocka_unit_test(seal_key_of_other_identity_differs),
	cmocka_unit_test(seal_key_by_identity_file_same_in_each_process),
};
const size_t life_seal_test_count = ARRAY_SIZE(life_seal_tests);
