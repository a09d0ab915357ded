// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM MOVS, STOS, LODS, CMPS, SCAS and "REP/REPE/REPZ/REPNE/REPNZ".
 *
 * A string goes in runs: elements that lie within one page at either end, whose
 * addresses do not wrap and pass the segment's checks together. A run is done
 * by the host's own instruction. Where that cannot be - an element across a
 * border, a device, code, the last elements below a limit - the run is one
 * element, moved through a buffer, so that whatever refuses it refuses exactly
 * this element. Registers are committed after each run.
 */
#include "cpu/fault.h"
#include "engine/exec.h"
#include "engine/host_string.h"
#include "engine/prefix.h"
#include "mmu/guest_access.h"

/*
 * Work between two looks at interrupts, in bytes. A run of few elements costs as
 * much as one of many.
 */
#define STRING_BUDGET   (16 * GUEST_PAGE_SIZE)
#define STRING_RUN_COST 64

/* Where the run begins at one end. */
struct end {
	unsigned int reg; /* RSI or RDI */
	unsigned int seg;
	bool write;
	gva_t gva;
	uint8_t *host;
	bool buffered; /* host points at the buffer */
	uint64_t buffer;
};

struct string {
	struct engine_vcpu *v;
	const struct insn *insn;
	unsigned int size; /* of an element */
	unsigned int address_size;
	bool down; /* DF */
	uint8_t repeat;
	size_t run;    /* elements that both ends allow */
	bool finished; /* apart from RCX: the condition of REPE or REPNE ended it */
	struct end source, destination;
};

/* A run: commits what it has done, CPU_OK or why there is no more. */
typedef enum cpu_result string_step(struct string *s);

static void string_init(struct string *s, struct engine_vcpu *v, const struct insn *insn)
{
	*s = (struct string){
		.v = v,
		.insn = insn,
		.size = insn->operand_size,
		.address_size = insn->address_size,
		.down = v->cpu.state.rflags & X86_EFLAGS_DF,
		.repeat = prefix_repeat(insn),
		.source = {.reg = X86_RSI,
			   .seg = prefix_segment(insn, x86_is_64bit(&v->cpu.state))},
		.destination = {.reg = X86_RDI, .seg = X86_SEG_ES},
	};
}

static uint64_t elements_left(const struct string *s)
{
	return exec_get_gpr(s->v, X86_RCX, s->address_size);
}

/* Of the element at @offset and those after it, how many lie within [0, @size)? */
static size_t elements_within(const struct string *s, uint64_t offset, uint64_t size)
{
	if (offset + s->size > size)
		return 0;
	return (s->down ? offset : size - s->size - offset) / s->size + 1;
}

static size_t elements_before_wrap(const struct string *s, uint64_t offset)
{
	if (s->address_size == 8)
		return SIZE_MAX;
	return elements_within(s, offset, BIT64(8 * s->address_size));
}

static bool run_passes_segment(const struct string *s, const struct end *end, uint64_t offset,
			       size_t run)
{
	uint64_t first = s->down ? offset - (run - 1) * s->size : offset;
	gva_t gva;

	return exec_linear(s->v, end->seg, first, run * s->size, end->write, &gva) == CPU_OK;
}

static void limit_run(struct string *s, size_t run)
{
	if (run < s->run)
		s->run = run ? run : 1;
}

/* The element alone, read now if it is to be read; close_end() writes it. */
static enum cpu_result buffer_end(struct string *s, struct end *end)
{
	s->run = 1;
	end->buffered = true;
	end->buffer = 0;
	end->host = (uint8_t *)&end->buffer;
	if (end->write)
		return CPU_OK;
	return vcpu_read(s->v, end->gva, end->host, s->size, vcpu_access(s->v));
}

/* Checks the element that is next at @end, and cuts the run to what can go with it. */
static enum cpu_result open_end(struct string *s, struct end *end)
{
	uint64_t offset = exec_get_gpr(s->v, end->reg, s->address_size);
	size_t in_page;

	CPU_TRY(exec_linear(s->v, end->seg, offset, s->size, end->write, &end->gva));
	if (!is_aligned(end->gva, s->size) && vcpu_checks_alignment(s->v))
		return fault_code(&s->v->cpu, AC_VECTOR, 0);
	in_page = elements_within(s, end->gva & (GUEST_PAGE_SIZE - 1), GUEST_PAGE_SIZE);
	if (!in_page)
		return buffer_end(s, end);
	CPU_TRY(vcpu_page(s->v, end->gva, end->write, &end->host));
	if (!end->host)
		return buffer_end(s, end);
	end->buffered = false;
	limit_run(s, in_page);
	limit_run(s, elements_before_wrap(s, offset));
	if (s->run > 1 && !run_passes_segment(s, end, offset, s->run))
		s->run = 1;
	return CPU_OK;
}

static enum cpu_result close_end(struct string *s, struct end *end)
{
	if (!end->buffered)
		return CPU_OK;
	return vcpu_write(s->v, end->gva, end->host, s->size, vcpu_access(s->v) | PFERR_WRITE_MASK);
}

static void advance(const struct string *s, const struct end *end, size_t elements)
{
	uint64_t bytes = elements * s->size;
	uint64_t offset = exec_get_gpr(s->v, end->reg, s->address_size);

	exec_set_gpr(s->v, end->reg, s->address_size, s->down ? offset - bytes : offset + bytes);
}

/* Counts @done elements, whose addresses advance() has passed. */
static void commit(struct string *s, size_t done)
{
	if (s->repeat)
		exec_set_gpr(s->v, X86_RCX, s->address_size, elements_left(s) - done);
	/* The answers belong to the elements that are done: the next one asks anew. */
	s->v->mmio.read_count = s->v->mmio.read_used = 0;
}

static enum cpu_result host_error(struct string *s)
{
	s->v->cpu.host_errno = -EFAULT;
	return CPU_HOST_ERROR;
}

static enum cpu_result movs(struct string *s)
{
	struct end *from = &s->source, *to = &s->destination;
	size_t done;

	to->write = true;
	CPU_TRY(open_end(s, from));
	CPU_TRY(open_end(s, to));
	done = s->run -
	       (s->down ? host_movs_down : host_movs)(to->host, from->host, s->run, s->size);
	if (done)
		CPU_TRY(close_end(s, to));
	advance(s, from, done);
	advance(s, to, done);
	commit(s, done);
	return done < s->run ? host_error(s) : CPU_OK;
}

static enum cpu_result stos(struct string *s)
{
	struct end *to = &s->destination;
	size_t done;

	to->write = true;
	if (s->down)
		s->run = 1;
	CPU_TRY(open_end(s, to));
	done = s->run - host_stos(to->host, s->v->cpu.state.gpr[X86_RAX], s->run, s->size);
	if (done)
		CPU_TRY(close_end(s, to));
	advance(s, to, done);
	commit(s, done);
	return done < s->run ? host_error(s) : CPU_OK;
}

/* All but the last element leave no trace, and they lie in the same page. */
static enum cpu_result lods(struct string *s)
{
	struct end *from = &s->source;
	uint64_t value = 0;
	size_t last;

	CPU_TRY(open_end(s, from));
	last = (s->run - 1) * s->size;
	if (host_movs((uint8_t *)&value, s->down ? from->host - last : from->host + last, 1,
		      s->size))
		return host_error(s);
	exec_set_gpr(s->v, X86_RAX, s->size, value);
	advance(s, from, s->run);
	commit(s, s->run);
	return CPU_OK;
}

/*
 * SDM "REP": a fault leaves the flags as they were before the instruction, which
 * is why only its end writes them.
 */
static enum cpu_result take_comparison(struct string *s, const struct host_compared *compared)
{
	uint64_t *rflags = &s->v->cpu.state.rflags;
	bool equal = compared->flags & X86_EFLAGS_ZF;

	commit(s, s->run - compared->left);
	if (compared->error)
		return host_error(s);
	s->finished = s->repeat && equal == (s->repeat == PREFIX_REPNE);
	if (!s->repeat || s->finished || !elements_left(s))
		*rflags = (*rflags & ~(uint64_t)HOST_ARITHMETIC_FLAGS) | compared->flags;
	return CPU_OK;
}

static enum cpu_result cmps(struct string *s)
{
	struct end *first = &s->source, *second = &s->destination;
	struct host_compared compared;

	if (s->down)
		s->run = 1;
	CPU_TRY(open_end(s, first));
	CPU_TRY(open_end(s, second));
	compared = host_cmps(first->host, second->host, s->run, s->size, s->repeat == PREFIX_REPNE);
	advance(s, first, s->run - compared.left);
	advance(s, second, s->run - compared.left);
	return take_comparison(s, &compared);
}

static enum cpu_result scas(struct string *s)
{
	struct end *at = &s->destination;
	struct host_compared compared;

	if (s->down)
		s->run = 1;
	CPU_TRY(open_end(s, at));
	compared = host_scas(at->host, s->v->cpu.state.gpr[X86_RAX], s->run, s->size,
			     s->repeat == PREFIX_REPNE);
	advance(s, at, s->run - compared.left);
	return take_comparison(s, &compared);
}

/*
 * Not in the SDM: with ECX = 0 and 32-bit addresses, Intel's processors write
 * RCX and those registers that a fast string would have moved.
 */
static void skip(const struct string *s, bool moves, bool stores)
{
	if (s->address_size == 4) {
		exec_set_gpr(s->v, X86_RCX, 4, 0);
		if (moves)
			advance(s, &s->source, 0);
		if (stores)
			advance(s, &s->destination, 0);
	}
	exec_done(s->v, s->insn);
}

/* Must the run loop have a look before the next run? */
static bool is_interrupted(const struct string *s, size_t cost)
{
	const struct engine_vcpu *v = s->v;

	return cost >= STRING_BUDGET || v->mmio.write_count || v->debug_pending ||
	       (v->cpu.state.rflags & X86_EFLAGS_TF);
}

static enum cpu_result string_run(struct string *s, string_step *step)
{
	size_t cost = 0;

	do {
		s->run = s->repeat ? elements_left(s) : 1;
		/* SDM "Single-step exception": REP traps after each element. */
		if (s->v->cpu.state.rflags & X86_EFLAGS_TF)
			s->run = 1;
		CPU_TRY(step(s));
		if (!s->repeat || s->finished || !elements_left(s)) {
			exec_done(s->v, s->insn);
			return CPU_OK;
		}
		cost += STRING_RUN_COST + s->run * s->size;
	} while (!is_interrupted(s, cost));
	return CPU_OK;
}

static enum cpu_result exec_string(struct engine_vcpu *v, const struct insn *insn,
				   string_step *step)
{
	struct string s;

	string_init(&s, v, insn);
	if (s.repeat && !elements_left(&s)) {
		skip(&s, step == movs, step == movs || step == stos);
		return CPU_OK;
	}
	return string_run(&s, step);
}

enum cpu_result exec_movs(struct engine_vcpu *v, const struct insn *insn)
{
	return exec_string(v, insn, movs);
}

enum cpu_result exec_stos(struct engine_vcpu *v, const struct insn *insn)
{
	return exec_string(v, insn, stos);
}

enum cpu_result exec_lods(struct engine_vcpu *v, const struct insn *insn)
{
	return exec_string(v, insn, lods);
}

enum cpu_result exec_cmps(struct engine_vcpu *v, const struct insn *insn)
{
	return exec_string(v, insn, cmps);
}

enum cpu_result exec_scas(struct engine_vcpu *v, const struct insn *insn)
{
	return exec_string(v, insn, scas);
}
