// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Linux' sgx_alloc_epc_page() and sgx_free_epc_page(): the node that is wanted first, and no
 * page twice. EXCLAVE_EPC in host_main.c gives node 0 twelve pages and node 1 four.
 */
#include "machine.h"

#include "lib/bits.h"

#include <errno.h>

#define ALL 16

static struct epc_pool *pool(void)
{
	return &machine()->pool;
}

static unsigned int node_of(hpa_t hpa)
{
	const struct epc *epc = &machine()->platform.epc;

	for (unsigned int i = 0; i < epc->section_count; i++)
		if (hpa - epc->sections[i].base < epc->sections[i].size)
			return epc->sections[i].node;
	fail();
	return 0;
}

static void take_is_on_wanted_node_then_elsewhere(void **state)
{
	hpa_t hpa[ALL], other;

	(void)state;
	assert_int_equal(free_pages(), ALL);
	for (unsigned int i = 0; i < ALL; i++) {
		assert_int_equal(epc_pool_take(pool(), 1, false, &hpa[i]), 0);
		assert_int_equal(node_of(hpa[i]), i < 4 ? 1 : 0);
		for (unsigned int j = 0; j < i; j++)
			assert_true(hpa[i] != hpa[j]);
	}
	assert_int_equal(epc_pool_take(pool(), 1, false, &other), -ENOMEM);
	assert_int_equal(epc_pool_take(pool(), 0, false, &other), -ENOMEM);
	for (unsigned int i = 0; i < ALL; i++)
		epc_pool_give(pool(), hpa[i]);
	assert_int_equal(free_pages(), ALL);
	/* A node that is not there is any node. */
	assert_int_equal(epc_pool_take(pool(), 7, false, &other), 0);
	epc_pool_give(pool(), other);
}

static void reserved_pages_are_kept_for_their_owner(void **state)
{
	hpa_t hpa, others[ALL];

	(void)state;
	assert_int_equal(epc_pool_reserve(pool(), ALL + 1), -ENOMEM);
	assert_int_equal(epc_pool_reserve(pool(), ALL - 2), 0);
	assert_int_equal(epc_pool_reserve(pool(), 3), -ENOMEM);
	assert_int_equal(epc_pool_take(pool(), 0, false, &others[0]), 0);
	assert_int_equal(epc_pool_take(pool(), 0, false, &others[1]), 0);
	assert_int_equal(epc_pool_take(pool(), 0, false, &hpa), -ENOMEM);
	assert_int_equal(epc_pool_take(pool(), 0, true, &hpa), 0);
	assert_int_equal(epc_pool_counters(pool()).reserved, ALL - 3);
	epc_pool_unreserve(pool(), ALL - 3);
	epc_pool_give(pool(), hpa);
	epc_pool_give(pool(), others[0]);
	epc_pool_give(pool(), others[1]);
	assert_int_equal(epc_pool_counters(pool()).reserved, 0);
}

/* Patch "wipe out EREMOVE from sgx_free_epc_page": what comes back in use is never reused. */
static void page_that_is_still_valid_is_leaked(void **state)
{
	struct epc_pool_counters before = epc_pool_counters(pool());
	hpa_t hpa, others[ALL];
	unsigned int n = 0;

	(void)state;
	assert_int_equal(epc_pool_take(pool(), 0, false, &hpa), 0);
	make_secs(hpa);
	epc_pool_give(pool(), hpa);
	assert_int_equal(epc_pool_counters(pool()).leaked, before.leaked + 1);
	assert_int_equal(free_pages(), before.free - 1);
	while (!epc_pool_take(pool(), 0, false, &others[n])) {
		assert_true(others[n] != hpa);
		n++;
	}
	assert_int_equal(n, before.free - 1);
	while (n)
		epc_pool_give(pool(), others[--n]);
	/* So that the other cases have it: what a restart does. */
	assert_int_equal(sgx_remove_page(&machine()->platform, hpa).value, SGX_SUCCESS);
	epc_pool_give(pool(), hpa);
	assert_int_equal(free_pages(), before.free);
}

const struct CMUnitTest epc_pool_tests[] = {
	cmocka_unit_test(take_is_on_wanted_node_then_elsewhere),
	cmocka_unit_test(reserved_pages_are_kept_for_their_owner),
	cmocka_unit_test(page_that_is_still_valid_is_leaked),
};
const size_t epc_pool_test_count = ARRAY_SIZE(epc_pool_tests);
