// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM INS, OUTS, REP: how many elements leave at once, in which order, and what they leave behind. */
#include "tests.h"

#define PORT 0x1f0

static struct machine *string_init(uint64_t reg, uint64_t count)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	m->gpr[X86_RSI] = m->gpr[X86_RDI] = reg;
	m->gpr[X86_RCX] = count;
	m->gpr[X86_RDX] = PORT;
	return m;
}

static void complete(struct machine *m, const char *data)
{
	memcpy(m->v->exit.io.data, data, strlen(data));
	assert_int_equal(exec_complete_in(m->v), CPU_OK);
	assert_int_equal(m->v->pending, ENGINE_PENDING_NONE);
}

static void outs_single_ignores_rcx(void **state)
{
	struct machine *m = string_init(DATA, 0);

	poke(m->f, DATA, 0x11223344, 4);
	assert_int_equal(step(m, "6f"), CPU_AGAIN);
	assert_io(m, false, PORT, 4, 1);
	assert_memory_equal(m->v->exit.io.data, m->f->mem + DATA, 4);
	assert_int_equal(m->gpr[X86_RSI], DATA + 4);
	assert_int_equal(m->gpr[X86_RCX], 0);
	assert_int_equal(m->state->rip, CODE_RIP + 1);
}

static void rep_outs_whole_string_leaves_once(void **state)
{
	struct machine *m = string_init(DATA, 5);

	memcpy(m->f->mem + DATA, "hello", 5);
	assert_int_equal(step(m, "f36e"), CPU_AGAIN);
	assert_io(m, false, PORT, 1, 5);
	assert_memory_equal(m->v->exit.io.data, "hello", 5);
	assert_int_equal(m->gpr[X86_RSI], DATA + 5);
	assert_int_equal(m->gpr[X86_RCX], 0);
	assert_int_equal(m->state->rip, CODE_RIP + 2);
}

static void rep_outs_stops_at_page_end(void **state)
{
	struct machine *m = string_init(DATA + 0xffc, 6);

	assert_int_equal(step(m, "f3666f"), CPU_AGAIN);
	assert_io(m, false, PORT, 2, 2);
	assert_int_equal(m->gpr[X86_RCX], 4);
	assert_int_equal(m->state->rip, CODE_RIP);
	assert_int_equal(step(m, "f3666f"), CPU_AGAIN);
	assert_io(m, false, PORT, 2, 4);
	assert_int_equal(m->gpr[X86_RSI], DATA + 0x1008);
	assert_int_equal(m->state->rip, CODE_RIP + 3);
}

static void rep_outs_backward_stops_at_page_start(void **state)
{
	struct machine *m = string_init(DATA + 2, 4);

	m->state->rflags |= X86_EFLAGS_DF;
	memcpy(m->f->mem + DATA - 1, "dcba", 4);
	assert_int_equal(step(m, "f36e"), CPU_AGAIN);
	assert_io(m, false, PORT, 1, 3);
	assert_memory_equal(m->v->exit.io.data, "abc", 3);
	assert_int_equal(m->gpr[X86_RSI], DATA - 1);
	assert_int_equal(m->state->rip, CODE_RIP);
	assert_int_equal(step(m, "f36e"), CPU_AGAIN);
	assert_io(m, false, PORT, 1, 1);
	assert_int_equal(m->v->exit.io.data[0], 'd');
	assert_int_equal(m->state->rip, CODE_RIP + 2);
}

static void element_across_pages_goes_alone(void **state)
{
	struct machine *m = string_init(DATA + 0xffe, 3);

	poke(m->f, DATA + 0xffe, 0x0badcafe, 4);
	assert_int_equal(step(m, "f36f"), CPU_AGAIN);
	assert_io(m, false, PORT, 4, 1);
	assert_memory_equal(m->v->exit.io.data, m->f->mem + DATA + 0xffe, 4);
	assert_int_equal(m->gpr[X86_RCX], 2);
}

static void outs_from_device_goes_by_mmio(void **state)
{
	struct machine *m = string_init(DATA, 8);

	m->is_device[DATA >> 12] = true;
	assert_int_equal(step(m, "f36e"), CPU_AGAIN);
	assert_int_equal(m->v->exit.reason, ENGINE_EXIT_MMIO);
	assert_int_equal(m->gpr[X86_RCX], 8);
	assert_int_equal(m->state->rip, CODE_RIP);
}

static void outs_segment_override_counts(void **state)
{
	struct machine *m = string_init(0, 1);

	m->state->seg[X86_SEG_FS].base = DATA;
	m->f->mem[DATA] = 0x5a;
	assert_int_equal(step(m, "64f36e"), CPU_AGAIN);
	assert_int_equal(m->v->exit.io.data[0], 0x5a);
}

static void rep_zero_count_does_nothing(void **state)
{
	struct machine *m = string_init(UINT64_C(0x800000000000), 0);

	step_ok(m, "f36e");
	step_ok(m, "f36c");
	m->gpr[X86_RCX] = 0xffffffff00000000;
	step_ok(m, "67f36c");
}

static void ins_completes_memory_and_registers(void **state)
{
	struct machine *m = string_init(DATA, 4);

	assert_int_equal(step(m, "f36c"), CPU_AGAIN);
	assert_io(m, true, PORT, 1, 4);
	assert_int_equal(m->gpr[X86_RCX], 4);
	assert_int_equal(m->state->rip, CODE_RIP);
	complete(m, "wxyz");
	assert_memory_equal(m->f->mem + DATA, "wxyz", 4);
	assert_int_equal(m->gpr[X86_RDI], DATA + 4);
	assert_int_equal(m->gpr[X86_RCX], 0);
	assert_int_equal(m->state->rip, CODE_RIP + 2);
}

static void rep_ins_stops_at_page_end(void **state)
{
	struct machine *m = string_init(DATA + 0xffe, 3);

	assert_int_equal(step(m, "f36c"), CPU_AGAIN);
	assert_io(m, true, PORT, 1, 2);
	complete(m, "ab");
	assert_int_equal(m->gpr[X86_RCX], 1);
	assert_int_equal(m->state->rip, CODE_RIP);
	assert_int_equal(step(m, "f36c"), CPU_AGAIN);
	complete(m, "c");
	assert_memory_equal(m->f->mem + DATA + 0xffe, "abc", 3);
	assert_int_equal(m->state->rip, CODE_RIP + 2);
}

static void rep_ins_backward_turns_elements(void **state)
{
	struct machine *m = string_init(DATA + 4, 3);

	m->state->rflags |= X86_EFLAGS_DF;
	assert_int_equal(step(m, "f3666d"), CPU_AGAIN);
	assert_io(m, true, PORT, 2, 3);
	complete(m, "aAbBcC");
	assert_memory_equal(m->f->mem + DATA, "cCbBaA", 6);
	assert_int_equal(m->gpr[X86_RDI], DATA - 2);
}

static void ins_to_device_goes_one_by_one(void **state)
{
	struct machine *m = string_init(DATA, 3);

	m->is_device[DATA >> 12] = true;
	assert_int_equal(step(m, "f36d"), CPU_AGAIN);
	assert_io(m, true, PORT, 4, 1);
}

static void ins_page_limits_bytes_of_exit(void **state)
{
	struct machine *m = string_init(DATA, 100000);

	assert_int_equal(step(m, "f36d"), CPU_AGAIN);
	assert_io(m, true, PORT, 4, 1024);
}

static void ins_read_only_page_faults_before_exit(void **state)
{
	struct machine *m = string_init(DATA + 0xffe, 1);

	m->f->read_only[(DATA >> 12) + 1] = true;
	step_fault(m, "f36d", PF_VECTOR);
	assert_int_equal(m->v->pending, ENGINE_PENDING_NONE);
	m->f->read_only[DATA >> 12] = true;
	step_fault(m, "6c", PF_VECTOR);
}

static void completion_fault_changes_nothing(void **state)
{
	struct machine *m = string_init(DATA, 4);

	assert_int_equal(step(m, "f36c"), CPU_AGAIN);
	m->f->not_present[DATA >> 12] = true;
	assert_int_equal(exec_complete_in(m->v), CPU_FAULT);
	assert_int_equal(m->cpu->fault.vector, PF_VECTOR);
	assert_int_equal(m->v->pending, ENGINE_PENDING_NONE);
	assert_int_equal(m->gpr[X86_RCX], 4);
	assert_int_equal(m->gpr[X86_RDI], DATA);
	assert_int_equal(m->state->rip, CODE_RIP);
}

/* What the port has given is kept until memory takes it. */
static void completion_host_error_may_be_repeated(void **state)
{
	struct machine *m = string_init(DATA + 1, 2);

	m->state->rflags |= X86_EFLAGS_DF;
	assert_int_equal(step(m, "f36c"), CPU_AGAIN);
	memcpy(m->v->exit.io.data, "xy", 2);
	m->f->memory_result = CPU_HOST_ERROR;
	assert_int_equal(exec_complete_in(m->v), CPU_HOST_ERROR);
	assert_int_equal(m->v->pending, ENGINE_PENDING_IN);
	m->f->memory_result = CPU_OK;
	complete(m, "xy");
	assert_memory_equal(m->f->mem + DATA, "yx", 2);
	assert_int_equal(m->state->rip, CODE_RIP + 2);
}

static void address_size_16_wraps(void **state)
{
	struct machine *m = machine_init16(0);

	m->state->seg[X86_SEG_ES].base = DATA - 0xf000;
	m->gpr[X86_RDI] = 0x1234fffe;
	m->gpr[X86_RCX] = 0x56780003;
	assert_int_equal(step(m, "f36c"), CPU_AGAIN);
	assert_io(m, true, 0, 1, 2);
	complete(m, "ab");
	assert_int_equal(m->gpr[X86_RDI], 0x12340000);
	assert_int_equal(m->gpr[X86_RCX], 0x56780001);
	assert_memory_equal(m->f->mem + DATA + 0xffe, "ab", 2);
}

static void string_up_to_segment_limit_then_gp(void **state)
{
	struct machine *m = machine_init(MODE_PROTECTED, 0);

	m->state->seg[X86_SEG_ES].limit = DATA + 1;
	m->gpr[X86_RDI] = DATA;
	m->gpr[X86_RCX] = 3;
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(step(m, "f36c"), CPU_AGAIN);
		assert_io(m, true, 0, 1, 1);
		complete(m, "a");
	}
	step_fault(m, "f36c", GP_VECTOR);
	assert_int_equal(m->gpr[X86_RCX], 1);
}

static void misaligned_with_ac_faults(void **state)
{
	struct machine *m = string_init(DATA + 1, 1);

	m->state->cpl = 3;
	m->state->cr0 |= X86_CR0_AM;
	m->state->rflags |= X86_EFLAGS_AC | 0x3000;
	step_fault(m, "6d", AC_VECTOR);
	step_fault(m, "6f", AC_VECTOR);
}

const struct CMUnitTest exec_io_string_tests[] = {
	cmocka_unit_test(outs_single_ignores_rcx),
	cmocka_unit_test(rep_outs_whole_string_leaves_once),
	cmocka_unit_test(rep_outs_stops_at_page_end),
	cmocka_unit_test(rep_outs_backward_stops_at_page_start),
	cmocka_unit_test(element_across_pages_goes_alone),
	cmocka_unit_test(outs_from_device_goes_by_mmio),
	cmocka_unit_test(outs_segment_override_counts),
	cmocka_unit_test(rep_zero_count_does_nothing),
	cmocka_unit_test(ins_completes_memory_and_registers),
	cmocka_unit_test(rep_ins_stops_at_page_end),
	cmocka_unit_test(rep_ins_backward_turns_elements),
	cmocka_unit_test(ins_to_device_goes_one_by_one),
	cmocka_unit_test(ins_page_limits_bytes_of_exit),
	cmocka_unit_test(ins_read_only_page_faults_before_exit),
	cmocka_unit_test(completion_fault_changes_nothing),
	cmocka_unit_test(completion_host_error_may_be_repeated),
	cmocka_unit_test(address_size_16_wraps),
	cmocka_unit_test(string_up_to_segment_limit_then_gp),
	cmocka_unit_test(misaligned_with_ac_faults),
};
const size_t exec_io_string_test_count = ARRAY_SIZE(exec_io_string_tests);
