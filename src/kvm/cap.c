// SPDX-License-Identifier: GPL-2.0-or-later
/* What KVM_CHECK_EXTENSION says. Everything that is here works; docs/api.md has it. */
#include "kvm/system.h"

#include "kvm/vcpu.h"

#define CAPS(X)                                                                                 \
	X(KVM_CAP_ADJUST_CLOCK, KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC) \
	X(KVM_CAP_CHECK_EXTENSION_VM, 1)                                                        \
	X(KVM_CAP_CLOCKSOURCE, 1)                                                               \
	X(KVM_CAP_COALESCED_MMIO, VCPU_PAGE_RING)                                               \
	X(KVM_CAP_COALESCED_PIO, 1)                                                             \
	X(KVM_CAP_DEBUGREGS, 1)                                                                 \
	X(KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1)                                               \
	X(KVM_CAP_ENABLE_CAP, 1)                                                                \
	X(KVM_CAP_ENABLE_CAP_VM, 1)                                                             \
	X(KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1)                                                  \
	X(KVM_CAP_EXCEPTION_PAYLOAD, 1)                                                         \
	X(KVM_CAP_EXT_CPUID, 1)                                                                 \
	X(KVM_CAP_EXT_EMUL_CPUID, 1)                                                            \
	X(KVM_CAP_GET_MSR_FEATURES, 1)                                                          \
	X(KVM_CAP_GET_TSC_KHZ, 1)                                                               \
	X(KVM_CAP_HLT, 1)                                                                       \
	X(KVM_CAP_IMMEDIATE_EXIT, 1)                                                            \
	X(KVM_CAP_INTERNAL_ERROR_DATA, 1)                                                       \
	X(KVM_CAP_IOEVENTFD, 1)                                                                 \
	X(KVM_CAP_IOEVENTFD_ANY_LENGTH, 1)                                                      \
	X(KVM_CAP_IOEVENTFD_NO_LENGTH, 1)                                                       \
	X(KVM_CAP_IRQCHIP, 1)                                                                   \
	X(KVM_CAP_IRQFD, 1)                                                                     \
	X(KVM_CAP_IRQFD_RESAMPLE, 1)                                                            \
	X(KVM_CAP_IRQ_INJECT_STATUS, 1)                                                         \
	X(KVM_CAP_IRQ_ROUTING, IRQCHIP_MAX_ROUTES)                                              \
	X(KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1)                                                 \
	X(KVM_CAP_KVMCLOCK_CTRL, 1)                                                             \
	X(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,                                                    \
	  KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET)                    \
	X(KVM_CAP_MAX_VCPUS, VM_MAX_VCPUS)                                                      \
	X(KVM_CAP_MAX_VCPU_ID, VM_MAX_VCPU_IDS)                                                 \
	X(KVM_CAP_MCE, CPU_MC_BANKS)                                                            \
	X(KVM_CAP_MMU_SHADOW_CACHE_CONTROL, 1)                                                  \
	X(KVM_CAP_MP_STATE, 1)                                                                  \
	X(KVM_CAP_MULTI_ADDRESS_SPACE, VM_ADDRESS_SPACES)                                       \
	X(KVM_CAP_NOP_IO_DELAY, 1)                                                              \
	X(KVM_CAP_NR_MEMSLOTS, MEMSLOT_MAX_SLOTS)                                               \
	X(KVM_CAP_NR_VCPUS, VM_MAX_VCPUS)                                                       \
	X(KVM_CAP_PIT2, 1)                                                                      \
	X(KVM_CAP_PIT_STATE2, 1)                                                                \
	X(KVM_CAP_READONLY_MEM, 1)                                                              \
	X(KVM_CAP_REINJECT_CONTROL, 1)                                                          \
	X(KVM_CAP_SET_BOOT_CPU_ID, 1)                                                           \
	X(KVM_CAP_SET_GUEST_DEBUG, 1)                                                           \
	X(KVM_CAP_SET_GUEST_DEBUG2, GUEST_DEBUG_FLAGS)                                          \
	X(KVM_CAP_SET_IDENTITY_MAP_ADDR, 1)                                                     \
	X(KVM_CAP_SET_TSS_ADDR, 1)                                                              \
	X(KVM_CAP_SIGNAL_MSI, 1)                                                                \
	X(KVM_CAP_SPLIT_IRQCHIP, 1)                                                             \
	X(KVM_CAP_SGX_ATTRIBUTE, 1)                                                             \
	X(KVM_CAP_SREGS2, 1)                                                                    \
	X(KVM_CAP_SYNC_MMU, 1)                                                                  \
	X(KVM_CAP_TSC_DEADLINE_TIMER, 1)                                                        \
	X(KVM_CAP_USER_MEMORY, 1)                                                               \
	X(KVM_CAP_USER_NMI, 1)                                                                  \
	X(KVM_CAP_VAPIC, 1)                                                                     \
	X(KVM_CAP_VCPU_EVENTS, 1)                                                               \
	X(KVM_CAP_X2APIC_API,                                                                   \
	  KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)                \
	X(KVM_CAP_X86_MSR_FILTER, 1)                                                            \
	X(KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1)                                                    \
	X(KVM_CAP_X86_USER_SPACE_MSR, 1)                                                        \
	X(KVM_CAP_XCRS, 1)                                                                      \
	X(KVM_CAP_XSAVE, 1)                                                                     \
	X(KVM_CAP_XSAVE2, sizeof(struct kvm_xsave))

long cap_check(unsigned long cap)
{
	static const struct {
		uint32_t cap;
		uint32_t value;
	} caps[] = {
#define CAP_ENTRY(cap, value) {cap, value},
		CAPS(CAP_ENTRY)
#undef CAP_ENTRY
	};

	for (size_t i = 0; i < ARRAY_SIZE(caps); i++)
		if (caps[i].cap == cap)
			return caps[i].value;
	return 0;
}
