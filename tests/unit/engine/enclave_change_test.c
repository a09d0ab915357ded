// SPDX-License-Identifier: GPL-2.0-or-later
/* Translations of EPC pages and what changes these: stores, EACCEPTCOPY, EREMOVE, EWB. */
#include "enclave_tests.h"

struct function {
	uint8_t bytes[6];
};

/* mov edi, @value; ret */
static struct function returns(uint8_t value)
{
	return (struct function){{0xbf, value, 0, 0, 0, 0xc3}};
}

static void run_written_code_sees_each_change(void **state)
{
	struct enclave_fixture *f = *state;

	for (unsigned int i = 1; i <= 20; i++) {
		struct function code = returns((uint8_t)i);

		assert_int_equal(expect_return(f, run_inside(f, &code, sizeof(code))), i);
	}
}

/* The store lies before the bytes that it changes, in the block that is running. */
static void store_into_own_block_is_seen(void **state)
{
	struct enclave_fixture *f = *state;
	static const uint8_t code[] = {
		0xc6, 0x05, 0x01, 0x00, 0x00, 0x00, 0x55, /* mov byte [rip + 1], 0x55 */
		0xbf, 0x11, 0x00, 0x00, 0x00, 0xc3,       /* mov edi, 0x11; ret */
	};

	assert_int_equal(expect_return(f, run_inside(f, code, sizeof(code))), 0x55);
	assert_int_equal(expect_return(f, run_inside(f, code, sizeof(code))), 0x55);
}

/* The enclave's word for the page of written code, then EAUG and EACCEPTCOPY of it. */
static void augment(struct enclave_fixture *f, uint8_t value)
{
	const uint64_t reg = EPCM_PT(SGX_PAGE_TYPE_REG);
	const struct sgx_pageinfo pageinfo = {
		.linaddr = ENCLAVE_GVA(HOLE_PAGE),
		.secs = machine_epc_gva(SECS_PAGE),
	};
	struct function code = returns(value);

	memcpy(ram_ptr(f, DATA_GVA), &code, sizeof(code));
	expect_return(f, ecall(f, fn_write, DATA_GVA, 0));
	memcpy(ram_ptr(f, RAM_GVA), &pageinfo, sizeof(pageinfo));
	encls_done(f, EAUG, RAM_GVA, machine_epc_gva(HOLE_PAGE), 0);
	assert_int_equal(expect_return(f, ecall(f, fn_accept_copy, ENCLAVE_GVA(HOLE_PAGE),
						reg | EPCM_R | EPCM_W | EPCM_X)),
			 0);
}

static void remove_hole(struct enclave_fixture *f)
{
	const uint64_t trim = EPCM_PT(SGX_PAGE_TYPE_TRIM);

	encls_done(f, EMODT, set_secinfo(f, trim), machine_epc_gva(HOLE_PAGE), 0);
	encls_done(f, ETRACK, 0, machine_epc_gva(SECS_PAGE), 0);
	assert_int_equal(
		expect_return(f, ecall(f, fn_accept, ENCLAVE_GVA(HOLE_PAGE), trim | EPCM_MODIFIED)),
		0);
	encls_done(f, EREMOVE, 0, machine_epc_gva(HOLE_PAGE), 0);
}

/* The same EPC page at the same address, with another page's bytes. */
static void page_removed_and_added_again_is_translated_again(void **state)
{
	struct enclave_fixture *f = *state;

	for (uint8_t i = 1; i <= 3; i++) {
		unsigned int changes;

		augment(f, i);
		assert_int_equal(expect_return(f, ecall(f, fn_call, ENCLAVE_GVA(HOLE_PAGE), 0)), i);
		changes = f->sgx.changes;
		remove_hole(f);
		assert_true(f->sgx.changes > changes);
	}
}

/* The permission is asked at each way into the page, not only at its translation. */
static void restricted_page_no_longer_executes(void **state)
{
	struct enclave_fixture *f = *state;
	struct function code = returns(7);
	struct machine_trap trap;

	expect_return(f, run_inside(f, &code, sizeof(code)));
	encls_done(f, EMODPR, set_secinfo(f, EPCM_R), machine_epc_gva(WRITTEN_PAGE), 0);
	trap = ecall(f, fn_call, ENCLAVE_GVA(WRITTEN_PAGE), 0);
	expect_aex(f, &trap, PF_VECTOR);
	assert_int_equal(trap.error_code, 0x8015);
	expect_saved_rip(f, ENCLAVE_GVA(WRITTEN_PAGE));
}

/* Likewise for data: the entry has written the page already, and may not do so any more. */
static void restricted_page_is_no_longer_written(void **state)
{
	struct enclave_fixture *f = *state;
	const gva_t cell = ENCLAVE_GVA(WRITTEN_PAGE) + 0x200;
	struct machine_trap trap;

	expect_return(f, ecall(f, fn_store, cell, 1));
	encls_done(f, EMODPR, set_secinfo(f, EPCM_R), machine_epc_gva(WRITTEN_PAGE), 0);
	encls_done(f, ETRACK, 0, machine_epc_gva(SECS_PAGE), 0);
	assert_int_equal(expect_return(f, ecall(f, fn_accept, ENCLAVE_GVA(WRITTEN_PAGE),
						EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_PR)),
			 0);
	trap = ecall(f, fn_store, cell, 2);
	expect_aex(f, &trap, PF_VECTOR);
	assert_int_equal(trap.error_code, 0x8007);
}

static void code_changed_by_host_is_translated_again(void **state)
{
	struct enclave_fixture *f = *state;
	struct function code = returns(7);

	expect_return(f, run_inside(f, &code, sizeof(code)));
	((uint8_t *)machine_epc_ptr(&f->sgx, WRITTEN_PAGE))[1] = 9;
	engine_code_changed(machine_epc_ptr(&f->sgx, WRITTEN_PAGE));
	assert_int_equal(expect_return(f, ecall(f, fn_call, ENCLAVE_GVA(WRITTEN_PAGE), 0)), 9);
}

/* A function at the end of a page: its instruction goes on in the next one. */
static void instruction_across_pages_follows_second_page(void **state)
{
	struct enclave_fixture *f = *state;
	/* Page by page: the written code's last bytes begin what the hole's first ones end. */
	augment(f, 0);
	for (uint64_t i = 1; i <= 2; i++) {
		uint64_t head = UINT64_C(0xbf) << 56; /* ........ mov edi, */
		uint64_t tail = UINT64_C(0xc300000000) | i;

		expect_return(f, ecall(f, fn_store, ENCLAVE_GVA(HOLE_PAGE) - 8, head));
		expect_return(f, ecall(f, fn_store, ENCLAVE_GVA(HOLE_PAGE), tail));
		assert_int_equal(expect_return(f, ecall(f, fn_call, ENCLAVE_GVA(HOLE_PAGE) - 1, 0)),
				 i);
	}
}

static void change_first_page(struct machine_sgx *sgx, uint64_t offset)
{
	uint8_t *page = machine_epc_ptr(sgx, WRITTEN_PAGE);

	if (offset != HOLE_PAGE * SGX_PAGE_SIZE)
		return;
	sgx->on_lookup = NULL;
	page[SGX_PAGE_SIZE - 1] = 2;
	engine_code_changed(page);
}

/* The first page changes when its bytes have been read already, and the second not yet. */
static void change_during_translation_is_not_lost(void **state)
{
	struct enclave_fixture *f = *state;
	const gva_t function = ENCLAVE_GVA(HOLE_PAGE) - 2;

	augment(f, 0);
	expect_return(f, ecall(f, fn_store, function - 6, UINT64_C(0x01bf) << 48));
	expect_return(f, ecall(f, fn_store, function + 2, 0xc3000000));
	f->sgx.on_lookup = change_first_page;
	assert_int_equal(expect_return(f, ecall(f, fn_call, function, 0)), 2);
	assert_null(f->sgx.on_lookup);
	assert_int_equal(expect_return(f, ecall(f, fn_call, function, 0)), 2);
}

/* What has not been accepted is not executed either. */
static void instruction_across_end_of_page_without_execute_pf(void **state)
{
	struct enclave_fixture *f = *state;
	struct machine_trap trap;

	expect_return(f, ecall(f, fn_store, ENCLAVE_GVA(HOLE_PAGE) - 8, UINT64_C(0xbf) << 56));
	trap = ecall(f, fn_call, ENCLAVE_GVA(HOLE_PAGE) - 1, 0);
	expect_aex(f, &trap, PF_VECTOR);
	assert_int_equal(trap.error_code, 0x8015);
	assert_int_equal(f->state->cr2, ENCLAVE_GVA(HOLE_PAGE));
	expect_saved_rip(f, ENCLAVE_GVA(HOLE_PAGE) - 1);
}

const struct CMUnitTest enclave_change_tests[] = {
	ENCLAVE_TEST(run_written_code_sees_each_change),
	ENCLAVE_TEST(store_into_own_block_is_seen),
	ENCLAVE_TEST(page_removed_and_added_again_is_translated_again),
	ENCLAVE_TEST(restricted_page_no_longer_executes),
	ENCLAVE_TEST(restricted_page_is_no_longer_written),
	ENCLAVE_TEST(code_changed_by_host_is_translated_again),
	ENCLAVE_TEST(change_during_translation_is_not_lost),
	ENCLAVE_TEST(instruction_across_pages_follows_second_page),
	ENCLAVE_TEST(instruction_across_end_of_page_without_execute_pf),
};
const size_t enclave_change_test_count = ARRAY_SIZE(enclave_change_tests);
