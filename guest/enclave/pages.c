// SPDX-License-Identifier: GPL-2.0-or-later
/* SGX2: what an enclave has to say to changes of its pages. */
#include "enclave.h"
#include "leaf.h"

static uint8_t *page_of(const struct call_pages *pages, uint64_t number)
{
	return enclave_base + pages->offset + number * SGX_PAGE_SIZE;
}

bool is_in_heap(uint64_t offset, uint64_t pages)
{
	uint64_t heap = (uint64_t)(enclave_heap - enclave_base);

	return offset % SGX_PAGE_SIZE == 0 && offset >= heap && offset <= ENCLAVE_SIZE &&
	       pages <= (ENCLAVE_SIZE - offset) / SGX_PAGE_SIZE;
}

static bool in_heap(struct call_frame *f)
{
	if (is_in_heap(f->pages.offset, f->pages.count))
		return true;
	f->status = CALL_BAD_ADDRESS;
	return false;
}

void call_accept(struct call_frame *f)
{
	struct sgx_secinfo secinfo __attribute__((aligned(64))) = {
		.flags = f->pages.secinfo_flags,
	};

	if (!in_heap(f))
		return;
	for (uint64_t i = 0; i < f->pages.count; i++) {
		f->leaf_code = leaf_accept(&secinfo, page_of(&f->pages, i));
		if (f->leaf_code != SGX_SUCCESS) {
			f->status = CALL_LEAF_FAILED;
			return;
		}
	}
}

void call_extend(struct call_frame *f)
{
	struct sgx_secinfo secinfo __attribute__((aligned(64))) = {
		.flags = f->pages.secinfo_flags,
	};

	if (!in_heap(f))
		return;
	for (uint64_t i = 0; i < f->pages.count; i++)
		leaf_extend_rights(&secinfo, page_of(&f->pages, i));
}

void call_fill(struct call_frame *f)
{
	if (!in_heap(f))
		return;
	for (uint64_t i = 0; i < f->pages.count * (SGX_PAGE_SIZE / 8); i++)
		((uint64_t *)page_of(&f->pages, 0))[i] = f->pages.value + i;
}

void call_sum(struct call_frame *f)
{
	uint64_t sum = 0;

	if (!in_heap(f))
		return;
	for (uint64_t i = 0; i < f->pages.count * (SGX_PAGE_SIZE / 8); i++)
		sum += ((const uint64_t *)page_of(&f->pages, 0))[i];
	f->pages.value = sum;
}

void call_store(struct call_frame *f)
{
	if (in_heap(f))
		*(volatile uint64_t *)page_of(&f->pages, 0) = f->pages.value;
}
