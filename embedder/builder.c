// SPDX-License-Identifier: GPL-2.0-or-later
#include "builder.h"

#include <string.h>

struct builder builder_for(struct embedder *embedder, unsigned int cpu, gva_t args)
{
	return (struct builder){
		.c = &embedder->cpus[cpu],
		.args = args,
		.source = args + SGX_PAGE_SIZE,
	};
}

void set_operands(struct embedder_cpu *c, uint64_t rax, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	c->state.gpr[X86_RAX] = rax;
	c->state.gpr[X86_RBX] = rbx;
	c->state.gpr[X86_RCX] = rcx;
	c->state.gpr[X86_RDX] = rdx;
}

struct leaf_result run_encls(struct embedder_cpu *c, uint32_t leaf, uint64_t rbx, uint64_t rcx,
			     uint64_t rdx)
{
	set_operands(c, leaf, rbx, rcx, rdx);
	c->state.cpl = 0;
	return sgx_encls(&c->cpu);
}

struct leaf_result run_enclu(struct embedder_cpu *c, uint32_t leaf, uint64_t rbx, uint64_t rcx,
			     uint64_t rdx)
{
	set_operands(c, leaf, rbx, rcx, rdx);
	c->state.cpl = 3;
	return sgx_enclu(&c->cpu);
}

void *builder_ram(const struct builder *b, gva_t gva)
{
	struct embedder *embedder = b->c->embedder;

	return embedder->ram + (gva - embedder->config.window);
}

struct sgx_pageinfo *builder_pageinfo(const struct builder *b)
{
	return builder_ram(b, b->args);
}

struct sgx_secinfo *builder_secinfo(const struct builder *b)
{
	return builder_ram(b, builder_secinfo_gva(b));
}

struct sgx_pcmd *builder_pcmd(const struct builder *b)
{
	return builder_ram(b, builder_pcmd_gva(b));
}

gva_t builder_secinfo_gva(const struct builder *b)
{
	return b->args + BUILDER_SECINFO;
}

gva_t builder_pcmd_gva(const struct builder *b)
{
	return b->args + BUILDER_PCMD;
}

gva_t builder_set(const struct builder *b, gva_t linaddr, gva_t secs, uint64_t flags)
{
	*builder_pageinfo(b) = (struct sgx_pageinfo){
		.linaddr = linaddr,
		.srcpge = b->source,
		.secinfo = builder_secinfo_gva(b),
		.secs = secs,
	};
	*builder_secinfo(b) = (struct sgx_secinfo){.flags = flags};
	return b->args;
}

struct sgx_secs *builder_source_secs(const struct builder *b, gva_t base, uint64_t size)
{
	struct sgx_secs *secs = builder_ram(b, b->source);

	memset(secs, 0, sizeof(*secs));
	secs->base = base;
	secs->size = size;
	secs->ssa_frame_size = 1;
	secs->attributes = SGX_ATTR_MODE64BIT;
	secs->xfrm = XFEATURE_MASK_FP | XFEATURE_MASK_SSE;
	return secs;
}

struct leaf_result build_secs(const struct builder *b, gva_t secs, gva_t base, uint64_t size,
			      uint64_t attributes)
{
	builder_source_secs(b, base, size)->attributes |= attributes;
	return run_encls(b->c, ECREATE, builder_set(b, 0, 0, EPCM_PT(SGX_PAGE_TYPE_SECS)), secs, 0);
}

struct leaf_result build_page(const struct builder *b, gva_t secs, gva_t epc, gva_t linaddr,
			      uint64_t flags)
{
	return run_encls(b->c, EADD, builder_set(b, linaddr, secs, flags), epc, 0);
}

struct leaf_result build_tcs(const struct builder *b, gva_t secs, gva_t epc, gva_t linaddr,
			     const struct sgx_tcs *tcs)
{
	memcpy(builder_ram(b, b->source), tcs, sizeof(*tcs));
	return build_page(b, secs, epc, linaddr, EPCM_PT(SGX_PAGE_TYPE_TCS));
}

struct leaf_result build_measure(const struct builder *b, gva_t secs, gva_t epc)
{
	for (unsigned int offset = 0; offset < SGX_PAGE_SIZE; offset += SGX_CHUNK_SIZE) {
		struct leaf_result res = run_encls(b->c, EEXTEND, secs, epc + offset, 0);

		if (res.kind != LEAF_OK)
			return res;
	}
	return (struct leaf_result){.kind = LEAF_OK};
}
