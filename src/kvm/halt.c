// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A vCPU with a local APIC of ours that does not run: in HLT, or waiting for INIT and a
 * start-up IPI. It sleeps inside KVM_RUN. Signals are blocked between the last look at
 * immediate_exit, which the VMM's handler sets, and ppoll(), so that none is lost.
 */
#define _GNU_SOURCE /* ppoll */
#include "kvm/vcpu.h"

#include "cpu/event.h"
#include "kvm/eventfd.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>

#define NS_PER_S 1000000000u

/*
 * As Linux' KVM does: a processor that was woken soon the last time looks for an interrupt
 * for a while before it sleeps, twice as long the next time if that was not enough. What
 * comes within POLL_MAX_NS finds it awake in the end; who sleeps longer stops looking.
 */
#define POLL_FIRST_NS 10000u
#define POLL_MAX_NS   200000u
/* A look takes less. Else others had this processor of the host meanwhile, and want it. */
#define POLL_GAP_NS 20000u
#define POLL_PAUSES 8

static bool is_asked_to_leave(struct kvm_vcpu *vcpu)
{
	return __atomic_load_n(&vcpu->run->immediate_exit, __ATOMIC_RELAXED);
}

/* SDM "HLT": an enabled interrupt, an NMI, INIT. */
static bool ends_halt(struct kvm_vcpu *vcpu)
{
	const struct cpu *cpu = &vcpu->v->cpu;
	bool interrupts = vcpu_has_apic_interrupt(vcpu->v);

	if (atomic_load(&vcpu->pv.unhalted))
		return true;
	if (cpu->events.exception.pending || cpu->events.exception.injected ||
	    cpu->events.interrupt.injected || cpu->events.nmi.injected)
		return true;
	if (cpu->events.nmi.pending && cpu_may_nmi(cpu))
		return true;
	return interrupts && cpu_may_interrupt(cpu);
}

static bool is_runnable(struct kvm_vcpu *vcpu)
{
	if (atomic_load(&vcpu->lapic.events) & (LAPIC_EVENT_INIT | LAPIC_EVENT_SIPI))
		return true;
	return vcpu->mp_state == KVM_MP_STATE_HALTED && ends_halt(vcpu);
}

/* Until @deadline in ns, or for ever. Return: false when a signal has come. */
static bool sleep_until(struct kvm_vcpu *vcpu, uint64_t deadline, const sigset_t *mask)
{
	struct pollfd pfd = {.fd = vcpu->wake_fd, .events = POLLIN};
	uint64_t now = irqchip_now(), left = deadline > now ? deadline - now : 0;
	struct timespec timeout = {
		.tv_sec = (time_t)(left / NS_PER_S),
		.tv_nsec = (long)(left % NS_PER_S),
	};
	int ret = ppoll(&pfd, 1, deadline ? &timeout : NULL, mask);

	if (ret > 0)
		eventfd_drain(vcpu->wake_fd);
	return ret >= 0;
}

/* With signals blocked. Return: false when a signal or the VMM wants the vCPU out. */
static bool sleep_blocked(struct kvm_vcpu *vcpu, const sigset_t *mask)
{
	uint64_t deadline;

	while (!is_runnable(vcpu)) {
		if (is_asked_to_leave(vcpu))
			return false;
		deadline = lapic_deadline(&vcpu->lapic);
		if (deadline && deadline <= irqchip_now())
			lapic_expire(&vcpu->lapic);
		else if (!sleep_until(vcpu, deadline, mask))
			return false;
	}
	return true;
}

/* One that looks takes a processor from a vCPU that runs, if there are fewer than vCPUs. */
static bool has_room_to_poll(struct kvm_vcpu *vcpu)
{
	static _Atomic int known;
	int processors = atomic_load_explicit(&known, memory_order_relaxed);
	cpu_set_t set;

	if (!processors) {
		processors = sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
		atomic_store_explicit(&known, processors, memory_order_relaxed);
	}
	return atomic_load(&vcpu->vm->irq.bus.count) <= (unsigned int)processors;
}

/* Return: no need to sleep. Timers are the service thread's meanwhile. */
static bool poll_for_work(struct kvm_vcpu *vcpu)
{
	uint64_t start = irqchip_now(), now = start, before;

	if (!vcpu->poll_ns || !has_room_to_poll(vcpu))
		return false;
	do {
		if (is_runnable(vcpu))
			return true;
		if (is_asked_to_leave(vcpu))
			return false;
		before = now;
		for (int i = 0; i < POLL_PAUSES; i++)
			__builtin_ia32_pause();
		now = irqchip_now();
		if (now - before > POLL_GAP_NS) {
			vcpu->poll_ns = 0;
			return false;
		}
	} while (now - start < vcpu->poll_ns);
	return false;
}

/* @halted: for how long it was, in ns. */
static void adapt_polling(struct kvm_vcpu *vcpu, uint64_t halted)
{
	if (halted > POLL_MAX_NS)
		vcpu->poll_ns = 0;
	else if (halted > vcpu->poll_ns)
		vcpu->poll_ns = vcpu->poll_ns ? vcpu->poll_ns * 2 : POLL_FIRST_NS;
	if (vcpu->poll_ns > POLL_MAX_NS)
		vcpu->poll_ns = POLL_MAX_NS;
}

/* Until it is runnable, or has to leave. */
static enum run_next sleep_or_leave(struct kvm_vcpu *vcpu)
{
	sigset_t all, mask;
	bool done;

	/* Guest memory, which may fault, is left alone while signals are blocked. */
	steal_time_leave(vcpu);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &mask);
	/* Before the look at what may be pending: see vcpu_wake() and service_arm(). */
	atomic_store(&vcpu->halted, true);
	done = sleep_blocked(vcpu, &mask);
	atomic_store(&vcpu->halted, false);
	service_arm(vcpu->vm, lapic_deadline(&vcpu->lapic));
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	if (done)
		return RUN_RESUME;
	vcpu->run->exit_reason = KVM_EXIT_INTR;
	vcpu->run_errno = -EINTR;
	return RUN_ERROR;
}

static void take_init(struct kvm_vcpu *vcpu)
{
	bool is_bsp = lapic_base(&vcpu->lapic) & LAPIC_BASE_BSP;

	pv_reset(vcpu);
	cpu_init_signal(&vcpu->v->cpu);
	lapic_reset(&vcpu->lapic, is_bsp, true);
	vcpu->extint = -1;
	engine_state_changed(vcpu->v);
	vcpu->mp_state = is_bsp ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_INIT_RECEIVED;
}

/* SDM "Typical AP Initialization": a start-up IPI counts only after an INIT. */
static void take_sipi(struct kvm_vcpu *vcpu)
{
	if (vcpu->mp_state != KVM_MP_STATE_INIT_RECEIVED)
		return;
	cpu_sipi(&vcpu->v->cpu, atomic_load(&vcpu->lapic.sipi_vector));
	engine_state_changed(vcpu->v);
	vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
}

void vcpu_take_apic_events(struct kvm_vcpu *vcpu)
{
	uint32_t events;

	if (!vcpu->has_lapic)
		return;
	events = atomic_fetch_and(&vcpu->lapic.events, LAPIC_EVENT_NMI);
	if (events & LAPIC_EVENT_INIT)
		take_init(vcpu);
	if (events & LAPIC_EVENT_SIPI)
		take_sipi(vcpu);
}

static enum run_next block(struct kvm_vcpu *vcpu)
{
	uint64_t start = irqchip_now();
	enum run_next next = RUN_RESUME;

	/* What it ended without saying so may let the next interrupt in. */
	pv_eoi_sync(vcpu);
	if (!poll_for_work(vcpu))
		next = sleep_or_leave(vcpu);
	adapt_polling(vcpu, irqchip_now() - start);
	return next;
}

static void end_halt(struct kvm_vcpu *vcpu)
{
	vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	atomic_store(&vcpu->pv.unhalted, false);
}

/* Whatever is to be done before the processor runs. */
enum run_next vcpu_make_runnable(struct kvm_vcpu *vcpu)
{
	enum run_next next;

	vcpu_take_apic_events(vcpu);
	while (vcpu->mp_state != KVM_MP_STATE_RUNNABLE) {
		next = block(vcpu);
		if (next != RUN_RESUME)
			return next;
		if (vcpu->mp_state == KVM_MP_STATE_HALTED)
			end_halt(vcpu);
		vcpu_take_apic_events(vcpu);
	}
	return RUN_RESUME;
}
