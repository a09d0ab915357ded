// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the host CPU raises in translated code (#DE, #GP on a misaligned vector
 * operand, #MF, #XM, #AC) arrives as a signal and becomes the guest's
 * exception: the handler finds the record of the instruction, rebuilds the
 * state before it and changes the saved RIP; it never longjmps. Signals from
 * anywhere else go to whoever was there before.
 */
#define _GNU_SOURCE
#include "engine/core.h"

#include "lib/lock.h"
#include "mmu/guest_access.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

static const int signals[] = {SIGFPE, SIGSEGV, SIGILL, SIGBUS};
static struct sigaction previous[ARRAY_SIZE(signals)];
static struct engine *engines; /* under engines_lock */
static pthread_mutex_t engines_lock = PTHREAD_MUTEX_INITIALIZER;
static bool installed; /* under engines_lock */

void engine_rebuild_state(struct engine_vcpu *v, const struct block *block,
			  const struct fault_record *record)
{
	struct x86_state *s = &v->cpu.state;

	for (unsigned int reg = 0; reg < X86_NR_GPRS; reg++)
		if (reg != X86_RSP && !(record->spilled & BIT32(reg)))
			s->gpr[reg] = v->host_gpr[reg];
	if (record->rsp != NO_REG)
		s->gpr[X86_RSP] = v->host_gpr[record->rsp];
	s->rip = v->page_base + block->offset + record->guest_off;
	if (!(block->mode & MODE_CODE64))
		s->rip = (uint32_t)s->rip;
}

/* The order of the kernel's gregs, by our register numbers. */
static const int greg_of[X86_NR_GPRS] = {
	REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
	REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

/* The vCPU that this thread is running; no function call stands between a handler and it. */
static __thread struct engine_vcpu *running __attribute__((tls_model("initial-exec")));

void fault_set_running(struct engine_vcpu *v)
{
	running = v;
}

/* What the guest's processor makes of what the host's has raised. */
static void set_exception(struct engine_vcpu *v, const greg_t *gregs)
{
	uint8_t vector = (uint8_t)gregs[REG_TRAPNO];

	v->result = CPU_FAULT;
	/* SDM "SIMD Floating-Point Exceptions": #UD without CR4.OSXMMEXCPT. */
	if (vector == XM_VECTOR && !(v->cpu.state.cr4 & X86_CR4_OSXMMEXCPT))
		vector = UD_VECTOR;
	/* The VMM took memory away that a look-up has led us to. */
	if (vector == PF_VECTOR) {
		v->result = CPU_HOST_ERROR;
		v->cpu.host_errno = -EFAULT;
	}
	v->cpu.fault = (struct x86_exception){
		.vector = vector, .has_error_code = vector == GP_VECTOR || vector == AC_VECTOR};
}

static bool take_fault(ucontext_t *uc)
{
	greg_t *gregs = uc->uc_mcontext.gregs;
	const uint8_t *pc = (const uint8_t *)gregs[REG_RIP];
	const struct fault_record *record;
	const struct block *block;
	struct engine_vcpu *v = running;
	struct engine *engine;

	if (!v)
		return false;
	engine = v->engine;
	if (pc < engine->cache.executable || pc >= engine->cache.executable + engine->cache.size)
		return false;
	block = cache_find_code(&engine->cache, pc);
	record = block ? block_find_record(block, pc) : NULL;
	if (!record)
		return false;
	for (unsigned int reg = 0; reg < X86_NR_GPRS; reg++)
		v->host_gpr[reg] = (uint64_t)gregs[greg_of[reg]];
	v->host_flags = (uint64_t)gregs[REG_EFL];
	engine_rebuild_state(v, block, record);
	set_exception(v, gregs);
	v->stop = ENGINE_STOP_RESULT;
	gregs[REG_RIP] = (greg_t)(uintptr_t)engine->stubs.leave_from_signal;
	return true;
}

static void pass_on(int sig, siginfo_t *info, void *context)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(signals); i++) {
		if (signals[i] != sig)
			continue;
		if (previous[i].sa_flags & SA_SIGINFO) {
			previous[i].sa_sigaction(sig, info, context);
		} else if (previous[i].sa_handler == SIG_DFL || previous[i].sa_handler == SIG_IGN) {
			/* The instruction faults again and meets the default action. */
			signal(sig, SIG_DFL);
		} else {
			previous[i].sa_handler(sig);
		}
	}
}

static void handler(int sig, siginfo_t *info, void *context)
{
	int error = errno;

	if (info->si_code > 0 && guest_access_fixup(context))
		return;
	if (!take_fault(context) && !cpuid_fault_answer(context))
		pass_on(sig, info, context);
	errno = error;
}

static void lock_engines(void)
{
	lock_rank_acquire(LOCK_ENGINES);
	pthread_mutex_lock(&engines_lock);
}

static void unlock_engines(void)
{
	pthread_mutex_unlock(&engines_lock);
	lock_rank_release(LOCK_ENGINES);
}

/* Under the lock: who came second would take our own handlers for those that were there before. */
int fault_handlers_install(void)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_NODEFER};
	int ret = 0;

	lock_engines();
	for (unsigned int i = 0; !installed && !ret && i < ARRAY_SIZE(signals); i++)
		if (sigaction(signals[i], &action, &previous[i]))
			ret = -errno;
	installed = installed || !ret;
	unlock_engines();
	return ret;
}

void fault_handlers_add(struct engine *engine)
{
	lock_engines();
	engine->next = engines;
	engines = engine;
	unlock_engines();
}

void fault_handlers_remove(struct engine *engine)
{
	struct engine *e;

	lock_engines();
	if (engines == engine) {
		engines = engine->next;
	} else {
		for (e = engines; e; e = e->next)
			if (e->next == engine)
				e->next = engine->next;
	}
	unlock_engines();
}

void engines_visit(void (*visit)(struct engine *engine, const void *arg), const void *arg)
{
	lock_engines();
	for (struct engine *engine = engines; engine; engine = engine->next)
		visit(engine, arg);
	unlock_engines();
}
