// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* open_memstream, strchrnul */
#include "tools/qemu_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/size.h"
#include "lib/bits.h"
#include "tools/qemu_cpu.h"

#define MAX_ADDED 8 /* arguments that are not the user's */

/* What the user's arguments say already. */
struct facts {
	bool has_accel;
	bool has_cpu;
	bool has_machine; /* by its name */
	bool other_accel; /* not KVM: the processor is QEMU's business */
	bool has_epc;
	unsigned int sections; /* the next free sgx-epc.N */
};

struct rewrite {
	const struct qemu_host *host;
	struct qemu_line *line;
	struct facts facts;
	FILE *sections; /* properties of the machine */
	char *sections_text;
	size_t sections_size;
};

static void take(struct qemu_line *line, char *argument)
{
	if (!argument)
		line->out_of_memory = true;
	else
		line->argv[line->argc++] = argument;
}

static void add(struct qemu_line *line, const char *argument)
{
	take(line, strdup(argument));
}

/* The name of an option, which has one dash or two; NULL when it is none. */
static const char *option_name(const char *argument)
{
	if (argument[0] != '-' || !argument[1])
		return NULL;
	return argument + (argument[1] == '-' ? 2 : 1);
}

static bool is_option(const char *argument, const char *name)
{
	const char *own = option_name(argument);

	return own && !strcmp(own, name);
}

/* The value of property @name in a list, at its first letter; NULL without. */
static const char *property(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (; list; list = *list ? list + 1 : NULL) {
		if (!strncmp(list, name, length) && list[length] == '=')
			return list + length + 1;
		list = strchrnul(list, ',');
	}
	return NULL;
}

static bool starts_with_word(const char *value, const char *word)
{
	size_t length = strlen(word);

	return !strncmp(value, word, length) && (!value[length] || strchr(",:=", value[length]));
}

static void look_at_machine(struct facts *facts, const char *value)
{
	const char *accel = property(value, "accel");
	size_t first = strcspn(value, ",=");

	facts->has_machine |= property(value, "type") || (first && value[first] != '=');
	facts->has_accel |= !!accel;
	facts->other_accel |= accel && !starts_with_word(accel, "kvm");
	for (const char *at = value; (at = strstr(at, "sgx-epc."));) {
		unsigned int number = (unsigned int)strtoul(at + strlen("sgx-epc."), NULL, 10);

		at++;
		facts->has_epc = true;
		if (number < 64 && number >= facts->sections)
			facts->sections = number + 1;
	}
}

static void look_at(struct facts *facts, const char *argument, const char *value)
{
	if (is_option(argument, "enable-kvm"))
		facts->has_accel = true;
	if (!value)
		return;
	if (is_option(argument, "accel")) {
		facts->has_accel = true;
		facts->other_accel |=
			!starts_with_word(value, "kvm") && !starts_with_word(value, "accel=kvm");
	}
	if (is_option(argument, "machine") || is_option(argument, "M"))
		look_at_machine(facts, value);
	facts->has_cpu |= is_option(argument, "cpu");
	facts->has_epc |= is_option(argument, "sgx-epc");
}

/* Options whose values may look like options. */
static bool has_free_value(const char *argument)
{
	return is_option(argument, "append") || is_option(argument, "name");
}

static struct facts look_at_all(int argc, char *const *argv)
{
	struct facts facts = {0};

	for (int i = 0; i < argc; i++) {
		look_at(&facts, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
		i += has_free_value(argv[i]);
	}
	return facts;
}

static void write_property(struct rewrite *r, unsigned int number, const char *text, int length)
{
	fprintf(r->sections, "%ssgx-epc.%u.%.*s", ftell(r->sections) > 0 ? "," : "", number, length,
		text);
}

/* id=, which named a device of its own, is a property of the machine now, and the node is needed. */
static void write_section(struct rewrite *r, const char *value)
{
	unsigned int number = r->facts.sections++;

	if (!property(value, "node"))
		write_property(r, number, "node=0", 6);
	for (const char *end; value; value = *end ? end + 1 : NULL) {
		end = strchrnul(value, ',');
		if (strncmp(value, "id=", 3) != 0)
			write_property(r, number, value, (int)(end - value));
	}
}

static void count_epc(struct qemu_line *line, const char *value)
{
	const char *size = property(value, "size"), *prealloc = property(value, "prealloc");
	uint64_t bytes;

	if (size && !size_parse(&size, &bytes))
		line->epc_size += bytes;
	line->epc_reserved |=
		strstr(value, ",prealloc") && !(prealloc && starts_with_word(prealloc, "off"));
}

/* A property alone was the same as property=on. */
static char *rewrite_backend(struct rewrite *r, const char *value)
{
	char *text = NULL;
	size_t size;
	FILE *out;

	count_epc(r->line, value);
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	for (bool first = true; value; first = false) {
		const char *end = strchrnul(value, ',');
		bool alone = !first && !memchr(value, '=', (size_t)(end - value));

		fprintf(out, "%s%.*s%s", first ? "" : ",", (int)(end - value), value,
			alone ? "=on" : "");
		value = *end ? end + 1 : NULL;
	}
	fclose(out);
	return text;
}

static char *rewrite_cpu(struct rewrite *r, const char *value)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	qemu_cpu_write(out, r->host, value, r->facts.has_epc);
	fclose(out);
	return text;
}

/* Return: how many arguments that was. */
static int rewrite_one(struct rewrite *r, int left, char *const *argv)
{
	const char *value = left > 1 ? argv[1] : NULL;

	if (value && is_option(*argv, "sgx-epc")) {
		write_section(r, value);
		return 2;
	}
	add(r->line, *argv);
	if (!value)
		return 1;
	if (is_option(*argv, "object") && starts_with_word(value, "memory-backend-epc"))
		take(r->line, rewrite_backend(r, value));
	else if (is_option(*argv, "cpu") && !r->facts.other_accel)
		take(r->line, rewrite_cpu(r, value));
	else if (has_free_value(*argv))
		add(r->line, value);
	else
		return 1;
	return 2;
}

static void add_before(struct rewrite *r)
{
	if (!r->facts.has_accel) {
		add(r->line, "-accel");
		add(r->line, "kvm");
	}
	if (!r->facts.has_machine) {
		add(r->line, "-machine");
		add(r->line, "q35");
	}
	if (!r->facts.has_cpu && !r->facts.other_accel) {
		add(r->line, "-cpu");
		take(r->line, rewrite_cpu(r, NULL));
	}
}

static void add_sections(struct rewrite *r)
{
	fclose(r->sections);
	if (r->sections_size) {
		add(r->line, "-machine");
		add(r->line, r->sections_text);
	}
	free(r->sections_text);
}

bool qemu_line_rewrite(const struct qemu_host *host, const char *program, int argc,
		       char *const *argv, struct qemu_line *line)
{
	struct rewrite r = {.host = host, .line = line, .facts = look_at_all(argc, argv)};

	memset(line, 0, sizeof(*line));
	line->argv = calloc((size_t)argc + 2 + MAX_ADDED, sizeof(*line->argv));
	r.sections = line->argv ? open_memstream(&r.sections_text, &r.sections_size) : NULL;
	if (!r.sections)
		return false;
	add(line, program);
	add_before(&r);
	for (int i = 0; i < argc;)
		i += rewrite_one(&r, argc - i, argv + i);
	add_sections(&r);
	return !line->out_of_memory;
}

void qemu_line_free(struct qemu_line *line)
{
	for (int i = 0; i < line->argc; i++)
		free(line->argv[i]);
	free(line->argv);
}
