#include <ctype.h>
#include <string.h>

#include "lib/lang/lang.h"
#include "lib/lang/table.h"

enum {
	LIMIT_LINE = 4096,	/* more than the kernel reads (255) */
	LIMIT_PROGRAM = 64,	/* longer ones are no interpreter of ours */
};

struct words {
	const char *at, *end;
};

/* Blanks, and the quotes of "env -S", part words; '\r' ends a DOS line. */
static bool parts(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '"' || c == '\'' || !c;
}

/* The next word as a range; false at the end. */
static bool next(struct words *w, struct words *ret)
{
	while (w->at < w->end && parts(*w->at))
		w->at++;
	ret->at = w->at;
	while (w->at < w->end && !parts(*w->at))
		w->at++;
	ret->end = w->at;
	return ret->at < ret->end;
}

static size_t length(const struct words *word)
{
	return (size_t)(word->end - word->at);
}

static bool begins(const struct words *word, const char *prefix)
{
	size_t len = strlen(prefix);

	return length(word) >= len && !memcmp(word->at, prefix, len);
}

/* The program that env would run: after its options and assignments. */
static bool after_env(struct words *line, struct words *ret)
{
	while (next(line, ret)) {
		if (begins(ret, "--split-string=")) {
			line->at = ret->at + strlen("--split-string=");
		} else if (begins(ret, "-S") || begins(ret, "-vS")) {
			/* "-Spython3" has its value in the same word */
			line->at = (char *)memchr(ret->at, 'S', length(ret)) + 1;
		} else if (length(ret) == 2 && (begins(ret, "-u") || begins(ret, "-C"))) {
			if (!next(line, ret))
				return false;
		} else if (*ret->at != '-' && !memchr(ret->at, '=', length(ret))) {
			return true;
		}
	}
	return false;
}

static const struct lang *by_program(const char *program)
{
	for (size_t i = 0; i < lang_table_size; i++)
		for (const char *const *s = lang_table[i].shebangs; s && *s; s++)
			if (!strcmp(*s, program))
				return &lang_table[i];
	return NULL;
}

static void base_name(struct words *word)
{
	for (const char *p = word->at; p < word->end; p++)
		if (*p == '/')
			word->at = p + 1;
}

const struct lang *lang_by_shebang(const char *head, size_t len)
{
	struct words line, word;
	const char *newline;
	char program[LIMIT_PROGRAM];
	const struct lang *lang;
	size_t n;

	if (len < 2 || head[0] != '#' || head[1] != '!')
		return NULL;
	if (len > LIMIT_LINE)
		len = LIMIT_LINE;
	newline = memchr(head, '\n', len);
	line.at = head + 2;
	line.end = newline ? newline : head + len;

	if (!next(&line, &word))
		return NULL;
	base_name(&word);
	if (length(&word) == 3 && begins(&word, "env")) {
		if (!after_env(&line, &word))
			return NULL;
		base_name(&word);
	}
	n = length(&word);
	if (!n || n >= sizeof(program))
		return NULL;
	memcpy(program, word.at, n);
	program[n] = '\0';

	/* "perl6" is itself, "python3.11", "guile-3.0" and "lua5.4" are not */
	lang = by_program(program);
	while (!lang && n > 1 && (isdigit((unsigned char)program[n - 1]) ||
				  program[n - 1] == '.' || program[n - 1] == '-')) {
		program[--n] = '\0';
		lang = by_program(program);
	}
	return lang;
}
