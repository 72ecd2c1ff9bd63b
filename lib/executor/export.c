#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/executor/environment.h"
#include "lib/executor/filling.h"

/*
 * An environment as an archive or an image. faas-archive, confined to its root, writes a
 * tar to the client's descriptor, or to a pipe from which faas-oci makes an image.
 */

struct export_end {
	struct source source;
	struct exporting *of;
	struct helper helper;
	bool used, ended;
};

struct exporting {
	struct exporting *next;
	struct executor *x;
	struct session *session;
	json_int_t request;
	char name[STORE_NAME];
	struct export_end pack, oci;
};

static struct exporting *exports;

bool export_any(const char *name)
{
	for (struct exporting *e = exports; e; e = e->next)
		if (!name || !strcmp(e->name, name))
			return true;
	return false;
}

static void end_free(struct export_end *end)
{
	if (end->used && !end->ended)
		event_remove(end->of->x, &end->source);
	if (end->used)
		helper_release(&end->helper);
}

static void export_free(struct exporting *e)
{
	for (struct exporting **at = &exports; *at; at = &(*at)->next)
		if (*at == e) {
			*at = e->next;
			break;
		}
	end_free(&e->pack);
	end_free(&e->oci);
	free(e);
}

void export_session_gone(struct session *s)
{
	for (struct exporting *e = exports, *next; e; e = next) {
		next = e->next;
		if (e->session == s)
			export_free(e);
	}
}

static void answer(struct exporting *e)
{
	struct error err, second;
	json_int_t entries, bytes;
	int r = helper_result(&e->pack.helper, &err);

	/* a full disk is what the second one has seen, and the first one its pipe's end */
	if (e->oci.used && helper_result(&e->oci.helper, &second) < 0) {
		err = second;
		r = -1;
	}
	if (r < 0) {
		(void)err_wrap(&err, "export environment '%s'", e->name);
		session_error(e->session, e->request, &err);
	} else {
		entries = (json_int_t)helper_u64(e->pack.helper.last, "entries");
		bytes = (json_int_t)helper_u64(e->pack.helper.last, "bytes");
		session_result(e->session, e->request,
			       json_pack("{s:s,s:I,s:I}", "name", e->name, "entries", entries,
					 "bytes", bytes), NULL, 0);
	}
	export_free(e);
}

static void on_status(struct source *s, uint32_t events)
{
	struct export_end *end = (struct export_end *)s;
	struct exporting *e = end->of;

	(void)events;
	if (!helper_read(&end->helper))
		return;
	event_remove(e->x, s);
	end->ended = true;
	if (e->pack.ended && (!e->oci.used || e->oci.ended))
		answer(e);
}

static void on_progress(void *data, const json_t *progress)
{
	struct exporting *e = data;
	json_t *j = json_deep_copy(progress);

	json_object_set_new(j, "phase", json_string("pack"));
	session_event(e->session, e->request, "progress", j, NULL, 0);
}

static int watch(struct export_end *end, struct error *err)
{
	end->source = (struct source){ .fd = end->helper.fd, .ready = on_status };
	return event_add(end->of->x, &end->source, EPOLLIN, err);
}

static char *number(char buf[16], int n)
{
	(void)snprintf(buf, 16, "%d", n);
	return buf;
}

static int start_pack(struct exporting *e, int root, int output, const char *filter,
		      struct error *err)
{
	bool shifted = !e->x->spawner.rootless;
	char n[5][16];
	char *argv[] = {
		(char *)"faas-archive", (char *)"pack", (char *)"--root-fd", number(n[0], root),
		(char *)"--output-fd", number(n[1], output), (char *)"--filter",
		(char *)(uintptr_t)filter, (char *)"--status-fd", n[2],
		shifted ? (char *)"--uid-base" : NULL, number(n[3], UID_BASE),
		(char *)"--uid-count", number(n[4], UID_COUNT), NULL
	};

	e->pack.of = e;
	e->pack.used = e->pack.ended = true;
	e->pack.helper = (struct helper){ .progress = on_progress, .data = e };
	if (helper_open(&e->pack.helper, "faas-archive", err) < 0)
		return -1;
	(void)number(n[2], e->pack.helper.write_fd);
	if (helper_start(&e->pack.helper, NULL, argv, (const int[]){ root, output }, 2, err) < 0 ||
	    watch(&e->pack, err) < 0)
		return -1;
	e->pack.ended = false;
	return 0;
}

/* "A=b" of {"A":"b"} */
static json_t *env_of(const char *variables)
{
	cleanup_json json_t *all = variables ? json_loads(variables, 0, NULL) : NULL;
	json_t *list = json_array(), *value;
	const char *key;

	json_object_foreach(all, key, value)
		if (json_is_string(value))
			json_array_append_new(list, json_sprintf("%s=%s", key,
								 json_string_value(value)));
	return list;
}

static json_t *config_of(const struct environment *env, const json_t *image)
{
	json_t *config = json_pack("{s:o}", "Env", env_of(env->variables)), *ports, *port;
	size_t i;

	if (env->workdir)
		json_object_set_new(config, "WorkingDir", json_string(env->workdir));
	if (env->user)
		json_object_set_new(config, "User", json_string(env->user));
	if (json_array_size(json_object_get(image, "entrypoint")))
		json_object_set(config, "Entrypoint", json_object_get(image, "entrypoint"));
	if (json_array_size(json_object_get(image, "cmd")))
		json_object_set(config, "Cmd", json_object_get(image, "cmd"));
	if (json_object_size(json_object_get(image, "labels")))
		json_object_set(config, "Labels", json_object_get(image, "labels"));
	ports = json_object();
	json_array_foreach(json_object_get(image, "ports"), i, port)
		json_object_set_new(ports, json_string_value(port), json_object());
	if (json_object_size(ports))
		json_object_set(config, "ExposedPorts", ports);
	json_decref(ports);
	return config;
}

static int start_oci(struct exporting *e, const struct environment *env, const char *tag,
		     int pipe_end, int output, struct error *err)
{
	static const char *const keys[] = { "tag", "platform", "created", "config", NULL };
	cleanup_json json_t *image = env->image ? json_loads(env->image, 0, NULL) : NULL;
	cleanup_json json_t *request = json_pack("{s:o}", "config", config_of(env, image));
	cleanup_close int blobs = blobs_folder(e->x, err), fd = -1;
	char n[5][16], now[FORMAT_TIME];
	char *argv[] = {
		(char *)"faas-oci", (char *)"export", (char *)"--blobs-fd", number(n[0], blobs),
		(char *)"--request-fd", n[1], (char *)"--source-fd", number(n[2], pipe_end),
		(char *)"--output-fd", number(n[3], output), (char *)"--status-fd", n[4], NULL
	};

	if (blobs < 0)
		return -1;
	if (tag)
		json_object_set_new(request, "tag", json_string(tag));
	if (json_is_string(json_object_get(image, "platform")))
		json_object_set(request, "platform", json_object_get(image, "platform"));
	json_object_set_new(request, "created",
			    json_string(format_time(now, (uint64_t)env->created_ms)));
	fd = request_fd(request, keys, err);
	if (fd < 0)
		return -1;
	e->oci.of = e;
	e->oci.used = e->oci.ended = true;
	if (helper_open(&e->oci.helper, "faas-oci", err) < 0)
		return -1;
	(void)number(n[1], fd);
	(void)number(n[4], e->oci.helper.write_fd);
	if (helper_start(&e->oci.helper, NULL, argv,
			 (const int[]){ blobs, fd, pipe_end, output }, 4, err) < 0 ||
	    watch(&e->oci, err) < 0)
		return -1;
	e->oci.ended = false;
	return 0;
}

static int begin(struct exporting *e, const struct environment *env, const json_t *params,
		 int output, struct error *err)
{
	static const char *const formats[][2] = {
		{ "tar", "none" }, { "tar.gz", "gzip" }, { "tar.zst", "zstd" },
		{ "oci", NULL }, { "oci-archive", NULL },
	};
	const char *format = json_string_value(json_object_get(params, "format"));
	cleanup_close int root = open(env->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_close int read_end = -1, write_end = -1;
	int ends[2];
	size_t i = 0;

	while (i < ARRAY_SIZE(formats) && strcmp(format, formats[i][0]))
		i++;
	if (i == ARRAY_SIZE(formats))
		return err_set(err, ERR_USAGE, "'%.32s' is no format of an export", format);
	if (root < 0)
		return err_sys(err, errno, "open the root of environment '%s'", e->name);
	if (formats[i][1])
		return start_pack(e, root, output, formats[i][1], err);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "make a pipe");
	read_end = ends[0];
	write_end = ends[1];
	(void)fcntl(write_end, F_SETPIPE_SZ, 1 << 20);
	if (start_oci(e, env, json_string_value(json_object_get(params, "tag")), read_end, output,
		      err) < 0)
		return -1;
	return start_pack(e, root, write_end, "none", err);
}

int environment_export(struct session *s, json_int_t id, const json_t *params,
		       struct error *err)
{
	cleanup_environment struct environment env = { .name = "" };
	const char *name = json_string_value(json_object_get(params, "name"));
	cleanup_close int output = wire_take_fd(&s->wire);
	struct exporting *e;

	if (!strcmp(name, "host")) {
		(void)err_set(err, ERR_CONFLICT, "the environment 'host' is this machine, and is "
			      "not exported");
		return err_hint(err, "'tar' can, if you are sure");
	}
	if (output < 0)
		return err_set(err, ERR_PROTOCOL, "the descriptor to write to is missing");
	if (store_environment_get(s->x->store, name, &env, err) < 0)
		return -1;
	e = calloc(1, sizeof(*e));
	if (!e)
		return err_sys(err, ENOMEM, "export an environment");
	e->x = s->x;
	e->session = s;
	e->request = id;
	(void)snprintf(e->name, sizeof(e->name), "%s", name);
	e->next = exports;
	exports = e;
	if (begin(e, &env, params, output, err) < 0) {
		export_free(e);
		return -1;
	}
	return 0;
}
