// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "Access-control Requirements": sgx_check_access() against an oracle that
 * is written from the text alone, for every combination of what can matter.
 */
#include "tests.h"

/* In each enclave: the page under test, the offset in it, another address. */
#define OWN_PAGE   4
#define OTHER_PAGE 20
#define PAGE_GVA   (ENCLAVE_BASE + PAGES(3))
#define GVA        (PAGE_GVA + 0x123)
#define OUTSIDE    (ram_gva(9) + 0x123)

enum target {
	TARGET_RAM,
	TARGET_OWN,
	TARGET_OTHER_ENCLAVE,
	TARGET_OTHER_ADDRESS,
	TARGET_INVALID,
	NR_TARGETS,
};

struct situation {
	bool enclave_mode;
	bool in_elrange;
	bool sgx2;
	enum target target;
	enum sgx_page_type pt;
	unsigned int rwx;
	bool blocked, pending, modified, pr;
	char access; /* 'r', 'w', 'x' */
};

struct expected {
	enum sgx_verdict verdict;
	uint8_t vector;
	uint32_t error_code;
	uint32_t allowed;
	bool epc;
};

/* SDM: the page is regular, the enclave's own, at its address, and at rest. */
static bool oracle_page_is_accessible(const struct situation *s)
{
	if (s->target != TARGET_OWN || s->pt != SGX_PAGE_TYPE_REG)
		return false;
	if (s->blocked || s->pending || s->modified)
		return false;
	switch (s->access) {
	case 'r':
		return s->rwx & 1;
	case 'w':
		return s->rwx & 2;
	default:
		return s->rwx & 4;
	}
}

static struct expected oracle_in_elrange(const struct situation *s)
{
	uint32_t code = 0x8005;

	if (oracle_page_is_accessible(s))
		return (struct expected){SGX_ACCESS_ALLOW, 0, 0, s->rwx, true};
	if (!s->sgx2)
		return (struct expected){SGX_ACCESS_FAULT, 13, 0, 0, false};
	if (s->access == 'w')
		code = 0x8007;
	if (s->access == 'x')
		code = 0x8015;
	return (struct expected){SGX_ACCESS_FAULT, 14, code, 0, false};
}

static struct expected oracle(const struct situation *s)
{
	bool epc = s->target != TARGET_RAM;

	if (s->enclave_mode && s->in_elrange)
		return oracle_in_elrange(s);
	if (s->enclave_mode && s->access == 'x')
		return (struct expected){SGX_ACCESS_FAULT, 13, 0, 0, false};
	if (epc)
		return (struct expected){SGX_ACCESS_ABORT_PAGE, 0, 0, 0, false};
	return (struct expected){SGX_ACCESS_ALLOW, 0, 0, s->enclave_mode ? 3 : 7, false};
}

/* Makes the EPCM say what the situation says; Return: the page that is mapped. */
static unsigned int arrange(struct fixture *f, const struct situation *s)
{
	unsigned int page = s->target == TARGET_OTHER_ENCLAVE ? OTHER_PAGE : OWN_PAGE;
	struct epcm_entry *e = epcm_of(f, page);
	uint64_t entry = EPCM_PT(s->pt) | s->rwx;

	if (s->target != TARGET_INVALID)
		entry |= EPCM_VALID;
	if (s->blocked)
		entry |= EPCM_BLOCKED;
	if (s->pending)
		entry |= EPCM_PENDING;
	if (s->modified)
		entry |= EPCM_MODIFIED;
	if (s->pr)
		entry |= EPCM_PR;
	atomic_store(&e->state, entry);
	atomic_store(&e->linaddr,
		     s->target == TARGET_OTHER_ADDRESS ? PAGE_GVA + SGX_PAGE_SIZE : PAGE_GVA);
	f->cpuid->leaves = SGX_CPUID_SGX1 | (s->sgx2 ? SGX_CPUID_SGX2 : 0);
	return page;
}

static void describe(const struct situation *s)
{
	print_error("enclave mode %d, in ELRANGE %d, SGX2 %d, target %d, PT %d, RWX %u, "
		    "B%d P%d M%d PR%d, access %c\n",
		    s->enclave_mode, s->in_elrange, s->sgx2, (int)s->target, (int)s->pt, s->rwx,
		    s->blocked, s->pending, s->modified, s->pr, s->access);
}

static bool is_as_expected(const struct sgx_access *got, const struct expected *want, gva_t gva,
			   const uint8_t *page)
{
	if (got->verdict != want->verdict)
		return false;
	if (want->verdict == SGX_ACCESS_ALLOW)
		return got->allowed == want->allowed && got->page == (want->epc ? page : NULL);
	if (want->verdict == SGX_ACCESS_ABORT_PAGE)
		return !got->page;
	return got->fault.vector == want->vector && got->fault.has_error_code &&
	       got->fault.error_code == want->error_code &&
	       (want->vector != 14 || got->fault.address == gva);
}

static void check(struct fixture *f, const struct situation *s)
{
	/* Another processor of the same guest stands for the one that is outside. */
	struct sgx_cpu *cpu = &f->cpus[s->enclave_mode ? 0 : 1].cpu;
	unsigned int page = arrange(f, s);
	struct sgx_place place = {.is_epc = s->target != TARGET_RAM, .host = f->embedder->ram};
	uint32_t access = PFERR_USER_MASK;
	gva_t gva = s->in_elrange ? GVA : OUTSIDE;
	struct expected want = oracle(s);
	struct sgx_access got;

	if (place.is_epc)
		place.hpa = EPC_HPA + PAGES(page);
	if (s->access == 'w')
		access |= PFERR_WRITE_MASK;
	if (s->access == 'x')
		access |= PFERR_FETCH_MASK;
	got = sgx_check_access(cpu, gva, access, &place);
	if (is_as_expected(&got, &want, gva, epc_ptr(f, page)))
		return;
	describe(s);
	fail();
}

static void check_states_and_accesses(struct fixture *f, struct situation s)
{
	for (unsigned int i = 0; i < 16 * 3; i++) {
		s.blocked = i & 1;
		s.pending = i & 2;
		s.modified = i & 4;
		s.pr = i & 8;
		s.access = "rwx"[i / 16];
		check(f, &s);
	}
}

static void check_pages(struct fixture *f, struct situation s)
{
	for (unsigned int target = 0; target < NR_TARGETS; target++) {
		for (unsigned int pt = SGX_PAGE_TYPE_SECS; pt <= SGX_PAGE_TYPE_SS_REST; pt++) {
			for (s.rwx = 0; s.rwx < 8; s.rwx++) {
				s.target = target;
				s.pt = pt;
				check_states_and_accesses(f, s);
			}
		}
	}
}

static void two_enclaves(struct fixture *f)
{
	make_tiny_enclave(f, 0, ENCLAVE_BASE);
	make_tiny_enclave(f, 16, ENCLAVE2_BASE);
	enter_by_hand(f, 0);
}

static void access_every_situation_as_the_oracle_says(void **state)
{
	struct fixture *f = *state;
	uint64_t good[2];

	two_enclaves(f);
	good[0] = epcm_state(epcm_of(f, OWN_PAGE));
	good[1] = epcm_state(epcm_of(f, OTHER_PAGE));
	for (unsigned int i = 0; i < 8; i++) {
		struct situation s = {.enclave_mode = i & 1, .in_elrange = i & 2, .sgx2 = i & 4};

		check_pages(f, s);
	}
	atomic_store(&epcm_of(f, OWN_PAGE)->state, good[0]);
	atomic_store(&epcm_of(f, OTHER_PAGE)->state, good[1]);
}

static struct sgx_access access_page(struct fixture *f, gva_t gva, uint32_t access,
				     unsigned int page)
{
	struct sgx_place place = {.is_epc = true, .hpa = EPC_HPA + PAGES(page)};

	return sgx_check_access(f->cpu, gva, access, &place);
}

/* The first and the last byte of ELRANGE are inside, their neighbours are not. */
static void access_elrange_ends_are_exact(void **state)
{
	struct fixture *f = *state;
	struct sgx_access a;

	two_enclaves(f);
	a = access_page(f, ENCLAVE_BASE, PFERR_USER_MASK, 3);
	assert_int_equal(a.verdict, SGX_ACCESS_FAULT);
	a = access_page(f, ENCLAVE_BASE + ENCLAVE_SIZE - 1, PFERR_USER_MASK, 3);
	assert_int_equal(a.verdict, SGX_ACCESS_FAULT);
	a = access_page(f, ENCLAVE_BASE - 1, PFERR_USER_MASK, 3);
	assert_int_equal(a.verdict, SGX_ACCESS_ABORT_PAGE);
	a = access_page(f, ENCLAVE_BASE + ENCLAVE_SIZE, PFERR_USER_MASK, 3);
	assert_int_equal(a.verdict, SGX_ACCESS_ABORT_PAGE);
}

/* Every byte of a page is the page. */
static void access_any_offset_ok(void **state)
{
	struct fixture *f = *state;

	two_enclaves(f);
	for (unsigned int offset = 0; offset < SGX_PAGE_SIZE; offset += 0x111) {
		struct sgx_access a = access_page(f, PAGE_GVA + offset, PFERR_USER_MASK, OWN_PAGE);

		assert_int_equal(a.verdict, SGX_ACCESS_ALLOW);
		assert_ptr_equal(a.page, epc_ptr(f, OWN_PAGE));
	}
}

/* U is the access's own: an implicit access of the system from an enclave has none. */
static void access_refused_supervisor_has_no_u(void **state)
{
	struct fixture *f = *state;
	struct sgx_access a;

	two_enclaves(f);
	a = access_page(f, PAGE_GVA, PFERR_WRITE_MASK, 5);
	assert_int_equal(a.verdict, SGX_ACCESS_FAULT);
	assert_int_equal(a.fault.error_code, 0x8003);
}

/* A page that the embedder calls EPC but that lies in no section is not the enclave's. */
static void access_unknown_epc_page_fault(void **state)
{
	struct fixture *f = *state;
	struct sgx_access a;

	two_enclaves(f);
	a = access_page(f, PAGE_GVA, PFERR_USER_MASK, FIXTURE_EPC_PAGES);
	assert_int_equal(a.verdict, SGX_ACCESS_FAULT);
	assert_int_equal(a.fault.error_code, 0x8005);
}

/* What the leaves of SGX2 make of a page, seen from inside. */
static void access_follows_sgx2_leaves(void **state)
{
	struct fixture *f = *state;
	const gva_t gva = ENCLAVE_BASE + PAGES(8);

	two_enclaves(f);
	aug_page(f, 0, 8, gva);
	assert_int_equal(access_page(f, gva, ENCLU_WRITE, 8).fault.error_code, 0x8007);
	set_enclave_secinfo(f, EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W | EPCM_PENDING);
	expect_code(enclu(f, EACCEPT, ENCLAVE_SECINFO_GVA, gva, 0), 0);
	assert_int_equal(access_page(f, gva, ENCLU_WRITE, 8).verdict, SGX_ACCESS_ALLOW);
	*secinfo(f) = (struct sgx_secinfo){.flags = EPCM_R};
	expect_code(encls(f, EMODPR, SECINFO_GVA, epc_gva(8), 0), 0);
	assert_int_equal(access_page(f, gva, ENCLU_READ, 8).verdict, SGX_ACCESS_ALLOW);
	assert_int_equal(access_page(f, gva, ENCLU_WRITE, 8).fault.error_code, 0x8007);
	set_enclave_secinfo(f, EPCM_R | EPCM_W);
	expect_ok(enclu(f, EMODPE, ENCLAVE_SECINFO_GVA, gva, 0));
	assert_int_equal(access_page(f, gva, ENCLU_WRITE, 8).verdict, SGX_ACCESS_ALLOW);
	secinfo(f)->flags = EPCM_PT(SGX_PAGE_TYPE_TRIM);
	expect_code(encls(f, EMODT, SECINFO_GVA, epc_gva(8), 0), 0);
	assert_int_equal(access_page(f, gva, ENCLU_READ, 8).fault.error_code, 0x8005);
}

const struct CMUnitTest access_tests[] = {
	sgx_test(access_every_situation_as_the_oracle_says),
	sgx_test(access_elrange_ends_are_exact),
	sgx_test(access_any_offset_ok),
	sgx_test(access_refused_supervisor_has_no_u),
	sgx_test(access_unknown_epc_page_fault),
	sgx_test(access_follows_sgx2_leaves),
};
const size_t access_test_count = ARRAY_SIZE(access_tests);
