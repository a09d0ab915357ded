// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "Access-control Requirements": what page tables say does not count for an enclave's pages. */
#include "enclave.h"
#include "report.h"

#include "lib/bits.h"

#define SECRET_WORD UINT64_C(0x5ec7e75ec7e75ec7)

static void build(struct enclave *e, struct vm *vm)
{
	enclave_build(e, vm, 0, 0);
	EXPECT_DONE(enclave_call(e, fn_store, enclave_gva(e, PAGE_DATA), SECRET_WORD));
}

/* With its own page back, the thread that had faulted goes on. */
static void map_back(struct enclave *e, enum enclave_page page)
{
	vm_map(e->vm, enclave_gva(e, page), enclave_pte(e, page));
}

static void expect_load_pf(struct enclave *e, uint64_t pte, uint32_t error)
{
	gva_t gva = enclave_gva(e, PAGE_DATA);

	vm_map(e->vm, gva, pte);
	EXPECT_PF(enclave_call(e, fn_load, gva, 0), error, gva);
	map_back(e, PAGE_DATA);
	EXPECT(enclave_resume(e).regs.rdi, SECRET_WORD);
}

static uint64_t pte_of_epc(unsigned int page)
{
	return (EPC_GPA + page * UINT64_C(4096)) | PTE_P | PTE_W | PTE_U;
}

static void page_mapped_to_other_pages_pf(struct vm *vm)
{
	struct enclave e, other;

	build(&e, vm);
	enclave_build(&other, vm, 1, 0);
	expect_load_pf(&e, enclave_pte(&e, PAGE_OTHER), PF_READ);
	expect_load_pf(&e, enclave_pte(&e, PAGE_TCS), PF_READ);
	expect_load_pf(&e, enclave_pte(&e, PAGE_SSA), PF_READ);
	expect_load_pf(&e, pte_of_epc(e.secs), PF_READ);
	expect_load_pf(&e, enclave_pte(&other, PAGE_DATA), PF_READ);
	expect_load_pf(&e, pte_of_epc(vm_epc_page(vm)), PF_READ);
	EXPECT_DONE(vm_encls(vm, EPA, SGX_PAGE_TYPE_VA, epc_gva(vm_epc_page(vm)), 0));
	expect_load_pf(&e, pte_of_epc(vm->epc_used - 1), PF_READ);
}

static void page_mapped_to_ram_pf(struct vm *vm)
{
	struct enclave e;

	build(&e, vm);
	expect_load_pf(&e, SHARED_GPA | PTE_P | PTE_W | PTE_U, PF_READ);
}

/* Ordinary faults stay ordinary: it is by them that Linux pages. */
static void page_not_mapped_ordinary_pf(struct vm *vm)
{
	struct enclave e;

	build(&e, vm);
	expect_load_pf(&e, 0, PF_NO_PAGE);
	expect_load_pf(&e, enclave_pte(&e, PAGE_DATA) & ~PTE_U, PF_NO_PAGE | PTE_P);
}

static void page_mapped_read_only_store_pf(struct vm *vm)
{
	struct enclave e;
	gva_t gva;

	build(&e, vm);
	gva = enclave_gva(&e, PAGE_DATA);
	vm_map(vm, gva, enclave_pte(&e, PAGE_DATA) & ~PTE_W);
	EXPECT_PF(enclave_call(&e, fn_store, gva, 1), PF_READ_ONLY, gva);
	map_back(&e, PAGE_DATA);
	EXPECT_DONE(enclave_resume(&e));
	EXPECT(enclave_call(&e, fn_load, gva, 0).regs.rdi, 1);
}

/* The page table allows what EADD did not. */
static void page_mapped_with_more_rights_pf(struct vm *vm)
{
	struct enclave e;

	build(&e, vm);
	EXPECT_PF(enclave_call(&e, fn_store, enclave_gva(&e, PAGE_READ_ONLY), 1), PF_WRITE,
		  enclave_gva(&e, PAGE_READ_ONLY));
	EXPECT_PF(enclave_call(&e, fn_jump, enclave_gva(&e, PAGE_DATA), 0), PF_FETCH,
		  enclave_gva(&e, PAGE_DATA));
}

static void two_pages_swapped_pf(struct vm *vm)
{
	struct enclave e;
	gva_t data, other;

	build(&e, vm);
	data = enclave_gva(&e, PAGE_DATA);
	other = enclave_gva(&e, PAGE_OTHER);
	vm_map(vm, data, enclave_pte(&e, PAGE_OTHER));
	vm_map(vm, other, enclave_pte(&e, PAGE_DATA));
	EXPECT_PF(enclave_call(&e, fn_load, data, 0), PF_READ, data);
	EXPECT_PF(enclave_call(&e, fn_load, other, 0), PF_READ, other);
	map_back(&e, PAGE_DATA);
	map_back(&e, PAGE_OTHER);
	EXPECT(enclave_resume(&e).regs.rdi, 0);
	EXPECT(enclave_resume(&e).regs.rdi, SECRET_WORD);
}

static void code_page_swapped_pf(struct vm *vm)
{
	struct enclave e;
	gva_t code;

	build(&e, vm);
	code = enclave_gva(&e, PAGE_CODE);
	vm_map(vm, code, enclave_pte(&e, PAGE_DATA));
	EXPECT_PF(enclave_call(&e, fn_nothing, 0, 0), PF_FETCH, code);
	vm_map(vm, code, SHARED_GPA | PTE_P | PTE_U);
	EXPECT_PF(enclave_resume(&e), PF_FETCH, code);
	map_back(&e, PAGE_CODE);
	EXPECT_DONE(enclave_resume(&e));
}

/* Not even entered: the processor's own structures are checked as well. */
static void thread_pages_swapped_eenter_pf(struct vm *vm)
{
	static const enum enclave_page pages[] = {PAGE_TCS, PAGE_SSA};
	struct enclave e;

	build(&e, vm);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		const uint64_t wrong[] = {enclave_pte(&e, PAGE_DATA), enclave_pte(&e, PAGE_TCS2),
					  enclave_pte(&e, PAGE_SSA2)};

		for (size_t j = 0; j < ARRAY_SIZE(wrong); j++) {
			struct outcome o;

			vm_map(vm, enclave_gva(&e, pages[i]), wrong[j]);
			o = enclave_call(&e, fn_nothing, 0, 0);
			/* Whether as a read or a write, the manual does not say. */
			EXPECT_PF((o.error |= PFERR_WRITE_MASK, o), PF_WRITE,
				  enclave_gva(&e, pages[i]));
			EXPECT(o.regs.rax, EENTER);
		}
		map_back(&e, pages[i]);
		EXPECT_DONE(enclave_call(&e, fn_nothing, 0, 0));
	}
}

static void enclave_jumps_outside_gp(struct vm *vm)
{
	struct enclave e;

	build(&e, vm);
	EXPECT_GP(enclave_call(&e, fn_jump, vm_aep(), 0));
}

const struct attack mapping_attacks[] = {
	ATTACK(page_mapped_to_other_pages_pf),
	ATTACK(page_mapped_to_ram_pf),
	ATTACK(page_not_mapped_ordinary_pf),
	ATTACK(page_mapped_read_only_store_pf),
	ATTACK(page_mapped_with_more_rights_pf),
	ATTACK(two_pages_swapped_pf),
	ATTACK(code_page_swapped_pf),
	ATTACK(thread_pages_swapped_eenter_pf),
	ATTACK(enclave_jumps_outside_gp),
	{NULL, NULL},
};
