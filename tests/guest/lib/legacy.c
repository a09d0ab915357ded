// SPDX-License-Identifier: GPL-2.0-or-later
#include "legacy.h"

#include "guest.h"
#include "instr.h"

extern struct legacy legacy_state;
extern const char legacy_stubs[], real_stubs[];
void legacy_switch(void);

struct tss32 legacy_tss;
uint32_t legacy_directory[1024] __attribute__((aligned(4096)));
static uint64_t pae_pdpt[4] __attribute__((aligned(32)));
static uint64_t pae_directory[4][512] __attribute__((aligned(4096)));

static void set_idt(void)
{
	for (unsigned int i = 0; i < 256; i++) {
		uint32_t target = (uint32_t)(uint64_t)legacy_stubs + 8 * i;

		legacy_idt[i] = (uint64_t)(target >> 16) << 48 | UINT64_C(0xee00) << 32 |
				KERNEL_CS32 << 16 | (target & 0xffff);
	}
}

/* The compiler takes the address 0 for an error. */
static uint32_t *ivt(void)
{
	uint64_t address = 0;

	asm("" : "+r"(address));
	return (uint32_t *)address;
}

static void set_ivt(void)
{
	for (unsigned int i = 0; i < 256; i++)
		ivt()[i] = (uint32_t)(uint64_t)real_stubs + 4 * i;
}

static void set_tss(void)
{
	memset(&legacy_tss, 0, sizeof(legacy_tss));
	legacy_tss.esp0 = LOW_STACK;
	legacy_tss.ss0 = KERNEL_DS;
	legacy_tss.iomap_base = sizeof(legacy_tss);
}

static void load(struct legacy *l, const char *code, const char *end)
{
	char *target = (char *)LEGACY_CODE;

	memset(l, 0, sizeof(*l));
	while (code < end)
		*target++ = *code++;
	l->eip = LEGACY_CODE;
	l->eflags = FLAGS_ONE;
	l->cr0 = 0x11;
	l->gpr[ESP] = REAL_STACK;
	set_idt();
	set_ivt();
	set_tss();
}

static void set_segments(struct legacy *l, uint32_t selector)
{
	l->ds = l->es = l->fs = l->gs = l->ss = selector;
}

void legacy_real(struct legacy *l, const char *code, const char *end)
{
	load(l, code, end);
	l->cr0 = 0x10;
}

void legacy_prot16(struct legacy *l, const char *code, const char *end)
{
	load(l, code, end);
	set_segments(l, DATA16);
	l->cs = CODE16;
}

void legacy_prot32(struct legacy *l, const char *code, const char *end)
{
	load(l, code, end);
	set_segments(l, KERNEL_DS);
	l->cs = KERNEL_CS32;
}

void legacy_paging32(struct legacy *l)
{
	for (uint32_t i = 0; i < 1024; i++)
		legacy_directory[i] = i << 22 | 0xe7;
	l->cr3 = (uint32_t)(uint64_t)legacy_directory;
	l->cr4 = CR4_PSE;
	l->cr0 |= CR0_PG;
}

void legacy_paging_pae(struct legacy *l)
{
	for (uint64_t i = 0; i < 2048; i++)
		pae_directory[i / 512][i % 512] = i << 21 | 0xe7;
	for (unsigned int i = 0; i < 4; i++)
		pae_pdpt[i] = (uint64_t)pae_directory[i] | 1;
	l->cr3 = (uint32_t)(uint64_t)pae_pdpt;
	l->cr4 = CR4_PAE;
	l->cr0 |= CR0_PG;
}

void legacy_user(struct legacy *l)
{
	set_segments(l, USER_DS);
	l->cs = USER_CS32;
}

void legacy_run(struct legacy *l)
{
	uint64_t base = (uint64_t)&legacy_tss;

	gdt[TSS32 / 8] = (sizeof(legacy_tss) - 1) | (base & 0xffffff) << 16 | UINT64_C(0x89) << 40 |
			 (base >> 24 & 0xff) << 56;
	l->stack_esp = l->gpr[ESP];
	l->stack_ss = l->ss;
	l->vector = UINT32_MAX;
	legacy_state = *l;
	legacy_switch();
	*l = legacy_state;
	tss_load();
}
