// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What one processor of a guest changes and others use: code, translations, the
 * bits of page table entries; and what it sends them: NMI, INIT. The VMM itself changes
 * memory slots under them. Afterwards nobody has seen what was no more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processors.h"
#include "smp_vm.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGE_SIZE UINT64_C(4096)
#define AVAIL     52

#define PATIENCE_SECONDS 60

#define SLOT       5u
#define SLOT_GPA   UINT64_C(0x80000000)
#define SLOT_PAGES 4u

struct test {
	struct bare_vm vm;
	guest_function *lead, *follow;
	pthread_t thread[SMP_VM_MAX_CPUS];
};

struct worker {
	struct test *t;
	unsigned int cpu;
};

static bool is_long(void)
{
	return getenv("EXCLAVE_TEST_LONG") != NULL;
}

static void sleep_ms(unsigned int ms)
{
	const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&time, NULL);
}

static uint8_t *area(struct test *t, unsigned int page)
{
	return t->vm.ram + SMP_VM_AREA + page * PAGE_SIZE;
}

static uint64_t gpa_of(const struct test *t, const void *memory)
{
	return (uint64_t)((const uint8_t *)memory - t->vm.ram);
}

static void start(struct test *t, unsigned int cpus)
{
	*t = (struct test){0};
	smp_vm_init(&t->vm, cpus, true);
	bare_vm_set_gate(&t->vm, IPI_VECTOR, (uintptr_t)ipi_entry, 0, 0);
	bare_vm_set_gate(&t->vm, BP_VECTOR, (uintptr_t)breakpoint_entry, 0, 0);
	bare_vm_set_gate(&t->vm, NMI_VECTOR, (uintptr_t)nmi_entry, 0, 0);
	bare_vm_set_gate(&t->vm, PF_VECTOR, (uintptr_t)page_fault_entry, 0, 0);
	memset(&shared, 0, sizeof(shared));
	shared.cpus = cpus;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct test *t = w->t;
	guest_function *function = w->cpu || !t->lead ? t->follow : t->lead;

	smp_vm_call(&t->vm, w->cpu, function, (void *)(uintptr_t)w->cpu);
	smp_vm_run(&t->vm, w->cpu);
	return NULL;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Long enough, and on a busy machine until something has happened. */
static void let_it_run(void)
{
	double begin = seconds(), past = 0;

	while (past < (is_long() ? 10 : 0.3) ||
	       (past < PATIENCE_SECONDS &&
		(!__atomic_load_n(&shared.checked, __ATOMIC_RELAXED) ||
		 __atomic_load_n(&shared.rounds, __ATOMIC_RELAXED) < 4))) {
		sleep_ms(10);
		if (__atomic_load_n(&shared.stop, __ATOMIC_RELAXED))
			return;
		past = seconds() - begin;
	}
}

/* Runs the guest, with @meanwhile or some time to pass; then its verdict. */
static void run(struct test *t, void (*meanwhile)(struct test *t))
{
	struct worker worker[SMP_VM_MAX_CPUS];

	for (unsigned int n = 0; n < t->vm.vcpus; n++) {
		worker[n] = (struct worker){.t = t, .cpu = n};
		assert_int_equal(pthread_create(&t->thread[n], NULL, work, &worker[n]), 0);
	}
	if (meanwhile)
		meanwhile(t);
	else
		let_it_run();
	__atomic_store_n(&shared.stop, 1, __ATOMIC_SEQ_CST);
	for (unsigned int n = 0; n < t->vm.vcpus; n++)
		pthread_join(t->thread[n], NULL);
	print_message("# %u processors: %lu changes, %lu looks\n", t->vm.vcpus, shared.rounds,
		      shared.checked);
	if (shared.pte)
		shared.avail_seen = *shared.pte >> AVAIL & 0x7f;
	if (shared.error[0])
		fail_msg("processors.c:%lu: %#lx %#lx %#lx", shared.error[0], shared.error[1],
			 shared.error[2], shared.error[3]);
	assert_true(shared.rounds > 0);
	assert_true(shared.checked > 0);
	bare_vm_free(&t->vm);
}

/* The site @offset bytes into a page, and what it may call: lock incq (%rdi); ret */
static void patch_at(unsigned int cpus, unsigned int offset)
{
	static const uint8_t code[] = {0x0f, 0x1f, 0x44, 0x00, 0x00, 0xc3};
	static const uint8_t target[] = {0xf0, 0x48, 0xff, 0x07, 0xc3};
	struct test t;

	start(&t, cpus);
	t.lead = patch_lead;
	t.follow = patch_follow;
	shared.site = area(&t, 0) + offset;
	shared.target = area(&t, 2) + 64;
	memcpy(shared.site, code, sizeof(code));
	memcpy(shared.target, target, sizeof(target));
	run(&t, NULL);
}

static void call_patched_while_executed_is_old_or_new(void **state)
{
	static const unsigned int offsets[] = {64, 125, 4093};

	(void)state;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		patch_at(2, offsets[i]);
		patch_at(4, offsets[i]);
	}
}

/* One page by a linear address of its own, beside those of the frames. */
static void make_page(struct test *t)
{
	for (unsigned int i = 0; i < 2; i++) {
		shared.same[i] = (uint64_t *)area(t, 1 + i);
		shared.frame[i] = gpa_of(t, shared.same[i]);
		shared.same[i][0] = i ? TAG_B : TAG_A;
	}
	shared.page = area(t, 0);
	shared.pte = bare_vm_pte(&t->vm, (uintptr_t)shared.page);
	*shared.pte = shared.frame[0] | 3;
}

static void shoot_down(unsigned int cpus)
{
	struct test t;

	start(&t, cpus);
	t.lead = shootdown_lead;
	t.follow = shootdown_follow;
	make_page(&t);
	run(&t, NULL);
}

static void translation_changed_and_invalidated_is_not_used(void **state)
{
	(void)state;
	shoot_down(2);
	shoot_down(4);
}

static void lose_no_dirty_bit(unsigned int cpus)
{
	struct test t;

	start(&t, cpus);
	t.lead = dirty_lead;
	t.follow = dirty_follow;
	make_page(&t);
	run(&t, NULL);
	/* No walk has overwritten what was counted in the entry's free bits. */
	assert_int_equal(shared.avail & 0x7f, shared.avail_seen);
}

static void dirty_bit_raced_by_other_changes_is_kept(void **state)
{
	(void)state;
	lose_no_dirty_bit(2);
	lose_no_dirty_bit(4);
}

static void send_nmis(unsigned int cpus)
{
	struct test t;

	start(&t, cpus);
	t.lead = nmi_lead;
	t.follow = nmi_follow;
	run(&t, NULL);
}

static void nmi_to_loop_and_halt_is_taken_once(void **state)
{
	(void)state;
	send_nmis(2);
	send_nmis(4);
}

/* Each counts at 0xb000, then loops, halts or tells the VMM. */
static void put_startup(struct test *t, unsigned int page, const uint8_t *end, size_t length)
{
	/* xor %ax, %ax; mov %ax, %ds; mov $0xb000, %bx; lock incl (%bx) */
	static const uint8_t count[] = {0x31, 0xc0, 0x8e, 0xd8, 0xbb, 0x00,
					0xb0, 0xf0, 0x66, 0xff, 0x07};
	uint8_t *code = t->vm.ram + page * PAGE_SIZE;

	memcpy(code, count, sizeof(count));
	memcpy(code + sizeof(count), end, length);
}

static void start_up(unsigned int cpus)
{
	static const uint8_t spin[] = {0xeb, 0xfe}, halt[] = {0xf4, 0xeb, 0xfd};
	static const uint8_t end[] = {0xe6, 0xf4};
	struct test t;

	start(&t, cpus);
	t.lead = startup_lead;
	t.follow = startup_follow;
	put_startup(&t, 8, spin, sizeof(spin));
	put_startup(&t, 9, halt, sizeof(halt));
	put_startup(&t, 10, end, sizeof(end));
	shared.startups = (uint32_t *)(t.vm.ram + 0xb000);
	run(&t, NULL);
}

static void init_to_running_processor_starts_it_anew(void **state)
{
	(void)state;
	start_up(2);
	start_up(4);
}

/* The slot leads to this memory, or nowhere. */
static void set_slot(struct test *t, uint8_t *memory, uint32_t flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = SLOT,
		.flags = flags,
		.guest_phys_addr = SLOT_GPA,
		.memory_size = memory ? SLOT_PAGES * PAGE_SIZE : 0,
		.userspace_addr = (uintptr_t)memory,
	};

	bare_vm_ioctl(t->vm.fd, KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
}

static void change_begins(void)
{
	__atomic_add_fetch(&shared.sequence, 1, __ATOMIC_SEQ_CST);
}

static void change_ends(uint64_t tag)
{
	__atomic_store_n(&shared.state, tag, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&shared.sequence, 1, __ATOMIC_SEQ_CST);
	shared.rounds++;
}

static void make_slot(struct test *t)
{
	*(uint64_t *)area(t, 0x10) = TAG_A;
	*(uint64_t *)area(t, 0x20) = TAG_B;
	shared.page = area(t, 0);
	shared.pte = bare_vm_pte(&t->vm, (uintptr_t)shared.page);
	*shared.pte = SLOT_GPA | 3;
	set_slot(t, area(t, 0x10), 0);
	shared.state = TAG_A;
}

/* On a busy machine each change may wait for a turn of every processor's. */
static bool is_over(double begin, unsigned int round)
{
	return (round >= 16 && seconds() - begin > (is_long() ? 10 : 0.3)) ||
	       __atomic_load_n(&shared.stop, __ATOMIC_RELAXED);
}

static void wait_for_all(struct test *t)
{
	while (__atomic_load_n(&shared.ready, __ATOMIC_SEQ_CST) != t->vm.vcpus)
		sleep_ms(1);
}

static void exchange_slots(struct test *t)
{
	double begin = seconds();

	wait_for_all(t);
	for (unsigned int round = 0; !is_over(begin, round); round++) {
		bool b = round & 1;

		change_begins();
		set_slot(t, NULL, 0);
		if (round % 3 == 0) {
			change_ends(UINT64_MAX);
			sleep_ms(round % 16 == 0);
			change_begins();
		}
		set_slot(t, area(t, b ? 0x20 : 0x10), 0);
		change_ends(b ? TAG_B : TAG_A);
		sleep_ms(round % 16 == 0);
	}
	__atomic_store_n(&shared.end, 1, __ATOMIC_SEQ_CST);
}

static void change_slots(unsigned int cpus, void (*meanwhile)(struct test *t))
{
	struct test t;

	start(&t, cpus);
	t.follow = slot_follow;
	make_slot(&t);
	run(&t, meanwhile);
}

static void slot_exchanged_while_used_leads_to_new_memory(void **state)
{
	(void)state;
	change_slots(2, exchange_slots);
	change_slots(4, exchange_slots);
}

/* What has changed since the last look at the log is in the log. */
static void log_dirty_pages(struct test *t)
{
	const uint64_t *memory = (const uint64_t *)area(t, 0x10);
	struct kvm_dirty_log log = {.slot = SLOT};
	uint64_t bitmap = 0, snapshot[64] = {0}, now[64];
	double begin = seconds();
	bool is_first = true;

	log.dirty_bitmap = &bitmap;
	wait_for_all(t);
	for (unsigned int round = 0; !is_over(begin, round); round++) {
		if (round % 8 == 0) {
			set_slot(t, area(t, 0x10), 0);
			set_slot(t, area(t, 0x10), KVM_MEM_LOG_DIRTY_PAGES);
			is_first = true;
		}
		memcpy(now, memory, sizeof(now));
		bare_vm_ioctl(t->vm.fd, KVM_GET_DIRTY_LOG, &log, "KVM_GET_DIRTY_LOG");
		if (!is_first && memcmp(now, snapshot, sizeof(now)) != 0 && !(bitmap & 1))
			fail_msg("round %u: a store that is in no log", round);
		memcpy(snapshot, memory, sizeof(snapshot));
		is_first = false;
		shared.rounds++;
		sleep_ms(round % 16 == 0);
	}
	__atomic_store_n(&shared.end, 1, __ATOMIC_SEQ_CST);
}

static void dirty_log_while_stored_to_misses_nothing(void **state)
{
	(void)state;
	change_slots(2, log_dirty_pages);
	change_slots(4, log_dirty_pages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(call_patched_while_executed_is_old_or_new),
		cmocka_unit_test(translation_changed_and_invalidated_is_not_used),
		cmocka_unit_test(dirty_bit_raced_by_other_changes_is_kept),
		cmocka_unit_test(nmi_to_loop_and_halt_is_taken_once),
		cmocka_unit_test(init_to_running_processor_starts_it_anew),
		cmocka_unit_test(slot_exchanged_while_used_leads_to_new_memory),
		cmocka_unit_test(dirty_log_while_stored_to_misses_nothing),
	};

	return cmocka_run_group_tests_name("processors", tests, NULL, NULL);
}
