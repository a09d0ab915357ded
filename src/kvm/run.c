// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KVM_RUN. What is read from kvm_run is read once: the VMM's other threads and its
 * signal handlers, which run on this one, may write there meanwhile.
 */
#include "kvm/vcpu.h"

#include "kvm/user.h"

#define KERNEL_SIGSET_SIZE 8
#define NR_SIGNALS         64

/* The guest's faults come as these; with one of them blocked the process would die. */
static bool is_fault(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL;
}

long vcpu_ioc_set_signal_mask(struct kvm_object *obj, unsigned long arg)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);
	struct kvm_signal_mask head;
	uint64_t mask;

	if (!arg) {
		vcpu->has_sigmask = false;
		return 0;
	}
	if (user_read(&head, arg, sizeof(head)))
		return -EFAULT;
	if (head.len != KERNEL_SIGSET_SIZE)
		return -EINVAL;
	if (user_read(&mask, arg + offsetof(struct kvm_signal_mask, sigset), sizeof(mask)))
		return -EFAULT;
	sigemptyset(&vcpu->sigmask);
	for (int sig = 1; sig <= NR_SIGNALS; sig++)
		if ((mask & BIT64(sig - 1)) && !is_fault(sig))
			sigaddset(&vcpu->sigmask, sig);
	vcpu->has_sigmask = true;
	return 0;
}

/* Signals that wait, and that @mask lets through: Linux' KVM_RUN returns with them still waiting. */
static bool is_signal_waiting(const sigset_t *mask)
{
	sigset_t waiting;

	sigpending(&waiting);
	for (int sig = 1; sig <= NR_SIGNALS; sig++)
		if (sigismember(&waiting, sig) == 1 && sigismember(mask, sig) == 0)
			return true;
	return false;
}

/* The engine keeps translations for the thread that it knows. */
static void adopt_thread(struct kvm_vcpu *vcpu)
{
	if (vcpu->has_run && pthread_equal(vcpu->runner, pthread_self()))
		return;
	vcpu->runner = pthread_self();
	steal_time_new_thread(vcpu);
	engine_state_changed(vcpu->v);
}

/* Does the VMM, whose 8259s wait to interrupt, want to hear when they can? */
static bool wants_window(struct kvm_vcpu *vcpu)
{
	return __atomic_load_n(&vcpu->run->request_interrupt_window, __ATOMIC_RELAXED) &&
	       vcpu_takes_extint(vcpu);
}

/* Before each entry into the engine. */
static void prepare(struct kvm_vcpu *vcpu)
{
	if (atomic_load_explicit(&vcpu->clock.due, memory_order_relaxed))
		vcpu_clock_update(vcpu);
	steal_time_enter(vcpu);
	events_promote_exception(vcpu);
	vcpu->v->want_irq_window = wants_window(vcpu);
}

/* What an EOI of the guest owes to the VMM's I/O APIC. */
static enum run_next exit_eoi(struct kvm_vcpu *vcpu)
{
	vcpu->eoi_exit = false;
	vcpu->run->exit_reason = KVM_EXIT_IOAPIC_EOI;
	vcpu->run->eoi.vector = vcpu->eoi_vector;
	return RUN_EXIT_TO_USER;
}

/* What comes before the guest's next instruction. */
static enum run_next before_guest(struct kvm_vcpu *vcpu)
{
	if (vcpu->v->cpu.events.triple_fault) {
		vcpu->v->cpu.events.triple_fault = false;
		return exit_handle(vcpu, ENGINE_EXIT_SHUTDOWN);
	}
	if (vcpu->eoi_exit)
		return exit_eoi(vcpu);
	if (!vcpu->has_lapic)
		return RUN_RESUME;
	/* The engine tells of a window, but not to a processor that is halted. */
	if (vcpu->mp_state == KVM_MP_STATE_HALTED && wants_window(vcpu) &&
	    events_are_interruptible(vcpu))
		return exit_handle(vcpu, ENGINE_EXIT_IRQ_WINDOW);
	return vcpu_make_runnable(vcpu);
}

static enum run_next run_loop(struct kvm_vcpu *vcpu)
{
	enum run_next next;

	do {
		next = before_guest(vcpu);
		if (next != RUN_RESUME)
			return next;
		prepare(vcpu);
		next = exit_handle(vcpu, engine_run(vcpu->v));
	} while (next == RUN_RESUME);
	return next;
}

static enum run_next enter(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	uint64_t cr8 = run->cr8;

	vcpu->run_errno = -EINVAL;
	/* No KVM_CAP_SYNC_REGS. */
	if (run->kvm_valid_regs || run->kvm_dirty_regs)
		return RUN_ERROR;
	if (!vcpu->has_lapic) {
		if (cr8 > 15)
			return RUN_ERROR;
		vcpu->v->cpu.cr8 = cr8;
	}
	engine_memory_written(vcpu->vm->engine);
	adopt_thread(vcpu);
	exit_take_answer(vcpu);
	vcpu->has_run = true;
	run->exit_reason = KVM_EXIT_UNKNOWN;
	return run_loop(vcpu);
}

/* What the VMM's interrupt controller has to know. */
static void tell_state(struct kvm_vcpu *vcpu)
{
	const struct cpu *cpu = &vcpu->v->cpu;
	struct kvm_run *run = vcpu->run;

	run->if_flag = (cpu->state.rflags & X86_EFLAGS_IF) != 0;
	run->cr8 = cpu->cr8;
	run->apic_base = vcpu_apic_base(vcpu);
	run->ready_for_interrupt_injection =
		irqchip_kind(&vcpu->vm->irq) == IRQCHIP_FULL ||
		(vcpu_takes_extint(vcpu) && events_are_interruptible(vcpu));
	run->flags = 0;
}

static long run_masked(struct kvm_vcpu *vcpu)
{
	enum run_next next = enter(vcpu);

	/* What the guest keeps in its memory is true before the VMM may look. */
	pv_eoi_sync(vcpu);
	steal_time_leave(vcpu);
	tell_state(vcpu);
	return next == RUN_ERROR ? vcpu->run_errno : 0;
}

long vcpu_run(struct kvm_vcpu *vcpu, unsigned long arg)
{
	sigset_t before;
	long ret;

	if (arg)
		return -EINVAL;
	if (!vcpu->has_sigmask)
		return run_masked(vcpu);
	if (is_signal_waiting(&vcpu->sigmask)) {
		vcpu->run->exit_reason = KVM_EXIT_INTR;
		return -EINTR;
	}
	pthread_sigmask(SIG_SETMASK, &vcpu->sigmask, &before);
	ret = run_masked(vcpu);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}
