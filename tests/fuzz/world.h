/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guests that the leaf fuzzer starts from. Building enclaves takes longer than
 * all leaves of an input, so each world is built once for each process and copied
 * back for each input. Keys and numbers start the same: an input always has the
 * same outcome, but for the signer's key, which every process makes anew.
 */
#ifndef EXCLAVE_TESTS_FUZZ_WORLD_H
#define EXCLAVE_TESTS_FUZZ_WORLD_H

#include "builder.h"

#define CPUS       4
#define KERNEL_CPU (CPUS - 1) /* never enters an enclave: somebody can always run ENCLS */
#define EPC_PAGES  24
#define ENCLAVES   2

#define WINDOW        UINT64_C(0x10000000)
#define WINDOW_PAGES  192
#define EPC_AT        (WINDOW + PAGES(64))
#define ENCLAVE_AT    (WINDOW + PAGES(128))
#define ENCLAVE_PAGES 32
#define AEP           UINT64_C(0x7000)

/* RAM pages: two for each processor's builder, then what paging and EINIT use. */
enum {
	RAM_BUILDERS,
	RAM_SIGSTRUCT = 2 * CPUS,
	RAM_TOKEN,
	RAM_PCMD, /* the PCMD of blob i is the i-th */
	RAM_BLOB, /* one for each EPC page */
	RAM_PAGES = RAM_BLOB + EPC_PAGES,
};

enum world {
	WORLD_EMPTY,
	WORLD_DEBUG,  /* a debug enclave with AEX-Notify and KSS, and one that is not */
	WORLD_AVX512, /* SSA frames of two pages */
	WORLD_AMX,    /* SSA frames of four pages, three of them for XSAVE */
	WORLD_32BIT,
	NR_WORLDS,
};

/* SIGSTRUCTs that world_einit() offers. */
enum signature {
	SIGNED_LENIENT, /* masks nothing */
	SIGNED_STRICT,  /* not DEBUG, XFRM of FP and SSE only */
	SIGNED_EXINFO,  /* MISCSELECT.EXINFO */
	SIGNED_FAMILY,  /* has ISVFAMILYID */
	SIGNED_PRODUCT, /* has ISVEXTPRODID */
	NR_SIGNATURES,
};

/* The one embedder of this process, as @world has it. */
struct embedder *world_restore(enum world world);

static inline gva_t ram_gva(unsigned int page)
{
	return WINDOW + PAGES(page);
}

static inline gva_t epc_gva(unsigned int page)
{
	return EPC_AT + PAGES(page % EPC_PAGES);
}

static inline gva_t enclave_gva(unsigned int page)
{
	return ENCLAVE_AT + PAGES(page % (ENCLAVES * ENCLAVE_PAGES));
}

static inline void *ram_ptr(struct embedder *embedder, unsigned int page)
{
	return embedder->ram + PAGES(page);
}

struct epcm_entry *world_entry(struct embedder *embedder, unsigned int page);

/*
 * Puts a signed SIGSTRUCT into RAM_SIGSTRUCT, and the one measurement that it was
 * signed for into the SECS in EPC page @secs: signing takes milliseconds.
 */
void world_sign(struct embedder *embedder, unsigned int secs, enum signature signature);

#endif
