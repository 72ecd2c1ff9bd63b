#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/executor/executor.h"
#include "lib/executor/snapshot.h"

/*
 * A run's beginning: from the request and what came with it to a sandbox.
 */

/* The client's descriptors, in the order of msg_run, and a pidfd of itself. */
int run_take_fds(struct session *s, const json_t *params, struct run *run,
		 struct error *err)
{
	static const struct {
		const char *field;
		uint32_t flag;
		int count;
	} kinds[] = {
		{ "stdin", RUN_STDIN, 1 }, { "stdio", RUN_STDIO, 2 }, { "files", RUN_FILES, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!json_is_true(json_object_get(params, kinds[i].field)))
			continue;
		run->msg.flags |= kinds[i].flag;
		for (int k = 0; k < kinds[i].count; k++) {
			int fd = wire_take_fd(&s->wire);

			if (fd < 0)
				return err_set(err, ERR_PROTOCOL, "the descriptor for '%s' is "
					       "missing", kinds[i].field);
			run->fds[run->n_fds++] = fd;
		}
	}
	if (run->msg.flags & RUN_DETACHED)
		return 0;
	if (s->life < 0)
		s->life = (int)syscall(SYS_pidfd_open, s->pid, 0);
	/* gone already, or of another pid namespace: the end of its connection is all there is */
	if (s->life < 0 && errno != ESRCH && errno != EINVAL)
		return err_sys(err, errno, "watch the client");
	if (s->life >= 0) {
		run->fds[run->n_fds] = fcntl(s->life, F_DUPFD_CLOEXEC, 3);
		if (run->fds[run->n_fds] < 0)
			return err_sys(err, errno, "watch the client");
		run->n_fds++;
		run->msg.flags |= RUN_LIFE;
	}
	return 0;
}

int run_log_folder(struct executor *x, const char *id, bool make, struct error *err)
{
	char name[64];
	int fd;

	if (make && mkdirat(x->state_dir, "logs", 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "create '%s/logs'", x->state_path);
	(void)snprintf(name, sizeof(name), "logs/%s", id);
	if (make && mkdirat(x->state_dir, name, 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "create '%s/%s'", x->state_path, name);
	fd = openat(x->state_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "open '%s/%s'", x->state_path, name);
	return fd;
}

int run_open_log(struct run *run, struct error *err)
{
	int fd;

	if (!(run->msg.flags & RUN_LOG))
		return 0;
	fd = run_log_folder(run->x, run->rec.id, true, err);
	if (fd < 0)
		return -1;
	run->fds[run->n_fds++] = fd;
	run->msg.flags |= RUN_LOG_FD;
	return 0;
}

void run_attach(struct run *run, struct session *s, json_int_t request)
{
	run->session = s;
	run->request = request;
	s->runs++;
}

int run_allowed(const struct executor *x, struct error *err)
{
	if (x->stopping)
		return err_set(err, ERR_UNAVAILABLE, "the executor is stopping"),
		       err_hint(err, "wait until it has ended, or 'faas executor stop --now'");
	if (!x->store_failed)
		return 0;
	*err = x->store_error;
	return err_wrap(err, "runs cannot be recorded");
}

static int start_run(struct executor *x, struct session *s, json_int_t id,
		     const json_t *params, struct run *run, struct error *err)
{
	struct slot *slot = NULL;
	bool cached;

	if (request_read(x, params, run, &slot, &cached, err) < 0 ||
	    (s && run_take_fds(s, params, run, err) < 0))
		return -1;
	if (run_open_log(run, err) < 0 || snapshot_keep(x, params, run, err) < 0 ||
	    journal_begin(x, &run->rec, err) < 0)
		return -1;
	run->ahead = !s;
	if (s)
		run_attach(run, s, id);
	x->n_runs++;
	run->cached = cached;
	if (slot->ready)
		return run_dispatch(run, slot, err);
	run->slot = slot;
	return 0;
}

int execution_start(struct executor *x, struct session *s, json_int_t id, const json_t *params,
		    struct error *err)
{
	struct run *run;

	if (run_allowed(x, err) < 0)
		return -1;
	run = run_new(x);
	if (start_run(x, s, id, params, run, err) < 0) {
		struct sandbox *sandbox = run->sandbox;

		if (run->session)
			s->runs--;
		run->session = NULL;
		if (run->sent)
			x->n_running--;
		snapshot_abandon(x, run);
		run_free(run);
		if (sandbox)
			sandbox_free(sandbox);
		return -1;
	}
	return 0;
}

int execution_create(struct session *s, json_int_t id, const json_t *params, struct error *err)
{
	return execution_start(s->x, s, id, params, err);
}
