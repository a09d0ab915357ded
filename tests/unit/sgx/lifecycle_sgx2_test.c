// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SGX2: an enclave grows, changes the rights and the type of its pages, and shrinks, in
 * the sequences of the Linux driver, with the enclave's own part done by its threads.
 */
#include "tests.h"
#include "thread.h"

#define REG        EPCM_PT(SGX_PAGE_TYPE_REG)
#define RW         (EPCM_R | EPCM_W)
#define PENDING_RW (REG | RW | EPCM_PENDING)
#define TRIMMED    (EPCM_PT(SGX_PAGE_TYPE_TRIM) | EPCM_MODIFIED)
#define NEW_TCS    (EPCM_PT(SGX_PAGE_TYPE_TCS) | EPCM_MODIFIED)
#define HOLE       40 /* a page that nobody has added */

static void build(struct driver *d)
{
	driver_build(d, &(struct plan){.heap = 3, .nssa = 2});
}

/* The page is zero, and the enclave's to write. */
static void assert_usable(struct thread *t, unsigned int index)
{
	const gva_t gva = page_gva(t->d, index);

	for (gva_t i = 0; i < SGX_PAGE_SIZE; i += 8)
		assert_int_equal(thread_read(t, gva + i), 0);
	assert_true(thread_write(t, gva, 0x1111));
	assert_int_equal(thread_read(t, gva), 0x1111);
	assert_int_equal(page_state(t->d, index), EPCM_VALID | REG | RW);
}

/* The enclave touches first; its own handler, one SSA frame further, accepts the page. */
static void augment_fault_first_handler_accepts(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);

	build(d);
	thread_enter(&t);
	assert_false(thread_write(&t, page_gva(d, HOLE), 0x2222));
	assert_int_equal(t.last.error_code, PFERR_USER_MASK | PFERR_WRITE_MASK);
	assert_page_fault(&t, 0x8007, page_gva(d, HOLE));
	assert_int_equal(page_state(d, HOLE), EPCM_VALID | PENDING_RW);
	thread_enter(&t);
	assert_int_equal(thread_state(&t)->gpr[X86_RAX], 1);
	expect_code(thread_accept(&t, page_gva(d, HOLE), PENDING_RW), SGX_SUCCESS);
	thread_exit(&t);
	assert_true(thread_call(&t, ERESUME));
	assert_usable(&t, HOLE);
	thread_exit(&t);
}

/* The enclave knows that it wants a page there: EACCEPT itself makes the kernel add it. */
static void augment_by_eaccept_on_hole(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);

	build(d);
	thread_enter(&t);
	expect_code(thread_accept(&t, page_gva(d, HOLE), PENDING_RW), SGX_SUCCESS);
	assert_int_equal(t.last.error_code, PFERR_USER_MASK);
	assert_int_equal(t.last.address, page_gva(d, HOLE));
	assert_usable(&t, HOLE);
	thread_exit(&t);
	assert_good_call(&t);
}

/* What the enclave did not ask for it does not take: another type, or other rights. */
static void accept_of_other_than_given_mismatch(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);

	build(d);
	thread_enter(&t);
	expect_code(thread_accept(&t, page_gva(d, HOLE), REG | EPCM_R | EPCM_PENDING),
		    SGX_PAGE_ATTRIBUTES_MISMATCH);
	expect_code(thread_accept(&t, page_gva(d, HOLE), REG | EPCM_RWX | EPCM_PENDING),
		    SGX_PAGE_ATTRIBUTES_MISMATCH);
	expect_code(thread_accept(&t, page_gva(d, HOLE), TRIMMED), SGX_PAGE_ATTRIBUTES_MISMATCH);
	expect_code(thread_accept(&t, page_gva(d, HOLE), PENDING_RW), SGX_SUCCESS);
	/* Once: the host cannot have it zeroed and accepted again. */
	expect_code(thread_accept(&t, page_gva(d, HOLE), PENDING_RW), SGX_PAGE_ATTRIBUTES_MISMATCH);
	thread_exit(&t);
}

/* New code: written to one page, accepted as executable in another. */
static void acceptcopy_brings_contents_and_rights(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	const struct sgx_secinfo rx = {.flags = REG | EPCM_R | EPCM_X};
	struct x86_exception fault;
	void *operand;

	build(d);
	thread_enter(&t);
	assert_true(thread_write(&t, page_gva(d, HEAP), 0xc3));
	operand = thread_access(&t, ENCLAVE_OPERAND(d), PFERR_WRITE_MASK);
	assert_non_null(operand);
	memcpy(operand, &rx, sizeof(rx));
	expect_code(thread_enclu(&t, EACCEPTCOPY, ENCLAVE_OPERAND(d), page_gva(d, HOLE),
				 page_gva(d, HEAP)),
		    SGX_SUCCESS);
	assert_int_equal(t.last.error_code, PFERR_USER_MASK | PFERR_WRITE_MASK);
	assert_int_equal(page_state(d, HOLE), EPCM_VALID | REG | EPCM_R | EPCM_X);
	assert_memory_equal(page_ptr(d, HOLE), page_ptr(d, HEAP), SGX_PAGE_SIZE);
	assert_non_null(thread_access(&t, page_gva(d, HOLE), PFERR_FETCH_MASK));
	assert_false(thread_try(&t, page_gva(d, HOLE), PFERR_WRITE_MASK, &fault));
	assert_int_equal(fault.error_code, 0x8007);
	assert_true(thread_call(&t, ERESUME));
	expect_code(thread_enclu(&t, EACCEPTCOPY, ENCLAVE_OPERAND(d), page_gva(d, HOLE),
				 page_gva(d, HEAP)),
		    SGX_PAGE_ATTRIBUTES_MISMATCH);
	thread_exit(&t);
}

/* EMODPR takes rights and never gives any; EACCEPT confirms; EMODPE gives them back. */
static void restrict_then_extend(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	struct x86_exception fault;

	build(d);
	thread_enter(&t);
	assert_true(thread_write(&t, page_gva(d, HEAP), 1));
	expect_code(driver_emodpr(d, HEAP, EPCM_R | EPCM_X), SGX_SUCCESS);
	assert_int_equal(page_state(d, HEAP), EPCM_VALID | REG | EPCM_R | EPCM_PR);
	driver_track(d);
	thread_resume(&t);
	expect_code(thread_accept(&t, page_gva(d, HEAP), REG | EPCM_R | EPCM_X | EPCM_PR),
		    SGX_PAGE_ATTRIBUTES_MISMATCH);
	expect_code(thread_accept(&t, page_gva(d, HEAP), REG | EPCM_R | EPCM_PR), SGX_SUCCESS);
	assert_int_equal(page_state(d, HEAP), EPCM_VALID | REG | EPCM_R);
	assert_int_equal(thread_read(&t, page_gva(d, HEAP)), 1);
	assert_false(thread_try(&t, page_gva(d, HEAP) + 0x123, PFERR_WRITE_MASK, &fault));
	assert_int_equal(fault.error_code, 0x8007);
	assert_int_equal(fault.address, page_gva(d, HEAP));
	assert_true(thread_call(&t, ERESUME));
	expect_ok(thread_extend(&t, page_gva(d, HEAP), REG | EPCM_RWX | EPCM_PR));
	assert_int_equal(page_state(d, HEAP), EPCM_VALID | REG | EPCM_RWX);
	assert_true(thread_write(&t, page_gva(d, HEAP), 2));
	assert_non_null(thread_access(&t, page_gva(d, HEAP), PFERR_FETCH_MASK));
	thread_exit(&t);
}

/* The host alone cannot take a page from a running enclave: it sees what it did. */
static void restrict_unaccepted_acts_at_once(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	struct x86_exception fault;

	build(d);
	thread_enter(&t);
	assert_true(thread_write(&t, page_gva(d, HEAP), 1));
	expect_code(driver_emodpr(d, HEAP, EPCM_R), SGX_SUCCESS);
	driver_track(d);
	thread_resume(&t);
	assert_int_equal(thread_read(&t, page_gva(d, HEAP)), 1);
	assert_false(thread_try(&t, page_gva(d, HEAP), PFERR_WRITE_MASK, &fault));
	assert_int_equal(fault.error_code, 0x8007);
}

static void write_tcs_image(struct thread *t, unsigned int index, unsigned int ssa)
{
	struct sgx_tcs *image = thread_access(t, page_gva(t->d, index), PFERR_WRITE_MASK);

	assert_non_null(image);
	image->ossa = PAGES(ssa);
	image->nssa = 1;
	image->oentry = PAGES(CODE);
	image->fs_limit = UINT32_MAX;
	image->gs_limit = UINT32_MAX;
}

static void accept_new_pages(struct thread *t, unsigned int first, unsigned int count)
{
	for (unsigned int i = first; i < first + count; i++)
		expect_code(thread_accept(t, page_gva(t->d, i), PENDING_RW), SGX_SUCCESS);
}

/* One more thread: TCS and SSA of pages that did not exist, used, and given back again. */
static void modify_reg_to_tcs_enter_trim_remove_add_again(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1), born = thread_on(d, 1, HOLE);
	enum {
		SSA = HOLE + 1
	};

	build(d);
	thread_enter(&t);
	accept_new_pages(&t, HOLE, 2);
	write_tcs_image(&t, HOLE, SSA);
	expect_code(driver_emodt(d, HOLE, SGX_PAGE_TYPE_TCS), SGX_SUCCESS);
	assert_int_equal(page_state(d, HOLE), EPCM_VALID | NEW_TCS);
	driver_track(d);
	/* Not before the enclave has looked at it. */
	assert_false(thread_call(&born, EENTER));
	assert_int_equal(born.run.error_code, 0x8007);
	thread_resume(&t);
	expect_code(thread_accept(&t, page_gva(d, HOLE), NEW_TCS), SGX_SUCCESS);
	thread_enter(&born);
	assert_int_equal(thread_state(&born)->gpr[X86_RAX], 0);
	thread_interrupt(&born);
	thread_resume(&born);
	thread_exit(&born);

	for (unsigned int i = HOLE; i <= SSA; i++)
		expect_code(driver_emodt(d, i, SGX_PAGE_TYPE_TRIM), SGX_SUCCESS);
	driver_track(d);
	thread_resume(&t);
	for (unsigned int i = HOLE; i <= SSA; i++) {
		expect_code(thread_accept(&t, page_gva(d, i), TRIMMED), SGX_SUCCESS);
		driver_remove(d, i);
	}
	assert_false(thread_call(&born, EENTER));
	/* The same addresses once more, as ordinary pages. */
	accept_new_pages(&t, HOLE, 2);
	assert_usable(&t, HOLE);
	assert_usable(&t, SSA);
	thread_exit(&t);
	driver_remove_all(d);
	assert_epc_free(d->f);
}

/* A TCS image that the enclave must not accept: what the hardware writes is not 0 in it. */
static void modify_to_tcs_bad_image_refused(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	struct sgx_tcs *tcs;

	build(d);
	thread_enter(&t);
	accept_new_pages(&t, HOLE, 2);
	write_tcs_image(&t, HOLE, HOLE + 1);
	tcs = thread_access(&t, page_gva(d, HOLE), PFERR_WRITE_MASK);
	assert_non_null(tcs);
	tcs->cssa = 1;
	expect_code(driver_emodt(d, HOLE, SGX_PAGE_TYPE_TCS), SGX_SUCCESS);
	driver_track(d);
	thread_resume(&t);
	expect_gp(thread_accept(&t, page_gva(d, HOLE), NEW_TCS));
	assert_int_equal(t.run.vector, GP_VECTOR);
	assert_int_equal(t.run.function, ERESUME);
}

/* Trimmed: closed at once, the kernel's probe tells an accepted page from one that is not. */
static void trim_closed_until_accepted_then_removed(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	struct x86_exception fault;

	build(d);
	thread_enter(&t);
	assert_true(thread_write(&t, page_gva(d, HEAP), 1));
	expect_code(driver_emodt(d, HEAP, SGX_PAGE_TYPE_TRIM), SGX_SUCCESS);
	driver_track(d);
	expect_code(driver_emodpr(d, HEAP, EPCM_RWX), SGX_PAGE_NOT_MODIFIABLE);
	thread_resume(&t);
	assert_false(thread_try(&t, page_gva(d, HEAP), 0, &fault));
	assert_int_equal(fault.error_code, 0x8005);
	assert_true(thread_call(&t, ERESUME));
	expect_code(thread_accept(&t, page_gva(d, HEAP), TRIMMED), SGX_SUCCESS);
	assert_int_equal(page_state(d, HEAP), EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_TRIM));
	assert_false(thread_try(&t, page_gva(d, HEAP), 0, &fault));
	assert_int_equal(fault.error_code, 0x8005);
	driver_remove(d, HEAP);
	assert_true(thread_call(&t, ERESUME));
	expect_code(thread_accept(&t, page_gva(d, HEAP), PENDING_RW), SGX_SUCCESS);
	assert_usable(&t, HEAP);
	thread_exit(&t);
}

/* Every state between two leaves survives a trip to memory; EACCEPT does not notice. */
static void transitional_pages_paged_out_then_accepted(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	const struct {
		unsigned int index;
		uint64_t flags;
	} pages[] = {
		{HOLE, PENDING_RW},
		{HEAP, REG | EPCM_R | EPCM_PR},
		{HEAP + 1, TRIMMED},
		{HOLE + 1, NEW_TCS},
	};

	build(d);
	thread_enter(&t);
	assert_false(thread_write(&t, page_gva(d, HOLE), 1));
	assert_true(thread_call(&t, ERESUME));
	accept_new_pages(&t, HOLE + 1, 1);
	write_tcs_image(&t, HOLE + 1, SSA2);
	thread_interrupt(&t);
	expect_code(driver_emodpr(d, HEAP, EPCM_R), SGX_SUCCESS);
	expect_code(driver_emodt(d, HEAP + 1, SGX_PAGE_TYPE_TRIM), SGX_SUCCESS);
	expect_code(driver_emodt(d, HOLE + 1, SGX_PAGE_TYPE_TCS), SGX_SUCCESS);
	driver_track(d);
	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++)
		driver_page_out(d, pages[i].index);
	thread_resume(&t);
	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++) {
		expect_code(thread_accept(&t, page_gva(d, pages[i].index), pages[i].flags),
			    SGX_SUCCESS);
		assert_int_equal(
			page_state(d, pages[i].index),
			EPCM_VALID | (pages[i].flags & ~(EPCM_PENDING | EPCM_MODIFIED | EPCM_PR)));
	}
	/* An accepted TRIM page pages as well, and comes back for its removal. */
	thread_interrupt(&t);
	driver_page_out(d, HEAP + 1);
	driver_remove(d, HEAP + 1);
	thread_resume(&t);
	thread_exit(&t);
}

#define NOTIFY_PLAN      \
	(&(struct plan){ \
		.attributes = SGX_ATTR_AEXNOTIFY, .nssa = 2, .tcs_flags = SGX_TCS_AEXNOTIFY})

static void ask_for_notice(struct thread *t)
{
	const gva_t gprsgx = page_gva(t->d, SSA1 + 1) - sizeof(struct sgx_gprsgx);
	struct sgx_gprsgx *frame = thread_access(t, gprsgx, PFERR_WRITE_MASK);

	assert_non_null(frame);
	frame->aexnotify = SGX_GPRSGX_AEXNOTIFY;
}

/* What the enclave's handler does: drops its own frame, takes the interrupted state by itself. */
static void return_from_handler(struct thread *t)
{
	const struct sgx_gprsgx *frame;
	struct x86_state *s;

	frame = thread_access(t, page_gva(t->d, SSA1 + 1) - sizeof(*frame), 0);
	assert_non_null(frame);
	expect_ok(thread_enclu(t, EDECCSSA, 0, 0, 0));
	s = thread_state(t);
	memcpy(s->gpr, frame->gpr, sizeof(s->gpr));
	s->rip = frame->rip;
}

/* Interrupted three times: each time its handler runs in the second frame, and EDECCSSA ends it. */
static void notify_handler_runs_and_returns_by_edeccssa(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	uint64_t ursp, urbp;

	driver_build(d, NOTIFY_PLAN);
	ursp = thread_state(&t)->gpr[X86_RSP];
	urbp = thread_state(&t)->gpr[X86_RBP];
	thread_enter(&t);
	ask_for_notice(&t);
	for (unsigned int i = 0; i < 3; i++) {
		thread_state(&t)->gpr[X86_RSI] = 0x100 + i;
		thread_state(&t)->gpr[X86_RSP] = page_gva(d, DATA) + 0x800;
		thread_state(&t)->rip = page_gva(d, CODE) + 0x40 + i;
		thread_interrupt(&t);
		assert_int_equal(thread_state(&t)->gpr[X86_RSP], ursp);
		thread_resume(&t);
		/* As an entry, not as a resumption. */
		assert_int_equal(thread_state(&t)->rip, page_gva(d, CODE));
		assert_int_equal(thread_state(&t)->gpr[X86_RAX], 1);
		assert_int_equal(thread_state(&t)->gpr[X86_RCX], AEP_GVA + SGX_INSN_LENGTH);
		assert_int_equal(tcs_ptr(d, TCS1)->cssa, 1);
		assert_int_equal(thread_gprsgx(&t, 1)->ursp, ursp);
		assert_int_equal(thread_gprsgx(&t, 1)->urbp, urbp);
		return_from_handler(&t);
		assert_int_equal(tcs_ptr(d, TCS1)->cssa, 0);
		assert_int_equal(thread_state(&t)->gpr[X86_RSI], 0x100 + i);
		assert_int_equal(thread_state(&t)->rip, page_gva(d, CODE) + 0x40 + i);
	}
	thread_exit(&t);
	assert_int_equal(tcs_ptr(d, TCS1)->cssa, 0);
}

/* The handler is interrupted too: it did not ask, so it is resumed where it was. */
static void notify_interrupted_handler_resumes(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);

	driver_build(d, NOTIFY_PLAN);
	thread_enter(&t);
	ask_for_notice(&t);
	thread_state(&t)->gpr[X86_RSI] = 0x51;
	thread_interrupt(&t);
	thread_resume(&t);
	thread_state(&t)->gpr[X86_RSI] = 0x52;
	thread_state(&t)->rip = page_gva(d, CODE) + 0x80;
	thread_interrupt(&t);
	assert_int_equal(tcs_ptr(d, TCS1)->cssa, 2);
	thread_resume(&t);
	assert_int_equal(thread_state(&t)->gpr[X86_RSI], 0x52);
	assert_int_equal(thread_state(&t)->rip, page_gva(d, CODE) + 0x80);
	return_from_handler(&t);
	assert_int_equal(thread_state(&t)->gpr[X86_RSI], 0x51);
	/* In no handler there is nothing to drop. */
	expect_gp(thread_enclu(&t, EDECCSSA, 0, 0, 0));
}

/* The SSA frame of the interrupted thread is paged out while the handler runs. */
static void notify_edeccssa_faults_frame_in(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	uint64_t rsi;

	driver_build(d, NOTIFY_PLAN);
	thread_enter(&t);
	ask_for_notice(&t);
	thread_state(&t)->gpr[X86_RSI] = 0x51;
	thread_interrupt(&t);
	thread_resume(&t);
	/* Out and in again, by way of an interrupt of the handler; then only the mapping goes. */
	driver_page_out(d, SSA1);
	thread_resume(&t);
	unmap(d->f, page_gva(d, SSA1));
	t.mended = 0;
	expect_ok(thread_enclu(&t, EDECCSSA, 0, 0, 0));
	assert_true(t.mended >= 1);
	assert_int_equal(t.last.error_code & PFERR_SGX_MASK, 0);
	rsi = thread_gprsgx(&t, 0)->gpr[X86_RSI];
	assert_int_equal(rsi, 0x51);
	thread_exit(&t);
}

const struct CMUnitTest life_sgx2_tests[] = {
	driver_test(augment_fault_first_handler_accepts),
	driver_test(augment_by_eaccept_on_hole),
	driver_test(accept_of_other_than_given_mismatch),
	driver_test(acceptcopy_brings_contents_and_rights),
	driver_test(restrict_then_extend),
	driver_test(restrict_unaccepted_acts_at_once),
	driver_test(modify_reg_to_tcs_enter_trim_remove_add_again),
	driver_test(modify_to_tcs_bad_image_refused),
	driver_test(trim_closed_until_accepted_then_removed),
	driver_test(transitional_pages_paged_out_then_accepted),
	driver_test(notify_handler_runs_and_returns_by_edeccssa),
	driver_test(notify_interrupted_handler_resumes),
	driver_test(notify_edeccssa_faults_frame_in),
};
const size_t life_sgx2_test_count = ARRAY_SIZE(life_sgx2_tests);
