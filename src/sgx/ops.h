/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the SGX model asks of the processor around it. The embedder gives each
 * logical processor (struct sgx_cpu, sgx.h) such a table; the functions are
 * called from that processor's thread, inside a leaf function or an AEX, never
 * with a lock of the model held, so they may sleep.
 *
 * Written for a translating processor with a software TLB: an operand is
 * walked once, and what the walk found stays usable until the leaf returns.
 */
#ifndef EXCLAVE_SGX_OPS_H
#define EXCLAVE_SGX_OPS_H

#include "lib/x86.h"

#include <stdbool.h>
#include <stddef.h>

struct sgx_cpu;

/* What lies behind one linear page. */
struct sgx_place {
	bool is_epc;
	hpa_t hpa;  /* is_epc: the EPC page, page-aligned */
	void *host; /* else: the embedder's own handle of the guest page */
	gpa_t gpa;  /* for the embedder's messages */
};

struct sgx_ops {
	/*
	 * The page walk of @gva, without any EPCM test. @access is made of
	 * PFERR_WRITE_MASK, PFERR_USER_MASK and PFERR_FETCH_MASK; an access
	 * without USER is a supervisor access whatever the CPL is. Sets the A
	 * and D bits as that access would.
	 * Return: true with @place filled, or false with the ordinary fault.
	 */
	bool (*walk)(struct sgx_cpu *cpu, gva_t gva, uint32_t access, struct sgx_place *place,
		     struct x86_exception *fault);

	/*
	 * Copies between the model and guest memory that is not EPC, within one
	 * page at @offset. Return: 0, or a negative errno when the host's
	 * memory behind the guest's is gone (-EFAULT).
	 */
	int (*read)(struct sgx_cpu *cpu, const struct sgx_place *place, unsigned int offset,
		    void *dst, size_t len);
	int (*write)(struct sgx_cpu *cpu, const struct sgx_place *place, unsigned int offset,
		     const void *src, size_t len);

	/*
	 * The extended state in the standard (non-compacted) XSAVE format.
	 * xsave() writes the components in @xfrm and the header's XSTATE_BV at
	 * @area, which is 64-byte aligned and has the size of sgx_xsave_size();
	 * it leaves other bytes alone. xrstor() loads the components in @xfrm;
	 * those outside XSTATE_BV get their initial state. It is called with a
	 * header that was checked; return: false when the contents fault
	 * (reserved bits of MXCSR), with the state unchanged.
	 */
	void (*xsave)(struct sgx_cpu *cpu, uint64_t xfrm, void *area);
	bool (*xrstor)(struct sgx_cpu *cpu, uint64_t xfrm, const void *area);

	/* Gives all components in @xfrm their initial state, but these three registers. */
	void (*xinit)(struct sgx_cpu *cpu, uint64_t xfrm, uint16_t fcw, uint16_t fsw,
		      uint32_t mxcsr);

	/*
	 * The processor has entered (@inside) or left enclave mode: linear
	 * translations used inside enclaves are void; FS, GS, XCR0 and RIP in
	 * the state have changed.
	 */
	void (*enclave_mode)(struct sgx_cpu *cpu, bool inside);

	/*
	 * Optional. Is an event pending that EINIT must give way to (SDM EINIT:
	 * interrupts, NMI, SMI, INIT that are not masked)?
	 */
	bool (*event_pending)(struct sgx_cpu *cpu);
};

#endif
