#include "cmd/docgen.h"

#include <stdio.h>
#include <string.h>

#include "cmd/global.h"

/*
 * bash completion: the tables for the driver in completions/faas.bash.in. A kind of
 * value is the name of its hint, "=a b" for given words, or "." for free text.
 */

static void kind(const struct opt *o)
{
	if (o->choices) {
		putchar('=');
		for (const char *const *c = o->choices; *c; c++)
			printf("%s%s", c == o->choices ? "" : " ", *c);
		return;
	}
	fputs(o->hint ? opt_hint_name(o->hint) : ".", stdout);
}

/* "' env' | ' envs') path='env' ;;" */
static void command(const char *path, const struct cmd *cmd)
{
	const char *last = strrchr(path, ' ');
	int parent = last ? (int)(last - path) : 0;

	printf("\t'%.*s %s'", parent, path, cmd->name);
	for (const char *const *a = cmd->aliases; a && *a; a++)
		printf(" | '%.*s %s'", parent, path, *a);
	printf(") path='%s' ;;\n", path);
}

static void switches(const struct opt *opts, bool values)
{
	const char *space = "";

	for (const struct opt *o = opts; o && o->type != OPT_TYPE_END; o++) {
		if (!opt_visible(o) || opt_is_operand(o) || opt_takes_value(o) != values)
			continue;
		printf("%s--%s", space, o->name);
		space = " ";
		if (opt_has_no(o))
			printf(" --no-%s", o->name);
		if (o->letter)
			printf(" -%c", o->letter);
		if (o->no_letter)
			printf(" -%c", o->no_letter);
	}
}

static void names(const struct cmd *const *list)
{
	const char *space = "";

	for (; list && *list; list++)
		if (!((*list)->flags & CMD_HIDDEN)) {
			printf("%s%s", space, (*list)->name);
			space = " ";
		}
}

/* Everything about one command but the values of its options. */
static void about(const char *path, const struct cmd *cmd)
{
	printf("\t'%s')\n", path);
	if (cmd->subs) {
		fputs("\t\tsubs='", stdout);
		names(cmd->subs);
		puts("'");
	}
	fputs("\t\tflags='", stdout);
	switches(cmd->opts, false);
	fputs("'\n\t\tvalues='", stdout);
	switches(cmd->opts, true);
	fputs("'\n\t\toperands=(", stdout);
	for (const struct opt *o = cmd->opts; o && o->type != OPT_TYPE_END; o++) {
		if (!opt_is_operand(o))
			continue;
		putchar('\'');
		if (o->type != OPT_TYPE_OPERAND)
			putchar(o->type == OPT_TYPE_LIST ? '*' : '+');
		kind(o);
		fputs("' ", stdout);
	}
	puts(") ;;");
}

static void option_values(const char *path, const struct opt *opts)
{
	for (const struct opt *o = opts; o && o->type != OPT_TYPE_END; o++) {
		if (!opt_visible(o) || !opt_takes_value(o) ||
		    (!o->hint && !o->choices))
			continue;
		printf("\t%s --%s'", path, o->name);
		if (o->letter)
			printf(" | %s -%c'", path, o->letter);
		fputs(") kind='", stdout);
		kind(o);
		puts("' ;;");
	}
}

static void values(const char *path, const struct cmd *cmd)
{
	char quoted[100];

	(void)snprintf(quoted, sizeof(quoted), "'%s", path);
	option_values(quoted, cmd->opts);
}

static void at(const char *name)
{
	if (!strcmp(name, "COMMANDS")) {
		docgen_each(command);
	} else if (!strcmp(name, "ABOUT")) {
		fputs("\t'') subs='", stdout);
		names(commands);
		puts("' ;;");
		docgen_each(about);
	} else if (!strcmp(name, "GLOBALS")) {
		fputs("\tglobal_flags='", stdout);
		switches(global_opts, false);
		fputs("'\n\tglobal_values='", stdout);
		switches(global_opts, true);
		puts("'");
	} else if (!strcmp(name, "VALUES")) {
		docgen_each(values);
		option_values("*'", global_opts);
	} else {
		docgen_die("no such mark in a completion:", name);
	}
}

void docgen_bash(const char *template)
{
	docgen_fill(template, NULL, at);
}
