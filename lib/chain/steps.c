#include "lib/chain/steps.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/nearest.h"
#include "lib/base/strbuf.h"
#include "lib/chain/words.h"

#define INSTRUCTIONS	"FROM, RUN, COPY, ENV and WORKDIR"

static const char *const names[] = {
	[STEP_RUN] = "RUN", [STEP_COPY] = "COPY", [STEP_ENV] = "ENV", [STEP_WORKDIR] = "WORKDIR",
};

const char *step_name(enum step_kind kind)
{
	return names[kind];
}

static void step_release(struct step *s)
{
	struct words words = { s->words, s->n };

	words_release(&words);
	free(s->text);
	*s = (struct step){ 0 };
}

void steps_release(struct steps *steps)
{
	for (int i = 0; i < steps->n; i++)
		step_release(&steps->v[i]);
	free(steps->v);
	free(steps->base);
	*steps = (struct steps){ 0 };
}

/* ---- what each kind may be ---- */

static bool is_variable(const char *word)
{
	size_t n = strcspn(word, "=");

	if (!word[n] || !n || isdigit((unsigned char)*word))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)word[i]) && word[i] != '_')
			return false;
	return true;
}

static int check_variables(const struct words *w, struct error *err)
{
	if (!w->n)
		return err_set(err, ERR_USAGE, "ENV needs NAME=value");
	for (int i = 0; i < w->n; i++)
		if (!is_variable(w->v[i])) {
			(void)err_set(err, ERR_USAGE, "'%.64s' is not NAME=value", w->v[i]);
			return err_hint(err, "a name is of letters, digits and '_'; a value with "
					"spaces is quoted");
		}
	return 0;
}

/* Where the steps before it are: the last WORKDIR's, or NULL. */
static const char *folder_before(const struct steps *steps)
{
	for (int i = steps->n; i--;)
		if (steps->v[i].kind == STEP_WORKDIR)
			return steps->v[i].words[0];
	return NULL;
}

/* Absolute, without "." and "//". */
static int make_folder(const struct steps *steps, struct words *w, struct error *err)
{
	const char *before = folder_before(steps), *word = w->n == 1 ? w->v[0] : "";
	cleanup_strbuf struct strbuf path = STRBUF(4095);

	if (w->n != 1 || !*word)
		return err_set(err, ERR_USAGE, "WORKDIR needs one folder");
	if (*word != '/' && !before) {
		(void)err_set(err, ERR_USAGE, "the first WORKDIR must be absolute, not '%.64s'",
			      word);
		return err_hint(err, "'/work/%.100s', perhaps", word);
	}
	if (*word != '/' && strcmp(before, "/"))
		strbuf_adds(&path, before);
	while (*word) {
		size_t n = strcspn(word, "/");

		if (n == 2 && !strncmp(word, "..", 2))
			return err_set(err, ERR_USAGE, "a folder may not have '..' in it");
		if (n && !(n == 1 && *word == '.')) {
			strbuf_addc(&path, '/');
			strbuf_add(&path, word, n);
		}
		word += n + (word[n] == '/');
	}
	if (strbuf_failed(&path))
		return err_set(err, ERR_USAGE, "the folder's path is too long");
	free(w->v[0]);
	w->v[0] = strdup(path.len ? path.buf : "/");
	return w->v[0] ? 0 : err_sys(err, ENOMEM, "keep a step");
}

static int check_copy(const struct words *w, struct error *err)
{
	if (w->n && !strncmp(w->v[0], "--", 2))
		return err_set(err, ERR_USAGE, "COPY has no option '%.64s'", w->v[0]);
	if (w->n < 2) {
		(void)err_set(err, ERR_USAGE, "COPY needs a source and a destination");
		return err_hint(err, "such as: COPY requirements.txt .");
	}
	for (int i = 0; i < w->n; i++)
		if (!*w->v[i])
			return err_set(err, ERR_USAGE, "the name of a file is empty");
	return 0;
}

static int check_run(const struct words *w, bool shell, struct error *err)
{
	const char *word = w->n ? w->v[0] : "";

	if (!*word)
		return err_set(err, ERR_USAGE, "RUN needs a command");
	if (shell && !strncmp(word, "<<", 2)) {
		(void)err_set(err, ERR_USAGE, "RUN knows no here-documents");
		return err_hint(err, "COPY a script, and RUN that");
	}
	if (shell && !strncmp(word, "--", 2))
		return err_set(err, ERR_USAGE, "RUN has no option '%.*s'",
			       (int)strcspn(word, " \t"), word);
	return 0;
}

/* Takes the words. */
static int add(struct steps *to, struct step step, struct words *w, const char *text,
	       struct error *err)
{
	struct step *v;
	int r = 0;

	if (step.kind == STEP_RUN)
		r = check_run(w, step.shell, err);
	else if (step.kind == STEP_COPY)
		r = check_copy(w, err);
	else if (step.kind == STEP_ENV)
		r = check_variables(w, err);
	else
		r = make_folder(to, w, err);
	if (r < 0)
		return -1;
	if (to->n >= STEPS_MAX_COUNT)
		return err_set(err, ERR_USAGE, "more than %d steps", STEPS_MAX_COUNT);
	v = reallocarray(to->v, (size_t)to->n + 1, sizeof(*v));
	if (v)
		to->v = v;
	step.text = strdup(text);
	if (!v || !step.text) {
		free(step.text);
		return err_sys(err, ENOMEM, "keep a step");
	}
	step.words = w->v;
	step.n = w->n;
	*w = (struct words){ 0 };
	v[to->n++] = step;
	return 0;
}

/* ---- a file ---- */

static int unknown(const char *word, size_t len, struct error *err)
{
	static const char *const all[] = { "FROM", "RUN", "COPY", "ENV", "WORKDIR" };
	char given[32];
	struct nearest near;

	(void)snprintf(given, sizeof(given), "%.*s", (int)(len < 31 ? len : 31), word);
	for (char *p = given; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	near = (struct nearest)NEAREST(given);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		nearest_try(&near, all[i]);
	(void)err_set(err, ERR_USAGE, "'%s' is no instruction", given);
	if (near.best)
		return err_hint(err, "did you mean '%s'?", near.best);
	return err_hint(err, "there are " INSTRUCTIONS);
}

static int add_from(struct steps *to, const char *rest, struct error *err)
{
	cleanup_words struct words w = { 0 };

	if (words_split(rest, &w, err) < 0)
		return -1;
	if (to->n || to->base)
		return err_set(err, ERR_USAGE, "FROM comes once, before all steps");
	if (w.n != 1 || !*w.v[0])
		return err_set(err, ERR_USAGE, "FROM needs one snapshot or environment");
	to->base = strdup(w.v[0]);
	return to->base ? 0 : err_sys(err, ENOMEM, "keep a step");
}

static int add_line(struct steps *to, const char *line, int number, struct error *err)
{
	size_t len = strcspn(line, " \t");
	const char *rest = line + len + strspn(line + len, " \t");
	cleanup_words struct words w = { 0 };
	struct step step = { .line = number };
	int r;

	if (len == 4 && !strncasecmp(line, "FROM", 4))
		return add_from(to, rest, err);
	while (step.kind < (int)ARRAY_SIZE(names) &&
	       (strlen(names[step.kind]) != len || strncasecmp(names[step.kind], line, len)))
		step.kind++;
	if (step.kind == (int)ARRAY_SIZE(names))
		return unknown(line, len, err);
	if (*rest == '[' && (step.kind == STEP_RUN || step.kind == STEP_COPY))
		r = words_json(rest, &w, err);
	else if (step.kind != STEP_RUN)
		r = words_split(rest, &w, err);
	else
		r = -1;
	/* "[ -e x ] || y" is code */
	step.shell = r < 0 && step.kind == STEP_RUN &&
		(*rest != '[' || strchr(" \t[", rest[1]));
	if (step.shell)
		r = words_add(&w, rest, strlen(rest), err);
	return r < 0 ? -1 : add(to, step, &w, line, err);
}

struct reader {
	const char *at, *end;
	int line;		/* of what was read last */
};

/* The next line, without its end; false when there is none. */
static bool read_line(struct reader *r, const char **ret, size_t *ret_len)
{
	const char *end;

	if (r->at == r->end)
		return false;
	end = memchr(r->at, '\n', (size_t)(r->end - r->at));
	*ret = r->at;
	*ret_len = (size_t)((end ? end : r->end) - r->at);
	r->at = end ? end + 1 : r->end;
	r->line++;
	while (*ret_len && strchr("\r \t", (*ret)[*ret_len - 1]))
		--*ret_len;
	return true;
}

static bool is_comment(const char *line, size_t len)
{
	size_t blank = 0;

	while (blank < len && strchr(" \t", line[blank]))
		blank++;
	return blank < len && line[blank] == '#';
}

/* Lines that end with a backslash are one, comments between them not counted. */
static int read_instruction(struct reader *r, const char *line, size_t len,
			    struct strbuf *to, struct error *err)
{
	while (len && line[len - 1] == '\\') {
		strbuf_add(to, line, len - 1);
		do
			if (!read_line(r, &line, &len))
				return err_set(err, ERR_USAGE, "the last line ends with a \\");
		while (is_comment(line, len));
	}
	strbuf_add(to, line, len);
	return strbuf_failed(to) ? err_sys(err, ENOMEM, "keep a step") : 0;
}

int steps_parse(const char *text, size_t size, const char *name, struct steps *to,
		struct error *err)
{
	struct reader r = { text, text + size, 0 };
	const char *line;
	size_t len;

	if (size > STEPS_MAX_SIZE)
		return err_set(err, ERR_USAGE, "'%s' is larger than %d MiB", name,
			       STEPS_MAX_SIZE >> 20);
	while (read_line(&r, &line, &len)) {
		cleanup_strbuf struct strbuf whole = STRBUF(STEPS_MAX_SIZE);
		int number = r.line;

		if (!len || is_comment(line, len))
			continue;
		if (read_instruction(&r, line, len, &whole, err) < 0)
			return err_wrap(err, "%s:%d", name, number);
		if (strlen(whole.buf) != whole.len)
			return err_set(err, ERR_USAGE, "%s:%d: a NUL byte", name, number);
		if (add_line(to, whole.buf + strspn(whole.buf, " \t"), number, err) < 0)
			return err_wrap(err, "%s:%d", name, number);
	}
	return 0;
}

/* ---- options ---- */

/*
 * SRC[:DST]; by itself it keeps its name, in the folder that the step is in. A ':' in
 * a name that exists as it is belongs to the name.
 */
static int copy_words(const char *value, struct words *w, struct error *err)
{
	const char *colon = access(value, F_OK) ? strrchr(value, ':') : NULL, *base;
	size_t len = colon ? (size_t)(colon - value) : strlen(value);

	while (len > 1 && value[len - 1] == '/')
		len--;
	if ((colon && !colon[1]) || !len)
		return err_set(err, ERR_USAGE, "'%.64s' is not SRC:DST", value);
	if (words_add(w, value, len, err) < 0)
		return -1;
	if (colon)
		return words_add(w, colon + 1, strlen(colon + 1), err);
	base = strrchr(w->v[0], '/');
	base = base && base[1] ? base + 1 : w->v[0];
	/* of those there is but the content */
	if (!strcmp(base, ".") || !strcmp(base, "..") || !strcmp(base, "/"))
		base = "./";
	return words_add(w, base, strlen(base), err);
}

int steps_add(struct steps *to, const char *option, const char *value, struct error *err)
{
	static const struct {
		const char *option;
		enum step_kind kind;
	} options[] = {
		{ "run", STEP_RUN }, { "layer", STEP_RUN }, { "copy", STEP_COPY },
		{ "set", STEP_ENV }, { "variable", STEP_ENV }, { "workdir", STEP_WORKDIR },
	};
	struct step step = { .anywhere = true };
	cleanup_words struct words w = { 0 };
	cleanup_free char *text = NULL;
	size_t i = 0;
	int r;

	while (i < ARRAY_SIZE(options) && strcmp(options[i].option, option))
		i++;
	if (i == ARRAY_SIZE(options))
		return err_set(err, ERR_BUG, "no step is called '%s'", option);
	step.kind = options[i].kind;
	step.shell = step.kind == STEP_RUN;
	if (asprintf(&text, "%s %s", names[step.kind], value) < 0) {
		text = NULL;
		return err_sys(err, ENOMEM, "keep a step");
	}
	r = step.kind == STEP_COPY ? copy_words(value, &w, err)
				   : words_add(&w, value, strlen(value), err);
	if (r < 0 || add(to, step, &w, text, err) < 0)
		return err_wrap(err, "--%s", option);
	return 0;
}
