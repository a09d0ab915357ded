// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A debugger's way into an enclave: the kernel reads and writes its memory by EDBGRD and EDBGWR for
 * ptrace and /proc/PID/mem, if the enclave has ATTRIBUTES.DEBUG.
 */
#include "demo.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* EDBGRD and EDBGWR move as much. */
#define WORD sizeof(uint64_t)

static const struct enclave_options debuggable = {SGX_ATTR_DEBUG, -1};

static off_t flags_of(const struct enclave *e)
{
	return (off_t)(enclave_tcs(e, 0) + offsetof(struct sgx_tcs, flags));
}

static void check_production(int memory, const struct enclave *e)
{
	uint64_t word;

	if (pread(memory, &word, WORD, flags_of(e)) < 0)
		pass("debug_refused", "/proc/self/mem: %s", strerror(errno));
	else
		fail("debug_refused", "%#lx was read", word);
}

/* The code is there as it was signed. */
static void check_read(int memory, const struct enclave *e)
{
	const struct image_part *code = NULL;
	uint8_t found[SGX_PAGE_SIZE];

	for (unsigned int i = 0; i < e->image->part_count; i++)
		if (e->image->parts[i].secinfo_flags & SGX_SECINFO_X)
			code = &e->image->parts[i];
	if (!code)
		fail("debug_read", "the image has no code");
	else if (pread(memory, found, sizeof(found), (off_t)(e->base + code->offset)) !=
		 sizeof(found))
		fail("debug_read", "%s", strerror(errno));
	else if (memcmp(found, (const uint8_t *)e->image + code->file_offset, sizeof(found)) != 0)
		fail("debug_read", "it is not the code that was signed");
	else
		pass("debug_read", "a page of code, as it was signed");
}

/* SDM "EDBGWR": of a TCS, FLAGS alone. */
static void check_optin(int memory, const struct enclave *e)
{
	uint64_t word = SGX_TCS_DBGOPTIN;

	if (pwrite(memory, &word, WORD, flags_of(e) + (off_t)WORD) >= 0)
		fail("debug_optin", "another field of the TCS was written");
	else if (pwrite(memory, &word, WORD, flags_of(e)) != WORD)
		fail("debug_optin", "TCS.FLAGS: %s", strerror(errno));
	else if (pread(memory, &word, WORD, flags_of(e)) != WORD || word != SGX_TCS_DBGOPTIN)
		fail("debug_optin", "TCS.FLAGS is %#lx then", word);
	else
		pass("debug_optin", "TCS.FLAGS.DBGOPTIN is set from outside");
}

void step_debug(struct demo *d)
{
	int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	struct enclave enclave;
	const char *stage;
	int ret;

	if (memory < 0) {
		fail("debug_read", "/proc/self/mem: %s", strerror(errno));
		return;
	}
	check_production(memory, &d->alice);
	ret = enclave_load(&enclave, d->alice_path, &debuggable, &stage);
	if (ret) {
		fail("debug_read", "%s: %s", stage, strerror(-ret));
	} else {
		check_read(memory, &enclave);
		check_optin(memory, &enclave);
		enclave_unload(&enclave);
	}
	close(memory);
}
