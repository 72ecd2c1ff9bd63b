#include "cmd/docgen.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/global.h"
#include "cmd/help.h"
#include "lib/base/cleanup.h"
#include "lib/config/keys.h"

/*
 * Manual pages. What a template does not say, this does.
 *
 * A command's template, man/faas-x.1.in, is prose with these lines in it:
 *
 *	@NAME@ @SYNOPSIS@ @SUMMARY@	text for the section they are in
 *	@OPTIONS@ @EXAMPLES@ @ENVIRONMENT@ @EXIT@ @SEEALSO@	whole sections
 *
 * and at its end, for options that need more than one line:
 *
 *	@ABOUT timeout
 *	More about --timeout.
 *	@ABOUT create.labels
 *	More about --labels of the command create.
 */

static const char plain_page[] =
	"@TITLE@\n.SH NAME\n@NAME@\n.SH SYNOPSIS\n@SYNOPSIS@\n"
	".SH DESCRIPTION\n@SUMMARY@\n@OPTIONS@\n@EXAMPLES@\n@ENVIRONMENT@\n"
	"@EXIT@\n@SEEALSO@\n";

/* What the callbacks of docgen_fill() are about. */
static const struct cmd *the_cmd;
static const char *the_template;

/* Text that roff and typographers would otherwise improve. */
static void roff(const char *s, bool at_start)
{
	static const char from[] = "-\\'`^~\"";
	static const char *const to[] = {
		"\\-", "\\e", "\\(aq", "\\(ga", "\\(ha", "\\(ti", "\\(dq",
	};

	for (; *s; s++) {
		const char *at = strchr(from, *s);

		if (at_start && *s == '.')
			fputs("\\&", stdout);
		if (at)
			fputs(to[at - from], stdout);
		else
			putchar(*s);
		at_start = *s == '\n';
	}
}

/* "do it" -> "Do it.\n" */
static void sentence(const char *s)
{
	char first[2] = { (char)toupper((unsigned char)s[0]), '\0' };

	roff(first, true);
	roff(s + 1, false);
	puts(".");
}

static void synopsis(const char *path, const struct cmd *cmd)
{
	cleanup_free char *text = NULL;
	char full[128];
	size_t len;
	FILE *f;

	if (cmd->flags & CMD_HIDDEN)
		return;
	if (cmd->run) {
		f = open_memstream(&text, &len);
		if (!f)
			abort();
		(void)snprintf(full, sizeof(full), "faas %s", path);
		help_synopsis(f, full, cmd);
		fclose(f);
		puts(".nf");
		roff(text, true);
		puts(".fi");
	}
	for (const struct cmd *const *s = cmd->subs; s && *s; s++) {
		(void)snprintf(full, sizeof(full), "%s %s", path, (*s)->name);
		synopsis(full, *s);
	}
}

static void name_of(const struct opt *o, const char *sub, char buf[96])
{
	(void)snprintf(buf, 96, "%s%s%s", sub, *sub ? "." : "",
		       o->name ? o->name : o->arg);
}

/* The paragraph after "@ABOUT name" in the template, or NULL. */
static char *about(const char *name)
{
	char mark[128];
	const char *p, *end;

	(void)snprintf(mark, sizeof(mark), "@ABOUT %s\n", name);
	p = the_template ? strstr(the_template, mark) : NULL;
	if (!p)
		return NULL;
	p += strlen(mark);
	end = strstr(p, "@ABOUT ");
	return end ? strndup(p, (size_t)(end - p)) : strdup(p);
}

static void option(const struct opt *o, const char *sub)
{
	cleanup_free char *prose = NULL, *word = NULL, *remarks = NULL;
	char name[96];
	size_t len;
	FILE *f = open_memstream(&word, &len);

	if (!f)
		abort();
	help_words(f, o);
	fclose(f);
	f = open_memstream(&remarks, &len);
	if (!f)
		abort();
	help_remarks(f, o);
	fclose(f);

	fputs(".TP\n.B ", stdout);
	roff(word, false);
	putchar('\n');
	sentence(o->help);
	if (*remarks) {
		roff(remarks + 1, true);
		putchar('\n');
	}
	name_of(o, sub, name);
	prose = about(name);
	if (prose)
		fputs(prose, stdout);
}

static void option_list(const struct cmd *cmd, const char *sub)
{
	for (const struct opt *o = cmd->opts; o && o->type != OPT_TYPE_END; o++) {
		if (o->type == OPT_TYPE_GROUP) {
			fputs(".PP\n.I ", stdout);
			roff((char[]){ (char)toupper((unsigned char)o->name[0]), '\0' },
			     false);
			roff(o->name + 1, false);
			putchar('\n');
		} else if (opt_visible(o)) {
			option(o, sub);
		}
	}
}

static void sub_commands(const char *path, const struct cmd *cmd)
{
	for (const struct cmd *const *s = cmd->subs; s && *s; s++) {
		char sub[96];

		if ((*s)->flags & CMD_HIDDEN)
			continue;
		(void)snprintf(sub, sizeof(sub), "%s%s%s", path, *path ? "." : "",
			       (*s)->name);
		printf(".SS %s %s\n", the_cmd->name, (*s)->name);
		sentence((*s)->summary);
		option_list(*s, sub);
		sub_commands(sub, *s);
	}
}

static bool any_option(const struct cmd *cmd)
{
	return cmd->opts && cmd->opts->type != OPT_TYPE_END;
}

static void options_section(void)
{
	if (any_option(the_cmd)) {
		puts(".SH OPTIONS");
		option_list(the_cmd, "");
	}
	if (the_cmd->subs) {
		puts(".SH COMMANDS");
		sub_commands("", the_cmd);
	}
	puts(".PP\nThe options that every command has are in\n.BR faas (1).");
}

static void examples_of(const struct cmd *cmd, bool *any)
{
	for (const char *const *e = cmd->examples; e && *e; e++) {
		fputs(*any ? "" : ".SH EXAMPLES\n.nf\n", stdout);
		*any = true;
		roff("$ ", true);
		roff(*e, false);
		putchar('\n');
	}
	for (const struct cmd *const *s = cmd->subs; s && *s; s++)
		examples_of(*s, any);
}

static void variables_of(const struct cmd *cmd, bool *any)
{
	for (const struct opt *o = cmd->opts; o && o->type != OPT_TYPE_END; o++) {
		const char *name = opt_visible(o) ? help_variable(o) : NULL;

		if (!name)
			continue;
		fputs(*any ? "" : ".SH ENVIRONMENT\n", stdout);
		*any = true;
		printf(".TP\n.B %s\nThe value when\n.B ", name);
		roff(o->name ? "--" : "", false);
		roff(o->name ? o->name : o->arg, false);
		puts("\nis not given.");
	}
	for (const struct cmd *const *s = cmd->subs; s && *s; s++)
		variables_of(*s, any);
}

/* Each exit status once, with what can lead to it. */
static void exit_list(void)
{
	puts(".TP\n.B 0\nSuccess.");
	for (enum err_code c = ERR_NONE + 1; c < ERR__MAX; c++) {
		bool first = true;

		for (enum err_code d = ERR_NONE + 1; d < c; d++)
			first = first && err_exit(d) != err_exit(c);
		if (!first || err_exit(c) >= 125)
			continue;
		printf(".TP\n.B %d\n", err_exit(c));
		for (enum err_code d = c; d < ERR__MAX; d++)
			if (err_exit(d) == err_exit(c))
				sentence(err_text(d));
	}
}

static bool passes(const struct cmd *cmd)
{
	bool any = cmd->flags & CMD_PASSES_STATUS;

	for (const struct cmd *const *s = cmd->subs; s && *s; s++)
		any = any || passes(*s);
	return any;
}

static void exit_section(void)
{
	puts(".SH EXIT STATUS");
	if (!passes(the_cmd) || the_cmd->subs)
		exit_list();
	if (passes(the_cmd))
		puts(".PP\nA command that runs a program exits as the program did, or\n"
		     "with 128 and the number of the signal that ended it; with\n"
		     "124 when the deadline passed, 126 or 127 when the program\n"
		     "cannot be executed or found, and 125 when faas itself failed.");
	puts(".PP\nSee\n.BR faas\\-exit\\-codes (7).");
}

static void title(const char *name, const char *section)
{
	fputs(".TH ", stdout);
	for (; *name; name++)
		fputs(*name == '-' ? "\\-" : (char[2]){
			(char)toupper((unsigned char)*name), '\0' }, stdout);
	printf(" %s \"\" faas\n", section);
}

static void at_command(const char *name)
{
	bool any = false;
	char page[64];

	(void)snprintf(page, sizeof(page), "faas-%s", the_cmd->name);
	if (!strcmp(name, "TITLE")) {
		title(page, "1");
	} else if (!strcmp(name, "NAME")) {
		roff(page, true);
		fputs(" \\- ", stdout);
		roff(the_cmd->summary, false);
		putchar('\n');
	} else if (!strcmp(name, "SYNOPSIS")) {
		synopsis(the_cmd->name, the_cmd);
	} else if (!strcmp(name, "SUMMARY")) {
		sentence(the_cmd->summary);
	} else if (!strcmp(name, "OPTIONS")) {
		options_section();
	} else if (!strcmp(name, "EXAMPLES")) {
		examples_of(the_cmd, &any);
		fputs(any ? ".fi\n" : "", stdout);
	} else if (!strcmp(name, "ENVIRONMENT")) {
		variables_of(the_cmd, &any);
	} else if (!strcmp(name, "EXIT")) {
		exit_section();
	} else if (!strcmp(name, "SEEALSO")) {
		puts(".SH SEE ALSO\n.BR faas (1),\n.BR faas\\-config (5),\n"
		     ".BR faas\\-exit\\-codes (7)");
	} else {
		docgen_die("no such mark in a command's page", name);
	}
}

static bool has_option(const struct cmd *cmd, const char *sub, const char *name)
{
	char have[96], deeper[96];

	for (const struct opt *o = cmd->opts; o && o->type != OPT_TYPE_END; o++) {
		name_of(o, sub, have);
		if (o->type != OPT_TYPE_GROUP && !strcmp(have, name))
			return true;
	}
	for (const struct cmd *const *s = cmd->subs; s && *s; s++) {
		(void)snprintf(deeper, sizeof(deeper), "%s%s%s", sub, *sub ? "." : "",
			       (*s)->name);
		if (has_option(*s, deeper, name))
			return true;
	}
	return false;
}

/* An @ABOUT for an option that is gone is an error, not a leftover. */
static void check_abouts(void)
{
	const char *p = the_template;

	while (p && (p = strstr(p, "@ABOUT "))) {
		char name[96];

		p += strlen("@ABOUT ");
		(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(p, "\n"), p);
		if (!has_option(the_cmd, "", name))
			docgen_die("@ABOUT an option that is not there:", name);
	}
}

void docgen_command_page(const struct cmd *cmd, const char *template)
{
	the_cmd = cmd;
	the_template = template;
	check_abouts();
	printf(".\\\" Generated from the option tables in cmd/%s%s%s. Do not edit.\n",
	       template ? " and man/faas-" : "", template ? cmd->name : "",
	       template ? ".1.in" : "");
	if (!template)
		template = plain_page;
	docgen_fill(template, strstr(template, "@ABOUT "), at_command);
}

static void configuration_keys(void)
{
	const char *text;

	for (const struct config_key *k = config_keys; k->name; k++) {
		fputs(".TP\n.B ", stdout);
		roff(k->name, false);
		putchar('\n');
		sentence(k->help);
		if (k->type == CONFIG_CHOICE) {
			fputs("One of", stdout);
			for (const char *const *c = k->choices; *c; c++)
				printf(" %s%s", *c, c[1] ? "," : "");
		} else {
			text = config_type_text(k->type);
			printf("%c", toupper((unsigned char)*text));
			roff(text + 1, false);
		}
		if (k->dflt)
			printf("; default %s", k->dflt);
		printf(".\nVariable\n.BR %s .%s\n", k->env,
		       k->project ? "" : "\nNot in a project\\(aqs file.");
	}
}

static void exit_codes(void)
{
	puts(".TP\n.B 0\nSuccess.");
	for (enum err_code c = ERR_NONE + 1; c < ERR__MAX; c++) {
		printf(".TP\n.BR %d \" (", err_exit(c));
		roff(err_name(c), false);
		puts(")\"");
		sentence(err_text(c));
	}
}

static void command_list(const char *path, const struct cmd *cmd)
{
	if (strchr(path, ' '))
		return;
	printf(".TP\n.BR faas\\-%s (1)\n", path);
	sentence(cmd->summary);
}

static void at_other(const char *name)
{
	if (!strcmp(name, "COMMANDS"))
		docgen_each(command_list);
	else if (!strcmp(name, "GLOBALS"))
		for (const struct opt *o = global_opts; o->type != OPT_TYPE_END; o++) {
			if (opt_visible(o))
				option(o, "");
		}
	else if (!strcmp(name, "KEYS"))
		configuration_keys();
	else if (!strcmp(name, "CODES"))
		exit_codes();
	else
		docgen_die("no such mark in this page:", name);
}

void docgen_other_page(const char *page, const char *template)
{
	the_template = template;
	printf(".\\\" Generated from the tables in cmd/ and lib/, and man/%s.in. "
	       "Do not edit.\n", page);
	docgen_fill(template, strstr(template, "@ABOUT "), at_other);
}
