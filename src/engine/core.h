/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the engine know of each other. Private to the folder. */
#ifndef EXCLAVE_ENGINE_CORE_H
#define EXCLAVE_ENGINE_CORE_H

#include "engine/cache.h"
#include "engine/engine.h"
#include "engine/exec.h"
#include "engine/mode.h"
#include "engine/translate.h"
#include "engine/wait.h"
#include "lib/bits.h"
#include "sgx/sgx.h"

#include <pthread.h>

#define ENGINE_CACHE_DEFAULT (UINT64_C(64) << 20)
#define ENGINE_CACHE_TINY    (UINT64_C(256) << 10)

/* Extended state that the guest may have: x87, SSE, AVX. */
#define ENGINE_XFEATURES 7

#define FLAGS_ARITHMETIC                                                                 \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | \
	 X86_EFLAGS_OF)

struct engine {
	struct engine_config config;
	struct code_cache cache;
	struct engine_stubs stubs;
	_Atomic uint32_t translate_lock; /* 0, 1: held, 2: and somebody sleeps; live.c */
	struct waits waits;              /* for other vCPUs, at safe points */
	struct translation translation;  /* under translate_lock, like the next two: */
	uint8_t (*page_bytes)[4096];     /* the pages of the code being translated, */
	uint64_t page_epoch;             /* as they were at this epoch */
	_Atomic uint64_t epoch;          /* how often the VMM may have written guest RAM */
	pthread_mutex_t vcpus_lock;
	struct engine_vcpu *vcpus;     /* under vcpus_lock */
	uint64_t cache_generation;     /* how often the cache was emptied; under translate_lock */
	_Atomic uint64_t code_changes; /* of engine_code_changed(); grows under translate_lock */
	_Atomic unsigned int vcpu_count;
	struct engine_vcpu *_Atomic exclusive; /* runs alone: the others are parked */
	struct engine_vcpu *_Atomic alone;     /* the same, when they are: for assertions */
	struct engine *next;                   /* list of all, for the signal handler */
};

/* engine.c: `request` bits, each set before the kick. */
#define REQUEST_FLUSH   0x1u /* drop the whole TLB */
#define REQUEST_PROTECT 0x2u /* drop the write entries of v->protect */
#define REQUEST_PARK    0x4u /* wait until nobody is exclusive */
#define REQUEST_EXIT    0x8u /* leave engine_run() */

/* Sanitizers' code knows nothing of it: there the stubs save the state at once. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__clang__)
#define ENGINE_EAGER_XSTATE 1
#else
#define ENGINE_EAGER_XSTATE 0
#endif

void engine_lock_translate(struct engine *engine);
void engine_unlock_translate(struct engine *engine);
void engine_lock_vcpus(struct engine *engine);
void engine_unlock_vcpus(struct engine *engine);

bool engine_try_lock_vcpus(struct engine *engine);

/* safepoint.c: the vCPU is inside engine_run() from enter to leave. */
void safepoint_enter(struct engine_vcpu *v);
void safepoint_leave(struct engine_vcpu *v);
/* What others have asked. */
void safepoint_serve(struct engine_vcpu *v);
/* Before @v asks code_is_at() whether it may have a write entry for @host. */
void safepoint_may_write(struct engine_vcpu *v, const uint8_t *host);
/*
 * Returns when no vCPU has a write entry for @host any more, and will get one only
 * after it has asked code_is_at(). Return: false when @self has passed a safe
 * point on the way.
 */
bool safepoint_protect(struct engine_vcpu *self, const uint8_t *host);
/* No other vCPU is inside translated code, or knows a block, until the end. A safe point for @self. */
void safepoint_begin_exclusive(struct engine_vcpu *self);
void safepoint_end_exclusive(struct engine_vcpu *self);
/* @v is about to use blocks: nobody else is exclusive. In builds with debug_locks. */
void safepoint_assert_may_run(const struct engine_vcpu *v);

/* The others forget their TLBs, soon. */
void safepoint_flush_others(struct engine_vcpu *self);

/* stress.c: a safe point of @v, which may pass others. */
void stress_turn(struct engine_vcpu *v);

/* stubs.c */
int stubs_emit(struct engine *engine);

/* Called by the stubs. */
enum miss_result {
	MISS_RETRY,
	MISS_BOUNCE, /* the host register of the addend leads to memory for this time only */
	MISS_STOP,
};
/* miss.c */
enum miss_result engine_miss(struct engine_vcpu *v);
enum miss_result engine_bounce_end(struct engine_vcpu *v);
enum miss_result engine_probe(struct engine_vcpu *v);
enum miss_result engine_segment(struct engine_vcpu *v);

/* cpuid_fault.c: a CPUID that faulted is answered. Return: false when it was something else. */
bool cpuid_fault_answer(void *ucontext);

/* fault.c */
/* Once for the process, with the first one who calls. Return: 0 or -errno. */
int fault_handlers_install(void);
void fault_handlers_add(struct engine *engine);
void fault_handlers_remove(struct engine *engine);
/* Calls @visit for every engine of the process. */
void engines_visit(void (*visit)(struct engine *engine, const void *arg), const void *arg);
/* Whose faults the thread's are; NULL: nobody's. */
void fault_set_running(struct engine_vcpu *v);
/* The guest's state from host_gpr and host_flags, at the place that @record describes. */
void engine_rebuild_state(struct engine_vcpu *v, const struct block *block,
			  const struct fault_record *record);

/* state.c: what follows from the processor's registers. */
/* MODE_* of the present state. */
uint32_t vcpu_mode(const struct engine_vcpu *v);
/* v->mode := vcpu_mode(), with the jump table that goes with it. */
void vcpu_update_mode(struct engine_vcpu *v);
void vcpu_flush_all(struct engine_vcpu *v);
extern const struct cpu_ops engine_cpu_ops;
static inline gva_t vcpu_linear_pc(const struct engine_vcpu *v)
{
	const struct x86_state *s = &v->cpu.state;

	return x86_is_64bit(s) ? s->rip : (uint32_t)(s->rip + s->seg[X86_SEG_CS].base);
}

/* memory.c */
enum cpu_result vcpu_or_byte(struct engine_vcpu *v, gva_t gva, uint8_t bits, uint8_t *old,
			     uint32_t access);
/* What lies behind one byte of linear memory. */
struct place {
	uint8_t *host; /* of the byte itself; NULL: a device, or the abort page */
	bool device;   /* MMIO, or ROM on a write */
	bool code;     /* on a write: the page has translated code */
	gpa_t gpa;
};

/*
 * Translates @gva for a read or write through TLB @index, and fills the entry
 * where later accesses may go by it. CPU_FAULT, CPU_HOST_ERROR as everywhere.
 */
enum cpu_result vcpu_place(struct engine_vcpu *v, unsigned int index, gva_t gva, bool write,
			   struct place *place);
/* The same for a fetch, without TLB. */
enum cpu_result vcpu_fetch(struct engine_vcpu *v, gva_t gva, struct mmu_page *page);

/* block.c: the block at state.rip, found or translated. */
struct block *block_at_rip(struct engine_vcpu *v, uint32_t mode, enum cpu_result *result);

/* Drops all blocks. A safe point. */
void cache_empty_now(struct engine_vcpu *v);

/* Called by the dispatch stubs. Return: the code at state.rip, or NULL: ask the run loop. */
const uint8_t *engine_dispatch(struct engine_vcpu *v);

/* coherence.c */
/* Has @host (a page) translated code in it? */
bool code_is_at(struct engine_vcpu *v, const uint8_t *host);
/* Do the bytes [@offset, @offset + @len) of the page at @host touch translated ones? */
bool code_overlaps(struct engine_vcpu *v, const uint8_t *host, uint32_t offset, uint32_t len);
/* They have changed. */
void code_written(struct engine_vcpu *v, const uint8_t *host, uint32_t offset, uint32_t len);
/* The processor does what makes it see others' stores: look at code again. */
void code_serialize(struct engine_vcpu *v);
void mmu_written(void *opaque, gpa_t gpa, size_t len);

/* run.c: does the embedder's interrupt controller have one for the processor? */
bool vcpu_has_interrupt(struct engine_vcpu *v);

/* enclave.c */
void enclave_free(struct engine_vcpu *v);
/*
 * AEX of a processor in enclave mode: before the delivery of @event, which becomes what
 * is delivered outside; before a VM exit.
 */
struct cpu_event;
void enclave_leave_by_event(struct engine_vcpu *v, struct cpu_event *event);
void enclave_leave_by_exit(struct engine_vcpu *v);
/* enclave_ops.c */
extern const struct sgx_ops enclave_ops;

/* debug.c: DR6 bits for an access, and for the execution of the instruction at RIP. */
uint64_t vcpu_watch(struct engine_vcpu *v, gva_t gva, size_t len, bool write);
uint64_t vcpu_watch_code(const struct engine_vcpu *v);
/* Is a breakpoint on data or ports enabled, so that any instruction may meet it? */
bool vcpu_watches_data(const struct engine_vcpu *v);
/* Is one on code enabled in the page of RIP? */
bool vcpu_watches_code_here(const struct engine_vcpu *v);
/* Are data breakpoints enabled on the page of @gva? */
bool vcpu_is_watched(const struct engine_vcpu *v, gva_t gva);

#endif
