// SPDX-License-Identifier: GPL-2.0-or-later
#include "processors.h"

#include <stdbool.h>

#define MSR_X2APIC_ID  0x802u
#define MSR_X2APIC_EOI 0x80bu
#define MSR_X2APIC_SVR 0x80fu
#define MSR_X2APIC_ICR 0x830u
#define ICR_NMI        UINT64_C(0x400)
#define ICR_INIT       UINT64_C(0x4500)
#define ICR_STARTUP    UINT64_C(0x4600)
#define SITE_LENGTH    5u

#define PTE_PRESENT     UINT64_C(0x1)
#define PTE_WRITABLE    UINT64_C(0x2)
#define PTE_ACCESSED    UINT64_C(0x20)
#define PTE_DIRTY       UINT64_C(0x40)
#define PTE_AVAIL_SHIFT 52
#define PTE_AVAIL_MASK  (UINT64_C(0x7f) << PTE_AVAIL_SHIFT)

struct shared shared;

static inline uint64_t get(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void set(uint64_t *p, uint64_t value)
{
	__atomic_store_n(p, value, __ATOMIC_RELEASE);
}

static inline uint64_t add(uint64_t *p, uint64_t n)
{
	return __atomic_add_fetch(p, n, __ATOMIC_SEQ_CST);
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return low | (uint64_t)high << 32;
}

static inline void invlpg(const void *p)
{
	__asm__ volatile("invlpg (%0)" : : "r"(p) : "memory");
}

/* The first error stays, and ends the test. */
static void error(uint64_t line, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t none = 0;

	if (__atomic_compare_exchange_n(&shared.error[0], &none, line, false, __ATOMIC_SEQ_CST,
					__ATOMIC_SEQ_CST)) {
		shared.error[1] = a;
		shared.error[2] = b;
		shared.error[3] = c;
	}
	set(&shared.stop, 1);
}

#define EXPECT(condition, a, b, c)                                                    \
	do {                                                                          \
		if (!(condition))                                                     \
			error(__LINE__, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c)); \
	} while (0)

static void apic_on(void)
{
	wrmsr(MSR_X2APIC_SVR, 0x1ff);
}

/* The leader begins when all are where they can be interrupted. */
static void begin_lead(void)
{
	apic_on();
	while (get(&shared.ready) != shared.cpus - 1)
		__builtin_ia32_pause();
}

static void begin_follow(void)
{
	apic_on();
	add(&shared.ready, 1);
	__asm__ volatile("sti" : : : "memory");
}

static void end_follow(void)
{
	__asm__ volatile("cli" : : : "memory");
}

static void send(uint64_t cpu, uint64_t what)
{
	wrmsr(MSR_X2APIC_ICR, cpu << 32 | what);
}

/* Returns when all others have been interrupted and have invalidated the page. */
static void interrupt_all(void)
{
	uint64_t before = get(&shared.acks);

	for (uint64_t cpu = 1; cpu < shared.cpus; cpu++)
		send(cpu, IPI_VECTOR);
	while (get(&shared.acks) != before + shared.cpus - 1)
		__builtin_ia32_pause();
}

void ipi_interrupt(struct interrupt_frame *frame)
{
	(void)frame;
	if (shared.page)
		invlpg(shared.page);
	wrmsr(MSR_X2APIC_EOI, 0);
	add(&shared.acks, 1);
}

void nmi_interrupt(struct interrupt_frame *frame)
{
	(void)frame;
	add(&shared.nmis[rdmsr(MSR_X2APIC_ID)], 1);
}

/* As long as the patch is not complete, its place does nothing. */
void breakpoint_interrupt(struct interrupt_frame *frame)
{
	EXPECT(frame->rip == (uint64_t)shared.site + 1, frame->rip, shared.site, 0);
	frame->rip = (uint64_t)shared.site + SITE_LENGTH;
}

/* A function in C, which may change these registers, is told where the frame is. */
#define ENTRY(name)                                                        \
	__asm__(".text\n"                                                  \
		".globl " #name "_entry\n" #name "_entry:\n"               \
		"	push %rax; push %rcx; push %rdx; push %rsi; push %rdi\n" \
		"	push %r8; push %r9; push %r10; push %r11\n"              \
		"	lea 72(%rsp), %rdi\n"                                    \
		"	cld\n"                                                   \
		"	call " #name "_interrupt\n"                        \
		"	pop %r11; pop %r10; pop %r9; pop %r8\n"                  \
		"	pop %rdi; pop %rsi; pop %rdx; pop %rcx; pop %rax\n"      \
		"	iretq\n")

ENTRY(ipi);
ENTRY(nmi);
ENTRY(breakpoint);

/* Who expects a fault has said in RDX where to go on, and finds 1 in ECX. */
__asm__(".text\n"
	".globl page_fault_entry\n"
	"page_fault_entry:\n"
	"	mov %rdx, 8(%rsp)\n"
	"	mov $1, %ecx\n"
	"	add $8, %rsp\n"
	"	iretq\n");

static bool load_faults(const void *p, uint64_t *value)
{
	uint32_t fault;

	__asm__ volatile("lea 1f(%%rip), %%rdx\n"
			 "xor %%ecx, %%ecx\n"
			 "mov (%2), %0\n"
			 "1:\n"
			 : "=&r"(*value), "=&c"(fault)
			 : "r"(p)
			 : "rdx", "memory", "cc");
	return fault;
}

static bool store_faults(void *p, uint64_t value)
{
	uint32_t fault;

	__asm__ volatile("lea 1f(%%rip), %%rdx\n"
			 "xor %%ecx, %%ecx\n"
			 "mov %1, (%2)\n"
			 "1:\n"
			 : "=&c"(fault)
			 : "r"(value), "r"(p)
			 : "rdx", "memory", "cc");
	return fault;
}

static void change_begins(void)
{
	add(&shared.sequence, 1);
}

static void change_ends(uint64_t state)
{
	set(&shared.state, state);
	add(&shared.sequence, 1);
	add(&shared.rounds, 1);
}

static void delay(uint64_t n)
{
	for (n = 100 + n * 37 % 400; n; n--)
		__builtin_ia32_pause();
}

/* Until another has looked meanwhile, which may take its turn on the host's processors. */
static void linger(uint64_t n)
{
	uint64_t before = get(&shared.checked);

	delay(n);
	while (get(&shared.checked) == before && !get(&shared.stop))
		__builtin_ia32_pause();
}

/* The same for another's store, every second time. */
static void linger_for_store(uint64_t n, uint64_t before)
{
	delay(n);
	while ((n & 1) && get(&shared.same[0][1]) == before && !get(&shared.stop))
		__builtin_ia32_pause();
}

/* Code that others execute: a breakpoint first, the rest, the first byte (Linux: text_poke). */

static void poke(const uint8_t *bytes)
{
	__atomic_store_n(&shared.site[0], 0xcc, __ATOMIC_SEQ_CST);
	interrupt_all();
	/* Not aligned: one store of four bytes, as a patching kernel's. */
	__asm__ volatile("mov %1, (%0)"
			 :
			 : "r"(shared.site + 1),
			   "r"((uint32_t)bytes[1] | (uint32_t)bytes[2] << 8 |
			       (uint32_t)bytes[3] << 16 | (uint32_t)bytes[4] << 24)
			 : "memory");
	interrupt_all();
	__atomic_store_n(&shared.site[0], bytes[0], __ATOMIC_SEQ_CST);
	interrupt_all();
}

void patch_lead(void *arg)
{
	uint32_t distance = (uint32_t)(shared.target - (shared.site + SITE_LENGTH));
	const uint8_t nop[SITE_LENGTH] = {0x0f, 0x1f, 0x44, 0x00, 0x00};
	const uint8_t call[SITE_LENGTH] = {0xe8, (uint8_t)distance, (uint8_t)(distance >> 8),
					   (uint8_t)(distance >> 16), (uint8_t)(distance >> 24)};

	(void)arg;
	begin_lead();
	for (uint64_t n = 1; !get(&shared.stop); n++) {
		change_begins();
		poke(n & 1 ? call : nop);
		change_ends(n & 1);
		linger(n);
	}
	set(&shared.end, 1);
}

/* The code is function(counter): the site, and a return. */
void patch_follow(void *arg)
{
	void (*function)(uint64_t * counter) = (void (*)(uint64_t *))shared.site;
	uint64_t counter = 0;

	(void)arg;
	begin_follow();
	while (!get(&shared.end)) {
		uint64_t sequence = get(&shared.sequence), state = get(&shared.state);
		uint64_t before = counter;

		function(&counter);
		__asm__ volatile("" : "+m"(counter));
		if (get(&shared.sequence) != sequence || (sequence & 1)) {
			EXPECT(counter - before <= 1, counter, before, state);
			continue;
		}
		EXPECT(counter - before == state, counter, before, state);
		add(&shared.checked, 1);
	}
	end_follow();
}

/* Translations that change while others use them. */

static uint64_t pte_of(uint64_t state)
{
	uint64_t pte = shared.frame[state & STATE_B ? 1 : 0];

	if (!(state & STATE_READONLY))
		pte |= PTE_WRITABLE;
	return state & STATE_ABSENT ? 0 : pte | PTE_PRESENT;
}

void shootdown_lead(void *arg)
{
	static const uint8_t states[] = {
		0,
		STATE_B,
		0,
		STATE_READONLY,
		0,
		STATE_ABSENT,
		STATE_B | STATE_READONLY,
		STATE_B,
		STATE_READONLY | STATE_ABSENT,
	};

	(void)arg;
	begin_lead();
	for (uint64_t n = 1; !get(&shared.stop); n++) {
		uint64_t state = states[n % sizeof(states)];
		uint64_t *other = shared.same[state & STATE_B ? 0 : 1];
		uint64_t a, b;

		change_begins();
		set(shared.pte, pte_of(state));
		interrupt_all();
		change_ends(state);
		/* Nobody stores by a translation that is no more. */
		a = get(&other[1]);
		b = get(&shared.same[state & STATE_B ? 1 : 0][1]);
		linger(n);
		EXPECT(get(&other[1]) == a, n, state, a);
		if (state & (STATE_READONLY | STATE_ABSENT))
			EXPECT(get(&shared.same[state & STATE_B ? 1 : 0][1]) == b, n, state, b);
	}
	set(&shared.end, 1);
}

void shootdown_follow(void *arg)
{
	uint64_t n = (uint64_t)arg << 32;

	begin_follow();
	while (!get(&shared.end)) {
		uint64_t sequence = get(&shared.sequence), state = get(&shared.state), tag = 0;
		bool read = load_faults(shared.page, &tag);
		bool wrote = store_faults(shared.page + 8, n++);

		if (!read)
			EXPECT(tag == TAG_A || tag == TAG_B, tag, state, sequence);
		if (get(&shared.sequence) != sequence || (sequence & 1))
			continue;
		EXPECT(read == !!(state & STATE_ABSENT), tag, state, sequence);
		EXPECT(wrote == !!(state & (STATE_ABSENT | STATE_READONLY)), wrote, state,
		       sequence);
		if (!read)
			EXPECT(tag == (state & STATE_B ? TAG_B : TAG_A), tag, state, sequence);
		add(&shared.checked, 1);
	}
	end_follow();
}

/* Accessed and dirty bits, while others change the same entry. */

void dirty_lead(void *arg)
{
	uint64_t snapshot = get(&shared.same[0][1]);
	bool first = true;

	(void)arg;
	begin_lead();
	while (!get(&shared.stop)) {
		uint64_t now = get(&shared.same[0][1]);
		uint64_t old = __atomic_fetch_and(shared.pte, ~(PTE_DIRTY | PTE_ACCESSED),
						  __ATOMIC_SEQ_CST);

		/* Whoever has stored since has found a clean entry. */
		if (!first && now != snapshot) {
			EXPECT(old & PTE_DIRTY, old, now, snapshot);
			add(&shared.checked, 1);
		}
		if (old & PTE_DIRTY)
			EXPECT(old & PTE_ACCESSED, old, now, snapshot);
		interrupt_all();
		snapshot = get(&shared.same[0][1]);
		first = false;
		linger_for_store(add(&shared.rounds, 1), snapshot);
	}
	set(&shared.end, 1);
}

static void count_in_pte(void)
{
	uint64_t old = get(shared.pte), new;

	do {
		new = (old & ~PTE_AVAIL_MASK) |
		      ((old + (UINT64_C(1) << PTE_AVAIL_SHIFT)) & PTE_AVAIL_MASK);
	} while (!__atomic_compare_exchange_n(shared.pte, &old, new, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_SEQ_CST));
	add(&shared.avail, 1);
}

void dirty_follow(void *arg)
{
	uint64_t n = 0;

	begin_follow();
	while (!get(&shared.end)) {
		if ((uint64_t)arg == 1) {
			n++;
			__atomic_store_n((uint64_t *)shared.page + 1, n, __ATOMIC_SEQ_CST);
			delay(n);
		} else {
			count_in_pte();
			/* A translation of its own, so that A is set here too. */
			get((uint64_t *)shared.page);
		}
	}
	end_follow();
}

/* NMIs to a processor in a loop and to one that is halted. */

void nmi_lead(void *arg)
{
	(void)arg;
	begin_lead();
	for (uint64_t n = 1; !get(&shared.stop); n++) {
		for (uint64_t cpu = 1; cpu < shared.cpus; cpu++) {
			send(cpu, ICR_NMI);
			while (get(&shared.nmis[cpu]) != n)
				__builtin_ia32_pause();
			add(&shared.checked, 1);
		}
		add(&shared.rounds, 1);
		delay(n);
	}
	set(&shared.end, 1);
	for (uint64_t cpu = 1; cpu < shared.cpus; cpu++)
		send(cpu, ICR_NMI);
}

void nmi_follow(void *arg)
{
	uint64_t n = 0;

	apic_on();
	add(&shared.ready, 1);
	while (!get(&shared.end)) {
		if ((uint64_t)arg & 1)
			n++;
		else
			__asm__ volatile("hlt" : : : "memory");
		__asm__ volatile("" : "+r"(n));
	}
}

/* INIT and a start-up IPI to a processor that runs; where it begins stand three programs. */

#define STARTUP_SPIN UINT64_C(0x08)
#define STARTUP_HALT UINT64_C(0x09)
#define STARTUP_END  UINT64_C(0x0a)

static void start_up(uint64_t cpu, uint64_t page)
{
	send(cpu, ICR_INIT);
	send(cpu, ICR_STARTUP | page);
}

void startup_lead(void *arg)
{
	uint32_t n = 0;

	(void)arg;
	begin_lead();
	while (!get(&shared.stop)) {
		for (uint64_t cpu = 1; cpu < shared.cpus; cpu++) {
			start_up(cpu, n & 1 ? STARTUP_SPIN : STARTUP_HALT);
			n++;
			while (__atomic_load_n(shared.startups, __ATOMIC_ACQUIRE) != n)
				__builtin_ia32_pause();
			add(&shared.checked, 1);
		}
		delay(n);
		/* A processor that has started once only takes no second one. */
		EXPECT(__atomic_load_n(shared.startups, __ATOMIC_ACQUIRE) == n, n, 0, 0);
		add(&shared.rounds, 1);
	}
	for (uint64_t cpu = 1; cpu < shared.cpus; cpu++)
		start_up(cpu, STARTUP_END);
}

void startup_follow(void *arg)
{
	uint64_t n = 0;

	(void)arg;
	apic_on();
	add(&shared.ready, 1);
	for (;;)
		__asm__ volatile("" : "+r"(n));
}

/* Memory that the VMM takes away, gives back and exchanges; a device reads as ones. */
void slot_follow(void *arg)
{
	uint64_t *mine = (uint64_t *)shared.page + 8 + (uint64_t)arg * 8, n = 0;

	add(&shared.ready, 1);
	while (!get(&shared.end)) {
		uint64_t sequence = get(&shared.sequence), state = get(&shared.state);
		uint64_t tag = __atomic_load_n((uint64_t *)shared.page, __ATOMIC_SEQ_CST);

		__atomic_store_n(mine, ++n, __ATOMIC_SEQ_CST);
		EXPECT(tag == TAG_A || tag == TAG_B || tag == UINT64_MAX, tag, state, sequence);
		if (get(&shared.sequence) != sequence || (sequence & 1))
			continue;
		EXPECT(tag == state, tag, state, sequence);
		add(&shared.checked, 1);
	}
}
