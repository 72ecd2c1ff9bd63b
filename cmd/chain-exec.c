#include "cmd/chain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/strbuf.h"

/*
 * faas snapshot exec --cached: one step of no chain, with everything that a run can
 * have and a result can be kept of.
 */

static int check(const struct execute_args *args, struct error *err)
{
	const struct {
		bool given;
		const char *option;
	} no[] = {
		{ args->tty > 0, "--tty" }, { args->detach, "--detach" }, { args->log, "--log" },
		{ args->run.artifacts.n, "--artifact" }, { args->run.name, "--name" },
		{ args->run.labels.n, "--label" }, { args->run.io, "--io" },
		{ args->id_file, "--id-file" }, { args->status_file, "--status-file" },
		{ args->status_fd >= 0, "--status-fd" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (no[i].given)
			return err_set(err, ERR_USAGE, "'--cached' and '%s' exclude each other: it "
				       "may be that nothing is run", no[i].option);
	if (!args->words.literal && args->words.n && !strcmp(args->words.v[0], "-"))
		return err_set(err, ERR_USAGE, "'--cached' reads no standard input");
	return 0;
}

/* The program's own text is one: it has no path, and where it goes is its name. */
static int add_input(struct inputs *in, const struct execution_file *f, const char *workdir,
		     struct error *err)
{
	cleanup_free char *to = NULL;
	char digest[HASH_TEXT];

	if (asprintf(&to, "%s%s%s", *f->to == '/' ? "" : workdir, *f->to == '/' ? "" : "/",
		     f->to) < 0) {
		to = NULL;
		return err_sys(err, ENOMEM, "read files");
	}
	if (f->path)
		return inputs_add(in, f->path, to, err);
	if (hash_file(f->fd, digest, err) < 0)
		return -1;
	if (!in->content)
		in->content = json_object();
	json_object_set_new(in->content, f->to, json_sprintf("file %04o %s", f->mode, digest));
	return 0;
}

static const char *const shared[] = { "env", "limits", "network", "shell", "user", "workdir" };

static int run_plan(struct chain *c, const struct run_plan *plan, struct inputs *inputs,
		    struct chain_step *step, struct chain_result *r, struct error *err)
{
	const char *workdir = json_string_value(json_object_get(plan->params, "workdir"));
	cleanup_json json_t *find = json_object();

	for (int i = 0; i < plan->n_files; i++)
		if (add_input(inputs, &plan->files[i], workdir ? workdir : "/work", err) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_SIZE(shared); i++)
		if (json_object_get(plan->params, shared[i]))
			json_object_set(find, shared[i], json_object_get(plan->params, shared[i]));
	json_object_set(find, "argv", json_object_get(plan->params, "steps"));
	if (inputs->content)
		json_object_set(find, "files", inputs->content);
	step->find = find;
	step->run = plan->params;
	step->files = plan->files;
	step->n_files = plan->n_files;
	step->inputs = inputs;
	return chain_step_run(c, step, r, err);
}

static void describe(const struct opt_rest *words, struct strbuf *to)
{
	for (int i = 0; i < words->n; i++)
		strbuf_addf(to, "%s%s", i ? " " : "", words->v[i]);
}

static int report(const struct chain *c, const struct chain_result *r, struct error *err)
{
	struct out o;

	if (!c->ctx->json)
		return 0;
	out_object(&o, c->ctx, NULL);
	out_bool(&o, "hit", r->hit);
	out_str(&o, "key", r->key);
	out_str(&o, "snapshot", *r->snapshot ? r->snapshot : NULL);
	out_int(&o, "exit_code", r->exit);
	out_ms(&o, "duration_ms", r->us / 1000);
	chain_put_output(&o, r);
	return out_end(&o, err);
}

int chain_exec(struct ctx *ctx, const struct execute_args *args, struct error *err)
{
	struct chain_options options = { .explain = args->explain };
	CLEANUP_CHAIN struct chain c = CHAIN(ctx, &options);
	cleanup_strbuf struct strbuf text = STRBUF(1 << 20);
	CLEANUP_INPUTS struct inputs inputs = INPUTS;
	struct chain_step step = { .number = 1 };
	struct chain_result r = { .output = OUTPUT };
	struct client_options how = { 0 };
	struct run_options run = args->run;
	struct run_plan plan;
	int status;

	if (check(args, err) < 0 || client_connect(&how, &c.client, err) < 0)
		return -1;
	/* a result has no name before it is one */
	run.snapshot = NULL;
	status = run_plan_make(c.client, &run, &args->words, false, &plan, err);
	if (!status) {
		c.name = "snapshot exec";
		(void)snprintf(c.snapshot, sizeof(c.snapshot), "%s",
			       json_string_value(json_object_get(plan.parent, "id")));
		json_object_del(plan.params, "labels");
		describe(&args->words, &text);
		step.text = text.buf;
		status = run_plan(&c, &plan, &inputs, &step, &r, err);
	}
	run_plan_release(&plan);
	if (!status && args->run.snapshot && *args->run.snapshot)
		status = chain_set_name(&c, args->run.snapshot, err);
	if (status >= 0 && report(&c, &r, err) < 0)
		status = -1;
	output_release(&r.output);
	json_decref(r.changed);
	return status;
}
