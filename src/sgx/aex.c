// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "AEX Flow". Writes the pages that the entry has found (ssa.h), whatever has
 * become of their EPCM entries or page tables since.
 */
#include "sgx/enclu/entry.h"

#include <string.h>

#define RFLAGS_CLEARED                                                                   \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | \
	 X86_EFLAGS_OF | X86_EFLAGS_RF)

/* SDM "EXITINFO": what is always reported, and what MISCSELECT.EXINFO adds. */
#define EXITINFO_VECTORS                                                             \
	(BIT32(DE_VECTOR) | BIT32(DB_VECTOR) | BIT32(BP_VECTOR) | BIT32(BR_VECTOR) | \
	 BIT32(UD_VECTOR) | BIT32(MF_VECTOR) | BIT32(AC_VECTOR) | BIT32(XM_VECTOR))
#define EXINFO_VECTORS (BIT32(GP_VECTOR) | BIT32(PF_VECTOR))

/*
 * SDM "Synthetic State on Asynchronous Enclave Exit". Handlers of #MF and #XM look for
 * the exception they are called for.
 */
#define SYNTHETIC_FCW      0x037f
#define SYNTHETIC_FCW_MF   0x037e
#define SYNTHETIC_FSW_MF   0x8081
#define SYNTHETIC_MXCSR_XM 0x1f01

static bool is_exception(const struct sgx_event *event, uint8_t vector)
{
	return event->type != SGX_EVENT_INTERRUPT && event->exception.vector == vector;
}

/* R8..R15 do not exist outside 64-bit mode. */
static unsigned int gpr_count(const struct x86_state *state)
{
	return x86_is_64bit(state) ? X86_NR_GPRS : X86_R8;
}

/* Outside 64-bit mode the upper halves are not stored: what lies in them is not the enclave's. */
static void save_register(const struct x86_state *state, uint64_t *slot, uint64_t value)
{
	if (x86_is_64bit(state))
		ssa_store64(slot, value);
	else
		ssa_store32((uint32_t *)slot, (uint32_t)value);
}

static void save_registers(const struct x86_state *state, const struct sgx_event *event,
			   struct sgx_gprsgx *gprsgx)
{
	uint64_t rflags = state->rflags & ~(uint64_t)X86_EFLAGS_TF;

	if (event->type == SGX_EVENT_FAULT)
		rflags |= X86_EFLAGS_RF;
	for (unsigned int i = 0; i < gpr_count(state); i++)
		save_register(state, &gprsgx->gpr[i], state->gpr[i]);
	save_register(state, &gprsgx->rflags, rflags);
	/* All of it, for ERESUME compares all of it with the limit of CS. */
	ssa_store64(&gprsgx->rip, x86_is_64bit(state) ? state->rip : (uint32_t)state->rip);
	ssa_store64(&gprsgx->fs_base, state->seg[X86_SEG_FS].base);
	ssa_store64(&gprsgx->gs_base, state->seg[X86_SEG_GS].base);
}

static uint32_t exitinfo(const struct sgx_event *event, uint32_t miscselect)
{
	const uint8_t vector = event->exception.vector;
	uint32_t reported = EXITINFO_VECTORS;
	uint32_t type = SGX_EXITINFO_TYPE_HARDWARE;

	if (miscselect & SGX_MISC_EXINFO)
		reported |= EXINFO_VECTORS;
	if (event->type == SGX_EVENT_INTERRUPT || vector >= 32 || !(reported & BIT32(vector)))
		return 0;
	if (vector == BP_VECTOR)
		type = SGX_EXITINFO_TYPE_SOFTWARE;
	return SGX_EXITINFO_VALID | type << SGX_EXITINFO_TYPE_SHIFT | vector;
}

static void report_event(const struct sgx_ssa_frame *frame, const struct sgx_event *event,
			 uint32_t miscselect)
{
	const bool pf = is_exception(event, PF_VECTOR);

	ssa_store32(&ssa_gprsgx(frame)->exitinfo, exitinfo(event, miscselect));
	if (!(miscselect & SGX_MISC_EXINFO) || !(pf || is_exception(event, GP_VECTOR)))
		return;
	*ssa_exinfo(frame) = (struct sgx_exinfo){
		.maddr = pf ? event->exception.address : 0,
		.errcd = event->exception.error_code,
	};
}

static void synthesise_xstate(struct sgx_cpu *cpu, const struct sgx_event *event, uint64_t xfrm)
{
	const bool mf = is_exception(event, MF_VECTOR);
	const bool xm = is_exception(event, XM_VECTOR);

	cpu->ops->xinit(cpu, xfrm, mf ? SYNTHETIC_FCW_MF : SYNTHETIC_FCW, mf ? SYNTHETIC_FSW_MF : 0,
			xm ? SYNTHETIC_MXCSR_XM : MXCSR_DEFAULT);
}

static void synthesise_registers(struct sgx_cpu *cpu, const struct sgx_gprsgx *gprsgx)
{
	struct x86_state *state = cpu->state;
	const uint64_t aep = active_tcs(cpu)->aep;
	const uint64_t mask = x86_is_64bit(state) ? UINT64_MAX : UINT32_MAX;

	memset(state->gpr, 0, gpr_count(state) * sizeof(state->gpr[0]));
	state->gpr[X86_RAX] = ERESUME;
	state->gpr[X86_RBX] = cpu->enclave.tcs_linaddr;
	state->gpr[X86_RCX] = aep;
	state->gpr[X86_RSP] = gprsgx->ursp & mask;
	state->gpr[X86_RBP] = gprsgx->urbp & mask;
	state->rip = aep;
	state->rflags &= ~(uint64_t)RFLAGS_CLEARED;
}

void sgx_aex(struct sgx_cpu *cpu, struct sgx_event *event)
{
	const struct sgx_ssa_frame *frame = &cpu->enclave.ssa;
	struct sgx_gprsgx *gprsgx = ssa_gprsgx(frame);
	const struct sgx_secs *secs = secs_of(cpu->enclave.secs);
	struct sgx_tcs *tcs = active_tcs(cpu);

	save_registers(cpu->state, event, gprsgx);
	ssa_save_xstate(cpu, frame, secs->xfrm);
	report_event(frame, event, secs->miscselect);
	ssa_changed(cpu, frame);
	__atomic_store_n(&tcs->cssa, tcs->cssa + 1, __ATOMIC_RELAXED);

	synthesise_xstate(cpu, event, secs->xfrm);
	synthesise_registers(cpu, gprsgx);
	if (is_exception(event, PF_VECTOR))
		event->exception.address = align_down(event->exception.address, SGX_PAGE_SIZE);
	enclave_leave(cpu);
}
