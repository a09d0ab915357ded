// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MSR_KVM_STEAL_TIME: how long the processor would have run had the host let it, whether it
 * runs at all, and KVM_FEATURE_PV_TLB_FLUSH: a processor that does not run is asked in the
 * same byte to flush its TLB before it does.
 *
 * The host says in the thread's schedstat how long it waited. A read of that file takes about a
 * microsecond, so it is done at most once in SAMPLE_MS, where the guest is about to look: at its
 * interrupts, and when it begins to run. The host preempts unseen; "does not run" means
 * asleep in HLT or out of KVM_RUN.
 */
#include "kvm/vcpu.h"

#include <asm/kvm_para.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <x86intrin.h>

#define SCHEDSTAT "/proc/thread-self/schedstat"
#define SAMPLE_MS 1

static int open_schedstat(void)
{
	return open(SCHEDSTAT, O_RDONLY | O_CLOEXEC);
}

/* "time on a processor, time waiting for one, time slices". */
static bool read_delay(int fd, uint64_t *delay)
{
	char text[96], *second;
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	if (len <= 0)
		return false;
	text[len] = '\0';
	second = strchr(text, ' ');
	if (!second)
		return false;
	*delay = strtoull(second, NULL, 10);
	return true;
}

static bool known;

static void find_known(void)
{
	int fd = open_schedstat();
	uint64_t delay;

	known = fd >= 0 && read_delay(fd, &delay);
	if (fd >= 0)
		close(fd);
}

bool steal_time_is_known(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, find_known);
	return known;
}

void steal_time_new_thread(struct kvm_vcpu *vcpu)
{
	struct vcpu_steal_time *s = &vcpu->pv.steal;

	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->has_delay = false;
	s->due = true;
}

static bool is_enabled(const struct kvm_vcpu *vcpu)
{
	return vcpu->pv.steal.msr & KVM_MSR_ENABLED;
}

static gpa_t area_gpa(const struct kvm_vcpu *vcpu)
{
	return vcpu->pv.steal.msr & KVM_STEAL_VALID_BITS;
}

static gpa_t preempted_gpa(const struct kvm_vcpu *vcpu)
{
	return area_gpa(vcpu) + offsetof(struct kvm_steal_time, preempted);
}

/* How much longer the thread has waited than at the last call; 0 at the first. */
static uint64_t delay_since(struct vcpu_steal_time *s)
{
	uint64_t before = s->delay;
	bool had = s->has_delay;

	if (s->fd < 0)
		s->fd = open_schedstat();
	s->has_delay = s->fd >= 0 && read_delay(s->fd, &s->delay);
	return had && s->has_delay && s->delay > before ? s->delay - before : 0;
}

/* The guest reads the version before and after: it is odd while the time changes. */
static void publish(struct kvm_vcpu *vcpu, uint64_t delay)
{
	struct {
		uint64_t steal;
		uint32_t version, flags;
	} area;
	gpa_t gpa = area_gpa(vcpu), version_gpa = gpa + offsetof(struct kvm_steal_time, version);

	if (vm_guest_read(vcpu->vm, gpa, &area, sizeof(area)))
		return;
	area.steal += delay;
	/* The first time it may be anything. */
	area.version = (area.version + 1) | 1;
	if (vcpu_guest_write(vcpu, version_gpa, &area.version, sizeof(area.version)))
		return;
	vcpu_guest_write(vcpu, gpa, &area.steal, sizeof(area.steal));
	area.version++;
	vcpu_guest_write(vcpu, version_gpa, &area.version, sizeof(area.version));
}

static void sample(struct kvm_vcpu *vcpu)
{
	struct vcpu_steal_time *s = &vcpu->pv.steal;
	uint64_t now = __rdtsc();

	if (!s->due && now - s->sampled < (uint64_t)vcpu->tsc_khz * SAMPLE_MS)
		return;
	s->due = false;
	s->sampled = now;
	publish(vcpu, delay_since(s));
}

bool steal_time_set_msr(struct kvm_vcpu *vcpu, bool host_initiated, uint64_t value)
{
	struct vcpu_steal_time *s = &vcpu->pv.steal;

	if (value & KVM_STEAL_RESERVED_MASK)
		return false;
	s->msr = value;
	/* Memory that was saved elsewhere says that the processor is away. */
	s->away = s->due = true;
	if (!host_initiated)
		steal_time_enter(vcpu);
	return true;
}

/*
 * The exchange is the barrier: who has changed its page tables either finds that the processor
 * is there and interrupts it, or has left the request here.
 */
static void come_back(struct kvm_vcpu *vcpu)
{
	uint8_t preempted = 0;

	vcpu->pv.steal.away = false;
	if (vcpu_guest_swap8(vcpu, preempted_gpa(vcpu), &preempted) ||
	    (preempted & KVM_VCPU_FLUSH_TLB))
		engine_flush_tlb(vcpu->v);
}

void steal_time_enter(struct kvm_vcpu *vcpu)
{
	if (likely(!is_enabled(vcpu)))
		return;
	if (vcpu->pv.steal.away)
		come_back(vcpu);
	sample(vcpu);
}

void steal_time_tick(struct kvm_vcpu *vcpu)
{
	if (is_enabled(vcpu))
		sample(vcpu);
}

/* What an instruction still has to write to devices goes by addresses from before any flush. */
static bool is_between_instructions(const struct engine_vcpu *v)
{
	return v->pending != ENGINE_PENDING_WRITES || v->mmio.write_sent == v->mmio.write_count;
}

void steal_time_leave(struct kvm_vcpu *vcpu)
{
	const uint8_t preempted = KVM_VCPU_PREEMPTED;

	if (likely(!is_enabled(vcpu)) || vcpu->pv.steal.away || !is_between_instructions(vcpu->v))
		return;
	if (!vcpu_guest_write(vcpu, preempted_gpa(vcpu), &preempted, sizeof(preempted)))
		vcpu->pv.steal.away = true;
}
