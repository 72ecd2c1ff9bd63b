/*
 * Any text: reading it line by line ends, a failure has a message, and what
 * config_edit() makes of it can be read again and has the value that was set.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config/text.h"

static bool has(const char *text, const char *key, const char *value)
{
	static struct config_reader r;
	struct error err;
	bool found = false;
	int kind;

	r = (struct config_reader)CONFIG_READER(text);
	while ((kind = config_read_line(&r, &err)) > CONFIG_LINE_END)
		if (kind == CONFIG_LINE_PAIR && !strcmp(r.key, key))
			found = !strcmp(r.value, value);
	if (kind < 0)
		abort();
	return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = { "env", "alias.x", "a.b.c" };
	char *text = calloc(1, size + 1);
	char *value = calloc(1, size + 1);
	size_t cut;

	/* the first line is the value, the rest the file */
	memcpy(text, data, size);
	cut = strcspn(text, "\n");
	memcpy(value, text, cut);
	memmove(text, text + cut, strlen(text + cut) + 1);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct strbuf out = STRBUF(1 << 20);
		struct error err = { 0 };
		bool found;

		if (config_edit(text, keys[i], value, &out, &found, &err) == 0) {
			if (!has(out.buf, keys[i], value))
				abort();
		} else if (!err.msg[0]) {
			abort();
		}
		strbuf_release(&out);
	}
	free(text);
	free(value);
	return 0;
}
