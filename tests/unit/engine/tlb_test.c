// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The software TLB against a model that keeps a list of what was entered: no flush leaves
 * what it must take, and MOV to CR3 takes no global page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/tlb.h"
#include "lib/bits.h"
#include "lib/mem.h"
#include "mmu/mmu.h"

#define STEPS 200000u

/* Each page has its place in the table; pages 8 apart share one, with another GiB above it. */
#define PLACES 8u
#define SHARES 4u
#define PAGES  (PLACES * SHARES)

struct model {
	bool present, writable, global;
	uint8_t page_shift;
};

struct fixture {
	struct engine_tlb *tlb;
	struct model page[PAGES];
	uint64_t random;
};

/* Marsaglia's xorshift. */
static unsigned int choose(struct fixture *f, unsigned int below)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return (unsigned int)(f->random >> 32) % below;
}

/* Places 0 to 3 are in the first 2 MiB, the first one is the table's; the others in the next. */
static gva_t gva_of(unsigned int n)
{
	unsigned int place = n % PLACES;
	gva_t share = (gva_t)(n / PLACES) * 5 << 30;

	return share + (place < 4 ? place << 12 : 0x200000 + (place << 12));
}

static uint8_t *host_of(unsigned int n)
{
	return (uint8_t *)(uintptr_t)(UINT64_C(0x10000000) + ((uint64_t)n << 12));
}

static void step_enter(struct fixture *f)
{
	static const uint8_t shifts[] = {12, 12, 21, 30};
	unsigned int n = choose(f, PAGES);
	struct mmu_page page = {.global = choose(f, 2), .page_shift = shifts[choose(f, 4)]};
	bool writable = choose(f, 2);

	for (unsigned int i = n % PLACES; i < PAGES; i += PLACES)
		if (i != n)
			f->page[i].present = false;
	/* Entered again for a read, it may be written still. */
	writable |= f->page[n].present && f->page[n].writable;
	tlb_enter(f->tlb, gva_of(n), &page, host_of(n), writable);
	f->page[n] = (struct model){true, writable, page.global, page.page_shift};
}

static void step_flush_page(struct fixture *f)
{
	gva_t gva = gva_of(choose(f, PAGES)) + choose(f, 4096);

	tlb_flush_page(f->tlb, gva);
	for (unsigned int i = 0; i < PAGES; i++)
		if (!((gva_of(i) ^ gva) >> f->page[i].page_shift))
			f->page[i].present = false;
}

static void step_protect(struct fixture *f)
{
	unsigned int n = choose(f, PAGES);

	tlb_protect(f->tlb, host_of(n));
	f->page[n].writable = false;
}

static void step_flush(struct fixture *f, bool nonglobal)
{
	if (nonglobal)
		tlb_flush_nonglobal(f->tlb);
	else
		tlb_flush(f->tlb);
	for (unsigned int i = 0; i < PAGES; i++)
		if (!nonglobal || !f->page[i].global)
			f->page[i].present = false;
}

static void expect_model(const struct fixture *f)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		const struct model *m = &f->page[i];
		uint8_t *host = host_of(i) + 8;

		assert_ptr_equal(tlb_lookup(f->tlb, gva_of(i) + 8, false),
				 m->present ? host : NULL);
		assert_ptr_equal(tlb_lookup(f->tlb, gva_of(i) + 8, true),
				 m->present && m->writable ? host : NULL);
	}
}

static void entering_and_flushing_in_any_order_is_as_in_the_model(void **state)
{
	struct fixture f = {.random = 88172645463325252u};

	(void)state;
	f.tlb = mem_reserve(sizeof(*f.tlb));
	assert_non_null(f.tlb);
	tlb_init(f.tlb);
	for (unsigned int i = 0; i < STEPS; i++) {
		unsigned int kind = choose(&f, 32);

		if (kind < 24)
			step_enter(&f);
		else if (kind < 27)
			step_flush_page(&f);
		else if (kind < 29)
			step_protect(&f);
		else
			step_flush(&f, kind != 31);
		expect_model(&f);
	}
	mem_release(f.tlb, sizeof(*f.tlb));
}

/* More than its lists hold. */
static void flushing_a_full_table_leaves_nothing_local(void **state)
{
	struct engine_tlb *tlb = mem_reserve(sizeof(*tlb));
	struct mmu_page page = {.page_shift = 12};

	(void)state;
	assert_non_null(tlb);
	tlb_init(tlb);
	for (gva_t gva = 0; gva < (ENGINE_TLB_LIST + 2) * UINT64_C(4096); gva += 4096)
		tlb_enter(tlb, gva, &page, host_of(0), true);
	assert_non_null(tlb_lookup(tlb, 4096, true));
	tlb_flush_nonglobal(tlb);
	for (gva_t gva = 0; gva < (ENGINE_TLB_LIST + 2) * UINT64_C(4096); gva += 4096)
		assert_null(tlb_lookup(tlb, gva, false));
	mem_release(tlb, sizeof(*tlb));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entering_and_flushing_in_any_order_is_as_in_the_model),
		cmocka_unit_test(flushing_a_full_table_leaves_nothing_local),
	};

	return cmocka_run_group_tests_name("tlb", tests, NULL, NULL);
}
