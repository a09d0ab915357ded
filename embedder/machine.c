// SPDX-License-Identifier: GPL-2.0-or-later
#include "machine.h"

#include "lib/mem.h"

#include <errno.h>
#include <string.h>

#define PAGE_SIZE 4096u

/* Pages of the system area. */
enum system_page {
	PAGE_GDT,
	PAGE_TSS,
	PAGE_IDT,
	PAGE_HANDLERS, /* MACHINE_HANDLER_SIZE for each vector */
	PAGE_STACK_LOW,
	PAGE_STACK,
	PAGE_KERNEL_CODE,
	PAGE_KERNEL_STACK,
};
_Static_assert(PAGE_KERNEL_CODE == (MACHINE_KERNEL_CODE - MACHINE_SYSTEM) / PAGE_SIZE, "its place");

#define STACK_TOP        (MACHINE_SYSTEM + (PAGE_STACK + 1) * PAGE_SIZE)
#define KERNEL_STACK_TOP (MACHINE_SYSTEM + (PAGE_KERNEL_STACK + 1) * PAGE_SIZE)
#define OPCODE_HLT       0xf4

static void synchronize(void *opaque)
{
	struct machine *m = opaque;

	engine_synchronize(m->engine);
}

int machine_add_ram(struct machine *m, gpa_t gpa, void *hva, uint64_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = m->slot_count,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uint64_t)(uintptr_t)hva,
	};
	int ret = memslots_set(m->slots, &region, m->epc);

	if (!ret)
		m->slot_count++;
	return ret;
}

static uint64_t *table_at(struct machine *m, uint64_t entry)
{
	return (uint64_t *)(m->tables + ((entry & ~UINT64_C(0xfff)) - MACHINE_TABLES));
}

static uint64_t *next_table(struct machine *m, uint64_t *entry)
{
	if (!*entry) {
		*entry = (MACHINE_TABLES + m->tables_used) | 7;
		m->tables_used += PAGE_SIZE;
	}
	return table_at(m, *entry);
}

void machine_map(struct machine *m, gva_t gva, gpa_t gpa, uint64_t size, uint32_t flags,
		 unsigned int shift)
{
	for (uint64_t done = 0; done < size; done += UINT64_C(1) << shift) {
		uint64_t *table = (uint64_t *)m->tables;
		gva_t at = gva + done;

		for (unsigned int level = 39; level > shift; level -= 9)
			table = next_table(m, &table[at >> level & 511]);
		table[at >> shift & 511] = (gpa + done) | flags | 1 | (shift > 12 ? 1 << 7 : 0);
	}
}

static void put64(struct machine *m, enum system_page page, unsigned int offset, uint64_t value)
{
	memcpy(m->system + page * PAGE_SIZE + offset, &value, sizeof(value));
}

static void make_gdt(struct machine *m)
{
	const uint64_t tss = MACHINE_SYSTEM + PAGE_TSS * PAGE_SIZE;

	put64(m, PAGE_GDT, MACHINE_KERNEL_CS, UINT64_C(0x00af9b000000ffff));
	put64(m, PAGE_GDT, MACHINE_KERNEL_DS, UINT64_C(0x00cf93000000ffff));
	put64(m, PAGE_GDT, MACHINE_USER_CS & ~7u, UINT64_C(0x00affb000000ffff));
	put64(m, PAGE_GDT, MACHINE_USER_DS & ~7u, UINT64_C(0x00cff3000000ffff));
	put64(m, PAGE_GDT, MACHINE_TSS,
	      UINT64_C(0x8b) << 40 | 0x67 | (tss & 0xffffff) << 16 | (tss >> 24 & 0xff) << 56);
	put64(m, PAGE_GDT, MACHINE_TSS + 8, tss >> 32);
}

#define HANDLERS (PAGE_HANDLERS * PAGE_SIZE)

uint8_t *machine_handler(struct machine *m, unsigned int vector)
{
	return m->system + HANDLERS + (size_t)vector * MACHINE_HANDLER_SIZE;
}

gva_t machine_handler_gva(unsigned int vector)
{
	return MACHINE_SYSTEM + HANDLERS + vector * MACHINE_HANDLER_SIZE;
}

static void make_idt(struct machine *m)
{
	for (unsigned int vector = 0; vector < 256; vector++) {
		gva_t handler = machine_handler_gva(vector);

		/* An interrupt gate of DPL 3 with IST 1. */
		put64(m, PAGE_IDT, vector * 16,
		      (handler & 0xffff) | MACHINE_KERNEL_CS << 16 | UINT64_C(1) << 32 |
			      UINT64_C(0xee) << 40 | (handler >> 16 & 0xffff) << 48);
		put64(m, PAGE_IDT, vector * 16 + 8, handler >> 32);
		*machine_handler(m, vector) = OPCODE_HLT;
	}
	put64(m, PAGE_TSS, 36, STACK_TOP); /* IST 1 */
}

static struct x86_segment segment(uint16_t selector, uint8_t type, uint8_t dpl, bool l)
{
	return (struct x86_segment){
		.limit = UINT32_MAX,
		.selector = selector,
		.type = type,
		.s = true,
		.dpl = dpl,
		.present = true,
		.l = l,
		.db = !l,
		.g = true,
	};
}

void machine_enter_user(struct machine *m)
{
	struct cpu *cpu = &m->v->cpu;
	struct x86_state *s = &cpu->state;

	s->cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_ET | X86_CR0_NE | X86_CR0_MP | X86_CR0_WP;
	s->cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_OSXSAVE |
		 X86_CR4_FSGSBASE;
	s->efer = EFER_LME | EFER_LMA | EFER_NX | EFER_SCE;
	s->xcr0 = XFEATURE_MASK_FP | XFEATURE_MASK_SSE | XFEATURE_MASK_YMM;
	s->cpl = 3;
	s->rflags = X86_EFLAGS_FIXED;
	cpu->cr3 = MACHINE_TABLES;
	s->seg[X86_SEG_CS] = segment(MACHINE_USER_CS, 11, 3, true);
	for (unsigned int i = 0; i < X86_NR_SEGS; i++)
		if (i != X86_SEG_CS)
			s->seg[i] = segment(MACHINE_USER_DS, 3, 3, false);
	cpu->gdtr =
		(struct cpu_table){.base = MACHINE_SYSTEM + PAGE_GDT * PAGE_SIZE, .limit = 0x37};
	cpu->idtr =
		(struct cpu_table){.base = MACHINE_SYSTEM + PAGE_IDT * PAGE_SIZE, .limit = 0xfff};
	cpu->tr = (struct x86_segment){
		.base = MACHINE_SYSTEM + PAGE_TSS * PAGE_SIZE,
		.limit = 0x67,
		.selector = MACHINE_TSS,
		.type = 11,
		.present = true,
	};
}

static void enter_kernel(struct machine *m)
{
	struct x86_state *s = &m->v->cpu.state;

	machine_enter_user(m);
	s->cpl = 0;
	s->seg[X86_SEG_CS] = segment(MACHINE_KERNEL_CS, 11, 0, true);
	s->seg[X86_SEG_SS] = segment(MACHINE_KERNEL_DS, 3, 0, false);
	s->gpr[X86_RSP] = KERNEL_STACK_TOP;
	s->rip = MACHINE_KERNEL_CODE;
}

struct machine_trap machine_run_kernel(struct machine *m, const void *code, size_t len)
{
	uint8_t *place = m->system + PAGE_KERNEL_CODE * PAGE_SIZE;

	enter_kernel(m);
	if (memcmp(place, code, len) != 0) {
		memcpy(place, code, len);
		engine_memory_written(m->engine);
	}
	return machine_run(m);
}

int machine_init(struct machine *m, uint32_t debug)
{
	return machine_init_with(m, debug, NULL);
}

int machine_init_with(struct machine *m, uint32_t debug, const struct engine_ops *ops)
{
	struct engine_config config = {.debug = debug, .ops = ops};
	struct engine_vcpu_config vcpu = {.is_bsp = true, .run_fd = -1};
	const struct cpuid_extra extra = {0};
	int ret;

	memset(m, 0, sizeof(*m));
	m->system = mem_reserve(MACHINE_SYSTEM_PAGES * PAGE_SIZE);
	m->tables = mem_reserve(MACHINE_TABLES_SIZE);
	m->slots = memslots_new(MEMSLOT_MAX_PHYS_BITS, synchronize, m);
	if (!m->system || !m->tables || !m->slots)
		return -ENOMEM;
	config.slots = m->slots;
	ret = engine_new(&config, &m->engine);
	if (!ret)
		ret = engine_vcpu_new(m->engine, &vcpu, &m->v);
	if (ret)
		return ret;
	cpuid_offer(&m->cpuid, cpuid_host, &extra);
	for (unsigned int i = 0; i < m->cpuid.count; i++)
		if (m->cpuid.entry[i].leaf == 0x80000008)
			m->cpuid.entry[i].regs[CPUID_EAX] = 48 << 8 | MEMSLOT_MAX_PHYS_BITS;
	cpu_set_cpuid(&m->v->cpu, &m->cpuid);
	m->tables_used = PAGE_SIZE;
	make_gdt(m);
	make_idt(m);
	ret = machine_add_ram(m, MACHINE_SYSTEM, m->system, MACHINE_SYSTEM_PAGES * PAGE_SIZE);
	if (!ret)
		ret = machine_add_ram(m, MACHINE_TABLES, m->tables, MACHINE_TABLES_SIZE);
	machine_map(m, MACHINE_SYSTEM, MACHINE_SYSTEM, MACHINE_SYSTEM_PAGES * PAGE_SIZE,
		    MACHINE_WRITABLE, 12);
	machine_enter_user(m);
	engine_state_changed(m->v);
	return ret;
}

void machine_destroy(struct machine *m)
{
	engine_vcpu_free(m->v);
	memslots_free(m->slots);
	engine_free(m->engine);
	mem_release(m->system, MACHINE_SYSTEM_PAGES * PAGE_SIZE);
	mem_release(m->tables, MACHINE_TABLES_SIZE);
}

static bool has_error_code(unsigned int vector)
{
	return vector == DF_VECTOR || (vector >= TS_VECTOR && vector <= PF_VECTOR) ||
	       vector == AC_VECTOR;
}

struct machine_trap machine_run(struct machine *m)
{
	struct machine_trap trap = {.vector = -1};
	struct x86_state *s = &m->v->cpu.state;
	uint64_t frame[6];
	uint64_t handler;

	trap.exit = engine_run(m->v);
	handler = s->rip - 1 - machine_handler_gva(0);
	if (trap.exit != ENGINE_EXIT_HLT || handler >= 256 * MACHINE_HANDLER_SIZE)
		return trap;
	trap.vector = (int)(handler / MACHINE_HANDLER_SIZE);
	memcpy(frame, m->system + (s->gpr[X86_RSP] - MACHINE_SYSTEM), sizeof(frame));
	if (has_error_code((unsigned int)trap.vector))
		trap.error_code = (uint32_t)frame[0];
	memcpy(frame,
	       m->system + (s->gpr[X86_RSP] - MACHINE_SYSTEM) +
		       (has_error_code((unsigned int)trap.vector) ? 8 : 0),
	       5 * sizeof(frame[0]));
	trap.rip = frame[0];
	trap.rflags = frame[2];
	trap.rsp = frame[3];
	return trap;
}
