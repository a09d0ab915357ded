// SPDX-License-Identifier: GPL-2.0-or-later
/* What this host's processor and the engine together can offer. */
#include "cpu/cpuid.h"

#include "cpu/cpuid_bits.h"

#include <cpuid.h>
#include <string.h>

#define MAX_BASIC    0x16
#define MAX_EXTENDED 0x80000008

void cpuid_host(uint32_t leaf, uint32_t subleaf, uint32_t regs[CPUID_NR_REGS])
{
	__cpuid_count(leaf, subleaf, regs[0], regs[1], regs[2], regs[3]);
}

struct offer {
	struct cpuid_table *table;
	cpuid_host_fn *host;
	const struct cpuid_extra *extra;
	uint32_t host_basic;
	uint32_t host_extended;
};

static struct cpuid_entry *add(struct offer *o, uint32_t leaf, uint32_t subleaf, bool has_subleaf)
{
	struct cpuid_entry *e = &o->table->entry[o->table->count++];

	*e = (struct cpuid_entry){.leaf = leaf, .subleaf = subleaf, .has_subleaf = has_subleaf};
	return e;
}

/* The host's answer, or zeros where it has no such leaf. */
static void ask(const struct offer *o, uint32_t leaf, uint32_t subleaf, uint32_t *regs)
{
	uint32_t max = leaf & 0x80000000 ? o->host_extended : o->host_basic;

	memset(regs, 0, CPUID_NR_REGS * sizeof(regs[0]));
	if (leaf <= max)
		o->host(leaf, subleaf, regs);
}

static void add_leaf_0(struct offer *o)
{
	struct cpuid_entry *e = add(o, 0, 0, false);

	e->regs[CPUID_EAX] = MAX_BASIC;
	memcpy(&e->regs[CPUID_EBX], "Genu", 4);
	memcpy(&e->regs[CPUID_EDX], "ineI", 4);
	memcpy(&e->regs[CPUID_ECX], "ntel", 4);
}

static void add_leaf_1(struct offer *o)
{
	struct cpuid_entry *e = add(o, 1, 0, false);
	uint32_t host[CPUID_NR_REGS];

	ask(o, 1, 0, host);
	e->regs[CPUID_EAX] = host[CPUID_EAX];
	e->regs[CPUID_EBX] = host[CPUID_EBX] & 0xff00; /* CLFLUSH line; the rest is the VMM's */
	e->regs[CPUID_ECX] = (host[CPUID_ECX] & LEAF1_ECX_HOST) | LEAF1_ECX_OWN;
	e->regs[CPUID_EDX] = (host[CPUID_EDX] & LEAF1_EDX_HOST) | LEAF1_EDX_OWN;
	if (o->extra->x2apic)
		e->regs[CPUID_ECX] |= F_X2APIC;
	if (o->extra->tsc_deadline)
		e->regs[CPUID_ECX] |= F_TSC_DEADLINE;
}

static void add_leaf_7(struct offer *o)
{
	struct cpuid_entry *e = add(o, 7, 0, true);
	uint32_t host[CPUID_NR_REGS];

	ask(o, 7, 0, host);
	e->regs[CPUID_EBX] = (host[CPUID_EBX] & LEAF7_EBX_HOST) | LEAF7_EBX_OWN;
	e->regs[CPUID_ECX] = (host[CPUID_ECX] & LEAF7_ECX_HOST) | LEAF7_ECX_OWN;
	e->regs[CPUID_EDX] = (host[CPUID_EDX] & LEAF7_EDX_HOST) | LEAF7_EDX_OWN;
	if (o->extra->sgx)
		e->regs[CPUID_EBX] |= F_SGX;
	if (o->extra->sgx && o->extra->sgx_lc)
		e->regs[CPUID_ECX] |= F_SGX_LC;
}

/* The layout must be the host's own, whose XSAVE instructions write the area. */
static void add_leaf_d(struct offer *o)
{
	uint32_t d0[CPUID_NR_REGS], d1[CPUID_NR_REGS], xcr0;
	struct cpuid_entry *main, *sub;

	ask(o, 0xd, 0, d0);
	ask(o, 0xd, 1, d1);
	xcr0 = d0[CPUID_EAX] & XCR0_OFFERED;
	main = add(o, 0xd, 0, true);
	sub = add(o, 0xd, 1, true);
	sub->regs[CPUID_EAX] = d1[CPUID_EAX] & (F_XSAVEOPT | F_XSAVEC | F_XGETBV1 | F_XSAVES);
	for (unsigned int i = 2; i < 32; i++) {
		if (!(xcr0 >> i & 1))
			continue;
		sub = add(o, 0xd, i, true);
		ask(o, 0xd, i, sub->regs);
		sub->regs[CPUID_EDX] = 0;
	}
	main->regs[CPUID_EAX] = xcr0;
	main->regs[CPUID_ECX] = cpuid_xsave_size(o->table, xcr0, false);
	main->regs[CPUID_EBX] = main->regs[CPUID_ECX];
	sub = &o->table->entry[main - o->table->entry + 1];
	sub->regs[CPUID_EBX] = cpuid_xsave_size(o->table, xcr0, true);
}

/*
 * SDM "Time Stamp Counter and Nominal Core Crystal Clock": the crystal is also what the
 * APIC timer counts, and KVM's counts nanoseconds.
 */
static void add_clocks(struct offer *o)
{
	struct cpuid_entry *e;

	if (!o->extra->tsc_khz)
		return;
	e = add(o, 0x15, 0, false);
	e->regs[CPUID_EAX] = 1000000;
	e->regs[CPUID_EBX] = o->extra->tsc_khz;
	e->regs[CPUID_ECX] = 1000000000;
	e = add(o, 0x16, 0, false);
	e->regs[CPUID_EAX] = e->regs[CPUID_EBX] = o->extra->tsc_khz / 1000;
	e->regs[CPUID_ECX] = 100;
}

static void add_extended(struct offer *o)
{
	uint32_t host[CPUID_NR_REGS];
	struct cpuid_entry *e = add(o, 0x80000000, 0, false);

	e->regs[CPUID_EAX] = MAX_EXTENDED;
	e = add(o, 0x80000001, 0, false);
	ask(o, 0x80000001, 0, host);
	e->regs[CPUID_ECX] = host[CPUID_ECX] & LEAF81_ECX_HOST;
	e->regs[CPUID_EDX] = (host[CPUID_EDX] & LEAF81_EDX_HOST) | LEAF81_EDX_OWN;
	for (uint32_t leaf = 0x80000002; leaf <= 0x80000004; leaf++)
		ask(o, leaf, 0, add(o, leaf, 0, false)->regs);
	e = add(o, 0x80000006, 0, false);
	ask(o, 0x80000006, 0, host);
	e->regs[CPUID_ECX] = host[CPUID_ECX];
	e = add(o, 0x80000007, 0, false);
	e->regs[CPUID_EDX] = BIT32(8); /* invariant TSC: the host's, whose it is to be */
	ask(o, 0x80000007, 0, host);
	e->regs[CPUID_EDX] &= host[CPUID_EDX];
	e = add(o, 0x80000008, 0, false);
	ask(o, 0x80000008, 0, host);
	e->regs[CPUID_EAX] = 48u << 8 | (host[CPUID_EAX] & 0xff);
}

void cpuid_offer(struct cpuid_table *table, cpuid_host_fn *host, const struct cpuid_extra *extra)
{
	struct offer o = {.table = table, .host = host, .extra = extra};
	uint32_t regs[CPUID_NR_REGS];

	table->count = 0;
	host(0, 0, regs);
	o.host_basic = regs[CPUID_EAX];
	host(0x80000000, 0, regs);
	o.host_extended = regs[CPUID_EAX];
	add_leaf_0(&o);
	add_leaf_1(&o);
	add(&o, 6, 0, false)->regs[CPUID_EAX] = BIT32(2); /* the APIC timer always runs */
	add_leaf_7(&o);
	add(&o, 0xa, 0, false); /* no performance counters */
	add_leaf_d(&o);
	add_clocks(&o);
	add_extended(&o);
	for (unsigned int i = 0; i < extra->entry_count; i++)
		if (table->count < CPUID_MAX_ENTRIES)
			table->entry[table->count++] = extra->entries[i];
}
