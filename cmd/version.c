#include "cmd/command.h"

#include <stdio.h>

#include "cmd/output.h"

/*
 * faas version: what this binary is.
 */

#define ARGS struct version_args
ARGS {
	bool unused;
};

static const struct opt version_opts[] = { OPT_END };

static int version_run(struct ctx *ctx, const void *args, struct error *err)
{
	struct out o;

	(void)args;
	if (!ctx->json) {
		fputs("faas " FAAS_VERSION "\n", ctx->out);
		return 0;
	}
	out_object(&o, ctx, NULL);
	out_str(&o, "version", FAAS_VERSION);
	return out_end(&o, err);
}

const struct cmd cmd_version = {
	.name = "version",
	.summary = "print the version of faas",
	.flags = CMD_NO_CONFIG,
	.args_size = sizeof(ARGS),
	.opts = version_opts,
	.run = version_run,
};
