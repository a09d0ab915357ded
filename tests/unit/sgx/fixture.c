// SPDX-License-Identifier: GPL-2.0-or-later
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

/* What must be the same after a leaf that was refused. */
struct snapshot {
	struct x86_state state;
	struct sgx_enclave_state enclave;
	uint8_t xstate[FIXTURE_XSTATE_SIZE];
	struct epcm_entry epcm[FIXTURE_EPC_PAGES];
	uint8_t epc[FIXTURE_EPC_PAGES][SGX_PAGE_SIZE];
	uint8_t ram[FIXTURE_RAM_PAGES][SGX_PAGE_SIZE];
};

static struct fixture_cpu *fixture_cpu(struct sgx_cpu *cpu)
{
	return (struct fixture_cpu *)cpu;
}

struct pte *pte_of(struct fixture *f, gva_t gva)
{
	uint64_t index = (gva - WINDOW_BASE) / SGX_PAGE_SIZE;

	return gva >= WINDOW_BASE && index < WINDOW_PAGES ? &f->pte[index] : NULL;
}

void map_epc(struct fixture *f, gva_t gva, unsigned int epc_page, unsigned int flags)
{
	*pte_of(f, gva) = (struct pte){.flags = (uint8_t)(flags | PTE_EPC), .page = epc_page};
}

void unmap(struct fixture *f, gva_t gva)
{
	pte_of(f, gva)->flags = 0;
}

static bool walk(struct sgx_cpu *cpu, gva_t gva, uint32_t access, struct sgx_place *place,
		 struct x86_exception *fault)
{
	struct fixture *f = fixture_cpu(cpu)->fixture;
	struct pte *pte = pte_of(f, gva);
	bool present = pte && (pte->flags & PTE_P);

	if (f->on_walk)
		f->on_walk(f, gva);
	if (!present || ((access & PFERR_WRITE_MASK) && !(pte->flags & PTE_W)) ||
	    ((access & PFERR_USER_MASK) && !(pte->flags & PTE_U)) ||
	    ((access & PFERR_FETCH_MASK) && (pte->flags & PTE_NX))) {
		*fault = (struct x86_exception){
			.vector = PF_VECTOR,
			.has_error_code = true,
			.error_code = access | (present ? PFERR_PRESENT_MASK : 0),
			.address = gva,
		};
		return false;
	}
	pte->accessed = true;
	pte->dirty |= (access & PFERR_WRITE_MASK) != 0;
	*place = (struct sgx_place){.is_epc = pte->flags & PTE_EPC};
	if (place->is_epc)
		place->hpa = EPC_HPA + (hpa_t)pte->page * SGX_PAGE_SIZE;
	else
		place->host = f->ram + (size_t)pte->page * SGX_PAGE_SIZE;
	return true;
}

static int read_guest(struct sgx_cpu *cpu, const struct sgx_place *place, unsigned int offset,
		      void *dst, size_t len)
{
	struct fixture *f = fixture_cpu(cpu)->fixture;

	assert_true(offset + len <= SGX_PAGE_SIZE);
	f->reads++;
	if (f->on_read)
		f->on_read(f);
	if (!f->host_error)
		memcpy(dst, (uint8_t *)place->host + offset, len);
	return f->host_error;
}

static int write_guest(struct sgx_cpu *cpu, const struct sgx_place *place, unsigned int offset,
		       const void *src, size_t len)
{
	struct fixture *f = fixture_cpu(cpu)->fixture;

	assert_true(offset + len <= SGX_PAGE_SIZE);
	f->writes++;
	if (f->on_write)
		f->on_write(f);
	if (!f->host_error)
		memcpy((uint8_t *)place->host + offset, src, len);
	return f->host_error;
}

/* The bytes of component @i of the standard format. */
static void component(const struct sgx_cpu *cpu, unsigned int i, uint32_t *offset, uint32_t *size)
{
	*offset = i == 0 ? 0 : i == 1 ? 160 : cpu->cpuid->xsave[i].offset;
	*size = i == 0 ? 160 : i == 1 ? 256 : cpu->cpuid->xsave[i].size;
}

static void xsave(struct sgx_cpu *cpu, uint64_t xfrm, void *area)
{
	uint8_t *xstate = fixture_cpu(cpu)->xstate;
	uint8_t *out = area;

	assert_true(is_aligned((uintptr_t)area, 64));
	for (unsigned int i = 0; i < 64; i++) {
		uint32_t offset, size;

		if (!(xfrm & BIT64(i)))
			continue;
		component(cpu, i, &offset, &size);
		memcpy(out + offset, xstate + offset, size);
	}
	memcpy(out + XSAVE_HEADER_OFFSET, &xfrm, sizeof(xfrm));
}

static bool xrstor(struct sgx_cpu *cpu, uint64_t xfrm, const void *area)
{
	uint8_t *xstate = fixture_cpu(cpu)->xstate;
	const uint8_t *in = area;
	uint64_t bv;
	uint32_t mxcsr;

	memcpy(&bv, in + XSAVE_HEADER_OFFSET, sizeof(bv));
	memcpy(&mxcsr, in + 24, sizeof(mxcsr));
	if (mxcsr & 0xffff0000)
		return false;
	for (unsigned int i = 0; i < 64; i++) {
		uint32_t offset, size;

		if (!(xfrm & BIT64(i)))
			continue;
		component(cpu, i, &offset, &size);
		if (bv & BIT64(i))
			memcpy(xstate + offset, in + offset, size);
		else
			memset(xstate + offset, 0, size);
	}
	memcpy(xstate + 24, &mxcsr, sizeof(mxcsr));
	return true;
}

static void xinit(struct sgx_cpu *cpu, uint64_t xfrm, uint16_t fcw, uint16_t fsw, uint32_t mxcsr)
{
	uint8_t *xstate = fixture_cpu(cpu)->xstate;

	for (unsigned int i = 0; i < 64; i++) {
		uint32_t offset, size;

		if (!(xfrm & BIT64(i)))
			continue;
		component(cpu, i, &offset, &size);
		memset(xstate + offset, 0, size);
	}
	memcpy(xstate, &fcw, sizeof(fcw));
	memcpy(xstate + 2, &fsw, sizeof(fsw));
	memcpy(xstate + 24, &mxcsr, sizeof(mxcsr));
}

static void enclave_mode(struct sgx_cpu *cpu, bool inside)
{
	assert_int_equal(inside, sgx_in_enclave(cpu));
	fixture_cpu(cpu)->mode_changes++;
}

static bool event_pending(struct sgx_cpu *cpu)
{
	return fixture_cpu(cpu)->event_pending;
}

static void page_changed(void *ctx, hpa_t hpa)
{
	struct fixture *f = ctx;

	f->notices++;
	f->last_notice = hpa;
}

static const struct sgx_ops fixture_ops = {
	.walk = walk,
	.read = read_guest,
	.write = write_guest,
	.xsave = xsave,
	.xrstor = xrstor,
	.xinit = xinit,
	.enclave_mode = enclave_mode,
	.event_pending = event_pending,
};

static void setup_cpuid(struct sgx_cpuid *cpuid)
{
	*cpuid = (struct sgx_cpuid){
		.leaves = SGX_CPUID_SGX1 | SGX_CPUID_SGX2 | SGX_CPUID_EDECCSSA,
		.miscselect = SGX_MISC_EXINFO,
		.max_size_32 = 31,
		.max_size_64 = 56,
		.attributes = SGX_ATTR_DEBUG | SGX_ATTR_MODE64BIT | SGX_ATTR_PROVISIONKEY |
			      SGX_ATTR_EINITTOKENKEY | SGX_ATTR_KSS | SGX_ATTR_AEXNOTIFY,
		.xfrm = XFEATURE_MASK_FP | XFEATURE_MASK_SSE | XFEATURE_MASK_YMM |
			XFEATURE_MASK_OPMASK | XFEATURE_MASK_ZMM_Hi256 | XFEATURE_MASK_Hi16_ZMM,
		.launch_control = true,
	};
	cpuid->xsave[2].offset = 576;
	cpuid->xsave[2].size = 256;
	cpuid->xsave[5].offset = 1088;
	cpuid->xsave[5].size = 64;
	cpuid->xsave[6].offset = 1152;
	cpuid->xsave[6].size = 512;
	cpuid->xsave[7].offset = 1664;
	cpuid->xsave[7].size = 1024;
}

static void setup_state(struct x86_state *state)
{
	const struct x86_segment data = {.limit = UINT32_MAX,
					 .selector = 0x2b,
					 .type = 3,
					 .s = true,
					 .dpl = 3,
					 .present = true,
					 .db = true,
					 .g = true};

	*state = (struct x86_state){
		.rip = 0x400000,
		.rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF,
		.cr0 = X86_CR0_PE | X86_CR0_NE | X86_CR0_PG | X86_CR0_ET | X86_CR0_WP,
		.cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_OSXSAVE,
		.efer = EFER_LME | EFER_LMA | EFER_SCE | EFER_NX,
		.xcr0 = 0xe7,
	};
	for (unsigned int i = 0; i < X86_NR_SEGS; i++)
		state->seg[i] = data;
	state->seg[X86_SEG_CS].selector = 0x33;
	state->seg[X86_SEG_CS].type = 11;
	state->seg[X86_SEG_CS].l = true;
	state->seg[X86_SEG_CS].db = false;
	state->seg[X86_SEG_FS].base = 0x7f0000001000;
	state->seg[X86_SEG_GS].base = 0x7f0000002000;
	for (unsigned int i = 0; i < X86_NR_GPRS; i++)
		state->gpr[i] = UINT64_C(0x1111111111111111) * i;
}

static void setup_cpu(struct fixture *f, struct fixture_cpu *c)
{
	static const uint64_t intel[] = {SGX_INTEL_LEPUBKEYHASH0, SGX_INTEL_LEPUBKEYHASH1,
					 SGX_INTEL_LEPUBKEYHASH2, SGX_INTEL_LEPUBKEYHASH3};
	uint32_t mxcsr = MXCSR_DEFAULT;
	uint16_t fcw = 0x37f;

	c->fixture = f;
	setup_state(&c->state);
	memset(c->xstate, 0x5a, sizeof(c->xstate));
	memcpy(c->xstate, &fcw, sizeof(fcw));
	memcpy(c->xstate + 24, &mxcsr, sizeof(mxcsr));
	c->cpu.platform = &f->platform;
	c->cpu.ops = &fixture_ops;
	c->cpu.cpuid = &f->cpuid;
	c->cpu.state = &c->state;
	c->cpu.feature_control = FEAT_CTL_LOCKED | FEAT_CTL_SGX_ENABLED | FEAT_CTL_SGX_LC_ENABLED;
	memcpy(c->cpu.lepubkeyhash, intel, sizeof(intel));
	assert_int_equal(sgx_cpu_init(&c->cpu), 0);
}

int fixture_setup(void **state)
{
	struct sgx_identity identity;
	struct fixture *f = aligned_alloc(64, align_up(sizeof(*f), 64));
	const uint64_t half = FIXTURE_EPC_PAGES / 2 * SGX_PAGE_SIZE;

	assert_non_null(f);
	memset(f, 0, sizeof(*f));
	memset(&identity, 0, sizeof(identity));
	memset(identity.root_key, 0x11, sizeof(identity.root_key));
	memset(identity.provisioning_root_key, 0x22, sizeof(identity.provisioning_root_key));
	memset(identity.seal_fuses, 0x33, sizeof(identity.seal_fuses));
	memset(identity.owner_epoch, 0x44, sizeof(identity.owner_epoch));
	memset(identity.cpusvn, 0x02, sizeof(identity.cpusvn));
	assert_int_equal(sgx_platform_init(&f->platform, &identity), 0);
	/* Two sections side by side, so that every test crosses from one to the other. */
	assert_int_equal(epc_add_section(&f->platform.epc, EPC_HPA, half, 0), 0);
	assert_int_equal(epc_add_section(&f->platform.epc, EPC_HPA + half, half, 1), 0);
	f->platform.page_changed = page_changed;
	f->platform.page_changed_ctx = f;
	setup_cpuid(&f->cpuid);
	f->ram = calloc(FIXTURE_RAM_PAGES, SGX_PAGE_SIZE);
	f->snapshot = malloc(sizeof(*f->snapshot));
	assert_non_null(f->ram);
	assert_non_null(f->snapshot);
	for (unsigned int i = 0; i < FIXTURE_RAM_PAGES; i++)
		*pte_of(f, ram_gva(i)) = (struct pte){.flags = PTE_ALL, .page = i};
	for (unsigned int i = 0; i < FIXTURE_EPC_PAGES; i++)
		map_epc(f, epc_gva(i), i, PTE_ALL);
	for (unsigned int i = 0; i < FIXTURE_CPUS; i++)
		setup_cpu(f, &f->cpus[i]);
	use_cpu(f, 0);
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	sgx_set_lock_patience(SGX_LOCK_PATIENCE_NS);
	for (unsigned int i = 0; i < FIXTURE_CPUS; i++)
		sgx_cpu_destroy(&f->cpus[i].cpu);
	sgx_platform_destroy(&f->platform);
	free(f->snapshot);
	free(f->ram);
	free(f);
	return 0;
}

void use_cpu(struct fixture *f, unsigned int index)
{
	f->cpu = &f->cpus[index].cpu;
	f->state = &f->cpus[index].state;
}

void *ram_ptr(struct fixture *f, gva_t gva)
{
	return f->ram + (gva - RAM_GVA);
}

struct epcm_entry *epcm_of(struct fixture *f, unsigned int epc_page)
{
	return epc_lookup(&f->platform.epc, EPC_HPA + (hpa_t)epc_page * SGX_PAGE_SIZE);
}

void *epc_ptr(struct fixture *f, unsigned int epc_page)
{
	return epcm_page(epcm_of(f, epc_page));
}

void hold_page(struct fixture *f, unsigned int epc_page, uint32_t bits)
{
	sgx_set_lock_patience(0);
	atomic_fetch_add(&epcm_of(f, epc_page)->lock, bits);
}

void let_go(struct fixture *f, unsigned int epc_page, uint32_t bits)
{
	sgx_set_lock_patience(SGX_LOCK_PATIENCE_NS);
	atomic_fetch_sub(&epcm_of(f, epc_page)->lock, bits);
}

/* The part of an entry that a refused leaf may not change: all but `seq`. */
static struct epcm_entry without_seq(const struct epcm_entry *e)
{
	struct epcm_entry copy;

	memcpy(&copy, e, sizeof(copy));
	memset((void *)&copy.seq, 0, sizeof(copy.seq));
	return copy;
}

static void take_snapshot(struct fixture *f)
{
	struct snapshot *s = f->snapshot;

	memcpy(&s->state, f->state, sizeof(s->state));
	memcpy(&s->enclave, &f->cpu->enclave, sizeof(s->enclave));
	memcpy(s->xstate, fixture_cpu(f->cpu)->xstate, sizeof(s->xstate));
	for (unsigned int i = 0; i < FIXTURE_EPC_PAGES; i++) {
		s->epcm[i] = without_seq(epcm_of(f, i));
		if (epcm_is_valid(s->epcm[i].state))
			memcpy(s->epc[i], epc_ptr(f, i), SGX_PAGE_SIZE);
	}
	memcpy(s->ram, f->ram, sizeof(s->ram));
}

/* The scratch contents of invalid pages are no state: nothing can read them. */
static void assert_memory_unchanged(struct fixture *f)
{
	const struct snapshot *s = f->snapshot;

	for (unsigned int i = 0; i < FIXTURE_EPC_PAGES; i++) {
		struct epcm_entry now = without_seq(epcm_of(f, i));

		assert_memory_equal(&now, &s->epcm[i], sizeof(now));
		if (epcm_is_valid(now.state))
			assert_memory_equal(epc_ptr(f, i), s->epc[i], SGX_PAGE_SIZE);
	}
	if (!f->on_read)
		assert_memory_equal(f->ram, s->ram, sizeof(s->ram));
}

static void assert_processor_unchanged(struct fixture *f, bool completed)
{
	struct x86_state expected = f->snapshot->state;

	if (completed) {
		expected.gpr[X86_RAX] = f->state->gpr[X86_RAX];
		expected.rflags = f->state->rflags;
		expected.rip += SGX_INSN_LENGTH;
	}
	assert_memory_equal(f->state, &expected, sizeof(expected));
	assert_memory_equal(&f->cpu->enclave, &f->snapshot->enclave, sizeof(f->cpu->enclave));
	assert_memory_equal(fixture_cpu(f->cpu)->xstate, f->snapshot->xstate, FIXTURE_XSTATE_SIZE);
}

/* RAX and the flags are what the kind of result says. */
static void assert_result_delivered(struct fixture *f, struct leaf_result res)
{
	const uint64_t arithmetic = X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF |
				    X86_EFLAGS_SF | X86_EFLAGS_OF;
	uint64_t flags = f->snapshot->state.rflags & ~arithmetic;

	if (res.kind == LEAF_INFO)
		flags |= X86_EFLAGS_CF;
	else if (res.value)
		flags |= X86_EFLAGS_ZF;
	assert_int_equal(f->state->gpr[X86_RAX], res.value);
	assert_int_equal(f->state->rflags, flags);
}

extern const struct sgx_check __start_sgx_checks[], __stop_sgx_checks[];
static unsigned int check_hits[1024];

static void count_refusal(struct fixture *f)
{
	ptrdiff_t index = f->cpu->refused_by - __start_sgx_checks;

	assert_in_range(index, 0, ARRAY_SIZE(check_hits) - 1);
	check_hits[index]++;
}

struct leaf_result watched(struct fixture *f, struct leaf_result (*run)(struct sgx_cpu *),
			   uint32_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct leaf_result res;
	bool completed;

	/* The upper half of RAX is not part of the leaf number. */
	f->state->gpr[X86_RAX] = UINT64_C(0xabcdef0000000000) | leaf;
	f->state->gpr[X86_RBX] = rbx;
	f->state->gpr[X86_RCX] = rcx;
	f->state->gpr[X86_RDX] = rdx;
	f->cpu->refused_by = NULL;
	take_snapshot(f);
	res = run(f->cpu);
	completed = res.kind == LEAF_CODE || res.kind == LEAF_INFO;
	if (completed)
		assert_result_delivered(f, res);
	if (f->cpu->refused_by)
		count_refusal(f);
	if (res.kind != LEAF_OK && res.kind != LEAF_JUMP && !(completed && !res.value) &&
	    !f->expect_change) {
		assert_memory_unchanged(f);
		assert_processor_unchanged(f, completed);
	}
	f->expect_change = false;
	return res;
}

struct leaf_result encls(struct fixture *f, uint32_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	f->state->cpl = 0;
	return watched(f, sgx_encls, leaf, rbx, rcx, rdx);
}

struct leaf_result enclu(struct fixture *f, uint32_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	f->state->cpl = 3;
	return watched(f, sgx_enclu, leaf, rbx, rcx, rdx);
}

void use_32bit(struct fixture *f)
{
	f->state->efer &= ~(EFER_LMA | EFER_LME);
	f->state->seg[X86_SEG_CS].l = false;
	f->state->seg[X86_SEG_CS].db = true;
}

static void unexpected(struct leaf_result res, const char *wanted, const char *file, int line)
{
	print_error("wanted %s, got kind %u vector %u error code %#x value %d address %#llx\n",
		    wanted, res.kind, res.vector, res.error_code, res.value,
		    (unsigned long long)res.address);
	_fail(file, line);
}

void _expect_ok(struct leaf_result res, const char *file, int line)
{
	if (res.kind != LEAF_OK)
		unexpected(res, "success", file, line);
}

void _expect_code(struct leaf_result res, int code, const char *file, int line)
{
	if (res.kind != LEAF_CODE || res.value != code)
		unexpected(res, "a code", file, line);
}

void _expect_info(struct leaf_result res, int code, const char *file, int line)
{
	if (res.kind != LEAF_INFO || res.value != code)
		unexpected(res, "an informational code", file, line);
}

void _expect_vector(struct leaf_result res, int vector, const char *file, int line)
{
	if (res.kind != LEAF_FAULT || res.vector != vector || res.error_code)
		unexpected(res, "a fault", file, line);
}

void _expect_pf(struct leaf_result res, gva_t gva, uint32_t error, const char *file, int line)
{
	if (res.kind != LEAF_FAULT || res.vector != PF_VECTOR || res.error_code != error ||
	    res.address != gva) {
		print_error("wanted #PF error code %#x address %#llx\n", error,
			    (unsigned long long)gva);
		unexpected(res, "a page fault", file, line);
	}
}

void _expect_refused_by(struct fixture *f, const char *rule, const char *file, int line)
{
	const struct sgx_check *check = f->cpu->refused_by;

	if (check && strstr(check->rule, rule))
		return;
	print_error("wanted refusal by \"%s\", got \"%s\"\n", rule, check ? check->rule : "none");
	_fail(file, line);
}

struct sgx_pageinfo *pageinfo(struct fixture *f)
{
	return ram_ptr(f, PAGEINFO_GVA);
}

struct sgx_secinfo *secinfo(struct fixture *f)
{
	return ram_ptr(f, SECINFO_GVA);
}

struct sgx_pcmd *pcmd(struct fixture *f)
{
	return ram_ptr(f, PCMD_GVA);
}

void set_pageinfo(struct fixture *f, gva_t linaddr, gva_t secs, uint64_t flags)
{
	*pageinfo(f) = (struct sgx_pageinfo){
		.linaddr = linaddr, .srcpge = SRC_GVA, .secinfo = SECINFO_GVA, .secs = secs};
	*secinfo(f) = (struct sgx_secinfo){.flags = flags};
}

struct sgx_secs *source_secs(struct fixture *f, gva_t base, uint64_t size)
{
	struct sgx_secs *secs = ram_ptr(f, SRC_GVA);

	memset(secs, 0, sizeof(*secs));
	secs->base = base;
	secs->size = size;
	secs->ssa_frame_size = 1;
	secs->miscselect = SGX_MISC_EXINFO;
	secs->attributes = SGX_ATTR_MODE64BIT | SGX_ATTR_DEBUG;
	secs->xfrm = XFEATURE_MASK_FP | XFEATURE_MASK_SSE;
	return secs;
}

struct sgx_tcs *source_tcs(struct fixture *f, uint64_t ossa, uint32_t nssa)
{
	struct sgx_tcs *tcs = ram_ptr(f, SRC_GVA);

	memset(tcs, 0, sizeof(*tcs));
	tcs->ossa = ossa;
	tcs->nssa = nssa;
	tcs->oentry = 0x3000;
	tcs->fs_limit = UINT32_MAX;
	tcs->gs_limit = UINT32_MAX;
	return tcs;
}

void make_secs(struct fixture *f, unsigned int secs_page, gva_t base)
{
	source_secs(f, base, ENCLAVE_SIZE);
	set_pageinfo(f, 0, 0, EPCM_PT(SGX_PAGE_TYPE_SECS));
	expect_ok(encls(f, ECREATE, PAGEINFO_GVA, epc_gva(secs_page), 0));
}

static void add_page(struct fixture *f, unsigned int secs_page, unsigned int epc_page,
		     gva_t linaddr, uint64_t flags)
{
	set_pageinfo(f, linaddr, epc_gva(secs_page), flags);
	expect_ok(encls(f, EADD, PAGEINFO_GVA, epc_gva(epc_page), 0));
	map_epc(f, linaddr, epc_page, PTE_ALL);
}

void add_reg(struct fixture *f, unsigned int secs_page, unsigned int epc_page, gva_t linaddr,
	     uint64_t rwx)
{
	add_page(f, secs_page, epc_page, linaddr, EPCM_PT(SGX_PAGE_TYPE_REG) | rwx);
}

void add_tcs(struct fixture *f, unsigned int secs_page, unsigned int epc_page, gva_t linaddr,
	     uint64_t ossa, uint32_t nssa)
{
	source_tcs(f, ossa, nssa);
	add_page(f, secs_page, epc_page, linaddr, EPCM_PT(SGX_PAGE_TYPE_TCS));
}

void force_init(struct fixture *f, unsigned int secs_page)
{
	struct sgx_secs *secs = epc_ptr(f, secs_page);

	secs->attributes |= SGX_ATTR_INIT;
}

void make_tiny_enclave(struct fixture *f, unsigned int first, gva_t base)
{
	make_secs(f, first, base);
	add_tcs(f, first, first + 1, base, 0x1000, 2);
	memset(ram_ptr(f, SRC_GVA), 0, SGX_PAGE_SIZE);
	add_reg(f, first, first + 2, base + 0x1000, EPCM_R | EPCM_W);
	add_reg(f, first, first + 3, base + 0x2000, EPCM_R | EPCM_W);
	add_reg(f, first, first + 4, base + 0x3000, EPCM_RWX);
	add_reg(f, first, first + 5, base + 0x4000, EPCM_R | EPCM_W);
	force_init(f, first);
}

void aug_page(struct fixture *f, unsigned int secs_page, unsigned int epc_page, gva_t linaddr)
{
	*pageinfo(f) = (struct sgx_pageinfo){.linaddr = linaddr, .secs = epc_gva(secs_page)};
	expect_ok(encls(f, EAUG, PAGEINFO_GVA, epc_gva(epc_page), 0));
	map_epc(f, linaddr, epc_page, PTE_ALL);
}

void enter_by_hand(struct fixture *f, unsigned int first)
{
	struct sgx_enclave_state *enclave = &f->cpu->enclave;
	const struct sgx_secs *secs = epc_ptr(f, first);

	enclave->secs = epcm_of(f, first);
	enclave->tcs = epcm_of(f, first + 1);
	enclave->base = secs->base;
	enclave->size = secs->size;
	assert_true(track_enter(enclave->secs, &enclave->entry_epoch));
	enclave->active = true;
}

void leave_by_hand(struct fixture *f)
{
	struct sgx_enclave_state *enclave = &f->cpu->enclave;

	track_leave(enclave->secs, enclave->entry_epoch);
	memset(enclave, 0, sizeof(*enclave));
}

struct sgx_secinfo *set_enclave_secinfo(struct fixture *f, uint64_t flags)
{
	struct sgx_secinfo *secinfo = epc_ptr(f, 5);

	*secinfo = (struct sgx_secinfo){.flags = flags};
	return secinfo;
}

unsigned int checks_never_refused(void)
{
	unsigned int never = 0;

	for (const struct sgx_check *c = __start_sgx_checks; c < __stop_sgx_checks; c++) {
		if (check_hits[c - __start_sgx_checks])
			continue;
		print_error("no test is refused by %s: %s\n", c->leaf, c->rule);
		never++;
	}
	return never;
}
