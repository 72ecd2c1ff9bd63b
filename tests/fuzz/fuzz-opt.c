/*
 * Any argv: opt_parse() must return, must not touch memory that is not its
 * own, and must leave a message when it fails.
 */

#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/cli/opt.h"

#define ARGS struct args
ARGS {
	const char *name, *mode, *operand;
	uint64_t ms, count, size, cpus;
	int fd, tty;
	bool flag;
	struct opt_strs vars;
	struct opt_rest rest;
};

static const char *const modes[] = { "a", "b", NULL };
static const struct opt opts[] = {
	OPT_STR('n', "name", "name", ARGS, name, HINT_NONE, "a name"),
	OPT_CHOICE('m', "mode", "mode", ARGS, mode, modes, "a mode"),
	OPT_MS('t', "timeout", "time", ARGS, ms, "a time"),
	OPT_UINT('c', "count", "n", ARGS, count, "a number"),
	OPT_FLAG('f', "flag", ARGS, flag, "a flag"),
	OPT_SIZE('s', "size", "size", ARGS, size, "a size", .max = 1 << 20),
	OPT_CPUS(0, "cpus", "n", ARGS, cpus, "CPUs"),
	OPT_INT('i', "fd", "fd", ARGS, fd, "a descriptor"),
	OPT_TRI('y', 'Y', "tty", ARGS, tty, "a terminal"),
	OPT_STRS('e', "var", "var", ARGS, vars, HINT_NONE, "a variable"),
	OPERAND("operand", ARGS, operand, HINT_NONE, "an operand"),
	OPERAND_REST("rest", ARGS, rest, "the rest"),
	OPT_END
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	char *argv[66] = { (char *)"cmd" };
	struct error err = { 0 };
	ARGS args = { 0 };
	int argc = 1;

	memcpy(text, data, size);
	text[size] = '\0';
	for (char *p = text; p <= text + size && argc < 64; p += strlen(p) + 1)
		argv[argc++] = p;
	argv[argc] = NULL;

	if (opt_parse(opts, argc, argv, &args, &err) < 0 && !err.msg[0])
		abort();
	if (args.size > 1 << 20 || args.fd < 0)
		abort();
	opt_release(opts, &args);
	free(text);
	return 0;
}
