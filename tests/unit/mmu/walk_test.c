// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM vol. 3 "Paging" by permutation: every combination of entry bits, control
 * bits and kind of access is walked by walk_gva() and by the oracle. Fault, error
 * code, address, rights and the A and D flags afterwards must agree, and nothing
 * else in the tables may change.
 *
 * A case is a number, each bit of which is one thing that varies. The full
 * product runs with EXCLAVE_TEST_LONG set; by default, sub-products in which only
 * the named bits vary and the others are as in an ordinary mapping.
 */
#include "oracle.h"
#include "tests.h"

#include <stdlib.h>

/* Six bits for each entry, the leaf's first; then the rest. */
enum {
	CASE_P = 1 << 0,
	CASE_RW = 1 << 1,
	CASE_US = 1 << 2,
	CASE_XD = 1 << 3,
	CASE_A = 1 << 4,
	CASE_RSVD = 1 << 5,
	CASE_ENTRY_BITS = 6,
};
#define CASE_ENTRY(depth_from_leaf, bits) ((uint64_t)(bits) << ((depth_from_leaf)*CASE_ENTRY_BITS))
#define CASE_EVERY(bits) \
	(CASE_ENTRY(0, bits) | CASE_ENTRY(1, bits) | CASE_ENTRY(2, bits) | CASE_ENTRY(3, bits))
#define CASE_D            BIT64(24)
#define CASE_WP           BIT64(25)
#define CASE_SMEP         BIT64(26)
#define CASE_SMAP         BIT64(27)
#define CASE_NXE          BIT64(28)
#define CASE_AC           BIT64(29)
#define CASE_CPU          (CASE_WP | CASE_SMEP | CASE_SMAP | CASE_NXE | CASE_AC)
#define CASE_CPU_SHIFT    25
#define CASE_ACCESS       (BIT64(30) | BIT64(31) | BIT64(32))
#define CASE_ACCESS_SHIFT 30

/* One kind of mapping. */
struct shape {
	const char *name;
	enum oracle_paging paging;
	unsigned int depth; /* entries, the leaf included */
	bool large;
	bool pse;
	bool page1gb;
};

static const struct shape shapes[] = {
	{"32-bit, 4 KiB", ORACLE_32BIT, 2, false, false, false},
	{"32-bit with PSE, 4 KiB", ORACLE_32BIT, 2, false, true, false},
	{"32-bit with PSE, 4 MiB", ORACLE_32BIT, 1, true, true, false},
	{"PAE, 4 KiB", ORACLE_PAE, 2, false, false, false},
	{"PAE, 2 MiB", ORACLE_PAE, 1, true, false, false},
	{"4-level, 4 KiB", ORACLE_4LEVEL, 4, false, false, true},
	{"4-level, 2 MiB", ORACLE_4LEVEL, 3, true, false, false},
	{"4-level, 1 GiB", ORACLE_4LEVEL, 2, true, false, true},
};

static const struct {
	struct oracle_access access;
	uint32_t asked;
} accesses[] = {
	{{.user = true}, PFERR_USER_MASK},
	{{.user = true, .write = true}, PFERR_USER_MASK | PFERR_WRITE_MASK},
	{{.user = true, .fetch = true}, PFERR_USER_MASK | PFERR_FETCH_MASK},
	{{.write = false}, 0},
	{{.write = true}, PFERR_WRITE_MASK},
	{{.fetch = true}, PFERR_FETCH_MASK},
	{{.implicit = true}, MMU_ACCESS_IMPLICIT},
	{{.implicit = true, .write = true}, MMU_ACCESS_IMPLICIT | PFERR_WRITE_MASK},
};
_Static_assert(ARRAY_SIZE(accesses) == 8, "three bits of a case");

/*
 * Four table pages, which the guest sees twice: below 4 GiB and above, so that a
 * truncated table address does not go unnoticed.
 */
#define TABLES      4
#define LOW_TABLES  UINT64_C(0x00654000)
#define HIGH_TABLES UINT64_C(0x2f1234567000)
#define BACKGROUND  0xa7 /* present, user, writable: a wrong index finds something */

struct machine {
	const struct shape *shape;
	struct mmu mmu;
	uint8_t *ram;
	gpa_t tables;
	gva_t gva;
	struct oracle_cpu cpus[32];
	struct mmu_mode modes[32];
	uint64_t present[4]; /* bits of each entry, leaf first, that no case bit governs */
	uint64_t rsvd[4];    /* the reserved bit that CASE_RSVD sets, leaf first; 0: none */
	uint64_t count;
};

static unsigned int levels_of(enum oracle_paging paging)
{
	return paging == ORACLE_4LEVEL ? 4 : 2;
}

/* Where the entry at @depth, the topmost being 0, lies. */
static void *entry_at(struct machine *m, unsigned int depth)
{
	unsigned int level = levels_of(m->shape->paging) - depth;
	uint8_t *table = m->ram + depth * GUEST_PAGE_SIZE;

	if (m->shape->paging == ORACLE_32BIT)
		return table + (m->gva >> (level == 1 ? 12 : 22)) % 1024 * 4;
	return table + (m->gva >> (12 + (level - 1) * 9)) % 512 * 8;
}

static uint64_t entry_read(struct machine *m, unsigned int depth)
{
	if (m->shape->paging == ORACLE_32BIT)
		return *(uint32_t *)entry_at(m, depth);
	return *(uint64_t *)entry_at(m, depth);
}

static void entry_write(struct machine *m, unsigned int depth, uint64_t entry)
{
	if (m->shape->paging == ORACLE_32BIT)
		*(uint32_t *)entry_at(m, depth) = (uint32_t)entry;
	else
		*(uint64_t *)entry_at(m, depth) = entry;
}

static void cpu_init(struct machine *m, unsigned int index, uint64_t number,
		     unsigned int maxphyaddr)
{
	struct oracle_cpu *cpu = &m->cpus[index];
	struct mmu_registers regs = {.maxphyaddr = (uint8_t)maxphyaddr};

	*cpu = (struct oracle_cpu){
		.paging = m->shape->paging,
		.maxphyaddr = maxphyaddr,
		.wp = number & CASE_WP,
		.smep = number & CASE_SMEP,
		.smap = number & CASE_SMAP,
		.nxe = number & CASE_NXE,
		.ac = number & CASE_AC,
		.pge = true,
		.pse = m->shape->pse,
		.page1gb = m->shape->page1gb,
	};
	oracle_prepare(cpu);
	regs.page1gb = cpu->page1gb;
	regs.cr0 = X86_CR0_PE | X86_CR0_PG | (cpu->wp ? X86_CR0_WP : 0);
	regs.cr4 = X86_CR4_PGE | (cpu->smep ? X86_CR4_SMEP : 0) | (cpu->smap ? X86_CR4_SMAP : 0) |
		   (cpu->pse ? X86_CR4_PSE : 0) | (cpu->paging == ORACLE_32BIT ? 0 : X86_CR4_PAE);
	regs.efer =
		(cpu->nxe ? EFER_NX : 0) | (cpu->paging == ORACLE_4LEVEL ? EFER_LME | EFER_LMA : 0);
	regs.cr3 = m->tables | 0x18; /* PWT and PCD are no part of the address */
	mmu_mode_init(&m->modes[index], &regs);
	for (unsigned int i = 0; i < 4; i++)
		m->modes[index].pdpte[i] = m->tables | PT_PRESENT_MASK;
}

static void machine_init(struct machine *m, const struct shape *shape, unsigned int maxphyaddr)
{
	memset(m, 0, sizeof(*m));
	m->shape = shape;
	m->mmu.slots = slots_new(52);
	m->ram = host_map(TABLES * GUEST_PAGE_SIZE);
	memset(m->ram, BACKGROUND, TABLES * GUEST_PAGE_SIZE);
	assert_int_equal(slot_set(m->mmu.slots, 0, 0, LOW_TABLES, TABLES * GUEST_PAGE_SIZE, m->ram),
			 0);
	assert_int_equal(
		slot_set(m->mmu.slots, 1, 0, HIGH_TABLES, TABLES * GUEST_PAGE_SIZE, m->ram), 0);
	m->tables = shape->paging == ORACLE_32BIT || maxphyaddr < 46 ? LOW_TABLES : HIGH_TABLES;
	m->gva = shape->paging == ORACLE_4LEVEL ? UINT64_C(0xffff91b65a7c39f8)
						: UINT64_C(0x9a5b6cf8);
	for (unsigned int i = 0; i < 32; i++)
		cpu_init(m, i, (uint64_t)i << CASE_CPU_SHIFT, maxphyaddr);
	for (unsigned int i = 0; i < shape->depth; i++) {
		unsigned int next_table = shape->depth - i;

		m->present[i] = i ? m->tables + next_table * GUEST_PAGE_SIZE
				  : UINT64_C(0x40000000) | (shape->large ? PT_PAGE_SIZE_MASK : 0);
	}
}

static void machine_destroy(struct machine *m)
{
	memslots_free(m->mmu.slots);
	host_unmap(m->ram, TABLES * GUEST_PAGE_SIZE);
}

/* Nothing but the entries themselves has changed since machine_init(). */
static void assert_background(struct machine *m)
{
	for (unsigned int i = 0; i < m->shape->depth; i++)
		memset(entry_at(m, i), BACKGROUND, m->shape->paging == ORACLE_32BIT ? 4 : 8);
	for (unsigned int i = 0; i < TABLES * GUEST_PAGE_SIZE; i++)
		if (m->ram[i] != BACKGROUND)
			fail_msg("%s: wrote to table byte %#x", m->shape->name, i);
}

static bool agrees(const struct oracle_result *expected, enum mmu_status status,
		   const struct walk *walk, const struct machine *m)
{
	gva_t cr2 = m->shape->paging == ORACLE_4LEVEL ? m->gva : (uint32_t)m->gva;
	uint32_t allowed = (expected->may_read ? MMU_READ : 0) |
			   (expected->may_write ? MMU_WRITE : 0) |
			   (expected->may_fetch ? MMU_EXEC : 0);

	if (expected->fault)
		return status == MMU_FAULT && walk->fault.vector == PF_VECTOR &&
		       walk->fault.has_error_code &&
		       walk->fault.error_code == expected->error_code && walk->fault.address == cr2;
	return status == MMU_OK && walk->gpa == expected->address && walk->allowed == allowed &&
	       walk->user == expected->user_page && walk->global == expected->global &&
	       walk->page_shift == expected->page_bits;
}

/* Walks what the tables hold with both, and compares. @entry holds the same, topmost first. */
static void compare(struct machine *m, unsigned int cpu, unsigned int kind, uint64_t entry[4],
		    unsigned int count, uint64_t number)
{
	struct oracle_result expected;
	struct walk walk;
	enum mmu_status status;
	bool same;

	status = walk_gva(&m->mmu, &m->modes[cpu], 0, m->gva,
			  accesses[kind].asked | (m->cpus[cpu].ac ? MMU_ACCESS_AC : 0), &walk);
	expected = oracle_walk(&m->cpus[cpu], accesses[kind].access, m->gva, entry);
	same = agrees(&expected, status, &walk, m);
	for (unsigned int i = 0; i < count; i++)
		same &= entry_read(m, i) == entry[i];
	m->count++;
	if (same)
		return;
	for (unsigned int i = 0; i < count; i++)
		print_error("entry %u: %#018lx, oracle %#018lx\n", i, entry_read(m, i), entry[i]);
	print_error("oracle: fault %d code %#x address %#lx rwx %d%d%d\n", expected.fault,
		    expected.error_code, expected.address, expected.may_read, expected.may_write,
		    expected.may_fetch);
	print_error("walk: status %d code %#x address %#lx allowed %#x\n", status,
		    status == MMU_FAULT ? walk.fault.error_code : 0,
		    status == MMU_OK ? walk.gpa : 0, status == MMU_OK ? walk.allowed : 0);
	fail_msg("%s: case %#lx", m->shape->name, number);
}

/* @depth_from_leaf: 0 is the leaf. */
static uint64_t case_entry(const struct machine *m, uint64_t number, unsigned int depth_from_leaf)
{
	uint64_t bits = number >> (depth_from_leaf * CASE_ENTRY_BITS);
	uint64_t entry = m->present[depth_from_leaf];

	entry |= bits & CASE_P ? PT_PRESENT_MASK : 0;
	entry |= bits & CASE_RW ? PT_WRITABLE_MASK : 0;
	entry |= bits & CASE_US ? PT_USER_MASK : 0;
	entry |= bits & CASE_A ? PT_ACCESSED_MASK : 0;
	entry |= bits & CASE_XD && m->shape->paging != ORACLE_32BIT ? PT_NX_MASK : 0;
	entry |= bits & CASE_RSVD ? m->rsvd[depth_from_leaf] : 0;
	if (!depth_from_leaf)
		entry |= number & CASE_D ? PT_DIRTY_MASK : 0;
	return entry;
}

static void run_case(struct machine *m, uint64_t number)
{
	unsigned int cpu = (number & CASE_CPU) >> CASE_CPU_SHIFT;
	unsigned int kind = (unsigned int)((number & CASE_ACCESS) >> CASE_ACCESS_SHIFT);
	unsigned int depth = m->shape->depth;
	uint64_t entry[4] = {0};

	for (unsigned int i = 0; i < depth; i++) {
		entry[i] = case_entry(m, number, depth - 1 - i);
		entry_write(m, i, entry[i]);
	}
	compare(m, cpu, kind, entry, depth, number);
	if (m->count % 65536 == 0)
		assert_background(m);
}

/* All cases in which the bits of @varying vary and the others are those of @fixed. */
static void run_product(struct machine *m, uint64_t varying, uint64_t fixed)
{
	uint64_t number = 0;

	/* Bits of entries that this shape does not have, and of reserved bits it does not have. */
	for (unsigned int i = 0; i < 4; i++) {
		if (i >= m->shape->depth)
			varying &= ~CASE_ENTRY(i, (1 << CASE_ENTRY_BITS) - 1);
		if (!m->rsvd[i])
			varying &= ~CASE_ENTRY(i, CASE_RSVD);
	}
	if (m->shape->paging == ORACLE_32BIT)
		varying &= ~CASE_EVERY(CASE_XD);
	do {
		run_case(m, number | (fixed & ~varying));
		number = (number - varying) & varying;
	} while (number);
	assert_background(m);
}

static unsigned int lowest_bit(uint64_t mask)
{
	return (unsigned int)__builtin_ctzll(mask);
}

/* Picks for each entry a reserved bit that no other case bit governs. */
static void choose_reserved_bits(struct machine *m)
{
	for (unsigned int i = 0; i < m->shape->depth; i++) {
		uint64_t entry = m->present[i] | PT_PRESENT_MASK, mask = 0;

		for (unsigned int bit = 12; bit < 63; bit++) {
			uint64_t entries[4] = {0};

			for (unsigned int j = 0; j < m->shape->depth; j++)
				entries[m->shape->depth - 1 - j] = m->present[j] | PT_PRESENT_MASK;
			entries[m->shape->depth - 1 - i] = entry | BIT64(bit);
			if (oracle_walk(&m->cpus[31], accesses[3].access, m->gva, entries)
				    .error_code &
			    PFERR_RSVD_MASK)
				mask |= BIT64(bit);
		}
		if (m->shape->paging == ORACLE_32BIT)
			mask &= UINT32_MAX;
		m->rsvd[i] = mask ? BIT64(lowest_bit(mask)) : 0;
	}
}

#define ORDINARY (CASE_EVERY(CASE_P | CASE_RW | CASE_US) | CASE_WP | CASE_NXE)

static void walk_rights_product_as_oracle(void **state)
{
	struct machine m;

	for (unsigned int i = 0; i < ARRAY_SIZE(shapes); i++) {
		machine_init(&m, &shapes[i], 46);
		run_product(&m,
			    CASE_EVERY(CASE_RW | CASE_US | CASE_XD) | CASE_D | CASE_CPU |
				    CASE_ACCESS,
			    ORDINARY);
		machine_destroy(&m);
	}
}

static void walk_presence_product_as_oracle(void **state)
{
	struct machine m;

	for (unsigned int i = 0; i < ARRAY_SIZE(shapes); i++) {
		machine_init(&m, &shapes[i], 46);
		choose_reserved_bits(&m);
		run_product(&m,
			    CASE_EVERY(CASE_P | CASE_A | CASE_RSVD) | CASE_D | CASE_NXE |
				    CASE_SMEP | CASE_ACCESS,
			    ORDINARY);
		machine_destroy(&m);
	}
}

/* All bits of two neighbouring entries. */
static void walk_neighbours_product_as_oracle(void **state)
{
	const uint64_t all = (1 << CASE_ENTRY_BITS) - 1;
	struct machine m;

	for (unsigned int i = 0; i < ARRAY_SIZE(shapes); i++) {
		machine_init(&m, &shapes[i], 46);
		choose_reserved_bits(&m);
		for (unsigned int low = 0; low < 3 && low < shapes[i].depth; low++)
			run_product(&m,
				    CASE_ENTRY(low, all) | CASE_ENTRY(low + 1, all) | CASE_D |
					    CASE_WP | CASE_NXE | CASE_ACCESS,
				    ORDINARY);
		machine_destroy(&m);
	}
}

static void walk_full_product_as_oracle(void **state)
{
	struct machine m;

	if (!getenv("EXCLAVE_TEST_LONG"))
		skip();
	for (unsigned int i = 0; i < ARRAY_SIZE(shapes); i++) {
		machine_init(&m, &shapes[i], 46);
		choose_reserved_bits(&m);
		run_product(&m, BIT64(33) - 1, 0);
		print_message("%s: %lu cases\n", shapes[i].name, m.count);
		machine_destroy(&m);
	}
}

/* Flips bit @bit of the entry at depth @changed in an ordinary mapping, and walks it. */
static void run_single_bit(struct machine *m, unsigned int width, unsigned int changed,
			   unsigned int bit)
{
	unsigned int depth = m->shape->depth;
	uint64_t entry[4] = {0};

	/* It would only name another table. */
	if (changed < depth - 1 && bit >= 12 && bit < width)
		return;
	/* A page turned into a table finds the background below it. */
	if (changed == depth - 1 && m->shape->large && BIT64(bit) == PT_PAGE_SIZE_MASK)
		return;
	for (unsigned int i = 0; i < depth; i++) {
		entry[i] = case_entry(m, ORDINARY, depth - 1 - i);
		if (i == changed)
			entry[i] ^= BIT64(bit);
		if (m->shape->paging == ORACLE_32BIT)
			entry[i] &= UINT32_MAX;
		entry_write(m, i, entry[i]);
	}
	compare(m, 0, 0, entry, depth, bit);
	for (unsigned int i = 0; i < depth; i++)
		entry_write(m, i, entry[i]);
	compare(m, (unsigned int)(CASE_NXE >> CASE_CPU_SHIFT), 0, entry, depth, bit);
}

/* For each physical-address width: which bits are reserved. */
static void walk_single_bits_as_oracle(void **state)
{
	static const unsigned int widths[] = {32, 36, 39, 40, 41, 46, 51, 52};
	struct machine m;

	for (unsigned int i = 0; i < ARRAY_SIZE(shapes) * ARRAY_SIZE(widths); i++) {
		const struct shape *shape = &shapes[i % ARRAY_SIZE(shapes)];
		unsigned int width = widths[i / ARRAY_SIZE(shapes)];

		machine_init(&m, shape, width);
		for (unsigned int changed = 0; changed < shape->depth; changed++)
			for (unsigned int bit = 0; bit < 64; bit++)
				run_single_bit(&m, width, changed, bit);
		machine_destroy(&m);
	}
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* An entry of any content; mostly present, and mostly without the bits that can be reserved. */
static uint64_t random_entry(const struct machine *m, uint64_t *seed, unsigned int width,
			     unsigned int depth)
{
	const uint64_t frame = (BIT64(width) - 1) & ~UINT64_C(0xfff);
	const bool is_table = depth + 1 < levels_of(m->shape->paging);
	const uint64_t choice = next_random(seed);
	uint64_t entry = next_random(seed);

	if (choice & 7)
		entry |= PT_PRESENT_MASK;
	if (choice >> 3 & 7)
		entry &= frame | PT_NX_MASK | 0xfff;
	if (choice >> 6 & 3)
		entry &= ~UINT64_C(0x3fffe000); /* the low frame bits of large pages */
	/* Where PS does not count, the entry names a table all the same. */
	if (is_table &&
	    (!(entry & PT_PAGE_SIZE_MASK) || (m->shape->paging == ORACLE_32BIT && !m->shape->pse)))
		entry = (entry & ~frame) | (m->tables + (depth + 1) * GUEST_PAGE_SIZE);
	return m->shape->paging == ORACLE_32BIT ? (uint32_t)entry : entry;
}

static void walk_random_entries_as_oracle(void **state)
{
	static const unsigned int widths[] = {32, 36, 39, 40, 46, 52};
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
	struct machine m;

	for (unsigned int i = 0; i < ARRAY_SIZE(shapes) * ARRAY_SIZE(widths); i++) {
		const struct shape *shape = &shapes[i % ARRAY_SIZE(shapes)];
		unsigned int width = widths[i / ARRAY_SIZE(shapes)];
		unsigned int levels = levels_of(shape->paging);

		machine_init(&m, shape, width);
		for (unsigned int n = 0; n < 20000; n++) {
			uint64_t random = next_random(&seed), entry[4];

			for (unsigned int j = 0; j < levels; j++) {
				entry[j] = random_entry(&m, &seed, width, j);
				entry_write(&m, j, entry[j]);
			}
			compare(&m, random & 31, random >> 8 & 7, entry, levels, n);
		}
		machine_destroy(&m);
	}
}

/* SDM "Paging Modes": CR0.PG = 0. Linear addresses are physical ones, and all is allowed. */
static void walk_without_paging_identity(void **state)
{
	struct mmu mmu = {.slots = slots_new(46)};
	struct mmu_registers regs = {.cr0 = X86_CR0_WP, .cr4 = ~UINT64_C(0), .maxphyaddr = 46};
	struct mmu_mode mode;
	struct walk walk;

	mmu_mode_init(&mode, &regs);
	for (unsigned int i = 0; i < ARRAY_SIZE(accesses); i++) {
		assert_int_equal(walk_gva(&mmu, &mode, 0, 0xfffff123, accesses[i].asked, &walk),
				 MMU_OK);
		assert_int_equal(walk.gpa, 0xfffff123);
		assert_int_equal(walk.allowed, MMU_READ | MMU_WRITE | MMU_EXEC);
		assert_false(walk.global);
	}
	/* The second page of an access that wraps at 4 GiB. */
	assert_int_equal(walk_gva(&mmu, &mode, 0, UINT64_C(0x100000000), 0, &walk), MMU_OK);
	assert_int_equal(walk.gpa, 0);
	memslots_free(mmu.slots);
}

const struct CMUnitTest walk_tests[] = {
	cmocka_unit_test(walk_rights_product_as_oracle),
	cmocka_unit_test(walk_presence_product_as_oracle),
	cmocka_unit_test(walk_neighbours_product_as_oracle),
	cmocka_unit_test(walk_single_bits_as_oracle),
	cmocka_unit_test(walk_random_entries_as_oracle),
	cmocka_unit_test(walk_without_paging_identity),
	cmocka_unit_test(walk_full_product_as_oracle),
};
const size_t walk_test_count = ARRAY_SIZE(walk_tests);
