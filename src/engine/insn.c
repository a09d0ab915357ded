// SPDX-License-Identifier: GPL-2.0-or-later
#include "engine/insn.h"

#include <Zydis/Zydis.h>

#include <pthread.h>
#include <string.h>

static ZydisDecoder decoder16, decoder32, decoder64;
static pthread_once_t decoder_once = PTHREAD_ONCE_INIT;

static void init_decoder(ZydisDecoder *decoder, ZydisMachineMode mode, ZydisStackWidth width)
{
	ZydisDecoderInit(decoder, mode, width);
	/* A processor that has none of them sees NOPs. */
	ZydisDecoderEnableMode(decoder, ZYDIS_DECODER_MODE_MPX, ZYAN_FALSE);
	ZydisDecoderEnableMode(decoder, ZYDIS_DECODER_MODE_CET, ZYAN_FALSE);
	ZydisDecoderEnableMode(decoder, ZYDIS_DECODER_MODE_CLDEMOTE, ZYAN_FALSE);
}

static void init_decoders(void)
{
	init_decoder(&decoder16, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
	init_decoder(&decoder32, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
	init_decoder(&decoder64, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
}

static const ZydisDecoder *decoder_of(unsigned int code_size)
{
	return code_size == 8 ? &decoder64 : code_size == 4 ? &decoder32 : &decoder16;
}

/* The number of a general register of any width; AH..BH count as RAX..RBX. */
static int gpr_of(ZydisRegister reg)
{
	ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);

	if (whole < ZYDIS_REGISTER_RAX || whole > ZYDIS_REGISTER_R15)
		return -1;
	return whole - ZYDIS_REGISTER_RAX;
}

static bool is_high_byte(ZydisRegister reg)
{
	return reg == ZYDIS_REGISTER_AH || reg == ZYDIS_REGISTER_CH || reg == ZYDIS_REGISTER_DH ||
	       reg == ZYDIS_REGISTER_BH;
}

static uint16_t gpr_bit(ZydisRegister reg)
{
	int n = gpr_of(reg);

	return n < 0 ? 0 : (uint16_t)BIT32(n);
}

static uint8_t segment_of(ZydisRegister reg)
{
	switch ((int)reg) {
	case ZYDIS_REGISTER_ES:
		return X86_SEG_ES;
	case ZYDIS_REGISTER_CS:
		return X86_SEG_CS;
	case ZYDIS_REGISTER_SS:
		return X86_SEG_SS;
	case ZYDIS_REGISTER_FS:
		return X86_SEG_FS;
	case ZYDIS_REGISTER_GS:
		return X86_SEG_GS;
	default:
		return X86_SEG_DS;
	}
}

static void take_memory(struct insn *insn, const ZydisDecodedInstruction *zi,
			const ZydisDecodedOperand *op)
{
	struct insn_mem *mem = &insn->mem;

	insn->regs_read |= gpr_bit(op->mem.base) | gpr_bit(op->mem.index);
	mem->present = true;
	mem->rip_relative =
		op->mem.base == ZYDIS_REGISTER_RIP || op->mem.base == ZYDIS_REGISTER_EIP;
	mem->base = (int8_t)gpr_of(op->mem.base);
	mem->index = (int8_t)gpr_of(op->mem.index);
	mem->scale = op->mem.scale;
	mem->seg = segment_of(op->mem.segment);
	mem->address_size = zi->address_width / 8;
	mem->disp = op->mem.disp.has_displacement ? op->mem.disp.value : 0;
	if (op->mem.type != ZYDIS_MEMOP_TYPE_MEM && op->mem.type != ZYDIS_MEMOP_TYPE_VSIB) {
		mem->seg = X86_SEG_DS; /* LEA takes no base */
		return;
	}
	mem->size = op->size / 8;
	mem->read = op->actions & ZYDIS_OPERAND_ACTION_MASK_READ;
	mem->write = op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
}

static void take_register(struct insn *insn, const ZydisDecodedOperand *op)
{
	int n = gpr_of(op->reg.value);

	if (n < 0)
		return;
	insn->no_rex |= is_high_byte(op->reg.value);
	if (op->actions & ZYDIS_OPERAND_ACTION_MASK_READ)
		insn->regs_read |= (uint16_t)BIT32(n);
	if (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
		insn->regs_written |= (uint16_t)BIT32(n);
	/* A write that may leave some of the register as it was needs the old value. */
	if ((op->actions & ZYDIS_OPERAND_ACTION_CONDWRITE) || op->size < 32)
		insn->regs_read |= (uint16_t)BIT32(n);
	if (op->encoding == ZYDIS_OPERAND_ENCODING_MODRM_REG)
		insn->modrm_reg_gpr = (uint8_t)n;
	else if (op->encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM)
		insn->modrm_rm_gpr = (uint8_t)n;
	else if (op->encoding == ZYDIS_OPERAND_ENCODING_NDSNDD)
		insn->vvvv_gpr = (uint8_t)n;
	else if (op->encoding == ZYDIS_OPERAND_ENCODING_OPCODE)
		insn->opcode_gpr = (uint8_t)n;
}

static void take_operands(struct insn *insn, const ZydisDecodedInstruction *zi,
			  const ZydisDecodedOperand *ops)
{
	for (unsigned int i = 0; i < zi->operand_count; i++) {
		const ZydisDecodedOperand *op = &ops[i];

		if (op->type == ZYDIS_OPERAND_TYPE_MEMORY) {
			/* The stack operand of PUSH and so on is no operand to relocate. */
			if (op->visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT)
				take_memory(insn, zi, op);
		} else if (op->type == ZYDIS_OPERAND_TYPE_REGISTER) {
			take_register(insn, op);
		}
	}
}

static void take_raw(struct insn *insn, const ZydisDecodedInstruction *zi)
{
	insn->is_vex = zi->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
	if (insn->is_vex)
		insn->rex_at = zi->raw.vex.offset;
	insn->has_rex = !insn->is_vex && (zi->attributes & ZYDIS_ATTRIB_HAS_REX);
	if (insn->has_rex)
		insn->rex_at = zi->raw.rex.offset;
	insn->opcode_at = insn->is_vex ? (uint8_t)(zi->raw.vex.offset + zi->raw.vex.size)
				       : zi->raw.prefix_count;
	insn->modrm_at = zi->attributes & ZYDIS_ATTRIB_HAS_MODRM ? zi->raw.modrm.offset : 0;
	insn->sib_at = zi->attributes & ZYDIS_ATTRIB_HAS_SIB ? zi->raw.sib.offset : 0;
	insn->disp_at = zi->raw.disp.size ? zi->raw.disp.offset : 0;
	insn->disp_size = zi->raw.disp.size / 8;
	if (zi->raw.imm[0].size) {
		insn->imm_at = zi->raw.imm[0].offset;
		insn->imm = zi->raw.imm[0].is_signed ? zi->raw.imm[0].value.s
						     : (int64_t)zi->raw.imm[0].value.u;
	}
}

/* Only what reads and writes nothing but registers, flags and its memory operand. */
static bool is_relocatable_set(const ZydisDecodedInstruction *zi)
{
	switch ((int)zi->meta.isa_ext) {
	case ZYDIS_ISA_EXT_BASE:
	case ZYDIS_ISA_EXT_LONGMODE:
	case ZYDIS_ISA_EXT_X87:
	case ZYDIS_ISA_EXT_MMX:
	case ZYDIS_ISA_EXT_SSE:
	case ZYDIS_ISA_EXT_SSE2:
	case ZYDIS_ISA_EXT_SSE3:
	case ZYDIS_ISA_EXT_SSSE3:
	case ZYDIS_ISA_EXT_SSE4:
	case ZYDIS_ISA_EXT_AES:
	case ZYDIS_ISA_EXT_PCLMULQDQ:
	case ZYDIS_ISA_EXT_SHA:
	case ZYDIS_ISA_EXT_GFNI:
	case ZYDIS_ISA_EXT_MOVBE:
	case ZYDIS_ISA_EXT_LZCNT:
	case ZYDIS_ISA_EXT_BMI1:
	case ZYDIS_ISA_EXT_BMI2:
	case ZYDIS_ISA_EXT_ADOX_ADCX:
	case ZYDIS_ISA_EXT_F16C:
	case ZYDIS_ISA_EXT_FMA:
	case ZYDIS_ISA_EXT_AVX:
	case ZYDIS_ISA_EXT_AVX2:
	case ZYDIS_ISA_EXT_AVXAES:
	case ZYDIS_ISA_EXT_VAES:
	case ZYDIS_ISA_EXT_VPCLMULQDQ:
	case ZYDIS_ISA_EXT_PAUSE:
		return true;
	default:
		return false;
	}
}

static enum insn_kind branch_kind(const ZydisDecodedInstruction *zi)
{
	bool direct = zi->raw.imm[0].is_relative;

	switch ((int)zi->meta.category) {
	case ZYDIS_CATEGORY_COND_BR:
		return INSN_JCC;
	case ZYDIS_CATEGORY_UNCOND_BR:
		return direct ? INSN_JMP : INSN_JMP_IND;
	case ZYDIS_CATEGORY_CALL:
		return direct ? INSN_CALL : INSN_CALL_IND;
	default:
		return INSN_RET;
	}
}

/* Instructions of the base set that C must see, or that the relocator has no form for yet. */
static bool is_system(const ZydisDecodedInstruction *zi)
{
	switch ((int)zi->meta.category) {
	case ZYDIS_CATEGORY_SYSTEM:
	case ZYDIS_CATEGORY_SYSCALL:
	case ZYDIS_CATEGORY_SYSRET:
	case ZYDIS_CATEGORY_INTERRUPT:
	case ZYDIS_CATEGORY_IO:
	case ZYDIS_CATEGORY_IOSTRINGOP:
	case ZYDIS_CATEGORY_SEGOP:
	case ZYDIS_CATEGORY_STRINGOP:
	case ZYDIS_CATEGORY_XSAVE:
	case ZYDIS_CATEGORY_XSAVEOPT:
	case ZYDIS_CATEGORY_DECIMAL:
		return true;
	default:
		break;
	}
	switch ((int)zi->mnemonic) {
	case ZYDIS_MNEMONIC_CLI:
	case ZYDIS_MNEMONIC_STI:
	case ZYDIS_MNEMONIC_CLD:
	case ZYDIS_MNEMONIC_STD:
	case ZYDIS_MNEMONIC_PUSHF:
	case ZYDIS_MNEMONIC_PUSHFD:
	case ZYDIS_MNEMONIC_PUSHFQ:
	case ZYDIS_MNEMONIC_POPF:
	case ZYDIS_MNEMONIC_POPFD:
	case ZYDIS_MNEMONIC_POPFQ:
	case ZYDIS_MNEMONIC_HLT:
	case ZYDIS_MNEMONIC_CPUID:
	case ZYDIS_MNEMONIC_ENTER:
	case ZYDIS_MNEMONIC_PUSHA:
	case ZYDIS_MNEMONIC_PUSHAD:
	case ZYDIS_MNEMONIC_POPA:
	case ZYDIS_MNEMONIC_POPAD:
	case ZYDIS_MNEMONIC_BOUND:
	case ZYDIS_MNEMONIC_ARPL:
	case ZYDIS_MNEMONIC_INTO:
	case ZYDIS_MNEMONIC_SALC:
	case ZYDIS_MNEMONIC_XLAT:
	case ZYDIS_MNEMONIC_MASKMOVDQU:
	case ZYDIS_MNEMONIC_MASKMOVQ:
	case ZYDIS_MNEMONIC_VMASKMOVDQU:
	/* They would store the host's instruction pointer, or load one into the host. */
	case ZYDIS_MNEMONIC_FLDENV:
	case ZYDIS_MNEMONIC_FRSTOR:
	case ZYDIS_MNEMONIC_FNSAVE:
	case ZYDIS_MNEMONIC_FNSTENV:
	case ZYDIS_MNEMONIC_FXSAVE:
	case ZYDIS_MNEMONIC_FXSAVE64:
	case ZYDIS_MNEMONIC_FXRSTOR:
	case ZYDIS_MNEMONIC_FXRSTOR64:
		return true;
	default:
		return false;
	}
}

static bool has_vsib(const ZydisDecodedInstruction *zi, const ZydisDecodedOperand *ops)
{
	for (unsigned int i = 0; i < zi->operand_count; i++)
		if (ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    ops[i].mem.type == ZYDIS_MEMOP_TYPE_VSIB)
			return true;
	return false;
}

/* Segment, control, debug and descriptor-table registers are ours, not the host's. */
static bool names_system_register(const ZydisDecodedInstruction *zi, const ZydisDecodedOperand *ops)
{
	for (unsigned int i = 0; i < zi->operand_count_visible; i++) {
		if (ops[i].type != ZYDIS_OPERAND_TYPE_REGISTER)
			continue;
		switch ((int)ZydisRegisterGetClass(ops[i].reg.value)) {
		case ZYDIS_REGCLASS_SEGMENT:
		case ZYDIS_REGCLASS_CONTROL:
		case ZYDIS_REGCLASS_DEBUG:
		case ZYDIS_REGCLASS_TEST:
			return true;
		default:
			break;
		}
	}
	return false;
}

/* Masked accesses fault for their active elements only. */
static bool is_masked_access(const ZydisDecodedInstruction *zi)
{
	switch ((int)zi->mnemonic) {
	case ZYDIS_MNEMONIC_VMASKMOVPS:
	case ZYDIS_MNEMONIC_VMASKMOVPD:
	case ZYDIS_MNEMONIC_VPMASKMOVD:
	case ZYDIS_MNEMONIC_VPMASKMOVQ:
		return true;
	default:
		return false;
	}
}

/* LEA and multi-byte NOP name an address without accessing it; so do prefetches. */
static bool names_address_only(const ZydisDecodedInstruction *zi)
{
	/* Knights Corner's prefetches are VEX-encoded. */
	if (zi->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
		return false;
	return zi->mnemonic == ZYDIS_MNEMONIC_LEA || zi->mnemonic == ZYDIS_MNEMONIC_NOP ||
	       zi->meta.category == ZYDIS_CATEGORY_PREFETCH ||
	       zi->meta.category == ZYDIS_CATEGORY_WIDENOP;
}

static enum insn_kind kind_of(const ZydisDecodedInstruction *zi, const ZydisDecodedOperand *ops)
{
	/* XBEGIN and XEND count as branches to Zydis; transactions are not offered. */
	if (zi->meta.isa_ext == ZYDIS_ISA_EXT_RTM)
		return INSN_INVALID;
	switch ((int)zi->meta.category) {
	case ZYDIS_CATEGORY_COND_BR:
	case ZYDIS_CATEGORY_UNCOND_BR:
	case ZYDIS_CATEGORY_CALL:
	case ZYDIS_CATEGORY_RET:
		if (zi->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ||
		    zi->mnemonic == ZYDIS_MNEMONIC_IRET || zi->mnemonic == ZYDIS_MNEMONIC_IRETD ||
		    zi->mnemonic == ZYDIS_MNEMONIC_IRETQ)
			return INSN_SYSTEM;
		return branch_kind(zi);
	default:
		break;
	}
	if (is_system(zi) || has_vsib(zi, ops) || is_masked_access(zi) ||
	    names_system_register(zi, ops))
		return INSN_SYSTEM;
	switch ((int)zi->mnemonic) {
	case ZYDIS_MNEMONIC_PUSH:
		return ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER && gpr_of(ops[0].reg.value) < 0
			       ? INSN_SYSTEM
			       : INSN_PUSH;
	case ZYDIS_MNEMONIC_POP:
		return ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER && gpr_of(ops[0].reg.value) < 0
			       ? INSN_SYSTEM
			       : INSN_POP;
	case ZYDIS_MNEMONIC_LEAVE:
		return INSN_LEAVE;
	case ZYDIS_MNEMONIC_UD0:
	case ZYDIS_MNEMONIC_UD1:
	case ZYDIS_MNEMONIC_UD2:
		return INSN_INVALID;
	default:
		break;
	}
	if (zi->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
	    zi->encoding != ZYDIS_INSTRUCTION_ENCODING_VEX)
		return INSN_INVALID;
	return is_relocatable_set(zi) || names_address_only(zi) ? INSN_COPY : INSN_SYSTEM;
}

static bool has_register_of(const ZydisDecodedInstruction *zi, const ZydisDecodedOperand *ops,
			    ZydisRegisterClass wanted)
{
	for (unsigned int i = 0; i < zi->operand_count; i++)
		if (ops[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    ZydisRegisterGetClass(ops[i].reg.value) == wanted)
			return true;
	return false;
}

/* It uses MXCSR, but from memory to a general or an MMX register it names no vector register. */
static bool converts_from_float(const ZydisDecodedInstruction *zi)
{
	switch ((int)zi->mnemonic) {
	case ZYDIS_MNEMONIC_CVTSS2SI:
	case ZYDIS_MNEMONIC_CVTSD2SI:
	case ZYDIS_MNEMONIC_CVTTSS2SI:
	case ZYDIS_MNEMONIC_CVTTSD2SI:
	case ZYDIS_MNEMONIC_VCVTSS2SI:
	case ZYDIS_MNEMONIC_VCVTSD2SI:
	case ZYDIS_MNEMONIC_VCVTTSS2SI:
	case ZYDIS_MNEMONIC_VCVTTSD2SI:
	case ZYDIS_MNEMONIC_CVTPS2PI:
	case ZYDIS_MNEMONIC_CVTPD2PI:
	case ZYDIS_MNEMONIC_CVTTPS2PI:
	case ZYDIS_MNEMONIC_CVTTPD2PI:
		return true;
	default:
		return false;
	}
}

static enum insn_unit unit_of(const ZydisDecodedInstruction *zi, const ZydisDecodedOperand *ops)
{
	if (zi->mnemonic == ZYDIS_MNEMONIC_FWAIT)
		return INSN_UNIT_WAIT;
	if (zi->meta.isa_ext == ZYDIS_ISA_EXT_X87 || zi->mnemonic == ZYDIS_MNEMONIC_FISTTP)
		return INSN_UNIT_X87;
	if (zi->mnemonic == ZYDIS_MNEMONIC_VZEROUPPER || zi->mnemonic == ZYDIS_MNEMONIC_VZEROALL ||
	    zi->mnemonic == ZYDIS_MNEMONIC_VLDMXCSR || zi->mnemonic == ZYDIS_MNEMONIC_VSTMXCSR)
		return INSN_UNIT_AVX;
	if (has_register_of(zi, ops, ZYDIS_REGCLASS_YMM))
		return INSN_UNIT_AVX;
	if (has_register_of(zi, ops, ZYDIS_REGCLASS_XMM) || converts_from_float(zi))
		return zi->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX ? INSN_UNIT_AVX
								      : INSN_UNIT_SSE;
	if (zi->mnemonic == ZYDIS_MNEMONIC_LDMXCSR || zi->mnemonic == ZYDIS_MNEMONIC_STMXCSR)
		return INSN_UNIT_SSE;
	if (has_register_of(zi, ops, ZYDIS_REGCLASS_MMX) || zi->mnemonic == ZYDIS_MNEMONIC_EMMS)
		return INSN_UNIT_MMX;
	return INSN_UNIT_GENERAL;
}

/* F3 90 with REX.B is no PAUSE to a processor, but XCHG R8, RAX. */
static void take_exchange_r8(struct insn *insn)
{
	insn->opcode_gpr = X86_R8;
	insn->regs_read |= BIT32(X86_R8) | BIT32(X86_RAX);
	insn->regs_written |= BIT32(X86_R8) | BIT32(X86_RAX);
}

static bool is_bit_test(const ZydisDecodedInstruction *zi)
{
	return zi->mnemonic == ZYDIS_MNEMONIC_BT || zi->mnemonic == ZYDIS_MNEMONIC_BTS ||
	       zi->mnemonic == ZYDIS_MNEMONIC_BTR || zi->mnemonic == ZYDIS_MNEMONIC_BTC;
}

bool insn_decode(const uint8_t *code, uint32_t available, unsigned int code_size, struct insn *insn)
{
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction zi;
	ZyanStatus status;

	pthread_once(&decoder_once, init_decoders);
	memset(insn, 0, sizeof(*insn));
	insn->modrm_reg_gpr = insn->modrm_rm_gpr = INSN_NO_GPR;
	insn->vvvv_gpr = insn->opcode_gpr = INSN_NO_GPR;
	insn->mem.base = insn->mem.index = -1;
	if (available > INSN_MAX_LENGTH)
		available = INSN_MAX_LENGTH;
	status = ZydisDecoderDecodeFull(decoder_of(code_size), code, available, &zi, ops);
	if (status == ZYDIS_STATUS_NO_MORE_DATA && available < INSN_MAX_LENGTH)
		return false;
	if (!ZYAN_SUCCESS(status)) {
		insn->kind = INSN_INVALID;
		insn->too_long = status == ZYDIS_STATUS_NO_MORE_DATA ||
				 status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG;
		return true;
	}
	memcpy(insn->bytes, code, zi.length);
	insn->length = zi.length;
	insn->mnemonic = (uint16_t)zi.mnemonic;
	insn->operand_size = zi.operand_width / 8;
	insn->address_size = zi.address_width / 8;
	insn->lock = zi.attributes & ZYDIS_ATTRIB_HAS_LOCK;
	take_raw(insn, &zi);
	insn->kind = kind_of(&zi, ops);
	insn->unit = unit_of(&zi, ops);
	take_operands(insn, &zi, ops);
	if (zi.mnemonic == ZYDIS_MNEMONIC_PAUSE && insn->has_rex && (insn->bytes[insn->rex_at] & 1))
		take_exchange_r8(insn);
	/* With a source of zero they leave their destination alone. */
	if (zi.mnemonic == ZYDIS_MNEMONIC_BSF || zi.mnemonic == ZYDIS_MNEMONIC_BSR)
		insn->regs_read |= insn->regs_written;
	insn->hint = zi.mnemonic == ZYDIS_MNEMONIC_NOP;
	insn->bit_string =
		insn->mem.present && is_bit_test(&zi) && insn->modrm_reg_gpr != INSN_NO_GPR;
	if (names_address_only(&zi)) {
		insn->mem.size = 0;
		insn->mem.read = insn->mem.write = false;
	}
	return true;
}
