#ifndef FAAS_CMD_CHAIN_H
#define FAAS_CMD_CHAIN_H

/*
 * Steps that are run once
 * =======================
 *
 * What `faas chain`, `faas env build` and `faas snapshot exec --cached` share:
 * chain-run.c goes through the steps, chain-step.c finds the result of one or makes
 * it, chain-copy.c knows which files it takes in, chain-report.c prints, and
 * chain-cache.c looks at what is kept.
 */

#include <jansson.h>

#include "cmd/command.h"
#include "cmd/execute.h"
#include "cmd/output.h"
#include "lib/chain/inputs.h"
#include "lib/chain/key.h"
#include "lib/chain/output.h"
#include "lib/chain/steps.h"
#include "lib/client/client.h"

struct chain_options {
	const char *base, *user, *network;
	const char *environment;	/* where neither --base nor FROM says it */
	struct opt_strs steps;		/* name of an option, its value, and so on */
	uint64_t timeout_ms, memory, cpus, pids, disk;
	bool no_cache, explain;
};

/* RUN: what the option is called that runs something, SET: that sets a variable. */
#define CHAIN_OPTIONS(T, f, RUN, SET)					\
	OPT_GROUP("Steps, in the order given"),				\
	OPT_STR('b', "base", "name", T, f.base, HINT_ENVIRONMENT,	\
		"begin with this snapshot or environment"),	\
	OPT_STR('E', "env", "name", T, f.environment, HINT_ENVIRONMENT,	\
		"begin with environment <name> where nothing else is said",	\
		.env = "FAAS_ENV", .config = "env", .hidden = true),		\
	OPT_STRS('r', RUN, "code", T, f.steps, HINT_NONE,		\
		 "run <code> by the shell", .flags = OPT_NAMED),	\
	OPT_STRS('c', "copy", "file", T, f.steps, HINT_FILE,		\
		 "copy in <file>, or SRC:DST", .flags = OPT_NAMED),	\
	OPT_STRS('e', SET, "var", T, f.steps, HINT_VARIABLE,		\
		 "set variable NAME=value", .flags = OPT_NAMED),	\
	OPT_STRS('w', "workdir", "dir", T, f.steps, HINT_NONE,		\
		 "make folder <dir>, and go on in it", .flags = OPT_NAMED), \
	OPT_GROUP("Results that are there already"),			\
	OPT_FLAG(0, "no-cache", T, f.no_cache, "run every step again"),	\
	OPT_FLAG(0, "explain", T, f.explain,				\
		 "say of each step that is run why that is"),		\
	OPT_GROUP("Limits of each step"),				\
	OPT_STR('u', "user", "user", T, f.user, HINT_USER,		\
		"run as <user> of the environment: name or uid[:gid]"),	\
	OPT_CHOICE(0, "network", "mode", T, f.network, run_networks,	\
		   "what it can reach",					\
		   .env = "FAAS_NETWORK", .config = "network"),		\
	OPT_MS(0, "timeout", "time", T, f.timeout_ms,			\
	       "stop it after <time>"),					\
	OPT_SIZE(0, "memory", "size", T, f.memory,			\
		 "let it use <size> of memory"),			\
	OPT_CPUS(0, "cpus", "number", T, f.cpus,			\
		 "let it use <number> CPUs, such as 0.5"),		\
	OPT_UINT(0, "pids", "number", T, f.pids,			\
		 "let it have <number> processes (default: 1024)"),	\
	OPT_SIZE(0, "disk", "size", T, f.disk,				\
		 "let it write <size> to files that are not kept")

/* What became of a step. */
struct chain_result {
	bool known;			/* it has a key: not ENV */
	bool hit, done;
	char key[HASH_TEXT], snapshot[64];
	int exit;
	uint64_t us;			/* how long it took, this time */
	json_t *changed;		/* array; null: it never succeeded here */
	struct output output;
};

struct chain {
	struct ctx *ctx;
	const struct chain_options *o;
	struct client *client;
	const struct steps *steps;
	const char *name;		/* which chain it is, for what is told of changes */
	const char *folder;		/* of the file: where its sources are, or NULL */
	char *environment;		/* that it begins with, or whose the snapshot is */
	char snapshot[64];		/* where it is; "": at the environment */
	char *start;			/* default of workdir */
	const char *workdir;
	json_t *variables;
	struct chain_result *results;
	int failed;			/* index of the step, or -1 */
};

/* ---- chain-run.c ---- */
/* Reads the file ("-": stdin; NULL: none) and then the options. *ret_folder is its. */
int chain_read(const char *file, const struct chain_options *o, struct steps *ret,
	       char **ret_name, char **ret_folder, struct error *err) _must_check_;
/*
 * Goes through them. 0 when all have succeeded, or the status of the one at `failed`;
 * -1: *err. chain_release() either way.
 */
int chain_run(struct chain *c, struct error *err) _must_check_;
void chain_release(struct chain *c);
#define CHAIN(c, opts)	{ .ctx = (c), .o = (opts), .failed = -1 }
#define CLEANUP_CHAIN	__attribute__((cleanup(chain_release)))

/* ---- chain-step.c ---- */
struct chain_step {
	int number;			/* from 1 */
	const char *text;
	json_t *find;			/* of chain.find, but where it begins */
	json_t *run;			/* of execution.create, but the same */
	const struct execution_file *files;
	int n_files;
	const struct inputs *inputs;
};
/* Finds its result, or makes it; the status of its program, or -1 and *err. */
int chain_step_run(struct chain *c, const struct chain_step *s, struct chain_result *ret,
		   struct error *err) _must_check_;
/* client_call(), again while executors die. Takes params. */
int chain_ask(struct chain *c, const char *op, json_t *params, json_t **ret,
	      struct error *err) _must_check_;
/* The name is the last snapshot's from now on. */
int chain_set_name(struct chain *c, const char *name, struct error *err) _must_check_;

/* ---- chain-copy.c ---- */
struct copying {
	struct execution_file *files;
	int n;
	struct inputs inputs;
};
/* folder: where sources are looked for, and what they may not leave; NULL: anywhere. */
int copying_plan(const struct step *s, const char *folder, const char *workdir,
		 struct copying *ret, struct error *err) _must_check_;
void copying_release(struct copying *c);

/* ---- chain-report.c ---- */
void chain_begin_step(const struct chain *c, int number, const char *text,
		      const struct chain_result *r);
/* A piece of what it writes, as it comes or came. */
void chain_show(const struct chain *c, int stream, const void *data, size_t size);
int chain_report(const struct chain *c, const char *name, int status, struct error *err);
/* Its steps. */
void chain_put(struct out *o, const struct chain *c);
void chain_put_output(struct out *o, const struct chain_result *r);

/* ---- env-build.c ---- */
extern const struct cmd env_build;

/* ---- chain-exec.c ---- */
int chain_exec(struct ctx *ctx, const struct execute_args *args, struct error *err);

/* ---- chain-cache.c ---- */
extern const struct cmd chain_list, chain_show_one, chain_delete, chain_prune;

#endif
