#ifndef FAAS_CMD_ENV_H
#define FAAS_CMD_ENV_H

/*
 * What the commands of `faas env` share: env.c lists, shows, makes and deletes,
 * env-pull.c is about images, env-registry.c about where they are, env-login.c about who
 * asks there, env-export.c writes them, env-update.c changes defaults, env-alias.c has
 * short names.
 */

#include <jansson.h>

#include "cmd/command.h"
#include "cmd/output.h"
#include "cmd/progress.h"
#include "lib/image/credential.h"

extern const struct cmd env_pull, env_update, env_export, env_prune, env_alias, env_login,
	env_logout;

/* What an environment is for, however it is made. */
struct env_description {
	const char *cache, *shell, *warm_up;
	struct opt_strs languages, features;
};
extern const char *const env_caches[];

#define ENV_DESCRIPTION(T, f)							\
	OPT_CHOICE(0, "cache", "strategy", T, f.cache, env_caches,		\
		   "how much to keep ready (default: normal)"),			\
	OPT_STR(0, "shell", "program", T, f.shell, HINT_NONE,			\
		"program that runs code without a language; '' for the usual one"), \
	OPT_STRS('l', "language", "language", T, f.languages, HINT_LANGUAGE,	\
		 "a language that it is for; may be repeated"),			\
	OPT_STRS(0, "feature", "name[=bool]", T, f.features, HINT_NONE,		\
		 "record that it has a feature, or not"),			\
	OPT_STR(0, "warm-up", "code", T, f.warm_up, HINT_NONE,			\
		"code to run ahead, with '--cache aggressive'")

/* The defaults that an environment is made with: put ENV_DEFAULTS(ARGS, d) in a table. */
struct env_defaults {
	const char *workdir, *user;
	struct env_description description;
	struct opt_strs variables;
	uint64_t memory, cpus, pids, disk;
};

#define ENV_DEFAULTS(T, f)							\
	OPT_STRS('e', "env-var", "var", T, f.variables, HINT_VARIABLE,		\
		 "set variable NAME=value for every program in it"),		\
	OPT_STR('w', "workdir", "dir", T, f.workdir, HINT_NONE,			\
		"folder that programs start in (default: /work)"),		\
	OPT_STR('u', "user", "user", T, f.user, HINT_USER,			\
		"user that programs run as (default: root)"),			\
	OPT_SIZE(0, "memory", "size", T, f.memory, "default limit of memory"),	\
	OPT_CPUS(0, "cpus", "number", T, f.cpus, "default limit of CPUs"),	\
	OPT_UINT(0, "pids", "number", T, f.pids, "default limit of processes"),	\
	OPT_SIZE(0, "disk", "size", T, f.disk, "default limit of what is written"), \
	ENV_DESCRIPTION(T, f.description)

/* The same for what an image is had with. */
struct image_opts {
	const char *platform, *username, *ca_file, *progress;
	uint64_t timeout_ms;
	bool password_stdin, insecure;
};
#define IMAGE_OPTIONS(T, f)							\
	OPT_GROUP("images"),							\
	IMAGE_ASKED_OPTIONS(T, f),						\
	IMAGE_TIMEOUT_OPTION(T, f)

/* For commands whose --timeout is of something else. */
#define IMAGE_ASKED_OPTIONS(T, f)						\
	OPT_STR(0, "platform", "platform", T, f.platform, HINT_NONE,		\
		"take the image for this machine, such as linux/arm64 (default: this one)"), \
	OPT_STR(0, "username", "name", T, f.username, HINT_NONE,		\
		"say to the registry who asks"),				\
	OPT_FLAG(0, "password-stdin", T, f.password_stdin,			\
		 "read the password for it from stdin"),			\
	PROGRESS_OPTION(T, f.progress),						\
	IMAGE_TRUST_OPTIONS(T, f)

/* Of those, what is about the way to a registry. */
#define IMAGE_NETWORK_OPTIONS(T, f)						\
	IMAGE_TRUST_OPTIONS(T, f),						\
	IMAGE_TIMEOUT_OPTION(T, f)

#define IMAGE_TRUST_OPTIONS(T, f)						\
	OPT_STR(0, "ca-file", "file", T, f.ca_file, HINT_FILE,			\
		"believe who is certified by a certificate in <file>, too"),	\
	OPT_FLAG(0, "insecure", T, f.insecure,					\
		 "allow a registry without HTTPS or with any certificate")

#define IMAGE_TIMEOUT_OPTION(T, f)						\
	OPT_MS(0, "timeout", "time", T, f.timeout_ms,				\
	       "give up a registry that is silent for <time> (default: 30s)")

/* Adds them to the parameters of a request. */
int env_put_description(const struct env_description *d, json_t *params, struct error *err)
	_must_check_;
int env_put_defaults(const struct env_defaults *d, json_t *params, struct error *err)
	_must_check_;

/*
 * Parameters of environment.pull for that reference, in a registry or on this machine;
 * *ret_fd is the descriptor that goes along, or -1. *ret_name is its short name, to be
 * freed, or NULL.
 */
int image_params(const struct image_opts *opts, const char *reference, json_t **ret,
		 int *ret_fd, char **ret_name, struct error *err) _must_check_;

/* The files of aliases and of credentials, to be freed; NULL: there is no home. */
char *image_alias_path(void);
char *image_login_path(void);

/* One line, or all there is, of stdin. */
int image_read_password(char ret[CREDENTIAL_SIZE], struct error *err) _must_check_;
/* Adds to params what an image of a registry is asked for with, or only the way there. */
int image_registry_params(const struct image_opts *opts, const char *text, json_t *params,
			  struct error *err) _must_check_;
int image_network_params(const struct image_opts *opts, const char *registry, json_t *params,
			 struct error *err) _must_check_;

/* Sends and shows progress until it is made; takes params. mode: as of progress_begin(). */
int env_make(struct ctx *ctx, const char *mode, const char *op, json_t *params, int fd,
	     json_t **ret, struct error *err) _must_check_;
/* Of an image it is said how far it is, on a terminal or not. */
const char *image_progress(const struct image_opts *opts);

void put_environment(struct out *o, const json_t *e);
int env_print_made(struct ctx *ctx, const json_t *made, struct error *err) _must_check_;

#endif
