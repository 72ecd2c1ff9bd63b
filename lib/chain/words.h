#ifndef FAAS_CHAIN_WORDS_H
#define FAAS_CHAIN_WORDS_H

/* The words of one line of a chain: quoted, escaped, or as JSON. */

#include "lib/base/error.h"

struct words {
	char **v;		/* each malloc'ed */
	int n;
};

enum { WORDS_MAX = 1024 };

/*
 * 'as it is', "with \" and \\", and\ without. A '$' that is neither in '' nor behind a
 * backslash is ERR_USAGE. The errors say what, not where.
 */
int words_split(const char *text, struct words *ret, struct error *err) _must_check_;
/* ["a", "b"]: a JSON array of text, none of it with a NUL. */
int words_json(const char *text, struct words *ret, struct error *err) _must_check_;
int words_add(struct words *to, const char *word, size_t len, struct error *err) _must_check_;
void words_release(struct words *words);
#define cleanup_words	__attribute__((cleanup(words_release)))

#endif
