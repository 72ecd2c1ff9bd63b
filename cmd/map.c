#include "cmd/map.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cmd/execution.h"
#include "cmd/snapshot.h"
#include "lib/base/parse.h"
#include "lib/client/client.h"

/*
 * faas map: a command for each of many items, each on a branch of its own.
 */

enum { OUTPUT_DEFAULT = 1 << 20 };

#define ARGS struct map_args
ARGS {
	struct run_options run;
	uint64_t jobs, output_limit, retries;
	bool null, stream, ordered, as_completed, tag, keep, resume, resume_failed;
	const char *items, *mark, *prefix, *halt, *joblog, *reduce, *from;
	struct opt_rest words;
};

static const struct opt map_opts[] = {
	OPT_GROUP("Items"),
	OPT_STR('a', "arg-file", "file", ARGS, items, HINT_FILE,
		"take items from the lines of <file> (default: of stdin)"),
	OPT_FLAG('0', "null", ARGS, null, "items end with a NUL byte, not with a line"),
	OPT_FLAG(0, "stream", ARGS, stream,
		 "run each as soon as it is read, however many will come"),
	OPT_STR('I', "replace", "text", ARGS, mark, HINT_NONE,
		"what stands for the item in the command", .dflt = "{}"),
	OPT_GROUP("Branches"),
	OPT_UINT('j', "jobs", "count", ARGS, jobs,
		 "run <count> at a time (default: one for each CPU)", .min = 1, .max = JOBS_MAX),
	OPT_FLAG('k', "keep", ARGS, keep, "keep the branch of each item that succeeds"),
	OPT_STR('b', "branch", "name", ARGS, prefix, HINT_NONE,
		"call them <name>.0, <name>.1, ... (default: FROM)"),
	OPT_GROUP("Results"),
	OPT_FLAG(0, "ordered", ARGS, ordered, "show results in the order of items, the default"),
	OPT_FLAG(0, "as-completed", ARGS, as_completed, "show each result when it is there"),
	OPT_FLAG(0, "tag", ARGS, tag, "begin each line of output with the item and a tab"),
	OPT_SIZE(0, "output-limit", "size", ARGS, output_limit,
		 "keep <size> of each output (default: 1M)"),
	OPT_STR(0, "reduce", "code", ARGS, reduce, HINT_NONE,
		"give all outputs to shell <code>, and exit as it does"),
	OPT_GROUP("Failures"),
	OPT_STR(0, "halt", "when", ARGS, halt, HINT_NONE,
		"never, or soon,fail=N or now,fail=N (default: never)"),
	OPT_UINT(0, "retries", "count", ARGS, retries,
		 "try an item that fails up to <count> times more (default: 0)", .max = 100),
	OPT_STR(0, "joblog", "file", ARGS, joblog, HINT_FILE,
		"add a line to <file> for every item that is done"),
	OPT_FLAG(0, "resume", ARGS, resume, "leave out the items that the job log says are done"),
	OPT_FLAG(0, "resume-failed", ARGS, resume_failed,
		 "the same, but run those again that failed"),
	OPT_GROUP("What is run"),
	OPT_STR('l', "language", "name", ARGS, run.language, HINT_LANGUAGE,
		"the code is in language <name>"),
	OPT_STRS('e', "env-var", "var", ARGS, run.variables, HINT_VARIABLE,
		 "set variable NAME=value, or pass NAME on"),
	OPT_STRS(0, "env-file", "file", ARGS, run.env_files, HINT_FILE,
		 "set the variables in <file>, one NAME=value a line"),
	OPT_STR('w', "workdir", "dir", ARGS, run.workdir, HINT_NONE,
		"start in folder <dir> of the sandbox (default: /work)"),
	OPT_STR('u', "user", "user", ARGS, run.user, HINT_USER,
		"run as <user> of the environment: name or uid[:gid]"),
	OPT_STRS('f', "file", "file", ARGS, run.files, HINT_FILE,
		 "put <file>, or SRC:DST, into each sandbox first"),
	OPT_STRS(0, "label", "label", ARGS, run.labels, HINT_NONE,
		 "attach the label KEY=value to each execution"),
	OPT_GROUP("Limits of each"),
	OPT_CHOICE(0, "network", "mode", ARGS, run.network, run_networks, "what it can reach",
		   .env = "FAAS_NETWORK", .config = "network"),
	OPT_MS(0, "timeout", "time", ARGS, run.timeout_ms, "stop it after <time>",
	       .env = "FAAS_TIMEOUT", .config = "timeout"),
	OPT_MS(0, "grace", "time", ARGS, run.grace_ms,
	       "from asking it to end until killing it (default: 10s)"),
	OPT_SIZE(0, "memory", "size", ARGS, run.memory,
		 "let it use <size> of memory (default: half of all)", .env = "FAAS_MEMORY",
		 .config = "memory"),
	OPT_CPUS(0, "cpus", "number", ARGS, run.cpus, "let it use <number> CPUs, such as 0.5",
		 .env = "FAAS_CPUS", .config = "cpus"),
	OPT_UINT(0, "pids", "number", ARGS, run.pids,
		 "let it have <number> processes (default: 1024)", .env = "FAAS_PIDS",
		 .config = "pids"),
	OPT_SIZE(0, "disk", "size", ARGS, run.disk,
		 "let it write <size> to files (default: 1G)"),
	OPT_SIZE(0, "io", "size", ARGS, run.io,
		 "let it read and write <size> a second of the disk"),
	OPT_FLAG(0, "allow-degraded", ARGS, run.allow_degraded,
		 "run even where a limit cannot be enforced"),
	OPERAND("from", ARGS, from, HINT_SNAPSHOT, "snapshot, or branch, to begin at"),
	OPERAND_REST("code", ARGS, words,
		     "code, or a file, or '--' and a command, to run for each; "
		     "after it ':::' and items"),
	OPT_END
};

/* ---- the command line ---- */

static int check(const ARGS *args, int n_words, struct error *err)
{
	if (!n_words) {
		(void)err_set(err, ERR_USAGE, "nothing to run");
		return err_hint(err, "faas map base -- wc -c {} ::: /etc/hosts /etc/passwd");
	}
	if (!args->words.literal && !strcmp(args->words.v[0], "-"))
		return err_set(err, ERR_USAGE, "'-' is code from standard input, which is where "
			       "items come from");
	if (!*args->mark)
		return err_set(err, ERR_USAGE, "'--replace' is empty");
	if (args->ordered && args->as_completed)
		return err_set(err, ERR_USAGE, "'--ordered' and '--as-completed' exclude each "
			       "other");
	if (args->reduce && args->as_completed)
		return err_set(err, ERR_USAGE, "'--reduce' takes outputs in the order of items, "
			       "not '--as-completed'");
	if (!args->joblog && (args->resume || args->resume_failed))
		return err_set(err, ERR_USAGE, "'--resume' needs '--joblog'");
	return 0;
}

/* The word ":::", after which there are items; or how many words there are. */
static int colons(const struct opt_rest *words)
{
	int n = 0;

	while (n < words->n && strcmp(words->v[n], ":::"))
		n++;
	return n;
}

static int open_items(const ARGS *args, const char **ret_name, struct error *err)
{
	const char *path = args->items ? args->items : "-";
	bool is_stdin = !strcmp(path, "-");
	int fd;

	if (!args->items && isatty(STDIN_FILENO)) {
		(void)err_set(err, ERR_USAGE, "no items");
		return err_hint(err, "say them after ':::', or '-a FILE', or '-a -' to type them");
	}
	*ret_name = is_stdin ? "standard input" : path;
	fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
		      : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? err_sys(err, errno, "open '%s'", *ret_name) : fd;
}

/* All of them, or where they will come from. */
static int read_items(const ARGS *args, int n_words, struct map *m, struct error *err)
{
	char delimiter = args->null ? '\0' : '\n';
	cleanup_close int fd = -1;
	const char *name = NULL;

	if (n_words < args->words.n) {
		if (args->items || args->null || args->stream)
			return err_set(err, ERR_USAGE, "items come after ':::' or from a file, not "
				       "from both");
		for (int i = n_words + 1; i < args->words.n; i++)
			if (items_add(&m->items, args->words.v[i], strlen(args->words.v[i]),
				      err) < 0)
				return -1;
		return 0;
	}
	fd = open_items(args, &name, err);
	if (fd < 0)
		return -1;
	if (!args->stream)
		return items_read(&m->items, fd, name, delimiter, err);
	m->streaming = true;
	m->stream = (struct item_stream)ITEM_STREAM(TAKE_FD(fd), name, delimiter);
	return 0;
}

/* ---- where all begin ---- */

/* All begin at the same state, whatever becomes of a branch meanwhile. */
static int find_start(const char *from, struct map *m, struct error *err)
{
	cleanup_json json_t *found = NULL;
	const char *id;

	if (executor_call("snapshot.get", snapshot_id(from), &found, err) < 0 &&
	    (err->code != ERR_NOT_FOUND ||
	     executor_call("branch.get", json_pack("{s:o}", "name", client_text(from)), &found,
			   err) < 0)) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		(void)err_set(err, ERR_NOT_FOUND, "no snapshot or branch '%s'", from);
		return err_hint(err, "see 'faas snapshot list' and 'faas branch list'");
	}
	id = json_string_value(json_object_get(found, "head"));
	if (!id)
		id = json_string_value(json_object_get(found, "id"));
	if (!id)
		return err_set(err, ERR_PROTOCOL, "the executor does not say what '%s' is", from);
	(void)snprintf(m->start, sizeof(m->start), "%s", id);
	return 0;
}

/* Before anything is run: of the names that items would have, none is taken. */
static int check_names(const struct map *m, struct error *err)
{
	cleanup_json json_t *list = NULL;
	size_t len = strlen(m->prefix), i;
	json_t *b;

	if (!m->keep || m->resume)
		return 0;
	if (executor_call("branch.list", NULL, &list, err) < 0)
		return -1;
	json_array_foreach(list, i, b) {
		const char *name = json_string_value(json_object_get(b, "name"));
		uint64_t number;

		if (strncmp(name, m->prefix, len) || name[len] != '.' ||
		    parse_u64(name + len + 1, &number) < 0 ||
		    (!m->streaming && number >= m->items.n))
			continue;
		(void)err_set(err, ERR_EXISTS, "there is a branch '%s' already", name);
		return err_hint(err, "--branch gives others names");
	}
	return 0;
}

/* What is wrong with the command is wrong for each: it is said once, and nothing runs. */
static int check_plan(const ARGS *args, const struct map *m, struct error *err)
{
	CLEANUP(client_free) struct client *client = NULL;
	struct run_options o = args->run;
	struct opt_rest words = args->words;
	struct run_plan plan;
	int r;

	/* what comes after it has been read */
	words.n = m->template.n;
	words.v[words.n] = NULL;
	o.parent = m->start;
	if (executor_connect(&client, err) < 0)
		return -1;
	r = run_plan_make(client, &o, &words, false, &plan, err);
	run_plan_release(&plan);
	return r;
}

static uint64_t seed_of(const ARGS *args, const struct map *m)
{
	const char *language = args->run.language ? args->run.language : "";
	uint64_t h = joblog_digest(m->start, strlen(m->start)) * 3 +
		joblog_digest(language, strlen(language));

	for (int i = 0; i < m->template.n; i++)
		h = h * 31 + joblog_digest(args->words.v[i], strlen(args->words.v[i]));
	return h;
}

static int prepare(const ARGS *args, int n_words, struct map *m, struct error *err)
{
	m->file = !args->words.literal && code_is_file(args->words.v[0]);
	m->template = (struct item_template){
		.words = (const char *const *)args->words.v, .n = n_words, .mark = args->mark,
		.shell = !args->words.literal && !args->run.language && !m->file,
		.program = !args->words.literal && (args->run.language || m->file),
	};
	m->literal = args->words.literal;
	m->from = args->from;
	m->prefix = args->prefix ? args->prefix : *args->from == '@' ? "map" : args->from;
	m->keep = args->keep;
	m->tag = args->tag;
	m->resume = args->resume || args->resume_failed;
	m->reduce = args->reduce;
	if (read_items(args, n_words, m, err) < 0 || find_start(args->from, m, err) < 0)
		return -1;
	m->seed = seed_of(args, m);
	if (check_names(m, err) < 0 || check_plan(args, m, err) < 0)
		return -1;
	m->collected = m->reduce ? tmpfile() : NULL;
	return m->reduce && !m->collected ? err_sys(err, errno, "keep the outputs for --reduce")
					  : 0;
}

/* ---- from the first to the last ---- */

static int run_items(struct batch *b, struct map *m, struct error *err)
{
	sigset_t interrupts, before;
	int r;

	(void)sigemptyset(&interrupts);
	(void)sigaddset(&interrupts, SIGINT);
	(void)sigaddset(&interrupts, SIGTERM);
	(void)sigaddset(&interrupts, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &interrupts, &before);
	b->signals = signalfd(-1, &interrupts, SFD_CLOEXEC | SFD_NONBLOCK);
	r = b->signals < 0 ? err_sys(err, errno, "watch for signals") : batch_loop(b, err);
	if (b->signals >= 0)
		(void)close(b->signals);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (!m->streaming)
		m->not_run += m->items.n - m->next;
	return r;
}

static void say_not_run(struct batch *b, const struct map *m, const char *why)
{
	if (m->streaming)
		out_warn(b->ctx, "%s: %llu of the first %zu items were not run to their end, and "
			 "none after them", why, (unsigned long long)m->not_run, m->next);
	else
		out_warn(b->ctx, "%s: %llu of %zu items were not run to their end", why,
			 (unsigned long long)m->not_run, m->items.n);
}

static int finish(struct batch *b, struct map *m, struct error *err)
{
	if (b->interrupted) {
		say_not_run(b, m, "interrupted");
		return 128 + b->interrupted;
	}
	if (m->not_run || (m->streaming && b->stopped && !map_stream_source.ended(b)))
		say_not_run(b, m, "halted");
	if (b->failed || m->cut) {
		if (m->reduce)
			out_warn(b->ctx, "not all items succeeded: --reduce was not run");
		return 1;
	}
	return m->reduce ? map_reduce(b, m, err) : 0;
}

static int map_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	int n_words = colons(&args->words), r;
	struct map m = { .stream = { .fd = -1 } };
	struct batch b = {
		.ctx = ctx, .source = &map_source, .data = &m, .defaults = args->run,
		.output_limit = args->output_limit ? args->output_limit : OUTPUT_DEFAULT,
		.jobs = args->jobs ? args->jobs : batch_jobs_default(), .retries = args->retries,
		.retry_programs = true, .unordered = args->as_completed, .signals = -1,
	};
	struct joblog_options log = {
		.path = args->joblog, .noun = map_source.noun, .outputs = args->reduce,
		.resume = args->resume || args->resume_failed, .failed_too = args->resume_failed,
	};

	if (check(args, n_words, err) < 0 || halt_parse(args->halt, &b.halt, err) < 0)
		return -1;
	r = prepare(args, n_words, &m, err);
	if (m.streaming)
		b.source = &map_stream_source;
	b.defaults.kind = m.file ? CODE_FILE : CODE_TEXT;
	if (!r && args->joblog)
		r = joblog_open(&log, &b.log, err);
	if (!r)
		r = run_items(&b, &m, err);
	if (!r)
		r = finish(&b, &m, err);
	joblog_free(b.log);
	client_free(b.client);
	if (m.collected)
		(void)fclose(m.collected);
	items_release(&m.items);
	if (m.stream.fd >= 0)
		(void)close(m.stream.fd);
	item_stream_release(&m.stream);
	return r;
}

static const char *const examples[] = {
	"faas map base -- wc -c /etc/{} ::: hosts passwd",
	"seq 8 | faas map base -j 4 --reduce 'sort -n | tail -1' 'expr {} \\* {}'",
	NULL
};

const struct cmd cmd_map = {
	.name = "map",
	.summary = "run a command for each of many items, each on a branch of its own",
	.flags = CMD_PASSES_STATUS,
	.args_size = sizeof(ARGS),
	.opts = map_opts,
	.run = map_run,
	.examples = examples,
};
