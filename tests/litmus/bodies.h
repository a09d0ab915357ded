/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The threads of the litmus tests; the same machine code for the host and for a guest. */
#ifndef EXCLAVE_LITMUS_BODIES_H
#define EXCLAVE_LITMUS_BODIES_H

#include <stdint.h>

/*
 * Values of which both halves are new, so that one which is half old shows. X and Y
 * are 0 at first, but for tests that say otherwise.
 */
#define LITMUS_ONE UINT64_C(0x100000001)
#define LITMUS_TWO UINT64_C(0x200000002)

struct litmus_thread {
	uint8_t *x, *y;        /* of the first instance */
	uint64_t stride;       /* to those of the next */
	uint64_t (*result)[2]; /* for each instance */
	uint64_t count;
	uint64_t *arrived; /* shared by the threads of an instance, */
	uint64_t threads;  /* of which there are so many */
	uint64_t number;   /* of this one among them */
	uint64_t code;     /* of litmus_touch(): offset from X */
};

typedef void litmus_body(struct litmus_thread *t);

/* Calls what stands t->code bytes behind X of each instance: then it is code. */
void litmus_touch(struct litmus_thread *t);

/* Named by their accesses: w writes 1, or 2, r reads, f fences, lock is an access elsewhere. */
litmus_body litmus_wx_wy, litmus_ry_rx, litmus_wx_ry, litmus_wy_rx, litmus_wx_f_ry, litmus_wy_f_rx,
	litmus_wx_lock_ry, litmus_wy_lock_rx, litmus_xchgx_ry, litmus_xchgy_rx, litmus_rx_wy,
	litmus_ry_wx, litmus_wx, litmus_wy, litmus_rx_ry, litmus_wx_wx2, litmus_rx_rx,
	litmus_wx_wy2, litmus_wy_wx2, litmus_wx_rx, litmus_wx2_rx, litmus_wx_rx_ry, litmus_wy2_wx2,
	litmus_xadd_x, litmus_xchg_x, litmus_xchg_x2, litmus_lock_low_x, litmus_lock_add_x,
	litmus_swap16, litmus_read16, litmus_wx_wy_group, litmus_ry_rx_group, litmus_wx_ry_group,
	litmus_wy_rx_group;

#endif
