// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "fake_exec.h"

#include "cpu/fault.h"
#include "mmu/guest_access.h"

#include <signal.h>
#include <sys/mman.h>

static struct fake the_fake;

static void handle_fault(int sig, siginfo_t *info, void *ucontext)
{
	if (info->si_code > 0 && guest_access_fixup(ucontext))
		return;
	signal(sig, SIG_DFL);
	raise(sig);
}

static void *map_low(size_t size, int prot)
{
	void *p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

void fake_fill(struct fake *f)
{
	uint32_t x = 12345;

	for (size_t i = 0; i < FAKE_SIZE; i++) {
		x = x * 1664525 + 1013904223;
		f->mem[i] = (uint8_t)(x >> 24);
	}
}

static void init_segments(struct x86_state *s)
{
	for (unsigned int i = 0; i < X86_NR_SEGS; i++)
		s->seg[i] = (struct x86_segment){
			.limit = UINT32_MAX, .type = 3, .s = true, .present = true, .db = true};
	s->seg[X86_SEG_CS].type = 11;
	s->seg[X86_SEG_CS].l = true;
	s->seg[X86_SEG_CS].db = false;
}

static void init_xstate(struct engine_vcpu *v)
{
	uint16_t fcw = 0x37f;
	uint32_t mxcsr = MXCSR_DEFAULT, mask = 0xffff;

	memcpy(v->xstate, &fcw, sizeof(fcw));
	memcpy(v->xstate + 24, &mxcsr, sizeof(mxcsr));
	memcpy(v->xstate + 28, &mask, sizeof(mask));
}

struct fake *fake_init(void)
{
	struct fake *f = &the_fake;
	struct x86_state *s = &f->v.cpu.state;
	struct sigaction action = {.sa_sigaction = handle_fault, .sa_flags = SA_SIGINFO};
	uint8_t *mem = f->mem ? f->mem : map_low(FAKE_SIZE, PROT_READ | PROT_WRITE);

	memset(&f->v.cpu, 0, sizeof(f->v.cpu));
	memset(&f->v.mmio, 0, sizeof(f->v.mmio));
	memset(f->v.xstate, 0, sizeof(f->v.xstate));
	f->v.debug_pending = 0;
	f->slow_reads = f->slow_writes = f->page_calls = 0;
	f->mem = mem;
	for (unsigned int page = 0; page < FAKE_PAGES; page++)
		fake_set_kind(f, page, FAKE_RAM);
	fake_fill(f);
	s->rip = FAKE_RIP;
	s->rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF;
	s->cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_NE | X86_CR0_MP;
	s->cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_OSXSAVE;
	s->efer = EFER_LMA | EFER_LME;
	s->xcr0 = XFEATURE_MASK_FP | XFEATURE_MASK_SSE | XFEATURE_MASK_YMM;
	init_segments(s);
	init_xstate(&f->v);
	sigaction(SIGSEGV, &action, NULL);
	return f;
}

void fake_leave_64bit(struct fake *f)
{
	f->v.cpu.state.efer = 0;
	f->v.cpu.state.seg[X86_SEG_CS].l = false;
	f->v.cpu.state.seg[X86_SEG_CS].db = true;
}

void fake_set_kind(struct fake *f, unsigned int page, enum fake_kind kind)
{
	f->kind[page] = kind;
	mprotect(f->mem + page * 4096, 4096,
		 kind == FAKE_GONE ? PROT_NONE : PROT_READ | PROT_WRITE);
}

struct insn fake_decode(const void *code, size_t len)
{
	struct insn insn;

	assert_true(insn_decode(code, (uint32_t)len, &insn));
	assert_int_equal(insn.length, len);
	return insn;
}

void host_execute(const struct insn *insn, struct x86_state *state)
{
	static uint8_t *code;
	uint64_t *r = state->gpr;
	uint64_t flags = (state->rflags & (FAKE_ARITHMETIC | X86_EFLAGS_DF)) | X86_EFLAGS_FIXED;

	if (!code)
		code = map_low(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
	memcpy(code, insn->bytes, insn->length);
	code[insn->length] = 0xc3;
	asm volatile("sub $128, %%rsp\n\t"
		     "push %[flags]\n\t"
		     "popf\n\t"
		     "call *%[code]\n\t"
		     "pushf\n\t"
		     "pop %[flags]\n\t"
		     "cld\n\t"
		     "add $128, %%rsp\n\t"
		     : [flags] "+r"(flags), "+a"(r[X86_RAX]), "+b"(r[X86_RBX]), "+c"(r[X86_RCX]),
		       "+d"(r[X86_RDX]), "+S"(r[X86_RSI]), "+D"(r[X86_RDI])
		     : [code] "r"(code)
		     : "memory", "cc");
	state->rflags = (state->rflags & ~FAKE_ARITHMETIC) | (flags & FAKE_ARITHMETIC);
	state->rip += insn->length;
}

void assert_fake_fault(const struct fake *f, enum cpu_result res, enum x86_vector vector,
		       uint32_t error_code)
{
	assert_int_equal(res, CPU_FAULT);
	assert_int_equal(f->v.cpu.fault.vector, vector);
	assert_int_equal(f->v.cpu.fault.error_code, error_code);
}

static struct fake *fake_of(struct engine_vcpu *v)
{
	return container_of(v, struct fake, v);
}

/* What the rest of the engine does for the functions that are tested. */

uint64_t exec_next_rip(const struct engine_vcpu *v, const struct insn *insn)
{
	return v->cpu.state.rip + insn->length;
}

void exec_done(struct engine_vcpu *v, const struct insn *insn)
{
	v->cpu.state.rip = exec_next_rip(v, insn);
}

uint64_t exec_get_gpr(const struct engine_vcpu *v, unsigned int reg, unsigned int size)
{
	return v->cpu.state.gpr[reg] & (size == 8 ? UINT64_MAX : BIT64(8 * size) - 1);
}

void exec_set_gpr(struct engine_vcpu *v, unsigned int reg, unsigned int size, uint64_t value)
{
	uint64_t mask = size >= 4 ? UINT64_MAX : BIT64(8 * size) - 1;

	if (size == 4)
		value = (uint32_t)value;
	v->cpu.state.gpr[reg] = (v->cpu.state.gpr[reg] & ~mask) | (value & mask);
}

uint64_t exec_effective_address(const struct engine_vcpu *v, const struct insn *insn)
{
	const struct insn_mem *mem = &insn->mem;
	uint64_t offset = (uint64_t)mem->disp;

	if (mem->base >= 0)
		offset += v->cpu.state.gpr[mem->base];
	if (mem->index >= 0)
		offset += v->cpu.state.gpr[mem->index] * mem->scale;
	return mem->address_size == 8 ? offset : offset & (BIT64(8 * mem->address_size) - 1);
}

enum cpu_result exec_linear(struct engine_vcpu *v, unsigned int seg, uint64_t offset, size_t len,
			    bool write, gva_t *gva)
{
	const struct x86_segment *s = &v->cpu.state.seg[seg];
	enum x86_vector vector = seg == X86_SEG_SS ? SS_VECTOR : GP_VECTOR;

	if (x86_is_64bit(&v->cpu.state)) {
		*gva = offset + (seg >= X86_SEG_FS ? s->base : 0);
		if (!x86_is_canonical(&v->cpu.state, *gva) ||
		    !x86_is_canonical(&v->cpu.state, *gva + len - 1))
			return fault_code(&v->cpu, vector, 0);
		return CPU_OK;
	}
	if (offset + len - 1 > s->limit)
		return fault_code(&v->cpu, vector, 0);
	*gva = (uint32_t)(s->base + offset);
	return CPU_OK;
}

uint32_t vcpu_access(const struct engine_vcpu *v)
{
	return v->cpu.state.cpl == 3 ? PFERR_USER_MASK : 0;
}

static enum cpu_result check_page(struct fake *f, gva_t gva, bool write, enum fake_kind *kind)
{
	uint64_t page = (gva - fake_gva(f, 0)) / 4096;

	*kind = page < FAKE_PAGES ? f->kind[page] : FAKE_ABSENT;
	if (*kind != FAKE_ABSENT && !(write && *kind == FAKE_READ_ONLY))
		return CPU_OK;
	f->v.cpu.fault = (struct x86_exception){
		.vector = PF_VECTOR,
		.has_error_code = true,
		.error_code = (write ? PFERR_WRITE_MASK : 0) |
			      (*kind == FAKE_ABSENT ? 0 : PFERR_PRESENT_MASK),
		.address = gva,
	};
	return CPU_FAULT;
}

static enum cpu_result check_range(struct fake *f, gva_t gva, size_t len, bool write,
				   enum fake_kind *kind)
{
	enum fake_kind second;

	CPU_TRY(check_page(f, gva, write, kind));
	if ((gva & 4095) + len <= 4096)
		return CPU_OK;
	return check_page(f, (gva | 4095) + 1, write, &second);
}

static enum cpu_result read_device(struct fake *f, gva_t gva, void *dst, size_t len)
{
	struct engine_mmio *mmio = &f->v.mmio;

	if (mmio->read_used == mmio->read_count) {
		f->v.exit.reason = ENGINE_EXIT_MMIO;
		f->v.exit.mmio.gpa = gva;
		f->v.exit.mmio.len = (uint8_t)len;
		return CPU_AGAIN;
	}
	memcpy(dst, mmio->read[mmio->read_used++].data, len);
	return CPU_OK;
}

static enum cpu_result write_device(struct fake *f, gva_t gva, const void *src, size_t len)
{
	struct engine_mmio *mmio = &f->v.mmio;
	struct engine_mmio_fragment *part = &mmio->write[mmio->write_count];

	if (mmio->write_count == ENGINE_MMIO_FRAGMENTS)
		return CPU_AGAIN;
	part->gpa = gva;
	part->len = (uint8_t)len;
	memcpy(part->data, src, len);
	mmio->write_count++;
	return CPU_OK;
}

enum cpu_result vcpu_read(struct engine_vcpu *v, gva_t gva, void *dst, size_t len, uint32_t access)
{
	struct fake *f = fake_of(v);
	enum fake_kind kind;

	f->slow_reads++;
	CPU_TRY(check_range(f, gva, len, false, &kind));
	if (kind == FAKE_DEVICE)
		return read_device(f, gva, dst, len);
	memcpy(dst, (void *)(uintptr_t)gva, len);
	return CPU_OK;
}

enum cpu_result vcpu_write(struct engine_vcpu *v, gva_t gva, const void *src, size_t len,
			   uint32_t access)
{
	struct fake *f = fake_of(v);
	enum fake_kind kind;

	f->slow_writes++;
	assert_true(access & PFERR_WRITE_MASK);
	CPU_TRY(check_range(f, gva, len, true, &kind));
	if (kind == FAKE_DEVICE)
		return write_device(f, gva, src, len);
	memcpy((void *)(uintptr_t)gva, src, len);
	return CPU_OK;
}

enum cpu_result vcpu_page(struct engine_vcpu *v, gva_t gva, bool write, uint8_t **host)
{
	struct fake *f = fake_of(v);
	enum fake_kind kind;

	f->page_calls++;
	CPU_TRY(check_page(f, gva, write, &kind));
	*host = kind == FAKE_SLOW || kind == FAKE_DEVICE ? NULL : (uint8_t *)(uintptr_t)gva;
	return CPU_OK;
}

enum cpu_result vcpu_probe_write(struct engine_vcpu *v, gva_t gva, size_t len)
{
	enum fake_kind kind;

	return check_range(fake_of(v), gva, len, true, &kind);
}
