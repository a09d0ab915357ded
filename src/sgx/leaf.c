// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "ENCLS", "ENCLU", "ENCLV": the checks of the instructions themselves, the
 * table of leaves, and the one place where a leaf's result becomes processor
 * state.
 */
#include "sgx/leaf.h"

#include "lib/lock.h"

#define RFLAGS_ARITHMETIC                                                                \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | \
	 X86_EFLAGS_OF)

struct leaf {
	leaf_function *run;
	uint32_t cpuid; /* the bit of 12H.0:EAX that offers it */
};

static const struct leaf encls_leaves[] = {
	[ECREATE] = {sgx_ecreate, SGX_CPUID_SGX1}, [EADD] = {sgx_eadd, SGX_CPUID_SGX1},
	[EINIT] = {sgx_einit, SGX_CPUID_SGX1},     [EREMOVE] = {sgx_eremove, SGX_CPUID_SGX1},
	[EDBGRD] = {sgx_edbgrd, SGX_CPUID_SGX1},   [EDBGWR] = {sgx_edbgwr, SGX_CPUID_SGX1},
	[EEXTEND] = {sgx_eextend, SGX_CPUID_SGX1}, [ELDB] = {sgx_eldb, SGX_CPUID_SGX1},
	[ELDU] = {sgx_eldu, SGX_CPUID_SGX1},       [EBLOCK] = {sgx_eblock, SGX_CPUID_SGX1},
	[EPA] = {sgx_epa, SGX_CPUID_SGX1},         [EWB] = {sgx_ewb, SGX_CPUID_SGX1},
	[ETRACK] = {sgx_etrack, SGX_CPUID_SGX1},   [EAUG] = {sgx_eaug, SGX_CPUID_SGX2},
	[EMODPR] = {sgx_emodpr, SGX_CPUID_SGX2},   [EMODT] = {sgx_emodt, SGX_CPUID_SGX2},
};

static const struct leaf enclu_leaves[] = {
	[EREPORT] = {sgx_ereport, SGX_CPUID_SGX1},
	[EGETKEY] = {sgx_egetkey, SGX_CPUID_SGX1},
	[EENTER] = {sgx_eenter, SGX_CPUID_SGX1},
	[ERESUME] = {sgx_eresume, SGX_CPUID_SGX1},
	[EEXIT] = {sgx_eexit, SGX_CPUID_SGX1},
	[EACCEPT] = {sgx_eaccept, SGX_CPUID_SGX2},
	[EMODPE] = {sgx_emodpe, SGX_CPUID_SGX2},
	[EACCEPTCOPY] = {sgx_eacceptcopy, SGX_CPUID_SGX2},
	[EDECCSSA] = {sgx_edeccssa, SGX_CPUID_EDECCSSA},
};

static const struct leaf *find_leaf(const struct sgx_cpu *cpu, const struct leaf *table,
				    uint32_t count, uint32_t number)
{
	if (number >= count || !table[number].run || !(cpu->cpuid->leaves & table[number].cpuid))
		return NULL;
	return &table[number];
}

static bool sgx_is_enabled(const struct sgx_cpu *cpu)
{
	const uint64_t need = FEAT_CTL_LOCKED | FEAT_CTL_SGX_ENABLED;

	return (cpu->feature_control & need) == need;
}

static struct leaf_result run_leaf(struct sgx_cpu *cpu, const struct leaf *leaf)
{
	const uint64_t *gpr = cpu->state->gpr;
	uint64_t mask = x86_is_64bit(cpu->state) ? UINT64_MAX : UINT32_MAX;

	return leaf->run(cpu, gpr[X86_RBX] & mask, gpr[X86_RCX] & mask, gpr[X86_RDX] & mask);
}

/* A leaf's result becomes processor state here and nowhere else. */
static struct leaf_result finish(struct sgx_cpu *cpu, struct leaf_result res)
{
	struct x86_state *state = cpu->state;
	bool sgx_fault;

	switch ((enum leaf_kind)res.kind) {
	case LEAF_CODE:
	case LEAF_INFO:
		state->gpr[X86_RAX] = (uint32_t)res.value;
		state->rflags &= ~RFLAGS_ARITHMETIC;
		if (res.kind == LEAF_INFO)
			state->rflags |= X86_EFLAGS_CF;
		else if (res.value)
			state->rflags |= X86_EFLAGS_ZF;
		__attribute__((fallthrough));
	case LEAF_OK:
		state->rip += SGX_INSN_LENGTH;
		if (!x86_is_64bit(state))
			state->rip = (uint32_t)state->rip;
		break;
	case LEAF_FAULT:
		/* A processor without SGX2 reports EPCM violations as #GP(0). */
		sgx_fault = res.vector == PF_VECTOR && (res.error_code & PFERR_SGX_MASK);
		if (sgx_fault && !(cpu->cpuid->leaves & SGX_CPUID_SGX2))
			res = leaf_gp();
		break;
	case LEAF_JUMP:
	case LEAF_EXIT:
	case LEAF_HOST_ERROR:
		break;
	}
	return res;
}

/* The #UD conditions that ENCLS, ENCLU and ENCLV have in common. */
static struct leaf_result check_invalid_opcode(struct sgx_cpu *cpu)
{
	const struct x86_state *state = cpu->state;

	CHECK(state->cr0 & X86_CR0_PE, leaf_ud());
	CHECK(!(state->rflags & X86_EFLAGS_VM), leaf_ud());
	CHECK(!state->smm, leaf_ud());
	CHECK(cpu->cpuid->leaves & SGX_CPUID_SGX1, leaf_ud());
	return leaf_ok();
}

static struct leaf_result encls_invalid_opcode(struct sgx_cpu *cpu)
{
	TRY(check_invalid_opcode(cpu));
	CHECK(cpu->state->cpl == 0, leaf_ud());
	return leaf_ok();
}

static bool encls_exits(const struct sgx_cpu *cpu)
{
	uint32_t leaf = (uint32_t)cpu->state->gpr[X86_RAX];

	return cpu->encls_exiting && (cpu->encls_exiting_bitmap & BIT64(leaf < 63 ? leaf : 63));
}

static struct leaf_result encls_run(struct sgx_cpu *cpu)
{
	const struct x86_state *state = cpu->state;
	const struct x86_segment *ds = &state->seg[X86_SEG_DS];
	const struct leaf *leaf = find_leaf(cpu, encls_leaves, ARRAY_SIZE(encls_leaves),
					    (uint32_t)state->gpr[X86_RAX]);

	CHECK(sgx_is_enabled(cpu), leaf_gp());
	CHECK(leaf, leaf_gp());
	CHECK(state->cr0 & X86_CR0_PG, leaf_gp());
	CHECK(x86_is_64bit(state) || !(ds->unusable || (ds->type & X86_SEG_TYPE_EXPAND_DOWN)),
	      leaf_gp());
	return run_leaf(cpu, leaf);
}

struct leaf_result sgx_encls_leaf(struct sgx_cpu *cpu)
{
	return finish(cpu, encls_run(cpu));
}

struct leaf_result sgx_encls(struct sgx_cpu *cpu)
{
	TRY(encls_invalid_opcode(cpu));
	if (encls_exits(cpu))
		return (struct leaf_result){.kind = LEAF_EXIT};
	return finish(cpu, encls_run(cpu));
}

static bool needs_enclave_mode(uint32_t leaf)
{
	return leaf != EENTER && leaf != ERESUME;
}

/* SDM ENCLU: a 32-bit expand-up data segment and no 16-bit code outside 64-bit mode. */
static bool enclu_segments_ok(const struct x86_state *state)
{
	const struct x86_segment *ds = &state->seg[X86_SEG_DS];

	if (x86_is_64bit(state))
		return true;
	return state->seg[X86_SEG_CS].db && !ds->unusable && ds->db &&
	       !(ds->type & (X86_SEG_TYPE_CODE | X86_SEG_TYPE_EXPAND_DOWN));
}

static struct leaf_result enclu_run(struct sgx_cpu *cpu)
{
	const struct x86_state *state = cpu->state;
	uint32_t number = (uint32_t)state->gpr[X86_RAX];
	const struct leaf *leaf = find_leaf(cpu, enclu_leaves, ARRAY_SIZE(enclu_leaves), number);

	TRY(check_invalid_opcode(cpu));
	CHECK(!(state->cr0 & X86_CR0_TS), leaf_nm());
	CHECK(state->cpl == 3, leaf_ud());
	CHECK(sgx_is_enabled(cpu), leaf_gp());
	CHECK(leaf, leaf_gp());
	CHECK(state->cr0 & X86_CR0_PG, leaf_gp());
	CHECK(state->cr0 & X86_CR0_NE, leaf_gp());
	CHECK(enclu_segments_ok(state), leaf_gp());
	CHECK(!sgx_in_enclave(cpu) || needs_enclave_mode(number), leaf_gp());
	CHECK(sgx_in_enclave(cpu) || !needs_enclave_mode(number), leaf_gp());
	return run_leaf(cpu, leaf);
}

struct leaf_result sgx_enclu(struct sgx_cpu *cpu)
{
	return finish(cpu, enclu_run(cpu));
}

/* Legal in VMX operation only, which the processor does not offer. */
struct leaf_result sgx_enclv(struct sgx_cpu *cpu)
{
	return leaf_ud();
}

struct x86_exception sgx_leaf_fault(struct leaf_result res)
{
	return (struct x86_exception){
		.vector = res.vector,
		.has_error_code = res.vector == GP_VECTOR || res.vector == PF_VECTOR,
		.error_code = res.error_code,
		.address = res.address,
	};
}

void announce_page_changed(struct sgx_platform *platform, struct epcm_entry *e)
{
	lock_assert_none_held();
	/*
	 * The change, whose stores may still wait in this processor's buffer, becomes visible
	 * before `watched` is asked for; sgx_watch_page() comes before the watcher's read.
	 */
	atomic_thread_fence(memory_order_seq_cst);
	if (likely(!atomic_load(&e->watched)))
		return;
	if (atomic_exchange(&e->watched, 0) && platform->page_changed)
		platform->page_changed(platform->page_changed_ctx, epc_hpa(&platform->epc, e));
}
