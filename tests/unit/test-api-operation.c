#include "lib/api/operation.h"

#include "lib/wire/wire.h"
#include "tests/unit/test.h"

static struct error err;

/* What each type takes, and then what it does not. */
static json_t *of_type(enum field_type type)
{
	switch (type) {
	case FIELD_STRING:
		return json_string("x");
	case FIELD_INTEGER:
		return json_integer(7);
	case FIELD_BOOLEAN:
		return json_false();
	case FIELD_OBJECT:
		return json_object();
	case FIELD_ARRAY:
		return json_array();
	}
	abort();
}

static json_t *all_fields(const struct operation *op, bool required_only)
{
	json_t *params = json_object();

	for (const struct field *f = op->fields; f->name; f++)
		if (f->required || !required_only)
			json_object_set_new(params, f->name, of_type(f->type));
	return params;
}

static void refused(const struct operation *op, json_t *params, const char *name)
{
	err = (struct error){ 0 };
	check(operation_check(op, params, &err) == -1);
	check(err.code == ERR_USAGE && strstr(err.msg, name));
}

TEST(every_operation_is_found_by_its_name)
{
	for (int i = 0; i < OP__MAX; i++) {
		check(operation_find(operation_at(i)->name) == i);
		for (int k = 0; k < i; k++) {
			const struct operation *a = operation_at(i), *b = operation_at(k);

			check(strcmp(a->name, b->name));
			check(strcmp(a->method, b->method) || strcmp(a->path, b->path));
		}
	}
	check(operation_find("") == -1);
	check(operation_find("execution") == -1);
	check(operation_find("execution.createx") == -1);
	check(operation_find("HELLO") == -1);
}

TEST(every_route_is_whole)
{
	static const char *const scopes[] = {"none", "read", "execute", "environment",
					     "snapshot", "instance", "admin"};
	static const char *const methods[] = { "GET", "POST", "PATCH", "DELETE" };

	for (int i = 0; i < OP__MAX; i++) {
		const struct operation *op = operation_at(i);
		const char *open = strchr(op->path, '{');
		bool scope = false, method = false;

		for (size_t k = 0; k < ARRAY_SIZE(scopes); k++)
			scope |= !strcmp(op->scope, scopes[k]);
		for (size_t k = 0; k < ARRAY_SIZE(methods); k++)
			method |= !strcmp(op->method, methods[k]);
		check(scope && method && op->path[0] == '/' && op->summary[0]);
		if (!open)
			continue;
		/* what is in the path is a field, text, and needed */
		bool found = false;

		for (const struct field *f = op->fields; f->name; f++)
			if (!strncmp(f->name, open + 1, strlen(f->name)) &&
			    open[1 + strlen(f->name)] == '}')
				found = f->required && f->type == FIELD_STRING;
		check(found);
	}
}

TEST(every_field_is_named_once_and_explained)
{
	for (int i = 0; i < OP__MAX; i++)
		for (const struct field *f = operation_at(i)->fields; f->name; f++) {
			check(f->help && *f->help);
			for (const struct field *g = f + 1; g->name; g++)
				check(strcmp(f->name, g->name));
		}
}

TEST(what_is_right_passes)
{
	for (int i = 0; i < OP__MAX; i++) {
		const struct operation *op = operation_at(i);
		cleanup_json json_t *all = all_fields(op, false);
		cleanup_json json_t *few = all_fields(op, true);

		check(!operation_check(op, all, &err));
		check(!operation_check(op, few, &err));
		check(operation_check(op, NULL, &err) ==
		      (json_object_size(few) ? -1 : 0));
	}
}

TEST(an_unknown_field_is_named)
{
	for (int i = 0; i < OP__MAX; i++) {
		cleanup_json json_t *params = all_fields(operation_at(i), false);

		json_object_set_new(params, "surprise", json_true());
		refused(operation_at(i), params, "no field 'surprise'");
	}
}

TEST(a_missing_field_is_named)
{
	for (int i = 0; i < OP__MAX; i++)
		for (const struct field *f = operation_at(i)->fields; f->name; f++) {
			cleanup_json json_t *params = all_fields(operation_at(i), false);

			json_object_del(params, f->name);
			if (f->required)
				refused(operation_at(i), params, f->name);
			else
				check(!operation_check(operation_at(i), params, &err));
		}
}

TEST(every_other_type_is_refused)
{
	for (int i = 0; i < OP__MAX; i++)
		for (const struct field *f = operation_at(i)->fields; f->name; f++) {
			json_t *values[] = {
			    json_string("x"), json_integer(7),	json_false(),
			    json_object(),    json_array(),	json_null(),
			    json_real(7.5),   json_integer(-1), json_stringn("a\0b", 3),
			};

			for (size_t k = 0; k < ARRAY_SIZE(values); k++) {
				cleanup_json json_t *params =
				    all_fields(operation_at(i), false);

				json_object_set_new(params, f->name, values[k]);
				if ((size_t)f->type == k)
					check(!operation_check(operation_at(i), params,
							       &err));
				else
					refused(operation_at(i), params, f->name);
			}
		}
}

TEST_MAIN;
