// SPDX-License-Identifier: GPL-2.0-or-later
/* All threads at the same pages, which the system takes away and brings back meanwhile. */
#include "enclave.h"

#include <immintrin.h>

#define WORDS (SGX_PAGE_SIZE / 8 - 2)

/* The lock lies in the page, so that pages leave with their lock taken. */
struct churn_page {
	uint64_t locked;
	uint64_t version;
	uint64_t words[WORDS];
};

static uint64_t at_it, most;

static struct churn_page *page_of(const struct call_churn *c, uint64_t number)
{
	return (struct churn_page *)(enclave_base + c->offset) + number;
}

static void page_lock(struct churn_page *page)
{
	while (__atomic_exchange_n(&page->locked, 1, __ATOMIC_ACQUIRE))
		_mm_pause();
}

static void page_unlock(struct churn_page *page)
{
	__atomic_store_n(&page->locked, 0, __ATOMIC_RELEASE);
}

static uint64_t word_of(uint64_t number, uint64_t version, uint64_t word)
{
	return version ? storm_round(number << 32 | version, word) : 0;
}

static bool is_right(struct call_churn *c, const struct churn_page *page, uint64_t number)
{
	for (uint64_t i = 0; i < WORDS; i++) {
		if (page->words[i] == word_of(number, page->version, i))
			continue;
		c->page = number;
		c->word = i;
		c->version = page->version;
		c->found = page->words[i];
		return false;
	}
	return true;
}

static void write_next(struct churn_page *page, uint64_t number)
{
	page->version++;
	for (uint64_t i = 0; i < WORDS; i++)
		page->words[i] = word_of(number, page->version, i);
}

static bool visit(struct call_churn *c, uint64_t number, bool write)
{
	struct churn_page *page = page_of(c, number);
	bool right;

	page_lock(page);
	right = is_right(c, page, number);
	if (right && write) {
		write_next(page, number);
		c->writes++;
	}
	page_unlock(page);
	return right;
}

static void note_inside(struct call_churn *c)
{
	uint64_t now = __atomic_add_fetch(&at_it, 1, __ATOMIC_SEQ_CST);
	uint64_t seen = __atomic_load_n(&most, __ATOMIC_RELAXED);

	while (seen < now && !__atomic_compare_exchange_n(&most, &seen, now, false,
							  __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	c->inside = __atomic_load_n(&most, __ATOMIC_RELAXED);
}

void call_churn(struct call_frame *f)
{
	struct call_churn *c = &f->churn;
	uint64_t random = c->seed;

	if (!c->count || !is_in_heap(c->offset, c->count)) {
		f->status = CALL_BAD_ADDRESS;
		return;
	}
	note_inside(c);
	c->writes = 0;
	for (uint64_t i = 0; i < c->visits && f->status == CALL_DONE; i++) {
		random = storm_round(random, i);
		if (!visit(c, (random >> 8) % c->count, random & 1))
			f->status = CALL_REFUSED;
	}
	__atomic_sub_fetch(&at_it, 1, __ATOMIC_SEQ_CST);
}

/* When nobody is at it any more: is each page right, and was no write lost? */
void call_audit(struct call_frame *f)
{
	struct call_churn *c = &f->churn;

	if (!is_in_heap(c->offset, c->count)) {
		f->status = CALL_BAD_ADDRESS;
		return;
	}
	c->writes = 0;
	for (uint64_t i = 0; i < c->count && f->status == CALL_DONE; i++) {
		if (!is_right(c, page_of(c, i), i))
			f->status = CALL_REFUSED;
		c->writes += page_of(c, i)->version;
	}
}
