// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A page that nobody can guess is planted in an enclave and hunted for, 16 bytes of it anywhere, in
 * all that others can read. Each hunt that finds nothing stands beside one that must find.
 */
#define _GNU_SOURCE
#include "hunt.h"
#include "paging.h"
#include "report.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Where the guest's kernel copies all of the EPC to. */
#define DUMP_GPA FREE_GPA
/* Where an enclave that is to give its secret away puts it. */
#define LEAK_GPA UINT64_C(0x800000)

static struct secret secret;

static void plant(struct enclave *e, struct vm *vm)
{
	secret_make(&secret);
	enclave_build(e, vm, 0, 0);
	EXPECT_DONE(enclave_call(e, fn_fill, enclave_gva(e, PAGE_SECRET), secret.seed));
}

static size_t hunt_ram(struct vm *vm)
{
	return hunt(&secret, vm->bare.ram, RAM_SIZE);
}

/* The enclave gives it away: it is there still, and what looks for it can find it. */
static void expect_found_when_leaked(struct enclave *e)
{
	void *leak = vm_ram(e->vm, LEAK_GPA);

	EXPECT_DONE(enclave_call(e, fn_copy, enclave_gva(e, PAGE_SECRET), LEAK_GPA));
	EXPECT(memcmp(leak, secret.bytes, SGX_PAGE_SIZE), 0);
	EXPECT(hunt_ram(e->vm), HUNT_WINDOWS);
	memset(leak, 0, SGX_PAGE_SIZE);
	EXPECT(hunt_ram(e->vm), 0);
}

static void expect_ones(const uint8_t *bytes, size_t size)
{
	size_t others = 0;

	for (size_t i = 0; i < size; i++)
		others += bytes[i] != 0xff;
	EXPECT(others, 0);
}

static void kernel_reads_epc_and_ram_finds_nothing(struct vm *vm)
{
	struct enclave e;

	plant(&e, vm);
	EXPECT(hunt_ram(vm), 0);
	EXPECT_DONE(vm_copy(vm, DUMP_GPA, EPC_GVA, EPC_SIZE));
	expect_ones(vm_ram(vm, DUMP_GPA), EPC_SIZE);
	EXPECT(hunt_ram(vm), 0);
	expect_found_when_leaked(&e);
}

/* What is written there goes nowhere. */
static void kernel_writes_epc_nothing_changes(struct vm *vm)
{
	struct enclave e;

	plant(&e, vm);
	EXPECT_DONE(vm_copy(vm, EPC_GVA, SHARED_GPA, EPC_SIZE));
	expect_found_when_leaked(&e);
}

static void kernel_reads_evicted_page_finds_nothing(struct vm *vm)
{
	struct enclave e;
	struct reload r;
	gva_t slot;

	plant(&e, vm);
	slot = add_va_page(vm);
	evict(&e, PAGE_SECRET, 0, slot);
	EXPECT(hunt_ram(vm), 0);
	r = (struct reload){enclave_epc(&e, PAGE_SECRET), enclave_gva(&e, PAGE_SECRET),
			    epc_gva(e.secs), slot, 0};
	EXPECT_CODE(reload(vm, &r), SGX_SUCCESS);
	EXPECT(hunt_ram(vm), 0);
	expect_found_when_leaked(&e);
}

static void hunt_registers(struct vm *vm, const struct outcome *o)
{
	struct kvm_xsave xsave;
	struct kvm_fpu fpu;

	must(!ioctl(vm->bare.vcpu[0].fd, KVM_GET_FPU, &fpu));
	must(!ioctl(vm->bare.vcpu[0].fd, KVM_GET_XSAVE, &xsave));
	EXPECT(hunt(&secret, &fpu, sizeof(fpu)) + hunt(&secret, &xsave, sizeof(xsave)), 0);
	/* Of general registers eight bytes are enough. */
	for (size_t i = 0; i < sizeof(o->regs) / 8; i++)
		for (size_t word = 0; word < SGX_PAGE_SIZE / 8; word++)
			EXPECT(!memcmp((const uint64_t *)&o->regs + i, &secret.bytes[word * 8], 8),
			       0);
}

static void enclave_interrupted_registers_show_nothing(struct vm *vm)
{
	struct enclave e;
	struct outcome o;

	plant(&e, vm);
	o = enclave_call(&e, fn_hold, enclave_gva(&e, PAGE_SECRET), HOLE_GVA);
	EXPECT_PF(o, PF_NO_PAGE, HOLE_GVA);
	hunt_registers(vm, &o);
	EXPECT(hunt_ram(vm), 0);
	expect_found_when_leaked(&e);
}

static void other_enclave_reads_page_finds_nothing(struct vm *vm)
{
	struct enclave e, other;

	plant(&e, vm);
	enclave_build(&other, vm, 1, 0);
	EXPECT_DONE(enclave_call(&other, fn_copy, enclave_gva(&e, PAGE_SECRET), DUMP_GPA));
	expect_ones(vm_ram(vm, DUMP_GPA), SGX_PAGE_SIZE);
	EXPECT(hunt_ram(vm), 0);
	expect_found_when_leaked(&e);
}

/* What a device does with a guest-physical address is what its VMM does with its own mapping. */
static void vmm_reads_its_mapping_finds_nothing(struct vm *vm)
{
	struct enclave e;
	uint8_t *file;
	int fd = memfd_create("disk", MFD_CLOEXEC);

	plant(&e, vm);
	expect_ones(vm->bare.epc, EPC_SIZE);
	EXPECT(hunt(&secret, vm->bare.epc, EPC_SIZE), 0);
	/* By the host's kernel, as for a disk. */
	must(fd >= 0);
	EXPECT(write(fd, vm->bare.epc, EPC_SIZE), EPC_SIZE);
	EXPECT_DONE(enclave_call(&e, fn_copy, enclave_gva(&e, PAGE_SECRET), LEAK_GPA));
	EXPECT(write(fd, vm_ram(vm, LEAK_GPA), SGX_PAGE_SIZE), SGX_PAGE_SIZE);
	file = mmap(NULL, EPC_SIZE + SGX_PAGE_SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
	must(file != MAP_FAILED);
	EXPECT(hunt(&secret, file, EPC_SIZE), 0);
	EXPECT(hunt(&secret, file, EPC_SIZE + SGX_PAGE_SIZE), HUNT_WINDOWS);
	munmap(file, EPC_SIZE + SGX_PAGE_SIZE);
	close(fd);
	memset(vm_ram(vm, LEAK_GPA), 0, SGX_PAGE_SIZE);
}

/* All pages that are left, new in an enclave of this VM, as that enclave sees them. */
static void expect_fresh_pages(struct vm *vm)
{
	struct enclave e;
	unsigned int page = PAGE_FREE, bytes = 0;
	uint8_t *dump = vm_ram(vm, DUMP_GPA);

	enclave_build(&e, vm, 0, 0);
	for (; vm->epc_used < EPC_PAGES; page++) {
		gva_t gva = enclave_gva(&e, page);

		enclave_augment(&e, page);
		EXPECT(enclave_leaf(&e, EACCEPT, SECINFO_REG | SECINFO_RW | SGX_SECINFO_PENDING,
				    gva)
			       .regs.rdi,
		       SGX_SUCCESS);
		EXPECT_DONE(enclave_call(&e, fn_copy, gva, DUMP_GPA + page * UINT64_C(4096)));
	}
	EXPECT(hunt_ram(vm), 0);
	for (size_t i = PAGE_FREE * UINT64_C(4096); i < page * UINT64_C(4096); i++)
		bytes += dump[i] != 0;
	EXPECT(bytes, 0);
	EXPECT(page > 200, true);
}

static void fill_all_pages(struct vm *vm, struct enclave *e)
{
	plant(e, vm);
	for (unsigned int page = PAGE_FREE; vm->epc_used < EPC_PAGES; page++) {
		gva_t gva = enclave_gva(e, page);

		enclave_augment(e, page);
		(void)enclave_leaf(e, EACCEPT, SECINFO_REG | SECINFO_RW | SGX_SECINFO_PENDING, gva);
		EXPECT_DONE(enclave_call(e, fn_fill, gva, secret.seed));
	}
	expect_found_when_leaked(e);
}

static void pages_removed_and_added_again_are_zero(struct vm *vm)
{
	struct enclave e;

	fill_all_pages(vm, &e);
	vm_epc_clear(vm);
	expect_fresh_pages(vm);
}

/* The pool has pages for two VMs, this one and another: the third gets those of the second. */
static void other_vm_gets_pages_again_finds_nothing(struct vm *vm)
{
	struct enclave e;
	struct vm second, third;

	vm_epc_clear(vm);
	vm_new(&second);
	fill_all_pages(&second, &e);
	vm_free(&second);
	vm_new(&third);
	expect_fresh_pages(&third);
	EXPECT_DONE(vm_copy(&third, DUMP_GPA, EPC_GVA, EPC_SIZE));
	expect_ones(vm_ram(&third, DUMP_GPA), EPC_SIZE);
	vm_free(&third);
}

const struct attack isolation_attacks[] = {
	ATTACK(kernel_reads_epc_and_ram_finds_nothing),
	ATTACK(kernel_writes_epc_nothing_changes),
	ATTACK(kernel_reads_evicted_page_finds_nothing),
	ATTACK(enclave_interrupted_registers_show_nothing),
	ATTACK(other_enclave_reads_page_finds_nothing),
	ATTACK(vmm_reads_its_mapping_finds_nothing),
	ATTACK(pages_removed_and_added_again_are_zero),
	ATTACK(other_vm_gets_pages_again_finds_nothing),
	{NULL, NULL},
};
