// SPDX-License-Identifier: GPL-2.0-or-later
/* Extended state: SDM "XSAVE Area", standard format, which is also KVM's and the engine's. */
#include "kvm/vcpu.h"

#include "cpu/control.h"
#include "kvm/system.h"

#include <string.h>

struct xsave_area {
	uint16_t fcw, fsw;
	uint8_t ftw, reserved0;
	uint16_t fop;
	uint64_t fip, fdp;
	uint32_t mxcsr, mxcsr_mask;
	uint8_t st[8][16];
	uint8_t xmm[16][16];
	uint8_t unused[96]; /* the last 48 bytes are software's */
	uint64_t xstate_bv;
	uint64_t xcomp_bv;
	uint64_t header_reserved[6];
	uint8_t extended[];
};
_Static_assert(offsetof(struct xsave_area, mxcsr) == 24, "MXCSR");
_Static_assert(offsetof(struct xsave_area, xmm) == 160, "XMM0");
_Static_assert(offsetof(struct xsave_area, xstate_bv) == 512, "XSAVE header");
_Static_assert(sizeof(struct xsave_area) == 576, "XSAVE area");
_Static_assert(sizeof(struct kvm_xsave) == sizeof(((struct engine_vcpu *)0)->xstate), "xstate");

#define FCW_INIT 0x37f
/* Bits that every processor with DAZ has; a load of any other is #GP, in our own code. */
#define MXCSR_MASK 0xffff

static struct xsave_area *area_of(struct kvm_vcpu *vcpu)
{
	return (struct xsave_area *)vcpu->v->xstate;
}

/*
 * SDM "XSAVE-Managed State": a component whose bit in XSTATE_BV is clear is in its
 * initial configuration, whatever bytes lie there. Who reads only the bytes gets it too.
 * MXCSR belongs to no bit.
 */
static void write_out_initial(struct xsave_area *area)
{
	uint64_t bv = area->xstate_bv;

	if (!(bv & XFEATURE_MASK_FP)) {
		memset(area, 0, offsetof(struct xsave_area, mxcsr));
		memset(area->st, 0, sizeof(area->st));
		area->fcw = FCW_INIT;
	}
	if (!(bv & XFEATURE_MASK_SSE))
		memset(area->xmm, 0, sizeof(area->xmm));
	/* The one extended component of system_xcr0() stands first. */
	if (!(bv & XFEATURE_MASK_YMM))
		memset(area->extended, 0, sizeof(struct kvm_xsave) - sizeof(*area));
}

long vcpu_ioc_get_xsave(struct kvm_object *obj, void *data)
{
	struct xsave_area *area = data;

	memcpy(area, vcpu_of_object(obj)->v->xstate, sizeof(struct kvm_xsave));
	write_out_initial(area);
	return 0;
}

long vcpu_ioc_set_xsave(struct kvm_object *obj, void *data)
{
	struct xsave_area *area = data;

	if ((area->xstate_bv & ~system_xcr0()) || area->xcomp_bv)
		return -EINVAL;
	if (!is_zero(area->header_reserved, sizeof(area->header_reserved)))
		return -EINVAL;
	if (area->mxcsr & ~(uint32_t)MXCSR_MASK)
		return -EINVAL;
	memcpy(vcpu_of_object(obj)->v->xstate, area, sizeof(struct kvm_xsave));
	return 0;
}

long vcpu_ioc_get_fpu(struct kvm_object *obj, void *data)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);
	struct kvm_fpu *fpu = data;
	_Alignas(64) uint8_t copy[sizeof(struct kvm_xsave)];
	struct xsave_area *area = (struct xsave_area *)copy;

	memcpy(copy, vcpu->v->xstate, sizeof(copy));
	write_out_initial(area);
	memcpy(fpu->fpr, area->st, sizeof(fpu->fpr));
	fpu->fcw = area->fcw;
	fpu->fsw = area->fsw;
	fpu->ftwx = area->ftw;
	fpu->last_opcode = area->fop;
	fpu->last_ip = area->fip;
	fpu->last_dp = area->fdp;
	memcpy(fpu->xmm, area->xmm, sizeof(fpu->xmm));
	return 0;
}

/* MXCSR is left alone in both directions: so does KVM. */
long vcpu_ioc_set_fpu(struct kvm_object *obj, void *data)
{
	struct xsave_area *area = area_of(vcpu_of_object(obj));
	const struct kvm_fpu *fpu = data;

	write_out_initial(area);
	memcpy(area->st, fpu->fpr, sizeof(area->st));
	area->fcw = fpu->fcw;
	area->fsw = fpu->fsw;
	area->ftw = fpu->ftwx;
	area->fop = fpu->last_opcode;
	area->fip = fpu->last_ip;
	area->fdp = fpu->last_dp;
	memcpy(area->xmm, fpu->xmm, sizeof(area->xmm));
	area->xstate_bv |= XFEATURE_MASK_FP | XFEATURE_MASK_SSE;
	return 0;
}

long vcpu_ioc_get_xcrs(struct kvm_object *obj, void *data)
{
	struct kvm_xcrs *xcrs = data;

	xcrs->nr_xcrs = 1;
	xcrs->xcrs[0].value = vcpu_of_object(obj)->v->cpu.state.xcr0;
	return 0;
}

long vcpu_ioc_set_xcrs(struct kvm_object *obj, void *data)
{
	struct engine_vcpu *v = vcpu_of_object(obj)->v;
	const struct kvm_xcrs *xcrs = data;
	/* x87 is there even when CPUID knows no XSAVE. */
	uint64_t allowed = v->cpu.features.xcr0_allowed | XFEATURE_MASK_FP;

	if (xcrs->nr_xcrs > KVM_MAX_XCRS || xcrs->flags)
		return -EINVAL;
	for (unsigned int i = 0; i < xcrs->nr_xcrs; i++) {
		/* Others are ignored: there is no other register. */
		if (xcrs->xcrs[i].xcr)
			continue;
		if (!control_xcr0_is_valid(xcrs->xcrs[i].value, allowed))
			return -EINVAL;
		v->cpu.state.xcr0 = xcrs->xcrs[i].value;
		engine_state_changed(v);
		return 0;
	}
	return 0;
}
