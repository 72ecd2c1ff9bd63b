#include "lib/cli/opt.h"

#include "tests/unit/test.h"

#define ARGS struct args
ARGS {
	const char *name, *mode, *operand;
	uint64_t ms, size, cpus, count;
	int fd, tty;
	bool flag, keep;
	struct opt_strs vars;
	struct opt_rest rest;
};

static const char *const modes[] = { "a", "b", NULL };
static const struct opt opts[] = {
	OPT_STR('n', "name", "name", ARGS, name, HINT_NONE, "a name"),
	OPT_CHOICE('m', "mode", "mode", ARGS, mode, modes, "a mode"),
	OPT_MS('t', "timeout", "time", ARGS, ms, "a time"),
	OPT_FLAG('f', "flag", ARGS, flag, "a flag"),
	OPT_GROUP("numbers"),
	OPT_SIZE(0, "memory", "size", ARGS, size, "a size", .min = 4096),
	OPT_CPUS(0, "cpus", "n", ARGS, cpus, "CPUs", .max = 64000),
	OPT_UINT('c', "count", "n", ARGS, count, "a number", .min = 1, .max = 100),
	OPT_INT(0, "status-fd", "fd", ARGS, fd, "a descriptor"),
	OPT_TRI('y', 'Y', "tty", ARGS, tty, "a terminal"),
	OPT_STRS('e', "var", "name=value", ARGS, vars, HINT_VARIABLE, "a variable"),
	OPT_FLAG(0, "keep", ARGS, keep, "keep it", .negatable = true),
	OPERAND("operand", ARGS, operand, HINT_NONE, "an operand"),
	OPERAND_REST("rest", ARGS, rest, "the rest"),
	OPT_END
};

static int parse(ARGS *args, struct error *err, char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	*args = (ARGS){ 0 };
	*err = (struct error){ 0 };
	return opt_parse(opts, argc, argv, args, err);
}
#define PARSE(...) \
	parse(&args, &err, (char **)(const char *[]){ "cmd", __VA_ARGS__, NULL })

TEST(all_spellings)
{
	struct error err;
	ARGS args;
	int r;

	r = PARSE("-fn", "x", "op");
	check(r == 0);
	check(args.flag && !strcmp(args.name, "x"));
	r = PARSE("-nx", "op");
	check(r == 0);
	check_str(args.name, "x");
	r = PARSE("--name=x", "--timeout", "5m", "op");
	check(r == 0);
	check(args.ms == 300000);
}

struct ordered {
	struct opt_strs steps;
};

TEST(options_that_share_a_field_keep_their_order)
{
	static const struct opt shared[] = {
		OPT_STRS('r', "run", "code", struct ordered, steps, HINT_NONE, "run",
			 .flags = OPT_NAMED),
		OPT_STRS('c', "copy", "file", struct ordered, steps, HINT_FILE, "copy",
			 .flags = OPT_NAMED),
		OPT_END
	};
	static const char *const words[] = { "x", "-c", "a", "--run=b", "--copy", "-r" };
	static const char *const expected[] = { "copy", "a", "run", "b", "copy", "-r" };
	struct ordered o = { { NULL, 0 } };
	struct error err;

	check(!opt_parse(shared, 6, (char **)(uintptr_t)words, &o, &err));
	check(o.steps.n == 6);
	for (int i = 0; i < 6; i++)
		check_str(o.steps.v[i], expected[i]);
	opt_release(shared, &o);
	check(!o.steps.n && !o.steps.v);
}

TEST(rest_keeps_options_of_others)
{
	struct error err;
	ARGS args;
	int r;

	r = PARSE("op", "run", "--flag", "-x");
	check(r == 0);
	check(args.rest.n == 3 && !args.flag);
	check_str(args.rest.v[1], "--flag");
	r = PARSE("--", "-op", "--", "x");
	check(r == 0);
	check_str(args.operand, "-op");
}

TEST(errors_name_the_word)
{
	struct error err;
	ARGS args;
	int r;

	r = PARSE("--timeou=1s", "op");
	check(r < 0);
	check_str(err.msg, "unknown option '--timeou=1s'");
	check_str(err.hint, "did you mean '--timeout'?");
	r = PARSE("--mode=c", "op");
	check(r < 0);
	check_str(err.msg, "invalid <mode> 'c' for '--mode'");
	check_str(err.hint, "it is one of: a, b");
	r = PARSE("--flag=1", "op");
	check(r < 0);
	r = PARSE("--timeout=18446744073709551615h", "op");
	check(r < 0);
	r = PARSE("--timeout=-1s", "op");
	check(r < 0);
	r = PARSE("-f");
	check(r < 0);
	check_str(err.msg, "missing <operand>");
	check(err.code == ERR_USAGE);
}

TEST(numbers_have_bounds)
{
	struct error err;
	ARGS args;
	int r;

	r = PARSE("--memory=1.5G", "--cpus", "0.5", "-c100", "--status-fd=3", "op");
	check(r == 0);
	check(args.size == 3ull << 29 && args.cpus == 500);
	check(args.count == 100 && args.fd == 3);
	r = PARSE("-c0", "op");
	check(r < 0);
	check_str(err.msg, "'--count' is at least 1, not '0'");
	r = PARSE("-c101", "op");
	check(r < 0);
	check_str(err.msg, "'--count' is at most 100, not '101'");
	r = PARSE("--count=99999999999999999999", "op");
	check(r < 0);
	check_str(err.msg, "'--count' is at most 100, not '99999999999999999999'");
	r = PARSE("--memory=1K", "op");
	check(r < 0);
	check_str(err.msg, "'--memory' is at least 4.0K, not '1K'");
	r = PARSE("--cpus=64.5", "op");
	check(r < 0);
	check_str(err.msg, "'--cpus' is at most 64.000, not '64.5'");
	r = PARSE("--status-fd=2147483648", "op");
	check(r < 0);
	r = PARSE("--status-fd=-1", "op");
	check(r < 0);
}

TEST(flags_that_can_be_denied)
{
	struct error err;
	ARGS args;
	int r;

	r = PARSE("op");
	check(r == 0 && args.tty == 0);
	r = PARSE("-y", "op");
	check(r == 0 && args.tty == 1);
	r = PARSE("-fY", "op");
	check(r == 0 && args.tty == -1 && args.flag);
	r = PARSE("--tty", "--no-tty", "op");
	check(r == 0 && args.tty == -1);
	r = PARSE("--keep", "--no-keep", "op");
	check(r == 0 && !args.keep);
	r = PARSE("--no-flag", "op");
	check(r < 0);
	r = PARSE("--numbers", "op");
	check(r < 0);
}

TEST(repeated_values)
{
	struct error err;
	ARGS args;
	int r;

	r = PARSE("-ea=1", "--var", "b=2", "--var=c", "op");
	check(r == 0 && args.vars.n == 3);
	check_str(args.vars.v[1], "b=2");
	check_str(args.vars.v[2], "c");
	opt_release(opts, &args);
	check(args.vars.n == 0 && !args.vars.v);
}

TEST(two_dashes_before_the_rest)
{
	struct error err;
	ARGS args;
	int r;

	r = PARSE("op", "--", "ls", "--");
	check(r == 0 && args.rest.n == 2 && args.rest.literal);
	check_str(args.rest.v[0], "ls");
	r = PARSE("op", "ls", "--", "x");
	check(r == 0 && args.rest.n == 3 && !args.rest.literal);
	r = PARSE("--", "op");
	check(r == 0 && args.rest.n == 0);
	r = PARSE("-", "-");
	check(r == 0);
	check_str(args.operand, "-");
}

struct list_args {
	struct opt_strs names;
	bool force;
};
static const struct opt list_opts[] = {
	OPT_FLAG('f', "force", struct list_args, force, "do it"),
	OPERAND_LIST("name", struct list_args, names, HINT_NONE, "names"),
	OPT_END
};

TEST(a_list_of_operands_with_options_between)
{
	char *argv[] = { (char *)"rm", (char *)"a", (char *)"-f", (char *)"b", NULL };
	struct list_args args = { { NULL, 0 }, false };
	struct error err = { 0 };
	int r = opt_parse(list_opts, 4, argv, &args, &err);

	check(r == 0 && args.force && args.names.n == 2);
	check_str(args.names.v[1], "b");
	opt_release(list_opts, &args);
	r = opt_parse(list_opts, 1, argv, &args, &err);
	check(r < 0);
	check_str(err.msg, "missing <name>");
}

static const char *value_of(const struct opt *o, void *data, const char **ret_origin)
{
	*ret_origin = "FAAS_X";
	return !strcmp(o->name, "time") ? data : NULL;
}

struct default_args {
	uint64_t ms;
	const char *name;
	int fd;
	bool flag;
};
static const struct opt default_opts[] = {
	OPT_MS(0, "time", "time", struct default_args, ms, "a time", .env = "FAAS_X"),
	OPT_STR(0, "name", "name", struct default_args, name, HINT_NONE, "a name",
		.dflt = "base"),
	OPT_INT(0, "fd", "fd", struct default_args, fd, "a descriptor"),
	OPT_FLAG(0, "flag", struct default_args, flag, "a flag", .dflt = "true"),
	OPT_END
};

TEST(defaults_come_from_the_source_and_the_table)
{
	struct opt_source source = { value_of, (char *)"2s" };
	char *argv[] = { (char *)"x", (char *)"--time=1s", (char *)"--fd=0", NULL };
	struct default_args args = { 0 };
	struct error err = { 0 };
	struct opt_layer layer = { .opts = default_opts, .args = &args };
	int used, r = opt_defaults(&layer, &source, &err);

	check(r == 0 && args.ms == 2000 && args.fd == -1 && args.flag);
	check_str(args.name, "base");

	source.data = (char *)"soon";
	r = opt_parse_layers(&layer, 1, false, 3, argv, &used, &err);
	check(r == 0);
	/* what was given needs no default, not even a right one */
	r = opt_defaults(&layer, &source, &err);
	check(r == 0 && args.ms == 1000 && args.fd == 0);
	layer.given[0] = false;
	r = opt_defaults(&layer, &source, &err);
	check(r < 0);
	check_str(err.msg,
		  "FAAS_X needs a time such as 250ms, 30s or 5m, not 'soon'");
}

struct global_args {
	bool json, help;
};
static const struct opt globals[] = {
	OPT_FLAG(0, "json", struct global_args, json, "JSON"),
	OPT_FLAG('f', "help", struct global_args, help, "help", .flags = OPT_STOP),
	OPT_END
};

TEST(layers_and_prefixes)
{
	char *argv[] = { (char *)"x", (char *)"--json", (char *)"a", (char *)"-f",
			 (char *)"b", NULL };
	struct list_args args = { { NULL, 0 }, false };
	struct global_args global = { false, false };
	struct opt_layer layers[] = {
		{ .opts = list_opts, .args = &args }, { .opts = globals, .args = &global },
	};
	struct error err = { 0 };
	int used, r = opt_parse_layers(layers, 2, false, 5, argv, &used, &err);

	/* -f is the command's: it comes first */
	check(r == 0 && used == 4 && global.json && !global.help && args.force);
	opt_release(list_opts, &args);

	r = opt_parse_layers(layers + 1, 1, true, 5, argv, &used, &err);
	check(r == 0 && used == 1);
	argv[1] = (char *)"--help";
	r = opt_parse_layers(layers, 2, false, 2, argv, &used, &err);
	check(r == 0 && global.help && used == 1);
	opt_release(list_opts, &args);
}

TEST(after_two_dashes_comes_the_rest_and_no_optional_operand)
{
	static const struct opt two[] = {
		OPERAND("operand", ARGS, operand, HINT_NONE, "an operand"),
		OPERAND_OPTIONAL("other", ARGS, name, HINT_NONE, "another"),
		OPERAND_REST("rest", ARGS, rest, "the rest"),
		OPT_END
	};
	const char *with[] = { "cmd", "a", "b", "--", "c", NULL };
	const char *without[] = { "cmd", "a", "--", "c", NULL };
	struct error err = { 0 };
	ARGS args = { 0 };

	check(!opt_parse(two, 5, (char **)with, &args, &err));
	check_str(args.name, "b");
	check(args.rest.n == 1 && args.rest.literal && !strcmp(args.rest.v[0], "c"));
	args = (ARGS){ 0 };
	check(!opt_parse(two, 4, (char **)without, &args, &err));
	check(!args.name);
	check(args.rest.n == 1 && !strcmp(args.rest.v[0], "c"));
}

TEST_MAIN;
