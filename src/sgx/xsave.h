/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SDM "SECS.ATTRIBUTES.XFRM", and the layout of an SSA frame that follows from them. */
#ifndef EXCLAVE_SGX_XSAVE_H
#define EXCLAVE_SGX_XSAVE_H

#include "sgx/sgx.h"

/* The legacy region and the header, which every XSAVE area has. */
#define XSAVE_LEGACY_SIZE   512
#define XSAVE_HEADER_OFFSET 512
#define XSAVE_MIN_SIZE      576

/* Could XSETBV load @xfrm into XCR0, if the processor had all of these features? */
bool xfrm_is_legal(uint64_t xfrm);

/* SDM "State Save Area (SSA) Frame": bytes that MISC takes below GPRSGX. */
uint32_t ssa_misc_size(uint32_t miscselect);

/* The least SSAFRAMESIZE, in bytes. */
uint64_t ssa_frame_min_size(const struct sgx_cpuid *cpuid, uint64_t xfrm, uint32_t miscselect);

#endif
