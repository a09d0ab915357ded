// SPDX-License-Identifier: GPL-2.0-or-later
#include "preload/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/bits.h"
#include "lib/memfd.h"
#include "preload/direct.h"
#include "preload/table.h"

#define POOL_FILES 127

struct pool {
	_Atomic(struct pool *) next;
	struct file files[POOL_FILES];
};

/* The first is enough for most, and costs nothing until used. */
static struct pool first_pool;

static struct pool *pool_next(struct pool *pool)
{
	struct pool *next = atomic_load_explicit(&pool->next, memory_order_acquire);
	struct pool *other = NULL;

	if (next)
		return next;
	next = direct_mmap64(NULL, sizeof(*next), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (next == MAP_FAILED)
		return NULL;
	if (atomic_compare_exchange_strong(&pool->next, &other, next))
		return next;
	syscall(SYS_munmap, next, sizeof(*next));
	return other;
}

/* Return: a file without references, or NULL. */
static struct file *file_take(void)
{
	for (struct pool *pool = &first_pool; pool; pool = pool_next(pool))
		for (size_t i = 0; i < POOL_FILES; i++)
			if (!atomic_exchange_explicit(&pool->files[i].taken, true,
						      memory_order_acq_rel))
				return &pool->files[i];
	return NULL;
}

static void file_give_back(struct file *file)
{
	atomic_store_explicit(&file->taken, false, memory_order_release);
}

bool file_get(struct file *file)
{
	unsigned int refs = atomic_load_explicit(&file->refs, memory_order_relaxed);

	while (refs)
		if (atomic_compare_exchange_weak_explicit(&file->refs, &refs, refs + 1,
							  memory_order_acquire,
							  memory_order_relaxed))
			return true;
	return false;
}

void file_put(struct file *file)
{
	int err = errno;

	if (atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel) != 1)
		return;
	/* A child's copy of the object has no threads, and shares what it maps with its owner. */
	if (file_is_own(file))
		file->ops->release(file->object);
	file_give_back(file);
	errno = err;
}

bool file_is_at(const struct file *file, int fd)
{
	int err = errno;
	struct stat st;

	if (direct_fstat64(fd, &st)) {
		errno = err;
		return false;
	}
	return st.st_ino == file->ino && st.st_dev == file->dev;
}

bool file_is_own(const struct file *file)
{
	return file->owner == getpid();
}

/* Sealed: write() and ftruncate() fail as on a device that has neither. */
static int memfd_open(const char *name, int flags)
{
	int fd = memfd_make(name, MFD_ALLOW_SEALING | (flags & O_CLOEXEC ? MFD_CLOEXEC : 0));

	if (fd < 0)
		return -errno;
	direct_fcntl64(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL);
	return fd;
}

int file_open(const char *name, const struct node *node, int flags, const struct file_ops *ops,
	      void *object)
{
	struct file *file = file_take();
	struct stat st;
	int fd;

	if (!file)
		return -ENOMEM;
	fd = memfd_open(name, flags);
	if (fd < 0)
		goto err_give_back;
	if (direct_fstat64(fd, &st)) {
		direct_close(fd);
		fd = -EMFILE;
		goto err_give_back;
	}
	file->dev = st.st_dev;
	file->ino = st.st_ino;
	file->owner = getpid();
	file->access_mode = flags & O_ACCMODE;
	file->node = node;
	file->ops = ops;
	file->object = object;
	atomic_store_explicit(&file->refs, 1, memory_order_release);

	if (!table_install(fd, file))
		return fd;
	direct_close(fd);
	atomic_store_explicit(&file->refs, 0, memory_order_release);
	fd = -EMFILE;

err_give_back:
	file_give_back(file);
	return fd;
}
