// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM MOVS, STOS, LODS, CMPS, SCAS and REP: the host's own instructions on the
 * same memory are the oracle; what they cannot show (faults, devices, 16-bit
 * addresses) is said case by case.
 */
#include "fake_exec_tests.h"

#include <errno.h>

static const struct operation {
	exec_function *exec;
	uint8_t opcode;
} operations[] = {
	{exec_movs, 0xa4}, {exec_cmps, 0xa6}, {exec_stos, 0xaa},
	{exec_lods, 0xac}, {exec_scas, 0xae},
};

static const unsigned int sizes[] = {1, 2, 4, 8};

/* @repeat: 0, F2 or F3. */
static struct insn string_insn(uint8_t opcode, unsigned int size, uint8_t repeat,
			       unsigned int address_size)
{
	uint8_t code[5];
	size_t n = 0;

	if (address_size == 4)
		code[n++] = 0x67;
	if (size == 2)
		code[n++] = 0x66;
	if (repeat)
		code[n++] = repeat;
	if (size == 8)
		code[n++] = 0x48;
	code[n++] = size == 1 ? opcode : opcode + 1;
	return fake_decode(code, n);
}

/* Until the instruction is done; each return to the run loop leaves RIP where it was. */
static enum cpu_result execute(struct fake *f, exec_function *exec, const struct insn *insn)
{
	enum cpu_result res;

	do
		res = exec(&f->v, insn);
	while (res == CPU_OK && f->v.cpu.state.rip == FAKE_RIP);
	return res;
}

static void assert_same_state(const struct x86_state *state, const struct x86_state *expected)
{
	for (unsigned int i = 0; i < X86_NR_GPRS; i++)
		assert_int_equal(state->gpr[i], expected->gpr[i]);
	assert_int_equal(state->rflags, expected->rflags);
	assert_int_equal(state->rip, expected->rip);
}

/* The host's result and ours from the present registers and the pattern in memory. */
static void compare_with_host(struct fake *f, exec_function *exec, const struct insn *insn,
			      void (*prepare)(struct fake *f))
{
	static uint8_t expected_mem[FAKE_SIZE];
	struct x86_state expected = f->v.cpu.state, before = expected;

	fake_fill(f);
	if (prepare)
		prepare(f);
	host_execute(insn, &expected);
	memcpy(expected_mem, f->mem, FAKE_SIZE);
	fake_fill(f);
	if (prepare)
		prepare(f);
	f->v.cpu.state = before;
	assert_int_equal(execute(f, exec, insn), CPU_OK);
	assert_same_state(&f->v.cpu.state, &expected);
	assert_memory_equal(f->mem, expected_mem, FAKE_SIZE);
	f->v.cpu.state = before;
}

static void set_registers(struct fake *f, uint64_t count, uint64_t from, uint64_t to, bool down)
{
	struct x86_state *s = &f->v.cpu.state;

	s->gpr[X86_RAX] = UINT64_C(0x1122334455667788);
	s->gpr[X86_RCX] = count;
	s->gpr[X86_RSI] = fake_gva(f, from);
	s->gpr[X86_RDI] = fake_gva(f, to);
	s->rflags &= ~(uint64_t)X86_EFLAGS_DF;
	if (down)
		s->rflags |= X86_EFLAGS_DF;
}

static void all_forms(struct fake *f, void (*prepare)(struct fake *f))
{
	static const uint8_t repeats[] = {0, 0xf3, 0xf2};

	for (unsigned int o = 0; o < ARRAY_SIZE(operations); o++)
		for (unsigned int i = 0; i < 4 * 3 * 2; i++) {
			struct insn insn = string_insn(operations[o].opcode, sizes[i & 3],
						       repeats[(i >> 2) % 3], i >= 12 ? 4 : 8);

			compare_with_host(f, operations[o].exec, &insn, prepare);
		}
}

/* A long run of equal bytes from the middle of both operands' pages, then a difference. */
static void make_alike(struct fake *f)
{
	memset(f->mem + 4 * 4096, 0x88, 8 * 4096);
	memset(f->mem + 16 * 4096, 0x88, 8 * 4096);
	f->mem[7 * 4096 + 123] = 0x77;
	f->mem[22 * 4096 + 321] = 0x99;
}

static void every_form_as_host(void **state)
{
	static const uint64_t counts[] = {0, 1, 2, 3, 100, 511, 512, 513, 1500};
	struct fake *f = fake_init();

	for (unsigned int c = 0; c < ARRAY_SIZE(counts); c++)
		for (unsigned int i = 0; i < 8; i++) {
			bool down = i & 1;
			uint64_t skew = i & 2 ? 5 : 0;

			set_registers(f, counts[c], (down ? 8 : 4) * 4096 + 4080 + skew,
				      (down ? 20 : 16) * 4096 + 4000, down);
			all_forms(f, i & 4 ? make_alike : NULL);
		}
}

static void overlap_as_host(void **state)
{
	struct fake *f = fake_init();

	for (int distance = -17; distance <= 17; distance++)
		for (unsigned int down = 0; down < 2; down++) {
			set_registers(f, 700, 10 * 4096 + 3000,
				      (uint64_t)(10 * 4096 + 3000 + distance), down);
			all_forms(f, NULL);
		}
}

static void count_zero_with_32bit_addresses_as_intel(void **state)
{
	struct fake *f = fake_init();
	struct x86_state *s = &f->v.cpu.state;

	for (unsigned int i = 0; i < 5; i++) {
		struct insn insn = string_insn(operations[i].opcode, 4, 0xf3, 4);
		bool moves = operations[i].exec == exec_movs;
		bool stores = moves || operations[i].exec == exec_stos;

		*s = fake_init()->v.cpu.state;
		s->gpr[X86_RCX] = UINT64_C(0x100000000);
		s->gpr[X86_RSI] = s->gpr[X86_RDI] = UINT64_C(0x200000003);
		assert_int_equal(operations[i].exec(&f->v, &insn), CPU_OK);
		assert_int_equal(s->gpr[X86_RCX], 0);
		assert_int_equal(s->gpr[X86_RSI], moves ? 3 : UINT64_C(0x200000003));
		assert_int_equal(s->gpr[X86_RDI], stores ? 3 : UINT64_C(0x200000003));
		assert_int_equal(s->rip, FAKE_RIP + insn.length);
	}
}

static void without_host_pointer_as_host(void **state)
{
	struct fake *f = fake_init();

	for (unsigned int page = 4; page < 24; page += 3)
		fake_set_kind(f, page, FAKE_SLOW);
	for (unsigned int down = 0; down < 2; down++) {
		set_registers(f, 1300, (down ? 9 : 4) * 4096 + 7, (down ? 21 : 16) * 4096 + 2,
			      down);
		all_forms(f, make_alike);
	}
	assert_true(f->slow_reads > 0 && f->slow_writes > 0);
}

/* The registers name the first element that was not moved, at whatever page it is. */
static void movs_into_absent_page_pf_at_element(void **state)
{
	for (unsigned int i = 0; i < 8; i++) {
		struct fake *f = fake_init();
		struct insn insn = string_insn(0xa4, sizes[i & 3], 0xf3, 8);
		uint64_t bytes = 2 * 4096 - 16, count = 10000;
		bool source = i & 4;

		fake_set_kind(f, source ? 6 : 22, source ? FAKE_ABSENT : FAKE_READ_ONLY);
		set_registers(f, count, 4 * 4096 + 16, 20 * 4096 + 16, false);
		assert_fake_fault(f, execute(f, exec_movs, &insn), PF_VECTOR, source ? 0 : 3);
		assert_int_equal(f->v.cpu.fault.address, fake_gva(f, (source ? 6 : 22) * 4096));
		assert_int_equal(f->v.cpu.state.gpr[X86_RCX], count - bytes / sizes[i & 3]);
		assert_int_equal(f->v.cpu.state.gpr[X86_RSI], fake_gva(f, 6 * 4096));
		assert_int_equal(f->v.cpu.state.gpr[X86_RDI], fake_gva(f, 22 * 4096));
		assert_memory_equal(f->mem + 4 * 4096 + 16, f->mem + 20 * 4096 + 16, bytes);
		assert_int_equal(f->v.cpu.state.rip, FAKE_RIP);
	}
}

/* SDM "REP": a fault restores the flags, though elements have been compared. */
static void cmps_fault_keeps_flags(void **state)
{
	struct fake *f = fake_init();
	struct insn insn = string_insn(0xa6, 1, 0xf3, 8);
	uint64_t flags = f->v.cpu.state.rflags |= X86_EFLAGS_CF | X86_EFLAGS_OF;

	make_alike(f);
	fake_set_kind(f, 18, FAKE_ABSENT);
	set_registers(f, 100000, 4 * 4096, 16 * 4096, false);
	assert_fake_fault(f, execute(f, exec_cmps, &insn), PF_VECTOR, 0);
	assert_int_equal(f->v.cpu.state.rflags, flags);
	assert_int_equal(f->v.cpu.state.gpr[X86_RCX], 100000 - 2 * 4096);
	assert_int_equal(f->v.cpu.state.gpr[X86_RDI], fake_gva(f, 18 * 4096));
}

/* The VMM's memory vanishes under a run: the elements before count as moved. */
static void host_memory_gone_is_host_error(void **state)
{
	for (unsigned int o = 0; o < ARRAY_SIZE(operations); o++)
		for (unsigned int down = 0; down < 2; down++) {
			struct fake *f = fake_init();
			struct insn insn = string_insn(operations[o].opcode, 4, 0xf3, 8);
			struct x86_state *s = &f->v.cpu.state;
			uint64_t rsi;

			memset(f->mem, 0x88, FAKE_SIZE);
			set_registers(f, 5000, 10 * 4096, 20 * 4096, down);
			s->gpr[X86_RAX] = 0x88888888;
			rsi = s->gpr[X86_RSI];
			fake_set_kind(f, down ? 8 : 12, FAKE_GONE);
			fake_set_kind(f, down ? 18 : 22, FAKE_GONE);
			assert_int_equal(execute(f, operations[o].exec, &insn), CPU_HOST_ERROR);
			assert_int_equal(f->v.cpu.host_errno, -EFAULT);
			assert_int_equal(5000 - s->gpr[X86_RCX], down ? 1025 : 2048);
			if (s->gpr[X86_RSI] != rsi)
				assert_int_equal(s->gpr[X86_RSI],
						 down ? rsi - 1025 * 4 : rsi + 2048 * 4);
			assert_int_equal(s->rip, FAKE_RIP);
		}
}

/* An interrupt need not wait for more than 16 pages. */
static void long_string_returns_in_between(void **state)
{
	struct fake *f = fake_init();
	struct insn insn = string_insn(0xaa, 1, 0xf3, 8);
	struct x86_state *s = &f->v.cpu.state;

	set_registers(f, 30 * 4096, 0, 4096, false);
	assert_int_equal(exec_stos(&f->v, &insn), CPU_OK);
	assert_int_equal(s->rip, FAKE_RIP);
	assert_int_equal(s->gpr[X86_RCX], 14 * 4096);
	assert_int_equal(s->gpr[X86_RDI], fake_gva(f, 17 * 4096));
	assert_int_equal(exec_stos(&f->v, &insn), CPU_OK);
	assert_int_equal(s->rip, FAKE_RIP + insn.length);
}

/* SDM "Single-Stepping": REP traps after each element. */
static void single_step_is_one_element(void **state)
{
	struct fake *f = fake_init();
	struct insn insn = string_insn(0xa4, 2, 0xf3, 8);

	set_registers(f, 2, 0, 4096, false);
	f->v.cpu.state.rflags |= X86_EFLAGS_TF;
	assert_int_equal(exec_movs(&f->v, &insn), CPU_OK);
	assert_int_equal(f->v.cpu.state.gpr[X86_RCX], 1);
	assert_int_equal(f->v.cpu.state.rip, FAKE_RIP);
	assert_int_equal(exec_movs(&f->v, &insn), CPU_OK);
	assert_int_equal(f->v.cpu.state.rip, FAKE_RIP + insn.length);
}

static void device_read_asks_for_each_element(void **state)
{
	struct fake *f = fake_init();
	struct insn insn = string_insn(0xa4, 4, 0xf3, 8);
	struct engine_mmio *mmio = &f->v.mmio;

	fake_set_kind(f, 5, FAKE_DEVICE);
	set_registers(f, 3, 5 * 4096, 20 * 4096, false);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(exec_movs(&f->v, &insn), CPU_AGAIN);
		assert_int_equal(f->v.exit.mmio.gpa, fake_gva(f, 5 * 4096 + 4 * i));
		assert_int_equal(f->v.exit.mmio.len, 4);
		assert_int_equal(f->v.cpu.state.gpr[X86_RCX], 3 - i);
		assert_int_equal(f->v.cpu.state.rip, FAKE_RIP);
		memcpy(mmio->read[0].data, &i, sizeof(i));
		mmio->read_count = 1;
		mmio->read_used = 0;
	}
	assert_int_equal(exec_movs(&f->v, &insn), CPU_OK);
	assert_int_equal(f->v.cpu.state.rip, FAKE_RIP + insn.length);
	assert_memory_equal(f->mem + 20 * 4096, ((uint32_t[]){0, 1, 2}), 12);
}

static void device_write_returns_after_each_element(void **state)
{
	struct fake *f = fake_init();
	struct insn insn = string_insn(0xa4, 4, 0xf3, 8);
	struct engine_mmio *mmio = &f->v.mmio;

	fake_set_kind(f, 20, FAKE_DEVICE);
	set_registers(f, 2, 5 * 4096, 20 * 4096, false);
	for (uint32_t i = 0; i < 2; i++) {
		mmio->write_count = 0;
		assert_int_equal(exec_movs(&f->v, &insn), CPU_OK);
		assert_int_equal(mmio->write_count, 1);
		assert_int_equal(mmio->write[0].gpa, fake_gva(f, 20 * 4096 + 4 * i));
		assert_memory_equal(mmio->write[0].data, f->mem + 5 * 4096 + 4 * i, 4);
		assert_int_equal(f->v.cpu.state.gpr[X86_RCX], 1 - i);
		assert_int_equal(f->v.cpu.state.rip, FAKE_RIP + (i ? insn.length : 0));
	}
}

static void limit_faults_at_exact_element(void **state)
{
	struct fake *f = fake_init();
	struct insn insn = string_insn(0xa4, 4, 0xf3, 4);
	struct x86_state *s = &f->v.cpu.state;

	fake_leave_64bit(f);
	s->seg[X86_SEG_ES].base = fake_gva(f, 20 * 4096);
	s->seg[X86_SEG_ES].limit = 0x1105;
	set_registers(f, 0x1000, 4 * 4096, 0, false);
	s->gpr[X86_RDI] = 0;
	assert_fake_fault(f, execute(f, exec_movs, &insn), GP_VECTOR, 0);
	assert_int_equal(s->gpr[X86_RDI], 0x1104);
	assert_int_equal(s->gpr[X86_RCX], 0x1000 - 0x1104 / 4);
	assert_int_equal(s->gpr[X86_RSI], fake_gva(f, 4 * 4096 + 0x1104));
	assert_memory_equal(f->mem + 4 * 4096, f->mem + 20 * 4096, 0x1104);
}

static void addresses_of_16_bits_wrap(void **state)
{
	struct fake *f = fake_init();
	struct insn insn = string_insn(0xa4, 2, 0xf3, 8);
	struct x86_state *s = &f->v.cpu.state;
	uint8_t *ds = f->mem, *es = f->mem + 18 * 4096 + 6;

	fake_leave_64bit(f);
	insn.address_size = 2;
	s->seg[X86_SEG_DS].base = fake_gva(f, 0);
	s->seg[X86_SEG_ES].base = fake_gva(f, 18 * 4096 + 6);
	s->gpr[X86_RCX] = 0xabcd0010;
	s->gpr[X86_RSI] = 0x1234fff0;
	s->gpr[X86_RDI] = 0x56780100;
	assert_int_equal(execute(f, exec_movs, &insn), CPU_OK);
	assert_int_equal(s->gpr[X86_RCX], 0xabcd0000);
	assert_int_equal(s->gpr[X86_RSI], 0x12340010);
	assert_int_equal(s->gpr[X86_RDI], 0x56780120);
	assert_memory_equal(es + 0x100, ds + 0xfff0, 16);
	assert_memory_equal(es + 0x110, ds, 16);
}

static void source_takes_segment_prefix(void **state)
{
	struct fake *f = fake_init();
	struct insn insn = DECODE(0x64, 0x26, 0xf3, 0xa4);

	f->v.cpu.state.seg[X86_SEG_FS].base = 4096;
	set_registers(f, 8, 4096, 20 * 4096, false);
	assert_int_equal(execute(f, exec_movs, &insn), CPU_OK);
	assert_memory_equal(f->mem + 20 * 4096, f->mem + 2 * 4096, 8);
}

static void alignment_check_faults_misaligned(void **state)
{
	struct fake *f = fake_init();
	struct insn insn = string_insn(0xa4, 4, 0xf3, 8);

	f->v.cpu.state.cpl = 3;
	f->v.cpu.state.cr0 |= X86_CR0_AM;
	f->v.cpu.state.rflags |= X86_EFLAGS_AC;
	set_registers(f, 8, 4096, 20 * 4096 + 2, false);
	assert_fake_fault(f, execute(f, exec_movs, &insn), AC_VECTOR, 0);
	assert_int_equal(f->v.cpu.state.gpr[X86_RCX], 8);
	set_registers(f, 8, 4096, 20 * 4096 + 4, false);
	assert_int_equal(execute(f, exec_movs, &insn), CPU_OK);
}

const struct CMUnitTest string_tests[] = {
	cmocka_unit_test(every_form_as_host),
	cmocka_unit_test(overlap_as_host),
	cmocka_unit_test(count_zero_with_32bit_addresses_as_intel),
	cmocka_unit_test(without_host_pointer_as_host),
	cmocka_unit_test(movs_into_absent_page_pf_at_element),
	cmocka_unit_test(cmps_fault_keeps_flags),
	cmocka_unit_test(host_memory_gone_is_host_error),
	cmocka_unit_test(long_string_returns_in_between),
	cmocka_unit_test(single_step_is_one_element),
	cmocka_unit_test(device_read_asks_for_each_element),
	cmocka_unit_test(device_write_returns_after_each_element),
	cmocka_unit_test(limit_faults_at_exact_element),
	cmocka_unit_test(addresses_of_16_bits_wrap),
	cmocka_unit_test(source_takes_segment_prefix),
	cmocka_unit_test(alignment_check_faults_misaligned),
};
const size_t string_test_count = ARRAY_SIZE(string_tests);
