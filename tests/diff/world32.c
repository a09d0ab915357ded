// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "world32.h"

#include "cpu/segment.h"
#include "engine/engine.h"
#include "lib/bits.h"

#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The guest's system: one page each. */
#define SYSTEM      WORLD32_SYSTEM
#define TABLES      SYSTEM /* GDT at 0, IDT at 0x400, TSS at 0xc00 */
#define IDT         (TABLES + 0x400)
#define TSS         (TABLES + 0xc00)
#define HANDLERS    (SYSTEM + 0x1000) /* a HLT for each vector */
#define RING0_STACK (SYSTEM + 0x2000)
#define PAGE_TABLES (SYSTEM + 0x3000) /* directory, and tables of system, code and data */
#define SYSTEM_SIZE 0x8000

#define SELECTOR_CODE0  0x08
#define SELECTOR_STACK0 0x10
#define VECTORS         32

#define HAS_ERROR_CODE                                                               \
	(BIT32(DF_VECTOR) | BIT32(TS_VECTOR) | BIT32(NP_VECTOR) | BIT32(SS_VECTOR) | \
	 BIT32(GP_VECTOR) | BIT32(PF_VECTOR) | BIT32(AC_VECTOR))

struct world32 {
	struct memslots *slots;
	struct engine *engine;
	struct engine_vcpu *v;
	uint8_t *system, *code, *data;
};

static void synchronize(void *opaque)
{
}

static void put32(struct world32 *w, uint32_t address, uint32_t value)
{
	memcpy(w->system + (address - SYSTEM), &value, sizeof(value));
}

static uint32_t get32(const struct world32 *w, uint32_t address)
{
	uint32_t value = 0;

	if (address - SYSTEM <= SYSTEM_SIZE - sizeof(value))
		memcpy(&value, w->system + (address - SYSTEM), sizeof(value));
	return value;
}

static uint8_t *add_memory(struct world32 *w, unsigned int slot, uint32_t base, size_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .guest_phys_addr = base, .memory_size = size};
	uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	region.userspace_addr = (uint64_t)(uintptr_t)p;
	return p == MAP_FAILED || memslots_set(w->slots, &region, NULL) ? NULL : p;
}

static void map_pages(struct world32 *w, unsigned int table, uint32_t base, uint32_t size,
		      uint32_t flags)
{
	uint32_t pt = PAGE_TABLES + 0x1000 + table * 0x1000;

	put32(w, PAGE_TABLES + (base >> 22) * 4, pt | 7);
	for (uint32_t page = base; page < base + size; page += 4096)
		put32(w, pt + (page >> 12 & 1023) * 4, page | flags);
}

static void fill_system(struct world32 *w)
{
	put32(w, TABLES + SELECTOR_CODE0, 0x0000ffff);
	put32(w, TABLES + SELECTOR_CODE0 + 4, 0x00cf9b00);
	put32(w, TABLES + SELECTOR_STACK0, 0x0000ffff);
	put32(w, TABLES + SELECTOR_STACK0 + 4, 0x00cf9300);
	put32(w, TSS + 4, RING0_STACK + 0x1000);
	put32(w, TSS + 8, SELECTOR_STACK0);
	put32(w, TSS + 0x64, UINT32_C(0xffff0000)); /* no map of I/O ports */
	memset(w->system + (HANDLERS - SYSTEM), 0xf4, VECTORS);
	for (uint32_t i = 0; i < VECTORS; i++) {
		put32(w, IDT + i * 8, SELECTOR_CODE0 << 16 | ((HANDLERS + i) & 0xffff));
		put32(w, IDT + i * 8 + 4, (HANDLERS & 0xffff0000) | 0xee00);
	}
	map_pages(w, 0, SYSTEM, SYSTEM_SIZE, 3);
	map_pages(w, 1, DIFF_CODE, DIFF_CODE_SIZE, 5);
	map_pages(w, 2, DIFF_DATA, DIFF_DATA_SIZE, 7);
}

struct world32 *world32_new(uint32_t debug)
{
	struct world32 *w = calloc(1, sizeof(*w));
	struct engine_config config = {.debug = debug};
	const struct engine_vcpu_config vcpu = {.is_bsp = true, .run_fd = -1};

	if (!w)
		return NULL;
	w->slots = config.slots = memslots_new(36, synchronize, NULL);
	if (!w->slots)
		return NULL;
	w->system = add_memory(w, 0, SYSTEM, SYSTEM_SIZE);
	w->code = add_memory(w, 1, DIFF_CODE, DIFF_CODE_SIZE);
	w->data = add_memory(w, 2, DIFF_DATA, DIFF_DATA_SIZE);
	if (!w->system || !w->code || !w->data || engine_new(&config, &w->engine) ||
	    engine_vcpu_new(w->engine, &vcpu, &w->v))
		return NULL;
	fill_system(w);
	return w;
}

void world32_free(struct world32 *w)
{
	engine_vcpu_free(w->v);
	engine_free(w->engine);
	memslots_free(w->slots);
	munmap(w->system, SYSTEM_SIZE);
	munmap(w->code, DIFF_CODE_SIZE);
	munmap(w->data, DIFF_DATA_SIZE);
	free(w);
}

uint8_t *world32_data(struct world32 *w)
{
	return w->data;
}

/* What the child's selectors stand for. */
static struct x86_segment segment_of(const struct diff_shared *shared, uint16_t selector)
{
	const struct diff_segment *seg = &shared->ldt[selector >> 3 & (DIFF_LDT_SEGMENTS - 1)];
	struct x86_segment s = {
		.selector = selector, .limit = UINT32_MAX, .s = true, .dpl = 3, .present = true};

	if (selector <= 3) {
		s.unusable = true;
		return s;
	}
	s.db = true;
	s.type = X86_SEG_TYPE_ACCESSED | X86_SEG_TYPE_WRITABLE;
	if (selector == DIFF_FLAT_CODE32)
		s.type |= X86_SEG_TYPE_CODE;
	if (selector == DIFF_FLAT_CODE32 || selector == DIFF_FLAT_DATA)
		return s;
	s.base = seg->base;
	s.limit = seg->limit;
	s.db = seg->is_big;
	s.type |= (uint8_t)(seg->contents << 2);
	if (seg->is_read_only)
		s.type &= (uint8_t)~X86_SEG_TYPE_WRITABLE;
	return s;
}

static void set_tables(struct cpu *cpu)
{
	cpu->cr3 = PAGE_TABLES;
	cpu->gdtr = (struct cpu_table){.base = TABLES, .limit = 0x17};
	cpu->idtr = (struct cpu_table){.base = IDT, .limit = VECTORS * 8 - 1};
	cpu->tr = (struct x86_segment){.base = TSS,
				       .limit = 0x67,
				       .selector = 0x28,
				       .type = DESC_TSS_BUSY,
				       .present = true};
}

static void set_state(struct world32 *w, const struct diff_shared *shared)
{
	const struct diff_state *in = &shared->in;
	struct x86_state *s = &w->v->cpu.state;

	set_tables(&w->v->cpu);
	memcpy(s->gpr, in->gpr, sizeof(s->gpr));
	s->rip = (uint32_t)in->rip;
	s->rflags = in->flags | X86_EFLAGS_FIXED;
	s->cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_WP | X86_CR0_NE | X86_CR0_ET | X86_CR0_MP;
	s->cr4 = X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_OSXSAVE;
	s->xcr0 = 7;
	s->cpl = 3;
	for (unsigned int i = 0; i < X86_NR_SEGS; i++)
		s->seg[i] = segment_of(shared, in->seg[i]);
	memcpy(w->v->xstate, in->xstate, DIFF_XSTATE);
}

void world32_run(struct world32 *w, const struct diff_shared *shared, struct diff_state *out)
{
	struct x86_state *s = &w->v->cpu.state;
	uint32_t sp;

	memcpy(w->code, shared->code, DIFF_CODE_SIZE);
	memcpy(w->data, shared->data, DIFF_DATA_SIZE);
	engine_memory_written(w->engine);
	set_state(w, shared);
	engine_state_changed(w->v);
	*out = (struct diff_state){.vector = 0xff};
	if (engine_run(w->v) != ENGINE_EXIT_HLT) {
		out->error_code = (uint32_t)w->v->exit.reason;
		out->rip = s->rip;
		return;
	}
	out->vector = (uint32_t)s->rip - HANDLERS - 1;
	sp = (uint32_t)s->gpr[X86_RSP];
	if (out->vector < 32 && (HAS_ERROR_CODE & BIT32(out->vector))) {
		out->error_code = get32(w, sp);
		sp += 4;
	}
	memcpy(out->gpr, s->gpr, sizeof(out->gpr));
	out->rip = get32(w, sp);
	out->flags = get32(w, sp + 8);
	out->gpr[X86_RSP] = get32(w, sp + 12);
	out->address = s->cr2;
	memcpy(out->xstate, w->v->xstate, DIFF_XSTATE);
}
