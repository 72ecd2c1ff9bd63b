#include "cmd/command.h"

#include <string.h>

#include "lib/base/nearest.h"

const struct cmd *const commands[] = {
#define X(name) &cmd_##name,
	COMMANDS(X)
#undef X
	NULL
};

const struct cmd *cmd_find(const struct cmd *const *list, const char *name)
{
	for (; *list; list++) {
		if (!strcmp((*list)->name, name))
			return *list;
		for (const char *const *a = (*list)->aliases; a && *a; a++)
			if (!strcmp(*a, name))
				return *list;
	}
	return NULL;
}

const struct cmd *cmd_walk(char *const *words, int n, int *ret_n)
{
	const struct cmd *const *list = commands;
	const struct cmd *found = NULL;

	*ret_n = 0;
	while (list && *ret_n < n) {
		const struct cmd *next = cmd_find(list, words[*ret_n]);

		if (!next)
			break;
		found = next;
		list = next->subs;
		++*ret_n;
	}
	return found;
}

const char *cmd_nearest(const struct cmd *const *list, const char *word)
{
	struct nearest near = NEAREST(word);

	for (; *list; list++) {
		if ((*list)->flags & CMD_HIDDEN)
			continue;
		nearest_try(&near, (*list)->name);
		for (const char *const *a = (*list)->aliases; a && *a; a++)
			nearest_try(&near, *a);
	}
	return near.best;
}
