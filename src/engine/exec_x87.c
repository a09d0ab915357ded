// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM FSTENV, FLDENV, FSAVE, FRSTOR: the x87 environment in its 16- and 32-bit
 * formats. Instruction and data pointers are stored as 0 (errata), so that of the
 * differences between protected and real-address mode only reserved bits are left.
 */
#include "cpu/fault.h"
#include "engine/exec.h"
#include "engine/xstate.h"

#include <string.h>

#define FCW_MASKS     0x3f
#define FCW_INITIAL   0x037f
#define TAG_EMPTY     3u
#define STACK_BYTES   80
#define MAX_ENV_BYTES 28

enum environment_word {
	ENV_FCW,
	ENV_FSW,
	ENV_FTW,
	ENV_FIP,
	ENV_FCS,
	ENV_FDP,
	ENV_FDS,
	ENV_WORDS
};

static unsigned int env_width(const struct insn *insn)
{
	return insn->operand_size == 2 ? 2 : 4;
}

static enum cpu_result check_x87(struct engine_vcpu *v)
{
	if (v->cpu.state.cr0 & (X86_CR0_EM | X86_CR0_TS))
		return fault_plain(&v->cpu, NM_VECTOR);
	return CPU_OK;
}

/* Without CR0.NE the exception is an interrupt's business. */
static enum cpu_result check_pending(struct engine_vcpu *v, const struct xstate *x)
{
	uint16_t unmasked = xstate_get16(x, XSTATE_FSW) & (uint16_t)~xstate_get16(x, XSTATE_FCW);

	if ((unmasked & FCW_MASKS) && (v->cpu.state.cr0 & X86_CR0_NE))
		return fault_plain(&v->cpu, MF_VECTOR);
	return CPU_OK;
}

static enum cpu_result env_address(struct engine_vcpu *v, const struct insn *insn, size_t len,
				   bool write, gva_t *gva)
{
	CPU_TRY(exec_linear(v, insn->mem.seg, exec_effective_address(v, insn), len, write, gva));
	if (!is_aligned(*gva, env_width(insn)) && vcpu_checks_alignment(v))
		return fault_code(&v->cpu, AC_VECTOR, 0);
	return CPU_OK;
}

static unsigned int top_of(const struct xstate *x)
{
	return xstate_get16(x, XSTATE_FSW) >> 11 & 7;
}

/* SDM "x87 FPU Tag Word": 0 valid, 1 zero, 2 special. */
static unsigned int tag_of(const struct xstate *x, unsigned int st)
{
	uint64_t significand = xstate_get64(x, XSTATE_ST + 16 * st);
	uint16_t exponent = xstate_get16(x, XSTATE_ST + 16 * st + 8) & 0x7fff;

	if (!exponent && !significand)
		return 1;
	return exponent && exponent != 0x7fff && significand >> 63 ? 0 : 2;
}

static uint16_t full_tags(const struct xstate *x)
{
	uint16_t tags = 0;

	for (unsigned int i = 0; i < 8; i++) {
		bool empty = !(x->bytes[XSTATE_FTW] >> i & 1);

		tags |= (uint16_t)((empty ? TAG_EMPTY : tag_of(x, (i - top_of(x)) & 7)) << 2 * i);
	}
	return tags;
}

static uint8_t abridged_tags(uint16_t tags)
{
	uint8_t abridged = 0;

	for (unsigned int i = 0; i < 8; i++)
		if ((tags >> 2 * i & 3) != TAG_EMPTY)
			abridged |= (uint8_t)BIT32(i);
	return abridged;
}

/* Which words of the 32-bit format are 16 bits wide; the rest of those reads as ones. */
static bool is_half(const struct engine_vcpu *v, unsigned int word)
{
	if (word <= ENV_FTW)
		return true;
	if (!cpu_in_protected_mode(&v->cpu) || (v->cpu.state.rflags & X86_EFLAGS_VM))
		return word == ENV_FIP || word == ENV_FDP;
	return word == ENV_FDS;
}

static void make_env(const struct engine_vcpu *v, const struct xstate *x, unsigned int width,
		     uint8_t *env)
{
	const uint16_t low[ENV_WORDS] = {
		[ENV_FCW] = xstate_get16(x, XSTATE_FCW),
		[ENV_FSW] = xstate_get16(x, XSTATE_FSW),
		[ENV_FTW] = full_tags(x),
	};

	for (unsigned int i = 0; i < ENV_WORDS; i++) {
		uint32_t word = low[i] | (is_half(v, i) ? 0xffff0000 : 0);

		memcpy(env + i * width, &word, width);
	}
}

static uint16_t env_word(const uint8_t *env, unsigned int width, enum environment_word word)
{
	uint16_t value;

	memcpy(&value, env + word * width, sizeof(value));
	return value;
}

static void load_env(struct xstate *x, const uint8_t *env, unsigned int width)
{
	uint16_t fsw = env_word(env, width, ENV_FSW);

	xstate_set_top(x, fsw >> 11 & 7);
	xstate_set16(x, XSTATE_FCW, env_word(env, width, ENV_FCW));
	xstate_set16(x, XSTATE_FSW, fsw);
	x->bytes[XSTATE_FTW] = abridged_tags(env_word(env, width, ENV_FTW));
	xstate_settle_x87(x);
}

enum cpu_result exec_fnstenv(struct engine_vcpu *v, const struct insn *insn)
{
	unsigned int width = env_width(insn);
	uint8_t env[MAX_ENV_BYTES];
	struct xstate x;
	gva_t gva;

	CPU_TRY(check_x87(v));
	xstate_get(v, &x);
	make_env(v, &x, width, env);
	CPU_TRY(env_address(v, insn, ENV_WORDS * width, true, &gva));
	CPU_TRY(vcpu_write(v, gva, env, ENV_WORDS * width, vcpu_access(v) | PFERR_WRITE_MASK));
	xstate_set16(&x, XSTATE_FCW, xstate_get16(&x, XSTATE_FCW) | FCW_MASKS);
	xstate_settle_x87(&x);
	xstate_put(v, &x);
	exec_done(v, insn);
	return CPU_OK;
}

/* SDM FINIT: the registers keep their values, they only become empty. */
static void init_x87(struct xstate *x)
{
	xstate_set_top(x, 0);
	xstate_set16(x, XSTATE_FCW, FCW_INITIAL);
	xstate_set16(x, XSTATE_FSW, 0);
	x->bytes[XSTATE_FTW] = 0;
}

enum cpu_result exec_fnsave(struct engine_vcpu *v, const struct insn *insn)
{
	unsigned int width = env_width(insn), env_len = ENV_WORDS * width;
	uint8_t image[MAX_ENV_BYTES + STACK_BYTES];
	struct xstate x;
	gva_t gva;

	CPU_TRY(check_x87(v));
	xstate_get(v, &x);
	make_env(v, &x, width, image);
	for (unsigned int i = 0; i < 8; i++)
		memcpy(image + env_len + 10 * i, x.bytes + XSTATE_ST + 16 * i, 10);
	CPU_TRY(env_address(v, insn, env_len + STACK_BYTES, true, &gva));
	CPU_TRY(vcpu_write(v, gva, image, env_len + STACK_BYTES,
			   vcpu_access(v) | PFERR_WRITE_MASK));
	init_x87(&x);
	xstate_put(v, &x);
	exec_done(v, insn);
	return CPU_OK;
}

enum cpu_result exec_fldenv(struct engine_vcpu *v, const struct insn *insn)
{
	unsigned int width = env_width(insn);
	uint8_t env[MAX_ENV_BYTES];
	struct xstate x;
	gva_t gva;

	CPU_TRY(check_x87(v));
	xstate_get(v, &x);
	CPU_TRY(check_pending(v, &x));
	CPU_TRY(env_address(v, insn, ENV_WORDS * width, false, &gva));
	CPU_TRY(vcpu_read(v, gva, env, ENV_WORDS * width, vcpu_access(v)));
	load_env(&x, env, width);
	xstate_put(v, &x);
	exec_done(v, insn);
	return CPU_OK;
}

enum cpu_result exec_frstor(struct engine_vcpu *v, const struct insn *insn)
{
	unsigned int width = env_width(insn), env_len = ENV_WORDS * width;
	uint8_t image[MAX_ENV_BYTES + STACK_BYTES];
	struct xstate x;
	gva_t gva;

	CPU_TRY(check_x87(v));
	xstate_get(v, &x);
	CPU_TRY(check_pending(v, &x));
	CPU_TRY(env_address(v, insn, env_len + STACK_BYTES, false, &gva));
	CPU_TRY(vcpu_read(v, gva, image, env_len + STACK_BYTES, vcpu_access(v)));
	load_env(&x, image, width);
	for (unsigned int i = 0; i < 8; i++)
		memcpy(x.bytes + XSTATE_ST + 16 * i, image + env_len + 10 * i, 10);
	xstate_put(v, &x);
	exec_done(v, insn);
	return CPU_OK;
}
