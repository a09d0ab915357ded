// SPDX-License-Identifier: GPL-2.0-or-later
#include "sgx/xsave.h"

#include "lib/bits.h"

/* Either all of @bits or none. */
static bool all_or_none(uint64_t xfrm, uint64_t bits)
{
	return (xfrm & bits) == 0 || (xfrm & bits) == bits;
}

/* SDM "XSETBV": what is reserved or incoherent in XCR0. */
bool xfrm_is_legal(uint64_t xfrm)
{
	const uint64_t avx512 =
		XFEATURE_MASK_OPMASK | XFEATURE_MASK_ZMM_Hi256 | XFEATURE_MASK_Hi16_ZMM;
	const uint64_t mpx = XFEATURE_MASK_BNDREGS | XFEATURE_MASK_BNDCSR;
	const uint64_t amx = XFEATURE_MASK_XTILECFG | XFEATURE_MASK_XTILEDATA;

	if (!(xfrm & XFEATURE_MASK_FP))
		return false;
	if ((xfrm & XFEATURE_MASK_YMM) && !(xfrm & XFEATURE_MASK_SSE))
		return false;
	if ((xfrm & avx512) && !(xfrm & XFEATURE_MASK_YMM))
		return false;
	return all_or_none(xfrm, avx512) && all_or_none(xfrm, mpx) && all_or_none(xfrm, amx);
}

uint32_t sgx_xsave_size(const struct sgx_cpuid *cpuid, uint64_t xfrm)
{
	const uint64_t base = XFEATURE_MASK_FP | XFEATURE_MASK_SSE;
	uint32_t size = XSAVE_MIN_SIZE;

	/* Every entry into an enclave asks, so only the components in use are looked at. */
	for (xfrm &= ~base; xfrm; xfrm &= xfrm - 1) {
		int i = __builtin_ctzll(xfrm);
		uint32_t end = cpuid->xsave[i].offset + cpuid->xsave[i].size;

		if (end > size)
			size = end;
	}
	return size;
}

uint32_t ssa_misc_size(uint32_t miscselect)
{
	return miscselect & SGX_MISC_EXINFO ? sizeof(struct sgx_exinfo) : 0;
}

uint64_t ssa_frame_min_size(const struct sgx_cpuid *cpuid, uint64_t xfrm, uint32_t miscselect)
{
	return (uint64_t)sgx_xsave_size(cpuid, xfrm) + sizeof(struct sgx_gprsgx) +
	       ssa_misc_size(miscselect);
}
