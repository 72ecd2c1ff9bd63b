#include "cmd/help.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/global.h"
#include "lib/base/cleanup.h"
#include "lib/config/keys.h"

enum { WIDTH = 72 };	/* man indents by 7 */

/* More than a line takes are named by what the option says of them. */
enum { CHOICES_WIDTH = 40 };

static size_t choices_width(const struct opt *o)
{
	size_t width = 0;

	for (const char *const *c = o->choices; *c; c++)
		width += strlen(*c) + 1;
	return width;
}

void help_word(FILE *out, const struct opt *o)
{
	if (o->type == OPT_TYPE_OPERAND) {
		fprintf(out, "<%s>", o->arg);
		return;
	}
	if (opt_is_operand(o)) {
		fprintf(out, "<%s>...", o->arg);
		return;
	}
	fprintf(out, "--%s%s", opt_has_no(o) ? "[no-]" : "", o->name);
	if (o->type == OPT_TYPE_CHOICE && choices_width(o) <= CHOICES_WIDTH) {
		fputs("=(", out);
		for (const char *const *c = o->choices; *c; c++)
			fprintf(out, "%s%s", c == o->choices ? "" : "|", *c);
		fputc(')', out);
	} else if (opt_takes_value(o)) {
		fprintf(out, "=<%s>", o->arg);
	}
}

void help_words(FILE *out, const struct opt *o)
{
	if (o->letter)
		fprintf(out, "-%c, ", o->letter);
	if (o->no_letter)
		fprintf(out, "-%c, ", o->no_letter);
	help_word(out, o);
}

const char *help_variable(const struct opt *o)
{
	const struct config_key *k = o->config ? config_key(o->config) : NULL;

	return o->env ? o->env : k ? k->env : NULL;
}

void help_remarks(FILE *out, const struct opt *o)
{
	const struct config_key *k = o->config ? config_key(o->config) : NULL;
	const char *dflt = o->dflt ? o->dflt : k ? k->dflt : NULL;

	if (dflt)
		fprintf(out, " (default: %s)", dflt);
	if (help_variable(o))
		fprintf(out, " [%s]", help_variable(o));
}

/* The same inside the brackets a synopsis needs. */
static void synopsis_word(FILE *out, const struct opt *o)
{
	bool optional = !opt_is_operand(o) || (o->flags & OPT_OPTIONAL);

	if (optional)
		fputc('[', out);
	if (o->letter)
		fprintf(out, "-%c | ", o->letter);
	if (o->no_letter)
		fprintf(out, "-%c | ", o->no_letter);
	help_word(out, o);
	if (optional)
		fputc(']', out);
	if (o->type == OPT_TYPE_STRS)
		fputs("...", out);
}

void help_synopsis(FILE *out, const char *start, const struct cmd *cmd)
{
	size_t indent = strlen(start), column = indent;

	fputs(start, out);
	if (cmd->subs && !cmd->opts) {
		fputs(" <command> [<args>...]\n", out);
		return;
	}
	for (const struct opt *o = cmd->opts; o->type != OPT_TYPE_END; o++) {
		cleanup_free char *word = NULL;
		size_t len;
		FILE *f;

		if (!opt_visible(o))
			continue;
		f = open_memstream(&word, &len);
		if (!f)
			abort();
		synopsis_word(f, o);
		fclose(f);

		if (column > indent && column + 1 + len > WIDTH) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		}
		fprintf(out, " %s", word);
		column += 1 + len;
	}
	fputc('\n', out);
}

/* text from column indent on, broken at blanks; the cursor is at column at. */
static void wrap(FILE *out, const char *text, int at, int indent)
{
	while (*text) {
		int len = (int)strcspn(text, " ");

		if (at > indent && at + 1 + len > 79) {
			fprintf(out, "\n%*s", indent, "");
			at = indent;
		} else if (at > indent) {
			fputc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", len, text);
		at += len;
		text += len + (text[len] == ' ');
	}
	fputc('\n', out);
}

static void option_line(FILE *out, const struct opt *o)
{
	cleanup_free char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		abort();
	fputs(o->help, f);
	help_remarks(f, o);
	fclose(f);
	fputs("  ", out);
	help_words(out, o);
	fputs("\n      ", out);
	wrap(out, text, 6, 6);
}

/* Has the command its own use for a letter? */
static bool takes_letter(const struct cmd *cmd, char letter)
{
	for (const struct opt *o = cmd->opts; o->type != OPT_TYPE_END; o++)
		if (letter && (o->letter == letter || o->no_letter == letter))
			return true;
	return false;
}

static void option_lines(FILE *out, const struct cmd *cmd)
{
	bool any = false;

	for (const struct opt *o = cmd->opts; o->type != OPT_TYPE_END; o++) {
		if (o->type == OPT_TYPE_GROUP)
			fprintf(out, "%s%s:\n", any ? "\n" : "", o->name);
		else if (opt_visible(o))
			option_line(out, o);
		any = true;
	}
	fprintf(out, "%sand, as everywhere:\n", any ? "\n" : "");
	for (const struct opt *o = global_opts; o->type != OPT_TYPE_END; o++) {
		cleanup_free char *text = NULL;
		struct opt shown = *o;
		size_t len;
		FILE *f;

		if (!opt_visible(o) || global_is_hidden_by(o, cmd))
			continue;
		if (takes_letter(cmd, o->letter))
			shown.letter = 0;
		f = open_memstream(&text, &len);
		if (!f)
			abort();
		help_words(f, &shown);
		fclose(f);
		fprintf(out, "  %-32s %s\n", text, o->help);
	}
}

/* "  list          show what there is", one line each */
static void command_lines(FILE *out, const struct cmd *const *list)
{
	int column = 12;

	for (const struct cmd *const *c = list; *c; c++)
		if (!((*c)->flags & CMD_HIDDEN) && (int)strlen((*c)->name) > column)
			column = (int)strlen((*c)->name);
	for (const struct cmd *const *c = list; *c; c++) {
		if ((*c)->flags & CMD_HIDDEN)
			continue;
		fprintf(out, "  %-*s ", column, (*c)->name);
		wrap(out, (*c)->summary, column + 3, column + 3);
	}
}

void help_command(FILE *out, const char *path, const struct cmd *cmd)
{
	char line[80];

	(void)snprintf(line, sizeof(line), "usage: %s", path);
	help_synopsis(out, line, cmd);
	if (cmd->subs && cmd->opts)
		fprintf(out, "   or: %s <command> [<args>...]\n", path);
	fprintf(out, "\n%s\n\n", cmd->summary);
	for (const char *const *e = cmd->examples; e && *e; e++)
		fprintf(out, "  $ %s\n%s", *e, e[1] ? "" : "\n");
	if (cmd->subs)
		command_lines(out, cmd->subs);
	if (cmd->subs && cmd->opts)
		fputc('\n', out);
	if (cmd->opts)
		option_lines(out, cmd);
	if (cmd->subs)
		fprintf(out, "\n'%s <command> --help' explains one of them.\n", path);
	for (const char *const *a = cmd->aliases; a && *a; a++)
		fprintf(out, "%s%s%s", a == cmd->aliases ? "\nalso called: " : ", ",
			*a, a[1] ? "" : "\n");
}

/* The first examples of the first commands that have any. */
static void some_examples(FILE *out)
{
	int n = 0;

	for (const struct cmd *const *c = commands; *c && n < HELP_EXAMPLES; c++)
		for (const char *const *e = (*c)->examples;
		     e && *e && n < HELP_EXAMPLES; e++, n++)
			fprintf(out, "  $ %s\n", *e);
}

void help_overview(FILE *out)
{
	fputs("usage: faas [<options>] <command> [<args>...]\n\n"
	      "Runs code in sandboxes, and keeps, branches and compares their "
	      "state.\n\n", out);
	some_examples(out);
	fputc('\n', out);
	command_lines(out, commands);
	fputs("\n'faas help <command>' explains one of them, 'faas help --all' lists "
	      "every one.\n", out);
}

static void leaves(FILE *out, const char *path, const struct cmd *const *list)
{
	for (const struct cmd *const *c = list; *c; c++) {
		char name[64];

		if ((*c)->flags & CMD_HIDDEN)
			continue;
		(void)snprintf(name, sizeof(name), "%s%s%s", path, *path ? " " : "",
			       (*c)->name);
		if (!(*c)->subs || (*c)->run) {
			fprintf(out, "  %-24s ", name);
			wrap(out, (*c)->summary, 27, 27);
		}
		if ((*c)->subs)
			leaves(out, name, (*c)->subs);
	}
}

void help_all(FILE *out)
{
	leaves(out, "", commands);
	fputs("\nwith every command:\n", out);
	for (const struct opt *o = global_opts; o->type != OPT_TYPE_END; o++)
		if (opt_visible(o))
			option_line(out, o);
}

static const struct cmd *const *next_visible(const struct cmd *const *c)
{
	while (*c && ((*c)->flags & CMD_HIDDEN))
		c++;
	return c;
}

static void branches(FILE *out, const char *prefix, const struct cmd *const *list)
{
	for (const struct cmd *const *c = next_visible(list); *c;) {
		const struct cmd *const *after = next_visible(c + 1);
		char deeper[64];

		fprintf(out, "%s%s %s\n", prefix, *after ? "|--" : "`--", (*c)->name);
		(void)snprintf(deeper, sizeof(deeper), "%s%s", prefix,
			       *after ? "|   " : "    ");
		if ((*c)->subs)
			branches(out, deeper, (*c)->subs);
		c = after;
	}
}

void help_tree(FILE *out)
{
	fputs("faas\n", out);
	branches(out, "", commands);
}

void help_exit_codes(FILE *out)
{
	fputs("  0  success\n", out);
	for (enum err_code c = ERR_NONE + 1; c < ERR__MAX; c++)
		fprintf(out, "%3d  %-13s %s\n", err_exit(c), err_name(c), err_text(c));
	fputs("\nCommands that run something exit as it did; 125 is faas' own failure,\n"
	      "126 and 127 a command that cannot be run or found, 124 the deadline,\n"
	      "128+n the death by signal n.\n", out);
}

void help_config_keys(FILE *out)
{
	for (const struct config_key *k = config_keys; k->name; k++) {
		fprintf(out, "  %s (%s)", k->name, k->env);
		if (k->dflt)
			fprintf(out, ", default %s", k->dflt);
		fputc('\n', out);
		fprintf(out, "      %s: %s\n", k->help, config_type_text(k->type));
	}
	fputs("  alias.<name>\n      the words that 'faas <name>' stands for\n\n"
	      "In .faas/config of the project, ~/.config/faas/config and "
	      "/etc/faas/config,\none 'key = value' a line; the first that has a key "
	      "wins.\n", out);
}

void help_tutorial(FILE *out)
{
	fputs("  faas execute --snapshot base 'echo 1 >/work/n'       keep what a run left\n"
	      "  faas snapshot exec base -- cat /work/n               begin with it\n"
	      "  faas branch base --branch work                       a line that goes on\n"
	      "  faas try work 'make test'                            keep it if it succeeds\n"
	      "  faas race base --count 4 -- ./solve                  the first success wins\n"
	      "  faas branch diff work                                what changed\n"
	      "  faas branch promote work release                     a state with a name\n"
	      "\nThe manual faas-tutorial(7) goes through them.\n", out);
}
