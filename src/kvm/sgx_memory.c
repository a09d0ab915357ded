// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory slots of virtual EPC. Nothing in the uAPI says that a region is EPC but where its
 * userspace_addr points. A slot holds its vEPC, as Linux' mapping does.
 */
#include "kvm/vm.h"

#include "host/platform.h"
#include "host/vepc.h"
#include "kvm/sgx.h"
#include "lib/lock.h"

#include <stdlib.h>

struct epc_slot {
	struct vepc *vepc;
	uint64_t index; /* of the slot's first page */
};

static int epc_slot_lookup(void *opaque, uint64_t offset, hpa_t *hpa)
{
	const struct epc_slot *slot = opaque;

	return vepc_lookup(slot->vepc, slot->index + offset / SGX_PAGE_SIZE, hpa);
}

static int epc_slot_allocate(void *opaque, uint64_t offset, hpa_t *hpa)
{
	struct epc_slot *slot = opaque;

	return vepc_allocate(slot->vepc, slot->index + offset / SGX_PAGE_SIZE, hpa);
}

static const struct memslot_epc_ops epc_slot_ops = {
	.lookup = epc_slot_lookup,
	.allocate = epc_slot_allocate,
};

static void epc_slot_free(struct epc_slot *slot)
{
	if (!slot)
		return;
	vepc_put(slot->vepc);
	free(slot);
}

/* Return: 0 with @slot set, to NULL when @region is no virtual EPC; or -ENOMEM. */
static int epc_slot_new(const struct kvm_userspace_memory_region *region, struct epc_slot **slot)
{
	struct vepc_map *map = sgx_host_mappings();
	struct vepc_mapping mapping;

	*slot = NULL;
	if (!map || !vepc_map_find(map, region->userspace_addr, region->memory_size, &mapping))
		return 0;
	*slot = malloc(sizeof(**slot));
	if (!*slot) {
		vepc_put(mapping.vepc);
		return -ENOMEM;
	}
	**slot = (struct epc_slot){.vepc = mapping.vepc, .index = mapping.index};
	return 0;
}

static struct epc_slot *epc_of(const struct memslot *slot)
{
	return slot && slot->kind == MEMSLOT_EPC ? slot->epc.opaque : NULL;
}

/* Return: what @region is to change, or NULL when it is new or nonsense. */
static const struct memslot *present(const struct memslots *slots,
				     const struct kvm_userspace_memory_region *region)
{
	uint32_t as_id = region->slot >> 16;
	uint16_t id = (uint16_t)region->slot;

	return as_id < MEMSLOT_ADDRESS_SPACES && id < MEMSLOT_MAX_SLOTS ? slots->by_id[as_id][id]
									: NULL;
}

/* With the lock of the regions. @gone: what the slot does not hold any more. */
static long __set_region(struct kvm_vm *vm, const struct kvm_userspace_memory_region *region,
			 struct epc_slot **gone)
{
	const struct memslot *before = present(vm->slots, region);
	struct epc_slot *held = epc_of(before), *slot = NULL;
	struct memslot_epc epc = {.ops = &epc_slot_ops};
	long ret;

	if (!before && region->memory_size) {
		ret = epc_slot_new(region, &slot);
		if (ret)
			return ret;
	}
	epc.opaque = slot;
	ret = memslots_set(vm->slots, region, slot ? &epc : NULL);
	if (ret)
		*gone = slot;
	else if (!region->memory_size)
		*gone = held;
	return ret;
}

long vm_set_region(struct kvm_vm *vm, const struct kvm_userspace_memory_region *region)
{
	struct epc_slot *gone = NULL;
	long ret;

	lock_rank_acquire(LOCK_REGIONS);
	pthread_mutex_lock(&vm->regions_lock);
	ret = __set_region(vm, region, &gone);
	pthread_mutex_unlock(&vm->regions_lock);
	lock_rank_release(LOCK_REGIONS);
	epc_slot_free(gone);
	return ret;
}

void vm_free_slots(struct memslots *slots)
{
	for (unsigned int as_id = 0; as_id < MEMSLOT_ADDRESS_SPACES; as_id++) {
		const struct memslot_array *array = memslots_snapshot(slots, as_id);

		for (unsigned int i = 0; i < array->count; i++)
			epc_slot_free(epc_of(array->slot[i]));
	}
	memslots_free(slots);
}
