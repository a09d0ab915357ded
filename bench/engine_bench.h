/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of engine-bench. Each prints its rows. Return: the targets that were missed. */
#ifndef EXCLAVE_BENCH_ENGINE_BENCH_H
#define EXCLAVE_BENCH_ENGINE_BENCH_H

#include "guest.h"

/* What happens in translated code, and what leaves it. */
unsigned int bench_costs(struct guest *g);
/* Code that runs for the first time. */
unsigned int bench_translation(struct guest *g);
/* How long a running guest takes to notice the VMM. */
unsigned int bench_kick(struct guest *g);

#endif
