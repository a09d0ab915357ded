/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of the demonstration. Each reports one line for each thing that it shows. */
#ifndef EXCLAVE_GUEST_DEMO_H
#define EXCLAVE_GUEST_DEMO_H

#include "enclave.h"

struct demo {
	const char *alice_path;
	uint64_t attributes; /* of both enclaves, beside MODE64BIT */
	const char *disk;    /* where what is sealed lies from one boot to the next, or NULL */
	struct enclave alice;
	struct enclave bob;
};

void step_hello(struct demo *d);
void step_attributes(struct demo *d);
void step_provision(struct demo *d);
/* In place of that one where the machine has no provisioning key. */
void step_unprovisioned(struct demo *d);
void step_attest(struct demo *d);
void step_seal(struct demo *d);
void step_grow(struct demo *d);
void step_rights(struct demo *d);
void step_trim(struct demo *d);
void step_threads(struct demo *d);
void step_storm(struct demo *d);
void step_timing(struct demo *d);
void step_debug(struct demo *d);

/* Lines that tests/vm/harness.py reads. */
void pass(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fail(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Has any check failed? */
int any_failed(void);

/* Lower-case hexadecimal; @text has room for 2 * size + 1. */
const char *to_hex(const void *data, size_t size, char *text);

/* The enclave's report for @target, or for nobody; on failure 0 is returned and check @name fails. */
int get_report(const char *name, const struct enclave *e, const struct sgx_targetinfo *target,
	       struct sgx_report *report);

/* Microseconds. */
uint64_t now_us(void);

#endif
