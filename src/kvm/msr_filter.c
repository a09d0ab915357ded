// SPDX-License-Identifier: GPL-2.0-or-later
#include "kvm/vm.h"

#include "kvm/user.h"
#include "lib/lock.h"

#include <stdlib.h>

/* x2APIC's: Linux lets the guest have them whatever the filter says. */
#define X2APIC_FIRST 0x800
#define X2APIC_LAST  0x8ff

struct msr_filter_range {
	uint32_t base;
	uint32_t count;
	uint32_t flags;   /* KVM_MSR_FILTER_READ, _WRITE */
	uint64_t *bitmap; /* a 1 allows */
};

struct msr_filter_ranges {
	bool default_allow;
	unsigned int count;
	struct msr_filter_range range[KVM_MSR_FILTER_MAX_RANGES];
};

static void filter_lock(struct msr_filter *filter)
{
	lock_rank_acquire(LOCK_MSR_FILTER);
	pthread_mutex_lock(&filter->lock);
}

static void filter_unlock(struct msr_filter *filter)
{
	pthread_mutex_unlock(&filter->lock);
	lock_rank_release(LOCK_MSR_FILTER);
}

static void ranges_free(struct msr_filter_ranges *ranges)
{
	if (!ranges)
		return;
	for (unsigned int i = 0; i < ranges->count; i++)
		free(ranges->range[i].bitmap);
	free(ranges);
}

void msr_filter_init(struct msr_filter *filter)
{
	pthread_mutex_init(&filter->lock, NULL);
	atomic_init(&filter->ranges, NULL);
}

void msr_filter_destroy(struct msr_filter *filter)
{
	ranges_free(atomic_load(&filter->ranges));
	pthread_mutex_destroy(&filter->lock);
}

static int add_range(struct msr_filter_ranges *ranges, const struct kvm_msr_filter_range *from)
{
	size_t size = ((size_t)from->nmsrs + 63) / 64 * sizeof(uint64_t);
	uint64_t *bitmap;

	if (!from->nmsrs)
		return 0;
	if (!from->flags || (from->flags & ~(uint32_t)(KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE)))
		return -EINVAL;
	if (size > KVM_MSR_FILTER_MAX_BITMAP_SIZE)
		return -EINVAL;
	bitmap = malloc(size);
	if (!bitmap)
		return -ENOMEM;
	if (user_read(bitmap, (uintptr_t)from->bitmap, size)) {
		free(bitmap);
		return -EFAULT;
	}
	ranges->range[ranges->count++] = (struct msr_filter_range){
		.base = from->base,
		.count = from->nmsrs,
		.flags = from->flags,
		.bitmap = bitmap,
	};
	return 0;
}

static int ranges_new(const struct kvm_msr_filter *from, struct msr_filter_ranges **ranges)
{
	bool deny = from->flags & KVM_MSR_FILTER_DEFAULT_DENY, empty = true;
	int ret = 0;

	if (from->flags & ~(uint32_t)KVM_MSR_FILTER_DEFAULT_DENY)
		return -EINVAL;
	for (unsigned int i = 0; i < KVM_MSR_FILTER_MAX_RANGES; i++)
		empty = empty && !from->ranges[i].nmsrs;
	/* A guest without any MSR is never meant. */
	if (empty && deny)
		return -EINVAL;
	*ranges = calloc(1, sizeof(**ranges));
	if (!*ranges)
		return -ENOMEM;
	(*ranges)->default_allow = !deny;
	for (unsigned int i = 0; i < KVM_MSR_FILTER_MAX_RANGES && !ret; i++)
		ret = add_range(*ranges, &from->ranges[i]);
	if (ret)
		ranges_free(*ranges);
	return ret;
}

long vm_ioc_set_msr_filter(struct kvm_object *obj, void *data)
{
	struct msr_filter *filter = &vm_of_object(obj)->filter;
	struct msr_filter_ranges *new = NULL, *old;
	int ret = ranges_new(data, &new);

	if (ret)
		return ret;
	filter_lock(filter);
	old = atomic_exchange(&filter->ranges, new);
	filter_unlock(filter);
	ranges_free(old);
	return 0;
}

static bool __allows(const struct msr_filter_ranges *ranges, uint32_t index, bool write)
{
	uint32_t wanted = write ? KVM_MSR_FILTER_WRITE : KVM_MSR_FILTER_READ;

	for (unsigned int i = 0; i < ranges->count; i++) {
		const struct msr_filter_range *range = &ranges->range[i];
		uint32_t n = index - range->base;

		if (index >= range->base && n < range->count && (range->flags & wanted))
			return range->bitmap[n / 64] >> (n % 64) & 1;
	}
	return ranges->default_allow;
}

bool msr_filter_allows(struct msr_filter *filter, uint32_t index, bool write)
{
	const struct msr_filter_ranges *ranges;
	bool allows;

	if (index >= X2APIC_FIRST && index <= X2APIC_LAST)
		return true;
	if (!atomic_load_explicit(&filter->ranges, memory_order_relaxed))
		return true;
	filter_lock(filter);
	ranges = atomic_load_explicit(&filter->ranges, memory_order_relaxed);
	allows = !ranges || __allows(ranges, index, write);
	filter_unlock(filter);
	return allows;
}
