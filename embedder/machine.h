/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smallest machine around the engine: one processor in 64-bit mode at CPL 3,
 * page tables, descriptor tables, and for each vector a handler that halts.
 * For tests and benchmarks; belongs to one thread.
 */
#ifndef EXCLAVE_EMBEDDER_MACHINE_H
#define EXCLAVE_EMBEDDER_MACHINE_H

#include "cpu/cpuid.h"
#include "engine/engine.h"

/* Where the machine's own tables lie, linear and physical. */
#define MACHINE_SYSTEM       UINT64_C(0x10000000)
#define MACHINE_SYSTEM_PAGES 16u
#define MACHINE_TABLES       (UINT64_C(1) << 45)
#define MACHINE_TABLES_SIZE  (UINT64_C(8) << 20)

/* Selectors in its GDT. */
#define MACHINE_KERNEL_CS 0x08
#define MACHINE_KERNEL_DS 0x10
#define MACHINE_USER_CS   0x1b
#define MACHINE_USER_DS   0x23
#define MACHINE_TSS       0x28

struct machine {
	struct engine *engine;
	struct engine_vcpu *v;
	struct memslots *slots;
	struct cpuid_table cpuid;
	uint8_t *system;
	uint8_t *tables;
	uint64_t tables_used;
	uint32_t slot_count;
	/* What turns a slot that is added next into EPC, or NULL. */
	const struct memslot_epc *epc;
};

/* How a run ended: the frame that the handler found. */
struct machine_trap {
	int vector; /* -1: it left for another reason than an exception */
	enum engine_exit_reason exit;
	uint32_t error_code;
	uint64_t rip, rsp, rflags;
};

/* @debug: ENGINE_DEBUG_*; @ops as in struct engine_config, or NULL. Return: 0 or -errno. */
int machine_init_with(struct machine *m, uint32_t debug, const struct engine_ops *ops);
int machine_init(struct machine *m, uint32_t debug);
void machine_destroy(struct machine *m);

/* Memory at guest-physical @gpa. Return: 0 or -errno. */
int machine_add_ram(struct machine *m, gpa_t gpa, void *hva, uint64_t size);

#define MACHINE_WRITABLE 2u
#define MACHINE_USER     4u

/* Maps @gva..@gva+@size to @gpa in pages of 2^@shift bytes: 12, 21 or 30. */
void machine_map(struct machine *m, gva_t gva, gpa_t gpa, uint64_t size, uint32_t flags,
		 unsigned int shift);

/* User code, 64-bit: registers are the caller's to set in m->v->cpu.state. */
void machine_enter_user(struct machine *m);

/*
 * The code that the gate of @vector leads to, at CPL 0: MACHINE_HANDLER_SIZE bytes, of which the
 * first is HLT until somebody puts in something else, before the vector is first raised.
 */
#define MACHINE_HANDLER_SIZE 16u
uint8_t *machine_handler(struct machine *m, unsigned int vector);
gva_t machine_handler_gva(unsigned int vector);

/*
 * Kernel code: runs @code, which lies in the system area from MACHINE_KERNEL_CODE on and
 * ends with a HLT of its own, after which vector is -1 and exit ENGINE_EXIT_HLT.
 * General registers are as the last run left them, but for RSP.
 */
#define MACHINE_KERNEL_CODE (MACHINE_SYSTEM + UINT64_C(6) * 4096)
struct machine_trap machine_run_kernel(struct machine *m, const void *code, size_t len);

/* Runs until an exception has been delivered or something else makes it leave. */
struct machine_trap machine_run(struct machine *m);

#endif
