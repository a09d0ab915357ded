/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXCLAVE_BENCH_SCALING_H
#define EXCLAVE_BENCH_SCALING_H

#include "world.h"

/*
 * What two processors on disjoint enclaves gain over one, against what two
 * threads of plain SHA-256 gain in the same run. Return: whether the quotient
 * reaches @target.
 */
bool bench_scaling(struct world *w, double target);

#endif
