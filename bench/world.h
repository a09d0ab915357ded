/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The subjects of the SGX benchmark: one embedder, one enclave that is entered,
 * one that is under construction, and spare pages.
 */
#ifndef EXCLAVE_BENCH_WORLD_H
#define EXCLAVE_BENCH_WORLD_H

#include <stdbool.h>
#include <stdint.h>

struct world;

/* Whatever fails here or below ends the program: there is nothing to measure then. */
struct world *world_new(void);
void world_free(struct world *w);

/* Each is a bench_function with a struct world as its context. */
uint64_t world_add_measured(void *ctx, unsigned int iterations);
uint64_t world_ewb(void *ctx, unsigned int iterations);
uint64_t world_eldu(void *ctx, unsigned int iterations);
uint64_t world_einit(void *ctx, unsigned int iterations);
uint64_t world_ereport(void *ctx, unsigned int iterations);
uint64_t world_egetkey(void *ctx, unsigned int iterations);
uint64_t world_enter_exit(void *ctx, unsigned int iterations);
uint64_t world_aex_resume(void *ctx, unsigned int iterations);
uint64_t world_epa_eremove(void *ctx, unsigned int iterations);
uint64_t world_eaug_eaccept(void *ctx, unsigned int iterations);
uint64_t world_check_access(void *ctx, unsigned int iterations);

/*
 * One round of world_add_measured() on processor @cpu (0 or 1) in EPC pages of
 * its own, so that both can run at once.
 */
uint64_t world_add_on_cpu(struct world *w, unsigned int cpu, unsigned int iterations);

#endif
