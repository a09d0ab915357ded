/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code whose every step takes one path through the translator. As kernels they
 * take memory and a number of turns; all but the last two run natively, too.
 */
#ifndef EXCLAVE_BENCH_PATHS_H
#define EXCLAVE_BENCH_PATHS_H

#include "kernels.h"

/* Of the first four functions: blocks in a turn. */
#define PATH_BLOCKS 64

kernel_function path_linked;   /* jumps inside a page */
kernel_function path_across;   /* jumps between two pages */
kernel_function path_indirect; /* jumps through a register */
kernel_function path_return;   /* pairs of CALL and RET */

/* Two jumps in a turn, to addresses that share an entry in the table of indirect jumps. */
kernel_function path_miss;

/* Reads PATH_TLB_PAGES pages at @memory in turn with those PATH_TLB_DISTANCE above. */
#define PATH_TLB_PAGES    64
#define PATH_TLB_DISTANCE 0x10000000
kernel_function path_tlb;

kernel_function path_cpuid;
kernel_function path_syscall; /* getppid(), where somebody serves it */

/* Reads @memory, by an instruction of PATH_FAULT_LENGTH bytes. */
#define PATH_FAULT_LENGTH 3
kernel_function path_fault;

kernel_function path_out; /* to port 0x80 */

/* They do not return. */
kernel_function path_spin_jump, path_spin_return;

/*
 * A stretch of code without loops, for any address: it executes each of its
 * instructions once, uses 64 bytes of @memory, and runs on behind its end.
 */
extern const uint8_t path_stretch[], path_stretch_end[];

#endif
