#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/client/handle.h"
#include "lib/client/request.h"

/*
 * Snapshots and branches, as libfaas gives them.
 */

static int failed(const struct error *err, struct faas_error *ret)
{
	return handle_fail(err, err_exit(err->code), ret);
}

/* A copy of the text, or NULL where there is none; *bad when there is no memory. */
static char *copy(const json_t *j, const char *key, bool *bad)
{
	const char *text = json_string_value(json_object_get(j, key));
	char *s = text ? strdup(text) : NULL;

	*bad |= text && !s;
	return s;
}

void faas_snapshot_free(struct faas_snapshot *s)
{
	if (!s)
		return;
	free(s->name);
	free(s->parent);
	free(s->environment);
	free(s->execution);
	free(s->comment);
	free(s->record);
	free(s);
}

void faas_branch_free(struct faas_branch *b)
{
	if (!b)
		return;
	free(b->name);
	free(b->base);
	free(b->head);
	free(b->record);
	free(b);
}

static void *make_snapshot(const json_t *j)
{
	const char *id = json_string_value(json_object_get(j, "id"));
	struct faas_snapshot *s = calloc(1, sizeof(*s));
	bool bad = !id;

	if (!s)
		return NULL;
	(void)snprintf(s->id, sizeof(s->id), "%s", id ? id : "");
	s->name = copy(j, "name", &bad);
	s->parent = copy(j, "parent", &bad);
	s->environment = copy(j, "environment", &bad);
	s->execution = copy(j, "execution", &bad);
	s->comment = copy(j, "comment", &bad);
	s->created_ms = json_integer_value(json_object_get(j, "created_ms"));
	s->record = request_text(j);
	if (!bad && s->record)
		return s;
	faas_snapshot_free(s);
	return NULL;
}

static void *make_branch(const json_t *j)
{
	struct faas_branch *b = calloc(1, sizeof(*b));
	bool bad = false;

	if (!b)
		return NULL;
	b->name = copy(j, "name", &bad);
	b->base = copy(j, "base", &bad);
	b->head = copy(j, "head", &bad);
	b->created_ms = json_integer_value(json_object_get(j, "created_ms"));
	b->record = request_text(j);
	if (!bad && b->name && b->base && b->head && b->record)
		return b;
	faas_branch_free(b);
	return NULL;
}

static int get(struct faas *f, const char *operation, json_t *params,
	       void *(*make)(const json_t *j), void **ret, struct faas_error *error)
{
	cleanup_json json_t *result = NULL;
	struct error err;

	if (handle_call(f, operation, params, NULL, 0, &result, &err) < 0)
		return failed(&err, error);
	if (!make)
		return 0;
	*ret = make(result);
	if (*ret)
		return 0;
	(void)err_sys(&err, ENOMEM, "keep the result");
	return failed(&err, error);
}

static int list(struct faas *f, const char *operation, void *(*make)(const json_t *j),
		void (*release)(void *one), void ***ret, size_t *ret_n,
		struct faas_error *error)
{
	cleanup_json json_t *result = NULL;
	struct error err;
	size_t n, i;
	json_t *j;
	void **v;

	if (handle_call(f, operation, NULL, NULL, 0, &result, &err) < 0)
		return failed(&err, error);
	n = json_array_size(result);
	v = calloc(n + 1, sizeof(*v));
	json_array_foreach(result, i, j) {
		if (v)
			v[i] = make(j);
		if (v && v[i])
			continue;
		for (size_t k = 0; v && k < i; k++)
			release(v[k]);
		free(v);
		v = NULL;
		break;
	}
	if (!v) {
		(void)err_sys(&err, ENOMEM, "keep the list");
		return failed(&err, error);
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

static void release_snapshot(void *one)
{
	faas_snapshot_free(one);
}

static void release_branch(void *one)
{
	faas_branch_free(one);
}

static void release_list(void **v, void (*release)(void *one))
{
	for (void **at = v; v && *at; at++)
		release(*at);
	free(v);
}

void faas_snapshots_free(struct faas_snapshot **v)
{
	release_list((void **)v, release_snapshot);
}

void faas_branches_free(struct faas_branch **v)
{
	release_list((void **)v, release_branch);
}

int faas_snapshot_get(struct faas *f, const char *what, struct faas_snapshot **ret,
		      struct faas_error *error)
{
	return get(f, "snapshot.get", json_pack("{s:o}", "id", client_text(what)), make_snapshot,
		   (void **)ret, error);
}

int faas_snapshot_list(struct faas *f, struct faas_snapshot ***ret, size_t *ret_n,
		       struct faas_error *error)
{
	return list(f, "snapshot.list", make_snapshot, release_snapshot, (void ***)ret, ret_n,
		    error);
}

int faas_snapshot_delete(struct faas *f, const char *what, struct faas_error *error)
{
	return get(f, "snapshot.delete", json_pack("{s:o}", "id", client_text(what)), NULL, NULL,
		   error);
}

int faas_branch_create(struct faas *f, const char *name, const char *from,
		       struct faas_branch **ret, struct faas_error *error)
{
	return get(f, "branch.create", json_pack("{s:o,s:o}", "name", client_text(name), "from",
						 client_text(from)),
		   ret ? make_branch : NULL, (void **)ret, error);
}

int faas_branch_get(struct faas *f, const char *name, struct faas_branch **ret,
		    struct faas_error *error)
{
	return get(f, "branch.get", json_pack("{s:o}", "name", client_text(name)), make_branch,
		   (void **)ret, error);
}

int faas_branch_list(struct faas *f, struct faas_branch ***ret, size_t *ret_n,
		     struct faas_error *error)
{
	return list(f, "branch.list", make_branch, release_branch, (void ***)ret, ret_n, error);
}

int faas_branch_delete(struct faas *f, const char *name, struct faas_error *error)
{
	return get(f, "branch.delete", json_pack("{s:o}", "name", client_text(name)), NULL, NULL,
		   error);
}
