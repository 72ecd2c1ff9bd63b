/*
 * Any JSON as the parameters of every operation: what is refused has a message;
 * an execution that is taken has a body that reads as protocol.h says, to its last
 * byte, and a record that can be reported.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/api/operation.h"
#include "lib/executor/executor.h"

static const char *at, *end;

static const char *word(void)
{
	const char *s = at, *nul = memchr(at, '\0', (size_t)(end - at));

	if (!nul)
		abort();
	at = nul + 1;
	return s;
}

static unsigned long words(void)
{
	unsigned long n = 0;

	for (const char *s = word(); *s; s++)
		n = n * 10 + (unsigned long)(*s - '0');
	return n;
}

static void check_body(const struct run *run)
{
	at = run->body;
	end = at + run->body_len;
	if (*word() != '/')
		abort();
	(void)word();
	for (unsigned long n = words(); n; n--)
		if (strchr(word(), '=') == NULL)
			abort();
	for (uint32_t i = 0; i < run->msg.n_steps; i++)
		for (unsigned long a = words(); a; a--)
			for (unsigned long n = words(); n; n--)
				(void)word();
	if (at != end || !run->msg.n_steps)
		abort();
}

static void read_request(const json_t *params)
{
	struct slot host = { .name = "host", .number = 1 };
	struct executor x = { .spawner = { .up = true, .cgroups = 1 }, .slots = &host,
			      .memory_total = 1ull << 32, .state_dir = -1 };
	struct run *run = run_new(&x);
	struct error err = { 0 };
	struct slot *slot;
	bool cached;

	if (json_object_get(params, "environment"))
		json_object_set_new((json_t *)(uintptr_t)params, "environment",
				    json_string("host"));
	if (request_read(&x, params, run, &slot, &cached, &err) < 0) {
		if (!err.msg[0])
			abort();
	} else {
		json_t *j = report_execution(&run->rec);
		char *text = json_dumps(j, 0);

		if (!text)
			abort();
		free(text);
		json_decref(j);
		check_body(run);
	}
	run_free(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_json json_t *params = json_loadb(
	    (const char *)data, size, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(params))
		return 0;
	for (int i = 0; i < OP__MAX; i++) {
		struct error err = { 0 };

		if (operation_check(operation_at(i), params, &err) < 0) {
			if (!err.msg[0] || err.code != ERR_USAGE)
				abort();
		} else if (i == OP_EXECUTION_CREATE) {
			read_request(params);
		}
	}
	return 0;
}
