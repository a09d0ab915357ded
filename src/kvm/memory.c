// SPDX-License-Identifier: GPL-2.0-or-later
/* Memory slots, their dirty logs, and our own accesses to what is behind them. */
#include "kvm/vcpu.h"

#include "kvm/sgx.h"
#include "kvm/user.h"
#include "mmu/guest_access.h"

#include <sched.h>
#include <stdlib.h>

long vm_ioc_set_user_memory_region(struct kvm_object *obj, void *data)
{
	const struct kvm_userspace_memory_region *region = data;

	if (region->slot >> 16 >= VM_ADDRESS_SPACES)
		return -EINVAL;
	return vm_set_region(vm_of_object(obj), region);
}

/* Return: the words of the log of slot @number, 0 when it has none. */
static size_t dirty_words(struct memslots *slots, uint32_t number)
{
	const struct memslot *slot;
	size_t words = 0;

	if ((uint16_t)number >= MEMSLOT_MAX_SLOTS)
		return 0;
	memslots_lock(slots);
	slot = slots->by_id[0][(uint16_t)number];
	if (slot && slot->dirty)
		words = memslot_dirty_words(slot->size);
	memslots_unlock(slots);
	return words;
}

/*
 * The log goes by a copy of our own, for memory of the VMM's may sleep. The slot may
 * go meanwhile; memslots_get_dirty_log() looks again and finds the errno.
 */
long vm_ioc_get_dirty_log(struct kvm_object *obj, void *data)
{
	struct kvm_vm *vm = vm_of_object(obj);
	const struct kvm_dirty_log *log = data;
	bool clear = !atomic_load(&vm->manual_dirty_log);
	uint64_t *bitmap;
	size_t words;
	long ret;

	if (log->slot >> 16 >= VM_ADDRESS_SPACES)
		return -EINVAL;
	words = dirty_words(vm->slots, log->slot);
	bitmap = calloc(words ? words : 1, sizeof(*bitmap));
	if (!bitmap)
		return -ENOMEM;
	ret = memslots_get_dirty_log(vm->slots, log->slot, clear, bitmap, words);
	if (!ret && user_write((uintptr_t)log->dirty_bitmap, bitmap, words * sizeof(*bitmap)))
		ret = -EFAULT;
	free(bitmap);
	return ret;
}

long vm_ioc_clear_dirty_log(struct kvm_object *obj, void *data)
{
	struct kvm_vm *vm = vm_of_object(obj);
	const struct kvm_clear_dirty_log *log = data;
	size_t words = ((size_t)log->num_pages + 63) / 64;
	uint64_t *bitmap;
	long ret = -EFAULT;

	if (log->slot >> 16 >= VM_ADDRESS_SPACES)
		return -EINVAL;
	/* No more than the slot has, whatever the VMM counts; a wrong count is EINVAL below. */
	if (words > dirty_words(vm->slots, log->slot))
		return memslots_clear_dirty_log(vm->slots, log->slot, 1, 0, NULL);
	bitmap = calloc(words ? words : 1, sizeof(*bitmap));
	if (!bitmap)
		return -ENOMEM;
	if (!user_read(bitmap, (uintptr_t)log->dirty_bitmap, words * sizeof(*bitmap)))
		ret = memslots_clear_dirty_log(vm->slots, log->slot, log->first_page,
					       log->num_pages, bitmap);
	free(bitmap);
	return ret;
}

/*
 * Readers of the slots are vCPUs inside engine_run(), for which the engine waits, and
 * begin_access() below. The engine first: it may take long, we do not.
 */
void vm_synchronize(void *opaque)
{
	struct kvm_vm *vm = opaque;

	engine_synchronize(vm->engine);
	while (atomic_load(&vm->guest_accesses))
		sched_yield();
}

/* Sequentially consistent: a writer of slots sees us, or we see the new array. */
static const struct memslot *begin_access(struct kvm_vm *vm, gpa_t gpa, size_t len)
{
	const struct memslot *slot;
	unsigned int hint = 0;

	atomic_fetch_add(&vm->guest_accesses, 1);
	atomic_thread_fence(memory_order_seq_cst);
	slot = memslot_lookup(memslots_snapshot(vm->slots, 0), gpa, &hint);
	return slot && len <= slot->size - (gpa - slot->base) ? slot : NULL;
}

static void end_access(struct kvm_vm *vm)
{
	atomic_fetch_sub(&vm->guest_accesses, 1);
}

static int write_slot(const struct memslot *slot, gpa_t gpa, const void *src, size_t len)
{
	int ret;

	if (!memslot_is_writable(slot))
		return -EFAULT;
	ret = guest_copy_to(memslot_hva(slot, gpa), src, len);
	memslot_mark_dirty(slot, gpa);
	memslot_mark_dirty(slot, gpa + len - 1);
	return ret;
}

int vm_guest_read(struct kvm_vm *vm, gpa_t gpa, void *dst, size_t len)
{
	const struct memslot *slot = begin_access(vm, gpa, len);
	int ret = -EFAULT;

	if (memslot_is_readable(slot))
		ret = guest_copy_from(dst, memslot_hva(slot, gpa), len);
	end_access(vm);
	return ret;
}

int vm_guest_write(struct kvm_vm *vm, gpa_t gpa, const void *src, size_t len)
{
	int ret = write_slot(begin_access(vm, gpa, len), gpa, src, len);

	end_access(vm);
	/* It may be code that we wrote to: a guest chooses where its clock stands. */
	if (!ret)
		engine_memory_written(vm->engine);
	return ret;
}

int vcpu_guest_write(struct kvm_vcpu *vcpu, gpa_t gpa, const void *src, uint32_t len)
{
	const struct memslot *slot = begin_access(vcpu->vm, gpa, len);
	int ret = write_slot(slot, gpa, src, len);

	if (!ret)
		engine_bytes_written(vcpu->v, memslot_hva(slot, gpa), len);
	end_access(vcpu->vm);
	return ret;
}

int vcpu_guest_swap8(struct kvm_vcpu *vcpu, gpa_t gpa, uint8_t *value)
{
	const struct memslot *slot = begin_access(vcpu->vm, gpa, sizeof(*value));
	int ret = -EFAULT;

	if (memslot_is_writable(slot)) {
		ret = guest_swap8(memslot_hva(slot, gpa), value);
		memslot_mark_dirty(slot, gpa);
	}
	if (!ret)
		engine_bytes_written(vcpu->v, memslot_hva(slot, gpa), sizeof(*value));
	end_access(vcpu->vm);
	return ret;
}
