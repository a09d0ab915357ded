// SPDX-License-Identifier: GPL-2.0-or-later
#include "enclave.h"

void make_enclave(struct fixture *f)
{
	make_tiny_enclave(f, SECS_PAGE, ENCLAVE_BASE);
	the_tcs(f)->ofs_base = 0x4000;
	the_tcs(f)->ogs_base = 0x3000;
	the_tcs(f)->fs_limit = 0x1fff;
	the_tcs(f)->gs_limit = 0x2fff;
	the_tcs(f)->oentry = 0x3010;
}

void add_second_tcs(struct fixture *f)
{
	the_secs(f)->attributes &= ~SGX_ATTR_INIT;
	add_tcs(f, SECS_PAGE, TCS2_PAGE, TCS2_GVA, TCS2_SSA_GVA - ENCLAVE_BASE, 1);
	memset(ram_ptr(f, SRC_GVA), 0, SGX_PAGE_SIZE);
	add_reg(f, SECS_PAGE, TCS2_SSA_PAGE, TCS2_SSA_GVA, EPCM_R | EPCM_W);
	force_init(f, SECS_PAGE);
}

void make_32bit(struct fixture *f)
{
	the_secs(f)->attributes &= ~SGX_ATTR_MODE64BIT;
	for (unsigned int i = 0; i < FIXTURE_CPUS; i++) {
		struct x86_state *state = &f->cpus[i].state;

		state->efer &= ~EFER_LMA;
		state->seg[X86_SEG_CS].l = false;
		state->seg[X86_SEG_CS].db = true;
		state->rip = 0x400000;
	}
}

void make_two_page_frames(struct fixture *f)
{
	the_secs(f)->ssa_frame_size = 2;
	the_tcs(f)->nssa = 1;
}

void enable_amx(struct fixture *f)
{
	const uint64_t amx = XFEATURE_MASK_XTILECFG | XFEATURE_MASK_XTILEDATA;

	f->cpuid->xsave[17].offset = 2752;
	f->cpuid->xsave[17].size = 64;
	f->cpuid->xsave[18].offset = 2816;
	f->cpuid->xsave[18].size = 8192;
	f->cpuid->xfrm |= amx;
	for (unsigned int i = 0; i < FIXTURE_CPUS; i++)
		f->cpus[i].state.xcr0 |= amx;
	the_secs(f)->xfrm = f->cpuid->xfrm;
	the_secs(f)->ssa_frame_size = 3;
	the_tcs(f)->nssa = 1;
}

struct sgx_secs *the_secs(struct fixture *f)
{
	return epc_ptr(f, SECS_PAGE);
}

struct sgx_tcs *the_tcs(struct fixture *f)
{
	return epc_ptr(f, TCS_PAGE);
}

struct sgx_gprsgx *frame_gprsgx(struct fixture *f, unsigned int index)
{
	uint8_t *page = epc_ptr(f, SSA0_PAGE + index);

	return (struct sgx_gprsgx *)(page + SGX_PAGE_SIZE) - 1;
}

bool is_tracked_active(struct fixture *f)
{
	return track_is_active(epcm_of(f, SECS_PAGE));
}

bool tcs_is_active(struct fixture *f)
{
	assert_in_range(the_tcs(f)->state, SGX_TCS_INACTIVE, SGX_TCS_ACTIVE);
	return the_tcs(f)->state == SGX_TCS_ACTIVE;
}

struct leaf_result eenter(struct fixture *f)
{
	return enclu(f, EENTER, TCS_GVA, AEP_GVA, 0x3333);
}

struct leaf_result eresume(struct fixture *f)
{
	return enclu(f, ERESUME, TCS_GVA, AEP_GVA, 0x3333);
}

struct leaf_result eexit(struct fixture *f, uint64_t target)
{
	return enclu(f, EEXIT, target, 0, 0);
}

void interrupt(struct fixture *f)
{
	struct sgx_event event = {.type = SGX_EVENT_INTERRUPT};

	sgx_aex(f->cpu, &event);
}

void enter_and_interrupt(struct fixture *f)
{
	expect_jump(eenter(f));
	interrupt(f);
}

struct sgx_event exception_event(enum sgx_event_type type, uint8_t vector, uint32_t error_code,
				 gva_t address)
{
	return (struct sgx_event){
		.type = type,
		.exception = {.vector = vector, .error_code = error_code, .address = address},
	};
}

void scramble_registers(struct fixture *f, uint64_t seed)
{
	struct embedder_cpu *c = (struct embedder_cpu *)f->cpu;
	uint64_t x = seed;

	for (unsigned int i = 0; i < X86_NR_GPRS; i++) {
		x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		if (i != X86_RSP && i != X86_RBP)
			f->state->gpr[i] = x86_is_64bit(f->state) ? x : (uint32_t)x;
	}
	for (unsigned int i = 32; i < EMBEDDER_XSTATE_SIZE; i++)
		if (i < XSAVE_LEGACY_SIZE || i >= XSAVE_MIN_SIZE)
			c->xstate[i] = (uint8_t)(seed + i * 7);
}

void assert_segment(const struct x86_segment *got, const struct x86_segment *want)
{
	assert_int_equal(got->base, want->base);
	assert_int_equal(got->limit, want->limit);
	assert_int_equal(got->selector, want->selector);
	assert_int_equal(got->type, want->type);
	assert_int_equal(got->s, want->s);
	assert_int_equal(got->dpl, want->dpl);
	assert_int_equal(got->present, want->present);
	assert_int_equal(got->avl, want->avl);
	assert_int_equal(got->l, want->l);
	assert_int_equal(got->db, want->db);
	assert_int_equal(got->g, want->g);
	assert_int_equal(got->unusable, want->unusable);
}

void assert_state(const struct x86_state *got, const struct x86_state *want)
{
	for (unsigned int i = 0; i < X86_NR_GPRS; i++) {
		if (got->gpr[i] != want->gpr[i])
			print_error("register %u\n", i);
		assert_int_equal(got->gpr[i], want->gpr[i]);
	}
	assert_int_equal(got->rip, want->rip);
	assert_int_equal(got->rflags, want->rflags);
	assert_int_equal(got->cr0, want->cr0);
	assert_int_equal(got->cr2, want->cr2);
	assert_int_equal(got->cr4, want->cr4);
	assert_int_equal(got->efer, want->efer);
	assert_int_equal(got->xcr0, want->xcr0);
	assert_int_equal(got->cpl, want->cpl);
	assert_int_equal(got->smm, want->smm);
	for (unsigned int i = 0; i < X86_NR_SEGS; i++)
		assert_segment(&got->seg[i], &want->seg[i]);
}

struct x86_segment enclave_segment(const struct x86_state *outside, uint64_t base, uint32_t limit)
{
	const struct x86_segment *ds = &outside->seg[X86_SEG_DS];

	return (struct x86_segment){
		.base = base,
		.limit = limit,
		.selector = 0x0b,
		.type = 1 | (ds->type & X86_SEG_TYPE_WRITABLE),
		.s = true,
		.dpl = ds->dpl,
		.present = true,
		.avl = ds->avl,
		.l = ds->l,
		.db = true,
		.g = true,
	};
}
