#include "cmd/command.h"
#include "cmd/doctor-repair.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/client/client.h"
#include "lib/doctor/doctor.h"
#include "lib/doctor/state.h"

/*
 * faas doctor: what this host can do, what it cannot, and what to do about it.
 */

#define ARGS struct doctor_args
ARGS {
	const char *state;
	bool repair, dry_run;
	struct opt_rest features;
};

static const struct opt doctor_opts[] = {
	OPT_STR('\0', "state", "dir", ARGS, state, HINT_DIR,
		"look at <dir> instead of where this user's state is kept"),
	OPT_FLAG('\0', "repair", ARGS, repair,
		 "remove layers of no snapshot, and snapshots whose files are gone"),
	OPT_FLAG('\0', "dry-run", ARGS, dry_run, "with --repair: only print what"),
	OPERAND_REST("feature", ARGS, features,
		     "fail unless each <feature> is usable; without one, execute"),
	OPT_END
};

struct report {
	struct doctor_check_result *checks;
	size_t n, size;
};

static void report_release(struct report *r)
{
	free(r->checks);
}

static void collect(const struct doctor_check_result *r, void *arg)
{
	struct report *report = arg;

	if (report->n < report->size)
		report->checks[report->n++] = *r;
}

static bool asked(const ARGS *a, const char *feature)
{
	for (int i = 0; i < a->features.n; i++)
		if (!strcmp(a->features.v[i], feature))
			return true;
	return a->features.n == 0;
}

static int check_names(const ARGS *a, struct error *err)
{
	char names[240] = "";

	for (int i = 0; i < a->features.n; i++) {
		const char *near;

		if (doctor_feature_find(a->features.v[i]))
			continue;
		(void)err_set(err, ERR_USAGE, "no feature '%s'", a->features.v[i]);
		near = doctor_feature_nearest(a->features.v[i]);
		if (near)
			return err_hint(err, "did you mean '%s'?", near);
		for (const struct doctor_feature *f = doctor_features; f->name; f++)
			(void)snprintf(names + strlen(names),
				       sizeof(names) - strlen(names), " %s", f->name);
		return err_hint(err, "one of:%s", names);
	}
	return 0;
}

/* Is the check needed by a feature that was asked for? */
static bool relevant(const ARGS *a, const char *check)
{
	for (const struct doctor_feature *f = doctor_features; f->name; f++)
		if (asked(a, f->name) && doctor_feature_needs(f, check))
			return true;
	return false;
}

static void quoted(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void json_field(FILE *out, const char *name, const char *value)
{
	fprintf(out, ",\"%s\":", name);
	quoted(out, value);
}

static void json_check(FILE *out, const struct doctor_check_result *r)
{
	const char *comma = "";

	fputs("{\"name\":", out);
	quoted(out, r->name);
	json_field(out, "group", r->group);
	json_field(out, "verdict", doctor_verdict_name(r->verdict));
	json_field(out, "detail", r->detail);
	json_field(out, "effect", r->effect);
	json_field(out, "fix", r->fix);
	fprintf(out, ",\"duration_us\":%llu,\"features\":[", (unsigned long long)r->us);
	for (const struct doctor_feature *f = doctor_features; f->name; f++) {
		if (!doctor_feature_needs(f, r->name))
			continue;
		fputs(comma, out);
		quoted(out, f->name);
		comma = ",";
	}
	fputs("]}", out);
}

/* "a|b" becomes two names: each of them alone would do. */
static void json_missing(FILE *out, const char *const *needs)
{
	const char *comma = "";

	fputs(",\"missing\":[", out);
	for (; *needs; needs++)
		for (const char *w = *needs; *w;) {
			size_t len = strcspn(w, "|");

			fprintf(out, "%s\"%.*s\"", comma, (int)len, w);
			comma = ",";
			w += len + (w[len] == '|');
		}
	fputs("]}", out);
}

static void print_json(FILE *out, const ARGS *a, const struct report *report)
{
	const char *comma = "";

	fputs("{\"schema\":\"faas.v1\",\"checks\":[", out);
	for (size_t i = 0; i < report->n; i++) {
		fputs(i ? "," : "", out);
		json_check(out, &report->checks[i]);
	}
	fputs("],\"features\":[", out);
	for (const struct doctor_feature *f = doctor_features; f->name; f++) {
		struct doctor_feature_result r;

		if (!asked(a, f->name))
			continue;
		doctor_feature_judge(f, report->checks, report->n, &r);
		fprintf(out, "%s{\"name\":", comma);
		quoted(out, f->name);
		json_field(out, "summary", f->summary);
		fprintf(out, ",\"usable\":%s,\"degraded\":%s", r.usable ? "true" : "false",
			r.degraded ? "true" : "false");
		json_missing(out, r.missing);
		comma = ",";
	}
	fputs("]}\n", out);
}

static const char *color_of(const struct ctx *ctx, enum doctor_verdict v)
{
	static const char *const codes[] = {
		[DOCTOR_OK] = "\033[32m", [DOCTOR_DEGRADED] = "\033[33m",
		[DOCTOR_MISSING] = "\033[31m", [DOCTOR_UNKNOWN] = "\033[35m",
	};

	return ctx->color ? codes[v] : "";
}

static void print_table(const struct ctx *ctx, const struct report *report)
{
	const char *group = "";

	fprintf(ctx->out, "%-24s %-9s %s\n", "CHECK", "VERDICT", "DETAIL");
	for (size_t i = 0; i < report->n; i++) {
		const struct doctor_check_result *r = &report->checks[i];

		if (strcmp(group, r->group))
			fprintf(ctx->out, "%s:\n", r->group);
		group = r->group;
		fprintf(ctx->out, "  %-22s %s%-9s%s %s\n", r->name,
			color_of(ctx, r->verdict), doctor_verdict_name(r->verdict),
			ctx->color ? "\033[0m" : "", r->detail);
		if (ctx->verbose)
			fprintf(ctx->out, "    effect: %s\n    fix: %s\n", r->effect, r->fix);
	}
}

/* The checks behind one need that is not met, each with its way out. */
static void print_need(FILE *out, const struct report *report, const char *need)
{
	const char *word = "needs";

	for (size_t i = 0; i < report->n; i++) {
		const struct doctor_check_result *r = &report->checks[i];

		if (!doctor_need_names(need, r->name))
			continue;
		fprintf(out, "  %s %s: %s\n      fix: %s\n", word, r->name, r->detail,
			r->fix);
		word = "or";
	}
}

static void print_features(const struct ctx *ctx, const ARGS *a,
			   const struct report *report)
{
	bool all = true;

	for (const struct doctor_feature *f = doctor_features; f->name; f++) {
		struct doctor_feature_result r;

		if (!asked(a, f->name))
			continue;
		doctor_feature_judge(f, report->checks, report->n, &r);
		if (r.usable)
			continue;
		if (all)
			fputs("\nDoes not work here:\n", ctx->out);
		all = false;
		fprintf(ctx->out, "\n%s (%s)\n", f->name, f->summary);
		for (const char *const *need = r.missing; *need; need++)
			print_need(ctx->out, report, *need);
	}
	if (all)
		fputs("\nEverything that was asked for works here.\n", ctx->out);
}

/* 6 when something that was asked for, or execute, is unusable. */
static int status_of(const ARGS *a, const struct report *report)
{
	for (const struct doctor_feature *f = doctor_features; f->name; f++) {
		struct doctor_feature_result r;

		if (a->features.n ? !asked(a, f->name) : strcmp(f->name, "execute") != 0)
			continue;
		doctor_feature_judge(f, report->checks, report->n, &r);
		if (!r.usable)
			return err_exit(ERR_UNSUPPORTED);
	}
	return 0;
}

static int doctor_run_command(struct ctx *ctx, const void *args, struct error *err)
{
	const ARGS *a = args;
	__attribute__((cleanup(report_release))) struct report report = {
		.size = doctor_count(),
	};
	cleanup_free const char **names = NULL;
	char state[STATE_PATH];
	struct doctor_request req = { .state_dir = a->state ? a->state : state };
	size_t n = 0;

	if (a->dry_run && !a->repair)
		return err_set(err, ERR_USAGE, "'--dry-run' is of '--repair'");
	if (a->repair && a->features.n)
		return err_set(err, ERR_USAGE, "'--repair' looks at what is kept, and at no feature");
	if (a->repair)
		return doctor_repair(ctx, a->state, a->dry_run, err);
	if (check_names(a, err) < 0 ||
	    (!a->state && client_state_dir(NULL, state, sizeof(state), err) < 0))
		return -1;
	report.checks = calloc(report.size, sizeof(*report.checks));
	names = calloc(report.size + 1, sizeof(*names));
	if (!report.checks || !names)
		abort();
	if (a->features.n) {
		for (size_t i = 0; i < report.size; i++)
			if (relevant(a, doctor_check_name(i)))
				names[n++] = doctor_check_name(i);
		req.checks = names;
	}
	if (doctor_run(&req, collect, &report, err) < 0)
		return -1;
	if (ctx->json) {
		print_json(ctx->out, a, &report);
	} else {
		print_table(ctx, &report);
		print_features(ctx, a, &report);
		doctor_report_snapshots(ctx, a->state);
	}
	return status_of(a, &report);
}

const struct cmd cmd_doctor = {
	.name = "doctor",
	.summary = "show what this host can run, and how to fix what it cannot",
	.args_size = sizeof(ARGS),
	.opts = doctor_opts,
	.run = doctor_run_command,
};
