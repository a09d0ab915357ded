/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this machine offers, and whether it can: the commands `host` and `doctor`. */
#ifndef EXCLAVE_TOOLS_MACHINE_H
#define EXCLAVE_TOOLS_MACHINE_H

struct invocation;

int host_main(struct invocation *invocation);
int doctor_main(struct invocation *invocation);

#endif
