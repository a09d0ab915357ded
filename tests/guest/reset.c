// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "Processor State After Reset": what the ROM's first instructions have seen. */
#include "lib/guest.h"
#include "lib/instr.h"

struct reset_state {
	uint32_t gpr[8];
	uint32_t cr0, cr2, cr3, cr4, eflags;
	uint16_t cs, ds, ss, idt_limit;
	uint32_t idt_base;
	uint32_t dr6, dr7;
} __attribute__((packed));

static const struct reset_state *state(void)
{
	uint64_t address = RESET_STATE;

	asm("" : "+r"(address));
	return (const struct reset_state *)address;
}

static void reset_general_registers_are_zero(void)
{
	for (unsigned int i = 0; i < 8; i++)
		if (i != RDX)
			EXPECT(state()->gpr[i], 0);
	EXPECT(state()->gpr[RDX], cpuid(1, 0).a);
}

static void reset_control_registers_as_documented(void)
{
	EXPECT(state()->cr0, 0x60000010);
	EXPECT(state()->cr2, 0);
	EXPECT(state()->cr3, 0);
	EXPECT(state()->cr4, 0);
	EXPECT(state()->eflags, FLAGS_ONE);
	EXPECT(state()->dr6, 0xffff0ff0);
	EXPECT(state()->dr7, 0x400);
}

static void reset_segments_as_documented(void)
{
	EXPECT(state()->cs, 0xf000);
	EXPECT(state()->ds, 0);
	EXPECT(state()->ss, 0);
	EXPECT(state()->idt_base, 0);
	EXPECT(state()->idt_limit, 0xffff);
}

/* The ROM lies below 4 GiB and once more below 1 MiB. */
static void rom_appears_twice(void)
{
	const uint8_t *high = (const uint8_t *)0xfffe0000, *low = (const uint8_t *)0xe0000;

	EXPECT(memcmp(high, low, 0x20000), 0);
	EXPECT(high[0x1fff0] == 0xe9 || high[0x1fff0] == 0xeb, 1);
}

static void write_rom_is_dropped(void)
{
	volatile uint8_t *high = (volatile uint8_t *)0xfffe0000;
	uint8_t before = *high;

	*high = (uint8_t)~before;
	EXPECT(*high, before);
	(*high)++;
	EXPECT(*high, before);
}

const struct test tests[] = {
	TEST(reset_general_registers_are_zero),
	TEST(reset_control_registers_as_documented),
	TEST(reset_segments_as_documented),
	TEST(rom_appears_twice),
	TEST(write_rom_is_dropped),
	{0},
};

const struct known known_tcg[] = {{0}};
