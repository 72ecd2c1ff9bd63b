#ifndef FAAS_CLIENT_REQUEST_H
#define FAAS_CLIENT_REQUEST_H

/*
 * What a program says in struct faas_execute (lib/client/faas.h), as what the executor
 * and lib/client/execution.h take; and a record as struct faas_result. No executor is
 * asked.
 */

#include "lib/client/code.h"
#include "lib/client/faas.h"

/* Everything of execution.create but "steps" and "language". */
int request_params(const struct faas_execute *run, json_t **ret, struct error *err)
	_must_check_;
/* Adds lists "NAME=value" to an object; the later one wins. what: in the error. */
int request_pairs(const char *const *list, const char *what, json_t *to,
		  struct error *err) _must_check_;

/* Is exactly one thing to be run, and are its streams possible? */
int request_check(const struct faas_execute *run, struct error *err) _must_check_;

/* The files to send: first those of the plan. Release it either way. */
struct request_files {
	struct execution_file *v;
	int n;
};
int request_files(const struct faas_execute *run, const struct code_plan *plan,
		  struct request_files *ret, struct error *err) _must_check_;
void request_files_release(struct request_files *files);

/* Bytes as a file to read from its beginning. */
int request_memory(const void *data, size_t size, int *ret_fd, struct error *err)
	_must_check_;

/* The record as JSON and in fields; out and err stay empty. */
int request_result(const json_t *record, struct faas_result *ret, struct error *err)
	_must_check_;
/* JSON as text for faas_free(), whatever allocator jansson was given. */
char *request_text(const json_t *j) _must_check_;

#endif
