// SPDX-License-Identifier: GPL-2.0-or-later
#include "enclave_fixture.h"

#include "lib/mem.h"
#include "signer.h"

#include <signal.h>
#include <stdlib.h>

uint32_t fixture_debug;

#define EEXTEND_CHUNKS (SGX_PAGE_SIZE / SGX_CHUNK_SIZE)

/*
 * The engine takes the host's exceptions once for the process; cmocka takes them for
 * itself before each test and each fixture, and gives them back to the default afterwards.
 */
static const int signals[] = {SIGFPE, SIGSEGV, SIGILL, SIGBUS};
static struct sigaction engine_actions[ARRAY_SIZE(signals)];
static bool has_actions;

static void remember_handlers(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(signals) && !has_actions; i++)
		sigaction(signals[i], NULL, &engine_actions[i]);
	has_actions = true;
}

static void give_handlers_back(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &engine_actions[i], NULL);
}

void *ram_ptr(struct enclave_fixture *f, gva_t gva)
{
	return f->ram + (gva - RAM_GVA);
}

struct sgx_gprsgx *ssa_gprsgx_of(struct enclave_fixture *f, unsigned int frame)
{
	uint8_t *page = machine_epc_ptr(&f->sgx, SSA0_PAGE + frame);

	return (struct sgx_gprsgx *)(page + SGX_PAGE_SIZE) - 1;
}

struct sgx_tcs *tcs_of(struct enclave_fixture *f)
{
	return machine_epc_ptr(&f->sgx, TCS_PAGE);
}

void map_late(struct enclave_fixture *f, gva_t gva)
{
	machine_map(&f->m, gva, RAM_GVA + RAM_LATE * 4096u, 4096, MACHINE_WRITABLE | MACHINE_USER,
		    12);
}

static enum cpu_result encls_exit(struct engine_vcpu *v)
{
	struct enclave_fixture *f = v->owner;

	f->encls_exits++;
	return f->on_encls(f);
}

static bool has_interrupt(struct engine_vcpu *v)
{
	struct enclave_fixture *f = v->owner;

	return f && f->interrupt;
}

static int take_interrupt(struct engine_vcpu *v)
{
	struct enclave_fixture *f = v->owner;

	return f && atomic_exchange(&f->interrupt, false) ? INTERRUPT_VECTOR : -1;
}

static const struct engine_ops fixture_ops = {
	.encls_exit = encls_exit,
	.has_interrupt = has_interrupt,
	.take_interrupt = take_interrupt,
};

struct machine_encls encls(struct enclave_fixture *f, uint32_t leaf, uint64_t rbx, uint64_t rcx,
			   uint64_t rdx)
{
	return machine_encls(&f->m, leaf, rbx, rcx, rdx);
}

void encls_done(struct enclave_fixture *f, uint32_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct machine_encls result = encls(f, leaf, rbx, rcx, rdx);

	assert_int_equal(result.trap.exit, ENGINE_EXIT_HLT);
	assert_int_equal(result.trap.vector, -1);
	/* Leaves without an error code leave RAX alone. */
	if (result.rax != leaf)
		assert_int_equal(result.rax, 0);
	assert_false(result.rflags & X86_EFLAGS_ZF && result.rax);
}

gva_t set_secinfo(struct enclave_fixture *f, uint64_t flags)
{
	struct sgx_secinfo secinfo = {.flags = flags};

	memcpy(ram_ptr(f, RAM_GVA + 64), &secinfo, sizeof(secinfo));
	return RAM_GVA + 64;
}

gva_t set_pageinfo(struct enclave_fixture *f, gva_t linaddr, gva_t source, uint64_t flags,
		   bool has_secs)
{
	struct sgx_pageinfo pageinfo = {
		.linaddr = linaddr,
		.srcpge = source,
		.secinfo = set_secinfo(f, flags),
		.secs = has_secs ? machine_epc_gva(SECS_PAGE) : 0,
	};

	memcpy(ram_ptr(f, RAM_GVA), &pageinfo, sizeof(pageinfo));
	return RAM_GVA;
}

#define SOURCE_GVA (RAM_GVA + RAM_SOURCE * 4096u)

static void create(struct enclave_fixture *f, uint64_t attributes, uint64_t xfrm)
{
	struct sgx_secs *secs = ram_ptr(f, SOURCE_GVA);

	memset(secs, 0, sizeof(*secs));
	secs->base = ENCLAVE_BASE;
	secs->size = ENCLAVE_SIZE;
	secs->ssa_frame_size = 1;
	secs->miscselect = SGX_MISC_EXINFO;
	secs->attributes = attributes;
	secs->xfrm = xfrm;
	encls_done(f, ECREATE, set_pageinfo(f, 0, SOURCE_GVA, EPCM_PT(SGX_PAGE_TYPE_SECS), false),
		   machine_epc_gva(SECS_PAGE), 0);
}

/* The source page becomes page @page of the enclave, measured. */
static void add(struct enclave_fixture *f, unsigned int page, uint64_t flags)
{
	encls_done(f, EADD, set_pageinfo(f, ENCLAVE_GVA(page), SOURCE_GVA, flags, true),
		   machine_epc_gva(page), 0);
	for (unsigned int i = 0; i < EEXTEND_CHUNKS; i++)
		encls_done(f, EEXTEND, machine_epc_gva(SECS_PAGE),
			   machine_epc_gva(page) + i * SGX_CHUNK_SIZE, 0);
	memset(ram_ptr(f, SOURCE_GVA), 0, SGX_PAGE_SIZE);
}

static const uint8_t load32[] = {
	0x8b, 0x3e,                   /* mov edi, [esi] */
	0x89, 0xcb,                   /* mov ebx, ecx */
	0xb8, 0x04, 0x00, 0x00, 0x00, /* mov eax, EEXIT */
	0x0f, 0x01, 0xd7,             /* enclu */
};

static void add_pages(struct enclave_fixture *f)
{
	const uint64_t reg = EPCM_PT(SGX_PAGE_TYPE_REG);
	struct sgx_tcs *tcs = ram_ptr(f, SOURCE_GVA);

	memset(tcs, 0, SGX_PAGE_SIZE);
	tcs->ossa = ENCLAVE_GVA(SSA0_PAGE) - ENCLAVE_BASE;
	tcs->nssa = 2;
	tcs->oentry = ENCLAVE_GVA(CODE_PAGE) - ENCLAVE_BASE;
	tcs->ofs_base = tcs->ogs_base = ENCLAVE_GVA(DATA_PAGE) - ENCLAVE_BASE;
	tcs->fs_limit = tcs->gs_limit = 0xfff;
	add(f, TCS_PAGE, EPCM_PT(SGX_PAGE_TYPE_TCS));
	add(f, SSA0_PAGE, reg | EPCM_R | EPCM_W);
	add(f, SSA1_PAGE, reg | EPCM_R | EPCM_W);
	if (f->is_32bit)
		memcpy(ram_ptr(f, SOURCE_GVA), load32, sizeof(load32));
	else
		memcpy(ram_ptr(f, SOURCE_GVA), enclave_code,
		       (size_t)(enclave_code_end - enclave_code));
	add(f, CODE_PAGE, reg | EPCM_R | EPCM_X);
	add(f, DATA_PAGE, reg | EPCM_R | EPCM_W);
	add(f, WRITTEN_PAGE, reg | EPCM_R | EPCM_W | EPCM_X);
}

static void initialise(struct enclave_fixture *f)
{
	struct sgx_sigstruct *sig = ram_ptr(f, RAM_GVA + RAM_SIGSTRUCT * 4096u);
	uint8_t hash[SGX_HASH_SIZE];

	signer_describe(machine_epc_ptr(&f->sgx, SECS_PAGE), sig);
	sign(sig, SIGNER_A);
	signer_hash(SIGNER_A, hash);
	memcpy(f->m.v->sgx->lepubkeyhash, hash, sizeof(hash));
	encls_done(f, EINIT, RAM_GVA + RAM_SIGSTRUCT * 4096u, machine_epc_gva(SECS_PAGE),
		   RAM_GVA + RAM_TOKEN * 4096u);
}

static void map_memory(struct enclave_fixture *f)
{
	const uint32_t flags = MACHINE_WRITABLE | MACHINE_USER;
	static const uint8_t code[] = {0x0f, 0x01, 0xd7, 0x0f, 0x0b}; /* ENCLU; UD2 */

	f->ram = mem_reserve(RAM_PAGES * 4096u);
	assert_non_null(f->ram);
	assert_int_equal(machine_add_ram(&f->m, RAM_GVA, f->ram, RAM_PAGES * 4096u), 0);
	machine_map(&f->m, RAM_GVA, RAM_GVA, RAM_LATE * 4096u, flags, 12);
	machine_map(&f->m, DEVICE_GVA, DEVICE_GVA, 4096, flags, 12);
	machine_map(&f->m, ENCLAVE_BASE, machine_epc_gva(TCS_PAGE), (EPC_PAGES - TCS_PAGE) * 4096u,
		    flags, 12);
	memcpy(ram_ptr(f, USER_CODE), code, sizeof(code));
	engine_state_changed(f->m.v);
}

static int setup(void **state, uint64_t attributes, uint64_t xfrm)
{
	struct enclave_fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	*state = f;
	assert_int_equal(machine_init_with(&f->m, fixture_debug, &fixture_ops), 0);
	remember_handlers();
	f->m.v->owner = f;
	f->state = &f->m.v->cpu.state;
	f->is_32bit = !(attributes & SGX_ATTR_MODE64BIT);
	assert_int_equal(machine_sgx_init(&f->sgx, &f->m, EPC_PAGES), 0);
	map_memory(f);
	create(f, attributes, xfrm);
	add_pages(f);
	initialise(f);
	return 0;
}

#define ALL_XFRM (XFEATURE_MASK_FP | XFEATURE_MASK_SSE | XFEATURE_MASK_YMM)

int enclave_setup(void **state)
{
	return setup(state, SGX_ATTR_MODE64BIT, ALL_XFRM);
}

int enclave_setup_without_avx(void **state)
{
	return setup(state, SGX_ATTR_MODE64BIT, XFEATURE_MASK_FP | XFEATURE_MASK_SSE);
}

int enclave_setup_32bit(void **state)
{
	return setup(state, 0, ALL_XFRM);
}

/* EDBGWR of TCS.FLAGS, by the kernel. */
int enclave_setup_debug(void **state)
{
	struct enclave_fixture *f;

	setup(state, SGX_ATTR_MODE64BIT | SGX_ATTR_DEBUG, ALL_XFRM);
	f = *state;
	encls_done(f, EDBGWR, SGX_TCS_DBGOPTIN,
		   machine_epc_gva(TCS_PAGE) + offsetof(struct sgx_tcs, flags), 0);
	assert_int_equal(tcs_of(f)->flags, SGX_TCS_DBGOPTIN);
	return 0;
}

int enclave_teardown(void **state)
{
	struct enclave_fixture *f = *state;

	machine_destroy(&f->m);
	machine_sgx_destroy(&f->sgx);
	mem_release(f->ram, RAM_PAGES * 4096u);
	free(f);
	return 0;
}

struct machine_trap run_user(struct enclave_fixture *f, gva_t rip, uint64_t rflags)
{
	machine_enter_user(&f->m);
	f->state->rip = rip;
	f->state->rflags |= rflags;
	f->state->seg[X86_SEG_CS].l = !f->is_32bit;
	f->state->seg[X86_SEG_CS].db = f->is_32bit;
	give_handlers_back();
	return machine_run(&f->m);
}

struct machine_trap ecall_flags(struct enclave_fixture *f, const uint8_t *function, uint64_t rsi,
				uint64_t rdx, uint64_t rflags)
{
	uint64_t *gpr = f->state->gpr;

	for (unsigned int i = X86_R8; i < X86_NR_GPRS; i++)
		gpr[i] = i * UINT64_C(0x1111111111111111);
	gpr[X86_RAX] = EENTER;
	gpr[X86_RBX] = ENCLAVE_GVA(TCS_PAGE);
	gpr[X86_RCX] = USER_CODE;
	gpr[X86_RDX] = rdx;
	gpr[X86_RSI] = rsi;
	gpr[X86_RDI] = (uint64_t)(function - enclave_code);
	gpr[X86_RSP] = STACK_TOP;
	gpr[X86_RBP] = OUTER_RBP;
	return run_user(f, USER_CODE, rflags);
}

struct machine_trap ecall(struct enclave_fixture *f, const uint8_t *function, uint64_t rsi,
			  uint64_t rdx)
{
	return ecall_flags(f, function, rsi, rdx, 0);
}

struct machine_trap resume(struct enclave_fixture *f, const struct machine_trap *trap)
{
	f->state->gpr[X86_RSP] = trap->rsp;
	return run_user(f, trap->rip, trap->rflags);
}

/* A vCPU that is outside has no translation left from inside. */
static void expect_outside(struct enclave_fixture *f)
{
	assert_int_equal(tcs_of(f)->state, SGX_TCS_INACTIVE);
	assert_false(sgx_in_enclave(f->m.v->sgx));
	for (unsigned int list = 0; list < TLB_LISTS; list++)
		assert_int_equal(f->m.v->tlb[ENGINE_MMU_ENCLAVE].count[list], 0);
	assert_int_equal(f->m.v->jumps[ENGINE_MMU_ENCLAVE].count, 0);
}

uint64_t expect_return(struct enclave_fixture *f, struct machine_trap trap)
{
	assert_int_equal(trap.vector, UD_VECTOR);
	assert_int_equal(trap.rip, USER_CODE + 3);
	assert_int_equal(f->state->gpr[X86_RAX], EEXIT);
	assert_int_equal(f->state->gpr[X86_RCX], USER_CODE);
	assert_int_equal(trap.rsp, STACK_TOP);
	expect_outside(f);
	return f->state->gpr[X86_RDI];
}

void expect_aex(struct enclave_fixture *f, const struct machine_trap *trap, int vector)
{
	const uint64_t *gpr = f->state->gpr;

	assert_int_equal(trap->vector, vector);
	assert_int_equal(trap->rip, USER_CODE);
	assert_int_equal(trap->rsp, STACK_TOP);
	assert_int_equal(gpr[X86_RAX], ERESUME);
	assert_int_equal(gpr[X86_RBX], ENCLAVE_GVA(TCS_PAGE));
	assert_int_equal(gpr[X86_RCX], USER_CODE);
	assert_int_equal(gpr[X86_RBP], OUTER_RBP);
	assert_int_equal(gpr[X86_RDX] | gpr[X86_RSI] | gpr[X86_RDI], 0);
	for (unsigned int i = X86_R8; i < X86_NR_GPRS && !f->is_32bit; i++)
		assert_int_equal(gpr[i], 0);
	assert_int_equal(tcs_of(f)->cssa, 1);
	expect_outside(f);
}

void expect_saved_rip(struct enclave_fixture *f, gva_t rip)
{
	assert_int_equal(ssa_gprsgx_of(f, 0)->rip, rip);
}

void drop_frame(struct enclave_fixture *f)
{
	tcs_of(f)->cssa = 0;
}

struct machine_trap run_inside(struct enclave_fixture *f, const void *code, size_t len)
{
	memset(ram_ptr(f, DATA_GVA), 0xcc, 64);
	memcpy(ram_ptr(f, DATA_GVA), code, len);
	return ecall(f, fn_run, DATA_GVA, 0);
}
