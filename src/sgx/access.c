// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "Access-control Requirements": the decision at a TLB fill, and the notice beside it. */
#include "sgx/sgx.h"

#include "lib/bits.h"
#include "lib/lock.h"

static struct x86_exception general_protection(void)
{
	return (struct x86_exception){.vector = GP_VECTOR, .has_error_code = true};
}

/* SDM "Page Fault Error Codes"; a processor without SGX2 raises #GP(0) instead. */
static struct x86_exception epcm_violation(const struct sgx_cpu *cpu, gva_t gva, uint32_t access)
{
	if (!(cpu->cpuid->leaves & SGX_CPUID_SGX2))
		return general_protection();
	return (struct x86_exception){
		.vector = PF_VECTOR,
		.has_error_code = true,
		.error_code = PFERR_PRESENT_MASK | PFERR_SGX_MASK | access,
		.address = gva,
	};
}

static uint64_t needed_rights(uint32_t access)
{
	if (access & PFERR_FETCH_MASK)
		return EPCM_X;
	return access & PFERR_WRITE_MASK ? EPCM_W : EPCM_R;
}

static struct sgx_access allow(uint32_t rights, uint8_t *page)
{
	return (struct sgx_access){.verdict = SGX_ACCESS_ALLOW, .allowed = rights, .page = page};
}

static struct sgx_access refuse(struct x86_exception fault)
{
	return (struct sgx_access){.verdict = SGX_ACCESS_FAULT, .fault = fault};
}

/* The enclave's own range: nothing but its own pages, as the EPCM has them. */
static struct sgx_access check_inside(struct sgx_cpu *cpu, gva_t gva, uint32_t access,
				      const struct sgx_place *place)
{
	const struct epcm_entry *e =
		place->is_epc ? epc_lookup(&cpu->platform->epc, place->hpa) : NULL;
	struct epcm_view view;

	if (!e)
		return refuse(epcm_violation(cpu, gva, access));
	view = epcm_view(e);
	if (!epcm_allows(&view, cpu->enclave.secs, gva, needed_rights(access)))
		return refuse(epcm_violation(cpu, gva, access));
	return allow((uint32_t)(view.state & EPCM_RWX), epcm_page(e));
}

struct sgx_access sgx_check_access(struct sgx_cpu *cpu, gva_t gva, uint32_t access,
				   const struct sgx_place *place)
{
	/* It may wait for an exclusive holder, who may be waiting for another page. */
	lock_assert_none_held();
	if (sgx_in_enclave(cpu)) {
		if (sgx_in_elrange(cpu, gva))
			return check_inside(cpu, gva, access, place);
		if (access & PFERR_FETCH_MASK)
			return refuse(general_protection());
	}
	if (place->is_epc)
		return (struct sgx_access){.verdict = SGX_ACCESS_ABORT_PAGE};
	return allow(sgx_in_enclave(cpu) ? EPCM_R | EPCM_W : EPCM_RWX, NULL);
}

void sgx_watch_page(struct sgx_platform *platform, hpa_t hpa)
{
	struct epcm_entry *e = epc_lookup(&platform->epc, hpa);

	if (e)
		atomic_store(&e->watched, 1);
}
