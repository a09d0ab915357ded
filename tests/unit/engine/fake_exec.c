// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "fake_exec.h"

#include "cpu/fault.h"
#include "engine/xstate.h"
#include "mmu/guest_access.h"

#include <signal.h>
#include <sys/mman.h>

static struct fake the_fake;
static sigjmp_buf host_refused;
static volatile bool host_may_refuse;
static uint64_t random_state;

static void handle_fault(int sig, siginfo_t *info, void *ucontext)
{
	if (info->si_code > 0 && guest_access_fixup(ucontext))
		return;
	if (host_may_refuse)
		siglongjmp(host_refused, 1);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void *map_low(size_t size, int prot)
{
	void *p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

uint64_t fake_random(void)
{
	/* Marsaglia's xorshift: any sequence does that repeats itself. */
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

void fake_random_bytes(void *dst, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)dst)[i] = (uint8_t)(fake_random() >> 24);
}

void fake_fill(struct fake *f)
{
	static uint8_t pattern[FAKE_SIZE];

	if (!pattern[0]) {
		random_state = 88172645463325252;
		fake_random_bytes(pattern, FAKE_SIZE);
		pattern[0] = 1;
	}
	memcpy(f->mem, pattern, FAKE_SIZE);
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
	random_state = 88172645463325252;
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

	assert_true(insn_decode(code, (uint32_t)len, 8, &insn));
	assert_int_equal(insn.length, len);
	return insn;
}

/* Not inline: its variables would be live across sigsetjmp(). */
static __attribute__((noinline)) uint8_t *host_code(const struct insn *insn)
{
	static uint8_t *code;

	if (!code)
		code = map_low(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
	memcpy(code, insn->bytes, insn->length);
	code[insn->length] = 0xc3;
	return code;
}

void host_execute(const struct insn *insn, struct x86_state *state)
{
	uint8_t *code = host_code(insn);
	uint64_t *r = state->gpr;
	uint64_t flags = (state->rflags & (FAKE_ARITHMETIC | X86_EFLAGS_DF)) | X86_EFLAGS_FIXED;

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

/* Areas of XSAVE: the program's own state, and before and after the instruction. */
static struct {
	uint8_t own[4096], in[4096], out[4096];
} areas __attribute__((aligned(64)));

bool host_execute_extended(const struct insn *insn, struct x86_state *state, const uint8_t *in,
			   uint8_t *out)
{
	uint8_t *code = host_code(insn);
	uint64_t rax = state->gpr[X86_RAX], rdx = state->gpr[X86_RDX];

	memcpy(areas.in, in, FAKE_XSTATE_SIZE);
	memset(areas.out, 0, sizeof(areas.out));
	if (sigsetjmp(host_refused, 1)) {
		host_may_refuse = false;
		return false;
	}
	host_may_refuse = true;
	asm volatile(
		"sub $128, %%rsp\n\t"
		"push %%rax\n\t"
		"push %%rdx\n\t"
		"mov $7, %%eax\n\t"
		"xor %%edx, %%edx\n\t"
		"xsave (%[own])\n\t"
		"xrstor (%[in])\n\t"
		"pop %%rdx\n\t"
		"pop %%rax\n\t"
		"call *%[code]\n\t"
		"mov $7, %%eax\n\t"
		"xor %%edx, %%edx\n\t"
		"xsave (%[out])\n\t"
		"xrstor (%[own])\n\t"
		"add $128, %%rsp\n\t"
		: "+a"(rax), "+d"(rdx)
		: [own] "r"(areas.own), [in] "r"(areas.in), [out] "r"(areas.out), [code] "r"(code),
		  "D"(state->gpr[X86_RDI]), "S"(state->gpr[X86_RSI])
		: "memory", "cc");
	host_may_refuse = false;
	state->rip += insn->length;
	memcpy(out, areas.out, FAKE_XSTATE_SIZE);
	return true;
}

void fake_random_xstate(struct fake *f)
{
	struct xstate x;
	uint64_t initial;

	xstate_get(&f->v, &x);
	fake_random_bytes(x.bytes, XSTATE_MXCSR);
	fake_random_bytes(x.bytes + XSTATE_ST, XSTATE_LEGACY_END - XSTATE_ST);
	fake_random_bytes(x.bytes + XSTATE_YMM, XSTATE_SIZE - XSTATE_YMM);
	/* Nothing pending, and so that every kind of tag comes up. */
	x.bytes[XSTATE_FCW] |= 0x3f;
	for (unsigned int i = 0; i < 8; i++) {
		uint64_t kind = fake_random() % 4;

		if (kind == 0)
			memset(x.bytes + XSTATE_ST + 16 * i, 0, 10);
		if (kind == 1)
			xstate_set16(&x, XSTATE_ST + 16 * i + 8, 0x7fff);
	}
	xstate_settle_x87(&x);
	xstate_set32(&x, XSTATE_MXCSR, fake_random() & 1 ? MXCSR_DEFAULT : 0x1fa5);
	initial = fake_random();
	initial &= fake_random();
	xstate_reset(&x, initial, 16);
	xstate_put(&f->v, &x);
}

void assert_xstate(struct fake *f, const uint8_t *expected)
{
	struct xstate ours, host;

	xstate_get(&f->v, &ours);
	memcpy(host.bytes, expected, XSTATE_SIZE);
	assert_memory_equal(ours.bytes, host.bytes, XSTATE_MXCSR_MASK);
	assert_memory_equal(ours.bytes + XSTATE_ST, host.bytes + XSTATE_ST,
			    XSTATE_LEGACY_END - XSTATE_ST);
	assert_memory_equal(ours.bytes + XSTATE_YMM, host.bytes + XSTATE_YMM,
			    XSTATE_SIZE - XSTATE_YMM);
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

/* The guest's state is never in the registers here. */
void vcpu_save_xstate(struct engine_vcpu *v)
{
}

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
