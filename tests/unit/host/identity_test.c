// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The platform identity's file: made once, private, in the right place, and the
 * same for everybody who races for it.
 */
#include "identity_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/bits.h"
#include "lib/crypto.h"

#define RACERS 24

static void load_first_use_makes_private_file(void **state)
{
	struct fixture *f = *state;
	struct sgx_identity *id = &f->identity;

	assert_loaded(f, f->path);
	assert_int_equal(mode_of(f->path), 0600);
	assert_int_equal(entries_of(f->dir), 1);
	assert_false(is_zero(id->root_key, sizeof(id->root_key)));
	assert_false(is_zero(id->provisioning_root_key, sizeof(id->provisioning_root_key)));
	assert_false(is_zero(id->seal_fuses, sizeof(id->seal_fuses)));
	assert_false(is_zero(id->owner_epoch, sizeof(id->owner_epoch)));
	assert_false(is_zero(id->cpusvn, sizeof(id->cpusvn)));
	assert_memory_not_equal(id->root_key, id->provisioning_root_key, SGX_KEY_SIZE);
}

static void load_again_gives_the_same(void **state)
{
	struct fixture *f = *state;
	struct sgx_identity first;

	assert_loaded(f, f->path);
	first = f->identity;
	assert_loaded(f, f->path);
	assert_memory_equal(&first, &f->identity, sizeof(first));
}

static void load_other_place_gives_other_keys(void **state)
{
	struct fixture *f = *state;
	struct sgx_identity first;

	assert_loaded(f, f->path);
	first = f->identity;
	f->path[strlen(f->path) - 1] = 'Y';
	assert_loaded(f, f->path);
	assert_memory_not_equal(first.root_key, f->identity.root_key, SGX_KEY_SIZE);
	assert_memory_not_equal(first.seal_fuses, f->identity.seal_fuses, 16);
	assert_memory_equal(first.cpusvn, f->identity.cpusvn, SGX_CPUSVN_SIZE);
}

static void load_no_path_takes_xdg_state_home(void **state)
{
	struct fixture *f = *state;

	assert_loaded(f, NULL);
	set_path(f->path, f->dir, "exclave");
	assert_int_equal(mode_of(f->path), 0700);
	set_path(f->path, f->dir, "exclave/identity");
	assert_int_equal(mode_of(f->path), 0600);
}

/* XDG Base Directory Specification: relative paths in it are invalid. */
static void load_unusable_xdg_takes_home(void **state)
{
	static const char *const unusable[] = {NULL, "", "relative", "./here"};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(unusable); i++) {
		const char name[] = {(char)('a' + i), '\0'};
		char home[PATH_SIZE];

		set_path(home, f->dir, name);
		assert_int_equal(setenv("HOME", home, 1), 0);
		if (unusable[i])
			setenv("XDG_STATE_HOME", unusable[i], 1);
		else
			unsetenv("XDG_STATE_HOME");
		assert_loaded(f, NULL);
		set_path(f->path, home, ".local/state/exclave/identity");
		assert_int_equal(mode_of(f->path), 0600);
	}
}

static void load_missing_folders_made_private(void **state)
{
	struct fixture *f = *state;
	char folder[PATH_SIZE];

	chmod(f->dir, 0755);
	set_path(f->path, f->dir, "a//b/identity");
	assert_loaded(f, f->path);
	assert_int_equal(mode_of(f->dir), 0755);
	set_path(folder, f->dir, "a");
	assert_int_equal(mode_of(folder), 0700);
	set_path(folder, f->dir, "a/b");
	assert_int_equal(mode_of(folder), 0700);
}

static void load_relative_path_is_of_current_folder(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(chdir(f->dir), 0);
	assert_loaded(f, "identity");
	assert_int_equal(mode_of(f->path), 0600);
	assert_loaded(f, "sub/identity");
}

static void load_folder_link_is_followed(void **state)
{
	struct fixture *f = *state;
	char link[PATH_SIZE];

	set_path(link, f->dir, "link");
	assert_int_equal(symlink(".", link), 0);
	set_path(link, f->dir, "link/identity");
	assert_loaded(f, link);
	assert_int_equal(mode_of(f->path), 0600);
}

static void load_any_umask_same_modes(void **state)
{
	static const mode_t masks[] = {0, 022, 077, 0277, 0777};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
		const char name[] = {(char)('a' + i), '\0'};
		char folder[PATH_SIZE];

		set_path(folder, f->dir, name);
		set_path(f->path, folder, "sub/identity");
		umask(masks[i]);
		assert_loaded(f, f->path);
		assert_int_equal(umask(masks[i]), masks[i]);
		assert_int_equal(mode_of(folder), 0700);
		assert_int_equal(mode_of(f->path), 0600);
		assert_loaded(f, f->path);
	}
}

static void load_leaks_no_descriptor(void **state)
{
	struct fixture *f = *state;
	unsigned int before = entries_of("/proc/self/fd");
	uint8_t nothing = 0;

	assert_loaded(f, f->path);
	assert_loaded(f, f->path);
	chmod(f->path, 0644);
	assert_refused(f, f->path, EPERM, "access");
	chmod(f->path, 0600);
	write_file(f->path, &nothing, 1);
	assert_refused(f, f->path, EBADMSG, "damaged");
	assert_refused(f, f->dir, EINVAL, "regular");
	assert_int_equal(load(f, "/proc/exclave/identity"), -ENOENT);
	assert_int_equal(entries_of("/proc/self/fd"), before);
}

static void load_racing_processes_agree(void **state)
{
	struct fixture *f = *state;
	struct sgx_identity first, other;
	int go[2], results[2];

	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(results), 0);
	set_path(f->path, f->dir, "sub/identity");
	for (unsigned int i = 0; i < RACERS; i++) {
		pid_t pid = fork();
		char c;

		assert_true(pid >= 0);
		if (pid)
			continue;
		close(go[1]);
		/* All start when the parent closes its end. */
		if (read(go[0], &c, 1) != 0 || load(f, f->path) ||
		    write(results[1], &f->identity, sizeof(f->identity)) != sizeof(f->identity))
			_exit(1);
		_exit(0);
	}
	close(go[0]);
	close(go[1]);
	close(results[1]);
	for (unsigned int i = 0; i < RACERS; i++) {
		int status = -1;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(read(results[0], &first, sizeof(first)), sizeof(first));
	for (unsigned int i = 1; i < RACERS; i++) {
		assert_int_equal(read(results[0], &other, sizeof(other)), sizeof(other));
		assert_memory_equal(&first, &other, sizeof(first));
	}
	close(results[0]);
	assert_loaded(f, f->path);
	assert_memory_equal(&first, &f->identity, sizeof(first));
	*strrchr(f->path, '/') = '\0';
	assert_int_equal(entries_of(f->path), 1);
}

struct racer {
	pthread_t thread;
	pthread_barrier_t *barrier;
	const char *path;
	struct sgx_identity identity;
	int ret;
};

static void *race(void *arg)
{
	struct racer *racer = arg;
	char error[256];

	pthread_barrier_wait(racer->barrier);
	racer->ret = identity_load(racer->path, &racer->identity, error, sizeof(error));
	return NULL;
}

static void load_racing_threads_agree(void **state)
{
	struct fixture *f = *state;
	struct racer racers[RACERS];
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, RACERS);
	for (unsigned int i = 0; i < RACERS; i++) {
		racers[i].barrier = &barrier;
		racers[i].path = f->path;
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	}
	for (unsigned int i = 0; i < RACERS; i++)
		pthread_join(racers[i].thread, NULL);
	for (unsigned int i = 0; i < RACERS; i++) {
		assert_int_equal(racers[i].ret, 0);
		assert_memory_equal(&racers[0].identity, &racers[i].identity,
				    sizeof(struct sgx_identity));
	}
	pthread_barrier_destroy(&barrier);
	assert_int_equal(entries_of(f->dir), 1);
}

/* A file made by an earlier release must load for ever: its bytes are pinned. */
static void decode_pinned_file_gives_its_fields(void **state)
{
	static const uint8_t sha256[CRYPTO_SHA256_SIZE] = {
		0xf6, 0x1a, 0x49, 0x67, 0x0f, 0x64, 0xf6, 0xbf, 0x85, 0x43, 0x0e,
		0x80, 0xa0, 0xed, 0x48, 0xc3, 0x05, 0x57, 0x58, 0xfe, 0xfe, 0x00,
		0xa0, 0x15, 0x36, 0x93, 0x7f, 0x2d, 0x9a, 0x66, 0x2d, 0x1c,
	};
	uint8_t file[IDENTITY_FILE_SIZE] = "EXCLAVID\1";
	struct sgx_identity id;

	for (unsigned int i = 0; i < 80; i++)
		file[16 + i] = (uint8_t)(i + 1);
	memcpy(file + 96, sha256, sizeof(sha256));
	assert_int_equal(identity_decode(file, sizeof(file), &id), 0);
	assert_memory_equal(id.root_key, file + 16, SGX_KEY_SIZE);
	assert_memory_equal(id.provisioning_root_key, file + 32, SGX_KEY_SIZE);
	assert_memory_equal(id.seal_fuses, file + 48, sizeof(id.seal_fuses));
	assert_memory_equal(id.owner_epoch, file + 64, sizeof(id.owner_epoch));
	assert_memory_equal(id.cpusvn, file + 80, SGX_CPUSVN_SIZE);
}

int main(void)
{
	const struct CMUnitTest identity_tests[] = {
		identity_case(load_racing_processes_agree),
		identity_case(load_racing_threads_agree),
		identity_case(load_first_use_makes_private_file),
		identity_case(load_again_gives_the_same),
		identity_case(load_other_place_gives_other_keys),
		identity_case(load_no_path_takes_xdg_state_home),
		identity_case(load_unusable_xdg_takes_home),
		identity_case(load_missing_folders_made_private),
		identity_case(load_relative_path_is_of_current_folder),
		identity_case(load_folder_link_is_followed),
		identity_case(load_any_umask_same_modes),
		identity_case(load_leaks_no_descriptor),
		cmocka_unit_test(decode_pinned_file_gives_its_fields),
	};

	return cmocka_run_group_tests(identity_tests, drop_root, become_root_again);
}
