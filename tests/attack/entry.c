// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EENTER", "ERESUME", "EDBGRD", "EDBGWR": entries and looks that an enclave does not allow. */
#include "enclave.h"
#include "report.h"

static struct outcome enter(const struct enclave *e, enum enclave_page tcs, uint64_t leaf)
{
	struct kvm_regs regs = enclave_entry(e, tcs, fn_nothing);

	regs.rax = leaf;
	return vm_enclu(e->vm, 0, &regs);
}

static void thread_is_inside_eenter_gp(struct vm *vm)
{
	struct enclave e;

	enclave_build(&e, vm, 0, 0);
	EXPECT_DONE(enter(&e, PAGE_TCS2, EENTER));
	enclave_stay(&e, PAGE_TCS2);
	EXPECT_GP(enter(&e, PAGE_TCS2, EENTER));
	EXPECT_GP(enter(&e, PAGE_TCS2, ERESUME));
	EXPECT_DONE(enter(&e, PAGE_TCS, EENTER));
	EXPECT_DONE(enclave_leave());
	EXPECT_DONE(enter(&e, PAGE_TCS2, EENTER));
}

static void nothing_was_interrupted_eresume_gp(struct vm *vm)
{
	struct enclave e;

	enclave_build(&e, vm, 0, 0);
	EXPECT_GP(enter(&e, PAGE_TCS, ERESUME));
}

static void frames_are_used_up_eenter_gp(struct vm *vm)
{
	struct enclave e;

	enclave_build(&e, vm, 0, 0);
	for (unsigned int frame = 0; frame < 2; frame++)
		EXPECT_PF(enclave_call(&e, fn_load, HOLE_GVA, 0), PF_NO_PAGE, HOLE_GVA);
	EXPECT_GP(enter(&e, PAGE_TCS, EENTER));
	EXPECT_DONE(enter(&e, PAGE_TCS2, EENTER));
}

static void page_is_no_tcs_eenter_pf(struct vm *vm)
{
	struct enclave e;
	struct outcome o;

	enclave_build(&e, vm, 0, 0);
	for (unsigned int page = PAGE_SSA; page < PAGE_FREE; page++) {
		o = enter(&e, page, EENTER);
		o.error |= PFERR_WRITE_MASK;
		EXPECT_PF(o, PF_WRITE, enclave_gva(&e, page));
	}
}

static void enclave_without_einit_eenter_gp(struct vm *vm)
{
	struct enclave e;

	enclave_add(&e, vm, 0, 0, SIGNER_A);
	EXPECT_GP(enter(&e, PAGE_TCS, EENTER));
}

/* Measured before, not to be changed after. */
static void enclave_after_einit_eadd_gp(struct vm *vm)
{
	struct enclave e;

	enclave_build(&e, vm, 0, 0);
	set_pageinfo(vm, enclave_gva(&e, PAGE_FREE), SOURCE_GPA, epc_gva(e.secs));
	set_secinfo(vm, SECINFO_REG | SGX_SECINFO_RWX);
	EXPECT_GP(vm_encls(vm, EADD, PAGEINFO_GPA, epc_gva(vm_epc_page(vm)), 0));
	EXPECT_GP(vm_encls(vm, EEXTEND, epc_gva(e.secs), enclave_epc(&e, PAGE_DATA), 0));
}

static void production_enclave_debug_access_gp(struct vm *vm)
{
	static const enum enclave_page pages[] = {PAGE_SECRET, PAGE_CODE, PAGE_SSA, PAGE_TCS};
	struct enclave e;

	enclave_build(&e, vm, 0, 0);
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		gva_t word = enclave_epc(&e, pages[i]) + 8;

		EXPECT_GP(vm_encls(vm, EDBGRD, 0, word, 0));
		EXPECT_GP(vm_encls(vm, EDBGWR, SGX_TCS_DBGOPTIN, word, 0));
	}
	EXPECT_PF(vm_encls(vm, EDBGRD, 0, epc_gva(e.secs), 0), PF_KERNEL & ~PFERR_WRITE_MASK,
		  epc_gva(e.secs));
}

/* The other way round, so that what was refused above would have shown something. */
static void debug_enclave_debug_access_done(struct vm *vm)
{
	struct enclave e;
	struct outcome o;

	enclave_build(&e, vm, 0, SGX_ATTR_DEBUG);
	EXPECT_DONE(enclave_call(&e, fn_store, enclave_gva(&e, PAGE_SECRET), 77));
	o = vm_encls(vm, EDBGRD, 0, enclave_epc(&e, PAGE_SECRET), 0);
	EXPECT_DONE(o);
	EXPECT(o.regs.rbx, 77);
	EXPECT_DONE(vm_encls(vm, EDBGWR, 78, enclave_epc(&e, PAGE_SECRET), 0));
	EXPECT(enclave_call(&e, fn_load, enclave_gva(&e, PAGE_SECRET), 0).regs.rdi, 78);
}

const struct attack entry_attacks[] = {
	ATTACK(thread_is_inside_eenter_gp),
	ATTACK(nothing_was_interrupted_eresume_gp),
	ATTACK(frames_are_used_up_eenter_gp),
	ATTACK(page_is_no_tcs_eenter_pf),
	ATTACK(enclave_without_einit_eenter_gp),
	ATTACK(enclave_after_einit_eadd_gp),
	ATTACK(production_enclave_debug_access_gp),
	ATTACK(debug_enclave_debug_access_done),
	{NULL, NULL},
};
