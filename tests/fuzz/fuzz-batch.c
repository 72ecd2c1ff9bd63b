/*
 * Any line of a batch: it is a request with something to run, or an error with a
 * message; and everything is released.
 */

#include <stdint.h>
#include <stdlib.h>

#include "lib/client/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct batch_request r;
	struct error err = { 0 };

	if (batch_parse((const char *)data, size, &r, &err) < 0) {
		if (!err.code || !err.msg[0])
			abort();
	} else if (!r.words.n || r.words.v[r.words.n] || (r.input_len && !r.input)) {
		abort();
	}
	batch_release(&r);
	return 0;
}
