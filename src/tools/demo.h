/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXCLAVE_TOOLS_DEMO_H
#define EXCLAVE_TOOLS_DEMO_H

struct invocation;

/* The command `demo`: enclaves of ours in a guest, step by step. */
int demo_main(struct invocation *invocation);

#endif
