#include "cmd/doctor-repair.h"

#include <string.h>

#include "cmd/output.h"
#include "lib/client/client.h"

/*
 * faas doctor --repair: what is kept of snapshots, mended.
 */

enum { PATIENCE_MS = 1000 };

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

int doctor_repair(struct ctx *ctx, const char *state, bool dry_run, struct error *err)
{
	static const struct out_column columns[] = {
		{ "id" }, { "name" }, { "problem" }, { "removed" }, { "why" }, { NULL }
	};
	struct client_options options = { .state_dir = state };
	CLEANUP(client_free) struct client *c = NULL;
	cleanup_json json_t *result = NULL;
	const json_t *problems;
	bool left = false;
	struct out o;
	json_t *p;
	size_t i;

	if (client_connect(&options, &c, err) < 0 ||
	    client_call(c, "snapshot.repair", json_pack("{s:b}", "dry_run", dry_run), &result,
			err) < 0)
		return -1;
	problems = json_object_get(result, "problems");
	out_list(&o, ctx, NULL, "problems", columns);
	json_array_foreach((json_t *)(uintptr_t)problems, i, p) {
		bool removed = json_is_true(json_object_get(p, "removed"));

		out_row(&o);
		out_str(&o, "id", text_of(p, "id"));
		out_str(&o, "name", text_of(p, "name"));
		out_str(&o, "problem", text_of(p, "problem"));
		out_bool(&o, "removed", removed);
		out_str(&o, "why", text_of(p, "why"));
		left |= !removed;
	}
	if (out_end(&o, err) < 0)
		return -1;
	if (!json_array_size(problems))
		out_note(ctx, "nothing is to be mended");
	return left ? err_exit(ERR_CORRUPT) : 0;
}

void doctor_report_snapshots(struct ctx *ctx, const char *state)
{
	struct client_options options = { .state_dir = state, .no_start = true };
	CLEANUP(client_free) struct client *c = NULL;
	cleanup_json json_t *result = NULL;
	struct error ignored;
	char event[32];
	json_int_t id;
	size_t n;

	if (client_connect(&options, &c, &ignored) < 0 ||
	    client_send(c, "snapshot.repair", json_pack("{s:b}", "dry_run", true), NULL, 0, &id,
			&ignored) < 0 ||
	    client_next(c, id, PATIENCE_MS, event, &result, &ignored) <= 0)
		return;
	n = json_array_size(json_object_get(result, "problems"));
	if (n)
		fprintf(ctx->out, "\n%zu snapshots or layers are damaged: 'faas doctor --repair --dry-run' "
			"shows which.\n", n);
}
