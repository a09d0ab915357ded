// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The engine against the host CPU: generated instructions with random registers,
 * flags, vector state and memory operands run in both; everything must agree.
 *
 * usage: diff_test [CASES [SEED [ENGINE_DEBUG]]]
 */
#include "coverage.h"
#include "draw.h"
#include "native.h"

#include "engine/insn.h"
#include "lib/bits.h"
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t ud2[] = {0x0f, 0x0b};

struct diff {
	struct native *native;
	struct diff_shared *shared;
	struct machine machine;
	uint8_t before[DIFF_DATA_SIZE];                                /* data */
	uint8_t memory[DIFF_DATA_SIZE] __attribute__((aligned(4096))); /* the guest's */
	uint8_t code[DIFF_CODE_SIZE] __attribute__((aligned(4096)));
	uint64_t cases, different;
	struct insn insn;
	struct coverage coverage;
};

static struct diff diff;

static const char *reg_name(unsigned int reg)
{
	static const char *const names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
					    "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

	return names[reg];
}

static void random_state(struct diff_state *in)
{
	for (unsigned int i = 0; i < X86_NR_GPRS; i++)
		in->gpr[i] = draw_value(64);
	in->gpr[X86_RSP] = DIFF_DATA + DIFF_DATA_SIZE / 2 + draw() % 256 * 8;
	in->flags = (draw() & 0x8d5) | 0x202;
	draw_xstate(in);
}

/* Makes the memory operand point into the data. Return: false when it cannot. */
static bool aim(struct diff_state *in, uint8_t *bytes, const struct insn *insn)
{
	const struct insn_mem *mem = &insn->mem;
	uint64_t target = DIFF_DATA + 256 + draw() % (DIFF_DATA_SIZE - 1024);
	int32_t disp32;

	if (!mem->present || !mem->size)
		return true;
	if (mem->seg == X86_SEG_FS || mem->seg == X86_SEG_GS)
		return false;
	if (draw() & 1)
		target = align_down(target, 64);
	if (mem->rip_relative || (mem->base < 0 && mem->index < 0)) {
		if (insn->disp_size != 4)
			return false;
		disp32 = (int32_t)(mem->rip_relative ? target - DIFF_CODE - insn->length : target);
		memcpy(bytes + insn->disp_at, &disp32, 4);
		return true;
	}
	if (mem->base < 0) {
		in->gpr[mem->index] = (target - (uint64_t)mem->disp) / mem->scale;
		return (int64_t)mem->disp < (int64_t)target;
	}
	if (mem->index == mem->base)
		return false;
	if (mem->index >= 0)
		in->gpr[mem->index] %= 512;
	in->gpr[mem->base] = target - (uint64_t)mem->disp -
			     (mem->index >= 0 ? in->gpr[mem->index] * mem->scale : 0);
	return mem->address_size == 8 || in->gpr[mem->base] <= UINT32_MAX;
}

/* A random encoding that the engine relocates. */
static void generate(struct diff_shared *s)
{
	static const uint8_t prefixes[] = {0x66, 0xf2, 0xf3, 0x48, 0x41, 0x4c, 0x45, 0xf0};
	uint8_t bytes[32];

	for (;;) {
		unsigned int n = 0;

		for (unsigned int i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)draw();
		switch (draw() % 8) {
		case 0:
		case 1:
			bytes[n++] = prefixes[draw() % sizeof(prefixes)];
			break;
		case 2:
			bytes[n++] = prefixes[draw() % 3];
			bytes[n++] = prefixes[3 + draw() % 4];
			break;
		default:
			break;
		}
		switch (draw() % 8) {
		case 0:
		case 1:
			bytes[n++] = 0x0f;
			break;
		case 2:
			bytes[n++] = 0x0f;
			bytes[n++] = draw() & 1 ? 0x38 : 0x3a;
			break;
		case 3:
			bytes[0] = 0xc4;
			bytes[1] = (uint8_t)((draw() & 0xe0) | (1 + draw() % 3));
			break;
		case 4:
			bytes[0] = 0xc5;
			break;
		default:
			break;
		}
		if (!insn_decode(bytes, INSN_MAX_LENGTH, 8, &diff.insn))
			continue;
		if (diff.insn.kind != INSN_COPY && diff.insn.kind != INSN_PUSH &&
		    diff.insn.kind != INSN_POP && diff.insn.kind != INSN_LEAVE) {
			coverage_left_out(&diff.coverage, &diff.insn);
			continue;
		}
		random_state(&s->in);
		if (!aim(&s->in, bytes, &diff.insn)) {
			coverage_left_out(&diff.coverage, &diff.insn);
			continue;
		}
		if (diff.insn.kind == INSN_LEAVE)
			s->in.gpr[X86_RBP] = s->in.gpr[X86_RSP] + 64;
		memcpy(s->code, bytes, diff.insn.length);
		memcpy(s->code + diff.insn.length, ud2, sizeof(ud2));
		return;
	}
}

/* Registers that a sequence must keep: the data pointer and the stack. */
#define KEPT_REGS (BIT32(X86_RBX) | BIT32(X86_RSP))

static bool is_kept(const struct insn *insn)
{
	unsigned int reg = insn->opcode_gpr == INSN_NO_GPR ? insn->modrm_rm_gpr : insn->opcode_gpr;

	return KEPT_REGS & BIT32(reg);
}

static bool fits_sequence(const struct insn *insn)
{
	const struct insn_mem *mem = &insn->mem;

	if (insn->kind == INSN_COPY || insn->kind == INSN_PUSH || insn->kind == INSN_POP) {
		if (insn->kind == INSN_COPY && (insn->regs_written & KEPT_REGS))
			return false;
		if (insn->kind == INSN_POP && !mem->present && is_kept(insn))
			return false;
		if (!mem->present || !mem->size)
			return true;
		return mem->base == X86_RBX && mem->index < 0 && mem->address_size == 8 &&
		       mem->seg != X86_SEG_FS && mem->seg != X86_SEG_GS && !insn->bit_string &&
		       mem->disp > -2048 && mem->disp < 2048;
	}
	return false;
}

/* What may go wrong with x87 in a sequence is the same in one instruction. */
static unsigned int random_insn(uint8_t *bytes)
{
	struct insn insn;

	for (;;) {
		unsigned int n = 0;
		uint64_t r = draw();

		for (unsigned int i = 0; i < INSN_MAX_LENGTH; i++)
			bytes[i] = (uint8_t)draw();
		if (r & 1)
			bytes[n++] = (uint8_t)(0x40 | (r >> 8 & 15));
		if ((r >> 1 & 7) == 0)
			bytes[n++] = 0x0f;
		else if ((r >> 1 & 7) == 1) {
			bytes[0] = 0xc5;
			n = 2;
		}
		if (r >> 4 & 1) /* ModRM: [rbx + disp8] or [rbx + disp32] */
			bytes[n + 1] = (uint8_t)((r >> 5 & 1 ? 0x43 : 0x83) | (r >> 16 & 0x38));
		if (bytes[n + 1] >> 6 == 2)
			bytes[n + 4] = bytes[n + 5] = r >> 6 & 1 ? 0 : 0xff;
		if (insn_decode(bytes, INSN_MAX_LENGTH, 8, &insn) && fits_sequence(&insn))
			return insn.length;
	}
}

/* Up to twelve instructions, with jumps forward over some of them, calls and loops. */
static void generate_sequence(struct diff_shared *s)
{
	uint8_t *p = s->code;
	unsigned int count = 2 + draw() % 12;

	random_state(&s->in);
	s->in.gpr[X86_RBX] = DIFF_DATA + DIFF_DATA_SIZE / 4 + draw() % 4096;
	for (unsigned int i = 0; i < count; i++) {
		uint8_t bytes[32];
		unsigned int len = random_insn(bytes);

		switch (draw() % 8) {
		case 0: /* jcc over it */
			*p++ = (uint8_t)(0x70 | draw() % 16);
			*p++ = (uint8_t)len;
			break;
		case 1: /* call over it, which leaves a return address on the stack */
			*p++ = 0xe8;
			memcpy(p, &(int32_t){(int32_t)len}, 4);
			p += 4;
			break;
		case 2: /* jrcxz over it */
			*p++ = 0xe3;
			*p++ = (uint8_t)len;
			break;
		default:
			break;
		}
		memcpy(p, bytes, len);
		p += len;
	}
	memcpy(p, ud2, sizeof(ud2));
	diff.insn.length = (uint8_t)(p - s->code > 200 ? 200 : p - s->code);
}

static void run_engine(struct diff_state *out)
{
	struct machine *m = &diff.machine;
	struct x86_state *s = &m->v->cpu.state;
	const struct diff_state *in = &diff.shared->in;
	struct machine_trap trap;

	machine_enter_user(m);
	memcpy(s->gpr, in->gpr, sizeof(s->gpr));
	s->rip = DIFF_CODE;
	s->rflags = in->flags;
	memcpy(m->v->xstate, in->xstate, DIFF_XSTATE);
	/* The code is the VMM's doing, behind the engine's back. */
	engine_memory_written(m->engine);
	trap = machine_run(m);
	memcpy(out->gpr, s->gpr, sizeof(out->gpr));
	out->gpr[X86_RSP] = trap.rsp;
	out->rip = trap.rip;
	out->flags = trap.rflags & 0x8d5;
	memcpy(out->xstate, m->v->xstate, DIFF_XSTATE);
	out->vector = (uint32_t)trap.vector;
}

static void complain(const char *what)
{
	if (diff.different < 20) {
		printf("differs in %s: ", what);
		for (unsigned int i = 0; i < diff.insn.length; i++)
			printf("%02x", diff.shared->code[i]);
		printf("\n");
	}
}

/* x87 instruction and data pointers and the header's unused part are not compared. */
static bool same_xstate(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, 6) && !memcmp(a + 24, b + 24, 4) && !memcmp(a + 32, b + 32, 384) &&
	       !memcmp(a + 576, b + 576, 256);
}

static bool compare(const struct diff_state *engine)
{
	const struct diff_state *native = &diff.shared->out;
	bool same = true;

	if (engine->vector != native->vector) {
		complain("vector");
		if (diff.different < 20)
			printf("  engine %u native %u\n", engine->vector, native->vector);
		return false;
	}
	for (unsigned int i = 0; i < X86_NR_GPRS; i++) {
		if (engine->gpr[i] == native->gpr[i])
			continue;
		complain(reg_name(i));
		if (diff.different < 20)
			printf("  engine %016lx native %016lx\n", engine->gpr[i], native->gpr[i]);
		same = false;
	}
	if (engine->rip != native->rip || engine->flags != native->flags) {
		complain("rip or flags");
		if (diff.different < 20)
			printf("  rip %lx %lx flags %lx %lx\n", engine->rip, native->rip,
			       engine->flags, native->flags);
		same = false;
	}
	if (!same_xstate(engine->xstate, native->xstate)) {
		complain("vector state");
		same = false;
	}
	if (memcmp(diff.memory, diff.shared->data, DIFF_DATA_SIZE) != 0) {
		complain("memory");
		same = false;
	}
	return same;
}

static void one_case(void)
{
	struct diff_shared *s = diff.shared;
	struct diff_state engine;

	if (diff.cases % 2)
		generate(s);
	else
		generate_sequence(s);
	for (unsigned int i = 0; i < DIFF_DATA_SIZE; i += 8) {
		uint64_t value = draw();

		memcpy(s->data + i, &value, 8);
	}
	memcpy(diff.memory, s->data, DIFF_DATA_SIZE);
	memcpy(diff.code, s->code, DIFF_CODE_SIZE);
	if (getenv("DIFF_TRACE")) {
		for (unsigned int i = 0; i < diff.insn.length; i++)
			fprintf(stderr, "%02x", s->code[i]);
		fprintf(stderr, "\n");
	}
	if (!native_run(diff.native)) {
		printf("the native child died\n");
		exit(EXIT_FAILURE);
	}
	run_engine(&engine);
	diff.cases++;
	if (diff.cases % 2 == 0)
		coverage_compared(&diff.coverage, &diff.insn);
	if (!compare(&engine))
		diff.different++;
}

static int prepare(uint32_t debug)
{
	struct machine *m = &diff.machine;

	diff.native = native_new();
	if (!diff.native || machine_init(m, debug) ||
	    machine_add_ram(m, DIFF_CODE, diff.code, DIFF_CODE_SIZE) ||
	    machine_add_ram(m, DIFF_DATA, diff.memory, DIFF_DATA_SIZE))
		return -1;
	machine_map(m, DIFF_CODE, DIFF_CODE, DIFF_CODE_SIZE, MACHINE_USER, 12);
	machine_map(m, DIFF_DATA, DIFF_DATA, DIFF_DATA_SIZE, MACHINE_USER | MACHINE_WRITABLE, 12);
	diff.shared = native_shared(diff.native);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t cases = argc > 1 ? strtoull(argv[1], NULL, 0) : 10000;

	draw_seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	if (prepare(argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 0) : 0))
		return EXIT_FAILURE;
	for (uint64_t i = 0; i < cases; i++)
		one_case();
	coverage_print(&diff.coverage);
	printf("%lu cases, %lu different\n", diff.cases, diff.different);
	machine_destroy(&diff.machine);
	native_free(diff.native);
	return diff.different ? EXIT_FAILURE : EXIT_SUCCESS;
}
