/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SDM "I/O Port Permission": IOPL and the bitmap in the TSS. */
#ifndef EXCLAVE_CPU_IO_H
#define EXCLAVE_CPU_IO_H

#include "cpu/cpu.h"

/* May the current code access @len bytes, 1, 2 or 4, of ports from @port? Faults: #GP(0), #PF. */
enum cpu_result cpu_check_io(struct cpu *cpu, uint16_t port, unsigned int len);

#endif
