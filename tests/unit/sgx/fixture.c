// SPDX-License-Identifier: GPL-2.0-or-later
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

/* What must be the same after a leaf that was refused. */
struct snapshot {
	struct x86_state state;
	struct sgx_enclave_state enclave;
	uint8_t xstate[EMBEDDER_XSTATE_SIZE];
	struct epcm_entry epcm[FIXTURE_EPC_PAGES];
	uint8_t epc[FIXTURE_EPC_PAGES][SGX_PAGE_SIZE];
	uint8_t ram[FIXTURE_RAM_PAGES][SGX_PAGE_SIZE];
};

static void before_walk(struct embedder *embedder, gva_t gva)
{
	struct fixture *f = embedder->owner;

	if (f->on_walk)
		f->on_walk(f, gva);
}

static void before_read(struct embedder *embedder)
{
	struct fixture *f = embedder->owner;

	if (f->on_read)
		f->on_read(f);
}

static void before_write(struct embedder *embedder)
{
	struct fixture *f = embedder->owner;

	if (f->on_write)
		f->on_write(f);
}

static struct embedder *new_embedder(struct fixture *f)
{
	const struct embedder_config config = {
		.window = WINDOW_BASE,
		.window_pages = WINDOW_PAGES,
		.ram_pages = FIXTURE_RAM_PAGES,
		.epc_pages = FIXTURE_EPC_PAGES,
		/* Every test crosses from one to the other. */
		.epc_sections = 2,
		.epc_hpa = EPC_HPA,
		.cpus = FIXTURE_CPUS,
	};
	struct embedder *embedder = embedder_new(&config);

	assert_non_null(embedder);
	embedder->owner = f;
	embedder->on_walk = before_walk;
	embedder->on_read = before_read;
	embedder->on_write = before_write;
	return embedder;
}

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->embedder = new_embedder(f);
	f->platform = &f->embedder->platform;
	f->cpuid = &f->embedder->cpuid;
	f->cpus = f->embedder->cpus;
	f->builder = builder_for(f->embedder, 0, PAGEINFO_GVA);
	f->snapshot = malloc(sizeof(*f->snapshot));
	assert_non_null(f->snapshot);
	for (unsigned int i = 0; i < FIXTURE_EPC_PAGES; i++)
		map_epc(f, epc_gva(i), i, PTE_ALL);
	use_cpu(f, 0);
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	sgx_set_lock_patience(SGX_LOCK_PATIENCE_NS);
	embedder_free(f->embedder);
	free(f->snapshot);
	free(f);
	return 0;
}

struct pte *pte_of(struct fixture *f, gva_t gva)
{
	return embedder_pte(f->embedder, gva);
}

void map_epc(struct fixture *f, gva_t gva, unsigned int epc_page, unsigned int flags)
{
	embedder_map_epc(f->embedder, gva, epc_page, (uint8_t)flags);
}

void map_ram(struct fixture *f, gva_t gva, unsigned int ram_page)
{
	*pte_of(f, gva) = (struct pte){.flags = PTE_ALL, .page = ram_page};
}

void unmap(struct fixture *f, gva_t gva)
{
	pte_of(f, gva)->flags = 0;
}

/* The current processor with what the embedder keeps beside it. */
static struct embedder_cpu *current(struct fixture *f)
{
	return (struct embedder_cpu *)f->cpu;
}

void use_cpu(struct fixture *f, unsigned int index)
{
	f->cpu = &f->cpus[index].cpu;
	f->state = &f->cpus[index].state;
}

void *ram_ptr(struct fixture *f, gva_t gva)
{
	return builder_ram(&f->builder, gva);
}

struct epcm_entry *epcm_of(struct fixture *f, unsigned int epc_page)
{
	return embedder_epcm(f->embedder, epc_page);
}

void *epc_ptr(struct fixture *f, unsigned int epc_page)
{
	return epcm_page(epcm_of(f, epc_page));
}

void change_state(struct fixture *f, unsigned int epc_page, uint64_t clear, uint64_t set)
{
	epcm_change_flags(epcm_of(f, epc_page), clear, set);
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
	memcpy(s->xstate, current(f)->xstate, sizeof(s->xstate));
	for (unsigned int i = 0; i < FIXTURE_EPC_PAGES; i++) {
		s->epcm[i] = without_seq(epcm_of(f, i));
		if (epcm_is_valid(s->epcm[i].state))
			memcpy(s->epc[i], epc_ptr(f, i), SGX_PAGE_SIZE);
	}
	memcpy(s->ram, f->embedder->ram, sizeof(s->ram));
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
		assert_memory_equal(f->embedder->ram, s->ram, sizeof(s->ram));
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
	assert_memory_equal(current(f)->xstate, f->snapshot->xstate, EMBEDDER_XSTATE_SIZE);
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
	set_operands(current(f), UINT64_C(0xabcdef0000000000) | leaf, rbx, rcx, rdx);
	f->cpu->refused_by = NULL;
	take_snapshot(f);
	res = run(f->cpu);
	completed = res.kind == LEAF_CODE || res.kind == LEAF_INFO;
	if (completed)
		assert_result_delivered(f, res);
	if (f->cpu->refused_by)
		count_refusal(f);
	if (!leaf_succeeded(res) && !f->expect_change) {
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
	return builder_pageinfo(&f->builder);
}

struct sgx_secinfo *secinfo(struct fixture *f)
{
	return builder_secinfo(&f->builder);
}

struct sgx_pcmd *pcmd(struct fixture *f)
{
	return builder_pcmd(&f->builder);
}

void set_pageinfo(struct fixture *f, gva_t linaddr, gva_t secs, uint64_t flags)
{
	builder_set(&f->builder, linaddr, secs, flags);
}

struct sgx_secs *source_secs(struct fixture *f, gva_t base, uint64_t size)
{
	struct sgx_secs *secs = builder_source_secs(&f->builder, base, size);

	secs->miscselect = SGX_MISC_EXINFO;
	secs->attributes |= SGX_ATTR_DEBUG;
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
