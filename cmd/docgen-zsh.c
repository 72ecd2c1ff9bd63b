#include "cmd/docgen.h"

#include <stdio.h>
#include <string.h>

#include "cmd/global.h"

/*
 * zsh completion: one function of _arguments specifications per command, behind
 * the helpers in completions/_faas.in.
 */

/* Inside '...' and inside a specification: no quote, bracket or colon of ours. */
static void text(const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", stdout);
		else if (strchr("[]:\\", *s))
			printf("\\%c", *s);
		else
			putchar(*s);
	}
}

/* The function of "env list": _faas_env_list */
static void function(const char *path)
{
	fputs("_faas_", stdout);
	for (; *path; path++)
		putchar(*path == ' ' || *path == '-' ? '_' : *path);
}

static void action(const struct opt *o)
{
	static const struct {
		enum opt_hint hint;
		const char *action;
	} known[] = {
		{ HINT_FILE, "_files" }, { HINT_DIR, "_files -/" },
		{ HINT_USER, "_users" }, { HINT_COMMAND, "_command_names -e" },
		{ HINT_VARIABLE, "_parameters -g \"*export*\" -qS=" },
	};

	if (o->choices) {
		putchar('(');
		for (const char *const *c = o->choices; *c; c++)
			printf("%s%s", c == o->choices ? "" : " ", *c);
		putchar(')');
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].hint == o->hint) {
			fputs(known[i].action, stdout);
			return;
		}
	if (o->hint)
		printf("_faas_names %s", opt_hint_name(o->hint));
	else
		putchar(' ');
}

/* One spelling of an option: '(-a --all)--all[text]:arg:action' */
static void spelling(const struct opt *o, const char *start, const char *name,
		     const char *letters)
{
	fputs("\t'", stdout);
	if (o->type == OPT_TYPE_STRS)
		putchar('*');
	else if (*letters)
		printf("(%s --%s)", letters, o->name);
	printf("%s%s", start, name);
	if (opt_takes_value(o))
		putchar(start[1] ? '=' : '+');
	putchar('[');
	text(o->help);
	putchar(']');
	if (opt_takes_value(o)) {
		putchar(':');
		text(o->arg);
		putchar(':');
		action(o);
	}
	puts("'");
}

/* What turns it off: '-T[not: ...]' and '--no-tty[not: ...]' */
static void negation(const struct opt *o, const char *start, const char *name)
{
	printf("\t'%s%s[not\\: ", start, name);
	text(o->help);
	puts("]'");
}

static void option(const struct opt *o)
{
	char letters[8] = "", letter[2] = { o->letter, '\0' };
	char no_letter[2] = { o->no_letter, '\0' };

	if (o->letter) {
		(void)snprintf(letters, sizeof(letters), "-%c", o->letter);
		spelling(o, "-", letter, letters);
	}
	spelling(o, "--", o->name, letters);
	if (o->no_letter)
		negation(o, "-", no_letter);
	if (opt_has_no(o))
		negation(o, "--no-", o->name);
}

static void operand(const struct opt *o, int n)
{
	if (o->type == OPT_TYPE_OPERAND)
		printf("\t'%d:", n);
	else
		fputs(o->type == OPT_TYPE_REST ? "\t'*:::" : "\t'*:", stdout);
	text(o->arg);
	putchar(':');
	if (o->type == OPT_TYPE_REST)
		fputs("_faas_rest", stdout);
	else
		action(o);
	puts("'");
}

static void specs(const struct opt *opts)
{
	int n = 0;

	for (const struct opt *o = opts; o && o->type != OPT_TYPE_END; o++) {
		if (opt_is_operand(o))
			operand(o, ++n);
		else if (opt_visible(o))
			option(o);
	}
}

/* What a list of commands offers, and which function goes on. */
static void dispatcher(const char *path, const struct cmd *const *list)
{
	fputs("\tlocal -a known=(\n", stdout);
	for (const struct cmd *const *c = list; *c; c++) {
		if ((*c)->flags & CMD_HIDDEN)
			continue;
		printf("\t\t'%s:", (*c)->name);
		text((*c)->summary);
		puts("'");
	}
	puts("\t)\n\t_faas_commands && return\n\tcase $words[1] in");
	for (const struct cmd *const *c = list; *c; c++) {
		char sub[96];

		if ((*c)->flags & CMD_HIDDEN)
			continue;
		printf("\t%s", (*c)->name);
		for (const char *const *a = (*c)->aliases; a && *a; a++)
			printf(" | %s", *a);
		fputs(") ", stdout);
		(void)snprintf(sub, sizeof(sub), "%s%s%s", path, *path ? " " : "",
			       (*c)->name);
		function(sub);
		puts(" ;;");
	}
	puts("\tesac");
}

static void command(const char *path, const struct cmd *cmd)
{
	putchar('\n');
	function(path);
	puts("() {");
	if (cmd->subs && cmd->run) {
		puts("\tlocal -a specs=(");
		specs(cmd->opts);
		fputs("\t)\n\t_faas_own '", stdout);
		for (const struct cmd *const *c = cmd->subs; *c; c++) {
			printf("%s%s", c == cmd->subs ? "" : "|", (*c)->name);
			for (const char *const *a = (*c)->aliases; a && *a; a++)
				printf("|%s", *a);
		}
		puts("' && return");
	}
	if (cmd->subs) {
		dispatcher(path, cmd->subs);
	} else {
		puts("\tlocal -a specs=(");
		specs(cmd->opts);
		puts("\t)\n\t_faas_arguments");
	}
	puts("}");
}

static void at(const char *name)
{
	if (!strcmp(name, "GLOBALS"))
		specs(global_opts);
	else if (!strcmp(name, "TOP"))
		dispatcher("", commands);
	else if (!strcmp(name, "FUNCTIONS"))
		docgen_each(command);
	else
		docgen_die("no such mark in a completion:", name);
}

void docgen_zsh(const char *template)
{
	docgen_fill(template, NULL, at);
}
