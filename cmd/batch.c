#include "cmd/batch.h"

#include <inttypes.h>

/*
 * faas batch: many requests, one a line, several at a time.
 */

enum { OUTPUT_DEFAULT = 1 << 20 };

#define ARGS struct batch_args
ARGS {
	struct run_options run;
	uint64_t jobs, output_limit, retries;
	bool unordered, resume, resume_failed;
	const char *halt, *joblog, *file;
};

static const struct opt batch_opts[] = {
	OPT_UINT('j', "jobs", "count", ARGS, jobs,
		 "run <count> at a time (default: one for each CPU)", .min = 1, .max = JOBS_MAX),
	OPT_FLAG(0, "unordered", ARGS, unordered,
		 "print each result when it is there, not in the order of the lines"),
	OPT_SIZE(0, "output-limit", "size", ARGS, output_limit,
		 "keep <size> of each output (default: 1M)"),
	OPT_GROUP("Failures"),
	OPT_STR(0, "halt", "when", ARGS, halt, HINT_NONE,
		"never, or soon,fail=N or now,fail=N (default: never)"),
	OPT_UINT(0, "retries", "count", ARGS, retries,
		 "try again up to <count> times when faas itself fails (default: 0)",
		 .max = 100),
	OPT_STR(0, "joblog", "file", ARGS, joblog, HINT_FILE,
		"add a line to <file> for every line that is done"),
	OPT_FLAG(0, "resume", ARGS, resume, "leave out the lines that the job log says are done"),
	OPT_FLAG(0, "resume-failed", ARGS, resume_failed,
		 "the same, but run those again that failed"),
	OPT_GROUP("What a line does not say"),
	OPT_STR('E', "env", "name", ARGS, run.environment, HINT_ENVIRONMENT,
		"run in environment <name>", .env = "FAAS_ENV", .config = "env"),
	OPT_CHOICE('m', "mode", "mode", ARGS, run.mode, run_modes,
		   "how the sandbox is had", .env = "FAAS_MODE",
		   .config = "mode"),
	OPT_STR('l', "language", "name", ARGS, run.language, HINT_LANGUAGE,
		"code is in language <name>"),
	OPT_STR('w', "workdir", "dir", ARGS, run.workdir, HINT_NONE,
		"start in folder <dir> of the sandbox (default: /work)"),
	OPT_STR('u', "user", "user", ARGS, run.user, HINT_USER,
		"run as <user> of the environment: name or uid[:gid]"),
	OPT_CHOICE(0, "network", "mode", ARGS, run.network, run_networks,
		   "what it can reach", .env = "FAAS_NETWORK",
		   .config = "network"),
	OPT_MS(0, "timeout", "time", ARGS, run.timeout_ms, "stop each one after <time>",
	       .env = "FAAS_TIMEOUT", .config = "timeout"),
	OPT_SIZE(0, "memory", "size", ARGS, run.memory,
		 "let each use <size> of memory (default: half of all)", .env = "FAAS_MEMORY",
		 .config = "memory"),
	OPT_CPUS(0, "cpus", "number", ARGS, run.cpus, "let each use <number> CPUs, such as 0.5",
		 .env = "FAAS_CPUS", .config = "cpus"),
	OPT_UINT(0, "pids", "number", ARGS, run.pids,
		 "let each have <number> processes (default: 1024)", .env = "FAAS_PIDS",
		 .config = "pids"),
	OPT_SIZE(0, "disk", "size", ARGS, run.disk,
		 "let each write <size> to files (default: 1G)"),
	OPT_FLAG(0, "allow-degraded", ARGS, run.allow_degraded,
		 "run even where a limit cannot be enforced"),
	OPERAND("file", ARGS, file, HINT_FILE, "file with one request a line; '-' for stdin"),
	OPT_END
};

/* ---- lines ---- */

static struct lines *lines_of(const struct batch *b)
{
	return b->data;
}

/* The job of a line; one that cannot be understood has failed already. */
static struct job *job_of(struct batch *b, const char *text, size_t len, bool too_long)
{
	struct job *j = job_new(lines_of(b)->number, b->output_limit);
	struct error bad = { 0 };
	int r;

	if (too_long)
		r = err_set(&bad, ERR_USAGE, "longer than %d MiB", LINE_MAX_BYTES >> 20);
	else
		r = batch_parse(text, len, &j->request, &bad);
	if (r < 0) {
		(void)err_wrap(&bad, "line %" PRIu64, j->line);
		j->failure = bad;
		j->state = JOB_DONE;
		j->status = err_exit_running(bad.code);
	}
	return j;
}

static int next_line(struct batch *b, struct job **ret, struct error *err)
{
	struct lines *l = lines_of(b);

	for (;;) {
		const char *text = NULL;
		size_t len = 0;
		enum line what = lines_next(l, &text, &len);
		bool too_long = what == LINE_TOO_LONG;
		uint64_t digest;
		int r;

		if (what == LINE_NONE)
			return 0;
		digest = too_long ? 1 : joblog_digest(text, len);
		r = b->log ? joblog_has(b->log, l->number, digest, err) : 0;
		if (r < 0)
			return -1;
		if (r)
			continue;
		*ret = job_of(b, text, len, too_long);
		(*ret)->digest = digest;
		return 1;
	}
}

static bool line_ready(const struct batch *b)
{
	return lines_ready(lines_of(b));
}

static bool lines_ended(const struct batch *b)
{
	const struct lines *l = lines_of(b);

	return l->eof && l->at == l->buf.len;
}

static int lines_fd(const struct batch *b)
{
	const struct lines *l = lines_of(b);

	return l->eof ? -1 : l->fd;
}

static int read_lines(struct batch *b, struct error *err)
{
	return lines_read(lines_of(b), err);
}

static int print_result(struct batch *b, struct job *j, struct error *err)
{
	result_print(b, j);
	return b->log ? joblog_add(b->log, j, err) : 0;
}

static const struct batch_source source = {
	.noun = "line", .next = next_line, .ready = line_ready, .ended = lines_ended,
	.fd = lines_fd, .read = read_lines, .plan = job_plan, .result = print_result,
};

static int batch_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	struct joblog_options log = {
		.path = args->joblog, .noun = source.noun, .failed_too = args->resume_failed,
		.resume = args->resume || args->resume_failed,
	};
	struct lines lines = { .fd = -1 };
	struct batch b = {
		.ctx = ctx, .source = &source, .data = &lines, .defaults = args->run,
		.output_limit = args->output_limit ? args->output_limit : OUTPUT_DEFAULT,
		.jobs = args->jobs ? args->jobs : batch_jobs_default(), .retries = args->retries,
		.unordered = args->unordered, .signals = -1,
	};
	int r;

	if (!args->joblog && log.resume)
		return err_set(err, ERR_USAGE, "'--resume' needs '--joblog'");
	if (halt_parse(args->halt, &b.halt, err) < 0)
		return -1;
	r = lines_open(&lines, args->file, err);
	if (!r && args->joblog)
		r = joblog_open(&log, &b.log, err);
	if (!r)
		r = batch_loop(&b, err);
	lines_close(&lines);
	joblog_free(b.log);
	client_free(b.client);
	return r < 0 ? -1 : b.failed != 0;
}

static const char *const examples[] = {
	"echo '{\"code\": \"echo hello\"}' | faas batch -",
	NULL
};

const struct cmd cmd_batch = {
	.name = "batch",
	.summary = "run many requests, one a line of JSON, several at a time",
	.args_size = sizeof(ARGS),
	.opts = batch_opts,
	.run = batch_run,
	.examples = examples,
};
