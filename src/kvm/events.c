// SPDX-License-Identifier: GPL-2.0-or-later
/* Events that wait or are being delivered, and whether the processor runs at all. */
#include "kvm/vcpu.h"

#include "cpu/debug.h"
#include "cpu/event.h"

#define VALID_FLAGS                                                                           \
	(KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR |                  \
	 KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_SMM | KVM_VCPUEVENT_VALID_PAYLOAD | \
	 KVM_VCPUEVENT_VALID_TRIPLE_FAULT)

/* "Pending debug exceptions" of Intel's virtualization, which the payload is, have a bit that DR6 has not. */
#define PAYLOAD_ENABLED_BREAKPOINT (UINT64_C(1) << 12)

/*
 * The interface has no place for the length of the instruction that caused it: what the VMM injects
 * has one byte, and what is on its way is executed again.
 */
static bool is_soft(uint8_t vector)
{
	return vector == BP_VECTOR || vector == OF_VECTOR;
}

static void deliver_payload(struct cpu *cpu)
{
	uint64_t payload = cpu->events.exception.payload;

	if (!cpu->events.exception.has_payload)
		return;
	if (cpu->events.exception.vector == DB_VECTOR) {
		cpu->dr6 = (cpu->dr6 & ~DR6_TRAP_BITS) | DR6_ACTIVE_LOW | payload;
		cpu->dr6 ^= payload & DR6_ACTIVE_LOW;
		cpu->dr6 &= ~PAYLOAD_ENABLED_BREAKPOINT;
	} else if (cpu->events.exception.vector == PF_VECTOR) {
		cpu->state.cr2 = payload;
	}
	cpu->events.exception.has_payload = false;
	cpu->events.exception.payload = 0;
}

void events_promote_exception(struct kvm_vcpu *vcpu)
{
	struct cpu *cpu = &vcpu->v->cpu;

	if (!cpu->events.exception.pending)
		return;
	deliver_payload(cpu);
	cpu->events.exception.pending = false;
	cpu->events.exception.injected = true;
}

void events_queue_exception(struct kvm_vcpu *vcpu, const struct x86_exception *fault)
{
	struct cpu_events *events = &vcpu->v->cpu.events;

	events->exception.pending = true;
	events->exception.injected = false;
	events->exception.soft = is_soft(fault->vector);
	events->exception.vector = fault->vector;
	events->exception.has_error_code = fault->has_error_code;
	events->exception.error_code = fault->error_code;
	events->exception.has_payload = fault->vector == PF_VECTOR || fault->vector == DB_VECTOR;
	events->exception.payload = fault->address;
}

bool events_are_interruptible(const struct kvm_vcpu *vcpu)
{
	const struct cpu *cpu = &vcpu->v->cpu;
	const struct cpu_events *events = &cpu->events;

	return cpu_may_interrupt(cpu) && !events->exception.pending &&
	       !events->exception.injected && !events->interrupt.injected && !events->nmi.injected;
}

static void get_exception(struct kvm_vcpu *vcpu, bool has_payloads, struct kvm_vcpu_events *out)
{
	struct cpu *cpu = &vcpu->v->cpu;

	/* Without the payload in the interface its effect must be in the registers. */
	if (cpu->events.exception.pending && !has_payloads)
		deliver_payload(cpu);
	if (!is_soft(cpu->events.exception.vector)) {
		out->exception.injected = cpu->events.exception.injected;
		out->exception.pending = cpu->events.exception.pending;
		if (!has_payloads)
			out->exception.injected |= out->exception.pending;
	}
	out->exception.nr = cpu->events.exception.vector;
	out->exception.has_error_code = cpu->events.exception.has_error_code;
	out->exception.error_code = cpu->events.exception.error_code;
	out->exception_has_payload = cpu->events.exception.has_payload;
	out->exception_payload = cpu->events.exception.payload;
	if (has_payloads)
		out->flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
}

long vcpu_ioc_get_vcpu_events(struct kvm_object *obj, void *data)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);
	const struct cpu_events *events = &vcpu->v->cpu.events;
	struct kvm_vcpu_events *out = data;

	/* An NMI that has come by message is pending, too. */
	vcpu_has_apic_interrupt(vcpu->v);
	out->flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW |
		     KVM_VCPUEVENT_VALID_SMM;
	get_exception(vcpu, atomic_load(&vcpu->vm->exception_payload), out);
	out->interrupt.injected = events->interrupt.injected && !events->interrupt.soft;
	out->interrupt.nr = events->interrupt.vector;
	out->interrupt.shadow = events->shadow;
	out->nmi.injected = events->nmi.injected;
	out->nmi.pending = events->nmi.pending;
	out->nmi.masked = events->nmi.blocked;
	if (atomic_load(&vcpu->vm->triple_fault_event)) {
		out->triple_fault.pending = events->triple_fault;
		out->flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	}
	return 0;
}

/* Only one of pending and injected stays, and a payload only with a pending one. */
static void normalise(struct kvm_vcpu_events *in)
{
	if (!(in->flags & KVM_VCPUEVENT_VALID_PAYLOAD)) {
		in->exception.pending = 0;
		in->exception_has_payload = 0;
	} else if (in->exception.pending) {
		in->exception.injected = 0;
	} else {
		in->exception_has_payload = 0;
	}
}

static bool is_acceptable(const struct kvm_vcpu *vcpu, const struct kvm_vcpu_events *in)
{
	const struct kvm_vm *vm = vcpu->vm;

	if (in->flags & ~(uint32_t)VALID_FLAGS)
		return false;
	if ((in->flags & KVM_VCPUEVENT_VALID_PAYLOAD) && !atomic_load(&vm->exception_payload))
		return false;
	if ((in->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT) && !atomic_load(&vm->triple_fault_event))
		return false;
	/* No KVM_CAP_X86_SMM. */
	if ((in->flags & KVM_VCPUEVENT_VALID_SMM) && (in->smi.smm || in->smi.pending))
		return false;
	if (!in->exception.injected && !in->exception.pending)
		return true;
	return in->exception.nr < 32 && in->exception.nr != NMI_VECTOR;
}

long vcpu_ioc_set_vcpu_events(struct kvm_object *obj, void *data)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);
	struct cpu_events *events = &vcpu->v->cpu.events;
	struct kvm_vcpu_events *in = data;

	normalise(in);
	if (!is_acceptable(vcpu, in))
		return -EINVAL;
	events->exception.injected = in->exception.injected;
	events->exception.pending = in->exception.pending;
	events->exception.soft = is_soft(in->exception.nr);
	events->exception.vector = in->exception.nr;
	events->exception.has_error_code = in->exception.has_error_code;
	events->exception.error_code = in->exception.error_code;
	events->exception.has_payload = in->exception_has_payload;
	events->exception.payload = in->exception_payload;
	events->interrupt.injected = in->interrupt.injected;
	events->interrupt.vector = in->interrupt.nr;
	events->interrupt.soft = in->interrupt.soft;
	if (in->flags & KVM_VCPUEVENT_VALID_SHADOW)
		events->shadow = in->interrupt.shadow & (CPU_SHADOW_MOV_SS | CPU_SHADOW_STI);
	events->nmi.injected = in->nmi.injected;
	if (in->flags & KVM_VCPUEVENT_VALID_NMI_PENDING) {
		atomic_fetch_and(&vcpu->lapic.events, ~LAPIC_EVENT_NMI);
		events->nmi.pending = in->nmi.pending;
	}
	events->nmi.blocked = in->nmi.masked;
	if (in->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT)
		events->triple_fault = in->triple_fault.pending;
	return 0;
}

/* The local APIC is ours, the 8259s are the VMM's; or those are ours, too. */
static long interrupt_split(struct kvm_vcpu *vcpu, uint8_t vector)
{
	if (irqchip_kind(&vcpu->vm->irq) == IRQCHIP_FULL)
		return -ENXIO;
	if (vcpu->extint >= 0)
		return -EEXIST;
	vcpu->extint = vector;
	atomic_store(&vcpu->v->irq_hint, true);
	return 0;
}

long vcpu_ioc_interrupt(struct kvm_object *obj, void *data)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);
	const struct kvm_interrupt *interrupt = data;

	if (interrupt->irq > 255)
		return -EINVAL;
	engine_memory_written(vcpu->vm->engine);
	if (vcpu->has_lapic)
		return interrupt_split(vcpu, (uint8_t)interrupt->irq);
	vcpu->v->cpu.events.interrupt.injected = true;
	vcpu->v->cpu.events.interrupt.soft = false;
	vcpu->v->cpu.events.interrupt.vector = (uint8_t)interrupt->irq;
	return 0;
}

long vcpu_ioc_nmi(struct kvm_object *obj, unsigned long arg)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);

	vcpu->v->cpu.events.nmi.pending = true;
	engine_memory_written(vcpu->vm->engine);
	return 0;
}

long vcpu_ioc_get_mp_state(struct kvm_object *obj, void *data)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);
	struct kvm_mp_state *state = data;

	vcpu_take_apic_events(vcpu);
	state->mp_state = vcpu->mp_state;
	/* A kick that the halted processor has not noticed yet would be lost with a saved state. */
	if (state->mp_state == KVM_MP_STATE_HALTED && atomic_load(&vcpu->pv.unhalted))
		state->mp_state = KVM_MP_STATE_RUNNABLE;
	return 0;
}

/* All states but one belong to a local APIC of ours. */
long vcpu_ioc_set_mp_state(struct kvm_object *obj, void *data)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);
	const struct kvm_mp_state *state = data;

	if (state->mp_state != KVM_MP_STATE_RUNNABLE && !vcpu->has_lapic)
		return -EINVAL;
	switch (state->mp_state) {
	case KVM_MP_STATE_RUNNABLE:
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_INIT_RECEIVED:
	case KVM_MP_STATE_HALTED:
		vcpu->mp_state = state->mp_state;
		return 0;
	case KVM_MP_STATE_SIPI_RECEIVED:
		vcpu->mp_state = KVM_MP_STATE_INIT_RECEIVED;
		atomic_store(&vcpu->lapic.sipi_vector, (uint8_t)vcpu->v->cpu.events.sipi_vector);
		atomic_fetch_or(&vcpu->lapic.events, LAPIC_EVENT_SIPI);
		return 0;
	default:
		return -EINVAL;
	}
}
