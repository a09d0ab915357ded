/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the leaf fuzzer share: the input, who acts, and how. */
#ifndef EXCLAVE_TESTS_FUZZ_FUZZ_H
#define EXCLAVE_TESTS_FUZZ_FUZZ_H

#include "watch.h"

/* What RAM_BLOB + i and the i-th PCMD hold since EPC page i was evicted. */
struct blob {
	bool used;
	gva_t linaddr;
	gva_t slot;
};

struct fuzz {
	struct embedder *embedder;
	struct builder builders[CPUS];
	struct blob blobs[EPC_PAGES];
	const uint8_t *data;
	size_t size;
	const uint8_t *record; /* the current one */
	uint32_t busy;         /* processors that are in a leaf, one bit for each */
	/* What happens at the so-many-th callback of the leaves to come; 0 for never. */
	unsigned int ambush_in;
	unsigned int host_error_in;
	/* XORed into guest memory before each read. */
	uint8_t noise;
	uint32_t noise_at;
	/* How the processor of the next leaf is set up; 0 for as it is. */
	uint8_t odd_mode;
	uint8_t odd_detail;
};

/*
 * The actions, in the low bits of a record's first byte. tests/fuzz/leaf_seeds.py
 * reads their names from here.
 */
#define ACTIONS(X)         \
	X(create)          \
	X(add)             \
	X(augment)         \
	X(extend)          \
	X(init)            \
	X(remove)          \
	X(version_array)   \
	X(block)           \
	X(track)           \
	X(page_out)        \
	X(page_in)         \
	X(evict)           \
	X(restrict_rights) \
	X(change_type)     \
	X(debug)           \
	X(wild_encls)      \
	X(enter)           \
	X(resume)          \
	X(leave)           \
	X(event)           \
	X(accept)          \
	X(extend_rights)   \
	X(accept_copy)     \
	X(report)          \
	X(get_key)         \
	X(drop_frame)      \
	X(own_write)       \
	X(wild_enclu)      \
	X(guest)           \
	X(host)            \
	X(mode)            \
	X(ambush)

#define ACTION_FUNCTION(name) void act_##name(struct fuzz *f);
ACTIONS(ACTION_FUNCTION)
#undef ACTION_FUNCTION

/* A record: the action, the processor and whether an operand is spoiled, then five arguments. */
#define RECORD_SIZE   6
#define RECORD_ACTION 0x1f
#define RECORD_CPU    5
#define RECORD_SPOILS 0x80

static inline uint8_t arg(const struct fuzz *f, unsigned int i)
{
	return f->record[1 + i];
}

/* Kinds of EPC pages. An argument below 0x80 chooses among those of a kind, others any page. */
enum want {
	WANT_FREE,
	WANT_SECS,
	WANT_NEW_SECS, /* not initialised */
	WANT_TCS,
	WANT_VA,
	WANT_CHILD,
	WANT_IN_TRANSIT, /* pending, modified or restricted */
	WANT_EVICTABLE,
};

/* @secs: pages of that enclave alone, or NULL. */
unsigned int pick(struct fuzz *f, enum want want, const struct epcm_entry *secs, uint8_t n);

/* A processor that is idle and outside enclaves, or inside one. NULL when there is none. */
struct embedder_cpu *idle_outside(struct fuzz *f);
struct embedder_cpu *idle_inside(struct fuzz *f);
const struct builder *builder_of(struct fuzz *f, const struct embedder_cpu *c);

/* The operand by which the processor reaches linear address @gva. */
uint64_t ea(const struct embedder_cpu *c, gva_t gva);
/* Any value that an operand may have. */
uint64_t wild_operand(struct fuzz *f, const struct embedder_cpu *c, uint8_t how, uint8_t which);

/* Sets @c up as f->odd_mode says, for the next leaf. */
void mode_apply(struct fuzz *f, struct embedder_cpu *c);

/* To be called after whatever changes the EPC but a leaf. */
void settle(struct fuzz *f);

/* Run a leaf under watch, with operands as the record spoils them. */
struct leaf_result encls(struct fuzz *f, struct embedder_cpu *c, uint32_t leaf, uint64_t rbx,
			 uint64_t rcx, uint64_t rdx);
struct leaf_result enclu(struct fuzz *f, struct embedder_cpu *c, uint32_t leaf, uint64_t rbx,
			 uint64_t rcx, uint64_t rdx);

static inline struct epcm_entry *entry_of(struct fuzz *f, unsigned int epc_page)
{
	return world_entry(f->embedder, epc_page);
}

#endif
