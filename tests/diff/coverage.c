// SPDX-License-Identifier: GPL-2.0-or-later
#include "coverage.h"

#include "lib/bits.h"

#include <Zydis/Zydis.h>
#include <stdio.h>

static void set(uint32_t *bits, unsigned int mnemonic)
{
	bits[mnemonic / 32] |= BIT32(mnemonic % 32);
}

static bool is_set(const uint32_t *bits, unsigned int mnemonic)
{
	return bits[mnemonic / 32] & BIT32(mnemonic % 32);
}

void coverage_compared(struct coverage *c, const struct insn *insn)
{
	set(c->compared, insn->mnemonic);
}

void coverage_left_out(struct coverage *c, const struct insn *insn)
{
	if (insn->kind == INSN_SYSTEM)
		set(c->in_c, insn->mnemonic);
	else if (insn->kind != INSN_INVALID)
		set(c->not_aimed, insn->mnemonic);
}

static void print_names(const char *title, const struct coverage *c, const uint32_t *bits)
{
	const char *between = title;

	for (unsigned int m = 1; m < ZYDIS_MNEMONIC_MAX_VALUE; m++) {
		if (!is_set(bits, m) || is_set(c->compared, m))
			continue;
		printf("%s%s", between, ZydisMnemonicGetString((ZydisMnemonic)m));
		between = " ";
	}
	if (between != title)
		printf("\n");
}

void coverage_print(const struct coverage *c)
{
	unsigned int count = 0;

	for (unsigned int m = 1; m < ZYDIS_MNEMONIC_MAX_VALUE; m++)
		count += is_set(c->compared, m);
	printf("compared: %u mnemonics\n", count);
	print_names("left out, executed in C: ", c, c->in_c);
	print_names("left out, not aimed at data or a branch: ", c, c->not_aimed);
}
