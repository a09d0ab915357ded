// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ports and device memory: every size, string instructions, the I/O permission
 * bitmap, and accesses to a device by instructions of every shape.
 */
#include "lib/guest.h"
#include "lib/instr.h"
#include "lib/paging.h"

#define PORT_BYTES   0x82 /* two registers side by side that keep what is written */
#define PORT_DWORD   0xcf8
#define PORT_READ    0x3c7
#define PORT_WRITE   0x3c8
#define PORT_PALETTE 0x3c9
#define DEVICE       UINT64_C(0xa0000)

static volatile uint8_t *device(void)
{
	static bool is_ready;

	/* VGA: planar memory that keeps bytes as they are; the runner's does so anyway. */
	if (!is_ready) {
		outb(0x3c4, 2);
		outb(0x3c5, 0xf);
		outb(0x3ce, 8);
		outb(0x3cf, 0xff);
		is_ready = true;
	}
	return (volatile uint8_t *)DEVICE;
}

static void port_of_each_size(void)
{
	uint16_t word;

	outb(PORT_BYTES, 0x12);
	outb(PORT_BYTES + 1, 0x34);
	EXPECT(inb(PORT_BYTES), 0x12);
	asm volatile("inw %1, %0" : "=a"(word) : "Nd"((uint16_t)PORT_BYTES));
	EXPECT(word, 0x3412);
	asm volatile("outw %0, %1" ::"a"((uint16_t)0xabcd), "Nd"((uint16_t)PORT_BYTES));
	EXPECT(inb(PORT_BYTES + 1), 0xab);
	outl(PORT_DWORD, 0x80001234);
	EXPECT(inl(PORT_DWORD), 0x80001234);
	EXPECT(inb(0xe9), 0xe9);
}

CODE(in_byte, "in $0x82, %al");
CODE(in_long, "in %dx, %eax");

/* IN to AL and AX leave the rest of RAX; to EAX clear its upper half. */
static void input_writes_the_register_as_its_size_says(void)
{
	struct state s;

	outb(PORT_BYTES, 0x5a);
	outl(PORT_DWORD, 0x80005678);
	state_kernel(&s, in_byte);
	s.gpr[RAX] = 0x1122334455667788;
	run(&s);
	EXPECT(s.gpr[RAX], 0x112233445566775a);
	state_kernel(&s, in_long);
	s.gpr[RAX] = 0x1122334455667788;
	s.gpr[RDX] = PORT_DWORD;
	run(&s);
	EXPECT(s.gpr[RAX], 0x80005678);
}

CODE(outsb, "rep outsb");
CODE(insb, "rep insb");
CODE(insw, "rep insw");
CODE(insd, "rep insl");
CODE(outsd, "rep outsl");

static struct state run_io(const char *code, uint16_t port, uint64_t rsi, uint64_t rdi,
			   uint64_t rcx, uint64_t rflags)
{
	struct state s;

	state_kernel(&s, code);
	s.gpr[RDX] = port;
	s.gpr[RSI] = rsi;
	s.gpr[RDI] = rdi;
	s.gpr[RCX] = rcx;
	s.rflags |= rflags;
	run(&s);
	return s;
}

static uint8_t *pattern(void)
{
	uint8_t *page = page_alloc(2);

	for (unsigned int i = 0; i < 768; i++)
		page[i] = (uint8_t)(i * 5 + 1) & 0x3f;
	return page;
}

static void output_and_input_of_strings(void)
{
	uint8_t *page = pattern(), *back = page + 4096 - 300;
	struct state s;

	outb(PORT_WRITE, 0);
	s = run_io(outsb, PORT_PALETTE, (uint64_t)page, 0, 768, 0);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RSI], (uint64_t)page + 768);
	EXPECT(s.gpr[RCX], 0);
	outb(PORT_READ, 0);
	s = run_io(insb, PORT_PALETTE, 0, (uint64_t)back, 768, 0);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RDI], (uint64_t)back + 768);
	EXPECT(memcmp(page, back, 768), 0);
	EXPECT(back[768], 0);
}

static void input_backwards(void)
{
	uint8_t *page = pattern(), *back = page + 4096;
	struct state s;

	outb(PORT_WRITE, 0);
	(void)run_io(outsb, PORT_PALETTE, (uint64_t)page, 0, 300, 0);
	outb(PORT_READ, 0);
	s = run_io(insb, PORT_PALETTE, 0, (uint64_t)back + 100, 300, FLAGS_DF);
	EXPECT(s.gpr[RDI], (uint64_t)back + 100 - 300);
	for (unsigned int i = 0; i < 300; i++)
		EXPECT(back[100 - (int)i], page[i]);
}

static void output_backwards(void)
{
	uint8_t *page = pattern();
	struct state s;

	outb(PORT_WRITE, 0);
	s = run_io(outsb, PORT_PALETTE, (uint64_t)page + 299, 0, 300, FLAGS_DF);
	EXPECT(s.gpr[RSI], (uint64_t)page - 1);
	outb(PORT_READ, 0);
	for (unsigned int i = 0; i < 300; i++)
		EXPECT(inb(PORT_PALETTE), page[299 - i]);
}

static void string_input_of_words_and_longs(void)
{
	uint32_t *page = page_alloc(1);
	struct state s;

	outb(PORT_BYTES, 0x11);
	outb(PORT_BYTES + 1, 0x22);
	s = run_io(insw, PORT_BYTES, 0, (uint64_t)page, 4, 0);
	EXPECT(s.gpr[RDI], (uint64_t)page + 8);
	EXPECT(page[0], 0x22112211);
	EXPECT(page[1], 0x22112211);
	page[0] = 0x80000004, page[1] = 0x80000008, page[2] = 0x8000000c;
	s = run_io(outsd, PORT_DWORD, (uint64_t)page, 0, 3, 0);
	EXPECT(inl(PORT_DWORD), 0x8000000c);
	s = run_io(insd, PORT_DWORD, 0, (uint64_t)page + 4095 - 10, 2, 0);
	EXPECT(s.gpr[RDI], (uint64_t)page + 4095 - 2);
}

/* The page that follows is missing: what came before is in memory, and counted. */
static void string_io_into_missing_page_stops_at_its_element(void)
{
	uint8_t *page = pattern();
	struct state s;

	page_map(TEST_BASE, page, PTE_P | PTE_W);
	outb(PORT_READ, 0);
	s = run_io(insb, PORT_PALETTE, 0, TEST_BASE + 4090, 20, 0);
	EXPECT(s.vector, 14);
	EXPECT(s.error, PF_W);
	EXPECT(s.gpr[RCX], 14);
	EXPECT(s.gpr[RDI], TEST_BASE + 4096);
	EXPECT(s.rip, insb);
	s = run_io(outsb, PORT_PALETTE, TEST_BASE + 4090, 0, 20, 0);
	EXPECT(s.vector, 14);
	EXPECT(s.error, 0);
	EXPECT(s.gpr[RCX], 14);
	EXPECT(s.gpr[RSI], TEST_BASE + 4096);
}

CODE(out_82, "mov $0x99, %al; out %al, $0x82; nop");
CODE(in_word_82, "in_word_82_at: inw $0x82, %ax");
LABEL(in_word_82_at);

static struct state run_user_io(const char *code)
{
	struct state s;

	state_user(&s, code);
	run(&s);
	return s;
}

static void permission_bitmap_decides_at_cpl_3(void)
{
	struct state s;

	tss.iomap_base = offsetof(struct tss64, iomap);
	memset(tss.iomap, 0xff, sizeof(tss.iomap));
	s = run_user_io(out_82);
	EXPECT(s.vector, 13);
	EXPECT(s.error, 0);
	tss.iomap[PORT_BYTES / 8] &= (uint8_t) ~(1 << PORT_BYTES % 8);
	s = run_user_io(out_82);
	EXPECT_DONE(s);
	EXPECT(inb(PORT_BYTES), 0x99);
	s = run_user_io(in_word_82);
	EXPECT(s.vector, 13);
	EXPECT(s.rip, user_address(in_word_82_at));
	tss.iomap[PORT_BYTES / 8] &= (uint8_t) ~(2 << PORT_BYTES % 8);
	s = run_user_io(in_word_82);
	EXPECT_DONE(s);
	tss.iomap_base = sizeof(tss);
	s = run_user_io(out_82);
	EXPECT(s.vector, 13);
}

static void iopl_3_needs_no_bitmap(void)
{
	struct state s;

	state_user(&s, out_82);
	s.rflags |= FLAGS_IOPL;
	outb(PORT_BYTES, 0);
	run(&s);
	EXPECT_DONE(s);
	EXPECT(inb(PORT_BYTES), 0x99);
}

static void device_memory_of_each_size(void)
{
	volatile uint8_t *d = device();

	*(volatile uint64_t *)d = 0x1122334455667788;
	EXPECT(d[0], 0x88);
	EXPECT(*(volatile uint16_t *)(d + 1), 0x6677);
	EXPECT(*(volatile uint32_t *)(d + 2), 0x33445566);
	EXPECT(*(volatile uint64_t *)d, 0x1122334455667788);
	d[3] = 0xff;
	EXPECT(*(volatile uint64_t *)d, 0x11223344ff667788);
	*(volatile uint16_t *)(d + 6) = 0xaaaa;
	EXPECT(*(volatile uint64_t *)d, 0xaaaa3344ff667788);
}

CODE(rmw,
     "addl $5, (%rbx); lock incl (%rbx); notl 4(%rbx); xchg %eax, 8(%rbx); shlb $1, 12(%rbx);"
     "btsl $3, 16(%rbx); mov 20(%rbx), %ecx; movzbl 12(%rbx), %esi; cmpl $6, (%rbx); sete %dil;"
     "pushq 24(%rbx); pop %r8; mov $7, %r9d; lock xadd %r9d, 28(%rbx); movsbq 12(%rbx), %r10");

static void read_modify_write_of_device_memory(void)
{
	volatile uint8_t *d = device();
	struct state s;

	for (unsigned int i = 0; i < 64; i++)
		d[i] = 0;
	d[12] = 0x41;
	d[24] = 0x77;
	state_kernel(&s, rmw);
	s.gpr[RBX] = DEVICE;
	s.gpr[RAX] = 0x5555aaaa;
	run(&s);
	EXPECT_DONE(s);
	EXPECT(*(volatile uint32_t *)d, 6);
	EXPECT(*(volatile uint32_t *)(d + 4), 0xffffffff);
	EXPECT(*(volatile uint32_t *)(d + 8), 0x5555aaaa);
	EXPECT(d[12], 0x82);
	EXPECT(d[16], 8);
	EXPECT(s.gpr[RAX], 0);
	EXPECT(s.gpr[RSI], 0x82);
	EXPECT(s.gpr[RDI], 1);
	EXPECT(s.gpr[R8], 0x77);
	EXPECT(s.gpr[R9], 0);
	EXPECT(d[28], 7);
	EXPECT(s.gpr[R10], 0xffffffffffffff82);
}

CODE(vector_device,
     "movups (%rsi), %xmm0; movups %xmm0, (%rbx); movups (%rbx), %xmm1; movups %xmm1, (%rdi);"
     "movq %xmm0, 32(%rbx); fldl 32(%rbx); fstpl 40(%rbx)");

static void vector_and_x87_access_device_memory(void)
{
	volatile uint8_t *d = device();
	uint8_t *page = page_alloc(1);
	struct state s;

	for (unsigned int i = 0; i < 16; i++)
		page[i] = (uint8_t)(i + 1);
	state_kernel(&s, vector_device);
	s.gpr[RBX] = DEVICE + 0x103;
	s.gpr[RSI] = (uint64_t)page;
	s.gpr[RDI] = (uint64_t)page + 64;
	run(&s);
	EXPECT_DONE(s);
	for (unsigned int i = 0; i < 16; i++)
		EXPECT(d[0x103 + i], i + 1);
	EXPECT(memcmp(page, page + 64, 16), 0);
	EXPECT(d[0x103 + 40 + 7], 8);
}

CODE(movs_device, "rep movsb; mov $10, %ecx; mov %rbx, %rsi; mov %rdx, %rdi; rep movsl");

static void string_moves_to_and_from_device_memory(void)
{
	volatile uint8_t *d = device();
	uint8_t *page = pattern();
	struct state s;

	state_kernel(&s, movs_device);
	s.gpr[RSI] = (uint64_t)page;
	s.gpr[RDI] = s.gpr[RBX] = DEVICE + 0x200;
	s.gpr[RDX] = (uint64_t)page + 4096;
	s.gpr[RCX] = 100;
	run(&s);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RCX], 0);
	EXPECT(s.gpr[RSI], DEVICE + 0x200 + 40);
	for (unsigned int i = 0; i < 100; i++)
		EXPECT(d[0x200 + i], page[i]);
	EXPECT(memcmp(page, page + 4096, 40), 0);
}

/* The last bytes of memory and the first of the device, by one access. */
static void access_across_the_border_of_memory_and_device(void)
{
	volatile uint8_t *d = device();
	uint8_t *page = page_alloc(1);
	volatile uint32_t *both;

	page_map(TEST_BASE, page, PTE_P | PTE_W);
	page_map(TEST_BASE + 4096, (void *)DEVICE, PTE_P | PTE_W);
	both = (volatile uint32_t *)(TEST_BASE + 4096 - 2);
	*both = 0xddccbbaa;
	EXPECT(page[4094], 0xaa);
	EXPECT(page[4095], 0xbb);
	EXPECT(d[0], 0xcc);
	EXPECT(d[1], 0xdd);
	EXPECT(*both, 0xddccbbaa);
	(*both)++;
	EXPECT(*both, 0xddccbbab);
}

const struct test tests[] = {
	TEST(port_of_each_size),
	TEST(input_writes_the_register_as_its_size_says),
	TEST(output_and_input_of_strings),
	TEST(input_backwards),
	TEST(output_backwards),
	TEST(string_input_of_words_and_longs),
	TEST(string_io_into_missing_page_stops_at_its_element),
	TEST(permission_bitmap_decides_at_cpl_3),
	TEST(iopl_3_needs_no_bitmap),
	TEST(device_memory_of_each_size),
	TEST(read_modify_write_of_device_memory),
	TEST(vector_and_x87_access_device_memory),
	TEST(string_moves_to_and_from_device_memory),
	TEST(access_across_the_border_of_memory_and_device),
	{0},
};

const struct known known_tcg[] = {{0}};
