// SPDX-License-Identifier: GPL-2.0-or-later
#include "worker.h"

#include "change.h"
#include "demo.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Between one way in and the next way out. */
#define VISITS     64
#define GROW_PAGES 16

static void worker_fail(struct worker *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void worker_fail(struct worker *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(w->what, sizeof(w->what), format, args);
	va_end(args);
	w->failed = 1;
	__atomic_store_n(&w->crowd->stop, 1, __ATOMIC_RELAXED);
}

static int is_time_up(const struct worker *w)
{
	return __atomic_load_n(&w->crowd->stop, __ATOMIC_RELAXED) || now_us() >= w->crowd->end_us;
}

/* Return: did it end with CALL_DONE? */
static int worker_call(struct worker *w, struct call_frame *f)
{
	struct sgx_enclave_run run;
	int ret = enclave_call(&w->crowd->enclave, w->number, f, &run);

	if (ret)
		worker_fail(w, "call %lu: %s, vector %u, error code %#x, address %#llx", f->call,
			    strerror(-ret), run.exception_vector, run.exception_error_code,
			    run.exception_addr);
	else if (f->status == CALL_REFUSED)
		worker_fail(w, "page %lu of version %lu: word %lu is %#lx", f->churn.page,
			    f->churn.version, f->churn.word, f->churn.found);
	else if (f->status != CALL_DONE)
		worker_fail(w, "call %lu: status %lu, code %lu of the leaf", f->call, f->status,
			    f->leaf_code);
	else
		return 1;
	return 0;
}

static int call_pages(struct worker *w, uint64_t call, uint64_t first, uint64_t count,
		      uint64_t flags, uint64_t *value)
{
	struct call_frame f = {
		.call = call,
		.pages = {w->crowd->enclave.image->heap + first * SGX_PAGE_SIZE, count, flags,
			  *value},
	};
	int done = worker_call(w, &f);

	*value = f.pages.value;
	return done;
}

static int accept_share(struct worker *w)
{
	uint64_t pages = w->crowd->pages, churners = w->crowd->churners, none = 0;
	uint64_t first = pages * w->number / churners, last = pages * (w->number + 1) / churners;

	return call_pages(w, CALL_ACCEPT, first, last - first, REG | RW | SGX_SECINFO_PENDING,
			  &none);
}

static int churn_once(struct worker *w)
{
	struct call_frame f = {
		.call = CALL_CHURN,
		.churn = {.offset = w->crowd->enclave.image->heap,
			  .count = w->crowd->pages,
			  .seed = now_us() * 64 + w->number,
			  .visits = VISITS},
	};
	int done = worker_call(w, &f);

	w->writes += f.churn.writes;
	w->inside = f.churn.inside;
	w->rounds += (uint64_t)done;
	return done;
}

void *worker_churn(void *worker)
{
	struct worker *w = worker;
	int going = accept_share(w);

	pthread_barrier_wait(&w->crowd->all_accepted);
	while (going)
		going = churn_once(w) && !is_time_up(w);
	return NULL;
}

/* Return: are the pages what CALL_FILL made of them? */
static int fill_and_sum(struct worker *w, uint64_t first, uint64_t value, int fill)
{
	uint64_t words = GROW_PAGES * (uint64_t)(SGX_PAGE_SIZE / 8), sum = 0, pattern = value;
	uint64_t wanted = words * value + words * (words - 1) / 2;

	if (fill && !call_pages(w, CALL_FILL, first, GROW_PAGES, 0, &pattern))
		return 0;
	if (!call_pages(w, CALL_SUM, first, GROW_PAGES, 0, &sum))
		return 0;
	if (sum != wanted)
		worker_fail(w, "sum %#lx of pages from %lu on, not %#lx", sum, first, wanted);
	return sum == wanted;
}

static int restrict_and_extend(struct worker *w, uint64_t first, uint64_t value)
{
	const struct enclave *e = &w->crowd->enclave;
	uint64_t result, none = 0;
	int ret = enclave_restrict(e, e->image->heap + first * SGX_PAGE_SIZE, GROW_PAGES,
				   SGX_SECINFO_R, &result);

	if (ret) {
		worker_fail(w, "EMODPR: %s, result %lu", strerror(-ret), result);
		return 0;
	}
	return call_pages(w, CALL_ACCEPT, first, GROW_PAGES, REG | SGX_SECINFO_R | SGX_SECINFO_PR,
			  &none) &&
	       fill_and_sum(w, first, value, 0) &&
	       call_pages(w, CALL_EXTEND, first, GROW_PAGES, RW, &none);
}

static int trim_and_remove(struct worker *w, uint64_t first)
{
	const struct enclave *e = &w->crowd->enclave;
	uint64_t offset = e->image->heap + first * SGX_PAGE_SIZE, result, none = 0;
	int ret = enclave_trim(e, offset, GROW_PAGES, &result);

	if (ret) {
		worker_fail(w, "EMODT: %s, result %lu", strerror(-ret), result);
		return 0;
	}
	if (!call_pages(w, CALL_ACCEPT, first, GROW_PAGES, TRIM | SGX_SECINFO_MODIFIED, &none))
		return 0;
	ret = enclave_remove(e, offset, GROW_PAGES);
	if (ret)
		worker_fail(w, "EREMOVE: %s", strerror(-ret));
	return ret == 0;
}

static int grow_once(struct worker *w)
{
	struct crowd *c = w->crowd;
	uint64_t first = c->pages + (uint64_t)(w->number - c->churners) * GROW_PAGES, none = 0;
	uint64_t value = storm_round(w->rounds, w->number);

	return call_pages(w, CALL_ACCEPT, first, GROW_PAGES, REG | RW | SGX_SECINFO_PENDING,
			  &none) &&
	       fill_and_sum(w, first, value, 1) && restrict_and_extend(w, first, value) &&
	       fill_and_sum(w, first, ~value, 1) && trim_and_remove(w, first);
}

void *worker_grow(void *worker)
{
	struct worker *w = worker;

	do {
		if (!grow_once(w))
			break;
		w->rounds++;
	} while (!is_time_up(w));
	return NULL;
}

int crowd_audit(struct crowd *crowd, const char *name, uint64_t *writes)
{
	struct call_frame f = {
		.call = CALL_AUDIT,
		.churn = {.offset = crowd->enclave.image->heap, .count = crowd->pages},
	};

	if (!must_call(name, &crowd->enclave, &f))
		return 0;
	*writes = f.churn.writes;
	return 1;
}
