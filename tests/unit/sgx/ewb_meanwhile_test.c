// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * EWB holds no page while it writes its outputs: what the host and other
 * processors may do meanwhile, and that no page is ever lost by it.
 */
#include "tests.h"

#include "paging_steps.h"

#include <errno.h>

static struct leaf_result run(struct fixture *f)
{
	return ewb(f, CHILD_PAGE, SLOT);
}

static unsigned int failing_write;

static void fail_write(struct fixture *f)
{
	f->embedder->host_error = f->cpus[0].writes == failing_write ? -EFAULT : 0;
}

/* The host may fail at each output: the page stays, and the leaf can be run again. */
static void ewb_output_memory_gone_host_error_and_page_kept(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	f->on_write = fail_write;
	for (unsigned int i = 1; i <= 3; i++) {
		struct leaf_result res;
		struct epcm_entry *e = epcm_of(f, CHILD_PAGE);
		uint64_t before = epcm_state(e);

		f->cpus[0].writes = 0;
		failing_write = i;
		f->expect_change = true;
		res = run(f);
		assert_int_equal(res.kind, LEAF_HOST_ERROR);
		assert_int_equal(res.value, -EFAULT);
		assert_int_equal(epcm_state(e), before);
		assert_int_equal(epcm_of(f, SECS_PAGE)->children, 1);
		assert_int_equal(slot_value(f, VA_PAGE, SLOT), 0);
		f->embedder->host_error = 0;
	}
	failing_write = 0;
	expect_code(run(f), SGX_SUCCESS);
	expect_code(eldu(f, CHILD_PAGE, epc_gva(SECS_PAGE), SLOT), SGX_SUCCESS);
}

static void restrict_page(struct fixture *f)
{
	if (f->cpus[0].writes == 2)
		change_state(f, CHILD_PAGE, EPCM_W, EPCM_PR);
}

/* As EMODPR does under its shared lock: the blob has the new permissions. */
static void ewb_state_changed_meanwhile_is_sealed_again(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	secs_of(epcm_of(f, SECS_PAGE))->attributes &= ~SGX_ATTR_DEBUG;
	f->on_write = restrict_page;
	expect_code(run(f), SGX_SUCCESS);
	assert_int_equal(f->cpus[0].writes, 6);
	assert_int_equal(pcmd(f)->secinfo.flags, EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_PR);
	assert_int_equal(slot_value(f, VA_PAGE, SLOT), 2);
	expect_code(eldu(f, CHILD_PAGE, epc_gva(SECS_PAGE), SLOT), SGX_SUCCESS);
}

static void write_page(struct fixture *f)
{
	if (f->cpus[0].writes == 3)
		((uint8_t *)epc_ptr(f, CHILD_PAGE))[4095] = 0xab;
}

/* As EDBGWR does under its shared lock: the blob has the new contents. */
static void ewb_contents_changed_meanwhile_are_sealed_again(void **state)
{
	struct fixture *f = *state;
	uint8_t expected[SGX_PAGE_SIZE];

	make_evictable_child(f);
	memcpy(expected, epc_ptr(f, CHILD_PAGE), sizeof(expected));
	expected[4095] = 0xab;
	f->on_write = write_page;
	expect_code(run(f), SGX_SUCCESS);
	assert_int_equal(f->cpus[0].writes, 6);
	expect_code(eldu(f, CHILD_PAGE, epc_gva(SECS_PAGE), SLOT), SGX_SUCCESS);
	assert_memory_equal(epc_ptr(f, CHILD_PAGE), expected, sizeof(expected));
}

/* The same page, but with another owner: it was evicted and loaded in between. */
static void evict_and_reload(struct fixture *f)
{
	const gva_t info = ram_gva(10), slot = slot_gva(VA_PAGE, 100);
	struct sgx_pageinfo *p = ram_ptr(f, info);
	void (*hook)(struct fixture * f) = f->on_write;

	if (f->cpus[0].writes != 1)
		return;
	f->on_write = NULL;
	*p = (struct sgx_pageinfo){.srcpge = ram_gva(11), .secinfo = info + 128};
	expect_code(other_encls(f, 1, EWB, info, epc_gva(CHILD_PAGE), slot), SGX_SUCCESS);
	p->secs = epc_gva(SECS_PAGE);
	expect_code(other_encls(f, 1, ELDB, info, epc_gva(CHILD_PAGE), slot), SGX_SUCCESS);
	expect_code(other_encls(f, 1, ETRACK, 0, epc_gva(SECS_PAGE), 0), SGX_SUCCESS);
	f->on_write = hook;
}

static void ewb_page_replaced_meanwhile_is_sealed_again(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	f->on_write = evict_and_reload;
	expect_code(run(f), SGX_SUCCESS);
	assert_int_equal(slot_value(f, VA_PAGE, SLOT), 3);
	expect_code(eldu(f, CHILD_PAGE, epc_gva(SECS_PAGE), SLOT), SGX_SUCCESS);
}

/* No leaf can change the contents of a page that is nobody's to debug. */
static void ewb_page_of_production_enclave_is_written_once(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	secs_of(epcm_of(f, SECS_PAGE))->attributes &= ~SGX_ATTR_DEBUG;
	expect_code(run(f), SGX_SUCCESS);
	assert_int_equal(f->cpus[0].writes, 3);
	expect_code(eldu(f, CHILD_PAGE, epc_gva(SECS_PAGE), SLOT), SGX_SUCCESS);
	fill_page(f, 20, 1);
	assert_memory_equal(epc_ptr(f, CHILD_PAGE), epc_ptr(f, 20), SGX_PAGE_SIZE);
}

static void remove_child(struct fixture *f)
{
	expect_code(other_encls(f, 1, EREMOVE, 0, epc_gva(CHILD_PAGE), 0), SGX_SUCCESS);
}

static void ewb_page_removed_meanwhile_sgx_pf(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	f->on_write = remove_child;
	f->expect_change = true;
	expect_pfx(run(f), epc_gva(CHILD_PAGE), ENCLS_WRITE);
	assert_int_equal(slot_value(f, VA_PAGE, SLOT), 0);
}

static void remove_va_page(struct fixture *f)
{
	expect_code(other_encls(f, 1, EREMOVE, 0, epc_gva(VA_PAGE), 0), SGX_SUCCESS);
}

static void ewb_va_page_removed_meanwhile_sgx_pf_and_page_kept(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	f->on_write = remove_va_page;
	f->expect_change = true;
	expect_pfx(run(f), slot_gva(VA_PAGE, SLOT), ENCLS_WRITE);
	assert_true(epcm_is_valid(epcm_state(epcm_of(f, CHILD_PAGE))));
	assert_int_equal(epcm_of(f, SECS_PAGE)->children, 1);
}

static void add_child_by_other(struct fixture *f)
{
	const gva_t info = ram_gva(10);
	struct sgx_pageinfo *p = ram_ptr(f, info);
	struct sgx_secinfo *s = ram_ptr(f, info + 64);

	if (f->cpus[0].writes != 1)
		return;
	*p = (struct sgx_pageinfo){.linaddr = CHILD_GVA,
				   .srcpge = ram_gva(11),
				   .secinfo = info + 64,
				   .secs = epc_gva(SECS_PAGE)};
	s->flags = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R;
	expect_ok(other_encls(f, 1, EADD, info, epc_gva(CHILD_PAGE), 0));
}

static void ewb_secs_gets_child_meanwhile_child_present(void **state)
{
	struct fixture *f = *state;

	make_secs(f, SECS_PAGE, ENCLAVE_BASE);
	make_va(f, VA_PAGE);
	set_eviction(f);
	f->on_write = add_child_by_other;
	f->expect_change = true;
	expect_code(ewb(f, SECS_PAGE, SLOT), SGX_CHILD_PRESENT);
	assert_true(epcm_is(epcm_state(epcm_of(f, SECS_PAGE)), SGX_PAGE_TYPE_SECS));
}

static void use_slot_of_target(struct fixture *f)
{
	if (f->cpus[0].writes == 1)
		((struct sgx_va_page *)epc_ptr(f, 41))->slot[9] = 1234;
}

/* A version that goes into a VA page under its shared lock travels with the page. */
static void ewb_va_page_used_meanwhile_keeps_version(void **state)
{
	struct fixture *f = *state;

	make_va(f, VA_PAGE);
	make_va(f, 41);
	set_eviction(f);
	f->on_write = use_slot_of_target;
	expect_code(ewb(f, 41, SLOT), SGX_SUCCESS);
	f->on_write = NULL;
	expect_code(eldu(f, 41, 0, SLOT), SGX_SUCCESS);
	assert_int_equal(slot_value(f, 41, 9), 1234);
}

static void keep_changing(struct fixture *f)
{
	((uint8_t *)epc_ptr(f, CHILD_PAGE))[0]++;
}

static void ewb_page_never_still_gp_and_page_kept(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	f->on_write = keep_changing;
	f->expect_change = true;
	expect_gp(run(f));
	expect_refused_by(f, "EWB_ATTEMPTS");
	assert_true(epcm_is_valid(epcm_state(epcm_of(f, CHILD_PAGE))));
	assert_int_equal(epcm_of(f, CHILD_PAGE)->lock, 0);
	assert_int_equal(slot_value(f, VA_PAGE, SLOT), 0);
	f->on_write = NULL;
	set_eviction(f);
	expect_code(run(f), SGX_SUCCESS);
}

const struct CMUnitTest ewb_meanwhile_tests[] = {
	sgx_test(ewb_output_memory_gone_host_error_and_page_kept),
	sgx_test(ewb_state_changed_meanwhile_is_sealed_again),
	sgx_test(ewb_contents_changed_meanwhile_are_sealed_again),
	sgx_test(ewb_page_replaced_meanwhile_is_sealed_again),
	sgx_test(ewb_page_of_production_enclave_is_written_once),
	sgx_test(ewb_page_removed_meanwhile_sgx_pf),
	sgx_test(ewb_va_page_removed_meanwhile_sgx_pf_and_page_kept),
	sgx_test(ewb_secs_gets_child_meanwhile_child_present),
	sgx_test(ewb_va_page_used_meanwhile_keeps_version),
	sgx_test(ewb_page_never_still_gp_and_page_kept),
};
const size_t ewb_meanwhile_test_count = ARRAY_SIZE(ewb_meanwhile_tests);
