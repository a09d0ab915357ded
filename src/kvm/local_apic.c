// SPDX-License-Identifier: GPL-2.0-or-later
/* A vCPU and its own local APIC. */
#include "kvm/vcpu.h"

#include "kvm/eventfd.h"

#include <sys/eventfd.h>
#include <unistd.h>
#include <x86intrin.h>

static bool is_split(const struct kvm_vcpu *vcpu)
{
	return irqchip_kind(&vcpu->vm->irq) == IRQCHIP_SPLIT;
}

static uint64_t lapic_now(void *owner)
{
	return irqchip_now();
}

/* Other threads ask too; the guest sets its counter rarely. */
static uint64_t guest_tsc(void *owner)
{
	const struct kvm_vcpu *vcpu = owner;

	return __rdtsc() + __atomic_load_n(&vcpu->v->cpu.msr.tsc_offset, __ATOMIC_RELAXED);
}

static uint32_t guest_tsc_khz(void *owner)
{
	return ((const struct kvm_vcpu *)owner)->tsc_khz;
}

void vcpu_wake(struct kvm_vcpu *vcpu)
{
	uint32_t events = atomic_load(&vcpu->lapic.events);

	atomic_store(&vcpu->v->irq_hint, true);
	if (events & (LAPIC_EVENT_INIT | LAPIC_EVENT_SIPI))
		engine_request_exit(vcpu->v);
	else
		engine_kick(vcpu->v);
	if (atomic_load(&vcpu->halted))
		eventfd_signal(vcpu->wake_fd);
}

static void wake(void *owner)
{
	vcpu_wake(owner);
}

static const struct lapic_ops ops = {
	.now = lapic_now,
	.tsc = guest_tsc,
	.tsc_khz = guest_tsc_khz,
	.wake = wake,
};

int vcpu_lapic_init(struct kvm_vcpu *vcpu)
{
	bool is_bsp = vcpu->id == vcpu->vm->bsp_id;

	vcpu->wake_fd = -1;
	vcpu->extint = -1;
	vcpu->has_lapic = irqchip_has_lapic(&vcpu->vm->irq);
	if (!vcpu->has_lapic)
		return 0;
	vcpu->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vcpu->wake_fd < 0)
		return -errno;
	lapic_init(&vcpu->lapic, vcpu->id, is_bsp, &ops, vcpu);
	if (!is_bsp)
		vcpu->mp_state = KVM_MP_STATE_UNINITIALIZED;
	return 0;
}

void vcpu_lapic_destroy(struct kvm_vcpu *vcpu)
{
	if (!vcpu->has_lapic)
		return;
	lapic_destroy(&vcpu->lapic);
	close(vcpu->wake_fd);
}

/* What an access of the guest has caused. TPR and CR8 are one. */
static void after_write(struct kvm_vcpu *vcpu, const struct lapic_effect *effect)
{
	if (effect->eoi)
		irqchip_eoi(vcpu, effect->vector, effect->eoi_broadcast);
	if (effect->send)
		apic_bus_send(&vcpu->vm->irq.bus, &effect->message, &vcpu->lapic);
	vcpu->v->cpu.cr8 = lapic_tpr(&vcpu->lapic) >> 4;
	service_arm(vcpu->vm, lapic_deadline(&vcpu->lapic));
	/* LINT0 may have begun to pass something on. */
	atomic_store(&vcpu->v->irq_hint, true);
}

void vcpu_lapic_write(struct kvm_vcpu *vcpu, uint32_t offset, uint32_t value)
{
	struct lapic_effect effect = {0};

	pv_eoi_sync(vcpu);
	lapic_mmio_write(&vcpu->lapic, offset, value, &effect);
	after_write(vcpu, &effect);
}

uint32_t vcpu_lapic_read(struct kvm_vcpu *vcpu, uint32_t offset)
{
	pv_eoi_sync(vcpu);
	return lapic_mmio_read(&vcpu->lapic, offset);
}

bool vcpu_lapic_rdmsr(struct kvm_vcpu *vcpu, uint32_t index, uint64_t *value)
{
	pv_eoi_sync(vcpu);
	return vcpu->has_lapic && lapic_msr_read(&vcpu->lapic, index, value);
}

bool vcpu_lapic_wrmsr(struct kvm_vcpu *vcpu, uint32_t index, uint64_t value)
{
	struct lapic_effect effect = {0};

	pv_eoi_sync(vcpu);
	if (!vcpu->has_lapic || !lapic_msr_write(&vcpu->lapic, index, value, &effect))
		return false;
	after_write(vcpu, &effect);
	return true;
}

void vcpu_lapic_set_deadline(struct kvm_vcpu *vcpu, uint64_t value)
{
	lapic_set_tsc_deadline(&vcpu->lapic, value);
	service_arm(vcpu->vm, lapic_deadline(&vcpu->lapic));
}

void vcpu_cr8_changed(struct cpu *cpu)
{
	struct kvm_vcpu *vcpu = vcpu_of_cpu(cpu);

	if (vcpu->has_lapic)
		lapic_set_tpr(&vcpu->lapic, (uint8_t)(cpu->cr8 << 4));
}

bool vcpu_takes_extint(const struct kvm_vcpu *vcpu)
{
	return !vcpu->has_lapic ||
	       (is_split(vcpu) && vcpu->extint < 0 && lapic_takes_extint(&vcpu->lapic));
}

static bool has_extint(const struct kvm_vcpu *vcpu)
{
	if (is_split(vcpu))
		return vcpu->extint >= 0;
	return pic_output(&vcpu->vm->irq.pic) && lapic_takes_extint(&vcpu->lapic);
}

/* The hint goes first: who sets it while we look sets it for the next time. */
bool vcpu_has_apic_interrupt(struct engine_vcpu *v)
{
	struct kvm_vcpu *vcpu = v->owner;
	bool found;

	atomic_store(&v->irq_hint, false);
	if (!vcpu->has_lapic)
		return false;
	if (lapic_has_request(&vcpu->lapic))
		pv_eoi_sync(vcpu);
	found = lapic_pending(&vcpu->lapic) || has_extint(vcpu);
	if (atomic_load(&vcpu->lapic.events) & LAPIC_EVENT_NMI) {
		atomic_fetch_and(&vcpu->lapic.events, ~LAPIC_EVENT_NMI);
		v->cpu.events.nmi.pending = true;
		found = true;
	}
	if (found)
		atomic_store(&v->irq_hint, true);
	return found;
}

static int take_extint(struct kvm_vcpu *vcpu)
{
	int vector = vcpu->extint;

	if (is_split(vcpu)) {
		vcpu->extint = -1;
		return vector;
	}
	vector = pic_acknowledge(&vcpu->vm->irq.pic);
	/* Automatic EOI. */
	irqchip_pic_changed(vcpu->vm);
	return vector;
}

int vcpu_take_apic_interrupt(struct engine_vcpu *v)
{
	struct kvm_vcpu *vcpu = v->owner;
	int vector;

	if (!vcpu->has_lapic)
		return -1;
	if (has_extint(vcpu))
		return take_extint(vcpu);
	vector = lapic_take(&vcpu->lapic);
	if (vector >= 0) {
		pv_eoi_arm(vcpu, (uint8_t)vector);
		steal_time_tick(vcpu);
	}
	return vector;
}

long vcpu_ioc_get_lapic(struct kvm_object *obj, void *data)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);

	if (!vcpu->has_lapic)
		return -EINVAL;
	pv_eoi_sync(vcpu);
	lapic_get_state(&vcpu->lapic, data, atomic_load(&vcpu->vm->irq.wide_ids));
	return 0;
}

long vcpu_ioc_set_lapic(struct kvm_object *obj, void *data)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);
	int ret;

	if (!vcpu->has_lapic)
		return -EINVAL;
	pv_eoi_sync(vcpu);
	ret = lapic_set_state(&vcpu->lapic, data, atomic_load(&vcpu->vm->irq.wide_ids));
	if (ret)
		return ret;
	after_write(vcpu, &(struct lapic_effect){0});
	return 0;
}

/* What processors do with virtualized APICs: the TPR is written without anybody hearing of it. */
long vcpu_ioc_tpr_access_reporting(struct kvm_object *obj, void *data)
{
	const struct kvm_tpr_access_ctl *control = data;

	return control->flags ? -EINVAL : 0;
}

long vcpu_ioc_set_vapic_addr(struct kvm_object *obj, void *data)
{
	return vcpu_of_object(obj)->has_lapic ? 0 : -EINVAL;
}
