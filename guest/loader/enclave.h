/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An enclave as Linux's driver makes it, and the way into it through the vDSO. A call belongs to
 * the thread that makes it; different threads use different TCS pages.
 */
#ifndef EXCLAVE_GUEST_ENCLAVE_LOADER_H
#define EXCLAVE_GUEST_ENCLAVE_LOADER_H

#include "common/call.h"
#include "common/image.h"

#include <asm/sgx.h>

#define PROVISION_NODE "/dev/sgx_provision"

struct enclave {
	int fd;
	uint8_t *base;
	const struct image_header *image;
};

/* What a load asks for beside the image. */
struct enclave_options {
	uint64_t attributes; /* beside MODE64BIT */
	int provision_fd;    /* for SGX_IOC_ENCLAVE_PROVISION, or -1 */
};

/*
 * Builds and initialises the enclave of the image in file @path.
 * Return: 0, or -errno with *stage naming what failed. It takes back what it did.
 */
int enclave_load(struct enclave *e, const char *path, const struct enclave_options *options,
		 const char **stage);
void enclave_unload(struct enclave *e);

uint8_t *enclave_tcs(const struct enclave *e, unsigned int number);

/* Return: 0 with f->status set, or -errno: a fault inside, which *run describes. */
int enclave_call(const struct enclave *e, unsigned int tcs, struct call_frame *f,
		 struct sgx_enclave_run *run);
/*
 * The same with a handler, which the vDSO calls at each way out. Only there can a thread that
 * faulted be resumed: what it has of the caller's stack must still be there when it comes back.
 */
int enclave_call_handled(const struct enclave *e, unsigned int tcs, struct call_frame *f,
			 struct sgx_enclave_run *run, sgx_enclave_user_handler_t handler,
			 void *data);

/* On TCS 0. Return: 1, or 0 when it was not CALL_DONE; check @name has then failed. */
int must_call(const char *name, const struct enclave *e, struct call_frame *f);

/* __vdso_sgx_enter_enclave, or NULL. */
vdso_sgx_enter_enclave_t vdso_find(void);
/* Is the address in the vDSO? */
int vdso_holds(uint64_t address);

#endif
