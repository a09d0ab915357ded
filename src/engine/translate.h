/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One block: guest code in, host code and its fault records out. */
#ifndef EXCLAVE_ENGINE_TRANSLATE_H
#define EXCLAVE_ENGINE_TRANSLATE_H

#include "engine/cache.h"
#include "engine/emit.h"
#include "engine/insn.h"
#include "engine/mode.h"
#include "engine/vcpu.h"

#define BLOCK_MAX_INSNS   48
#define BLOCK_MAX_RECORDS (BLOCK_MAX_INSNS * 8)
#define BLOCK_MAX_CODE    16384

/* Shared code that blocks jump to; executable addresses. */
struct engine_stubs {
	uint8_t *enter; /* void (*)(struct engine_vcpu *, void *code) */
	uint8_t *leave; /* state to the vCPU, back to C; `stop` is set */
	uint8_t *leave_from_signal;
	uint8_t *leave_from_c;  /* the same when the state is in the vCPU already */
	uint8_t *lookup;        /* `rip` is set: to C, which finds the block */
	uint8_t *step;          /* likewise, after an instruction in a block of its own */
	uint8_t *dispatch_miss; /* likewise, when the jump table does not know it */
	uint8_t *dispatch[ENGINE_MMU_INDICES]; /* to the guest's `rip` */
	uint8_t *need_xstate;                  /* called: extended state is not in the registers */
	uint8_t *miss;                         /* called: TLB miss at miss_gva */
	uint8_t *probe;      /* called: before an instruction, with ENGINE_DEBUG_FAULT_MAP */
	uint8_t *bounce_end; /* called: after the instruction on the bounce page */
	uint8_t *segment;    /* called: the offset at miss_gva becomes a linear address */
};

/* What a block may need done out of line, after its last instruction. */
enum access_op {
	ACCESS_INSN,  /* the relocated instruction itself */
	ACCESS_LOAD,  /* value register := memory */
	ACCESS_STORE, /* memory := value register */
	ACCESS_PUSH,  /* likewise, on the stack */
	ACCESS_POP,   /* value register := stack */
};

struct access {
	uint8_t insn; /* index */
	enum access_op op;
	uint8_t addr;   /* host registers: the linear address, */
	uint8_t addend; /* what the look-up adds to it, or NO_REG: it is the host's already, */
	int32_t disp;   /* a displacement of the operation, */
	uint16_t hull;  /* bytes that the look-up is for, 0: those of the operation */
	uint8_t value;  /* what ACCESS_LOAD and ACCESS_STORE move, */
	uint8_t rsp;    /* and what stands for RSP in the instruction */
	uint32_t size;
	bool read;
	bool write;
	bool atomic;
	bool stack;       /* addressed through SS */
	uint8_t seg;      /* of a call of the stub `segment`, as in struct fault_record */
	uint8_t rsp_home; /* where RSP is before the operation, as in struct fault_record */
	uint16_t spilled; /* before the operation */
	uint16_t reload;  /* what the operation wants back in its register: RCX or nothing */
	uint8_t *retry;
	uint8_t *slow_rel32;
	uint8_t *after;
};

/* Operands that share a look-up (group.c). */
struct group {
	uint8_t reg;  /* host register with the host's address of `low`, or NO_REG: free */
	uint8_t base; /* guest register */
	uint8_t last; /* instruction that uses it */
	bool write;
	int32_t low, high; /* range, from what `base` was at the start of the block */
};

#define BLOCK_GROUPS 2

/*
 * A conditional branch in the middle of a block, which goes on behind it when the
 * branch is not taken, or in the next round of a loop when it is.
 */
enum side {
	SIDE_NONE,
	SIDE_TAKEN,     /* the block is left when it is taken */
	SIDE_NOT_TAKEN, /* when it is not */
};

/* Where such a branch leaves, and where the guest's registers are there. */
struct side_exit {
	uint8_t *rel32;
	int64_t offset; /* of the target, in the page */
	uint16_t spilled;
	uint16_t saved;
	uint8_t rsp;
	bool rsp_dirty;
};

#define BLOCK_MAX_EXITS 8

struct translation {
	struct emitter e;
	const struct code_cache *cache;
	const struct engine_stubs *stubs;
	uint32_t mode;
	bool has_probes;        /* debugging: ENGINE_DEBUG_FAULT_MAP */
	bool never_link;        /* debugging: every block goes back to C */
	bool is_linked;         /* its jumps inside the page go straight to other blocks */
	uint8_t *dispatch;      /* stub that goes on at the guest's `rip` */
	struct insn *stop_insn; /* the instruction for C that ends the block, or NULL */
	uint16_t start;         /* offset of the block in its page */
	struct insn insns[BLOCK_MAX_INSNS];
	uint16_t offset[BLOCK_MAX_INSNS]; /* of each in the page */
	unsigned int count;
	unsigned int current;
	/* Where each guest register is. RSP is always `spilled`. */
	uint16_t spilled; /* its host register holds something else */
	uint16_t saved;   /* the vCPU has its value, too */
	uint16_t busy;    /* scratch registers of the current instruction */
	uint8_t rsp;      /* host register that holds RSP, or NO_REG */
	bool rsp_dirty;   /* and the vCPU's copy is stale */
	struct access access[BLOCK_MAX_INSNS * 2];
	unsigned int access_count;
	uint8_t side[BLOCK_MAX_INSNS]; /* enum side */
	struct side_exit exits[BLOCK_MAX_EXITS];
	unsigned int exit_count;
	unsigned int planned_exits;
	bool no_groups; /* one look-up for each access */
	struct group groups[BLOCK_GROUPS];
	uint16_t held;              /* host registers of groups */
	int32_t moved[X86_NR_GPRS]; /* constants that were added to each since the start */
	struct fault_record records[BLOCK_MAX_RECORDS];
	unsigned int record_count;
	bool uses_xstate;
	bool failed; /* a table overflowed */
};

/* Guest code as it was copied. */
struct code_bytes {
	uint16_t offset; /* of the first in its page */
	uint16_t length; /* up to the end of the page, or of what a block takes */
	bool crosses;    /* it is one instruction that ends in the next page */
	uint8_t bytes[BLOCK_MAX_INSNS * INSN_MAX_LENGTH];
};

/*
 * Translates @code, code of @mode, into the emitter of @t (whose e, cache and
 * stubs are set), and t->stop_insn, which the caller frees.
 * Return: the bytes of guest code that the block covers, 0 when its first
 * instruction does not end in the page.
 */
uint32_t translate_block(struct translation *t, const struct code_bytes *code, uint32_t mode);

/* Guest registers that are in the vCPU between blocks, where RCX, R13 and R14 are thus free. */
#define REGS_AT_HOME ((uint16_t)(1u << X86_RSP | 1u << X86_RCX | 1u << 13 | 1u << 14 | 1u << 15))

/* regs.c: where the guest's registers are. */
void regs_start(struct translation *t);
/* Makes all of @mask resident. */
void regs_need(struct translation *t, uint16_t mask);
/* @mask is about to be named: no host register of it may hold anything else. */
void regs_claim(struct translation *t, uint16_t mask);
/* The host register that holds RSP, for reading; it stays until regs_set_rsp(). */
unsigned int regs_rsp(struct translation *t);
/* The same, one of the low eight: for an instruction that cannot have REX. */
unsigned int regs_rsp_low(struct translation *t);
/* RSP is now what the scratch register @reg (or regs_rsp() itself) holds. */
void regs_set_rsp(struct translation *t, unsigned int reg);
/* The vCPU's copy of RSP is right again. */
void regs_flush_rsp(struct translation *t);
/* Saves @reg to the vCPU, so that its host register may be used. */
void regs_spill(struct translation *t, unsigned int reg);
/* A host register to use until regs_end_insn(), outside @avoid. */
unsigned int regs_scratch(struct translation *t, uint16_t avoid, bool low);
/* The instruction wrote @mask: the vCPU's copies are stale, the registers hold the guest's. */
void regs_written(struct translation *t, uint16_t mask);
void regs_end_insn(struct translation *t);
/* RSP and REGS_AT_HOME to the vCPU. */
void regs_go_home(struct translation *t);
/* All where blocks expect them of each other. */
void regs_finish(struct translation *t);

/* access.c: memory operands. */
/* The offset in its segment of the memory operand of @insn, in a scratch register. */
unsigned int access_offset(struct translation *t, const struct insn *insn, uint16_t avoid);
/* segment.c: @addr, an offset in @seg, becomes a linear address; faults as the segment does. */
void access_linear(struct translation *t, unsigned int addr, enum x86_seg seg, uint32_t size,
		   bool write, uint16_t avoid);
/* segment.c: #GP(0) if the target of the current branch, in @reg, is outside of CS. */
void access_check_target(struct translation *t, unsigned int reg, uint16_t spilled);
/* Linear address of the current instruction's memory operand into a scratch register. */
unsigned int access_address(struct translation *t, const struct insn *insn, uint16_t avoid);
/*
 * Looks @addr up and runs @op with the host's memory; @value as struct access
 * has it. @avoid: registers that hold something needed.
 */
void access_emit(struct translation *t, enum access_op op, unsigned int addr, unsigned int value,
		 uint32_t size, bool write, uint16_t avoid);
/*
 * The first access of @group, whose range begins at @addr, at @disp in it. Return:
 * the register with the host's address of the range.
 */
unsigned int access_emit_first(struct translation *t, enum access_op op, unsigned int addr,
			       unsigned int value, const struct group *group, int32_t disp,
			       uint32_t size, bool write, uint16_t avoid);
/* The operation itself, when the address is known. */
void access_emit_operation(struct translation *t, const struct access *a);
/* The out-of-line parts of all of them. */
void access_emit_slow_paths(struct translation *t);

/* group.c */
void groups_start(struct translation *t);
/* The host registers in @mask get another use. */
void groups_claim(struct translation *t, uint16_t mask);
void groups_end_insn(struct translation *t, const struct insn *insn);
/*
 * An access at @disp from guest register @base: by a look-up that it shares with
 * others. Return: false when there are none, and nothing was emitted.
 */
bool group_access(struct translation *t, enum access_op op, unsigned int base, int32_t disp,
		  unsigned int value, uint32_t size, bool write, uint16_t avoid);

/* normalise.c: makes the bytes of an instruction of 16- or 32-bit code those of 64-bit code. */
void normalise_insn(struct insn *insn, unsigned int code_size);

/* relocate.c: the instruction itself. */
/*
 * As it is, but with [@addr + @addend + @disp] for memory and @rsp for RSP (NO_REG: not
 * used).
 */
void relocate_emit(struct translation *t, const struct insn *insn, unsigned int addr,
		   unsigned int addend, int32_t disp, unsigned int rsp);

/* stack.c: PUSH, POP, LEAVE. */
void stack_emit(struct translation *t, const struct insn *insn);
/*
 * The linear address of @size bytes, @disp above the top of the stack, in a
 * scratch register, or in regs_rsp()'s own.
 */
unsigned int stack_slot(struct translation *t, int32_t disp, uint32_t size, bool write,
			uint16_t avoid);
/* The stack pointer moves by @delta; @slot of stack_slot() is no longer needed. */
void stack_move(struct translation *t, int32_t delta, unsigned int slot);

/* inline.c: system instructions as translated code. */
bool inline_knows(const struct insn *insn, uint32_t mode);
bool inline_ends_block(const struct insn *insn);
void inline_emit(struct translation *t, const struct insn *insn);

/* control.c: branches and the end of a block. */
void control_emit(struct translation *t, const struct insn *insn);
/* A branch that does not end the block, and the way out at all of them. */
void control_emit_side(struct translation *t, const struct insn *insn, enum side side);
void control_emit_exits(struct translation *t);
/* May @insn become one? */
bool control_may_be_side(const struct translation *t, const struct insn *insn);
/* On to @offset; @by_address: through the dispatcher instead of a link. */
void control_fall_through(struct translation *t, uint32_t offset, bool by_address);
void control_stop(struct translation *t, uint32_t offset, enum engine_stop stop);
/* Looks at the byte gs:[@disp]; Return: the rel32 of the jump that is taken when it is not 0. */
uint8_t *control_poll_byte(struct translation *t, int32_t disp);
/*
 * Where that @rel32 leads, @spilled being the registers that were out then: C
 * executes the instruction at @offset, which is @insn.
 */
void control_leave_for_c(struct translation *t, uint8_t *rel32, uint16_t spilled, uint32_t offset,
			 const struct insn *insn);
/* Before the instruction at @offset, which is for C. */
void control_stop_for(struct translation *t, uint32_t offset, const struct insn *insn);

/* t->stop_insn := a copy of @insn, which the block will own. */
void translation_stop_insn(struct translation *t, const struct insn *insn);

/* Without #UD or #NM in @mode. */
bool insn_is_available(const struct insn *insn, uint32_t mode);

void translation_record(struct translation *t, const uint8_t *at, const struct access *access);

#endif
