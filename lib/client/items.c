#include "lib/client/items.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/strbuf.h"

enum { WORDS_MAX = 4 << 20, PIECE = 65536, NESTED = 32 };

void items_release(struct items *items)
{
	for (size_t i = 0; i < items->n; i++)
		free(items->v[i]);
	free(items->v);
	*items = (struct items){ 0 };
}

int items_add(struct items *items, const char *data, size_t len, struct error *err)
{
	if (len > ITEM_MAX)
		return err_set(err, ERR_USAGE, "item %zu is longer than %d bytes", items->n + 1,
			       ITEM_MAX);
	if (memchr(data, '\0', len)) {
		(void)err_set(err, ERR_USAGE, "item %zu has a NUL byte", items->n + 1);
		return err_hint(err, "--null takes items that end with one");
	}
	if (items->n == ITEMS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d items", ITEMS_MAX);
	if (items->n == items->size) {
		size_t size = items->size ? items->size * 2 : 64;
		char **v = reallocarray(items->v, size, sizeof(*v));

		if (!v)
			return err_sys(err, ENOMEM, "read the items");
		items->v = v;
		items->size = size;
	}
	items->v[items->n] = strndup(data, len);
	if (!items->v[items->n])
		return err_sys(err, ENOMEM, "read the items");
	items->n++;
	return 0;
}

static int split(struct items *items, const char *at, size_t left, char delimiter,
		 struct error *err)
{
	while (left) {
		const char *end = memchr(at, delimiter, left);
		size_t len = end ? (size_t)(end - at) : left;
		size_t used = end ? len + 1 : len;

		if ((len || !delimiter) && items_add(items, at, len, err) < 0)
			return -1;
		at += used;
		left -= used;
	}
	return 0;
}

int items_read(struct items *items, int fd, const char *name, char delimiter,
	       struct error *err)
{
	cleanup_strbuf struct strbuf text = STRBUF(ITEMS_BYTES);
	ssize_t n;

	do {
		char piece[PIECE];

		n = read(fd, piece, sizeof(piece));
		if (n < 0 && errno != EINTR)
			return err_sys(err, errno, "read '%s'", name);
		if (n > 0)
			strbuf_add(&text, piece, (size_t)n);
	} while (n && !strbuf_failed(&text));
	if (strbuf_failed(&text))
		return err_set(err, ERR_LIMIT, "'%s' is larger than %d MiB", name,
			       ITEMS_BYTES >> 20);
	return split(items, text.buf, text.len, delimiter, err);
}

static bool add_word(struct strbuf *sb, const char *word, const char *mark, const char *item)
{
	const char *at;
	bool found = false;

	while (mark && (at = strstr(word, mark))) {
		strbuf_add(sb, word, (size_t)(at - word));
		strbuf_adds(sb, item);
		word = at + strlen(mark);
		found = true;
	}
	strbuf_add(sb, word, strlen(word) + 1);
	return found;
}

/*
 * Where in a shell's code we are: quotes, and command substitutions in them. What is not
 * followed (here-documents, backquotes) can make an item more than one word, and never
 * code: it is a variable that is put there.
 */
struct shell {
	char quote[NESTED];		/* per level: 0, '"' or '\'' */
	int depth;
	bool word_start;
};

/* How many characters belong together here. */
static size_t shell_step(struct shell *s, const char *at)
{
	char *quote = &s->quote[s->depth];
	bool start = s->word_start;

	s->word_start = !*quote && strchr(" \t\n;&|(", *at);
	if (*quote == '\'') {
		*quote = *at == '\'' ? '\0' : *quote;
		return 1;
	}
	if (*at == '\\' && at[1])
		return 2;
	if (*at == '"')
		*quote = *quote ? '\0' : '"';
	else if (!*quote && *at == '\'')
		*quote = '\'';
	else if (!*quote && *at == '#' && start)
		return strcspn(at, "\n");
	else if (((*quote && at[0] == '$' && at[1] == '(') || (!*quote && *at == '(')) &&
		 s->depth < NESTED - 1)
		s->quote[++s->depth] = '\0';
	else if (!*quote && *at == ')' && s->depth)
		s->depth--;
	return at[0] == '$' && at[1] == '(' && *quote ? 2 : 1;
}

static bool add_code(struct strbuf *sb, const char *code, const char *mark)
{
	static const char *const places[] = { "\"${FAAS_ITEM}\"", "${FAAS_ITEM}",
					      "'\"${FAAS_ITEM}\"'" };
	struct shell s = { .word_start = true };
	bool found = false;

	while (*code) {
		char quote = s.quote[s.depth];
		size_t n;

		if (!strncmp(code, mark, strlen(mark))) {
			strbuf_adds(sb, places[!quote ? 0 : quote == '"' ? 1 : 2]);
			code += strlen(mark);
			s.word_start = false;
			found = true;
			continue;
		}
		n = shell_step(&s, code);
		strbuf_add(sb, code, n);
		code += n;
	}
	strbuf_addc(sb, '\0');
	return found;
}

char **items_fill(const struct item_template *t, const char *item, int *ret_n,
		  struct error *err)
{
	cleanup_strbuf struct strbuf text = STRBUF(WORDS_MAX);
	bool found = false;
	int n = t->n;
	char **words, *at;

	for (int i = 0; i < t->n; i++) {
		bool here = t->shell && !i ? add_code(&text, t->words[i], t->mark)
			: add_word(&text, t->words[i], t->program && !i ? NULL : t->mark, item);

		found = found || here;
	}
	if (!found) {
		strbuf_add(&text, item, strlen(item) + 1);
		n++;
	}
	words = strbuf_failed(&text) ? NULL
				     : malloc((size_t)(n + 1) * sizeof(*words) + text.len);
	if (!words) {
		(void)err_set(err, ERR_LIMIT, "the command is larger than %d MiB with the item in it",
			      WORDS_MAX >> 20);
		return NULL;
	}
	at = (char *)(words + n + 1);
	memcpy(at, text.buf, text.len);
	for (int i = 0; i < n; i++, at += strlen(at) + 1)
		words[i] = at;
	words[n] = NULL;
	*ret_n = n;
	return words;
}
