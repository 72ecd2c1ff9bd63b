#include "lib/client/faas.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/client/handle.h"
#include "lib/client/request.h"

/*
 * faas_execute(): a plan, descriptors, and execution_run().
 */

enum { KEPT = 1 << 20, ARGS_MAX = 65536 };

/* What an execution holds on to until it has ended. */
struct running {
	struct code_plan plan;
	struct request_files files;
	struct execution_capture captures[2];
	bool captured[2];
	int opened[3];			/* to be handed over, ours to close */
	struct execution_request request;
};

static int make_plan(struct faas *f, const struct faas_execute *run,
		     struct code_plan *plan, struct error *err)
{
	const char *const *args = run->argv ? run->argv : run->args;
	struct code_request r = {
		.kind = run->file ? CODE_FILE : CODE_TEXT, .environment = run->environment,
		.language = run->language, .workdir = run->workdir, .literal = run->argv,
	};
	cleanup_free const char **words = NULL;
	size_t n = 0, start = !run->argv;

	while (args && args[n])
		if (++n > ARGS_MAX)
			return err_set(err, ERR_LIMIT, "more than %d arguments", ARGS_MAX);
	words = calloc(n + 2, sizeof(*words));
	if (!words)
		return err_sys(err, ENOMEM, "plan the run");
	if (start)
		words[0] = run->file ? run->file : run->code;
	if (n)
		memcpy(words + start, args, n * sizeof(*words));
	r.words = (char *const *)(uintptr_t)words;
	r.n_words = (int)(n + start);
	return code_plan(f->client, &r, plan, err);
}

static int open_in(const struct faas_stream *s, struct running *r, struct error *err)
{
	int *to = &r->request.stdio[0];

	*to = -1;
	if (s->kind == FAAS_FD)
		*to = s->fd;
	if (s->kind != FAAS_MEMORY)
		return 0;
	if (request_memory(s->data, s->size, &r->opened[0], err) < 0)
		return -1;
	*to = r->opened[0];
	return 0;
}

static int open_out(const struct faas_execute *run, int n, struct running *r,
		    struct error *err)
{
	const struct faas_stream *s = n == 1 ? &run->out : &run->err;
	struct execution_capture *c = &r->captures[n - 1];

	if (s->kind == FAAS_FD) {
		r->request.stdio[n] = s->fd;
		return 0;
	}
	if (s->kind == FAAS_NONE) {
		r->opened[n] = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (r->opened[n] < 0)
			return err_sys(err, errno, "open '/dev/null'");
	} else {
		*c = (struct execution_capture)CAPTURE(s->size ? s->size : KEPT);
		c->each = run->output;
		c->arg = run->arg;
		c->stream = n;
		if (capture_open(c, &r->opened[n], err) < 0)
			return -1;
		r->captured[n - 1] = true;
	}
	r->request.stdio[n] = r->opened[n];
	return 0;
}

static int open_streams(const struct faas_execute *run, struct running *r,
			struct error *err)
{
	r->request.captures = r->captures;
	r->request.n_captures = 2;
	for (int i = 0; i < 3; i++)
		r->request.stdio[i] = -1;
	if (run->detach)
		return 0;
	if (open_in(&run->in, r, err) < 0 || open_out(run, 1, r, err) < 0 ||
	    open_out(run, 2, r, err) < 0)
		return -1;
	return 0;
}

static int prepare(struct faas *f, const struct faas_execute *run, struct running *r,
		   struct error *err)
{
	json_t *params = NULL, *env = json_object();

	if (request_check(run, err) < 0 || request_params(run, &params, err) < 0) {
		json_decref(env);
		return -1;
	}
	r->request.params = params;
	json_object_set_new(params, "env", env);
	if (handle_connect(f, err) < 0 || make_plan(f, run, &r->plan, err) < 0)
		return -1;
	if (run->instance)
		r->request.op = "instance.exec";
	json_object_set(params, "steps", r->plan.steps);
	if (r->plan.shell)
		json_object_set_new(params, "shell", json_true());
	if (r->plan.language)
		json_object_set_new(params, "language", json_string(r->plan.language));
	if (r->plan.variables)
		json_object_update(env, r->plan.variables);
	if (request_pairs(run->env, "variable", env, err) < 0 ||
	    request_files(run, &r->plan, &r->files, err) < 0 ||
	    open_streams(run, r, err) < 0)
		return -1;
	r->request.files = r->files.v;
	r->request.n_files = r->files.n;
	r->request.artifacts = run->artifacts;
	while (run->artifacts && run->artifacts[r->request.n_artifacts])
		r->request.n_artifacts++;
	r->request.artifact_dir = run->artifact_dir;
	r->request.detach = run->detach;
	r->request.started = run->started;
	r->request.arg = run->arg;
	return 0;
}

static int take_output(struct execution_capture *c, char **ret, size_t *ret_size,
		       int *ret_truncated, struct error *err)
{
	char *data = capture_take(c, ret_size);

	if (!data)
		return err_sys(err, ENOMEM, "keep the output");
	*ret = data;
	*ret_truncated = c->truncated;
	return 0;
}

static int conclude(struct running *r, const json_t *record, struct faas_result *ret,
		    struct error *err)
{
	struct faas_result result;

	if (request_result(record, &result, err) < 0)
		return -1;
	if ((r->captured[0] && take_output(&r->captures[0], &result.out, &result.out_size,
					   &result.out_truncated, err) < 0) ||
	    (r->captured[1] && take_output(&r->captures[1], &result.err, &result.err_size,
					   &result.err_truncated, err) < 0)) {
		faas_result_release(&result);
		return -1;
	}
	*ret = result;
	return 0;
}

static void running_release(struct running *r)
{
	for (int i = 0; i < 3; i++)
		if (r->opened[i] >= 0)
			(void)close(r->opened[i]);
	for (int i = 0; i < 2; i++)
		capture_release(&r->captures[i]);
	request_files_release(&r->files);
	code_plan_release(&r->plan);
	json_decref(r->request.params);
}

int faas_execute(struct faas *f, const struct faas_execute *run, struct faas_result *ret,
		 struct faas_error *error)
{
	struct running r = {
		.plan.fd = -1, .captures = { CAPTURE(0), CAPTURE(0) }, .opened = { -1, -1, -1 },
	};
	cleanup_json json_t *record = NULL;
	struct error err;
	int result = prepare(f, run, &r, &err);

	if (!result) {
		result = execution_run(&f->client, &r.request, &record, &err);
		/* it may still be running, and be waited for: gone with its connection */
		if (result < 0)
			handle_disconnect(f);
	}
	if (!result)
		result = conclude(&r, record, ret, &err);
	running_release(&r);
	return result < 0 ? handle_fail(&err, err_exit_running(err.code), error) : 0;
}
