#include <stdlib.h>
#include <string.h>

#include "cmd/snapshot.h"

/*
 * faas branch tree: which branch began where. A branch that began somewhere in the line
 * of another one is below that one; the others are below the snapshot they began at.
 */

enum { DEPTH_MAX = 1000 };

struct node {
	const char *name, *base, *head;
	const struct node *above;	/* the branch that it began on, or NULL */
	size_t states;			/* from base to head */
};

struct forest {
	struct node *nodes;
	size_t n;
	const json_t *by_id;		/* snapshots */
	FILE *out;
};

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static const char *parent_of(const struct forest *f, const char *id)
{
	return text_of(json_object_get(f->by_id, id), "parent");
}

/* Is that a state of the branch's own? If so, 1 + how far below the head. */
static size_t depth_in(const struct forest *f, const struct node *b, const char *id)
{
	const char *at = b->head;

	for (size_t n = 1; at && strcmp(at, b->base); n++, at = parent_of(f, at))
		if (!strcmp(at, id))
			return n;
	return 0;
}

static void arrange(struct forest *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct node *b = &f->nodes[i];
		const char *at = b->head;

		for (; at && strcmp(at, b->base); at = parent_of(f, at))
			b->states++;
		for (size_t k = 0; k < f->n && !b->above; k++)
			if (k != i && depth_in(f, &f->nodes[k], b->base))
				b->above = &f->nodes[k];
	}
}

/* What a person calls the snapshot. */
static const char *called(const struct forest *f, const char *id)
{
	const char *name = text_of(json_object_get(f->by_id, id), "name");

	return name ? name : id;
}

static bool belongs(const struct node *b, const struct node *above, const char *base)
{
	return above ? b->above == above : !b->above && !strcmp(b->base, base);
}

static int print_below(const struct forest *f, const struct node *above, const char *base,
		       const char *indent, int depth, struct error *err)
{
	size_t left = 0;

	if (depth > DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "branches are nested deeper than %d", DEPTH_MAX);
	for (size_t i = 0; i < f->n; i++)
		left += belongs(&f->nodes[i], above, base);
	for (size_t i = 0; i < f->n; i++) {
		const struct node *b = &f->nodes[i];
		cleanup_free char *deeper = NULL;

		if (!belongs(b, above, base))
			continue;
		left--;
		fprintf(f->out, "%s%s%s  %s%s%zu state%s\n", indent, left ? "|-- " : "`-- ", b->name,
			above ? called(f, b->base) : "", above ? "  " : "", b->states,
			b->states == 1 ? "" : "s");
		if (asprintf(&deeper, "%s%s", indent, left ? "|   " : "    ") < 0)
			return err_set(err, ERR_LIMIT, "no memory");
		if (print_below(f, b, NULL, deeper, depth + 1, err) < 0)
			return -1;
	}
	return 0;
}

/* Each snapshot at which branches began that began on no branch, once. */
static int print_all(const struct forest *f, struct error *err)
{
	for (size_t i = 0; i < f->n; i++) {
		bool before = false;

		for (size_t k = 0; k < i; k++)
			before |= !f->nodes[k].above && !strcmp(f->nodes[k].base, f->nodes[i].base);
		if (f->nodes[i].above || before)
			continue;
		fprintf(f->out, "%s\n", called(f, f->nodes[i].base));
		if (print_below(f, NULL, f->nodes[i].base, "", 0, err) < 0)
			return -1;
	}
	return 0;
}

static const struct out_column columns[] = {
	{ "name" }, { "above" }, { "base" }, { "head" }, { "states", .flags = OUT_RIGHT }, { NULL }
};

static int put_rows(const struct forest *f, struct ctx *ctx, struct error *err)
{
	const struct out_opts opts = { 0 };
	struct out o;

	out_list(&o, ctx, &opts, "branches", columns);
	for (size_t i = 0; i < f->n; i++) {
		const struct node *b = &f->nodes[i];

		out_row(&o);
		out_str(&o, "name", b->name);
		out_str(&o, "above", b->above ? b->above->name : NULL);
		out_str(&o, "base", b->base);
		out_str(&o, "head", b->head);
		out_uint(&o, "states", b->states);
	}
	return out_end(&o, err);
}

#define ARGS struct tree_args
ARGS {
	int unused;
};

static const struct opt tree_opts[] = { OPT_END };

static int tree_run(struct ctx *ctx, const void *p, struct error *err)
{
	cleanup_json json_t *branches = NULL;
	cleanup_json json_t *snapshots = NULL;
	cleanup_json json_t *by_id = json_object();
	cleanup_free struct node *nodes = NULL;
	struct forest f = { .out = ctx->out, .by_id = by_id };
	json_t *j;
	size_t i;

	(void)p;
	if (executor_call("branch.list", NULL, &branches, err) < 0 ||
	    executor_call("snapshot.list", NULL, &snapshots, err) < 0)
		return -1;
	json_array_foreach(snapshots, i, j)
		json_object_set(by_id, text_of(j, "id"), j);
	nodes = calloc(json_array_size(branches) + 1, sizeof(*nodes));
	if (!nodes)
		return err_set(err, ERR_LIMIT, "no memory");
	f.nodes = nodes;
	f.n = json_array_size(branches);
	json_array_foreach(branches, i, j)
		nodes[i] = (struct node){ .name = text_of(j, "name"), .base = text_of(j, "base"),
					  .head = text_of(j, "head") };
	arrange(&f);
	return ctx->json ? put_rows(&f, ctx, err) : print_all(&f, err);
}

const struct cmd branch_tree = {
	.name = "tree",
	.summary = "show which branch began on which",
	.args_size = sizeof(ARGS),
	.opts = tree_opts,
	.run = tree_run,
};
