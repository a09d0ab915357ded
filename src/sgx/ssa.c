// SPDX-License-Identifier: GPL-2.0-or-later
#include "sgx/ssa.h"

#include "sgx/xsave.h"

#include <assert.h>
#include <string.h>

/* SDM "XSAVE Header", what XRSTOR looks at. */
struct xsave_header {
	uint64_t xstate_bv;
	uint8_t zero[16];
};
_Static_assert(offsetof(struct xsave_header, zero) == 8, "XCOMP_BV and the reserved word after it");

/* Of @size bytes, those in the page that starts at @offset. */
static uint32_t bytes_in_page(uint32_t size, uint32_t offset)
{
	return size - offset < SGX_PAGE_SIZE ? size - offset : SGX_PAGE_SIZE;
}

static struct leaf_result open_xsave_area(struct sgx_cpu *cpu, const struct epcm_entry *secs,
					  gva_t start, uint32_t size, struct sgx_ssa_frame *frame)
{
	uint8_t *page;
	gva_t gva;

	frame->xsave_pages = 0;
	for (uint32_t done = 0; done < size; done += SGX_PAGE_SIZE) {
		struct epcm_entry **e = &frame->xsave[frame->xsave_pages++];

		TRY(operand_linear(cpu, start + done, bytes_in_page(size, done), ENCLU_WRITE,
				   &gva));
		TRY(operand_enclave_page(cpu, gva, ENCLU_WRITE, EPCM_R | EPCM_W, secs, e, &page));
	}
	return leaf_ok();
}

struct leaf_result ssa_open(struct sgx_cpu *cpu, const struct epcm_entry *secs,
			    const struct sgx_tcs *tcs, uint32_t index, struct sgx_ssa_frame *frame)
{
	const struct sgx_secs *s = secs_of(secs);
	const uint64_t frame_size = (uint64_t)s->ssa_frame_size * SGX_PAGE_SIZE;
	const gva_t start = s->base + tcs->ossa + frame_size * index;
	const gva_t gprsgx = start + frame_size - sizeof(struct sgx_gprsgx);
	const uint32_t xsave_size = sgx_xsave_size(cpu->cpuid, s->xfrm);
	uint8_t *page;
	gva_t gva;

	assert(xsave_size <= SGX_SSA_XSAVE_PAGES * SGX_PAGE_SIZE);
	TRY(open_xsave_area(cpu, secs, start, xsave_size, frame));
	TRY(operand_linear(cpu, gprsgx, sizeof(struct sgx_gprsgx), ENCLU_WRITE, &gva));
	/* An XSAVE area that reaches into the last page has had it tested already. */
	if (frame->xsave_pages == s->ssa_frame_size) {
		frame->gpr = frame->xsave[frame->xsave_pages - 1];
		return leaf_ok();
	}
	return operand_enclave_page(cpu, align_down(gva, SGX_PAGE_SIZE), ENCLU_WRITE,
				    EPCM_R | EPCM_W, secs, &frame->gpr, &page);
}

/* The first @size bytes of the frame, whose pages need not be neighbours in the EPC. */
static void gather(const struct sgx_ssa_frame *frame, uint8_t *area, uint32_t size)
{
	for (unsigned int i = 0; i < frame->xsave_pages; i++)
		memcpy(area + i * SGX_PAGE_SIZE, epcm_page(frame->xsave[i]),
		       bytes_in_page(size, i * SGX_PAGE_SIZE));
}

static void scatter(const struct sgx_ssa_frame *frame, const uint8_t *area, uint32_t size)
{
	for (unsigned int i = 0; i < frame->xsave_pages; i++)
		memcpy(epcm_page(frame->xsave[i]), area + i * SGX_PAGE_SIZE,
		       bytes_in_page(size, i * SGX_PAGE_SIZE));
}

/* XSAVE may merge into XSTATE_BV and leaves the rest of the header alone, so it starts as zero. */
static void save_to(struct sgx_cpu *cpu, uint64_t xfrm, uint8_t *area)
{
	memset(area + XSAVE_HEADER_OFFSET, 0, sizeof(struct xsave_header));
	cpu->ops->xsave(cpu, xfrm, area);
}

void ssa_save_xstate(struct sgx_cpu *cpu, const struct sgx_ssa_frame *frame, uint64_t xfrm)
{
	const uint32_t size = sgx_xsave_size(cpu->cpuid, xfrm);

	if (likely(frame->xsave_pages == 1)) {
		save_to(cpu, xfrm, epcm_page(frame->xsave[0]));
		return;
	}
	/* With the bytes between the components, which XSAVE leaves alone. */
	gather(frame, cpu->scratch, size);
	save_to(cpu, xfrm, cpu->scratch);
	scatter(frame, cpu->scratch, size);
}

struct leaf_result ssa_load_xstate(struct sgx_cpu *cpu, const struct sgx_ssa_frame *frame,
				   uint64_t xfrm)
{
	const struct xsave_header *header =
		(const struct xsave_header *)(cpu->scratch + XSAVE_HEADER_OFFSET);

	/* Copied once: another thread of the enclave may change it between check and load. */
	gather(frame, cpu->scratch, sgx_xsave_size(cpu->cpuid, xfrm));
	CHECK(is_zero(header->zero, sizeof(header->zero)), leaf_gp());
	CHECK(!(header->xstate_bv & ~xfrm), leaf_gp());
	CHECK(cpu->ops->xrstor(cpu, xfrm, cpu->scratch), leaf_gp());
	return leaf_ok();
}

void ssa_changed(struct sgx_cpu *cpu, const struct sgx_ssa_frame *frame)
{
	for (unsigned int i = 0; i < frame->xsave_pages; i++)
		leaf_page_changed(cpu, frame->xsave[i]);
	leaf_page_changed(cpu, frame->gpr);
}
