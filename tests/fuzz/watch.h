/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the leaf fuzzer knows about every leaf without knowing what it should do:
 *  - one that is refused has changed nothing, in the EPC or in the registers;
 *  - a fault that it raises is one that the architecture has;
 *  - what an enclave keeps to itself turns up in no guest memory, no other
 *    enclave, and no register outside;
 *  - a page that is watched does not change without notice, the SECS of an
 *    initialised enclave not at all;
 *  - what invariants.h says of the EPC.
 * A broken rule ends the process.
 */
#ifndef EXCLAVE_TESTS_FUZZ_WATCH_H
#define EXCLAVE_TESTS_FUZZ_WATCH_H

#include "world.h"

/* From now on, for the EPC as it is. */
void watch_start(struct embedder *embedder);

/*
 * Around a leaf on @c, whose operands are in place. When others act while it runs,
 * watch_disturb() says so and what changes is nobody's until watch_settle().
 */
void watch_leaf_begin(struct embedder_cpu *c);
void watch_leaf_end(struct embedder_cpu *c, bool user, struct leaf_result res);
void watch_disturb(void);

/* After whatever has happened to @embedder, and no leaf is running. */
void watch_settle(struct embedder *embedder);

/* An enclave has written to its page itself: nobody else has to say so. */
void watch_own_write(struct embedder *embedder, unsigned int epc_page);

/* The eight bytes by which a secret of @secs is known; an enclave of its kind has secrets. */
uint64_t watch_secret(const struct epcm_entry *secs);
bool watch_has_secrets(const struct epcm_entry *secs);

/* The model writes @len bytes to guest memory, or an AEX has left them in registers. */
void watch_outside(const void *p, size_t len, const char *where);

/* Ends the process unless @ok. */
void watch_rule(bool ok, const char *rule);

#endif
