#include "lib/client/request.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/strbuf.h"

enum { NAME_SIZE = 256 };

/* ---- parameters ---- */

static void set_text(json_t *j, const char *key, const char *value)
{
	if (value)
		json_object_set_new(j, key, client_text(value));
}

static int set_number(json_t *j, const char *key, uint64_t value, struct error *err)
{
	if (value > INT64_MAX)
		return err_set(err, ERR_USAGE, "%s is too large", key);
	if (value)
		json_object_set_new(j, key, json_integer((json_int_t)value));
	return 0;
}

int request_pairs(const char *const *list, const char *what, json_t *to,
		  struct error *err)
{
	for (; list && *list; list++) {
		const char *eq = strchr(*list, '=');
		char name[NAME_SIZE];

		if (!eq || eq == *list || eq - *list >= NAME_SIZE)
			return err_set(err, ERR_USAGE, "%s '%.64s' is not NAME=value", what, *list);
		memcpy(name, *list, (size_t)(eq - *list));
		name[eq - *list] = '\0';
		if (json_object_set_new(to, name, client_text(eq + 1)) < 0)
			return err_set(err, ERR_USAGE, "%s '%.64s' has a name that is not UTF-8",
				       what, *list);
	}
	return 0;
}

static int limits(const struct faas_execute *run, json_t *params, struct error *err)
{
	json_t *j = json_object();

	json_object_set_new(params, "limits", j);
	if (set_number(j, "memory", run->memory, err) < 0 ||
	    set_number(j, "pids", run->pids, err) < 0 ||
	    set_number(j, "cpu_millis", run->cpu_millis, err) < 0 ||
	    set_number(j, "disk", run->disk, err) < 0 ||
	    set_number(j, "io_bps", run->io, err) < 0)
		return -1;
	return 0;
}

int request_params(const struct faas_execute *run, json_t **ret, struct error *err)
{
	cleanup_json json_t *params = json_object();
	json_t *labels = json_object();

	json_object_set_new(params, "labels", labels);
	set_text(params, "environment", run->environment);
	set_text(params, "mode", run->mode);
	set_text(params, "workdir", run->workdir);
	set_text(params, "user", run->user);
	set_text(params, "name", run->name);
	set_text(params, "network", run->network);
	set_text(params, "parent", run->parent);
	set_text(params, "branch", run->branch);
	set_text(params, "snapshot", run->snapshot);
	set_text(params, "comment", run->comment);
	if (run->on_success)
		json_object_set_new(params, "on_success", json_true());
	if (run->allow_degraded)
		json_object_set_new(params, "allow_degraded", json_true());
	if (run->detach)
		json_object_set_new(params, "detach", json_true());
	set_text(params, "instance", run->instance);
	if (set_number(params, "timeout_ms", run->timeout_ms, err) < 0 ||
	    set_number(params, "grace_ms", run->grace_ms, err) < 0 ||
	    (!run->instance && limits(run, params, err) < 0) ||
	    request_pairs(run->labels, "label", labels, err) < 0)
		return -1;
	*ret = TAKE_PTR(params);
	return 0;
}

static int check_stream(const struct faas_stream *s, const char *name, bool in,
			struct error *err)
{
	if ((int)s->kind < FAAS_DEFAULT || s->kind > FAAS_MEMORY)
		return err_set(err, ERR_USAGE, "%s.kind is %d, which is no kind of stream", name,
			       (int)s->kind);
	if (s->kind == FAAS_FD && s->fd < 0)
		return err_set(err, ERR_USAGE, "%s.fd is %d", name, s->fd);
	if (in && s->kind == FAAS_MEMORY && s->size && !s->data)
		return err_set(err, ERR_USAGE, "%s.size is %zu, and there is no data", name,
			       s->size);
	return 0;
}

int request_check(const struct faas_execute *run, struct error *err)
{
	int kinds = !!run->argv + !!run->code + !!run->file;

	for (size_t i = 0; i < ARRAY_SIZE(run->reserved); i++)
		if (run->reserved[i])
			return err_set(err, ERR_USAGE, "a reserved field is not zero; zero the "
				       "whole struct first");
	if (kinds != 1 || (run->argv && !run->argv[0])) {
		(void)err_set(err, ERR_USAGE, kinds > 1 ? "more than one of argv, code and file is "
			      "set" : "nothing to run");
		return err_hint(err, "set one of argv, code and file");
	}
	if (run->instance && (run->environment || run->mode || run->network || run->parent ||
			      run->branch || run->snapshot || run->comment || run->memory ||
			      run->pids || run->cpu_millis || run->disk || run->io))
		return err_set(err, ERR_USAGE, "environment, mode, network, files and limits of a "
			       "command in an instance are the instance's");
	if (run->argv && (run->language || run->args))
		return err_set(err, ERR_USAGE, "language and args are for code or a file, not for "
			       "argv");
	if (run->detach && (run->in.kind || run->out.kind || run->err.kind || run->output ||
			    run->artifacts))
		return err_set(err, ERR_USAGE, "a detached program has no streams and no artifacts "
			       "of its client's");
	if (check_stream(&run->in, "in", true, err) < 0 ||
	    check_stream(&run->out, "out", false, err) < 0 ||
	    check_stream(&run->err, "err", false, err) < 0)
		return -1;
	return 0;
}

/* ---- files ---- */

int request_memory(const void *data, size_t size, int *ret_fd, struct error *err)
{
	cleanup_close int fd = memfd_create("faas-data", MFD_CLOEXEC);
	size_t done = 0;

	if (fd < 0)
		return err_sys(err, errno, "keep %zu bytes", size);
	while (done < size) {
		ssize_t n = write(fd, (const char *)data + done, size - done);

		if (n < 0 && errno != EINTR)
			return err_sys(err, errno, "keep %zu bytes", size);
		done += n > 0 ? (size_t)n : 0;
	}
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, errno, "keep %zu bytes", size);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int one_file(const struct faas_file *from, struct execution_file *to,
		    struct error *err)
{
	const char *slash = from->path ? strrchr(from->path, '/') : NULL;

	*to = (struct execution_file){ .path = from->path, .fd = -1, .to = from->to,
				       .mode = from->mode & 07777 };
	if (from->path && !to->to)
		to->to = slash ? slash + 1 : from->path;
	if (!to->to || !*to->to)
		return err_set(err, ERR_USAGE, "a file has no name: set 'to'");
	if (from->path)
		return 0;
	if (from->size && !from->data)
		return err_set(err, ERR_USAGE, "file '%s' has neither path nor data", to->to);
	if (!to->mode)
		to->mode = 0644;
	return request_memory(from->data, from->size, &to->fd, err);
}

int request_files(const struct faas_execute *run, const struct code_plan *plan,
		  struct request_files *ret, struct error *err)
{
	*ret = (struct request_files){ 0 };
	if (run->n_files && !run->files)
		return err_set(err, ERR_USAGE, "n_files is %zu, and files is not set",
			       run->n_files);
	if (run->n_files >= INT_MAX / 2)
		return err_set(err, ERR_LIMIT, "more files than can be sent");
	ret->v = calloc(run->n_files + 1, sizeof(*ret->v));
	if (!ret->v)
		return err_sys(err, ENOMEM, "send files");
	if (plan->n_files) {
		ret->v[0] = plan->file;
		/* the plan keeps its own */
		ret->v[0].fd = dup(plan->file.fd);
		ret->n = 1;
		if (ret->v[0].fd < 0)
			return err_sys(err, errno, "send the program");
	}
	for (size_t i = 0; i < run->n_files; i++)
		if (one_file(&run->files[i], &ret->v[ret->n++], err) < 0)
			return -1;
	return 0;
}

void request_files_release(struct request_files *files)
{
	for (int i = 0; i < files->n; i++)
		if (!files->v[i].path && files->v[i].fd >= 0)
			(void)close(files->v[i].fd);
	free(files->v);
	*files = (struct request_files){ 0 };
}

/* ---- results ---- */

static int dump(const char *data, size_t len, void *to)
{
	strbuf_add(to, data, len);
	return strbuf_failed(to) ? -1 : 0;
}

char *request_text(const json_t *j)
{
	cleanup_strbuf struct strbuf sb = STRBUF(2 * (size_t)WIRE_FRAME_MAX);

	if (j && json_dump_callback(j, dump, &sb, JSON_COMPACT | JSON_ENCODE_ANY) < 0)
		return NULL;
	if (!j)
		strbuf_adds(&sb, "null");
	return strbuf_detach(&sb);
}

static json_int_t number(const json_t *j, const char *key)
{
	return json_integer_value(json_object_get(j, key));
}

static void copy_text(char *to, size_t size, const json_t *j, const char *key)
{
	const char *text = json_string_value(json_object_get(j, key));

	(void)snprintf(to, size, "%s", text ? text : "");
}

int request_result(const json_t *record, struct faas_result *ret, struct error *err)
{
	const json_t *usage = json_object_get(record, "usage");
	struct faas_result r = { .exit_code = -1 };

	copy_text(r.id, sizeof(r.id), record, "id");
	copy_text(r.state, sizeof(r.state), record, "state");
	copy_text(r.snapshot, sizeof(r.snapshot), record, "snapshot");
	if (json_is_integer(json_object_get(record, "exit_code")))
		r.exit_code = (int)number(record, "exit_code");
	r.signal = (int)number(record, "signal");
	r.timed_out = json_is_true(json_object_get(record, "timed_out"));
	r.oom_killed = json_is_true(json_object_get(record, "oom_killed"));
	r.cancelled = json_is_true(json_object_get(record, "cancelled"));
	r.wall_us = (uint64_t)number(usage, "wall_us");
	r.user_us = (uint64_t)number(usage, "user_us");
	r.system_us = (uint64_t)number(usage, "system_us");
	r.memory_peak = (uint64_t)number(usage, "memory_peak_bytes");
	r.record = request_text(record);
	if (!r.record)
		return err_sys(err, ENOMEM, "keep the result");
	*ret = r;
	return 0;
}
