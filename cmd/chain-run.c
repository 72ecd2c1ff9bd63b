#include "cmd/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

/*
 * A chain from its first step to its last, or to the one that fails.
 */

/* ---- what the steps are ---- */

static int read_all(int fd, const char *name, char **ret, size_t *ret_size, struct error *err)
{
	cleanup_strbuf struct strbuf text = STRBUF(STEPS_MAX_SIZE + 1);
	char piece[16384];
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "read '%s'", name);
		strbuf_add(&text, piece, (size_t)n);
		if (strbuf_failed(&text))
			return err_set(err, ERR_USAGE, "'%s' is larger than 1 MiB", name);
	}
	*ret_size = text.len;
	*ret = strbuf_detach(&text);
	return *ret ? 0 : err_sys(err, ENOMEM, "read '%s'", name);
}

static int open_file(const char *file, struct error *err)
{
	cleanup_close int fd = -1;
	struct stat st;

	if (!strcmp(file, "-"))
		fd = fcntl(0, F_DUPFD_CLOEXEC, 3);
	else	/* of a pipe the writer is waited for */
		fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0) {
		(void)err_sys(err, errno, "open '%s'", file);
		return err_hint(err, "it has one step a line, such as: RUN make; see 'faas help "
				"chain'");
	}
	if (S_ISDIR(st.st_mode))
		return err_set(err, ERR_USAGE, "'%s' is a folder, not a file of steps", file);
	return TAKE_FD(fd);
}

static int read_file(const char *file, struct steps *to, char **ret_name, char **ret_folder,
		     struct error *err)
{
	cleanup_close int fd = open_file(file, err);
	cleanup_free char *text = NULL;
	cleanup_free char *full = NULL;
	bool is_stdin = !strcmp(file, "-");
	size_t size = 0;
	char *slash;

	if (fd < 0 || read_all(fd, file, &text, &size, err) < 0 ||
	    steps_parse(text, size, is_stdin ? "stdin" : file, to, err) < 0)
		return -1;
	full = realpath(is_stdin ? "." : file, NULL);
	if (!full)
		return err_sys(err, errno, "find '%s'", file);
	*ret_name = strdup(full);
	slash = is_stdin ? NULL : strrchr(full, '/');
	if (slash)
		slash[slash == full] = '\0';
	*ret_folder = TAKE_PTR(full);
	return *ret_name ? 0 : err_sys(err, ENOMEM, "read '%s'", file);
}

int chain_read(const char *file, const struct chain_options *o, struct steps *ret,
	       char **ret_name, char **ret_folder, struct error *err)
{
	char here[PATH_MAX];

	if (file && read_file(file, ret, ret_name, ret_folder, err) < 0)
		return -1;
	for (int i = 0; i + 1 < o->steps.n; i += 2)
		if (steps_add(ret, o->steps.v[i], o->steps.v[i + 1], err) < 0)
			return -1;
	if (!ret->n) {
		(void)err_set(err, ERR_USAGE, "there are no steps");
		return err_hint(err, "name a file of them, or give some: --run 'make'");
	}
	if (!*ret_name && asprintf(ret_name, "command line in %s",
				   getcwd(here, sizeof(here)) ? here : "?") < 0) {
		*ret_name = NULL;
		return err_sys(err, ENOMEM, "name the chain");
	}
	return 0;
}

/* ---- where it begins ---- */

static int begin_at(struct chain *c, const char *base, struct error *err)
{
	cleanup_json json_t *environment = NULL;
	cleanup_json json_t *snapshot = NULL;
	const char *name = base, *workdir;

	/* an environment, or else a snapshot */
	if (chain_ask(c, "environment.get", json_pack("{s:o}", "name", client_text(base)),
		      &environment, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		if (chain_ask(c, "snapshot.get", json_pack("{s:o}", "id", client_text(base)),
			      &snapshot, err) < 0) {
			if (err->code != ERR_NOT_FOUND)
				return -1;
			(void)err_set(err, ERR_NOT_FOUND, "no snapshot or environment '%s'", base);
			return err_hint(err, "see 'faas snapshot list' and 'faas env list'");
		}
		(void)snprintf(c->snapshot, sizeof(c->snapshot), "%s",
			       json_string_value(json_object_get(snapshot, "id")));
		name = json_string_value(json_object_get(snapshot, "environment"));
		if (chain_ask(c, "environment.get", json_pack("{s:s}", "name", name), &environment,
			      err) < 0)
			return -1;
	}
	workdir = json_string_value(json_object_get(environment, "workdir"));
	c->environment = strdup(name);
	c->start = strdup(workdir ? workdir : "/work");
	return c->environment && c->start ? 0 : err_sys(err, ENOMEM, "begin a chain");
}

/* ---- steps ---- */

static void add_limits(const struct chain_options *o, json_t *to)
{
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {
		{ "memory", o->memory }, { "pids", o->pids }, { "cpu_millis", o->cpus },
		{ "disk", o->disk },
	};
	json_t *j = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].value)
			json_object_set_new(j, all[i].name, json_integer((json_int_t)all[i].value));
	json_object_set_new(to, "limits", j);
}

/* What both questions say. */
static json_t *common(const struct chain *c, bool runs)
{
	json_t *j = json_object();

	if (c->workdir)
		json_object_set_new(j, "workdir", client_text(c->workdir));
	if (c->o->user)
		json_object_set_new(j, "user", client_text(c->o->user));
	if (!runs)
		return j;
	json_object_set_new(j, "env", json_copy(c->variables));
	if (c->o->network)
		json_object_set_new(j, "network", json_string(c->o->network));
	add_limits(c->o, j);
	return j;
}

static json_t *argv_of(const struct step *s)
{
	json_t *argv;

	if (s->shell)
		return json_pack("[s,s,o,s]", "/bin/sh", "-c", client_text(s->words[0]), "sh");
	argv = json_array();
	for (int i = 0; i < s->n; i++)
		json_array_append_new(argv, client_text(s->words[i]));
	return argv;
}

static int run_command(struct chain *c, const struct step *s, struct chain_step *to,
		       struct chain_result *r, struct error *err)
{
	cleanup_json json_t *find = common(c, true);
	cleanup_json json_t *run = common(c, true);

	json_object_set_new(find, "argv", argv_of(s));
	json_object_set_new(run, "steps", json_pack("[[o]]", argv_of(s)));
	if (s->shell) {
		json_object_set_new(find, "shell", json_true());
		json_object_set_new(run, "shell", json_true());
	}
	if (c->o->timeout_ms)
		json_object_set_new(run, "timeout_ms",
				    json_integer((json_int_t)c->o->timeout_ms));
	to->find = find;
	to->run = run;
	return chain_step_run(c, to, r, err);
}

static int run_files(struct chain *c, struct copying *copying, const char *what,
		     struct chain_step *to, struct chain_result *r, struct error *err)
{
	cleanup_json json_t *find = common(c, false);
	cleanup_json json_t *run = common(c, false);

	if (copying) {
		json_object_set(find, "files", copying->inputs.content);
		to->files = copying->files;
		to->n_files = copying->n;
		to->inputs = &copying->inputs;
	}
	json_object_set_new(run, "steps", json_pack("[[[s]]]", what));
	json_object_set_new(run, "files_only", json_true());
	to->find = find;
	to->run = run;
	return chain_step_run(c, to, r, err);
}

static int run_copy(struct chain *c, const struct step *s, struct chain_step *to,
		    struct chain_result *r, struct error *err)
{
	struct copying copying = { 0 };
	int status = copying_plan(s, c->folder, c->workdir ? c->workdir : c->start, &copying, err);

	if (!status)
		status = run_files(c, &copying, "copy", to, r, err);
	to->files = NULL;
	to->inputs = NULL;
	copying_release(&copying);
	return status;
}

static void set_variables(struct chain *c, const struct step *s)
{
	for (int i = 0; i < s->n; i++) {
		size_t n = strcspn(s->words[i], "=");
		char *name = strndup(s->words[i], n);

		if (name)
			json_object_set_new(c->variables, name, client_text(s->words[i] + n + 1));
		free(name);
	}
}

static int run_step(struct chain *c, int i, struct error *err)
{
	const struct step *s = &c->steps->v[i];
	struct chain_step to = { .number = i + 1, .text = s->text };
	struct chain_result *r = &c->results[i];

	switch (s->kind) {
	case STEP_ENV:
		set_variables(c, s);
		chain_begin_step(c, i + 1, s->text, r);
		r->done = true;
		return 0;
	case STEP_WORKDIR:
		c->workdir = s->words[0];
		return run_files(c, NULL, "workdir", &to, r, err);
	case STEP_COPY:
		return run_copy(c, s, &to, r, err);
	case STEP_RUN:
		return run_command(c, s, &to, r, err);
	}
	return err_set(err, ERR_BUG, "a step without a kind");
}

static int failed(const struct chain *c, int i, struct error *err)
{
	const struct step *s = &c->steps->v[i];

	if (s->line)
		(void)err_wrap(err, "step %d, line %d", i + 1, s->line);
	else
		(void)err_wrap(err, "step %d", i + 1);
	return *c->snapshot ? err_hint(err, "what the steps before it left is snapshot %s",
				       c->snapshot) : -1;
}

int chain_run(struct chain *c, struct error *err)
{
	const char *base = c->o->base ? c->o->base : c->steps->base;
	struct client_options options = { 0 };
	int status = 0;

	if (!base)
		base = c->o->environment;
	c->variables = json_object();
	c->results = calloc((size_t)c->steps->n, sizeof(*c->results));
	if (!c->results)
		return err_sys(err, ENOMEM, "begin a chain");
	for (int i = 0; i < c->steps->n; i++)
		c->results[i].output = (struct output)OUTPUT;
	if (!c->client && client_connect(&options, &c->client, err) < 0)
		return -1;
	if (begin_at(c, base ? base : "host", err) < 0)
		return -1;
	for (int i = 0; !status && i < c->steps->n; i++) {
		status = run_step(c, i, err);
		if (status < 0)
			return failed(c, i, err);
		if (status)
			c->failed = i;
	}
	return status;
}

void chain_release(struct chain *c)
{
	for (int i = 0; c->results && i < c->steps->n; i++) {
		output_release(&c->results[i].output);
		json_decref(c->results[i].changed);
	}
	free(c->results);
	json_decref(c->variables);
	free(c->environment);
	free(c->start);
	client_free(c->client);
	c->client = NULL;
}
