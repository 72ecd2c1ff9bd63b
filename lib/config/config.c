#include "lib/config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/config/text.h"

static const char *const scope_names[] = { "project", "user", "system" };

const char *config_scope_name(enum config_scope scope)
{
	return scope_names[scope];
}

static char *format(const char *a, const char *b)
{
	char *s;

	return asprintf(&s, "%s%s", a, b) < 0 ? NULL : s;
}

/* .faas/config here or in the nearest folder above that has one; else here. */
static char *project_path(void)
{
	cleanup_free char *cwd = getcwd(NULL, 0);
	cleanup_free char *here = NULL;

	if (!cwd || cwd[0] != '/')
		return NULL;
	here = format(strcmp(cwd, "/") ? cwd : "", "/.faas/config");
	for (char *end = cwd + strlen(cwd); here; ) {
		cleanup_free char *path = NULL;

		*end = '\0';
		path = format(cwd, "/.faas/config");
		if (path && access(path, F_OK) == 0)
			return TAKE_PTR(path);
		end = strrchr(cwd, '/');
		if (!end)
			break;
	}
	return TAKE_PTR(here);
}

char *config_path(enum config_scope scope)
{
	const char *home;

	if (scope == CONFIG_PROJECT)
		return getenv("FAAS_NO_PROJECT") ? NULL : project_path();
	if (scope == CONFIG_SYSTEM) {
		const char *path = getenv("FAAS_SYSTEM_CONFIG");

		return strdup(path ? path : "/etc/faas/config");
	}
	home = getenv("XDG_CONFIG_HOME");
	if (home && home[0] == '/')
		return format(home, "/faas/config");
	home = getenv("HOME");
	return home && home[0] == '/' ? format(home, "/.config/faas/config") : NULL;
}

/* A file that somebody else may write to could make us do what they want. */
static int check_owner(const struct stat *st, const char *path, struct error *err)
{
	if (!S_ISREG(st->st_mode))
		return err_set(err, ERR_DENIED, "'%s' is not a file", path);
	if (st->st_uid && st->st_uid != geteuid()) {
		(void)err_set(err, ERR_DENIED,
			      "'%s' belongs to another user (%u): not read", path,
			      (unsigned int)st->st_uid);
		return err_hint(err, "look at it, then: chown %u '%s'",
				(unsigned int)geteuid(), path);
	}
	if (st->st_mode & S_IWOTH) {
		(void)err_set(err, ERR_DENIED,
			      "anybody may write to '%s': not read", path);
		return err_hint(err, "look at it, then: chmod o-w '%s'", path);
	}
	return 0;
}

/*
 * The text, or NULL without an error when there is no such file. A project's
 * that we may not even look at is not ours to obey, and not a reason to do
 * nothing for somebody who only stands in that folder.
 */
static int slurp(const char *path, enum config_scope scope, char **ret, struct error *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	cleanup_free char *text = NULL;
	struct stat st;
	size_t len = 0;

	*ret = NULL;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0 && errno == EACCES && scope == CONFIG_PROJECT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "open '%s'", path);
	if (check_owner(&st, path, err) < 0)
		return -1;
	if (st.st_size > CONFIG_MAX_FILE)
		return err_set(err, ERR_LIMIT, "'%s' is larger than %d bytes", path,
			       CONFIG_MAX_FILE);
	text = malloc(CONFIG_MAX_FILE + 1);
	if (!text)
		return err_sys(err, ENOMEM, "read '%s'", path);
	while (len < CONFIG_MAX_FILE) {
		ssize_t n = read(fd, text + len, CONFIG_MAX_FILE - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "read '%s'", path);
		if (!n)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	if (strlen(text) != len)
		return err_set(err, ERR_USAGE, "'%s' has a NUL byte in it", path);
	*ret = TAKE_PTR(text);
	return 0;
}

static int add_entry(struct config_file *f, const struct config_reader *r,
		     struct error *err)
{
	struct config_entry *e = reallocarray(f->v, f->n + 1, sizeof(*e));

	if (!e)
		return err_sys(err, ENOMEM, "keep '%s'", r->key);
	f->v = e;
	e += f->n;
	e->key = strdup(r->key);
	e->value = strdup(r->value);
	if (asprintf(&e->origin, "%s:%u", f->path, r->number) < 0)
		e->origin = NULL;
	f->n++;
	if (!e->key || !e->value || !e->origin)
		return err_sys(err, ENOMEM, "keep '%s'", r->key);
	return 0;
}

static int check_pair(const struct config_reader *r, enum config_scope scope,
		      struct error *err)
{
	const struct config_key *k = config_known(r->key, err);

	if (!k)
		return -1;
	if (scope == CONFIG_PROJECT && !k->project) {
		(void)err_set(err, ERR_DENIED, "a project may not set '%s'", r->key);
		return err_hint(err, "take it out, or FAAS_NO_PROJECT=1; to set it "
				"for yourself: faas config set %s VALUE", r->key);
	}
	return config_check(k, r->key, r->value, err);
}

static int load_file(struct config_file *f, enum config_scope scope, struct error *err)
{
	cleanup_free char *text = NULL;
	cleanup_free struct config_reader *r = NULL;
	int kind;

	f->path = config_path(scope);
	if (!f->path)
		return 0;
	if (slurp(f->path, scope, &text, err) < 0)
		return err_wrap(err, "configuration");
	if (!text)
		return 0;
	r = malloc(sizeof(*r));
	if (!r)
		return err_sys(err, ENOMEM, "read '%s'", f->path);
	*r = (struct config_reader)CONFIG_READER(text);
	while ((kind = config_read_line(r, err)) > CONFIG_LINE_END) {
		if (kind != CONFIG_LINE_PAIR)
			continue;
		if (check_pair(r, scope, err) < 0 || add_entry(f, r, err) < 0)
			return err_wrap(err, "%s:%u", f->path, r->number);
	}
	if (kind < 0)
		return err_wrap(err, "%s:%u", f->path, r->number);
	return 0;
}

int config_load(struct config *c, struct error *err)
{
	for (enum config_scope s = 0; s < CONFIG_SCOPES; s++)
		if (load_file(&c->files[s], s, err) < 0)
			return -1;
	return 0;
}

void config_release(struct config *c)
{
	for (enum config_scope s = 0; s < CONFIG_SCOPES; s++) {
		struct config_file *f = &c->files[s];

		for (size_t i = 0; i < f->n; i++) {
			free(f->v[i].key);
			free(f->v[i].value);
			free(f->v[i].origin);
		}
		free(f->v);
		free(f->path);
		*f = (struct config_file){ NULL, NULL, 0 };
	}
}

const struct config_entry *config_find(const struct config *c, const char *key)
{
	for (enum config_scope s = 0; c && s < CONFIG_SCOPES; s++)
		for (size_t i = c->files[s].n; i--;)
			if (!strcmp(c->files[s].v[i].key, key))
				return &c->files[s].v[i];
	return NULL;
}

const char *config_value(const struct config *c, const char *key,
			 const char **ret_origin)
{
	const struct config_key *k = config_key(key);
	const struct config_entry *e;
	const char *value = k && k->env ? getenv(k->env) : NULL;

	if (value && *value) {
		*ret_origin = k->env;
		return value;
	}
	e = config_find(c, key);
	*ret_origin = e ? e->origin : "default";
	return e ? e->value : k ? k->dflt : NULL;
}
