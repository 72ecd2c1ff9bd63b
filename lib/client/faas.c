#include "lib/client/faas.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/client/handle.h"
#include "lib/client/request.h"

/* ---- errors ---- */

int handle_fail(const struct error *err, int status, struct faas_error *ret)
{
	if (!ret)
		return -1;
	*ret = (struct faas_error){ .exit = status };
	(void)snprintf(ret->code, sizeof(ret->code), "%s", err_name(err->code));
	(void)snprintf(ret->message, sizeof(ret->message), "%s", err->msg);
	(void)snprintf(ret->hint, sizeof(ret->hint), "%s", err->hint);
	return -1;
}

static int failed(const struct error *err, struct faas_error *ret)
{
	return handle_fail(err, err_exit(err->code), ret);
}

/* ---- the handle ---- */

void handle_disconnect(struct faas *f)
{
	client_free(f->client);
	f->client = NULL;
}

int handle_connect(struct faas *f, struct error *err)
{
	struct client_options options = { f->state_dir, f->no_start };

	if (f->client && !client_alive(f->client))
		handle_disconnect(f);
	return f->client ? 0 : client_connect(&options, &f->client, err);
}

int faas_open(const struct faas_options *options, struct faas **ret,
	      struct faas_error *error)
{
	static const struct faas_options none;
	struct error err;
	char state[4096];
	struct faas *f;

	if (!options)
		options = &none;
	/* now, so that a later change of the environment does not move the handle */
	if (client_state_dir(options->state_dir, state, sizeof(state), &err) < 0)
		return failed(&err, error);
	f = calloc(1, sizeof(*f));
	if (f)
		f->state_dir = strdup(state);
	if (!f || !f->state_dir) {
		faas_close(f);
		(void)err_sys(&err, ENOMEM, "open");
		return failed(&err, error);
	}
	f->no_start = options->no_start;
	if (handle_connect(f, &err) < 0) {
		faas_close(f);
		return failed(&err, error);
	}
	*ret = f;
	return 0;
}

void faas_close(struct faas *f)
{
	if (!f)
		return;
	client_free(f->client);
	free(f->state_dir);
	free(f);
}

void faas_free(void *p)
{
	free(p);
}

const char *faas_version(void)
{
	return FAAS_VERSION;
}

/* ---- operations ---- */

static int read_params(const char *text, json_t **ret, struct error *err)
{
	json_error_t why;

	*ret = NULL;
	if (!text)
		return 0;
	*ret = json_loads(text, JSON_REJECT_DUPLICATES, &why);
	if (json_is_object(*ret))
		return 0;
	json_decref(*ret);
	return err_set(err, ERR_USAGE, "params is not a JSON object: %s",
		       *ret ? "it is another type" : why.text);
}

/* Sends and waits; 1 for the result, 0 when the time is over. */
static int call(struct client *c, const char *operation, json_t *params, const int *fds,
		int n, int timeout_ms, json_t **ret, struct error *err)
{
	json_int_t id;
	char event[32];

	if (client_send(c, operation, params, fds, n, &id, err) < 0)
		return -1;
	for (;;) {
		json_t *data = NULL;
		int r = client_next(c, id, timeout_ms, event, &data, err);

		if (r <= 0 || !*event) {
			*ret = data;
			return r;
		}
		json_decref(data);
	}
}

/* Those that were not asked for are closed. */
static void take_fds(struct client *c, int *receive, size_t *n_receive)
{
	size_t room = receive && n_receive ? *n_receive : 0, n = 0;
	int fd;

	while ((fd = client_take_fd(c)) >= 0) {
		if (n < room)
			receive[n++] = fd;
		else
			(void)close(fd);
	}
	if (n_receive)
		*n_receive = n;
}

int handle_call(struct faas *f, const char *operation, json_t *params, const int *fds, int n,
		json_t **ret, struct error *err)
{
	if (handle_connect(f, err) < 0) {
		json_decref(params);
		return -1;
	}
	if (call(f->client, operation, params, fds, n, -1, ret, err) >= 0)
		return 0;
	if (err->code == ERR_UNAVAILABLE || err->code == ERR_PROTOCOL)
		handle_disconnect(f);
	return -1;
}

static int call_text(struct faas *f, const char *operation, const char *text,
		     const int *send, size_t n_send, int *receive, size_t *n_receive,
		     char **ret, struct error *err)
{
	cleanup_json json_t *result = NULL;
	json_t *params;

	if (n_send > WIRE_FDS_MAX)
		return err_set(err, ERR_USAGE, "%zu descriptors are more than %d", n_send,
			       WIRE_FDS_MAX);
	if (read_params(text, &params, err) < 0)
		return -1;
	if (handle_call(f, operation, params, send, (int)n_send, &result, err) < 0)
		return -1;
	take_fds(f->client, receive, n_receive);
	if (!ret)
		return 0;
	*ret = request_text(result);
	return *ret ? 0 : err_sys(err, ENOMEM, "keep the result");
}

int faas_call_fds(struct faas *f, const char *operation, const char *params,
		  const int *send, size_t n_send, int *receive, size_t *n_receive,
		  char **ret_result, struct faas_error *error)
{
	struct error err;

	if (call_text(f, operation, params, send, n_send, receive, n_receive, ret_result,
		      &err) < 0)
		return failed(&err, error);
	return 0;
}

int faas_call(struct faas *f, const char *operation, const char *params,
	      char **ret_result, struct faas_error *error)
{
	return faas_call_fds(f, operation, params, NULL, 0, NULL, NULL, ret_result, error);
}

/* ---- waiting ---- */

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int too_late(const char *id, int64_t timeout_ms, struct error *err)
{
	return err_set(err, ERR_TIMEOUT, "execution '%s' has not ended after %lld ms", id,
		       (long long)timeout_ms);
}

/* A successor of the executor knows what became of its runs. */
static int wait_for(struct faas *f, const char *id, int64_t timeout_ms, json_t **ret,
		    struct error *err)
{
	int64_t end = now_ms() + timeout_ms;
	bool again = false;

	for (;;) {
		int64_t left = timeout_ms < 0 ? -1 : end - now_ms();
		int r;

		if (handle_connect(f, err) < 0)
			return -1;
		if (timeout_ms >= 0 && left < 1)
			left = 1;
		r = call(f->client, "execution.wait", json_pack("{s:o}", "id", client_text(id)),
			 NULL, 0, left > INT32_MAX ? INT32_MAX : (int)left, ret, err);
		if (r > 0)
			return 0;
		if (r < 0 && err->code != ERR_UNAVAILABLE)
			return -1;
		/* also when a signal came: the question is asked again */
		handle_disconnect(f);
		if (r < 0 && again)
			return -1;
		again = r < 0;
		if (!r && now_ms() >= end)
			return too_late(id, timeout_ms, err);
	}
}

/* Does not wait: how it is. */
static int look(struct faas *f, const char *id, json_t **ret, struct error *err)
{
	if (handle_connect(f, err) < 0 ||
	    call(f->client, "execution.get", json_pack("{s:o}", "id", client_text(id)), NULL, 0,
		 -1, ret, err) < 0)
		return -1;
	return json_integer_value(json_object_get(*ret, "ended_ms")) ? 0 : too_late(id, 0, err);
}

int faas_wait(struct faas *f, const char *id, int64_t timeout_ms, struct faas_result *ret,
	      struct faas_error *error)
{
	cleanup_json json_t *record = NULL;
	struct error err;

	if ((timeout_ms ? wait_for(f, id, timeout_ms, &record, &err)
			: look(f, id, &record, &err)) < 0)
		return failed(&err, error);
	if (execution_failure(record, &err) < 0)
		return handle_fail(&err, err_exit_running(err.code), error);
	return request_result(record, ret, &err) < 0 ? failed(&err, error) : 0;
}

int faas_cancel(struct faas *f, const char *id, int64_t grace_ms,
		struct faas_error *error)
{
	cleanup_json json_t *result = NULL;
	json_t *params = json_pack("{s:o}", "id", client_text(id));
	struct error err;

	if (grace_ms >= 0)
		json_object_set_new(params, "grace_ms", json_integer(grace_ms));
	if (handle_call(f, "execution.cancel", params, NULL, 0, &result, &err) < 0)
		return failed(&err, error);
	return 0;
}

int faas_status(const struct faas_result *result)
{
	if (!strcmp(result->state, "queued") || !strcmp(result->state, "running"))
		return -1;
	if (result->timed_out)
		return 124;
	if (result->exit_code >= 0)
		return result->exit_code;
	return result->signal ? 128 + result->signal : 125;
}

void faas_result_release(struct faas_result *result)
{
	free(result->out);
	free(result->err);
	free(result->record);
	*result = (struct faas_result){ .exit_code = -1 };
}
