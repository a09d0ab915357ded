// SPDX-License-Identifier: GPL-2.0-or-later
/* SGX2: pages come, lose and get rights, and go while the enclave runs. */
#include "change.h"
#include "demo.h"

#include <errno.h>
#include <string.h>

#define GROW_PAGES 256
#define PATTERN    UINT64_C(0x0123456789abcdef)
#define WORDS      (GROW_PAGES * (uint64_t)(SGX_PAGE_SIZE / 8))

/* SDM "Page Fault Error Code": present, write, user, SGX. */
#define FAULT_VECTOR 14
#define FAULT_CODE   0x8007

static struct call_frame heap_call(const struct enclave *e, uint64_t call, uint64_t flags,
				   uint64_t value)
{
	return (struct call_frame){
		.call = call,
		.pages = {e->image->heap, GROW_PAGES, flags, value},
	};
}

/* Nothing is there: EACCEPT faults, the driver adds a page, EACCEPT is resumed. */
void step_grow(struct demo *d)
{
	struct call_frame accept =
		heap_call(&d->alice, CALL_ACCEPT, REG | RW | SGX_SECINFO_PENDING, 0);
	struct call_frame fill = heap_call(&d->alice, CALL_FILL, 0, PATTERN);
	struct call_frame sum = heap_call(&d->alice, CALL_SUM, 0, 0);
	uint64_t wanted = WORDS * PATTERN + WORDS * (WORDS - 1) / 2;

	if (!must_call("grow", &d->alice, &accept) || !must_call("grow", &d->alice, &fill) ||
	    !must_call("grow", &d->alice, &sum))
		return;
	if (sum.pages.value == wanted)
		pass("grow", "%d pages more, EAUG by page fault and EACCEPT", GROW_PAGES);
	else
		fail("grow", "sum %#lx of what was written, not %#lx", sum.pages.value, wanted);
}

static int restrict_rights(struct demo *d)
{
	struct call_frame accept =
		heap_call(&d->alice, CALL_ACCEPT, REG | SGX_SECINFO_R | SGX_SECINFO_PR, 0);
	uint64_t result;
	int ret = enclave_restrict(&d->alice, d->alice.image->heap, GROW_PAGES, SGX_SECINFO_R,
				   &result);

	if (ret) {
		fail("restrict", "%s, result %lu", strerror(-ret), result);
		return 0;
	}
	if (!must_call("restrict", &d->alice, &accept))
		return 0;
	pass("restrict", "EMODPR to R, EACCEPT");
	return 1;
}

/* What the handler below found and did. */
struct rescue {
	struct demo *demo;
	int faults;
	uint16_t vector, error_code;
	uint64_t extended;
};

/* Where the write was refused, another thread of the enclave has it allowed. */
static int on_exit_of_store(long rdi, long rsi, long rdx, long rsp, long r8, long r9,
			    struct sgx_enclave_run *run)
{
	struct rescue *rescue = (struct rescue *)run->user_data;
	struct call_frame extend = heap_call(&rescue->demo->alice, CALL_EXTEND, RW, 0);
	struct sgx_enclave_run other;

	if (run->function == EEXIT || rescue->faults++)
		return 0;
	rescue->vector = run->exception_vector;
	rescue->error_code = run->exception_error_code;
	if (enclave_call(&rescue->demo->alice, 1, &extend, &other))
		return 0;
	rescue->extended = extend.status == CALL_DONE;
	return ERESUME;
}

void step_rights(struct demo *d)
{
	struct call_frame store = heap_call(&d->alice, CALL_STORE, 0, 1);
	struct rescue rescue = {.demo = d};
	struct sgx_enclave_run run;
	int ret;

	if (!restrict_rights(d))
		return;
	ret = enclave_call_handled(&d->alice, 0, &store, &run, on_exit_of_store, &rescue);
	if (rescue.vector == FAULT_VECTOR && rescue.error_code == FAULT_CODE)
		pass("epcm_fault", "a write ends in #PF with error code %#x", rescue.error_code);
	else
		fail("epcm_fault", "vector %u, error code %#x", rescue.vector, rescue.error_code);
	if (!ret && rescue.extended && rescue.faults == 1 && store.status == CALL_DONE)
		pass("extend", "EMODPE in another thread, and ERESUME completes the write");
	else
		fail("extend", "return %d, status %lu, %d faults", ret, store.status,
		     rescue.faults);
}

static int trim_pages(struct demo *d)
{
	struct call_frame accept =
		heap_call(&d->alice, CALL_ACCEPT, TRIM | SGX_SECINFO_MODIFIED, 0);
	uint64_t heap = d->alice.image->heap, result;
	int ret = enclave_trim(&d->alice, heap, GROW_PAGES, &result);

	if (ret) {
		fail("trim", "EMODT: %s, result %lu", strerror(-ret), result);
		return 0;
	}
	/* Not before the enclave agrees. */
	ret = enclave_remove(&d->alice, heap, GROW_PAGES);
	if (ret != -EPERM) {
		fail("trim", "removal without EACCEPT: %s", strerror(-ret));
		return 0;
	}
	if (!must_call("trim", &d->alice, &accept))
		return 0;
	ret = enclave_remove(&d->alice, heap, GROW_PAGES);
	if (ret)
		fail("trim", "removal: %s", strerror(-ret));
	return ret == 0;
}

/* They go, and what comes in their place is zero. */
void step_trim(struct demo *d)
{
	struct call_frame accept =
		heap_call(&d->alice, CALL_ACCEPT, REG | RW | SGX_SECINFO_PENDING, 0);
	struct call_frame sum = heap_call(&d->alice, CALL_SUM, 0, 0);

	if (!trim_pages(d))
		return;
	pass("trim", "EMODT, EACCEPT, EREMOVE of %d pages", GROW_PAGES);
	if (!must_call("regrow", &d->alice, &accept) || !must_call("regrow", &d->alice, &sum))
		return;
	if (sum.pages.value == 0)
		pass("regrow", "new ones in their place are zero");
	else
		fail("regrow", "sum %#lx", sum.pages.value);
}
