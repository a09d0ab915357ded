// SPDX-License-Identifier: GPL-2.0-or-later
/* What a call into the enclave costs, beside one into the kernel. */
#include "demo.h"

#include <sys/syscall.h>
#include <unistd.h>

#define CALLS 20000

void step_timing(struct demo *d)
{
	struct call_frame f = {.call = CALL_NOTHING};
	uint64_t start = now_us(), calls, syscalls;

	for (unsigned int i = 0; i < CALLS; i++) {
		if (!must_call("timing", &d->alice, &f))
			return;
	}
	calls = now_us() - start;
	start = now_us();
	for (unsigned int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	syscalls = now_us() - start;
	pass("timing", "a call and back %lu ns, getppid %lu ns", calls * 1000 / CALLS,
	     syscalls * 1000 / CALLS);
}
