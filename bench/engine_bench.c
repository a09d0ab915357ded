// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The processor against the host CPU: kernels in the same machine code, then
 * what single things cost. With names of kernels: those kernels alone.
 */
#include "engine_bench.h"
#include "harness.h"
#include "lib/bits.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEAN_TARGET  3.0
#define WORST_TARGET 8.0

struct run {
	struct guest *guest;
	const struct kernel *kernel;
};

static double time_guest(const struct run *r, uint64_t *result)
{
	uint64_t start = bench_cpu_ns();

	*result = guest_call(r->guest, r->kernel->run, r->guest->memory, r->kernel->scale);
	return (double)(bench_cpu_ns() - start);
}

static double time_native(const struct run *r, uint64_t *result)
{
	uint64_t start = bench_cpu_ns();

	*result = r->kernel->run(r->guest->memory, r->kernel->scale);
	return (double)(bench_cpu_ns() - start);
}

static double ratio_of(const struct run *r)
{
	double ratios[BENCH_ROUNDS], guest[BENCH_ROUNDS], native[BENCH_ROUNDS];
	uint64_t guest_result, native_result;
	double ratio;

	time_guest(r, &guest_result);
	for (unsigned int i = 0; i < BENCH_ROUNDS; i++) {
		guest[i] = time_guest(r, &guest_result);
		native[i] = time_native(r, &native_result);
		ratios[i] = guest[i] / native[i];
		if (guest_result != native_result) {
			fprintf(stderr, "%s: guest and host disagree\n", r->kernel->name);
			exit(EXIT_FAILURE);
		}
	}
	ratio = bench_median(ratios, BENCH_ROUNDS);
	printf("%-10s guest %9.1f us  native %9.1f us  %5.2fx\n", r->kernel->name,
	       bench_median(guest, BENCH_ROUNDS) / 1000, bench_median(native, BENCH_ROUNDS) / 1000,
	       ratio);
	fflush(stdout);
	return ratio;
}

/* Return: whether it is within the target. */
static bool show(const char *what, double ratio, double target)
{
	printf("%-24s %5.2fx  target %4.2fx  %s\n", what, ratio, target,
	       ratio <= target ? "met" : "MISSED");
	return ratio <= target;
}

static unsigned int bench_kernels(struct guest *g)
{
	double logs[KERNEL_CLASSES] = {0}, worst = 0;
	unsigned int count[KERNEL_CLASSES] = {0}, missed = 0;

	for (unsigned int i = 0; i < kernel_count; i++) {
		const struct run r = {.guest = g, .kernel = &kernels[i]};
		double ratio = ratio_of(&r);

		logs[kernels[i].class] += log(ratio);
		count[kernels[i].class]++;
		if (ratio > worst)
			worst = ratio;
	}
	missed += !show("integer, geometric mean",
			exp(logs[KERNEL_INTEGER] / count[KERNEL_INTEGER]), MEAN_TARGET);
	missed += !show("SIMD, geometric mean", exp(logs[KERNEL_SIMD] / count[KERNEL_SIMD]),
			MEAN_TARGET);
	missed += !show("slowest of all", worst, WORST_TARGET);
	return missed;
}

static int bench_named(struct guest *g, const char *name)
{
	for (unsigned int i = 0; i < kernel_count; i++) {
		const struct run r = {.guest = g, .kernel = &kernels[i]};

		if (!strcmp(name, kernels[i].name)) {
			ratio_of(&r);
			return EXIT_SUCCESS;
		}
	}
	fprintf(stderr, "no kernel is called %s\n", name);
	return EXIT_FAILURE;
}

static void bench_all(struct guest *g)
{
	unsigned int missed = bench_kernels(g);

	printf("\n");
	bench_print_header();
	missed += bench_costs(g);
	missed += bench_translation(g);
	missed += bench_kick(g);
	/* No failure: on a busy machine it says nothing. */
	printf("%u target(s) missed\n", missed);
}

int main(int argc, char **argv)
{
	struct guest g = {0};
	int ret = EXIT_SUCCESS;

	guest_init(&g);
	if (argc == 1)
		bench_all(&g);
	for (int i = 1; i < argc && ret == EXIT_SUCCESS; i++)
		ret = bench_named(&g, argv[i]);
	guest_free(&g);
	return ret;
}
