// SPDX-License-Identifier: GPL-2.0-or-later
/* From the engine's exits to struct kvm_run, and back. */
#include "kvm/vcpu.h"

#include <string.h>

static enum run_next leave(struct kvm_vcpu *vcpu, uint32_t reason)
{
	vcpu->run->exit_reason = reason;
	return RUN_EXIT_TO_USER;
}

static enum run_next fail(struct kvm_vcpu *vcpu, int err)
{
	vcpu->run_errno = err;
	return RUN_ERROR;
}

/* The first of several is asked for: then the bus takes all, or the VMM does. */
static bool bus_takes_output(struct kvm_vcpu *vcpu)
{
	const struct engine_exit *exit = &vcpu->v->exit;

	for (uint32_t i = 0; i < exit->io.count; i++) {
		const uint8_t *data = exit->io.data + i * exit->io.size;
		bool taken = chips_write_port(vcpu->vm, exit->io.port, data, exit->io.size) ||
			     io_bus_write(&vcpu->vm->bus, true, exit->io.port, data, exit->io.size);

		if (!taken && !i)
			return false;
	}
	return exit->io.count;
}

static bool chips_give_input(struct kvm_vcpu *vcpu)
{
	struct engine_exit *exit = &vcpu->v->exit;
	bool given = exit->io.count;

	for (uint32_t i = 0; given && i < exit->io.count; i++)
		given = chips_read_port(vcpu->vm, exit->io.port, exit->io.data + i * exit->io.size,
					exit->io.size);
	return given;
}

static enum run_next exit_io(struct kvm_vcpu *vcpu)
{
	const struct engine_exit *exit = &vcpu->v->exit;
	struct kvm_run *run = vcpu->run;

	if (!exit->io.in) {
		if (bus_takes_output(vcpu))
			return RUN_RESUME;
		memcpy(vcpu_page(vcpu, VCPU_PAGE_PIO), exit->io.data,
		       (size_t)exit->io.size * exit->io.count);
	} else {
		if (chips_give_input(vcpu))
			return RUN_RESUME;
		vcpu->answer = EXIT_ANSWER_PIO;
	}
	run->io.direction = exit->io.in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
	run->io.size = exit->io.size;
	run->io.port = exit->io.port;
	run->io.count = exit->io.count;
	run->io.data_offset = VCPU_PAGE_PIO * 4096;
	return leave(vcpu, KVM_EXIT_IO);
}

static enum run_next exit_mmio(struct kvm_vcpu *vcpu)
{
	struct engine_exit *exit = &vcpu->v->exit;
	struct kvm_run *run = vcpu->run;

	if (exit->mmio.write ? chips_write(vcpu, exit->mmio.gpa, exit->mmio.data, exit->mmio.len)
			     : chips_read(vcpu, exit->mmio.gpa, exit->mmio.data, exit->mmio.len))
		return RUN_RESUME;
	if (exit->mmio.write &&
	    io_bus_write(&vcpu->vm->bus, false, exit->mmio.gpa, exit->mmio.data, exit->mmio.len))
		return RUN_RESUME;
	run->mmio.phys_addr = exit->mmio.gpa;
	run->mmio.len = exit->mmio.len;
	run->mmio.is_write = exit->mmio.write;
	memset(run->mmio.data, 0, sizeof(run->mmio.data));
	if (exit->mmio.write)
		memcpy(run->mmio.data, exit->mmio.data, exit->mmio.len);
	else
		vcpu->answer = EXIT_ANSWER_MMIO;
	return leave(vcpu, KVM_EXIT_MMIO);
}

static enum run_next exit_msr(struct kvm_vcpu *vcpu)
{
	const struct msr_exit *exit = &vcpu->msr_exit;
	struct kvm_run *run = vcpu->run;

	run->msr.error = 0;
	run->msr.reason = exit->reason;
	run->msr.index = exit->index;
	run->msr.data = exit->data;
	vcpu->answer = EXIT_ANSWER_MSR;
	return leave(vcpu, exit->write ? KVM_EXIT_X86_WRMSR : KVM_EXIT_X86_RDMSR);
}

/* ndata counts 64-bit words: the flags, and size and bytes of the instruction. */
static enum run_next exit_internal_error(struct kvm_vcpu *vcpu)
{
	const struct engine_exit *exit = &vcpu->v->exit;
	struct kvm_run *run = vcpu->run;
	uint8_t length = exit->insn.length;

	if (vcpu_encls_leave(vcpu))
		return RUN_EXIT_TO_USER;
	if (length > sizeof(run->emulation_failure.insn_bytes))
		length = sizeof(run->emulation_failure.insn_bytes);
	run->emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->emulation_failure.ndata = 3;
	run->emulation_failure.flags = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	run->emulation_failure.insn_size = length;
	memset(run->emulation_failure.insn_bytes, 0x90, sizeof(run->emulation_failure.insn_bytes));
	memcpy(run->emulation_failure.insn_bytes, exit->insn.bytes, length);
	return leave(vcpu, KVM_EXIT_INTERNAL_ERROR);
}

/* With a local APIC of ours we know what the processor waits for. */
static enum run_next exit_hlt(struct kvm_vcpu *vcpu)
{
	/* A step ends it at once. */
	if (vcpu->v->trap_due)
		return RUN_RESUME;
	if (!vcpu->has_lapic)
		return leave(vcpu, KVM_EXIT_HLT);
	vcpu->mp_state = KVM_MP_STATE_HALTED;
	return RUN_RESUME;
}

/* SDM "VM-Entry Failures During or After Loading Guest State": the reason that VMX would give. */
#define ENTRY_FAILURE_INVALID_STATE UINT64_C(0x80000021)

static enum run_next exit_fail_entry(struct kvm_vcpu *vcpu)
{
	vcpu->run->fail_entry.hardware_entry_failure_reason = ENTRY_FAILURE_INVALID_STATE;
	vcpu->run->fail_entry.cpu = 0;
	return leave(vcpu, KVM_EXIT_FAIL_ENTRY);
}

/* Our own requests bring the engine out as well; only the VMM's ends the call. */
static enum run_next exit_exception(struct kvm_vcpu *vcpu)
{
	vcpu_debug_exit(vcpu);
	return leave(vcpu, KVM_EXIT_DEBUG);
}

static enum run_next exit_kick(struct kvm_vcpu *vcpu)
{
	if (!__atomic_load_n(&vcpu->run->immediate_exit, __ATOMIC_RELAXED))
		return RUN_RESUME;
	vcpu->run->exit_reason = KVM_EXIT_INTR;
	return fail(vcpu, -EINTR);
}

enum run_next exit_handle(struct kvm_vcpu *vcpu, enum engine_exit_reason reason)
{
	switch (reason) {
	case ENGINE_EXIT_KICK:
		return exit_kick(vcpu);
	case ENGINE_EXIT_IO:
		return exit_io(vcpu);
	case ENGINE_EXIT_MMIO:
		return exit_mmio(vcpu);
	case ENGINE_EXIT_MSR:
		return exit_msr(vcpu);
	case ENGINE_EXIT_HLT:
		return exit_hlt(vcpu);
	case ENGINE_EXIT_IRQ_WINDOW:
		return leave(vcpu, KVM_EXIT_IRQ_WINDOW_OPEN);
	case ENGINE_EXIT_SHUTDOWN:
		return leave(vcpu, KVM_EXIT_SHUTDOWN);
	case ENGINE_EXIT_INTERNAL_ERROR:
		return exit_internal_error(vcpu);
	case ENGINE_EXIT_FAIL_ENTRY:
		return exit_fail_entry(vcpu);
	case ENGINE_EXIT_EXCEPTION:
		return exit_exception(vcpu);
	case ENGINE_EXIT_HOST_ERROR:
		return fail(vcpu, vcpu->v->exit.host_errno);
	}
	return fail(vcpu, -EINVAL);
}

/* What the engine waits for is in its own copy of the exit; the VMM's page only has the data. */
void exit_take_answer(struct kvm_vcpu *vcpu)
{
	struct engine_exit *exit = &vcpu->v->exit;

	switch (vcpu->answer) {
	case EXIT_ANSWER_NONE:
		break;
	case EXIT_ANSWER_PIO:
		memcpy(exit->io.data, vcpu_page(vcpu, VCPU_PAGE_PIO),
		       (size_t)exit->io.size * exit->io.count);
		break;
	case EXIT_ANSWER_MMIO:
		memcpy(exit->mmio.data, vcpu->run->mmio.data, exit->mmio.len);
		break;
	case EXIT_ANSWER_MSR:
		vcpu->msr_exit.refused = vcpu->run->msr.error;
		vcpu->msr_exit.data = vcpu->run->msr.data;
		vcpu->msr_exit.state = MSR_EXIT_ANSWERED;
		break;
	}
	vcpu->answer = EXIT_ANSWER_NONE;
}
