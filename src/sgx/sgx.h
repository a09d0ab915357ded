/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SGX architecture as a library: what the silicon does, without KVM, file
 * descriptors or a processor around it.
 *
 *  struct sgx_platform  one per process: EPC, identity, keys of this boot
 *  struct sgx_cpu       one per logical processor, used by its thread alone
 *
 * An embedder makes a platform, adds EPC sections, makes its processors, runs
 * leaf functions through sgx_encls() and sgx_enclu(), asks sgx_check_access()
 * at every TLB fill and calls sgx_aex() before it delivers an event to a
 * processor in enclave mode.
 *
 * Errors have three separate channels: codes for the guest's RAX, faults for
 * the guest, errno for the host. struct leaf_result keeps them apart.
 */
#ifndef EXCLAVE_SGX_SGX_H
#define EXCLAVE_SGX_SGX_H

#include "sgx/epc.h"
#include "sgx/ops.h"
#include "sgx/patience.h"

/*
 * The platform's persistent secrets and versions: what fuses and the firmware
 * give a processor. Kept by the embedder (host/identity.h).
 */
struct sgx_identity {
	uint8_t root_key[SGX_KEY_SIZE];
	uint8_t provisioning_root_key[SGX_KEY_SIZE]; /* independent of owner epoch and fuses */
	uint8_t seal_fuses[16];
	uint8_t owner_epoch[16];
	uint8_t cpusvn[SGX_CPUSVN_SIZE];
};

/* The configured SGX part of CPUID; constant while a processor runs. */
struct sgx_cpuid {
	uint32_t leaves;     /* 12H.0:EAX, SGX_CPUID_* */
	uint32_t miscselect; /* 12H.0:EBX */
	uint8_t max_size_32; /* 12H.0:EDX[7:0] */
	uint8_t max_size_64; /* 12H.0:EDX[15:8] */
	uint64_t attributes; /* 12H.1:EBX:EAX */
	uint64_t xfrm;       /* 12H.1:EDX:ECX */
	/* 0DH: where each extended component lies in the standard format. */
	struct {
		uint32_t offset;
		uint32_t size;
	} xsave[64];
};

struct crypto_cmac;
struct crypto_gcm;

struct sgx_platform {
	struct epc epc;
	struct sgx_identity identity;
	uint8_t report_keyid[SGX_KEYID_SIZE]; /* of this boot */
	uint8_t paging_key[SGX_KEY_SIZE];     /* CR_BASE_PK, of this boot */
	_Atomic uint64_t next_eid;
	_Atomic uint64_t next_version;

	/*
	 * Optional: the content or the type of a page has changed that an
	 * embedder marked with sgx_watch_page(). Called from any processor's
	 * thread, without locks.
	 */
	void (*page_changed)(void *ctx, hpa_t hpa);
	void *page_changed_ctx;
};

/* How a leaf function ended. */
enum leaf_kind {
	LEAF_OK,         /* complete; RAX and flags untouched */
	LEAF_CODE,       /* complete; RAX := value, ZF := value != 0 */
	LEAF_INFO,       /* complete; RAX := value, CF := 1 */
	LEAF_JUMP,       /* complete; RIP and more is new (EENTER, ERESUME, EEXIT) */
	LEAF_FAULT,      /* nothing happened; deliver the fault */
	LEAF_EXIT,       /* nothing happened; the "ENCLS exiting" bitmap says VM exit */
	LEAF_HOST_ERROR, /* value is a negative errno of the host */
};

struct leaf_result {
	uint8_t kind;        /* enum leaf_kind */
	uint8_t vector;      /* LEAF_FAULT */
	uint16_t error_code; /* LEAF_FAULT */
	int32_t value;       /* enum sgx_return_code, errno, or LEAF_JUMP_RESUMED */
	gva_t address;       /* LEAF_FAULT with PF_VECTOR: CR2 */
};
_Static_assert(sizeof(struct leaf_result) == 16, "returned in two registers");

/* ERESUME to where the enclave was, SDM "ERESUME": debug exceptions that are pending are cleared. */
#define LEAF_JUMP_RESUMED 1

static inline bool leaf_resumed(struct leaf_result res)
{
	return res.kind == LEAF_JUMP && res.value == LEAF_JUMP_RESUMED;
}

/* Did the leaf do what it was asked for, with nothing more to tell? */
static inline bool leaf_succeeded(struct leaf_result res)
{
	return res.kind == LEAF_OK || res.kind == LEAF_JUMP ||
	       (res.kind == LEAF_CODE && !res.value);
}

/* One line of a leaf's checks; the leaf that a check refuses says which. */
struct sgx_check {
	const char *leaf;
	const char *rule;
};

/* The largest XSAVE area of any sgx_cpuid.xfrm; AMX takes three pages. */
#define SGX_SSA_XSAVE_PAGES 3

/* An SSA frame by its EPC pages, as the entry found them (ssa.h). */
struct sgx_ssa_frame {
	struct epcm_entry *xsave[SGX_SSA_XSAVE_PAGES];
	unsigned int xsave_pages;
	struct epcm_entry *gpr; /* the page whose last bytes are GPRSGX */
};

/*
 * What a processor remembers while it is in enclave mode.
 *
 * SDM "Enclave Code Debug and Profiling": the model itself handles RFLAGS.TF
 * only. Breakpoints, MTF and performance monitoring are the embedder's, by
 * debug_optin and ELRANGE. A single-step #DB is due after an ENCLU that ends
 * with LEAF_JUMP if RFLAGS.TF is set *after* it: after an opt-in entry, and after
 * the exit of an opt-out one that began with TF set. Not so where
 * leaf_resumed(): a debugger that steps would see no instruction of the enclave
 * run. RF after ERESUME is the enclave's: not to be cleared.
 */
struct sgx_enclave_state {
	bool active;
	bool debug_optin; /* TCS.FLAGS.DBGOPTIN at entry */
	struct epcm_entry *secs;
	struct epcm_entry *tcs;
	gva_t tcs_linaddr;
	gva_t base; /* ELRANGE */
	uint64_t size;
	uint32_t entry_epoch;
	struct sgx_ssa_frame ssa; /* the frame that AEX writes */
	/* Saved at entry, given back by EEXIT and AEX. */
	struct x86_segment saved_fs;
	struct x86_segment saved_gs;
	uint64_t saved_xcr0;
	bool saved_tf;
};

struct sgx_cpu {
	/* Set by the embedder before the first leaf. */
	struct sgx_platform *platform;
	const struct sgx_ops *ops;
	const struct sgx_cpuid *cpuid;
	struct x86_state *state;
	/* The embedder may change these between leaves. */
	uint64_t feature_control;      /* IA32_FEATURE_CONTROL */
	uint64_t lepubkeyhash[4];      /* IA32_SGXLEPUBKEYHASHn; Intel's without launch control */
	bool encls_exiting;            /* the VM-execution control */
	uint64_t encls_exiting_bitmap; /* bit 63 stands for leaves above 62 */

	/* The model's own. */
	struct sgx_enclave_state enclave;
	struct crypto_cmac *derivation;     /* under the platform's root keys */
	struct crypto_cmac *cmac;           /* under derived keys, forgotten after each use */
	struct crypto_gcm *gcm;             /* keyed with the platform's paging key */
	uint8_t *scratch;                   /* SGX_SCRATCH_SIZE bytes: private copies of operands */
	const struct sgx_check *refused_by; /* the check that refused the last leaf that was */
};

#define SGX_SCRATCH_SIZE (SGX_SSA_XSAVE_PAGES * SGX_PAGE_SIZE)

/*
 * Makes a platform that has just booted: no EPC, fresh boot keys.
 * Return: 0, -ENOMEM, or -EIO when the host gives no random numbers.
 */
int sgx_platform_init(struct sgx_platform *platform, const struct sgx_identity *identity);

/* All its processors are destroyed already. Wipes the keys. */
void sgx_platform_destroy(struct sgx_platform *platform);

/*
 * Makes a logical processor outside enclave mode. @cpu is zeroed memory with
 * platform, ops, cpuid and state set.
 * Return: 0; -EINVAL when the XSAVE area of cpuid's XFRM is larger than
 * SGX_SSA_XSAVE_PAGES; -ENOMEM.
 */
int sgx_cpu_init(struct sgx_cpu *cpu);

/* INIT or the end of the processor: it leaves enclave mode without an AEX. */
void sgx_cpu_reset(struct sgx_cpu *cpu);
void sgx_cpu_destroy(struct sgx_cpu *cpu);

/*
 * SDM "ENCLS", "ENCLU", "ENCLV": runs the leaf in EAX with all checks of the
 * instruction itself and brings its result into the state: RAX, RFLAGS and RIP
 * for a leaf that completes, nothing else than what the leaf says for one that
 * faults. sgx_encls() may return LEAF_EXIT, then sgx_encls_leaf() runs the same
 * leaf without the checks that rank before the exit.
 */
struct leaf_result sgx_encls(struct sgx_cpu *cpu);
struct leaf_result sgx_encls_leaf(struct sgx_cpu *cpu);
struct leaf_result sgx_enclu(struct sgx_cpu *cpu);
struct leaf_result sgx_enclv(struct sgx_cpu *cpu);

/* Makes the fault that LEAF_FAULT asks for. */
struct x86_exception sgx_leaf_fault(struct leaf_result res);

/* An event to be delivered to a processor in enclave mode. */
enum sgx_event_type {
	SGX_EVENT_INTERRUPT, /* external interrupt, NMI, SMI, INIT, VM exit: nothing is reported */
	SGX_EVENT_FAULT,     /* a fault: the saved RFLAGS have RF set */
	SGX_EVENT_TRAP,      /* #DB, also that of a code breakpoint: RF as it is */
	SGX_EVENT_SOFTWARE,  /* INT3: reported as a software exception */
};

struct sgx_event {
	enum sgx_event_type type;
	struct x86_exception exception; /* unless SGX_EVENT_INTERRUPT */
};

/*
 * SDM "AEX Flow". The state's RIP is the one to resume at. Afterwards the
 * processor is outside, its state is the synthetic one and a #PF's address has
 * its low bits cleared; the embedder then delivers @event as from ordinary code. Makes no page walk and cannot fail.
 */
void sgx_aex(struct sgx_cpu *cpu, struct sgx_event *event);

enum sgx_verdict {
	SGX_ACCESS_ALLOW,
	SGX_ACCESS_ABORT_PAGE, /* reads are all ones, writes are dropped, fetches are all ones */
	SGX_ACCESS_FAULT,
};

struct sgx_access {
	enum sgx_verdict verdict;
	uint32_t allowed; /* ALLOW: EPCM_R, _W, _X that a TLB entry may grant beside the page's */
	uint8_t *page;    /* ALLOW of an EPC page: its contents */
	struct x86_exception fault;
};

/*
 * SDM "Access-control Requirements": what becomes of an access of kind @access
 * (as in sgx_ops.walk) to @gva that the page walk has let pass. @place is what
 * the walk found. An ALLOW holds until the processor leaves the enclave.
 */
struct sgx_access sgx_check_access(struct sgx_cpu *cpu, gva_t gva, uint32_t access,
				   const struct sgx_place *place);

static inline bool sgx_in_enclave(const struct sgx_cpu *cpu)
{
	return cpu->enclave.active;
}

/* Is @gva inside the enclave linear address range of the active enclave? */
static inline bool sgx_in_elrange(const struct sgx_cpu *cpu, gva_t gva)
{
	return gva - cpu->enclave.base < cpu->enclave.size;
}

/*
 * The embedder has derived something from the contents of a page (translated
 * code): the next change is announced by page_changed(), once. To be called
 * before the contents are read.
 */
void sgx_watch_page(struct sgx_platform *platform, hpa_t hpa);

/*
 * EREMOVE of the page at @hpa by the host itself: no processor, no page walk, no
 * checks of the instruction. What a host does before it gives a page of virtual EPC to
 * somebody else; any thread may do it while processors run.
 * Return: LEAF_CODE with SGX_SUCCESS (also when the page was invalid),
 * SGX_CHILD_PRESENT or SGX_ENCLAVE_ACT; the #GP of a page that another leaf holds
 * for longer than the lock patience; LEAF_HOST_ERROR (-EINVAL) outside the EPC.
 */
struct leaf_result sgx_remove_page(struct sgx_platform *platform, hpa_t hpa);

/* SDM "SECS.ATTRIBUTES.XFRM": bytes that XSAVE of @xfrm takes in the standard format. */
uint32_t sgx_xsave_size(const struct sgx_cpuid *cpuid, uint64_t xfrm);

#endif
