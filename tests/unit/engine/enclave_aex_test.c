// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "AEX Flow" by what the engine itself meets: faults, interrupts, exits to the VMM. */
#include "enclave_tests.h"

#include <pthread.h>
#include <unistd.h>

#define LATE_GVA UINT64_C(0x60000000)

static const uint64_t arithmetic = X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF |
				   X86_EFLAGS_SF | X86_EFLAGS_OF;

static struct pattern *make_pattern(struct enclave_fixture *f)
{
	struct pattern *p = ram_ptr(f, DATA_GVA);

	memset(p, 0, sizeof(*p));
	for (unsigned int i = 0; i < X86_NR_GPRS; i++)
		p->in.gpr[i] = 0x0123456789abcdef * (2 * i + 1);
	p->in.gpr[X86_RCX] = LATE_GVA + 0x18;
	for (unsigned int i = 0; i < 16; i++)
		for (unsigned int n = 0; n < 32; n++)
			p->in.ymm[i][n] = (uint8_t)(i * 37 + n * 11 + 1);
	p->in.rflags = X86_EFLAGS_FIXED | X86_EFLAGS_CF | X86_EFLAGS_SF | X86_EFLAGS_OF |
		       X86_EFLAGS_DF | X86_EFLAGS_ID;
	return p;
}

/* The synthetic extended state: nothing of the enclave's. */
static void expect_initial_vectors(struct enclave_fixture *f)
{
	static const uint8_t zero[256];
	uint64_t bv;

	memcpy(&bv, f->m.v->xstate + 512, sizeof(bv));
	if (bv & XFEATURE_MASK_SSE)
		assert_memory_equal(f->m.v->xstate + 160, zero, 256);
	if (bv & XFEATURE_MASK_YMM)
		assert_memory_equal(f->m.v->xstate + 576, zero, 256);
}

/* Every register survives an AEX, whatever the handler does, and none is seen outside. */
static void page_fault_and_eresume_keep_all_registers(void **state)
{
	struct enclave_fixture *f = *state;
	struct pattern *p = make_pattern(f);
	struct machine_trap trap = ecall(f, fn_pattern, DATA_GVA, 0);
	uint64_t stored;

	expect_aex(f, &trap, PF_VECTOR);
	expect_saved_rip(f, FUNCTION_GVA(fn_pattern_at));
	assert_int_equal(f->state->cr2, LATE_GVA);
	assert_int_equal(trap.error_code, PFERR_USER_MASK | PFERR_WRITE_MASK);
	assert_int_equal(trap.rflags & arithmetic, 0);
	assert_true(trap.rflags & X86_EFLAGS_RF);
	assert_memory_equal(ssa_gprsgx_of(f, 0)->gpr, p->in.gpr, sizeof(p->in.gpr));
	expect_initial_vectors(f);

	map_late(f, LATE_GVA);
	memset(f->m.v->xstate + 160, 0xee, 256);
	assert_int_equal(tcs_of(f)->cssa, 1);
	trap = resume(f, &trap);
	assert_int_equal(tcs_of(f)->cssa, 0);
	assert_int_equal(trap.rsp, STACK_TOP);
	assert_int_equal(trap.rip, USER_CODE + 3);
	assert_memory_equal(p->out.gpr, p->in.gpr, sizeof(p->in.gpr));
	assert_memory_equal(p->out.ymm, p->in.ymm, sizeof(p->in.ymm));
	assert_int_equal(p->out.rflags & ~(uint64_t)X86_EFLAGS_RF, p->in.rflags);
	memcpy(&stored, ram_ptr(f, RAM_GVA + RAM_LATE * 4096u + 0x18), sizeof(stored));
	assert_int_equal(stored, p->in.gpr[X86_RAX]);
}

static unsigned int yields;

int __real_sched_yield(void);
int __wrap_sched_yield(void);

/* The linker puts it in the place of the engine's (--wrap). */
int __wrap_sched_yield(void)
{
	yields++;
	return __real_sched_yield();
}

/* Whoever is to bring the page may have no processor of the host but this one. */
static void fault_that_comes_again_yields(void **state)
{
	struct enclave_fixture *f = *state;
	struct machine_trap trap;

	yields = 0;
	trap = ecall(f, fn_load, LATE_GVA, 0);
	expect_aex(f, &trap, PF_VECTOR);
	assert_int_equal(yields, 0);
	trap = resume(f, &trap);
	expect_aex(f, &trap, PF_VECTOR);
	assert_int_equal(yields, 1);
	map_late(f, LATE_GVA);
	expect_return(f, resume(f, &trap));
	trap = ecall(f, fn_load, LATE_GVA + GUEST_PAGE_SIZE, 0);
	expect_aex(f, &trap, PF_VECTOR);
	assert_int_equal(yields, 1);
}

/* The frame stays as long as it is not resumed: EENTER on the next one is possible meanwhile. */
static void call_between_aex_and_eresume(void **state)
{
	struct enclave_fixture *f = *state;
	struct machine_trap trap = ecall(f, fn_load, LATE_GVA, 0);

	expect_aex(f, &trap, PF_VECTOR);
	map_late(f, LATE_GVA);
	expect_return(f, ecall(f, fn_store, LATE_GVA, 0x99));
	assert_int_equal(tcs_of(f)->cssa, 1);
	f->state->gpr[X86_RAX] = ERESUME;
	f->state->gpr[X86_RBX] = ENCLAVE_GVA(TCS_PAGE);
	f->state->gpr[X86_RCX] = USER_CODE;
	assert_int_equal(expect_return(f, resume(f, &trap)), 0x99);
}

static void legacy_enclave_faults_and_goes_on(void **state)
{
	struct enclave_fixture *f = *state;
	uint32_t value = 0x12345678;
	struct machine_trap trap;

	memcpy(ram_ptr(f, DATA_GVA), &value, sizeof(value));
	assert_int_equal(expect_return(f, ecall(f, enclave_code, DATA_GVA, 0)), value);
	trap = ecall(f, enclave_code, LATE_GVA, 0);
	expect_aex(f, &trap, PF_VECTOR);
	expect_saved_rip(f, ENCLAVE_GVA(CODE_PAGE));
	assert_int_equal(ssa_gprsgx_of(f, 0)->gpr[X86_RSI], LATE_GVA);
	map_late(f, LATE_GVA);
	assert_int_equal(expect_return(f, resume(f, &trap)), 0);
}

static void non_canonical_address_gp(void **state)
{
	struct enclave_fixture *f = *state;
	struct machine_trap trap = ecall(f, fn_load, UINT64_C(0x8000000000000000), 0);

	expect_aex(f, &trap, GP_VECTOR);
	expect_saved_rip(f, FUNCTION_GVA(fn_load_at));
	assert_true(ssa_gprsgx_of(f, 0)->rflags & X86_EFLAGS_RF);
}

/* What the host's processor raises: #DE. */
static void divide_error_de(void **state)
{
	struct enclave_fixture *f = *state;
	static const uint8_t div[] = {0x31, 0xc9, 0x48, 0xf7, 0xf1}; /* xor ecx, ecx; div rcx */
	struct machine_trap trap = run_inside(f, div, sizeof(div));

	expect_aex(f, &trap, DE_VECTOR);
	expect_saved_rip(f, ENCLAVE_GVA(WRITTEN_PAGE) + 2);
	assert_int_equal(ssa_gprsgx_of(f, 0)->exitinfo & 0xff, DE_VECTOR);
}

/* Handlers look for the flag of the exception they are called for. */
static void simd_exception_synthetic_mxcsr(void **state)
{
	struct enclave_fixture *f = *state;
	static const uint8_t code[] = {
		0x68, 0x00, 0x1f, 0x00, 0x00,       /* push 0x1f00: #I is not masked */
		0x0f, 0xae, 0x14, 0x24,             /* ldmxcsr [rsp] */
		0x0f, 0x57, 0xc0, 0x0f, 0x5e, 0xc0, /* xorps xmm0, xmm0; divps xmm0, xmm0 */
	};
	struct machine_trap trap = run_inside(f, code, sizeof(code));
	uint32_t mxcsr;

	expect_aex(f, &trap, XM_VECTOR);
	memcpy(&mxcsr, f->m.v->xstate + 24, sizeof(mxcsr));
	assert_int_equal(mxcsr, 0x1f01);
}

enum poke {
	POKE_KICK,
	POKE_INTERRUPT,
};

struct poker {
	struct enclave_fixture *f;
	enum poke what;
	pthread_t thread;
};

static void *poke(void *arg)
{
	struct poker *p = arg;

	usleep(20000);
	if (p->what == POKE_INTERRUPT) {
		p->f->interrupt = true;
		engine_kick(p->f->m.v);
	} else {
		__atomic_store_n(&p->f->m.v->run_page[1], 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

/* An ECALL that spins until somebody else interrupts it. */
static struct machine_trap spin(struct enclave_fixture *f, enum poke what)
{
	struct poker p = {.f = f, .what = what};
	struct machine_trap trap;

	memset(ram_ptr(f, DATA_GVA), 0, 8);
	assert_int_equal(pthread_create(&p.thread, NULL, poke, &p), 0);
	trap = ecall_flags(f, fn_spin, DATA_GVA, 0, X86_EFLAGS_IF);
	pthread_join(p.thread, NULL);
	return trap;
}

static void finish_spin(struct enclave_fixture *f, const struct machine_trap *trap)
{
	uint64_t count = ssa_gprsgx_of(f, 0)->gpr[X86_RDI];

	assert_true(count > 0);
	memset(ram_ptr(f, DATA_GVA), 1, 1);
	assert_in_range(expect_return(f, resume(f, trap)), count, count + 1);
}

static void interrupt_leaves_and_eresume_goes_on(void **state)
{
	struct enclave_fixture *f = *state;
	struct machine_trap trap = spin(f, POKE_INTERRUPT);

	expect_aex(f, &trap, INTERRUPT_VECTOR);
	assert_int_equal(ssa_gprsgx_of(f, 0)->exitinfo, 0);
	assert_false(ssa_gprsgx_of(f, 0)->rflags & X86_EFLAGS_RF);
	finish_spin(f, &trap);
}

/* The VMM sees the synthetic state, and its interrupt comes at the AEP. */
static void exit_to_vmm_leaves_first(void **state)
{
	struct enclave_fixture *f = *state;
	struct machine_trap trap = spin(f, POKE_KICK);

	assert_int_equal(trap.vector, -1);
	assert_int_equal(trap.exit, ENGINE_EXIT_KICK);
	assert_int_equal(f->state->rip, USER_CODE);
	assert_int_equal(f->state->gpr[X86_RAX], ERESUME);
	assert_int_equal(f->state->gpr[X86_RSP], STACK_TOP);
	assert_false(sgx_in_enclave(f->m.v->sgx));
	assert_int_equal(tcs_of(f)->cssa, 1);
	f->m.v->run_page[1] = 0;
	f->m.v->cpu.events.interrupt.injected = true;
	f->m.v->cpu.events.interrupt.vector = INTERRUPT_VECTOR;
	trap = machine_run(&f->m);
	expect_aex(f, &trap, INTERRUPT_VECTOR);
	finish_spin(f, &trap);
}

/* The guest goes on by itself when the VMM only looks. */
static void exit_to_vmm_and_back_resumes(void **state)
{
	struct enclave_fixture *f = *state;
	struct machine_trap trap = spin(f, POKE_KICK);

	assert_int_equal(trap.exit, ENGINE_EXIT_KICK);
	f->m.v->run_page[1] = 0;
	memset(ram_ptr(f, DATA_GVA), 1, 1);
	assert_true(expect_return(f, machine_run(&f->m)) > 0);
}

static void nmi_leaves(void **state)
{
	struct enclave_fixture *f = *state;
	struct machine_trap trap = spin(f, POKE_KICK);

	f->m.v->run_page[1] = 0;
	f->m.v->cpu.events.nmi.pending = true;
	trap = machine_run(&f->m);
	expect_aex(f, &trap, NMI_VECTOR);
}

static void reset_leaves_without_aex(void **state)
{
	struct enclave_fixture *f = *state;

	assert_int_equal(spin(f, POKE_KICK).exit, ENGINE_EXIT_KICK);
	cpu_init_signal(&f->m.v->cpu);
	engine_reset_xstate(f->m.v);
	assert_int_equal(tcs_of(f)->state, SGX_TCS_INACTIVE);
	f->m.v->run_page[1] = 0;
	drop_frame(f);
	f->m.v->cpu.events = (struct cpu_events){0};
	machine_enter_user(&f->m);
	engine_state_changed(f->m.v);
	expect_return(f, ecall(f, fn_store, DATA_GVA, 1));
}

const struct CMUnitTest enclave_aex_tests[] = {
	ENCLAVE_TEST(page_fault_and_eresume_keep_all_registers),
	ENCLAVE_TEST(fault_that_comes_again_yields),
	ENCLAVE_TEST(call_between_aex_and_eresume),
	ENCLAVE_TEST_WITH(enclave_setup_32bit, legacy_enclave_faults_and_goes_on),
	ENCLAVE_TEST(non_canonical_address_gp),
	ENCLAVE_TEST(divide_error_de),
	ENCLAVE_TEST(simd_exception_synthetic_mxcsr),
	ENCLAVE_TEST(interrupt_leaves_and_eresume_goes_on),
	ENCLAVE_TEST(exit_to_vmm_leaves_first),
	ENCLAVE_TEST(exit_to_vmm_and_back_resumes),
	ENCLAVE_TEST(nmi_leaves),
	ENCLAVE_TEST(reset_leaves_without_aex),
};
const size_t enclave_aex_test_count = ARRAY_SIZE(enclave_aex_tests);
