/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions that C has no words for. */
#ifndef GUEST_INSTR_H
#define GUEST_INSTR_H

#include <stdbool.h>
#include <stdint.h>

#define ACCESSORS(reg)                                                  \
	static inline uint64_t read_##reg(void)                         \
	{                                                               \
		uint64_t value;                                         \
		asm volatile("mov %%" #reg ", %0" : "=r"(value));       \
		return value;                                           \
	}                                                               \
	static inline void write_##reg(uint64_t value)                  \
	{                                                               \
		asm volatile("mov %0, %%" #reg::"r"(value) : "memory"); \
	}
ACCESSORS(cr0)
ACCESSORS(cr2)
ACCESSORS(cr3)
ACCESSORS(cr4)
ACCESSORS(cr8)
ACCESSORS(dr0)
ACCESSORS(dr1)
ACCESSORS(dr2)
ACCESSORS(dr3)
ACCESSORS(dr6)
ACCESSORS(dr7)
#undef ACCESSORS

#define CR0_MP (1u << 1)
#define CR0_EM (1u << 2)
#define CR0_TS (1u << 3)
#define CR0_NE (1u << 5)
#define CR0_WP (1u << 16)
#define CR0_AM (1u << 18)
#define CR0_PG (1u << 31)

#define CR4_TSD        (1u << 2)
#define CR4_DE         (1u << 3)
#define CR4_PSE        (1u << 4)
#define CR4_PAE        (1u << 5)
#define CR4_PGE        (1u << 7)
#define CR4_OSFXSR     (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_UMIP       (1u << 11)
#define CR4_FSGSBASE   (1u << 16)
#define CR4_PCIDE      (1u << 17)
#define CR4_OSXSAVE    (1u << 18)
#define CR4_SMEP       (1u << 20)
#define CR4_SMAP       (1u << 21)

#define MSR_SYSENTER_CS  0x174
#define MSR_SYSENTER_ESP 0x175
#define MSR_SYSENTER_EIP 0x176
#define MSR_EFER         0xc0000080
#define MSR_STAR         0xc0000081
#define MSR_LSTAR        0xc0000082
#define MSR_CSTAR        0xc0000083
#define MSR_SFMASK       0xc0000084
#define MSR_FS_BASE      0xc0000100
#define MSR_GS_BASE      0xc0000101
#define MSR_KERNEL_GS    0xc0000102

#define FLAGS_CF   0x0001
#define FLAGS_ONE  0x0002
#define FLAGS_PF   0x0004
#define FLAGS_AF   0x0010
#define FLAGS_ZF   0x0040
#define FLAGS_SF   0x0080
#define FLAGS_TF   0x0100
#define FLAGS_IF   0x0200
#define FLAGS_DF   0x0400
#define FLAGS_OF   0x0800
#define FLAGS_IOPL 0x3000
#define FLAGS_NT   0x4000
#define FLAGS_RF   0x10000
#define FLAGS_AC   0x40000
#define FLAGS_ID   0x200000

struct cpuid {
	uint32_t a, b, c, d;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid r;

	asm volatile("cpuid"
		     : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
		     : "0"(leaf), "2"(subleaf));
	return r;
}

static inline uint64_t rdmsr(uint32_t index)
{
	uint32_t low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
	return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t index, uint64_t value)
{
	asm volatile("wrmsr" ::"c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
		     : "memory");
}

static inline void outb(uint16_t port, uint8_t value)
{
	asm volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline void outl(uint16_t port, uint32_t value)
{
	asm volatile("outl %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t value;

	asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void invlpg(const volatile void *p)
{
	asm volatile("invlpg (%0)" ::"r"(p) : "memory");
}

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
}

static inline void xsetbv(uint32_t index, uint64_t value)
{
	asm volatile("xsetbv" ::"c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static inline uint64_t xgetbv(uint32_t index)
{
	uint32_t low, high;

	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(index));
	return (uint64_t)high << 32 | low;
}

static inline bool has_leaf1_c(unsigned int bit)
{
	return cpuid(1, 0).c >> bit & 1;
}

static inline bool has_leaf7_b(unsigned int bit)
{
	return cpuid(0, 0).a >= 7 && (cpuid(7, 0).b >> bit & 1);
}

static inline bool has_leaf7_c(unsigned int bit)
{
	return cpuid(0, 0).a >= 7 && (cpuid(7, 0).c >> bit & 1);
}

static inline bool has_extended_d(unsigned int bit)
{
	return cpuid(0x80000001, 0).d >> bit & 1;
}

static inline bool has_pcid(void)
{
	return has_leaf1_c(17);
}

static inline bool has_xsave(void)
{
	return has_leaf1_c(26);
}

static inline bool has_avx(void)
{
	return has_leaf1_c(28) && has_xsave();
}

static inline bool has_smep(void)
{
	return has_leaf7_b(7);
}

static inline bool has_smap(void)
{
	return has_leaf7_b(20);
}

#endif
