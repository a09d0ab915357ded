// SPDX-License-Identifier: GPL-2.0-or-later
/* /dev/sgx_vepc and /dev/sgx_provision as QEMU uses them; vepc_test has what is behind. */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "fixture.h"

#include <asm/sgx.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "lib/bits.h"
#include "tests.h"

#define SIZE ((size_t)64 << 20)

/* <linux/mman.h> of kernels that have it. */
#define POPULATE_WRITE 23

/* libnuma's, which this program does not need. */
typedef long mbind_fn(void *addr, unsigned long len, int mode, const unsigned long *nodes,
		      unsigned long max_node, unsigned int flags);

static int open_vepc(void)
{
	int fd = open("/dev/sgx_vepc", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_named(fd, "sgx_vepc");
	return fd;
}

/* As QEMU: room with a guard page first, then the device over it. */
static uint8_t *map_as_qemu(int fd)
{
	uint8_t *at = mmap(NULL, SIZE + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(at != MAP_FAILED);
	assert_ptr_equal(mmap(at, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0), at);
	return at;
}

static void vepc_is_a_device_without_size(void **state)
{
	int fd = open_vepc();
	struct stat st;

	(void)state;
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(st.st_rdev, makedev(10, 125));
	assert_errno(lseek(fd, 0, SEEK_END), ESPIPE);
	assert_int_not_equal(ftruncate(fd, 4096), 0);
	assert_errno(ioctl(fd, KVM_GET_API_VERSION, 0), ENOTTY);
	assert_int_equal(ioctl(fd, SGX_IOC_VEPC_REMOVE_ALL, 0), 0);
	assert_errno(ioctl(fd, SGX_IOC_VEPC_REMOVE_ALL, 1), EINVAL);
	close(fd);
}

static void vepc_is_mapped_shared_only(void **state)
{
	int fd = open_vepc(), reader = open("/dev/sgx_vepc", O_RDONLY);

	(void)state;
	assert_errno(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0), EINVAL);
	assert_errno(mmap(NULL, 4096, PROT_READ, MAP_SHARED, reader, 0), EINVAL);
	assert_errno(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0), EACCES);
	close(reader);
	close(fd);
}

static void vepc_mapping_takes_what_qemu_does_to_it(void **state)
{
	int fd = open_vepc();
	uint8_t *at = map_as_qemu(fd);
	mbind_fn *mbind = (mbind_fn *)dlsym(RTLD_DEFAULT, "mbind");
	unsigned long node = 1;

	(void)state;
	madvise(at, SIZE, MADV_HUGEPAGE);
	assert_int_equal(madvise(at, SIZE, MADV_DONTFORK), 0);
	assert_int_equal(madvise(at, SIZE, MADV_DONTDUMP), 0);
	assert_int_equal(madvise(at, 4096, POPULATE_WRITE), 0);
	assert_int_equal(madvise(at, SIZE, POPULATE_WRITE), 0);
	assert_errno(madvise(at, SIZE, MADV_DOFORK), EINVAL);
	assert_int_equal(mbind(at, SIZE, 2, &node, 65, 3), 0);
	assert_int_equal(at[0] & at[SIZE - 1], 0xff);
	assert_int_equal(munmap(at, SIZE + 4096), 0);
	close(fd);
}

/* EXCLAVE_EPC in preload_main.c: room for one mapping, so who asks twice asks in vain. */
static void vepc_unmapped_gives_its_pages_back(void **state)
{
	int first = open_vepc(), second = open_vepc();
	uint8_t *a = map_as_qemu(first), *b = map_as_qemu(second);

	(void)state;
	assert_int_equal(madvise(a, SIZE, POPULATE_WRITE), 0);
	assert_errno(madvise(b, SIZE, POPULATE_WRITE), ENOMEM);
	close(first);
	assert_errno(madvise(b, SIZE, POPULATE_WRITE), ENOMEM);
	assert_int_equal(munmap(a, SIZE + 4096), 0);
	assert_int_equal(madvise(b, SIZE, POPULATE_WRITE), 0);
	/* Another mapping over it is as good as munmap(). */
	close(second);
	assert_ptr_equal(mmap(b, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 b);
	second = open_vepc();
	a = map_as_qemu(second);
	assert_int_equal(madvise(a, SIZE, POPULATE_WRITE), 0);
	munmap(a, SIZE + 4096);
	munmap(b, SIZE + 4096);
	close(second);
}

static void vepc_duplicate_is_the_same(void **state)
{
	int fd = open_vepc(), copy = dup(fd);
	uint8_t *at;

	(void)state;
	close(fd);
	assert_int_equal(ioctl(copy, SGX_IOC_VEPC_REMOVE_ALL, 0), 0);
	at = map_as_qemu(copy);
	munmap(at, SIZE + 4096);
	close(copy);
}

/* QEMU's query-sgx-capabilities opens, executes CPUID and closes. */
static void vepc_opened_shows_cpuid_until_closed(void **state)
{
	int kvm = open_kvm(), fd;

	(void)state;
	assert_int_equal(ioctl(kvm, FAKE_CPUID_SHOWN, 0), 0);
	fd = open_vepc();
	assert_int_equal(ioctl(kvm, FAKE_CPUID_SHOWN, 0), 1);
	close(fd);
	assert_int_equal(ioctl(kvm, FAKE_CPUID_SHOWN, 0), 0);
	close(kvm);
}

static void vepc_opened_shows_cpuid_until_mapped(void **state)
{
	int kvm = open_kvm(), backend = open_vepc(), query;
	uint8_t *at = map_as_qemu(backend);

	(void)state;
	assert_int_equal(ioctl(kvm, FAKE_CPUID_SHOWN, 0), 0);
	/* One that is mapped already ends nothing. */
	query = open_vepc();
	munmap(at, SIZE + 4096);
	at = map_as_qemu(backend);
	assert_int_equal(ioctl(kvm, FAKE_CPUID_SHOWN, 0), 1);
	close(query);
	assert_int_equal(ioctl(kvm, FAKE_CPUID_SHOWN, 0), 0);
	munmap(at, SIZE + 4096);
	close(backend);
	close(kvm);
}

static bool child_has_neither(void *arg)
{
	int fd = *(int *)arg;

	errno = 0;
	if (ioctl(fd, SGX_IOC_VEPC_REMOVE_ALL, 0) != -1 || errno != EIO)
		return false;
	return mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EIO;
}

static void vepc_in_child_eio(void **state)
{
	int fd = open_vepc();
	uint8_t *at = map_as_qemu(fd);

	(void)state;
	in_child(child_has_neither, &fd);
	munmap(at, SIZE + 4096);
	close(fd);
}

static void provision_is_for_kvm_only(void **state)
{
	int kvm = open_kvm(), fd = open("/dev/sgx_provision", O_RDONLY | O_CLOEXEC);
	int vepc = open_vepc();

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ioctl(kvm, FAKE_IS_PROVISION, fd), 1);
	assert_int_equal(ioctl(kvm, FAKE_IS_PROVISION, vepc), 0);
	assert_int_equal(ioctl(kvm, FAKE_IS_PROVISION, kvm), 0);
	assert_errno(ioctl(fd, SGX_IOC_VEPC_REMOVE_ALL, 0), ENOTTY);
	assert_errno(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0), ENODEV);
	assert_errno(lseek(fd, 0, SEEK_SET), ESPIPE);
	close(fd);
	assert_int_equal(ioctl(kvm, FAKE_IS_PROVISION, fd), 0);
	close(vepc);
	close(kvm);
}

static void provision_permission_is_a_files(void **state)
{
	(void)state;
	assert_int_equal(access("/dev/sgx_provision", R_OK), 0);
	assert_errno(access("/dev/sgx_provision", X_OK), EACCES);
	setenv("EXCLAVE_PROVISION", "/nonexistent", 1);
	assert_errno(open("/dev/sgx_provision", O_RDONLY), ENOENT);
	assert_errno(access("/dev/sgx_provision", R_OK), ENOENT);
	unsetenv("EXCLAVE_PROVISION");
}

const struct CMUnitTest sgx_tests[] = {
	DOOR_TEST(vepc_is_a_device_without_size),
	DOOR_TEST(vepc_is_mapped_shared_only),
	DOOR_TEST(vepc_mapping_takes_what_qemu_does_to_it),
	DOOR_TEST(vepc_unmapped_gives_its_pages_back),
	DOOR_TEST(vepc_duplicate_is_the_same),
	DOOR_TEST(vepc_opened_shows_cpuid_until_closed),
	DOOR_TEST(vepc_opened_shows_cpuid_until_mapped),
	DOOR_TEST(vepc_in_child_eio),
	DOOR_TEST(provision_is_for_kvm_only),
	DOOR_TEST(provision_permission_is_a_files),
};
const size_t sgx_test_count = ARRAY_SIZE(sgx_tests);
