// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Floating point: the same computations on the host and in the guest must give the same bits.
 *
 *   float_check record >ROWS          what this processor computes
 *   float_check compare ROWS [exact]  compares with it; with `exact` also in what
 *                                     only a processor of the same make has
 *
 * A row is a name and bytes in hexadecimal. Rows of an extension that the processor has not are
 * left out, and passed over in a comparison.
 */
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES   16
#define ROW_MAX  4096
#define ROWS_MAX 256

struct row {
	char name[32];
	char hex[ROW_MAX];
};

static struct row rows[ROWS_MAX];
static size_t row_count;

static void row_add(const char *name, const void *data, size_t size)
{
	struct row *row = &rows[row_count];

	if (row_count++ >= ROWS_MAX || size * 2 >= ROW_MAX)
		abort();
	snprintf(row->name, sizeof(row->name), "%s", name);
	for (size_t i = 0; i < size; i++)
		snprintf(row->hex + 2 * i, 3, "%02x", ((const uint8_t *)data)[i]);
}

/* Ordinary numbers, and the edges of the format: what rounds, overflows and is denormal. */
static const double inputs[VALUES] = {
	0.0,    -0.0,       1.0,       -1.5,     3.14159265358979, 1e-310, 2.2250738585072014e-308,
	1e308,  -1e308,     0x1p-1074, INFINITY, -INFINITY,        0.1,    1048577.25,
	-7e-20, 12345678.9,
};

static void x87_rows(void)
{
	struct {
		uint8_t bytes[10];
	} __attribute__((packed)) results[5][VALUES];
	long double value;

	for (int i = 0; i < VALUES; i++) {
		volatile long double a = inputs[i], b = inputs[(i + 5) % VALUES];

		/* Ten bytes: those that pad a long double are not part of it. */
		value = a + b;
		memcpy(&results[0][i], &value, 10);
		value = a - b;
		memcpy(&results[1][i], &value, 10);
		value = a * b;
		memcpy(&results[2][i], &value, 10);
		value = a / b;
		memcpy(&results[3][i], &value, 10);
		value = sqrtl(fabsl(a));
		memcpy(&results[4][i], &value, 10);
	}
	row_add("x87_add", results[0], sizeof(results[0]));
	row_add("x87_sub", results[1], sizeof(results[1]));
	row_add("x87_mul", results[2], sizeof(results[2]));
	row_add("x87_div", results[3], sizeof(results[3]));
	row_add("x87_sqrt", results[4], sizeof(results[4]));
}

/* FLD constants, FPREM, FRNDINT and FIST in each rounding mode, FXAM's flags, BCD. */
static void x87_state_rows(void)
{
	static const uint16_t modes[] = {0x37f, 0x77f, 0xb7f, 0xf7f, 0x27f, 0x07f};
	int32_t rounded[6][VALUES];
	uint16_t status[VALUES], old;
	uint8_t bcd[10];
	long double quotient[6];
	long bcd_value = -1234567890123456;

	__asm__ volatile("fnstcw %0" : "=m"(old));
	for (int mode = 0; mode < 6; mode++) {
		volatile long double one = 1, three = 3;

		__asm__ volatile("fldcw %0" : : "m"(modes[mode]));
		quotient[mode] = one / three;
		for (int i = 0; i < VALUES; i++)
			__asm__ volatile("fldl %1\n\tfistpl %0"
					 : "=m"(rounded[mode][i])
					 : "m"(inputs[i]));
	}
	__asm__ volatile("fldcw %0" : : "m"(old));
	for (int i = 0; i < VALUES; i++)
		__asm__ volatile("fldl %1\n\tfxam\n\tfnstsw %0\n\tfstp %%st(0)"
				 : "=am"(status[i])
				 : "m"(inputs[i]));
	__asm__ volatile("fildq %1\n\tfbstp %0" : "=m"(bcd) : "m"(bcd_value));
	row_add("x87_fist", rounded, sizeof(rounded));
	for (int i = 0; i < VALUES; i++)
		status[i] &= 0x4700;
	row_add("x87_fxam", status, sizeof(status));
	row_add("x87_fbstp", bcd, sizeof(bcd));
	for (int mode = 0; mode < 6; mode++)
		row_add("x87_third", &quotient[mode], 10);
}

/*
 * "native_": functions that are not correctly rounded are each processor's own, and emulators are
 * known to leave out the denormal flag.
 */
static void x87_native_rows(void)
{
	double results[4][VALUES];

	for (int i = 0; i < VALUES; i++) {
		double a = fmod(fabs(inputs[i]) < 1e9 ? inputs[i] : 1.0, 1000.0);
		double b = fabs(a) + 1;

		__asm__("fldl %1\n\tfsin\n\tfstpl %0" : "=m"(results[0][i]) : "m"(a));
		__asm__("fldl %1\n\tfcos\n\tfstpl %0" : "=m"(results[1][i]) : "m"(a));
		__asm__("fld1\n\tfldl %1\n\tfyl2x\n\tfstpl %0" : "=m"(results[2][i]) : "m"(b));
		__asm__("fldl %1\n\tfld1\n\tfpatan\n\tfstpl %0" : "=m"(results[3][i]) : "m"(b));
	}
	row_add("native_fsin", results[0], sizeof(results[0]));
	row_add("native_fcos", results[1], sizeof(results[1]));
	row_add("native_fyl2x", results[2], sizeof(results[2]));
	row_add("native_fpatan", results[3], sizeof(results[3]));
}

static void sse_rows(void)
{
	static const unsigned int modes[] = {0x1f80, 0x3f80, 0x5f80, 0x7f80, 0x9fc0};
	unsigned int old = _mm_getcsr(), flags[5];
	double results[5][VALUES];
	int32_t converted[5][VALUES];

	for (int mode = 0; mode < 5; mode++) {
		_mm_setcsr(modes[mode]);
		for (int i = 0; i < VALUES; i++) {
			volatile double a = inputs[i], b = inputs[(i + 3) % VALUES];
			volatile float f;

			results[mode][i] = a * b + a / (b + 2) - sqrt(fabs(b));
			converted[mode][i] = _mm_cvtsd_si32(_mm_set_sd(a));
			f = (float)a;
			results[mode][i] += f;
		}
		flags[mode] = _mm_getcsr();
	}
	_mm_setcsr(old);
	row_add("sse_double", results, sizeof(results));
	row_add("sse_convert", converted, sizeof(converted));
	row_add("native_sse_flags", flags, sizeof(flags));
}

static void sse_packed_rows(void)
{
	float values[VALUES], results[4][VALUES];

	for (int i = 0; i < VALUES; i++)
		values[i] = (float)inputs[i] + (float)i;
	for (int i = 0; i < VALUES; i += 4) {
		__m128 a = _mm_loadu_ps(values + i), b = _mm_loadu_ps(values + 12 - i);

		_mm_storeu_ps(results[0] + i, _mm_add_ps(a, b));
		_mm_storeu_ps(results[1] + i, _mm_mul_ps(a, b));
		_mm_storeu_ps(results[2] + i, _mm_div_ps(a, b));
		_mm_storeu_ps(results[3] + i, _mm_max_ps(_mm_shuffle_ps(a, b, 0x1b), b));
	}
	row_add("sse_packed", results, sizeof(results));
}

__attribute__((target("avx"))) static void avx_rows(void)
{
	double results[3][VALUES];

	for (int i = 0; i < VALUES; i += 4) {
		__m256d a = _mm256_loadu_pd(inputs + i), b = _mm256_loadu_pd(inputs + 12 - i);

		_mm256_storeu_pd(results[0] + i, _mm256_add_pd(a, b));
		_mm256_storeu_pd(results[1] + i, _mm256_div_pd(a, _mm256_permute_pd(b, 5)));
		_mm256_storeu_pd(results[2] + i, _mm256_hadd_pd(a, b));
	}
	row_add("avx_packed", results, sizeof(results));
}

__attribute__((target("avx2,fma"))) static void fma_rows(void)
{
	double results[2][VALUES];
	__m256i sums[2];

	for (int i = 0; i < VALUES; i += 4) {
		__m256d a = _mm256_loadu_pd(inputs + i), b = _mm256_loadu_pd(inputs + 12 - i);

		_mm256_storeu_pd(results[0] + i, _mm256_fmadd_pd(a, b, a));
		_mm256_storeu_pd(results[1] + i, _mm256_fnmsub_pd(b, a, b));
	}
	sums[0] = _mm256_loadu_si256((const __m256i *)inputs + 1);
	sums[1] = _mm256_mullo_epi32(sums[0], _mm256_set1_epi32(0x01000193));
	sums[0] = _mm256_permutevar8x32_epi32(sums[1], _mm256_set_epi32(0, 3, 6, 1, 4, 7, 2, 5));
	row_add("fma_packed", results, sizeof(results));
	row_add("avx2_integers", sums, sizeof(sums));
}

static void compute(void)
{
	x87_rows();
	x87_state_rows();
	x87_native_rows();
	sse_rows();
	sse_packed_rows();
	if (__builtin_cpu_supports("avx"))
		avx_rows();
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		fma_rows();
}

/* Rows of one name follow in the order in which they are computed. */
static const struct row *row_find(const char *name, size_t from)
{
	for (size_t i = from; i < row_count; i++) {
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	}
	return NULL;
}

static void tell_difference(const struct row *row, const char *expected)
{
	size_t at = 0;

	while (row->hex[at] && row->hex[at] == expected[at])
		at++;
	at &= ~15UL;
	printf("%s differs from byte %zu: %.32s, not %.32s\n", row->name, at / 2, row->hex + at,
	       expected + at);
}

static int compare(FILE *file, int exact)
{
	size_t next = 0, same = 0, absent = 0;
	struct row expected;

	while (fscanf(file, "%31s %4095s", expected.name, expected.hex) == 2) {
		const struct row *row = row_find(expected.name, next);

		if (!row) {
			absent++;
			continue;
		}
		next = (size_t)(row - rows) + 1;
		if (!strcmp(row->hex, expected.hex)) {
			same++;
		} else if (exact || strncmp(row->name, "native_", 7)) {
			tell_difference(row, expected.hex);
			return 1;
		}
	}
	printf("%zu rows the same, %zu absent\n", same, absent);
	return same ? 0 : 1;
}

int main(int argc, char **argv)
{
	FILE *file;

	compute();
	if (argc == 2 && !strcmp(argv[1], "record")) {
		for (size_t i = 0; i < row_count; i++)
			printf("%s %s\n", rows[i].name, rows[i].hex);
		return 0;
	}
	if (argc < 3 || strcmp(argv[1], "compare"))
		return 2;
	file = fopen(argv[2], "r");
	if (!file)
		return 2;
	return compare(file, argc > 3 && !strcmp(argv[3], "exact"));
}
