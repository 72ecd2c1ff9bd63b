#include "cmd/command.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/extend.h"
#include "cmd/global.h"
#include "cmd/help.h"
#include "cmd/output.h"
#include "lib/base/cleanup.h"
#include "lib/base/memory.h"
#include "lib/client/start.h"

/*
 * main: find the command, parse its line, give it what it asked for, run it,
 * and turn its struct error into a message and an exit status. The only
 * place in the program that does the last.
 */

enum {
	EXIT_OWN_FAILURE = 125,		/* of a command that passes a status */
	EXIT_PIPE = 141,		/* as if SIGPIPE had ended us */
	MAX_ALIASES = 10,
};

/* What has been understood of the line so far. */
struct line {
	struct globals globals;
	struct ctx ctx;
	const struct cmd *cmd;
	char path[96];			/* "faas snapshot create" */
};

static int exit_status(const struct cmd *cmd, enum err_code code)
{
	if (!cmd || !(cmd->flags & CMD_PASSES_STATUS))
		return err_exit(code);
	if (code == ERR_TIMEOUT || code == ERR_CANNOT_RUN || code == ERR_NO_COMMAND)
		return err_exit(code);
	return EXIT_OWN_FAILURE;
}

static void report_json(FILE *out, const struct error *err, int status)
{
	struct emit e = EMIT(out);

	emit_open(&e, NULL, '{');
	emit_str(&e, "schema", "faas.v1");
	emit_open(&e, "error", '{');
	emit_str(&e, "code", err_name(err->code));
	emit_str(&e, "message", err->msg);
	emit_str(&e, "hint", err->hint[0] ? err->hint : NULL);
	emit_int(&e, "exit", status);
	if (getenv("FAAS_DEBUG"))
		emit_str(&e, "where", err->where);
	emit_close(&e);
	emit_close(&e);
	fputc('\n', out);
	(void)fflush(out);
}

static void report_line(const char *start, const char *text)
{
	fputs(start, stderr);
	if (isatty(STDERR_FILENO))
		out_escape(stderr, text, strlen(text));
	else
		fputs(text, stderr);
	fputc('\n', stderr);
}

static int report(const struct line *l, const struct error *err)
{
	int status = exit_status(l->cmd, err->code);
	bool passes = l->cmd && (l->cmd->flags & CMD_PASSES_STATUS);

	if (l->globals.json && (passes || ferror(stdout))) {
		report_json(stderr, err, status);
	} else if (l->globals.json) {
		/* half a result and an error are not one JSON text */
		__fpurge(stdout);
		report_json(stdout, err, status);
	} else {
		report_line("faas: ", err->msg);
		if (err->hint[0])
			report_line("hint: ", err->hint);
	}
	if (getenv("FAAS_DEBUG") && !l->globals.json)
		fprintf(stderr, "faas: (%s, errno %d, at %s)\n",
			err_name(err->code), err->errnum, err->where);
	return status;
}

/* A line that cannot be parsed may still say how it wants to hear so. */
static void look_for_json(struct line *l, int argc, char **argv)
{
	const struct opt *o = l->cmd ? l->cmd->opts : NULL;

	while (o && o->type != OPT_TYPE_END && o->type != OPT_TYPE_REST)
		o++;
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (o && o->type == OPT_TYPE_REST && argv[i][0] != '-')
			return;
		if (!strcmp(argv[i], "--json"))
			l->globals.json = true;
	}
}

static int usage_error(struct line *l, struct error *err, int argc, char **argv)
{
	look_for_json(l, argc, argv);
	if (err->code == ERR_USAGE && l->cmd)
		(void)err_hint(err, "see '%s --help'", l->path);
	return report(l, err);
}

/* What was printed has to arrive, or the command has failed. */
static int flush(const struct line *l, int status)
{
	struct error err;

	errno = 0;
	if (!ferror(stdout) && !fflush(stdout))
		return status;
	if (errno == EPIPE)
		return EXIT_PIPE;
	if (errno)
		(void)err_sys(&err, errno, "write to standard output");
	else
		(void)err_set(&err, ERR_SYSTEM, "cannot write to standard output");
	return report(l, &err);
}

/* Gives the command the rest of what it needs, and runs it. */
static int call(struct line *l, struct opt_layer *layer, struct error *err)
{
	if (global_apply(&l->globals, l->cmd, &l->ctx, err) < 0 ||
	    opt_defaults(layer, &global_source, err) < 0)
		return -1;
	return l->cmd->run(&l->ctx, layer->args, err);
}

static int run(struct line *l, int argc, char **argv)
{
	cleanup_free void *args = memory_must(calloc(1, l->cmd->args_size + 1));
	struct opt_layer layers[] = {
		{ .opts = l->cmd->opts, .args = args },
		{ .opts = global_opts, .args = &l->globals },
	};
	struct error err = { 0 };
	int used, status;

	status = opt_parse_layers(layers, ARRAY_SIZE(layers), false, argc, argv, &used,
				  &err);
	if (status < 0) {
		status = usage_error(l, &err, argc, argv);
	} else if (l->globals.help) {
		help_command(stdout, l->path, l->cmd);
		status = flush(l, 0);
	} else {
		status = call(l, &layers[0], &err);
		if (status < 0 && err.code == ERR_USAGE)
			(void)err_hint(&err, "see '%s --help'", l->path);
		status = status < 0 ? report(l, &err) : flush(l, status);
	}
	opt_release(l->cmd->opts, args);
	return status;
}

static int no_such_command(struct line *l, const struct cmd *const *list, int argc,
			   char **argv, const char *word)
{
	const char *best = cmd_nearest(list, word);
	struct error err;

	(void)err_set(&err, ERR_USAGE, "no command '%s%s%s'", l->path + 5,
		      l->cmd ? " " : "", word);
	if (best)
		(void)err_hint(&err, "did you mean '%s %s'?",
			       l->cmd ? l->path : "faas", best);
	else if (!l->cmd)
		(void)err_hint(&err, "see 'faas help --all'");
	return usage_error(l, &err, argc, argv);
}

/* Walks down argv to the command that will run: "snapshot", "create". */
static int dispatch(struct line *l, int argc, char **argv)
{
	for (;;) {
		struct opt_layer layer = { .opts = global_opts, .args = &l->globals };
		const struct cmd *next;
		struct error err;
		int used;

		(void)snprintf(l->path + strlen(l->path),
			       sizeof(l->path) - strlen(l->path), " %s", l->cmd->name);
		l->ctx.command = l->path + strlen("faas ");
		if (!l->cmd->subs)
			return run(l, argc, argv);
		if (opt_parse_layers(&layer, 1, true, argc, argv, &used, &err) < 0)
			return l->cmd->run ? run(l, argc, argv)
				: usage_error(l, &err, argc, argv);
		if (l->globals.help) {
			help_command(stdout, l->path, l->cmd);
			return flush(l, 0);
		}
		next = argc > used + 1 ? cmd_find(l->cmd->subs, argv[used + 1]) : NULL;
		if (!next && l->cmd->run)
			return run(l, argc, argv);
		if (argc <= used + 1) {
			(void)err_set(&err, ERR_USAGE, "'%s' needs a command", l->path);
			return usage_error(l, &err, argc, argv);
		}
		if (!next)
			return no_such_command(l, l->cmd->subs, argc, argv,
					       argv[used + 1]);
		l->cmd = next;
		argc -= used + 1;
		argv += used + 1;
	}
}

/* argv[1..] is a whole line without "faas"; more than once if it is an alias. */
static int start(struct line *l, int argc, char **argv, int aliases)
{
	struct opt_layer layer = { .opts = global_opts, .args = &l->globals };
	cleanup_free char **words = NULL;
	struct error err = { 0 };
	int used, n;

	if (opt_parse_layers(&layer, 1, true, argc, argv, &used, &err) < 0)
		return usage_error(l, &err, argc, argv);
	argc -= used;
	argv += used;
	if (l->globals.version)
		l->cmd = &cmd_version;
	else if (argc > 1)
		l->cmd = cmd_find(commands, argv[1]);
	if (l->globals.version)
		return dispatch(l, 1, argv);
	if (argc < 2 || l->globals.help) {
		help_overview(stdout);
		return flush(l, 0);
	}
	if (l->cmd)
		return dispatch(l, argc - 1, argv + 1);

	if (l->globals.dir && chdir(l->globals.dir) < 0) {
		(void)err_sys(&err, errno, "enter '%s'", l->globals.dir);
		return report(l, &err);
	}
	l->globals.dir = NULL;
	n = extend_alias(argc, argv, &words, &err);
	if (n > 0 && aliases == MAX_ALIASES)
		n = err_set(&err, ERR_USAGE, "alias '%s' goes round in circles",
			    argv[1]);
	if (n < 0)
		return usage_error(l, &err, argc, argv);
	if (n > 0)
		return start(l, n, words, aliases + 1);
	if (extend_program(&l->globals, argc, argv, &err) < 0)
		return report(l, &err);
	return no_such_command(l, commands, argc, argv, argv[1]);
}

/*
 * A closed descriptor 0, 1 or 2 would be given to the next file that is opened. In
 * its place comes one that fails as a closed one does: open the wrong way round.
 */
static void hold_standard_descriptors(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", fd ? O_RDONLY : O_WRONLY);
}

static struct line line = { .path = "faas" };

/* Nothing can be printed with stdio now. */
_noreturn_ static void without_memory(void)
{
	int status = exit_status(line.cmd, ERR_LIMIT);
	bool passes = line.cmd && (line.cmd->flags & CMD_PASSES_STATUS);
	char text[256];

	if (line.globals.json)
		(void)snprintf(text, sizeof(text), "{\"schema\":\"faas.v1\",\"error\":{\"code\":"
			       "\"%s\",\"message\":\"there is no memory left\",\"hint\":null,"
			       "\"exit\":%d}}\n", err_name(ERR_LIMIT), status);
	else
		(void)snprintf(text, sizeof(text), "faas: there is no memory left\n"
			       "hint: is it limited? see 'ulimit -v'\n");
	(void)!write(line.globals.json && !passes ? STDOUT_FILENO : STDERR_FILENO, text,
		     strlen(text));
	_exit(status);
}

int main(int argc, char **argv)
{
	memory_at_end(without_memory);
	json_set_alloc_funcs(memory_get, free);
	line.ctx.out = stdout;
	hold_standard_descriptors();
	/* who started us may have ignored it; then a closed pipe would be an error */
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	client_set_program("/proc/self/exe");
	return start(&line, argc, argv, 0);
}
