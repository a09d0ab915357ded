// SPDX-License-Identifier: GPL-2.0-or-later
#include "change.h"

#include <errno.h>
#include <sched.h>
#include <sys/ioctl.h>

union page_change {
	struct {
		__u64 offset, length;
	} range; /* with which all others begin */
	struct sgx_enclave_restrict_permissions restricted;
	struct sgx_enclave_modify_types types;
	struct sgx_enclave_remove_pages removed;
};

/*
 * Such an ioctl ends early where the driver's reclaimer has a page, with what is done in
 * @count, and wants it back as zero; it does not begin while another thread has one under way.
 */
static int change_pages(const struct enclave *e, unsigned long request, union page_change *change,
			__u64 *count)
{
	while (ioctl(e->fd, request, change)) {
		if (errno != EAGAIN && errno != EBUSY)
			return -errno;
		change->range.offset += *count;
		change->range.length -= *count;
		*count = 0;
		sched_yield();
	}
	return 0;
}

int enclave_restrict(const struct enclave *e, uint64_t offset, uint64_t pages, uint64_t rights,
		     uint64_t *result)
{
	union page_change change = {.restricted = {offset, pages * SGX_PAGE_SIZE, rights, 0, 0}};
	int ret = change_pages(e, SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS, &change,
			       &change.restricted.count);

	*result = change.restricted.result;
	return ret;
}

int enclave_trim(const struct enclave *e, uint64_t offset, uint64_t pages, uint64_t *result)
{
	union page_change change = {
		.types = {offset, pages * SGX_PAGE_SIZE, SGX_PAGE_TYPE_TRIM, 0, 0}};
	int ret = change_pages(e, SGX_IOC_ENCLAVE_MODIFY_TYPES, &change, &change.types.count);

	*result = change.types.result;
	return ret;
}

int enclave_remove(const struct enclave *e, uint64_t offset, uint64_t pages)
{
	union page_change change = {.removed = {offset, pages * SGX_PAGE_SIZE, 0}};

	return change_pages(e, SGX_IOC_ENCLAVE_REMOVE_PAGES, &change, &change.removed.count);
}
