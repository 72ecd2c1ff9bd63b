#include "lib/base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void (*at_end)(void);

void memory_at_end(void (*end)(void))
{
	at_end = end;
}

void *memory_must(void *p)
{
	static const char words[] = "there is no memory left\n";

	if (p)
		return p;
	if (at_end)
		at_end();
	(void)!write(STDERR_FILENO, words, sizeof(words) - 1);
	_exit(EXIT_FAILURE);
}

void *memory_get(size_t size)
{
	return memory_must(malloc(size ? size : 1));
}

char *memory_copy(const char *s)
{
	return s ? memory_must(strdup(s)) : NULL;
}
