// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ENCLS that a guest executes and KVM intercepts: Linux' handle_encls(). A handler reads its
 * operands once, into the copies of encls_host.c, before it checks them.
 */
#include "kvm/sgx.h"

#include "cpu/fault.h"
#include "host/message.h"
#include "host/mode.h"
#include "kvm/sgx_features.h"
#include "kvm/vcpu.h"
#include "mmu/guest_access.h"

#include <string.h>

#define EXIT_REASON_ENCLS 60 /* of the VMCS */

#define RFLAGS_CLEARED \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_SF | X86_EFLAGS_OF)

static bool guest_has(const struct kvm_vcpu *vcpu, enum sgx_feature feature)
{
	return cpuid_has_sgx_feature(&vcpu->cpuid, feature);
}

static bool is_enabled_by_firmware(const struct kvm_vcpu *vcpu)
{
	const uint64_t bits = FEAT_CTL_SGX_ENABLED | FEAT_CTL_LOCKED;

	return (vcpu->feature_control & bits) == bits;
}

static bool has_limits_of_host(const struct kvm_vcpu *vcpu)
{
	const struct cpuid_entry *e0 = cpuid_find(&vcpu->cpuid, 0x12, 0);
	const struct cpuid_entry *e1 = cpuid_find(&vcpu->cpuid, 0x12, 1);
	uint32_t l0[CPUID_NR_REGS], l1[CPUID_NR_REGS];

	sgx_cpuid_host_leaf(0, l0);
	sgx_cpuid_host_leaf(1, l1);
	return e0 && e1 && e0->regs[CPUID_EBX] == l0[CPUID_EBX] &&
	       e0->regs[CPUID_EDX] == l0[CPUID_EDX] && !memcmp(e1->regs, l1, sizeof(l1));
}

/*
 * The processor checks a SECS against the host's CPUID: when the guest's is the same, and
 * the guest may use the provisioning key, ECREATE need not come here.
 */
static bool has_to_see_ecreate(const struct kvm_vcpu *vcpu)
{
	return !atomic_load(&vcpu->vm->sgx_provisioning) || !has_limits_of_host(vcpu);
}

static uint64_t leaves_from_to(unsigned int first, unsigned int last)
{
	return (BIT64(last - first + 1) - 1) << first;
}

static uint64_t encls_bitmap(const struct kvm_vcpu *vcpu)
{
	uint64_t bitmap = UINT64_MAX;

	if (!guest_has(vcpu, SGX_FEATURE_SGX) || !is_enabled_by_firmware(vcpu))
		return bitmap;
	if (guest_has(vcpu, SGX_FEATURE_SGX1)) {
		bitmap &= ~leaves_from_to(ECREATE, ETRACK);
		if (has_to_see_ecreate(vcpu))
			bitmap |= BIT64(ECREATE);
	}
	if (guest_has(vcpu, SGX_FEATURE_SGX2))
		bitmap &= ~leaves_from_to(EAUG, EMODT);
	/* The hash MSRs of the guest are not those of the processor. */
	if (host_mode()->launch_control)
		bitmap |= BIT64(EINIT);
	return bitmap;
}

static const uint64_t *pubkey_hash(const struct kvm_vcpu *vcpu)
{
	return host_mode()->launch_control ? vcpu->sgx_pubkey_hash : sgx_intel_pubkey_hash;
}

void vcpu_update_pubkey_hash(struct kvm_vcpu *vcpu)
{
	struct sgx_cpu *sgx = vcpu->v->sgx;

	if (sgx)
		memcpy(sgx->lepubkeyhash, pubkey_hash(vcpu), sizeof(sgx->lepubkeyhash));
}

void vcpu_update_encls_bitmap(struct kvm_vcpu *vcpu)
{
	struct sgx_cpu *sgx = vcpu->v->sgx;

	if (!sgx)
		return;
	sgx->feature_control = vcpu->feature_control;
	sgx->encls_exiting = true;
	sgx->encls_exiting_bitmap = encls_bitmap(vcpu);
	vcpu_update_pubkey_hash(vcpu);
}

static enum cpu_result leave(struct kvm_vcpu *vcpu, enum encls_leave why)
{
	vcpu->sgx.leave = why;
	vcpu->sgx.leave_words = 0;
	vcpu->v->exit.reason = ENGINE_EXIT_INTERNAL_ERROR;
	return CPU_AGAIN;
}

/* What could not be reached. */
static enum cpu_result emulation_failure(struct kvm_vcpu *vcpu, uint64_t address, uint64_t size)
{
	enum cpu_result result = leave(vcpu, ENCLS_LEAVE_EMULATION);

	vcpu->sgx.leave_words = 2;
	vcpu->sgx.leave_data[0] = address;
	vcpu->sgx.leave_data[1] = size;
	return result;
}

static bool is_outside_segment(const struct x86_segment *ds, gva_t gva, uint32_t size)
{
	if (ds->unusable || (ds->type & ~1) != 2 || gva > ds->limit)
		return true;
	return (ds->base || ds->limit != UINT32_MAX) && gva + size - 1 > (uint64_t)ds->limit + 1;
}

/* The linear address of an operand. KVM goes by EFER.LMA, also for code of 32 bits. */
static enum cpu_result operand(struct kvm_vcpu *vcpu, uint64_t offset, uint32_t size,
			       uint32_t align, gva_t *gva)
{
	struct cpu *cpu = &vcpu->v->cpu;
	const struct x86_segment *ds = &cpu->state.seg[X86_SEG_DS];
	bool is_long = cpu->state.efer & EFER_LMA;

	*gva = is_long ? offset : offset + ds->base;
	if (!is_aligned(*gva, align))
		return fault_gp(cpu);
	if (is_long)
		return x86_is_canonical(&cpu->state, *gva) ? CPU_OK : fault_gp(cpu);
	*gva = (uint32_t)*gva;
	return is_outside_segment(ds, *gva, size) ? fault_gp(cpu) : CPU_OK;
}

static enum cpu_result translate(struct kvm_vcpu *vcpu, gva_t gva, uint32_t access,
				 struct mmu_page *page)
{
	struct engine_vcpu *v = vcpu->v;

	if (v->cpu.state.rflags & X86_EFLAGS_AC)
		access |= MMU_ACCESS_AC;
	switch (mmu_translate(&v->mmu, &v->mmu_mode, v->as_id, gva, access, page)) {
	case MMU_OK:
	case MMU_DEVICE:
		return CPU_OK;
	case MMU_FAULT:
		v->cpu.fault = page->fault;
		return CPU_FAULT;
	case MMU_AGAIN:
		v->exit.reason = ENGINE_EXIT_KICK;
		return CPU_AGAIN;
	case MMU_HOST_ERROR:
		v->cpu.host_errno = page->host_errno;
		return CPU_HOST_ERROR;
	}
	__builtin_unreachable();
}

/* A guest-physical address without memory behind it has no pointer to give to the processor. */
static enum cpu_result need_memory(struct kvm_vcpu *vcpu, const struct mmu_page *page, gva_t gva)
{
	if (page->kind != MEMSLOT_MMIO)
		return CPU_OK;
	return emulation_failure(vcpu, page->gpa + gva % SGX_PAGE_SIZE, 1);
}

/* An operand lies inside its page. What the host reads of EPC is all ones. */
static enum cpu_result copy(struct kvm_vcpu *vcpu, const struct mmu_page *page, gva_t gva,
			    void *dst, size_t size)
{
	const uint8_t *hva;

	if (page->kind == MEMSLOT_EPC) {
		memset(dst, 0xff, size);
		return CPU_OK;
	}
	hva = page->hva + gva % SGX_PAGE_SIZE;
	if (guest_copy_from(dst, hva, size))
		return emulation_failure(vcpu, (uintptr_t)hva, size);
	return CPU_OK;
}

static void skip(struct cpu *cpu)
{
	cpu->state.rip += SGX_INSN_LENGTH;
	if (!x86_is_64bit(&cpu->state))
		cpu->state.rip = (uint32_t)cpu->state.rip;
}

/*
 * A fault of the host's ECREATE or EINIT becomes the guest's: #PF, which the host's page
 * tables cannot have caused, is a page of the wrong kind. Without SGX2 the guest's processor
 * says that by #GP(0).
 */
static enum cpu_result inject(struct kvm_vcpu *vcpu, struct leaf_result res, gva_t secs_gva)
{
	struct cpu *cpu = &vcpu->v->cpu;

	if (res.kind == LEAF_HOST_ERROR) {
		cpu->host_errno = res.value;
		return CPU_HOST_ERROR;
	}
	if (res.vector != PF_VECTOR || !guest_has(vcpu, SGX_FEATURE_SGX2))
		return fault_gp(cpu);
	fault_code(cpu, PF_VECTOR, PFERR_PRESENT_MASK | PFERR_WRITE_MASK | PFERR_SGX_MASK);
	cpu->fault.address = secs_gva;
	return CPU_FAULT;
}

static hpa_t epc_of(const struct mmu_page *page)
{
	return page->kind == MEMSLOT_EPC ? page->hpa : 0;
}

static bool is_key_refused(const struct kvm_vcpu *vcpu, const struct sgx_secs *secs,
			   const struct cpuid_entry *l1)
{
	if (atomic_load(&vcpu->vm->sgx_provisioning) || !(secs->attributes & SGX_ATTR_PROVISIONKEY))
		return false;
	if (l1->regs[CPUID_EAX] & SGX_ATTR_PROVISIONKEY)
		host_warn_once(
			"a guest whose CPUID has the PROVISIONKEY attribute wants an enclave "
			"with it, but the VMM has not enabled KVM_CAP_SGX_ATTRIBUTE");
	return true;
}

/* MISCSELECT, ATTRIBUTES, XFRM and SIZE within what the guest's CPUID says. */
static bool is_within_cpuid(const struct sgx_secs *secs, const struct cpuid_entry *l0,
			    const struct cpuid_entry *l1, uint64_t xcr0)
{
	uint64_t attributes = l1->regs[CPUID_EAX] | (uint64_t)l1->regs[CPUID_EBX] << 32;
	uint64_t xfrm = l1->regs[CPUID_ECX] | (uint64_t)l1->regs[CPUID_EDX] << 32;
	bool is_64bit = secs->attributes & SGX_ATTR_MODE64BIT;
	uint8_t max = (uint8_t)(l0->regs[CPUID_EDX] >> (is_64bit ? 8 : 0));

	xfrm &= xcr0 | XFEATURE_MASK_FP | XFEATURE_MASK_SSE;
	if ((secs->miscselect & ~l0->regs[CPUID_EBX]) || (secs->attributes & ~attributes) ||
	    (secs->xfrm & ~xfrm))
		return false;
	return max > 63 || !(secs->size >> max);
}

static enum cpu_result check_secs(struct kvm_vcpu *vcpu, const struct sgx_secs *secs)
{
	const struct cpuid_entry *l0 = cpuid_find(&vcpu->cpuid, 0x12, 0);
	const struct cpuid_entry *l1 = cpuid_find(&vcpu->cpuid, 0x12, 1);
	struct cpu *cpu = &vcpu->v->cpu;

	if (!l0 || !l1)
		return leave(vcpu, ENCLS_LEAVE_EMULATION);
	if (is_key_refused(vcpu, secs, l1) ||
	    !is_within_cpuid(secs, l0, l1, cpu->features.xcr0_allowed))
		return fault_gp(cpu);
	return CPU_OK;
}

static enum cpu_result read_pageinfo(struct kvm_vcpu *vcpu, gva_t gva)
{
	struct sgx_pageinfo *pageinfo = encls_host_pageinfo(vcpu->sgx.host);
	struct mmu_page page;

	CPU_TRY(translate(vcpu, gva, 0, &page));
	if (page.kind == MEMSLOT_MMIO)
		return emulation_failure(vcpu, gva, sizeof(*pageinfo));
	return copy(vcpu, &page, gva, pageinfo, sizeof(*pageinfo));
}

/* Copies SECINFO and the contents; @secs is where the SECS is to be. */
static enum cpu_result read_ecreate(struct kvm_vcpu *vcpu, gva_t secs_gva, struct mmu_page *secs)
{
	struct encls_host *host = vcpu->sgx.host;
	const struct sgx_pageinfo *pageinfo = encls_host_pageinfo(host);
	struct mmu_page info, contents;
	gva_t info_gva, contents_gva;

	CPU_TRY(operand(vcpu, pageinfo->secinfo, 64, 64, &info_gva));
	CPU_TRY(operand(vcpu, pageinfo->srcpge, 4096, 4096, &contents_gva));
	CPU_TRY(translate(vcpu, info_gva, 0, &info));
	CPU_TRY(translate(vcpu, contents_gva, 0, &contents));
	CPU_TRY(translate(vcpu, secs_gva, PFERR_WRITE_MASK, secs));
	CPU_TRY(need_memory(vcpu, &info, info_gva));
	CPU_TRY(need_memory(vcpu, &contents, contents_gva));
	CPU_TRY(need_memory(vcpu, secs, secs_gva));
	CPU_TRY(copy(vcpu, &contents, contents_gva, encls_host_secs(host), SGX_PAGE_SIZE));
	return copy(vcpu, &info, info_gva, encls_host_secinfo(host), sizeof(struct sgx_secinfo));
}

static enum cpu_result handle_ecreate(struct kvm_vcpu *vcpu)
{
	struct cpu *cpu = &vcpu->v->cpu;
	gva_t pageinfo_gva, secs_gva;
	struct mmu_page secs;
	struct leaf_result res;

	CPU_TRY(operand(vcpu, cpu->state.gpr[X86_RBX], 32, 32, &pageinfo_gva));
	CPU_TRY(operand(vcpu, cpu->state.gpr[X86_RCX], 4096, 4096, &secs_gva));
	CPU_TRY(read_pageinfo(vcpu, pageinfo_gva));
	CPU_TRY(read_ecreate(vcpu, secs_gva, &secs));
	CPU_TRY(check_secs(vcpu, encls_host_secs(vcpu->sgx.host)));
	res = encls_host_ecreate(vcpu->sgx.host, epc_of(&secs));
	if (res.kind != LEAF_OK)
		return inject(vcpu, res, secs_gva);
	skip(cpu);
	return CPU_OK;
}

/* Copies SIGSTRUCT and EINITTOKEN; @secs is where the SECS is. */
static enum cpu_result read_einit(struct kvm_vcpu *vcpu, gva_t *secs_gva, struct mmu_page *secs)
{
	const uint64_t *gpr = vcpu->v->cpu.state.gpr;
	struct encls_host *host = vcpu->sgx.host;
	struct mmu_page sig, token;
	gva_t sig_gva, token_gva;

	CPU_TRY(operand(vcpu, gpr[X86_RBX], 1808, 4096, &sig_gva));
	CPU_TRY(operand(vcpu, gpr[X86_RCX], 4096, 4096, secs_gva));
	CPU_TRY(operand(vcpu, gpr[X86_RDX], 304, 512, &token_gva));
	CPU_TRY(translate(vcpu, sig_gva, 0, &sig));
	CPU_TRY(translate(vcpu, *secs_gva, PFERR_WRITE_MASK, secs));
	CPU_TRY(translate(vcpu, token_gva, 0, &token));
	CPU_TRY(need_memory(vcpu, &sig, sig_gva));
	CPU_TRY(need_memory(vcpu, secs, *secs_gva));
	CPU_TRY(need_memory(vcpu, &token, token_gva));
	CPU_TRY(copy(vcpu, &sig, sig_gva, encls_host_sigstruct(host),
		     sizeof(struct sgx_sigstruct)));
	return copy(vcpu, &token, token_gva, encls_host_token(host), sizeof(struct sgx_einittoken));
}

static enum cpu_result handle_einit(struct kvm_vcpu *vcpu)
{
	struct cpu *cpu = &vcpu->v->cpu;
	struct mmu_page secs;
	struct leaf_result res;
	gva_t secs_gva;

	CPU_TRY(read_einit(vcpu, &secs_gva, &secs));
	res = encls_host_einit(vcpu->sgx.host, epc_of(&secs), pubkey_hash(vcpu));
	if (res.kind != LEAF_CODE)
		return inject(vcpu, res, secs_gva);
	cpu->state.rflags &= ~(uint64_t)(RFLAGS_CLEARED | X86_EFLAGS_ZF);
	if (res.value)
		cpu->state.rflags |= X86_EFLAGS_ZF;
	cpu->state.gpr[X86_RAX] = (uint32_t)res.value;
	skip(cpu);
	return CPU_OK;
}

static bool guest_has_leaf(const struct kvm_vcpu *vcpu, uint32_t leaf)
{
	if (leaf <= ETRACK)
		return guest_has(vcpu, SGX_FEATURE_SGX1);
	return leaf <= EMODT && guest_has(vcpu, SGX_FEATURE_SGX2);
}

enum cpu_result vcpu_encls_exit(struct engine_vcpu *v)
{
	struct kvm_vcpu *vcpu = v->owner;
	uint32_t leaf = (uint32_t)v->cpu.state.gpr[X86_RAX];

	if (!guest_has(vcpu, SGX_FEATURE_SGX) || !guest_has_leaf(vcpu, leaf))
		return fault_ud(&v->cpu);
	if (!is_enabled_by_firmware(vcpu))
		return fault_gp(&v->cpu);
	if (leaf == ECREATE)
		return handle_ecreate(vcpu);
	if (leaf == EINIT)
		return handle_einit(vcpu);
	return leave(vcpu, ENCLS_LEAVE_UNKNOWN);
}

/* Linux: no bytes of the instruction, five words about the exit, then the data. */
static void fill_emulation_failure(struct kvm_run *run, const struct vcpu_sgx *sgx)
{
	const unsigned int info = 1, data = info + 5;

	memset(run->internal.data, 0, sizeof(run->internal.data));
	run->internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->internal.ndata = data + sgx->leave_words;
	run->internal.data[info] = EXIT_REASON_ENCLS;
	memcpy(&run->internal.data[data], sgx->leave_data, sgx->leave_words * sizeof(uint64_t));
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
}

bool vcpu_encls_leave(struct kvm_vcpu *vcpu)
{
	enum encls_leave why = vcpu->sgx.leave;

	vcpu->sgx.leave = ENCLS_LEAVE_NONE;
	switch (why) {
	case ENCLS_LEAVE_NONE:
		return false;
	case ENCLS_LEAVE_EMULATION:
		fill_emulation_failure(vcpu->run, &vcpu->sgx);
		return true;
	case ENCLS_LEAVE_UNKNOWN:
		vcpu->run->exit_reason = KVM_EXIT_UNKNOWN;
		vcpu->run->hw.hardware_exit_reason = EXIT_REASON_ENCLS;
		return true;
	}
	return false;
}
