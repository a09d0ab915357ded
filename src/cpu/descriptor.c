// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/fault.h"
#include "cpu/segment.h"

struct x86_segment segment_null(uint16_t selector)
{
	return (struct x86_segment){.selector = selector, .unusable = true};
}

struct x86_segment descriptor_segment(const struct descriptor *d)
{
	uint32_t limit = (uint32_t)((d->low & 0xffff) | (d->low >> 32 & 0xf0000));
	bool g = d->low >> 55 & 1;

	return (struct x86_segment){
		.base = (d->low >> 16 & 0xffffff) | (d->low >> 32 & 0xff000000) |
			(d->high & 0xffffffff) << 32,
		.limit = g ? limit << 12 | 0xfff : limit,
		.selector = d->selector,
		.type = (uint8_t)descriptor_type(d),
		.s = !descriptor_is_system(d),
		.dpl = (uint8_t)descriptor_dpl(d),
		.present = descriptor_is_present(d),
		.avl = d->low >> 52 & 1,
		.l = descriptor_is_64bit_code(d),
		.db = descriptor_is_big(d),
		.g = g,
	};
}

bool segment_contains(const struct x86_segment *seg, uint64_t offset, size_t len)
{
	uint64_t last = offset + len - 1;

	if (!(seg->type & X86_SEG_TYPE_CODE) && (seg->type & X86_SEG_TYPE_EXPAND_DOWN))
		return offset > seg->limit && last <= (seg->db ? 0xffffffff : 0xffff);
	/* SDM "Limit Checking" leaves it open; processors let an access wrap around at 4 GiB. */
	return last <= seg->limit || seg->limit == UINT32_MAX;
}

/* Where @selector's descriptor lies; false when @len bytes of it are not in the table. */
static bool descriptor_locate(const struct cpu *cpu, uint16_t selector, size_t len, gva_t *gva)
{
	uint64_t offset = selector & ~7u;
	uint64_t base = cpu->gdtr.base;
	uint64_t limit = cpu->gdtr.limit;

	if (selector & SELECTOR_TI) {
		if (cpu->ldtr.unusable)
			return false;
		base = cpu->ldtr.base;
		limit = cpu->ldtr.limit;
	}
	if (offset + len - 1 > limit)
		return false;
	*gva = base + offset;
	if (!cpu_in_long_mode(cpu))
		*gva = (uint32_t)*gva;
	return true;
}

enum cpu_result descriptor_read(struct cpu *cpu, uint16_t selector, enum x86_vector vector,
				uint32_t ext, struct descriptor *d)
{
	*d = (struct descriptor){.selector = selector};
	if (!descriptor_locate(cpu, selector, 8, &d->gva))
		return fault_selector(cpu, vector, selector, ext);
	return cpu->ops->read(cpu, d->gva, &d->low, 8, CPU_ACCESS_IMPLICIT);
}

enum cpu_result descriptor_read_high(struct cpu *cpu, enum x86_vector vector, uint32_t ext,
				     struct descriptor *d)
{
	if (!descriptor_locate(cpu, d->selector, 16, &d->gva))
		return fault_selector(cpu, vector, d->selector, ext);
	CPU_TRY(cpu->ops->read(cpu, d->gva + 8, &d->high, 8, CPU_ACCESS_IMPLICIT));

	/* The second half's type field must say 0: it is no descriptor of its own. */
	if (d->high >> 40 & 0x1f)
		return fault_selector(cpu, vector, d->selector, ext);
	return CPU_OK;
}

enum cpu_result descriptor_set_accessed(struct cpu *cpu, struct descriptor *d)
{
	uint8_t old;

	/* Kernels keep their GDT in read-only pages, so no write that is not needed. */
	if (descriptor_type(d) & X86_SEG_TYPE_ACCESSED)
		return CPU_OK;
	d->low |= BIT64(40);
	return cpu->ops->or_byte(cpu, d->gva + 5, X86_SEG_TYPE_ACCESSED, &old,
				 PFERR_WRITE_MASK | CPU_ACCESS_IMPLICIT);
}
