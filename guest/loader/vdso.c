// SPDX-License-Identifier: GPL-2.0-or-later
#include "enclave.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

#define ENTER_NAME "__vdso_sgx_enter_enclave"

struct vdso {
	const uint8_t *image;
	uint64_t size;
	const Elf64_Sym *symbols;
	const char *strings;
	uint32_t symbol_count;
};

/* The vDSO is linked at 0: addresses in it are offsets. */
static void take_dynamic(struct vdso *v, const Elf64_Dyn *dynamic)
{
	for (; dynamic->d_tag != DT_NULL; dynamic++) {
		const void *at = v->image + dynamic->d_un.d_ptr;

		if (dynamic->d_tag == DT_SYMTAB)
			v->symbols = at;
		else if (dynamic->d_tag == DT_STRTAB)
			v->strings = at;
		else if (dynamic->d_tag == DT_HASH)
			v->symbol_count = ((const uint32_t *)at)[1];
	}
}

static struct vdso vdso_open(void)
{
	struct vdso v = {.image = (const uint8_t *)getauxval(AT_SYSINFO_EHDR)};
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)v.image;
	const Elf64_Phdr *segments;

	if (!v.image)
		return v;
	segments = (const Elf64_Phdr *)(v.image + header->e_phoff);
	for (unsigned int i = 0; i < header->e_phnum; i++) {
		if (segments[i].p_type == PT_LOAD)
			v.size = segments[i].p_memsz;
		else if (segments[i].p_type == PT_DYNAMIC)
			take_dynamic(&v, (const Elf64_Dyn *)(v.image + segments[i].p_vaddr));
	}
	return v;
}

vdso_sgx_enter_enclave_t vdso_find(void)
{
	struct vdso v = vdso_open();

	if (!v.symbols || !v.strings)
		return NULL;
	for (uint32_t i = 0; i < v.symbol_count; i++) {
		if (!strcmp(v.strings + v.symbols[i].st_name, ENTER_NAME))
			return (vdso_sgx_enter_enclave_t)(v.image + v.symbols[i].st_value);
	}
	return NULL;
}

int vdso_holds(uint64_t address)
{
	struct vdso v = vdso_open();

	return v.image && address - (uint64_t)v.image < v.size;
}
