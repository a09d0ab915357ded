// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ports belong to the VMM, so each of these instructions leaves for it. An output is
 * done when it leaves. An input has changed nothing yet: exec_complete_in() ends it.
 *
 * A repeated string instruction takes as many elements with it as lie in one page
 * of plain memory. While RCX is not 0 then, RIP stays: the run loop looks for
 * interrupts and comes again.
 */
#include "cpu/debug.h"
#include "cpu/io.h"
#include "engine/operand.h"

#include <string.h>

#define PAGE_SIZE 4096u
_Static_assert(ENGINE_IO_BYTES >= PAGE_SIZE, "a page of elements leaves at once");

/* The elements of a string instruction that one exit carries. */
struct run {
	unsigned int seg;
	uint64_t offset; /* of the first element */
	bool write;
	uint32_t size;
	uint32_t count;
	bool repeats;
	bool backward;
	gva_t gva; /* the lowest byte of all */
};

/* The odd opcodes are those with an operand size, of which 64 bits is none. */
static uint32_t io_size(const struct insn *insn)
{
	if (!(insn_opcode(insn) & 1))
		return 1;
	return insn->operand_size == 2 ? 2 : 4;
}

/* Bit 3 of the opcode: DX, not an immediate. */
static uint16_t io_port(const struct engine_vcpu *v, const struct insn *insn)
{
	if (insn_opcode(insn) & 8)
		return (uint16_t)v->cpu.state.gpr[X86_RDX];
	return (uint8_t)insn->imm;
}

static enum cpu_result leave(struct engine_vcpu *v, bool in, uint16_t port, uint32_t size,
			     uint32_t count)
{
	v->debug_pending |= debug_match_io(&v->cpu, port, size);
	v->exit.reason = ENGINE_EXIT_IO;
	v->exit.io.in = in;
	v->exit.io.size = (uint8_t)size;
	v->exit.io.port = port;
	v->exit.io.count = count;
	return CPU_AGAIN;
}

enum cpu_result exec_in(struct engine_vcpu *v, const struct insn *insn)
{
	uint16_t port = io_port(v, insn);
	uint32_t size = io_size(insn);

	CPU_TRY(cpu_check_io(&v->cpu, port, size));
	v->input = (struct engine_input){.next_rip = exec_next_rip(v, insn)};
	v->pending = ENGINE_PENDING_IN;
	return leave(v, true, port, size, 1);
}

enum cpu_result exec_out(struct engine_vcpu *v, const struct insn *insn)
{
	uint16_t port = io_port(v, insn);
	uint32_t size = io_size(insn);

	CPU_TRY(cpu_check_io(&v->cpu, port, size));
	memcpy(v->exit.io.data, &v->cpu.state.gpr[X86_RAX], size);
	exec_done(v, insn);
	return leave(v, false, port, size, 1);
}

static uint64_t address_mask(unsigned int address_size)
{
	return address_size == 8 ? UINT64_MAX : BIT64(8 * address_size) - 1;
}

static uint64_t elements_in_page(const struct run *run, gva_t gva)
{
	uint32_t at = gva % PAGE_SIZE;

	if (at + run->size > PAGE_SIZE)
		return 1;
	return run->backward ? at / run->size + 1 : (PAGE_SIZE - at) / run->size;
}

/* Does all of @run lie in its segment without wrapping? Then its lowest byte, too. */
static bool run_fits(struct engine_vcpu *v, const struct insn *insn, struct run *run)
{
	uint64_t before = run->backward ? (uint64_t)(run->count - 1) * run->size : 0;
	uint64_t len = (uint64_t)run->count * run->size;
	uint64_t lowest = run->offset - before;

	if (run->offset < before || lowest + len - 1 < lowest ||
	    lowest + len - 1 > address_mask(insn->address_size))
		return false;
	return exec_linear(v, run->seg, lowest, len, run->write, &run->gva) == CPU_OK;
}

/* Checks the first element, and finds how many may go with it. @left: RCX. */
static enum cpu_result run_start(struct engine_vcpu *v, const struct insn *insn, struct run *run,
				 uint64_t left)
{
	uint64_t count = left;
	uint8_t *host;

	CPU_TRY(exec_linear(v, run->seg, run->offset, run->size, run->write, &run->gva));
	CPU_TRY(operand_check_alignment(v, run->gva, run->size));
	CPU_TRY(vcpu_page(v, run->gva, run->write, &host));
	run->count = 1;
	/*
	 * A device takes its elements one by one, so that an answer repeats nothing; and each
	 * element is a step.
	 */
	if (!run->repeats || !host || (v->cpu.state.rflags & X86_EFLAGS_TF))
		return CPU_OK;
	if (count > elements_in_page(run, run->gva))
		count = elements_in_page(run, run->gva);
	run->count = (uint32_t)count;
	if (run_fits(v, insn, run))
		return CPU_OK;
	run->count = 1;
	return exec_linear(v, run->seg, run->offset, run->size, run->write, &run->gva);
}

static struct run run_new(const struct engine_vcpu *v, const struct insn *insn, unsigned int reg)
{
	return (struct run){
		.offset = exec_get_gpr(v, reg, insn->address_size),
		.size = io_size(insn),
		.repeats = insn_has_repeat(insn),
		.backward = v->cpu.state.rflags & X86_EFLAGS_DF,
	};
}

/* Steps @reg over @len bytes and RCX over @count; RIP goes on at the end of the string. */
static void advance(struct engine_vcpu *v, const struct engine_input *in, unsigned int reg,
		    uint32_t count, uint32_t len)
{
	uint64_t step = in->backward ? -(uint64_t)len : len;
	uint64_t left = 0;

	exec_set_gpr(v, reg, in->address_size, v->cpu.state.gpr[reg] + step);
	if (in->repeats) {
		left = exec_get_gpr(v, X86_RCX, in->address_size) - count;
		exec_set_gpr(v, X86_RCX, in->address_size, left);
	}
	if (left == 0)
		v->cpu.state.rip = in->next_rip;
}

/* Memory goes upward; the port sees the elements in the order of the instruction. */
static void copy_elements(uint8_t *dst, const uint8_t *src, uint32_t size, uint32_t count,
			  bool backward)
{
	for (uint32_t i = 0; i < count; i++)
		memcpy(dst + i * size, src + (backward ? count - 1 - i : i) * size, size);
}

static struct engine_input input_of(const struct engine_vcpu *v, const struct insn *insn,
				    const struct run *run)
{
	return (struct engine_input){
		.next_rip = exec_next_rip(v, insn),
		.is_string = true,
		.repeats = run->repeats,
		.backward = run->backward,
		.address_size = insn->address_size,
		.gva = run->gva,
	};
}

enum cpu_result exec_ins(struct engine_vcpu *v, const struct insn *insn)
{
	struct run run = run_new(v, insn, X86_RDI);
	uint16_t port = (uint16_t)v->cpu.state.gpr[X86_RDX];
	uint64_t left = exec_get_gpr(v, X86_RCX, insn->address_size);

	CPU_TRY(cpu_check_io(&v->cpu, port, run.size));
	if (run.repeats && left == 0)
		return exec_finish(v, insn, CPU_OK);
	run.seg = X86_SEG_ES;
	run.write = true;
	CPU_TRY(run_start(v, insn, &run, left));
	/* A fault that came after the exit would lose what the port has given. */
	CPU_TRY(vcpu_probe_write(v, run.gva, (size_t)run.count * run.size));
	v->input = input_of(v, insn, &run);
	v->pending = ENGINE_PENDING_IN;
	return leave(v, true, port, run.size, run.count);
}

enum cpu_result exec_outs(struct engine_vcpu *v, const struct insn *insn)
{
	struct run run = run_new(v, insn, X86_RSI);
	uint16_t port = (uint16_t)v->cpu.state.gpr[X86_RDX];
	uint64_t left = exec_get_gpr(v, X86_RCX, insn->address_size);
	uint8_t bytes[ENGINE_IO_BYTES];
	struct engine_input end;
	uint32_t len;

	CPU_TRY(cpu_check_io(&v->cpu, port, run.size));
	if (run.repeats && left == 0)
		return exec_finish(v, insn, CPU_OK);
	run.seg = operand_segment(v, insn);
	CPU_TRY(run_start(v, insn, &run, left));
	len = run.count * run.size;
	CPU_TRY(vcpu_read(v, run.gva, bytes, len, vcpu_access(v)));
	copy_elements(v->exit.io.data, bytes, run.size, run.count, run.backward);
	end = input_of(v, insn, &run);
	advance(v, &end, X86_RSI, run.count, len);
	return leave(v, false, port, run.size, run.count);
}

enum cpu_result exec_complete_in(struct engine_vcpu *v)
{
	uint32_t size = v->exit.io.size, count = v->exit.io.count;
	uint8_t bytes[ENGINE_IO_BYTES];
	enum cpu_result res;
	uint64_t value = 0;

	v->pending = ENGINE_PENDING_NONE;
	if (!v->input.is_string) {
		memcpy(&value, v->exit.io.data, size);
		exec_set_gpr(v, X86_RAX, size, value);
		v->cpu.state.rip = v->input.next_rip;
		return CPU_OK;
	}
	copy_elements(bytes, v->exit.io.data, size, count, v->input.backward);
	res = vcpu_write(v, v->input.gva, bytes, (size_t)count * size,
			 vcpu_access(v) | PFERR_WRITE_MASK);
	if (res == CPU_OK)
		advance(v, &v->input, X86_RDI, count, count * size);
	else if (res != CPU_FAULT)
		v->pending = ENGINE_PENDING_IN; /* the port must not be read again */
	return res;
}
