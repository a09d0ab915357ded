// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the kernel's sixteen SGX selftests need of the processor, a case for each one: the
 * leaves, the accesses, the registers, the faults and what the SSA has, in their order.
 */
#include "tests.h"
#include "thread.h"

#define MAGIC      UINT64_C(0x1122334455667788)
#define MAGIC2     UINT64_C(0x8877665544332211)
#define REG        EPCM_PT(SGX_PAGE_TYPE_REG)
#define RW         (EPCM_R | EPCM_W)
#define PENDING_RW (REG | RW | EPCM_PENDING)
#define TRIMMED    (EPCM_PT(SGX_PAGE_TYPE_TRIM) | EPCM_MODIFIED)
#define NEW_TCS    (EPCM_PT(SGX_PAGE_TYPE_TCS) | EPCM_MODIFIED)
#define HOLE       40
#define USER_GVA   ram_gva(20) /* the operation that the enclave is given in RDI */

static void build(struct driver *d)
{
	driver_build(d, &(struct plan){.heap = 2});
}

/* The enclave is given work outside: it copies what lies at USER_GVA to its data, or back. */
static void put_inside(struct thread *t)
{
	assert_true(thread_write(t, page_gva(t->d, DATA), thread_read(t, USER_GVA)));
}

static void get_from_inside(struct thread *t)
{
	assert_true(thread_write(t, USER_GVA, thread_read(t, page_gva(t->d, DATA))));
}

static uint64_t *user_word(struct driver *d)
{
	return ram_ptr(d->f, USER_GVA);
}

static void put_and_get(struct thread *t)
{
	*user_word(t->d) = MAGIC;
	thread_enter(t);
	put_inside(t);
	thread_exit(t);
	assert_good_call(t);
	*user_word(t->d) = 0;
	thread_enter(t);
	get_from_inside(t);
	thread_exit(t);
	assert_good_call(t);
	assert_int_equal(*user_word(t->d), MAGIC);
}

static void put_secinfo(struct thread *t, gva_t gva, uint64_t flags)
{
	const struct sgx_secinfo secinfo = {.flags = flags};
	void *where = thread_access(t, gva, PFERR_WRITE_MASK);

	assert_non_null(where);
	memcpy(where, &secinfo, sizeof(secinfo));
}

/* One run of the ENCLU at AEP, without a kernel that would mend its fault. */
static struct leaf_result enclu_at_aep(struct thread *t)
{
	const struct x86_state *s = thread_state(t);

	return watched(t->d->f, sgx_enclu, (uint32_t)s->gpr[X86_RAX], s->gpr[X86_RBX],
		       s->gpr[X86_RCX], s->gpr[X86_RDX]);
}

static void mend(struct thread *t, gva_t gva, uint32_t error_code)
{
	const struct x86_exception fault = {.vector = PF_VECTOR,
					    .has_error_code = true,
					    .error_code = error_code,
					    .address = gva};

	assert_true(driver_fault(t->d, &fault));
}

/* No page table entry exists: each fault of the first call, one by one. */
static void selftest_unclobbered_vdso(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	struct x86_exception fault;
	struct x86_state before, *s;

	build(d);
	s = thread_state(&t);
	s->cpl = 3;
	s->rip = AEP_GVA;
	s->gpr[X86_RAX] = EENTER;
	s->gpr[X86_RBX] = page_gva(d, TCS1);
	s->gpr[X86_RCX] = AEP_GVA;
	s->gpr[X86_RDI] = USER_GVA;
	before = *s;
	expect_pfo(enclu_at_aep(&t), page_gva(d, TCS1), PFERR_USER_MASK | PFERR_WRITE_MASK);
	assert_int_equal((uint32_t)s->gpr[X86_RAX], EENTER);
	assert_int_equal(s->rip, AEP_GVA);
	mend(&t, page_gva(d, TCS1), PFERR_USER_MASK | PFERR_WRITE_MASK);
	expect_pfo(enclu_at_aep(&t), page_gva(d, SSA1), PFERR_USER_MASK | PFERR_WRITE_MASK);
	mend(&t, page_gva(d, SSA1), PFERR_USER_MASK | PFERR_WRITE_MASK);
	expect_jump(enclu_at_aep(&t));
	for (unsigned int i = X86_RDX; i < X86_NR_GPRS; i++)
		assert_int_equal(s->gpr[i], before.gpr[i]);
	assert_int_equal(s->gpr[X86_RAX], 0);
	assert_int_equal(s->gpr[X86_RCX], AEP_GVA + SGX_INSN_LENGTH);
	assert_int_equal(s->rip, page_gva(d, CODE));

	/* The first fetch, and the first load and store: AEX, map, the ENCLU again. */
	assert_false(thread_try(&t, page_gva(d, CODE), PFERR_FETCH_MASK, &fault));
	assert_int_equal(fault.error_code, 0x14);
	assert_int_equal(fault.address, page_gva(d, CODE));
	/* NSSA is 1: this TCS takes no EENTER now. */
	assert_int_equal(tcs_ptr(d, TCS1)->cssa, 1);
	expect_gp(enclu(d->f, EENTER, page_gva(d, TCS1), AEP_GVA, 0));
	mend(&t, fault.address, fault.error_code);
	assert_true(thread_call(&t, ERESUME));
	assert_false(thread_try(&t, page_gva(d, DATA) + 8, 0, &fault));
	assert_int_equal(fault.error_code, 4);
	assert_int_equal(fault.address, page_gva(d, DATA));
	assert_true(thread_call(&t, ERESUME));
	assert_false(thread_try(&t, page_gva(d, HEAP) + 8, PFERR_WRITE_MASK, &fault));
	assert_int_equal(fault.error_code, 6);
	assert_true(thread_call(&t, ERESUME));
	s->gpr[X86_RAX] = EEXIT;
	thread_exit(&t);
	assert_int_equal(s->gpr[X86_RSP], before.gpr[X86_RSP]);
	assert_int_equal(s->gpr[X86_RBP], before.gpr[X86_RBP]);
	put_and_get(&t);
}

static const struct plan oversubscribed = {.pages = DRIVER_PAGES, .heap = DRIVER_PAGES - HEAP};

/* Eight times the EPC: built, initialised, run and torn down under constant paging. */
static void selftest_unclobbered_vdso_oversubscribed(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	uint8_t mrenclave[SGX_HASH_SIZE];
	const struct sgx_secs *secs;

	driver_build(d, &oversubscribed);
	assert_true(d->not_tracked > DRIVER_PAGES - FIXTURE_EPC_PAGES);
	secs = epc_ptr(d->f, d->secs);
	memcpy(mrenclave, secs->mrenclave, sizeof(mrenclave));
	put_and_get(&t);
	thread_enter(&t);
	for (unsigned int i = HEAP; i < DRIVER_PAGES; i++) {
		assert_int_equal(thread_read(&t, page_gva(d, i)), heap_word(i));
		assert_true(pte_of(d->f, page_gva(d, i))->flags & PTE_A);
	}
	thread_exit(&t);
	put_and_get(&t);
	assert_memory_equal(secs->mrenclave, mrenclave, sizeof(mrenclave));
	driver_remove_all(d);
	assert_epc_free(d->f);
	for (unsigned int i = 0; i < FIXTURE_EPC_PAGES; i++)
		expect_code(kernel(d->f, EREMOVE, 0, epc_gva(i), 0), SGX_SUCCESS);
}

/* All of an oversubscribed heap is trimmed, accepted and removed, while pages come and go. */
static void selftest_unclobbered_vdso_oversubscribed_remove(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	unsigned int paged_trims = 0;

	driver_build(d, &oversubscribed);
	put_and_get(&t);
	for (unsigned int i = HEAP; i < DRIVER_PAGES; i++)
		expect_code(driver_emodt(d, i, SGX_PAGE_TYPE_TRIM), SGX_SUCCESS);
	driver_track(d);
	thread_enter(&t);
	for (unsigned int i = HEAP; i < DRIVER_PAGES; i++) {
		paged_trims += d->swapped[i];
		expect_code(thread_accept(&t, page_gva(d, i), TRIMMED), SGX_SUCCESS);
		assert_int_equal(page_state(d, i), EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_TRIM));
	}
	thread_exit(&t);
	assert_true(paged_trims > FIXTURE_EPC_PAGES);
	for (unsigned int i = HEAP; i < DRIVER_PAGES; i++)
		driver_remove(d, i);
	put_and_get(&t);
	driver_remove_all(d);
	assert_epc_free(d->f);
}

/* Called by the C ABI: what the enclave leaves in RSP and RBP is what the caller finds. */
static void selftest_clobbered_vdso(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	struct x86_state *s;
	uint64_t rsp, rbp;

	build(d);
	put_and_get(&t);
	s = thread_state(&t);
	rsp = s->gpr[X86_RSP];
	rbp = s->gpr[X86_RBP];
	thread_enter(&t);
	s->gpr[X86_RSP] = page_gva(d, HEAP) + 0x800;
	thread_interrupt(&t);
	assert_int_equal(s->gpr[X86_RSP], rsp);
	thread_resume(&t);
	s->gpr[X86_RSP] = rsp;
	s->gpr[X86_RBP] = rbp;
	thread_exit(&t);
	assert_int_equal(s->gpr[X86_RSP], rsp);
	assert_int_equal(s->gpr[X86_RBP], rbp);
	assert_int_equal(s->rflags & X86_EFLAGS_DF, 0);
}

/* The handler runs after EEXIT on the caller's stack, and sends the thread in once more. */
static void selftest_clobbered_vdso_and_user_function(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	struct x86_state *s;
	uint64_t stack;

	build(d);
	s = thread_state(&t);
	stack = s->gpr[X86_RSP];
	*user_word(d) = MAGIC;
	thread_enter(&t);
	put_inside(&t);
	thread_exit(&t);
	assert_int_equal(s->gpr[X86_RSP], stack);
	s->gpr[X86_RSP] -= 0x100;
	thread_enter(&t);
	assert_int_equal(s->gpr[X86_RSP], stack - 0x100);
	thread_exit(&t);
	assert_good_call(&t);
	assert_int_equal(s->gpr[X86_RSP], stack - 0x100);
}

static void selftest_tcs_entry(void **state)
{
	struct driver *d = *state;
	struct thread a = thread_on(d, 0, TCS1), b = thread_on(d, 0, TCS2);

	build(d);
	thread_enter(&a);
	assert_int_equal(thread_state(&a)->gpr[X86_RAX], 0);
	thread_exit(&a);
	assert_good_call(&a);
	b.mended = 0;
	thread_enter(&b);
	/* A TCS and an SSA page of its own. */
	assert_int_equal(b.mended, 2);
	assert_int_equal(b.last.address, page_gva(d, SSA2));
	assert_int_equal(thread_state(&b)->gpr[X86_RAX], 0);
	assert_int_equal(tcs_ptr(d, TCS1)->state, SGX_TCS_INACTIVE);
	thread_exit(&b);
	assert_good_call(&b);
}

/* mprotect() takes the write permission of the page table, and gives it back. */
static void selftest_pte_permissions(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	struct pte *pte;

	build(d);
	put_and_get(&t);
	pte = pte_of(d->f, page_gva(d, DATA));
	pte->flags = PTE_P | PTE_U | PTE_EPC;
	thread_enter(&t);
	assert_false(thread_write(&t, page_gva(d, DATA), MAGIC2));
	assert_page_fault(&t, 0x0007, page_gva(d, DATA));
	pte->flags |= PTE_W;
	assert_true(thread_call(&t, ERESUME));
	assert_true(thread_write(&t, page_gva(d, DATA), MAGIC2));
	get_from_inside(&t);
	thread_exit(&t);
	assert_good_call(&t);
	assert_int_equal(*user_word(d), MAGIC2);
}

/* The kernel refuses by itself; the processor would have refused as well, and changed nothing. */
static void selftest_tcs_permissions(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);

	build(d);
	assert_true(d->f->cpuid->leaves & SGX_CPUID_SGX2);
	expect_pf(driver_emodpr(d, TCS1, EPCM_R), page_epc(d, TCS1), 0x8003);
	put_and_get(&t);
}

/* Thread 1 meets its restricted page, thread 2 gives the right back, thread 1 goes on. */
static void selftest_epcm_permissions(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1), helper = thread_on(d, 0, TCS2);

	build(d);
	put_and_get(&t);
	expect_code(driver_emodpr(d, DATA, EPCM_R), SGX_SUCCESS);
	assert_int_equal(page_state(d, DATA), EPCM_VALID | REG | EPCM_R | EPCM_PR);
	driver_track(d);
	thread_enter(&helper);
	/* Its SECINFO lies on the heap: the data page is read-only now. */
	put_secinfo(&helper, page_gva(d, HEAP), REG | EPCM_R | EPCM_PR);
	expect_code(thread_enclu(&helper, EACCEPT, page_gva(d, HEAP), page_gva(d, DATA), 0),
		    SGX_SUCCESS);
	assert_int_equal(page_state(d, DATA), EPCM_VALID | REG | EPCM_R);
	thread_exit(&helper);

	thread_enter(&t);
	assert_false(thread_write(&t, page_gva(d, DATA), MAGIC2));
	assert_page_fault(&t, 0x8007, page_gva(d, DATA));
	thread_enter(&helper);
	put_secinfo(&helper, page_gva(d, HEAP), RW);
	expect_ok(thread_enclu(&helper, EMODPE, page_gva(d, HEAP), page_gva(d, DATA), 0));
	thread_exit(&helper);
	assert_true(thread_call(&t, ERESUME));
	assert_true(thread_write(&t, page_gva(d, DATA), MAGIC2));
	get_from_inside(&t);
	thread_exit(&t);
	assert_good_call(&t);
	assert_int_equal(*user_word(d), MAGIC2);
}

/* A store into the hole: the kernel adds the page, thread 2 accepts it, the store completes. */
static void selftest_augment(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1), helper = thread_on(d, 0, TCS2);

	build(d);
	thread_enter(&t);
	assert_false(thread_write(&t, page_gva(d, HOLE), MAGIC));
	assert_int_equal(t.last.error_code, 6);
	assert_int_equal(t.last.address, page_gva(d, HOLE));
	assert_page_fault(&t, 0x8007, page_gva(d, HOLE));
	assert_int_equal(page_state(d, HOLE), EPCM_VALID | PENDING_RW);
	thread_enter(&helper);
	expect_code(thread_accept(&helper, page_gva(d, HOLE), PENDING_RW), SGX_SUCCESS);
	thread_exit(&helper);
	assert_true(thread_call(&t, ERESUME));
	assert_true(thread_write(&t, page_gva(d, HOLE), MAGIC));
	assert_int_equal(thread_read(&t, page_gva(d, HOLE)), MAGIC);
	thread_exit(&t);
	assert_good_call(&t);
}

static void accept_on_hole(struct thread *t, unsigned int index)
{
	t->last.address = 0;
	expect_code(thread_accept(t, page_gva(t->d, index), PENDING_RW), SGX_SUCCESS);
	assert_int_equal(t->last.error_code, 4);
	assert_int_equal(t->last.address, page_gva(t->d, index));
}

/* EACCEPT meets the hole: an exit from inside, with the ENCLU to be repeated. */
static void selftest_augment_via_eaccept(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	struct sgx_event event = {.type = SGX_EVENT_FAULT};
	struct leaf_result res;
	uint64_t rip;

	build(d);
	thread_enter(&t);
	put_secinfo(&t, ENCLAVE_OPERAND(d), PENDING_RW);
	rip = page_gva(d, CODE) + 0x77;
	thread_state(&t)->rip = rip;
	res = enclu(d->f, EACCEPT, ENCLAVE_OPERAND(d), page_gva(d, HOLE), 0);
	expect_pfo(res, page_gva(d, HOLE), PFERR_USER_MASK);
	event.exception = sgx_leaf_fault(res);
	sgx_aex(d->f->cpu, &event);
	assert_int_equal((uint32_t)thread_gprsgx(&t, 0)->gpr[X86_RAX], EACCEPT);
	assert_int_equal(thread_gprsgx(&t, 0)->rip, rip);
	assert_true(driver_fault(d, &event.exception));
	thread_resume(&t);
	assert_int_equal((uint32_t)thread_state(&t)->gpr[X86_RAX], EACCEPT);
	assert_int_equal(thread_state(&t)->rip, rip);
	expect_code(enclu_at_aep(&t), SGX_SUCCESS);
	assert_int_equal(thread_state(&t)->rip, rip + SGX_INSN_LENGTH);
	assert_true(thread_write(&t, page_gva(d, HOLE), MAGIC));
	assert_int_equal(thread_read(&t, page_gva(d, HOLE)), MAGIC);
	thread_exit(&t);
	assert_good_call(&t);
}

static void make_tcs_image(struct thread *t, unsigned int index, unsigned int ssa)
{
	struct sgx_tcs *image = thread_access(t, page_gva(t->d, index), PFERR_WRITE_MASK);

	assert_non_null(image);
	image->ossa = PAGES(ssa);
	image->nssa = 1;
	image->oentry = PAGES(CODE);
	image->fs_limit = UINT32_MAX;
	image->gs_limit = UINT32_MAX;
}

/* Three new pages become stack, TCS and SSA of a thread, then nothing again. */
static void selftest_tcs_create(void **state)
{
	struct driver *d = *state;
	enum {
		STACK = HOLE,
		TCS,
		SSA,
		END
	};
	struct thread t = thread_on(d, 0, TCS1), born = thread_on(d, 0, TCS);

	build(d);
	thread_enter(&t);
	for (unsigned int i = STACK; i < END; i++)
		accept_on_hole(&t, i);
	make_tcs_image(&t, TCS, SSA);
	thread_exit(&t);
	expect_code(driver_emodt(d, TCS, SGX_PAGE_TYPE_TCS), SGX_SUCCESS);
	driver_track(d);
	unmap(d->f, page_gva(d, TCS));
	thread_enter(&t);
	expect_code(thread_accept(&t, page_gva(d, TCS), NEW_TCS), SGX_SUCCESS);
	assert_int_equal(t.last.error_code, 4);
	assert_int_equal(t.last.address, page_gva(d, TCS));
	thread_exit(&t);

	/* A misaligned stack is the thread's own affair. */
	thread_enter(&born);
	thread_state(&born)->gpr[X86_RSP] = page_gva(d, STACK) + 0x801;
	assert_true(thread_write(&born, thread_state(&born)->gpr[X86_RSP] - 8, MAGIC));
	*user_word(d) = MAGIC2;
	put_inside(&born);
	thread_exit(&born);
	assert_good_call(&born);

	for (unsigned int i = STACK; i < END; i++)
		expect_code(driver_emodt(d, i, SGX_PAGE_TYPE_TRIM), SGX_SUCCESS);
	driver_track(d);
	thread_enter(&t);
	for (unsigned int i = STACK; i < END; i++)
		expect_code(thread_accept(&t, page_gva(d, i), TRIMMED), SGX_SUCCESS);
	thread_exit(&t);
	for (unsigned int i = STACK; i < END; i++)
		driver_remove(d, i);
	thread_enter(&t);
	accept_on_hole(&t, TCS);
	assert_int_equal(page_state(d, TCS), EPCM_VALID | REG | RW);
	assert_int_equal(thread_read(&t, page_gva(d, TCS) + 16), 0);
	thread_exit(&t);
	assert_good_call(&t);
}

static void selftest_remove_added_page_no_eaccept(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);

	build(d);
	put_and_get(&t);
	expect_code(driver_emodt(d, DATA, SGX_PAGE_TYPE_TRIM), SGX_SUCCESS);
	driver_track(d);
	expect_code(driver_emodpr(d, DATA, EPCM_RWX), SGX_PAGE_NOT_MODIFIABLE);
	assert_true(d->f->cpus[KERNEL_CPU].state.rflags & X86_EFLAGS_ZF);
	assert_int_equal(page_state(d, DATA), EPCM_VALID | TRIMMED);
}

static void selftest_remove_added_page_invalid_access(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);

	build(d);
	put_and_get(&t);
	expect_code(driver_emodt(d, DATA, SGX_PAGE_TYPE_TRIM), SGX_SUCCESS);
	driver_track(d);
	thread_enter(&t);
	assert_null(thread_access(&t, page_gva(d, DATA), 0));
	assert_page_fault(&t, 0x8005, page_gva(d, DATA));
}

static void selftest_remove_added_page_invalid_access_after_eaccept(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);

	build(d);
	put_and_get(&t);
	thread_enter(&t);
	(void)thread_read(&t, page_gva(d, HEAP));
	expect_code(driver_emodt(d, HEAP, SGX_PAGE_TYPE_TRIM), SGX_SUCCESS);
	driver_track(d);
	thread_resume(&t);
	expect_code(thread_accept(&t, page_gva(d, HEAP), TRIMMED), SGX_SUCCESS);
	assert_null(thread_access(&t, page_gva(d, HEAP), 0));
	assert_page_fault(&t, 0x8005, page_gva(d, HEAP));
}

/* A page that was never mapped: EACCEPT is the first to touch it. */
static void selftest_remove_untouched_page(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);

	build(d);
	expect_code(driver_emodt(d, HEAP, SGX_PAGE_TYPE_TRIM), SGX_SUCCESS);
	driver_track(d);
	thread_enter(&t);
	expect_code(thread_accept(&t, page_gva(d, HEAP), TRIMMED), SGX_SUCCESS);
	assert_int_equal(t.last.error_code, 4);
	assert_int_equal(t.last.address, page_gva(d, HEAP));
	thread_exit(&t);
	assert_good_call(&t);
	driver_remove(d, HEAP);
}

const struct CMUnitTest life_selftest_tests[] = {
	driver_test(selftest_unclobbered_vdso),
	driver_test(selftest_unclobbered_vdso_oversubscribed),
	driver_test(selftest_unclobbered_vdso_oversubscribed_remove),
	driver_test(selftest_clobbered_vdso),
	driver_test(selftest_clobbered_vdso_and_user_function),
	driver_test(selftest_tcs_entry),
	driver_test(selftest_pte_permissions),
	driver_test(selftest_tcs_permissions),
	driver_test(selftest_epcm_permissions),
	driver_test(selftest_augment),
	driver_test(selftest_augment_via_eaccept),
	driver_test(selftest_tcs_create),
	driver_test(selftest_remove_added_page_no_eaccept),
	driver_test(selftest_remove_added_page_invalid_access),
	driver_test(selftest_remove_added_page_invalid_access_after_eaccept),
	driver_test(selftest_remove_untouched_page),
};
const size_t life_selftest_test_count = ARRAY_SIZE(life_selftest_tests);
