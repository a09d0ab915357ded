// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: sequences of leaf functions over a small EPC, with hostile
 * operands, a guest that changes its page table and memory between and during
 * leaves, processors that act while another one is in a leaf, and host memory
 * that fails. What must hold after every leaf is in watch.h.
 *
 * Input: the world, the CPUID, then records of RECORD_SIZE bytes (fuzz.h). To get
 * deep, records mean legal operands of pages in a fitting state, and say where
 * not. tests/fuzz/leaf_seeds.py writes the seeds, which reach the deep states.
 *
 * EXCLAVE_FUZZ_CHECKS=1 lists at the end the checks of the model that have
 * refused nothing and the leaves that have not succeeded.
 */
#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_STEPS 300

static const struct sgx_ops *tame;
static struct sgx_ops hostile;

/* Leaves of ENCLS, then of ENCLU. */
#define NR_LEAVES 16
static bool succeeded[2][NR_LEAVES];

extern const struct sgx_check __start_sgx_checks[], __stop_sgx_checks[];
static bool *refused;

static void list_unreached(void)
{
	unsigned int missing = 0;

	for (const struct sgx_check *c = __start_sgx_checks; c < __stop_sgx_checks; c++) {
		if (refused[c - __start_sgx_checks])
			continue;
		fprintf(stderr, "never refused: %s: %s\n", c->leaf, c->rule);
		missing++;
	}
	for (unsigned int i = ECREATE; i <= EMODT; i++)
		if (!succeeded[0][i])
			fprintf(stderr, "never succeeded: ENCLS %u\n", i);
	for (unsigned int i = EREPORT; i <= EDECCSSA; i++)
		if (i != EVERIFYREPORT2 && !succeeded[1][i])
			fprintf(stderr, "never succeeded: ENCLU %u\n", i);
	fprintf(stderr, "%u of %td checks have refused nothing\n", missing,
		__stop_sgx_checks - __start_sgx_checks);
}

static void record_outcome(const struct embedder_cpu *c, bool user, uint32_t leaf,
			   struct leaf_result res)
{
	if (leaf_succeeded(res) && leaf < NR_LEAVES)
		succeeded[user][leaf] = true;
	else if (c->cpu.refused_by)
		refused[c->cpu.refused_by - __start_sgx_checks] = true;
}

static void step(struct fuzz *f);

/* The next record is played while a processor waits for guest memory. */
static void ambush(struct fuzz *f)
{
	const uint8_t *record = f->record;

	if (!f->ambush_in || --f->ambush_in)
		return;
	watch_disturb();
	if (f->size >= RECORD_SIZE)
		step(f);
	f->record = record;
}

static struct fuzz *fuzz_of(struct sgx_cpu *cpu)
{
	return ((struct embedder_cpu *)cpu)->embedder->owner;
}

static bool host_fails(struct fuzz *f)
{
	return f->host_error_in && !--f->host_error_in;
}

static bool walk(struct sgx_cpu *cpu, gva_t gva, uint32_t access, struct sgx_place *place,
		 struct x86_exception *fault)
{
	ambush(fuzz_of(cpu));
	return tame->walk(cpu, gva, access, place, fault);
}

static int read_guest(struct sgx_cpu *cpu, const struct sgx_place *place, unsigned int offset,
		      void *dst, size_t len)
{
	struct fuzz *f = fuzz_of(cpu);

	ambush(f);
	if (host_fails(f))
		return -EFAULT;
	f->embedder->ram[f->noise_at] ^= f->noise;
	return tame->read(cpu, place, offset, dst, len);
}

static int write_guest(struct sgx_cpu *cpu, const struct sgx_place *place, unsigned int offset,
		       const void *src, size_t len)
{
	struct fuzz *f = fuzz_of(cpu);

	ambush(f);
	if (host_fails(f))
		return -EFAULT;
	watch_outside(src, len, "no secret of an enclave is written to guest memory");
	return tame->write(cpu, place, offset, src, len);
}

/* Every second operand register or structure byte is a wild one. */
static void spoil(struct fuzz *f, const struct embedder_cpu *c, uint64_t operands[3])
{
	uint8_t how = arg(f, 4);

	if (how & 1)
		*((uint8_t *)builder_ram(builder_of(f, c), builder_of(f, c)->args) + arg(f, 3)) ^=
			(uint8_t)(1 << (how >> 1) % 8);
	else
		operands[(how >> 1) % 4 % 3] = wild_operand(f, c, how >> 3, arg(f, 3));
}

void settle(struct fuzz *f)
{
	if (!f->busy)
		watch_settle(f->embedder);
}

static struct leaf_result run(struct fuzz *f, struct embedder_cpu *c, bool user, uint32_t leaf,
			      uint64_t operands[3])
{
	const uint32_t me = 1U << (c - f->embedder->cpus);
	struct x86_state *state = &c->state;
	const struct x86_state tidy = *state;
	const uint64_t feature_control = c->cpu.feature_control;
	struct leaf_result res;

	if (f->record[0] & RECORD_SPOILS)
		spoil(f, c, operands);
	state->cpl = user ? 3 : 0;
	mode_apply(f, c);
	state->gpr[X86_RAX] = leaf;
	state->gpr[X86_RBX] = operands[0];
	state->gpr[X86_RCX] = operands[1];
	state->gpr[X86_RDX] = operands[2];
	f->busy |= me;
	c->cpu.refused_by = NULL;
	watch_leaf_begin(c);
	res = user ? sgx_enclu(&c->cpu) : sgx_encls(&c->cpu);
	watch_leaf_end(c, user, res);
	record_outcome(c, user, leaf, res);
	f->busy &= ~me;
	/* An odd mode that the leaf has refused would hide all that comes after. */
	if (!leaf_succeeded(res))
		*state = tidy;
	c->cpu.feature_control = feature_control;
	c->cpu.encls_exiting = false;
	settle(f);
	return res;
}

struct leaf_result encls(struct fuzz *f, struct embedder_cpu *c, uint32_t leaf, uint64_t rbx,
			 uint64_t rcx, uint64_t rdx)
{
	uint64_t operands[] = {rbx, rcx, rdx};

	return run(f, c, false, leaf, operands);
}

struct leaf_result enclu(struct fuzz *f, struct embedder_cpu *c, uint32_t leaf, uint64_t rbx,
			 uint64_t rcx, uint64_t rdx)
{
	uint64_t operands[] = {rbx, rcx, rdx};

	return run(f, c, true, leaf, operands);
}

static void step(struct fuzz *f)
{
	static void (*const actions[])(struct fuzz * f) = {
#define ACTION_ENTRY(name) act_##name,
		ACTIONS(ACTION_ENTRY)
#undef ACTION_ENTRY
	};
	_Static_assert(ARRAY_SIZE(actions) == RECORD_ACTION + 1, "every number is an action");

	f->record = f->data;
	f->data += RECORD_SIZE;
	f->size -= RECORD_SIZE;
	actions[f->record[0] & RECORD_ACTION](f);
}

/* CPUID is constant while processors run, but worlds need not be of this processor. */
static void choose_cpuid(struct sgx_cpuid *cpuid, uint8_t choice)
{
	if (choice & 1)
		cpuid->leaves &= ~(SGX_CPUID_SGX2 | SGX_CPUID_EDECCSSA);
	if (choice & 2)
		cpuid->attributes &= ~(SGX_ATTR_AEXNOTIFY | SGX_ATTR_KSS);
	if (choice & 4)
		cpuid->miscselect = 0;
	if (choice & 8)
		cpuid->max_size_32 = cpuid->max_size_64 = 17;
	if ((choice & 0xf0) == 0xf0)
		cpuid->leaves = 0;
}

static void start(struct fuzz *f, enum world world, uint8_t cpuid)
{
	f->embedder = world_restore(world);
	f->embedder->owner = f;
	if (!tame) {
		tame = f->embedder->cpus[0].cpu.ops;
		hostile = *tame;
		hostile.walk = walk;
		hostile.read = read_guest;
		hostile.write = write_guest;
	}
	choose_cpuid(&f->embedder->cpuid, cpuid);
	for (unsigned int i = 0; i < CPUS; i++) {
		f->embedder->cpus[i].cpu.ops = &hostile;
		f->builders[i] = builder_for(f->embedder, i, ram_gva(RAM_BUILDERS + 2 * i));
	}
	watch_start(f->embedder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	refused = calloc((size_t)(__stop_sgx_checks - __start_sgx_checks), sizeof(*refused));
	if (!refused)
		return 1;
	if (getenv("EXCLAVE_FUZZ_CHECKS"))
		atexit(list_unreached);
	return 0;
}

#define HEADER_SIZE 2

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = {.data = data + HEADER_SIZE, .size = size - HEADER_SIZE};

	if (size < HEADER_SIZE)
		return 0;
	start(&f, data[0] % NR_WORLDS, data[1]);
	for (unsigned int steps = 0; f.size >= RECORD_SIZE && steps < MAX_STEPS; steps++)
		step(&f);
	return 0;
}

/*
 * Half of the time whole records come, go, double or change: a byte that comes or
 * goes turns everything behind it into something else.
 */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	size_t records = size < HEADER_SIZE ? 0 : (size - HEADER_SIZE) / RECORD_SIZE;
	size_t end = HEADER_SIZE + records * RECORD_SIZE;
	size_t from, at;

	if ((seed & 1) || !records)
		return LLVMFuzzerMutate(data, size, max_size);
	from = HEADER_SIZE + (seed >> 8) % records * RECORD_SIZE;
	at = HEADER_SIZE + (seed >> 20) % records * RECORD_SIZE;
	switch ((seed >> 1) % 4) {
	case 0: /* goes */
		memmove(data + at, data + at + RECORD_SIZE, end - at - RECORD_SIZE);
		return end - RECORD_SIZE;
	case 1: /* doubles, elsewhere */
	case 2: /* likewise, changed */
		if (end + RECORD_SIZE <= max_size) {
			uint8_t copy[RECORD_SIZE];

			memcpy(copy, data + from, RECORD_SIZE);
			memmove(data + at + RECORD_SIZE, data + at, end - at);
			memcpy(data + at, copy, RECORD_SIZE);
			end += RECORD_SIZE;
		}
		if ((seed >> 1) % 4 == 1)
			return end;
		break;
	case 3:
		break;
	}
	LLVMFuzzerMutate(data + at, RECORD_SIZE, RECORD_SIZE);
	return end;
}
