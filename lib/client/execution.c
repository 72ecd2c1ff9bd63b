#include "lib/client/execution.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/id.h"
#include "lib/client/expect.h"
#include "lib/client/files.h"
#include "lib/client/terminal.h"

enum { AGAIN_MS = 2000, DEATHS_MAX = 20 };

struct waiting {
	struct client **client;
	struct execution_request *request;
	char id[ID_SIZE];
	json_int_t call;
	int signals;			/* signalfd */
	int channel;			/* our end of the file channel, or -1 */
	int dir;			/* where artifacts go */
	int missing;
	struct error missing_error;
	struct terminal terminal;
	bool bridged;
	uint64_t interrupted_ms;	/* when Ctrl-C came last */
	struct expect expect;		/* its answer */
	sigset_t mask_before;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int watch_signals(struct waiting *w, struct error *err)
{
	sigset_t mask;

	(void)sigemptyset(&mask);
#define X(sig) (void)sigaddset(&mask, sig);
	EXECUTION_SIGNALS(X)
#undef X
	(void)sigprocmask(SIG_BLOCK, &mask, &w->mask_before);
	w->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (w->signals < 0)
		return err_sys(err, errno, "watch for signals");
	return 0;
}

/* One way: of an answer only that there is one is of interest. */
static json_int_t tell(struct waiting *w, const char *op, json_t *params)
{
	struct error err;
	json_int_t id;

	if (client_send(*w->client, op, params, NULL, 0, &id, &err) < 0)
		return 0;	/* the result's end of file says the same */
	return id;
}

static void on_signal(struct waiting *w)
{
	struct signalfd_siginfo si;

	while (read(w->signals, &si, sizeof(si)) == sizeof(si)) {
		int sig = (int)si.ssi_signo;
		bool interrupt = sig == SIGINT || sig == SIGTERM;
		json_int_t call;

		if (sig == SIGWINCH && w->bridged) {
			terminal_resize(&w->terminal);
			continue;
		}
		if (sig == SIGTTIN || sig == SIGTTOU)
			continue;
		if (interrupt) {
			uint64_t now = now_ms();

			if (w->interrupted_ms && now - w->interrupted_ms < AGAIN_MS) {
				call = tell(w, "execution.cancel",
					    json_pack("{s:s,s:i}", "id", w->id, "grace_ms", 0));
				expect_answer(&w->expect, call, EXPECT_FORCED_MS);
				continue;
			}
			w->interrupted_ms = now;
		}
		call = tell(w, "execution.signal",
			    json_pack("{s:s,s:i}", "id", w->id, "signal", sig));
		if (interrupt)
			expect_answer(&w->expect, call, EXPECT_MS);
		/* the SIGCONT that ends it comes through the signalfd, like any other */
		if (sig == SIGTSTP)
			(void)raise(SIGSTOP);
	}
}

static int open_channel(struct waiting *w, int *ret_theirs, struct error *err)
{
	struct execution_request *r = w->request;
	int pair[2];

	*ret_theirs = -1;
	if (w->channel >= 0)
		(void)close(TAKE_FD(w->channel));
	if (!r->n_files && !r->n_artifacts)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "make a socket pair");
	w->channel = pair[0];
	*ret_theirs = pair[1];
	json_object_set_new(r->params, "files", json_true());
	if (!r->n_artifacts || w->dir >= 0)
		return 0;
	w->dir = open(r->artifact_dir ? r->artifact_dir : ".",
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->dir < 0)
		return err_sys(err, errno, "open the folder '%s' for artifacts",
			       r->artifact_dir ? r->artifact_dir : ".");
	return 0;
}

static int begin(struct waiting *w, struct error *err)
{
	struct execution_request *r = w->request;
	cleanup_close int theirs = -1;
	int fds[4], n = 0;

	if (!*w->id)
		id_make(w->id);
	json_object_set_new(r->params, "id", json_string(w->id));
	if (open_channel(w, &theirs, err) < 0)
		return -1;
	if (!r->tty && r->stdio[0] >= 0) {
		json_object_set_new(r->params, "stdin", json_true());
		fds[n++] = r->stdio[0];
	}
	if (!r->tty && r->stdio[1] >= 0) {
		json_object_set_new(r->params, "stdio", json_true());
		fds[n++] = r->stdio[1];
		fds[n++] = r->stdio[2];
	}
	if (theirs >= 0)
		fds[n++] = theirs;
	/* an executor that is gone is noticed by who waits for the answer */
	if (client_send(*w->client, r->op ? r->op : "execution.create",
			json_incref(r->params), fds, n, &w->call, err) < 0 && err->code != ERR_UNAVAILABLE)
		return -1;
	(void)close(TAKE_FD(theirs));
	if (w->channel >= 0 &&
	    files_send(w->channel, r->files, r->n_files, r->artifacts, r->n_artifacts, err) < 0) {
		(void)tell(w, "execution.cancel",
			   json_pack("{s:s,s:i}", "id", w->id, "grace_ms", 0));
		return -1;
	}
	return 0;
}

static int start_bridge(struct waiting *w, struct error *err)
{
	int master = client_take_fd(*w->client);

	if (!w->request->tty || master < 0)
		return 0;
	if (terminal_open(&w->terminal, 0, 1, err) < 0) {
		(void)close(master);
		return -1;
	}
	w->terminal.master = master;
	w->bridged = true;
	terminal_resize(&w->terminal);
	return 0;
}

/* The executor died. Its successor knows the run, or knows that it is lost. */
static int reconnect(struct waiting *w, struct error *err)
{
	if (client_reconnect(w->client, err) < 0)
		return -1;
	expect_nothing(&w->expect);
	if (client_send(*w->client, "execution.wait", json_pack("{s:s}", "id", w->id), NULL,
			0, &w->call, err) < 0 && err->code != ERR_UNAVAILABLE)
		return -1;
	return 0;
}

/* It died before it had noted the request, so nothing ran: ask again. */
static int begin_again(struct waiting *w, struct error *err)
{
	if (w->channel >= 0)
		(void)close(TAKE_FD(w->channel));
	if (w->dir >= 0)
		(void)close(TAKE_FD(w->dir));
	return begin(w, err);
}

/* What is there of an artifact; a gone sandbox ends it. */
static void take_artifact(struct waiting *w)
{
	struct error found = { .code = ERR_NONE };
	int r = files_receive(w->channel, w->dir, w->request->artifacts,
			      w->request->n_artifacts, &w->missing, &found);

	if (r < 0 || (w->missing && !w->missing_error.code))
		w->missing_error = found;
	if (r <= 0) {
		(void)close(w->channel);
		w->channel = -1;
	}
}

/* One turn of poll; 1 when a frame may be there. */
static int turn(struct waiting *w, struct error *err)
{
	struct pollfd p[7] = {
		{ client_fd(*w->client), POLLIN, 0 },
		{ w->signals, POLLIN, 0 },
		{ w->dir >= 0 ? w->channel : -1, POLLIN, 0 },
	};
	const struct execution_request *r = w->request;
	struct pollfd *tty = p + 3 + r->n_captures;
	int n_tty = w->bridged ? terminal_poll(&w->terminal, tty) : 0;
	int n = 3 + r->n_captures + n_tty, timeout = w->expect.call ? EXPECT_LOOK_MS : -1;

	for (int i = 0; i < r->n_captures; i++)
		p[3 + i] = (struct pollfd){ r->captures[i].fd, POLLIN, 0 };
	if (poll(p, (nfds_t)n, timeout) < 0) {
		if (errno != EINTR)
			return err_sys(err, errno, "wait for the run");
		return 0;
	}
	if (p[1].revents)
		on_signal(w);
	if (p[2].revents)
		take_artifact(w);
	for (int i = 0; i < r->n_captures; i++)
		if (p[3 + i].revents)
			(void)capture_read(&r->captures[i]);
	if (w->bridged)
		terminal_copy(&w->terminal, tty, n_tty);
	return p[0].revents != 0;
}

static int wait_for_end(struct waiting *w, json_t **ret, struct error *err)
{
	bool again = false;
	int deaths = 0;

	for (;;) {
		cleanup_json json_t *data = NULL;
		char event[32];
		int r = expect_check(&w->expect, *w->client, w->id, err);

		if (r < 0)
			return -1;
		r = client_next(*w->client, w->call, 0, event, &data, err);

		if (r > 0 && !*event) {
			*ret = TAKE_PTR(data);
			return 0;
		}
		if (r > 0) {
			if (start_bridge(w, err) < 0)
				return -1;
			continue;
		}
		if (r < 0 && client_lost(*w->client) && deaths++ < DEATHS_MAX) {
			if (reconnect(w, err) < 0)
				return -1;
			continue;
		}
		/* recorded before it starts: of what has no record, nothing has run */
		if (r < 0 && deaths && err->code == ERR_NOT_FOUND && !again) {
			again = true;
			if (begin_again(w, err) < 0)
				return -1;
			continue;
		}
		if (r < 0)
			return -1;
		if (turn(w, err) < 0)
			return -1;
	}
}

int execution_failure(const json_t *record, struct error *err)
{
	const json_t *error = json_object_get(record, "error");

	if (!json_is_object(error))
		return 0;
	wire_to_error(error, err);
	return -1;
}

static void finish(struct waiting *w)
{
	if (w->bridged) {
		terminal_drain(&w->terminal);
		terminal_close(&w->terminal);
	}
	if (w->channel >= 0)
		(void)close(w->channel);
	if (w->dir >= 0)
		(void)close(w->dir);
	if (w->signals >= 0)
		(void)close(w->signals);
	if (w->request->forward_signals)
		(void)sigprocmask(SIG_SETMASK, &w->mask_before, NULL);
}

static void resume(struct waiting *w)
{
	const struct execution_resumed *r = w->request->resumed;

	(void)snprintf(w->id, sizeof(w->id), "%s", r->id);
	w->call = r->call;
	w->signals = r->signals;
	w->mask_before = *r->mask_before;
}

int execution_run(struct client **client, struct execution_request *request, json_t **ret,
		  struct error *err)
{
	struct waiting w = {
		.client = client, .request = request, .signals = -1, .channel = -1, .dir = -1,
		.terminal = { .master = -1 },
	};
	cleanup_json json_t *record = NULL;
	int r = 0;

	if (request->resumed)
		resume(&w);
	else if (request->forward_signals)
		r = watch_signals(&w, err);
	if (!r && !request->resumed)
		r = begin(&w, err);
	if (!r && request->started)
		request->started(request->arg, w.id);
	if (!r)
		r = wait_for_end(&w, &record, err);
	if (!r)
		r = execution_failure(record, err);
	while (!r && w.channel >= 0 && w.dir >= 0)
		take_artifact(&w);
	/* it has ended: what it wrote is in the pipes, and is all that counts */
	for (int i = 0; i < request->n_captures; i++)
		capture_drain(&request->captures[i]);
	finish(&w);
	if (!r && w.missing_error.code && execution_status(record) == 0) {
		*err = w.missing_error;
		r = -1;
	}
	if (!r)
		*ret = TAKE_PTR(record);
	return r < 0 ? -1 : 0;
}

int execution_status(const json_t *record)
{
	const json_t *code = json_object_get(record, "exit_code");
	json_int_t sig = json_integer_value(json_object_get(record, "signal"));

	if (json_is_true(json_object_get(record, "timed_out")))
		return 124;
	if (json_is_integer(code))
		return (int)json_integer_value(code);
	if (sig)
		return 128 + (int)sig;
	return 125;
}
