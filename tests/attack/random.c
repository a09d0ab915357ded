// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Leaves with operands by lot. Each must end as some line of the manual says, or as KVM answers an
 * operand without memory, and nothing of a secret may come to light; the same seed makes the same
 * choices.
 */
#include "hunt.h"
#include "paging.h"
#include "report.h"

#include "lib/bits.h"

#include <stdio.h>

/* Mapped, and nothing behind it. */
#define DEVICE_GVA (WINDOW_GVA + WINDOW_SIZE - SGX_PAGE_SIZE)
#define DEVICE_GPA (EPC_GPA + EPC_SIZE)

struct world {
	struct vm *vm;
	uint64_t state;
	struct enclave e[2];
	uint64_t done, faults, left; /* how leaves have ended */
};

static struct secret secret;

static uint64_t choose(struct world *w, uint64_t count)
{
	return splitmix(&w->state) % count;
}

static void world_build(struct world *w)
{
	vm_epc_clear(w->vm);
	for (unsigned int i = 0; i < ARRAY_SIZE(w->e); i++)
		enclave_build(&w->e[i], w->vm, i, 0);
	EXPECT_DONE(
		enclave_call(&w->e[0], fn_fill, enclave_gva(&w->e[0], PAGE_SECRET), secret.seed));
	add_va_page(w->vm);
	vm_map(w->vm, DEVICE_GVA, DEVICE_GPA | PTE_P | PTE_W | PTE_U);
}

/* Never what the guest itself needs to go on. */
static uint64_t operand(struct world *w)
{
	/* Most pages of the two enclaves, a few that are free. */
	uint64_t page = choose(w, w->vm->epc_used + 4);

	switch (choose(w, 10)) {
	case 0:
	case 1:
	case 2:
		return epc_gva((unsigned int)page);
	case 3:
		return epc_gva((unsigned int)page) + choose(w, 512) * 8;
	case 4:
	case 5:
		return enclave_gva(&w->e[choose(w, 2)], (unsigned int)choose(w, PAGE_FREE + 2));
	case 6:
		return BLOB_GPA(choose(w, 8));
	case 7:
		return BLOB_GPA(choose(w, 8)) + choose(w, 256) * 16;
	case 8:
		return choose(w, 2) ? HOLE_GVA + choose(w, 4096) : DEVICE_GVA;
	default:
		return splitmix(&w->state) | UINT64_C(1) << 62;
	}
}

static void choose_structures(struct world *w)
{
	struct sgx_pageinfo *pageinfo = set_pageinfo(w->vm, 0, 0, epc_gva(w->e[0].secs));

	if (choose(w, 2))
		pageinfo->linaddr = operand(w);
	if (choose(w, 4))
		pageinfo->srcpge = BLOB_GPA(choose(w, 8));
	if (choose(w, 4) == 0)
		pageinfo->srcpge = operand(w);
	if (choose(w, 4) == 0)
		pageinfo->secs = choose(w, 2) ? 0 : operand(w);
	if (choose(w, 2))
		pageinfo->secinfo = BLOB_GPA(choose(w, 8)) + SGX_PAGE_SIZE;
	if (choose(w, 8) == 0)
		pageinfo->secinfo = operand(w);
	set_secinfo(w->vm,
		    choose(w, 8) | choose(w, 7) << 8 | (choose(w, 8) ? 0 : splitmix(&w->state)));
}

static void judge(struct world *w, struct outcome o)
{
	switch (o.vector) {
	case VECTOR_DONE:
		w->done++;
		return;
	case UD_VECTOR:
	case GP_VECTOR:
	case PF_VECTOR:
		w->faults++;
		EXPECT(o.error & PFERR_RSVD_MASK, 0);
		return;
	default:
		w->left++;
		EXPECT(o.vector, VECTOR_NONE);
		EXPECT(o.exit_reason, KVM_EXIT_INTERNAL_ERROR);
	}
}

static uint64_t rbx_of(struct world *w)
{
	switch (choose(w, 4)) {
	case 0:
		return operand(w);
	case 1:
		return SECINFO_GPA;
	default:
		return PAGEINFO_GPA;
	}
}

static void encls(struct world *w)
{
	uint32_t leaf = (uint32_t)choose(w, EMODT + 1);
	uint64_t rcx;

	if (choose(w, 32) == 0)
		leaf = (uint32_t)splitmix(&w->state);
	choose_structures(w);
	rcx = choose(w, 2) ? operand(w) : epc_gva((unsigned int)choose(w, w->vm->epc_used + 4));
	if (leaf == EPA && choose(w, 2))
		judge(w, vm_encls(w->vm, leaf, SGX_PAGE_TYPE_VA, rcx, operand(w)));
	else
		judge(w, vm_encls(w->vm, leaf, rbx_of(w), rcx, operand(w)));
}

/* EEXIT may lead anywhere, where code by lot would need no end: it leads where there is none. */
static uint64_t exit_target(struct world *w)
{
	return choose(w, 2) ? HOLE_GVA : UINT64_C(1) << 62;
}

static void enclu(struct world *w)
{
	const struct enclave *e = &w->e[choose(w, 2)];
	struct kvm_regs regs = enclave_entry(e, choose(w, 2) ? PAGE_TCS : PAGE_TCS2, fn_leaf);

	regs.r8 = choose(w, EDECCSSA + 2);
	regs.r10 = choose(w, 2) ? operand(w) : enclave_gva(e, (unsigned int)choose(w, PAGE_FREE));
	regs.rdx = choose(w, 2) ? operand(w) : enclave_gva(e, PAGE_OTHER);
	regs.r11 = choose(w, 0x40) | choose(w, 7) << 8;
	if (choose(w, 2))
		regs.rsi = enclave_gva(e, PAGE_DATA) + choose(w, 8) * 512;
	if (regs.r8 == EEXIT)
		regs.rsi = exit_target(w);
	if (choose(w, 4) == 0) {
		regs.rdi = (uint64_t)(fn_nothing - enclave_code);
		regs.rax = regs.r8;
		regs.rbx = choose(w, 2) ? operand(w) : enclave_gva(e, PAGE_TCS);
		if (choose(w, 4) == 0)
			regs.rcx = operand(w);
	}
	judge(w, vm_enclu(w->vm, 0, &regs));
}

/* After @lifetime leaves the world is built anew. */
static void run_leaves(struct vm *vm, void (*leaf)(struct world *w), const char *name,
		       uint64_t lifetime)
{
	struct world w = {.vm = vm, .state = random_seed()};

	secret_make(&secret);
	for (uint64_t i = 0; i < random_count(); i++) {
		if (i % lifetime == 0)
			world_build(&w);
		leaf(&w);
	}
	printf("# %s: %llu done, %llu faults, %llu to the VMM\n", name, (unsigned long long)w.done,
	       (unsigned long long)w.faults, (unsigned long long)w.left);
	EXPECT(hunt(&secret, vm->bare.ram, RAM_SIZE), 0);
	/* Else it was no test of much. */
	EXPECT(w.done > random_count() / 50, true);
	EXPECT(w.faults > random_count() / 50, true);
}

static void random_encls_ends_and_shows_nothing(struct vm *vm)
{
	run_leaves(vm, encls, "ENCLS", 100);
}

static void random_enclu_ends_and_shows_nothing(struct vm *vm)
{
	/* A fault inside takes a frame of the thread's. */
	run_leaves(vm, enclu, "ENCLU", 8);
}

const struct attack random_attacks[] = {
	ATTACK(random_encls_ends_and_shows_nothing),
	ATTACK(random_enclu_ends_and_shows_nothing),
	{NULL, NULL},
};
