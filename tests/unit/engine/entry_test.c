// SPDX-License-Identifier: GPL-2.0-or-later
/* What a run needs of the state that it begins with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "machine.h"

/* There is no virtual-8086 mode, which a VMM can ask for: nothing has been executed then. */
static void run_in_virtual_8086_mode_fails_entry(void **state)
{
	struct machine m;
	struct x86_state *s;

	(void)state;
	assert_int_equal(machine_init(&m, 0), 0);
	s = &m.v->cpu.state;
	s->rip = 0x1000;
	s->rflags |= X86_EFLAGS_VM;
	assert_int_equal(engine_run(m.v), ENGINE_EXIT_FAIL_ENTRY);
	assert_int_equal(s->rip, 0x1000);
	machine_destroy(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(run_in_virtual_8086_mode_fails_entry),
	};

	return cmocka_run_group_tests_name("entry", tests, NULL, NULL);
}
