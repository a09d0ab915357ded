// SPDX-License-Identifier: GPL-2.0-or-later
#include "thread.h"

#include "lib/bits.h"

#define STATUS_FLAGS                                                                     \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | \
	 X86_EFLAGS_OF)

struct thread thread_on(struct driver *d, unsigned int cpu, unsigned int tcs)
{
	assert_in_range(cpu, 0, KERNEL_CPU - 1);
	return (struct thread){.d = d, .cpu = cpu, .tcs = tcs};
}

struct x86_state *thread_state(struct thread *t)
{
	use_cpu(t->d->f, t->cpu);
	return t->d->f->state;
}

struct sgx_gprsgx *thread_gprsgx(struct thread *t, unsigned int frame)
{
	const struct sgx_tcs *tcs = tcs_ptr(t->d, t->tcs);
	uint8_t *page = page_ptr(t->d, (unsigned int)(tcs->ossa / SGX_PAGE_SIZE) + frame);

	return (struct sgx_gprsgx *)(page + SGX_PAGE_SIZE) - 1;
}

static bool is_mended(struct thread *t, const struct x86_exception *fault)
{
	if (!driver_fault(t->d, fault))
		return false;
	t->mended++;
	t->last = *fault;
	return true;
}

/* The vDSO's fixup, for the ENCLU at AEP. */
static void report(struct thread *t, const struct x86_exception *fault)
{
	t->run.function = (uint32_t)thread_state(t)->gpr[X86_RAX];
	t->run.vector = fault->vector;
	t->run.error_code = fault->has_error_code ? (uint16_t)fault->error_code : 0;
	t->run.addr = fault->vector == PF_VECTOR ? fault->address : 0;
}

static struct leaf_result enclu_again(struct thread *t)
{
	const struct x86_state *state = thread_state(t);

	return watched(t->d->f, sgx_enclu, (uint32_t)state->gpr[X86_RAX], state->gpr[X86_RBX],
		       state->gpr[X86_RCX], state->gpr[X86_RDX]);
}

static bool run_at_aep(struct thread *t)
{
	for (;;) {
		struct x86_state *state = thread_state(t);
		struct leaf_result res;
		struct x86_exception fault;

		assert_int_equal(state->rip, AEP_GVA);
		state->cpl = 3;
		res = enclu_again(t);
		if (res.kind == LEAF_JUMP)
			return true;
		assert_int_equal(res.kind, LEAF_FAULT);
		assert_int_equal(state->rip, AEP_GVA);
		fault = sgx_leaf_fault(res);
		if (!is_mended(t, &fault)) {
			report(t, &fault);
			return false;
		}
	}
}

bool thread_call(struct thread *t, uint32_t function)
{
	struct x86_state *state = thread_state(t);

	t->run.function = function;
	t->run.vector = 0;
	t->run.error_code = 0;
	t->run.addr = 0;
	state->rip = AEP_GVA;
	state->gpr[X86_RAX] = function;
	state->gpr[X86_RBX] = page_gva(t->d, t->tcs);
	state->gpr[X86_RCX] = AEP_GVA;
	return run_at_aep(t);
}

void thread_enter(struct thread *t)
{
	assert_true(thread_call(t, EENTER));
	assert_int_equal(thread_state(t)->rip, page_gva(t->d, CODE));
	assert_int_equal(tcs_ptr(t->d, t->tcs)->state, SGX_TCS_ACTIVE);
}

void thread_resume(struct thread *t)
{
	const struct x86_state *state = thread_state(t);

	assert_int_equal(state->gpr[X86_RAX], ERESUME);
	assert_true(run_at_aep(t));
}

void thread_exit(struct thread *t)
{
	const struct x86_state *state = thread_state(t);

	expect_jump(enclu(t->d->f, EEXIT, AEP_GVA + SGX_INSN_LENGTH, 0, 0));
	assert_int_equal(state->rip, AEP_GVA + SGX_INSN_LENGTH);
	assert_int_equal(tcs_ptr(t->d, t->tcs)->state, SGX_TCS_INACTIVE);
	t->run.function = (uint32_t)state->gpr[X86_RAX];
}

void assert_good_call(const struct thread *t)
{
	assert_int_equal(t->run.function, EEXIT);
	assert_int_equal(t->run.vector, 0);
	assert_int_equal(t->run.error_code, 0);
	assert_int_equal(t->run.addr, 0);
}

void assert_page_fault(const struct thread *t, uint32_t error_code, gva_t gva)
{
	assert_int_equal(t->run.function, ERESUME);
	assert_int_equal(t->run.vector, PF_VECTOR);
	assert_int_equal(t->run.error_code, error_code);
	assert_int_equal(t->run.addr, gva);
}

/* SDM "AEX": the frame has what the thread had; the registers are the synthetic ones. */
static void assert_left_by_aex(struct thread *t, const struct x86_state *inside, bool is_fault,
			       uint32_t frame)
{
	const struct x86_state *state = thread_state(t);
	const struct sgx_gprsgx *saved = thread_gprsgx(t, frame);
	const struct sgx_tcs *tcs = tcs_ptr(t->d, t->tcs);

	assert_false(sgx_in_enclave(t->d->f->cpu));
	assert_int_equal(tcs->state, SGX_TCS_INACTIVE);
	assert_int_equal(tcs->cssa, frame + 1);
	assert_memory_equal(saved->gpr, inside->gpr, sizeof(saved->gpr));
	assert_int_equal(saved->rip, inside->rip);
	assert_int_equal(saved->rflags,
			 (inside->rflags & ~X86_EFLAGS_TF) | (is_fault ? X86_EFLAGS_RF : 0));
	for (unsigned int i = 0; i < X86_NR_GPRS; i++) {
		switch (i) {
		case X86_RAX:
			assert_int_equal(state->gpr[i], ERESUME);
			break;
		case X86_RBX:
			assert_int_equal(state->gpr[i], page_gva(t->d, t->tcs));
			break;
		case X86_RCX:
			assert_int_equal(state->gpr[i], AEP_GVA);
			break;
		case X86_RSP:
			assert_int_equal(state->gpr[i], saved->ursp);
			break;
		case X86_RBP:
			assert_int_equal(state->gpr[i], saved->urbp);
			break;
		default:
			assert_int_equal(state->gpr[i], 0);
		}
	}
	assert_int_equal(state->rip, AEP_GVA);
	assert_int_equal(state->rflags & (STATUS_FLAGS | X86_EFLAGS_RF), 0);
}

static void leave_by(struct thread *t, struct sgx_event *event)
{
	const struct x86_state inside = *thread_state(t);
	const uint32_t frame = tcs_ptr(t->d, t->tcs)->cssa;
	const unsigned int flushes = t->d->f->cpus[t->cpu].mode_changes;

	sgx_aex(t->d->f->cpu, event);
	assert_int_equal(t->d->f->cpus[t->cpu].mode_changes, flushes + 1);
	assert_left_by_aex(t, &inside, event->type == SGX_EVENT_FAULT, frame);
}

void thread_interrupt(struct thread *t)
{
	struct sgx_event interrupt = {.type = SGX_EVENT_INTERRUPT};

	leave_by(t, &interrupt);
	assert_int_equal(thread_gprsgx(t, tcs_ptr(t->d, t->tcs)->cssa - 1)->exitinfo, 0);
}

/* A fault inside. Return: true when the thread is inside again and may repeat what faulted. */
static bool is_survived(struct thread *t, const struct x86_exception *fault)
{
	const struct x86_state inside = *thread_state(t);
	struct sgx_event event = {.type = SGX_EVENT_FAULT, .exception = *fault};
	const struct x86_state *state;

	leave_by(t, &event);
	if (fault->vector == PF_VECTOR)
		assert_int_equal(event.exception.address,
				 align_down(fault->address, SGX_PAGE_SIZE));
	if (!is_mended(t, &event.exception)) {
		report(t, &event.exception);
		return false;
	}
	if (!run_at_aep(t))
		return false;
	state = thread_state(t);
	assert_memory_equal(state->gpr, inside.gpr, sizeof(inside.gpr));
	assert_int_equal(state->rip, inside.rip);
	return true;
}

static bool access_once(struct thread *t, gva_t gva, uint32_t access, void **where,
			struct x86_exception *fault)
{
	static uint8_t abort_page[SGX_PAGE_SIZE];
	struct sgx_cpu *cpu = t->d->f->cpu;
	struct sgx_access verdict;
	struct sgx_place place;

	thread_state(t);
	assert_true(sgx_in_enclave(cpu));
	if (!cpu->ops->walk(cpu, gva, access | PFERR_USER_MASK, &place, fault))
		return false;
	verdict = sgx_check_access(cpu, gva, access | PFERR_USER_MASK, &place);
	switch (verdict.verdict) {
	case SGX_ACCESS_ALLOW:
		*where = verdict.page ? verdict.page : place.host;
		break;
	case SGX_ACCESS_ABORT_PAGE:
		memset(abort_page, 0xff, sizeof(abort_page));
		*where = abort_page;
		break;
	case SGX_ACCESS_FAULT:
		*fault = verdict.fault;
		return false;
	}
	*where = (uint8_t *)*where + gva % SGX_PAGE_SIZE;
	return true;
}

void *thread_access(struct thread *t, gva_t gva, uint32_t access)
{
	struct x86_exception fault;
	void *where = NULL;

	thread_state(t);
	while (!access_once(t, gva, access, &where, &fault))
		if (!is_survived(t, &fault))
			return NULL;
	return where;
}

bool thread_try(struct thread *t, gva_t gva, uint32_t access, struct x86_exception *fault)
{
	struct sgx_event event = {.type = SGX_EVENT_FAULT};
	void *where;

	thread_state(t);
	if (access_once(t, gva, access, &where, fault))
		return true;
	event.exception = *fault;
	leave_by(t, &event);
	*fault = event.exception;
	return false;
}

bool thread_write(struct thread *t, gva_t gva, uint64_t value)
{
	void *where = thread_access(t, gva, PFERR_WRITE_MASK);

	if (where)
		memcpy(where, &value, sizeof(value));
	return where;
}

uint64_t thread_read(struct thread *t, gva_t gva)
{
	const void *where = thread_access(t, gva, 0);
	uint64_t value;

	assert_non_null(where);
	memcpy(&value, where, sizeof(value));
	return value;
}

struct leaf_result thread_enclu(struct thread *t, uint32_t leaf, uint64_t rbx, uint64_t rcx,
				uint64_t rdx)
{
	struct leaf_result res;

	thread_state(t);
	res = enclu(t->d->f, leaf, rbx, rcx, rdx);
	while (res.kind == LEAF_FAULT) {
		const struct x86_exception fault = sgx_leaf_fault(res);

		assert_int_equal((uint32_t)thread_state(t)->gpr[X86_RAX], leaf);
		if (!is_survived(t, &fault))
			break;
		res = enclu_again(t);
	}
	return res;
}

static struct leaf_result run_with_secinfo(struct thread *t, uint32_t leaf, gva_t gva,
					   uint64_t flags)
{
	const struct sgx_secinfo secinfo = {.flags = flags};
	void *where = thread_access(t, ENCLAVE_OPERAND(t->d), PFERR_WRITE_MASK);

	assert_non_null(where);
	memcpy(where, &secinfo, sizeof(secinfo));
	return thread_enclu(t, leaf, ENCLAVE_OPERAND(t->d), gva, 0);
}

struct leaf_result thread_accept(struct thread *t, gva_t gva, uint64_t flags)
{
	return run_with_secinfo(t, EACCEPT, gva, flags);
}

struct leaf_result thread_extend(struct thread *t, gva_t gva, uint64_t flags)
{
	return run_with_secinfo(t, EMODPE, gva, flags);
}
