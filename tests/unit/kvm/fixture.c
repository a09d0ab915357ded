// SPDX-License-Identifier: GPL-2.0-or-later
#include "fixture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MAX_FDS 64

static struct kvm_object *table[MAX_FDS];
static bool allowed = true;

static int new_fd(struct kvm_object *obj, const char *name)
{
	assert_non_null(name);
	for (int i = 0; allowed && i < MAX_FDS; i++) {
		if (table[i])
			continue;
		table[i] = obj;
		return FIRST_FD + i;
	}
	return -EMFILE;
}

void allow_descriptors(bool allow)
{
	allowed = allow;
}

struct kvm_object *object_of(long fd)
{
	if (fd < FIRST_FD || fd >= FIRST_FD + MAX_FDS)
		return NULL;
	return table[fd - FIRST_FD];
}

static struct kvm_object *fd_object(int fd)
{
	return object_of(fd);
}

static bool is_provision(int fd)
{
	return fd == PROVISION_FD;
}

void close_object(long fd)
{
	struct kvm_object *obj = object_of(fd);

	table[fd - FIRST_FD] = NULL;
	kvm_object_put(obj);
}

static int setup_with(void **state, bool full, bool split, unsigned long id)
{
	static const struct kvm_host_ops ops = {
		.new_fd = new_fd,
		.fd_object = fd_object,
		.is_provision = is_provision,
	};
	struct fixture *f = calloc(1, sizeof(*f));
	size_t size;
	int fd;

	fake = (struct fake){0};
	kvm_set_host_ops(&ops);
	assert_ok(kvm_system_open(&f->system));
	f->vm = object_of(ioc(f->system, KVM_CREATE_VM, NULL));
	if (full) {
		assert_ok(ioc(f->vm, KVM_CREATE_IRQCHIP, NULL));
		assert_ok(ioc(f->vm, KVM_CREATE_PIT2, &(struct kvm_pit_config){0}));
	}
	if (split)
		assert_ok(
			ioc(f->vm, KVM_ENABLE_CAP,
			    &(struct kvm_enable_cap){.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {24}}));
	f->vcpu = object_of(kvm_ioctl(f->vm, KVM_CREATE_VCPU, id));
	assert_non_null(f->vcpu);
	f->v = fake.v;
	fd = kvm_mmap_fd(f->vcpu, &size);
	assert_int_equal(size, 12288);
	f->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(f->run != MAP_FAILED);
	*state = f;
	return 0;
}

int setup(void **state)
{
	return setup_with(state, false, false, 0);
}

int setup_full(void **state)
{
	return setup_with(state, true, false, 0);
}

int setup_split(void **state)
{
	return setup_with(state, false, true, 0);
}

int setup_ap(void **state)
{
	return setup_with(state, true, false, 1);
}

int teardown(void **state)
{
	struct fixture *f = *state;

	kvm_object_put(f->system);
	for (int i = 0; i < MAX_FDS; i++)
		if (table[i])
			close_object(FIRST_FD + i);
	munmap(f->run, 12288);
	if (f->ram)
		munmap(f->ram, RAM_SIZE);
	free(f);
	return fake.engines || fake.vcpus ? -1 : 0;
}

void ram_add(struct fixture *f, uint32_t flags)
{
	struct kvm_userspace_memory_region region = {.flags = flags, .memory_size = RAM_SIZE};

	f->ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(f->ram != MAP_FAILED);
	region.userspace_addr = (uintptr_t)f->ram;
	assert_ok(ioc(f->vm, KVM_SET_USER_MEMORY_REGION, &region));
}

void set_offered_cpuid(struct fixture *f)
{
	struct {
		struct cpuid_head head;
		struct kvm_cpuid_entry2 entries[CPUID_MAX_ENTRIES];
	} table = {.head.nent = CPUID_MAX_ENTRIES};

	assert_ok(ioc(f->system, KVM_GET_SUPPORTED_CPUID, &table));
	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &table));
}

long run_script(struct fixture *f, fake_step *const *steps, unsigned int count)
{
	long ret;

	fake.steps = steps;
	fake.step_count = count;
	fake.next = 0;
	ret = ioc(f->vcpu, KVM_RUN, NULL);
	fake.step_count = 0;
	fake.next = 0;
	return ret;
}

long msr_set(struct fixture *f, uint32_t index, uint64_t value)
{
	struct {
		struct msrs_head head;
		struct kvm_msr_entry entry;
	} msrs = {{.nmsrs = 1}, {.index = index, .data = value}};

	return ioc(f->vcpu, KVM_SET_MSRS, &msrs);
}

long msr_get(struct fixture *f, uint32_t index, uint64_t *value)
{
	struct {
		struct msrs_head head;
		struct kvm_msr_entry entry;
	} msrs = {{.nmsrs = 1}, {.index = index}};
	long ret = ioc(f->vcpu, KVM_GET_MSRS, &msrs);

	*value = msrs.entry.data;
	return ret;
}

/* Always the same numbers in a thread, so that a failure can be seen again. */
void fill_random(void *data, size_t size)
{
	static _Thread_local uint64_t seed = 88172645463325252u;
	uint8_t *byte = data;

	for (size_t i = 0; i < size; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		byte[i] = (uint8_t)(seed >> 32);
	}
}
