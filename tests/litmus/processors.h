/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What processors of the guest do to each other. Processor 0 leads: it changes
 * something again and again until the VMM says stop; the others check that they see nothing
 * but what a processor may see.
 */
#ifndef EXCLAVE_LITMUS_PROCESSORS_H
#define EXCLAVE_LITMUS_PROCESSORS_H

#include <stdint.h>

#define IPI_VECTOR 0x30

#define TAG_A UINT64_C(0xaaaa)
#define TAG_B UINT64_C(0xbbbb)

/* struct shared, `state` of the test of page tables */
#define STATE_B        0x1u
#define STATE_READONLY 0x2u
#define STATE_ABSENT   0x4u

/* Visible to the VMM and to all processors. */
struct shared {
	uint64_t stop;     /* set by the VMM, */
	uint64_t end;      /* then by the leader: the others return */
	uint64_t sequence; /* odd while the leader changes something; then `state` counts */
	uint64_t state;
	uint64_t cpus, acks, ready;
	uint64_t rounds;   /* changes of the leader */
	uint64_t checked;  /* looks of the others while nothing changed */
	uint64_t error[4]; /* number of the line, and what was seen */

	uint8_t *site;   /* what is patched: a NOP of five bytes, or a call of @target */
	uint8_t *target; /* which counts in @called */
	uint64_t *pte;   /* of `page` */
	uint8_t *page;
	uint64_t *same[2];  /* what may lie there, by addresses that do not change: tags A and B */
	uint64_t frame[2];  /* their guest-physical addresses */
	uint64_t nmis[4];   /* by processor */
	uint32_t *startups; /* counted in real mode */
	/* How often the bits of a PTE that are software's were counted up, and what they say. */
	uint64_t avail, avail_seen;
};

extern struct shared shared;

/* @arg: the number of the processor */
void patch_lead(void *arg);
void patch_follow(void *arg);
void shootdown_lead(void *arg);
void shootdown_follow(void *arg);
void dirty_lead(void *arg);
void dirty_follow(void *arg); /* 1 stores, the others change the PTE */
void nmi_lead(void *arg);
void nmi_follow(void *arg); /* odd ones in a loop, even ones in HLT */
void startup_lead(void *arg);
void startup_follow(void *arg);
void slot_follow(void *arg); /* all of them: the VMM leads */

struct interrupt_frame {
	uint64_t rip, cs, rflags, rsp, ss;
};

/* Where gates lead, and what they call. */
void ipi_entry(void);
void breakpoint_entry(void);
void nmi_entry(void);
void page_fault_entry(void);
void ipi_interrupt(struct interrupt_frame *frame);
void breakpoint_interrupt(struct interrupt_frame *frame);
void nmi_interrupt(struct interrupt_frame *frame);

#endif
