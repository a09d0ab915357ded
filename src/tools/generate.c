// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes the manual page (`generate man`) and the completion of bash (`generate bash`) from the tables. */
#include <stdio.h>
#include <string.h>

#include "host/options.h"
#include "tools/invocation.h"
#include "tools/manual.h"

/* Text for troff: no hyphens where minus signs are meant, no requests by accident. */
static void print_troff(const char *text)
{
	bool at_start = true;

	for (; *text; text++) {
		if (at_start && (*text == '.' || *text == '\''))
			fputs("\\&", stdout);
		if (*text == '-')
			fputs("\\-", stdout);
		else if (*text == '\\')
			fputs("\\e", stdout);
		else
			putchar(*text);
		at_start = *text == '\n';
	}
	putchar('\n');
}

static void print_tagged(const char *tag, const char *argument, const char *text)
{
	printf(".TP\n\\fB");
	for (; *tag; tag++)
		printf(*tag == '-' ? "\\-" : "%c", *tag);
	printf("\\fR%s\\fI%s\\fR\n", argument ? "=" : "", argument ? argument : "");
	print_troff(text);
}

static void print_option(const char *name, const char *argument, const char *text)
{
	char tag[64];

	snprintf(tag, sizeof(tag), "--%s", name);
	print_tagged(tag, argument, text);
}

static void print_command(const struct command *command)
{
	printf(".SS \"exclave %s\"\n.nf\n", command->name);
	printf("exclave %s ", command->name);
	print_troff(command->synopsis);
	printf(".fi\n.PP\n");
	print_troff(command->about);
	for (unsigned int i = 0; i < command->option_count; i++)
		print_option(command->options[i].name, command->options[i].argument,
			     command->options[i].summary);
}

static void print_shared(const struct option_row *row)
{
	char text[1024];

	snprintf(text, sizeof(text), "%c%s. %s\nVariable: %s.", row->summary[0] - 'a' + 'A',
		 row->summary + 1, row->more, row->variable);
	print_option(row->name, row->argument, text);
}

static void print_manual(void)
{
	printf(".TH EXCLAVE 1 \"\" \"exclave %s\" \"User Commands\"\n", EXCLAVE_VERSION);
	for (unsigned int i = 0; i < manual_head_count; i++) {
		printf(".SH %s\n", manual_head[i].title);
		print_troff(manual_head[i].text);
	}
	puts(".SH COMMANDS");
	for (unsigned int i = 0; i < command_count; i++)
		print_command(&commands[i]);
	puts(".SH OPTIONS");
#define PRINT_COMMON(name, letter, summary) print_option(#name, NULL, summary);
	COMMON_OPTIONS(PRINT_COMMON)
#undef PRINT_COMMON
	for (unsigned int i = 0; i < OPTION_COUNT; i++)
		print_shared(&option_rows[i]);
	for (unsigned int i = 0; i < manual_tail_count; i++) {
		printf(".SH \"%s\"\n.nf\n", manual_tail[i].title);
		print_troff(manual_tail[i].text);
		puts(".fi");
	}
}

/* What may follow an option: words, or files. */
static void print_values(const char *name, const char *argument)
{
	printf("\t--%s) ", name);
	if (argument[0] >= 'A' && argument[0] <= 'Z')
		printf("%s ;;\n", !strcmp(argument, "FILE") || !strcmp(argument, "FOLDER")
					  ? "_exclave_reply -f"
					  : ":");
	else {
		printf("_exclave_reply -W '");
		for (; *argument; argument++)
			putchar(*argument == '|' ? ' ' : *argument);
		puts("' ;;");
	}
}

static void print_bash_command(const struct command *command)
{
	printf("\t%s) _exclave_reply -W '", command->name);
	for (unsigned int i = 0; i < command->option_count; i++)
		printf("--%s%s ", command->options[i].name,
		       command->options[i].argument ? "=" : "");
	puts("'\"$shared\" ;;");
}

static void print_bash_values(void)
{
	puts("\tcase $option in");
	for (unsigned int i = 0; i < OPTION_COUNT; i++)
		print_values(option_rows[i].name, option_rows[i].argument);
	for (unsigned int i = 0; i < command_count; i++)
		for (unsigned int j = 0; j < commands[i].option_count; j++)
			if (commands[i].options[j].argument)
				print_values(commands[i].options[j].name,
					     commands[i].options[j].argument);
	puts("\t*) return 1 ;;\n\tesac\n}\n");
}

static void print_bash(void)
{
	puts("# bash completion for exclave(1)\n"
	     "_exclave_reply() {\n"
	     "\tmapfile -t COMPREPLY < <(compgen \"$@\" -- \"$current\")\n"
	     "\t[[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null\n"
	     "\treturn 0\n}\n\n"
	     "# The value of option $option.\n"
	     "_exclave_value() {");
	print_bash_values();
	printf("_exclave() {\n\tlocal current=${COMP_WORDS[COMP_CWORD]} option i\n"
	       "\tlocal previous=${COMP_WORDS[COMP_CWORD - 1]} shared=' ");
#define PRINT_COMMON(name, letter, summary) printf("--" #name " ");
	COMMON_OPTIONS(PRINT_COMMON)
#undef PRINT_COMMON
	for (unsigned int i = 0; i < OPTION_COUNT; i++)
		printf("--%s= ", option_rows[i].name);
	printf("'\n\tCOMPREPLY=()\n\tif ((COMP_CWORD == 1)); then\n\t\t_exclave_reply -W '");
	for (unsigned int i = 0; i < command_count; i++)
		printf("%s ", commands[i].name);
	puts("--help --version'\n\t\treturn\n\tfi\n"
	     "\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	     "\t\t[[ ${COMP_WORDS[i]} == -- ]] || continue\n"
	     "\t\tif ((i + 1 == COMP_CWORD)); then _exclave_reply -c; else _exclave_reply -f; fi\n"
	     "\t\treturn\n\tdone\n"
	     "\toption=$previous\n"
	     "\tif [[ $current == = ]]; then current=; elif [[ $previous == = ]]; then\n"
	     "\t\toption=${COMP_WORDS[COMP_CWORD - 2]}\n\tfi\n"
	     "\t_exclave_value && return\n"
	     "\tif [[ $current != -* ]]; then\n\t\t_exclave_reply -f\n\t\treturn\n\tfi\n"
	     "\tcase ${COMP_WORDS[1]} in");
	for (unsigned int i = 0; i < command_count; i++)
		print_bash_command(&commands[i]);
	puts("\tesac\n}\ncomplete -F _exclave exclave");
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "man"))
		print_manual();
	else if (argc == 2 && !strcmp(argv[1], "bash"))
		print_bash();
	else
		return 2;
	return 0;
}
