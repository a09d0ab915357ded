/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KVM_X86_SET_MSR_FILTER: which MSRs the guest may touch. `lock` is LOCK_MSR_FILTER. */
#ifndef EXCLAVE_KVM_MSR_FILTER_H
#define EXCLAVE_KVM_MSR_FILTER_H

#include "kvm/object.h"

#include <pthread.h>
#include <stdbool.h>

struct msr_filter_ranges;

struct msr_filter {
	pthread_mutex_t lock;
	/* NULL: everything is allowed. Read without the lock only to see whether it is NULL. */
	struct msr_filter_ranges *_Atomic ranges;
};

void msr_filter_init(struct msr_filter *filter);
void msr_filter_destroy(struct msr_filter *filter);
bool msr_filter_allows(struct msr_filter *filter, uint32_t index, bool write);

long vm_ioc_set_msr_filter(struct kvm_object *obj, void *data);

#endif
