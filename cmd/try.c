#include "cmd/execute.h"
#include "cmd/output.h"

/*
 * faas try: a step on a branch that counts only if it succeeds.
 */

static const struct opt try_opts[] = {
	OPERAND("branch", struct execute_args, run.branch, HINT_BRANCH, "branch to try it on"),
	EXECUTE_OPTIONS,
	OPT_END
};

static int try_run(struct ctx *ctx, const void *p, struct error *err)
{
	struct execute_args args = *(const struct execute_args *)p;
	int r;

	args.run.on_success = true;
	r = execute_run(ctx, &args, err);
	if (r > 0)
		out_note(ctx, "branch '%s' is as it was", args.run.branch);
	return r;
}

static const char *const examples[] = {
	"faas try work -- make test",
	"faas try work 'sed -i s/a/b/ /work/file && grep b /work/file'",
	NULL
};

const struct cmd cmd_try = {
	.name = "try",
	.summary = "run code on a branch, and keep what it did only if it succeeds",
	.flags = CMD_PASSES_STATUS,
	.args_size = sizeof(struct execute_args),
	.opts = try_opts,
	.run = try_run,
	.examples = examples,
};
