// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What vCPUs ask of each other. A request is a bit, and a kick that brings the
 * other to its next safe point, where it serves the request and clears the bit. A
 * vCPU outside engine_run() serves at its next entry, and counts as having
 * served: it uses nothing meanwhile. Both sides write before they read
 * (`running`, `request`), so one of them sees the other.
 *
 * Who waits for another's answer serves its own requests meanwhile, since the other
 * may be waiting for it. After that it knows nothing any more that a safe point
 * ends: host pointers, blocks.
 *
 * Waiters sleep (wait.h), so whatever they may wait for is followed by a waits_notify().
 */
#include "engine/core.h"

#include <sched.h>
#include <stdlib.h>

/* What is in v->protect now; Return: how many, more than fit for all. */
static unsigned int take_protect(struct engine_vcpu *v, const uint8_t **hosts)
{
	unsigned int count;

	engine_lock_translate(v->engine);
	count = v->protect_count;
	for (unsigned int i = 0; i < count && i < ENGINE_PROTECT_MAX; i++)
		hosts[i] = v->protect[i];
	v->protect_count = 0;
	if (!count)
		atomic_fetch_and(&v->request, ~REQUEST_PROTECT);
	engine_unlock_translate(v->engine);
	return count;
}

/* The bit goes when nothing is left, and after the entries. */
static void serve_protect(struct engine_vcpu *v)
{
	const uint8_t *hosts[ENGINE_PROTECT_MAX];
	unsigned int count;

	while ((count = take_protect(v, hosts)) != 0) {
		for (unsigned int n = 0; n < ENGINE_MMU_INDICES; n++) {
			if (count > ENGINE_PROTECT_MAX)
				tlb_flush(&v->tlb[n]);
			for (unsigned int i = 0; i < count && i < ENGINE_PROTECT_MAX; i++)
				tlb_protect(&v->tlb[n], hosts[i]);
		}
	}
}

static bool is_excluded(const struct engine_vcpu *v)
{
	const struct engine_vcpu *exclusive = atomic_load(&v->engine->exclusive);

	return exclusive && exclusive != v;
}

/*
 * Somebody wants to be alone. Before we are seen to run again the next one may have
 * begun, who took us for parked and will not ask again: so we look once more.
 */
static void serve_park(struct engine_vcpu *v)
{
	struct waits *waits = &v->engine->waits;
	struct wait wait;

	do {
		atomic_store(&v->parked, true);
		waits_notify(waits);
		wait_start(&wait, waits);
		while (is_excluded(v))
			wait_more(&wait);
		wait_end(&wait);
		atomic_fetch_and(&v->request, ~REQUEST_PARK);
		atomic_store(&v->parked, false);
		waits_notify(waits);
	} while (is_excluded(v));
}

void safepoint_serve(struct engine_vcpu *v)
{
	uint32_t request;

	__atomic_store_n(&v->run_page[2], 0, __ATOMIC_SEQ_CST);
	/* The run loop's own is not ours. */
	while ((request = atomic_load(&v->request) & ~REQUEST_EXIT)) {
		if (request & REQUEST_PARK)
			serve_park(v);
		if (request & REQUEST_FLUSH) {
			vcpu_flush_all(v);
			atomic_fetch_and(&v->request, ~REQUEST_FLUSH);
		}
		if (request & REQUEST_PROTECT)
			serve_protect(v);
		/* Write entries that go take nothing from who waits: only what may end host pointers counts. */
		if (request & ~REQUEST_PROTECT)
			atomic_fetch_add(&v->served, 1);
		waits_notify(&v->engine->waits);
	}
}

/*
 * Somebody waits for @self, which waits itself. The kick stays: it may have been for an
 * interrupt or for REQUEST_EXIT, at which only the run loop looks.
 */
static bool serve_meanwhile(struct engine_vcpu *self)
{
	if (!(atomic_load(&self->request) & ~REQUEST_EXIT))
		return false;
	safepoint_serve(self);
	engine_kick(self);
	return true;
}

/* The list is held for moments only, but its holder may not be running. */
static void lock_vcpus(struct engine_vcpu *self)
{
	while (!engine_try_lock_vcpus(self->engine)) {
		serve_meanwhile(self);
		sched_yield();
	}
}

/* Has @v answered, or is it where it uses nothing? */
static bool has_answered(struct engine_vcpu *v, uint32_t request)
{
	return !atomic_load(&v->running) || !(atomic_load(&v->request) & request) ||
	       (request == REQUEST_PARK && atomic_load(&v->parked));
}

static bool all_answered(struct engine_vcpu *self, uint32_t request)
{
	struct engine *engine = self->engine;
	bool all = true;

	lock_vcpus(self);
	for (struct engine_vcpu *v = engine->vcpus; v && all; v = v->next)
		all = v == self || has_answered(v, request);
	engine_unlock_vcpus(engine);
	return all;
}

static void wait_for_all(struct engine_vcpu *self, uint32_t request)
{
	struct wait wait;

	wait_start(&wait, &self->engine->waits);
	while (!all_answered(self, request))
		if (!serve_meanwhile(self))
			wait_more(&wait);
	wait_end(&wait);
}

static void ask(struct engine_vcpu *v, uint32_t request)
{
	atomic_fetch_or(&v->request, request);
	engine_kick(v);
}

/* To all vCPUs but @self, which serves meanwhile what is asked of it. */
static void ask_all(struct engine_vcpu *self, uint32_t request)
{
	struct engine *engine = self->engine;

	lock_vcpus(self);
	for (struct engine_vcpu *v = engine->vcpus; v; v = v->next) {
		if (v != self)
			ask(v, request);
	}
	engine_unlock_vcpus(engine);
	waits_notify(&engine->waits);
}

void safepoint_flush_others(struct engine_vcpu *self)
{
	ask_all(self, REQUEST_FLUSH);
}

static bool is_alone(struct engine *engine)
{
	return atomic_load_explicit(&engine->vcpu_count, memory_order_relaxed) == 1;
}

static _Atomic uint64_t *may_write_word(struct engine_vcpu *v, const uint8_t *host, uint64_t *bit)
{
	uint64_t page = (uint64_t)(uintptr_t)host / GUEST_PAGE_SIZE % ENGINE_MAY_WRITE_PAGES;

	*bit = BIT64(page % 64);
	return &v->may_write[page / 64];
}

/*
 * Sequentially consistent, as is an announcement: who announces a page sees the bit,
 * or the vCPU sees the announcement.
 */
void safepoint_may_write(struct engine_vcpu *v, const uint8_t *host)
{
	uint64_t bit;
	_Atomic uint64_t *word = may_write_word(v, host, &bit);

	if (!(atomic_load_explicit(word, memory_order_relaxed) & bit))
		atomic_fetch_or(word, bit);
}

static bool may_write(struct engine_vcpu *v, const uint8_t *host)
{
	uint64_t bit;
	_Atomic uint64_t *word = may_write_word(v, host, &bit);

	return atomic_load(word) & bit;
}

/* Return: somebody has to be waited for. */
static bool ask_for_protection(struct engine_vcpu *self, const uint8_t *host)
{
	struct engine *engine = self->engine;
	bool asked = false;

	lock_vcpus(self);
	for (struct engine_vcpu *v = engine->vcpus; v; v = v->next) {
		if (v == self || !may_write(v, host))
			continue;
		engine_lock_translate(engine);
		if (v->protect_count < ENGINE_PROTECT_MAX)
			v->protect[v->protect_count] = host;
		if (v->protect_count <= ENGINE_PROTECT_MAX)
			v->protect_count++;
		engine_unlock_translate(engine);
		ask(v, REQUEST_PROTECT);
		asked = true;
	}
	engine_unlock_vcpus(engine);
	if (asked)
		waits_notify(&engine->waits);
	return asked;
}

bool safepoint_protect(struct engine_vcpu *self, const uint8_t *host)
{
	struct engine *engine = self->engine;
	uint64_t served = atomic_load(&self->served);

	for (unsigned int i = 0; i < ENGINE_MMU_INDICES; i++)
		tlb_protect(&self->tlb[i], host);
	if (is_alone(engine))
		return true;
	if (ask_for_protection(self, host))
		wait_for_all(self, REQUEST_PROTECT);
	return atomic_load(&self->served) == served;
}

/*
 * Is somebody still parked for who was alone before? Those go on first: else they might
 * meet one after the other and never come to what else is asked of them.
 */
static bool is_anyone_parked(struct engine_vcpu *self)
{
	struct engine *engine = self->engine;
	bool any = false;

	lock_vcpus(self);
	for (struct engine_vcpu *v = engine->vcpus; v && !any; v = v->next)
		any = v != self && atomic_load(&v->running) && atomic_load(&v->parked);
	engine_unlock_vcpus(engine);
	return any;
}

void safepoint_begin_exclusive(struct engine_vcpu *self)
{
	struct engine *engine = self->engine;
	struct engine_vcpu *nobody = NULL;
	struct wait wait;

	wait_start(&wait, &engine->waits);
	while (is_anyone_parked(self) ||
	       !atomic_compare_exchange_strong(&engine->exclusive, &nobody, self)) {
		nobody = NULL;
		if (!serve_meanwhile(self))
			wait_more(&wait);
	}
	wait_end(&wait);
	if (is_alone(engine))
		return;
	ask_all(self, REQUEST_PARK);
	wait_for_all(self, REQUEST_PARK);
	atomic_store(&engine->alone, self);
}

void safepoint_end_exclusive(struct engine_vcpu *self)
{
	atomic_store(&self->engine->alone, NULL);
	atomic_store(&self->engine->exclusive, NULL);
	waits_notify(&self->engine->waits);
}

void safepoint_assert_may_run(const struct engine_vcpu *v)
{
#ifdef EXCLAVE_DEBUG_LOCKS
	const struct engine_vcpu *alone = atomic_load(&v->engine->alone);

	if (alone && alone != v)
		abort();
#endif
}

void safepoint_enter(struct engine_vcpu *v)
{
	atomic_store(&v->running, true);
	if (atomic_load(&v->request))
		safepoint_serve(v);
}

void safepoint_leave(struct engine_vcpu *v)
{
	atomic_store(&v->running, false);
	waits_notify(&v->engine->waits);
}
