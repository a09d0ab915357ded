/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running leaves on an embedder's processor, and the operand structures that
 * they need. Each processor's thread has a builder of its own, so that several
 * can work at once. Nothing here asserts: results are the caller's.
 */
#ifndef EXCLAVE_EMBEDDER_BUILDER_H
#define EXCLAVE_EMBEDDER_BUILDER_H

#include "embedder.h"

struct builder {
	struct embedder_cpu *c;
	gva_t args;   /* a RAM page for PAGEINFO, SECINFO and PCMD */
	gva_t source; /* a RAM page for page contents */
};

/* Uses two RAM pages, the first at @args. */
struct builder builder_for(struct embedder *embedder, unsigned int cpu, gva_t args);

/* Where PAGEINFO (at the start), SECINFO and PCMD lie in the page of arguments. */
#define BUILDER_SECINFO 64
#define BUILDER_PCMD    128

void set_operands(struct embedder_cpu *c, uint64_t rax, uint64_t rbx, uint64_t rcx, uint64_t rdx);
struct leaf_result run_encls(struct embedder_cpu *c, uint32_t leaf, uint64_t rbx, uint64_t rcx,
			     uint64_t rdx);
struct leaf_result run_enclu(struct embedder_cpu *c, uint32_t leaf, uint64_t rbx, uint64_t rcx,
			     uint64_t rdx);

/* The builder's RAM, as the host sees it. */
void *builder_ram(const struct builder *b, gva_t gva);
struct sgx_pageinfo *builder_pageinfo(const struct builder *b);
struct sgx_secinfo *builder_secinfo(const struct builder *b);
struct sgx_pcmd *builder_pcmd(const struct builder *b);
gva_t builder_secinfo_gva(const struct builder *b);
gva_t builder_pcmd_gva(const struct builder *b);

/* Fills PAGEINFO (SRCPGE = the source page, SECINFO with @flags) and returns its address. */
gva_t builder_set(const struct builder *b, gva_t linaddr, gva_t secs, uint64_t flags);

/* A legal SECS in the source page, for the caller to change: MODE64BIT, the least of all else. */
struct sgx_secs *builder_source_secs(const struct builder *b, gva_t base, uint64_t size);

/* @attributes beside MODE64BIT. The SECS's other fields are the smallest legal ones. */
struct leaf_result build_secs(const struct builder *b, gva_t secs, gva_t base, uint64_t size,
			      uint64_t attributes);
/* Adds the source page; @flags as in SECINFO. */
struct leaf_result build_page(const struct builder *b, gva_t secs, gva_t epc, gva_t linaddr,
			      uint64_t flags);
/* Fills the source page with a TCS and adds it. */
struct leaf_result build_tcs(const struct builder *b, gva_t secs, gva_t epc, gva_t linaddr,
			     const struct sgx_tcs *tcs);
/* 16 EEXTENDs. */
struct leaf_result build_measure(const struct builder *b, gva_t secs, gva_t epc);

#endif
