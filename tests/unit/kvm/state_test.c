// SPDX-License-Identifier: GPL-2.0-or-later
/* What a VMM saves it gets back: api.rst KVM_GET_REGS to KVM_SET_XCRS. */
#include "fixture.h"

#include <string.h>

static void regs_round_trip(void **state)
{
	struct fixture *f = *state;
	struct kvm_regs in, out;
	unsigned int before = fake.state_changes;

	fill_random(&in, sizeof(in));
	in.rflags |= X86_EFLAGS_FIXED;
	assert_ok(ioc(f->vcpu, KVM_SET_REGS, &in));
	assert_ok(ioc(f->vcpu, KVM_GET_REGS, &out));
	assert_memory_equal(&in, &out, sizeof(in));
	assert_true(fake.state_changes > before);
	assert_int_equal(f->v->cpu.state.gpr[X86_RSI], in.rsi);
	assert_int_equal(f->v->cpu.state.gpr[11], in.r11);
}

static void set_regs_drops_pending_exception(void **state)
{
	struct fixture *f = *state;
	struct kvm_regs regs = {0};

	f->v->cpu.events.exception.pending = true;
	assert_ok(ioc(f->vcpu, KVM_SET_REGS, &regs));
	assert_false(f->v->cpu.events.exception.pending);
	assert_int_equal(f->v->cpu.state.rflags, X86_EFLAGS_FIXED);
}

/* A segment as KVM gives it back: 1-bit fields, absent is unusable. */
static void random_segment(struct kvm_segment *seg)
{
	fill_random(seg, sizeof(*seg));
	seg->type &= 0xf;
	seg->dpl &= 3;
	seg->s &= 1;
	seg->l = 0;
	seg->db &= 1;
	seg->g &= 1;
	seg->avl &= 1;
	seg->present = 1;
	seg->unusable &= 1;
	seg->padding = 0;
}

static struct kvm_sregs random_sregs(void)
{
	struct kvm_sregs s = {0};
	struct kvm_segment *seg = &s.cs;

	for (unsigned int i = 0; i < 8; i++)
		random_segment(&seg[i]);
	fill_random(&s.gdt.base, sizeof(s.gdt.base));
	fill_random(&s.idt.limit, sizeof(s.idt.limit));
	fill_random(&s.cr2, sizeof(s.cr2));
	fill_random(&s.cr8, 1);
	s.cr8 &= 15;
	s.cr0 = X86_CR0_PE | X86_CR0_ET | X86_CR0_WP;
	s.cr3 = 0x12345000;
	s.apic_base = 0xfee00900;
	s.interrupt_bitmap[2] = BIT64(5);
	return s;
}

static void sregs_round_trip(void **state)
{
	struct fixture *f = *state;
	struct kvm_sregs in, out;

	set_offered_cpuid(f);
	for (unsigned int i = 0; i < 32; i++) {
		in = random_sregs();
		assert_ok(ioc(f->vcpu, KVM_SET_SREGS, &in));
		assert_ok(ioc(f->vcpu, KVM_GET_SREGS, &out));
		assert_memory_equal(&in, &out, sizeof(in));
		assert_int_equal(f->v->cpu.state.cpl, in.ss.dpl);
	}
}

static void sregs_of_impossible_mode_einval_and_unchanged(void **state)
{
	struct fixture *f = *state;
	struct kvm_sregs good = random_sregs(), bad[5], out;

	set_offered_cpuid(f);
	assert_ok(ioc(f->vcpu, KVM_SET_SREGS, &good));
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = random_sregs();
	bad[0].cr0 = X86_CR0_PG;
	bad[1].cs.l = 1;
	bad[2].efer = EFER_LMA;
	bad[3].cr4 = BIT64(63);
	bad[4].apic_base = 0xfee00901;
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_err(ioc(f->vcpu, KVM_SET_SREGS, &bad[i]), EINVAL);
		assert_ok(ioc(f->vcpu, KVM_GET_SREGS, &out));
		assert_memory_equal(&good, &out, sizeof(good));
	}
}

static void long_mode_round_trip(void **state)
{
	struct fixture *f = *state;
	struct kvm_sregs in = random_sregs(), out;

	set_offered_cpuid(f);
	in.cr0 |= X86_CR0_PG;
	in.cr4 = X86_CR4_PAE;
	in.efer = EFER_LME | EFER_LMA | EFER_NX;
	in.cs.l = 1;
	assert_ok(ioc(f->vcpu, KVM_SET_SREGS, &in));
	assert_ok(ioc(f->vcpu, KVM_GET_SREGS, &out));
	assert_memory_equal(&in, &out, sizeof(in));
}

static struct kvm_sregs2 pae_sregs2(void)
{
	struct kvm_sregs sregs = random_sregs();
	struct kvm_sregs2 s = {0};

	memcpy(&s, &sregs, offsetof(struct kvm_sregs2, flags));
	s.cr0 |= X86_CR0_PG;
	s.cr4 = X86_CR4_PAE;
	return s;
}

static void sregs2_takes_pdptes_or_loads_them(void **state)
{
	struct fixture *f = *state;
	struct kvm_sregs2 in = pae_sregs2(), out;

	set_offered_cpuid(f);
	assert_ok(ioc(f->vcpu, KVM_SET_SREGS2, &in));
	assert_ok(ioc(f->vcpu, KVM_GET_SREGS2, &out));
	assert_int_equal(out.flags, KVM_SREGS2_FLAGS_PDPTRS_VALID);
	assert_int_equal(out.pdptrs[3], in.cr3 + 3);
	fill_random(in.pdptrs, sizeof(in.pdptrs));
	in.flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
	assert_ok(ioc(f->vcpu, KVM_SET_SREGS2, &in));
	assert_ok(ioc(f->vcpu, KVM_GET_SREGS2, &out));
	assert_memory_equal(&in, &out, sizeof(in));
}

static void sregs2_flags_that_make_no_sense_einval(void **state)
{
	struct fixture *f = *state;
	struct kvm_sregs2 in = pae_sregs2();

	set_offered_cpuid(f);
	in.flags = 2;
	assert_err(ioc(f->vcpu, KVM_SET_SREGS2, &in), EINVAL);
	in.flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
	in.cr0 &= ~X86_CR0_PG;
	assert_err(ioc(f->vcpu, KVM_SET_SREGS2, &in), EINVAL);
}

static void random_xsave(struct kvm_xsave *area, uint64_t bv)
{
	fill_random(area, sizeof(*area));
	memset((uint8_t *)area + 512, 0, 64);
	memcpy((uint8_t *)area + 512, &bv, sizeof(bv));
	area->region[6] &= 0xffff;
}

static void xsave_round_trip(void **state)
{
	struct fixture *f = *state;
	struct kvm_xsave in, out;

	random_xsave(&in, 7);
	assert_ok(ioc(f->vcpu, KVM_SET_XSAVE, &in));
	assert_ok(ioc(f->vcpu, KVM_GET_XSAVE, &out));
	assert_memory_equal(&in, &out, sizeof(in));
	assert_ok(ioc(f->vcpu, KVM_GET_XSAVE2, &out));
	assert_memory_equal(&in, &out, sizeof(in));
}

/* SDM "XSAVE-Managed State": who looks at the bytes alone sees the initial state. */
static void xsave_without_component_shows_initial_state(void **state)
{
	struct fixture *f = *state;
	struct kvm_xsave in, out;

	random_xsave(&in, 0);
	assert_ok(ioc(f->vcpu, KVM_SET_XSAVE, &in));
	assert_ok(ioc(f->vcpu, KVM_GET_XSAVE, &out));
	assert_int_equal(out.region[0], 0x37f);
	assert_int_equal(out.region[6], in.region[6]);
	assert_true(is_zero((uint8_t *)&out + 32, 384));
	assert_true(is_zero((uint8_t *)&out + 576, 256));
}

static void xsave_header_or_mxcsr_wrong_einval(void **state)
{
	struct fixture *f = *state;
	struct kvm_xsave good, bad, out;

	random_xsave(&good, 7);
	assert_ok(ioc(f->vcpu, KVM_SET_XSAVE, &good));
	random_xsave(&bad, BIT64(62));
	assert_err(ioc(f->vcpu, KVM_SET_XSAVE, &bad), EINVAL);
	random_xsave(&bad, 7);
	bad.region[131] = 0x80000000; /* XCOMP_BV */
	assert_err(ioc(f->vcpu, KVM_SET_XSAVE, &bad), EINVAL);
	random_xsave(&bad, 7);
	bad.region[135] = 1;
	assert_err(ioc(f->vcpu, KVM_SET_XSAVE, &bad), EINVAL);
	random_xsave(&bad, 7);
	bad.region[6] = 0x10000;
	assert_err(ioc(f->vcpu, KVM_SET_XSAVE, &bad), EINVAL);
	assert_ok(ioc(f->vcpu, KVM_GET_XSAVE, &out));
	assert_memory_equal(&good, &out, sizeof(good));
}

static void fpu_round_trip_leaves_mxcsr(void **state)
{
	struct fixture *f = *state;
	struct kvm_fpu in, out;
	struct kvm_xsave area;

	random_xsave(&area, 0);
	assert_ok(ioc(f->vcpu, KVM_SET_XSAVE, &area));
	fill_random(&in, sizeof(in));
	in.pad1 = 0;
	in.pad2 = 0;
	in.mxcsr = 0;
	assert_ok(ioc(f->vcpu, KVM_SET_FPU, &in));
	assert_ok(ioc(f->vcpu, KVM_GET_FPU, &out));
	assert_memory_equal(&in, &out, sizeof(in));
	assert_int_equal(((uint32_t *)f->v->xstate)[6], area.region[6]);
}

static void xcrs_round_trip(void **state)
{
	struct fixture *f = *state;
	struct kvm_xcrs in = {.nr_xcrs = 2, .xcrs = {{.xcr = 5}, {.value = 3}}}, out;

	set_offered_cpuid(f);
	assert_ok(ioc(f->vcpu, KVM_SET_XCRS, &in));
	assert_ok(ioc(f->vcpu, KVM_GET_XCRS, &out));
	assert_int_equal(out.nr_xcrs, 1);
	assert_int_equal(out.xcrs[0].xcr, 0);
	assert_int_equal(out.xcrs[0].value, 3);
}

static void xcrs_refused_einval(void **state)
{
	static const struct kvm_xcrs bad[] = {
		{.nr_xcrs = 1, .xcrs = {{.value = 2}}},
		{.nr_xcrs = 1, .xcrs = {{.value = 5}}},
		{.nr_xcrs = 1, .flags = 1, .xcrs = {{.value = 1}}},
		{.nr_xcrs = KVM_MAX_XCRS + 1},
	};
	struct fixture *f = *state;

	set_offered_cpuid(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		assert_err(ioc(f->vcpu, KVM_SET_XCRS, &bad[i]), EINVAL);
	assert_int_equal(f->v->cpu.state.xcr0, 1);
}

static void debugregs_round_trip(void **state)
{
	struct fixture *f = *state;
	struct kvm_debugregs in = {.dr6 = 0xffff0ff1, .dr7 = 0x403}, out;

	fill_random(in.db, sizeof(in.db));
	assert_ok(ioc(f->vcpu, KVM_SET_DEBUGREGS, &in));
	assert_ok(ioc(f->vcpu, KVM_GET_DEBUGREGS, &out));
	assert_memory_equal(&in, &out, sizeof(in));
	in.dr6 |= BIT64(32);
	assert_err(ioc(f->vcpu, KVM_SET_DEBUGREGS, &in), EINVAL);
	in.dr6 = 0;
	in.flags = 1;
	assert_err(ioc(f->vcpu, KVM_SET_DEBUGREGS, &in), EINVAL);
}

static void tsc_khz_takes_its_own_rate_only(void **state)
{
	struct fixture *f = *state;
	long khz = ioc(f->vcpu, KVM_GET_TSC_KHZ, NULL);

	assert_in_range(khz, 100000, 10000000);
	assert_ok(kvm_ioctl(f->vcpu, KVM_SET_TSC_KHZ, khz + khz / 10000));
	assert_int_equal(ioc(f->vcpu, KVM_GET_TSC_KHZ, NULL), khz + khz / 10000);
	assert_ok(kvm_ioctl(f->vcpu, KVM_SET_TSC_KHZ, 0));
	assert_err(kvm_ioctl(f->vcpu, KVM_SET_TSC_KHZ, khz * 2), EINVAL);
	assert_int_equal(ioc(f->vcpu, KVM_GET_TSC_KHZ, NULL), khz);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest state_tests[] = {
	CASE(regs_round_trip),
	CASE(set_regs_drops_pending_exception),
	CASE(sregs_round_trip),
	CASE(sregs_of_impossible_mode_einval_and_unchanged),
	CASE(long_mode_round_trip),
	CASE(sregs2_takes_pdptes_or_loads_them),
	CASE(sregs2_flags_that_make_no_sense_einval),
	CASE(xsave_round_trip),
	CASE(xsave_without_component_shows_initial_state),
	CASE(xsave_header_or_mxcsr_wrong_einval),
	CASE(fpu_round_trip_leaves_mxcsr),
	CASE(xcrs_round_trip),
	CASE(xcrs_refused_einval),
	CASE(debugregs_round_trip),
	CASE(tsc_khz_takes_its_own_rate_only),
};
const size_t state_test_count = ARRAY_SIZE(state_tests);
