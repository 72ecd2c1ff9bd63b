#include "lib/lang/lang.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/cleanup.h"
#include "lib/base/strbuf.h"
#include "lib/lang/table.h"

enum {
	LIMIT_WORD = 64 * 1024,		/* one expanded word of a template */
	LIMIT_NAME = 32,		/* longer ones are near to nothing */
};

DEFINE_CLEANUP(char **, lang_argv_free);

size_t lang_count(void)
{
	return lang_table_size;
}

const struct lang *lang_at(size_t i)
{
	return i < lang_table_size ? &lang_table[i] : NULL;
}

static bool listed(const char *const *list, const char *word,
		   int (*compare)(const char *, const char *))
{
	for (; list && *list; list++)
		if (!compare(*list, word))
			return true;
	return false;
}

const struct lang *lang_by_name(const char *name)
{
	for (size_t i = 0; i < lang_table_size; i++)
		if (!strcasecmp(lang_table[i].name, name) ||
		    listed(lang_table[i].aliases, name, strcasecmp))
			return &lang_table[i];
	return NULL;
}

static const struct lang *by_extension(const char *extension,
				       int (*compare)(const char *, const char *))
{
	for (size_t i = 0; i < lang_table_size; i++)
		if (listed(lang_table[i].extensions, extension, compare))
			return &lang_table[i];
	return NULL;
}

const struct lang *lang_by_filename(const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *base = slash ? slash + 1 : name;
	const char *dot = strrchr(base, '.');
	const struct lang *lang;

	/* ".py" is a hidden file without an extension */
	if (!dot || dot == base)
		return NULL;
	lang = by_extension(dot + 1, strcmp);
	return lang ? lang : by_extension(dot + 1, strcasecmp);
}

/*
 * Optimal string alignment: insertions, deletions, changes and swaps of
 * neighbours each cost one. Both words are at most LIMIT_NAME long.
 */
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(b);
	size_t row[3][LIMIT_NAME + 1];	/* this one, the last, the one before */

	for (size_t j = 0; j <= n; j++)
		row[1][j] = j;
	for (size_t i = 0; a[i]; i++) {
		row[0][0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			int ca = tolower((unsigned char)a[i]);
			int cb = tolower((unsigned char)b[j]);
			size_t best = row[1][j] + (ca != cb);

			if (row[1][j + 1] + 1 < best)
				best = row[1][j + 1] + 1;
			if (row[0][j] + 1 < best)
				best = row[0][j] + 1;
			if (i && j && ca == tolower((unsigned char)b[j - 1]) &&
			    cb == tolower((unsigned char)a[i - 1]) &&
			    row[2][j - 1] + 1 < best)
				best = row[2][j - 1] + 1;
			row[0][j + 1] = best;
		}
		memcpy(row[2], row[1], sizeof(row[1]));
		memcpy(row[1], row[0], sizeof(row[0]));
	}
	return row[1][n];
}

const struct lang *lang_nearest(const char *name)
{
	size_t len = strlen(name), best = len > 4 ? 3 : len > 2 ? 2 : 1;
	const struct lang *ret = NULL;

	if (len > LIMIT_NAME)
		return NULL;
	for (size_t i = 0; i < lang_table_size; i++) {
		const struct lang *lang = &lang_table[i];
		const char *const *alias = lang->aliases;
		const char *word = lang->name;

		for (; word; word = alias ? *alias++ : NULL) {
			size_t d = distance(name, word);

			if (d < best) {
				best = d;
				ret = lang;
			}
		}
	}
	return ret;
}

/* The next of them that is for this program; NULL past the last. */
static const struct lang_need *next_need(const struct lang_need *need, const char *program)
{
	while (need && need->program && strcmp(need->program, program))
		need++;
	return need && need->program ? need : NULL;
}

static bool serves(const struct lang *lang, const char *program,
		   bool (*exists)(void *, const char *), void *arg)
{
	const struct lang_need *need = next_need(lang->needs, program);

	if (*program == '{')
		return true;
	if (!exists(arg, program))
		return false;
	if (!need || !need->file)
		return true;
	for (; need; need = next_need(need + 1, program))
		if (exists(arg, need->file))
			return true;
	return false;
}

static const char *const *choose_way(const struct lang *lang, const struct lang_step *step,
				     bool (*exists)(void *, const char *), void *arg)
{
	for (size_t i = 0; step->alternatives[i]; i++)
		if (serves(lang, step->alternatives[i][0], exists, arg))
			return step->alternatives[i];
	return NULL;
}

/* Which step of the row cannot be done, or n_steps when all can be. */
static size_t choose_row(const struct lang *lang, bool (*exists)(void *, const char *),
			 void *arg, struct lang_recipe *ret)
{
	*ret = (struct lang_recipe){ .lang = lang };
	for (; ret->n_steps < lang->n_steps; ret->n_steps++) {
		const char *const *way =
			choose_way(lang, &lang->steps[ret->n_steps], exists, arg);
		const struct lang_need *need;

		if (!way)
			break;
		ret->steps[ret->n_steps] = way;
		need = next_need(lang->needs, way[0]);
		if (need && !need->file)
			ret->unsure = way[0];
	}
	return ret->n_steps;
}

static void add_programs(struct strbuf *sb, const struct lang *lang,
			 const struct lang_step *step)
{
	for (size_t i = 0; step->alternatives[i]; i++) {
		const char *program = step->alternatives[i][0];
		const struct lang_need *need = next_need(lang->needs, program);

		if (i && !strcmp(program, step->alternatives[i - 1][0]))
			continue;
		strbuf_addf(sb, "%s%s", sb->len ? ", " : "", program);
		if (need && need->file)
			strbuf_addf(sb, " with %s", strrchr(need->file, '/') + 1);
	}
}

int lang_choose(const struct lang *lang, bool (*exists)(void *arg, const char *program),
		void *arg, struct lang_recipe *ret, struct error *err)
{
	cleanup_strbuf struct strbuf sought = STRBUF(300);
	const struct lang *l = lang;

	do {
		struct lang_recipe recipe;
		size_t stopped = choose_row(l, exists, arg, &recipe);

		if (stopped == l->n_steps) {
			*ret = recipe;
			return 0;
		}
		add_programs(&sought, l, &l->steps[stopped]);
		l = l->otherwise;
	} while (l);
	err_set(err, ERR_NO_COMMAND,
		"no program for language '%s' in the environment: looked for %s",
		lang->name, sought.buf);
	if (lang->package)
		return err_hint(err, "install it there (Debian: apt-get install %s), or "
				"see 'faas language list'", lang->package);
	return err_hint(err, "install it there (%s), or see 'faas language list'",
			lang->install);
}

static char *expand(const char *word, const char *dir, const char *source)
{
	cleanup_strbuf struct strbuf sb = STRBUF(LIMIT_WORD);
	size_t plain;

	for (; *word; word += plain) {
		plain = strcspn(word + 1, "{") + 1;
		if (!strncmp(word, "{file}", 6)) {
			if (*source != '/')
				strbuf_addf(&sb, "%s/", dir);
			strbuf_adds(&sb, source);
			plain = 6;
		} else if (!strncmp(word, "{dir}", 5)) {
			strbuf_adds(&sb, dir);
			plain = 5;
		} else if (!strncmp(word, "{out}", 5)) {
			strbuf_addf(&sb, "%s/program.out", dir);
			plain = 5;
		} else {
			strbuf_add(&sb, word, plain);
		}
	}
	if (strbuf_failed(&sb))
		return NULL;
	return strbuf_detach(&sb);
}

static size_t words(char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

static int copy(char **argv, size_t *n, char *const *args)
{
	for (; args && *args; args++)
		if (!(argv[(*n)++] = strdup(*args)))
			return -1;
	return 0;
}

char **lang_argv(const char *const *template, const char *dir, const char *source,
		 char *const *args)
{
	CLEANUP(lang_argv_free) char **argv = NULL;
	size_t n = 0;

	argv = calloc(words((char *const *)template) + words(args) + 1, sizeof(*argv));
	if (!argv)
		return NULL;
	for (; *template; template++) {
		if (strcmp(*template, "{args}")) {
			if (!(argv[n++] = expand(*template, dir, source)))
				return NULL;
		} else {
			if (copy(argv, &n, args) < 0)
				return NULL;
			args = NULL;
		}
	}
	if (copy(argv, &n, args) < 0)
		return NULL;
	return TAKE_PTR(argv);
}

char **lang_env(const struct lang *lang, const char *dir)
{
	static const char *const none[] = { NULL };

	return lang_argv(lang->env ? lang->env : none, dir, "/", NULL);
}

void lang_argv_free(char **argv)
{
	for (size_t i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
}
