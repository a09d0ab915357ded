// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EWB", "ELDU", "EMODPR", "EACCEPT": the kernel holds pages and may not change them. */
#include "paging.h"

#include "report.h"

#include "lib/bits.h"

#include <string.h>

#define FIRST_WORD  UINT64_C(0x1111111111111111)
#define SECOND_WORD UINT64_C(0x2222222222222222)

gva_t add_va_page(struct vm *vm)
{
	gva_t va = epc_gva(vm_epc_page(vm));

	must(vm_encls(vm, EPA, SGX_PAGE_TYPE_VA, va, 0).vector == VECTOR_DONE);
	return va;
}

void block(const struct enclave *e, enum enclave_page page)
{
	struct outcome o = vm_encls(e->vm, EBLOCK, 0, enclave_epc(e, page), 0);

	must(o.vector == VECTOR_DONE && !o.regs.rax);
	o = vm_encls(e->vm, ETRACK, 0, epc_gva(e->secs), 0);
	must(o.vector == VECTOR_DONE && !o.regs.rax);
}

struct outcome write_back(const struct enclave *e, enum enclave_page page, unsigned int blob,
			  gva_t slot)
{
	set_pageinfo(e->vm, 0, BLOB_GPA(blob), 0)->secinfo = BLOB_GPA(blob) + SGX_PAGE_SIZE;
	return vm_encls(e->vm, EWB, PAGEINFO_GPA, enclave_epc(e, page), slot);
}

void evict(const struct enclave *e, enum enclave_page page, unsigned int blob, gva_t slot)
{
	struct outcome o;

	block(e, page);
	o = write_back(e, page, blob, slot);
	must(o.vector == VECTOR_DONE && !o.regs.rax);
}

struct outcome reload(struct vm *vm, const struct reload *r)
{
	set_pageinfo(vm, r->linaddr, BLOB_GPA(r->blob), r->secs)->secinfo =
		BLOB_GPA(r->blob) + SGX_PAGE_SIZE;
	return vm_encls(vm, ELDU, PAGEINFO_GPA, r->epc, r->slot);
}

/*
 * Blob 0 is the page as it was once, blob 1 as it is, blob 2 a copy of that to be spoiled, blob 3
 * another page.
 */
struct evicted {
	struct enclave e, other;
	gva_t va;
	struct reload good;
};

static void spoil_old_version(struct evicted *v, struct reload *r)
{
	(void)v;
	r->blob = 0;
}

static void spoil_old_version_and_slot(struct evicted *v, struct reload *r)
{
	r->blob = 0;
	r->slot = v->va;
}

static void spoil_slot_of_other_page(struct evicted *v, struct reload *r)
{
	r->slot = v->va + 24;
}

static void spoil_empty_slot(struct evicted *v, struct reload *r)
{
	r->slot = v->va + 4088;
}

static void spoil_address(struct evicted *v, struct reload *r)
{
	r->linaddr = enclave_gva(&v->e, PAGE_OTHER);
}

static void spoil_enclave(struct evicted *v, struct reload *r)
{
	r->secs = epc_gva(v->other.secs);
}

static void spoil_page(struct evicted *v, struct reload *r)
{
	(void)v;
	r->blob = 3;
}

static struct sgx_pcmd *copied_pcmd(struct evicted *v, struct reload *r)
{
	r->blob = 2;
	return vm_ram(v->e.vm, BLOB_GPA(2) + SGX_PAGE_SIZE);
}

static void spoil_mac(struct evicted *v, struct reload *r)
{
	copied_pcmd(v, r)->mac[15] ^= 0x80;
}

static void spoil_contents(struct evicted *v, struct reload *r)
{
	(void)copied_pcmd(v, r);
	*(uint8_t *)vm_ram(v->e.vm, BLOB_GPA(2) + 2048) ^= 1;
}

static void spoil_rights(struct evicted *v, struct reload *r)
{
	copied_pcmd(v, r)->secinfo.flags |= SGX_SECINFO_X;
}

static void spoil_type(struct evicted *v, struct reload *r)
{
	copied_pcmd(v, r)->secinfo.flags = SECINFO_PT(SGX_PAGE_TYPE_TCS);
}

static void spoil_state(struct evicted *v, struct reload *r)
{
	copied_pcmd(v, r)->secinfo.flags |= SGX_SECINFO_PENDING;
}

static void spoil_reserved(struct evicted *v, struct reload *r)
{
	copied_pcmd(v, r)->reserved[7] = 1;
}

static void evict_twice(struct evicted *v, struct vm *vm)
{
	gva_t gva;

	enclave_build(&v->e, vm, 0, 0);
	enclave_build(&v->other, vm, 1, 0);
	v->va = add_va_page(vm);
	gva = enclave_gva(&v->e, PAGE_DATA);
	v->good = (struct reload){enclave_epc(&v->e, PAGE_DATA), gva, epc_gva(v->e.secs), v->va, 0};
	EXPECT_DONE(enclave_call(&v->e, fn_store, gva, FIRST_WORD));
	evict(&v->e, PAGE_DATA, 0, v->va);
	EXPECT_CODE(reload(vm, &v->good), SGX_SUCCESS);
	EXPECT(enclave_call(&v->e, fn_load, gva, 0).regs.rdi, FIRST_WORD);
	EXPECT_DONE(enclave_call(&v->e, fn_store, gva, SECOND_WORD));
	v->good.slot += 8;
	v->good.blob = 1;
	evict(&v->e, PAGE_DATA, 1, v->good.slot);
	evict(&v->e, PAGE_OTHER, 3, v->va + 24);
}

static void page_comes_back_otherwise_mac_compare_fail(struct vm *vm)
{
	static const struct {
		const char *name;
		void (*spoil)(struct evicted *v, struct reload *r);
	} rows[] = {
		{"old version", spoil_old_version},
		{"old version and its slot", spoil_old_version_and_slot},
		{"slot of another page", spoil_slot_of_other_page},
		{"empty slot", spoil_empty_slot},
		{"other address", spoil_address},
		{"other enclave", spoil_enclave},
		{"other page", spoil_page},
		{"MAC", spoil_mac},
		{"contents", spoil_contents},
		{"rights", spoil_rights},
		{"type", spoil_type},
		{"state", spoil_state},
		{"reserved bytes", spoil_reserved},
	};
	struct evicted v;
	gva_t gva;

	evict_twice(&v, vm);
	gva = enclave_gva(&v.e, PAGE_DATA);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct reload r = v.good;
		struct outcome o;

		memcpy(vm_ram(vm, BLOB_GPA(2)), vm_ram(vm, BLOB_GPA(1)), BLOB_SIZE);
		rows[i].spoil(&v, &r);
		o = reload(vm, &r);
		expect_equal((uint64_t)o.vector, VECTOR_DONE, rows[i].name, __FILE__, __LINE__);
		expect_equal(o.regs.rax, SGX_MAC_COMPARE_FAIL, rows[i].name, __FILE__, __LINE__);
	}
	/* There is no page meanwhile; then the right one comes back once. */
	EXPECT_PF(enclave_call(&v.e, fn_load, gva, 0), PF_READ, gva);
	EXPECT_CODE(reload(vm, &v.good), SGX_SUCCESS);
	EXPECT(enclave_resume(&v.e).regs.rdi, SECOND_WORD);
	EXPECT_PF(reload(vm, &v.good), PF_KERNEL, v.good.epc);
	v.good.epc = epc_gva(vm_epc_page(vm));
	EXPECT_CODE(reload(vm, &v.good), SGX_MAC_COMPARE_FAIL);
}

/* A thread may have the translation still. */
static void page_in_use_ewb_not_tracked(struct vm *vm)
{
	struct enclave e;
	gva_t slot;

	enclave_build(&e, vm, 0, 0);
	slot = add_va_page(vm);
	EXPECT_CODE(write_back(&e, PAGE_DATA, 0, slot), SGX_PAGE_NOT_BLOCKED);
	enclave_stay(&e, PAGE_TCS2);
	block(&e, PAGE_DATA);
	EXPECT_CODE(write_back(&e, PAGE_DATA, 0, slot), SGX_NOT_TRACKED);
	EXPECT_CODE(vm_encls(vm, EREMOVE, 0, enclave_epc(&e, PAGE_OTHER), 0), SGX_ENCLAVE_ACT);
	EXPECT_DONE(enclave_leave());
	EXPECT_CODE(write_back(&e, PAGE_DATA, 0, slot), SGX_SUCCESS);
}

static struct outcome restrict_rights(struct enclave *e, enum enclave_page page, uint64_t rights)
{
	set_secinfo(e->vm, rights);
	return vm_encls(e->vm, EMODPR, SECINFO_GPA, enclave_epc(e, page), 0);
}

static void expect_accept(struct enclave *e, uint64_t flags, gva_t page, uint64_t code)
{
	struct outcome o = enclave_leaf(e, EACCEPT, flags, page);

	EXPECT_DONE(o);
	EXPECT(o.regs.rdi, code);
}

static void emodpr_asks_for_more_rights_none_come(struct vm *vm)
{
	const uint64_t rwx = SGX_SECINFO_RWX, changed = SECINFO_REG | SGX_SECINFO_PR;
	struct enclave e;
	gva_t page;

	enclave_build(&e, vm, 0, 0);
	page = enclave_gva(&e, PAGE_READ_ONLY);
	EXPECT_CODE(restrict_rights(&e, PAGE_READ_ONLY, rwx), SGX_SUCCESS);
	expect_accept(&e, changed | rwx, page, SGX_PAGE_ATTRIBUTES_MISMATCH);
	expect_accept(&e, changed | SECINFO_RW, page, SGX_PAGE_ATTRIBUTES_MISMATCH);
	expect_accept(&e, changed | SGX_SECINFO_R, page, SGX_NOT_TRACKED);
	EXPECT_CODE(vm_encls(vm, ETRACK, 0, epc_gva(e.secs), 0), SGX_SUCCESS);
	expect_accept(&e, changed | SGX_SECINFO_R, page, SGX_SUCCESS);
	EXPECT_PF(enclave_call(&e, fn_store, page, 1), PF_WRITE, page);
}

/* What the enclave did not ask for it sees, and what it has not accepted it cannot use. */
static void kernel_changes_page_eaccept_mismatch(struct vm *vm)
{
	const uint64_t pending = SECINFO_REG | SGX_SECINFO_PENDING;
	struct enclave e;
	gva_t page, data;

	enclave_build(&e, vm, 0, 0);
	page = enclave_gva(&e, PAGE_FREE);
	data = enclave_gva(&e, PAGE_DATA);
	enclave_augment(&e, PAGE_FREE);
	EXPECT_CODE(restrict_rights(&e, PAGE_DATA, SGX_SECINFO_R), SGX_SUCCESS);
	EXPECT_CODE(vm_encls(vm, ETRACK, 0, epc_gva(e.secs), 0), SGX_SUCCESS);
	expect_accept(&e, pending | SGX_SECINFO_R, page, SGX_PAGE_ATTRIBUTES_MISMATCH);
	expect_accept(&e, pending | SGX_SECINFO_RWX, page, SGX_PAGE_ATTRIBUTES_MISMATCH);
	expect_accept(&e, SECINFO_REG | SECINFO_RW | SGX_SECINFO_PR, data,
		      SGX_PAGE_ATTRIBUTES_MISMATCH);
	expect_accept(&e, pending | SECINFO_RW, data, SGX_PAGE_ATTRIBUTES_MISMATCH);
	EXPECT_PF(enclave_call(&e, fn_store, page, 1), PF_WRITE, page);
	EXPECT_PF(enclave_call(&e, fn_store, data, 1), PF_WRITE, data);
}

const struct attack paging_attacks[] = {
	ATTACK(page_comes_back_otherwise_mac_compare_fail),
	ATTACK(page_in_use_ewb_not_tracked),
	ATTACK(emodpr_asks_for_more_rights_none_come),
	ATTACK(kernel_changes_page_eaccept_mismatch),
	{NULL, NULL},
};
