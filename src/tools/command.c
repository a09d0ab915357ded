// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* strchrnul */
#include "tools/command.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tools/message.h"

/* As the kernel: a script's interpreter may be a script, four times. */
#define MAX_INTERPRETERS 4

#define USE_DYNAMIC "use a dynamically linked build of it"

static bool is_program(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

/* Return: whether @path was found; a program that may not be run counts, unless a later one may. */
static bool find_in_path(const char *name, char *path, size_t size)
{
	const char *dir = getenv("PATH");
	char candidate[PATH_MAX];
	bool found = false;

	for (const char *end; dir; dir = *end ? end + 1 : NULL) {
		int len;

		end = strchrnul(dir, ':');
		len = snprintf(candidate, sizeof(candidate), "%.*s%s%s", (int)(end - dir), dir,
			       end == dir ? "" : "/", name);
		if (len < 0 || (size_t)len >= sizeof(candidate) || (size_t)len >= size)
			continue;
		if (is_program(candidate)) {
			memcpy(path, candidate, (size_t)len + 1);
			return true;
		}
		if (!found && !access(candidate, F_OK)) {
			memcpy(path, candidate, (size_t)len + 1);
			found = true;
		}
	}
	return found;
}

bool command_is_there(const char *name, char *path, size_t size)
{
	if (!strchr(name, '/'))
		return *name && find_in_path(name, path, size);
	return (size_t)snprintf(path, size, "%s", name) < size && !access(path, F_OK);
}

int command_find(const char *name, char *path, size_t size)
{
	if (!*name) {
		complain("the command's name is empty; name the program to run after \"--\"");
		return EXIT_NOT_FOUND;
	}
	if (!strchr(name, '/')) {
		if (find_in_path(name, path, size))
			return 0;
		complain("%s: not found in PATH; check the spelling, install it, or give its path",
			 name);
		return EXIT_NOT_FOUND;
	}
	if ((size_t)snprintf(path, size, "%s", name) < size)
		return 0;
	complain("%.40s...: the path is too long", name);
	return EXIT_NOT_FOUND;
}

/* The dynamic linker ignores LD_PRELOAD in programs that run with other rights than their caller's. */
static int check_rights(const char *path, int fd, const struct stat *st)
{
	const char *why = NULL;

	if (st->st_mode & S_ISUID && st->st_uid != geteuid())
		why = "it is setuid";
	else if (st->st_mode & S_ISGID && st->st_gid != getegid())
		why = "it is setgid";
	else if (geteuid() && fgetxattr(fd, "security.capability", NULL, 0) > 0)
		why = "it has file capabilities";
	if (!why)
		return 0;
	complain(
		"%s: %s, and the system lets no library into such programs; run a copy without these "
		"rights, or run exclave as that user",
		path, why);
	return EXIT_CANNOT_RUN;
}

static bool has_interpreter(int fd, const Elf64_Ehdr *elf)
{
	for (unsigned int i = 0; i < elf->e_phnum; i++) {
		off_t offset = (off_t)(elf->e_phoff + (uint64_t)i * sizeof(Elf64_Phdr));
		Elf64_Phdr segment;

		if (pread(fd, &segment, sizeof(segment), offset) != sizeof(segment))
			return false;
		if (segment.p_type == PT_INTERP)
			return true;
	}
	return false;
}

static int check_elf(const char *path, int fd, const Elf64_Ehdr *elf)
{
	if (elf->e_ident[EI_CLASS] != ELFCLASS64 || elf->e_machine != EM_X86_64) {
		complain(
			"%s: not a 64-bit x86 program, the library is one; use a 64-bit build of it",
			path);
		return EXIT_CANNOT_RUN;
	}
	if (!has_interpreter(fd, elf)) {
		complain(
			"%s: statically linked, so no library can be put before its system calls; " USE_DYNAMIC,
			path);
		return EXIT_CANNOT_RUN;
	}
	return 0;
}

/* @head begins with "#!". Return: whether @path is now the interpreter. */
static bool read_interpreter(const char *head, char *path, size_t size)
{
	size_t blank = strspn(head + 2, " \t");
	size_t len = strcspn(head + 2 + blank, " \t\n");

	if (!len || len >= size)
		return false;
	memcpy(path, head + 2 + blank, len);
	path[len] = 0;
	return true;
}

static int cannot_run(const char *path, int err)
{
	complain("%s: %s; %s", path, strerror(err),
		 err == ENOENT ? "check the path"
			       : "it must be a program that you may read and execute");
	return err == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

/*
 * Checks one file. With "#!" @path becomes the interpreter.
 * Return: 0 when it will do, -1 for an interpreter to check, or an exit status.
 */
static int check_file(char *path, size_t size, int fd)
{
	union {
		Elf64_Ehdr elf;
		char text[256];
	} head = {0};
	struct stat st;

	if (fstat(fd, &st))
		return cannot_run(path, errno);
	if (!S_ISREG(st.st_mode))
		return cannot_run(path, S_ISDIR(st.st_mode) ? EISDIR : EACCES);
	if (access(path, X_OK))
		return cannot_run(path, errno);
	/* One byte stays 0 as the end of the text. */
	if (pread(fd, head.text, sizeof(head.text) - 1, 0) < 0)
		return cannot_run(path, errno);
	if (!memcmp(head.text, ELFMAG, SELFMAG)) {
		int ret = check_rights(path, fd, &st);

		return ret ? ret : check_elf(path, fd, &head.elf);
	}
	if (!memcmp(head.text, "#!", 2) && read_interpreter(head.text, path, size))
		return -1;
	return cannot_run(path, ENOEXEC);
}

int command_check(const char *path)
{
	char file[PATH_MAX];
	int ret = -1;

	snprintf(file, sizeof(file), "%s", path);
	for (int depth = 0; ret < 0 && depth <= MAX_INTERPRETERS; depth++) {
		int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

		if (fd < 0)
			return cannot_run(file, errno);
		ret = check_file(file, sizeof(file), fd);
		close(fd);
	}
	return ret < 0 ? cannot_run(path, ELOOP) : ret;
}
