/*
 * Any head of a file, any file name: what is found must be a row of the table,
 * must not depend on what follows the first line, and nothing past the end of
 * the head is read.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/lang/lang.h"

static void check_row(const struct lang *lang)
{
	if (lang && lang_by_name(lang->name) != lang)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *head = malloc(size + 1);
	const struct lang *lang;
	const char *newline;

	memcpy(head, data, size);
	lang = lang_by_shebang(head, size);
	check_row(lang);
	newline = memchr(head, '\n', size);
	if (newline && lang_by_shebang(head, (size_t)(newline - head)) != lang)
		abort();

	head[size] = '\0';
	check_row(lang_by_name(head));
	check_row(lang_by_filename(head));
	check_row(lang_nearest(head));
	free(head);
	return 0;
}
