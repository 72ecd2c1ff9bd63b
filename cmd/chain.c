#include "cmd/chain.h"

#include <string.h>

#include "lib/base/cleanup.h"

/*
 * faas chain: steps that stand on each other, each run once.
 */

#define ARGS struct chain_args
ARGS {
	struct chain_options chain;
	const char *file, *name;
};

static const struct opt chain_opts[] = {
	CHAIN_OPTIONS(ARGS, chain, "run", "set"),
	OPT_GROUP("What comes out"),
	OPT_STR(0, "name", "name", ARGS, name, HINT_NONE,
		"call the last snapshot <name>, and no older result"),
	OPERAND_OPTIONAL("file", ARGS, file, HINT_FILE,
			 "file of steps, a line each; '-': on stdin"),
	OPT_END
};

static int check_name(struct chain *c, const char *name, struct error *err)
{
	cleanup_json json_t *done = NULL;
	struct client_options options = { 0 };

	if (client_connect(&options, &c->client, err) < 0)
		return -1;
	return chain_ask(c, "chain.name", json_pack("{s:o}", "name", client_text(name)), &done,
			 err);
}

static int run(struct ctx *ctx, const void *p, struct error *err)
{
	const ARGS *args = p;
	CLEANUP_STEPS struct steps steps = { 0 };
	CLEANUP_CHAIN struct chain c = CHAIN(ctx, &args->chain);
	cleanup_free char *name = NULL;
	cleanup_free char *folder = NULL;
	int status;

	if (chain_read(args->file, &args->chain, &steps, &name, &folder, err) < 0)
		return -1;
	c.steps = &steps;
	c.name = name;
	c.folder = folder;
	/* before it takes an hour */
	if (args->name && check_name(&c, args->name, err) < 0)
		return -1;
	status = chain_run(&c, err);
	if (status < 0)
		return -1;
	if (!status && args->name && !*c.snapshot)
		return err_set(err, ERR_USAGE, "no step makes a snapshot that '%s' could be the "
			       "name of", args->name);
	if (!status && args->name && chain_set_name(&c, args->name, err) < 0)
		return -1;
	return chain_report(&c, status ? NULL : args->name, status, err) < 0 ? -1 : status;
}

static const struct cmd *const subs[] = {
	&chain_list, &chain_show_one, &chain_delete, &chain_prune, NULL
};

static const char *const examples[] = {
	"faas chain Chainfile --name app",
	"faas chain --base host --copy setup.sh --run 'sh setup.sh' --explain",
	"faas chain list",
	NULL
};

const struct cmd cmd_chain = {
	.name = "chain",
	.summary = "run steps that stand on each other, each of them once",
	.flags = CMD_PASSES_STATUS,
	.args_size = sizeof(ARGS),
	.opts = chain_opts,
	.subs = subs,
	.run = run,
	.examples = examples,
};
