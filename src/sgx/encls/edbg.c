// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "EDBGRD" and "EDBGWR": eight bytes of a debug enclave, four outside
 * 64-bit mode. Rights and BLOCKED do not count for a debugger.
 */
#include "sgx/leaf.h"

struct debug_access {
	struct epcm_entry *entry;
	gva_t gva;
	uint32_t len;
	uint32_t access;
};

static struct leaf_result find_operand(struct sgx_cpu *cpu, struct debug_access *op, uint64_t rcx)
{
	op->len = x86_is_64bit(cpu->state) ? 8 : 4;
	TRY(operand_linear(cpu, rcx, op->len, op->access, &op->gva));
	/* The linear address: the base of the segment may be odd. */
	CHECK(is_aligned(op->gva, op->len), leaf_gp());
	TRY(operand_epc(cpu, op->gva, op->access, &op->entry));
	return leaf_ok();
}

static struct leaf_result __check_state(struct sgx_cpu *cpu, const struct debug_access *op)
{
	uint64_t state = epcm_state(op->entry);

	CHECK(!(state & (EPCM_PENDING | EPCM_MODIFIED)), leaf_code(SGX_PAGE_NOT_DEBUGGABLE));
	return leaf_ok();
}

static struct leaf_result __check_debug(struct sgx_cpu *cpu, const struct debug_access *op)
{
	const struct sgx_secs *secs = secs_of(epcm_secs(op->entry));

	CHECK(secs_attributes(secs) & SGX_ATTR_DEBUG, leaf_gp());
	return leaf_ok();
}

/* Other shared holders and the enclave itself may write the same word. */
static uint64_t load(const struct debug_access *op)
{
	const uint8_t *p = (const uint8_t *)epcm_page(op->entry) + op->gva % SGX_PAGE_SIZE;

	if (op->len == 4)
		return __atomic_load_n((const uint32_t *)p, __ATOMIC_RELAXED);
	return __atomic_load_n((const uint64_t *)p, __ATOMIC_RELAXED);
}

static void store(const struct debug_access *op, uint64_t value)
{
	uint8_t *p = (uint8_t *)epcm_page(op->entry) + op->gva % SGX_PAGE_SIZE;

	if (op->len == 4)
		__atomic_store_n((uint32_t *)p, (uint32_t)value, __ATOMIC_RELAXED);
	else
		__atomic_store_n((uint64_t *)p, value, __ATOMIC_RELAXED);
}

/* A version would help to replay a page: told is only whether the slot has one. */
static uint64_t load_va_slot(const struct debug_access *op)
{
	const struct sgx_va_page *va = epcm_page(op->entry);
	const uint64_t *slot = &va->slot[op->gva % SGX_PAGE_SIZE / sizeof(va->slot[0])];

	if (!__atomic_load_n(slot, __ATOMIC_RELAXED))
		return 0;
	return op->len == 4 ? UINT32_MAX : UINT64_MAX;
}

static struct leaf_result __read(struct sgx_cpu *cpu, const struct debug_access *op,
				 uint64_t *value)
{
	uint64_t state = epcm_state(op->entry);
	bool is_tcs = epcm_is(state, SGX_PAGE_TYPE_TCS);
	bool is_va = epcm_is(state, SGX_PAGE_TYPE_VA);

	CHECK(epcm_is_valid(state), leaf_pf(op->gva, op->access));
	CHECK(epcm_is(state, SGX_PAGE_TYPE_REG) || is_tcs || is_va, leaf_pf(op->gva, op->access));
	TRY(__check_state(cpu, op));
	CHECK(!is_tcs || op->gva % SGX_PAGE_SIZE < SGX_TCS_LIMIT, leaf_gp());
	if (is_va) {
		*value = load_va_slot(op);
		return leaf_ok();
	}
	TRY(__check_debug(cpu, op));
	*value = load(op);
	return leaf_ok();
}

/* RCX = address. Return: RBX = data. */
struct leaf_result sgx_edbgrd(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct debug_access op = {.access = ENCLS_READ};
	struct leaf_result res;
	uint64_t value;

	TRY(find_operand(cpu, &op, rcx));
	CHECK(epcm_lock(op.entry, EPCM_SHARED), leaf_gp());
	res = __read(cpu, &op, &value);
	epcm_unlock(op.entry, EPCM_SHARED);
	TRY(res);
	cpu->state->gpr[X86_RBX] = value;
	return leaf_code(SGX_SUCCESS);
}

static struct leaf_result __write(struct sgx_cpu *cpu, const struct debug_access *op,
				  uint64_t value)
{
	uint64_t state = epcm_state(op->entry);
	bool is_tcs = epcm_is(state, SGX_PAGE_TYPE_TCS);

	CHECK(epcm_is_valid(state), leaf_pf(op->gva, op->access));
	CHECK(epcm_is(state, SGX_PAGE_TYPE_REG) || is_tcs, leaf_pf(op->gva, op->access));
	TRY(__check_state(cpu, op));
	CHECK(!is_tcs || op->gva % SGX_PAGE_SIZE == offsetof(struct sgx_tcs, flags), leaf_gp());
	TRY(__check_debug(cpu, op));
	store(op, value);
	return leaf_ok();
}

/* RBX = data, RCX = address. */
struct leaf_result sgx_edbgwr(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct debug_access op = {.access = ENCLS_WRITE};
	struct leaf_result res;

	TRY(find_operand(cpu, &op, rcx));
	CHECK(epcm_lock(op.entry, EPCM_SHARED), leaf_gp());
	res = __write(cpu, &op, rbx);
	epcm_unlock(op.entry, EPCM_SHARED);
	TRY(res);
	leaf_page_changed(cpu, op.entry);
	return leaf_code(SGX_SUCCESS);
}
