// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The life of an enclave as the Linux driver and the vDSO drive it, with real leaves
 * from ECREATE to EREMOVE: going in and out, debugging, launch control, attestation.
 */
#include "tests.h"
#include "thread.h"

#include "lib/crypto.h"

#include <stdlib.h>

/* Operands of EREPORT and EGETKEY, all in the data page. */
#define TARGETINFO_AT(d) page_gva(d, DATA)
#define KEYREQUEST_AT(d) page_gva(d, DATA)
#define REPORTDATA_AT(d) (page_gva(d, DATA) + 0x200)
#define KEY_AT(d)        (page_gva(d, DATA) + 0x300)
#define REPORT_AT(d)     (page_gva(d, DATA) + 0x400)

static void put(struct thread *t, gva_t gva, const void *bytes, size_t len)
{
	void *where = thread_access(t, gva, PFERR_WRITE_MASK);

	assert_non_null(where);
	memcpy(where, bytes, len);
}

static void get(struct thread *t, gva_t gva, void *bytes, size_t len)
{
	const void *where = thread_access(t, gva, 0);

	assert_non_null(where);
	memcpy(bytes, where, len);
}

/* The thread works, is interrupted, goes on where it was, and comes home. */
static void life_create_to_exit_keeps_thread_and_data(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	uint64_t rsp, rbp;

	driver_build(d, &(struct plan){.heap = 2, .nssa = 2});
	rsp = thread_state(&t)->gpr[X86_RSP];
	rbp = thread_state(&t)->gpr[X86_RBP];
	thread_enter(&t);
	assert_int_equal(thread_state(&t)->gpr[X86_RAX], 0);
	assert_int_equal(thread_state(&t)->gpr[X86_RCX], AEP_GVA + SGX_INSN_LENGTH);
	assert_true(thread_write(&t, page_gva(d, DATA), 0x1234));
	thread_state(&t)->gpr[X86_RDI] = 0xd1;
	thread_state(&t)->gpr[X86_RSP] = page_gva(d, HEAP) + 0x800;
	thread_interrupt(&t);
	assert_int_equal(thread_state(&t)->gpr[X86_RSP], rsp);
	assert_int_equal(thread_state(&t)->gpr[X86_RBP], rbp);
	thread_resume(&t);
	assert_int_equal(thread_state(&t)->gpr[X86_RDI], 0xd1);
	assert_int_equal(thread_state(&t)->gpr[X86_RSP], page_gva(d, HEAP) + 0x800);
	assert_int_equal(thread_read(&t, page_gva(d, DATA)), 0x1234);
	assert_int_equal(thread_read(&t, page_gva(d, HEAP + 1)), heap_word(HEAP + 1));
	thread_exit(&t);
	assert_good_call(&t);
	/* EEXIT gives back neither. */
	assert_int_equal(thread_state(&t)->gpr[X86_RSP], page_gva(d, HEAP) + 0x800);
	driver_remove_all(d);
	assert_epc_free(d->f);
}

/* While a thread waits in frame 0, another entry by the same TCS handles what stopped it. */
static void life_second_entry_uses_next_frame(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);

	driver_build(d, &(struct plan){.nssa = 2});
	thread_enter(&t);
	thread_state(&t)->gpr[X86_RSI] = 0x51;
	thread_interrupt(&t);
	thread_enter(&t);
	assert_int_equal(thread_state(&t)->gpr[X86_RAX], 1);
	thread_state(&t)->gpr[X86_RSI] = 0x52;
	thread_interrupt(&t);
	/* Both frames are in use. */
	assert_false(thread_call(&t, EENTER));
	assert_int_equal(t.run.function, EENTER);
	assert_int_equal(t.run.vector, GP_VECTOR);
	assert_true(thread_call(&t, ERESUME));
	assert_int_equal(thread_state(&t)->gpr[X86_RSI], 0x52);
	thread_exit(&t);
	assert_true(thread_call(&t, ERESUME));
	assert_int_equal(thread_state(&t)->gpr[X86_RSI], 0x51);
	thread_exit(&t);
	/* Nothing is left to resume. */
	assert_false(thread_call(&t, ERESUME));
	assert_int_equal(t.run.vector, GP_VECTOR);
}

/* What was measured is the identity, what was not is not. */
static void life_unmeasured_heap_same_measurement(void **state)
{
	struct driver *d = *state, *other = driver_second(d);
	const struct sgx_secs *a, *b;

	driver_build(d, &(struct plan){.fill = 1});
	driver_build(other, &(struct plan){.base = ENCLAVE_BASE, .fill = 2});
	a = epc_ptr(d->f, d->secs);
	b = epc_ptr(d->f, other->secs);
	assert_memory_not_equal(a->mrenclave, b->mrenclave, SGX_HASH_SIZE);
	assert_memory_equal(a->mrsigner, b->mrsigner, SGX_HASH_SIZE);
	driver_remove_all(other);
	driver_build(other, &(struct plan){.base = ENCLAVE_BASE, .fill = 1});
	/* The same at another place. */
	b = epc_ptr(d->f, other->secs);
	assert_memory_equal(a->mrenclave, b->mrenclave, SGX_HASH_SIZE);
	driver_remove_all(other);
	/* EADD itself is measured, the contents are not. */
	driver_create(other, &(struct plan){.base = ENCLAVE_BASE, .fill = 1, .heap = 1});
	driver_add_all(other);
	((uint8_t *)page_ptr(other, HEAP))[8] ^= 1;
	driver_sign(other);
	expect_code(driver_einit(other), SGX_SUCCESS);
	driver_remove_all(d);
	driver_build(d, &(struct plan){.fill = 1, .heap = 1});
	a = epc_ptr(d->f, d->secs);
	b = epc_ptr(d->f, other->secs);
	assert_memory_equal(a->mrenclave, b->mrenclave, SGX_HASH_SIZE);
	free(other);
}

/* Before EINIT nobody enters and nothing grows; after it nothing is added. */
static void life_leaves_out_of_season_refused(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	unsigned int page;

	driver_create(d, &(struct plan){0});
	driver_add_all(d);
	driver_sign(d);
	assert_false(thread_call(&t, EENTER));
	assert_int_equal(t.run.vector, GP_VECTOR);
	page = driver_free_page(d);
	*pageinfo(d->f) =
		(struct sgx_pageinfo){.linaddr = page_gva(d, 20), .secs = epc_gva(d->secs)};
	expect_gp(kernel(d->f, EAUG, PAGEINFO_GVA, epc_gva(page), 0));
	expect_gp(driver_emodpr(d, DATA, EPCM_R));
	expect_gp(driver_emodt(d, DATA, SGX_PAGE_TYPE_TRIM));
	expect_code(driver_einit(d), SGX_SUCCESS);
	expect_gp(driver_einit(d));
	set_pageinfo(d->f, page_gva(d, 20), epc_gva(d->secs), EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R);
	expect_gp(kernel(d->f, EADD, PAGEINFO_GVA, epc_gva(page), 0));
	expect_gp(kernel(d->f, EEXTEND, epc_gva(d->secs), page_epc(d, DATA), 0));
	thread_enter(&t);
	thread_exit(&t);
}

/* The abort page for everybody but the enclave: the process, the kernel and other enclaves. */
static void life_contents_hidden_from_others(void **state)
{
	struct driver *d = *state, *other = driver_second(d);
	struct thread t = thread_on(d, 0, TCS1), spy = thread_on(other, 1, TCS1);
	const uint32_t accesses[] = {0, PFERR_WRITE_MASK, PFERR_USER_MASK,
				     PFERR_USER_MASK | PFERR_WRITE_MASK,
				     PFERR_USER_MASK | PFERR_FETCH_MASK};
	struct x86_exception fault;
	struct sgx_place place;

	driver_build(d, &(struct plan){.heap = 1});
	driver_build(other, &(struct plan){.base = ENCLAVE_BASE});
	thread_enter(&t);
	assert_true(thread_write(&t, page_gva(d, DATA), 0x5ec7e7));
	use_cpu(d->f, 2);
	for (unsigned int i = 0; i < ARRAY_SIZE(accesses); i++) {
		assert_true(d->f->cpu->ops->walk(d->f->cpu, page_gva(d, DATA), accesses[i], &place,
						 &fault));
		assert_int_equal(
			sgx_check_access(d->f->cpu, page_gva(d, DATA), accesses[i], &place).verdict,
			SGX_ACCESS_ABORT_PAGE);
	}
	thread_enter(&spy);
	assert_int_equal(thread_read(&spy, page_gva(d, DATA)), UINT64_MAX);
	assert_true(thread_write(&spy, page_gva(d, DATA), 0));
	/* Nor when the kernel lends the page to the other enclave's own range. */
	map_epc(d->f, page_gva(other, 30), (unsigned int)d->page[DATA], PTE_ALL);
	assert_false(thread_try(&spy, page_gva(other, 30), 0, &fault));
	assert_int_equal(fault.error_code, 0x8005);
	assert_int_equal(thread_read(&t, page_gva(d, DATA)), 0x5ec7e7);
	thread_exit(&t);
	free(other);
}

static struct sgx_targetinfo target_info(const struct driver *d)
{
	const struct sgx_secs *secs = epc_ptr(d->f, d->secs);
	struct sgx_targetinfo target = {
		.attributes = secs->attributes,
		.xfrm = secs->xfrm,
		.miscselect = secs->miscselect,
	};

	memcpy(target.measurement, secs->mrenclave, sizeof(target.measurement));
	return target;
}

static bool is_report_true(struct thread *t, const struct sgx_report *report)
{
	struct sgx_keyrequest request = {.keyname = SGX_KEYNAME_REPORT};
	uint8_t key[SGX_KEY_SIZE], mac[SGX_MAC_SIZE];

	memcpy(request.keyid, report->keyid, sizeof(request.keyid));
	put(t, KEYREQUEST_AT(t->d), &request, sizeof(request));
	expect_code(thread_enclu(t, EGETKEY, KEYREQUEST_AT(t->d), KEY_AT(t->d), 0), SGX_SUCCESS);
	get(t, KEY_AT(t->d), key, sizeof(key));
	assert_true(crypto_cmac(t->d->f->cpu->cmac, key, report, SGX_REPORT_MACED, mac));
	return !memcmp(mac, report->mac, sizeof(mac));
}

/* A tells B who it is; B believes it by its own key, and nobody else can check or forge it. */
static void report_verified_by_target_alone(void **state)
{
	struct driver *d = *state, *target = driver_second(d);
	struct thread a = thread_on(d, 0, TCS1), b = thread_on(target, 1, TCS1);
	const struct sgx_secs *secs;
	const char message[SGX_REPORTDATA_SIZE] = "from A, for B";
	struct sgx_targetinfo info;
	struct sgx_report report;

	driver_build(d, &(struct plan){.fill = 1});
	driver_build(target, &(struct plan){.base = ENCLAVE_BASE, .fill = 2, .signer = SIGNER_B});
	info = target_info(target);
	thread_enter(&a);
	put(&a, TARGETINFO_AT(d), &info, sizeof(info));
	put(&a, REPORTDATA_AT(d), message, sizeof(message));
	expect_ok(thread_enclu(&a, EREPORT, TARGETINFO_AT(d), REPORTDATA_AT(d), REPORT_AT(d)));
	get(&a, REPORT_AT(d), &report, sizeof(report));
	assert_false(is_report_true(&a, &report));
	thread_exit(&a);

	secs = epc_ptr(d->f, d->secs);
	assert_memory_equal(report.mrenclave, secs->mrenclave, SGX_HASH_SIZE);
	assert_memory_equal(report.mrsigner, secs->mrsigner, SGX_HASH_SIZE);
	assert_memory_equal(report.reportdata, message, sizeof(message));
	assert_int_equal(report.attributes, SGX_ATTR_MODE64BIT | SGX_ATTR_INIT);
	thread_enter(&b);
	assert_true(is_report_true(&b, &report));
	report.isv_svn++;
	assert_false(is_report_true(&b, &report));
	report.isv_svn--;
	report.reportdata[0] ^= 1;
	assert_false(is_report_true(&b, &report));
	thread_exit(&b);
	free(target);
}

static const struct plan launch_plan = {.attributes = SGX_ATTR_EINITTOKENKEY};

/* What a launch enclave does for the enclave that is described at SIGSTRUCT_GVA. */
static struct sgx_einittoken make_token(struct thread *t, enum signer signer)
{
	const struct sgx_sigstruct *sig = sigstruct(t->d->f);
	const struct sgx_secs *secs = epc_ptr(t->d->f, t->d->secs);
	struct sgx_keyrequest request = {
		.keyname = SGX_KEYNAME_EINITTOKEN,
		.isv_svn = secs->isv_svn,
		.attributes_mask = SGX_ATTR_DEBUG | SGX_ATTR_EINITTOKENKEY,
		.xfrm_mask = 3,
	};
	struct sgx_einittoken token = {
		.valid = SGX_EINITTOKEN_VALID,
		.attributes = sig->attributes,
		.xfrm = sig->xfrm,
		.isv_prod_id_le = secs->isv_prod_id,
		.isv_svn_le = secs->isv_svn,
		.masked_attributes_le = SGX_ATTR_INIT | SGX_ATTR_EINITTOKENKEY,
		.masked_xfrm_le = 3,
	};
	uint8_t key[SGX_KEY_SIZE];

	memset(request.keyid, 0x4b, sizeof(request.keyid));
	memcpy(token.keyid, request.keyid, sizeof(token.keyid));
	memcpy(token.mrenclave, sig->enclave_hash, SGX_HASH_SIZE);
	signer_hash(signer, token.mrsigner);
	thread_enter(t);
	put(t, KEYREQUEST_AT(t->d), &request, sizeof(request));
	expect_code(thread_enclu(t, EGETKEY, KEYREQUEST_AT(t->d), KEY_AT(t->d), 0), SGX_SUCCESS);
	get(t, KEY_AT(t->d), key, sizeof(key));
	assert_true(crypto_cmac(t->d->f->cpu->cmac, key, &token, SGX_EINITTOKEN_MACED, token.mac));
	thread_exit(t);
	return token;
}

/* The launch enclave of the trusted signer lets another signer's enclave in. */
static void launch_token_from_launch_enclave_ok(void **state)
{
	struct driver *d = *state, *guest = driver_second(d);
	struct thread launcher = thread_on(d, 0, TCS1), t = thread_on(guest, 1, TCS1);

	driver_build(d, &launch_plan);
	driver_create(guest, &(struct plan){.base = ENCLAVE_BASE, .signer = SIGNER_B});
	driver_add_all(guest);
	driver_sign(guest);
	trust_signer(d->f, SIGNER_A);
	expect_code(driver_einit(guest), SGX_INVALID_EINITTOKEN);
	*einittoken(d->f) = make_token(&launcher, SIGNER_B);
	/* Tampered with; made under another launch signer; for another enclave's signer. */
	einittoken(d->f)->mrenclave[0] ^= 1;
	expect_code(driver_einit(guest), SGX_INVALID_EINITTOKEN);
	einittoken(d->f)->mrenclave[0] ^= 1;
	d->f->cpus[KERNEL_CPU].cpu.lepubkeyhash[3] ^= 1;
	expect_code(driver_einit(guest), SGX_INVALID_EINITTOKEN);
	d->f->cpus[KERNEL_CPU].cpu.lepubkeyhash[3] ^= 1;
	expect_code(driver_einit(guest), SGX_SUCCESS);
	thread_enter(&t);
	thread_exit(&t);
	free(guest);
}

static void launch_token_for_other_signer_refused(void **state)
{
	struct driver *d = *state, *guest = driver_second(d);
	struct thread launcher = thread_on(d, 0, TCS1);

	driver_build(d, &launch_plan);
	driver_create(guest, &(struct plan){.base = ENCLAVE_BASE, .signer = SIGNER_B});
	driver_add_all(guest);
	driver_sign(guest);
	trust_signer(d->f, SIGNER_A);
	*einittoken(d->f) = make_token(&launcher, SIGNER_A);
	expect_code(driver_einit(guest), SGX_INVALID_MEASUREMENT);
	free(guest);
}

/* IA32_SGXLEPUBKEYHASHn decides, enclave by enclave, and again when it changes. */
static void launch_hash_of_other_signer_refused(void **state)
{
	struct driver *d = *state, *launcher = driver_second(d);

	driver_create(d, &(struct plan){.signer = SIGNER_A});
	driver_add_all(d);
	driver_sign(d);
	trust_signer(d->f, SIGNER_B);
	expect_code(driver_einit(d), SGX_INVALID_EINITTOKEN);
	trust_signer(d->f, SIGNER_A);
	expect_code(driver_einit(d), SGX_SUCCESS);

	driver_create(launcher,
		      &(struct plan){.base = ENCLAVE_BASE, .attributes = SGX_ATTR_EINITTOKENKEY});
	driver_add_all(launcher);
	driver_sign(launcher);
	trust_signer(d->f, SIGNER_B);
	expect_code(driver_einit(launcher), SGX_INVALID_ATTRIBUTE);
	trust_signer(d->f, SIGNER_A);
	expect_code(driver_einit(launcher), SGX_SUCCESS);
	free(launcher);
}

/* A debugger looks at a stopped thread, changes its memory and registers, and steps into it. */
static void debug_life_of_debug_enclave(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	const gva_t gprsgx = SGX_PAGE_SIZE - sizeof(struct sgx_gprsgx);
	gva_t ssa;

	driver_build(d, &(struct plan){.attributes = SGX_ATTR_DEBUG, .nssa = 2});
	ssa = page_epc(d, SSA1) + gprsgx;
	thread_enter(&t);
	assert_true(thread_write(&t, page_gva(d, DATA) + 8, 0xfeed));
	thread_state(&t)->gpr[X86_R8] = 0x88;
	thread_interrupt(&t);
	expect_code(kernel(d->f, EDBGRD, 0, page_epc(d, DATA) + 8, 0), SGX_SUCCESS);
	assert_int_equal(d->f->cpus[KERNEL_CPU].state.gpr[X86_RBX], 0xfeed);
	expect_code(kernel(d->f, EDBGRD, 0, ssa + 64, 0), SGX_SUCCESS);
	assert_int_equal(d->f->cpus[KERNEL_CPU].state.gpr[X86_RBX], 0x88);
	/* CSSA and NSSA. */
	expect_code(kernel(d->f, EDBGRD, 0, page_epc(d, TCS1) + 24, 0), SGX_SUCCESS);
	assert_int_equal(d->f->cpus[KERNEL_CPU].state.gpr[X86_RBX], UINT64_C(0x200000001));
	expect_code(kernel(d->f, EDBGWR, 0x99, ssa + 64, 0), SGX_SUCCESS);
	expect_code(kernel(d->f, EDBGWR, 0xbeef, page_epc(d, DATA) + 8, 0), SGX_SUCCESS);
	/* A breakpoint in code that the enclave itself may not write. */
	expect_code(kernel(d->f, EDBGWR, UINT64_C(0xcccccccccccccccc), page_epc(d, CODE), 0),
		    SGX_SUCCESS);
	expect_code(kernel(d->f, EDBGWR, SGX_TCS_DBGOPTIN, page_epc(d, TCS1) + 8, 0), SGX_SUCCESS);
	thread_resume(&t);
	assert_true(d->f->cpu->enclave.debug_optin);
	assert_int_equal(thread_state(&t)->gpr[X86_R8], 0x99);
	assert_int_equal(thread_read(&t, page_gva(d, DATA) + 8), 0xbeef);
	assert_int_equal(thread_read(&t, page_gva(d, CODE)), UINT64_C(0xcccccccccccccccc));
	thread_exit(&t);
}

static void debug_of_production_enclave_refused(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);

	driver_build(d, &(struct plan){.heap = 1});
	thread_enter(&t);
	for (unsigned int i = TCS1; i <= HEAP; i++) {
		expect_gp(kernel(d->f, EDBGRD, 0, page_epc(d, i) + 8, 0));
		expect_gp(kernel(d->f, EDBGWR, 0, page_epc(d, i) + 8, 0));
	}
	thread_exit(&t);
}

const struct CMUnitTest lifecycle_tests[] = {
	driver_test(life_create_to_exit_keeps_thread_and_data),
	driver_test(life_second_entry_uses_next_frame),
	driver_test(life_unmeasured_heap_same_measurement),
	driver_test(life_leaves_out_of_season_refused),
	driver_test(life_contents_hidden_from_others),
	driver_test(report_verified_by_target_alone),
	driver_test(launch_token_from_launch_enclave_ok),
	driver_test(launch_token_for_other_signer_refused),
	driver_test(launch_hash_of_other_signer_refused),
	driver_test(debug_life_of_debug_enclave),
	driver_test(debug_of_production_enclave_refused),
};
const size_t lifecycle_test_count = ARRAY_SIZE(lifecycle_tests);
