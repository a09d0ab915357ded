// SPDX-License-Identifier: GPL-2.0-or-later
/* What the environment may say of the host: EXCLAVE_EPC, EXCLAVE_LAUNCH_CONTROL, EXCLAVE_SGX_DRIVER. */
#include "tests.h"

#include "host/epc_config.h"
#include "host/mode.h"
#include "lib/bits.h"

#include <errno.h>

static void size_alone_is_node_0(void **state)
{
	struct epc_config config;

	(void)state;
	assert_int_equal(epc_config_parse("64M", &config), 0);
	assert_int_equal(config.count, 1);
	assert_int_equal(config.section[0].node, 0);
	assert_int_equal(config.section[0].size, 64 << 20);
	assert_int_equal(epc_config_parse("8192", &config), 0);
	assert_int_equal(config.section[0].size, 8192);
}

static void list_names_nodes(void **state)
{
	struct epc_config config;

	(void)state;
	assert_int_equal(epc_config_parse("2:28k,0:1G", &config), 0);
	assert_int_equal(config.count, 2);
	assert_int_equal(config.section[0].node, 2);
	assert_int_equal(config.section[0].size, 28 << 10);
	assert_int_equal(config.section[1].node, 0);
	assert_int_equal(config.section[1].size, 1 << 30);
}

static void anything_else_einval(void **state)
{
	static const char *const bad[] = {
		"",      "0",          "64Q",        "64MB",
		"1:",    ":64M",       "1:64M,",     "-1:64M",
		"64:1G", "1:64M,1:1G", "100",        "1T",
		"0:4K;", "99999999T",  "1:64M 2:1G", "18446744073709551616",
		" 64M",  "0x1000",
	};
	struct epc_config config;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(epc_config_parse(bad[i], &config), -EINVAL);
}

/* Patches "allow virtualization without LC" and "init vEPC though the driver is disabled". */
static void vepc_needs_neither_launch_control_nor_driver(void **state)
{
	static const struct {
		const char *launch_control, *driver;
		struct host_mode mode;
	} rows[] = {
		{NULL, NULL, {true, true, true, true}},
		{"flexible", "on", {true, true, true, true}},
		{"flexible", "off", {true, false, true, true}},
		{"locked", "on", {false, false, true, true}},
		{"locked", "off", {false, false, true, true}},
		{"nonsense", "nonsense", {true, true, true, true}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct host_mode mode = host_mode_of(rows[i].launch_control, rows[i].driver, NULL);

		assert_int_equal(mode.launch_control, rows[i].mode.launch_control);
		assert_int_equal(mode.driver, rows[i].mode.driver);
		assert_int_equal(mode.vepc, rows[i].mode.vepc);
	}
}

static void cpuid_faulting_is_on_unless_it_is_off(void **state)
{
	(void)state;
	assert_true(host_mode_of(NULL, NULL, NULL).cpuid_faulting);
	assert_true(host_mode_of(NULL, NULL, "on").cpuid_faulting);
	assert_false(host_mode_of(NULL, NULL, "off").cpuid_faulting);
	assert_true(host_mode_of(NULL, NULL, "no").cpuid_faulting);
}

const struct CMUnitTest config_tests[] = {
	cmocka_unit_test(size_alone_is_node_0),
	cmocka_unit_test(list_names_nodes),
	cmocka_unit_test(anything_else_einval),
	cmocka_unit_test(vepc_needs_neither_launch_control_nor_driver),
	cmocka_unit_test(cpuid_faulting_is_on_unless_it_is_off),
};
const size_t config_test_count = ARRAY_SIZE(config_tests);
