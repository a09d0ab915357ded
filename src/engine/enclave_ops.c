// SPDX-License-Identifier: GPL-2.0-or-later
/* What the SGX model asks of the processor around it: struct sgx_ops by the engine's own means. */
#include "engine/core.h"

#include "cpu/event.h"
#include "engine/xstate.h"
#include "mmu/guest_access.h"

static struct engine_vcpu *vcpu_of_sgx(struct sgx_cpu *sgx)
{
	return vcpu_of((struct cpu *)((uint8_t *)sgx->state - offsetof(struct cpu, state)));
}

/* SDM "Access Rights": RFLAGS.AC frees explicit supervisor accesses from SMAP. */
static uint32_t walk_access(const struct engine_vcpu *v, uint32_t access)
{
	const struct x86_state *s = &v->cpu.state;

	if ((access & PFERR_USER_MASK) || s->cpl == 3 || !(s->rflags & X86_EFLAGS_AC))
		return access;
	return access | MMU_ACCESS_AC;
}

static enum mmu_status translate(struct engine_vcpu *v, gva_t gva, uint32_t access,
				 struct mmu_page *page)
{
	enum mmu_status status;

	do {
		status = mmu_translate(&v->mmu, &v->mmu_mode, v->as_id, gva, access, page);
	} while (status == MMU_AGAIN);
	return status;
}

/*
 * A device is no memory for an operand, and KVM emulates no leaf that finds one there:
 * reads are all ones, writes are dropped.
 */
static void *memory_of(const struct mmu_page *page, uint32_t access)
{
	bool is_memory = page->kind == MEMSLOT_RAM ||
			 (page->kind == MEMSLOT_ROM && !(access & PFERR_WRITE_MASK));

	return is_memory ? page->hva : NULL;
}

static bool walk(struct sgx_cpu *sgx, gva_t gva, uint32_t access, struct sgx_place *place,
		 struct x86_exception *fault)
{
	struct engine_vcpu *v = vcpu_of_sgx(sgx);
	struct mmu_page page = {0};

	switch (translate(v, gva, walk_access(v, access), &page)) {
	case MMU_OK:
	case MMU_AGAIN:
	case MMU_DEVICE:
		break;
	case MMU_FAULT:
		*fault = page.fault;
		return false;
	case MMU_HOST_ERROR:
		/* The leaf ends with a fault, which engine_leaf_result() drops for this. */
		v->sgx_walk_errno = page.host_errno;
		*fault = (struct x86_exception){.vector = GP_VECTOR, .has_error_code = true};
		return false;
	}
	*place = (struct sgx_place){
		.is_epc = page.kind == MEMSLOT_EPC,
		.hpa = page.hpa,
		.host = memory_of(&page, access),
		.gpa = page.gpa,
	};
	return true;
}

static int read_guest(struct sgx_cpu *sgx, const struct sgx_place *place, unsigned int offset,
		      void *dst, size_t len)
{
	(void)sgx;
	if (!place->host) {
		memset(dst, 0xff, len);
		return 0;
	}
	return guest_copy_from(dst, (uint8_t *)place->host + offset, len);
}

static int write_guest(struct sgx_cpu *sgx, const struct sgx_place *place, unsigned int offset,
		       const void *src, size_t len)
{
	uint8_t *page = place->host;
	int err;

	if (!page)
		return 0;
	err = guest_copy_to(page + offset, src, len);
	code_written(vcpu_of_sgx(sgx), page, offset, (uint32_t)len);
	return err;
}

static void xsave(struct sgx_cpu *sgx, uint64_t xfrm, void *area)
{
	struct engine_vcpu *v = vcpu_of_sgx(sgx);
	struct xstate x;

	xstate_get(v, &x);
	xstate_set64(&x, XSTATE_BV, xfrm & xstate_in_use(&x, xstate_regs(v)));
	xstate_store(&x, xfrm, xstate_regs(v), area);
}

static bool xrstor(struct sgx_cpu *sgx, uint64_t xfrm, const void *area)
{
	struct engine_vcpu *v = vcpu_of_sgx(sgx);
	unsigned int regs = xstate_regs(v);
	struct xstate x, from;
	uint64_t bv;

	memcpy(from.bytes, area, xfrm & XFEATURE_MASK_YMM ? XSTATE_SIZE : XSTATE_YMM);
	if (xstate_get32(&from, XSTATE_MXCSR) & XSTATE_MXCSR_RESERVED)
		return false;
	bv = xstate_get64(&from, XSTATE_BV);
	xstate_get(v, &x);
	xstate_set32(&x, XSTATE_MXCSR, xstate_get32(&from, XSTATE_MXCSR));
	xstate_load(&x, &from, xfrm & bv, regs);
	xstate_reset(&x, xfrm & ~bv, regs);
	xstate_put(v, &x);
	return true;
}

static void xinit(struct sgx_cpu *sgx, uint64_t xfrm, uint16_t fcw, uint16_t fsw, uint32_t mxcsr)
{
	struct engine_vcpu *v = vcpu_of_sgx(sgx);
	struct xstate x;

	xstate_get(v, &x);
	xstate_reset(&x, xfrm, xstate_regs(v));
	xstate_set16(&x, XSTATE_FCW, fcw);
	xstate_set16(&x, XSTATE_FSW, fsw);
	xstate_set32(&x, XSTATE_MXCSR, mxcsr);
	xstate_put(v, &x);
}

static void enclave_mode(struct sgx_cpu *sgx, bool inside)
{
	struct engine_vcpu *v = vcpu_of_sgx(sgx);

	(void)inside;
	tlb_flush(&v->tlb[ENGINE_MMU_ENCLAVE]);
	jumps_flush(&v->jumps[ENGINE_MMU_ENCLAVE]);
	vcpu_update_mode(v);
}

static bool event_pending(struct sgx_cpu *sgx)
{
	struct engine_vcpu *v = vcpu_of_sgx(sgx);

	return (v->cpu.events.nmi.pending && cpu_may_nmi(&v->cpu)) ||
	       (cpu_may_interrupt(&v->cpu) && vcpu_has_interrupt(v));
}

const struct sgx_ops enclave_ops = {
	.walk = walk,
	.read = read_guest,
	.write = write_guest,
	.xsave = xsave,
	.xrstor = xrstor,
	.xinit = xinit,
	.enclave_mode = enclave_mode,
	.event_pending = event_pending,
};
