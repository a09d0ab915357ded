// SPDX-License-Identifier: GPL-2.0-or-later
#include "engine/operand.h"

#include "cpu/cpuid.h"
#include "cpu/segment.h"

#include <string.h>

static uint64_t size_mask(unsigned int size)
{
	return size >= 8 ? UINT64_MAX : BIT64(8 * size) - 1;
}

uint64_t exec_get_gpr(const struct engine_vcpu *v, unsigned int reg, unsigned int size)
{
	return v->cpu.state.gpr[reg] & size_mask(size);
}

void exec_set_gpr(struct engine_vcpu *v, unsigned int reg, unsigned int size, uint64_t value)
{
	uint64_t mask = size_mask(size), *gpr = &v->cpu.state.gpr[reg];

	if (size >= 4)
		*gpr = value & mask;
	else
		*gpr = (*gpr & ~mask) | (value & mask);
}

uint64_t exec_effective_address(const struct engine_vcpu *v, const struct insn *insn)
{
	const struct insn_mem *mem = &insn->mem;
	uint64_t offset = (uint64_t)mem->disp;

	if (mem->rip_relative)
		offset += exec_next_rip(v, insn);
	else if (mem->base >= 0)
		offset += v->cpu.state.gpr[mem->base];
	if (mem->index >= 0)
		offset += v->cpu.state.gpr[mem->index] * mem->scale;
	return offset & size_mask(mem->address_size);
}

static enum cpu_result fault_segment(struct engine_vcpu *v, unsigned int seg)
{
	return fault_code(&v->cpu, seg == X86_SEG_SS ? SS_VECTOR : GP_VECTOR, 0);
}

/* SDM "Type Checking". Real-address mode looks at the limit only. */
static bool type_permits(const struct x86_segment *s, bool write)
{
	if (s->type & X86_SEG_TYPE_CODE)
		return !write && (s->type & X86_SEG_TYPE_WRITABLE); /* of code: readable */
	return !write || (s->type & X86_SEG_TYPE_WRITABLE);
}

enum cpu_result exec_linear(struct engine_vcpu *v, unsigned int seg, uint64_t offset, size_t len,
			    bool write, gva_t *gva)
{
	const struct x86_state *state = &v->cpu.state;
	const struct x86_segment *s = &state->seg[seg];

	if (x86_is_64bit(state)) {
		*gva = offset;
		if (seg == X86_SEG_FS || seg == X86_SEG_GS)
			*gva += s->base;
		if (!x86_is_canonical(state, *gva) || !x86_is_canonical(state, *gva + len - 1))
			return fault_segment(v, seg);
		return CPU_OK;
	}
	*gva = (uint32_t)(s->base + offset);
	if (s->unusable || !s->present)
		return fault_segment(v, seg);
	if (cpu_in_protected_mode(&v->cpu) && !type_permits(s, write))
		return fault_segment(v, seg);
	return segment_contains(s, offset, len) ? CPU_OK : fault_segment(v, seg);
}

enum cpu_result operand_check_alignment(struct engine_vcpu *v, gva_t gva, unsigned int align)
{
	if (vcpu_checks_alignment(v) && !is_aligned(gva, align))
		return fault_code(&v->cpu, AC_VECTOR, 0);
	return CPU_OK;
}

/* 6 bytes are aligned as 4, 10 as 8, and nothing more than a double quadword. */
static unsigned int natural_alignment(size_t len)
{
	unsigned int align = 16;

	while (align > len)
		align /= 2;
	return align;
}

static enum cpu_result operand_linear(struct engine_vcpu *v, const struct insn *insn, size_t len,
				      unsigned int align, bool write, gva_t *gva)
{
	CPU_TRY(exec_linear(v, insn->mem.seg, exec_effective_address(v, insn), len, write, gva));
	return operand_check_alignment(v, *gva, align);
}

enum cpu_result operand_load(struct engine_vcpu *v, const struct insn *insn, void *dst, size_t len,
			     unsigned int align)
{
	gva_t gva;

	CPU_TRY(operand_linear(v, insn, len, align, false, &gva));
	return vcpu_read(v, gva, dst, len, vcpu_access(v));
}

enum cpu_result exec_load(struct engine_vcpu *v, const struct insn *insn, void *dst, size_t len)
{
	return operand_load(v, insn, dst, len, natural_alignment(len));
}

enum cpu_result exec_store(struct engine_vcpu *v, const struct insn *insn, const void *src,
			   size_t len)
{
	gva_t gva;

	CPU_TRY(operand_linear(v, insn, len, natural_alignment(len), true, &gva));
	return vcpu_write(v, gva, src, len, vcpu_access(v) | PFERR_WRITE_MASK);
}

enum cpu_result operand_read_rm(struct engine_vcpu *v, const struct insn *insn, unsigned int size,
				uint64_t *value)
{
	*value = 0;
	if (insn->mem.present)
		return exec_load(v, insn, value, size);
	*value = exec_get_gpr(v, insn_modrm_rm(insn), size);
	return CPU_OK;
}

enum cpu_result operand_write_rm(struct engine_vcpu *v, const struct insn *insn, unsigned int size,
				 uint64_t value)
{
	if (insn->mem.present)
		return exec_store(v, insn, &value, size);
	exec_set_gpr(v, insn_modrm_rm(insn), size, value);
	return CPU_OK;
}

enum cpu_result operand_store_word(struct engine_vcpu *v, const struct insn *insn, uint64_t value)
{
	return operand_write_rm(v, insn, insn->mem.present ? 2 : insn->operand_size, value);
}

enum cpu_result operand_load_far(struct engine_vcpu *v, const struct insn *insn, uint16_t *selector,
				 uint64_t *offset)
{
	unsigned int size = insn->operand_size;
	uint8_t bytes[10];

	CPU_TRY(operand_load(v, insn, bytes, size + 2, size));
	*offset = 0;
	memcpy(offset, bytes, size);
	memcpy(selector, bytes + size, sizeof(*selector));
	return CPU_OK;
}

bool insn_has_repeat(const struct insn *insn)
{
	for (unsigned int i = 0; i < insn->opcode_at; i++)
		if (insn->bytes[i] == 0xf2 || insn->bytes[i] == 0xf3)
			return true;
	return false;
}

/* The segment that @prefix overrides to, or X86_NR_SEGS. */
static unsigned int override_of(uint8_t prefix, bool is_64bit)
{
	if (prefix == 0x64)
		return X86_SEG_FS;
	if (prefix == 0x65)
		return X86_SEG_GS;
	/* 26, 2E, 36, 3E. SDM "Segment Override Prefixes": 64-bit mode ignores them. */
	if ((prefix & 0xe7) == 0x26 && !is_64bit)
		return prefix >> 3 & 3;
	return X86_NR_SEGS;
}

unsigned int operand_segment(const struct engine_vcpu *v, const struct insn *insn)
{
	bool is_64bit = x86_is_64bit(&v->cpu.state);
	unsigned int segment = X86_SEG_DS;

	for (unsigned int i = 0; i < insn->opcode_at; i++) {
		unsigned int override = override_of(insn->bytes[i], is_64bit);

		if (override != X86_NR_SEGS)
			segment = override;
	}
	return segment;
}

bool exec_offers(const struct engine_vcpu *v, uint32_t leaf, unsigned int reg, unsigned int bit)
{
	const struct cpuid_entry *entry;

	if (!v->cpu.cpuid)
		return false;
	entry = cpuid_find(v->cpu.cpuid, leaf, 0);
	return entry && (entry->regs[reg] & BIT32(bit));
}
