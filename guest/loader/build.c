// SPDX-License-Identifier: GPL-2.0-or-later
/* From an image to an enclave that can be entered. */
#include "enclave.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SGX_NODE "/dev/sgx_enclave"

/* Return: the image, which starts a page so that its parts do too, or NULL with errno. */
static const struct image_header *map_image(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const struct image_header *image;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) || st.st_size < IMAGE_HEADER_SIZE) {
		close(fd);
		errno = ENOEXEC;
		return NULL;
	}
	/* The driver lets nobody add pages as code that could not be executed where they are. */
	image = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	close(fd);
	if (image == MAP_FAILED)
		return NULL;
	if (!memcmp(image->magic, IMAGE_MAGIC, sizeof(image->magic)))
		return image;
	munmap((void *)image, (size_t)st.st_size);
	errno = ENOEXEC;
	return NULL;
}

static size_t image_size(const struct image_header *image)
{
	return IMAGE_HEADER_SIZE + image->heap;
}

/* SDM "ECREATE": the base is aligned to the size. */
static uint8_t *reserve(uint64_t size)
{
	uint8_t *all = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *base;

	if (all == MAP_FAILED)
		return NULL;
	base = (uint8_t *)(((uint64_t)all + size - 1) & ~(size - 1));
	if (base != all)
		munmap(all, (size_t)(base - all));
	munmap(base + size, (size_t)(all + size - base));
	return base;
}

static int create(struct enclave *e, const struct enclave_options *options)
{
	static struct sgx_secs secs __attribute__((aligned(SGX_PAGE_SIZE)));
	struct sgx_enclave_create args = {.src = (uint64_t)&secs};

	secs = (struct sgx_secs){
		.size = e->image->enclave_size,
		.base = (uint64_t)e->base,
		.ssa_frame_size = IMAGE_SSA_PAGES,
		.attributes = SGX_ATTR_MODE64BIT | options->attributes,
		.xfrm = e->image->sigstruct.xfrm,
		.miscselect = e->image->sigstruct.miscselect,
	};
	return ioctl(e->fd, SGX_IOC_ENCLAVE_CREATE, &args) ? -errno : 0;
}

static int add_part(struct enclave *e, const struct image_part *part)
{
	struct sgx_secinfo secinfo __attribute__((aligned(64))) = {.flags = part->secinfo_flags};
	struct sgx_enclave_add_pages args = {
		.src = (uint64_t)e->image + part->file_offset,
		.offset = part->offset,
		.length = part->length,
		.secinfo = (uint64_t)&secinfo,
		.flags = SGX_PAGE_MEASURE,
	};

	/* A signal can end it early, with what it has done in `count`. */
	while (args.length) {
		args.count = 0;
		if (ioctl(e->fd, SGX_IOC_ENCLAVE_ADD_PAGES, &args) && errno != EINTR)
			return -errno;
		args.src += args.count;
		args.offset += args.count;
		args.length -= args.count;
	}
	return 0;
}

static int add_parts(struct enclave *e)
{
	int ret = 0;

	for (unsigned int i = 0; i < e->image->part_count && !ret; i++)
		ret = add_part(e, &e->image->parts[i]);
	return ret;
}

static int initialise(struct enclave *e, const struct enclave_options *options)
{
	struct sgx_enclave_provision provision = {.fd = (uint64_t)options->provision_fd};
	struct sgx_sigstruct sigstruct = e->image->sigstruct;
	struct sgx_enclave_init args = {.sigstruct = (uint64_t)&sigstruct};
	int ret;

	if (options->provision_fd >= 0 && ioctl(e->fd, SGX_IOC_ENCLAVE_PROVISION, &provision))
		return -errno;
	ret = ioctl(e->fd, SGX_IOC_ENCLAVE_INIT, &args);
	if (ret > 0)
		return -EPERM; /* a code of EINIT's */
	return ret ? -errno : 0;
}

static int map_range(struct enclave *e, uint64_t offset, uint64_t length, int protection)
{
	void *at = mmap(e->base + offset, length, protection, MAP_SHARED | MAP_FIXED, e->fd, 0);

	return at == MAP_FAILED ? -errno : 0;
}

/* The heap holds no pages yet; the driver adds them where they are touched. */
static int map_parts(struct enclave *e)
{
	const struct image_header *image = e->image;

	for (unsigned int i = 0; i < image->part_count; i++) {
		uint64_t flags = image->parts[i].secinfo_flags;
		int protection = PROT_READ | PROT_WRITE, ret;

		if (flags & SGX_SECINFO_RWX)
			protection = (flags & SGX_SECINFO_R ? PROT_READ : 0) |
				     (flags & SGX_SECINFO_W ? PROT_WRITE : 0) |
				     (flags & SGX_SECINFO_X ? PROT_EXEC : 0);
		ret = map_range(e, image->parts[i].offset, image->parts[i].length, protection);
		if (ret)
			return ret;
	}
	return map_range(e, image->heap, image->enclave_size - image->heap, PROT_READ | PROT_WRITE);
}

static int build(struct enclave *e, const struct enclave_options *options, const char **stage)
{
	int ret;

	*stage = "SGX_IOC_ENCLAVE_CREATE";
	ret = create(e, options);
	if (ret)
		return ret;
	*stage = "SGX_IOC_ENCLAVE_ADD_PAGES";
	ret = add_parts(e);
	if (ret)
		return ret;
	*stage = "SGX_IOC_ENCLAVE_INIT";
	ret = initialise(e, options);
	if (ret)
		return ret;
	*stage = "mmap of " SGX_NODE;
	return map_parts(e);
}

int enclave_load(struct enclave *e, const char *path, const struct enclave_options *options,
		 const char **stage)
{
	int ret;

	*stage = path;
	*e = (struct enclave){.image = map_image(path)};
	if (!e->image)
		return -errno;
	*stage = "open " SGX_NODE;
	e->fd = open(SGX_NODE, O_RDWR | O_CLOEXEC);
	if (e->fd < 0) {
		ret = -errno;
		goto err_unmap_image;
	}
	*stage = "mmap";
	e->base = reserve(e->image->enclave_size);
	if (!e->base) {
		ret = -errno;
		goto err_close;
	}
	ret = build(e, options, stage);
	if (!ret)
		return 0;
	munmap(e->base, e->image->enclave_size);
err_close:
	close(e->fd);
err_unmap_image:
	munmap((void *)e->image, image_size(e->image));
	return ret;
}

void enclave_unload(struct enclave *e)
{
	munmap(e->base, e->image->enclave_size);
	close(e->fd);
	munmap((void *)e->image, image_size(e->image));
}

uint8_t *enclave_tcs(const struct enclave *e, unsigned int number)
{
	return e->base + e->image->parts[0].offset + (uint64_t)number * SGX_PAGE_SIZE;
}
