#include "cmd/batch.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/execution.h"
#include "lib/base/parse.h"

/*
 * faas batch: many requests, one a line, several at a time. One connection and
 * one loop: the executor runs them, we only collect what they print.
 */

enum {
	OUTPUT_DEFAULT = 1 << 20,
	JOBS_MAX = 200,
	WINDOW = 512,		/* lines begun and not yet printed */
	PROGRESS_MS = 500,
};

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

/* ---- the loop ---- */

struct loop {
	struct batch b;
	const ARGS *args;
	struct lines lines;
	struct job *first, **tail;	/* begun and not yet printed, by line */
	unsigned int n, running;
	uint64_t done, failed, halt_after;
	bool halt_now, no_more;		/* start nothing */
	uint64_t shown_ms;
	bool shown;
};

static uint64_t clock_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int read_halt(struct loop *l, const char *text, struct error *err)
{
	const char *fail;
	uint64_t n;

	if (!text || !strcmp(text, "never"))
		return 0;
	l->halt_now = !strncmp(text, "now,", 4);
	fail = strstr(text, ",fail=");
	if ((l->halt_now ? fail != text + 3 : strncmp(text, "soon,fail=", 10) != 0) ||
	    parse_u64(fail + 6, &n) < 0 || !n)
		return err_set(err, ERR_USAGE, "'--halt=%.32s' is not never, soon,fail=N or "
			       "now,fail=N", text);
	l->halt_after = n;
	return 0;
}

static void add_job(struct loop *l, struct job *j)
{
	*l->tail = j;
	l->tail = &j->next;
	l->n++;
}

/* The job of a line; one that cannot be understood has failed already. */
static int begin_line(struct loop *l, const char *text, size_t len, bool too_long,
		      struct error *err)
{
	uint64_t digest = too_long ? 1 : joblog_digest(text, len);
	struct error bad = { 0 };
	struct job *j;
	int r = l->b.log ? joblog_has(l->b.log, l->lines.number, digest, err) : 0;

	if (r)
		return r < 0 ? -1 : 0;
	j = job_new(l->lines.number, l->b.output_limit);
	j->digest = digest;
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
	add_job(l, j);
	return 0;
}

static bool room_for_more(const struct loop *l)
{
	unsigned int open = l->running;

	for (const struct job *j = l->first; j; j = j->next)
		open += j->state == JOB_WAITING;
	return !l->no_more && open < l->args->jobs && l->n < WINDOW;
}

static int begin_lines(struct loop *l, struct error *err)
{
	while (room_for_more(l)) {
		const char *text = NULL;
		size_t len = 0;
		enum line what = lines_next(&l->lines, &text, &len);

		if (what == LINE_NONE)
			return 0;
		if (begin_line(l, text, len, what == LINE_TOO_LONG, err) < 0)
			return -1;
	}
	return 0;
}

static void start_jobs(struct loop *l)
{
	uint64_t now = clock_ms();

	for (struct job *j = l->first; j; j = j->next) {
		if (j->state != JOB_WAITING)
			continue;
		if (l->no_more && j->answered) {
			/* its last attempt is the result */
			j->state = JOB_RUNNING;
			l->running++;
		} else if (j->at_ms <= now && l->running < l->args->jobs) {
			job_start(&l->b, j);
			l->running++;
		}
	}
}

/* The executor died: its successor is asked about all that runs. */
static int start_over(struct loop *l, struct error *err)
{
	if (client_reconnect(&l->b.client, err) < 0)
		return -1;
	for (struct job *j = l->first; j; j = j->next)
		if (j->state == JOB_RUNNING && !j->answered &&
		    job_ask_again(&l->b, j, err) < 0)
			/* that one may be dying, too: then we are here again */
			return err->code == ERR_UNAVAILABLE ? 0 : -1;
	return 0;
}

static void halt(struct loop *l)
{
	l->no_more = true;
	l->b.stopped = true;
	for (struct job *j = l->first; j && l->halt_now; j = j->next)
		if (j->state == JOB_RUNNING && !j->answered)
			job_cancel(&l->b, j);
}

static int collect(struct loop *l, struct error *err)
{
	uint64_t now = clock_ms();

	for (struct job *j = l->first; j; j = j->next) {
		if (j->state != JOB_RUNNING)
			continue;
		if (job_answer(&l->b, j, err) < 0)
			return start_over(l, err);
		job_settle(&l->b, j, now);
		l->running -= j->state != JOB_RUNNING;
	}
	return 0;
}

/* Results that it is the turn of. */
static int print_results(struct loop *l, struct error *err)
{
	for (struct job **at = &l->first; *at;) {
		struct job *j = *at;

		if (j->state != JOB_DONE) {
			if (!l->args->unordered)
				return 0;
			at = &j->next;
			continue;
		}
		result_print(&l->b, j);
		if (l->b.log && joblog_add(l->b.log, j, err) < 0)
			return -1;
		l->done++;
		l->failed += j->status != 0;
		*at = j->next;
		if (l->tail == &j->next)
			l->tail = at;
		l->n--;
		job_free(j);
	}
	return 0;
}

/* Failures count when they happen, not when it is their turn to be printed. */
static bool too_many_failures(const struct loop *l)
{
	uint64_t n = l->failed;

	for (const struct job *j = l->first; j; j = j->next)
		n += j->state == JOB_DONE && j->status != 0;
	return l->halt_after && n >= l->halt_after;
}

static void show_progress(struct loop *l, bool end)
{
	const struct ctx *ctx = l->b.ctx;
	uint64_t now = clock_ms();

	if (!ctx->err_tty || ctx->out_tty || ctx->quiet)
		return;
	if (end) {
		if (l->shown)
			fputs("\r\033[K", stderr);
		return;
	}
	if (now - l->shown_ms < PROGRESS_MS)
		return;
	fprintf(stderr, "\r\033[K%" PRIu64 " done, %" PRIu64 " failed, %u running", l->done,
		l->failed, l->running);
	l->shown_ms = now;
	l->shown = true;
}

static int poll_timeout(const struct loop *l)
{
	uint64_t now = clock_ms(), soonest = UINT64_MAX;

	for (const struct job *j = l->first; j; j = j->next)
		if (j->state == JOB_WAITING && j->at_ms < soonest)
			soonest = j->at_ms;
	if (soonest == UINT64_MAX)
		return -1;
	return soonest <= now ? 0 : (int)(soonest - now);
}

static int wait_for_something(struct loop *l, struct error *err)
{
	static struct pollfd p[2 + JOBS_MAX * JOB_POLLS];
	struct job *jobs[JOBS_MAX];
	unsigned int n = 0;
	bool more = !l->lines.eof && room_for_more(l);

	p[0] = (struct pollfd){ client_fd(l->b.client), POLLIN, 0 };
	p[1] = (struct pollfd){ more ? l->lines.fd : -1, POLLIN, 0 };
	for (struct job *j = l->first; j && n < JOBS_MAX; j = j->next) {
		if (j->state != JOB_RUNNING)
			continue;
		job_poll(j, p + 2 + n * JOB_POLLS);
		jobs[n++] = j;
	}
	if (poll(p, 2 + n * JOB_POLLS, poll_timeout(l)) < 0 && errno != EINTR)
		return err_sys(err, errno, "wait for the jobs");
	for (unsigned int i = 0; i < n; i++)
		job_read(jobs[i], p + 2 + i * JOB_POLLS);
	return p[1].revents ? lines_read(&l->lines, err) : 0;
}

static int run_loop(struct loop *l, struct error *err)
{
	for (;;) {
		if (begin_lines(l, err) < 0)
			return -1;
		start_jobs(l);
		if (collect(l, err) < 0)
			return -1;
		if (!l->no_more && too_many_failures(l))
			halt(l);
		if (print_results(l, err) < 0)
			return -1;
		if (ferror(l->b.ctx->out))
			return 0;
		show_progress(l, false);
		if (room_for_more(l) && lines_ready(&l->lines))
			continue;	/* what was done made room */
		if (!l->n && (l->no_more || (l->lines.eof && l->lines.at == l->lines.buf.len)))
			return 0;
		if (wait_for_something(l, err) < 0)
			return -1;
	}
}

static uint64_t cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (uint64_t)CPU_COUNT(&set);
}

static int batch_run(struct ctx *ctx, const void *p, struct error *err)
{
	ARGS args = *(const ARGS *)p;
	struct loop l = {
		.b = { .ctx = ctx, .defaults = args.run, .retries = args.retries,
		       .output_limit = args.output_limit ? args.output_limit : OUTPUT_DEFAULT },
		.args = &args, .tail = &l.first, .shown_ms = clock_ms(),
	};
	int r;

	if (!args.jobs)
		args.jobs = cpus() < JOBS_MAX ? cpus() : JOBS_MAX;
	if (!args.joblog && (args.resume || args.resume_failed))
		return err_set(err, ERR_USAGE, "'--resume' needs '--joblog'");
	if (read_halt(&l, args.halt, err) < 0)
		return -1;
	r = lines_open(&l.lines, args.file, err);
	if (!r && args.joblog)
		r = joblog_open(args.joblog, args.resume || args.resume_failed,
				args.resume_failed, &l.b.log, err);
	if (!r)
		r = executor_connect(&l.b.client, err);
	if (!r)
		r = run_loop(&l, err);
	show_progress(&l, true);
	while (l.first) {
		struct job *j = l.first;

		l.first = j->next;
		job_free(j);
	}
	lines_close(&l.lines);
	joblog_free(l.b.log);
	client_free(l.b.client);
	return r < 0 ? -1 : l.failed != 0;
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
