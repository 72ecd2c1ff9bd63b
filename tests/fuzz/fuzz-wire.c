/*
 * Any bytes on a connection, in pieces of any size: what comes out are objects, in
 * the same number however the bytes were cut, and a failure has a message that
 * can be sent back.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/wire/wire.h"

/* How many frames there are; 1000 more when they end with an error. */
static int frames(const uint8_t *data, size_t size, size_t piece)
{
	struct wire w;
	struct error err;
	int sv[2], n = 0, r = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) < 0)
		abort();
	wire_init(&w, sv[0]);
	while (size && r >= 0) {
		size_t len = size < piece ? size : piece;
		json_t *j = NULL;

		if (write(sv[1], data, len) != (ssize_t)len)
			abort();
		data += len;
		size -= len;
		memset(&err, 0, sizeof(err));
		if (wire_fill(&w, &err) != 1)
			abort();
		while ((r = wire_next(&w, &j, &err)) > 0) {
			if (!json_is_object(j))
				abort();
			json_decref(j);
			n++;
		}
	}
	if (r < 0) {
		cleanup_json json_t *error = wire_error(&err);
		char *text = json_dumps(error, 0);

		if (!err.msg[0] || err.code != ERR_PROTOCOL || !text)
			abort();
		free(text);
		n += 1000;
	}
	wire_release(&w);
	close(sv[1]);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 16384)
		return 0;
	if (frames(data, size, size ? size : 1) != frames(data, size, 7))
		abort();
	return 0;
}
