// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * 16- and 32-bit code in the engine against the host CPU, which runs the same
 * bytes through its compatibility mode: flat and with segments that have a base
 * and a limit, expand-down and read-only ones, 16- and 32-bit stacks.
 *
 * usage: modes_test [CASES [SEED [ENGINE_DEBUG_*]]]
 */
#include "draw.h"
#include "modes.h"

#include "engine/engine.h"
#include "lib/bits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct modes diff;

static void complain(const struct diff_state *engine, const char *what)
{
	const struct diff_state *in = &diff.shared->in, *native = &diff.shared->out;

	printf("case %lu, %s, differs in %s: ", diff.cases, diff.config->name, what);
	for (unsigned int i = 0; i < diff.length; i++)
		printf("%02x", diff.shared->code[diff.offset + i]);
	printf("\n  vector %u %u error %x %x rip %lx %lx (from %lx) flags %lx %lx cr2 %lx %lx\n",
	       engine->vector, native->vector, engine->error_code, native->error_code, engine->rip,
	       native->rip, in->rip, engine->flags & ARITHMETIC, native->flags & ARITHMETIC,
	       engine->address, native->address);
	for (unsigned int i = 0; i < X86_NR_GPRS; i++)
		if (engine->gpr[i] != native->gpr[i])
			printf("  gpr %u: %lx, native %lx, before %lx\n", i, engine->gpr[i],
			       native->gpr[i], in->gpr[i]);
}

/* TOP and the tags; with another TOP the registers stand in other places. */
static bool same_x87(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, 6) && !memcmp(a + 32, b + 32, 128);
}

static bool same_vector(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a + 24, b + 24, 4) && !memcmp(a + 160, b + 160, 256) &&
	       !memcmp(a + 576, b + 576, 256);
}

/* A processor may leave x87 for MMX before the access of an MMX instruction faults. */
static bool same_xstate(const uint8_t *a, const uint8_t *b, bool is_fault)
{
	return same_vector(a, b) && (is_fault || same_x87(a, b));
}

/*
 * Of two exceptions of one access the engine raises #PF or #SS, a processor the
 * misalignment. The child's data cannot be executed, the guest's can.
 */
static bool is_known(const struct diff_state *engine)
{
	const struct diff_state *native = &diff.shared->out;
	/* Pages that only one of the two has. */
	uint64_t page = native->vector == PF_VECTOR ? native->address : engine->address;
	uint32_t nx = PFERR_PRESENT_MASK | PFERR_FETCH_MASK;

	if ((engine->vector == PF_VECTOR || engine->vector == SS_VECTOR) && diff.is_vector &&
	    native->vector == GP_VECTOR && engine->rip == native->rip)
		return true;
	if (engine->vector == PF_VECTOR &&
	    (page >> 16 == DIFF_ENTRY >> 16 || page >> 16 == WORLD32_SYSTEM >> 16))
		return true;
	return native->vector == PF_VECTOR && (native->error_code & nx) == nx;
}

/* What differs, or NULL. The upper halves of the low registers are undefined. */
static const char *difference(const struct diff_state *engine)
{
	const struct diff_state *native = &diff.shared->out;
	uint32_t error_mask = ~PFERR_FETCH_MASK; /* the guest has no NX */

	if (is_known(engine))
		return NULL;
	if (engine->vector != native->vector)
		return "vector";
	if ((engine->error_code ^ native->error_code) & error_mask)
		return "error code";
	if (engine->vector == PF_VECTOR && engine->address != native->address)
		return "address";
	for (unsigned int i = 0; i < X86_NR_GPRS; i++)
		if (i < 8 ? (uint32_t)engine->gpr[i] != (uint32_t)native->gpr[i]
			  : engine->gpr[i] != native->gpr[i])
			return "registers";
	if (engine->rip != native->rip)
		return "rip";
	if ((engine->flags ^ native->flags) & ARITHMETIC)
		return "flags";
	if (!same_xstate(engine->xstate, native->xstate, engine->vector != BP_VECTOR))
		return "vector state";
	if (memcmp(world32_data(diff.world), diff.shared->data, DIFF_DATA_SIZE))
		return "memory";
	return NULL;
}

static void one_case(void)
{
	struct diff_shared *s = diff.shared;
	struct diff_state engine;
	const char *what;

	generate(diff.cases % 4 == 0);
	if (getenv("DIFF_TRACE"))
		complain(&s->in, "nothing");
	world32_run(diff.world, s, &engine);
	if (!native_run(diff.native)) {
		printf("the native child died\n");
		exit(EXIT_FAILURE);
	}
	diff.cases++;
	diff.ended[s->out.vector % 32]++;
	what = difference(&engine);
	if (what && diff.different++ < 20)
		complain(&engine, what);
}

int main(int argc, char **argv)
{
	uint64_t cases = argc > 1 ? strtoull(argv[1], NULL, 0) : 10000;

	draw_seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	diff.native = native_new();
	diff.world = world32_new(argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 0) : 0);
	if (!diff.native || !diff.world)
		return EXIT_FAILURE;
	diff.shared = native_shared(diff.native);
	memcpy(diff.shared->ldt, modes_segments, sizeof(modes_segments));
	if (!native_load_ldt(diff.native)) {
		printf("the host kernel has no modify_ldt(): SKIP\n");
		return 77;
	}
	for (uint64_t i = 0; i < cases; i++)
		one_case();
	coverage_print(&diff.coverage);
	printf("%lu cases, %lu different; ended by", diff.cases, diff.different);
	for (unsigned int i = 0; i < 32; i++)
		if (diff.ended[i])
			printf(" #%u: %lu", i, diff.ended[i]);
	printf("\n");
	world32_free(diff.world);
	native_free(diff.native);
	return diff.different ? EXIT_FAILURE : EXIT_SUCCESS;
}
