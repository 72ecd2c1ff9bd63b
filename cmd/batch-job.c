#include "cmd/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/execution.h"
#include "lib/client/files.h"

enum { RETRY_MS = 100, RETRY_SHIFT = 7 };

struct job *job_new(uint64_t line, size_t output_limit)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		abort();
	j->line = line;
	j->channel = -1;
	for (int i = 0; i < 2; i++)
		j->captures[i] = (struct job_capture){ .fd = -1, .text = STRBUF(output_limit) };
	return j;
}

static void close_fds(struct job *j)
{
	for (int i = 0; i < 2; i++) {
		if (j->captures[i].fd >= 0)
			(void)close(j->captures[i].fd);
		j->captures[i].fd = -1;
	}
	if (j->channel >= 0)
		(void)close(j->channel);
	j->channel = -1;
}

void job_free(struct job *j)
{
	close_fds(j);
	for (int i = 0; i < 2; i++)
		strbuf_release(&j->captures[i].text);
	batch_release(&j->request);
	json_decref(j->record);
	free(j->item);
	free(j);
}

/* ---- start ---- */

static const char *or(const char *a, const char *b)
{
	return a ? a : b;
}

static uint64_t or_number(uint64_t a, uint64_t b)
{
	return a ? a : b;
}

/* The line's words over the command line's. */
static struct run_options options_of(const struct batch *b, const struct batch_request *r)
{
	const struct run_options *d = &b->defaults;

	return (struct run_options){
		.kind = r->kind == BATCH_FILE ? CODE_FILE : CODE_TEXT,
		.environment = or(r->environment, d->environment),
		.mode = or(r->mode, d->mode),
		.language = r->kind == BATCH_ARGV ? r->language : or(r->language, d->language),
		.workdir = or(r->workdir, d->workdir), .user = or(r->user, d->user),
		.network = or(r->network, d->network), .name = r->name,
		.variables = { r->variables.v, r->variables.n },
		.labels = { r->labels.v, r->labels.n }, .files = { r->files.v, r->files.n },
		.timeout_ms = or_number(r->timeout_ms, d->timeout_ms),
		.grace_ms = or_number(r->grace_ms, d->grace_ms),
		.memory = or_number(r->memory, d->memory), .cpus = or_number(r->cpus, d->cpus),
		.pids = or_number(r->pids, d->pids), .disk = or_number(r->disk, d->disk),
		.io = or_number(r->io, d->io),
		.allow_degraded = r->allow_degraded || d->allow_degraded,
	};
}

/* Its stdin as a file that only it reads, from the start. */
static int input_fd(const struct batch_request *r, struct error *err)
{
	cleanup_close int fd = memfd_create("faas-stdin", MFD_CLOEXEC);
	char path[40];
	size_t done = 0;
	int ro;

	while (fd >= 0 && done < r->input_len) {
		ssize_t n = write(fd, r->input + done, r->input_len - done);

		if (n < 0)
			return err_sys(err, errno, "keep the standard input");
		done += (size_t)n;
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ro = fd < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (ro < 0)
		return err_sys(err, errno, "keep the standard input");
	return ro;
}

/* Our ends stay in the job; theirs are in fds, in the order that is wanted. */
static int make_fds(struct job *j, const struct run_plan *plan, int fds[4], int *n,
		    struct error *err)
{
	int pair[2];

	if (j->request.input) {
		fds[*n] = input_fd(&j->request, err);
		if (fds[*n] < 0)
			return -1;
		(*n)++;
		json_object_set_new(plan->params, "stdin", json_true());
	}
	json_object_set_new(plan->params, "stdio", json_true());
	for (int i = 0; i < 2; i++) {
		if (pipe2(pair, O_CLOEXEC) < 0)
			return err_sys(err, errno, "make a pipe");
		j->captures[i].fd = pair[0];
		(void)fcntl(pair[0], F_SETFL, O_NONBLOCK);
		fds[(*n)++] = pair[1];
	}
	if (!plan->n_files)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "make a socket pair");
	j->channel = pair[0];
	fds[(*n)++] = pair[1];
	json_object_set_new(plan->params, "files", json_true());
	return 0;
}

static int send_plan(struct batch *b, struct job *j, struct run_plan *plan, struct error *err)
{
	int fds[4], n = 0, r;

	id_make(j->id);
	json_object_set_new(plan->params, "id", json_string(j->id));
	r = make_fds(j, plan, fds, &n, err);
	if (!r)
		r = client_send(b->client, "execution.create", json_incref(plan->params), fds, n,
				&j->call, err);
	while (n)
		(void)close(fds[--n]);
	if (!r && plan->n_files &&
	    files_send(j->channel, plan->files, plan->n_files, NULL, 0, err) < 0) {
		job_cancel(b, j, 0);
		r = -1;
	}
	return r;
}

static void fail_with(struct job *j, const struct error *err)
{
	j->failure = *err;
	j->answered = true;
	close_fds(j);
}

int job_plan(struct batch *b, struct job *j, struct run_plan *ret, struct error *err)
{
	struct run_options o = options_of(b, &j->request);
	const struct opt_rest words = {
		.v = (char **)(uintptr_t)j->request.words.v, .n = j->request.words.n,
		.literal = j->request.kind == BATCH_ARGV,
	};

	return run_plan_make(b->client, &o, &words, false, ret, err);
}

void job_start(struct batch *b, struct job *j)
{
	struct run_plan plan;
	struct error err = { 0 };
	int r;

	j->state = JOB_RUNNING;
	j->attempts++;
	j->answered = j->asked_again = false;
	j->failure = (struct error){ 0 };
	json_decref(j->record);
	j->record = NULL;
	for (int i = 0; i < 2; i++) {
		strbuf_clear(&j->captures[i].text);
		j->captures[i].total = 0;
	}
	r = b->source->plan(b, j, &plan, &err);
	if (!r)
		r = send_plan(b, j, &plan, &err);
	run_plan_release(&plan);
	if (r < 0)
		fail_with(j, &err);
}

/* ---- meanwhile ---- */

int job_ask_again(struct batch *b, struct job *j, struct error *err)
{
	j->asked_again = true;
	return client_send(b->client, "execution.wait", execution_id(j->id), NULL, 0, &j->call,
			   err);
}

void job_cancel(struct batch *b, struct job *j, int grace_ms)
{
	json_t *params = execution_id(j->id);
	struct error ignored;
	json_int_t call;

	if (grace_ms >= 0)
		json_object_set_new(params, "grace_ms", json_integer(grace_ms));
	/* one way: what comes of it is the job's own answer */
	(void)!client_send(b->client, "execution.cancel", params, NULL, 0, &call, &ignored);
}

int job_answer(struct batch *b, struct job *j, struct error *err)
{
	json_t *data = NULL;
	char event[32];
	int r;

	if (j->answered)
		return 0;
	while ((r = client_next(b->client, j->call, 0, event, &data, err)) > 0 && *event)
		json_decref(data);
	if (r < 0 && err->code == ERR_UNAVAILABLE)
		return -1;
	if (r < 0 && j->asked_again && err->code == ERR_NOT_FOUND) {
		/* recorded before it starts: of what has no record, nothing has run */
		close_fds(j);
		j->state = JOB_WAITING;
		j->at_ms = 0;
		j->attempts--;
	} else if (r < 0) {
		fail_with(j, err);
	} else if (r > 0) {
		j->record = data;
		j->answered = true;
		wire_to_error(json_object_get(data, "error"), &j->failure);
		if (!json_is_object(json_object_get(data, "error")))
			j->failure = (struct error){ 0 };
	}
	return 0;
}

void job_poll(const struct job *j, struct pollfd *p)
{
	for (int i = 0; i < JOB_POLLS; i++)
		p[i] = (struct pollfd){ j->captures[i].fd, POLLIN, 0 };
}

/* What is over the limit is read as well, so that the program does not wait. */
static void read_some(struct job_capture *c)
{
	static char buf[65536];
	ssize_t n = read(c->fd, buf, sizeof(buf));
	size_t room = c->text.limit - c->text.len;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		(void)close(c->fd);
		c->fd = -1;
		return;
	}
	c->total += (uint64_t)n;
	strbuf_add(&c->text, buf, (size_t)n < room ? (size_t)n : room);
}

void job_read(struct job *j, const struct pollfd *p)
{
	for (int i = 0; i < JOB_POLLS; i++)
		if (p[i].revents && j->captures[i].fd >= 0)
			read_some(&j->captures[i]);
}

/* Is it faas that failed, in a way that may be another next time? */
static bool worth_another_try(const struct batch *b, const struct job *j)
{
	switch (j->failure.code) {
	case ERR_NONE:
		return b->retry_programs && execution_exit(j->record);
	case ERR_SYSTEM:
	case ERR_LIMIT:
	case ERR_BUSY:
	case ERR_UNAVAILABLE:
	case ERR_PROTOCOL:
		return true;
	default:
		return false;
	}
}

void job_settle(struct batch *b, struct job *j, uint64_t now_ms)
{
	const char *state = json_string_value(json_object_get(j->record, "state"));

	if (j->state != JOB_RUNNING || !j->answered || j->captures[0].fd >= 0 ||
	    j->captures[1].fd >= 0)
		return;
	if (state && !strcmp(state, "lost"))
		(void)err_set(&j->failure, ERR_UNAVAILABLE, "the machine stopped while it ran");
	if (worth_another_try(b, j) && j->attempts <= b->retries && !b->stopped) {
		j->state = JOB_WAITING;
		j->at_ms = now_ms + ((uint64_t)RETRY_MS <<
				     (j->attempts < RETRY_SHIFT ? j->attempts : RETRY_SHIFT));
		return;
	}
	j->state = JOB_DONE;
	j->status = j->failure.code ? err_exit_running(j->failure.code)
				    : execution_exit(j->record);
	/* it may have ended just before */
	j->ended_by_us = j->ended_by_us && j->status;
	close_fds(j);
}
