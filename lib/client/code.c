#include "lib/client/code.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD = 256, CODE_MAX = 256 << 20 };

/* ---- which programs the environment has ---- */

struct lookup {
	struct client *client;
	const char *environment;
	struct error *err;
	bool failed;
};

static bool in_environment(void *arg, const char *program)
{
	struct lookup *l = arg;
	cleanup_json json_t *result = NULL;
	json_t *params = json_pack("{s:s,s:[s]}", "name",
				   l->environment ? l->environment : "host", "programs", program);

	if (l->failed ||
	    client_call(l->client, "environment.programs", params, &result, l->err) < 0) {
		l->failed = true;
		return false;
	}
	return json_array_size(json_object_get(result, "found")) > 0;
}

/* ---- steps ---- */

static json_t *argv_json(char *const *argv)
{
	json_t *list = json_array();

	for (; *argv; argv++)
		json_array_append_new(list, client_text(*argv));
	return list;
}

static json_t *one_step(json_t *argv)
{
	return json_pack("[[o]]", argv);
}

/* A word alone is for the environment's shell. */
static json_t *shell_steps(const char *code, char *const *args)
{
	json_t *argv = json_pack("[s,s,o,s]", "/bin/sh", "-c", client_text(code), "sh");

	for (; *args; args++)
		json_array_append_new(argv, client_text(*args));
	return one_step(argv);
}

static int language_steps(const struct lang *lang, struct lookup *l, const char *dir,
			  char *const *args, struct code_plan *plan, struct error *err)
{
	struct lang_recipe recipe;
	char **env;

	if (lang_choose(lang, in_environment, l, &recipe, err) < 0) {
		if (l->failed)
			return -1;
		return err_wrap(err, "environment '%s'", l->environment ? l->environment : "host");
	}
	plan->steps = json_array();
	for (size_t i = 0; i < recipe.n_steps; i++) {
		bool last = i + 1 == recipe.n_steps;
		char **argv = lang_argv(recipe.steps[i], dir, plan->source, last ? args : NULL);

		if (!argv)
			return err_sys(err, ENOMEM, "plan the run");
		json_array_append_new(plan->steps, json_pack("[o]", argv_json(argv)));
		lang_argv_free(argv);
	}
	env = lang_env(recipe.lang, dir);
	plan->variables = json_object();
	for (char **e = env; e && *e; e++) {
		char *eq = strchr(*e, '=');

		if (!eq)
			continue;
		*eq = '\0';
		json_object_set_new(plan->variables, *e, client_text(eq + 1));
	}
	lang_argv_free(env);
	return 0;
}

/* ---- the code ---- */

static int memfd_of(const char *text, size_t len, struct error *err)
{
	cleanup_close int fd = memfd_create("faas-code", MFD_CLOEXEC);
	size_t done = 0;

	if (fd < 0)
		return err_sys(err, errno, "keep the code");
	while (done < len) {
		ssize_t n = write(fd, text + done, len - done);

		if (n < 0)
			return err_sys(err, errno, "keep the code");
		done += (size_t)n;
	}
	return TAKE_FD(fd);
}

/* All of our stdin, for "-". */
static int memfd_of_stdin(struct error *err)
{
	cleanup_close int fd = memfd_create("faas-code", MFD_CLOEXEC);
	char buf[65536];
	size_t total = 0;
	ssize_t n;

	if (fd < 0)
		return err_sys(err, errno, "keep the code");
	if (isatty(0))
		(void)!write(2, "faas: reading the program from the terminal; end with Ctrl-D\n",
			     61);
	while ((n = read(0, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || write(fd, buf, (size_t)n) != n)
			return err_sys(err, errno, "read the program from standard input");
		total += (size_t)n;
		if (total > CODE_MAX)
			return err_set(err, ERR_USAGE, "a program on standard input may have %d "
				       "MiB", CODE_MAX >> 20);
	}
	return TAKE_FD(fd);
}

static int open_program(const char *path, struct error *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "open the program '%s'", path);
	if (S_ISDIR(st.st_mode)) {
		(void)err_set(err, ERR_USAGE, "'%s' is a folder, not a program", path);
		return err_hint(err, "name a file in it; --file %s sends the folder along", path);
	}
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_USAGE, "'%s' is not a regular file", path);
	return TAKE_FD(fd);
}

/* "script.py" that is not there is a mistake, "echo hi" is code. */
static bool looks_like_a_file(const char *word)
{
	return !strpbrk(word, " \t\n;|&<>$`'\"(){}") &&
		(!strncmp(word, "./", 2) || !strncmp(word, "../", 3) || *word == '/' ||
		 lang_by_filename(word));
}

bool code_is_file(const char *word)
{
	struct stat st;

	return !stat(word, &st) && (S_ISREG(st.st_mode) || looks_like_a_file(word));
}

static const struct lang *by_head(int fd)
{
	char head[HEAD];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	return n > 0 ? lang_by_shebang(head, (size_t)n) : NULL;
}

static bool executable_format(int fd)
{
	char head[4];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	return (n >= 2 && !memcmp(head, "#!", 2)) || (n == 4 && !memcmp(head, "\177ELF", 4));
}

static void set_source(struct code_plan *plan, const struct lang *lang, const char *path)
{
	const char *base = path ? strrchr(path, '/') : NULL;

	base = base ? base + 1 : path;
	/* compilers go by the extension, so a file keeps its name only if it fits */
	if (base && strlen(base) < sizeof(plan->source) && *base != '-' &&
	    (!lang || lang_by_filename(base) == lang))
		(void)snprintf(plan->source, sizeof(plan->source), "%s", base);
	else
		(void)snprintf(plan->source, sizeof(plan->source), "%s",
			       lang ? lang->source : "program");
}

static const struct lang *named_language(const char *name, struct error *err)
{
	const struct lang *lang = lang_by_name(name), *near;

	if (lang)
		return lang;
	near = lang_nearest(name);
	(void)err_set(err, ERR_USAGE, "unknown language '%s'", name);
	(void)err_hint(err, near ? "did you mean '%s'? see 'faas language list'"
				 : "see 'faas language list'", near ? near->name : "");
	return NULL;
}

/* A file that is a program by itself: sent along and executed. */
static void executable_steps(struct code_plan *plan, const char *dir, char *const *args)
{
	json_t *argv = json_array();

	json_array_append_new(argv, json_sprintf("%s/%s", dir, plan->source));
	for (; *args; args++)
		json_array_append_new(argv, client_text(*args));
	plan->steps = one_step(argv);
	plan->file.mode = 0755;
}

/* "-" alone; to a program, code is code. */
static bool is_stdin(const struct code_request *r)
{
	return r->kind == CODE_GUESS && !strcmp(r->words[0], "-");
}

static int plan_program(struct client *client, const struct code_request *r, bool file,
			const struct lang *lang, struct code_plan *plan, struct error *err)
{
	struct lookup l = { client, r->environment, err, false };
	const char *dir = r->workdir ? r->workdir : "/work", *word = r->words[0];

	plan->fd = file ? open_program(word, err) : is_stdin(r) ? memfd_of_stdin(err)
						  : memfd_of(word, strlen(word), err);
	if (plan->fd < 0)
		return -1;
	if (!lang && file)
		lang = lang_by_filename(word);
	if (!lang)
		lang = by_head(plan->fd);
	set_source(plan, lang, file ? word : NULL);
	plan->file = (struct execution_file){ .fd = plan->fd, .to = plan->source, .mode = 0644 };
	plan->n_files = 1;
	if (lang) {
		plan->language = lang->name;
		return language_steps(lang, &l, dir, r->words + 1, plan, err);
	}
	if (executable_format(plan->fd)) {
		executable_steps(plan, dir, r->words + 1);
		return 0;
	}
	if (is_stdin(r)) {
		json_t *argv = json_pack("[s,s]", "/bin/sh", plan->source);

		for (char *const *a = r->words + 1; *a; a++)
			json_array_append_new(argv, client_text(*a));
		plan->steps = one_step(argv);
		return 0;
	}
	(void)err_set(err, ERR_USAGE, "cannot tell the language of '%s'", word);
	return err_hint(err, "name it with -l; see 'faas language list'");
}

int code_plan(struct client *client, const struct code_request *r, struct code_plan *ret,
	      struct error *err)
{
	const struct lang *lang = NULL;
	bool file;

	*ret = (struct code_plan){ .fd = -1 };
	if (!r->n_words) {
		(void)err_set(err, ERR_USAGE, "nothing to run");
		return err_hint(err, "faas execute 'echo hello', or faas execute -- ls -l /");
	}
	if (r->literal) {
		if (r->language)
			return err_set(err, ERR_USAGE, "'-l' is for CODE or a FILE, not for a "
				       "command after '--'");
		ret->steps = one_step(argv_json(r->words));
		return 0;
	}
	if (r->language && !(lang = named_language(r->language, err)))
		return -1;
	file = r->kind == CODE_FILE || (r->kind == CODE_GUESS && code_is_file(r->words[0]));
	if (r->kind == CODE_GUESS && !file && !lang && looks_like_a_file(r->words[0]) &&
	    !is_stdin(r)) {
		(void)err_set(err, ERR_NOT_FOUND, "there is no file '%s'", r->words[0]);
		return err_hint(err, "to run a command of the environment: faas execute -- %.100s",
				r->words[0]);
	}
	if (!file && !lang && !is_stdin(r)) {
		ret->steps = shell_steps(r->words[0], r->words + 1);
		ret->shell = true;
		return 0;
	}
	return plan_program(client, r, file, lang, ret, err);
}

void code_plan_release(struct code_plan *plan)
{
	json_decref(plan->steps);
	json_decref(plan->variables);
	if (plan->fd >= 0)
		(void)close(plan->fd);
	*plan = (struct code_plan){ .fd = -1 };
}
