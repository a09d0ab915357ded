// SPDX-License-Identifier: GPL-2.0-or-later
#include "draw.h"

#include <string.h>

uint64_t draw_seed = 1;

/* Vigna's xorshift64*. */
uint64_t draw(void)
{
	draw_seed ^= draw_seed >> 12;
	draw_seed ^= draw_seed << 25;
	draw_seed ^= draw_seed >> 27;
	return draw_seed * UINT64_C(0x2545F4914F6CDD1D);
}

uint32_t draw_below(uint32_t end)
{
	return (uint32_t)(draw() >> 33) % end;
}

uint64_t draw_value(unsigned int bits)
{
	uint64_t r = draw();

	switch (r >> 60 & 7) {
	case 0:
		return r % 256;
	case 1:
		return -(r % 256);
	case 2:
		return UINT64_C(1) << r % bits;
	case 3:
		return (UINT64_C(1) << r % bits) - 1;
	default:
		return draw();
	}
}

void draw_xstate(struct diff_state *in)
{
	uint64_t bv = 7;
	uint16_t fcw = 0x37f;
	uint32_t mxcsr = 0x1f80;

	for (unsigned int i = 0; i < DIFF_XSTATE; i += 8) {
		uint64_t value = draw();

		memcpy(in->xstate + i, &value, 8);
	}
	/* Empty x87 stack with default control, and a header that XRSTOR takes. */
	memset(in->xstate, 0, 32);
	memcpy(in->xstate, &fcw, 2);
	memcpy(in->xstate + 24, &mxcsr, 4);
	memset(in->xstate + 416, 0, 576 - 416);
	memcpy(in->xstate + 512, &bv, 8);
	if (draw() & 1)
		in->xstate[4] = (uint8_t)draw(); /* some x87 registers in use */
	for (unsigned int i = 0; i < 8; i++)
		memset(in->xstate + 32 + i * 16 + 10, 0, 6);
}
