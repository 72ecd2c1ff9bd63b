#ifndef FAAS_CLIENT_ITEMS_H
#define FAAS_CLIENT_ITEMS_H

/*
 * Items, and a command with a place for one
 * =========================================
 *
 *	struct items items = { 0 };
 *
 *	if (items_read(&items, fd, "names", '\n', err) < 0)
 *		return -1;
 *	words = items_fill(&template, items.v[i], err);
 *
 * All are read before the first is used, so that their number is known, and what is
 * wrong with one of them is said before anything is done.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

/* ITEM_MAX: the kernel's bound of a word is 128 KiB, and FAAS_ITEM= is part of one. */
enum { ITEMS_MAX = 1000000, ITEMS_BYTES = 256 << 20, ITEM_MAX = (128 << 10) - 16 };

struct items {
	char **v;
	size_t n, size;
};

void items_release(struct items *items);
DEFINE_CLEANUP(struct items *, items_release);

/*
 * What fd has until its end, split at the delimiter. Empty lines are left out; between
 * NUL bytes an empty item is one. name is for messages.
 */
int items_read(struct items *items, int fd, const char *name, char delimiter,
	       struct error *err) _must_check_;
int items_add(struct items *items, const char *data, size_t len, struct error *err)
	_must_check_;

/*
 * Words in which `mark` stands for the item. In the shell's code a variable takes its
 * place, quoted as it must be there: what is in an item is never code.
 */
struct item_template {
	const char *const *words;
	int n;
	const char *mark;		/* "{}" */
	bool shell;			/* words[0] is code of the shell: "${FAAS_ITEM}" there */
	bool program;			/* words[0] is code of a language: no place for one */
};

/*
 * The words with the item in the place of each mark, and after them where there is
 * none. NULL-ended and one allocation, to be freed with free(); NULL: *err.
 */
char **items_fill(const struct item_template *t, const char *item, int *ret_n,
		  struct error *err) _must_check_;

#endif
