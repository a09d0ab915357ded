// SPDX-License-Identifier: GPL-2.0-or-later
/* What an instruction costs the first time. */
#include "engine_bench.h"
#include "engine/insn.h"
#include "harness.h"
#include "paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COPIES 8u
#define RET    0xc3
#define TARGET 1500 /* ns */

/* Where in the guest's memory the code goes; in front of it is the data that it uses. */
#define FRESH_CODE (1u << 20)

struct fresh {
	struct guest *guest;
	uint8_t *code; /* what has not run yet begins here */
};

static size_t stretch_size(void)
{
	return (size_t)(path_stretch_end - path_stretch);
}

/* Return: code behind all that has run, on pages of its own. */
static uint8_t *make_code(struct fresh *f)
{
	const size_t size = COPIES * stretch_size() + 1;
	uint8_t *code = f->code;

	f->code += align_up(size, 4096);
	if (f->code > f->guest->memory + KERNEL_MEMORY) {
		fprintf(stderr, "no more memory for fresh code\n");
		exit(EXIT_FAILURE);
	}
	for (unsigned int i = 0; i < COPIES; i++)
		memcpy(code + i * stretch_size(), path_stretch, stretch_size());
	code[size - 1] = RET;
	engine_memory_written(f->guest->machine.engine);
	return code;
}

static uint64_t run_code(const struct fresh *f, const uint8_t *code)
{
	uint64_t start = bench_cpu_ns();
	kernel_function *run;

	memcpy(&run, &code, sizeof(run));
	guest_call(f->guest, run, f->guest->memory, 0);
	return bench_cpu_ns() - start;
}

/* The second run's time is not the translation's. */
static uint64_t translate(void *ctx, unsigned int iterations)
{
	struct fresh *f = ctx;
	const uint8_t *code = make_code(f);
	uint64_t first = run_code(f, code), second = run_code(f, code);

	return first > second ? first - second : 0;
}

/* Return: how many instructions the stretch has. */
static unsigned int decode_stretch(void)
{
	const uint8_t *at = path_stretch;
	struct insn insn;
	unsigned int count = 0;

	while (at < path_stretch_end &&
	       insn_decode(at, (uint32_t)(path_stretch_end - at), 8, &insn)) {
		at += insn.length;
		count++;
	}
	return count;
}

static uint64_t decode(void *ctx, unsigned int iterations)
{
	uint64_t start = bench_cpu_ns();

	for (unsigned int i = 0; i < COPIES; i++)
		decode_stretch();
	return bench_cpu_ns() - start;
}

unsigned int bench_translation(struct guest *g)
{
	struct fresh f = {.guest = g, .code = g->memory + FRESH_CODE};
	const struct bench_pair pair = {
		.name = "translation of an instruction",
		.subject = translate,
		.peer_name = "decoding it",
		.peer = decode,
		.ctx = &f,
		.iterations = COPIES * decode_stretch(),
		.target_ns = TARGET,
	};

	memset(g->memory, 0, KERNEL_MEMORY);
	return !bench_run(&pair);
}
