// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Threads that open, ask, duplicate and close one another's descriptors: an ioctl is
 * answered, or the number is not ours any more; nothing is used after its release,
 * and in the end nothing is left.
 */
#define _GNU_SOURCE /* closefrom, RTLD_NOLOAD */
#include "fixture.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "lib/bits.h"

#define THREADS     8
#define SHARED      16
#define SECONDS     2
#define FIRST_OF_US 100 /* numbers below are the test's own */

/*
 * The library's own functions: ThreadSanitizer's, which stand before them, report the
 * races between descriptors that are the purpose here.
 */
static struct {
	int (*open)(const char *path, int flags, ...);
	int (*ioctl)(int fd, unsigned long request, ...);
	int (*fcntl)(int fd, int cmd, ...);
	void *(*mmap)(void *addr, size_t len, int prot, int flags, int fd, off_t off);
	int (*close)(int fd);
} door;

static atomic_int shared[SHARED];
static atomic_bool stop;
static atomic_long answered, refused, strange;

static void count_answer(long ret)
{
	if (ret >= 0)
		atomic_fetch_add_explicit(&answered, 1, memory_order_relaxed);
	else if (errno == EBADF || errno == ENOTTY || errno == ENODEV)
		atomic_fetch_add_explicit(&refused, 1, memory_order_relaxed);
	else
		atomic_fetch_add_explicit(&strange, 1, memory_order_relaxed);
}

/* Puts @fd among the shared ones and closes what it replaces. */
static void publish(size_t at, int fd)
{
	if (fd < 0)
		return;
	if (fd < FIRST_OF_US) {
		int moved = door.fcntl(fd, F_DUPFD_CLOEXEC, FIRST_OF_US);

		door.close(fd);
		fd = moved;
	}
	fd = atomic_exchange(&shared[at], fd);
	if (fd >= FIRST_OF_US)
		door.close(fd);
}

static void map_run(int fd)
{
	void *p = door.mmap(NULL, FAKE_RUN_SIZE, PROT_READ, MAP_SHARED, fd, 0);

	count_answer(p == MAP_FAILED ? -1 : 0);
	if (p != MAP_FAILED)
		munmap(p, FAKE_RUN_SIZE);
}

static void act(uint64_t choice)
{
	size_t at = (choice >> 8) % SHARED;
	int fd = atomic_load(&shared[(choice >> 16) % SHARED]);

	switch (choice % 8) {
	case 0:
		publish(at, door.open(NODE_PATH, O_RDWR | O_CLOEXEC));
		break;
	case 1:
		publish(at, door.ioctl(fd, KVM_CREATE_VCPU, 0));
		break;
	case 2:
		publish(at, door.fcntl(fd, F_DUPFD_CLOEXEC, FIRST_OF_US));
		break;
	case 3:
		if (fd >= FIRST_OF_US)
			door.close(fd);
		break;
	case 4:
		map_run(fd);
		break;
	case 5:
		count_answer(door.ioctl(fd, FAKE_LINGER, choice >> 24 & 63));
		break;
	default:
		count_answer(door.ioctl(fd, FAKE_KIND_OF, atomic_load(&shared[at])) < 0 &&
					     errno != ENOENT
				     ? -1
				     : 0);
		break;
	}
}

static void *worker(void *arg)
{
	uint64_t x = (uintptr_t)arg + 1;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		act(x >> 20);
	}
	return NULL;
}

static void hammer_descriptors_no_harm(void **state)
{
	pthread_t threads[THREADS];

	for (size_t i = 0; i < SHARED; i++)
		atomic_store(&shared[i], -1);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, worker, (void *)i), 0);
	nanosleep(&(struct timespec){.tv_sec = SECONDS}, NULL);
	atomic_store(&stop, true);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	print_message("%ld answered, %ld refused\n", atomic_load(&answered), atomic_load(&refused));
	assert_true(atomic_load(&answered) > 1000);
	assert_int_equal(atomic_load(&strange), 0);
	closefrom(3);
	assert_int_equal(live_objects(), 0);
}

static void *close_soon(void *arg)
{
	usleep(20000);
	door.close(*(int *)arg);
	return NULL;
}

/* The object outlives its last descriptor for as long as a call is inside. */
static void close_during_ioctl_object_stays(void **state)
{
	int kvm = open_kvm(), vm = create_vm(kvm);
	pthread_t closer;

	assert_int_equal(pthread_create(&closer, NULL, close_soon, &vm), 0);
	assert_int_equal(door.ioctl(vm, FAKE_LINGER, 100000), 0);
	pthread_join(closer, NULL);
	assert_errno(ioctl(vm, FAKE_KIND), EBADF);
	assert_int_equal(live_objects(), 1);
	close(kvm);
}

static void load_door(void)
{
	void *library = dlopen(preloaded_library, RTLD_NOW | RTLD_NOLOAD);

	if (!library)
		abort();
	door.open = dlsym(library, "open");
	door.ioctl = dlsym(library, "ioctl");
	door.fcntl = dlsym(library, "fcntl");
	door.mmap = dlsym(library, "mmap");
	door.close = dlsym(library, "close");
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(close_during_ioctl_object_stays),
		cmocka_unit_test(hammer_descriptors_no_harm),
	};

	preload_self(&argc, argv);
	load_door();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
