/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smallest VM that a user of KVM can make: 64-bit code at CPL 0 in 2 MiB of
 * RAM, mapped as they are; above lie 2 MiB of a device. Whatever fails ends the
 * program with a message.
 */
#ifndef EXCLAVE_BENCH_BARE_VM_H
#define EXCLAVE_BENCH_BARE_VM_H

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

#define BARE_VM_DEVICE 0x200000u
#define BARE_VM_VECTOR 0x40 /* its handler only returns */

struct bare_vm {
	int kvm, vm, vcpu;
	uint8_t *ram;
	struct kvm_run *run;
	size_t run_size;
};

/* It must be Exclave that answers, not the machine's own /dev/kvm. */
void bare_vm_init(struct bare_vm *b);
void bare_vm_free(struct bare_vm *b);

/* The next run begins with @code; RBX leads to the device, RCX is @msr, RSI @count. */
void bare_vm_load(struct bare_vm *b, const uint8_t *code, size_t size, uint32_t msr,
		  uint32_t count);

/* ioctl() that must succeed; Return: what it returned. @what is for the message. */
int bare_vm_ioctl(int fd, unsigned long request, void *arg, const char *what);

#endif
