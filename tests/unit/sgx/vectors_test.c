// SPDX-License-Identifier: GPL-2.0-or-later
/* Known answers: what other implementations say of the same input. */
#include "tests.h"

#include "sgx/measure.h"

#include <stdio.h>

static void expect_measurement(struct fixture *f, const char *hex)
{
	uint8_t digest[SGX_HASH_SIZE];
	char got[2 * SGX_HASH_SIZE + 1];

	measure_final(epc_ptr(f, 0), digest);
	for (unsigned int i = 0; i < sizeof(digest); i++)
		snprintf(got + 2 * i, 3, "%02x", digest[i]);
	assert_string_equal(got, hex);
}

/* The digests of the blocks as SDM "Measurement" has them, by another SHA-256. */
static void measurement_of_small_enclave_known(void **state)
{
	struct fixture *f = *state;

	source_secs(f, ENCLAVE_BASE, 0x4000);
	set_pageinfo(f, 0, 0, EPCM_PT(SGX_PAGE_TYPE_SECS));
	expect_ok(encls(f, ECREATE, PAGEINFO_GVA, epc_gva(0), 0));
	expect_measurement(f, "1ae08d565db91bba3113eb03c476049ee802c1df05465ddf7cbebfd256e60114");
	memset(ram_ptr(f, SRC_GVA), 0, SGX_PAGE_SIZE);
	add_reg(f, 0, 1, ENCLAVE_BASE, EPCM_R | EPCM_W);
	expect_measurement(f, "d7a05cdc1befc65031919465e75a463a23dcc9a1ed39cb504d1067308a2b7a47");
	for (unsigned int i = 0; i < 16; i++)
		expect_ok(encls(f, EEXTEND, epc_gva(0), epc_gva(1) + i * SGX_CHUNK_SIZE, 0));
	expect_measurement(f, "cebd92eb5da1132775ab465a3960d76ba935869b7d6462b37284f89a1b796099");
	add_tcs(f, 0, 2, ENCLAVE_BASE + 0x1000, 0, 0);
	expect_measurement(f, "4902e2ca1b1b524e4946fdeb29cf20132f79cfecaf0052c96d8294a1c59e0797");
}

const struct CMUnitTest vectors_tests[] = {
	sgx_test(measurement_of_small_enclave_known),
};
const size_t vectors_test_count = ARRAY_SIZE(vectors_tests);
