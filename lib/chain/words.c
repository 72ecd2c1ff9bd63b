#include "lib/chain/words.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"

enum { WORD_MAX = 1 << 20 };

void words_release(struct words *words)
{
	for (int i = 0; i < words->n; i++)
		free(words->v[i]);
	free(words->v);
	*words = (struct words){ 0 };
}

int words_add(struct words *to, const char *word, size_t len, struct error *err)
{
	char **v = to->n < WORDS_MAX ? reallocarray(to->v, (size_t)to->n + 1, sizeof(*v)) : NULL;

	if (to->n >= WORDS_MAX)
		return err_set(err, ERR_USAGE, "more than %d words", WORDS_MAX);
	if (v)
		to->v = v;
	if (!v || !(v[to->n] = strndup(word, len)))
		return err_sys(err, ENOMEM, "keep a step");
	to->n++;
	return 0;
}

static int expanded(struct error *err)
{
	(void)err_set(err, ERR_USAGE, "'$' is not expanded here");
	return err_hint(err, "for the character itself write \\$ or '$'; in RUN the shell "
			"expands it");
}

/* The rest of a word in quotes; *at is behind the first one, then behind the last. */
static int quoted(const char **at, char quote, struct strbuf *word, struct error *err)
{
	const char *p = *at;

	for (; *p && *p != quote; p++) {
		if (quote == '"' && *p == '$')
			return expanded(err);
		if (quote == '"' && *p == '\\' && p[1] && strchr("\"\\$", p[1]))
			p++;
		strbuf_addc(word, *p);
	}
	if (!*p)
		return err_set(err, ERR_USAGE, "a %c that is not closed", quote);
	*at = p + 1;
	return 0;
}

static int one_word(const char **at, struct strbuf *word, struct error *err)
{
	while (**at && !strchr(" \t", **at)) {
		char c = *(*at)++;

		if (c == '$')
			return expanded(err);
		if (c == '\'' || c == '"') {
			if (quoted(at, c, word, err) < 0)
				return -1;
			continue;
		}
		if (c == '\\') {
			if (!**at)
				return err_set(err, ERR_USAGE, "a \\ with nothing behind it");
			c = *(*at)++;
		}
		strbuf_addc(word, c);
	}
	return 0;
}

int words_split(const char *text, struct words *ret, struct error *err)
{
	cleanup_words struct words got = { 0 };

	for (const char *p = text + strspn(text, " \t"); *p; p += strspn(p, " \t")) {
		cleanup_strbuf struct strbuf word = STRBUF(WORD_MAX);

		if (one_word(&p, &word, err) < 0 ||
		    words_add(&got, word.buf, word.len, err) < 0)
			return -1;
		if (strbuf_failed(&word))
			return err_set(err, ERR_USAGE, "a word that is too long");
	}
	*ret = got;
	got = (struct words){ 0 };
	return 0;
}

int words_json(const char *text, struct words *ret, struct error *err)
{
	cleanup_words struct words got = { 0 };
	json_t *list = json_loads(text, 0, NULL), *word;
	int r = 0;
	size_t i;

	if (!json_is_array(list) || !json_array_size(list)) {
		json_decref(list);
		return err_set(err, ERR_USAGE, "'[' begins a JSON array of text, which this is not");
	}
	json_array_foreach(list, i, word) {
		const char *s = json_string_value(word);

		if (!s)
			r = err_set(err, ERR_USAGE, "word %zu of the array is not text", i + 1);
		else
			r = words_add(&got, s, json_string_length(word), err);
		if (r < 0)
			break;
	}
	json_decref(list);
	if (r < 0)
		return -1;
	*ret = got;
	got = (struct words){ 0 };
	return 0;
}
