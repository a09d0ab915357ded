/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An enclave as the Linux driver keeps it: which EPC page holds which of its
 * pages, what is paged out, and the sequences of ENCLS that the kernel uses. All
 * of it runs on a processor of its own, so that threads may be inside meanwhile.
 *
 * The enclave: two TCS, two SSA frames for each, code, data, then a heap that
 * nobody measures, then a hole. EPC pages are taken in turn, so that a page that
 * comes back comes to another place.
 */
#ifndef EXCLAVE_TESTS_UNIT_SGX_DRIVER_H
#define EXCLAVE_TESTS_UNIT_SGX_DRIVER_H

#include "fixture.h"
#include "paging_steps.h"
#include "signing.h"

#define DRIVER_PAGES 512 /* as many as a VA page has slots */
#define KERNEL_CPU   (FIXTURE_CPUS - 1)
#define NO_PAGE      (-1)

/* The enclave's pages by their place in it. */
enum {
	TCS1,
	TCS2,
	SSA1, /* two frames */
	SSA2 = SSA1 + 2,
	CODE = SSA2 + 2,
	DATA,
	HEAP,
};

/* Its largest range; outside the range of the other tests' enclaves, aligned to its size. */
#define DRIVER_BASE (WINDOW_BASE + PAGES(512))

/* What to build; fields that are 0 mean the usual. */
struct plan {
	gva_t base;          /* DRIVER_BASE */
	unsigned int pages;  /* 64, of the range */
	unsigned int heap;   /* none */
	uint64_t attributes; /* beside MODE64BIT */
	uint32_t miscselect;
	uint32_t nssa; /* 1 */
	uint64_t tcs_flags;
	uint8_t fill; /* of code and data: makes another MRENCLAVE */
	enum signer signer;
};

struct driver {
	struct fixture *f;
	struct plan plan;
	unsigned int secs; /* EPC pages */
	unsigned int va;
	unsigned int next_page; /* to be taken, if it is free */
	unsigned int next_victim;
	int page[DRIVER_PAGES]; /* EPC pages, or NO_PAGE */
	bool swapped[DRIVER_PAGES];
	struct blob blob[DRIVER_PAGES]; /* in the slot of the VA page of the same number */
	unsigned int not_tracked;       /* EWBs that had to be repeated */
	unsigned int interrupts;        /* sent to processors inside */
};

int driver_setup(void **state);
int driver_teardown(void **state);

#define driver_test(function) \
	cmocka_unit_test_setup_teardown(function, driver_setup, driver_teardown)

/* Another enclave on the same platform; free() it. */
struct driver *driver_second(struct driver *first);

/* A leaf on the kernel's processor. */
struct leaf_result kernel(struct fixture *f, uint32_t leaf, uint64_t rbx, uint64_t rcx,
			  uint64_t rdx);
/* An interrupt to every processor inside an enclave, as the kernel's empty IPI. */
void kernel_interrupts_all(struct driver *d);

/* ECREATE and a VA page; then one page; then a heap page, not measured; then EINIT. */
void driver_create(struct driver *d, const struct plan *plan);
void driver_add_tcs(struct driver *d, unsigned int index, unsigned int ssa);
void driver_add(struct driver *d, unsigned int index, uint64_t rwx, uint8_t fill);
void driver_add_heap(struct driver *d, unsigned int index);
void driver_add_all(struct driver *d);
void driver_sign(struct driver *d);
struct leaf_result driver_einit(struct driver *d);
/* All of it, with EINIT; not one page table entry. */
void driver_build(struct driver *d, const struct plan *plan);

gva_t page_gva(const struct driver *d, unsigned int index);
gva_t page_epc(const struct driver *d, unsigned int index); /* which ENCLS takes */
uint64_t page_state(const struct driver *d, unsigned int index);
void *page_ptr(const struct driver *d, unsigned int index);
struct sgx_tcs *tcs_ptr(const struct driver *d, unsigned int index);
/* The first 8 bytes of a heap page. */
uint64_t heap_word(unsigned int index);

/*
 * The kernel's page-fault handler: pages in, adds a page to the hole by EAUG, or
 * maps what lacks a page table entry. Return: false when it is an access error.
 */
bool driver_fault(struct driver *d, const struct x86_exception *fault);

/* EBLOCK and EWB, with ETRACK and interrupts as EWB asks for them; and ELDU. */
void driver_page_out(struct driver *d, unsigned int index);
void driver_page_in(struct driver *d, unsigned int index);
/* A page without a parent, to and from @slot of VA page @va. */
void driver_evict_root(struct driver *d, unsigned int page, unsigned int va, unsigned int slot,
		       struct blob *blob);
unsigned int driver_load_root(struct driver *d, unsigned int va, unsigned int slot,
			      const struct blob *blob);

/* A page of the EPC that is free, or becomes it by paging another one out. */
unsigned int driver_free_page(struct driver *d);

/* EMODPR and EMODT, for a page that is in the EPC; ETRACK with interrupts is the next step. */
struct leaf_result driver_emodpr(struct driver *d, unsigned int index, uint64_t rwx);
struct leaf_result driver_emodt(struct driver *d, unsigned int index, enum sgx_page_type pt);
void driver_track(struct driver *d);
/* An accepted TRIM page goes: the EMODPR that must fault, then EREMOVE. */
void driver_remove(struct driver *d, unsigned int index);

/* EREMOVE of every page until none is left, SECS last. */
void driver_remove_all(struct driver *d);
void assert_epc_free(struct fixture *f);

#endif
