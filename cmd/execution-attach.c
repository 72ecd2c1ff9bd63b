#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cmd/follow.h"

/* faas execution attach. */

#define ARGS struct attach_args
ARGS {
	bool no_forward;
	const char *id;
};

static const struct opt attach_opts[] = {
	OPT_FLAG(0, "no-forward", ARGS, no_forward,
		 "let signals end us and not the program: Ctrl-C detaches"),
	OPERAND("id", ARGS, id, HINT_EXECUTION, "execution to attach to"),
	OPT_END
};

/* SIGHUP is not among them: a terminal that goes away detaches. */
static int watch_signals(struct follow *f, bool forward, struct error *err)
{
	static const int forwarded[] = { SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2 };
	sigset_t mask;

	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGWINCH);
	for (size_t i = 0; forward && i < ARRAY_SIZE(forwarded); i++)
		(void)sigaddset(&mask, forwarded[i]);
	(void)sigprocmask(SIG_BLOCK, &mask, NULL);
	f->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (f->signals < 0)
		return err_sys(err, errno, "watch for signals");
	return 0;
}

/* Its terminal, if it has one and we have one for it. */
static int take_terminal(struct follow *f, struct error *err)
{
	cleanup_json json_t *result = NULL;
	int master;

	if (client_call(f->client, "execution.attach", execution_id(follow_id(f)), &result, err) < 0)
		return err->code == ERR_CONFLICT ? 0 : -1;	/* ended just now */
	master = client_take_fd(f->client);
	if (master < 0)
		return 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		(void)close(master);
		return 0;
	}
	if (terminal_open(&f->terminal, STDIN_FILENO, STDOUT_FILENO, err) < 0) {
		(void)close(master);
		return -1;
	}
	f->terminal.master = master;
	f->terminal.input_only = true;
	f->terminal.detach_keys = true;
	f->bridged = true;
	terminal_resize(&f->terminal);
	return 0;
}

static int attach_follow(struct follow *f, const char *id, bool forward, struct error *err)
{
	if (follow_open(f, "execution.logs", id, err) < 0 || logs_open(f->folder, 0, &f->logs, err) < 0)
		return -1;
	if (!f->ended && (watch_signals(f, forward, err) < 0 ||
			  take_terminal(f, err) < 0 || follow_wait(f, err) < 0))
		return -1;
	return follow_run(f, err);
}

int execution_attach_to(struct ctx *ctx, const char *id, bool forward, json_t **ret_record,
			struct error *err)
{
	struct follow f = {
		.ctx = ctx, .folder = -1, .signals = -1, .first_seq = UINT64_MAX,
		.terminal = { .master = -1 },
	};
	int r = attach_follow(&f, id, forward, err);

	*ret_record = NULL;
	if (f.bridged)
		terminal_close(&f.terminal);
	if (!r && f.terminal.detached && ctx->err_tty)
		fputc('\n', stderr);
	if (!r && f.terminal.detached)
		out_note(ctx, "detached; 'faas execution attach %s' comes back", follow_id(&f));
	else if (!r && f.ended)
		*ret_record = json_incref(f.record);
	follow_close(&f);
	return r;
}

static int attach_run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	cleanup_json json_t *record = NULL;

	if (execution_attach_to(ctx, args->id, !args->no_forward, &record, err) < 0)
		return -1;
	return record ? execution_exit(record) : 0;
}

static const char *const attach_examples[] = { "faas execution attach web", NULL };

const struct cmd execution_attach = {
	.name = "attach",
	.summary = "show an execution's output and take its terminal, until it ends",
	.flags = CMD_PASSES_STATUS,
	.args_size = sizeof(ARGS),
	.opts = attach_opts,
	.run = attach_run,
	.examples = attach_examples,
};
