// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "native.h"

#include <asm/ldt.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define ARITHMETIC UINT64_C(0x8d5)

#define COMMAND_RUN 0
#define COMMAND_LDT 1

struct native {
	pid_t pid;
	int fd;
	struct diff_shared *shared;
};

static struct diff_shared *shared; /* in the child */
static sigjmp_buf back;

static const int greg_of[X86_NR_GPRS] = {
	REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
	REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

static void on_exception(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	struct diff_state *out = &shared->out;

	for (unsigned int i = 0; i < X86_NR_GPRS; i++)
		out->gpr[i] = (uint64_t)uc->uc_mcontext.gregs[greg_of[i]];
	out->rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
	out->flags = (uint64_t)uc->uc_mcontext.gregs[REG_EFL] & ARITHMETIC;
	out->vector = (uint32_t)uc->uc_mcontext.gregs[REG_TRAPNO];
	out->error_code = (uint32_t)uc->uc_mcontext.gregs[REG_ERR];
	out->address = (uint64_t)uc->uc_mcontext.gregs[REG_CR2];
	memcpy(out->xstate, uc->uc_mcontext.fpregs, DIFF_XSTATE);
	siglongjmp(back, 1);
}

/* Everything but RIP, from the struct diff_state at RDI. */
#define LOAD_STATE                       \
	"mov $7, %%eax\n\t"              \
	"xor %%edx, %%edx\n\t"           \
	"xrstor64 %c[xstate](%%rdi)\n\t" \
	"push %c[flags](%%rdi)\n\t"      \
	"popfq\n\t"                      \
	"mov 0x00(%%rdi), %%rax\n\t"     \
	"mov 0x08(%%rdi), %%rcx\n\t"     \
	"mov 0x10(%%rdi), %%rdx\n\t"     \
	"mov 0x18(%%rdi), %%rbx\n\t"     \
	"mov 0x20(%%rdi), %%rsp\n\t"     \
	"mov 0x28(%%rdi), %%rbp\n\t"     \
	"mov 0x30(%%rdi), %%rsi\n\t"     \
	"mov 0x40(%%rdi), %%r8\n\t"      \
	"mov 0x48(%%rdi), %%r9\n\t"      \
	"mov 0x50(%%rdi), %%r10\n\t"     \
	"mov 0x58(%%rdi), %%r11\n\t"     \
	"mov 0x60(%%rdi), %%r12\n\t"     \
	"mov 0x68(%%rdi), %%r13\n\t"     \
	"mov 0x70(%%rdi), %%r14\n\t"     \
	"mov 0x78(%%rdi), %%r15\n\t"     \
	"mov 0x38(%%rdi), %%rdi\n\t"

/*
 * The same into 16- or 32-bit code. R8 to R15 are loaded too: what that code does
 * must leave them alone. The far pointer lies where an absolute operand reaches it.
 */
__attribute__((noreturn)) static void go_compat(void)
{
	struct diff_state *in = &shared->in;

	*(uint32_t *)DIFF_ENTRY = (uint32_t)in->rip;
	*(uint16_t *)(DIFF_ENTRY + 4) = in->seg[X86_SEG_CS];
	__asm__ volatile("mov %0, %%es\n\tmov %1, %%ds\n\tmov %2, %%gs\n\tmov %3, %%ss\n\t"
			 :
			 : "r"(in->seg[X86_SEG_ES]), "r"(in->seg[X86_SEG_DS]),
			   "r"(in->seg[X86_SEG_GS]), "r"(in->seg[X86_SEG_SS]));
	__asm__ volatile(LOAD_STATE "ljmp *%c[entry]\n\t"
			 :
			 : "D"(in), [xstate] "i"(offsetof(struct diff_state, xstate)),
			   [flags] "i"(offsetof(struct diff_state, flags)), [entry] "i"(DIFF_ENTRY)
			 : "memory");
	__builtin_unreachable();
}

/* Loads everything and goes to the code; what ends it is an exception. */
__attribute__((noreturn)) static void go(void)
{
	struct diff_state *in = &shared->in;

	if (in->seg[X86_SEG_CS])
		go_compat();
	*(uint64_t *)DIFF_ENTRY = DIFF_CODE;
	__asm__ volatile(LOAD_STATE "jmp *%c[entry]\n\t"
			 :
			 : "D"(in), [xstate] "i"(offsetof(struct diff_state, xstate)),
			   [flags] "i"(offsetof(struct diff_state, flags)), [entry] "i"(DIFF_ENTRY)
			 : "memory");
	__builtin_unreachable();
}

static void map_fixed(uint64_t address, size_t size, int prot, int fd, size_t offset)
{
	void *p = mmap((void *)address, size, prot, MAP_SHARED | MAP_FIXED_NOREPLACE, fd,
		       (off_t)offset);

	if (p == MAP_FAILED)
		_exit(3);
}

static void load_ldt(void)
{
	for (unsigned int i = 0; i < DIFF_LDT_SEGMENTS; i++) {
		const struct diff_segment *seg = &shared->ldt[i];
		struct user_desc desc = {
			.entry_number = i,
			.base_addr = seg->base,
			.limit = seg->limit >> 20 ? seg->limit >> 12 : seg->limit,
			.limit_in_pages = seg->limit >> 20 != 0,
			.contents = seg->contents,
			.seg_32bit = seg->is_big,
			.read_exec_only = seg->is_read_only,
			.useable = 1,
		};

		if (syscall(SYS_modify_ldt, 1, &desc, sizeof(desc)))
			_exit(4);
	}
}

static void child(int fd, int memory)
{
	static uint8_t stack[65536];
	stack_t alt = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_sigaction = on_exception,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
	const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	map_fixed(DIFF_CODE, DIFF_CODE_SIZE, PROT_READ | PROT_EXEC, memory,
		  offsetof(struct diff_shared, code));
	map_fixed(DIFF_DATA, DIFF_DATA_SIZE, PROT_READ | PROT_WRITE, memory,
		  offsetof(struct diff_shared, data));
	/* The address to jump to, where an absolute operand reaches it with all registers loaded. */
	if (mmap((void *)DIFF_ENTRY, 4096, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
		_exit(3);
	sigaltstack(&alt, NULL);
	for (unsigned int i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	while (read(fd, &byte, 1) == 1) {
		if (byte == COMMAND_LDT)
			load_ldt();
		else if (!sigsetjmp(back, 0))
			go();
		if (write(fd, &byte, 1) != 1)
			break;
	}
	_exit(0);
}

/* Return: the descriptor of memory for a struct diff_shared, or -1. */
static int new_memory(void)
{
	int memory = memfd_create("diff", MFD_CLOEXEC);

	if (memory >= 0 && ftruncate(memory, sizeof(struct diff_shared))) {
		close(memory);
		return -1;
	}
	return memory;
}

static bool start_child(struct native *n, int memory)
{
	int pair[2];

	n->shared = mmap(NULL, sizeof(*n->shared), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (n->shared == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return false;
	shared = n->shared;
	n->pid = fork();
	if (n->pid == 0) {
		close(pair[0]);
		child(pair[1], memory);
	}
	close(pair[1]);
	n->fd = pair[0];
	return n->pid > 0;
}

struct native *native_new(void)
{
	struct native *n = calloc(1, sizeof(*n));
	int memory = new_memory();
	bool started = n && memory >= 0 && start_child(n, memory);

	if (memory >= 0)
		close(memory);
	if (started)
		return n;
	free(n);
	return NULL;
}

void native_free(struct native *n)
{
	close(n->fd);
	kill(n->pid, SIGKILL);
	waitpid(n->pid, NULL, 0);
	munmap(n->shared, sizeof(*n->shared));
	free(n);
}

struct diff_shared *native_shared(struct native *n)
{
	return n->shared;
}

static bool command(struct native *n, char byte)
{
	return write(n->fd, &byte, 1) == 1 && read(n->fd, &byte, 1) == 1;
}

bool native_run(struct native *n)
{
	return command(n, COMMAND_RUN);
}

bool native_load_ldt(struct native *n)
{
	return command(n, COMMAND_LDT);
}
