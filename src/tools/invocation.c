// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/invocation.h"

#include <string.h>

#include "lib/bits.h"
#include "tools/command.h"
#include "tools/message.h"
#include "tools/nearest.h"
#include "tools/settings.h"

/* What one argument is. */
enum meaning {
	MEANS_NOTHING,
	MEANS_HELP,
	MEANS_VERBOSE,
	MEANS_SETTING,
	MEANS_OWN,
};

struct parser {
	struct invocation *invocation;
	const char *word;  /* the argument */
	const char *value; /* behind its "=", or NULL */
	size_t length;     /* without dashes and value */
	unsigned int index;
};

static bool is_named(const struct parser *p, const char *name)
{
	return strlen(name) == p->length && !memcmp(p->word + 2, name, p->length);
}

static enum meaning meaning_of_long(struct parser *p)
{
	const struct command *command = p->invocation->command;

	if (is_named(p, "help"))
		return MEANS_HELP;
	if (is_named(p, "verbose"))
		return MEANS_VERBOSE;
	for (p->index = 0; p->index < command->option_count; p->index++)
		if (is_named(p, command->options[p->index].name))
			return MEANS_OWN;
	for (p->index = 0; p->index < OPTION_COUNT; p->index++)
		if (is_named(p, option_rows[p->index].name))
			return MEANS_SETTING;
	return MEANS_NOTHING;
}

static enum meaning meaning_of(struct parser *p)
{
	const char *equals = strchr(p->word, '=');

	p->value = NULL;
	if (!strcmp(p->word, "-h"))
		return MEANS_HELP;
	if (!strcmp(p->word, "-v"))
		return MEANS_VERBOSE;
	if (strncmp(p->word, "--", 2) != 0)
		return MEANS_NOTHING;
	p->length = equals ? (size_t)(equals - p->word) - 2 : strlen(p->word + 2);
	p->value = equals ? equals + 1 : NULL;
	return meaning_of_long(p);
}

static int refuse(const struct parser *p, const char *why)
{
	complain("%s: %s; see `exclave %s --help`", p->word, why, p->invocation->command->name);
	return EXIT_REFUSED;
}

static int unknown(const struct parser *p)
{
	struct nearest nearest;
	const struct command *command = p->invocation->command;

	if (strncmp(p->word, "--", 2) != 0)
		return refuse(p, "unknown option");
	nearest_start(&nearest, p->word + 2, p->length);
	nearest_offer(&nearest, "help");
	nearest_offer(&nearest, "verbose");
	for (unsigned int i = 0; i < command->option_count; i++)
		nearest_offer(&nearest, command->options[i].name);
	for (unsigned int i = 0; i < OPTION_COUNT; i++)
		nearest_offer(&nearest, option_rows[i].name);
	if (!nearest.name)
		return refuse(p, "unknown option");
	complain("%s: unknown option, did you mean --%s? See `exclave %s --help`", p->word,
		 nearest.name, command->name);
	return EXIT_REFUSED;
}

/* The argument's value may be the next argument. Return: whether there is one. */
static bool take_value(struct parser *p)
{
	struct invocation *invocation = p->invocation;

	if (p->value)
		return true;
	if (!invocation->argc)
		return false;
	p->value = *invocation->argv++;
	invocation->argc--;
	return true;
}

static int take(struct parser *p, enum meaning meaning)
{
	struct invocation *invocation = p->invocation;
	const struct command_option *own = &invocation->command->options[p->index];
	bool is_switch = meaning == MEANS_HELP || meaning == MEANS_VERBOSE ||
			 (meaning == MEANS_OWN && !own->argument);

	if (is_switch && p->value)
		return refuse(p, "takes no value");
	if (!is_switch && !take_value(p))
		return refuse(p, "needs a value");
	if (!is_switch && !*p->value)
		return refuse(p, "its value is empty");
	if (meaning == MEANS_SETTING)
		return settings_set((enum option)p->index, p->value);
	if (meaning == MEANS_OWN)
		invocation->values[p->index] = is_switch ? "" : p->value;
	invocation->help |= meaning == MEANS_HELP;
	invocation->verbose |= meaning == MEANS_VERBOSE;
	return 0;
}

/* Return: 0, or an exit status; *@done when the next argument is no option of ours. */
static int take_argument(struct parser *p, bool *done)
{
	struct invocation *invocation = p->invocation;
	enum meaning meaning;

	p->word = *invocation->argv;
	*done = p->word[0] != '-' || !p->word[1];
	if (*done)
		return 0;
	if (!strcmp(p->word, "--")) {
		invocation->argc--;
		invocation->argv++;
		*done = true;
		return 0;
	}
	meaning = meaning_of(p);
	if (meaning == MEANS_NOTHING && invocation->command->passes) {
		*done = true;
		return 0;
	}
	if (meaning == MEANS_NOTHING)
		return unknown(p);
	invocation->argc--;
	invocation->argv++;
	return take(p, meaning);
}

int invocation_parse(struct invocation *invocation, const struct command *command, int argc,
		     char **argv)
{
	struct parser p = {.invocation = invocation};
	bool done = false;
	int ret = 0;

	memset(invocation, 0, sizeof(*invocation));
	invocation->command = command;
	invocation->argc = argc;
	invocation->argv = argv;
	while (!ret && !done && !invocation->help && invocation->argc)
		ret = take_argument(&p, &done);
	if (ret || invocation->help)
		return ret;
	if (invocation->argc && !command->takes_arguments) {
		complain("%s: `exclave %s` takes no such argument; see `exclave %s --help`",
			 *invocation->argv, command->name, command->name);
		return EXIT_REFUSED;
	}
	return invocation->verbose ? settings_set(OPTION_LOG, "1") : 0;
}

const char *invocation_value(const struct invocation *invocation, const char *name)
{
	const struct command *command = invocation->command;

	for (unsigned int i = 0; i < command->option_count; i++)
		if (!strcmp(command->options[i].name, name))
			return invocation->values[i];
	return NULL;
}

const struct command *command_named(const char *name)
{
	for (unsigned int i = 0; i < command_count; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}
