// SPDX-License-Identifier: GPL-2.0-or-later
#include "preload/real.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/bits.h"
#include "preload/direct.h"

static const struct {
	const char *name;
	void *direct;
} functions[REAL_NR_FUNCTIONS] = {
#define REAL_ENTRY(name, result, arguments) {#name, (void *)direct_##name},
	REAL_FUNCTIONS(REAL_ENTRY)
#undef REAL_ENTRY
};

static _Atomic(void *) found[REAL_NR_FUNCTIONS];

/*
 * Initial-exec: any other model may allocate at the first access. Volatile: libc declares
 * dlsym() as a function that never comes back to us, so nobody else would see it set.
 */
static __thread volatile bool looking __attribute__((tls_model("initial-exec")));

static void *find(const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	/* The stat family of old binaries is there under its version only. */
	return p ? p : dlvsym(RTLD_NEXT, name, "GLIBC_2.2.5");
}

void *real_lookup(enum real_function function)
{
	void *p = atomic_load_explicit(&found[function], memory_order_acquire);
	int err = errno;

	if (likely(p))
		return p;
	if (looking)
		return functions[function].direct;
	looking = true;
	p = find(functions[function].name);
	looking = false;
	errno = err;
	if (!p)
		p = functions[function].direct;
	atomic_store_explicit(&found[function], p, memory_order_release);
	return p;
}
