/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtual processor as the VMM sees it, around the engine's. Each ioctl, KVM_RUN
 * too, holds `lock` (LOCK_VCPU); what other threads touch is atomic.
 */
#ifndef EXCLAVE_KVM_VCPU_H
#define EXCLAVE_KVM_VCPU_H

#include "cpu/cpuid.h"
#include "kvm/pv.h"
#include "kvm/sgx.h"
#include "kvm/vm.h"

#include <signal.h>

/* Pages of a vCPU's file; KVM_CAP_COALESCED_MMIO tells the number of the ring's. */
#define VCPU_PAGE_RUN  0
#define VCPU_PAGE_PIO  1
#define VCPU_PAGE_RING 2
#define VCPU_PAGES     3

/* An access to an MSR that the VMM decides: KVM_CAP_X86_USER_SPACE_MSR. */
enum msr_exit_state {
	MSR_EXIT_NONE,
	MSR_EXIT_ASKED,    /* out with it */
	MSR_EXIT_ANSWERED, /* the instruction, when it is executed again, takes the answer */
};

struct msr_exit {
	enum msr_exit_state state;
	bool write;
	uint32_t index;
	uint32_t reason;
	uint64_t data;
	bool refused;
	uint64_t rip; /* of the instruction: the VMM may have sent the guest elsewhere */
};

/* What the next KVM_RUN has to bring back from the shared pages. */
enum exit_answer {
	EXIT_ANSWER_NONE,
	EXIT_ANSWER_PIO,
	EXIT_ANSWER_MMIO,
	EXIT_ANSWER_MSR,
};

struct kvm_vcpu {
	struct kvm_object obj;
	pthread_mutex_t lock;
	struct kvm_vm *vm;
	struct engine_vcpu *v;
	uint32_t id;

	int run_fd;
	struct kvm_run *run; /* all of the file's pages; the VMM writes there at any time */
	uint32_t mp_state;
	enum exit_answer answer;
	int run_errno; /* of RUN_ERROR, negative */
	pthread_t runner;
	bool has_run;
	bool has_sigmask;
	sigset_t sigmask;

	struct cpuid_table cpuid;
	struct kvm_cpuid_entry2 cpuid_raw[CPUID_MAX_ENTRIES]; /* as the VMM set it */
	unsigned int cpuid_count;
	uint32_t tsc_khz;

	uint64_t apic_base; /* the VMM's APIC's; of ours it is the LAPIC's */
	uint64_t feature_control;
	uint64_t sgx_pubkey_hash[4];
	struct vcpu_sgx sgx;
	uint64_t tsc_deadline;
	struct msr_exit msr_exit;
	struct vcpu_clock clock;
	uint32_t debug_control; /* KVM_GUESTDBG_*; 0: nobody debugs */
	uint64_t step_rip;      /* linear: where a single step begins */
	struct vcpu_pv pv;

	/* With an interrupt controller of ours. */
	bool has_lapic;
	struct lapic lapic;
	int extint; /* what KVM_INTERRUPT brought in split mode, or -1 */
	int wake_fd;
	uint64_t poll_ns;    /* how long it looks for an interrupt before it sleeps */
	_Atomic bool halted; /* asleep on wake_fd, or about to be: it sees to its timer itself */
	bool eoi_exit;       /* KVM_EXIT_IOAPIC_EOI is due, for eoi_vector */
	uint8_t eoi_vector;
};

static inline struct kvm_vcpu *vcpu_of_object(struct kvm_object *obj)
{
	return container_of(obj, struct kvm_vcpu, obj);
}

static inline struct kvm_vcpu *vcpu_of_cpu(struct cpu *cpu)
{
	return vcpu_of(cpu)->owner;
}

/* All descriptors are closed and the VM goes. */
void vcpu_free(struct kvm_vcpu *vcpu);

static inline void *vcpu_page(struct kvm_vcpu *vcpu, unsigned int page)
{
	return (uint8_t *)vcpu->run + page * 4096;
}

/*
 * memory.c: guest-physical memory that belongs to the vCPU alone, written often, inside
 * one page. Where engine_bytes_written() may be called. Return: 0, or -EFAULT.
 */
int vcpu_guest_write(struct kvm_vcpu *vcpu, gpa_t gpa, const void *src, uint32_t len);
int vcpu_guest_swap8(struct kvm_vcpu *vcpu, gpa_t gpa, uint8_t *value);

/* enable_cap.c */
long vcpu_ioc_enable_cap(struct kvm_object *obj, void *data);

/* run.c */
long vcpu_run(struct kvm_vcpu *vcpu, unsigned long arg);
long vcpu_ioc_set_signal_mask(struct kvm_object *obj, unsigned long arg);

/* exit.c: what an exit of the engine means for the loop of KVM_RUN. */
enum run_next {
	RUN_RESUME,       /* dealt with: on with the guest */
	RUN_EXIT_TO_USER, /* kvm_run is filled in */
	RUN_ERROR,        /* vcpu->run_errno */
};

enum run_next exit_handle(struct kvm_vcpu *vcpu, enum engine_exit_reason reason);
/* Brings the VMM's answer to the last exit to where the engine wants it. */
void exit_take_answer(struct kvm_vcpu *vcpu);

/* regs.c */
long vcpu_ioc_get_regs(struct kvm_object *obj, void *data);
long vcpu_ioc_set_regs(struct kvm_object *obj, void *data);
long vcpu_ioc_get_debugregs(struct kvm_object *obj, void *data);
long vcpu_ioc_set_debugregs(struct kvm_object *obj, void *data);

/* sregs.c */
long vcpu_ioc_get_sregs(struct kvm_object *obj, void *data);
long vcpu_ioc_set_sregs(struct kvm_object *obj, void *data);
long vcpu_ioc_get_sregs2(struct kvm_object *obj, void *data);
long vcpu_ioc_set_sregs2(struct kvm_object *obj, void *data);

/* fpu.c */
long vcpu_ioc_get_fpu(struct kvm_object *obj, void *data);
long vcpu_ioc_set_fpu(struct kvm_object *obj, void *data);
long vcpu_ioc_get_xsave(struct kvm_object *obj, void *data);
long vcpu_ioc_set_xsave(struct kvm_object *obj, void *data);
long vcpu_ioc_get_xcrs(struct kvm_object *obj, void *data);
long vcpu_ioc_set_xcrs(struct kvm_object *obj, void *data);

/* local_apic.c. Return of vcpu_lapic_init(): 0 or -errno. */
int vcpu_lapic_init(struct kvm_vcpu *vcpu);
void vcpu_lapic_destroy(struct kvm_vcpu *vcpu);
/* There may be something for it to do: an interrupt, INIT. Any thread. */
void vcpu_wake(struct kvm_vcpu *vcpu);
uint32_t vcpu_lapic_read(struct kvm_vcpu *vcpu, uint32_t offset);
void vcpu_lapic_write(struct kvm_vcpu *vcpu, uint32_t offset, uint32_t value);
bool vcpu_lapic_rdmsr(struct kvm_vcpu *vcpu, uint32_t index, uint64_t *value);
bool vcpu_lapic_wrmsr(struct kvm_vcpu *vcpu, uint32_t index, uint64_t value);
void vcpu_lapic_set_deadline(struct kvm_vcpu *vcpu, uint64_t value);
void vcpu_cr8_changed(struct cpu *cpu);
/* Would it take an interrupt of the VMM's 8259s, but for what blocks all interrupts? */
bool vcpu_takes_extint(const struct kvm_vcpu *vcpu);
/* For struct engine_ops. */
bool vcpu_has_apic_interrupt(struct engine_vcpu *v);
int vcpu_take_apic_interrupt(struct engine_vcpu *v);
long vcpu_ioc_get_lapic(struct kvm_object *obj, void *data);
long vcpu_ioc_set_lapic(struct kvm_object *obj, void *data);
long vcpu_ioc_tpr_access_reporting(struct kvm_object *obj, void *data);
long vcpu_ioc_set_vapic_addr(struct kvm_object *obj, void *data);

/* halt.c */
/* INIT and start-up IPIs that have come. */
void vcpu_take_apic_events(struct kvm_vcpu *vcpu);
/* Sleeps while the processor has nothing to do. */
enum run_next vcpu_make_runnable(struct kvm_vcpu *vcpu);

/* events.c */
long vcpu_ioc_get_vcpu_events(struct kvm_object *obj, void *data);
long vcpu_ioc_set_vcpu_events(struct kvm_object *obj, void *data);
long vcpu_ioc_interrupt(struct kvm_object *obj, void *data);
long vcpu_ioc_nmi(struct kvm_object *obj, unsigned long arg);
long vcpu_ioc_get_mp_state(struct kvm_object *obj, void *data);
long vcpu_ioc_set_mp_state(struct kvm_object *obj, void *data);
/* A pending exception becomes one that is being delivered: its payload goes to DR6 or CR2. */
void events_promote_exception(struct kvm_vcpu *vcpu);
void events_queue_exception(struct kvm_vcpu *vcpu, const struct x86_exception *fault);
/* Would an interrupt that KVM_INTERRUPT brings now be taken? */
bool events_are_interruptible(const struct kvm_vcpu *vcpu);

/* guest_debug.c: what KVM_SET_GUEST_DEBUG knows. */
#define GUEST_DEBUG_FLAGS                                                           \
	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP |   \
	 KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_INJECT_BP | KVM_GUESTDBG_INJECT_DB | \
	 KVM_GUESTDBG_BLOCKIRQ)
long vcpu_ioc_set_guest_debug(struct kvm_object *obj, void *data);
/* RFLAGS as the VMM sees and sets it: a step of its debugger is not in it. */
uint64_t vcpu_get_rflags(const struct kvm_vcpu *vcpu);
void vcpu_set_rflags(struct kvm_vcpu *vcpu, uint64_t rflags);
/* KVM_EXIT_DEBUG: fills in kvm_run. */
void vcpu_debug_exit(struct kvm_vcpu *vcpu);

/* mce.c */
long vcpu_ioc_setup_mce(struct kvm_object *obj, void *data);
long vcpu_ioc_set_mce(struct kvm_object *obj, void *data);

/* cpuid.c */
long vcpu_ioc_set_cpuid(struct kvm_object *obj, unsigned long arg);
long vcpu_ioc_set_cpuid2(struct kvm_object *obj, unsigned long arg);
long vcpu_ioc_get_cpuid2(struct kvm_object *obj, unsigned long arg);
void vcpu_cpuid_fixup(struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t regs[4]);

/* msr.c */
long vcpu_ioc_get_msrs(struct kvm_object *obj, unsigned long arg);
long vcpu_ioc_set_msrs(struct kvm_object *obj, unsigned long arg);
enum cpu_result vcpu_rdmsr(struct engine_vcpu *v, uint32_t index, uint64_t *value);
enum cpu_result vcpu_wrmsr(struct engine_vcpu *v, uint32_t index, uint64_t value);

/* own_msrs.c: the MSRs whose state is in struct kvm_vcpu. */
extern const struct cpu_msr_range own_msrs[];
extern const unsigned int own_msr_count;
void own_msrs_reset(struct kvm_vcpu *vcpu);
uint64_t vcpu_apic_base(const struct kvm_vcpu *vcpu);
/* IA32_APIC_BASE. Return: false when it is no value for the register. */
bool vcpu_set_apic_base(struct kvm_vcpu *vcpu, uint64_t value, bool host_initiated);

#endif
