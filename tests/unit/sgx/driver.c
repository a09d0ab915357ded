// SPDX-License-Identifier: GPL-2.0-or-later
#include "driver.h"

#include <stdlib.h>

#define MEASURED true

static unsigned int current_cpu(const struct fixture *f)
{
	return (unsigned int)((const struct embedder_cpu *)f->cpu - f->cpus);
}

static unsigned int enter_kernel(struct fixture *f)
{
	unsigned int user = current_cpu(f);

	use_cpu(f, KERNEL_CPU);
	return user;
}

struct leaf_result kernel(struct fixture *f, uint32_t leaf, uint64_t rbx, uint64_t rcx,
			  uint64_t rdx)
{
	unsigned int user = enter_kernel(f);
	struct leaf_result res = encls(f, leaf, rbx, rcx, rdx);

	use_cpu(f, user);
	return res;
}

void kernel_interrupts_all(struct driver *d)
{
	for (unsigned int i = 0; i < FIXTURE_CPUS; i++) {
		struct sgx_event interrupt = {.type = SGX_EVENT_INTERRUPT};

		if (!sgx_in_enclave(&d->f->cpus[i].cpu))
			continue;
		sgx_aex(&d->f->cpus[i].cpu, &interrupt);
		d->interrupts++;
	}
}

static struct driver *driver_new(struct fixture *f)
{
	struct driver *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	d->f = f;
	for (unsigned int i = 0; i < DRIVER_PAGES; i++)
		d->page[i] = NO_PAGE;
	return d;
}

int driver_setup(void **state)
{
	void *fixture;

	fixture_setup(&fixture);
	*state = driver_new(fixture);
	return 0;
}

int driver_teardown(void **state)
{
	struct driver *d = *state;
	void *fixture = d->f;

	free(d);
	return fixture_teardown(&fixture);
}

struct driver *driver_second(struct driver *first)
{
	struct driver *d = driver_new(first->f);

	d->next_page = first->next_page;
	return d;
}

static bool is_free(struct fixture *f, unsigned int page)
{
	return !epcm_is_valid(epcm_state(epcm_of(f, page)));
}

static bool take_free_page(struct driver *d, unsigned int *page)
{
	for (unsigned int i = 0; i < FIXTURE_EPC_PAGES; i++) {
		*page = d->next_page++ % FIXTURE_EPC_PAGES;
		if (is_free(d->f, *page))
			return true;
	}
	return false;
}

unsigned int driver_free_page(struct driver *d)
{
	unsigned int page, victim;

	while (!take_free_page(d, &page)) {
		do
			victim = d->next_victim++ % DRIVER_PAGES;
		while (d->page[victim] == NO_PAGE);
		driver_page_out(d, victim);
	}
	return page;
}

gva_t page_gva(const struct driver *d, unsigned int index)
{
	return d->plan.base + PAGES(index);
}

gva_t page_epc(const struct driver *d, unsigned int index)
{
	assert_int_not_equal(d->page[index], NO_PAGE);
	return epc_gva((unsigned int)d->page[index]);
}

uint64_t page_state(const struct driver *d, unsigned int index)
{
	return epcm_state(epcm_of(d->f, (unsigned int)d->page[index])) & EPCM_FLAGS_MASK;
}

void *page_ptr(const struct driver *d, unsigned int index)
{
	return epc_ptr(d->f, (unsigned int)d->page[index]);
}

struct sgx_tcs *tcs_ptr(const struct driver *d, unsigned int index)
{
	return page_ptr(d, index);
}

uint64_t heap_word(unsigned int index)
{
	return UINT64_C(0x9e3779b97f4a7c15) * (index + 1);
}

static void set_plan(struct driver *d, const struct plan *plan)
{
	d->plan = *plan;
	d->plan.base = plan->base ? plan->base : DRIVER_BASE;
	d->plan.pages = plan->pages ? plan->pages : 64;
	d->plan.nssa = plan->nssa ? plan->nssa : 1;
}

void driver_create(struct driver *d, const struct plan *plan)
{
	struct fixture *f = d->f;
	struct sgx_secs *secs;

	set_plan(d, plan);
	d->va = driver_free_page(d);
	expect_ok(kernel(f, EPA, SGX_PAGE_TYPE_VA, epc_gva(d->va), 0));
	d->secs = driver_free_page(d);
	secs = source_secs(f, d->plan.base, PAGES(d->plan.pages));
	secs->attributes = SGX_ATTR_MODE64BIT | d->plan.attributes;
	secs->miscselect = d->plan.miscselect;
	set_pageinfo(f, 0, 0, EPCM_PT(SGX_PAGE_TYPE_SECS));
	expect_ok(kernel(f, ECREATE, PAGEINFO_GVA, epc_gva(d->secs), 0));
}

/* EADD of the source page to @page, and 16 EEXTENDs. */
static void add(struct driver *d, unsigned int index, unsigned int page, uint64_t flags,
		bool measured)
{
	set_pageinfo(d->f, page_gva(d, index), epc_gva(d->secs), flags);
	expect_ok(kernel(d->f, EADD, PAGEINFO_GVA, epc_gva(page), 0));
	d->page[index] = (int)page;
	for (gva_t i = 0; measured && i < SGX_PAGE_SIZE; i += SGX_CHUNK_SIZE)
		expect_ok(kernel(d->f, EEXTEND, epc_gva(d->secs), epc_gva(page) + i, 0));
}

void driver_add_tcs(struct driver *d, unsigned int index, unsigned int ssa)
{
	unsigned int page = driver_free_page(d);
	struct sgx_tcs *tcs = source_tcs(d->f, PAGES(ssa), d->plan.nssa);

	tcs->oentry = PAGES(CODE);
	tcs->flags = d->plan.tcs_flags;
	add(d, index, page, EPCM_PT(SGX_PAGE_TYPE_TCS), MEASURED);
}

void driver_add(struct driver *d, unsigned int index, uint64_t rwx, uint8_t fill)
{
	/* It may page out, through the source page. */
	unsigned int page = driver_free_page(d);

	memset(ram_ptr(d->f, SRC_GVA), fill, SGX_PAGE_SIZE);
	add(d, index, page, EPCM_PT(SGX_PAGE_TYPE_REG) | rwx, MEASURED);
}

void driver_add_heap(struct driver *d, unsigned int index)
{
	const uint64_t word = heap_word(index);
	unsigned int page = driver_free_page(d);

	memset(ram_ptr(d->f, SRC_GVA), (uint8_t)index, SGX_PAGE_SIZE);
	memcpy(ram_ptr(d->f, SRC_GVA), &word, sizeof(word));
	add(d, index, page, EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W, !MEASURED);
}

void driver_add_all(struct driver *d)
{
	driver_add_tcs(d, TCS1, SSA1);
	driver_add_tcs(d, TCS2, SSA2);
	for (unsigned int i = SSA1; i < CODE; i++)
		driver_add(d, i, EPCM_R | EPCM_W, 0);
	driver_add(d, CODE, EPCM_R | EPCM_X, (uint8_t)(0xc3 ^ d->plan.fill));
	driver_add(d, DATA, EPCM_R | EPCM_W, d->plan.fill);
	for (unsigned int i = HEAP; i < HEAP + d->plan.heap; i++)
		driver_add_heap(d, i);
}

void driver_sign(struct driver *d)
{
	describe_enclave(d->f, d->secs, sigstruct(d->f));
	sign(sigstruct(d->f), d->plan.signer);
	memset(einittoken(d->f), 0, sizeof(struct sgx_einittoken));
	trust_signer(d->f, d->plan.signer);
}

struct leaf_result driver_einit(struct driver *d)
{
	return kernel(d->f, EINIT, SIGSTRUCT_GVA, epc_gva(d->secs), EINITTOKEN_GVA);
}

void driver_build(struct driver *d, const struct plan *plan)
{
	driver_create(d, plan);
	driver_add_all(d);
	driver_sign(d);
	expect_code(driver_einit(d), SGX_SUCCESS);
}

static bool augment(struct driver *d, unsigned int index)
{
	const struct sgx_secs *secs = epc_ptr(d->f, d->secs);
	unsigned int page;

	if (!(secs->attributes & SGX_ATTR_INIT))
		return false;
	page = driver_free_page(d);
	*pageinfo(d->f) = (struct sgx_pageinfo){
		.linaddr = page_gva(d, index),
		.secs = epc_gva(d->secs),
	};
	expect_ok(kernel(d->f, EAUG, PAGEINFO_GVA, epc_gva(page), 0));
	d->page[index] = (int)page;
	return true;
}

bool driver_fault(struct driver *d, const struct x86_exception *fault)
{
	const uint64_t index = (fault->address - d->plan.base) / SGX_PAGE_SIZE;

	/* What lies behind a present entry is not for the kernel to mend. */
	if (fault->vector != PF_VECTOR ||
	    (fault->error_code & (PFERR_PRESENT_MASK | PFERR_SGX_MASK)))
		return false;
	if (fault->address < d->plan.base || index >= d->plan.pages)
		return false;
	if (d->swapped[index])
		driver_page_in(d, (unsigned int)index);
	else if (d->page[index] == NO_PAGE && !augment(d, (unsigned int)index))
		return false;
	map_epc(d->f, page_gva(d, (unsigned int)index), (unsigned int)d->page[index], PTE_ALL);
	return true;
}

/* EWB until it succeeds, with what the kernel does after the first and the second refusal. */
static void write_back(struct driver *d, gva_t epc, unsigned int slot)
{
	struct leaf_result res;

	for (unsigned int refusals = 0;; refusals++) {
		set_eviction(d->f);
		res = kernel(d->f, EWB, PAGEINFO_GVA, epc, slot_gva(d->va, slot));
		if (res.kind == LEAF_CODE && !res.value)
			return;
		expect_code(res, SGX_NOT_TRACKED);
		assert_in_range(refusals, 0, 1);
		d->not_tracked++;
		if (!refusals)
			expect_code(kernel(d->f, ETRACK, 0, epc_gva(d->secs), 0), SGX_SUCCESS);
		else
			kernel_interrupts_all(d);
	}
}

void driver_page_out(struct driver *d, unsigned int index)
{
	const gva_t epc = page_epc(d, index);

	unmap(d->f, page_gva(d, index));
	expect_code(kernel(d->f, EBLOCK, 0, epc, 0), SGX_SUCCESS);
	write_back(d, epc, index);
	keep_blob(d->f, &d->blob[index]);
	assert_int_equal(pageinfo(d->f)->linaddr, page_gva(d, index));
	assert_int_not_equal(slot_value(d->f, d->va, index), 0);
	expect_code(kernel(d->f, EREMOVE, 0, epc, 0), SGX_SUCCESS);
	d->page[index] = NO_PAGE;
	d->swapped[index] = true;
}

void driver_page_in(struct driver *d, unsigned int index)
{
	unsigned int page = driver_free_page(d);

	use_blob(d->f, &d->blob[index]);
	pageinfo(d->f)->secs = epc_gva(d->secs);
	expect_code(kernel(d->f, ELDU, PAGEINFO_GVA, epc_gva(page), slot_gva(d->va, index)),
		    SGX_SUCCESS);
	assert_int_equal(slot_value(d->f, d->va, index), 0);
	d->page[index] = (int)page;
	d->swapped[index] = false;
}

void driver_evict_root(struct driver *d, unsigned int page, unsigned int va, unsigned int slot,
		       struct blob *blob)
{
	set_eviction(d->f);
	expect_code(kernel(d->f, EWB, PAGEINFO_GVA, epc_gva(page), slot_gva(va, slot)),
		    SGX_SUCCESS);
	keep_blob(d->f, blob);
	expect_code(kernel(d->f, EREMOVE, 0, epc_gva(page), 0), SGX_SUCCESS);
}

unsigned int driver_load_root(struct driver *d, unsigned int va, unsigned int slot,
			      const struct blob *blob)
{
	unsigned int page = driver_free_page(d);

	use_blob(d->f, blob);
	pageinfo(d->f)->secs = 0;
	expect_code(kernel(d->f, ELDU, PAGEINFO_GVA, epc_gva(page), slot_gva(va, slot)),
		    SGX_SUCCESS);
	assert_int_equal(slot_value(d->f, va, slot), 0);
	return page;
}

struct leaf_result driver_emodpr(struct driver *d, unsigned int index, uint64_t rwx)
{
	/* The kernel leaves the page type 0. */
	*secinfo(d->f) = (struct sgx_secinfo){.flags = rwx};
	return kernel(d->f, EMODPR, SECINFO_GVA, page_epc(d, index), 0);
}

struct leaf_result driver_emodt(struct driver *d, unsigned int index, enum sgx_page_type pt)
{
	if (d->swapped[index])
		driver_page_in(d, index);
	*secinfo(d->f) = (struct sgx_secinfo){.flags = EPCM_PT(pt)};
	return kernel(d->f, EMODT, SECINFO_GVA, page_epc(d, index), 0);
}

void driver_track(struct driver *d)
{
	expect_code(kernel(d->f, ETRACK, 0, epc_gva(d->secs), 0), SGX_SUCCESS);
	kernel_interrupts_all(d);
}

void driver_remove(struct driver *d, unsigned int index)
{
	if (d->swapped[index])
		driver_page_in(d, index);
	expect_pf(driver_emodpr(d, index, EPCM_RWX), page_epc(d, index), 0x8003);
	unmap(d->f, page_gva(d, index));
	expect_code(kernel(d->f, EREMOVE, 0, page_epc(d, index), 0), SGX_SUCCESS);
	assert_true(is_free(d->f, (unsigned int)d->page[index]));
	d->page[index] = NO_PAGE;
}

void driver_remove_all(struct driver *d)
{
	for (unsigned int i = 0; i < DRIVER_PAGES; i++) {
		if (d->page[i] == NO_PAGE)
			continue;
		expect_code(kernel(d->f, EREMOVE, 0, page_epc(d, i), 0), SGX_SUCCESS);
		d->page[i] = NO_PAGE;
	}
	expect_code(kernel(d->f, EREMOVE, 0, epc_gva(d->secs), 0), SGX_SUCCESS);
	expect_code(kernel(d->f, EREMOVE, 0, epc_gva(d->va), 0), SGX_SUCCESS);
}

void assert_epc_free(struct fixture *f)
{
	for (unsigned int i = 0; i < FIXTURE_EPC_PAGES; i++) {
		assert_int_equal(epcm_state(epcm_of(f, i)), 0);
		assert_int_equal(atomic_load(&epcm_of(f, i)->lock), 0);
	}
}
