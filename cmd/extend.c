#include "cmd/extend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/config/config.h"

/*
 * Splits text in place at blanks; '...' and "..." keep what is in them together and
 * \ the next character. The number of words, or -1 for an open quote.
 */
static int split(char *text, char **words)
{
	char *to = text;
	int n = 0;

	while (*text) {
		char quote = 0;

		while (*text == ' ' || *text == '\t')
			text++;
		if (!*text)
			break;
		words[n++] = to;
		for (; *text && (quote || (*text != ' ' && *text != '\t')); text++) {
			if (quote ? *text == quote : *text == '\'' || *text == '"')
				quote = quote ? 0 : *text;
			else if (*text == '\\' && quote != '\'' && text[1])
				*to++ = *++text;
			else
				*to++ = *text;
		}
		if (quote)
			return -1;
		if (*text)
			text++;
		*to++ = '\0';
	}
	return n;
}

int extend_alias(int argc, char **argv, char ***ret_words, struct error *err)
{
	const struct config *c = global_config(err);
	const struct config_entry *e;
	cleanup_free char **words = NULL;
	char key[160];
	size_t len, max;
	int n;

	if (!c)
		return -1;
	if (snprintf(key, sizeof(key), "alias.%s", argv[1]) >= (int)sizeof(key))
		return 0;
	e = config_find(c, key);
	if (!e)
		return 0;
	/* every second character a word, then ours, a NULL, and the text itself */
	len = strlen(e->value);
	max = len / 2 + 2 + (size_t)argc;
	words = calloc(1, max * sizeof(*words) + len + 1);
	if (!words)
		abort();
	memcpy(words + max, e->value, len + 1);
	words[0] = argv[0];
	n = split((char *)(words + max), words + 1);
	if (n <= 0)
		return err_set(err, ERR_USAGE, n ? "%s: a quote in alias '%s' is not "
			       "closed" : "%s: alias '%s' has no words", e->origin,
			       argv[1]);
	for (int i = 2; i < argc; i++)
		words[++n] = argv[i];
	*ret_words = TAKE_PTR(words);
	return n + 1;
}

static int add_globals(const struct globals *g, char **words)
{
	const struct {
		bool on;
		const char *word;
	} flags[] = {
		{ g->json, "--json" }, { g->quiet, "--quiet" },
		{ g->verbose, "--verbose" }, { g->no_input, "--no-input" },
		{ g->no_pager, "--no-pager" },
	};
	int n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (flags[i].on)
			words[n++] = (char *)flags[i].word;
	return n;
}

int extend_program(const struct globals *g, int argc, char **argv, struct error *err)
{
	cleanup_free char *name = NULL;
	cleanup_free char **words = NULL;
	int n;

	if (strchr(argv[1], '/') || asprintf(&name, "faas-%s", argv[1]) < 0) {
		name = NULL;
		return 0;
	}
	words = calloc((size_t)argc + 8, sizeof(*words));
	if (!words)
		abort();
	words[0] = name;
	n = 1 + add_globals(g, words + 1);
	for (int i = 2; i < argc; i++)
		words[n++] = argv[i];
	if (g->context && setenv("FAAS_CONTEXT", g->context, 1) < 0)
		return err_sys(err, errno, "set FAAS_CONTEXT");
	if (g->color && setenv("FAAS_COLOR", g->color, 1) < 0)
		return err_sys(err, errno, "set FAAS_COLOR");
	(void)execvp(name, words);
	/* a folder of PATH that cannot be searched does not hide the answer */
	if (errno == ENOENT || errno == ENOTDIR || errno == EACCES)
		return 0;
	return err_sys(err, errno, "run '%s'", name);
}
