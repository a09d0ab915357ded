/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The enclave of the demonstration: freestanding, without heap, one stack per thread. What is
 * shared between threads is touched by CALL_MEET and CALL_CHURN alone, by atomic instructions or
 * under a lock.
 */
#ifndef EXCLAVE_GUEST_ENCLAVE_H
#define EXCLAVE_GUEST_ENCLAVE_H

#include "common/call.h"
#include "layout.h"

#include <stdbool.h>

/* Of the linker script; their addresses are what matters. */
extern uint8_t enclave_base[] __attribute__((visibility("hidden")));
extern uint8_t enclave_heap[] __attribute__((visibility("hidden")));
/* Of entry.S: a page for each thread. */
extern uint8_t enclave_ssa[] __attribute__((visibility("hidden")));

/* Called by entry.S with the caller's RDI. */
void enclave_main(struct call_frame *untrusted, uint64_t thread);

/* The calls; each sets f->status. */
void call_report(struct call_frame *f);
void call_verify(struct call_frame *f);
void call_seal(struct call_frame *f);
void call_unseal(struct call_frame *f);
void call_provision(struct call_frame *f);
void call_accept(struct call_frame *f);
void call_extend(struct call_frame *f);
void call_fill(struct call_frame *f);
void call_sum(struct call_frame *f);
void call_store(struct call_frame *f);
void call_meet(struct call_frame *f);
void call_storm(struct call_frame *f, uint64_t thread);
void call_gaps(struct call_frame *f);
void call_churn(struct call_frame *f);
void call_audit(struct call_frame *f);

/* The heap alone: code, TCS and stacks are not the caller's to change. */
bool is_in_heap(uint64_t offset, uint64_t pages);

/* Is all of it outside the enclave? */
bool is_outside(const void *address, uint64_t size);

/* What the compiler calls by itself. */
void *memcpy(void *to, const void *from, __SIZE_TYPE__ size);
void *memset(void *to, int value, __SIZE_TYPE__ size);

#endif
