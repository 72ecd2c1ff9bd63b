#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/memory.h"
#include "lib/base/parse.h"
#include "lib/executor/executor.h"

/*
 * After a death: the journal says what was begun and what has ended, monitors
 * that live on have left sockets `m.ID` in the run folder. What neither explains
 * within a moment is lost, and says so.
 */

enum { PATIENCE_US = 2000000 };

static char *dump(const json_t *j, const char *key)
{
	const json_t *v = json_object_get(j, key);

	return v && !json_is_null(v) ? json_dumps(v, JSON_COMPACT) : NULL;
}

static char *copy(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return memory_copy(s);
}

/* The journal may be older than the database: what ended there has ended. */
static bool has_ended(struct executor *x, const char *id)
{
	cleanup_execution struct execution e = { 0 };
	struct error err;

	return !store_execution_get(x->store, id, &e, &err) && !strcmp(e.id, id) &&
		strcmp(e.state, "queued") && strcmp(e.state, "running");
}

static void ignore(struct executor *x, json_t *execution)
{
	(void)x;
	(void)execution;
}

static void begun(struct executor *x, json_t *j)
{
	const char *id = json_string_value(json_object_get(j, "id"));
	const char *name = json_string_value(json_object_get(j, "name"));
	struct run *run;
	struct execution *e;

	if (!id || strlen(id) >= sizeof(e->id) || run_find(x, id) || has_ended(x, id))
		return;
	run = run_new(x);
	e = &run->rec;
	(void)snprintf(e->id, sizeof(e->id), "%s", id);
	(void)snprintf(e->name, sizeof(e->name), "%s", name ? name : "");
	(void)snprintf(e->state, sizeof(e->state), "running");
	e->argv = dump(j, "argv");
	e->env = dump(j, "env");
	e->limits = dump(j, "limits");
	e->labels = dump(j, "labels");
	e->degraded = dump(j, "degraded");
	e->language = copy(j, "language");
	e->code_sha256 = copy(j, "code_sha256");
	e->mode = copy(j, "mode");
	e->environment = copy(j, "environment");
	e->engine = copy(j, "engine");
	e->workdir = copy(j, "workdir");
	e->user = copy(j, "user");
	e->network = copy(j, "network");
	e->parent = copy(j, "parent");
	e->snapshot = copy(j, "snapshot");
	e->branch = copy(j, "branch");
	e->instance = copy(j, "instance");
	e->created_ms = json_integer_value(json_object_get(j, "created_ms"));
	e->detached = json_is_true(json_object_get(j, "detached"));
	e->logged = json_is_true(json_object_get(j, "logged"));
	run->msg.grace_ms = 10000;
	run->msg.flags = (e->detached ? RUN_DETACHED : 0u) | (e->logged ? RUN_LOG : 0u);
	run->sent = true;
	run->dirty = true;
	x->n_running++;
	x->n_dirty++;
}

static void ended(struct executor *x, const struct msg_ended *m)
{
	struct run *run = run_find(x, m->id);

	if (!run || run->finished)
		return;
	run_ended(run, m);
	x->n_recovered++;
}

static int connect_to(struct executor *x, const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d/%.60s", x->run_dir,
		       name);
	if (!connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return fd;
	/* nobody listens: its monitor died too */
	if (errno == ECONNREFUSED)
		(void)unlinkat(x->run_dir, name, 0);
	(void)close(fd);
	return -1;
}

static void adopt(struct executor *x, const char *name)
{
	struct run *run = run_find(x, name + 2);
	struct error err;
	int fd;

	fd = connect_to(x, name);
	if (fd < 0)
		return;
	if (!run || run->finished || run->sandbox ||
	    !sandbox_adopt(x, fd, run, &err)) {
		(void)close(fd);
		return;
	}
	x->n_recovered++;
}

static void look_for_orphans(struct executor *x)
{
	int fd = openat(x->run_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (!strncmp(e->d_name, "m.", 2))
			adopt(x, e->d_name);
	if (d)
		(void)closedir(d);
}

/* The database's own idea of what runs, for what the journal no longer has. */
static int from_database(void *arg, const struct execution *e)
{
	struct executor *x = arg;
	json_t *j;

	if (run_find(x, e->id))
		return 0;
	j = report_execution(e);
	begun(x, j);
	json_decref(j);
	return 0;
}

void recover_ends(struct executor *x)
{
	struct error err;

	/* a journal that cannot be read tells of no end: then it is lost */
	if (journal_replay(x, ignore, ended, &err) < 0)
		return;
}

void recover_tend(struct executor *x)
{
	bool waiting = false;
	uint64_t now = clock_us();

	for (struct run *run = x->runs; run; run = run->next)
		waiting |= run->orphan_until_us && !run->finished && !run->sandbox;
	if (!waiting)
		return;
	look_for_orphans(x);
	/* its end may have come between the death and now */
	recover_ends(x);
	for (struct run *run = x->runs; run; run = run->next) {
		struct msg_status st = { .errnum = ESRCH };

		if (!run->orphan_until_us || run->finished || run->sandbox ||
		    now < run->orphan_until_us)
			continue;
		(void)snprintf(st.text, sizeof(st.text),
			       "follow the run: executor and monitor died");
		run_failed(run, &st);
		(void)snprintf(run->rec.state, sizeof(run->rec.state), "lost");
		x->n_lost++;
	}
}

static void remove_old_journals(struct executor *x)
{
	int fd = openat(x->run_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		uint64_t n;

		if (!strncmp(e->d_name, "journal.", 8) && !parse_u64(e->d_name + 8, &n) &&
		    n != x->journal->number)
			(void)unlinkat(x->run_dir, e->d_name, 0);
	}
	if (d)
		(void)closedir(d);
}

int recover(struct executor *x, struct error *err)
{
	static const char *const unfinished[] = { "queued", "running" };
	bool open = false;

	if (journal_replay(x, begun, ended, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(unfinished); i++) {
		struct execution_filter f = { .state = unfinished[i] };

		if (store_execution_list(x->store, &f, from_database, x, err) < 0)
			return -1;
	}
	for (struct run *run = x->runs; run; run = run->next)
		if (!run->finished) {
			run->orphan_until_us = clock_us() + PATIENCE_US;
			open = true;
		}
	if (open)
		look_for_orphans(x);
	if (journal_open(x, err) < 0 || run_flush(x, err) < 0)
		return -1;
	if (!open)
		remove_old_journals(x);
	return 0;
}
