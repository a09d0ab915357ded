// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From an offset in a segment to a linear address. In 64-bit code only FS and GS
 * have a base. Elsewhere the block's mode says whether ES, CS, SS and DS are
 * flat; what is not goes through a function in C that looks at the hidden part
 * of the segment register and makes every check that the processor makes.
 */
#include "engine/translate.h"

#include "lib/bits.h"

/*
 * CS may not be written, and FS and GS have a base where the others are flat:
 * that is what those who use them use them for.
 */
static bool is_flat(const struct translation *t, enum x86_seg seg)
{
	return !(t->mode & MODE_SEGMENTED) &&
	       (seg == X86_SEG_ES || seg == X86_SEG_SS || seg == X86_SEG_DS);
}

static void call_segment(struct translation *t, unsigned int reg, const struct access *a)
{
	uint8_t *rel32;

	emit_gs_store(&t->e, reg, GS(miss_gva));
	rel32 = emit_call(&t->e);
	emit_patch(&t->e, rel32, cache_to_writable(t->cache, t->stubs->segment));
	translation_record(t, t->e.p, a);
}

static void add_base(struct translation *t, unsigned int addr, enum x86_seg seg, uint16_t avoid)
{
	unsigned int base = regs_scratch(t, (uint16_t)(avoid | BIT32(addr)), false);

	emit_gs_load(&t->e, base, GS_SEG_BASE(seg));
	emit_lea(&t->e, true, addr, addr, (int)base, 0, 0);
	t->busy &= (uint16_t)~BIT32(base);
}

void access_linear(struct translation *t, unsigned int addr, enum x86_seg seg, uint32_t size,
		   bool write, uint16_t avoid)
{
	struct access a = {
		.insn = (uint8_t)t->current,
		.size = size,
		.write = write,
		.seg = (uint8_t)seg,
		.addend = NO_REG,
		.spilled = t->spilled,
		.rsp_home = t->rsp_dirty ? t->rsp : NO_REG,
	};

	if (mode_is_64bit(t->mode)) {
		if (seg == X86_SEG_FS || seg == X86_SEG_GS)
			add_base(t, addr, seg, avoid);
		return;
	}
	if (is_flat(t, seg))
		return;
	call_segment(t, addr, &a);
	emit_gs_load(&t->e, addr, GS(miss_gva));
}

void access_check_target(struct translation *t, unsigned int reg, uint16_t spilled)
{
	struct access a = {
		.insn = (uint8_t)t->current,
		.seg = FAULT_RECORD_TARGET,
		.addend = NO_REG,
		.spilled = spilled,
		.rsp_home = t->rsp_dirty ? t->rsp : NO_REG,
	};

	if (t->mode & MODE_SEGMENTED)
		call_segment(t, reg, &a);
}
