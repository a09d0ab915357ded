// SPDX-License-Identifier: GPL-2.0-or-later
#include "fixture.h"

static struct fixture the_fixture;
static struct fixture saved;

static struct fixture *fixture_of(struct cpu *cpu)
{
	return container_of(cpu, struct fixture, cpu);
}

/* The fault of the first byte that @access may not have, or CPU_OK. */
static enum cpu_result check_access(struct cpu *cpu, gva_t gva, size_t len, uint32_t access)
{
	struct fixture *f = fixture_of(cpu);

	if (f->memory_result != CPU_OK)
		return f->memory_result;
	for (size_t i = 0; i < len; i++) {
		gva_t at = gva + i;
		bool absent = at >= MEM_SIZE || f->not_present[at >> 12];

		if (absent || ((access & PFERR_WRITE_MASK) && f->read_only[at >> 12])) {
			cpu->fault = (struct x86_exception){
				.vector = PF_VECTOR,
				.has_error_code = true,
				.error_code = (access & 0xffff) | (absent ? 0 : PFERR_PRESENT_MASK),
				.address = at,
			};
			return CPU_FAULT;
		}
	}
	return CPU_OK;
}

static enum cpu_result mem_read(struct cpu *cpu, gva_t gva, void *dst, size_t len, uint32_t access)
{
	CPU_TRY(check_access(cpu, gva, len, access));
	memcpy(dst, fixture_of(cpu)->mem + gva, len);
	return CPU_OK;
}

static enum cpu_result mem_write(struct cpu *cpu, gva_t gva, const void *src, size_t len,
				 uint32_t access)
{
	assert_true(access & PFERR_WRITE_MASK);
	CPU_TRY(check_access(cpu, gva, len, access));
	memcpy(fixture_of(cpu)->mem + gva, src, len);
	fixture_of(cpu)->writes++;
	return CPU_OK;
}

static enum cpu_result mem_or_byte(struct cpu *cpu, gva_t gva, uint8_t bits, uint8_t *old,
				   uint32_t access)
{
	assert_int_equal(access, PFERR_WRITE_MASK | CPU_ACCESS_IMPLICIT);
	CPU_TRY(check_access(cpu, gva, 1, access));
	*old = fixture_of(cpu)->mem[gva];
	fixture_of(cpu)->mem[gva] |= bits;
	fixture_of(cpu)->writes++;
	return CPU_OK;
}

static enum cpu_result load_pdptes(struct cpu *cpu, uint64_t cr3)
{
	return fixture_of(cpu)->bad_pdptes ? CPU_FAULT : CPU_OK;
}

static void paging_changed(struct cpu *cpu, const struct cpu_paging_change *change)
{
	fixture_of(cpu)->paging_changes++;
	fixture_of(cpu)->change = *change;
}

static void mode_changed(struct cpu *cpu)
{
	fixture_of(cpu)->mode_changes++;
}

static void cr8_changed(struct cpu *cpu)
{
	fixture_of(cpu)->cr8_changes++;
}

static void debug_changed(struct cpu *cpu)
{
	fixture_of(cpu)->debug_changes++;
}

static uint64_t xinuse(struct cpu *cpu)
{
	return XFEATURE_MASK_FP;
}

static const struct cpu_ops fixture_ops = {
	.read = mem_read,
	.write = mem_write,
	.or_byte = mem_or_byte,
	.load_pdptes = load_pdptes,
	.paging_changed = paging_changed,
	.mode_changed = mode_changed,
	.cr8_changed = cr8_changed,
	.debug_changed = debug_changed,
	.xinuse = xinuse,
};

uint64_t peek(const struct fixture *f, gva_t gva, size_t len)
{
	uint64_t value = 0;

	memcpy(&value, f->mem + gva, len);
	return value;
}

void poke(struct fixture *f, gva_t gva, uint64_t value, size_t len)
{
	memcpy(f->mem + gva, &value, len);
}

uint64_t make_descriptor(uint32_t base, uint32_t limit, uint8_t access, uint8_t flags)
{
	return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)access << 40 |
	       (uint64_t)(limit >> 16 & 0xf) << 48 | (uint64_t)(flags & 0xf) << 52 |
	       (uint64_t)(base >> 24) << 56;
}

void gdt_set(struct fixture *f, uint16_t selector, uint64_t low)
{
	poke(f, GDT_BASE + (selector & ~7u), low, 8);
}

uint64_t gdt_get(const struct fixture *f, uint16_t selector)
{
	return peek(f, GDT_BASE + (selector & ~7u), 8);
}

void idt_set(struct fixture *f, uint8_t vector, unsigned int type, unsigned int dpl,
	     uint16_t selector, uint64_t offset, unsigned int ist)
{
	bool is_long = f->cpu.state.efer & EFER_LMA;
	gva_t gva = IDT_BASE + vector * (is_long ? 16 : 8);

	poke(f, gva,
	     (offset & 0xffff) | (uint64_t)selector << 16 | (uint64_t)ist << 32 |
		     (uint64_t)(ACC_PRESENT | ACC_DPL(dpl) | type) << 40 |
		     (offset >> 16 & 0xffff) << 48,
	     8);
	if (is_long)
		poke(f, gva + 8, offset >> 32, 8);
}

void call_gate_set(struct fixture *f, unsigned int type, unsigned int dpl, uint16_t selector,
		   uint64_t offset, unsigned int params)
{
	gdt_set(f, SEL_FREE,
		(offset & 0xffff) | (uint64_t)selector << 16 | (uint64_t)params << 32 |
			(uint64_t)(ACC_PRESENT | ACC_DPL(dpl) | type) << 40 |
			(offset >> 16 & 0xffff) << 48);
	gdt_set(f, SEL_FREE + 8, offset >> 32);
}

void push_stack(struct fixture *f, uint64_t value, unsigned int width)
{
	f->cpu.state.gpr[X86_RSP] -= width;
	poke(f, f->cpu.state.gpr[X86_RSP], value, width);
}

static void fill_gdt(struct fixture *f)
{
	for (unsigned int dpl = 0; dpl < 4; dpl++) {
		uint8_t access = (uint8_t)(ACC_PRESENT | ACC_S | ACC_DPL(dpl));

		gdt_set(f, SEL(GDT_CODE, dpl),
			make_descriptor(0, 0xfffff, access | 0xb, FLAG_G | FLAG_DB));
		gdt_set(f, SEL(GDT_CONFORMING, dpl),
			make_descriptor(0, 0xfffff, access | 0xf, FLAG_G | FLAG_DB));
		gdt_set(f, SEL(GDT_DATA, dpl),
			make_descriptor(0, 0xfffff, access | 0x3, FLAG_G | FLAG_DB));
		gdt_set(f, SEL(GDT_CODE64, dpl),
			make_descriptor(0, 0xfffff, access | 0xb, FLAG_G | FLAG_L));
	}
	gdt_set(f, SEL_TSS, make_descriptor(TSS_BASE, 0x1067, ACC_PRESENT | DESC_TSS, 0));
	gdt_set(f, SEL_LDT, make_descriptor(LDT_BASE, 0xff, ACC_PRESENT | DESC_LDT, 0));
}

static void fill_tss(struct fixture *f, bool is_long)
{
	static const uint32_t tops[] = {STACK0, STACK1, STACK2};

	for (unsigned int cpl = 0; cpl < 3; cpl++) {
		poke(f, TSS_BASE + 4 + 8 * cpl, tops[cpl], 8);
		if (!is_long)
			poke(f, TSS_BASE + 8 + 8 * cpl, SEL(GDT_DATA, cpl) | cpl, 2);
	}
	if (is_long)
		for (unsigned int ist = 1; ist < 8; ist++)
			poke(f, TSS_BASE + 28 + 8 * ist, IST_STACK + 0x1000 * ist, 8);
	poke(f, TSS_BASE + 102, 104, 2);
}

static struct x86_segment flat(struct fixture *f, uint16_t selector, unsigned int rpl)
{
	struct descriptor d = {.low = gdt_get(f, selector), .selector = (uint16_t)(selector | rpl)};

	return descriptor_segment(&d);
}

static void set_segments(struct fixture *f, enum mode mode, unsigned int cpl)
{
	struct x86_state *state = &f->cpu.state;
	uint16_t code = mode == MODE_64BIT ? SEL(GDT_CODE64, cpl) : SEL(GDT_CODE, cpl);

	for (unsigned int i = 0; i < X86_NR_SEGS; i++) {
		if (mode == MODE_REAL)
			state->seg[i] = (struct x86_segment){
				.limit = 0xffff, .type = 3, .s = true, .present = true};
		else
			state->seg[i] = flat(f, i == X86_SEG_CS ? code : SEL(GDT_DATA, cpl), cpl);
	}
}

struct fixture *fixture_init(enum mode mode, unsigned int cpl)
{
	static const uint64_t tops[] = {STACK0, STACK1, STACK2, STACK3};
	struct fixture *f = &the_fixture;
	bool is_long = mode == MODE_COMPAT || mode == MODE_64BIT;

	memset(f, 0, sizeof(*f));
	f->cpu.ops = &fixture_ops;
	f->cpu.state.cr0 = X86_CR0_ET;
	if (mode != MODE_REAL)
		f->cpu.state.cr0 |= X86_CR0_PE;
	if (is_long) {
		f->cpu.state.cr0 |= X86_CR0_PG;
		f->cpu.state.cr4 = X86_CR4_PAE;
		f->cpu.state.efer = EFER_LME | EFER_LMA | EFER_SCE;
	}
	fill_gdt(f);
	fill_tss(f, is_long);
	f->cpu.gdtr = (struct cpu_table){GDT_BASE, GDT_LIMIT};
	f->cpu.idtr = (struct cpu_table){mode == MODE_REAL ? 0 : IDT_BASE, 0xfff};
	f->cpu.tr = flat(f, SEL_TSS, 0);
	f->cpu.tr.type = DESC_TSS_BUSY;
	f->cpu.ldtr = flat(f, SEL_LDT, 0);
	f->cpu.state.cpl = (uint8_t)cpl;
	set_segments(f, mode, cpl);
	f->cpu.state.gpr[X86_RSP] = mode == MODE_REAL ? 0xf000 : tops[cpl] - 0x800;
	f->cpu.state.rip = CODE_RIP;
	f->cpu.state.rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF;
	f->cpu.dr6 = 0xffff0ff0;
	f->cpu.dr7 = 0x400;
	f->cpu.features.phys_bits = 40;
	return f;
}

void fixture_save(const struct fixture *f)
{
	memcpy(&saved, f, sizeof(saved));
}

void fixture_assert_unchanged(const struct fixture *f)
{
	/* Both went through memcpy(), so that padding is the same too. */
	memcpy(&saved.cpu.fault, &f->cpu.fault, sizeof(saved.cpu.fault));
	assert_memory_equal(&saved, f, sizeof(saved));
}

void assert_fault(const struct fixture *f, enum cpu_result res, enum x86_vector vector,
		  uint32_t error_code)
{
	assert_int_equal(res, CPU_FAULT);
	assert_int_equal(f->cpu.fault.vector, vector);
	assert_true(f->cpu.fault.has_error_code);
	assert_int_equal(f->cpu.fault.error_code, error_code);
}

void assert_plain_fault(const struct fixture *f, enum cpu_result res, enum x86_vector vector)
{
	assert_int_equal(res, CPU_FAULT);
	assert_int_equal(f->cpu.fault.vector, vector);
	assert_false(f->cpu.fault.has_error_code);
}
