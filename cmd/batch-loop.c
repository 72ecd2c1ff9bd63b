#include "cmd/batch.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "cmd/execution.h"

/*
 * One connection and one loop: the executor runs the jobs, we only collect what they
 * print.
 */

enum {
	WINDOW = 512,		/* jobs begun and not yet printed */
	PROGRESS_MS = 500,
};

struct loop {
	struct batch *b;
	struct job *first, **tail;	/* begun and not yet printed, in order */
	unsigned int n, running;
	bool no_more;			/* start nothing */
	unsigned int connection;	/* that running jobs were asked on */
	uint64_t shown_ms;
	bool shown;
};

static uint64_t clock_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void add_job(struct loop *l, struct job *j)
{
	*l->tail = j;
	l->tail = &j->next;
	l->n++;
}

static bool room_for_more(const struct loop *l)
{
	unsigned int open = l->running;

	for (const struct job *j = l->first; j; j = j->next)
		open += j->state == JOB_WAITING;
	return !l->no_more && open < l->b->jobs && l->n < WINDOW;
}

static int begin_jobs(struct loop *l, struct error *err)
{
	while (room_for_more(l)) {
		struct job *j = NULL;
		int r = l->b->source->next(l->b, &j, err);

		if (r <= 0)
			return r;
		add_job(l, j);
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
		} else if (l->b->interrupted) {
			j->state = JOB_DONE;
			j->status = 128 + l->b->interrupted;
			j->ended_by_us = true;
		} else if (j->at_ms <= now && l->running < l->b->jobs) {
			job_start(l->b, j);
			l->running++;
		}
	}
}

/* Of all that runs, the executor that is reached now is asked what became of it. */
static int ask_all_again(struct loop *l, struct error *err)
{
	l->connection = client_connection(l->b->client);
	for (struct job *j = l->first; j; j = j->next)
		if (j->state == JOB_RUNNING && !j->answered &&
		    job_ask_again(l->b, j, err) < 0)
			/* that one may be dying, too: then we are here again */
			return err->code == ERR_UNAVAILABLE ? 0 : -1;
	return 0;
}

/* The executor died. */
static int start_over(struct loop *l, struct error *err)
{
	return client_reconnect(&l->b->client, err) < 0 ? -1 : ask_all_again(l, err);
}

static void cancel_running(struct loop *l, int grace_ms)
{
	for (struct job *j = l->first; j; j = j->next) {
		if (j->state != JOB_RUNNING || j->answered)
			continue;
		j->ended_by_us = true;
		job_cancel(l->b, j, grace_ms);
	}
}

static void halt(struct loop *l)
{
	l->no_more = true;
	l->b->stopped = true;
	if (l->b->halt.now)
		cancel_running(l, 0);
}

/* The first one lets programs end as they like, the next ones kill them. */
static void interrupt(struct loop *l)
{
	struct signalfd_siginfo si;

	while (read(l->b->signals, &si, sizeof(si)) == sizeof(si)) {
		cancel_running(l, l->b->interrupted ? 0 : -1);
		l->b->interrupted = (int)si.ssi_signo;
		l->no_more = l->b->stopped = true;
	}
}

/* One look at each; *ret_again when there may be more than that saw. */
static int look(struct loop *l, bool *ret_again, struct error *err)
{
	uint64_t now = clock_ms();

	*ret_again = false;
	/* a question of a job's start, or of a result, may have found it dead already */
	if (client_connection(l->b->client) != l->connection && ask_all_again(l, err) < 0)
		return -1;
	for (struct job *j = l->first; j; j = j->next) {
		bool waits = j->state == JOB_RUNNING && !j->answered;

		if (j->state != JOB_RUNNING)
			continue;
		if (job_answer(l->b, j, err) < 0)
			return start_over(l, err);
		*ret_again = *ret_again || (waits && j->answered);
		job_settle(l->b, j, now);
		l->running -= j->state != JOB_RUNNING;
	}
	for (struct job *j = l->first; j && !*ret_again; j = j->next)
		*ret_again = j->state == JOB_RUNNING && !j->answered &&
			client_has(l->b->client, j->call);
	return 0;
}

/* Until nothing is left that came already: poll() would not tell of it. */
static int collect(struct loop *l, struct error *err)
{
	bool again = true;

	while (again)
		if (look(l, &again, err) < 0)
			return -1;
	return 0;
}

/* Results that it is the turn of. */
static int print_results(struct loop *l, struct error *err)
{
	for (struct job **at = &l->first; *at;) {
		struct job *j = *at;

		if (j->state != JOB_DONE) {
			if (!l->b->unordered)
				return 0;
			at = &j->next;
			continue;
		}
		if (l->b->source->result(l->b, j, err) < 0)
			return -1;
		l->b->done++;
		l->b->failed += j->status != 0;
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
	uint64_t n = l->b->failed;

	for (const struct job *j = l->first; j; j = j->next)
		n += j->state == JOB_DONE && j->status != 0;
	return halt_reached(&l->b->halt, n);
}

static void show_progress(struct loop *l, bool end)
{
	const struct ctx *ctx = l->b->ctx;
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
	fprintf(stderr, "\r\033[K%" PRIu64 " done, %" PRIu64 " failed, %u running", l->b->done,
		l->b->failed, l->running);
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
	static struct pollfd p[3 + JOBS_MAX * JOB_POLLS];
	struct job *jobs[JOBS_MAX];
	unsigned int n = 0;
	int source = room_for_more(l) ? l->b->source->fd(l->b) : -1;

	p[0] = (struct pollfd){ client_fd(l->b->client), POLLIN, 0 };
	p[1] = (struct pollfd){ source, POLLIN, 0 };
	p[2] = (struct pollfd){ l->b->signals, POLLIN, 0 };
	for (struct job *j = l->first; j && n < JOBS_MAX; j = j->next) {
		if (j->state != JOB_RUNNING)
			continue;
		job_poll(j, p + 3 + n * JOB_POLLS);
		jobs[n++] = j;
	}
	if (poll(p, 3 + n * JOB_POLLS, poll_timeout(l)) < 0 && errno != EINTR)
		return err_sys(err, errno, "wait for the jobs");
	if (p[2].revents)
		interrupt(l);
	for (unsigned int i = 0; i < n; i++)
		job_read(jobs[i], p + 3 + i * JOB_POLLS);
	return p[1].revents ? l->b->source->read(l->b, err) : 0;
}

static int run_loop(struct loop *l, struct error *err)
{
	for (;;) {
		unsigned int before;

		if (begin_jobs(l, err) < 0)
			return -1;
		start_jobs(l);
		if (collect(l, err) < 0)
			return -1;
		if (!l->no_more && too_many_failures(l))
			halt(l);
		before = l->n;
		if (print_results(l, err) < 0)
			return -1;
		if (ferror(l->b->ctx->out))
			return 0;
		show_progress(l, false);
		if (room_for_more(l) && l->b->source->ready(l->b))
			continue;	/* what was done made room */
		if (l->n && l->n != before)
			continue;	/* a result's question may have fetched another's answer */
		if (!l->n && (l->no_more || l->b->source->ended(l->b)))
			return 0;
		if (wait_for_something(l, err) < 0)
			return -1;
	}
}

uint64_t batch_jobs_default(void)
{
	cpu_set_t set;
	uint64_t n;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	n = (uint64_t)CPU_COUNT(&set);
	return n < JOBS_MAX ? n : JOBS_MAX;
}

int batch_loop(struct batch *b, struct error *err)
{
	struct loop l = { .b = b, .tail = &l.first, .shown_ms = clock_ms() };
	int r = executor_connect(&b->client, err);

	if (!r)
		r = run_loop(&l, err);
	show_progress(&l, true);
	while (l.first) {
		struct job *j = l.first;

		l.first = j->next;
		job_free(j);
	}
	return r;
}
