// SPDX-License-Identifier: GPL-2.0-or-later
/* Going in, being interrupted, coming back; and what those outside see. */
#include "demo.h"

#include <string.h>

#define SECRET UINT64_C(0x5ec2e75ec2e75ec2)

static bool is_synthetic(const struct x86_state *s, const struct enclave *e, uint64_t rsp)
{
	for (unsigned int i = X86_R8; i <= X86_R15; i++)
		if (s->gpr[i])
			return false;
	return s->gpr[X86_RAX] == ERESUME && s->gpr[X86_RBX] == enclave_gva(e, TCS) &&
	       s->gpr[X86_RCX] == AEP && !s->gpr[X86_RDX] && !s->gpr[X86_RSI] && !s->gpr[X86_RDI] &&
	       s->gpr[X86_RSP] == rsp && s->rip == AEP;
}

static void interrupt(struct demo *d)
{
	struct x86_state *s = &d->thread->state;
	struct sgx_event event = {.type = SGX_EVENT_INTERRUPT};
	const uint64_t rsp = s->gpr[X86_RSP];
	struct x86_state before;
	bool ok;

	s->gpr[X86_R8] = SECRET;
	s->gpr[X86_RSP] = enclave_gva(&d->enclave, DATA) + 0x800;
	before = *s;
	clock_start(d);
	sgx_aex(&d->thread->cpu, &event);
	tell_step(d, !sgx_in_enclave(&d->thread->cpu), "interrupt",
		  "AEX: outside now, the thread's state in the SSA");
	tell_step(d, is_synthetic(s, &d->enclave, rsp), "registers",
		  "RAX=%llu RBX=TCS RIP=AEP R8=%llx: synthetic",
		  (unsigned long long)s->gpr[X86_RAX], (unsigned long long)s->gpr[X86_R8]);
	clock_start(d);
	ok = world_enclu(d, ERESUME, enclave_gva(&d->enclave, TCS), AEP, 0).kind == LEAF_JUMP;
	ok = ok && !memcmp(s->gpr, before.gpr, sizeof(before.gpr)) && s->rip == before.rip;
	tell_step(d, ok, "ERESUME", "R8=%llx: all registers are back",
		  (unsigned long long)s->gpr[X86_R8]);
	s->gpr[X86_RSP] = rsp;
}

void show_entry(struct demo *d)
{
	const struct x86_state *s = &d->thread->state;
	uint64_t *word;
	bool ok;

	tell_section("A thread goes in and out");
	clock_start(d);
	ok = world_enter(d, &d->enclave);
	tell_step(d,
		  ok && s->rip == enclave_gva(&d->enclave, CODE) + ENTRY_OFFSET && !s->gpr[X86_RAX],
		  "EENTER", "RIP=%#llx, in SSA frame %llu", (unsigned long long)s->rip,
		  (unsigned long long)s->gpr[X86_RAX]);
	clock_start(d);
	word = world_access(d, enclave_gva(&d->enclave, DATA), PFERR_WRITE_MASK, NULL);
	if (word)
		*word = SECRET;
	tell_step(d, word, "store", "%#llx to the enclave's data page", (unsigned long long)SECRET);
	interrupt(d);
	clock_start(d);
	world_exit(d);
	tell_step(d, !sgx_in_enclave(&d->thread->cpu) && s->rip == AEP + SGX_INSN_LENGTH, "EEXIT",
		  "RIP=%#llx, outside", (unsigned long long)s->rip);
}

static uint64_t load(struct demo *d, gva_t gva)
{
	const uint64_t *word = world_access(d, gva, 0, NULL);

	return word ? *word : 0;
}

void show_outside(struct demo *d)
{
	const gva_t data = enclave_gva(&d->enclave, DATA);
	uint64_t seen;
	uint64_t *word;

	tell_section("Those outside see nothing");
	clock_start(d);
	seen = load(d, data);
	tell_step(d, seen == UINT64_MAX, "load", "the process reads %llx",
		  (unsigned long long)seen);
	clock_start(d);
	seen = load(d, d->enclave.page[DATA]);
	tell_step(d, seen == UINT64_MAX, "load", "at the kernel's address of it: %llx",
		  (unsigned long long)seen);
	clock_start(d);
	word = world_access(d, data, PFERR_WRITE_MASK, NULL);
	if (word)
		*word = 0;
	world_enter(d, &d->enclave);
	seen = load(d, data);
	world_exit(d);
	tell_step(d, seen == SECRET, "store", "has no effect: it is %llx inside",
		  (unsigned long long)seen);
}
