// SPDX-License-Identifier: GPL-2.0-or-later
#include "sgx/epc.h"

#include "lib/bits.h"
#include "lib/lock.h"
#include "lib/mem.h"

#include <errno.h>
#include <string.h>

int epc_init(struct epc *epc)
{
	memset(epc, 0, sizeof(*epc));
	epc->directory = mem_reserve(EPC_DIR_SIZE * sizeof(*epc->directory));
	if (!epc->directory)
		return -ENOMEM;
	epc->tables = mem_reserve(EPC_DIR_SIZE * sizeof(*epc->tables));
	if (!epc->tables)
		goto err_release_directory;
	pthread_mutex_init(&epc->sections_lock, NULL);
	return 0;

err_release_directory:
	mem_release(epc->directory, EPC_DIR_SIZE * sizeof(*epc->directory));
	return -ENOMEM;
}

/* Only the ends of a section can share a GiB with something else. */
static void release_end_table(struct epc *epc, hpa_t hpa)
{
	uint64_t gib = hpa >> EPC_DIR_SHIFT;

	mem_release((void *)epc->tables[gib], EPC_TABLE_SIZE);
	epc->tables[gib] = NULL;
}

static void section_release(struct epc_section *s)
{
	uint64_t pages = s->size >> SGX_PAGE_SHIFT;

	mem_release(s->epcm, pages * sizeof(struct epcm_entry));
	mem_release(s->pages, s->size);
}

void epc_destroy(struct epc *epc)
{
	for (unsigned int i = 0; i < epc->section_count; i++) {
		struct epc_section *s = &epc->sections[i];

		release_end_table(epc, s->base);
		release_end_table(epc, s->base + s->size - 1);
		section_release(s);
	}
	mem_release(epc->tables, EPC_DIR_SIZE * sizeof(*epc->tables));
	mem_release(epc->directory, EPC_DIR_SIZE * sizeof(*epc->directory));
	pthread_mutex_destroy(&epc->sections_lock);
}

static int section_check(const struct epc *epc, hpa_t base, uint64_t size)
{
	hpa_t limit = UINT64_C(1) << EPC_PHYS_BITS;

	if (!is_aligned(base | size, SGX_PAGE_SIZE) || !size || size > EPC_MAX_SECTION_SIZE)
		return -EINVAL;
	if (base >= limit || size > limit - base)
		return -EINVAL;
	if (epc->section_count == EPC_MAX_SECTIONS)
		return -ENOSPC;
	for (unsigned int i = 0; i < epc->section_count; i++) {
		const struct epc_section *s = &epc->sections[i];

		if (base < s->base + s->size && s->base < base + size)
			return -EEXIST;
	}
	return 0;
}

/*
 * Makes the table of the GiB around @hpa when [@base, @end) does not fill it and
 * nobody made it before: then @made says so.
 */
static int prepare_table(struct epc *epc, hpa_t hpa, hpa_t base, hpa_t end, bool *made)
{
	uint64_t gib = hpa >> EPC_DIR_SHIFT;
	hpa_t start = gib << EPC_DIR_SHIFT;

	*made = false;
	if (epc->tables[gib] || (base <= start && end >= start + (UINT64_C(1) << EPC_DIR_SHIFT)))
		return 0;
	epc->tables[gib] = mem_reserve(EPC_TABLE_SIZE);
	*made = epc->tables[gib];
	return *made ? 0 : -ENOMEM;
}

static int section_reserve(struct epc_section *s)
{
	s->epcm = mem_reserve((s->size >> SGX_PAGE_SHIFT) * sizeof(struct epcm_entry));
	s->pages = mem_reserve(s->size);
	if (s->epcm && s->pages)
		return 0;
	section_release(s);
	return -ENOMEM;
}

/* Makes the section visible to look-ups, which may run meanwhile. */
static void publish_section(struct epc *epc, const struct epc_section *s, uint8_t id)
{
	hpa_t end = s->base + s->size;

	for (hpa_t hpa = s->base; hpa < end;) {
		uint64_t gib = hpa >> EPC_DIR_SHIFT;
		hpa_t next = (gib + 1) << EPC_DIR_SHIFT;
		_Atomic uint8_t *table = epc->tables[gib];

		if (next > end)
			next = end;
		if (!table) {
			atomic_store_explicit(&epc->directory[gib], id, memory_order_release);
		} else {
			for (; hpa < next; hpa += SGX_PAGE_SIZE)
				atomic_store_explicit(
					&table[(hpa >> SGX_PAGE_SHIFT) % EPC_TABLE_SIZE], id,
					memory_order_release);
			atomic_store_explicit(&epc->directory[gib], EPC_DIR_TABLE,
					      memory_order_release);
		}
		hpa = next;
	}
}

static int add_section_locked(struct epc *epc, hpa_t base, uint64_t size, unsigned int node)
{
	int ret = section_check(epc, base, size);
	bool made_first, made_last;
	struct epc_section *s;

	if (ret)
		return ret;
	ret = prepare_table(epc, base, base, base + size, &made_first);
	if (ret)
		return ret;
	ret = prepare_table(epc, base + size - 1, base, base + size, &made_last);
	if (ret)
		goto err_release_first;
	s = &epc->sections[epc->section_count];
	s->base = base;
	s->size = size;
	s->node = node;
	ret = section_reserve(s);
	if (ret)
		goto err_release_last;
	/* Complete: epc_hpa() of another section's pages may look at it from now on. */
	__atomic_store_n(&epc->section_count, epc->section_count + 1, __ATOMIC_RELEASE);
	publish_section(epc, s, (uint8_t)epc->section_count);
	return 0;

err_release_last:
	if (made_last)
		release_end_table(epc, base + size - 1);
err_release_first:
	if (made_first)
		release_end_table(epc, base);
	return ret;
}

int epc_add_section(struct epc *epc, hpa_t base, uint64_t size, unsigned int node)
{
	int ret;

	lock_rank_acquire(LOCK_EPC_SECTIONS);
	pthread_mutex_lock(&epc->sections_lock);
	ret = add_section_locked(epc, base, size, node);
	pthread_mutex_unlock(&epc->sections_lock);
	lock_rank_release(LOCK_EPC_SECTIONS);
	return ret;
}

static struct epc_section *section_of(struct epc *epc, hpa_t hpa)
{
	uint64_t gib = hpa >> EPC_DIR_SHIFT;
	uint8_t id;

	/* Most platforms have one section, and finding it so saves three dependent loads. */
	if (likely(__atomic_load_n(&epc->section_count, __ATOMIC_ACQUIRE)) &&
	    likely(hpa - epc->sections[0].base < epc->sections[0].size))
		return &epc->sections[0];
	if (unlikely(gib >= EPC_DIR_SIZE))
		return NULL;
	id = atomic_load_explicit(&epc->directory[gib], memory_order_acquire);
	if (id == EPC_DIR_TABLE)
		id = atomic_load_explicit(
			&epc->tables[gib][(hpa >> SGX_PAGE_SHIFT) % EPC_TABLE_SIZE],
			memory_order_acquire);
	return id ? &epc->sections[id - 1] : NULL;
}

struct epcm_entry *epc_lookup(struct epc *epc, hpa_t hpa)
{
	struct epc_section *s = section_of(epc, hpa);
	struct epcm_entry *e;
	uint64_t index;

	if (!s)
		return NULL;
	index = (hpa - s->base) >> SGX_PAGE_SHIFT;
	e = &s->epcm[index];
	/* Two processors may both find it unset; they store the same value. */
	if (unlikely(!epcm_page(e)))
		atomic_store_explicit(&e->page, s->pages + (index << SGX_PAGE_SHIFT),
				      memory_order_relaxed);
	return e;
}

hpa_t epc_hpa(struct epc *epc, const struct epcm_entry *e)
{
	unsigned int count = __atomic_load_n(&epc->section_count, __ATOMIC_ACQUIRE);

	for (unsigned int i = 0; i < count; i++) {
		const struct epc_section *s = &epc->sections[i];
		uint64_t pages = s->size >> SGX_PAGE_SHIFT;

		if (e >= s->epcm && e < s->epcm + pages)
			return s->base + ((uint64_t)(e - s->epcm) << SGX_PAGE_SHIFT);
	}
	__builtin_unreachable();
}

/* The entries of one host page: the unit in which EPCM memory can be given back. */
#define ENTRIES_PER_HOST_PAGE (SGX_PAGE_SIZE / sizeof(struct epcm_entry))

/* Discards the contents of section pages [first, end) that are invalid, in runs. */
static uint64_t discard_pages(struct epc_section *s, uint64_t first, uint64_t end)
{
	uint64_t discarded = 0;

	for (uint64_t i = first; i < end;) {
		uint64_t run = 0;

		while (i + run < end && !epcm_is_valid(epcm_state(&s->epcm[i + run])))
			run++;
		if (run)
			mem_discard(s->pages + (i << SGX_PAGE_SHIFT), run << SGX_PAGE_SHIFT);
		discarded += run;
		i += run + 1;
	}
	return discarded;
}

uint64_t epc_discard(struct epc *epc, hpa_t base, uint64_t size)
{
	struct epc_section *s = section_of(epc, base);
	uint64_t discarded = 0;
	uint64_t first, end;

	if (!s || size > s->base + s->size - base)
		return 0;
	first = (base - s->base) >> SGX_PAGE_SHIFT;
	end = first + (size >> SGX_PAGE_SHIFT);
	for (uint64_t i = first; i < end;) {
		uint64_t next = align_down(i, ENTRIES_PER_HOST_PAGE) + ENTRIES_PER_HOST_PAGE;
		bool whole = is_aligned(i, ENTRIES_PER_HOST_PAGE) && next <= end;
		uint64_t n;

		if (next > end)
			next = end;
		n = discard_pages(s, i, next);
		if (whole && n == ENTRIES_PER_HOST_PAGE)
			mem_discard(&s->epcm[i], SGX_PAGE_SIZE);
		discarded += n;
		i = next;
	}
	return discarded;
}
