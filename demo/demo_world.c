// SPDX-License-Identifier: GPL-2.0-or-later
#include "demo.h"

#include <string.h>

#define WINDOW    UINT64_C(0x10000000)
#define RAM_PAGES 16
#define EPC_PAGES 64
#define EPC_AT    (WINDOW + PAGES(64)) /* where the kernel maps the EPC */
#define THREAD    0
#define KERNEL    1

bool world_make(struct demo *d, const struct sgx_identity *identity)
{
	const struct embedder_config config = {
		.window = WINDOW,
		.window_pages = 256,
		.ram_pages = RAM_PAGES,
		.epc_pages = EPC_PAGES,
		.epc_hpa = UINT64_C(0x180000000),
		.cpus = 2,
		.identity = identity,
	};

	d->embedder = embedder_new(&config);
	if (!d->embedder)
		return false;
	for (uint32_t i = 0; i < EPC_PAGES; i++)
		embedder_map_epc(d->embedder, EPC_AT + PAGES(i), i, PTE_ALL);
	d->kernel = builder_for(d->embedder, KERNEL, WINDOW);
	d->thread = &d->embedder->cpus[THREAD];
	d->thread->state.rip = AEP;
	tell_value("EPC", "%u pages (%u KiB) at physical address %#llx", EPC_PAGES,
		   EPC_PAGES * SGX_PAGE_SIZE / 1024, (unsigned long long)config.epc_hpa);
	return true;
}

gva_t world_free_epc(struct demo *d)
{
	return EPC_AT + PAGES(d->next_epc++ % EPC_PAGES);
}

void world_map(struct demo *d, gva_t gva, gva_t epc)
{
	embedder_map_epc(d->embedder, gva, (uint32_t)((epc - EPC_AT) / SGX_PAGE_SIZE), PTE_ALL);
}

gva_t world_ram(unsigned int index)
{
	return WINDOW + PAGES(index);
}

void *world_ram_ptr(struct demo *d, unsigned int index)
{
	return builder_ram(&d->kernel, world_ram(index));
}

struct leaf_result world_encls(struct demo *d, uint32_t leaf, uint64_t rbx, uint64_t rcx,
			       uint64_t rdx)
{
	return run_encls(d->kernel.c, leaf, rbx, rcx, rdx);
}

struct leaf_result world_enclu(struct demo *d, uint32_t leaf, uint64_t rbx, uint64_t rcx,
			       uint64_t rdx)
{
	return run_enclu(d->thread, leaf, rbx, rcx, rdx);
}

bool is_code(struct leaf_result res, int code)
{
	return res.kind == LEAF_CODE && res.value == code;
}

unsigned int world_epc_in_use(struct demo *d)
{
	unsigned int used = 0;

	for (uint32_t i = 0; i < EPC_PAGES; i++) {
		const hpa_t hpa = d->embedder->config.epc_hpa + PAGES(i);

		used += epcm_is_valid(epcm_state(epc_lookup(&d->embedder->platform.epc, hpa)));
	}
	return used;
}

void *world_access(struct demo *d, gva_t gva, uint32_t access, struct x86_exception *fault)
{
	static uint8_t abort_page[SGX_PAGE_SIZE];
	struct sgx_cpu *cpu = &d->thread->cpu;
	struct x86_exception ignored;
	struct sgx_access verdict;
	struct sgx_place place;

	access |= PFERR_USER_MASK;
	if (!cpu->ops->walk(cpu, gva, access, &place, fault ? fault : &ignored))
		return NULL;
	verdict = sgx_check_access(cpu, gva, access, &place);
	if (verdict.verdict == SGX_ACCESS_FAULT) {
		if (fault)
			*fault = verdict.fault;
		return NULL;
	}
	if (verdict.verdict == SGX_ACCESS_ABORT_PAGE) {
		/* What was written before is dropped. */
		memset(abort_page, 0xff, sizeof(abort_page));
		return abort_page + gva % SGX_PAGE_SIZE;
	}
	return (verdict.page ? verdict.page : (uint8_t *)place.host) + gva % SGX_PAGE_SIZE;
}

bool world_enter(struct demo *d, const struct enclave *e)
{
	d->thread->state.rip = AEP;
	return world_enclu(d, EENTER, enclave_gva(e, TCS), AEP, 0).kind == LEAF_JUMP;
}

void world_exit(struct demo *d)
{
	world_enclu(d, EEXIT, AEP + SGX_INSN_LENGTH, 0, 0);
}

gva_t world_secinfo(struct demo *d, const struct enclave *e, uint64_t flags)
{
	const struct sgx_secinfo secinfo = {.flags = flags};
	const gva_t gva = enclave_gva(e, DATA) + 0xfc0;
	void *operand = world_access(d, gva, PFERR_WRITE_MASK, NULL);

	if (operand)
		memcpy(operand, &secinfo, sizeof(secinfo));
	return gva;
}
