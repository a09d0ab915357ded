// SPDX-License-Identifier: GPL-2.0-or-later
/* GDT, IDT and TSS as every test finds them, and the registers to run code with. */
#include "guest.h"
#include "instr.h"

struct tss64 tss;
struct gate idt[256];
uint8_t ist_stack[3][4096] __attribute__((aligned(16)));
static uint8_t code_stack[2][4096] __attribute__((aligned(16)));
static uint64_t first_gdt[GDT_ENTRIES];

extern const char trap_stubs[];

void gate_set(unsigned int vector, uint8_t type, uint8_t ist)
{
	uint64_t target = (uint64_t)trap_stubs + 16 * vector;

	idt[vector] = (struct gate){
		.offset_low = (uint16_t)target,
		.selector = KERNEL_CS,
		.ist = ist,
		.type = type,
		.offset_middle = (uint16_t)(target >> 16),
		.offset_high = (uint32_t)(target >> 32),
	};
}

void tss_load(void)
{
	uint64_t base = (uint64_t)&tss;

	gdt[TSS64 / 8] = (sizeof(tss) - 1) | (base & 0xffffff) << 16 | UINT64_C(0x89) << 40 |
			 (base >> 24 & 0xff) << 56;
	gdt[TSS64 / 8 + 1] = base >> 32;
	asm volatile("ltr %w0" ::"r"(TSS64) : "memory");
}

static void tss_reset(void)
{
	memset(&tss, 0, sizeof(tss));
	for (unsigned int i = 0; i < 3; i++)
		tss.ist[i] = (uint64_t)ist_stack[i] + sizeof(ist_stack[i]);
	tss.rsp[0] = tss.ist[2];
	tss.iomap_base = sizeof(tss);
	tss_load();
}

static void load_tables(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) gdtr = {sizeof(gdt) - 1, (uint64_t)gdt},
				  idtr = {sizeof(idt) - 1, (uint64_t)idt};

	asm volatile("lgdt %0\n\tlidt %1" ::"m"(gdtr), "m"(idtr));
	asm volatile("lldt %w0" ::"r"(0));
}

void tables_reset(void)
{
	if (!first_gdt[1])
		memcpy(first_gdt, gdt, sizeof(gdt));
	memcpy(gdt, first_gdt, sizeof(gdt));
	for (unsigned int i = 0; i < 256; i++)
		gate_set(i, GATE_INTERRUPT, IST_DEFAULT);
	idt[3].type |= GATE_DPL3;
	idt[4].type |= GATE_DPL3;
	idt[DONE_VECTOR].type |= GATE_DPL3;
	load_tables();
	tss_reset();
}

static void state_init(struct state *s, uint64_t code, uint64_t stack, uint16_t cs, uint16_t ss)
{
	memset(s, 0, sizeof(*s));
	s->rip = code;
	s->rflags = FLAGS_ONE;
	s->gpr[RSP] = stack;
	s->cs = cs;
	s->ss = ss;
	s->vector = UINT64_MAX;
}

void state_kernel(struct state *s, const void *code)
{
	state_init(s, (uint64_t)code, (uint64_t)code_stack[1], KERNEL_CS, KERNEL_DS);
}

void state_user(struct state *s, const void *code)
{
	state_init(s, user_address(code), user_address(code_stack[1]), USER_CS, USER_DS);
}

void state_user32(struct state *s, const void *code)
{
	state_user(s, code);
	s->cs = USER_CS32;
}
