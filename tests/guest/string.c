// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "REP/REPE/REPNE": a fault in the middle leaves RCX, RSI and RDI at the element
 * that faulted, with all before it moved; overlapping copies; DF; comparison ends.
 */
#include "lib/guest.h"
#include "lib/instr.h"
#include "lib/paging.h"

CODE(movsb, "movsb_at: rep movsb");
CODE(movsw, "movsw_at: rep movsw");
CODE(movsd, "movsd_at: rep movsl");
CODE(movsq, "movsq_at: rep movsq");
CODE(stosb, "stosb_at: rep stosb");
CODE(stosw, "stosw_at: rep stosw");
CODE(stosd, "stosd_at: rep stosl");
CODE(stosq, "stosq_at: rep stosq");
CODE(lodsb, "rep lodsb");
CODE(lodsw, "rep lodsw");
CODE(lodsd, "rep lodsl");
CODE(lodsq, "rep lodsq");
CODE(scasb, "repne scasb");
CODE(scasw, "repne scasw");
CODE(scasd, "repne scasl");
CODE(scasq, "repne scasq");
CODE(cmpsb, "repe cmpsb");
CODE(cmpsw, "repe cmpsw");
CODE(cmpsd, "repe cmpsl");
CODE(cmpsq, "repe cmpsq");
CODE(movsb32, "addr32 rep movsb");
CODE(movsb_once, "movsb");

static const char *const movs[] = {movsb, movsw, movsd, movsq};
static const char *const stos[] = {stosb, stosw, stosd, stosq};
static const char *const lods[] = {lodsb, lodsw, lodsd, lodsq};
static const char *const scas[] = {scasb, scasw, scasd, scasq};
static const char *const cmps[] = {cmpsb, cmpsw, cmpsd, cmpsq};

/* Two pages that are mapped, one that is not; the same again 16 pages further. */
#define SOURCE TEST_BASE
#define TARGET (TEST_BASE + 0x10000)

static void map_areas(void)
{
	for (unsigned int i = 0; i < 2; i++) {
		page_map(SOURCE + i * 4096, page_alloc(1), PTE_P | PTE_W);
		page_map(TARGET + i * 4096, page_alloc(1), PTE_P | PTE_W);
	}
	for (unsigned int i = 0; i < 8192; i++)
		((uint8_t *)SOURCE)[i] = (uint8_t)(i * 7 + i / 256);
}

static struct state run_string(const char *code, uint64_t rsi, uint64_t rdi, uint64_t rcx,
			       uint64_t rax, uint64_t rflags)
{
	struct state s;

	state_kernel(&s, code);
	s.gpr[RSI] = rsi;
	s.gpr[RDI] = rdi;
	s.gpr[RCX] = rcx;
	s.gpr[RAX] = rax;
	s.rflags |= rflags;
	run(&s);
	return s;
}

static void move_up_copies_across_pages(void)
{
	map_areas();
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t size = UINT64_C(1) << i;
		struct state s = run_string(movs[i], SOURCE + 5, TARGET + 11, 8000 / size, 0, 0);

		report_case(i);
		EXPECT_DONE(s);
		EXPECT(s.gpr[RCX], 0);
		EXPECT(s.gpr[RSI], SOURCE + 5 + 8000);
		EXPECT(s.gpr[RDI], TARGET + 11 + 8000);
		EXPECT(memcmp((void *)(SOURCE + 5), (void *)(TARGET + 11), 8000), 0);
		EXPECT(*(uint8_t *)(TARGET + 11 + 8000), 0);
		memset((void *)TARGET, 0, 8192);
	}
}

static void move_down_copies_across_pages(void)
{
	map_areas();
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t size = UINT64_C(1) << i;
		struct state s =
			run_string(movs[i], SOURCE + 8100, TARGET + 8111, 7000 / size, 0, FLAGS_DF);

		report_case(i);
		EXPECT_DONE(s);
		EXPECT(s.gpr[RSI], SOURCE + 8100 - 7000);
		EXPECT(s.gpr[RDI], TARGET + 8111 - 7000);
		EXPECT(memcmp((void *)(SOURCE + 8100 + size - 7000),
			      (void *)(TARGET + 8111 + size - 7000), 7000),
		       0);
		EXPECT(s.rflags & FLAGS_DF, FLAGS_DF);
		memset((void *)TARGET, 0, 8192);
	}
}

/* The third page of the target is missing. */
static void move_into_missing_page_stops_at_its_element(void)
{
	map_areas();
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t size = UINT64_C(1) << i;
		struct state s = run_string(movs[i], SOURCE, TARGET + 4096, 8192 / size, 0, 0);

		report_case(i);
		EXPECT(s.vector, 14);
		EXPECT(s.error, PF_W);
		EXPECT(s.cr2, TARGET + 8192);
		EXPECT(s.rip, movs[i]);
		EXPECT(s.gpr[RCX], 4096 / size);
		EXPECT(s.gpr[RSI], SOURCE + 4096);
		EXPECT(s.gpr[RDI], TARGET + 8192);
		EXPECT(memcmp((void *)SOURCE, (void *)(TARGET + 4096), 4096), 0);
	}
}

/* SDM "RF": a string instruction that faults in the middle resumes without its breakpoint. */
static void fault_in_a_string_sets_rf_in_the_image(void)
{
	struct state s;

	map_areas();
	s = run_string(movsb, SOURCE, TARGET + 4096, 8192, 0, 0);
	EXPECT(s.rflags & FLAGS_RF, FLAGS_RF);
}

static void move_from_missing_page_stops_at_its_element(void)
{
	map_areas();
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t size = UINT64_C(1) << i;
		struct state s = run_string(movs[i], SOURCE + 4096 + 1, TARGET, 8192 / size, 0, 0);
		uint64_t done = 4095 / size;

		report_case(i);
		EXPECT(s.vector, 14);
		EXPECT(s.error, 0);
		EXPECT(s.cr2, SOURCE + 8192);
		EXPECT(s.gpr[RCX], 8192 / size - done);
		EXPECT(s.gpr[RSI], SOURCE + 4096 + 1 + done * size);
		EXPECT(s.gpr[RDI], TARGET + done * size);
	}
}

static void fill_into_missing_page_stops_at_its_element(void)
{
	map_areas();
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t size = UINT64_C(1) << i;
		struct state s =
			run_string(stos[i], 0, TARGET + 4096 + 3, 4096, 0x1122334455667788, 0);
		uint64_t done = 4093 / size;

		report_case(i);
		EXPECT(s.vector, 14);
		EXPECT(s.gpr[RCX], 4096 - done);
		EXPECT(s.gpr[RDI], TARGET + 4096 + 3 + done * size);
		EXPECT(((uint8_t *)TARGET)[4096 + 3], 0x88);
	}
}

static void fill_down_into_missing_page_stops_at_its_element(void)
{
	struct state s;

	map_areas();
	s = run_string(stosq, 0, TARGET + 64, 100, 0x55, FLAGS_DF);
	EXPECT(s.vector, 14);
	EXPECT(s.gpr[RCX], 100 - 9);
	EXPECT(s.gpr[RDI], TARGET - 8);
	EXPECT(s.cr2, TARGET - 8);
}

/* A page of the middle is read-only: what lies before it is done, exactly. */
static void move_into_read_only_page_faults_and_goes_on(void)
{
	struct state s;

	map_areas();
	*pte_of(TARGET + 4096, 1) &= ~PTE_W;
	invlpg((void *)(TARGET + 4096));
	s = run_string(movsb, SOURCE, TARGET, 8192, 0, 0);
	EXPECT(s.vector, 14);
	EXPECT(s.error, PF_P | PF_W);
	EXPECT(s.gpr[RCX], 4096);
	*pte_of(TARGET + 4096, 1) |= PTE_W;
	invlpg((void *)(TARGET + 4096));
	run(&s);
	EXPECT_DONE(s);
	EXPECT(memcmp((void *)SOURCE, (void *)TARGET, 8192), 0);
}

/* All of an element is read before any of it is written. */
static void move_element(uint8_t *to, const uint8_t *from, uint64_t size)
{
	uint8_t element[8];

	memcpy(element, from, size);
	memcpy(to, element, size);
}

/* The oracle of an overlapping copy moves element by element. */
static void expect_overlap(unsigned int size_log, int64_t distance, uint64_t rflags)
{
	uint64_t size = UINT64_C(1) << size_log, count = 1024 / size;
	uint8_t *got = (uint8_t *)TARGET + 2048, *want = (uint8_t *)SOURCE + 2048;
	int64_t step = rflags & FLAGS_DF ? -(int64_t)size : (int64_t)size;

	for (int i = -2048; i < 2048; i++)
		got[i] = want[i] = (uint8_t)(i * 13 + i / 64);
	for (uint64_t n = 0; n < count; n++)
		move_element(want + distance + (int64_t)n * step, want + (int64_t)n * step, size);
	(void)run_string(movs[size_log], (uint64_t)got, (uint64_t)got + (uint64_t)distance, count,
			 0, rflags);
	EXPECT(memcmp((void *)TARGET, (void *)SOURCE, 4096), 0);
}

static void overlapping_moves_go_element_by_element(void)
{
	static const int64_t distances[] = {1, 2, 3, 7, 8, 9, 16, 31, 64, 100, -1, -3, -8, -9, -64};

	map_areas();
	for (unsigned int size = 0; size < 4; size++)
		for (unsigned int i = 0; i < sizeof(distances) / sizeof(distances[0]); i++) {
			report_case(size * 100 + i);
			expect_overlap(size, distances[i], 0);
			expect_overlap(size, distances[i], FLAGS_DF);
		}
}

static void overlapping_move_over_a_page_border(void)
{
	map_areas();
	for (unsigned int i = 0; i < 6000; i++)
		((uint8_t *)TARGET)[i] = i < 3 ? (uint8_t)(i + 1) : 0;
	(void)run_string(movsb, TARGET, TARGET + 3, 6000, 0, 0);
	for (unsigned int i = 0; i < 6003; i++)
		if (((uint8_t *)TARGET)[i] != i % 3 + 1) {
			EXPECT(i, 0);
			return;
		}
	EXPECT(((uint8_t *)TARGET)[6003], 0);
}

static void scan_stops_at_the_match(void)
{
	map_areas();
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t size = UINT64_C(1) << i, match = 4096 + 8 * size;
		struct state s;

		memset((void *)TARGET, 0, 8192);
		memset((void *)(TARGET + match), 0xa5, size);
		s = run_string(scas[i], 0, TARGET, 8192 / size, 0xa5a5a5a5a5a5a5a5, 0);
		report_case(i);
		EXPECT_DONE(s);
		EXPECT(s.gpr[RDI], TARGET + match + size);
		EXPECT(s.gpr[RCX], (8192 - match) / size - 1);
		EXPECT(s.rflags & FLAGS_ZF, FLAGS_ZF);
	}
}

static void compare_stops_at_the_difference(void)
{
	map_areas();
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t size = UINT64_C(1) << i;
		struct state s;

		memcpy((void *)TARGET, (void *)SOURCE, 8192);
		((uint8_t *)TARGET)[5000]++;
		s = run_string(cmps[i], SOURCE, TARGET, 8192 / size, 0, 0);
		report_case(i);
		EXPECT(s.gpr[RSI], SOURCE + (5000 / size + 1) * size);
		EXPECT(s.gpr[RCX], 8192 / size - 5000 / size - 1);
		EXPECT(s.rflags & FLAGS_ZF, 0);
		EXPECT(s.rflags & FLAGS_CF, FLAGS_CF);
	}
}

/* What was compared before the fault decides the flags; RCX counts it. */
static void compare_into_missing_page_stops_at_its_element(void)
{
	struct state s;

	map_areas();
	memcpy((void *)TARGET, (void *)SOURCE, 8192);
	s = run_string(cmpsb, SOURCE, TARGET, 9000, 0, 0);
	EXPECT(s.vector, 14);
	EXPECT(s.error, 0);
	EXPECT(s.gpr[RCX], 9000 - 8192);
	EXPECT(s.gpr[RSI], SOURCE + 8192);
	s = run_string(scasb, 0, TARGET + 8000, 9000, 0x1ff, 0);
	EXPECT(s.vector == 14 || s.vector == DONE_VECTOR, 1);
}

static void load_repeats_and_keeps_the_last(void)
{
	map_areas();
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t size = UINT64_C(1) << i, want = 0;
		struct state s = run_string(lods[i], SOURCE, 0, 100, 0, 0);

		memcpy(&want, (uint8_t *)SOURCE + 99 * size, size);
		EXPECT(s.gpr[RAX], want);
		EXPECT(s.gpr[RSI], SOURCE + 100 * size);
	}
}

/* SDM "REP": a count of zero does nothing, and faults at nothing. */
static void count_of_zero_does_nothing(void)
{
	struct state s = run_string(movsb, 0x123456789abc0000, 1, 0, 0, FLAGS_ZF);

	EXPECT_DONE(s);
	EXPECT(s.gpr[RSI], 0x123456789abc0000);
	EXPECT(s.rflags & FLAGS_ZF, FLAGS_ZF);
	s = run_string(scasb, 0, 1, 0, 0, FLAGS_CF);
	EXPECT_DONE(s);
	EXPECT(s.rflags & FLAGS_CF, FLAGS_CF);
}

/* With 32-bit addresses, ECX counts; ESI and EDI are cleared above. */
static void address_size_32_counts_in_ecx(void)
{
	uint8_t *page = page_alloc(2);
	struct state s;

	page[0] = 0x77;
	s = run_string(movsb32, (uint64_t)page | UINT64_C(5) << 32,
		       ((uint64_t)page + 100) | UINT64_C(6) << 32, 1 | UINT64_C(7) << 32, 0, 0);
	EXPECT_DONE(s);
	EXPECT(page[100], 0x77);
	EXPECT(s.gpr[RCX], 0);
	EXPECT(s.gpr[RSI], (uint64_t)page + 1);
	EXPECT(s.gpr[RDI], (uint64_t)page + 101);
}

static void single_move_ignores_rcx(void)
{
	struct state s;

	map_areas();
	s = run_string(movsb_once, SOURCE + 9, TARGET, 77, 0, 0);
	EXPECT(s.gpr[RCX], 77);
	EXPECT(((uint8_t *)TARGET)[0], ((uint8_t *)SOURCE)[9]);
	EXPECT(s.gpr[RDI], TARGET + 1);
}

const struct test tests[] = {
	TEST(move_up_copies_across_pages),
	TEST(move_down_copies_across_pages),
	TEST(move_into_missing_page_stops_at_its_element),
	TEST(fault_in_a_string_sets_rf_in_the_image),
	TEST(move_from_missing_page_stops_at_its_element),
	TEST(fill_into_missing_page_stops_at_its_element),
	TEST(fill_down_into_missing_page_stops_at_its_element),
	TEST(move_into_read_only_page_faults_and_goes_on),
	TEST(overlapping_moves_go_element_by_element),
	TEST(overlapping_move_over_a_page_border),
	TEST(scan_stops_at_the_match),
	TEST(compare_stops_at_the_difference),
	TEST(compare_into_missing_page_stops_at_its_element),
	TEST(load_repeats_and_keeps_the_last),
	TEST(count_of_zero_does_nothing),
	TEST(address_size_32_counts_in_ecx),
	TEST(single_move_ignores_rcx),
	{0},
};

const struct known known_tcg[] = {
	{"fault_in_a_string_sets_rf_in_the_image", "RF is not set"},
	{0},
};
