// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The memory model: litmus tests whose threads are the same machine code natively and
 * on vCPUs of a guest. What x86-TSO forbids is seen neither here nor there; that
 * store buffering is seen natively shows that the threads do meet. The names are
 * the literature's; SDM "Memory Ordering" has most of them as examples.
 *
 * An instance is a pair of locations, X and Y. Where they lie makes the difference to the
 * engine: in lines of their own, across lines, across pages, in pages or lines
 * that have translated code.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bodies.h"
#include "smp_vm.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_INSTANCES 512u
#define PAIR_BYTES    UINT64_C(0x100000)
#define PATIENCE      60.0 /* seconds: how long the host may take to show what it does all the time */

struct outcome {
	uint64_t x, y;
	uint64_t r[4][2];
};

struct litmus {
	const char *name;
	unsigned int threads;
	litmus_body *body[4];
	uint64_t x; /* at first */
	/* What x86-TSO forbids, also when accesses are in two parts; NULL: nothing. */
	bool (*is_forbidden)(const struct outcome *o);
	bool (*is_relaxed)(const struct outcome *o); /* allowed, and not sequentially consistent */
	bool locked;                                 /* an access to X, which is one anywhere */
	bool near;                                   /* Y is 64 bytes behind X */
	bool aligned;                                /* X is, to 16 bytes */
	bool counts;                                 /* values are not LITMUS_ONE and _TWO */
};

struct placement {
	const char *name;
	uint64_t count, stride, x, y;
	uint64_t code; /* of a RET, from X; 0: none */
	bool is_split, crosses_page;
};

static const struct placement placements[] = {
	{"lines of their own", 512, 256, 0, 64, 0, false, false},
	{"across lines", 512, 256, 60, 124, 0, true, false},
	{"across pages", 32, 8192, 4092, 8188, 0, true, true},
	{"page with code", 512, 256, 0, 64, 224, false, false},
	{"line with code", 512, 256, 0, 64, 32, false, false},
};

static uint32_t low(uint64_t value)
{
	return (uint32_t)value;
}

static uint32_t high(uint64_t value)
{
	return (uint32_t)(value >> 32);
}

static bool mp(const struct outcome *o)
{
	return o->r[1][0] && o->r[1][1] != LITMUS_ONE;
}

static bool sb(const struct outcome *o)
{
	return !o->r[0][0] && !o->r[1][0];
}

static bool sb_fenced(const struct outcome *o)
{
	return o->r[0][0] != LITMUS_ONE && o->r[1][0] != LITMUS_ONE;
}

static bool lb(const struct outcome *o)
{
	return o->r[0][0] && o->r[1][0];
}

static bool iriw(const struct outcome *o)
{
	return o->r[2][0] == LITMUS_ONE && !o->r[2][1] && o->r[3][0] == LITMUS_ONE && !o->r[3][1];
}

static bool corr(const struct outcome *o)
{
	return low(o->r[1][0]) > low(o->r[1][1]) || high(o->r[1][0]) > high(o->r[1][1]);
}

static bool has_one(uint64_t value)
{
	return low(value) == 1 || high(value) == 1;
}

static bool two_plus_two(const struct outcome *o)
{
	return has_one(o->x) && has_one(o->y);
}

/* Each thinks that the other's store was last. */
static bool n5(const struct outcome *o)
{
	return (low(o->r[0][0]) == 2 && low(o->r[1][0]) == 1) ||
	       (high(o->r[0][0]) == 2 && high(o->r[1][0]) == 1);
}

/* A processor sees its own store first. */
static bool n6(const struct outcome *o)
{
	return o->x == LITMUS_ONE && o->r[0][0] == LITMUS_ONE && !o->r[0][1];
}

#define XADD_FIRST UINT64_C(0xffffffff)

static bool xadd(const struct outcome *o)
{
	return o->x != XADD_FIRST + 2 || o->r[0][0] + o->r[1][0] != 2 * XADD_FIRST + 1 ||
	       o->r[0][0] - XADD_FIRST > 1;
}

static bool xchg(const struct outcome *o)
{
	bool first = o->r[0][0] == 0 && o->r[1][0] == LITMUS_ONE && o->x == LITMUS_TWO;
	bool second = o->r[1][0] == 0 && o->r[0][0] == LITMUS_TWO && o->x == LITMUS_ONE;

	return !first && !second;
}

static bool both_added(const struct outcome *o)
{
	return o->x != 2;
}

static bool halves16(const struct outcome *o)
{
	return o->r[1][0] != o->r[1][1];
}

#define TWO(a, b)                      \
	2,                             \
	{                              \
		litmus_##a, litmus_##b \
	}

static const struct litmus litmus[] = {
	{"SB", TWO(wx_ry, wy_rx), .is_relaxed = sb},
	{"SB, one look-up", TWO(wx_ry_group, wy_rx_group), .is_relaxed = sb, .near = true},
	{"SB+mfence", TWO(wx_f_ry, wy_f_rx), .is_forbidden = sb_fenced},
	{"SB+lock", TWO(wx_lock_ry, wy_lock_rx), .is_forbidden = sb_fenced},
	{"SB+xchg", TWO(xchgx_ry, xchgy_rx), .is_forbidden = sb_fenced, .locked = true},
	{"MP", TWO(wx_wy, ry_rx), .is_forbidden = mp},
	{"MP, one look-up", TWO(wx_wy_group, ry_rx_group), .is_forbidden = mp, .near = true},
	{"LB", TWO(rx_wy, ry_wx), .is_forbidden = lb},
	{"IRIW", 4, {litmus_wx, litmus_wy, litmus_rx_ry, litmus_ry_rx}, .is_forbidden = iriw},
	{"CoRR", TWO(wx_wx2, rx_rx), .is_forbidden = corr},
	{"2+2W", TWO(wx_wy2, wy_wx2), .is_forbidden = two_plus_two},
	{"n5", TWO(wx_rx, wx2_rx), .is_forbidden = n5},
	{"n6", TWO(wx_rx_ry, wy2_wx2), .is_relaxed = n6},
	{"LOCK XADD", TWO(xadd_x, xadd_x), XADD_FIRST, xadd, .locked = true, .counts = true},
	{"XCHG", TWO(xchg_x, xchg_x2), .is_forbidden = xchg, .locked = true},
	{"LOCK ADD and one of its half", TWO(lock_low_x, lock_add_x), .is_forbidden = both_added,
	 .locked = true, .counts = true},
	{"CMPXCHG16B", TWO(swap16, read16), .is_forbidden = halves16, .aligned = true},
};

/* One litmus test in one place, in the guest or natively. */
struct run {
	const struct litmus *litmus;
	const struct placement *place;
	struct bare_vm *vm;
	unsigned int threads; /* a multiple of the test's own */
	bool native, end;
	pthread_barrier_t barrier;
	struct litmus_thread *thread; /* in the guest's memory, like what follows: */
	uint64_t (*result)[MAX_INSTANCES][2];
	uint64_t *arrived; /* of a pair, each in a line of its own */
	uint64_t seen, relaxed;
};

struct worker {
	struct run *run;
	unsigned int number;
};

static uint8_t *area_of(const struct run *r, unsigned int thread)
{
	return r->vm->ram + SMP_VM_AREA + (1 + thread / r->litmus->threads) * PAIR_BYTES;
}

static void place_memory(struct run *r)
{
	uint8_t *base = r->vm->ram + SMP_VM_AREA;

	r->thread = (struct litmus_thread *)base;
	r->arrived = (uint64_t *)(base + 0x1000);
	r->result = (uint64_t(*)[MAX_INSTANCES][2])(base + 0x2000);
}

static void prepare_thread(struct run *r, unsigned int n)
{
	uint8_t *area = area_of(r, n);

	r->thread[n] = (struct litmus_thread){
		.x = area + r->place->x,
		.y = area + r->place->y,
		.stride = r->place->stride,
		.result = r->result[n],
		.count = r->place->count,
		.arrived = &r->arrived[n / r->litmus->threads * 16],
		.threads = r->litmus->threads,
		.number = n,
		.code = r->place->code,
	};
}

static void prepare_instance(struct run *r, const struct litmus_thread *t, uint64_t i)
{
	static const uint8_t ret = 0xc3;
	uint8_t *x = t->x + i * t->stride;

	memset(x + 8, 0, 8);
	memset(t->y + i * t->stride, 0, 8);
	memcpy(x, &r->litmus->x, 8);
	if (t->code)
		memcpy(x + t->code, &ret, 1);
}

static void prepare(struct run *r)
{
	memset(r->arrived, 0, 0x1000);
	for (unsigned int n = 0; n < r->threads; n += r->litmus->threads)
		for (uint64_t i = 0; i < r->place->count; i++)
			prepare_instance(r, &r->thread[n], i);
}

static bool is_torn(uint64_t value)
{
	return low(value) != high(value);
}

static bool has_torn(const struct outcome *o)
{
	bool torn = is_torn(o->x) || is_torn(o->y);

	for (unsigned int t = 0; t < 4; t++)
		torn |= is_torn(o->r[t][0]) || is_torn(o->r[t][1]);
	return torn;
}

static void judge(struct run *r, const struct outcome *o)
{
	const struct litmus *l = r->litmus;
	bool torn = !l->counts && !r->place->is_split && has_torn(o);

	r->seen++;
	r->relaxed += l->is_relaxed && l->is_relaxed(o);
	if (torn || (l->is_forbidden && l->is_forbidden(o)))
		fail_msg("%s, %s, %s: x %#lx, y %#lx, read %#lx %#lx, %#lx %#lx, %#lx %#lx, %#lx "
			 "%#lx after %lu instances",
			 l->name, r->place->name, r->native ? "native" : "guest", o->x, o->y,
			 o->r[0][0], o->r[0][1], o->r[1][0], o->r[1][1], o->r[2][0], o->r[2][1],
			 o->r[3][0], o->r[3][1], r->seen);
}

static void judge_all(struct run *r)
{
	for (unsigned int n = 0; n < r->threads; n += r->litmus->threads) {
		const struct litmus_thread *t = &r->thread[n];

		for (uint64_t i = 0; i < t->count; i++) {
			struct outcome o = {0};

			memcpy(&o.x, t->x + i * t->stride, 8);
			memcpy(&o.y, t->y + i * t->stride, 8);
			for (unsigned int k = 0; k < r->litmus->threads; k++)
				memcpy(o.r[k], r->result[n + k][i], sizeof(o.r[k]));
			judge(r, &o);
		}
	}
}

static void run_body(struct run *r, unsigned int n)
{
	litmus_body *body = r->litmus->body[n % r->litmus->threads];

	if (r->native) {
		body(&r->thread[n]);
		return;
	}
	if (r->place->code) {
		smp_vm_call(r->vm, n, (guest_function *)litmus_touch, &r->thread[n]);
		smp_vm_run(r->vm, n);
	}
	smp_vm_call(r->vm, n, (guest_function *)body, &r->thread[n]);
	smp_vm_run(r->vm, n);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (;;) {
		pthread_barrier_wait(&w->run->barrier);
		if (w->run->end)
			return NULL;
		run_body(w->run, w->number);
		pthread_barrier_wait(&w->run->barrier);
	}
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool is_long(void)
{
	return getenv("EXCLAVE_TEST_LONG") != NULL;
}

/* Must the run go on until what is allowed has been seen? */
static bool must_show(const struct run *r)
{
	return r->native && r->litmus->is_relaxed == sb && r->place == &placements[0];
}

static void run_batches(struct run *r)
{
	double begin = seconds(), budget = is_long() ? 0.3 : 0.01;

	do {
		prepare(r);
		pthread_barrier_wait(&r->barrier);
		pthread_barrier_wait(&r->barrier);
		judge_all(r);
	} while (seconds() - begin < budget ||
		 (must_show(r) && !r->relaxed && seconds() - begin < PATIENCE));
}

static void run_one(struct run *r)
{
	struct worker worker[SMP_VM_MAX_CPUS];
	pthread_t thread[SMP_VM_MAX_CPUS] = {0};

	place_memory(r);
	pthread_barrier_init(&r->barrier, NULL, r->threads + 1);
	for (unsigned int n = 0; n < r->threads; n++) {
		prepare_thread(r, n);
		worker[n] = (struct worker){.run = r, .number = n};
		assert_int_equal(pthread_create(&thread[n], NULL, work, &worker[n]), 0);
	}
	run_batches(r);
	r->end = true;
	pthread_barrier_wait(&r->barrier);
	for (unsigned int n = 0; n < r->threads; n++)
		pthread_join(thread[n], NULL);
	pthread_barrier_destroy(&r->barrier);
	if (r->litmus->is_relaxed)
		print_message("# %s, %s, %s: %lu of %lu relaxed\n", r->litmus->name, r->place->name,
			      r->native ? "native" : "guest", r->relaxed, r->seen);
}

/* Does the test say anything there? */
static bool fits(const struct litmus *l, const struct placement *p)
{
	return !(l->near && p->y - p->x != 64) && !(l->aligned && p->is_split);
}

/*
 * SDM "Features to Disable Bus Locks": a host that is set up so ends or delays whoever locks two
 * lines. Inside a page the engine's guest does so natively.
 */
static bool host_minds_split_locks(void)
{
	char line[4096];
	FILE *f = fopen("/proc/cpuinfo", "re");
	bool minds = false;

	while (f && !minds && fgets(line, sizeof(line), f))
		minds = strstr(line, "split_lock_detect") || strstr(line, "bus_lock_detect");
	if (f)
		(void)fclose(f);
	return minds;
}

static void run_on(struct bare_vm *vm, const struct litmus *l, const struct placement *p)
{
	bool minds = l->locked && p->is_split && host_minds_split_locks();

	for (unsigned int native = 0; native < 2; native++) {
		struct run r = {
			.litmus = l,
			.place = p,
			.vm = vm,
			.threads = vm->vcpus / l->threads * l->threads,
			.native = native,
		};

		/* Nothing of the guest's own is locked across pages by the host. */
		if (!r.threads || (minds && (native || !p->crosses_page)))
			continue;
		run_one(&r);
		if (must_show(&r) && sysconf(_SC_NPROCESSORS_ONLN) > 1)
			assert_true(r.relaxed > 0);
	}
}

static void run_placement(unsigned int cpus, const struct placement *p)
{
	struct bare_vm vm;

	smp_vm_init(&vm, cpus, false);
	for (size_t i = 0; i < sizeof(litmus) / sizeof(litmus[0]); i++)
		if (fits(&litmus[i], p))
			run_on(&vm, &litmus[i], p);
	bare_vm_free(&vm);
}

#define CASES(place, number)                                \
	static void place##_on_2_vcpus_is_tso(void **state) \
	{                                                   \
		(void)state;                                \
		run_placement(2, &placements[number]);      \
	}                                                   \
                                                            \
	static void place##_on_4_vcpus_is_tso(void **state) \
	{                                                   \
		(void)state;                                \
		run_placement(4, &placements[number]);      \
	}

CASES(lines_of_their_own, 0)
CASES(across_lines, 1)
CASES(across_pages, 2)
CASES(page_with_code, 3)
CASES(line_with_code, 4)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_their_own_on_2_vcpus_is_tso),
		cmocka_unit_test(lines_of_their_own_on_4_vcpus_is_tso),
		cmocka_unit_test(across_lines_on_2_vcpus_is_tso),
		cmocka_unit_test(across_lines_on_4_vcpus_is_tso),
		cmocka_unit_test(across_pages_on_2_vcpus_is_tso),
		cmocka_unit_test(across_pages_on_4_vcpus_is_tso),
		cmocka_unit_test(page_with_code_on_2_vcpus_is_tso),
		cmocka_unit_test(page_with_code_on_4_vcpus_is_tso),
		cmocka_unit_test(line_with_code_on_2_vcpus_is_tso),
		cmocka_unit_test(line_with_code_on_4_vcpus_is_tso),
	};

	return cmocka_run_group_tests_name("litmus", tests, NULL, NULL);
}
