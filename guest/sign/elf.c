// SPDX-License-Identifier: GPL-2.0-or-later
/* The enclave as it was linked (guest/enclave/enclave.lds): loadable segments from address 0. */
#include "sign.h"

#include "enclave/layout.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct elf {
	const char *path;
	uint8_t *bytes;
	uint64_t size;
};

static void elf_read(struct elf *elf, const char *path)
{
	FILE *file = fopen(path, "rb");
	long size;

	if (!file || fseek(file, 0, SEEK_END) || (size = ftell(file)) < 0)
		fail("%s: %m", path);
	*elf = (struct elf){.path = path, .bytes = malloc((size_t)size), .size = (uint64_t)size};
	rewind(file);
	if (!elf->bytes || fread(elf->bytes, 1, elf->size, file) != elf->size)
		fail("%s: cannot be read", path);
	fclose(file);
}

/* A piece of the file, which must be there whole. */
static const void *elf_at(const struct elf *elf, uint64_t offset, uint64_t size)
{
	if (offset > elf->size || size > elf->size - offset)
		fail("%s: ends too early", elf->path);
	return elf->bytes + offset;
}

/* The segments' flags as enclave.lds sets them; what is only read are the TCS pages. */
static uint64_t secinfo_of(uint32_t elf_flags)
{
	uint64_t flags = (uint64_t)SGX_PAGE_TYPE_REG << SGX_SECINFO_PT_SHIFT;

	if (elf_flags == PF_R)
		return (uint64_t)SGX_PAGE_TYPE_TCS << SGX_SECINFO_PT_SHIFT;
	flags |= elf_flags & PF_R ? SGX_SECINFO_R : 0;
	flags |= elf_flags & PF_W ? SGX_SECINFO_W : 0;
	flags |= elf_flags & PF_X ? SGX_SECINFO_X : 0;
	return flags;
}

static uint64_t whole_pages(uint64_t size)
{
	return (size + SGX_PAGE_SIZE - 1) / SGX_PAGE_SIZE * SGX_PAGE_SIZE;
}

static void take_segment(struct image *image, const struct elf *elf, const Elf64_Phdr *segment)
{
	struct image_header *h = &image->header;
	uint64_t length = whole_pages(segment->p_memsz);

	if (h->part_count == IMAGE_PARTS_MAX)
		fail("%s: more than %d segments", elf->path, IMAGE_PARTS_MAX);
	if (segment->p_vaddr != h->heap || segment->p_filesz > segment->p_memsz ||
	    length > ENCLAVE_SIZE - h->heap)
		fail("%s: a segment at %#lx is not where the one before it ends", elf->path,
		     segment->p_vaddr);
	memcpy(image->contents + h->heap, elf_at(elf, segment->p_offset, segment->p_filesz),
	       segment->p_filesz);
	h->parts[h->part_count++] = (struct image_part){
		.offset = h->heap,
		.length = length,
		.file_offset = IMAGE_HEADER_SIZE + h->heap,
		.secinfo_flags = secinfo_of(segment->p_flags),
	};
	if (segment->p_flags == PF_R)
		h->tcs_count = length / SGX_PAGE_SIZE;
	h->heap += length;
}

void image_from_elf(const char *path, struct image *image)
{
	const Elf64_Phdr *segments;
	const Elf64_Ehdr *header;
	struct elf elf;

	elf_read(&elf, path);
	header = elf_at(&elf, 0, sizeof(*header));
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_machine != EM_X86_64)
		fail("%s: not a program for x86-64", path);
	*image = (struct image){.contents = calloc(1, ENCLAVE_SIZE)};
	if (!image->contents)
		fail("%s: no memory", path);
	memcpy(image->header.magic, IMAGE_MAGIC, sizeof(image->header.magic));
	image->header.enclave_size = ENCLAVE_SIZE;
	segments = elf_at(&elf, header->e_phoff, header->e_phnum * sizeof(*segments));
	for (unsigned int i = 0; i < header->e_phnum; i++) {
		if (segments[i].p_type == PT_LOAD && segments[i].p_memsz)
			take_segment(image, &elf, &segments[i]);
	}
	free(elf.bytes);
}

void image_write(const char *path, const struct image *image)
{
	static const uint8_t padding[IMAGE_HEADER_SIZE - sizeof(image->header)];
	FILE *file = fopen(path, "wb");

	if (!file || fwrite(&image->header, sizeof(image->header), 1, file) != 1 ||
	    fwrite(padding, sizeof(padding), 1, file) != 1 ||
	    fwrite(image->contents, image->header.heap, 1, file) != 1 || fclose(file))
		fail("%s: %m", path);
}
