// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* open_memstream */
#include "tools/qemu.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/epc_config.h"
#include "tools/choice.h"
#include "tools/command.h"
#include "tools/invocation.h"
#include "tools/message.h"
#include "tools/offer.h"
#include "tools/qemu_line.h"
#include "tools/run.h"
#include "tools/settings.h"

#define MIB (UINT64_C(1) << 20)

/* In a shell, what was not quoted here would be another command. */
static void print_word(FILE *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-_=+,.:/@%";

	if (*word && strspn(word, plain) == strlen(word)) {
		fputs(word, out);
		return;
	}
	fputc('\'', out);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", out);
		else
			fputc(*word, out);
	}
	fputc('\'', out);
}

static void print_line(const struct qemu_line *line)
{
	fputs("exclave:", stderr);
	for (int i = 0; i < line->argc; i++) {
		fputc(' ', stderr);
		print_word(stderr, line->argv[i]);
	}
	fputc('\n', stderr);
}

static uint64_t pool_size(void)
{
	const char *text = option_get(OPTION_EPC);
	struct epc_config config;
	uint64_t size = 0;

	if (!text || epc_config_parse(text, &config))
		return EPC_DEFAULT_SIZE;
	for (unsigned int i = 0; i < config.count; i++)
		size += config.section[i].size;
	return size;
}

/* What is set aside at once must be there; of other EPC the guest may use as much as there is. */
static int check_epc(const struct qemu_line *line, const struct choice *choice)
{
	unsigned long long epc = line->epc_size / MIB, pool = pool_size() / MIB;

	if (choice->hardware || line->epc_size <= pool_size())
		return 0;
	complain(
		"the guest's EPC, %llu MiB, is larger than the host's pool, %llu MiB; make the pool "
		"larger with --epc-pool=%lluM, or the guest's EPC smaller",
		epc, pool, epc);
	return line->epc_reserved ? EXIT_REFUSED : 0;
}

static int find_lacks(const struct choice *choice, char **text)
{
	char error[1024];
	uint64_t features;
	size_t size;
	FILE *out;

	*text = NULL;
	if (choice->hardware)
		return 0;
	if (offer_read(&features, error, sizeof(error))) {
		complain("%s", error);
		return EXIT_REFUSED;
	}
	out = open_memstream(text, &size);
	if (!out)
		return EXIT_REFUSED;
	offer_write_lacks(features, out);
	fclose(out);
	return 0;
}

static int find_qemu(const char *name)
{
	char path[PATH_MAX];

	if (command_is_there(name, path, sizeof(path)))
		return 0;
	complain("%s: not found%s; " QEMU_REMEDY, name, strchr(name, '/') ? "" : " in PATH");
	return EXIT_NOT_FOUND;
}

int qemu_run(const struct invocation *invocation, int argc, char **argv)
{
	const char *program = invocation_value(invocation, "qemu");
	struct qemu_host host = {0};
	struct choice choice;
	struct qemu_line line;
	char *lacks;
	int ret = find_qemu(program ? program : QEMU_PROGRAM);

	if (!ret)
		ret = choose_engine(&choice);
	if (!ret)
		ret = find_lacks(&choice, &lacks);
	if (ret)
		return ret;
	host.hardware = choice.hardware;
	host.lacks = lacks ? lacks : "";
	if (!qemu_line_rewrite(&host, program ? program : QEMU_PROGRAM, argc, argv, &line)) {
		complain("out of memory");
		return EXIT_REFUSED;
	}
	if (invocation->verbose)
		print_line(&line);
	ret = check_epc(&line, &choice);
	if (!ret)
		ret = run_command(line.argv, &choice, invocation->verbose);
	qemu_line_free(&line);
	free(lacks);
	return ret;
}

int qemu_main(struct invocation *invocation)
{
	return qemu_run(invocation, invocation->argc, invocation->argv);
}
