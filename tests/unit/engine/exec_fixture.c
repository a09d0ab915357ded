// SPDX-License-Identifier: GPL-2.0-or-later
#include "exec_fixture.h"

#include <stdlib.h>

static struct engine_vcpu the_vcpu;
static struct machine the_machine;

/* Passes an access on to the processor's fixture, and its fault back. */
static enum cpu_result take_fault(struct cpu *cpu, enum cpu_result res)
{
	if (res == CPU_FAULT)
		cpu->fault = the_machine.f->cpu.fault;
	return res;
}

static enum cpu_result mem_read(struct cpu *cpu, gva_t gva, void *dst, size_t len, uint32_t access)
{
	struct cpu *memory = &the_machine.f->cpu;

	return take_fault(cpu, memory->ops->read(memory, gva, dst, len, access));
}

static enum cpu_result mem_write(struct cpu *cpu, gva_t gva, const void *src, size_t len,
				 uint32_t access)
{
	struct cpu *memory = &the_machine.f->cpu;

	return take_fault(cpu, memory->ops->write(memory, gva, src, len, access));
}

static enum cpu_result mem_or_byte(struct cpu *cpu, gva_t gva, uint8_t bits, uint8_t *old,
				   uint32_t access)
{
	struct cpu *memory = &the_machine.f->cpu;

	return take_fault(cpu, memory->ops->or_byte(memory, gva, bits, old, access));
}

static enum cpu_result load_pdptes(struct cpu *cpu, uint64_t cr3)
{
	return CPU_OK;
}

static void paging_changed(struct cpu *cpu, const struct cpu_paging_change *change)
{
	the_machine.f->paging_changes++;
}

static void mode_changed(struct cpu *cpu)
{
	the_machine.f->mode_changes++;
}

static void cr8_changed(struct cpu *cpu)
{
	the_machine.f->cr8_changes++;
}

static void debug_changed(struct cpu *cpu)
{
	the_machine.f->debug_changes++;
}

static uint64_t xinuse(struct cpu *cpu)
{
	return XFEATURE_MASK_FP;
}

static const struct cpu_ops ops = {
	.read = mem_read,
	.write = mem_write,
	.or_byte = mem_or_byte,
	.load_pdptes = load_pdptes,
	.paging_changed = paging_changed,
	.mode_changed = mode_changed,
	.cr8_changed = cr8_changed,
	.debug_changed = debug_changed,
	.xinuse = xinuse,
};

uint32_t vcpu_access(const struct engine_vcpu *v)
{
	return v->cpu.state.cpl == 3 ? PFERR_USER_MASK : 0;
}

enum cpu_result vcpu_read(struct engine_vcpu *v, gva_t gva, void *dst, size_t len, uint32_t access)
{
	assert_int_equal(access, vcpu_access(v));
	if (gva < MEM_SIZE && the_machine.is_device[gva >> 12]) {
		v->exit.reason = ENGINE_EXIT_MMIO;
		v->pending = ENGINE_PENDING_MMIO;
		return CPU_AGAIN;
	}
	return mem_read(&v->cpu, gva, dst, len, access);
}

enum cpu_result vcpu_write(struct engine_vcpu *v, gva_t gva, const void *src, size_t len,
			   uint32_t access)
{
	assert_int_equal(access, vcpu_access(v) | PFERR_WRITE_MASK);
	return mem_write(&v->cpu, gva, src, len, access);
}

/* Faults as an access of @len bytes would, and does nothing else. */
static enum cpu_result probe(struct engine_vcpu *v, gva_t gva, size_t len, bool write)
{
	static uint8_t bytes[MEM_SIZE];

	CPU_TRY(mem_read(&v->cpu, gva, bytes, len, vcpu_access(v)));
	if (!write)
		return CPU_OK;
	return mem_write(&v->cpu, gva, bytes, len, vcpu_access(v) | PFERR_WRITE_MASK);
}

enum cpu_result vcpu_page(struct engine_vcpu *v, gva_t gva, bool write, uint8_t **host)
{
	CPU_TRY(probe(v, gva, 1, write));
	*host = the_machine.is_device[gva >> 12] ? NULL : the_machine.f->mem + gva;
	return CPU_OK;
}

enum cpu_result vcpu_probe_write(struct engine_vcpu *v, gva_t gva, size_t len)
{
	return probe(v, gva, len, true);
}

/* The guest's extended state is never in the registers here. */
void vcpu_save_xstate(struct engine_vcpu *v)
{
}

enum cpu_result engine_rdmsr(struct engine_vcpu *v, uint32_t index, uint64_t *value)
{
	the_machine.msr_index = index;
	*value = the_machine.msr_value;
	return the_machine.msr_result;
}

enum cpu_result engine_wrmsr(struct engine_vcpu *v, uint32_t index, uint64_t value)
{
	the_machine.msr_index = index;
	the_machine.msr_value = value;
	return the_machine.msr_result;
}

enum cpu_result engine_hypercall(struct engine_vcpu *v)
{
	the_machine.hypercall_count++;
	return CPU_OK;
}

static enum cpu_result leaf(struct engine_vcpu *v)
{
	the_machine.leaf_count++;
	v->cpu.state.rip += 3;
	return CPU_OK;
}

enum cpu_result engine_encls(struct engine_vcpu *v)
{
	return leaf(v);
}

enum cpu_result engine_enclu(struct engine_vcpu *v)
{
	return leaf(v);
}

enum cpu_result engine_enclv(struct engine_vcpu *v)
{
	return leaf(v);
}

void engine_invlpg(struct engine_vcpu *v, gva_t gva)
{
	the_machine.invlpg_count++;
	the_machine.invlpg_gva = gva;
}

void engine_flush(struct engine_vcpu *v, enum cpu_flush what)
{
	the_machine.flush_count++;
	the_machine.flush = what;
}

/* Functions of the other files: that the table leads to one of them is all that counts here. */
#define OTHER(name)                                                                 \
	enum cpu_result exec_##name(struct engine_vcpu *v, const struct insn *insn) \
	{                                                                           \
		the_machine.other_count++;                                          \
		exec_done(v, insn);                                                 \
		return CPU_OK;                                                      \
	}

OTHER(movs)
OTHER(cmps)
OTHER(scas)
OTHER(lods)
OTHER(stos)
OTHER(fxsave)
OTHER(fxrstor)
OTHER(fnsave)
OTHER(frstor)
OTHER(fnstenv)
OTHER(fldenv)
OTHER(xsave)
OTHER(xsavec)
OTHER(xsaveopt)
OTHER(xsaves)
OTHER(xrstor)
OTHER(xrstors)
OTHER(gather)
OTHER(masked_move)
OTHER(maskmov)

struct machine *machine_init(enum mode mode, unsigned int cpl)
{
	struct machine *m = &the_machine;
	struct engine_vcpu *v = &the_vcpu;

	memset(m, 0, sizeof(*m));
	/* Up to the extended state: the tables behind it are large and not used. */
	memset(v, 0, offsetof(struct engine_vcpu, xstate));
	m->f = fixture_init(mode, cpl);
	m->v = v;
	m->cpu = &v->cpu;
	m->state = &v->cpu.state;
	m->gpr = v->cpu.state.gpr;
	v->cpu = m->f->cpu;
	v->cpu.ops = &ops;
	v->cpu.cpuid = &m->cpuid;
	return m;
}

struct machine *machine_init16(unsigned int cpl)
{
	struct machine *m = machine_init(MODE_PROTECTED, cpl);

	m->state->seg[X86_SEG_CS].db = false;
	m->state->seg[X86_SEG_SS].db = false;
	m->gpr[X86_RSP] = 0xf000;
	return m;
}

void machine_offer(struct machine *m, uint32_t leaf, unsigned int reg, unsigned int bit)
{
	struct cpuid_entry *entry = &m->cpuid.entry[m->cpuid.count++];

	*entry = (struct cpuid_entry){.leaf = leaf};
	entry->regs[reg] = BIT32(bit);
}

void machine_add_sgx(struct machine *m, uint32_t leaves)
{
	m->sgx_cpuid.leaves = leaves;
	m->sgx.cpuid = &m->sgx_cpuid;
	m->v->sgx = &m->sgx;
}

static unsigned int code_size(const struct machine *m)
{
	if (x86_is_64bit(m->state))
		return 8;
	return m->state->seg[X86_SEG_CS].db ? 4 : 2;
}

static struct insn decode(const struct machine *m, const char *hex)
{
	uint8_t bytes[2 * INSN_MAX_LENGTH] = {0};
	struct insn insn;

	for (unsigned int i = 0; hex[2 * i]; i++) {
		char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};

		bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	assert_true(insn_decode(bytes, sizeof(bytes), code_size(m), &insn));
	assert_int_equal(insn.length, strlen(hex) / 2);
	return insn;
}

enum cpu_result step(struct machine *m, const char *hex)
{
	struct insn insn = decode(m, hex);

	assert_int_not_equal(insn.kind, INSN_INVALID);
	assert_int_not_equal(insn.kind, INSN_COPY);
	return exec_instruction(m->v, &insn);
}

void step_ok(struct machine *m, const char *hex)
{
	uint64_t next = m->state->rip + strlen(hex) / 2;

	assert_int_equal(step(m, hex), CPU_OK);
	assert_int_equal(m->state->rip, next);
}

void step_fault(struct machine *m, const char *hex, enum x86_vector vector)
{
	static struct cpu before;

	memcpy(&before, m->cpu, sizeof(before));
	assert_int_equal(step(m, hex), CPU_FAULT);
	assert_int_equal(m->cpu->fault.vector, vector);
	memcpy(&before.fault, &m->cpu->fault, sizeof(before.fault));
	assert_memory_equal(&before, m->cpu, sizeof(before));
}

void assert_io(const struct machine *m, bool in, uint16_t port, unsigned int size, uint32_t count)
{
	assert_int_equal(m->v->exit.reason, ENGINE_EXIT_IO);
	assert_int_equal(m->v->exit.io.in, in);
	assert_int_equal(m->v->exit.io.port, port);
	assert_int_equal(m->v->exit.io.size, size);
	assert_int_equal(m->v->exit.io.count, count);
	assert_int_equal(m->v->pending, in ? ENGINE_PENDING_IN : ENGINE_PENDING_NONE);
}
