// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * EPC sections are added while processors run: whatever they ask about pages that
 * they have found already is answered without a lock, and without a race.
 */
#include "sgx/epc.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define GIB        (UINT64_C(1) << 30)
#define SECTIONS   64
#define ASK_ROUNDS 100000

static struct epc epc;

static void *ask(void *arg)
{
	for (unsigned int i = 0; i < ASK_ROUNDS; i++) {
		struct epcm_entry *e = epc_lookup(&epc, GIB);

		if (!e || epc_hpa(&epc, e) != GIB)
			return arg;
	}
	return NULL;
}

static void sections_added_while_pages_are_named(void **state)
{
	pthread_t thread;
	void *failed;

	assert_int_equal(epc_init(&epc), 0);
	assert_int_equal(epc_add_section(&epc, GIB, SGX_PAGE_SIZE, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, ask, &epc), 0);
	for (unsigned int i = 1; i < SECTIONS; i++)
		epc_add_section(&epc, GIB + (hpa_t)i * SGX_PAGE_SIZE, SGX_PAGE_SIZE, 0);
	pthread_join(thread, &failed);
	assert_null(failed);
	assert_int_equal(epc.section_count, SECTIONS);
	epc_destroy(&epc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_added_while_pages_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
