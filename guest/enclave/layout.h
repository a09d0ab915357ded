/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the enclave is laid out; also for the assembler and the linker script. */
#ifndef EXCLAVE_GUEST_LAYOUT_H
#define EXCLAVE_GUEST_LAYOUT_H

#define ENCLAVE_SIZE 0x2000000
#ifndef ENCLAVE_THREADS
#define ENCLAVE_THREADS 4
#endif
#define ENCLAVE_STACK_SIZE 0x4000

#endif
