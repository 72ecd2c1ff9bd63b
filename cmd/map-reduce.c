#include "cmd/map.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/execution.h"
#include "lib/client/capture.h"

/*
 * The outputs of all items, as the standard input of one more program.
 */

int map_collect(struct map *m, const struct job *j, struct error *err)
{
	const struct strbuf *out = &j->captures[0].text;

	if (fwrite(out->buf, 1, out->len, m->collected) != out->len)
		return err_sys(err, errno, "keep the outputs for --reduce");
	return 0;
}

static int print_json(struct ctx *ctx, const json_t *record, struct execution_capture c[2],
		      struct error *err)
{
	static const char *const keys[] = { "stdout", "stderr" };
	struct out o;

	out_object(&o, ctx, NULL);
	out_bool(&o, "reduce", true);
	out_str(&o, "execution", json_string_value(json_object_get(record, "id")));
	out_int(&o, "status", execution_status(record));
	for (int i = 0; i < 2; i++) {
		cleanup_free char *text = NULL;
		char name[32];
		size_t len;

		text = capture_take(&c[i], &len);
		out_strn(&o, keys[i], text ? text : "", len);
		(void)snprintf(name, sizeof(name), "%s_truncated", keys[i]);
		out_bool(&o, name, c[i].truncated);
	}
	return out_end(&o, err);
}

static int run(struct batch *b, const struct map *m, struct run_plan *plan,
	       struct execution_capture *captures, json_t **record, struct error *err)
{
	struct execution_request request = {
		.params = plan->params, .files = plan->files, .n_files = plan->n_files,
		.stdio = { fileno(m->collected), 1, 2 }, .forward_signals = true,
	};
	int fds[2] = { -1, -1 }, r = 0;

	for (int i = 0; !r && b->ctx->json && i < 2; i++) {
		r = capture_open(&captures[i], &fds[i], err);
		request.stdio[i + 1] = fds[i];
		request.captures = captures;
		request.n_captures = 2;
	}
	if (!r)
		r = execution_run(&b->client, &request, record, err);
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	return r;
}

int map_reduce(struct batch *b, const struct map *m, struct error *err)
{
	struct execution_capture captures[2] = { CAPTURE(b->output_limit),
						 CAPTURE(b->output_limit) };
	char *word = (char *)(uintptr_t)m->reduce;
	const struct opt_rest words = { .v = (char *[]){ word, NULL }, .n = 1 };
	struct run_options o = b->defaults;
	cleanup_json json_t *record = NULL;
	struct run_plan plan;
	int r;

	if (fflush(m->collected) || lseek(fileno(m->collected), 0, SEEK_SET) < 0)
		return err_sys(err, errno, "keep the outputs for --reduce");
	o.kind = CODE_TEXT;
	o.language = NULL;
	o.parent = m->start;
	r = run_plan_make(b->client, &o, &words, false, &plan, err);
	if (!r) {
		json_t *env = json_object_get(plan.params, "env");

		json_object_set_new(env, "FAAS_BRANCH_COUNT",
				    json_sprintf("%zu", m->streaming ? m->next : m->items.n));
		json_object_set_new(env, "FAAS_BRANCH_PARENT", client_text(m->from));
		r = run(b, m, &plan, captures, &record, err);
	}
	run_plan_release(&plan);
	if (!r && b->ctx->json)
		r = print_json(b->ctx, record, captures, err);
	for (int i = 0; i < 2; i++)
		capture_release(&captures[i]);
	return r < 0 ? err_wrap(err, "--reduce") : execution_status(record);
}
